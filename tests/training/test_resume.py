"""A run that is stopped, killed or finds the disk full goes on as if nothing had been."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from roborefer.errors import InputError
from roborefer.training import run_state
from roborefer.training.configuration import LoraConfig
from roborefer.training.run_folder import RunSettings
from roborefer.training.trainer import StageTrainer

from .tiny_runs import files_of_at_most, logged, settings, train


class Stopped(Exception):
    """Stands for whatever ends a process."""


def stop_before(step: int, run: RunSettings, out: Path) -> None:
    """Trains until a step begins, which ends it."""
    original = StageTrainer.training_step

    def training_step(self: StageTrainer, *arguments: Any, **options: Any) -> Any:
        if self.state.global_step + 1 == step:
            raise Stopped
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageTrainer, "training_step", training_step)
        with pytest.raises(Stopped):
            train(run, out)


@pytest.mark.parametrize("step", [1, 4])
def test_stopped_anywhere_it_goes_on_with_the_same_losses(
    step: int, run: Path, data: Path, model: Path, tmp_path: Path
) -> None:
    stop_before(step, settings(data, model), tmp_path / "run")
    said = train(settings(data, model), tmp_path / "run")
    assert (f"going on after step {(step - 1) // 2 * 2}" in said) == (step > 2)
    assert logged(tmp_path / "run") == logged(run)
    assert_same_model(tmp_path / "run" / "model", run / "model")


def assert_same_model(one: Path, other: Path) -> None:
    files = sorted(path.relative_to(other) for path in other.rglob("*.safetensors"))
    assert len(files) >= 5
    for name in files:
        ours, theirs = load_file(one / name), load_file(other / name)
        assert ours.keys() == theirs.keys()
        for key, tensor in theirs.items():
            assert torch.equal(ours[key], tensor), f"{name} {key}"


def test_with_dropout_accumulation_and_several_epochs(data: Path, model: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"max_steps": None, "epochs": 2, "samples_per_batch": 5, "gradient_accumulation": 2}
    changes |= {"lora": LoraConfig(dropout=0.5), "validation_samples": 4, "validate_every": 2}
    run = settings(data, model, **changes)
    train(run, tmp_path / "whole")
    stop_before(4, run, tmp_path / "stopped")
    train(run, tmp_path / "stopped")
    assert logged(tmp_path / "stopped") == logged(tmp_path / "whole")
    assert len(logged(tmp_path / "whole")) >= 6


def test_killed_it_goes_on_with_the_same_losses(data: Path, model: Path, tmp_path: Path) -> None:
    changes = {"max_steps": 24, "save_every": 3, "validation_samples": 4, "validate_every": 5}
    train(settings(data, model, **changes), tmp_path / "whole")
    words = [f"{name}={value}" for name, value in {**changes, "samples_per_batch": 4, "workers": 0}.items()]
    words += ["learning_rate=1e-2", "precision=fp32", "activation_checkpointing=false", "log_every=1"]
    command = [sys.executable, "-m", "roborefer", "train", "sft", "--model", str(model), "--data", str(data)]
    command += ["--out", str(tmp_path / "killed"), *(word for change in words for word in ("--set", change))]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    log = tmp_path / "killed" / "log.jsonl"
    deadline = time.monotonic() + 120
    while len(log.read_bytes().splitlines() if log.exists() else []) < 6 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len(logged(tmp_path / "killed"))
    assert 6 <= done < len(logged(tmp_path / "whole"))
    train(settings(data, model, **changes), tmp_path / "killed")
    assert logged(tmp_path / "killed") == logged(tmp_path / "whole")
    assert_same_model(tmp_path / "killed" / "model", tmp_path / "whole" / "model")


def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(
    run: Path, data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    write = run_state.write_checkpoint

    def write_on_a_full_disk(folder: Path, *contents: Any) -> None:
        if folder.name != "checkpoint-4":
            return write(folder, *contents)
        with files_of_at_most(300_000):
            write(folder, *contents)

    with monkeypatch.context() as patch:
        patch.setattr(run_state, "write_checkpoint", write_on_a_full_disk)
        with pytest.raises(InputError) as caught:
            train(settings(data, model), out)
    assert str(caught.value) == (
        f"cannot write {out / 'checkpoint-4'}: File too large; make room on the disk and run the same command again"
    )
    assert [path.name for path in run_state.checkpoints(out)] == ["checkpoint-2"]
    assert not list(out.glob(".*"))
    train(settings(data, model), out)
    assert logged(out) == logged(run)


def test_a_log_that_cannot_be_written_is_completed_later(
    run: Path,
    data: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The log is full after step 2, and has room again before step 6; the checkpoints between have room."""
    out = tmp_path / "run"
    write, training_step = run_state.write_checkpoint, StageTrainer.training_step
    full = ExitStack()

    def write_with_room(folder: Path, *contents: Any) -> None:
        full.close()
        write(folder, *contents)
        if folder.name != "checkpoint-6":
            full.enter_context(files_of_at_most((out / "log.jsonl").stat().st_size + 10))

    def step_with_room_at_the_end(self: StageTrainer, *arguments: Any, **options: Any) -> Any:
        if self.state.global_step == 5:
            full.close()
        return training_step(self, *arguments, **options)

    with full, monkeypatch.context() as patch:
        patch.setattr(run_state, "write_checkpoint", write_with_room)
        patch.setattr(StageTrainer, "training_step", step_with_room_at_the_end)
        said = train(settings(data, model), out)
    told = [text for text in said if text.startswith("cannot write")]
    assert told == [
        f"cannot write {out / 'log.jsonl'}: File too large; the run goes on, and its log is completed once that is "
        "possible"
    ]
    assert "Traceback" not in capfd.readouterr().err
    assert logged(out) == logged(run)


