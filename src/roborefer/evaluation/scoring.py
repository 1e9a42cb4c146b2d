"""One answer against one sample: every number that is reported of it."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from roborefer.answers import Answer, parse_answer
from roborefer.evaluation.key_steps import right_key_steps
from roborefer.evaluation.metrics import (
    distance_m,
    distance_polygon_px,
    distance_px,
    in_box,
    in_mask,
    in_mask_fraction,
    in_polygon,
    window_of,
)
from roborefer.evaluation.profiles import Profile
from roborefer.evaluation.protocols import DEFAULT_PROTOCOL, ProtocolName, rules
from roborefer.evaluation.samples import (
    BoxTarget,
    ChoiceTarget,
    Mask,
    MaskTarget,
    PolygonTarget,
    Sample,
    Target,
    YesNoTarget,
    read_mask,
    read_metric_depth,
)
from roborefer.structures import Box, Point, Step


@dataclass(frozen=True)
class SampleScore:
    """What an answer is worth.

    Attributes:
        score: 0-1, the benchmark's own metric with everything unreadable wrong (protocol ``strict``).
        hit: Whether the first point is inside, or the choice is right.
        parsed: Whether there is an answer of the kind asked for.
        points: Answer points as fractions, (x, y).
        distance_px: From the first point to the target, pixels; 0 inside, None where it cannot be read.
        error_mm: The same in space, millimetres, where depth and camera are known.
        protocols: All protocols' scores where there is a mask; None for answers that one leaves out.
        key_steps: Of each key step, whether the reasoning has it right; None where there is none, or no reasoning.
        steps: The reasoning steps that were read.
        problem: Why the answer could not be read in full, or why there is none.
    """

    score: float
    hit: bool
    parsed: bool
    points: tuple[tuple[float, float], ...] = ()
    distance_px: float | None = None
    error_mm: float | None = None
    protocols: Mapping[ProtocolName, float | None] = field(default_factory=dict)
    key_steps: tuple[bool, ...] | None = None
    steps: tuple[Step, ...] = ()
    problem: str | None = None


def score_answer(
    sample: Sample,
    text: str | None,
    profile: Profile,
    *,
    seen_size: tuple[int, int] | None = None,
    reasoning: bool = True,
    mask: Mask | None = None,
) -> SampleScore:
    """Scores an answer.

    Args:
        sample: What was asked.
        text: The reply; None where the request failed, which is wrong.
        profile: How the family writes.
        seen_size: (width, height) of the picture that the model saw, where it is not the image's own.
        reasoning: Whether it was asked for: an answer without steps has all key steps wrong then, and none else.
        mask: The sample's, if it was read already.

    Raises:
        InputError: The sample's mask or depth cannot be used.
    """
    if isinstance(sample.target, ChoiceTarget):
        return _score_choice(sample.target, text)
    if isinstance(sample.target, YesNoTarget):
        return _score_yes_no(sample.target, text)
    answer = None if text is None else parse_answer(text, form=profile.form, image_size=seen_size or sample.image_size)
    if isinstance(sample.target, MaskTarget):
        known = mask or read_mask(sample.target, sample.image_size)
        score = _score_mask(sample, sample.target, text, answer, profile, known)
    else:
        score = _score_shape(sample, sample.target, answer)
    if not sample.key_steps or not (reasoning or score.steps):
        return score
    return replace(score, key_steps=tuple(right_key_steps(score.steps, sample.key_steps, sample.image_size)))


def _score_mask(
    sample: Sample, target: MaskTarget, text: str | None, answer: Answer | None, profile: Profile, mask: Mask
) -> SampleScore:
    points, refused = ((), ()) if answer is None else (answer.points, answer.refused)
    first = points[0] if points and 0 not in refused else None
    score = _mask_score(points, refused, mask, target)
    return SampleScore(
        score=score,
        hit=first is not None and bool(in_mask([first], mask.inside)[0]),
        parsed=bool(points),
        points=_pairs(points),
        distance_px=None if first is None else distance_px(first, mask.inside),
        error_mm=None if first is None else _error_mm(sample, first, mask),
        protocols=_protocols(score, text, mask, profile) if has_protocols(target) else {},
        steps=() if answer is None else answer.steps,
        problem=_problem(answer, parsed=bool(points)),
    )


def _mask_score(points: tuple[Point, ...], refused: tuple[int, ...], mask: Mask, target: MaskTarget) -> float:
    if target.scoring == "fraction":
        return in_mask_fraction(points, mask.weights, len(refused))
    if not points:
        return 0.0
    found = in_mask(points, mask.inside) > 0
    if target.scoring == "first":
        return float(found[0] and 0 not in refused)
    return float(bool(found.all()) and not refused and len(points) == target.count)


def has_protocols(target: Target) -> bool:
    """Whether the other harnesses' rules are about such a target: they are RefSpatial-Bench's."""
    return isinstance(target, MaskTarget) and target.scoring == "fraction" and target.rule == "nonzero"


def _protocols(
    score: float, text: str | None, mask: Mask, profile: Profile
) -> dict[ProtocolName, float | None]:  # fmt: skip
    others = {name: rule(text, mask.values) for name, rule in rules(profile.published_reader).items()}
    return {DEFAULT_PROTOCOL: score, **others}


def _score_shape(sample: Sample, target: PolygonTarget | BoxTarget, answer: Answer | None) -> SampleScore:
    points = () if answer is None else answer.points
    if isinstance(target, BoxTarget) and answer is not None and not points:
        points = tuple(box.center for box in answer.boxes[:1])
    first = points[0] if points and (answer is None or 0 not in answer.refused) else None
    hit = False
    distance = None
    if first is not None:
        corners = _corners(target.box) if isinstance(target, BoxTarget) else target.polygon
        hit = in_box(first, target.box) if isinstance(target, BoxTarget) else in_polygon(first, target.polygon)
        distance = 0.0 if hit else distance_polygon_px(first, corners, sample.image_size)
    return SampleScore(
        score=float(hit),
        hit=hit,
        parsed=bool(points),
        points=_pairs(points),
        distance_px=distance,
        steps=() if answer is None else answer.steps,
        problem=_problem(answer, parsed=bool(points)),
    )


def _score_yes_no(target: YesNoTarget, text: str | None) -> SampleScore:
    answer = None if text is None else parse_answer(text)
    said = "" if answer is None else answer.text.strip("*_`\"'([ \t\r\n").casefold()
    parsed = said.startswith(("yes", "no"))
    hit = said.startswith(target.answer)
    problem = None if parsed else _problem(answer, parsed=False) if answer is None else "neither yes nor no"
    return SampleScore(score=float(hit), hit=hit, parsed=parsed, problem=problem)


def _score_choice(target: ChoiceTarget, text: str | None) -> SampleScore:
    answer = None if text is None else parse_answer(text)
    chosen = None if answer is None else answer.choice or _option_said(answer.text, target)
    problem = None if chosen else _problem(answer, parsed=False)
    hit = chosen == target.answer
    return SampleScore(score=float(hit), hit=hit, parsed=chosen is not None, problem=problem)


def _option_said(text: str, target: ChoiceTarget) -> str | None:
    """The letter of the option that an answer repeats word by word, where it is only one."""
    said = [_plain_words(option) == _plain_words(text) for option in target.options]
    return string.ascii_uppercase[said.index(True)] if sum(said) == 1 else None


def _plain_words(text: str) -> str:
    return " ".join(text.split()).strip("*_`\"'.").casefold()


def _corners(box: Box) -> tuple[tuple[float, float], ...]:
    return ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))


def _pairs(points: tuple[Point, ...]) -> tuple[tuple[float, float], ...]:
    return tuple((point.x, point.y) for point in points)


def _error_mm(sample: Sample, point: Point, mask: Mask) -> float | None:
    if sample.intrinsics is None or sample.metric_depth is None:
        return None
    if in_mask([point], mask.inside)[0]:
        return 0.0  # whatever its depth is
    window = window_of(point, mask.inside)
    depth_m = read_metric_depth(sample, window)
    if depth_m is None:
        return None
    error = distance_m(point, mask.inside, depth_m, sample.intrinsics, window)
    return None if error is None else error * 1000


def _problem(answer: Answer | None, *, parsed: bool) -> str | None:
    if answer is None:
        return "the request failed"
    if answer.problems:
        return "; ".join(answer.problems)
    if parsed:
        return None
    return "says that there is no such thing" if answer.absent else "no point in the answer"
