"""The stems' statistics are those of the weights that go out."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from roborefer.training.pointing.run import STATE, load_average
from roborefer.training.pointing.stem_statistics import settle_statistics

from ...models.pointing_models import pointing_config, pointing_model  # noqa: TID252 - shared models
from .made_up_views import view_folder
from .test_run import made_lesson, teach


def first_norm(model: nn.Module, part: str) -> tuple[nn.Module, nn.BatchNorm2d]:
    """The first convolution of a tower's stem, and what normalizes it."""
    convolution, norm = next(iter(model.get_submodule(f"{part}.stem.stages").children())).children()
    assert isinstance(norm, nn.BatchNorm2d)
    return convolution, norm


def test_statistics_are_the_mean_over_the_batches() -> None:
    model = pointing_model(pointing_config())
    size = model.config.tile_size
    generator = torch.Generator().manual_seed(3)
    batches = [{"pixel_values": torch.randn(2, 3, size, size, generator=generator)} for _ in range(3)]
    batches[1]["depth_values"] = torch.randn(2, 3, size, size, generator=generator)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items() if "running" not in name}
    settle_statistics(model, batches)
    for part, seen in (
        ("vision_tower", [batch["pixel_values"] for batch in batches]),
        ("depth_tower", [batches[1]["depth_values"]]),
    ):
        convolution, norm = first_norm(model, part)
        with torch.no_grad():
            outputs = [convolution(pixels) for pixels in seen]
        mean = torch.stack([output.mean(dim=(0, 2, 3)) for output in outputs]).mean(dim=0)
        variance = torch.stack([output.var(dim=(0, 2, 3)) for output in outputs]).mean(dim=0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert torch.allclose(norm.running_mean, mean, atol=1e-5)
        assert torch.allclose(norm.running_var, variance, rtol=1e-4)
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in kept.items())
    assert not model.training


def test_without_depth_its_statistics_stay() -> None:
    model = pointing_model(pointing_config())
    before = first_norm(model, "depth_tower")[1].running_mean.clone()  # type: ignore[union-attr]
    size = model.config.tile_size
    settle_statistics(model, [{"pixel_values": torch.randn(2, 3, size, size)}])
    after = first_norm(model, "depth_tower")[1].running_mean
    assert after is not None
    assert torch.equal(after, before)


def test_a_run_ends_with_statistics_of_its_averaged_weights(scenes: Path, tmp_path: Path) -> None:
    taught = teach(view_folder(scenes, questions=3, reasoning=0.3), tmp_path)
    kept = made_lesson()
    load_average(kept, tmp_path)
    assert (tmp_path / STATE).exists()
    ours, theirs = (first_norm(lesson.model, "vision_tower")[1].running_mean for lesson in (taught, kept))
    assert ours is not None
    assert theirs is not None
    assert not torch.equal(ours, theirs)
    for name, parameter in taught.named_parameters():
        assert torch.equal(parameter, dict(kept.named_parameters())[name]), name
