"""What every kind of question needs: the scene's facts, phrases for its objects, and one source of chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from roborefer.refspatial import grammar
from roborefer.refspatial.expressions import MAX_STEPS, PLAIN_ANCHORS, Phrase, PhraseSearch, facts_of
from roborefer.refspatial.scene_graph import Scene, Surface

_Item = TypeVar("_Item")


class Asker:
    """Draws what questions about one scene are made of.

    Args:
        scene: That is asked about.
        generator: All chance flows from it.
        plain_anchors: As of :class:`PhraseSearch`.
    """

    def __init__(self, scene: Scene, generator: np.random.Generator, *, plain_anchors: float = PLAIN_ANCHORS) -> None:
        self.scene = scene
        self.facts = facts_of(scene)
        self.search = PhraseSearch(self.facts, generator, plain_anchors)
        self.generator = generator
        self.well = tuple(item for item in self.facts.shown if item in self.facts.well)
        """Ids of the objects that can be asked for, in the scene's order."""

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)

    def pick(self, items: Sequence[_Item]) -> _Item:
        """One of the items, each as likely."""
        return self.search.pick(items)

    def pick_wording(self, templates: Sequence[str]) -> tuple[int, str]:
        """A template and its number."""
        number = int(self.generator.random() * len(templates))
        return number, self.facts.viewer_words(templates[number])

    def objects(self, count: int) -> tuple[int, ...] | None:
        """That many different objects in random order, None if there are too few."""
        if len(self.well) < count:
            return None
        return tuple(list(self.search.shuffled(self.well))[:count])

    def phrase(self, target: int, max_steps: int = MAX_STEPS) -> Phrase | None:
        """A phrase of any form for the target."""
        for _ in range(4):
            phrase = self.search.draw(target, max_steps)
            if phrase is not None:
                return phrase
        return None

    def anchor(self, target: int, max_steps: int) -> Phrase | None:
        """A plain phrase for something that a question refers to on the way."""
        return self.search.anchor(target, max_steps)

    def anchors(self, targets: Sequence[int], max_steps: int) -> tuple[Phrase, ...] | None:
        """Plain phrases for several objects, none of which speaks of another of them; None if one has none."""
        phrases = [self.anchor(target, max_steps) for target in targets]
        known = tuple(phrase for phrase in phrases if phrase is not None)
        if len(known) < len(targets):
            return None
        mentioned = {anchor.picked(self.facts) for phrase in known for anchor in phrase.anchors}
        return None if mentioned.intersection(targets) else known


def surface_text(scene: Scene, surface: Surface) -> str | None:
    """How a surface is spoken of: "the table", "the top shelf", "the second shelf from the top"; None if it is not."""
    alike = [other for other in scene.surfaces if other.owner is None and other.kind == surface.kind]
    if surface.owner is not None:
        return None
    if len(alike) == 1:
        return f"the {surface.kind}"
    above = sum(other.height > surface.height for other in alike)
    if sum(other.height == surface.height for other in alike) > 1:
        return None
    if above in (0, len(alike) - 1):
        return f"the {'top' if above == 0 else 'bottom'} {surface.kind}"
    return f"the {grammar.ordinal(above + 1)} {surface.kind} from the top"


def be(phrase: Phrase) -> str:
    """is, or for scissors are."""
    return "are" if phrase.is_plural else "is"


def their(plural: bool) -> str:
    """its or their."""
    return "their" if plural else "its"
