"""What tells the weights in one folder from those in another, so that a run never goes on with another model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from roborefer.errors import InputError
from roborefer.images import source_name

_BLOCK = 1 << 16
_BLOCKS = 64  # spread over each file: any training step changes nearly all weights


def folder_fingerprint(folder: Path) -> str:
    """A hash over the sizes and parts of all weight and configuration files; the same for a copied folder.

    Raises:
        InputError: A file cannot be read.
    """
    digest = hashlib.sha256()
    files = [path for pattern in ("*.safetensors", "*.json") for path in folder.rglob(pattern)]
    for path in sorted(files):
        digest.update(path.relative_to(folder).as_posix().encode())
        try:
            _take(path, digest.update)
        except OSError as error:
            raise InputError(f"cannot read {source_name(path)}: {error.strerror}") from error
    return digest.hexdigest()[:16]


def _take(path: Path, update: Callable[[bytes], object]) -> None:
    size = path.stat().st_size
    update(size.to_bytes(8, "big"))
    with path.open("rb") as stream:
        for number in range(_BLOCKS):
            stream.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
            update(stream.read(_BLOCK))
            if size <= _BLOCK:
                return


def packaged_fingerprint() -> str:
    """That of the model inside the package."""
    return folder_fingerprint(Path(__file__).parents[1] / "pretrained")
