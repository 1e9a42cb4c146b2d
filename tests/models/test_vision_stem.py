"""ConvolutionalStem: what it computes, step by step, and that a checkpoint can hold it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d

from roborefer.models.vision_stem import ConvolutionalStem

from .pointing_models import pointing_model

CHANNELS = (4, 6, 8)


def stem() -> ConvolutionalStem:
    torch.manual_seed(0)
    made = ConvolutionalStem(CHANNELS).eval()
    for name, buffer in made.named_buffers():
        if "running" in name:
            buffer.copy_((torch.rand(buffer.shape) - 0.5) * 0.2 + ("var" in name))
    return made


@pytest.fixture
def pixels() -> Tensor:
    return torch.randn(2, 3, 32, 16, generator=torch.Generator().manual_seed(1))


def convolved(features: Tensor, weights: dict[str, Tensor], name: str, stride: int = 1) -> Tensor:
    """A convolution without bias and the normalisation behind it, from the weights in a checkpoint."""
    features = conv2d(features, weights[f"{name}.0.weight"], stride=stride, padding=1)
    norm = [weights[f"{name}.1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return batch_norm(features, *norm)


@torch.no_grad()
def test_it_is_three_halvings_with_residual_blocks(pixels: Tensor) -> None:
    made = stem()
    weights = made.state_dict()
    features = convolved(pixels, weights, "stages.0", stride=2).relu()
    for place in (2, 5):
        features = convolved(features, weights, f"stages.{place}", stride=2).relu()
        inner = convolved(features, weights, f"stages.{place + 2}.first").relu()
        features = (features + convolved(inner, weights, f"stages.{place + 2}.second")).relu()
    seen = made(pixels)
    assert seen.shape == (2, 8, 4, 2)
    assert (seen > 0).float().mean() > 0.3
    assert torch.allclose(seen, features, atol=1e-6)


def test_a_picture_is_seen_alone_in_evaluation(pixels: Tensor) -> None:
    made = stem()
    with torch.no_grad():
        assert torch.allclose(made(pixels[:1]), made(pixels)[:1], atol=1e-6)


def test_statistics_follow_the_pictures_of_training(pixels: Tensor) -> None:
    made = stem().train()
    before = made.stages[0][1].running_mean.clone()
    made(pixels)
    first = conv2d(pixels, made.stages[0][0].weight, stride=2, padding=1)
    expected = 0.9 * before + 0.1 * first.mean(dim=(0, 2, 3))
    assert torch.allclose(made.stages[0][1].running_mean, expected, atol=1e-5)


def test_all_of_it_is_floating_point_and_follows_the_type() -> None:
    made = stem().bfloat16()
    assert {tensor.dtype for tensor in made.state_dict().values()} == {torch.bfloat16}
    norms = [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 7
    made.train()
    made(torch.randn(2, 3, 16, 16).bfloat16())
    assert all(norm.num_batches_tracked == 1 for norm in norms)


def test_fine_tuning_keeps_the_statistics() -> None:
    model = pointing_model()
    size = model.config.tile_size
    before = {name: buffer.clone() for name, buffer in model.named_buffers() if "running" in name}
    assert before
    model.set_trainable("sft")
    model.train()
    assert model.training
    with torch.no_grad():
        model.look(torch.randn(2, 3, size, size), torch.randn(2, 3, size, size))
    assert all(torch.equal(buffer, dict(model.named_buffers())[name]) for name, buffer in before.items())
    assert any(parameter.requires_grad for parameter in model.vision_tower.stem.parameters())


def test_teaching_from_nothing_moves_them() -> None:
    model = pointing_model().train()
    size = model.config.tile_size
    before = {name: buffer.clone() for name, buffer in model.named_buffers() if "running" in name}
    with torch.no_grad():
        model.look(torch.randn(2, 3, size, size), torch.randn(2, 3, size, size))
    assert not any(torch.equal(buffer, dict(model.named_buffers())[name]) for name, buffer in before.items())
