"""Reads a reply: its thought, steps and answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from roborefer.answers.choices import read_choice
from roborefer.answers.forms import AnswerForm, check_form, check_image_size
from roborefer.answers.marks import Mark, find_marks
from roborefer.answers.problems import ProblemLog, UnreadableError, excerpt
from roborefer.answers.scales import read_mark
from roborefer.answers.sections import is_text, split_sections
from roborefer.answers.steps import read_steps
from roborefer.structures import Box, Point, Step

MAX_TEXT_LENGTH = 2**18
"""Characters of a reply that are considered: some 60,000 tokens, far more than any answer needs."""

# Whole answers by which models say that there is no such thing; the sentences are Molmo's.
_ABSENT = frozenset({"none", "null", "there are none", "this isn't in the image", "this is not in the image"})


@dataclass(frozen=True)
class Answer:
    """What a reply says.

    Attributes:
        points: Answer points in the order written, fractions (0-1) of the image. Never those of the thought.
        steps: Reasoning steps in the order written.
        boxes: Answer boxes in the order written, fractions (0-1) of the image.
        choice: "A" to "Z" where the reply names one option: "(A) yes", "A.", "The answer is (A)".
        thought: What stands inside ``<think>``; None when there is no such tag.
        text: The part that answers: inside ``<answer>``, else all that is not thought.
        form: The form in which points and boxes were read; None when there are none.
        absent: Whether the reply says that there is no such thing (``[]``, ``None``, an empty "points").
        problems: What could not be read and why, one line each.
        refused: Points of two numbers that are not in ``points`` (outside the image, or in no scale that fits), by
            their place among all points, from 0.
    """

    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    boxes: tuple[Box, ...]
    choice: str | None
    thought: str | None
    text: str
    form: AnswerForm | None
    absent: bool
    problems: tuple[str, ...]
    refused: tuple[int, ...] = ()

    @property
    def parsed(self) -> bool:
        """Whether the reply gives a point, a box or a choice, or says that there is no such thing."""
        return bool(self.points or self.boxes or self.choice or self.absent)


def parse_answer(
    text: str, *, form: AnswerForm | Literal["auto"] = "auto", image_size: tuple[int, int] | None = None
) -> Answer:  # fmt: skip
    """Reads a model's reply. It raises on no text whatever: what cannot be read becomes a line in ``problems``.

    With "auto" the keys, tags or tokens of the reply decide its form: ``point_2d`` and ``bbox_2d`` are Qwen3's,
    ``point`` and ``box_2d`` Gemini's, ``{"x", "y"}`` Moondream's, ``<point>`` Molmo's, ``<|box_start|>``
    GroundAnything's. Bare tuples are fractions (0-1; whole 0 and 1 are fractions too), or RoboTracer's
    ``(341, 610, 1.25)``. A number that does not fit is a problem and is never rescaled by guess; Qwen2.5-VL, which
    writes pixels under Qwen3's keys, has to be named with "pixels". A named form reads bare tuples in its scale and
    order also, and refuses another family's keys. Positions of steps are read in the same form as bare tuples.

    Points inside ``<think>`` and on step lines never answer. After a ``<think>`` that is never closed nothing answers,
    unless a whole ``<answer>`` block ends the reply. A number at the very end of a reply whose brackets are
    still open may have lost digits and is left out.

    Args:
        text: The reply; only the first :data:`MAX_TEXT_LENGTH` characters are considered.
        form: The family that wrote it.
        image_size: (width, height) in pixels of the image that the model saw; only "pixels" needs it.

    Raises:
        InputError: ``form`` names no family, or ``image_size`` is no size. Never because of ``text``.
    """
    if form != "auto":
        check_form(form)
    named = None if form == "auto" else form
    size = None if image_size is None else check_image_size(image_size)
    log = ProblemLog()
    if not is_text(text):
        return _nothing(f"expected text, got {type(text).__name__}")
    if len(text) > MAX_TEXT_LENGTH:
        log.add(f"only the first {MAX_TEXT_LENGTH} of {len(text)} characters are considered")
        text = text[:MAX_TEXT_LENGTH]
    if not text.strip():
        return _nothing("the text is empty")
    if named == "pixels" and size is None:
        log.add("the form 'pixels' needs image_size: no point or box is read")
    return _read(text, named, size, log)


def _nothing(problem: str) -> Answer:
    return Answer((), (), (), None, None, "", None, False, (problem,))


def _read(text: str, form: AnswerForm | None, image_size: tuple[int, int] | None, log: ProblemLog) -> Answer:
    sections = split_sections(text, log)
    readable = form != "pixels" or image_size is not None
    step_form = form if readable else None
    thought = read_steps(sections.thought or "", step_form, image_size, log, cut=sections.thought_cut)
    outside = read_steps(sections.outside, step_form, image_size, log, cut=sections.outside_cut)
    in_tag = sections.answer is not None
    answering = outside.rest if sections.answer is None else sections.answer
    problems_before = len(log)
    marks = find_marks(answering, log, cut=sections.answer_cut if in_tag else sections.outside_cut)
    points, boxes, known, refused = _read_marks(marks.found if readable else [], form, image_size, log)
    choice = read_choice(answering, log)
    absent = not marks.found and (marks.empty or _says_none(answering))
    if not (points or boxes or choice or absent) and readable and len(log) == problems_before:
        log.add(_nothing_found(answering))
    return Answer(
        points=points,
        steps=thought.steps + outside.steps,
        boxes=boxes,
        choice=choice,
        thought=sections.thought,
        text=sections.outside if sections.answer is None else sections.answer,
        form=known,
        absent=absent,
        problems=log.lines(),
        refused=refused,
    )


def _read_marks(
    marks: list[Mark], form: AnswerForm | None, image_size: tuple[int, int] | None, log: ProblemLog
) -> tuple[tuple[Point, ...], tuple[Box, ...], AnswerForm | None, tuple[int, ...]]:  # fmt: skip
    """All marks of one form: keys and tags before bare tuples, then the form of the first mark that can be read.

    Last are the places of the points that cannot be read.
    """
    points: list[Point] = []
    boxes: list[Box] = []
    keyed = next((mark.family for mark in marks if mark.family is not None), None)
    known: AnswerForm | None = None
    refused: list[int] = []
    beside: Counter[str] = Counter()
    for mark in marks:
        if form is None and keyed is not None and mark.family is None:
            log.add(f"{mark.written} stands beside {keyed} points and is not read")
            continue
        try:
            place, mark_form = read_mark(mark, form, image_size)
        except UnreadableError as error:
            log.add(str(error))
            if mark.kind == "point" and len(mark.numbers) == 2:
                refused.append(len(points) + len(refused))
            continue
        known = known or mark_form
        if mark_form != known:
            beside[mark_form] += 1
        elif isinstance(place, Box):
            boxes.append(place)
        else:
            points.append(place)
    for other, count in beside.items():
        log.add(f"{count} in the form {other} beside {known}: not read")
    return tuple(points), tuple(boxes), known, tuple(refused)


def _says_none(text: str) -> bool:
    return text.strip("*_`\"' \t\r\n.!").casefold().replace("’", "'") in _ABSENT


def _nothing_found(text: str) -> str:
    if not any(character.isalnum() for character in text):
        return "there is no answer"  # at most the full stops between steps are left
    return f"no point, box or choice in '{excerpt(text.strip())}'"
