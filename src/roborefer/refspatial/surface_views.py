"""How the viewer sees the level plane and the surfaces in it: which way is left, which corner is the far one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.scene_graph import Camera, Scene, Surface
from roborefer.refspatial.thresholds import THRESHOLDS

_STANDS_M = 0.02  # largest gap between an underside and a surface on which it stands, where nothing is recorded


@dataclass(frozen=True, eq=False)
class ViewerAxes:
    """The viewer's directions on the level plane, as unit (x, y) in the world.

    Attributes:
        right: The camera's x axis without its vertical part.
        forward: Level, 90 degrees counter-clockwise (from above) of ``right``: away from the viewer.
    """

    right: NDArray[np.float64]
    forward: NDArray[np.float64]

    def towards(self, direction: str) -> NDArray[np.float64]:
        """Unit (x, y) of left, right, front (towards the viewer) or behind (away from the viewer)."""
        return {"left": -self.right, "right": self.right, "front": -self.forward, "behind": self.forward}[direction]


def viewer_axes(camera: Camera) -> ViewerAxes:
    """The viewer's level directions.

    They follow from the camera's x axis, so that a camera that looks straight down still has them: forward is then
    up in the image.
    """
    right = camera.world_from_camera[:2, 0]
    right = right / max(float(np.linalg.norm(right)), 1e-12)
    return ViewerAxes(right, np.array((-right[1], right[0])))


@dataclass(frozen=True, eq=False)
class SurfaceFrame:
    """The rectangle around a surface, named as the viewer sees it.

    What has corners has sides of its own, which the rectangle follows. What has none (a round table) has no sides to
    follow: its left is the viewer's left, and the rectangle is turned to the viewer.

    Attributes:
        center: (2,) world x, y of the rectangle's centre.
        right: Unit (2,) along the sides that lead to the viewer's right.
        far: Unit (2,) along the sides that lead away from the viewer.
        half: (2,) half lengths along ``right`` and ``far``, metres.
        turn_degrees: Angle between ``far`` and the viewer's forward direction, 0-45; towards 45 nobody can say which
            side is the far one. 0 for what has no corners.
        filled: Area of the outline over its smallest rectangle's, 0-1; a round table has 0.79 and no corners.
    """

    center: NDArray[np.float64]
    right: NDArray[np.float64]
    far: NDArray[np.float64]
    half: NDArray[np.float64]
    turn_degrees: float
    filled: float

    def local(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """World (..., 2) to metres along ``right`` and ``far`` from the centre."""
        return np.asarray((xy - self.center) @ np.stack((self.right, self.far), axis=1))

    def world(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of :meth:`local`."""
        return np.asarray(self.center + local @ np.stack((self.right, self.far)))

    @property
    def is_plain(self) -> bool:
        """Whether near, far, left and right sides can be told apart without doubt."""
        return self.turn_degrees <= THRESHOLDS.surface_turn_degrees

    @property
    def has_corners(self) -> bool:
        return self.filled >= THRESHOLDS.rectangle_share


@lru_cache(maxsize=64)
def surface_frame(camera: Camera, surface: Surface) -> SurfaceFrame:
    """The smallest rectangle around a surface's outline, or the viewer's around one without corners.

    Its sides are named by the camera's view of them. Of a round outline, whatever rectangle is the smallest by a
    rounding error is nothing that anybody sees.
    """
    polygon = surface.polygon
    along, area = _smallest_rectangle(polygon)
    filled = polygon_area(polygon) / area
    forward = viewer_axes(camera).forward
    across = np.array((-along[1], along[0]))
    axes = np.stack((along, across, -along, -across))
    has_corners = filled >= THRESHOLDS.rectangle_share
    far = axes[int((axes @ forward).argmax())] if has_corners else forward
    right = np.array((far[1], -far[0]))
    local = polygon @ np.stack((right, far), axis=1)
    low, high = local.min(axis=0), local.max(axis=0)
    center = (low + high) / 2 @ np.stack((right, far))
    turn = math.degrees(math.acos(min(1.0, float(far @ forward)))) if has_corners else 0.0
    return SurfaceFrame(center, right, far, (high - low) / 2, turn, filled)


