"""Writing pictures: checked before the work, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from roborefer.errors import InputError
from roborefer.images import one_line, source_name

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_picture_path(path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuses a path that no picture should be written to, before anything slow is done for it.

    Args:
        path: Where the picture is to go; an older picture there may be replaced.
        inputs: Files that must not be replaced, as they are still needed.

    Raises:
        InputError: Another suffix than a picture's, no such folder, or one of the inputs.
    """
    path, name = Path(path), source_name(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"expected a picture's name ({', '.join(PICTURE_SUFFIXES)}), got {name}: add one of these")
    if path.is_dir():
        raise InputError(f"expected a file to write, got the directory {name}: add a file name to it")
    if not path.parent.is_dir():
        raise InputError(f"expected an existing folder for {name}, got {source_name(path.parent)}: make it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write into {source_name(path.parent)}: choose a folder that you may write to")
    for other in inputs:
        if path.exists() and Path(other).exists() and path.samefile(other):
            raise InputError(f"expected a new file for the picture, got {name}, which is an input: choose another name")


def write_picture(picture: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes the picture aside and renames it, so that nobody ever sees half of it.

    Raises:
        InputError: It cannot be written there, or the format cannot hold a picture of this size.
    """
    path = Path(path)
    check_picture_path(path)
    aside = path.with_name(f".{secrets.token_hex(6)}{path.suffix}")
    try:
        picture.save(aside)
        aside.replace(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot write {picture.width}x{picture.height} pixels to {source_name(path)}: {one_line(error)}; "
            "choose another file, or .png"
        ) from error
    finally:
        aside.unlink(missing_ok=True)
