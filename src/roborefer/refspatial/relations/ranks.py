"""Several objects in order: from the left, from the front, by height, size, or distance from an anchor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np

from roborefer.errors import InputError
from roborefer.refspatial.relations import comparisons
from roborefer.refspatial.relations.findings import Finding, Unit, compared
from roborefer.refspatial.relations.measures import measures
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.thresholds import THRESHOLDS

Axis = Literal[
    "left-right", "front-back", "closeness", "elevation", "top-bottom", "height", "size", "width", "distance"
]


@dataclass(frozen=True)
class Ranking:
    """Objects in order.

    Attributes:
        axis: What they are ordered by.
        order: Ids, first one first: leftmost, frontmost, closest to the camera, highest up, topmost in the image,
            tallest, biggest, widest, nearest to the anchor.
        gaps: The margin between each and the next, in ``unit``.
        unit: Of the gaps.
        unclear: Pairs of ids (smaller one first) whose order a question may not state.
    """

    axis: Axis
    order: tuple[int, ...]
    gaps: tuple[float, ...]
    unit: Unit
    unclear: frozenset[tuple[int, int]]

    @property
    def margin(self) -> float:
        """The smallest gap; infinity for a single object."""
        return min(self.gaps, default=float("inf"))

    @property
    def clear(self) -> bool:
        """Whether the whole order may be stated."""
        return not self.unclear

    def place_is_clear(self, place: int) -> bool:
        """Whether one place may be stated: 0 is the first, -1 the last.

        Every other object must be clearly before or clearly after it; the others' order among themselves does not
        matter for "the third from the left".
        """
        own = self.order[place]
        return all(_pair(own, other) not in self.unclear for other in self.order if other != own)


def rank_by(scene: Scene, ids: Sequence[int], axis: Axis, anchor: int | None = None) -> Ranking:
    """Orders objects along an axis. The order does not depend on the order of ``ids``.

    Args:
        scene: The scene.
        ids: Whom to order, each once.
        axis: "left-right", "front-back" and "closeness" (to the camera) are the viewer's, "top-bottom" the image's,
            "elevation" (of centres), "height" (of the things), "size", "width" and "distance" as the relations.
        anchor: The object that distances are taken from, between centres; for "distance" only, and not in ``ids``.

    Raises:
        InputError: An id comes twice, or the anchor is missing, in ``ids``, or given for another axis.
    """
    if len(set(ids)) != len(ids):
        raise InputError(f"ids: expected each object once, got {list(ids)}")
    if (anchor is not None) != (axis == "distance") or anchor in ids:
        raise InputError(f'anchor: expected an object that is not ranked, for axis "distance" only, got {anchor}')
    first = _nearer_to(anchor) if anchor is not None else _FIRST[axis]
    # Ties and unmeasurable ones go by id; they are unclear in any case.
    pairs = {(a, b): first(scene, a, b) for a in sorted(ids) for b in sorted(ids) if a < b}
    before = dict.fromkeys(ids, 0)
    for (a, b), found in pairs.items():
        before[a if found.holds else b] += 1
    order = tuple(sorted(ids, key=lambda item: (-before[item], item)))
    gaps = [pairs[_pair(a, b)] for a, b in pairwise(order)]
    unit = next(iter(pairs.values())).unit if pairs else "m"
    unclear = frozenset(pair for pair, found in pairs.items() if not found.clear)
    return Ranking(axis, order, tuple(found.margin for found in gaps), unit, unclear)


def _nearer_to(anchor: int) -> Callable[[Scene, int, int], Finding]:
    def nearer(scene: Scene, a: int, b: int) -> Finding:
        return nearer_to(scene, a, b, anchor)

    return nearer


def nearer_to(scene: Scene, a: int, b: int, anchor: int) -> Finding:
    """World frame: a is nearer to the anchor than b; distance of b's centre from the anchor's less a's, metres."""
    center = measures(scene)[anchor].center
    first, second = (float(np.linalg.norm(measures(scene)[item].center - center)) for item in (a, b))
    needed = max(THRESHOLDS.rank_distance_m, THRESHOLDS.rank_distance_share * max(first, second))
    return compared(second - first, "m", abs(second - first) >= needed)


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


_FIRST: Mapping[Axis, Callable[[Scene, int, int], Finding]] = MappingProxyType(
    {
        "left-right": comparisons.left,
        "front-back": comparisons.front,
        "closeness": comparisons.close,
        "elevation": comparisons.above_world,
        "top-bottom": comparisons.above_image,
        "height": comparisons.tall,
        "size": comparisons.big,
        "width": comparisons.wide,
    }
)