def _smallest_rectangle(polygon: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Unit (2,) along a side of the smallest rectangle around an outline, and its area.

    One of its sides lies along one of the convex outline's.
    """
    edges = np.roll(polygon, -1, axis=0) - polygon
    edges = edges[np.linalg.norm(edges, axis=1) > 1e-9]
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    along = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    across = np.stack((-along[:, 1], along[:, 0]), axis=1)
    areas = np.ptp(polygon @ along.T, axis=0) * np.ptp(polygon @ across.T, axis=0)
    best = int(areas.argmin())
    return along[best], float(areas[best])


def polygon_area(polygon: NDArray[np.float64]) -> float:
    """Area of an outline (K, 2), square metres (shoelace formula)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def inside_outline(points: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of (N, 2) points lie within an outline (K, 2) of any shape (even-odd rule)."""
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon.tolist(), np.roll(polygon, -1, axis=0).tolist(), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * ((x1 - x0) / (y1 - y0)))
    return inside


@dataclass(frozen=True, eq=False)
class SurfaceView:
    """What the camera sees of one surface.

    Attributes:
        surface: It.
        index: Its value in ``Scene.surface_ids``.
        pixels: (N,) flat indices of the pixels that show it.
        xy: (N, 2) world x, y of the surface at these pixels' centres, metres.
        axes: The viewer's.
    """

    surface: Surface
    index: int
    pixels: NDArray[np.int64]
    xy: NDArray[np.float64]
    axes: ViewerAxes


@lru_cache(maxsize=32)
def surface_view(scene: Scene, name: str) -> SurfaceView:
    """The pixels that show a surface, and where on it each looks.

    A pixel counts if ``surface_ids`` names the surface, nothing but its owner is in front, and the ray's meeting with
    the surface's plane has the depth that was rendered (within ``occlusion_m``, paper B.2).

    Raises:
        KeyError: There is no such surface.
    """
    names = [surface.name for surface in scene.surfaces]
    if name not in names:
        raise KeyError(name)
    index = names.index(name) + 1
    surface = scene.surfaces[index - 1]
    pixels = np.flatnonzero(scene.surface_ids.ravel() == index)
    pixels = pixels[scene.ids.ravel()[pixels] == (surface.owner or 0)]
    k, pose = scene.camera.intrinsics, scene.camera.world_from_camera
    rows, columns = np.divmod(pixels, scene.ids.shape[1])
    rays = np.stack(((columns + 0.5 - k.cx) / k.fx, (rows + 0.5 - k.cy) / k.fy, np.ones(len(pixels))), axis=1)
    rays = rays @ pose[:3, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (surface.height - pose[2, 3]) / rays[:, 2]
    seen = np.isfinite(depth) & (np.abs(depth - scene.depth_m.ravel()[pixels]) <= THRESHOLDS.occlusion_m)
    xy = pose[:2, 3] + rays[seen, :2] * depth[seen, None]
    # Columns in one piece: regions compare x and y of all pixels with bounds.
    return SurfaceView(surface, index, pixels[seen], np.asfortranarray(xy), viewer_axes(scene.camera))


def seen_by_camera(scene: Scene, view: SurfaceView, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (N, 2) of a surface the camera sees: in the image, that surface there, and not occluded."""
    columns, rows, z, within = _pixels(scene, xy, view.surface.height)
    same = scene.surface_ids[rows, columns] == view.index
    unhidden = np.abs(scene.depth_m[rows, columns] - z) <= THRESHOLDS.occlusion_m
    return np.asarray(within & same & unhidden)


def in_image(scene: Scene, xy: NDArray[np.float64], height: float) -> NDArray[np.bool_]:
    """Which level points (N, 2) or (2,) at a height project into the image, hidden or not."""
    return _pixels(scene, np.atleast_2d(xy), height)[3]


def stands_on(scene: Scene, object_id: int, surface: str) -> bool:
    """Whether an object rests on a surface itself: as recorded, else by its box (2 cm) and the outline."""
    item, place = scene.object(object_id), scene.surface(surface)
    if item.supported_by is not None:
        return item.supported_by == surface or (place.owner is not None and item.supported_by == place.owner)
    above = bool(inside_outline(item.box.center[None, :2], place.polygon)[0])
    return above and abs(item.heights[0] - place.height) <= _STANDS_M


def rests_above(scene: Scene, object_id: int, surface: Surface) -> bool:
    """Whether an object rests on a surface, directly or on other things."""
    beneath = supports_of(scene, object_id)
    return surface.name in beneath or (surface.owner is not None and surface.owner in beneath)


def supports_of(scene: Scene, object_id: int) -> tuple[int | str, ...]:
    """All that an object rests on or in: ids of objects and names of surfaces, nearest first."""
    owners = {surface.name: surface.owner for surface in scene.surfaces}
    found: list[int | str] = []
    waiting: list[int | str] = [object_id]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, str):
            beneath: list[int | str | None] = [owners.get(current)]
        else:
            item = scene.object(current)
            beneath = [item.supported_by, item.inside]
        new = [below for below in beneath if below is not None and below not in found and below != object_id]
        found += dict.fromkeys(new)
        waiting += dict.fromkeys(new)
    return tuple(found)


def _pixels(
    scene: Scene, xy: NDArray[np.float64], height: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Column, row (0 for points out of the image), camera z and whether in the image, of level points (N, 2)."""
    k, pose = scene.camera.intrinsics, scene.camera.world_from_camera
    camera = (np.column_stack((xy, np.full(len(xy), height))) - pose[:3, 3]) @ pose[:3, :3]
    z = camera[:, 2]
    front = z > 1e-6
    safe = np.where(front, z, 1.0)
    u, v = camera[:, 0] / safe * k.fx + k.cx, camera[:, 1] / safe * k.fy + k.cy
    rows_in_image, columns_in_image = scene.ids.shape
    within = front & (u >= 0) & (u < columns_in_image) & (v >= 0) & (v < rows_in_image)
    columns = np.where(within, u, 0.0).astype(np.int64)
    rows = np.where(within, v, 0.0).astype(np.int64)
    return columns, rows, z, np.asarray(within)
