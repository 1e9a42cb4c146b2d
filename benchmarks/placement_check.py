"""Where a placement answer lands, for the proof: a ray through the answer's pixel onto the layout's triangles.

The place that was asked for is read from the question's text and measured from the meshes; 5 mm may be missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from shapely import affinity
from shapely.geometry import MultiPoint, Polygon
from shapely.geometry import Point as FlatPoint

from measured_scene import MeasuredScene
from phrase_reader import PhraseReader, _splits
from roborefer.refspatial.questions import Question
from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.thresholds import THRESHOLDS
from roborefer.structures import Point

SLACK_M = 0.005
HEIGHT_M = 0.002
SIDES = {
    "to the left of": "left", "left of": "left", "on the left side of": "left", "to the right of": "right",
    "right of": "right", "on the right side of": "right", "in front of": "front", "behind": "behind",
}  # fmt: skip
ON = ("on top of", "on")
INSIDE = ("inside", "in")
UNDER = ("under", "underneath", "below")
NEAR = ("next to", "near", "around", "close to")
BETWEEN = ("between", "in between")
# What "at the corner" means, and what has corners, is the engine's to say; where the corner is, is measured here.
CORNER_SHARE, EDGE_SHARE, CORNERED_SHARE = THRESHOLDS.corner_share, THRESHOLDS.edge_share, THRESHOLDS.rectangle_share


class PlacementCheck:
    """Casts rays into one view."""

    def __init__(self, measured: MeasuredScene, reader: PhraseReader) -> None:
        self.measured = measured
        self.reader = reader

    def checks(self, question: Question, point: Point) -> Iterator[tuple[str, bool, str]]:
        """Name, result and detail of every check of one answer."""
        surface = next(s for s in self.measured.layout.surfaces if s.name == question.facts["surface"])
        column, row = (int(value) for value in point.pixel(self.measured.scene.image_size))
        assert question.region is not None
        yield "point in the mask", bool(question.region[row, column]), f"{point}"
        place, owner = self.cast(column + 0.5, row + 0.5)
        yield "ray lands on no other object", owner in (0, surface.owner), f"hit object {owner}"
        level = abs(place[2] - surface.height) <= HEIGHT_M
        on = Polygon(surface.polygon).buffer(SLACK_M).contains(FlatPoint(place[:2]))
        yield "ray lands on the named support", level and on, f"{surface.name} at {surface.height}: {place}"
        form = re.match(r"placement-(.*)-\d+-", question.template)
        assert form is not None, question.template
        inside = self._is_at(form[1], question, place[:2], surface)
        yield "ray lands in the asked place", inside, f"{form[1]} {question.phrase!r} {place}"

    def cast(self, u: float, v: float) -> tuple[np.ndarray, int]:
        """(3,) where the ray through a pixel first meets a triangle, and whose it is: 0 for the room, -1 for nobody."""
        k, pose = self.measured.scene.camera.intrinsics, self.measured.scene.camera.world_from_camera
        ray = pose[:3, :3] @ np.array(((u - k.cx) / k.fx, (v - k.cy) / k.fy, 1.0))
        mesh, owners = self._mesh
        found = mesh.ray.intersects_first(self.measured.eye[None], ray[None])
        if found[0] < 0:
            return np.full(3, np.nan), -1
        a, b, c = mesh.vertices[mesh.faces[found[0]]]
        normal = np.cross(b - a, c - a)
        eye = self.measured.eye
        return eye + ray * ((a - eye) @ normal / (ray @ normal)), int(owners[found[0]])

    def at_side(self, item: int, surface_name: str, relation: str, label: str) -> bool:
        """Whether an object's centre is at a corner or an edge of a surface, as the viewer names it."""
        surface = next(s for s in self.measured.layout.surfaces if s.name == surface_name)
        return self._at_side(self.measured.things[item].center[:2], surface, relation, label, 0.0)

    @cached_property
    def _mesh(self) -> tuple[object, np.ndarray]:
        import trimesh

        room = [fixture.part for fixture in self.measured.layout.room.fixtures]
        pieces = [(part.vertices, part.faces, 0) for part in room]
        pieces += [(thing.vertices, thing.faces, thing.id) for thing in self.measured.things.values()]
        counts = np.cumsum([0, *(len(vertices) for vertices, _, _ in pieces)])
        vertices = np.concatenate([np.asarray(vertices, np.float64) for vertices, _, _ in pieces])
        faces = np.concatenate([faces + start for (_, faces, _), start in zip(pieces, counts, strict=False)])
        owners = np.concatenate([np.full(len(faces), owner) for _, faces, owner in pieces])
        return trimesh.Trimesh(vertices, faces, process=False), owners

    def _is_at(self, form: str, question: Question, place: np.ndarray, surface: Surface) -> bool:
        phrase = question.phrase
        if form in ("corner", "edge"):
            match = re.search(r"the ((?:near|far|left|right)(?: left| right)?) (?:corner|edge) of", phrase)
            return match is not None and self._at_side(place, surface, form, match[1], SLACK_M)
        if form == "beside-two":
            cuts = [(a, f"x {b}") for a, b in _splits(phrase, " and ")]
            return any(self._beside(a, place) and self._beside(b, place) for a, b in cuts)
        if form == "beside":
            return self._beside(phrase, place)
        if form == "offset":
            length = float(question.facts["distance_m"])
            return any(
                np.linalg.norm(place - self._flat(item) - length * self._way(way)) <= 0.02 + 0.1 * length + SLACK_M
                for way, item in self._sided(phrase)
            )
        if form == "between":
            pairs = [ids for words in BETWEEN for _, rest in _splits(phrase, f" {words} the ")
                     for ids in self.reader._anchors(rest, 2)]  # fmt: skip
            return any(self._hull(ids).buffer(SLACK_M).contains(FlatPoint(place)) for ids in pairs)
        words = {"on": ON, "inside": INSIDE, "under": UNDER, "near": NEAR}[form]
        items = [item for word in words for item in self._anchored(phrase, word)]
        if form in ("on", "inside"):
            return surface.owner in items
        if form == "under":
            low = {item: self.measured.things[item].vertices[:, 2].min() for item in items}
            return any(
                self._hull((item,)).buffer(SLACK_M).contains(FlatPoint(place)) and low[item] > surface.height - HEIGHT_M
                for item in items
            )
        return any(np.linalg.norm(place - self._flat(item)) <= self._reach(item) + SLACK_M for item in items)

    def _beside(self, phrase: str, place: np.ndarray) -> bool:
        """In the sector of 90 degrees to the named side, within reach."""
        for way, item in self._sided(phrase):
            offset = place - self._flat(item)
            length = float(np.linalg.norm(offset))
            if offset @ self._way(way) >= np.sqrt(0.5) * length - SLACK_M and length <= self._reach(item) + SLACK_M:
                return True
        return False

    def _sided(self, phrase: str) -> Iterator[tuple[str, int]]:
        for words, way in SIDES.items():
            for item in self._anchored(phrase, words):
                yield way, item

    def _anchored(self, phrase: str, words: str) -> Iterator[int]:
        """What "the ..." after these words singles out."""
        for _, rest in _splits(phrase, f" {words} the "):
            picks = self.reader.picks(f"the {rest}")
            if len(picks) == 1:
                yield from picks

    def _at_side(self, place: np.ndarray, surface: Surface, relation: str, label: str, slack: float) -> bool:
        """In the rectangle around the surface, its sides named by the viewer's directions."""
        corners = self._rectangle(Polygon(surface.polygon))
        center, sides = corners.mean(axis=0), [corners[1] - corners[0], corners[2] - corners[1]]
        right, forward = self.measured.right[:2], self.measured.forward[:2]
        across = max(sides, key=lambda side: abs(side @ right) / np.linalg.norm(side))
        away = next(side for side in sides if side is not across)
        shares = []
        for side, way in ((across, right), (away, forward)):
            length = float(np.linalg.norm(side))
            unit = side / length * (1 if side @ way > 0 else -1)
            shares.append((float((place - center) @ unit) / (length / 2), slack / (length / 2)))
        signs = {"left": (0, -1), "right": (0, 1), "near": (1, -1), "far": (1, 1)}
        share = CORNER_SHARE if relation == "corner" else EDGE_SHARE
        for word in label.split():
            axis, sign = signs[word]
            if sign * shares[axis][0] < 1 - 2 * share - shares[axis][1]:
                return False
            if relation == "edge" and abs(shares[1 - axis][0]) > 1 - 2 * CORNER_SHARE + shares[1 - axis][1]:
                return False
        return True

    def _rectangle(self, outline: Polygon) -> np.ndarray:
        """(4, 2) corners of the smallest rectangle around an outline; the viewer's own around one without corners.

        A round outline has as many smallest rectangles as sides, none of which anybody sees: it is turned until the
        viewer looks along y, and gets the upright rectangle there.
        """
        smallest = outline.minimum_rotated_rectangle
        if outline.area < CORNERED_SHARE * smallest.area:
            heading = math.atan2(self.measured.right[1], self.measured.right[0])
            turned = affinity.rotate(outline, -heading, origin=(0, 0), use_radians=True).envelope
            smallest = affinity.rotate(turned, heading, origin=(0, 0), use_radians=True)
        return np.array(smallest.exterior.coords)[:4]

    def _flat(self, item: int) -> np.ndarray:
        return self.measured.things[item].center[:2]

    def _way(self, way: str) -> np.ndarray:
        right, forward = self.measured.right[:2], self.measured.forward[:2]
        return {"left": -right, "right": right, "front": -forward, "behind": forward}[way]

    def _corners(self, item: int) -> np.ndarray:
        thing = self.measured.things[item]
        unit = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        return (unit * thing.size + thing.local_low) @ thing.pose[:3, :3].T + thing.pose[:3, 3]

    def _hull(self, items: tuple[int, ...]) -> Polygon:
        return MultiPoint(np.concatenate([self._corners(item)[:, :2] for item in items])).convex_hull

    def _reach(self, item: int) -> float:
        corners = self._corners(item)[:, :2]
        return max(0.2, 2 * float(np.linalg.norm(corners - self._flat(item), axis=1).max()))
