"""Decides in which form a mark was written, and reads it as a Point or a Box in that form."""

from __future__ import annotations

from types import MappingProxyType

from roborefer.answers.forms import AnswerForm, to_box, to_point
from roborefer.answers.literals import Number
from roborefer.answers.marks import Mark
from roborefer.answers.problems import UnreadableError
from roborefer.structures import Box, Point

_NAME_THE_FORM = "name the form ('pixels' with image_size, 'qwen3', ...) if the model writes another scale"

# Keys and tags that a named form may stand under besides bare tuples. Qwen2.5-VL writes pixels under all of these.
_ACCEPTED: MappingProxyType[AnswerForm, tuple[AnswerForm, ...]] = MappingProxyType(
    {
        "roborefer": (),
        "moondream": ("moondream",),
        "qwen3": ("qwen3",),
        "gemini": ("gemini",),
        "molmo": ("molmo",),
        "groundanything": ("groundanything",),
        "pixels": ("qwen3", "moondream", "molmo"),
        "robotracer": (),
    }
)


def guess_form(numbers: tuple[Number, ...], written: str) -> AnswerForm:
    """The form of a bare tuple: 0-1 fractions, unless three numbers can only be RoboTracer's.

    ``(341, 610, 1.25)`` is RoboTracer's when the first two are whole, within 0-1000 and not both 0 or 1, and the
    third has a decimal point: pixels and vectors never look so. Nothing else is guessed.
    """
    if len(numbers) != 3:
        return "roborefer"
    u, v, depth = numbers
    whole = u.whole and v.whole and not depth.whole
    if whole and all(0 <= number.value <= 1000 for number in (u, v)) and max(u.value, v.value) > 1:
        return "robotracer"
    raise UnreadableError(
        f"{written} has three numbers: name the form 'robotracer' if the model writes (u, v, depth)"
    )  # fmt: skip


def read_point_numbers(
    numbers: tuple[Number, ...], written: str, form: AnswerForm | None, image_size: tuple[int, int] | None
) -> Point:  # fmt: skip
    """Bare numbers as a point in ``form``, or in the form that they show when it is None."""
    values = [number.value for number in numbers]
    known = form or guess_form(numbers, written)
    return to_point(values, known, image_size, written=written, hint="" if form else _NAME_THE_FORM)


def read_mark(
    mark: Mark, form: AnswerForm | None, image_size: tuple[int, int] | None
) -> tuple[Point | Box, AnswerForm]:  # fmt: skip
    """A mark as a Point or Box, and the form it was read in.

    Args:
        mark: The numbers and what stands around them.
        form: The named form; None for the one that the mark shows.
        image_size: (width, height) in pixels, for the form "pixels".
    """
    if form is not None and mark.family is not None and mark.family not in _ACCEPTED[form]:
        raise UnreadableError(f"{mark.written} is written as {mark.family} does ('{mark.key}'), not as {form}")
    known = form or mark.family or guess_form(mark.numbers, mark.written)
    if form is None and mark.family in ("qwen3", "gemini") and _looks_like_fractions(mark.numbers):
        raise UnreadableError(
            f"{mark.written} under '{mark.key}' looks like fractions, not like 0-1000: name the form"
        )  # fmt: skip
    values = [number.value for number in mark.numbers]
    hint = "" if form else _NAME_THE_FORM
    if mark.kind == "box":
        return to_box(values, known, image_size, written=mark.written, label=mark.label, hint=hint), known
    return to_point(values, known, image_size, written=mark.written, label=mark.label, hint=hint), known


def _looks_like_fractions(numbers: tuple[Number, ...]) -> bool:
    return all(number.value <= 1 for number in numbers) and not all(number.whole for number in numbers)
