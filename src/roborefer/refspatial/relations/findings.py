"""What a relation returns, and what is known about a relation itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Frame = Literal["viewer", "image", "world", "object"]
Unit = Literal["m", "m^2", "degrees", "ratio", "fraction"]
Symmetry = Literal["antisymmetric", "symmetric", "none"]
Argument = Literal["object", "object or viewer", "surface", "placement"]


@dataclass(frozen=True)
class Finding:
    """What a relation found.

    Attributes:
        holds: Whether it is so; always True for a pure quantity that could be measured.
        value: What was measured, in ``unit``; NaN where it cannot be (no front, nothing seen).
        margin: For yes/no relations: how far ``value`` is from where the answer changes, 0 or more. For pure
            quantities: the tolerance within which an independent measurement of the picture agrees.
        clear: Whether a question may state it (``thresholds.py``).
        unit: Of ``value`` and ``margin``.
        label: Which one, where there are several: "far left" for a corner, "near" for an edge.
    """

    holds: bool
    value: float
    margin: float
    clear: bool
    unit: Unit
    label: str | None = None


@dataclass(frozen=True)
class Relation:
    """A relation by name.

    Attributes:
        name: As in the paper's list.
        arguments: What ``function`` takes after the scene.
        frame: Whose directions count.
        unit: Of its findings.
        symmetry: "antisymmetric": ``r(a, b)`` is ``partner(b, a)`` and, if it can be told, not ``r(b, a)``; without a
            partner the value changes its sign. "symmetric": ``r(a, b)`` is ``r(b, a)``.
        partner: The other half of its pair, None if it has none.
        function: ``function(scene, *arguments) -> Finding``.
    """

    name: str
    arguments: tuple[Argument, ...]
    frame: Frame
    unit: Unit
    symmetry: Symmetry
    partner: str | None
    function: Callable[..., Finding]

    @property
    def arity(self) -> int:
        """How many things it relates."""
        return len(self.arguments)


def compared(value: float, unit: Unit, clear: bool) -> Finding:
    """A yes/no finding that holds where ``value`` is above 0."""
    if math.isnan(value):
        return undecided(unit)
    return Finding(value > 0, value, abs(value), clear, unit)


def measured(value: float, tolerance: float, unit: Unit, clear: bool) -> Finding:
    """A pure quantity."""
    return Finding(True, value, tolerance, clear, unit)


def undecided(unit: Unit) -> Finding:
    """What cannot be told in this scene."""
    return Finding(False, math.nan, 0.0, False, unit)
