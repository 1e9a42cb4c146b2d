"""What a run tells while it goes: a progress bar or lines, ``log.jsonl``, TensorBoard's files and ``curves.png``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from roborefer.errors import InputError
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import write_whole
from roborefer.training import tensorboard_events
from roborefer.training.appended_file import AppendedFile
from roborefer.training.curves import draw_curves

LOG_FILE = "log.jsonl"
CURVES_FILE = "curves.png"

# Some half a second of drawing must not become a share of a run with many checkpoints.
_SECONDS_BETWEEN_DRAWINGS = 60.0
_SECONDS_BETWEEN_LINES = 60.0
_NAMES = {"grad_norm": "gradient_norm"}


class ProgressBar(TrainerCallback):
    """Steps done and the time left, with the loss, images and tokens a second."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="training",
            unit="step",
            smoothing=0.05,
            file=sys.stderr,
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        if self._bar is not None and logs and "loss" in logs:
            images, tokens = logs.get("images_per_second", 0.0), logs.get("tokens_per_second", 0.0)
            self._bar.set_postfix_str(f"loss {logs['loss']:.4f}, {images:.1f} images/s, {tokens:.0f} tokens/s")

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._bar is not None:
            self._bar.close()


class ProgressLines(TrainerCallback):
    """The same where nobody sees a bar (a file, Slurm): a line at the first loss, every minute or so, at the end."""

    def __init__(self) -> None:
        self._first_step, self._began = 0, time.monotonic()
        self._logs: Mapping[str, float] = {}
        self._said: float | None = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._first_step, self._began = state.global_step, time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # Losses may come so seldom that a person would take the run for dead.
        if time.monotonic() >= (self._said or self._began) + 2 * _SECONDS_BETWEEN_LINES:
            self._say(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        self._logs = dict(logs)
        due = self._said is None or time.monotonic() >= self._said + _SECONDS_BETWEEN_LINES
        if due or state.global_step >= state.max_steps:
            self._say(state)

    def _say(self, state: TrainerState) -> None:
        self._said = time.monotonic()
        done = max(1, state.global_step - self._first_step)
        left = (self._said - self._began) / done * (state.max_steps - state.global_step)
        words = [f"step {state.global_step:,}/{state.max_steps:,}"]
        if self._logs:
            logs = self._logs
            words += [f"loss {logs['loss']:.4f}", f"learning rate {logs.get('learning_rate', 0.0):.3g}"]
            words += [f"{logs.get(f'{name}_per_second', 0.0):,.1f} {name}/s" for name in ("images", "tokens")]
        with suppress(OSError):  # as in a full disk that the lines are written to
            print(f"{', '.join(words)}, {timedelta(seconds=round(left))} left", file=sys.stderr, flush=True)


def progress_callback() -> TrainerCallback:
    """A bar in a terminal, lines elsewhere."""
    return ProgressBar() if sys.stderr.isatty() else ProgressLines()


class RunLog(TrainerCallback):
    """Keeps what was logged, one JSON object a line; draws it every minute or so, and at the end.

    Args:
        run: The run's folder.
        tell: Told once when TensorBoard or matplotlib is not installed, and once when the log cannot be written; none
            of it ends a run.
    """

    def __init__(self, run: Path, tell: Callable[[str], None]) -> None:
        self._run, self._tell = run, tell
        self._log = AppendedFile(run / LOG_FILE)
        self._events: AppendedFile | None = None
        self._refused = False
        self._draws, self._drawn = True, time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # Steps behind the checkpoint that a killed run goes on from are done again.
        kept = [entry for entry in read_log(self._run) if entry["step"] <= state.global_step]
        write_whole(self._run / LOG_FILE, [_line(entry) for entry in kept])
        try:
            begin = tensorboard_events.first_events(state.global_step + 1 if state.global_step else None)
        except ImportError:
            self._tell("no TensorBoard files: pip install 'roborefer[train]'")
            return
        self._events = AppendedFile(self._run / "tensorboard" / tensorboard_events.file_name())
        self._append(self._events, begin)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "train_runtime" in logs:
            return  # transformers' own summary at the end
        named = {_NAMES.get(name, name): float(value) for name, value in logs.items()}
        self._append(self._log, _line({"step": state.global_step, **named}))
        if self._events is not None:
            self._append(self._events, tensorboard_events.scalar_event(state.global_step, named))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._complete()
        if time.monotonic() > self._drawn + _SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._complete()
        self._draw()

    def _complete(self) -> None:
        """A run that goes on from a checkpoint needs the entries before it."""
        for file in (self._log, self._events):
            if file is not None:
                self._append(file, b"")

    def _append(self, file: AppendedFile, data: bytes) -> None:
        try:
            file.append(data)
        except OSError as error:
            self._refuse(file.path, error)

    def _refuse(self, path: Path, error: InputError | OSError) -> None:
        if self._refused:
            return
        self._refused = True
        self._tell(
            f"cannot write {source_name(path)}: {_reason(error)}; the run goes on, and its log is completed once that "
            "is possible"
        )

    def _draw(self) -> None:
        if not self._draws:
            return
        try:
            draw_curves(list(read_log(self._run)), self._run / CURVES_FILE)
            self._drawn = time.monotonic()
        except ImportError:
            self._draws = False
            self._tell("no curves.png: pip install 'roborefer[train]'")
        except (InputError, OSError) as error:
            self._refuse(self._run / CURVES_FILE, error)


def read_log(run: Path) -> Iterator[dict[str, float]]:
    """The entries of a run's log; a last line that a kill cut short is left out."""
    path = run / LOG_FILE
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _reason(error: InputError | OSError) -> str:
    """What the system said, without the remedy for what ends a run."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or one_line(error)


def _line(entry: Mapping[str, float]) -> bytes:
    return json.dumps(entry).encode() + b"\n"
