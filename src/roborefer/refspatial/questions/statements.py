"""Statements that are true or false of a scene: what choice and fact questions ask about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from roborefer.refspatial.expressions import MAX_STEPS, Phrase
from roborefer.refspatial.expressions.phrases import SIZE_AXES
from roborefer.refspatial.questions.asking import Asker, be, surface_text
from roborefer.refspatial.reasoning import MEASURE_OF, Instruction, LookAt, MeasureSize, Reasoning, program_for, run

# Predicates after "is"; {b} and {c} are what the subject is related to.
PREDICATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("to the left of {b}", "left of {b}"),
        "right": ("to the right of {b}", "right of {b}"),
        "front": ("in front of {b}",),
        "behind": ("behind {b}",),
        "close": ("closer to the camera than {b}", "nearer to the viewer than {b}"),
        "far": ("farther from the camera than {b}", "farther from the viewer than {b}"),
        "above-world": ("above {b}", "higher up than {b}"),
        "below-world": ("below {b}", "lower down than {b}"),
        "above-image": ("higher in the image than {b}", "above {b} in the image"),
        "below-image": ("lower in the image than {b}", "below {b} in the image"),
        "tall": ("taller than {b}",),
        "short": ("shorter than {b}",),
        "big": ("bigger than {b}", "larger than {b}"),
        "small": ("smaller than {b}",),
        "wide": ("wider than {b}",),
        "thin": ("narrower than {b}", "thinner than {b}"),
        "inside": ("inside {b}", "in {b}"),
        "outside": ("outside {b}",),
        "touch": ("touching {b}", "in contact with {b}"),
        "far-from": ("far from {b}", "far away from {b}"),
        "between": ("between {b} and {c}",),
        "face": ("facing {b}",),
        "back": ("facing away from {b}", "turned away from {b}"),
        "corner": ("at the {label} corner of {b}", "in the {label} corner of {b}"),
        "edge": ("at the {label} edge of {b}", "along the {label} edge of {b}"),
    }
)
CORNERS = ("far left", "far right", "near left", "near right")
EDGES = ("left", "right", "near", "far")

# Relations where a question would give its answer away if a phrase in it used the other half of the pair.
_PARTNERS: Mapping[str, str] = MappingProxyType(
    {
        "left": "right", "right": "left", "front": "behind", "behind": "front", "close": "far", "far": "close",
        "above-world": "below-world", "below-world": "above-world", "above-image": "below-image",
        "below-image": "above-image", "tall": "short", "short": "tall", "big": "small", "small": "big",
        "wide": "thin", "thin": "wide", "inside": "outside", "outside": "inside", "face": "back", "back": "face",
        "touch": "far-from", "far-from": "touch",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """That a subject is in a relation, and whether it is so.

    Attributes:
        relation: One of the 31.
        subject: Of whom it is said.
        others: To which it is related: none for the viewer and for surfaces.
        predicate: After "is": "to the left of the book".
        holds: Whether it is true, without doubt either way.
        facts: By which it can be checked: the relation, ids, surface and label.
    """

    relation: str
    subject: Phrase
    others: tuple[Phrase, ...]
    predicate: str
    holds: bool
    facts: Mapping[str, float | str]

    @property
    def be(self) -> str:
        return be(self.subject)

    @property
    def clause(self) -> str:
        """The truth: "the mug is not to the left of the book"."""
        return f"{self.subject.text()} {self.be} {'' if self.holds else 'not '}{self.predicate}"

    @property
    def question(self) -> str:
        """ "is the mug to the left of the book"."""
        return f"{self.be} {self.subject.text()} {self.predicate}"

    @property
    def relations(self) -> tuple[str, ...]:
        phrases = (self.subject, *self.others)
        return tuple(sorted(frozenset({self.relation}).union(*(phrase.relations for phrase in phrases))))

    @property
    def step_count(self) -> int:
        """Anchors and directional phrases: what the subject is related to, the relation, and those of the phrases."""
        others = max(len(self.others), 1)
        counted = others + 1 + sum(phrase.counted_steps for phrase in (self.subject, *self.others))
        return min(counted, MAX_STEPS)


def draw_statement(asker: Asker, relation: str) -> Statement | None:
    """A statement with this relation that is clearly true, or clearly false; None if what was drawn is neither."""
    if relation in ("corner", "edge"):
        return _about_surface(asker, relation)
    count = 3 if relation == "between" else 2
    ids = _related(asker, relation, count) if asker.chance(0.5) else asker.objects(count)
    to_viewer = relation in ("face", "back") and asker.chance(0.3)
    if to_viewer:
        ids = asker.objects(1)
    if ids is None:
        return None
    if relation in ("inside", "outside") and not asker.facts.is_container(ids[1]):
        return None
    holds = _to_viewer(asker, relation, ids[0]) if to_viewer else asker.facts.truth(relation, *ids)
    if holds is None or (relation in ("face", "back") and not asker.facts.has_face(ids[0])):
        return None
    phrases = asker.anchors(ids, 1)
    if phrases is None or _gives_away(relation, phrases):
        return None
    _, template = asker.pick_wording(PREDICATES[relation])
    # "above the cup behind the plate in the image" would read oddly.
    if template.endswith("in the image") and phrases[-1].words().after:
        return None
    names = [asker.facts.viewer_words("the camera")] if to_viewer else [phrase.text() for phrase in phrases[1:]]
    predicate = template.format(**dict(zip("bc", names, strict=False)))
    facts: dict[str, float | str] = {"relation": relation, "holds": "yes" if holds else "no"}
    facts |= {key: float(item) for key, item in zip(("subject", "other", "second_other"), ids, strict=False)}
    return Statement(relation, phrases[0], phrases[1:], predicate, holds, facts)


def reasoning_of(asker: Asker, statement: Statement) -> Reasoning:
    """Where the things are that a statement is about, and their sizes or directions where these decide."""
    phrases = (statement.subject, *statement.others)
    further: list[Instruction] = []
    if statement.relation in SIZE_AXES:
        further = [MeasureSize(phrase, MEASURE_OF[statement.relation], key=True) for phrase in phrases]
    if statement.relation in ("face", "back"):
        further = [LookAt(statement.subject, "front", key=True)]
    return run(asker.scene, program_for(phrases, *further))


def _related(asker: Asker, relation: str, count: int) -> tuple[int, ...] | None:
    """Ids for which the relation holds; without it, rare relations would only ever be denied."""
    ids = asker.well
    if count == 3:
        found = [(a, b, c) for a in ids for b in ids for c in ids if b < c and asker.facts.truth(relation, a, b, c)]
        return asker.pick(found) if found else None
    first = asker.objects(1)
    if first is None:
        return None
    others = [other for other in asker.search.shuffled(ids) if asker.facts.truth(relation, first[0], other)]
    return (first[0], others[0]) if others else None


def _to_viewer(asker: Asker, relation: str, item: int) -> bool | None:
    found = asker.facts.finding(relation, item, None)
    return found.holds if found.clear else None


def _about_surface(asker: Asker, relation: str) -> Statement | None:
    """Whether an object stands at one of the corners or edges of what it rests on."""
    ids = asker.objects(1)
    if ids is None:
        return None
    surface = next(
        (item for item in asker.scene.surfaces if item.name == asker.facts.objects[ids[0]].supported_by), None
    )
    spoken = None if surface is None else surface_text(asker.scene, surface)
    phrases = asker.anchors(ids, 1)
    if surface is None or spoken is None or phrases is None:
        return None
    found = asker.facts.finding(relation, ids[0], surface.name)
    if not found.clear or found.label is None:
        return None
    labels = CORNERS if relation == "corner" else EDGES
    if relation == "edge" and not _is_off_corners(asker, ids[0], surface.name):
        return None
    label = found.label if found.holds and asker.chance(0.6) else asker.pick(labels)
    holds = found.holds and label == found.label
    predicate = asker.pick(PREDICATES[relation]).format(label=label, b=spoken)
    facts = {"relation": relation, "holds": "yes" if holds else "no", "subject": float(ids[0]), "surface": surface.name}
    return Statement(relation, phrases[0], (), predicate, holds, {**facts, "label": label})


def _is_off_corners(asker: Asker, item: int, surface: str) -> bool:
    """Whether an object is clearly at no corner: what stands there is at two edges, whichever is nearer."""
    found = asker.facts.finding("corner", item, surface)
    return found.clear and not found.holds


def _gives_away(relation: str, phrases: tuple[Phrase, ...]) -> bool:
    used = frozenset().union(*(phrase.relations for phrase in phrases))
    return bool(used & {relation, _PARTNERS.get(relation, relation)})
