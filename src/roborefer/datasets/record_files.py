"""Files of records: JSON lists and JSON lines, read one record at a time, from the start or from an offset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from roborefer.datasets.json_list import MAX_RECORD_BYTES, RawRecord, json_problem, list_records
from roborefer.datasets.quoting import kind_of
from roborefer.datasets.records import Location
from roborefer.errors import InputError
from roborefer.images import one_line, source_name

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


def raw_records(path: Path) -> Iterator[RawRecord]:
    """All records of a file in order, broken ones included; the file's first sign tells its form, not its name.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            is_list = _first_sign(stream) == b"["
            stream.seek(0)
            yield from list_records(path, stream) if is_list else _line_records(path, stream)
    except OSError as error:
        raise InputError(f"cannot read {source_name(path)}: {error.strerror or one_line(error)}; check it") from error


def read_raw(path: Path, offset: int, length: int) -> bytes:
    """The bytes of one record, as :func:`raw_records` told their place.

    Raises:
        InputError: The file cannot be read, or is shorter by now.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
    except OSError as error:
        raise InputError(f"cannot read {source_name(path)}: {error.strerror or one_line(error)}; check it") from error
    if len(data) < length:
        raise InputError(f"expected {length} bytes at {offset} of {source_name(path)}, got {len(data)}: it has changed")
    return data


def parse_record(data: bytes) -> dict[str, Any]:
    """A record's bytes as the object that they spell.

    Raises:
        InputError: They are no JSON, or no object.
    """
    try:
        content = json.loads(data.removeprefix(_BYTE_ORDER_MARK))
    except json.JSONDecodeError as error:
        raise InputError(f"broken JSON: {json_problem(error)} in column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"broken JSON: expected UTF-8, got something else in byte {error.start + 1} of the record: save the file "
            "as UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"broken JSON: {json_problem(error)}") from error
    if not isinstance(content, dict):
        raise InputError(f"expected a record in braces, got {kind_of(content)}")
    return content


def _first_sign(stream: IO[bytes]) -> bytes:
    """The first byte that is no white space."""
    stream.seek(0)
    block = stream.read(4096).removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACE)
    while not block:
        more = stream.read(4096)
        if not more:
            return b""
        block = more.lstrip(_SPACE)
    return block[:1]


def _line_records(path: Path, stream: IO[bytes]) -> Iterator[RawRecord]:
    """One record a line; empty lines are passed over."""
    offset, index, number = 0, 0, 0
    while data := stream.readline(MAX_RECORD_BYTES):
        number += 1
        location = Location(path, number, index)
        whole = data.endswith(b"\n") or len(data) < MAX_RECORD_BYTES
        if not whole:
            yield RawRecord(location, offset, b"", f"a record of more than {MAX_RECORD_BYTES >> 20} MiB")
        elif data.strip(_SPACE):
            yield RawRecord(location, offset, data.rstrip(b"\r\n"))
        offset += len(data)
        while not whole:
            rest = stream.readline(MAX_RECORD_BYTES)
            offset += len(rest)
            whole = rest.endswith(b"\n") or len(rest) < MAX_RECORD_BYTES
        index += bool(data.strip(_SPACE))
