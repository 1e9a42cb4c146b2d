"""A layout as what a renderer draws: the room's parts and the objects', each with its object id and its surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.simulation.collision import inside_polygon
from roborefer.refspatial.simulation.mesh import Part, Placement
from roborefer.refspatial.simulation.renderer import RenderItem
from roborefer.refspatial.simulation.soundness import Layout

_LEVEL = 0.0015  # metres by which a face may leave its surface's height
_FLAT = 0.98  # least cosine between its normal and up


def scene_items(layout: Layout) -> list[RenderItem]:
    """Everything to draw.

    Object ``k`` of the scene graph is ``layout.placements[k - 1]``; an item's ``surface`` is 1 + the index into
    ``layout.surfaces``. The faces of an object that are its cavity's floor or its flat top are items of their own.
    """
    numbers = {surface.name: index for index, surface in enumerate(layout.surfaces, 1) if surface.owner is None}
    identity = np.eye(4)
    items = [
        RenderItem(
            fixture.part,
            identity,
            surface=0 if fixture.surface is None else numbers[fixture.surface],
            casts_shadow=fixture.casts_shadow,
        )
        for fixture in layout.room.fixtures
    ]
    owned = {surface.owner: index for index, surface in enumerate(layout.surfaces) if surface.owner is not None}
    for number, placement in enumerate(layout.placements, 1):
        index = owned.get(number)
        for part in placement.object.parts:
            if index is None:
                items.append(RenderItem(part, placement.world_from_object, number))
                continue
            level = surface_faces(part, placement, layout.surfaces[index])
            for faces, surface in ((part.faces[level], index + 1), (part.faces[~level], 0)):
                if len(faces):
                    piece = Part(part.vertices, faces, part.normals, part.uv, part.material)
                    items.append(RenderItem(piece, placement.world_from_object, number, surface))
    return items


def surface_faces(part: Part, placement: Placement, surface: Surface) -> NDArray[np.bool_]:
    """(F,): which faces of an upright object's part lie on one of its surfaces and face up."""
    pose = placement.world_from_object
    height = surface.height - pose[2, 3]
    level = np.abs(part.vertices[:, 2] - height) <= _LEVEL
    chosen = level[part.faces].all(axis=1)
    if not chosen.any():
        return np.asarray(chosen)
    corners = part.vertices[part.faces[chosen]].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    upwards = normals[:, 2] > _FLAT * np.linalg.norm(normals, axis=1)
    middles = corners.mean(axis=1)[:, :2] @ pose[:2, :2].T + pose[:2, 3]
    chosen[chosen] = upwards & (inside_polygon(middles, surface.polygon) >= 0)
    return np.asarray(chosen)
