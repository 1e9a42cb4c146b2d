"""How ranks, relations and orientations are said: several natural wordings of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from roborefer.refspatial import grammar

# First of all by axis; {} is the noun phrase's place, so "{} on the far left" follows the noun.
_FIRST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("leftmost {}", "{} on the far left", "first {} from the left"),
        "right": ("rightmost {}", "{} on the far right", "first {} from the right"),
        "front": ("frontmost {}", "{} at the very front", "first {} from the front"),
        "behind": ("rearmost {}", "{} at the very back", "first {} from the back"),
        "close": ("closest {}", "nearest {}", "{} closest to the camera", "{} nearest to the viewer"),
        "far": ("farthest {}", "most distant {}", "{} farthest from the camera", "{} farthest from the viewer"),
        "above-world": ("highest {}", "topmost {}", "{} placed highest"),
        "below-world": ("lowest {}", "{} placed lowest"),
        "above-image": ("{} highest in the image", "{} nearest to the top of the image"),
        "below-image": ("{} lowest in the image", "{} nearest to the bottom of the image"),
        "big": ("largest {}", "biggest {}"),
        "small": ("smallest {}",),
        "tall": ("tallest {}",),
        "short": ("shortest {}",),
        "wide": ("widest {}",),
        "thin": ("narrowest {}", "thinnest {}"),
    }
)
# Of exactly two.
_OF_TWO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("left-hand {}", "{} on the left"),
        "right": ("right-hand {}", "{} on the right"),
        "front": ("front {}", "{} in the front"),
        "behind": ("back {}", "{} in the back"),
        "close": ("closer {}", "nearer {}"),
        "far": ("farther {}", "more distant {}"),
        "above-world": ("higher {}", "upper {}"),
        "below-world": ("lower {}",),
        "big": ("larger {}", "bigger {}"),
        "small": ("smaller {}",),
        "tall": ("taller {}",),
        "short": ("shorter {}",),
        "wide": ("wider {}",),
        "thin": ("narrower {}", "thinner {}"),
    }
)
# The k-th; # is the ordinal.
_LATER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("# {} from the left", "# {} counting from the left", "# {} from left to right"),
        "right": ("# {} from the right", "# {} counting from the right", "# {} from right to left"),
        "front": ("# {} from the front", "# {} counting from the front", "# {} from front to back"),
        "behind": ("# {} from the back", "# {} counting from the back", "# {} from back to front"),
        "close": ("# closest {}", "# nearest {}", "# closest {} to the camera", "# nearest {} to the viewer"),
        "far": ("# farthest {}", "# most distant {}", "# farthest {} from the camera"),
        "above-world": ("# {} from the top", "# highest {}"),
        "below-world": ("# {} from the bottom", "# lowest {}"),
        "big": ("# largest {}", "# biggest {}"),
        "small": ("# smallest {}",),
        "tall": ("# tallest {}",),
        "short": ("# shortest {}",),
        "wide": ("# widest {}",),
        "thin": ("# narrowest {}",),
    }
)
AXES = tuple(_FIRST)
"""Relations by which candidates can be ranked."""

# By end, and whether it is the first of all.
_DISTANCE: Mapping[tuple[str, bool], tuple[str, ...]] = MappingProxyType(
    {
        ("nearest", True): ("{} closest to", "{} nearest to", "closest {} to"),
        ("farthest", True): ("{} farthest from", "{} most distant from"),
        ("nearest", False): ("# closest {} to", "# nearest {} to"),
        ("farthest", False): ("# farthest {} from",),
    }
)

RELATION_WORDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("to the left of", "left of", "on the left side of"),
        "right": ("to the right of", "right of", "on the right side of"),
        "front": ("in front of",),
        "behind": ("behind",),
        "close": ("closer to the camera than", "nearer to the viewer than"),
        "far": ("farther from the camera than", "farther from the viewer than"),
        "above-world": ("above", "higher up than"),
        "below-world": ("below", "lower down than"),
        "above-image": ("higher in the image than", "further up in the image than"),
        "below-image": ("lower in the image than", "further down in the image than"),
        "inside": ("inside", "in"),
        "outside": ("outside",),
        "on": ("on", "on top of", "resting on"),
        "touch": ("touching", "in contact with"),
        "far-from": ("far from", "far away from"),
        "big": ("that is bigger than", "that is larger than"),
        "small": ("that is smaller than",),
        "tall": ("that is taller than",),
        "short": ("that is shorter than",),
        "wide": ("that is wider than",),
        "thin": ("that is narrower than", "that is thinner than"),
        "face": ("facing", "that faces"),
        "back": ("with its back to", "facing away from"),
        "between": ("between", "in between"),
    }
)
"""What stands between a noun and the anchor it is related to."""

# Parts that face somewhere rather than point there, and parts that are several.
_FACING_PARTS = frozenset({"face", "screen", "display", "dial", "label", "lens", "spine"})
_SEVERAL_PARTS = frozenset({"tines", "bristles", "legs"})
_POINTING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("to the left", "left"),
        "right": ("to the right", "right"),
        "towards": ("towards the camera", "towards the viewer"),
        "away": ("away from the camera", "away from the viewer"),
    }
)
_FACING: Mapping[str, tuple[str, ...]] = MappingProxyType({**_POINTING, "towards": ("the camera", "the viewer")})


def rank_wordings(axis: str, position: int, candidates: int, *, among: bool = False) -> list[tuple[str, str]]:
    """What can stand before and after the noun: ("third", "from the left"), ("leftmost", ""), ("left-hand", "").

    Args:
        axis: One of :data:`AXES`.
        position: From 1.
        candidates: How many there are; of two, "the larger mug" will do.
        among: For "the third from the left among the mugs behind the plate", where something must stand before.
    """
    if position > 1:
        patterns = tuple(pattern.replace("#", grammar.ordinal(position)) for pattern in _LATER.get(axis, ()))
    else:
        patterns = _FIRST[axis] + (_OF_TWO.get(axis, ()) if candidates == 2 and not among else ())
    found = [_split(pattern) for pattern in patterns]
    return [wording for wording in found if wording[0]] if among else found


def distance_wordings(end: str, position: int) -> list[tuple[str, str]]:
    """As :func:`rank_wordings`: ("", "closest to"), ("second closest", "to")."""
    patterns = _DISTANCE[end, position == 1]
    return [_split(pattern.replace("#", grammar.ordinal(position))) for pattern in patterns]


def orientation_wordings(direction: str, way: str, *, plural: bool) -> list[str]:
    """ "whose handle points to the left"; a front faces: "that faces left", "facing the camera"."""
    if direction == "front":
        verb = "face" if plural else "faces"
        return [f"{form} {words}" for words in _FACING[way] for form in (f"that {verb}", "facing")]
    faces = direction in _FACING_PARTS
    verb, participle = ("face", "facing") if faces else ("point", "pointing")
    verb = verb if direction in _SEVERAL_PARTS else f"{verb}s"
    have = "their" if plural else "its"
    forms = (f"whose {direction} {verb}", f"with {have} {direction} {participle}")
    return [f"{form} {words}" for words in (_FACING if faces else _POINTING)[way] for form in forms]


def _split(pattern: str) -> tuple[str, str]:
    before, _, after = pattern.partition("{}")
    return before.strip(), after.strip()
