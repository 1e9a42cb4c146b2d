"""From a point and a depth map to a place in 3D that a robot may use, or the reason why it may not.

Depth at one pixel is not to be trusted: sensors leave holes, and at the border of an object they average it with
what lies behind. So the depth is taken from the *surface* that the point lies on: the valid samples around the point
are split where depth jumps, one surface is chosen, and a plane through its samples is read at the point itself.
The depth of an anchor is therefore always a depth of one surface and never one in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import check_fits
from roborefer.geometry.depth import DepthMap, valid_depth
from roborefer.geometry.transforms import check_pose, transform_points
from roborefer.structures import Anchor, DepthSource, Intrinsics, Point, Vector

WINDOW_FRACTION = 0.005
"""Radius of the sampling window, of the image's longer side; at least 2 px."""

SEARCH_FRACTION = 0.03
"""How far from a point without depth a ring is looked for, of the image's longer side; at least 8 px."""

SPREAD_FRACTION = 0.05
"""An anchor whose samples spread more than this fraction of its depth is not valid."""

# Two samples belong to different surfaces where, in order of depth, they are further apart than both of these.
_GAP_FRACTION, _GAP_M = 0.02, 0.005
_SUPPORT_FRACTION, _SUPPORT_SAMPLES = 0.1, 3  # a surface has at least so many of the window's samples
_MIXED_FRACTION = 0.5  # fewer samples than this, with others both nearer and farther, may be an edge's mixture
_RING_FRACTION = 0.25  # a ring can be used when so many of its pixels have depth
_RIVAL_FRACTION = 1 / 3  # a second surface this large beside a hole leaves open which of them the point is on
_PLANE_FRACTION = 0.003  # samples this close to one plane are one surface, however steep
_MAD_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, for normal noise

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DepthSample:
    """The depth of the surface that a pixel lies on.

    Attributes:
        depth_m: Metres along z at the pixel.
        spread_m: 1.4826 times the median absolute deviation of the surface's samples.
        plane: (a, b, c) with ``1 / z = a * u + b * v + c`` over the surface; None when its samples are too few or
            on one line. A plane in space is exactly such a function of the pixel.
        trusted: Whether it is clear which surface the pixel lies on.
        reason: What was done to get it, or why it is not to be trusted; empty when plain.
    """

    depth_m: float
    spread_m: float
    plane: Vector | None
    trusted: bool
    reason: str = ""


def anchor_at(
    point: Point,
    depth_m: NDArray[np.floating] | DepthMap,
    intrinsics: Intrinsics | None,
    *,
    world_from_camera: ArrayLike | None = None,
    depth_source: DepthSource = "sensor",
) -> Anchor:
    """Lifts a point to 3D.

    Args:
        point: The point in the image, 0-1.
        depth_m: (H, W) metres along z, aligned to the image, 0 or NaN where unknown; or a :class:`DepthMap`.
        intrinsics: The camera of the image; without it the depth is given, but no place.
        world_from_camera: A rigid 4x4 pose, to have ``world_xyz`` as well.
        depth_source: Where an array came from; a :class:`DepthMap` says it itself.

    Returns:
        The anchor. ``xyz`` lies on the ray through the point itself. A point that cannot be lifted, or not with
        certainty, is not an error: the anchor is then not ``valid`` and says why.

    Raises:
        InputError: The depth is not two-dimensional, the intrinsics do not fit it, or the pose is not rigid.
    """
    pose = None if world_from_camera is None else check_pose(world_from_camera)
    metres: NDArray[np.floating] | None
    if isinstance(depth_m, DepthMap):
        metres, depth_source = depth_m.metres, depth_m.source
    else:
        metres = depth_m
    if metres is None:
        return Anchor(
            None, depth_source, False, "the depth is a relative picture: give depth in metres (16-bit PNG, TIFF, NPY)"
        )
    if metres.ndim != 2 or metres.size == 0:
        raise InputError(f"depth_m: expected shape (H, W) with pixels, got {metres.shape}")
    size = (metres.shape[1], metres.shape[0])
    if intrinsics is not None:
        check_fits(intrinsics, size)
    if not (0 <= point.x <= 1 and 0 <= point.y <= 1):
        return Anchor(None, depth_source, False, f"the point ({point.x:g}, {point.y:g}) lies outside the image")
    pixel = point.pixel(size)
    sample = sample_depth(metres, pixel)
    if isinstance(sample, str):
        return Anchor(None, depth_source, False, sample)
    reasons = [sample.reason] if sample.reason else []
    steady = sample.spread_m <= SPREAD_FRACTION * sample.depth_m
    if not steady:
        reasons.append(f"spread too large: {_m(sample.spread_m)} at {_m(sample.depth_m)}")
    xyz = world_xyz = normal = None
    if intrinsics is None:
        reasons.append("no camera: give intrinsics or a field of view")
    else:
        xyz = _on_ray(pixel, sample.depth_m, intrinsics)
        normal = None if sample.plane is None else _normal(sample.plane, intrinsics)
        if pose is not None:
            world_xyz = _vector(transform_points(pose, xyz))
    return Anchor(
        xyz=xyz,
        depth_source=depth_source,
        valid=xyz is not None and steady and sample.trusted,
        reason="; ".join(reasons),
        depth_m=sample.depth_m,
        normal=normal,
        spread_m=sample.spread_m,
        world_xyz=world_xyz,
    )


