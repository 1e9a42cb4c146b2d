"""Finds what may be a point or a box in an answer, before any scale is applied: bare tuples, JSON, tags, tokens."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from roborefer.answers.forms import AnswerForm
from roborefer.answers.literals import Group, Number, Record, Text, Value, Word, find_literals, read_number
from roborefer.answers.problems import ProblemLog, excerpt

MarkKind = Literal["point", "box"]
MARKUP_FORMS: frozenset[AnswerForm] = frozenset({"molmo", "groundanything"})


@dataclass(frozen=True, slots=True)
class Mark:
    """Numbers that stand for a point or a box, in the order and scale in which they were written.

    Attributes:
        numbers: Two or three for a point, four for a box.
        kind: What their key or token says they are; by their count when nothing says it.
        written: How they stand in the reply, for problem lines.
        family: The form that their key, tag or token belongs to; None for a bare tuple.
        key: The key, tag or token that says so.
        label: What the model called it.
    """

    numbers: tuple[Number, ...]
    kind: MarkKind
    written: str
    family: AnswerForm | None = None
    key: str = ""
    label: str | None = None


@dataclass(slots=True)
class Marks:
    """All marks of an answer; ``empty`` when it holds a list that says that there is nothing."""

    found: list[Mark] = field(default_factory=list)
    empty: bool = False


_KEYS: MappingProxyType[str, tuple[AnswerForm, MarkKind]] = MappingProxyType(
    {
        "point_2d": ("qwen3", "point"),
        "bbox_2d": ("qwen3", "box"),
        "point": ("gemini", "point"),
        "box_2d": ("gemini", "box"),
    }
)
_LIST_KEYS = ("points", "objects")
_LABEL_KEYS = ("label", "name")
_MOONDREAM_POINT = ("x", "y")
_MOONDREAM_BOX = ("x_min", "y_min", "x_max", "y_max")


class _LiteralReader:
    """Turns lists, tuples and objects into marks. Recursion is bounded by the scanner's depth."""

    def __init__(self, text: str, log: ProblemLog, marks: Marks) -> None:
        self.text = text
        self.log = log
        self.marks = marks

    def read(self, value: Value, label: str | None = None, *, outermost: bool = False) -> None:
        if isinstance(value, Record):
            self._record(value)
        elif isinstance(value, Group):
            self._group(value, label, outermost)

    def _group(self, group: Group, label: str | None, outermost: bool) -> None:
        if not group.items:
            # "f()" and "- [ ]" are prose; "[]" is what several families write for "no such thing".
            spelled = self.text[group.start : group.end]
            self.marks.empty |= group.closed and (
                not outermost or spelled == "[]" or spelled == self.text.strip(" \t\r\n`")
            )
            return
        if any(isinstance(item, Number) for item in group.items) and len(group.items) > 1:
            self._numbers(group, None, "", label)
        for item in group.items:
            self.read(item, label)

    def _numbers(
        self, group: Group, family: AnswerForm | None, key: str, label: str | None, kind: MarkKind | None = None
    ) -> None:
        numbers = tuple(item for item in group.items if isinstance(item, Number))
        written = excerpt(self.text[group.start : group.end])
        last = group.items[-1]
        if isinstance(last, Word) and last.cut:
            self.log.add(f"cannot read {written}: the text ends there, so its last number may have lost digits")
        elif len(numbers) < len(group.items):
            self.log.add(f"cannot read {written}: expected numbers only")
        elif kind is None and len(numbers) not in (2, 3, 4):
            self.log.add(f"cannot read {written}: {len(numbers)} numbers, expected 2 for a point or 4 for a box")
        else:
            self.marks.found.append(
                Mark(numbers, kind or ("box" if len(numbers) == 4 else "point"), written, family, key, label)
            )

    def _record(self, record: Record) -> None:
        label = next((v.value for k, v in record.entries if k in _LABEL_KEYS and isinstance(v, Text)), None)
        for names, kind in ((_MOONDREAM_POINT, "point"), (_MOONDREAM_BOX, "box")):
            if any(key in names for key, _ in record.entries):
                self._named_numbers(record, names, "point" if kind == "point" else "box", label)
        for key, value in record.entries:
            if key in _KEYS and not isinstance(value, Record):
                family, kind = _KEYS[key]
                self._keyed(value, family, kind, key, label)
            elif key in _LIST_KEYS and isinstance(value, Group) and not value.items:
                self.marks.empty |= value.closed
            elif isinstance(value, Group) and not value.items:
                continue  # an empty list under any other key says nothing about points
            else:
                self.read(value, label)

    def _named_numbers(self, record: Record, names: tuple[str, ...], kind: MarkKind, label: str | None) -> None:
        values = dict(record.entries)
        numbers = [value for value in map(values.get, names) if isinstance(value, Number)]
        written = excerpt(self.text[record.start : record.end])
        if len(numbers) < len(names):
            self.log.add(f"cannot read {written}: expected a number for each of {', '.join(names)}")
        else:
            self.marks.found.append(Mark(tuple(numbers), kind, written, "moondream", "x", label))

    def _keyed(self, value: Value, family: AnswerForm, kind: MarkKind, key: str, label: str | None) -> None:
        if not isinstance(value, Group):
            written = value.value if isinstance(value, Text | Number | Word) else ""
            self.log.add(f"cannot read {excerpt(str(written))!r} under '{key}': expected a list of numbers")
        elif value.items and all(isinstance(item, Group) for item in value.items):
            for item in value.items:
                self._keyed(item, family, kind, key, label)
        elif value.items:
            self._numbers(value, family, key, label, kind)


