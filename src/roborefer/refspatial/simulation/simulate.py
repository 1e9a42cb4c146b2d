"""From a seed to scenes: a layout, cameras, light, pictures, and the scene graph that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.scene_graph import Camera, Scene, SceneObject, Surface
from roborefer.refspatial.simulation.depth_sensor import DepthSensor, sense_depth
from roborefer.refspatial.simulation.layout import Catalog, Layout, sample_layout
from roborefer.refspatial.simulation.lighting import sample_light
from roborefer.refspatial.simulation.mesh import Placement
from roborefer.refspatial.simulation.photography import photograph
from roborefer.refspatial.simulation.renderer import Renderer, View
from roborefer.refspatial.simulation.room import Setting
from roborefer.refspatial.simulation.scene_items import scene_items
from roborefer.refspatial.simulation.viewpoints import sample_cameras
from roborefer.refspatial.surface_views import viewer_axes

Float = NDArray[np.float64]

MOST_VIEWS = 4
"""Views that share a layout at most."""


def simulate_scene(
    seed: int | np.random.Generator,
    renderer: Renderer,
    *,
    views: int = 1,
    image_size: tuple[int, int] = (640, 480),
    setting: Setting | None = None,
    photography: bool = True,
    depth_sensor: str | DepthSensor | None = None,
    objects: tuple[int, int] = (3, 12),
    held_out: bool = False,
    catalog: Catalog | None = None,
) -> list[Scene]:
    """One layout, seen from one or more cameras, with its ground truth.

    Args:
        seed: The same seed gives the same bytes; or the generator that everything flows from.
        renderer: Draws.
        views: How many, 1 to :data:`MOST_VIEWS`.
        image_size: (width, height), pixels.
        setting: Kind of scene; any if None.
        photography: Whether pictures get exposure, white balance, blur and noise as cameras have them.
        depth_sensor: Name or model of a depth sensor, for ``Scene.sensor_depth_m``; None for exact depth alone.
        objects: Fewest and most objects.
        held_out: Take only shapes that training never sees.
        catalog: Where objects come from, such as :func:`assets.catalog_of`; the simulator's own if None.

    Returns:
        One scene a view, named ``sim_000123_v0`` for seed 123; objects have the same ids in all of them.

    Raises:
        InputError: The number of views, the setting or the sensor is unknown, or no camera sees the objects.
    """
    if not 1 <= views <= MOST_VIEWS:
        raise InputError(f"expected 1 to {MOST_VIEWS} views, got {views}")
    number = int(seed.integers(10**6)) if isinstance(seed, np.random.Generator) else seed
    generator = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    layout = sample_layout(generator, setting=setting, objects=objects, held_out=held_out, catalog=catalog)
    cameras = sample_cameras(generator, layout, views, image_size)
    light = sample_light(generator, layout.room)
    items = scene_items(layout)
    described = scene_objects(layout)
    glass = transparent_ids(layout)
    scenes = []
    for index, (camera, view) in enumerate(zip(cameras, renderer.render(items, cameras, light), strict=True)):
        alone = renderer.solo_pixel_counts(items, camera)
        seen = with_widths(described, layout, camera)
        scene = view_scene(f"sim_{number:06d}_v{index}", seen, layout.surfaces, camera, view, alone, number)
        if photography:
            scene = replace(scene, image=photograph(view.rgb, generator))
        if depth_sensor is not None:
            measured = sense_depth(
                view.depth_m, view.normals, camera.intrinsics, generator, depth_sensor, ids=view.ids, transparent=glass
            )
            scene = replace(scene, sensor_depth_m=measured)
        scenes.append(scene)
    return scenes


def transparent_ids(layout: Layout) -> tuple[int, ...]:
    """Ids of the objects that are wholly of glass."""
    return tuple(
        number
        for number, item in enumerate(layout.placements, 1)
        if all(part.material.transparent for part in item.object.parts)
    )


def scene_objects(layout: Layout) -> tuple[SceneObject, ...]:
    """The objects of a layout as the scene graph has them, in no view yet: all of them wholly visible."""
    return tuple(_scene_object(layout, index) for index in range(len(layout.placements)))


def with_widths(objects: Sequence[SceneObject], layout: Layout, camera: Camera) -> tuple[SceneObject, ...]:
    """The objects of a layout with their widths as a camera sees them."""
    right = viewer_axes(camera).right
    widths = [float(np.ptp(body.vertices[:, :2] @ right)) for body in layout.bodies]
    return tuple(replace(item, width_m=width) for item, width in zip(objects, widths, strict=True))


def view_scene(
    name: str,
    objects: Sequence[SceneObject],
    surfaces: Sequence[Surface],
    camera: Camera,
    view: View,
    solo_pixels: dict[int, int],
    seed: int | None = None,
) -> Scene:
    """One rendered view and its ground truth.

    Args:
        name: Of the scene.
        objects: From :func:`scene_objects` or :func:`with_widths`.
        surfaces: Of the layout.
        camera: That the view was rendered with.
        view: What the renderer gave.
        solo_pixels: By id, the pixels that the object would cover alone.
        seed: Of the layout.
    """
    seen = np.bincount(view.ids.ravel(), minlength=len(objects) + 1)
    return Scene(
        name=name,
        objects=tuple(
            replace(item, visible_fraction=_share(int(seen[item.id]), solo_pixels.get(item.id, 0))) for item in objects
        ),
        surfaces=tuple(_facing(surface, camera) for surface in surfaces),
        camera=camera,
        ids=view.ids,
        depth_m=view.depth_m,
        surface_ids=view.surface_ids,
        image=view.rgb,
        normals=view.normals,
        seed=seed,
    )


def _scene_object(layout: Layout, index: int) -> SceneObject:
    placement = layout.placements[index]
    thing = placement.object
    rotation = placement.world_from_object[:3, :3]
    body = layout.bodies[index]
    return SceneObject(
        id=index + 1,
        category=thing.category,
        box=_fitted_box(placement),
        color=thing.color,
        material=thing.material,
        attributes=thing.attributes,
        directions={name: _vector(rotation @ np.asarray(way)) for name, way in thing.directions.items()},
        supported_by=placement.supported_by if isinstance(placement.supported_by, str) else placement.supported_by + 1,
        inside=None if placement.inside is None else placement.inside + 1,
        also_called=thing.also_called,
        reach_m=None if rotation[2, 2] > 1 - 1e-9 else (body.prism.bottom, body.prism.top),
    )


def _fitted_box(placement: Placement) -> OrientedBox:
    """The object's own bounds, posed: it is rigid, so this fits it as it stands."""
    low, high = placement.object.bounds
    pose = placement.world_from_object
    center = pose[:3, :3] @ ((low + high) / 2) + pose[:3, 3]
    return OrientedBox(center=center, rotation=pose[:3, :3].copy(), size=high - low)


def _facing(surface: Surface, camera: Camera) -> Surface:
    """The surface with its front towards the camera, unless its furniture says where its front is.

    The front is the side of the smallest axis-aligned rectangle that looks most towards the camera; a round outline
    has no sides, and its front is where the camera is.
    """
    if surface.front is not None:
        return surface
    towards = camera.world_from_camera[:2, 3] - surface.polygon.mean(axis=0)
    length = float(np.linalg.norm(towards))
    if length < 1e-9:
        return replace(surface, front=(0.0, -1.0))
    if len(surface.polygon) == 4:
        edges = np.roll(surface.polygon, -1, axis=0) - surface.polygon
        normals = np.stack((edges[:, 1], -edges[:, 0]), axis=1) / np.linalg.norm(edges, axis=1, keepdims=True)
        front = normals[int((normals @ towards).argmax())]
    else:
        front = towards / length
    return replace(surface, front=(float(front[0]), float(front[1])))


def _share(seen: int, alone: int) -> float:
    return min(1.0, seen / alone) if alone else 0.0


def _vector(values: Float) -> tuple[float, float, float]:
    unit = values / np.linalg.norm(values)
    return (float(unit[0]), float(unit[1]), float(unit[2]))
