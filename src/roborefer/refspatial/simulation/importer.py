"""Brings a user's own meshes into the simulator: OBJ or binary glTF, with a sidecar that says what the mesh cannot.

A mesh file does not tell what it shows, which way it faces, how large it is or whether it may be used. The sidecar
``mug.json`` next to ``mug.glb`` does::

    {"name": "mug", "licence": "CC0-1.0", "front": "-y", "up": "z", "scale": 0.01,
     "color": "red", "material": "ceramic", "attributes": ["striped"], "directions": {"handle": "+x"}}

``name`` and ``licence`` must be there. ``front`` and ``up`` are axes of the file ("-y", "+x", ...) or vectors; without
them the format's own are taken (+z and +y in glTF, -y and z in OBJ). ``scale`` is metres per unit, 1 by default.
``directions`` are in the file's axes too. Needs trimesh: ``pip install 'roborefer[assets]'``.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.simulation.mesh import Material, Part, SimulatedObject

if TYPE_CHECKING:
    import trimesh

FORMATS = (".obj", ".glb")
MAX_TRIANGLES = 200_000
MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_SIDECAR_BYTES = 64 * 1024
MAX_TEXTURE_SIDE = 1024
"""Larger textures are made smaller: the renderer samples far coarser."""
SIZE_LIMITS = (0.002, 5.0)
"""Shortest and longest extent along the longest side, metres; beyond them the scale is nearly surely wrong."""

_AXES = {
    sign + name: vector
    for name, vector in (("x", (1.0, 0.0, 0.0)), ("y", (0.0, 1.0, 0.0)), ("z", (0.0, 0.0, 1.0)))
    for sign in ("", "+")
} | {"-x": (-1.0, 0.0, 0.0), "-y": (0.0, -1.0, 0.0), "-z": (0.0, 0.0, -1.0)}
_KEYS = frozenset({"name", "licence", "front", "up", "scale", "color", "material", "attributes", "directions", "rolls"})
_NATIVE = {".glb": ("+z", "+y"), ".obj": ("-y", "+z")}
Vector = NDArray[np.float64]


def import_folder(path: str | os.PathLike[str]) -> tuple[SimulatedObject, ...]:
    """Every asset of a folder (not of its subfolders), in order of file name.

    Raises:
        InputError: There is no such folder, it holds no asset, or one of them cannot be used.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"expected a folder of OBJ or GLB files, got {source_name(folder)}: check the path")
    files = sorted(item for item in folder.iterdir() if item.suffix.lower() in FORMATS)
    if not files:
        raise InputError(f"expected OBJ or GLB files in {source_name(folder)}, found none: export them there")
    return tuple(import_asset(item) for item in files)


def import_asset(path: str | os.PathLike[str]) -> SimulatedObject:
    """One mesh file and its sidecar as an object: metric, z up, base at 0, front along -y.

    Args:
        path: An OBJ or GLB file. Textures must lie in its folder (OBJ) or inside it (GLB).

    Raises:
        InputError: The file or its sidecar is missing, broken, too large, of no or unlikely size, or trimesh is not
            installed.
    """
    file = Path(path)
    name = source_name(file)
    if file.suffix.lower() not in FORMATS:
        raise InputError(f"expected an OBJ or GLB file, got {name}: export the asset as one of them")
    _check_file(file, MAX_FILE_BYTES, "reduce the mesh or its textures")
    facts = _read_sidecar(file.with_suffix(".json"), file)
    rotation = _rotation(facts, file)
    pieces = _load(file)
    triangles = sum(len(piece.faces) for piece in pieces)
    if triangles > MAX_TRIANGLES:
        raise InputError(
            f"expected at most {MAX_TRIANGLES} triangles, got {triangles} in {name}: simplify the mesh first"
        )
    parts = [_part(piece, rotation, float(facts.get("scale", 1.0)), name) for piece in pieces]
    return SimulatedObject(
        category=facts["name"],
        parts=_set_down(parts, name),
        color=facts.get("color"),
        material=facts.get("material"),
        attributes=tuple(facts.get("attributes", ())),
        directions={
            "front": (0.0, -1.0, 0.0),
            **{word: _turned(rotation, _vector(value, word, file)) for word, value in facts["directions"].items()},
        },
        rolls=bool(facts.get("rolls", False)),
        shape_key=f"{facts['name']}/{file.stem}",
    )


def _check_file(file: Path, limit: int, remedy: str) -> None:
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


