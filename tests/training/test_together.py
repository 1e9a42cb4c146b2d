"""Processes that train together compute what one computes, with whole copies of the weights and with slices."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ..models.pointing_models import write_pointing_checkpoint  # noqa: TID252 - shared models
from .test_resume import assert_same_model
from .tiny_runs import logged, settings, train

CHANGES = {"validation_samples": 4, "validate_every": 3, "max_steps": 5}
_WORDS = [
    *(f"{name}={value}" for name, value in CHANGES.items()),
    *("learning_rate=1e-2", "precision=fp32", "activation_checkpointing=false"),
    *("save_every=2", "log_every=1", "workers=0", "samples_per_batch=2"),
]
FSDP = {
    "ACCELERATE_TORCH_DEVICE": "cpu",
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "Qwen2DecoderLayer,SiglipEncoderLayer",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
}


def together(program: list[str], data: Path, model: Path, out: Path, **environment: str) -> None:
    """Two processes that talk through gloo, as torchrun would start them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *program, "train", "sft", "--model", str(model), "--data", str(data), "--out", str(out)]
    command += [word for change in _WORDS for word in ("--set", change)]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **shared, **environment, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], said


@pytest.fixture(scope="module")
def alone(data: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process does with the batches of both."""
    out = tmp_path_factory.mktemp("alone") / "run"
    train(settings(data, model, samples_per_batch=4, **CHANGES), out)
    return out


def assert_same_losses(one: Path, other: Path, tolerance: float = 1e-4) -> None:
    ours, theirs = logged(one), logged(other)
    assert len(ours) == len(theirs) == 7  # five steps, and validation after the third and the last
    for entry, expected in zip(ours, theirs, strict=True):
        assert entry == pytest.approx(expected, rel=tolerance)


def test_two_processes_have_the_losses_of_one(alone: Path, data: Path, model: Path, tmp_path: Path) -> None:
    together(["-m", "roborefer"], data, model, tmp_path / "run")
    assert_same_losses(tmp_path / "run", alone)


def test_two_processes_have_the_losses_of_one_for_a_model_that_points_by_looking(data: Path, tmp_path: Path) -> None:
    """Of its batches some have no depth, and one has no picture. Absolute errors of offsets let rounding grow."""
    folder = tmp_path / "pointing"
    write_pointing_checkpoint(folder)
    train(settings(data, folder, samples_per_batch=4, **CHANGES), tmp_path / "alone")
    together(["-m", "roborefer"], data, folder, tmp_path / "run")
    assert_same_losses(tmp_path / "run", tmp_path / "alone", tolerance=5e-3)


@pytest.mark.slow
def test_fsdp2_has_the_losses_of_one_process_for_a_model_that_points_by_looking(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pointing"
    write_pointing_checkpoint(folder)
    train(settings(data, folder, samples_per_batch=4, **CHANGES), tmp_path / "alone")
    sharded_and_resumed(FSDP, tmp_path / "alone", data, folder, tmp_path, tolerance=5e-3)


def deepspeed_environment() -> dict[str, str]:
    """ZeRO-3 with the shipped configuration; DeepSpeed compiles a small operator when it starts."""
    config = Path(__file__).parents[2] / "examples" / "training" / "zero3.json"
    return {
        "ACCELERATE_TORCH_DEVICE": "cpu",
        "ACCELERATE_USE_DEEPSPEED": "true",
        "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(config),
        "ACCELERATE_CONFIG_DS_FIELDS": "deepspeed_config_file",
        "DS_ACCELERATOR": "cpu",
    }


@pytest.mark.slow
@pytest.mark.skipif(find_spec("deepspeed") is None, reason="DeepSpeed is not installed")
def test_zero3_has_the_losses_of_one_process_and_resumes(alone: Path, data: Path, model: Path, tmp_path: Path) -> None:
    sharded_and_resumed(deepspeed_environment(), alone, data, model, tmp_path)


@pytest.mark.slow
def test_fsdp2_has_the_losses_of_one_process_and_resumes(alone: Path, data: Path, model: Path, tmp_path: Path) -> None:
    sharded_and_resumed(FSDP, alone, data, model, tmp_path)


def sharded_and_resumed(
    environment: dict[str, str], alone: Path, data: Path, model: Path, tmp_path: Path, tolerance: float = 1e-4
) -> None:
    program = [str(Path(__file__).with_name("sharded_on_cpu.py"))]
    together(program, data, model, tmp_path / "run", **environment)
    assert_same_losses(tmp_path / "run", alone, tolerance)
    shutil.copytree(tmp_path / "run", tmp_path / "stopped")
    for name in ("checkpoint-5", "model"):
        shutil.rmtree(tmp_path / "stopped" / name)
    together(program, data, model, tmp_path / "stopped", **environment)
    assert logged(tmp_path / "stopped") == logged(tmp_path / "run")
    assert_same_model(tmp_path / "stopped" / "model", tmp_path / "run" / "model")
