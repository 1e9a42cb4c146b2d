"""What a mesh file does not tell, read from the JSON beside it: what it shows, how it lies, whether it may be used.

``mug.json`` stands beside ``mug.glb``::

    {"name": "mug", "licence": "CC0-1.0", "front": "-y", "up": "z", "scale": 0.01, "color": "red",
     "material": "ceramic", "attributes": ["striped"], "directions": {"handle": "+x"},
     "places": ["table", "counter"], "also_called": ["cup"]}

``name`` and ``licence`` must be there. ``front``, ``up`` and ``directions`` are axes of the file ("-y", "+x", ...) or
vectors of three numbers. ``scale`` is metres per unit, 1 by default.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.images import one_line, source_name
from roborefer.refspatial.simulation.objects.catalog import CATEGORIES
from roborefer.refspatial.simulation.objects.colors import COLORS

MAX_SIDECAR_BYTES = 64 * 1024
MAX_WORDS = 40
"""Characters in a name or another word."""

PLACES = ("table", "desk", "shelf", "counter", "floor")
"""Where things are met."""

COLOR_WORDS = (*COLORS, "beige", "gold", "teal")
"""Colours of which it is known what they could be mistaken for."""

_AXES = {
    sign + name: vector
    for name, vector in (("x", (1.0, 0.0, 0.0)), ("y", (0.0, 1.0, 0.0)), ("z", (0.0, 0.0, 1.0)))
    for sign in ("", "+")
} | {"-x": (-1.0, 0.0, 0.0), "-y": (0.0, -1.0, 0.0), "-z": (0.0, 0.0, -1.0)}
_KEYS = (
    "also_called", "attributes", "color", "directions", "front", "licence", "material", "name", "places", "rolls",
    "scale", "up",
)  # fmt: skip
# Words that are said of every scene: a thing of that name could not be told from the room.
_TAKEN = frozenset({*PLACES, "object", "thing", "wall", "window", "room", "viewer", "image", "surface"})
# Texts set their words in brackets and quotes, so a name has neither.
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ '-][A-Za-z0-9]+)*")

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sidecar:
    """What is known of a mesh. Vectors are (3,), unit, in the file's own axes.

    Attributes:
        name: Singular noun.
        licence: Of the mesh.
        front: Where it faces; None for what has no face, such as a vase.
        up: None if the file format's own is meant.
        scale: Metres per unit.
        color, material, attributes: As in ``scene_graph.SceneObject``.
        directions: Named ones ("handle", "spout").
        rolls: Whether it lies or rolls on its own.
        places: On which of :data:`PLACES` it is met; None if its size shall decide.
        also_called: Other nouns that viewers might use for it.
    """

    name: str
    licence: str
    front: Vector | None
    up: Vector | None
    scale: float
    color: str | None
    material: str | None
    attributes: tuple[str, ...]
    directions: Mapping[str, Vector]
    rolls: bool
    places: tuple[str, ...] | None
    also_called: tuple[str, ...]


def read_sidecar(path: Path, mesh: Path) -> Sidecar:
    """Reads and checks a sidecar.

    Args:
        path: The JSON file.
        mesh: Whose it is, for the message when there is none.

    Raises:
        InputError: It is missing, no JSON, or says something that cannot be.
    """
    name = source_name(path)
    content = _read_json(path, mesh)
    unknown = sorted(set(content) - set(_KEYS))
    if unknown:
        raise InputError(f"expected the keys {', '.join(_KEYS)} in {name}, got {unknown[0]!r}: remove it")
    for key in ("name", "licence"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise InputError(f"expected {key!r} as words in {name}, got {content.get(key)!r}: state it")
    called = _checked_name(content["name"], name)
    directions = content.get("directions", {})
    if not isinstance(directions, Mapping) or not all(_WORDS.fullmatch(word) for word in directions):
        raise InputError(f"expected 'directions' as names with axes in {name}, got {directions!r}: write an object")
    places = _words(content, "places", name)
    if set(places) - set(PLACES) or ("places" in content and not places):
        raise InputError(
            f"expected 'places' out of {', '.join(PLACES)} in {name}, got {content['places']!r}: write some of them"
        )
    rolls = content.get("rolls", False)
    if not isinstance(rolls, bool):
        raise InputError(f"expected 'rolls' as true or false in {name}, got {rolls!r}: write one of them")
    return Sidecar(
        name=called,
        licence=" ".join(content["licence"].split()),
        front=_vector(content["front"], "front", name) if "front" in content else None,
        up=_vector(content["up"], "up", name) if "up" in content else None,
        scale=_scale(content, name),
        color=_color(content, name),
        material=_word(content, "material", name),
        attributes=_words(content, "attributes", name),
        directions={word: _vector(value, word, name) for word, value in directions.items()},
        rolls=rolls,
        places=places or None,
        also_called=_words(content, "also_called", name),
    )


def check_file(file: Path, limit: int, remedy: str) -> None:
    """Refuses what is no regular file of at most ``limit`` bytes that may be read."""
    try:
        status = file.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"no such file: {source_name(file)}; check the path") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"expected a regular file, got {source_name(file)}: name a file")
    if status.st_size > limit:
        raise InputError(
            f"expected at most {limit >> 10} KiB, got {status.st_size >> 10} KiB in {source_name(file)}: {remedy}"
        )
    if not os.access(file, os.R_OK):
        raise InputError(f"cannot read {source_name(file)}: permission denied; make it readable")


def _read_json(path: Path, mesh: Path) -> dict[str, Any]:
    name = source_name(path)
    if not path.exists():
        raise InputError(
            f'expected a sidecar {name} beside {source_name(mesh)}: write {{"name": "mug", "licence": "CC0-1.0"}} there'
        )
    check_file(path, MAX_SIDECAR_BYTES, "keep only the sidecar's keys")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"expected JSON in {name}, got {one_line(error)}: mend it") from error
    if not isinstance(content, dict):
        raise InputError(f"expected a JSON object in {name}, got {type(content).__name__}: write an object")
    return content


def _checked_name(text: str, file: str) -> str:
    name = " ".join(text.split())
    if len(name) > MAX_WORDS or not _WORDS.fullmatch(name):
        raise InputError(
            f"expected 'name' as a noun of letters, digits and hyphens, at most {MAX_WORDS} of them, in {file}, "
            f"got {name[: 2 * MAX_WORDS]!r}: write what people call it"
        )
    if name.lower() in _TAKEN:
        raise InputError(
            f"expected 'name' as a noun that no part of a room has in {file}, got {name!r}: write another, "
            f"such as 'toy {name.lower()}'"
        )
    return name.lower() if name.lower() in CATEGORIES else name


def _word(content: Mapping[str, Any], key: str, file: str) -> str | None:
    value = content.get(key)
    if value is not None and not (isinstance(value, str) and _is_plain(value)):
        raise InputError(f"expected {key!r} as a word in {file}, got {value!r}: write one or drop it")
    return value


def _color(content: Mapping[str, Any], file: str) -> str | None:
    color = _word(content, "color", file)
    if color is not None and color not in COLOR_WORDS:
        raise InputError(
            f"expected 'color' out of {', '.join(COLOR_WORDS)} in {file}, got {color!r}: write the nearest, or drop it"
        )
    return color


def _words(content: Mapping[str, Any], key: str, file: str) -> tuple[str, ...]:
    words = content.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and _is_plain(word) for word in words):
        raise InputError(f"expected {key!r} as a list of words in {file}, got {words!r}: write a list")
    return tuple(words)


def _is_plain(word: str) -> bool:
    return len(word) <= MAX_WORDS and _WORDS.fullmatch(word) is not None


def _scale(content: Mapping[str, Any], file: str) -> float:
    scale = content.get("scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < math.inf:
        raise InputError(f"expected 'scale' as metres per unit in {file}, got {scale!r}: write a positive number")
    return float(scale)


def _vector(value: object, key: str, file: str) -> Vector:
    """An axis name or three numbers as a unit vector."""
    if isinstance(value, str) and value in _AXES:
        return np.array(_AXES[value])
    if isinstance(value, list) and len(value) == 3 and all(type(number) in (int, float) for number in value):
        vector = np.array(value, np.float64)
        length = float(np.linalg.norm(vector))
        if 1e-9 < length < math.inf:
            return np.asarray(vector / length)
    raise InputError(
        f'expected {key!r} as an axis like "-y" or three numbers in {file}, got {value!r}: write one of them'
    )
