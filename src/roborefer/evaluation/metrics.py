"""What an answer is worth: pure functions over points, masks and depth.

Points are fractions (0-1) of the image; a point lies in pixel ``(floor(x * W), floor(y * H))``, and one on the right
or bottom edge (1.0) in the last column or row. Distances are measured from the exact point to the nearest pixel's
square, so that a point inside the mask is 0 away from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roborefer.geometry.cameras import unproject
from roborefer.geometry.depth import valid_depth
from roborefer.structures import Box, Intrinsics, Point

Polygon = Sequence[tuple[float, float]]


def pixel_indices(points: Sequence[Point], image_size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels that points lie in, each of shape (N,).

    Args:
        points: Within 0-1.
        image_size: (width, height), pixels.
    """
    width, height = image_size
    columns = np.array([min(int(point.x * width), width - 1) for point in points], np.intp)
    rows = np.array([min(int(point.y * height), height - 1) for point in points], np.intp)
    return rows, columns


def in_mask(points: Sequence[Point], weights: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """What each point finds in the mask, (N,): 1 inside, 0 outside, or between where the mask is soft.

    Args:
        points: Within 0-1.
        weights: (H, W) in 0-1, or bool.
    """
    height, width = weights.shape
    found: NDArray[np.float64] = weights[pixel_indices(points, (width, height))].astype(np.float64)
    return found


def in_mask_fraction(
    points: Sequence[Point], weights: NDArray[np.floating] | NDArray[np.bool_], refused: int = 0
) -> float:
    """The benchmark's own score: the fraction of points inside the mask; 0 where there is no point.

    Args:
        points: Within 0-1.
        weights: (H, W) in 0-1, or bool.
        refused: How many points were written besides that cannot be read or lie outside the image: misses.
    """
    return float(in_mask(points, weights).sum()) / (len(points) + refused) if points else 0.0


def in_polygon(point: Point, polygon: Polygon) -> bool:
    """Whether a ray from the point crosses the polygon's edges an odd number of times.

    Args:
        point: Within 0-1.
        polygon: Corners in the order given, which may make it cross itself; fractions as the point.
    """
    inside = False
    x0, y0 = polygon[-1]
    for x1, y1 in polygon:
        if (y0 > point.y) != (y1 > point.y) and point.x < (x1 - x0) * (point.y - y0) / (y1 - y0) + x0:
            inside = not inside
        x0, y0 = x1, y1
    return inside


def in_box(point: Point, box: Box) -> bool:
    """Whether the point lies in the box or on its edge."""
    return box.x0 <= point.x <= box.x1 and box.y0 <= point.y <= box.y1


def distance_px(point: Point, inside: NDArray[np.bool_]) -> float:
    """Pixels from a point to the nearest pixel of the mask; 0 inside.

    Args:
        point: Within 0-1.
        inside: (H, W) bool with at least one pixel.
    """
    height, width = inside.shape
    row, column = pixel_indices([point], (width, height))
    if inside[row[0], column[0]]:
        return 0.0
    rows, columns = _edge(inside)
    # To the square of a pixel, whose centre is at .5.
    across = np.maximum(np.abs(point.x * width - (columns + 0.5)) - 0.5, 0.0)
    down = np.maximum(np.abs(point.y * height - (rows + 0.5)) - 0.5, 0.0)
    return float(np.sqrt((across**2 + down**2).min()))


def _edge(inside: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the mask's pixels that touch one outside it: the nearest one is always among them."""
    rows, columns = _bounds(inside)
    crop = inside[rows, columns]
    inner = np.zeros_like(crop)
    inner[1:-1, 1:-1] = crop[:-2, 1:-1] & crop[2:, 1:-1] & crop[1:-1, :-2] & crop[1:-1, 2:]
    edge_rows, edge_columns = np.nonzero(crop & ~inner)
    return edge_rows + rows.start, edge_columns + columns.start


def _bounds(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that the mask lies within."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def distance_polygon_px(point: Point, polygon: Polygon, image_size: tuple[int, int]) -> float:
    """Pixels from a point to a polygon; 0 inside.

    Args:
        point: Within 0-1.
        polygon: Corners as fractions, in order.
        image_size: (width, height), pixels.
    """
    if in_polygon(point, polygon):
        return 0.0
    corners = np.asarray(polygon, np.float64) * image_size
    place = np.array(point.pixel(image_size))
    starts, edges = corners, np.roll(corners, -1, axis=0) - corners
    lengths = (edges**2).sum(axis=1)
    along = ((place - starts) * edges).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    nearest = starts + np.clip(along, 0.0, 1.0)[:, None] * edges
    return float(np.sqrt(((nearest - place) ** 2).sum(axis=1).min()))


def distance_m(
    point: Point,
    inside: NDArray[np.bool_],
    depth_m: NDArray[np.float32],
    intrinsics: Intrinsics,
    window: tuple[slice, slice] | None = None,
) -> float | None:
    """Metres in space from what is seen at the point to the nearest that is seen in the mask; 0 inside the mask.

    Args:
        point: Within 0-1.
        inside: (H, W) bool with at least one pixel.
        depth_m: (H, W), metres along z, 0 or NaN where unknown; or of the window alone.
        intrinsics: Of an image of size (W, H).
        window: The rows and columns that ``depth_m`` has, of :func:`window_of`; all where None.

    Returns:
        None where depth is unknown at the point or in all of the mask.
    """
    height, width = inside.shape
    (row,), (column,) = pixel_indices([point], (width, height))
    if inside[row, column]:
        return 0.0
    seen_rows, seen_columns = window or (slice(0, height), slice(0, width))
    here_m = depth_m[row - seen_rows.start, column - seen_columns.start]
    rows, columns = np.nonzero(inside[seen_rows, seen_columns] & valid_depth(depth_m))
    if not valid_depth(here_m) or not len(rows):
        return None
    here = unproject(point.pixel((width, height)), here_m, intrinsics)
    pixels = np.stack((columns + seen_columns.start + 0.5, rows + seen_rows.start + 0.5), axis=-1)
    there = unproject(pixels, depth_m[rows, columns], intrinsics)
    return float(np.sqrt(((there - here) ** 2).sum(axis=1).min()))


def window_of(point: Point, inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold the mask and the point's pixel."""
    height, width = inside.shape
    (row,), (column,) = pixel_indices([point], (width, height))
    rows, columns = _bounds(inside)
    return (
        slice(min(rows.start, int(row)), max(rows.stop, int(row) + 1)),
        slice(min(columns.start, int(column)), max(columns.stop, int(column) + 1)),
    )
