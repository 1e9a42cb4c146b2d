"""What a run tells: a log that a kill cannot break, TensorBoard's files, curves, and a progress bar."""

from __future__ import annotations

import builtins
import errno
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import TrainerControl, TrainerState, TrainingArguments

from roborefer.training import reporting
from roborefer.training.curves import draw_curves
from roborefer.training.reporting import ProgressBar, ProgressLines, RunLog, progress_callback, read_log

from .tiny_runs import files_of_at_most

NOTHING: Any = None  # callbacks get arguments that these do not look at


def a_run(out: Path, said: list[str], first: int = 1, last: int = 4) -> None:
    log = RunLog(out, said.append)
    log.on_train_begin(NOTHING, TrainerState(global_step=first - 1, max_steps=last), TrainerControl())
    for step in range(first, last + 1):
        state = TrainerState(global_step=step, max_steps=last)
        log.on_log(NOTHING, state, TrainerControl(), logs={"loss": 5.0 / step, "learning_rate": 0.1, "grad_norm": 2.0})
        if step % 2 == 0:
            log.on_log(NOTHING, state, TrainerControl(), logs={"validation_loss": 6.0 / step})
    log.on_log(NOTHING, state, TrainerControl(), logs={"train_runtime": 1.0})
    log.on_train_end(NOTHING, state, TrainerControl())


def test_log_tensorboard_and_curves(tmp_path: Path) -> None:
    said: list[str] = []
    a_run(tmp_path, said)
    assert said == []
    entries = list(read_log(tmp_path))
    assert entries[0] == {"step": 1, "loss": 5.0, "learning_rate": 0.1, "gradient_norm": 2.0}
    assert [entry["step"] for entry in entries] == [1, 2, 2, 3, 4, 4]
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [round(event.value, 6) for event in events.Scalars("validation_loss")] == [3.0, 1.5]
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (990, 660)
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 10  # not one colour


def test_a_resumed_log_has_each_step_once(tmp_path: Path) -> None:
    a_run(tmp_path, [])
    with (tmp_path / "log.jsonl").open("ab") as stream:
        stream.write(b'{"step": 5, "lo')  # a kill in the middle of a line
    a_run(tmp_path, [], first=3, last=5)
    assert [entry["step"] for entry in read_log(tmp_path) if "loss" in entry] == [1, 2, 3, 4, 5]
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        json.loads(line)


def test_without_tensorboard_and_matplotlib_it_goes_on_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith(("matplotlib", "tensorboard")):
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    said: list[str] = []
    a_run(tmp_path, said)
    assert said == [
        "no TensorBoard files: pip install 'roborefer[train]'",
        "no curves.png: pip install 'roborefer[train]'",
    ]
    assert len(list(read_log(tmp_path))) == 6


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with files_of_at_most(60):
        a_run(tmp_path, said)
    assert said == [
        f"cannot write {tmp_path / 'log.jsonl'}: File too large; the run goes on, and its log is completed once that "
        "is possible"
    ]
    assert capfd.readouterr().err == ""
    assert list(read_log(tmp_path)) == []
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file")
    said: list[str] = []
    a_run(tmp_path, said)
    assert len(said) == 1
    assert said[0].startswith(f"cannot write {tmp_path / 'tensorboard'}/events.out.tfevents.")
    assert said[0].endswith(": File exists; the run goes on, and its log is completed once that is possible")
    assert len(list(read_log(tmp_path))) == 6


def test_curves_are_drawn_at_most_every_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Path] = []
    monkeypatch.setattr(reporting, "draw_curves", lambda _, path: drawn.append(path))
    clock = [1000.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: clock[0])
    log = RunLog(tmp_path, print)
    for now in (1000.0, 1059.0, 1061.0, 1062.0, 1130.0):
        clock[0] = now
        log.on_save(NOTHING, TrainerState(), TrainerControl())
    assert len(drawn) == 2


def test_curves_of_long_and_of_empty_logs(tmp_path: Path) -> None:
    draw_curves([{"step": step, "loss": 1 / step, "learning_rate": 0.1} for step in range(1, 60)], tmp_path / "a.png")
    draw_curves([], tmp_path / "b.png")
    assert (tmp_path / "a.png").stat().st_size > (tmp_path / "b.png").stat().st_size


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_shows_loss_and_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = progress_callback()
    assert isinstance(bar, ProgressBar)
    arguments: TrainingArguments = NOTHING
    bar.on_train_begin(arguments, TrainerState(global_step=2, max_steps=4), TrainerControl())
    logs = {"loss": 1.25, "images_per_second": 12.34, "tokens_per_second": 999.6}
    for step in (3, 4):
        bar.on_step_end(arguments, TrainerState(global_step=step, max_steps=4), TrainerControl())
        bar.on_log(arguments, TrainerState(global_step=step, max_steps=4), TrainerControl(), logs=logs)
    bar.on_train_end(arguments, TrainerState(), TrainerControl())
    shown = screen.getvalue()
    assert "4/4" in shown
    assert "loss 1.2500, 12.3 images/s, 1000 tokens/s" in shown


LOGS = {"loss": 1.25, "learning_rate": 2e-5, "images_per_second": 12.34, "tokens_per_second": 5999.6}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a test lets go by."""
    clock = [1000.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: clock[0])
    return clock


def lines_of(clock: list[float], seconds_a_step: float, log_every: int, steps: int) -> ProgressLines:
    lines = ProgressLines()
    lines.on_train_begin(NOTHING, TrainerState(global_step=0, max_steps=steps), TrainerControl())
    for step in range(1, steps + 1):
        clock[0] += seconds_a_step
        state = TrainerState(global_step=step, max_steps=steps)
        lines.on_step_end(NOTHING, state, TrainerControl())
        if step % log_every == 0:
            lines.on_log(NOTHING, state, TrainerControl(), logs=LOGS)
            lines.on_log(NOTHING, state, TrainerControl(), logs={"validation_loss": 2.0})
    return lines


def test_without_a_terminal_there_is_a_line_a_minute(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines_of(clock, seconds_a_step=2, log_every=10, steps=100)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == ("step 10/100, loss 1.2500, learning rate 2e-05, 12.3 images/s, 5,999.6 tokens/s, 0:03:00 left")
    assert [line.partition(",")[0] for line in told] == ["step 10/100", "step 40/100", "step 70/100", "step 100/100"]
    assert told[-1].endswith(", 0:00:00 left")


def test_slow_steps_are_told_before_their_loss(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines_of(clock, seconds_a_step=60, log_every=10, steps=10)
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["step 2/10, 0:08:00 left", "step 4/10, 0:06:00 left"]
    assert "loss" in told[-1]


class FullFile(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, text)


def test_lines_that_cannot_be_written_stop_nothing(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FullFile())
    assert isinstance(progress_callback(), ProgressLines)
    lines_of(clock, seconds_a_step=2, log_every=1, steps=2)
