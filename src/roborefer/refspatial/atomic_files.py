"""Files that are whole or not there: written aside, then renamed; what the system refuses becomes one line."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.images import one_line, source_name

ASIDE_SUFFIX = ".part"
"""Ends the name of a file that is still being written; after a kill such files may be left, and mean nothing."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_whole(path: Path, chunks: bytes | Iterable[bytes]) -> None:
    """Writes a file aside and renames it, so that nobody ever sees half of it, even after a kill.

    Args:
        path: Where to; an older file there is replaced.
        chunks: The content, at once or piece by piece.

    Raises:
        InputError: The system refuses it; nothing is left behind.
    """
    aside = path.with_name(f".{path.name}{ASIDE_SUFFIX}")
    try:
        with one_line_refusal(path):
            with aside.open("wb") as stream:
                for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
                    stream.write(chunk)
            aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Waits until a file is on the disk; some file systems tell only here that it is full."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def write_json(path: Path, content: Any) -> None:
    """Writes JSON that a person can read, as :func:`write_whole`."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, f"{text}\n".encode())


def make_folder(path: Path) -> None:
    """Makes a folder and its parents where they are missing.

    Raises:
        InputError: It cannot be made, is no folder, or cannot be written to.
    """
    with one_line_refusal(path):
        path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"cannot write into {source_name(path)}: choose a folder that you may write to")


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed process was writing."""
    with one_line_refusal(folder):
        for aside in folder.glob(f".*{ASIDE_SUFFIX}"):
            aside.unlink(missing_ok=True)


@contextmanager
def one_line_refusal(path: Path) -> Iterator[None]:
    """Turns an ``OSError`` into an :class:`InputError` that names the path and the remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise InputError(f"cannot write {source_name(path)}: {reason}; {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in _FULL:
        return "make room on the disk and run the same command again"
    if error.errno in _FORBIDDEN:
        return "choose a folder that you may write to"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "choose a folder, not a file"
    return "check the disk, or choose another folder"
