"""The checkpoint inside the package: small, written again byte for byte, and honest about itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from roborefer.models import checkpoint
from roborefer.models.untrained import UNTRAINED_MODEL, random_model, write_untrained

from .tiny_models import tiny_config


def without_versions(content: Any) -> Any:
    """JSON without the version of transformers that wrote it."""
    if isinstance(content, dict):
        return {key: without_versions(value) for key, value in content.items() if key != "transformers_version"}
    return content


def test_the_packaged_checkpoint_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "roborefer.models.untrained", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    packaged = {path.relative_to(UNTRAINED_MODEL) for path in UNTRAINED_MODEL.rglob("*") if path.is_file()}
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == packaged
    for name in sorted(packaged):
        ours, theirs = (tmp_path / name).read_bytes(), (UNTRAINED_MODEL / name).read_bytes()
        if name.suffix == ".json":
            assert without_versions(json.loads(ours)) == without_versions(json.loads(theirs)), name
        else:
            assert ours == theirs, name


def test_it_is_small_and_says_that_it_is_untrained() -> None:
    assert sum(path.stat().st_size for path in UNTRAINED_MODEL.rglob("*") if path.is_file()) < 3e6
    assert checkpoint.read_config(UNTRAINED_MODEL).untrained


def test_another_seed_is_another_checkpoint(tmp_path: Path) -> None:
    write_untrained(tmp_path, seed=1)
    name = Path("llm") / "model.safetensors"
    assert (tmp_path / name).read_bytes() != (UNTRAINED_MODEL / name).read_bytes()


def test_random_weights_are_those_of_the_seed_and_disturb_nothing() -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first, second = (random_model(tiny_config(), seed=3).state_dict() for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = random_model(tiny_config(), seed=4)
    assert not torch.equal(first["mm_projector.layers.2.weight"], other.mm_projector.layers[2].weight)
    assert not other.training


def test_random_weights_in_another_dtype() -> None:
    assert random_model(tiny_config(), dtype=torch.bfloat16).dtype == torch.bfloat16
    assert torch.get_default_dtype() == torch.float32
