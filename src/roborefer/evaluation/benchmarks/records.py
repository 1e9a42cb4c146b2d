"""Records of a benchmark's files, each with the place where it stands, for errors that a person can act on."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.samples import Source
from roborefer.geometry.depth import read_depth
from roborefer.images import MAX_FILE_BYTES, open_source, picture_size, source_name

_Json = Mapping[str, Any]
_SUFFIX = re.compile(r"(.*\S) (Your answer should be formatted as .*)", re.DOTALL)


@dataclass(frozen=True)
class Record:
    """One question as it stands in a file.

    Attributes:
        fields: As read.
        place: "question.json line 12" or "test.parquet row 3", with the folder.
    """

    fields: _Json
    place: str

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text that has to be there, unless there is a default."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise InputError(f"expected text as {key!r}, got {type(value).__name__} in {self.place}")
        if default is None and not value.strip():
            raise InputError(f"expected {key!r} to say something, got nothing in {self.place}")
        return value

    def whole(self, key: str) -> int | None:
        """A whole number, or None where there is none."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
            raise InputError(f"expected a whole number as {key!r}, got {value!r} in {self.place}")
        return int(value)

    def identity(self, key: str) -> str:
        """An id that has to be there: text or a whole number, as text."""
        value = self._value(key, None)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise InputError(f"expected text or a whole number as {key!r}, got {value!r} in {self.place}")
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where there is none."""
        value = self.fields.get(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InputError(f"expected a list of texts as {key!r}, got {value!r} in {self.place}")
        return tuple(value)

    def value(self, key: str) -> Any:
        """Anything that has to be there."""
        return self._value(key, None)

    def _value(self, key: str, default: Any) -> Any:
        value = self.fields.get(key, default)
        if value is None:
            raise InputError(self._missing(key))
        return value

    def _missing(self, key: str) -> str:
        if key in self.fields:
            return f"expected {key!r} to say something, got null in {self.place}"
        found = ", ".join(map(str, self.fields)) or "none"
        alike = difflib.get_close_matches(key, list(map(str, self.fields)), n=1)
        hint = f": is {alike[0]!r} meant?" if alike else ""
        return f"expected the key {key!r}, got {found} in {self.place}{hint}"


def read_json_list(path: Path) -> list[Record]:
    """The objects of a JSON list, each with the line that it begins on.

    Raises:
        InputError: The file cannot be read, is no list of objects, or is empty.
    """
    text = read_text(path)
    name = source_name(path)
    records = []
    line, seen = 1, 0
    for start, item in _items(text, name):
        line += text.count("\n", seen, start)
        seen = start
        place = f"{name} line {line}"
        if not isinstance(item, dict):
            raise InputError(f"expected an object with a question, got {type(item).__name__} in {place}")
        records.append(Record(item, place))
    if not records:
        raise InputError(f"expected questions, got an empty list in {name}")
    return records


def _items(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Where each item of the list begins, and the item."""
    decoder = json.JSONDecoder()
    position = _past_space(text, 1 if text.startswith("\ufeff") else 0)
    try:
        if text[position : position + 1] != "[":
            raise InputError(f"expected a JSON list of questions, got {text[position : position + 20]!r} in {name}")
        position = _past_space(text, position + 1)
        while text[position : position + 1] != "]":
            start = position
            item, position = decoder.raw_decode(text, start)
            yield start, item
            position = _past_space(text, position)
            if text[position : position + 1] == ",":
                position = _past_space(text, position + 1)
            elif text[position : position + 1] != "]":
                raise json.JSONDecodeError("expected , or ]", text, position)
        if text[position + 1 :].strip():
            raise json.JSONDecodeError("expected nothing behind it", text, position + 1)
    except json.JSONDecodeError as error:
        raise InputError(f"cannot read {name} line {error.lineno}: {error.msg}; copy it again") from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {name}: {error}; copy it again") from error


def _past_space(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\n", "\r"):
        position += 1
    return position


def read_json_lines(path: Path) -> list[Record]:
    """The objects of a file with one JSON document a line; empty lines are passed over.

    Raises:
        InputError: The file cannot be read, or a line is no object.
    """
    name = source_name(path)
    records = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{name} line {number}"
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"cannot read {place}: {error}; copy it again") from error
        if not isinstance(item, dict):
            raise InputError(f"expected an object with a question, got {type(item).__name__} in {place}")
        records.append(Record(item, place))
    if not records:
        raise InputError(f"expected questions, got an empty file {name}")
    return records


def read_text(path: Path) -> str:
    """A text file of at most 256 MiB.

    Raises:
        InputError: It cannot be read, or is no UTF-8.
    """
    with open_source(path) as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"expected text in UTF-8, got something else in {source_name(path)}") from error


def file_within(folder: Path, name: str, place: str) -> Path:
    """A file that a record names, which has to lie within the benchmark's folder.

    Raises:
        InputError: It lies elsewhere, or is not there.
    """
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"expected a path within {source_name(folder)}, got {name!r} in {place}")
    if not path.is_file():
        raise InputError(f"no such file: {source_name(path)}, named in {place}; copy the benchmark again")
    return path


def check_same_size(source: Source, image_size: tuple[int, int], what: str, place: str) -> None:
    """Refuses a mask or depth file of another size than the image.

    Raises:
        InputError: It has, or cannot be read.
    """
    try:
        size = picture_size(source)
    except InputError:
        if what != "depth":
            raise
        size = read_depth(source).size  # NPY and EXR are no pictures
    if size != image_size:
        name = source_name(source)
        raise InputError(
            f"expected a {what} of the image's size {image_size[0]}x{image_size[1]}, got {size[0]}x{size[1]} in "
            f"{name}, named in {place}"
        )


def picture_size_at(source: Source, place: str) -> tuple[int, int]:
    """(width, height) of a picture; an error names the record too.

    Raises:
        InputError: It is no picture.
    """
    try:
        return picture_size(source)
    except InputError as error:
        raise InputError(f"{error}; named in {place}") from error


class Identities:
    """Finds ids that come twice."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def take(self, identity: str, place: str) -> str:
        """The id, which must be new.

        Raises:
            InputError: It has been taken.
        """
        if identity in self._seen:
            raise InputError(f"expected every id once, got {identity} in {place}, which {self._seen[identity]} has too")
        self._seen[identity] = place
        return identity


def split_suffix(text: str) -> tuple[str, str]:
    """A question, and the sentence in it that says how to answer; families with a form of their own do without.

    Joined by a space they are the text again.
    """
    found = _SUFFIX.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


def choose_tasks(available: Sequence[str], wanted: Sequence[str], name: str) -> list[str]:
    """The tasks that are wanted, in the benchmark's order; all where none is named. Case does not matter.

    Raises:
        InputError: One is not there.
    """
    by_name = {task.casefold(): task for task in available}
    for task in wanted:
        if task.casefold() not in by_name:
            raise InputError(f"expected --tasks out of {', '.join(available)}, got {task!r} for {name}")
    chosen = {by_name[task.casefold()] for task in wanted} or set(available)
    return [task for task in available if task in chosen]
