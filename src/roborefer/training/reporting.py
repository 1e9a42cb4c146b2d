"""What a run tells while it goes: a progress bar, ``log.jsonl``, TensorBoard's files and ``curves.png``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from roborefer.refspatial.atomic_files import write_whole
from roborefer.training.curves import draw_curves

LOG_FILE = "log.jsonl"
CURVES_FILE = "curves.png"

# Some half a second of drawing must not become a share of a run with many checkpoints.
_SECONDS_BETWEEN_DRAWINGS = 60.0
_NAMES = {"grad_norm": "gradient_norm"}


class ProgressBar(TrainerCallback):
    """Steps done and the time left, with the loss, images and tokens a second."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="training",
            unit="step",
            smoothing=0.05,
            disable=not self._shown,
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


class RunLog(TrainerCallback):
    """Keeps what was logged, one JSON object a line; draws it every minute or so, and at the end.

    Args:
        run: The run's folder.
        tell: Told once when TensorBoard or matplotlib is not installed, which stops nothing.
    """

    def __init__(self, run: Path, tell: Callable[[str], None]) -> None:
        self._run, self._tell = run, tell
        self._writer: Any = None
        self._draws, self._drawn = True, time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # Steps behind the checkpoint that a killed run goes on from are done again.
        kept = [entry for entry in read_log(self._run) if entry["step"] <= state.global_step]
        write_whole(self._run / LOG_FILE, [_line(entry) for entry in kept])
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._tell("no TensorBoard files: pip install 'roborefer[train]'")
            return
        purge = state.global_step + 1 if state.global_step else None
        self._writer = SummaryWriter(str(self._run / "tensorboard"), purge_step=purge)

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
        with (self._run / LOG_FILE).open("ab") as stream:
            stream.write(_line({"step": state.global_step, **named}))
        if self._writer is not None:
            for name, value in named.items():
                self._writer.add_scalar(name, value, state.global_step)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if time.monotonic() > self._drawn + _SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._draw()
        if self._writer is not None:
            self._writer.close()

    def _draw(self) -> None:
        if not self._draws:
            return
        try:
            draw_curves(list(read_log(self._run)), self._run / CURVES_FILE)
            self._drawn = time.monotonic()
        except ImportError:
            self._draws = False
            self._tell("no curves.png: pip install 'roborefer[train]'")


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


def _line(entry: Mapping[str, float]) -> bytes:
    return json.dumps(entry).encode() + b"\n"