_MOLMO_TAG = re.compile(r"<points?(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = r"""[A-Za-z_]++[0-9]*+\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
_ATTRIBUTES = re.compile(rf"(?:\s*+{_ATTRIBUTE})*+\s*+/?")
_ATTRIBUTE_PARTS = re.compile(r"""([A-Za-z_]++)([0-9]*+)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")


def _molmo_marks(text: str, log: ProblemLog) -> Iterator[Mark]:
    position = 0
    while (tag := _MOLMO_TAG.search(text, position)) is not None:
        attributes = _ATTRIBUTES.match(text, tag.end())
        position = attributes.end() if attributes else tag.end()
        if text[position : position + 1] == ">":
            yield from _molmo_tag_marks(text[tag.end() : position], log)
        else:
            log.add(f"cannot read '{excerpt(text[tag.start() : tag.start() + 200])}': the tag is broken or cut")


def _molmo_tag_marks(attributes: str, log: ProblemLog) -> Iterator[Mark]:
    label: str | None = None
    coordinates: dict[str, dict[str, str]] = {}
    for name, number, double_quoted, single_quoted in _ATTRIBUTE_PARTS.findall(attributes):
        value = double_quoted or single_quoted
        if name.lower() in ("x", "y"):
            coordinates.setdefault(number, {})[name.lower()] = value
        elif name.lower() == "alt" and not number:
            label = html.unescape(value)
    if not coordinates:
        log.add(f"cannot read '<point {excerpt(attributes)}>': expected x and y")
    for pair in coordinates.values():
        written = f"({pair.get('x', '?')}, {pair.get('y', '?')})"
        x, y = read_number(pair.get("x", "")), read_number(pair.get("y", ""))
        if x is None or y is None:
            log.add(f"cannot read {excerpt(written)}: expected numbers for x and y")
        else:
            yield Mark((x, y), "point", excerpt(written), "molmo", "<point>", label)


_BOX_TOKEN = re.compile(r"<\|(object_ref|box)_(start|end)\|>")
_BIN_GROUP = re.compile(r"\s*+(?:<[0-9]{1,9}+>\s*+)++")
_BIN = re.compile(r"<([0-9]{1,9}+)>")


def _token_marks(text: str, log: ProblemLog, marks: Marks) -> None:
    label: str | None = None
    tokens = list(_BOX_TOKEN.finditer(text))
    for index, token in enumerate(tokens):
        if token[2] == "end":
            continue
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        content = text[token.end() : following.start() if following else len(text)].strip()
        if token[1] == "object_ref":
            label = content
            continue
        if following is None or following[0] != "<|box_end|>":
            log.add(f"<|box_start|>{excerpt(content)} is never closed by <|box_end|>")
        if content.casefold() == "none":
            marks.empty = True
        else:
            marks.found.extend(_bin_marks(content, label, log))
        label = None  # a reference names the box tokens right behind it, no later ones


def _bin_marks(content: str, label: str | None, log: ProblemLog) -> Iterator[Mark]:
    for group in content.split(","):
        numbers = tuple(Number(float(value), True) for value in _BIN.findall(group))
        written = excerpt(group.strip())
        if _BIN_GROUP.fullmatch(group) is None or len(numbers) not in (2, 4):
            log.add(f"cannot read '{written}' between box tokens: expected 2 numbers for a point or 4 for a box")
        else:
            kind: MarkKind = "box" if len(numbers) == 4 else "point"
            yield Mark(numbers, kind, written, "groundanything", "<|box_start|>", label)


_LONE_NUMBERS = re.compile(r"[^\s,;()\[\]]++(?:\s*+,\s*+[^\s,;()\[\]]++){1,3}+")


def _lone_mark(text: str) -> Mark | None:
    """The mark of a text that is nothing but ``0.341, 0.610``."""
    line = text.strip().removesuffix(".")
    if _LONE_NUMBERS.fullmatch(line) is None:
        return None
    numbers = [read_number(part) for part in line.split(",")]
    whole = tuple(number for number in numbers if number is not None)
    if len(whole) < len(numbers):
        return None
    return Mark(whole, "box" if len(whole) == 4 else "point", excerpt(f"({line})"))


def find_marks(text: str, log: ProblemLog, *, cut: bool) -> Marks:
    """The marks of an answer in order: those of tokens or tags where there are any, else those of lists and JSON.

    Args:
        text: The part of the reply that answers.
        log: Takes what looks like a point or a box and cannot be read.
        cut: Whether the reply ends where ``text`` does.
    """
    marks = Marks()
    if "<|box_start|>" in text:
        _token_marks(text, log, marks)
        return marks
    marks.found.extend(_molmo_marks(text, log))
    if marks.found or _MOLMO_TAG.search(text):
        return marks
    reader = _LiteralReader(text, log, marks)
    for literal in find_literals(text, log, cut=cut):
        reader.read(literal, outermost=True)
    lone = None if marks.found else _lone_mark(text)
    if lone is not None:
        marks.found.append(lone)
    return marks
