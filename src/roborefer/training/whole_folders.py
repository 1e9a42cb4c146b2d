"""Folders that are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError

from roborefer.images import one_line
from roborefer.refspatial.atomic_files import make_folder, one_line_refusal

ASIDE_PREFIX = ".writing-"
"""Begins the name of a folder that is still being written; after a kill one may be left, and means nothing."""


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Has a folder written aside and renames it; an older one of that name is replaced.

    Args:
        folder: Where to; its parent is made.
        write: Called with a path where nothing is, to make the folder there.

    Raises:
        InputError: The system refuses it (a full disk, for one); nothing is left behind.
    """
    make_folder(folder.parent)
    aside = folder.with_name(f"{ASIDE_PREFIX}{folder.name}")
    try:
        with one_line_refusal(folder):
            shutil.rmtree(aside, ignore_errors=True)
            try:
                write(aside)
            except SafetensorError as error:
                raise _refusal(error) from error
            _replace(aside, folder)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
        raise


def _replace(aside: Path, folder: Path) -> None:
    old = folder.with_name(f"{ASIDE_PREFIX}old-{folder.name}")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _refusal(error: SafetensorError) -> OSError:
    """What the system refused, of which the library only has the text."""
    found = re.search(r"os error (\d+)", str(error))
    number = int(found[1]) if found else 0
    return OSError(number, os.strerror(number) if number else one_line(error))
