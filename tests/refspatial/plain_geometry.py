"""What is where, straight from the boxes, pixels and pose of a scene: slow, plain, and without the package's relations.

The tests hold every stated relation, phrase and number against it.
"""

from __future__ import annotations

import math

import numpy as np

from roborefer.refspatial.expressions import Described, Oriented, Phrase, Ranked, RankedByDistance, Related
from roborefer.refspatial.scene_graph import Scene


def in_camera(scene: Scene, points: np.ndarray) -> np.ndarray:
    pose = scene.camera.world_from_camera
    return np.stack([pose[:3, :3].T @ (point - pose[:3, 3]) for point in np.atleast_2d(points)])


def center(scene: Scene, item: int) -> np.ndarray:
    return scene.object(item).box.center


def corners(scene: Scene, item: int) -> np.ndarray:
    box = scene.object(item).box
    signs = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    return np.array([box.center + box.rotation @ (np.array(sign) * box.size) for sign in signs])


def camera_distance(scene: Scene, item: int) -> float:
    return float(np.linalg.norm(center(scene, item) - scene.camera.world_from_camera[:3, 3]))


def nearest_z(scene: Scene, item: int) -> float:
    return float(in_camera(scene, corners(scene, item))[:, 2].min())


def row(scene: Scene, item: int) -> float:
    return float(np.nonzero(scene.ids == item)[0].mean())


def volume(scene: Scene, item: int) -> float:
    return float(np.prod(scene.object(item).box.size))


def height(scene: Scene, item: int) -> float:
    return float(np.ptp(corners(scene, item)[:, 2]))


def width(scene: Scene, item: int) -> float:
    """Extent along the level direction to the viewer's right."""
    right = scene.camera.world_from_camera[:3, 0] * (1, 1, 0)
    return float(np.ptp(corners(scene, item) @ (right / np.linalg.norm(right))))


def distance(scene: Scene, a: int, b: int) -> float:
    return float(np.linalg.norm(center(scene, a) - center(scene, b)))


# By axis: the smaller, the earlier.
ORDER = {
    "left": lambda scene, item: float(in_camera(scene, center(scene, item))[0, 0]),
    "front": nearest_z,
    "close": camera_distance,
    "above-world": lambda scene, item: -float(center(scene, item)[2]),
    "above-image": row,
    "tall": lambda scene, item: -height(scene, item),
    "big": lambda scene, item: -volume(scene, item),
    "wide": lambda scene, item: -width(scene, item),
}
OPPOSITE = {
    "right": "left",
    "behind": "front",
    "far": "close",
    "below-world": "above-world",
    "below-image": "above-image",
    "short": "tall",
    "small": "big",
    "thin": "wide",
}


def key(scene: Scene, axis: str, item: int) -> float:
    return -ORDER[OPPOSITE[axis]](scene, item) if axis in OPPOSITE else ORDER[axis](scene, item)


def holds(scene: Scene, relation: str, item: int, *others: int) -> bool:
    """Whether a relation between objects holds; no margin."""
    if item in others:
        return False
    if relation in ORDER or relation in OPPOSITE:
        return key(scene, relation, item) < key(scene, relation, others[0])
    return OTHERWISE[relation](scene, item, *others)


def gap(scene: Scene, a: int, b: int) -> float:
    """Smallest distance between points sampled on, and in, both boxes: no less than the boxes' own."""
    steps = np.linspace(-0.5, 0.5, 13)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    grid = grid[(np.abs(grid) == 0.5).any(axis=1)]
    boxes = [scene.object(item).box for item in (a, b)]
    clouds = [box.center + (grid * box.size) @ box.rotation.T for box in boxes]
    return float(min(np.linalg.norm(clouds[1] - point, axis=1).min() for point in clouds[0]))


# What lies in one of these, be it on something else in there, lies "on" it, as people say.
FLAT = ("plate", "tray", "saucer", "cutting board", "pan")


def rests_on(scene: Scene, upper: int, lower: int) -> bool:
    if scene.object(upper).inside == lower:
        return scene.object(lower).category in FLAT
    return scene.object(upper).supported_by == lower


