"""What tells the data of a run apart from other data of the same name: size and checksum of each file of records."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roborefer.datasets.mixture import read_mixture
from roborefer.errors import InputError
from roborefer.images import one_line, source_name

# Large files are read in places alone: a start must not take as long as reading all data.
_BLOCK_BYTES = 1 << 16
_BLOCKS = 16


def record_files(mixtures: Sequence[str], registries: Sequence[Path], data_root: Path | None) -> list[Path]:
    """The files of records of some mixtures, in order.

    Raises:
        InputError: A mixture cannot be read.
    """
    read = (read_mixture(text, registries=registries, data_root=data_root) for text in mixtures)
    return [path for mixture in read for source in mixture.sources for path in source.files]


def fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and checksum of a file, for JSON; the checksum of a large file is that of blocks all over it.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            checksum = 0
            for start in _starts(size):
                stream.seek(start)
                checksum = zlib.crc32(stream.read(_BLOCK_BYTES), checksum)
    except OSError as error:
        raise InputError(f"cannot read {source_name(path)}: {error.strerror or one_line(error)}; check it") from error
    return {"name": path.name, "bytes": size, "crc32": checksum}


def changed_since(paths: Sequence[Path], before: Sequence[Any]) -> str | None:
    """What is different from fingerprints of before, in words; None for nothing.

    Raises:
        InputError: A file cannot be read.
    """
    if len(paths) != len(before):
        return f"{len(paths)} files of records, {len(before)} then"
    for path, was in zip(paths, before, strict=True):
        if fingerprint(path) != was:
            return f"{source_name(path)} changed since"
    return None


def _starts(size: int) -> Sequence[int]:
    """Where blocks begin: one behind the other, or spread from the first byte to the last."""
    if size <= _BLOCKS * _BLOCK_BYTES:
        return range(0, size, _BLOCK_BYTES)
    return [(size - _BLOCK_BYTES) * number // (_BLOCKS - 1) for number in range(_BLOCKS)]
