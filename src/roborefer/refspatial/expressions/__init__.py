"""Phrases that pick out exactly one object of a scene, or nothing."""

from roborefer.refspatial.expressions.facts import SceneFacts, facts_of, spoken
from roborefer.refspatial.expressions.phrases import (
    MAX_STEPS,
    Candidates,
    Described,
    Oriented,
    Phrase,
    Ranked,
    RankedByDistance,
    Related,
)
from roborefer.refspatial.expressions.search import PLAIN_ANCHORS, PhraseSearch, phrases_for

__all__ = [
    "MAX_STEPS",
    "PLAIN_ANCHORS",
    "Candidates",
    "Described",
    "Oriented",
    "Phrase",
    "PhraseSearch",
    "Ranked",
    "RankedByDistance",
    "Related",
    "SceneFacts",
    "facts_of",
    "phrases_for",
    "spoken",
]
