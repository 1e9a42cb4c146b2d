"""The scene graph: what is in a view, where, and what the camera sees of it.

A :class:`Scene` is one view with its ground truth, whatever made it: the simulator, a web image or a video frame.
Relations, phrases, free space and questions read nothing else. World frame is z-up, metres; camera frame is OpenCV's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.geometry.transforms import OrientedBox
from roborefer.structures import Intrinsics

SurfaceKind = Literal["table", "desk", "shelf", "counter", "floor", "bowl", "box", "tray", "object"]


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera in the world.

    Attributes:
        intrinsics: Of the rendered image.
        world_from_camera: (4, 4) rigid pose.
    """

    intrinsics: Intrinsics
    world_from_camera: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One thing that can be referred to.

    Attributes:
        id: Its value in the instance image, 1 or more.
        category: Singular noun, "mug" or "toy car".
        box: World frame, metres. ``box.rotation``'s columns are the object's own x, y and z axes; the size lies along
            them. The box fits the mesh as it stands in the scene.
        color: Dominant colour word, None where there is no single one.
        material: "ceramic", "wood", ...; None when it cannot be told by looking.
        attributes: Further words that a viewer could use ("striped", "open"), most telling first.
        directions: Named unit vectors in the world, such as ``{"handle": (1, 0, 0)}``; ``front`` is where it faces.
        supported_by: Id of the object, or name of the surface, that it rests on.
        inside: Id of the object that contains it, None if none.
        visible_fraction: Pixels seen over pixels it would have alone in this view, 0-1.
        also_called: Other nouns that viewers might use for it: phrases with one of them are in doubt.
        reach_m: Lowest and highest point, world z, of a thing that leans: its box's corners lie beyond them. None
            where they are the box's.
        width_m: Extent along the viewer's level right direction in this view, which may be much less than the box's
            (a plate in a turned box, an umbrella that lies askew). None where it is the box's.
    """

    id: int
    category: str
    box: OrientedBox
    color: str | None = None
    material: str | None = None
    attributes: tuple[str, ...] = ()
    directions: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    supported_by: int | str | None = None
    inside: int | None = None
    visible_fraction: float = 1.0
    also_called: tuple[str, ...] = ()
    reach_m: tuple[float, float] | None = None
    width_m: float | None = None

    @property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest point, world z, metres."""
        if self.reach_m is not None:
            return self.reach_m
        levels = self.box.corners()[:, 2]
        return (float(levels.min()), float(levels.max()))


