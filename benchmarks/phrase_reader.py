"""Reads a phrase from its text alone and finds what it means by trying everything: the proof's brute force.

Every way to take the words apart is followed, and every one is evaluated over all objects that show a pixel, without
margins or doubt. A phrase passes if every reading that means anything means the same object. Nothing here knows how
the engine built the phrase; only the vocabulary (``wordings.py``) and the plural forms are shared.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from measured_scene import MeasuredScene, angle
from roborefer.refspatial import grammar
from roborefer.refspatial.expressions.facts import _FACELESS, _SPOKEN
from roborefer.refspatial.expressions.wordings import AXES, RELATION_WORDINGS, distance_wordings, rank_wordings
from roborefer.refspatial.questions.absent import _CATEGORIES
from roborefer.refspatial.simulation.objects.catalog import CATEGORIES

_ADJECTIVES = {"wooden": "wood", "woolen": "wool"}
_WAYS = {
    "to the left": "left", "left": "left", "to the right": "right", "right": "right",
    "towards the viewer": "towards", "the viewer": "towards", "away from the viewer": "away",
}  # fmt: skip
_POINTING_DEGREES = 45.0
_LAST_POSITION = 5

# What the engine knows names for, whether the scene has one or not.
_NOUNS = sorted({*CATEGORIES, *_CATEGORIES, *_SPOKEN.values(), "object"})

Reading = tuple[int, ...]


class PhraseReader:
    """Reads phrases about one view."""

    def __init__(self, measured: MeasuredScene) -> None:
        self.measured = measured
        self.shows_a_camera = any(measured.things[item].category.endswith("camera") for item in measured.shown)
        self._known: dict[tuple[str, bool, bool], frozenset[Reading]] = {}
        self._values: dict[tuple[object, ...], bool] = {}

    def meanings(self, phrase: str) -> frozenset[Reading]:
        """What a phrase with "the" may mean: for each way to read it, the ids that it fits."""
        words = phrase if self.shows_a_camera else phrase.replace("the camera", "the viewer")
        if not words.startswith("the "):
            return frozenset()
        return self._read(words.removeprefix("the "))

    def picks(self, phrase: str) -> frozenset[int]:
        """The objects that some reading singles out; one if the phrase is sound, none if it cannot be read."""
        return frozenset(reading[0] for reading in self.meanings(phrase) if len(reading) == 1)

    def _read(self, words: str, many: bool = False, among: bool = True) -> frozenset[Reading]:
        """Readings of a noun phrase without its article.

        Args:
            words: The phrase.
            many: Its noun stands in the plural.
            among: It may be of the form "the second largest of the mugs"; what follows that belongs to the mugs.
        """
        key = (words, many, among)
        if key not in self._known:
            self._known[key] = frozenset()  # a phrase is no part of itself
            self._known[key] = frozenset(self._readings(words, many, among))
        return self._known[key]

    def _readings(self, words: str, many: bool, among: bool) -> Iterator[Reading]:
        yield from self._described(words, many)
        yield from self._related(words, many)
        yield from self._oriented(words, many)
        if not many:
            yield from self._ranked(words, among)
            yield from self._ranked_by_distance(words)

    def _described(self, words: str, many: bool) -> Iterator[Reading]:
        for noun in _NOUNS:
            ending = grammar.plural(noun) if many else noun
            if words != ending and not words.endswith(f" {ending}"):
                continue
            adjectives = words.removesuffix(ending).strip()
            yield tuple(
                item
                for item in self.measured.shown
                if (noun == "object" or self._is_called(item, noun)) and self._has_all(item, adjectives)
            )

    def _is_called(self, item: int, noun: str) -> bool:
        category = self.measured.things[item].category
        spoken = _SPOKEN.get(category, category)
        return spoken == noun or spoken.endswith(f" {noun}")

    def _has_all(self, item: int, adjectives: str) -> bool:
        """Whether an object's own words can be put together to the adjectives."""
        thing = self.measured.things[item]
        own = {word for word in (thing.color, thing.material, *thing.attributes) if word}
        own |= {long for long, short in _ADJECTIVES.items() if short in own}
        if not adjectives:
            return True
        return any(
            adjectives == word
            or (adjectives.startswith(f"{word} ") and self._has_all(item, adjectives[len(word) + 1 :]))
            for word in own
        )

    def _related(self, words: str, many: bool) -> Iterator[Reading]:
        for relation, wordings in RELATION_WORDINGS.items():
            for wording in wordings:
                joint = f" {wording.replace('the camera', 'the viewer')} the "
                for before, after in _splits(words, joint):
                    before = before.removesuffix(" and")
                    for others in self._anchors(after, 2 if relation == "between" else 1):
                        for candidates in self._read(before, many, among=False):
                            kept = tuple(item for item in candidates if self._holds(relation, item, *others))
                            yield kept

    def _anchors(self, words: str, count: int) -> Iterator[Reading]:
        """The objects that one anchor, or "the A and the B", single out."""
        if count == 1:
            yield from (reading for reading in self._read(words) if len(reading) == 1)
            return
        for first, second in _splits(words, " and the "):
            for one in self._anchors(first, 1):
                for other in self._anchors(second, 1):
                    yield (*one, *other)

    def _oriented(self, words: str, many: bool) -> Iterator[Reading]:
        for marker in (" whose ", " with its ", " with their ", " that faces ", " that face ", " facing "):
            for before, after in _splits(words, marker):
                direction, way = "front", _WAYS.get(after)
                if marker in (" whose ", " with its ", " with their "):
                    direction, _, rest = after.partition(" ")
                    verb, _, tail = rest.partition(" ")
                    way = (
                        _WAYS.get(tail) if verb in ("points", "point", "pointing", "faces", "face", "facing") else None
                    )
                if way is not None:
                    for candidates in self._read(before, many, among=False):
                        yield tuple(item for item in candidates if self._points(item, direction, way))

    def _ranked(self, words: str, among: bool) -> Iterator[Reading]:
        for axis in AXES:
            for position in range(1, _LAST_POSITION + 1):
                for count in (2, 3):
                    for wording in rank_wordings(axis, position, count):
                        for rest, many in _unwrapped(words, *_plain(wording)):
                            for candidates in self._read(rest, many) if among or not many else ():
                                # "The tallest" of one thing is nothing that people say.
                                if len(candidates) == 2 or (count == 3 and len(candidates) > 2):
                                    yield self._kth(candidates, position, axis)

    def _ranked_by_distance(self, words: str) -> Iterator[Reading]:
        for end in ("nearest", "farthest"):
            for position in range(1, _LAST_POSITION + 1):
                for before, after in (_plain(wording) for wording in distance_wordings(end, position)):
                    if before and not words.startswith(f"{before} "):
                        continue
                    for noun, anchor in _splits(words.removeprefix(before).strip(), f" {after} the "):
                        for (other,) in self._anchors(anchor, 1):
                            for candidates in self._read(noun):
                                rivals = tuple(item for item in candidates if item != other)
                                yield self._kth_by_distance(rivals, position, other, end == "nearest")

    def _kth(self, candidates: Reading, position: int, axis: str) -> Reading:
        return tuple(
            item
            for item in candidates
            if sum(self._holds(axis, other, item) for other in candidates if other != item) == position - 1
        )

    def _kth_by_distance(self, candidates: Reading, position: int, anchor: int, nearest: bool) -> Reading:
        center = self.measured.things[anchor].center
        length = {item: float(np.linalg.norm(self.measured.things[item].center - center)) for item in candidates}
        ordered = sorted(candidates, key=lambda item: length[item] if nearest else -length[item])
        return (ordered[position - 1],) if position <= len(ordered) else ()

    def _holds(self, relation: str, item: int, *others: int) -> bool:
        if item in others:
            return False
        if relation in ("face", "back") and self.measured.things[item].category in _FACELESS:
            return False
        key = (relation, item, *others)
        if key not in self._values:
            self._values[key] = self.measured.holds(relation, item, *others)
        return self._values[key]

    def _points(self, item: int, direction: str, way: str) -> bool:
        thing = self.measured.things[item]
        vector = thing.directions.get(direction)
        if vector is None or (direction == "front" and thing.category in _FACELESS):
            return False
        right, forward = self.measured.right, self.measured.forward
        towards = {"left": -right, "right": right, "towards": -forward, "away": forward}[way]
        return angle(vector, towards) < _POINTING_DEGREES


def _plain(wording: tuple[str, str]) -> tuple[str, str]:
    return wording[0].replace("the camera", "the viewer"), wording[1].replace("the camera", "the viewer")


def _splits(words: str, joint: str) -> Iterator[tuple[str, str]]:
    """Every way to cut the words at a joint."""
    start = words.find(joint)
    while start >= 0:
        yield words[:start], words[start + len(joint) :]
        start = words.find(joint, start + 1)


def _unwrapped(words: str, before: str, after: str) -> Iterator[tuple[str, bool]]:
    """What is ranked, and whether it stands in the plural: "third cup from the left", "third from the left among"."""
    if (not before or words.startswith(f"{before} ")) and (not after or words.endswith(f" {after}")):
        rest = words.removeprefix(before).removesuffix(after).strip()
        if rest and rest != words:
            yield rest, False
    if before:
        among = f"{before} {after} among the " if after else f"{before} of the "
        if words.startswith(among):
            yield words.removeprefix(among), True