def test_a_full_disk_at_the_end_leaves_no_half_model(
    run: Path, data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    shutil.rmtree(out / "model")
    with files_of_at_most(100_000), pytest.raises(ValueError, match=r"^cannot write .*; make room") as caught:
        train(settings(data, model), out)
    assert "\n" not in str(caught.value)
    assert not (out / "model").exists()
    assert not list(out.glob(".*"))
    train(settings(data, model), out)
    assert_same_model(out / "model", run / "model")


def test_leftovers_of_a_kill_while_writing_are_removed(run: Path, data: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    shutil.rmtree(out / "checkpoint-6")
    (out / ".writing-checkpoint-6").mkdir()
    (out / ".writing-checkpoint-6" / "weights-00000.safetensors").write_bytes(b"half")
    (out / "log.jsonl").write_bytes((out / "log.jsonl").read_bytes() + b'{"step": 7, "lo')
    train(settings(data, model), out)
    assert not list(out.glob(".*"))
    assert logged(out) == logged(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.5}, "expected to go on with learning_rate 0.01 as in {out}, got 0.5"),
        ({"samples_per_batch": 3}, "expected to go on with samples_per_batch 4 as in {out}, got 3"),
    ],
)
def test_other_settings_are_another_run(
    changes: dict[str, Any], message: str, run: Path, data: Path, model: Path
) -> None:
    with pytest.raises(InputError) as caught:
        train(settings(data, model, **changes), run)
    told = f"{message.format(out=run)}: give the same command as before, or another --out"
    assert str(caught.value) == told


def test_other_data_behind_the_same_name_is_another_run(run: Path, data: Path, model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data.parent, copy)
    records = copy / "records.jsonl"
    out = tmp_path / "run"
    stop_before(4, settings(records, model), out)
    records.write_text("".join(records.read_text().splitlines(keepends=True)[:20]))
    with pytest.raises(InputError, match=r"^expected the data with which .* was started, got .* changed since: "):
        train(settings(records, model), out)
    run_file = out / "run.json"
    content = json.loads(run_file.read_text())
    del content["data_files"]  # as it was written before
    run_file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"^expected to go on with order .* as in .*checkpoint-2, got "):
        train(settings(records, model), out)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples_per_batch": 3, "global_batch": 100}, "expected global_batch to be a multiple of"),
        ({"part_learning_rates": {"hand": 0.1}}, "expected part_learning_rates to name llm"),
        ({"seed": 1}, "expected sound records, got 1 problem in 24 records"),
    ],
)
def test_a_start_that_was_refused_leaves_its_folder_free(
    changes: dict[str, Any], message: str, data: Path, model: Path, tmp_path: Path
) -> None:
    shutil.copytree(data.parent, tmp_path / "data")
    records = tmp_path / "data" / data.name
    if "seed" in changes:
        (records.parent / "image" / "4.png").unlink()
    with pytest.raises(InputError, match=f"^{message}"):
        train(settings(records, model, **changes), tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()
    train(settings(records, model, on_bad_record="skip", max_steps=1), tmp_path / "run", resume=False)
    assert (tmp_path / "run" / "model").is_dir()


def test_a_picture_that_turns_out_to_be_broken_may_be_skipped(data: Path, model: Path, tmp_path: Path) -> None:
    shutil.copytree(data.parent, tmp_path / "data")
    records, out = tmp_path / "data" / data.name, tmp_path / "run"
    stop_before(4, settings(records, model), out)
    for path in (records.parent / "image").iterdir():
        path.write_bytes(path.read_bytes()[:-40])  # its header is sound
    (records.parent / "image" / "0.png").write_bytes((data.parent / "image" / "0.png").read_bytes())
    with pytest.raises(InputError) as caught:
        train(settings(records, model), out)
    assert str(caught.value).startswith(f"{records} line ")
    assert str(caught.value).endswith("; the same command with --set on_bad_record=skip goes on without it")
    said = train(settings(records, model, on_bad_record="skip", max_steps=6), out)
    assert "going on after step 2" in said
    assert any(text.startswith("skipped: ") for text in said)
    assert [entry["step"] for entry in logged(out)] == [1, 2, 3, 4, 5, 6]


def test_intervals_may_change(run: Path, data: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stop_before(4, settings(data, model), out)
    train(settings(data, model, save_every=5, keep_checkpoints=3), out)
    assert [path.name for path in run_state.checkpoints(out)] == ["checkpoint-2", "checkpoint-5", "checkpoint-6"]
    assert logged(out) == logged(run)


def test_no_resume_refuses_a_folder_with_a_run(run: Path, data: Path, model: Path) -> None:
    with pytest.raises(InputError, match=r"^expected a new folder with --no-resume, got .* with a run in it"):
        train(settings(data, model), run, resume=False)


def test_a_finished_run_is_left_as_it_is(run: Path, data: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    train(settings(data, model), out)
    assert logged(out) == logged(run)
    assert_same_model(out / "model", run / "model")
