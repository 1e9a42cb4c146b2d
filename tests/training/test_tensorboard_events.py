"""TensorBoard reads what is written for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roborefer.training.tensorboard_events import file_name, first_events, scalar_event


def test_a_resumed_run_has_each_step_once(tmp_path: Path) -> None:
    names = [file_name(), file_name()]
    assert names == sorted(set(names))
    steps = [scalar_event(step, {"loss": 1.0 / step, "rate": 0.5}) for step in (1, 2, 3)]
    (tmp_path / names[0]).write_bytes(first_events(None) + b"".join(steps))
    (tmp_path / names[1]).write_bytes(first_events(2) + scalar_event(2, {"loss": 7.0}))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1.0), (2, 7.0)]
    assert [event.value for event in events.Scalars("rate")] == pytest.approx([0.5])
