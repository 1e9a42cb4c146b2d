"""What TensorBoard reads, as bytes. Its own writer has a thread, which a full disk ends with a traceback.

Needs TensorBoard, which is imported when a function is called.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

_VERSION = "brain.Event:2"


def file_name() -> str:
    """A new name; TensorBoard reads the files of a folder in the order of their names."""
    return f"events.out.tfevents.{time.time():017.6f}.{socket.gethostname()}.{os.getpid()}"


def first_events(purge_step: int | None) -> bytes:
    """How a file begins.

    Args:
        purge_step: Steps from here on that earlier files hold are left out; None for none.

    Raises:
        ImportError: TensorBoard is not installed.
    """
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]

    events = [Event(wall_time=time.time(), file_version=_VERSION)]
    if purge_step is not None:
        start = SessionLog(status=SessionLog.START)
        events.append(Event(wall_time=time.time(), step=purge_step, session_log=start))
    return b"".join(_record(event) for event in events)


def scalar_event(step: int, values: Mapping[str, float]) -> bytes:
    """Numbers of a step by name.

    Raises:
        ImportError: TensorBoard is not installed.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

    scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
    return _record(Event(wall_time=time.time(), step=step, summary=Summary(value=scalars)))


def _record(event: Any) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

    stream = io.BytesIO()
    RecordWriter(stream).write(event.SerializeToString())
    return stream.getvalue()
