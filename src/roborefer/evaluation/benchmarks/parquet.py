"""Parquet files of the hub: their rows as records, and the pictures in their cells."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import Record
from roborefer.images import one_line, source_name

if TYPE_CHECKING:
    import pyarrow.parquet

_ROWS_AT_ONCE = 16  # pictures make rows large


def parquet_files(folder: Path) -> list[Path]:
    """All Parquet files in a folder and below, sorted."""
    return sorted(folder.rglob("*.parquet"))


def split_name(path: Path) -> str:
    """What tells a file's split: its name, or its folder's where that is a number (``test/0000.parquet``)."""
    return path.parent.name if path.stem.isdecimal() else path.stem


def columns_of(path: Path) -> frozenset[str]:
    """The names of a file's columns.

    Raises:
        InputError: It cannot be read, or pyarrow is not installed.
    """
    return frozenset(_opened(path).schema_arrow.names)


def read_rows(path: Path) -> Iterator[Record]:
    """The rows of a file in order, a few in memory at a time.

    Raises:
        InputError: It cannot be read, is empty, or pyarrow is not installed.
    """
    name = source_name(path)
    number = -1
    try:
        for batch in _opened(path).iter_batches(_ROWS_AT_ONCE):
            for fields in batch.to_pylist():
                number += 1
                yield Record(fields, f"{name} row {number}")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {name} behind row {number}: {one_line(error)}; download it again") from error
    if number < 0:
        raise InputError(f"expected questions, got no rows in {name}")


def picture_bytes(record: Record, key: str) -> bytes:
    """A picture of a row: a struct with ``bytes`` (as the hub's image feature is stored), bytes, or base64 text.

    Raises:
        InputError: There is none.
    """
    found = optional_picture_bytes(record, key)
    if found is None:
        record.value(key)  # raises where the key or its value is missing
        raise InputError(f"expected the bytes of a picture as {key!r}, got none in {record.place}")
    return found


def optional_picture_bytes(record: Record, key: str) -> bytes | None:
    """The same; None where the cell is empty."""
    return _bytes(record.fields.get(key), key, record.place)


def picture_list(record: Record, key: str) -> tuple[bytes, ...]:
    """One or several pictures of a row."""
    value = record.value(key)
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    found = [_bytes(item, key, record.place) for item in values]
    pictures = tuple(item for item in found if item is not None)
    if len(pictures) < len(values) or not pictures:
        raise InputError(f"expected pictures as {key!r}, got an empty one in {record.place}")
    return pictures


def _bytes(value: Any, key: str, place: str) -> bytes | None:
    if isinstance(value, dict):
        value = value.get("bytes")
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise InputError(f"expected a picture as {key!r}, got {type(value).__name__} in {place}")


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(
            "expected pyarrow for Parquet files, got none: run pip install 'roborefer[evaluate]'"
        ) from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source_name(path)}: {one_line(error)}; download it again") from error