def lies_between(scene: Scene, item: int, first: int, second: int) -> bool:
    start, end, place = (center(scene, other)[:2] for other in (first, second, item))
    line = end - start
    length = float(np.hypot(*line))
    along = float((place - start) @ line) / length
    aside = abs(float(line[0] * (place - start)[1] - line[1] * (place - start)[0])) / length
    return 0 < along < length and aside < 0.25 * length


def facing_angle(scene: Scene, item: int, place: np.ndarray) -> float:
    front = np.array(scene.object(item).directions["front"])[:2]
    towards = (place - center(scene, item))[:2]
    return math.degrees(math.acos(np.clip(front @ towards / np.linalg.norm(front) / np.linalg.norm(towards), -1, 1)))


def _faces(scene: Scene, item: int, other: int) -> bool:
    return "front" in scene.object(item).directions and facing_angle(scene, item, center(scene, other)) < 45


def _turns_its_back(scene: Scene, item: int, other: int) -> bool:
    return "front" in scene.object(item).directions and facing_angle(scene, item, center(scene, other)) > 135


OTHERWISE = {
    "between": lies_between,
    "on": rests_on,
    "inside": lambda scene, a, b: scene.object(a).inside == b,
    "outside": lambda scene, a, b: scene.object(a).inside != b,
    "touch": lambda scene, a, b: (
        b in (scene.object(a).supported_by, scene.object(a).inside)
        or a in (scene.object(b).supported_by, scene.object(b).inside)
        or gap(scene, a, b) < 0.02
    ),
    "far-from": lambda scene, a, b: gap(scene, a, b) > 0.25,
    "face": _faces,
    "back": _turns_its_back,
}


def points_to(scene: Scene, item: int, direction: str, way: str) -> bool:
    """Whether a direction is within 45 degrees of the viewer's left, right, towards or away."""
    vector = scene.object(item).directions.get(direction)
    if vector is None:
        return False
    right = scene.camera.world_from_camera[:2, 0] / np.linalg.norm(scene.camera.world_from_camera[:2, 0])
    away = np.array((-right[1], right[0]))
    axis = {"left": -right, "right": right, "away": away, "towards": -away}[way]
    return float(np.array(vector)[:2] @ axis) > math.cos(math.radians(45))


def meant(scene: Scene, phrase: Phrase) -> list[int]:
    """Every object that shows a pixel and fits a phrase: tried one by one, hidden ones too."""
    shown = [item.id for item in scene.objects if (scene.ids == item.id).any()]
    return [item for item in shown if fits(scene, phrase, item, shown)]


def fits(scene: Scene, phrase: Phrase, item: int, shown: list[int]) -> bool:
    if isinstance(phrase, Described):
        thing = scene.object(item)
        named = (
            phrase.category is None
            or thing.category.split()[-len(phrase.category.split()) :] == phrase.category.split()
        )
        return (
            named
            and phrase.color in (None, thing.color)
            and phrase.material in (None, thing.material)
            and (phrase.attribute is None or phrase.attribute in thing.attributes)
        )
    assert isinstance(phrase, Ranked | RankedByDistance | Related | Oriented)
    if not fits(scene, phrase.of, item, shown):
        return False
    rivals = [other for other in shown if fits(scene, phrase.of, other, shown)]
    if isinstance(phrase, Ranked):
        ordered = sorted(rivals, key=lambda other: key(scene, phrase.axis, other))
        return ordered.index(item) + 1 == phrase.position
    if isinstance(phrase, RankedByDistance):
        anchors = meant(scene, phrase.anchor)
        assert len(anchors) == 1, phrase.anchor.text()
        rivals = [other for other in rivals if other != anchors[0]]
        rivals.sort(key=lambda other: distance(scene, other, anchors[0]), reverse=phrase.end == "farthest")
        return item != anchors[0] and rivals.index(item) + 1 == phrase.position
    if isinstance(phrase, Oriented):
        return points_to(scene, item, phrase.direction, phrase.way)
    anchors = [meant(scene, other) for other in phrase.others]
    assert all(len(found) == 1 for found in anchors), [other.text() for other in phrase.others]
    return holds(scene, phrase.relation, item, *(found[0] for found in anchors))
