"""Reads one JSON list of records piece by piece, and tells where in the file each of them stands.

Lists of published data are several gigabytes long. The scan holds about one record at a time; what it finds is bytes
and their place, so that any record can be read again alone. A broken record does not hide those behind it: the scan
goes on at the next place that begins as the first record does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from roborefer.datasets.records import Location

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Longest record that is read: 64 MiB; published ones have some kilobytes."""

_CHUNK = 1 << 20
_BYTE_ORDER_MARK = "ï»¿"  # of UTF-8, as Latin-1
# A literal that is cut in two at the end of what is read so far ("-Infinity") looks broken, but need not be.
_LONGEST_LITERAL = 16
_DECODER = json.JSONDecoder()
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))  # of a character's UTF-8, all but the first
_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.){0,200}")\s*:')


@dataclass(frozen=True, eq=False)
class RawRecord:
    """One record as it stands in its file.

    Attributes:
        location: Where; of broken JSON, the line that is broken.
        offset: Of its first byte in the file.
        data: Its bytes; empty when broken.
        problem: Why it cannot be read, empty when it can.
    """

    location: Location
    offset: int
    data: bytes
    problem: str = ""


class _BrokenError(Exception):
    """JSON is broken at a position of the window."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(text)
        self.position = position


class _Window:
    """The part of a file that is being looked at.

    Bytes are taken for Latin-1: one character a byte, so that positions are offsets; JSON's own signs are ASCII.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.text = ""
        self.position = 0
        self.line = 1
        self.column = 1
        self.finished = False
        self._start = 0

    @property
    def offset(self) -> int:
        """Of ``position`` in the file."""
        return self._start + self.position

    def peek(self) -> str:
        """Skips white space; the character there, or nothing at the end of the file."""
        while True:
            match = _SPACE.match(self.text, self.position)
            assert match is not None  # it matches nothing, too
            self.advance(match.end())
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.extend():
                return ""

    def advance(self, position: int) -> None:
        self.line, self.column = self.place_of(position)
        self.position = position

    def extend(self) -> bool:
        """Reads on, at least as much again as is held, and forgets what lies behind; False at the end."""
        chunk = self._stream.read(max(_CHUNK, len(self.text) - self.position))
        self.finished = not chunk
        self._start += self.position
        self.text = self.text[self.position :] + chunk.decode("latin-1")
        self.position = 0
        return bool(chunk)

    def place_of(self, position: int) -> tuple[int, int]:
        """(line, column) of a position that is not before the present one, both from 1; columns are characters."""
        passed = self.text[self.position : position]
        lines = passed.count("\n")
        if lines:
            return self.line + lines, 1 + _characters(passed[passed.rindex("\n") + 1 :])
        return self.line, self.column + _characters(passed)

    def record_end(self) -> int:
        """Where the value that begins at ``position`` ends.

        Raises:
            _BrokenError: It is no JSON.
        """
        while True:
            try:
                _, end = _DECODER.raw_decode(self.text, self.position)
                if end < len(self.text) or self.finished:
                    return end
            except json.JSONDecodeError as error:
                if self.finished or self._is_broken(error):
                    raise _BrokenError(json_problem(error), error.pos) from error
            except (ValueError, RecursionError) as error:
                raise _BrokenError(json_problem(error), self.position) from error
            if len(self.text) - self.position > MAX_RECORD_BYTES:
                raise _BrokenError(f"a record of more than {MAX_RECORD_BYTES >> 20} MiB", self.position)
            self.extend()

    def _is_broken(self, error: json.JSONDecodeError) -> bool:
        """Whether more of the file could not mend it."""
        return not error.msg.startswith("Unterminated string") and error.pos < len(self.text) - _LONGEST_LITERAL

    def seek(self, pattern: re.Pattern[str]) -> bool:
        """Goes to where the pattern's group begins, behind the present position; False if it does not come."""
        start = self.position + 1
        while True:
            match = pattern.search(self.text, start)
            if match is not None:
                self.advance(match.start(1))
                return True
            if self.finished:
                return False
            # What is held may end within a match.
            self.advance(max(self.position, len(self.text) - 1024))
            self.extend()
            start = 0


def list_records(path: Path, stream: IO[bytes]) -> Iterator[RawRecord]:
    """The records of a file that is one JSON list, broken ones included.

    Args:
        path: For locations.
        stream: The file, at its start.
    """
    window = _Window(stream)
    window.peek()
    if window.text.startswith(_BYTE_ORDER_MARK):
        window.advance(len(_BYTE_ORDER_MARK))
        window.column = 1
    if window.peek() != "[":
        yield RawRecord(Location(path, window.line, 0), window.offset, b"", "expected a JSON list, got something else")
        return
    window.advance(window.position + 1)
    opening: re.Pattern[str] | None = None
    index, line_before = 0, 0
    while (character := window.peek()) not in ("", "]"):
        opening = opening or _opening(window)
        line = broken_line = window.line
        offset, data, problem, has_comma, goes_on = window.offset, b"", "", True, True
        try:
            end = window.record_end()
            data = window.text[window.position : end].encode("latin-1")
            window.advance(end)
            has_comma = _pass_comma(window)
        except _BrokenError as error:
            broken_line, column = window.place_of(error.position)
            goes_on = opening is not None and window.seek(opening)
            lost = "" if goes_on else "; nothing behind it can be read"
            problem = f"broken JSON: {error} in column {column}{lost}"
        # The window is at the next record by now, so that it is known whether that begins on the same line.
        has_next_here = goes_on and window.peek() not in ("", "]") and window.line in (line, broken_line)
        shares_line = has_next_here or line == line_before
        if data:
            yield RawRecord(Location(path, line, index, shares_line), offset, data)
        if problem:
            yield RawRecord(Location(path, broken_line, index, shares_line), offset, b"", problem)
        if not has_comma:
            problem = "broken JSON: expected a comma between this record and the one before"
            yield RawRecord(Location(path, window.line, index + 1, has_next_here), window.offset, b"", problem)
        if not goes_on:
            return
        index, line_before = index + 1, line
    problem = "the list has no end: the file is cut short"
    if character == "]":
        window.advance(window.position + 1)
        more = window.peek()
        problem = f"expected nothing behind the end of the list in column {window.column}" if more else ""
    if problem:
        yield RawRecord(Location(path, window.line, index), window.offset, b"", problem)


def json_problem(error: ValueError | RecursionError) -> str:
    """What Python's JSON reader met, in words that say nothing of Python."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg.removesuffix(" at")
    return "lists or objects nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"


def _characters(text: str) -> int:
    """How many characters UTF-8 that was taken for Latin-1 spells."""
    return len(text if text.isascii() else text.encode("latin-1").translate(None, _CONTINUATION_BYTES))


def _pass_comma(window: _Window) -> bool:
    """Goes to the next record; False when only the comma is missing.

    Raises:
        _BrokenError: Something else stands there.
    """
    character = window.peek()
    if character == ",":
        window.advance(window.position + 1)
    elif character not in ("", "]", "{"):
        raise _BrokenError("expected a comma or the end of the list", window.position)
    return character != "{"


def _opening(window: _Window) -> re.Pattern[str] | None:
    """How every record of the file is likely to begin: as this one does, with its first key, behind a comma."""
    match = _FIRST_KEY.match(window.text, window.position)
    return None if match is None else re.compile(rf",\s*(\{{\s*{re.escape(match.group(1))}\s*:)")
