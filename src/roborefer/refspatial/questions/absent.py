"""Absent: requests for things that are not there; the right answer is that there is no such thing, ``[]``."""

from __future__ import annotations

from roborefer.answers import write_answer
from roborefer.refspatial.expressions import Described, Phrase, Related
from roborefer.refspatial.expressions.wordings import RELATION_WORDINGS
from roborefer.refspatial.questions.asking import Asker
from roborefer.refspatial.questions.pointing import ask_for_object
from roborefer.refspatial.questions.question import Question
from roborefer.refspatial.reasoning import program_for, run

NONE_ENDINGS = (
    "If there is no such thing, answer [].",
    "Answer [] if nothing in the image fits.",
    "If you cannot find any, answer [].",
    "An empty list, [], means that there is none.",
)
_COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown")
# Small things that no furniture or room of ours could be taken for.
_CATEGORIES = (
    "apple", "banana", "book", "bottle", "bowl", "candle", "carrot", "clock", "fork", "hammer", "lemon", "mug", "pear",
    "plate", "pineapple", "scissors", "spoon", "stapler", "teapot", "teddy bear", "toy car", "umbrella", "vase",
)  # fmt: skip
_RELATIONS = ("left", "right", "front", "behind", "on", "inside")


def absent(asker: Asker) -> Question | None:
    """A request that nothing in the scene fits, not even doubtfully; None if what was drawn does fit something."""
    draw = asker.generator.random()
    phrase = _unrelated(asker) if draw < 0.5 else _recolored(asker) if draw < 0.8 else _other_category(asker)
    if phrase is None or phrase.candidates(asker.facts).possible:
        return None
    text, wording = ask_for_object(asker, phrase)
    hint = asker.pick(NONE_ENDINGS) if asker.chance(0.6) else ""
    reasoning = run(asker.scene, program_for(phrase.anchors)) if phrase.anchors else None
    return Question(
        kind="absent",
        text=f"{text} {hint}".rstrip(),
        answer=write_answer([]),
        phrase=phrase.text(),
        steps=() if reasoning is None else reasoning.steps,
        key_steps=() if reasoning is None else reasoning.key_steps,
        points=(),
        target=None,
        region=None,
        relations=tuple(sorted(phrase.relations)),
        step_count=phrase.step_count,
        template=f"absent-{wording}{'-hint' if hint else ''}",
    )


def _recolored(asker: Asker) -> Phrase | None:
    """A thing of the scene in a colour that none of its kind has."""
    if not asker.well:
        return None
    return Described(asker.facts.objects[asker.pick(asker.well)].category, asker.pick(_COLORS))


def _other_category(asker: Asker) -> Phrase:
    return Described(asker.pick(_CATEGORIES), asker.pick(_COLORS) if asker.chance(0.3) else None)


def _unrelated(asker: Asker) -> Phrase | None:
    """A thing of the scene, where none of its kind is."""
    ids = asker.objects(2)
    anchor = None if ids is None else asker.anchor(ids[1], 1)
    if ids is None or anchor is None:
        return None
    item = asker.facts.objects[ids[0]]
    relation = asker.pick(_RELATIONS)
    if relation == "inside" and not asker.facts.is_container(ids[1]):
        return None
    of = Described(item.category, item.color if asker.chance(0.5) else None)
    return Related(of, relation, (anchor,), asker.pick_wording(RELATION_WORDINGS[relation])[1])
