"""Curves of the lessons: TensorBoard's files as they go, and ``curves.png`` every few minutes and at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from roborefer.errors import InputError
from roborefer.images import one_line
from roborefer.training import tensorboard_events
from roborefer.training.appended_file import AppendedFile
from roborefer.training.curves import draw_curves

CURVES = "curves.png"
# Half a second of drawing must not become a share of the time of short updates.
_SECONDS_BETWEEN_DRAWINGS = 300.0


class LessonCurves:
    """Draws what a run of lessons logs. That it can't is said once, and ends no run.

    Args:
        out: Folder of the lessons.
        log: Their log: one JSON object a line, with ``update``, ``loss``, ``share`` and other numbers.
        learning_rate: Of which ``share`` is used.
        done: Updates that an earlier run made.
    """

    def __init__(self, out: Path, log: Path, learning_rate: float, done: int) -> None:
        self._log, self._picture, self._learning_rate = log, out / CURVES, learning_rate
        self._drawn = time.monotonic()
        self._said = False
        self._events: AppendedFile | None = None
        try:
            begin = tensorboard_events.first_events(done + 1 if done else None)
        except ImportError:
            self._say("no TensorBoard files and curves: pip install 'roborefer[train]'")
            return
        self._events = AppendedFile(out / "tensorboard" / tensorboard_events.file_name())
        self._append(begin)

    def add(self, update: int, values: Mapping[str, float]) -> None:
        """What was logged of an update, counted from 0."""
        if self._events is not None:
            self._append(tensorboard_events.scalar_event(update + 1, values))

    def draw(self, *, if_due: bool = False) -> None:
        """Draw the picture; ``if_due``: unless that was a short while ago."""
        if if_due and time.monotonic() < self._drawn + _SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn = time.monotonic()
        try:
            entries = [json.loads(line) for line in self._log.read_bytes().splitlines()]
            steps = [
                {
                    "step": entry["update"] + 1,
                    "loss": entry["loss"],
                    "learning_rate": entry["share"] * self._learning_rate,
                }
                for entry in entries
            ]
            draw_curves(steps, self._picture, loss_label="loss of the lessons")
        except ImportError:
            self._say("no curves.png: pip install 'roborefer[train]'")
        except (InputError, OSError) as error:
            self._say(f"cannot draw {CURVES}: {one_line(error)}; the run goes on")

    def _append(self, data: bytes) -> None:
        assert self._events is not None
        try:
            self._events.append(data)
        except OSError as error:
            self._say(f"cannot write TensorBoard's file: {one_line(error)}; the run goes on")

    def _say(self, text: str) -> None:
        if not self._said:
            tqdm.write(text, file=sys.stderr)
        self._said = True
