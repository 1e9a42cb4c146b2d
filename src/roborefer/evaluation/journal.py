"""The file of a run's answers: one JSON line a sample, in the order in which they came.

A line is flushed as soon as it is there and synced to the disk every second, so that a run that is cut off anywhere
goes on where it was. A last line without its end was being written when the run was cut off, and is asked again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from roborefer.errors import InputError
from roborefer.images import source_name
from roborefer.refspatial.atomic_files import one_line_refusal, write_whole

ANSWERS = "answers.jsonl"
_SYNC_SECONDS = 1.0
_KEYS = ("key", "task", "question", "raw", "error", "seen_size", "attempts", "seconds")


@dataclass(frozen=True)
class AnswerLine:
    """What one sample was answered.

    Attributes:
        key, task: Of the sample.
        question: In full, as it was asked.
        raw: The model's text; None where the request failed.
        error: Why it failed.
        seen_size: (width, height) of the picture that the model saw, where it was not its own.
        attempts: How often it was asked.
        seconds: How long the answer took; that of a batch is shared out evenly.
    """

    key: str
    task: str
    question: str
    raw: str | None
    error: str | None = None
    seen_size: tuple[int, int] | None = None
    attempts: int = 1
    seconds: float = 0.0


def read_answers(path: Path) -> dict[str, AnswerLine]:
    """The answers so far, by key; none where there is no file. A line that was cut off is not one of them.

    Raises:
        InputError: A line is no answer, or a key comes twice.
    """
    answers: dict[str, AnswerLine] = {}
    for number, line in enumerate(_whole_lines(path), start=1):
        place = f"{source_name(path)} line {number}"
        answer = _read_line(line, place)
        if answer.key in answers:
            raise InputError(f"expected every sample once, got {answer.key} again in {place}: remove that line")
        answers[answer.key] = answer
    return answers


def _whole_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"cannot read {source_name(path)}: {error.strerror}") from error


def _read_line(line: bytes, place: str) -> AnswerLine:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not {"key", "task", "question", "raw"} <= fields.keys() <= set(_KEYS):
        raise InputError(f"expected an answer, got something else in {place}: remove that line, or use another --out")
    size = fields.get("seen_size")
    return AnswerLine(**{**fields, "seen_size": None if size is None else (size[0], size[1])})


class Journal:
    """Appends answers to a file; see :func:`opened_journal`."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._synced = time.monotonic()

    def add(self, answers: Iterable[AnswerLine]) -> None:
        """Writes answers down.

        Raises:
            InputError: The system refuses it.
        """
        with one_line_refusal(self._path):
            for answer in answers:
                text = json.dumps(_fields(answer), ensure_ascii=False, allow_nan=False)
                # A model's text may hold a lone surrogate, which UTF-8 has no bytes for.
                self._stream.write(text.encode("utf-8", "replace") + b"\n")
            self._stream.flush()
            if time.monotonic() - self._synced >= _SYNC_SECONDS:
                self.sync()

    def sync(self) -> None:
        """Waits until all is on the disk."""
        os.fsync(self._stream.fileno())
        self._synced = time.monotonic()


@contextmanager
def opened_journal(path: Path) -> Iterator[Journal]:
    """A file of answers to append to; half a line at its end is cut off.

    Raises:
        InputError: The system refuses it.
    """
    with one_line_refusal(path):
        stream = path.open("ab+")
    with stream:
        with one_line_refusal(path):
            _cut_half_line(stream)
        journal = Journal(stream, path)
        try:
            yield journal
        finally:
            with one_line_refusal(path):
                journal.sync()


def _cut_half_line(stream: IO[bytes]) -> None:
    end = stream.seek(0, os.SEEK_END)
    block = 65536
    position = end
    while position > 0:
        start = max(0, position - block)
        stream.seek(start)
        content = stream.read(position - start)
        last = content.rfind(b"\n")
        if last >= 0:
            stream.truncate(start + last + 1)
            stream.seek(0, os.SEEK_END)
            return
        position = start
    stream.truncate(0)


def forget(path: Path, keys: Collection[str]) -> None:
    """Takes some answers out of the file, so that they are asked again."""
    answers = read_answers(path)
    kept = [answer for key, answer in answers.items() if key not in keys]
    lines = [json.dumps(_fields(answer), ensure_ascii=False).encode("utf-8", "replace") + b"\n" for answer in kept]
    write_whole(path, lines)


def _fields(answer: AnswerLine) -> dict[str, Any]:
    return asdict(answer)
