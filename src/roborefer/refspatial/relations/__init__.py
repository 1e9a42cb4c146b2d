"""The 31 spatial relations of RefSpatial: pure functions over a scene, each with its frame stated (paper section 4).

Every function takes a scene and ids and returns a :class:`Finding`: whether it holds, what was measured, how far it is
from not holding, and whether a question may state it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from roborefer.refspatial.relations import comparisons, contact, places, quantities, rotations
from roborefer.refspatial.relations.findings import Argument, Finding, Frame, Relation, Symmetry, Unit
from roborefer.refspatial.relations.measures import is_seen_well
from roborefer.refspatial.relations.ranks import Axis, Ranking, nearer_to, rank_by
from roborefer.refspatial.relations.rotations import CameraRotation, camera_rotation

__all__ = [
    "RELATIONS",
    "Axis",
    "CameraRotation",
    "Finding",
    "Ranking",
    "Relation",
    "camera_rotation",
    "is_seen_well",
    "nearer_to",
    "rank_by",
]

_TWO: tuple[Argument, ...] = ("object", "object")
_THREE: tuple[Argument, ...] = ("object", "object", "object")


def _pair(
    first: tuple[str, Callable[..., Finding]],
    second: tuple[str, Callable[..., Finding]],
    frame: Frame,
    unit: Unit,
    symmetry: Symmetry = "antisymmetric",
    arguments: tuple[Argument, ...] = _TWO,
) -> list[Relation]:
    return [
        Relation(first[0], arguments, frame, unit, symmetry, second[0], first[1]),
        Relation(second[0], arguments, frame, unit, symmetry, first[0], second[1]),
    ]


_ALL = [
    *_pair(("left", comparisons.left), ("right", comparisons.right), "viewer", "m"),
    *_pair(("close", comparisons.close), ("far", comparisons.far), "viewer", "m"),
    Relation("depth", ("object",), "viewer", "m", "none", None, quantities.depth),
    *_pair(("above-world", comparisons.above_world), ("below-world", comparisons.below_world), "world", "m"),
    *_pair(("above-image", comparisons.above_image), ("below-image", comparisons.below_image), "image", "fraction"),
    *_pair(("tall", comparisons.tall), ("short", comparisons.short), "world", "m"),
    Relation("between", _THREE, "world", "m", "none", None, places.between),
    Relation("rotation-horizontal", _TWO, "world", "degrees", "antisymmetric", None, rotations.rotation_horizontal),
    Relation("rotation-vertical", _TWO, "world", "degrees", "antisymmetric", None, rotations.rotation_vertical),
    Relation("free-space", ("surface", "placement"), "viewer", "m^2", "none", None, places.free_space),
    Relation("corner", ("object", "surface"), "viewer", "m", "none", None, places.corner),
    Relation("edge", ("object", "surface"), "viewer", "m", "none", None, places.edge),
    Relation("angle", _THREE, "world", "degrees", "none", None, quantities.angle),
    Relation("distance", _TWO, "world", "m", "symmetric", None, quantities.distance),
    *_pair(("front", comparisons.front), ("behind", comparisons.behind), "viewer", "m"),
    *_pair(("inside", contact.inside), ("outside", contact.outside), "world", "fraction", "none"),
    *_pair(("big", comparisons.big), ("small", comparisons.small), "object", "ratio"),
    *_pair(
        ("face", rotations.face),
        ("back", rotations.back),
        "object",
        "degrees",
        "none",
        ("object", "object or viewer"),
    ),
    *_pair(("wide", comparisons.wide), ("thin", comparisons.thin), "viewer", "m"),
    *_pair(("touch", contact.touch), ("far-from", contact.far_from), "world", "m", "symmetric"),
]

RELATIONS: Mapping[str, Relation] = MappingProxyType({relation.name: relation for relation in _ALL})
"""The paper's 31 relations by name; pairs count two."""
