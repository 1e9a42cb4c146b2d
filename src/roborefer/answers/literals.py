"""Finds nested lists, tuples and JSON objects in any text, forgiving what models get wrong about them.

It reads in one pass with a bounded stack: no evaluation, no recursion, no backtracking. Commas may trail, quotes
may be single, keys may be bare, brackets may be missing at the end; what stands between the brackets is skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from roborefer.answers.problems import ProblemLog, excerpt

MAX_DEPTH = 64
_MAX_NUMBER_LENGTH = 64

_NUMBER_PATTERN = (
    r"[+-]?(?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+|(?i:nan|inf(?:inity)?))(?![\w.%])"
)
_NUMBER = re.compile(_NUMBER_PATTERN)
_OPENING = re.compile(r"[\[({]")
_TOKEN = re.compile(
    r"[\s\\]*+(?:"
    r"(?P<open>[\[({])|(?P<close>[\])}])|(?P<comma>,)|(?P<colon>:)|(?P<quote>[\"'])"
    rf"|(?P<number>{_NUMBER_PATTERN})"
    r"|(?P<word>[^\s\\\[\](){},:\"'][^\s\\\[\](){},:]*+))"
)
_DOUBLE_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*+'")
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
# Full-width punctuation and the minus sign, one character for one, so that offsets stay true.
_TO_ASCII = str.maketrans("（）［］｛｝，：\u2212", "()[]{},:-")


@dataclass(frozen=True, slots=True)
class Number:
    """A number; ``whole`` when it was written without a decimal point or exponent."""

    value: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, without its quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """Anything else between two commas: a bare word, or several tokens that make no value together.

    ``cut`` marks a number at the very end of the reply, which may have lost digits.
    """

    value: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A list or tuple. ``text[start:end]`` is how it was written; ``closed`` unless its bracket is missing."""

    items: tuple[Value, ...]
    opener: str
    start: int
    end: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object as (key, value) pairs in the order written; the key is "" where a value had none."""

    entries: tuple[tuple[str, Value], ...]
    start: int
    end: int


Value = Number | Text | Word | Group | Record


def read_number(text: str) -> Number | None:
    """A text that is one number, or None. ``nan`` and ``inf`` are numbers here; whoever uses them must refuse."""
    text = text.strip()
    if len(text) > _MAX_NUMBER_LENGTH or _NUMBER.fullmatch(text) is None:
        return None
    return Number(float(text), text.lstrip("+-").isdecimal())


@dataclass(slots=True)
class _Frame:
    """A bracket that is still open. ``slot`` holds what has come since the last comma."""

    opener: str
    start: int
    slot: list[Value] = field(default_factory=list)
    items: list[Value] = field(default_factory=list)
    entries: list[tuple[str, Value]] = field(default_factory=list)
    key: str | None = None

    def end_slot(self) -> None:
        values = _slot_values(self.slot)
        if self.opener == "{":
            self.entries.extend((self.key or "", value) for value in values)
            self.key = None
        else:
            self.items.extend(values)
        self.slot = []

    def colon(self) -> None:
        name = self.slot[0] if len(self.slot) == 1 else None
        if self.opener == "{" and self.key is None and isinstance(name, Text | Word):
            self.key = name.value
            self.slot = []
        else:
            self.slot.append(Word(":"))

    def value(self, end: int, closed: bool) -> Group | Record:
        self.end_slot()
        if self.opener == "{":
            return Record(tuple(self.entries), self.start, end)
        return Group(tuple(self.items), self.opener, self.start, end, closed)


def _slot_values(slot: list[Value]) -> list[Value]:
    """What stands between two commas: one value, or the bracketed parts of ``Point (0.1, 0.2)`` and one Word."""
    if len(slot) <= 1:
        return slot
    groups: list[Value] = [value for value in slot if isinstance(value, Group | Record)]
    return groups if len(groups) == len(slot) else [*groups, Word("")]


class _Scanner:
    def __init__(self, text: str, cut: bool, log: ProblemLog, first_only: bool) -> None:
        self.text = text if text.isascii() else text.translate(_TO_ASCII)
        self.cut = cut
        self.log = log
        self.first_only = first_only
        self.found: list[Group | Record] = []
        self.stack: list[_Frame] = []
        self.open_count = dict.fromkeys(_CLOSER, 0)
        self.too_deep = False
        self.double_quotes_pair = True

    def scan(self) -> list[Group | Record]:
        position = 0
        while not (self.first_only and self.found):
            if not self.stack:
                opening = _OPENING.search(self.text, position)
                if opening is None:
                    return self.found
                position = opening.start()
            token = _TOKEN.match(self.text, position)
            if token is None:
                break
            position = self._take(token)
        if self.stack:
            self._text_ends()
        return self.found

    def _take(self, token: re.Match[str]) -> int:
        """Handles one token and returns where the next one begins."""
        kind = token.lastgroup
        assert kind is not None
        written = token[kind]
        if kind == "open":
            self._open(written, token.start(kind))
        elif kind == "close":
            self._close(written, token.end())
        elif kind == "comma":
            self.stack[-1].end_slot()
        elif kind == "colon":
            self.stack[-1].colon()
        elif kind == "quote":
            return self._quote(written, token.start(kind))
        elif kind == "number":
            self.stack[-1].slot.append(self._number(written, token.end()))
        else:
            self.stack[-1].slot.append(Word(written))
        return token.end()

    def _open(self, opener: str, start: int) -> None:
        if len(self.stack) < MAX_DEPTH:
            self.stack.append(_Frame(opener, start))
            self.open_count[opener] += 1
        elif not self.too_deep:
            self.too_deep = True
            self.log.add(f"brackets nested more than {MAX_DEPTH} deep are not read")

    def _close(self, closer: str, end: int) -> None:
        opener = _OPENER[closer]
        if not self.open_count[opener]:
            return
        if self.stack[-1].opener != opener:
            self.log.add(f"brackets do not match in '{excerpt(self.text[self.stack[-1].start : end])}'")
            while self.stack[-1].opener != opener:
                self._pop(end - 1, closed=False)
        self._pop(end, closed=True)

    def _pop(self, end: int, closed: bool) -> None:
        frame = self.stack.pop()
        self.open_count[frame.opener] -= 1
        value = frame.value(end, closed)
        if self.stack:
            self.stack[-1].slot.append(value)
        else:
            self.found.append(value)

    def _quote(self, quote: str, start: int) -> int:
        slot = self.stack[-1].slot
        quoted = None
        # Within a slot a quote is an apostrophe or an inch; only at its beginning it opens a string.
        if not slot and (quote == "'" or self.double_quotes_pair):
            quoted = (_DOUBLE_QUOTED if quote == '"' else _SINGLE_QUOTED).match(self.text, start)
            # Once a double quote has no partner no later one has: not looking again keeps the time linear.
            self.double_quotes_pair = quoted is not None or quote == "'"
        if quoted is None:
            slot.append(Word(quote))
            return start + 1
        slot.append(Text(_unquote(quoted.group())))
        return quoted.end()

    def _number(self, written: str, end: int) -> Value:
        # "(0.3, 0." or "(0.341, 0.6": a number at the very end may have lost digits, so it is not believed.
        if self.cut and end == len(self.text):
            return Word(written, cut=True)
        return read_number(written) or Word(written)

    def _text_ends(self) -> None:
        missing = "".join(_CLOSER[frame.opener] for frame in reversed(self.stack))
        self.log.add(f"the text ends early: '{excerpt(missing)}' is missing")
        while self.stack:
            self._pop(len(self.text), closed=False)


def _unquote(quoted: str) -> str:
    if quoted[0] == "'":
        return quoted[1:-1].replace("\\'", "'")
    try:
        decoded = json.loads(quoted, strict=False)
    except ValueError:
        return quoted[1:-1]
    return decoded if isinstance(decoded, str) else quoted[1:-1]


def find_literals(text: str, log: ProblemLog, *, cut: bool, first_only: bool = False) -> list[Group | Record]:
    """The outermost lists, tuples and objects of ``text`` in order.

    Args:
        text: Any text; prose around and between the brackets is skipped.
        log: Takes missing and unmatched brackets.
        cut: Whether the reply ends where ``text`` does, so that its last number may have lost digits.
        first_only: Whether to stop after the first one.
    """
    return _Scanner(text, cut, log, first_only).scan()
