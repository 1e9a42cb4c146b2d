"""A scene measured anew, for the proof in ``data_engine.py``: from the meshes, and from rendered depth and ids.

Nothing here calls the engine's relations. A relation is a number that is above 0 where it holds, without margins:
:meth:`MeasuredScene.holds` takes posed mesh vertices, :meth:`MeasuredScene.seen_center` what the pixels show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.simulation.soundness import Layout

TOUCHING_M = 0.013  # surfaces sampled 6 mm apart: 5 mm of gap measure less than this, 2 cm more
FAR_M = 0.25
FACING_DEGREES = 45.0
FLAT = frozenset({"plate", "tray", "saucer", "cutting board", "pan"})
_SAMPLE_M = 0.006


@dataclass(frozen=True, eq=False)
class Thing:
    """One object as its mesh has it.

    Attributes:
        vertices: (V, 3) in the world.
        local_low, local_high: (3,) bounds in its own frame.
        pose: (4, 4) world_from_object.
        directions: Named unit vectors in the world.
        support: Id of the object, or name of the surface, that it rests on.
        container: Id of the object that it is in.
    """

    id: int
    category: str
    color: str | None
    material: str | None
    attributes: tuple[str, ...]
    vertices: np.ndarray
    faces: np.ndarray
    local_low: np.ndarray
    local_high: np.ndarray
    pose: np.ndarray
    directions: dict[str, np.ndarray]
    support: int | str
    container: int | None

    @property
    def center(self) -> np.ndarray:
        """(3,) centre of its own bounds, in the world."""
        return self.pose[:3, :3] @ ((self.local_low + self.local_high) / 2) + self.pose[:3, 3]

    @property
    def size(self) -> np.ndarray:
        """(3,) along its own axes, metres."""
        return self.local_high - self.local_low

    @cached_property
    def surface_points(self) -> np.ndarray:
        """(N, 3) points on its triangles, none farther than about 6 mm from the next."""
        corners = self.vertices[self.faces]
        longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
        points = [self.vertices]
        for count in np.unique(np.ceil(longest / _SAMPLE_M).astype(int)).tolist():
            chosen = corners[np.ceil(longest / _SAMPLE_M).astype(int) == count]
            steps = [(i / count, j / count) for i in range(count + 1) for j in range(count + 1 - i)]
            for u, v in steps:
                points.append(chosen[:, 0] * (1 - u - v) + chosen[:, 1] * u + chosen[:, 2] * v)
        return np.concatenate(points)


class MeasuredScene:
    """A view and the layout that it shows."""

    def __init__(self, scene: Scene, layout: Layout) -> None:
        self.scene = scene
        self.layout = layout
        self.things = {number: _thing(layout, number) for number in range(1, len(layout.placements) + 1)}
        self.eye = scene.camera.world_from_camera[:3, 3]
        pose = scene.camera.world_from_camera
        self.right = np.array((*pose[:2, 0], 0.0)) / np.linalg.norm(pose[:2, 0])
        self.forward = np.cross((0.0, 0.0, 1.0), self.right)
        self.pixels = {number: np.nonzero(scene.ids == number) for number in self.things if (scene.ids == number).any()}

    @property
    def shown(self) -> tuple[int, ...]:
        """Ids of whatever shows a pixel."""
        return tuple(self.pixels)

    # ---- relations, from the meshes --------------------------------------------------------------------------------

    def holds(self, relation: str, a: int, *others: int | None) -> bool:
        """Whether a relation holds, without any margin."""
        return self.value(relation, a, *others) > 0

    def value(self, relation: str, a: int, *others: int | None) -> float:
        """Above 0 where it holds; NaN where it cannot be said."""
        exchanged = {"right": "left", "behind": "front", "far": "close", "below-world": "above-world",
                     "below-image": "above-image", "short": "tall", "small": "big", "thin": "wide"}  # fmt: skip
        if relation in exchanged:
            assert others[0] is not None
            return self.value(exchanged[relation], others[0], a)
        if relation == "outside":
            return -self.value("inside", a, *others)
        return float(getattr(self, "_" + relation.replace("-", "_"))(a, *others))

    def distance_to_camera(self, a: int) -> float:
        return float(np.linalg.norm(self.things[a].center - self.eye))

    def extent(self, a: int, measure: str) -> float:
        """Height, width as seen from here, or longest own side, metres."""
        thing = self.things[a]
        if measure == "longest":
            return float(thing.size.max())
        if measure == "height":
            return float(np.ptp(thing.vertices[:, 2]))
        return float(np.ptp(thing.vertices @ self.right))

    def gap(self, a: int, b: int) -> float:
        """Between the surfaces, metres; at most 6 mm too large."""
        from scipy.spatial import cKDTree

        distances, _ = cKDTree(self.things[a].surface_points).query(self.things[b].surface_points)
        return float(distances.min())

    def _left(self, a: int, b: int) -> float:
        axis = self.scene.camera.world_from_camera[:3, 0]
        return float((self.things[b].center - self.things[a].center) @ axis)

    def _front(self, a: int, b: int) -> float:
        axis = self.scene.camera.world_from_camera[:3, 2]
        nearest = (self.things[b].vertices @ axis).min() - (self.things[a].vertices @ axis).min()
        level = (self.things[b].center - self.things[a].center) @ self.forward
        return float(min(nearest, level))

    def _close(self, a: int, b: int) -> float:
        return self.distance_to_camera(b) - self.distance_to_camera(a)

    def _above_world(self, a: int, b: int) -> float:
        return float(self.things[a].center[2] - self.things[b].center[2])

    def _above_image(self, a: int, b: int) -> float:
        return float(self.pixels[b][0].mean() - self.pixels[a][0].mean())

    def _tall(self, a: int, b: int) -> float:
        return self.extent(a, "height") - self.extent(b, "height")

    def _big(self, a: int, b: int) -> float:
        return float(self.things[a].size.prod() - self.things[b].size.prod())

    def _wide(self, a: int, b: int) -> float:
        return self.extent(a, "width") - self.extent(b, "width")

    def _inside(self, a: int, b: int) -> float:
        container = self.things[a].container
        while container is not None:
            if container == b:
                return 1.0
            container = self.things[container].container
        thing, other = self.things[a], self.things[b]
        local = (thing.surface_points - other.pose[:3, 3]) @ other.pose[:3, :3]
        return float(((local >= other.local_low) & (local <= other.local_high)).all(axis=1).mean() - 0.5)

    def _on(self, a: int, b: int) -> float:
        container, support = self.things[a].container, self.things[a].support
        if container == b:
            # People say "in" of a bowl and "on" of a tray, there also of a pencil that lies across another one.
            return 1.0 if self.things[b].category in FLAT else -1.0
        if isinstance(support, str):
            owners = [surface.owner for surface in self.layout.surfaces if surface.name == support]
            support = owners[0] if owners and owners[0] is not None else -1
        return 1.0 if support == b else -1.0

    def _touch(self, a: int, b: int) -> float:
        return TOUCHING_M - self.gap(a, b)

    def _far_from(self, a: int, b: int) -> float:
        return self.gap(a, b) - FAR_M

    def _between(self, a: int, first: int, second: int) -> float:
        """From above: in the corridor between two centres that is half as wide as it is long."""
        point, start, end = (self.things[item].center[:2] for item in (a, first, second))
        line = end - start
        along = float((point - start) @ line / (line @ line))
        aside = float(np.linalg.norm(point - start - along * line) / np.linalg.norm(line))
        return min(along, 1 - along, 0.25 - aside)

    def _face(self, a: int, other: int | None) -> float:
        return FACING_DEGREES - self.front_angle(a, other)

    def _back(self, a: int, other: int | None) -> float:
        return self.front_angle(a, other) - (180 - FACING_DEGREES)

    def front_angle(self, a: int, other: int | None) -> float:
        """Level degrees from where a thing's front points to where another (None: the camera) stands."""
        front = self.things[a].directions.get("front")
        if front is None:
            return math.nan
        target = self.eye if other is None else self.things[other].center
        return angle(front[:2], (target - self.things[a].center)[:2])

    # ---- from rendered depth and ids -------------------------------------------------------------------------------

    def seen_points(self, a: int) -> np.ndarray:
        """(N, 3) in the world: where the pixels of an object lie."""
        rows, columns = self.pixels[a]
        k, pose = self.scene.camera.intrinsics, self.scene.camera.world_from_camera
        z = self.scene.depth_m[rows, columns].astype(np.float64)
        camera = np.stack(((columns + 0.5 - k.cx) / k.fx * z, (rows + 0.5 - k.cy) / k.fy * z, z), axis=1)
        return camera @ pose[:3, :3].T + pose[:3, 3]

    def seen_center(self, a: int) -> np.ndarray:
        """(3,) middle of what is seen, along the viewer's right, forward and the world's up."""
        axes = np.stack((self.right, self.forward, (0.0, 0.0, 1.0)))
        along = self.seen_points(a) @ axes.T
        return (along.min(axis=0) + along.max(axis=0)) / 2 @ axes

    def center_tolerance(self, a: int) -> float:
        """How far the middle of what is seen of a whole object may lie from its centre: 1 cm + 15 % of its diagonal."""
        return 0.01 + 0.15 * float(np.linalg.norm(self.things[a].size))

    def is_whole(self, a: int) -> bool:
        """Whether an object is seen without anything in front of it, and not cut off by the image's border."""
        if a not in self.pixels or self.scene.object(a).visible_fraction < 0.95:
            return False
        rows, columns = self.pixels[a]
        height, width = self.scene.ids.shape
        return bool(rows.min() > 0 and columns.min() > 0 and rows.max() < height - 1 and columns.max() < width - 1)


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """Between two vectors, degrees."""
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(max(-1.0, min(1.0, float(cosine)))))


def _thing(layout: Layout, number: int) -> Thing:
    placement = layout.placements[number - 1]
    item, pose = placement.object, np.asarray(placement.world_from_object, np.float64)
    local = np.concatenate([part.vertices for part in item.parts]).astype(np.float64)
    counts = np.cumsum([0, *(len(part.vertices) for part in item.parts)])
    faces = np.concatenate([part.faces + start for part, start in zip(item.parts, counts, strict=False)])
    support = placement.supported_by
    return Thing(
        id=number,
        category=item.category,
        color=item.color,
        material=item.material,
        attributes=item.attributes,
        vertices=local @ pose[:3, :3].T + pose[:3, 3],
        faces=faces,
        local_low=local.min(axis=0),
        local_high=local.max(axis=0),
        pose=pose,
        directions={name: pose[:3, :3] @ np.asarray(vector) for name, vector in item.directions.items()},
        support=support if isinstance(support, str) else support + 1,
        container=None if placement.inside is None else placement.inside + 1,
    )
