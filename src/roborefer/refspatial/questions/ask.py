"""Asks about one scene: draws kinds and relations, and keeps what can be asked, no question twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from roborefer.errors import InputError
from roborefer.refspatial.questions.absent import absent
from roborefer.refspatial.questions.asking import Asker
from roborefer.refspatial.questions.choices import choice, fact
from roborefer.refspatial.questions.location import location
from roborefer.refspatial.questions.placement import placement
from roborefer.refspatial.questions.quantities import QUANTITIES, quantity
from roborefer.refspatial.questions.question import QUESTION_KINDS, Question, QuestionKind
from roborefer.refspatial.questions.statements import PREDICATES
from roborefer.refspatial.questions.visual_choice import visual_choice
from roborefer.refspatial.scene_graph import Scene

_STATED = tuple(PREDICATES)
Maker = tuple[float, Callable[[Asker], Question | None]]
_KINDS: Mapping[QuestionKind, Maker] = {
    "location": (4.5, location),
    "placement": (3.5, placement),
    "choice": (2.2, lambda asker: choice(asker, asker.pick(_STATED))),
    "fact": (1.9, lambda asker: fact(asker, asker.pick(_STATED))),
    "quantity": (1.9, lambda asker: quantity(asker, asker.pick(QUANTITIES))),
    "visual_choice": (0.7, visual_choice),
    "absent": (0.7, absent),
}
"""How often each kind is asked for among all, and what asks it."""


def _ranked_thing(asker: Asker) -> Question | None:
    question = location(asker)
    return question if question is not None and question.step_count == 1 and question.relations else None


_DEMANDING: tuple[Maker, ...] = ((4.0, lambda asker: placement(asker, least_steps=3)), (1.0, _ranked_thing))
# How often what such a place is described by is told by its name alone, if that will do.
_DEMANDING_PLAIN = 0.3

_TRIES_A_QUESTION = 12


def ask(
    scene: Scene,
    generator: np.random.Generator,
    count: int = 15,
    *,
    kinds: Collection[QuestionKind] | None = None,
    exclude_combinations: Collection[frozenset[str]] = frozenset(),
) -> list[Question]:
    """Questions about one scene, each with exact ground truth; the same generator state gives the same questions.

    Args:
        scene: With ids, depth and surface ids.
        generator: All chance flows from it.
        count: How many; fewer come back where a scene has no more that can be asked without doubt.
        kinds: Those to ask; all but "multi_view" unless given, which needs two views (:func:`ask_pair`).
        exclude_combinations: Sets of relations; a question whose relations hold one of them whole is not asked.

    Raises:
        InputError: A kind is unknown, or is "multi_view".
    """
    wanted = [kind for kind in _KINDS if kinds is None or kind in kinds]
    if kinds is not None and len(wanted) < len(set(kinds)):
        unknown = next(kind for kind in kinds if kind not in _KINDS)
        raise InputError(f"expected kinds out of {', '.join(_KINDS)}, got {unknown!r}: {_hint(unknown)}")
    makers = [_KINDS[kind] for kind in wanted]
    return _draw(Asker(scene, generator), makers, count, exclude_combinations)


def ask_demanding(
    scene: Scene,
    generator: np.random.Generator,
    count: int,
    *,
    exclude_combinations: Collection[frozenset[str]] = frozenset(),
) -> list[Question]:
    """Questions for points that chance seldom asks and that a model learns last, to be trained on besides the others.

    Places that take three steps or more or lie at a stated length, and single things that are told by their rank ("the
    second can from the left").

    Args:
        scene: With ids, depth and surface ids.
        generator: All chance flows from it.
        count: How many; fewer come back where a scene has no more.
        exclude_combinations: As for :func:`ask`.
    """
    asker = Asker(scene, generator, plain_anchors=_DEMANDING_PLAIN)
    return _draw(asker, _DEMANDING, count, exclude_combinations)


def _draw(
    asker: Asker, makers: Sequence[Maker], count: int, exclude_combinations: Collection[frozenset[str]]
) -> list[Question]:
    """Questions by the shares of their makers, no subject twice."""
    found: dict[tuple[object, ...], Question] = {}
    weights = [weight for weight, _ in makers]
    for _ in range(_TRIES_A_QUESTION * count if makers else 0):
        if len(found) == count:
            break
        _, make = asker.search.pick(makers, weights)
        # Kinds fail at different rates; trying again keeps their shares near to what was wanted.
        for _ in range(3):
            question = make(asker)
            if question is not None and not _is_excluded(question, exclude_combinations):
                found.setdefault(_subject(question), question)
                break
    return list(found.values())


def _subject(question: Question) -> tuple[object, ...]:
    """What is asked, whatever the wording: nobody asks twice where the third cup is, or how tall it is."""
    if question.kind in ("location", "placement", "absent"):
        return question.kind, question.phrase
    return question.kind, *sorted(question.facts.items())


def _is_excluded(question: Question, combinations: Collection[frozenset[str]]) -> bool:
    return any(combination <= set(question.relations) for combination in combinations)


def _hint(kind: str) -> str:
    return "ask_pair() asks about two views" if kind in QUESTION_KINDS else "choose one of them"
