"""Touching and far from, inside and outside."""

from __future__ import annotations

import numpy as np

from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.relations.findings import Finding
from roborefer.refspatial.relations.gaps import box_gap, seen_gap
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.thresholds import THRESHOLDS

_STEPS = (np.arange(6) + 0.5) / 6 - 0.5
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, indexing="ij"), axis=-1).reshape(-1, 3)


def touch(scene: Scene, a: int, b: int) -> Finding:
    """World frame: the surfaces are at most 5 mm apart; ``value`` is the gap in metres.

    Where one supports the other the gap is 0. Else boxes give the least gap that is possible and neighbouring pixels
    the largest: the value is the first, and touching holds if the second allows it. Clearly touching are supports
    and seen contacts; clearly separated are boxes 2 cm apart. (The paper asks "touching or separated".)
    """
    if supports(scene, a, b) or supports(scene, b, a):
        return Finding(True, 0.0, THRESHOLDS.touch_m, True, "m")
    gap = box_gap(scene.object(a).box, scene.object(b).box)
    if gap > THRESHOLDS.touch_m:
        return Finding(False, gap, gap - THRESHOLDS.touch_m, gap >= THRESHOLDS.separate_m, "m")
    contact = seen_gap(scene, a, b) <= THRESHOLDS.touch_m
    return Finding(contact, gap, THRESHOLDS.touch_m - gap, contact, "m")


def far_from(scene: Scene, a: int, b: int) -> Finding:
    """World frame: the boxes are more than 25 cm apart; ``value`` is their gap in metres."""
    gap = box_gap(scene.object(a).box, scene.object(b).box)
    margin = abs(gap - THRESHOLDS.far_m)
    return Finding(gap > THRESHOLDS.far_m, gap, margin, margin >= THRESHOLDS.far_margin_m, "m")


def inside(scene: Scene, a: int, b: int) -> Finding:
    """World frame: a is in b; ``value`` is the share of a's box within b's box, 0-1.

    The scene's own record decides. Where it says nothing, half of the box does, but boxes also overlap around chairs
    and lamps, so it is clear only if record and boxes agree.
    """
    share = contained_share(scene.object(a).box, scene.object(b).box)
    if is_inside(scene, a, b):
        return Finding(True, share, share, share >= THRESHOLDS.inside_share, "fraction")
    return Finding(share > 0.5, share, abs(share - 0.5), share <= THRESHOLDS.outside_share, "fraction")


def outside(scene: Scene, a: int, b: int) -> Finding:
    """World frame: a is not in b; ``value`` is the share of a's box out of b's box, 0-1."""
    found = inside(scene, a, b)
    return Finding(not found.holds, 1 - found.value, found.margin, found.clear, "fraction")


def contained_share(a: OrientedBox, b: OrientedBox) -> float:
    """Share of a's volume within b, 0-1, over 6 x 6 x 6 cells."""
    points = a.center + (_GRID * a.size) @ a.rotation.T
    return float((np.abs((points - b.center) @ b.rotation) <= b.size / 2).all(axis=1).mean())


def supports(scene: Scene, lower: int, upper: int) -> bool:
    """Whether ``upper`` rests on ``lower`` itself, or on a surface that belongs to it."""
    support = scene.object(upper).supported_by
    if isinstance(support, str):
        support = next((surface.owner for surface in scene.surfaces if surface.name == support), None)
    return support == lower


def is_inside(scene: Scene, a: int, b: int) -> bool:
    """Whether the scene records that ``a`` is in ``b``, or in something that is in ``b``."""
    container = scene.object(a).inside
    for _ in scene.objects:  # no longer chain is possible
        if container is None or container == b:
            break
        container = scene.object(container).inside
    return container == b
