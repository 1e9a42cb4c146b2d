"""Scenes made by hand: boxes on a table, drawn by a ray caster of a few lines. No renderer, nothing random.

    scene = box_scene([Block("mug", at=(-0.2, 0.0), color="red"), Block("book", at=(0.2, 0.1), size=(0.2, 0.15, 0.03))])

The default camera stands in front of the default table and looks down at its middle: world x is the viewer's right,
world y leads away from the viewer. Objects get the ids 1, 2, ... in the order given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roborefer.geometry.cameras import intrinsics_from_fov
from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.scene_graph import Camera, Scene, SceneObject, Surface

TABLE_HEIGHT = 0.75
WALL = 0.008  # thickness of a hollow block's walls and floor, metres
COLORS = {
    None: (150, 150, 150),
    "red": (200, 40, 40),
    "green": (50, 150, 60),
    "blue": (50, 80, 190),
    "yellow": (220, 190, 50),
    "white": (235, 235, 235),
    "black": (40, 40, 40),
}


@dataclass(frozen=True)
class Block:
    """A box to be put into a scene.

    Attributes:
        category: As in ``SceneObject``; also color, material, attributes, supported_by and inside.
        at: World x, y of its centre, metres.
        size: Along its own x, y and z, metres.
        yaw: Degrees about world z, counter-clockwise from above.
        base: World z of its underside, metres.
        hollow: An open box with thin walls; its floor becomes a surface named "<category> <id>".
        flat_top: Its top becomes a surface of that name.
        directions: In the block's own frame before ``yaw``; ``front`` is -y unless given. None for no direction.
    """

    category: str = "box"
    at: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float, float] = (0.08, 0.08, 0.1)
    color: str | None = None
    material: str | None = None
    attributes: tuple[str, ...] = ()
    yaw: float = 0.0
    base: float = TABLE_HEIGHT
    hollow: bool = False
    flat_top: bool = False
    directions: dict[str, tuple[float, float, float]] | None = field(default_factory=lambda: {"front": (0, -1, 0)})
    supported_by: int | str = "table"
    inside: int | None = None


def rectangle(width: float, depth: float, center: tuple[float, float] = (0.0, 0.0), yaw: float = 0.0) -> np.ndarray:
    """(4, 2) counter-clockwise outline."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, depth / 2)
    return corners @ _turn(yaw)[:2, :2].T + center


def table(width: float = 1.2, depth: float = 0.8, height: float = TABLE_HEIGHT) -> Surface:
    """A table around the world's origin; its front edge is the one at lower y."""
    return Surface("table", "table", rectangle(width, depth), height, front=(0.0, -1.0))


def look_at(
    position: Sequence[float] = (0.0, -1.1, 1.55),
    target: Sequence[float] = (0.0, 0.0, TABLE_HEIGHT),
    size: tuple[int, int] = (160, 120),
    fov: float = 60.0,
) -> Camera:
    """A level camera (its x axis is horizontal) at ``position`` that looks at ``target``; ``fov`` is horizontal."""
    forward = np.asarray(target, float) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack((right, np.cross(forward, right), forward), axis=1)
    pose[:3, 3] = position
    return Camera(intrinsics_from_fov(fov, size), pose)


def box_scene(
    objects: Sequence[Block] = (),
    *,
    camera: Camera | None = None,
    size: tuple[int, int] = (160, 120),
    surfaces: Sequence[Surface] | None = None,
    name: str = "handmade",
) -> Scene:
    """A scene of blocks: ids, exact depth, surfaces and a plainly shaded image, by ray casting.

    Args:
        objects: They get the ids 1, 2, ...
        camera: ``look_at(size=size)`` unless given; its intrinsics' size wins over ``size``.
        size: (width, height) of the image.
        surfaces: Furniture, infinitely thin; one :func:`table` unless given. Tops and floors of blocks are added.
    """
    camera = camera or look_at(size=size)
    furniture = [table()] if surfaces is None else list(surfaces)
    items = [_scene_object(index + 1, block) for index, block in enumerate(objects)]
    solids = [(item.id, box) for item, block in zip(items, objects, strict=True) for box in _solids(item.box, block)]
    own = [
        _own_surface(item, block) for item, block in zip(items, objects, strict=True) if block.hollow or block.flat_top
    ]
    places = furniture + own

    origin, rays = pixel_rays(camera)
    depth, ids, normals = cast(origin, rays, solids, furniture)
    points = origin + rays * np.where(np.isfinite(depth), depth, 0.0)[..., None]
    surface_ids = np.zeros(depth.shape, np.uint8)
    for index, surface in enumerate(places):
        on = (ids == (surface.owner or 0)) & np.isfinite(depth) & (np.abs(points[..., 2] - surface.height) < 1e-6)
        surface_ids[on & inside_polygon(points[..., :2], surface.polygon)] = index + 1
    finished = []
    for item in items:
        alone = cast(origin, rays, [solid for solid in solids if solid[0] == item.id], [])[1] == item.id
        share = float((ids == item.id).sum() / max(1, alone.sum()))
        finished.append(_replace_fraction(item, share))
    light = 0.55 + 0.45 * np.abs(normals @ np.array((0.3, -0.5, 0.8)) / np.linalg.norm((0.3, -0.5, 0.8)))
    palette = np.array([(176, 140, 100)] + [COLORS.get(item.color, COLORS[None]) for item in items], float)
    image = np.where(np.isfinite(depth)[..., None], palette[ids] * light[..., None], (90.0, 110.0, 130.0))
    return Scene(
        name=name,
        objects=tuple(finished),
        surfaces=tuple(places),
        camera=camera,
        ids=ids.astype(np.uint16),
        depth_m=np.where(np.isfinite(depth), depth, 0.0).astype(np.float32),
        surface_ids=surface_ids,
        image=image.clip(0, 255).astype(np.uint8),
        normals=(normals @ camera.world_from_camera[:3, :3]).astype(np.float32),
    )


