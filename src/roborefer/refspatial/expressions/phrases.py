"""Phrases as small programs: what they pick out in a scene, how they are said, and what they count.

A phrase filters or ranks the candidates of a simpler one. Evaluation is three-valued: a candidate is sure, or it is
possible (a comparison is too close to call, the thing is hardly seen, its colour has two names). A phrase picks an
object out only if that object is its one sure candidate and there is no other possible one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from roborefer.refspatial import grammar
from roborefer.refspatial.expressions.facts import SceneFacts, Truth, facts_of, spoken
from roborefer.refspatial.scene_graph import Scene

MAX_STEPS = 5
"""The benchmark counts no further (paper section 5)."""


class Candidates(NamedTuple):
    """Ids in the scene's order: those without doubt, and all that might be meant (the sure ones among them)."""

    sure: tuple[int, ...]
    possible: tuple[int, ...]


class Words(NamedTuple):
    """A noun phrase without "the": what stands before the noun, the noun in the singular, what follows."""

    before: str
    noun: str
    after: str


class Phrase(ABC):
    """A description of one object; ``resolve`` says of which."""

    @abstractmethod
    def evaluate(self, facts: SceneFacts) -> Candidates:
        """The candidates, from scratch; :meth:`candidates` remembers them."""

    @abstractmethod
    def words(self) -> Words:
        """The parts of its text."""

    @property
    @abstractmethod
    def counted_steps(self) -> int:
        """Anchors and directional phrases (paper section 5), from 0 without limit."""

    @property
    @abstractmethod
    def relations(self) -> frozenset[str]:
        """Those of the 31 relations that it uses."""

    @property
    def anchors(self) -> tuple[Phrase, ...]:
        """The phrases of the objects that it refers to, its own aside."""
        return ()

    def candidates(self, facts: SceneFacts) -> Candidates:
        """Which objects it may mean."""
        known: Candidates | None = facts.resolved.get(self)
        if known is None:
            known = facts.resolved[self] = self.evaluate(facts)
        return known

    def resolve(self, scene: Scene) -> tuple[int, ...]:
        """Ids of all objects that it may mean, doubtful ones among them."""
        return self.candidates(facts_of(scene)).possible

    def picked(self, facts: SceneFacts) -> int | None:
        """The one object that it picks out without doubt and that is seen well, None if there is none."""
        sure, possible = self.candidates(facts)
        return sure[0] if len(possible) == 1 and sure == possible else None

    def text(self) -> str:
        """With its article: "the third cup from the left"."""
        return " ".join(("the", *(part for part in self.words() if part)))

    @property
    def step_count(self) -> int:
        """Its steps as the benchmark counts them, 1-5."""
        return min(max(self.counted_steps, 1), MAX_STEPS)

    @property
    def is_plural(self) -> bool:
        """Whether it takes "are" ("the scissors")."""
        words = self.words()
        return not words.before.endswith(" of the") and grammar.is_plural(words.noun)


@dataclass(frozen=True)
class Described(Phrase):
    """By what can be seen of the object alone: "the striped red ceramic mug"; category None is "object"."""

    category: str | None
    color: str | None = None
    material: str | None = None
    attribute: str | None = None

    def evaluate(self, facts: SceneFacts) -> Candidates:
        return _filtered((item, self._fits(facts, item)) for item in facts.shown)

    def _fits(self, facts: SceneFacts, item: int) -> Truth:
        return _all(
            item in facts.well or None,
            facts.is_called(item, self.category),
            True if self.color is None else facts.has_color(item, self.color),
            True if self.material is None else facts.has_material(item, self.material),
            True if self.attribute is None else facts.has_attribute(item, self.attribute),
        )

    def words(self) -> Words:
        before = (
            part for part in (self.attribute, self.color, _ADJECTIVES.get(self.material or "", self.material)) if part
        )
        return Words(" ".join(before), spoken(self.category or "object"), "")

    @property
    def counted_steps(self) -> int:
        return 0

    @property
    def relations(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True)
class Ranked(Phrase):
    """The k-th along an axis: "the leftmost apple", "the second largest of the books on the box".

    Attributes:
        of: Among which.
        axis: The relation that orders them: the first is "left" of all others.
        position: 1 for the first.
        wording: What stands before and after the noun: ("leftmost", "") or ("third", "from the left").
    """

    of: Phrase
    axis: str
    position: int
    wording: tuple[str, str]

    def evaluate(self, facts: SceneFacts) -> Candidates:
        sure, possible = self.of.candidates(facts)
        found = ranked(facts, self.axis, sure, possible)
        at = tuple(item for item, position in found.items() if position == self.position)
        return Candidates(at, at) if at else Candidates((), possible)

    def words(self) -> Words:
        before, noun, after = self.of.words()
        rank, aside = self.wording
        if not after:
            return Words(f"{rank} {before}".strip(), noun, aside)
        among = f"{aside} among the" if aside else "of the"
        return Words(" ".join(f"{rank} {among} {before}".split()), grammar.plural(noun), after)

    @property
    def counted_steps(self) -> int:
        # Largest, tallest and the like belong to the object itself and do not count.
        return self.of.counted_steps + (self.axis not in SIZE_AXES)

    @property
    def relations(self) -> frozenset[str]:
        return self.of.relations | {self.axis}

    @property
    def anchors(self) -> tuple[Phrase, ...]:
        return self.of.anchors


