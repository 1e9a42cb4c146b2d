"""A file that grows while a run goes on, also over a time in which the disk is full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class AppendedFile:
    """Appends to a file; what the system refuses is kept, and written with what comes next.

    Args:
        path: Of the file; it and its folder are made when something is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = b""

    def append(self, data: bytes) -> None:
        """Adds to the end, all of it or nothing.

        Raises:
            OSError: The system refuses it; the next call tries again.
        """
        self._waiting += data
        if not self._waiting:
            return
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as stream:
                stream.write(self._waiting)
        except OSError:
            # Half an entry would spoil the one that is written behind it.
            with suppress(OSError):
                os.truncate(self.path, before)
            raise
        self._waiting = b""