def pixel_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Camera position (3,), and world rays (H, W, 3) through the pixel centres with length 1 along the camera's z."""
    k = camera.intrinsics
    u, v = np.meshgrid(np.arange(k.width) + 0.5, np.arange(k.height) + 0.5)
    rays = np.stack(((u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)), axis=-1)
    return camera.world_from_camera[:3, 3], rays @ camera.world_from_camera[:3, :3].T


def cast(
    origin: np.ndarray, rays: np.ndarray, solids: Sequence[tuple[int, OrientedBox]], furniture: Sequence[Surface]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First hits of rays (..., 3): distance in ray lengths (inf: none), object id (0: furniture), world normal."""
    depth = np.full(rays.shape[:-1], np.inf)
    ids = np.zeros(rays.shape[:-1], int)
    normals = np.zeros(rays.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for surface in furniture:
            t = (surface.height - origin[2]) / rays[..., 2]
            points = origin + rays * np.where(np.isfinite(t), t, 0.0)[..., None]
            hit = (t > 1e-9) & (t < depth) & inside_polygon(points[..., :2], surface.polygon)
            depth[hit], normals[hit] = t[hit], (0, 0, 1)
        for object_id, box in solids:
            start, along = (origin - box.center) @ box.rotation, rays @ box.rotation
            along = np.where(along == 0, 1e-300, along)
            first, second = (-box.size / 2 - start) / along, (box.size / 2 - start) / along
            near, far = np.minimum(first, second), np.maximum(first, second)
            enter = near.max(axis=-1)
            hit = (enter > 1e-9) & (enter <= far.min(axis=-1)) & (enter < depth)
            axis = near.argmax(axis=-1)
            sign = -np.sign(np.take_along_axis(along, axis[..., None], -1)[..., 0])
            depth[hit], ids[hit] = enter[hit], object_id
            normals[hit] = (box.rotation.T[axis] * sign[..., None])[hit]
    return depth, ids, normals


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd rule for points (..., 2), edge by edge."""
    inside = np.zeros(points.shape[:-1], bool)
    x, y = points[..., 0], points[..., 1]
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def mirrored(block: Block) -> Block:
    """The block as a mirror in the plane x = 0 shows it."""
    flipped = None if block.directions is None else {key: (-x, y, z) for key, (x, y, z) in block.directions.items()}
    return _with(block, at=(-block.at[0], block.at[1]), yaw=-block.yaw, directions=flipped)


def scaled(block: Block, factor: float) -> Block:
    """The block in a world that is ``factor`` times as large (about the world's origin)."""
    return _with(
        block,
        at=(block.at[0] * factor, block.at[1] * factor),
        size=tuple(side * factor for side in block.size),
        base=block.base * factor,
    )


def _with(block: Block, **changes: Any) -> Block:
    return Block(**{**{name: getattr(block, name) for name in Block.__dataclass_fields__}, **changes})


def _turn(yaw: float) -> np.ndarray:
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return np.array([(c, -s, 0), (s, c, 0), (0, 0, 1)])


def _scene_object(object_id: int, block: Block) -> SceneObject:
    rotation = _turn(block.yaw)
    directions = {name: tuple((rotation @ vector).tolist()) for name, vector in (block.directions or {}).items()}
    center = np.array((*block.at, block.base + block.size[2] / 2))
    return SceneObject(
        id=object_id,
        category=block.category,
        box=OrientedBox(center, rotation, np.array(block.size, float)),
        color=block.color,
        material=block.material,
        attributes=block.attributes,
        directions=directions,
        supported_by=block.supported_by,
        inside=block.inside,
    )


def _replace_fraction(item: SceneObject, fraction: float) -> SceneObject:
    return SceneObject(**{**{name: getattr(item, name) for name in vars(item)}, "visible_fraction": fraction})


def _solids(box: OrientedBox, block: Block) -> list[OrientedBox]:
    if not block.hollow:
        return [box]
    width, depth, height = box.size
    parts = [((0, 0, -(height - WALL) / 2), (width, depth, WALL))]
    parts += [((side * (width - WALL) / 2, 0, 0), (WALL, depth, height)) for side in (-1, 1)]
    parts += [((0, side * (depth - WALL) / 2, 0), (width, WALL, height)) for side in (-1, 1)]
    return [OrientedBox(box.center + box.rotation @ offset, box.rotation, np.array(size)) for offset, size in parts]


def _own_surface(item: SceneObject, block: Block) -> Surface:
    width, depth, height = block.size
    if block.hollow:
        outline = rectangle(width - 2 * WALL, depth - 2 * WALL, block.at, block.yaw)
        return Surface(f"{block.category} {item.id}", "box", outline, block.base + WALL, owner=item.id)
    outline = rectangle(width, depth, block.at, block.yaw)
    return Surface(f"{block.category} {item.id}", "object", outline, block.base + height, owner=item.id)