@dataclass(frozen=True)
class RankedByDistance(Phrase):
    """The k-th by distance from an anchor: "the book closest to the lamp", "the cup farthest from the plate"."""

    of: Phrase
    anchor: Phrase
    end: Literal["nearest", "farthest"]
    position: int
    wording: tuple[str, str]

    def evaluate(self, facts: SceneFacts) -> Candidates:
        sure, possible = self.of.candidates(facts)
        anchor = self.anchor.picked(facts)
        if anchor is None:
            return Candidates((), possible)
        sure, possible = (tuple(item for item in group if item != anchor) for group in (sure, possible))
        found = _positions(
            sure,
            possible,
            lambda a, b: facts.nearer(*((a, b) if self.end == "nearest" else (b, a)), anchor),
        )
        at = tuple(item for item, position in found.items() if position == self.position)
        return Candidates(at, at) if at else Candidates((), possible)

    def words(self) -> Words:
        before, noun, _ = self.of.words()
        rank, aside = self.wording
        return Words(f"{rank} {before}".strip(), noun, f"{aside} {self.anchor.text()}")

    @property
    def counted_steps(self) -> int:
        return self.of.counted_steps + 2 + self.anchor.counted_steps

    @property
    def relations(self) -> frozenset[str]:
        return self.of.relations | self.anchor.relations | {"distance"}

    @property
    def anchors(self) -> tuple[Phrase, ...]:
        return (*self.of.anchors, self.anchor)


@dataclass(frozen=True)
class Related(Phrase):
    """By a relation to other objects: "the apple to the left of the blue mug", "the pen between the cups".

    Attributes:
        of: Which are considered.
        relation: One of the 31, or "on".
        others: What it is related to: two for "between", else one.
        wording: "to the left of".
    """

    of: Phrase
    relation: str
    others: tuple[Phrase, ...]
    wording: str

    def evaluate(self, facts: SceneFacts) -> Candidates:
        sure, possible = self.of.candidates(facts)
        anchors = [other.picked(facts) for other in self.others]
        known = [anchor for anchor in anchors if anchor is not None]
        if len(known) < len(anchors):
            return Candidates((), possible)
        certain = set(sure)
        return _filtered(
            (item, _all(item in certain or None, facts.truth(self.relation, item, *known))) for item in possible
        )

    def words(self) -> Words:
        before, noun, after = self.of.words()
        others = grammar.listing([other.text() for other in self.others])
        joined = f"{after} and {self.wording} {others}" if after else f"{self.wording} {others}"
        return Words(before, noun, joined)

    @property
    def counted_steps(self) -> int:
        # "on" does not count, its anchor does.
        own = len(self.others) + (self.relation != "on")
        return self.of.counted_steps + own + sum(other.counted_steps for other in self.others)

    @property
    def relations(self) -> frozenset[str]:
        # What rests on a thing touches it and is above it.
        own = {"touch", "above-world"} if self.relation == "on" else {self.relation}
        return self.of.relations.union(own, *(other.relations for other in self.others))

    @property
    def anchors(self) -> tuple[Phrase, ...]:
        return (*self.of.anchors, *self.others)


@dataclass(frozen=True)
class Oriented(Phrase):
    """By where a part of it points, as the viewer sees it: "the mug whose handle points left".

    Attributes:
        direction: A name in ``SceneObject.directions``.
        way: One of ``facts.WAYS``.
        wording: "whose handle points to the left".
    """

    of: Phrase
    direction: str
    way: str
    wording: str

    def evaluate(self, facts: SceneFacts) -> Candidates:
        sure, possible = self.of.candidates(facts)
        certain = set(sure)
        return _filtered(
            (item, _all(item in certain or None, facts.points(item, self.direction, self.way))) for item in possible
        )

    def words(self) -> Words:
        before, noun, _ = self.of.words()
        return Words(before, noun, self.wording)

    @property
    def counted_steps(self) -> int:
        return self.of.counted_steps + 1

    @property
    def relations(self) -> frozenset[str]:
        # Towards the viewer it shows its face, away from the viewer its back; else a direction is an angle.
        own = {"towards": "face", "away": "back"}.get(self.way, "angle")
        return self.of.relations | {own}

    @property
    def anchors(self) -> tuple[Phrase, ...]:
        return self.of.anchors


SIZE_AXES = frozenset({"big", "small", "tall", "short", "wide", "thin"})
_ADJECTIVES = {"wood": "wooden", "wool": "woolen"}


def ranked(facts: SceneFacts, axis: str, sure: tuple[int, ...], possible: tuple[int, ...]) -> dict[int, int]:
    """Positions, from 1, of the sure candidates whose place along an axis is beyond doubt.

    Whoever may be before it must be certain, be a sure candidate, and be counted: a doubtful candidate, such as an
    object of which little is seen, has to come after it.
    """
    return _positions(sure, possible, lambda a, b: facts.truth(axis, a, b))


def _positions(
    sure: tuple[int, ...], possible: tuple[int, ...], before: Callable[[int, int], Truth]
) -> dict[int, int]:  # fmt: skip
    certain = set(sure)
    found = {}
    for item in sure:
        position = 1
        for other in possible:
            if other == item:
                continue
            leads = before(other, item)
            if leads is None or (leads and other not in certain):
                break
            position += leads
        else:
            found[item] = position
    return found


def _all(*truths: Truth) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _filtered(items: Iterator[tuple[int, Truth]]) -> Candidates:
    kept = [(item, truth) for item, truth in items if truth is not False]
    return Candidates(tuple(item for item, truth in kept if truth), tuple(item for item, _ in kept))
