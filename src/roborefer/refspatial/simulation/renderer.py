"""Rendering behind one method: what is drawn, under which light, and what comes back.

:class:`roborefer.refspatial.simulation.opengl.OpenGLRenderer` is the default,
:class:`roborefer.refspatial.simulation.raycast.RaycastRenderer` the independent reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.refspatial.scene_graph import Camera
from roborefer.refspatial.simulation.mesh import Part

Color = tuple[float, float, float]

MAX_INSTANCE = np.iinfo(np.uint16).max
MAX_SURFACE = np.iinfo(np.uint8).max


@dataclass(frozen=True, eq=False)
class Light:
    """One distant key light and the surroundings; all colours are linear RGB.

    Attributes:
        direction: (3,) world, towards the light; any length but 0.
        color: Intensity of the key light: a white surface that faces it gets this radiance.
        ambient: Intensity of the light from all sides, which also scales reflections of the surroundings.
        sky: Tint of what lies above.
        ground: Tint of what lies below.
        softness: Radius of the shadows' soft edge, metres.
    """

    direction: NDArray[np.float64]
    color: Color = (0.83, 0.77, 0.69)
    ambient: Color = (0.55, 0.57, 0.62)
    sky: Color = (1.0, 0.98, 0.95)
    ground: Color = (0.72, 0.65, 0.58)
    softness: float = 0.008


@dataclass(frozen=True, eq=False)
class RenderItem:
    """A part in the world.

    Attributes:
        part: Mesh and material.
        world_from_part: (4, 4) rigid pose, metres.
        instance: What the id image gets: 0 for the room and its furniture, else the object's id.
        surface: What the surface image gets: 0 for none, else 1 + index of the surface whose top this part is.
        casts_shadow: False for walls and ceilings, which would keep the key light out of the room.
    """

    part: Part
    world_from_part: NDArray[np.float64]
    instance: int = 0
    surface: int = 0
    casts_shadow: bool = True


@dataclass(frozen=True, eq=False)
class View:
    """What one camera sees. Everything but ``rgb`` is sampled at pixel centres exactly, without smoothing.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        depth_m: (H, W) float32, metres along z, 0 where there is nothing.
        ids: (H, W) uint16, the item's ``instance``, 0 where there is nothing.
        surface_ids: (H, W) uint8, the item's ``surface``.
        normals: (H, W, 3) float32, unit, camera frame, towards the camera; 0 where there is nothing.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    ids: NDArray[np.uint16]
    surface_ids: NDArray[np.uint8]
    normals: NDArray[np.float32]


class Renderer(Protocol):
    """Draws a scene from several cameras."""

    def render(self, items: Sequence[RenderItem], cameras: Sequence[Camera], light: Light) -> list[View]:
        """One view a camera; the scene is prepared once for all of them."""
        ...

    def solo_pixel_counts(self, items: Sequence[RenderItem], camera: Camera) -> dict[int, int]:
        """Pixels of the image that each instance but 0 would cover if it were alone, by instance.

        The visible fraction of an instance is its pixels in ``View.ids`` over this count.
        """
        ...


def check_items(items: Sequence[RenderItem]) -> None:
    """Refuses items that no renderer can draw.

    Raises:
        InputError: There are none, or an instance or surface number does not fit its image.
    """
    if not items:
        raise InputError("expected at least one item to draw, got none: add the parts of the scene")
    for item in items:
        if not 0 <= item.instance <= MAX_INSTANCE:
            raise InputError(f"expected an instance of 0 to {MAX_INSTANCE}, got {item.instance}: number objects from 1")
        if not 0 <= item.surface <= MAX_SURFACE:
            raise InputError(f"expected a surface of 0 to {MAX_SURFACE}, got {item.surface}: number surfaces from 1")
