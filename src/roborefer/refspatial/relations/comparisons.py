"""Two objects compared: left, in front, closer, above, taller, bigger, wider, and the other half of each pair.

``value`` is positive where the relation holds for ``a`` against ``b``. The other half of a pair asks the same with the
two exchanged: a is right of b where b is left of a.
"""

from __future__ import annotations

from roborefer.refspatial.relations.findings import Finding, compared
from roborefer.refspatial.relations.measures import measures, nearest_seen_z, seen
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.thresholds import THRESHOLDS


def left(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: camera x of b's box centre less a's, metres (as the published writer).

    Clear if it also exceeds a share of both half widths and what is seen of both lies in the same order in the image.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = second.x - first.x
    needed = max(THRESHOLDS.left_right_m, THRESHOLDS.left_right_overlap * (first.half_x + second.half_x))
    in_image = seen(scene, b).column - seen(scene, a).column
    agrees = in_image * _sign(value) >= THRESHOLDS.left_right_image
    return compared(value, "m", abs(value) >= needed and agrees)


def right(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: the partner of :func:`left`."""
    return left(scene, b, a)


def front(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: smallest camera z of b's box corners less a's, metres (as the published writer).

    Clear if the centres are in the same order along the viewer's level forward direction, and what is seen of the one
    in front begins before the other's box does: a vase need not reach the corners of its box.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = second.nearest_z - first.nearest_z
    level = (second.forward - first.forward) * _sign(value)
    begins = nearest_seen_z(scene, a if value > 0 else b) < max(first.nearest_z, second.nearest_z)
    least = THRESHOLDS.front_behind_m
    return compared(value, "m", abs(value) >= least and level >= least and begins)


def behind(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: the partner of :func:`front`."""
    return front(scene, b, a)


def close(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: distance from the camera to b's box centre less that to a's, metres: a is closer.

    Clear if the centres' depths are in the same order.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = second.distance - first.distance
    needed = max(THRESHOLDS.closer_m, THRESHOLDS.closer_share * min(first.distance, second.distance))
    return compared(value, "m", abs(value) >= needed and (second.z - first.z) * _sign(value) > 0)


def far(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: a is farther from the camera than b; the partner of :func:`close`."""
    return close(scene, b, a)


def above_world(scene: Scene, a: int, b: int) -> Finding:
    """World frame: height of a's box centre less b's, metres.

    Clear if, besides, the higher one's underside is no lower than the lower one's top (1 cm may be missing).
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = float(first.center[2] - second.center[2])
    high, low = (first, second) if value > 0 else (second, first)
    apart = high.bottom >= low.top - THRESHOLDS.above_overlap_m
    return compared(value, "m", abs(value) >= THRESHOLDS.above_m and apart)


def below_world(scene: Scene, a: int, b: int) -> Finding:
    """World frame: the partner of :func:`above_world`."""
    return above_world(scene, b, a)


def above_image(scene: Scene, a: int, b: int) -> Finding:
    """Image frame: mean row of b's pixels less that of a's, as a fraction of the image's height."""
    value = seen(scene, b).row - seen(scene, a).row
    return compared(value, "fraction", abs(value) >= THRESHOLDS.above_image)


def below_image(scene: Scene, a: int, b: int) -> Finding:
    """Image frame: the partner of :func:`above_image`."""
    return above_image(scene, b, a)


def tall(scene: Scene, a: int, b: int) -> Finding:
    """World frame: a's extent along the world's z less b's, metres."""
    first, second = measures(scene)[a].height, measures(scene)[b].height
    value = first - second
    needed = max(THRESHOLDS.taller_m, THRESHOLDS.taller_share * max(first, second))
    return compared(value, "m", abs(value) >= needed)


def short(scene: Scene, a: int, b: int) -> Finding:
    """World frame: the partner of :func:`tall`."""
    return tall(scene, b, a)


def big(scene: Scene, a: int, b: int) -> Finding:
    """Object's frame: box volumes; the larger over the smaller, less 1, positive if a is the larger.

    Clear if the longer diagonal belongs to the larger volume: of a plate and a cube people name either.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    smaller, larger = sorted((first.volume, second.volume))
    value = (larger / max(smaller, 1e-12) - 1) * (1 if first.volume >= second.volume else -1)
    agrees = (first.diagonal - second.diagonal) * _sign(value) > 0
    return compared(value, "ratio", abs(value) >= THRESHOLDS.bigger_ratio and agrees)


def small(scene: Scene, a: int, b: int) -> Finding:
    """Object's frame: the partner of :func:`big`."""
    return big(scene, b, a)


def wide(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: extent along the viewer's level right direction, a's less b's, metres.

    The published writer takes the box's own first edge, which depends on how the box was fitted. Ours is the width
    that is seen. Clear if the wider one is wider even where it fills its box as an ellipsoid and the other as a box,
    unless the scene knows their widths.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = first.seen_width - second.seen_width
    needed = max(THRESHOLDS.wider_m, THRESHOLDS.wider_share * max(first.seen_width, second.seen_width))
    wider, thinner = (first, second) if value > 0 else (second, first)
    agrees = wider.inner_width >= thinner.seen_width + THRESHOLDS.wider_m
    return compared(value, "m", abs(value) >= needed and agrees)


def thin(scene: Scene, a: int, b: int) -> Finding:
    """Viewer's frame: the partner of :func:`wide`."""
    return wide(scene, b, a)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