def sample_depth(metres: NDArray[np.floating], pixel: tuple[float, float]) -> DepthSample | str:
    """The depth of the surface at a pixel (u, v), centres at .5, or why there is none.

    1. Where the pixel has depth, the window around it is split into surfaces and the pixel's own is taken. If no
       surface has its depth (a speckle, or the mixture that sensors give at an edge), it is the surface that comes
       nearest to it in the image; with more than one to choose from, it is not trusted.
    2. Where it has none, the smallest square ring is taken of which a quarter of the pixels have depth, and the
       surface with most samples up to that ring, the nearer to the camera of equals. If another has a third as many,
       it is not trusted.
    """
    height, width = metres.shape
    row, column = min(int(pixel[1]), height - 1), min(int(pixel[0]), width - 1)
    radius = max(2, round(WINDOW_FRACTION * max(width, height)))
    limit = max(8, round(SEARCH_FRACTION * max(width, height)))
    for ring in range(limit + 1):
        if not ring_has_depth(metres, row, column, ring):
            continue
        offsets, depths = _window(metres, row, column, max(ring, radius))
        surfaces = split_surfaces(offsets, depths)
        if not surfaces:
            continue
        chosen, trusted, reason = _choose(surfaces, offsets, depths, ring)
        # offsets count from the centre of the pixel's cell; the plane is wanted at the pixel itself
        centers = offsets[chosen] + (column + 0.5, row + 0.5)
        depth_m, plane = _plane_depth(centers, depths[chosen], pixel)
        return DepthSample(depth_m, _spread(depths[chosen]), plane, trusted, reason)
    return f"no valid depth within {limit} px of the point"


def ring_has_depth(metres: NDArray[np.floating], row: int, column: int, ring: int) -> bool:
    """Whether at least a quarter of the pixels at Chebyshev distance ``ring`` that lie in the image have depth."""
    height, width = metres.shape
    top, bottom, left, right = row - ring, row + ring, column - ring, column + ring
    columns = slice(max(left, 0), min(right, width - 1) + 1)
    rows = slice(max(top + 1, 0), min(bottom - 1, height - 1) + 1)
    lines = [metres[line, columns] for line in {top, bottom} if 0 <= line < height]
    lines += [metres[rows, line] for line in {left, right} if ring > 0 and 0 <= line < width]
    total = sum(line.size for line in lines)
    valid = sum(int(np.count_nonzero(valid_depth(line))) for line in lines)
    return valid > 0 and valid >= _RING_FRACTION * total


def split_surfaces(offsets: _Floats, depths: _Floats) -> list[NDArray[np.intp]]:
    """Groups samples by surface, nearest first; samples on no surface are left out.

    Args:
        offsets: (N, 2) pixel offsets of the samples.
        depths: (N,) metres, all valid.

    Returns:
        Index arrays. In order of depth, a surface ends where the next sample is more than 2 % (and 5 mm) further.
        Groups of under 10 % or under 3 samples are no surface. Nor are groups of less than half the samples with
        others in front and behind: that is what a blurred edge looks like.
    """
    if len(depths) < _SUPPORT_SAMPLES:
        return []
    if _is_one_plane(offsets, depths):
        return [np.arange(len(depths))]
    order = np.argsort(depths, kind="stable")
    ordered = depths[order]
    jumps = np.diff(ordered) > np.maximum(_GAP_M, _GAP_FRACTION * ordered[:-1])
    groups = np.split(order, np.flatnonzero(jumps) + 1)
    least = max(_SUPPORT_SAMPLES, math.ceil(_SUPPORT_FRACTION * len(depths)))
    ends = [index for index, group in enumerate(groups) if len(group) >= 2]  # a single sample may be a speckle
    return [
        group
        for index, group in enumerate(groups)
        if len(group) >= least and not (ends[0] < index < ends[-1] and len(group) < _MIXED_FRACTION * len(depths))
    ]


def _window(metres: NDArray[np.floating], row: int, column: int, radius: int) -> tuple[_Floats, _Floats]:
    """Offsets (du, dv) from the pixel and depths of the valid samples up to ``radius`` away."""
    top, left = max(row - radius, 0), max(column - radius, 0)
    window = metres[top : row + radius + 1, left : column + radius + 1]
    rows, columns = np.nonzero(valid_depth(window))
    offsets = np.stack((columns + left - column, rows + top - row), axis=1).astype(np.float64)
    return offsets, window[rows, columns].astype(np.float64)


