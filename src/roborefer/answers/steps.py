"""Reads the lines of a reasoning: ``[Position] [the pen holder]: [(0.139, 0.528)]`` (paper section 3.3, figure 2)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from roborefer.answers.forms import AnswerForm
from roborefer.answers.literals import Group, Number, find_literals, read_number
from roborefer.answers.problems import ProblemLog, UnreadableError, excerpt
from roborefer.answers.scales import read_point_numbers
from roborefer.structures import Step, StepKind, Vector

STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)
# Three decimals leave a unit vector within 0.001 of length 1; one decimal within about 0.09 / sqrt(3).
UNIT_LENGTH_TOLERANCE = 0.05

_KIND_OF = MappingProxyType({kind.lower(): kind for kind in STEP_KINDS})
# "[Position] [" anywhere; another word in the same place only at the beginning of a line or after "Step 2:".
_STEP_NUMBER = r"Step[ \t]*+[0-9]++[ \t]*+[:.]?+[ \t]*+"
_HEADER = re.compile(
    rf"(?P<lead>^[ \t]*+(?:[-*][ \t]++)?+(?:{_STEP_NUMBER})?+|\b{_STEP_NUMBER})?+"
    r"\[[ \t]*+(?P<kind>[^\W\d][\w -]{0,40}+)\][ \t]*+\[",
    re.IGNORECASE | re.MULTILINE,
)
_VALUE_LEAD = re.compile(r"[ \t]*+:?+[ \t]*+(?:(?:Point|Vector)\b[ \t]*+:?+[ \t]*+)?+", re.IGNORECASE)
_VALUE_BEGINS = re.compile(r"[ \t]*+(?::|(?:Point|Vector)\b)[ \t]*+(?:Point|Vector)?+[ \t]*+[-+.\d(\[]", re.IGNORECASE)
_BRACKET = re.compile(r"[\[\]]")
_SIZE = re.compile(
    r"[\[(]*+[ \t]*+([-+]?(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+|[-+]?[A-Za-z]++)"
    r"(?:(mm|cm|m)(?!\w)|(?!\w|%|\.[0-9]))(?:[ \t]*+([A-Za-z]++))?+",
    re.IGNORECASE,
)
_FOREIGN_UNITS = frozenset({"inch", "inches", "ft", "foot", "feet", "yard", "yards", "km", "dm"})
_SECOND_NUMBER = re.compile(r"[ \t]*+[,x×*][ \t]*+[-+.\d]")
_METRES_PER_UNIT = MappingProxyType(
    {"": 1.0, "m": 1.0, "cm": 0.01, "mm": 0.001}
    | dict.fromkeys(("meter", "meters", "metre", "metres"), 1.0)
    | dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres"), 0.01)
    | dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres"), 0.001)
)


@dataclass(frozen=True)
class StepLines:
    """The steps of a text in the order written, and the text with every step line, read or not, blanked out."""

    steps: tuple[Step, ...]
    rest: str


def read_steps(
    text: str, form: AnswerForm | None, image_size: tuple[int, int] | None, log: ProblemLog, *, cut: bool
) -> StepLines:  # fmt: skip
    """Reads all steps of a text.

    Both spellings of the paper are read: ``[Position] [the cup]: [(0.245, 0.147)]`` and
    ``Step1: [Position][the cup] Point (0.245, 0.147).``. A Position is a point in ``form``; an Orientation is a
    unit vector in the camera frame; a Size is in metres, or has its unit (m, cm, mm) behind it.

    Args:
        text: The thought, or what stands outside the answer.
        form: The form that Positions are written in; None to tell as for a bare tuple.
        image_size: (width, height) in pixels, for the form "pixels".
        log: Takes the steps that cannot be read.
        cut: Whether the reply ends where ``text`` does.
    """
    headers = [match for match in _HEADER.finditer(text) if _is_header(match)]
    steps: list[Step] = []
    kept: list[str] = []
    position = 0
    for index, header in enumerate(headers):
        limit = headers[index + 1].start() if index + 1 < len(headers) else len(text)
        segment = _Segment(text, header, limit, cut and limit == len(text), log)
        step = segment.read(form, image_size)
        if step is not None:
            steps.append(step)
        kept.append(text[position : header.start()])
        position = segment.end
    kept.append(text[position:])
    return StepLines(tuple(steps), "\n".join(kept) if headers else text)


def _is_header(match: re.Match[str]) -> bool:
    return match["lead"] is not None or match["kind"].strip().lower() in _KIND_OF


class _Segment:
    """One step line: from its header to the end of the line, or to the next header. ``end`` moves as it is read."""

    def __init__(self, text: str, header: re.Match[str], limit: int, cut: bool, log: ProblemLog) -> None:
        line_end = text.find("\n", header.end(), limit)
        self.limit = limit if line_end < 0 else line_end
        self.cut = cut and line_end < 0
        self.text = text
        self.log = log
        self.written_kind = header["kind"].strip()
        self.begin = header.end()
        self.end = self.limit

    def read(self, form: AnswerForm | None, image_size: tuple[int, int] | None) -> Step | None:
        target_end = self._target_end()
        if target_end is None:
            self.log.add(f"step [{self.written_kind}]: the target's ']' is missing")
            return None
        target = self.text[self.begin : target_end].strip()
        try:
            return self._step(target, target_end + 1, form, image_size)
        except UnreadableError as error:
            self.log.add(f"step [{self.written_kind}] [{excerpt(target)}]: {error}")
            return None

    def _target_end(self) -> int | None:
        """Where the target's own bracket closes, or, where brackets do not pair, the first one before a value."""
        depth = 1
        before_value = None
        for bracket in _BRACKET.finditer(self.text, self.begin, self.limit):
            depth += 1 if bracket.group() == "[" else -1
            if depth == 0:
                return bracket.start()
            if before_value is None and bracket.group() == "]" and self._value_begins(bracket.end()):
                before_value = bracket.start()
        return before_value

    def _value_begins(self, position: int) -> bool:
        return _VALUE_BEGINS.match(self.text, position, self.limit) is not None

    def _step(self, target: str, position: int, form: AnswerForm | None, image_size: tuple[int, int] | None) -> Step:
        kind = _KIND_OF.get(self.written_kind.lower())
        if kind is None:
            raise UnreadableError(f"unknown perception type, expected {', '.join(STEP_KINDS)}")
        if not target:
            raise UnreadableError("the target is empty")
        lead = _VALUE_LEAD.match(self.text, position, self.limit)
        position = lead.end() if lead else position
        if kind == "Size":
            return Step(kind, target, self._size(position))
        numbers, written = self._numbers(position)
        if kind == "Orientation":
            return Step(kind, target, _unit_vector(numbers, written))
        return Step(kind, target, read_point_numbers(numbers, written, form, image_size))

    def _numbers(self, position: int) -> tuple[tuple[Number, ...], str]:
        """The one tuple of the value, bare or within a list, and how it was written."""
        if self.text[position : position + 1] not in ("(", "[", "（", "［") or position >= self.limit:
            raise UnreadableError(f"expected a tuple of numbers, got '{excerpt(self.text[position : self.limit])}'")
        line = self.text[position : self.limit]
        value = find_literals(line, self.log, cut=self.cut, first_only=True)[0]
        self.end = position + value.end
        written = excerpt(line[value.start : value.end])
        while isinstance(value, Group) and len(value.items) == 1 and isinstance(value.items[0], Group):
            value = value.items[0]
        items = value.items if isinstance(value, Group) else ()
        numbers = tuple(item for item in items if isinstance(item, Number))
        if not numbers or len(numbers) < len(items):
            raise UnreadableError(f"expected one tuple of numbers, got {written}")
        return numbers, written

    def _size(self, position: int) -> float:
        match = _SIZE.match(self.text, position, self.limit)
        if match is None:
            raise UnreadableError(f"expected metres, got '{excerpt(self.text[position : self.limit])}'")
        # A word that is no unit ("0.12 tall") belongs to the sentence, not to the number.
        unit = (match[2] or match[3] or "").lower()
        known = unit in _METRES_PER_UNIT
        self.end = match.end() if known else match.end(1)
        written = excerpt(self.text[position : self.end])
        number = read_number(match[1])
        if number is None or unit in _FOREIGN_UNITS:
            raise UnreadableError(f"expected metres, got '{excerpt(match.group())}'")
        if self.cut and self.end == len(self.text) and not (known and unit):
            raise UnreadableError(f"the text ends at {written}, which may have lost digits")
        if _SECOND_NUMBER.match(self.text, self.end, self.limit):
            raise UnreadableError("expected one number of metres, got several")
        metres = number.value * _METRES_PER_UNIT.get(unit, 1.0)
        if not (math.isfinite(metres) and metres > 0):
            raise UnreadableError(f"{written} is not a positive number of metres")
        return metres


def _unit_vector(numbers: tuple[Number, ...], written: str) -> Vector:
    if len(numbers) != 3:
        raise UnreadableError(f"{written} has {len(numbers)} numbers: expected 3 for a vector")
    x, y, z = (number.value for number in numbers)
    length = math.hypot(x, y, z)
    if not abs(length - 1) <= UNIT_LENGTH_TOLERANCE:  # also refuses nan
        raise UnreadableError(f"{written} is no unit vector: its length is {length:.3g}")
    return (x, y, z)