def _read_sidecar(sidecar: Path, file: Path) -> dict[str, Any]:
    """What the sidecar says, checked; ``directions`` is always there."""
    name = source_name(sidecar)
    if not sidecar.exists():
        raise InputError(
            f'expected a sidecar {name} beside {source_name(file)}: write {{"name": "mug", "licence": "CC0-1.0"}} there'
        )
    _check_file(sidecar, MAX_SIDECAR_BYTES, "keep only the sidecar's keys")
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"expected JSON in {name}, got {one_line(error)}: mend it") from error
    if not isinstance(content, dict):
        raise InputError(f"expected a JSON object in {name}, got {type(content).__name__}: write an object")
    unknown = sorted(set(content) - _KEYS)
    if unknown:
        raise InputError(f"expected the keys {', '.join(sorted(_KEYS))} in {name}, got {unknown[0]!r}: remove it")
    for key in ("name", "licence"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise InputError(f"expected {key!r} as words in {name}, got {content.get(key)!r}: state it")
    _check_words(content, name)
    content["name"] = content["name"].strip()
    return content


def _check_words(content: dict[str, Any], name: str) -> None:
    for key in ("color", "material"):
        if content.get(key) is not None and not isinstance(content[key], str):
            raise InputError(f"expected {key!r} as a word in {name}, got {content[key]!r}: write one or drop it")
    attributes = content.get("attributes", [])
    if not isinstance(attributes, list) or not all(isinstance(word, str) for word in attributes):
        raise InputError(f"expected 'attributes' as a list of words in {name}, got {attributes!r}: write a list")
    scale = content.get("scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < math.inf:
        raise InputError(f"expected 'scale' as metres per unit in {name}, got {scale!r}: write a positive number")
    if not isinstance(content.setdefault("directions", {}), Mapping):
        raise InputError(
            f"expected 'directions' as names with axes in {name}, got {content['directions']!r}: write an object"
        )


def _rotation(facts: Mapping[str, Any], file: Path) -> Vector:
    """(3, 3): from the file's axes to ours, z up and front along -y."""
    front, up = _NATIVE[file.suffix.lower()]
    forward = _vector(facts.get("front", front), "front", file)
    upward = _vector(facts.get("up", up), "up", file)
    if abs(float(forward @ upward)) > 1e-3:
        raise InputError(
            f"expected 'front' at right angles to 'up' in {source_name(file.with_suffix('.json'))}, "
            f"got {facts.get('front', front)!r} and {facts.get('up', up)!r}: state both"
        )
    back = -forward
    return np.stack([np.cross(back, upward), back, upward])


def _vector(value: object, key: str, file: Path) -> Vector:
    """An axis name or three numbers as a unit vector."""
    if isinstance(value, str) and value in _AXES:
        return np.array(_AXES[value])
    if isinstance(value, list) and len(value) == 3 and all(type(number) in (int, float) for number in value):
        vector = np.array(value, np.float64)
        length = float(np.linalg.norm(vector))
        if 1e-9 < length < math.inf:
            return np.asarray(vector / length)
    raise InputError(
        f'expected {key!r} as an axis like "-y" or three numbers in {source_name(file.with_suffix(".json"))}, '
        f"got {value!r}: write one of them"
    )


def _turned(rotation: Vector, vector: Vector) -> tuple[float, float, float]:
    x, y, z = (rotation @ vector).tolist()
    return (x, y, z)


def _load(file: Path) -> list[trimesh.Trimesh]:
    """The file's meshes in its own frame, its scene graph applied."""
    try:
        import trimesh
    except ImportError as error:
        raise InputError("importing assets needs trimesh: pip install 'roborefer[assets]'") from error
    _check_references(file)
    try:
        scene = trimesh.load_scene(file, file_type=file.suffix.lower().lstrip("."))
        pieces = [piece for piece in scene.dump() if isinstance(piece, trimesh.Trimesh) and len(piece.faces)]
    except Exception as error:  # a broken file makes its readers raise nearly anything
        raise InputError(
            f"expected a whole {file.suffix[1:].upper()} mesh, got a broken one in {source_name(file)} "
            f"({one_line(error)}): export it again"
        ) from error
    if not pieces:
        raise InputError(f"expected a mesh with triangles, got none in {source_name(file)}: export it again")
    return pieces


def _check_references(file: Path) -> None:
    """Refuses a file that names others outside its own folder, before a reader follows the names."""
    if file.suffix.lower() == ".glb":
        _check_self_contained(file)
        return
    for library in _names_in(file, (b"mtllib",)):
        target = file.parent / library
        _check_inside(file, library)
        if target.is_file():
            _check_file(target, MAX_FILE_BYTES, "reduce it")
            for picture in _names_in(target, (b"map_",)):
                _check_inside(file, picture)


def _check_self_contained(file: Path) -> None:
    """A GLB's buffers and images must lie inside it: its JSON comes first, after 20 bytes of header."""
    with file.open("rb") as stream:
        header = stream.read(20)
        if len(header) < 20 or header[:4] != b"glTF":
            raise InputError(f"expected a GLB file, got something else in {source_name(file)}: export it again")
        try:
            content = json.loads(stream.read(int.from_bytes(header[12:16], "little")))
            uris = [item.get("uri", "data:") for key in ("buffers", "images") for item in content.get(key, ())]
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise InputError(
                f"expected a whole GLB mesh, got a broken header in {source_name(file)}: export it again"
            ) from error
    outside = [uri for uri in uris if not str(uri).startswith("data:")]
    if outside:
        raise InputError(
            f"expected a GLB that holds all it needs, got a reference to {outside[0]!r} in {source_name(file)}: "
            "export it with buffers and images embedded"
        )


def _names_in(file: Path, keywords: tuple[bytes, ...]) -> list[str]:
    with file.open("rb") as stream:
        return [
            line.split(maxsplit=1)[1].decode("utf-8", "replace").split(" ")[-1].strip()
            for line in stream
            if line.lstrip().lower().startswith(keywords) and len(line.split()) > 1
        ]


def _check_inside(file: Path, name: str) -> None:
    folder = file.parent.resolve()
    if Path(name).is_absolute() or "\\" in name or not (folder / name).resolve().is_relative_to(folder):
        raise InputError(
            f"expected materials and textures beside {source_name(file)}, got {name!r}: copy them into its folder"
        )


def _part(piece: trimesh.Trimesh, rotation: Vector, scale: float, name: str) -> Part:
    vertices = np.asarray(piece.vertices, np.float64)
    faces = np.asarray(piece.faces, np.int64)
    if not np.isfinite(vertices).all():
        raise InputError(f"expected finite vertices, got NaN or infinity in {name}: export it again")
    normals = np.asarray(piece.vertex_normals, np.float64) @ rotation.T
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    # Loose vertices have no normal; any unit vector will do.
    normals = np.where(lengths > 1e-9, normals / np.maximum(lengths, 1e-9), (0.0, 0.0, 1.0))
    uv, material = _appearance(piece, name)
    return Part(
        vertices=(scale * vertices @ rotation.T).astype(np.float32),
        faces=faces.astype(np.int32),
        normals=normals.astype(np.float32),
        uv=uv,
        material=material,
    )


def _appearance(piece: trimesh.Trimesh, name: str) -> tuple[NDArray[np.float32], Material]:
    """Texture coordinates and material, from what trimesh read; a light grey where there is nothing."""
    from trimesh.visual.texture import TextureVisuals

    count = len(piece.vertices)
    visual = piece.visual
    if not isinstance(visual, TextureVisuals):
        # trimesh's plain colours are 8-bit sRGB, RGBA.
        plain = np.full(3, 0.8) if visual is None or not visual.defined else np.asarray(visual.main_color)[:3] / 255.0
        return np.zeros((count, 2), np.float32), Material(_linear(plain), 0.5)
    uv = np.zeros((count, 2), np.float32)
    if visual.uv is not None and len(visual.uv) == count and np.isfinite(visual.uv).all():
        uv = np.asarray(visual.uv, np.float32)
    source: Any = visual.material
    picture = getattr(source, "baseColorTexture", None) or getattr(source, "image", None)
    texture = None
    if picture is not None:
        shown = read_image(picture)
        shown.thumbnail((MAX_TEXTURE_SIDE, MAX_TEXTURE_SIDE))
        texture = np.asarray(shown)
    color = np.asarray(source.main_color, np.float64)[:3] / 255.0
    roughness, metallic = getattr(source, "roughnessFactor", None), getattr(source, "metallicFactor", None)
    return uv, Material(
        color=(1.0, 1.0, 1.0) if texture is not None else _linear(color),
        roughness=0.5 if roughness is None else float(np.clip(roughness, 0, 1)),
        metallic=0.0 if metallic is None else float(np.clip(metallic, 0, 1)),
        texture=texture,
    )


def _linear(srgb: Vector) -> tuple[float, float, float]:
    red, green, blue = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).tolist()
    return (red, green, blue)


def _set_down(parts: list[Part], name: str) -> tuple[Part, ...]:
    """Centres the footprint on the origin and puts the base on z = 0."""
    low = np.min([part.vertices.min(axis=0) for part in parts], axis=0)
    high = np.max([part.vertices.max(axis=0) for part in parts], axis=0)
    longest = float((high - low).max())
    if not SIZE_LIMITS[0] <= longest <= SIZE_LIMITS[1]:
        _wrong_size(longest, name)
    offset = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], np.float32)
    return tuple(Part(part.vertices - offset, part.faces, part.normals, part.uv, part.material) for part in parts)


def _wrong_size(longest: float, name: str) -> NoReturn:
    raise InputError(
        f"expected a longest side of {SIZE_LIMITS[0]} to {SIZE_LIMITS[1]} m, got {longest:.3g} m in {name}: "
        "set 'scale' (metres per unit) in its sidecar"
    )