@dataclass(frozen=True, eq=False)
class Surface:
    """A horizontal place where things can stand: a table top, a shelf board, the inside floor of a bowl.

    Attributes:
        name: Unique in the scene: "table", "shelf 2", "bowl 3".
        kind: What it is.
        polygon: (K, 2) world x, y of its outline, counter-clockwise, metres.
        height: World z, metres.
        owner: Id of the object it belongs to, None for furniture of the room.
        front: Unit (x, y) from the surface's back edge to its front edge, which is the one nearest to the camera
            unless the furniture says otherwise; "far left corner" is read against the camera's view of it.
    """

    name: str
    kind: SurfaceKind
    polygon: NDArray[np.float64]
    height: float
    owner: int | None = None
    front: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One view and its ground truth.

    Attributes:
        name: Unique within a data set.
        objects: In order of id.
        surfaces: Where things can stand.
        camera: Of this view.
        ids: (H, W) uint16 instance image; 0 is background (room and furniture).
        depth_m: (H, W) float32 along z, 0 where unknown; exact, before any sensor model.
        surface_ids: (H, W) uint8, 1 + index into ``surfaces`` where that surface itself is seen, else 0.
        image: (H, W, 3) uint8, None when only the geometry is needed.
        normals: (H, W, 3) float32 unit normals in the camera frame, None when not rendered.
        seed: Of whatever made the scene.
        sensor_depth_m: (H, W) float32 as a depth sensor would have measured it, 0 where it lost it; None without one.
    """

    name: str
    objects: tuple[SceneObject, ...]
    surfaces: tuple[Surface, ...]
    camera: Camera
    ids: NDArray[np.uint16]
    depth_m: NDArray[np.float32]
    surface_ids: NDArray[np.uint8]
    image: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    seed: int | None = None
    sensor_depth_m: NDArray[np.float32] | None = None

    def object(self, object_id: int) -> SceneObject:
        """The object with this id.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.objects:
            if candidate.id == object_id:
                return candidate
        raise KeyError(object_id)

    def surface(self, name: str) -> Surface:
        """The surface with this name.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.surfaces:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def mask(self, object_id: int) -> NDArray[np.bool_]:
        """(H, W) bool: where the object is seen."""
        return np.asarray(self.ids == object_id)

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return (self.ids.shape[1], self.ids.shape[0])


def scene_to_json(scene: Scene) -> dict[str, Any]:
    """Everything but the pixel arrays, as JSON-ready values; :func:`scene_from_json` is the inverse."""
    camera = scene.camera
    return {
        "name": scene.name,
        "seed": scene.seed,
        "camera": {
            "intrinsics": {name: getattr(camera.intrinsics, name) for name in _INTRINSICS},
            "world_from_camera": camera.world_from_camera.tolist(),
        },
        "objects": [_object_to_json(item) for item in scene.objects],
        "surfaces": [
            {
                "name": surface.name,
                "kind": surface.kind,
                "polygon": surface.polygon.tolist(),
                "height": surface.height,
                "owner": surface.owner,
                "front": None if surface.front is None else list(surface.front),
            }
            for surface in scene.surfaces
        ],
    }


def scene_from_json(
    content: Mapping[str, Any],
    *,
    ids: NDArray[np.uint16],
    depth_m: NDArray[np.float32],
    surface_ids: NDArray[np.uint8],
    image: NDArray[np.uint8] | None = None,
    normals: NDArray[np.float32] | None = None,
) -> Scene:
    """A scene from :func:`scene_to_json` and its pixel arrays."""
    camera = content["camera"]
    return Scene(
        name=content["name"],
        seed=content["seed"],
        camera=Camera(Intrinsics(**camera["intrinsics"]), np.asarray(camera["world_from_camera"], np.float64)),
        objects=tuple(_object_from_json(item) for item in content["objects"]),
        surfaces=tuple(
            Surface(
                name=item["name"],
                kind=item["kind"],
                polygon=np.asarray(item["polygon"], np.float64),
                height=item["height"],
                owner=item["owner"],
                front=None if item["front"] is None else (item["front"][0], item["front"][1]),
            )
            for item in content["surfaces"]
        ),
        ids=ids,
        depth_m=depth_m,
        surface_ids=surface_ids,
        image=image,
        normals=normals,
    )


_INTRINSICS = ("fx", "fy", "cx", "cy", "width", "height")


def _object_to_json(item: SceneObject) -> dict[str, Any]:
    return {
        "id": item.id,
        "category": item.category,
        "color": item.color,
        "material": item.material,
        "attributes": list(item.attributes),
        "box": {
            "center": item.box.center.tolist(),
            "rotation": item.box.rotation.tolist(),
            "size": item.box.size.tolist(),
        },
        "directions": {name: list(vector) for name, vector in item.directions.items()},
        "supported_by": item.supported_by,
        "inside": item.inside,
        "visible_fraction": item.visible_fraction,
        **({"also_called": list(item.also_called)} if item.also_called else {}),
        **({} if item.reach_m is None else {"reach_m": list(item.reach_m)}),
        **({} if item.width_m is None else {"width_m": item.width_m}),
    }


def _object_from_json(content: Mapping[str, Any]) -> SceneObject:
    box = {name: np.asarray(values, np.float64) for name, values in content["box"].items()}
    return SceneObject(
        id=content["id"],
        category=content["category"],
        color=content["color"],
        material=content["material"],
        attributes=tuple(content["attributes"]),
        box=OrientedBox(box["center"], box["rotation"], box["size"]),
        directions={name: (v[0], v[1], v[2]) for name, v in content["directions"].items()},
        supported_by=content["supported_by"],
        inside=content["inside"],
        visible_fraction=content["visible_fraction"],
        also_called=tuple(content.get("also_called", ())),
        reach_m=None if content.get("reach_m") is None else (content["reach_m"][0], content["reach_m"][1]),
        width_m=content.get("width_m"),
    )
