"""The stages from the command to the model on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from click.testing import CliRunner, Result

from roborefer.cli.main import roborefer as command_line
from roborefer.errors import InputError
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.configuration import LoraConfig, read_config
from roborefer.training.processes import Processes
from roborefer.training.run_folder import RunFolder
from roborefer.training.stages import export, prepare

from ..models.pointing_models import pointing_model, write_pointing_checkpoint  # noqa: TID252 - shared models
from ..models.tiny_models import picture, tiny_config, write_checkpoint  # noqa: TID252 - shared models
from .tiny_runs import logged, settings, train


def parameters(folder: Path) -> dict[str, torch.Tensor]:
    return dict(SpatialVLM.from_pretrained(folder).named_parameters())


def changed_parts(before: Path, after: Path) -> set[str]:
    old, new = parameters(before), parameters(after)
    assert old.keys() == new.keys()
    return {name.split(".")[0] for name in old if not torch.equal(old[name], new[name])}


def test_sft_changes_every_part_and_loads_again(run: Path, model: Path) -> None:
    assert changed_parts(model, run / "model") == {
        "llm",
        "vision_tower",
        "mm_projector",
        "depth_tower",
        "depth_projector",
    }
    tokenizer = SpatialProcessor.from_pretrained(run / "model").tokenizer
    assert len(tokenizer) == len(SpatialProcessor.from_pretrained(model).tokenizer)


def test_sft_learns(data: Path, model: Path, tmp_path: Path) -> None:
    train(settings(data, model, max_steps=36, learning_rate=3e-3, save_every=0), tmp_path / "run")
    losses = [entry["loss"] for entry in logged(tmp_path / "run")]
    assert sum(losses[-6:]) < 0.7 * sum(losses[:6])


def test_align_changes_the_depth_projector_alone(data: Path, model: Path, tmp_path: Path) -> None:
    said = train(settings(data, model, "align", max_steps=3, samples_per_batch=1), tmp_path / "run")
    assert changed_parts(model, tmp_path / "run" / "model") == {"depth_projector"}
    learning = sum(tensor.numel() for name, tensor in parameters(model).items() if name.startswith("depth_projector."))
    assert any(text.startswith(f"align: {learning:,} of ") for text in said)


def test_align_may_train_the_other_projector_too(data: Path, model: Path, tmp_path: Path) -> None:
    run = settings(data, model, "align", max_steps=2, also_train=("mm_projector",))
    train(run, tmp_path / "run")
    assert changed_parts(model, tmp_path / "run" / "model") == {"depth_projector", "mm_projector"}


def test_align_needs_a_depth_projector(data: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "rgb", tiny_config(depth=False, image_aspect_ratio="resize"))
    expected = "^expected a model with a depth projector to align, got an RGB-only one: give it depth with init-base$"
    with pytest.raises(InputError, match=expected):
        train(settings(data, tmp_path / "rgb", "align"), tmp_path / "run")


def test_align_needs_depth(data: Path, model: Path, tmp_path: Path) -> None:
    shutil.copytree(data.parent / "image", tmp_path / "image")
    kept = (json.loads(line) for line in data.read_text().splitlines())
    records = tmp_path / "rgb.jsonl"
    records.write_text("".join(json.dumps({**record, "depth": []}) + "\n" for record in kept))
    with pytest.raises(InputError) as caught:
        train(settings(records, model, "align"), tmp_path / "run")
    assert str(caught.value) == (
        f"expected data with depth to align, got {records} without: its depth_path may be missing"
    )


def test_an_rgb_only_model_leaves_depth_out_and_says_so(data: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "rgb", tiny_config(depth=False, image_aspect_ratio="resize"))
    said = train(settings(data, tmp_path / "rgb", max_steps=1), tmp_path / "run")
    assert "the model is RGB-only: depth in the data is left out" in said


@pytest.mark.parametrize("changes", [{"packing": False}, {"activation_checkpointing": True}])
def test_how_it_is_computed_changes_no_loss(
    changes: dict[str, Any], run: Path, data: Path, model: Path, tmp_path: Path
) -> None:
    train(settings(data, model, **changes), tmp_path / "run")
    for ours, theirs in zip(logged(tmp_path / "run"), logged(run), strict=True):
        assert ours == pytest.approx(theirs, rel=2e-3)


def test_bf16_is_near_float32_and_keeps_the_weights_in_float32(
    run: Path, data: Path, model: Path, tmp_path: Path
) -> None:
    train(settings(data, model, precision="bf16", max_steps=2, learning_rate=1e-4), tmp_path / "run")
    assert logged(tmp_path / "run")[0]["loss"] == pytest.approx(logged(run)[0]["loss"], rel=0.02)
    assert {tensor.dtype for tensor in parameters(tmp_path / "run" / "model").values()} == {torch.float32}
    assert changed_parts(model, tmp_path / "run" / "model") >= {"llm", "vision_tower"}


def test_a_base_in_bf16_gives_a_model_in_bf16(data: Path, model: Path, tmp_path: Path) -> None:
    small = SpatialVLM.from_pretrained(model).to(torch.bfloat16)
    shutil.copytree(model, tmp_path / "base")
    small.save_pretrained(tmp_path / "base")
    # Here frozen parts stay in bf16 beside a projector that learns in float32.
    train(settings(data, tmp_path / "base", "align", precision="bf16", max_steps=2), tmp_path / "run")
    assert {tensor.dtype for tensor in parameters(tmp_path / "run" / "model").values()} == {torch.bfloat16}
    assert changed_parts(tmp_path / "base", tmp_path / "run" / "model") == {"depth_projector"}


# ---- adapters --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=2)], ids=["everything", "adapters"])
def test_a_model_that_points_by_looking_learns_in_bf16(data: Path, lora: LoraConfig | None, tmp_path: Path) -> None:
    """Its stems hold statistics, which must fit the format of the weights beside them."""
    folder = tmp_path / "pointing"
    write_pointing_checkpoint(folder, dtype=torch.bfloat16)
    train(settings(data, folder, precision="bf16", max_steps=2, lora=lora), tmp_path / "run")
    assert len(logged(tmp_path / "run")) == 2
    before, after = (SpatialVLM.from_pretrained(each) for each in (folder, tmp_path / "run" / "model"))
    assert after.dtype == torch.bfloat16
    for name, buffer in before.named_buffers():
        if "running" in name:
            assert torch.equal(buffer, after.get_buffer(name)), name


def test_deepspeed_does_not_slice_a_model_that_points_by_looking(data: Path, model: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(pointing_model(), settings(data, model), Processes(count=2, sharded=True, with_deepspeed=True))
    assert str(caught.value) == (
        "expected a model without a point head under DeepSpeed, got one with: train it with torchrun alone or FSDP2"
    )


def test_a_model_that_points_by_looking_is_aligned_by_batches_without_depth_too(data: Path, tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path / "pointing")
    train(settings(data, tmp_path / "pointing", "align", samples_per_batch=1), tmp_path / "run")
    assert len(logged(tmp_path / "run")) == 6
    assert changed_parts(tmp_path / "pointing", tmp_path / "run" / "model") == {"depth_projector"}


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_adapters_beside_and_merged_say_the_same(data: Path, model: Path, tmp_path: Path) -> None:
    lora = LoraConfig(
        rank=4, targets=("q_proj", "out_proj"), parts=("llm", "vision_tower"), train_fully=("mm_projector",)
    )
    run = settings(data, model, lora=lora, learning_rate=0.01)
    train(run, tmp_path / "run")
    merged = SpatialVLM.from_pretrained(tmp_path / "run" / "model")
    assert changed_parts(model, tmp_path / "run" / "model") == {"llm", "vision_tower", "mm_projector"}
    described = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert described["base_model_name_or_path"] == str(model)
    base = SpatialVLM.from_pretrained(model)
    beside = peft.PeftModel.from_pretrained(base, tmp_path / "run" / "adapter")
    processor = SpatialProcessor.from_pretrained(model)
    batch = processor(images=picture(), text="the cup")
    with torch.no_grad():
        torch.testing.assert_close(merged(**batch).logits, beside(**batch).logits, rtol=1e-4, atol=1e-4)


def test_adapters_alone(data: Path, model: Path, tmp_path: Path) -> None:
    run = settings(data, model, lora=LoraConfig(rank=2), max_steps=2)
    train(run, tmp_path / "run", merge=False)
    assert sorted(path.name for path in (tmp_path / "run" / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        (
            LoraConfig(parts=("hand",)),
            "expected lora.parts and lora.train_fully to name llm, vision_tower, mm_projector, "
            "depth_projector, depth_tower, got 'hand'",
        ),
        (
            LoraConfig(targets=("c_attn",)),
            "expected linear layers named c_attn in llm, found none: change lora.targets",
        ),
    ],
)
def test_adapters_that_fit_nowhere(lora: LoraConfig, message: str, data: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        train(settings(data, model, lora=lora), tmp_path / "run")
    assert str(caught.value) == message


# ---- data ------------------------------------------------------------------------------------------------------------


def damaged(data: Path, folder: Path) -> Path:
    shutil.copytree(data.parent, folder)
    (folder / "image" / "4.png").unlink()
    return folder / data.name


def test_bad_records_are_refused(data: Path, model: Path, tmp_path: Path) -> None:
    records = damaged(data, tmp_path / "data")
    with pytest.raises(InputError) as caught:
        train(settings(records, model), tmp_path / "run")
    assert f"{records} line 5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_records_are_skipped_and_counted(data: Path, model: Path, tmp_path: Path) -> None:
    records = damaged(data, tmp_path / "data")
    said = train(settings(records, model, on_bad_record="skip", max_steps=1), tmp_path / "run")
    told = [text for text in said if "left out" in text]
    assert len(told) == 1
    assert "23 samples of 23 records" in told[0]
    assert "left out 1 records" in told[0]
    assert "1 missing_image" in told[0]


def test_long_records_become_several_samples(data: Path, model: Path, tmp_path: Path) -> None:
    said = train(settings(data, model, max_turns=2, max_steps=1), tmp_path / "run")
    assert any("42 samples of 24 records, 70 turns" in text for text in said)


def test_samples_are_held_out_by_picture(data: Path, model: Path, tmp_path: Path) -> None:
    said = train(settings(data, model, max_turns=1, validation_samples=10, max_steps=2), tmp_path / "run")
    assert any(text.endswith("samples are held out for validation") for text in said)
    assert "validation_loss" in logged(tmp_path / "run")[-1]


# ---- the command -----------------------------------------------------------------------------------------------------


def invoke(*words: str) -> Result:
    return CliRunner().invoke(command_line, words, catch_exceptions=False)


def test_the_command_trains_and_exports(data: Path, model: Path, tmp_path: Path) -> None:
    out, changes = tmp_path / "run", {"max_steps": 3, "save_every": 2, "precision": "fp32", "workers": 0}
    words = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    result = invoke("train", "sft", "--model", str(model), "--data", str(data), "--out", str(out), "-q", *words)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"model in {out / 'model'}\n"
    assert "24 samples of 24 records, 70 turns" in result.stderr
    assert "step 3/3" not in result.stderr
    exported = tmp_path / "early"
    result = invoke("train", "export", str(out), "--checkpoint", str(out / "checkpoint-2"), "--out", str(exported))
    assert result.stdout == f"model in {exported}\n"
    assert "llm" in changed_parts(exported, out / "model")
    answered = invoke("point", str(data.parent / "image" / "0.png"), "the cup", "--model", str(exported))
    assert answered.exit_code in (0, 1)


def test_a_configuration_of_another_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected a configuration for align, got sft, which is for sft: use align,"):
        invoke("train", "align", "--data", "d", "--config", "sft", "--out", str(tmp_path / "run"))


def test_configurations_are_listed_and_written(tmp_path: Path) -> None:
    assert "sft" in invoke("train", "config").output.splitlines()
    (tmp_path / "mine.yaml").write_text(invoke("train", "config", "lora").output)
    assert read_config(str(tmp_path / "mine.yaml")) == read_config("lora")


def test_export_without_a_checkpoint(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected a run in .*, got no run.json that can be read"):
        export(RunFolder(tmp_path))
    (tmp_path / "run").mkdir()
    RunFolder(tmp_path / "run").begin(settings(data, tmp_path))
    with pytest.raises(InputError, match=r"^expected a checkpoint in .*, found none: the run has not come that far$"):
        export(RunFolder(tmp_path / "run"))
