"""What is true in one scene, each comparison made once: relations as yes, no or unclear, and who can be spoken of."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from roborefer.refspatial.relations import RELATIONS, Finding, is_seen_well, nearer_to
from roborefer.refspatial.relations.measures import seen
from roborefer.refspatial.scene_graph import Scene, SceneObject
from roborefer.refspatial.surface_views import viewer_axes
from roborefer.refspatial.thresholds import THRESHOLDS

Truth = bool | None
"""None: it cannot be told without doubt."""

# Colours that one viewer in some light calls by the other's name.
_CONFUSABLE_COLORS = frozenset(
    frozenset(pair)
    for pair in (
        ("red", "orange"), ("red", "pink"), ("red", "brown"), ("orange", "yellow"), ("orange", "brown"),
        ("purple", "blue"), ("purple", "pink"), ("gray", "black"), ("gray", "silver"), ("gray", "white"),
        ("silver", "white"), ("brown", "black"), ("beige", "white"), ("beige", "brown"), ("beige", "yellow"),
        ("teal", "green"), ("teal", "blue"), ("gold", "yellow"), ("gold", "brown"), ("gold", "orange"),
    )
)  # fmt: skip
# Things that one viewer calls by the other's name.
_CONFUSABLE_NOUNS = tuple(
    frozenset(words)
    for words in (
        ("mug", "cup", "teacup", "coffee cup"),
        ("cup", "glass", "tumbler"),
        ("bowl", "dish"),
        ("plate", "dish", "saucer"),
        ("pot", "saucepan", "pan", "frying pan"),
        ("teapot", "kettle", "pot"),
        ("jar", "canister"),
        ("bottle", "flask", "thermos"),
        ("can", "tin", "soda can"),
        ("box", "carton", "case", "crate"),
        ("basket", "bin", "crate"),
        ("bag", "pouch", "sack"),
        ("book", "notebook", "notepad", "magazine"),
        ("pen", "pencil", "marker", "crayon"),
        ("laptop", "tablet", "monitor", "screen"),
        ("phone", "tablet", "remote control", "calculator", "game controller"),
        ("tablet", "notebook", "cutting board"),
        ("jug", "teapot", "kettle"),
        ("cardboard box", "shoe box", "gift box"),
        ("pen", "pencil", "paintbrush", "glue stick", "screwdriver"),
        ("thermos", "can", "jar"),
        ("building block", "eraser", "die"),
        ("lemon", "lime"),
        ("cereal box", "tea box"),
        ("paper roll", "roll of tape"),
        ("potted plant", "cactus"),
        ("table lamp", "desk lamp"),
        ("stool", "side table", "ottoman"),
        ("trash can", "bucket", "bin"),
        ("crate", "cardboard box"),
        ("orange", "tangerine", "peach"),
        ("apple", "peach", "tomato"),
        ("ball", "globe"),
        ("vase", "jug", "pitcher", "jar"),
        ("cushion", "pillow"),
        ("chair", "stool", "armchair"),
        ("plant", "flower", "vase of flowers"),
        ("toy car", "toy truck", "toy bus", "toy train"),
        ("teddy bear", "doll", "stuffed animal", "plush toy"),
        ("building block", "block", "cube", "die", "puzzle cube"),
        ("clock", "watch"),
        ("pen holder", "cup", "vase"),
        ("tray", "plate"),
        ("candle", "jar"),
    )
)

# What lies flat, or has no side that people would call its face: its front is known to the scene only.
_FACELESS = frozenset(
    {"notebook", "book", "stapler", "flashlight", "keyboard", "computer mouse", "phone", "tablet", "remote control",
     "calculator", "game controller", "shoe box", "toolbox", "spray bottle"}
)  # fmt: skip

CONTAINERS = frozenset({"bowl", "box", "tray"})
"""Kinds of surfaces that lie inside of what owns them."""

# What lies in their hollow lies, people say, on them.
_FLAT = frozenset({"plate", "tray", "saucer", "cutting board", "pan"})

# A category whose name means something else where pictures are spoken of.
_SPOKEN = {"camera": "photo camera"}

WAYS = ("left", "right", "towards", "away")
"""Where a named direction of an object can point, seen by the viewer."""


class SceneFacts:
    """The comparisons of one scene, made when first asked for and kept."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.objects: dict[int, SceneObject] = {item.id: item for item in scene.objects}
        self.shown = tuple(item.id for item in scene.objects if seen(scene, item.id).pixels > 0)
        """Ids of whatever shows at least a pixel: it may be mistaken for what is meant."""
        self.well = frozenset(item for item in self.shown if is_seen_well(scene, item))
        """Ids of what can be asked for and referred to."""
        self.resolved: dict[Any, Any] = {}
        """What phrases pick out; kept by ``phrases.py``."""
        self.shows_a_camera = any(self.objects[item].category.endswith("camera") for item in self.shown)
        self._containers = {surface.owner for surface in scene.surfaces if surface.kind in CONTAINERS}
        self._containers |= {other.inside for other in scene.objects}
        self._findings: dict[tuple[Any, ...], Finding] = {}
        self._truths: dict[tuple[Any, ...], Truth] = {}
        self._ways: dict[tuple[int, str], tuple[float, ...] | None] = {}

    def finding(self, relation: str, *arguments: Any) -> Finding:
        """The relation's finding: ``finding("left", 1, 2)`` asks whether 1 is to the left of 2."""
        key = (relation, *arguments)
        found = self._findings.get(key)
        if found is None:
            found = self._findings[key] = RELATIONS[relation].function(self.scene, *arguments)
        return found

    def truth(self, relation: str, *ids: int) -> Truth:
        """Whether a relation holds between objects; "on" is known beside the relations.

        Nothing is related to itself.
        """
        key = (relation, *ids)
        if key not in self._truths:
            self._truths[key] = self._truth(relation, *ids)
        return self._truths[key]

    def nearer(self, a: int, b: int, anchor: int) -> Truth:
        """Whether ``a`` is nearer to the anchor than ``b``, from centre to centre."""
        key = ("nearer", a, b, anchor)
        if key not in self._truths:
            found = nearer_to(self.scene, a, b, anchor)
            self._truths[key] = found.holds if found.clear else None
        return self._truths[key]

    def points(self, item: int, direction: str, way: str) -> Truth:
        """Whether an object's named direction points the viewer's way; what has no such direction does not.

        It does within 45 degrees of the way, and without doubt below 30 and above 60.
        """
        pointing = self.pointing(item, direction)
        if pointing is None:
            return False
        axis, positive = divmod(WAYS.index(way), 2)
        along = pointing[axis] if positive else -pointing[axis]
        degrees = math.degrees(math.acos(max(-1.0, min(1.0, along))))
        if abs(degrees - THRESHOLDS.facing_degrees) < THRESHOLDS.facing_margin_degrees:
            return None
        return degrees < THRESHOLDS.facing_degrees

    def pointing(self, item: int, direction: str) -> tuple[float, ...] | None:
        """An object's named direction as (right, away, up) of the viewer, a unit vector; None if it has none."""
        key = (item, direction)
        if key not in self._ways:
            vector = self.objects[item].directions.get(direction)
            self._ways[key] = None if vector is None else self._in_view(vector)
        return self._ways[key]

    def has_face(self, item: int) -> bool:
        """Whether people would say of an object that it faces something."""
        return "front" in self.objects[item].directions and self.objects[item].category not in _FACELESS

    def is_container(self, item: int) -> bool:
        """Whether things can be inside of it, so that "outside" says something."""
        return item in self._containers and not self.is_flat(item)

    def is_flat(self, item: int) -> bool:
        """Whether things are on it even where the scene has them inside: plates and trays."""
        return self.objects[item].category in _FLAT

    def viewer_words(self, words: str) -> str:
        """Words about the camera that took the picture; where one lies on the table it is called the viewer."""
        return words.replace("the camera", "the viewer") if self.shows_a_camera else words

    def is_called(self, item: int, noun: str | None) -> Truth:
        """Whether viewers call an object by this noun; None is "object", which is everything."""
        category = self.objects[item].category
        if noun is None or category == noun or category.endswith(f" {noun}"):
            return True
        doubtful = noun.endswith(f" {category}") or any({category, noun} <= group for group in _CONFUSABLE_NOUNS)
        return None if doubtful or noun in self.objects[item].also_called else False

    def has_color(self, item: int, color: str) -> Truth:
        """Whether viewers call an object's colour so; of what has no single colour they might."""
        own = self.objects[item].color
        if own == color:
            return True
        return None if own is None or frozenset((own, color)) in _CONFUSABLE_COLORS else False

    def has_material(self, item: int, material: str) -> Truth:
        """Whether viewers take an object to be made of it; where that cannot be told by looking they might."""
        own = self.objects[item].material
        return None if own is None else own == material

    def has_attribute(self, item: int, attribute: str) -> Truth:
        return attribute in self.objects[item].attributes

    def _truth(self, relation: str, *ids: int) -> Truth:
        if len(set(ids)) < len(ids):
            return False
        if relation == "on":
            return self._rests_on(*ids)
        if relation in ("face", "back") and not self.has_face(ids[0]):
            return None if "front" in self.objects[ids[0]].directions else False
        if relation == "outside" and not self.is_container(ids[1]):
            return None
        if relation == "inside" and self.is_flat(ids[1]):
            return None
        found = self.finding(relation, *ids)
        return found.holds if found.clear else None

    def _rests_on(self, upper: int, lower: int) -> Truth:
        """On the thing itself, in plain sight; what lies in it, or on something that lies on it, is a doubtful case."""
        support: int | str | None = upper
        for depth in range(len(self.objects) + 1):
            contained = self.objects[support].inside if isinstance(support, int) else None
            support = self._support(support)
            if contained == lower:
                return True if depth == 0 and self.is_flat(lower) else None
            if support == lower:
                return True if depth == 0 and contained is None else None
            if not isinstance(support, int):
                return False
        return None

    def _support(self, item: int | str | None) -> int | str | None:
        support = self.objects[item].supported_by if isinstance(item, int) else None
        if isinstance(support, str):
            owner = next((surface.owner for surface in self.scene.surfaces if surface.name == support), None)
            return support if owner is None else owner
        return support

    def _in_view(self, vector: tuple[float, float, float]) -> tuple[float, ...]:
        axes = viewer_axes(self.scene.camera)
        level = np.array(vector[:2])
        return (float(level @ axes.right), float(level @ axes.forward), float(vector[2]))


def spoken(category: str) -> str:
    """The noun for a category: "the camera" is the one that took the picture."""
    return _SPOKEN.get(category, category)


@lru_cache(maxsize=8)
def facts_of(scene: Scene) -> SceneFacts:
    """The facts of a scene; the latest eight are kept."""
    return SceneFacts(scene)
