"""transformers' Auto classes open published folders and ours, once ``roborefer.models.auto`` is imported."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

import roborefer.models.auto  # noqa: F401 - registers the classes
from roborefer.loading import load
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import UNTRAINED_MODEL

from .tiny_models import TILE, picture, tiny_config, write_checkpoint

GOLDENS = Path(__file__).parents[1] / "data" / "goldens"
FOLDERS = [UNTRAINED_MODEL, *(GOLDENS / name / "checkpoint" for name in ("tiny-2b-like-A", "tiny-8b-like-A"))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_they_open_a_folder(folder: Path) -> None:
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    assert isinstance(config, ModelConfig)
    assert isinstance(model, SpatialVLM)
    assert isinstance(processor, SpatialProcessor)
    expected = SpatialVLM.from_pretrained(folder)
    assert model.dtype == expected.dtype
    assert model.image_token_id == expected.image_token_id
    for name, tensor in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_a_dtype_can_be_asked_for() -> None:
    assert AutoModelForImageTextToText.from_pretrained(UNTRAINED_MODEL, dtype=torch.float32).dtype == torch.float32
    assert AutoModelForImageTextToText.from_pretrained(UNTRAINED_MODEL, dtype="auto").dtype == torch.bfloat16


def test_what_they_save_they_open(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "first", tiny_config(tied=False))
    AutoModelForImageTextToText.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "second")
    AutoProcessor.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "second")
    for file in (path for path in (tmp_path / "first").rglob("*") if path.is_file()):
        assert (tmp_path / "second" / file.relative_to(tmp_path / "first")).read_bytes() == file.read_bytes()


def test_generating_the_way_of_transformers_gives_what_the_predictor_gives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    inputs = processor(images=picture(TILE, TILE), text="the cup")
    with caplog.at_level(logging.WARNING):
        written = model.generate(**inputs, max_new_tokens=8)
    assert not caplog.records
    answer = processor.decode(written[0, inputs["input_ids"].shape[1] :])
    assert answer == load(tmp_path, device="cpu").query(picture(TILE, TILE), "the cup", max_new_tokens=8)


def test_sampling_settings_of_a_checkpoint_change_nothing(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    before = load(tmp_path, device="cpu").query(picture(), "the cup", max_new_tokens=8)
    (tmp_path / "llm" / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "top_k": 3, "repetition_penalty": 5.0, "max_new_tokens": 1}'
    )
    assert load(tmp_path, device="cpu").query(picture(), "the cup", max_new_tokens=8) == before
    model = SpatialVLM.from_pretrained(tmp_path)
    inputs = SpatialProcessor.from_pretrained(tmp_path)(images=picture(), text="the cup")
    written = model.generate(**inputs, max_new_tokens=8)[0, inputs["input_ids"].shape[1] :]
    assert SpatialProcessor.from_pretrained(tmp_path).decode(written) == before


def test_importing_the_package_loads_none_of_it() -> None:
    program = "import sys, roborefer; sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