def _choose(
    surfaces: list[NDArray[np.intp]], offsets: _Floats, depths: _Floats, ring: int
) -> tuple[NDArray[np.intp], bool, str]:
    """The surface of the point, whether that is certain, and what to say of it."""
    distances = np.abs(offsets).max(axis=1)
    between = " and ".join(_m(float(np.median(depths[surface]))) for surface in surfaces)
    edge = f"depth edge: surfaces at {between}" if len(surfaces) > 1 else ""
    # how many samples up to the ring (for ring 0, the centre alone) each surface has
    counts = [int(np.count_nonzero(distances[surface] <= ring)) for surface in surfaces]
    best = int(np.argmax(counts))  # the first of equals, which is the nearer to the camera
    if ring > 0:
        rivals = [count for index, count in enumerate(counts) if index != best]
        trusted = max(rivals, default=0) < _RIVAL_FRACTION * counts[best]
        used = f"used ring of radius {ring} px because the point has no usable depth"
        return surfaces[best], trusted, f"{edge}; {used}" if edge else used
    if counts[best] > 0:
        return surfaces[best], True, edge
    own = _m(float(depths[distances == 0][0]))
    nearest = [float(np.linalg.norm(offsets[surface], axis=1).min()) for surface in surfaces]
    chosen = surfaces[int(np.argmin(nearest))]
    if edge:
        return chosen, False, f"{edge}, and the point's own depth of {own} is on none of them"
    return chosen, True, f"used the surface around the point because its own depth of {own} stands alone"


def _plane_depth(centers: _Floats, depths: _Floats, pixel: tuple[float, float]) -> tuple[float, Vector | None]:
    """Depth at the pixel, and the plane (a, b, c) of the inverse depth, fitted twice: with all samples, then without
    those that lie three robust standard deviations off."""
    plane, flat = _fit_inverse_depth(centers, depths)
    residuals = np.abs(1 / depths - _inverse_depth(plane, centers))
    kept = residuals <= 3 * _MAD_TO_SIGMA * np.median(residuals) + 1e-6 / depths
    if not kept.all() and np.count_nonzero(kept) >= _SUPPORT_SAMPLES:
        plane, flat = _fit_inverse_depth(centers[kept], depths[kept])
    inverse = float(_inverse_depth(plane, np.array(pixel)))
    low, high = float(depths.min()), float(depths.max())
    # A plane that leaves its own samples by more than half a pixel's slope is an artefact of their arrangement.
    if inverse <= 0.5 / high:
        return float(np.median(depths)), None
    half_pixel = (abs(plane[0]) + abs(plane[1])) / 2 / inverse**2
    margin = max(_GAP_M / 2, _GAP_FRACTION * low / 2, 1.01 * half_pixel)
    if not low - margin <= 1 / inverse <= high + margin:
        return float(np.median(depths)), None
    return 1 / inverse, plane if flat else None


def _fit_inverse_depth(centers: _Floats, depths: _Floats) -> tuple[Vector, bool]:
    """Least-squares (a, b, c) of ``1 / z = a * u + b * v + c``, and whether the samples span both directions."""
    mean = centers.mean(axis=0)
    inverse = 1 / depths
    slopes, _, rank, _ = np.linalg.lstsq(centers - mean, inverse - inverse.mean(), rcond=1e-6)
    a, b = (float(slope) for slope in slopes)
    return (a, b, float(inverse.mean() - slopes @ mean)), bool(rank == 2 and len(depths) >= 6)


def _inverse_depth(plane: Vector, centers: _Floats) -> _Floats:
    return np.asarray(plane[0] * centers[..., 0] + plane[1] * centers[..., 1] + plane[2])


def _is_one_plane(offsets: _Floats, depths: _Floats) -> bool:
    if len(depths) < 8:
        return False
    inverse = _inverse_depth(_fit_inverse_depth(offsets, depths)[0], offsets)
    return bool((np.abs(inverse * depths - 1) <= _PLANE_FRACTION).all())


def _normal(plane: Vector, intrinsics: Intrinsics) -> Vector:
    """The unit normal towards the camera of the plane whose inverse depth is given over pixels.

    With u = fx x / z + cx and v = fy y / z + cy, ``1 = z (a u + b v + c)`` becomes
    ``1 = a fx x + b fy y + (a cx + b cy + c) z``: the plane's equation, with its normal away from the camera.
    """
    a, b, c = plane
    away = np.array((a * intrinsics.fx, b * intrinsics.fy, a * intrinsics.cx + b * intrinsics.cy + c))
    return _vector(-away / np.linalg.norm(away))


def _on_ray(pixel: tuple[float, float], depth_m: float, intrinsics: Intrinsics) -> Vector:
    x = (pixel[0] - intrinsics.cx) / intrinsics.fx * depth_m
    y = (pixel[1] - intrinsics.cy) / intrinsics.fy * depth_m
    return (x, y, depth_m)


def _spread(depths: _Floats) -> float:
    return _MAD_TO_SIGMA * float(np.median(np.abs(depths - np.median(depths))))


def _vector(values: _Floats) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)


def _m(metres: float) -> str:
    return f"{metres:.2f} m"
