"""Finds phrases for an object: draws programs at random and keeps those that pick out that object alone.

What is drawn also has to be read in one way only. Words that follow a noun could belong to the noun before the last
("the cup behind the plate to the left of the box"), so an anchor takes such words only if it needs them: "the plate"
alone would not do, and nobody stops reading there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

import numpy as np

from roborefer.refspatial.expressions.facts import WAYS, SceneFacts, facts_of
from roborefer.refspatial.expressions.phrases import (
    MAX_STEPS,
    SIZE_AXES,
    Described,
    Oriented,
    Phrase,
    Ranked,
    RankedByDistance,
    Related,
    ranked,
)
from roborefer.refspatial.expressions.wordings import (
    AXES,
    RELATION_WORDINGS,
    distance_wordings,
    orientation_wordings,
    rank_wordings,
)
from roborefer.refspatial.scene_graph import Scene

_Item = TypeVar("_Item")

# Relations that place one thing by another, as often as people use them; "between" takes two others.
_RELATIONS = (
    ("left", 4), ("right", 4), ("front", 4), ("behind", 4), ("on", 4), ("inside", 4), ("between", 4), ("touch", 1),
    ("far-from", 1), ("above-world", 1), ("below-world", 1), ("above-image", 1), ("below-image", 1), ("close", 1),
    ("far", 1), ("big", 1), ("small", 1), ("tall", 1), ("short", 1), ("wide", 1), ("thin", 1), ("face", 2),
    ("back", 2), ("outside", 1),
)  # fmt: skip
# Comparisons with the whole of an image or with a size are seldom the way to tell things apart.
_AXIS_WEIGHTS = {"left": 4, "right": 4, "front": 2, "behind": 2, "close": 2, "far": 2}
# How often an anchor is told by what is seen of it alone, where that will do and more may be said.
PLAIN_ANCHORS = 0.7
_TRIES = 6
_MOST_OTHERS = 6
_LAST_POSITION = 5


def phrases_for(
    scene: Scene, object_id: int, generator: np.random.Generator, *, max_steps: int = MAX_STEPS, tries: int = 60
) -> list[Phrase]:
    """Phrases that pick out an object, each in other words, in the order found.

    Args:
        scene: With objects and ids.
        object_id: What is meant.
        generator: All chance flows from it.
        max_steps: The most that a phrase counts (paper section 5), 1-5.
        tries: Programs that are drawn; more of them find more phrases.

    Returns:
        None at all if the object is hardly seen, or cannot be told from others without doubt.
    """
    search = PhraseSearch(facts_of(scene), generator)
    found: dict[str, Phrase] = {}
    for _ in range(tries):
        phrase = search.draw(object_id, max_steps)
        if phrase is not None:
            found.setdefault(phrase.text(), phrase)
    return list(found.values())


class PhraseSearch:
    """Draws phrases in one scene.

    Args:
        facts: Of the scene.
        generator: All chance flows from it.
        plain_anchors: How often an anchor is told by what is seen of it alone, where more may be said.
    """

    def __init__(self, facts: SceneFacts, generator: np.random.Generator, plain_anchors: float = PLAIN_ANCHORS) -> None:
        self.facts = facts
        self.generator = generator
        self._plain_anchors = plain_anchors

    def draw(self, target: int, max_steps: int = MAX_STEPS, *, min_steps: int = 1) -> Phrase | None:
        """A phrase for the target of about any form, None if the form drawn does not single it out."""
        if target not in self.facts.well:
            return None
        phrase = self.pick(_FORMS, _FORM_WEIGHTS)(self, target, max_steps)
        if phrase is None or not min_steps <= phrase.step_count or phrase.counted_steps > max_steps:
            return None
        return phrase if phrase.picked(self.facts) == target else None

    def described(self, target: int) -> Phrase | None:
        """By what is seen of the target alone, if that will do."""
        found = self.descriptions(target, unique=True)
        return self.pick(found) if found else None

    def anchor(self, target: int, max_steps: int) -> Phrase | None:
        """A phrase by which another one can refer to the target: the plainer, the better."""
        plain = self.described(target)
        if plain is not None and (max_steps < 1 or self.generator.random() < self._plain_anchors):
            return plain
        if max_steps >= 1:
            for _ in range(_TRIES):
                phrase = (
                    self.ranked(target, max_steps) if self.generator.random() < 0.6 else self._nested(target, max_steps)
                )
                if phrase is not None and phrase.counted_steps <= max_steps and phrase.picked(self.facts) == target:
                    return phrase
        return plain

    def ranked(self, target: int, max_steps: int) -> Phrase | None:
        """The k-th of its kind along some axis."""
        return self._rank(self._some_kind(target), target)

    def ranked_among_related(self, target: int, max_steps: int) -> Phrase | None:
        """ "the leftmost of the cups behind the plate"."""
        inner = self._relate(self._some_kind(target), target, max_steps - 1, among=True)
        return None if inner is None else self._rank(inner, target)

    def ranked_by_distance(self, target: int, max_steps: int) -> Phrase | None:
        """The closest to, or farthest from, an anchor."""
        other = self._other(target)
        anchor = None if other is None else self.anchor(other, max_steps - 2)
        if anchor is None or other is None:
            return None
        of = self._some_kind(target)
        rivals = [item for item in of.candidates(self.facts).sure if item not in (other, target)]
        if not rivals:
            return None
        end: Literal["nearest", "farthest"] = "nearest" if self.generator.random() < 0.7 else "farthest"
        for position in range(1, min(len(rivals), 3) + 1):
            wordings = distance_wordings(end, position)
            if anchor.words().after:  # "the second closest cup to the plate behind the box" can be read in two ways
                wordings = [wording for wording in wordings if not wording[0]]
            phrase = RankedByDistance(of, anchor, end, position, self.pick(wordings)) if wordings else None
            if phrase is not None and phrase.picked(self.facts) == target:
                return phrase
        return None

    def related(self, target: int, max_steps: int) -> Phrase | None:
        """By one relation to one or two anchors."""
        return self._relate(self._some_kind(target), target, max_steps)

    def twice_related(self, target: int, max_steps: int) -> Phrase | None:
        """ "the cup behind the plate and to the left of the box"."""
        first = self._relate(self._some_kind(target), target, min(max_steps - 2, 2), plain=True)
        if first is None:
            return None
        second = self._relate(first, target, max_steps, plain=True)
        if second is None or len({anchor.text() for anchor in second.anchors}) < len(second.anchors):
            return None
        return second

    def oriented(self, target: int, max_steps: int) -> Phrase | None:
        """By where its handle, spout or face points."""
        names = sorted(self.facts.objects[target].directions)
        if not self.facts.has_face(target):
            names = [name for name in names if name != "front"]
        if not names:
            return None
        name = self.pick(names)
        # A handle that points away from the viewer is hidden behind the mug.
        ways = WAYS if name == "front" else WAYS[:3]
        way = next((way for way in ways if self.facts.points(target, name, way)), None)
        if way is None:
            return None
        of = self._some_kind(target, named=True)
        words = orientation_wordings(name, way, plural=of.is_plural)
        return Oriented(of, name, way, self.facts.viewer_words(self.pick(words)))

    def descriptions(self, target: int, *, unique: bool) -> list[Described]:
        """All descriptions of the target by itself; ``unique``: those that single it out."""
        key = ("descriptions", target, unique)
        if key not in self.facts.resolved:
            found = _descriptions(self.facts, target)
            if unique:
                found = [phrase for phrase in found if phrase.category and phrase.picked(self.facts) == target]
            self.facts.resolved[key] = found
        known: list[Described] = self.facts.resolved[key]
        return known

    def pick(self, items: Sequence[_Item], weights: Sequence[float] | None = None) -> _Item:
        """One of the items, by weight if given."""
        if weights is None:
            return items[int(self.generator.random() * len(items))]
        draw = self.generator.random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            draw -= weight
            if draw < 0:
                return item
        return items[-1]

    def shuffled(self, items: Sequence[_Item]) -> Iterator[_Item]:
        """The items in random order."""
        for index in np.argsort(self.generator.random(len(items)), kind="stable").tolist():
            yield items[index]

    def _some_kind(self, target: int, *, named: bool = False) -> Described:
        """A description that fits the target, and maybe others: the more general the more often."""
        kinds = self.descriptions(target, unique=False)
        if named:
            kinds = [kind for kind in kinds if kind.category]
        return self.pick(kinds, [4 if kind.category and not (kind.material or kind.attribute) else 1 for kind in kinds])

    def _rank(self, of: Phrase, target: int) -> Phrase | None:
        sure, possible = of.candidates(self.facts)
        if len(sure) < 2 or target not in sure:
            return None
        axes = AXES if not of.anchors else AXES[:6]
        for axis in self._axes(axes):
            position = ranked(self.facts, axis, sure, possible).get(target)
            if position is not None and position <= _LAST_POSITION and position < len(possible):
                count = len(possible) if sure == possible else 0
                wordings = rank_wordings(axis, position, count, among=bool(of.anchors))
                if wordings:
                    before, after = self.pick(wordings)
                    return Ranked(of, axis, position, (before, self.facts.viewer_words(after)))
        return None

    def _axes(self, axes: Sequence[str]) -> Iterator[str]:
        # Weighted order without replacement (Efraimidis and Spirakis 2006).
        keys = self.generator.random(len(axes)) ** (1 / np.array([_AXIS_WEIGHTS.get(axis, 1) for axis in axes]))
        for index in np.argsort(-keys, kind="stable").tolist()[:4]:
            yield axes[index]

    def _relate(
        self, of: Phrase, target: int, max_steps: int, *, plain: bool = False, among: bool = False
    ) -> Phrase | None:
        """One more relation: ``plain`` anchors have no words after their noun; ``among`` others it may stay plural."""
        names, weights = (_RELATION_NAMES[:9], _RELATION_WEIGHTS[:9]) if among else (_RELATION_NAMES, _RELATION_WEIGHTS)
        relation = self.pick(names, weights)
        others = self._others_in(relation, target)
        if others is None:
            return None
        budget = max_steps - of.counted_steps - len(others) - (relation != "on")
        if budget < 0:
            return None
        nested = 0 if plain or len(others) > 1 else budget
        anchors = [self.anchor(other, nested) for other in others]
        known = tuple(anchor for anchor in anchors if anchor is not None)
        # Nearly everything is outside a bowl, or smaller than a table: it says something only where others are not.
        if (relation == "outside" or relation in SIZE_AXES) and len(of.candidates(self.facts).possible) < 2:
            return None
        if len(known) < len(others) or (len(others) > 1 and any(anchor.words().after for anchor in known)):
            return None
        if plain and any(anchor.words().after for anchor in known):
            return None
        return Related(of, relation, known, self.facts.viewer_words(self.pick(RELATION_WORDINGS[relation])))

    def _others_in(self, relation: str, target: int) -> tuple[int, ...] | None:
        """What the target is related to: one other, or two for "between"."""
        others = [item for item in self.facts.shown if item in self.facts.well and item != target]
        if relation == "between":
            pairs = [(first, second) for first in others for second in others if first < second]
            for pair in list(self.shuffled(pairs))[:_MOST_OTHERS]:
                if self.facts.truth("between", target, *pair):
                    return pair if self.generator.random() < 0.5 else pair[::-1]
            return None
        for other in list(self.shuffled(others))[:_MOST_OTHERS]:
            if self.facts.truth(relation, target, other):
                return (other,)
        return None

    def _nested(self, target: int, max_steps: int) -> Phrase | None:
        """An anchor with words after its noun, where the noun alone would not do."""
        form = self.pick(_NESTED_FORMS)
        phrase = form(self, target, max_steps)
        if phrase is None or not phrase.words().after:
            return phrase
        of = getattr(phrase, "of", None)
        needed = isinstance(of, Described) and len(of.candidates(self.facts).possible) > 1
        return phrase if needed else None

    def _other(self, target: int) -> int | None:
        others = [item for item in self.facts.shown if item in self.facts.well and item != target]
        return self.pick(others) if others else None


def _descriptions(facts: SceneFacts, target: int) -> list[Described]:
    item = facts.objects[target]
    taken = item.category.split()
    # "The orange orange" and "the glass glass" say nothing more.
    color, material = (word if word and word not in taken else None for word in (item.color, item.material))
    attribute = next((word for word in item.attributes if word not in taken), None)
    found = [Described(item.category), Described(None)]
    if item.color:
        found.append(Described(None, item.color))
    if color:
        found.append(Described(item.category, color))
    if material:
        found.append(Described(item.category, None, material))
    if color and material:
        found.append(Described(item.category, color, material))
    if attribute:
        found.append(Described(item.category, None, None, attribute))
    if attribute and color:
        found.append(Described(item.category, color, None, attribute))
    return found


_Form = Callable[[PhraseSearch, int, int], Phrase | None]
_FORMS: tuple[_Form, ...] = (
    lambda search, target, _: search.described(target),
    PhraseSearch.ranked,
    PhraseSearch.ranked_by_distance,
    PhraseSearch.related,
    PhraseSearch.twice_related,
    PhraseSearch.ranked_among_related,
    PhraseSearch.oriented,
)
_FORM_WEIGHTS = (2.0, 4.0, 2.0, 5.0, 1.5, 1.5, 1.5)
_NESTED_FORMS: tuple[_Form, ...] = (
    PhraseSearch.related,
    PhraseSearch.related,
    PhraseSearch.ranked_by_distance,
    PhraseSearch.oriented,
)
_RELATION_NAMES = tuple(name for name, _ in _RELATIONS)
_RELATION_WEIGHTS = tuple(weight for _, weight in _RELATIONS)
