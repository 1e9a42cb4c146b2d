"""Brings a user's own meshes into the simulator: OBJ or binary glTF, each with a sidecar (``sidecar.py``).

The mesh is turned so that z is up and its front looks along -y, scaled to metres and set down. Needs trimesh:
``pip install 'roborefer[assets]'``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.simulation.asset_files import asset_files, brings_normals
from roborefer.refspatial.simulation.collision import body_of, inside_polygon
from roborefer.refspatial.simulation.mesh import Material, Part, SimulatedObject
from roborefer.refspatial.simulation.sidecar import Sidecar, read_sidecar
from roborefer.refspatial.simulation.soundness import foot_height

if TYPE_CHECKING:
    import trimesh

MAX_TRIANGLES = 200_000
MAX_TEXTURE_SIDE = 1024
"""Larger textures are made smaller: the renderer samples far coarser."""
SIZE_LIMITS = (0.005, 1.6)
"""Shortest and longest extent along the longest side, metres; beyond them the scale is nearly surely wrong."""
LEAST_THICKNESS = 0.001
"""Of the thinnest side, metres: relations and contacts need things that have a thickness."""

_NATIVE = {".glb": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)), ".obj": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0))}
"""Front and up of a format, in its own axes."""
_LARGE = 0.45  # metres; larger things stand on the floor alone ...
_SMALL = 0.12  # ... and smaller ones do not lie about there
_FURNITURE = ("table", "desk", "shelf", "counter")
_CREASE_DEGREES = 40.0
_LEAST_AREA = 1e-12  # twice a triangle's, square metres
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asset:
    """An imported thing.

    Attributes:
        object: Metric, z up, base at 0, front along -y.
        licence: Of its mesh.
        places: Kinds of surface on which it is met.
    """

    object: SimulatedObject
    licence: str
    places: tuple[str, ...]


def import_asset(path: str | os.PathLike[str]) -> Asset:
    """One mesh file and its sidecar.

    Args:
        path: An OBJ or GLB file. Textures must lie in its folder (OBJ) or inside it (GLB).

    Raises:
        InputError: The file or its sidecar is missing, broken, too large, of no or unlikely size, would fall over, or
            trimesh is not installed.
    """
    file = Path(path)
    name = source_name(file)
    _, sidecar, *_ = asset_files(file)
    facts = read_sidecar(sidecar, file)
    rotation = _rotation(facts, file)
    directions = {} if facts.front is None else {"front": (0.0, -1.0, 0.0)}
    item = SimulatedObject(
        category=facts.name,
        parts=_set_down(_parts(file, facts.scale * rotation), name),
        color=facts.color,
        material=facts.material,
        attributes=facts.attributes,
        directions={**directions, **{word: _turned(rotation, vector) for word, vector in facts.directions.items()}},
        rolls=facts.rolls,
        shape_key=f"{facts.name}/{file.stem}",
        also_called=facts.also_called,
    )
    _check_stands(item, name)
    return Asset(item, facts.licence, facts.places or _places(item))


def _parts(file: Path, linear: Vector) -> list[Part]:
    """The file's meshes, turned and scaled by a (3, 3) matrix."""
    name = source_name(file)
    pieces = _load(file)
    triangles = sum(len(mesh.faces) for mesh, _ in pieces)
    if triangles > MAX_TRIANGLES:
        raise InputError(
            f"expected at most {MAX_TRIANGLES} triangles, got {triangles} in {name}: simplify the mesh first"
        )
    if not all(np.isfinite(mesh.vertices).all() and np.isfinite(pose).all() for mesh, pose in pieces):
        raise InputError(f"expected finite vertices, got NaN or infinity in {name}: export it again")
    has_normals, is_gltf = bool(pieces) and brings_normals(file), file.suffix.lower() == ".glb"
    made = [_part(mesh, linear @ pose[:3], has_normals, is_gltf) for mesh, pose in pieces]
    parts = [part for part in made if part is not None]
    if not parts:
        raise InputError(f"expected a mesh with triangles that have an area, got none in {name}: export it again")
    return parts


def _places(item: SimulatedObject) -> tuple[str, ...]:
    """Where a thing of that size is met."""
    low, high = item.bounds
    longest = float((high - low).max())
    if longest > _LARGE:
        return ("floor",)
    return _FURNITURE if longest < _SMALL else (*_FURNITURE, "floor")


def _rotation(facts: Sidecar, file: Path) -> Vector:
    """(3, 3): from the file's axes to ours, z up and front along -y."""
    forward, upward = (np.array(axis) for axis in _NATIVE[file.suffix.lower()])
    if facts.up is not None:
        # A format's own front may be a sidecar's up; what has no face may be turned any way then.
        forward = forward if abs(float(forward @ facts.up)) < 0.5 else upward
        upward = facts.up
        forward = forward - upward * float(forward @ upward)
        forward = forward / np.linalg.norm(forward)
    if facts.front is not None:
        forward = facts.front
    if abs(float(forward @ upward)) > 1e-3:
        raise InputError(
            f"expected 'front' at right angles to 'up' in {source_name(file.with_suffix('.json'))}, "
            f"got {_axis_text(forward)} and {_axis_text(upward)}: state both"
        )
    back = -forward
    return np.stack([np.cross(back, upward), back, upward])


def _axis_text(vector: Vector) -> str:
    return "[" + ", ".join(f"{component:g}" for component in vector.round(3) + 0.0) + "]"


def _turned(rotation: Vector, vector: Vector) -> tuple[float, float, float]:
    x, y, z = (rotation @ vector).tolist()
    return (x, y, z)


def _load(file: Path) -> list[tuple[trimesh.Trimesh, Vector]]:
    """The file's meshes, each with its (4, 4) place in the file's frame."""
    try:
        import trimesh
    except ImportError as error:
        raise InputError("importing assets needs trimesh: pip install 'roborefer[assets]'") from error
    try:
        scene = trimesh.load_scene(file, file_type=file.suffix.lower().lstrip("."), process=False)
        placed = [scene.graph[node] for node in scene.graph.nodes_geometry]
        pieces = [(scene.geometry[name], np.asarray(pose, np.float64)) for pose, name in placed]
        return [(mesh, pose) for mesh, pose in pieces if isinstance(mesh, trimesh.Trimesh)]
    except Exception as error:  # a broken file makes its readers raise nearly anything
        raise InputError(
            f"expected a whole {file.suffix[1:].upper()} mesh, got a broken one in {source_name(file)} "
            f"({one_line(error)}): export it again"
        ) from error


def _part(mesh: trimesh.Trimesh, frame: Vector, brings_normals: bool, is_gltf: bool) -> Part | None:
    """A mesh through an affine frame, (3, 4); None if none of its triangles has an area."""
    import trimesh

    vertices = np.asarray(mesh.vertices, np.float64) @ frame[:, :3].T + frame[:, 3]
    faces = np.asarray(mesh.faces, np.int64)
    if np.linalg.det(frame[:, :3]) < 0:
        faces = faces[:, ::-1]  # a mirrored triangle turns the other way round
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    # Loose vertices would stretch the bounds.
    used, faces = np.unique(faces[area > _LEAST_AREA], return_inverse=True)
    if not len(used):
        return None
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    closed = trimesh.Trimesh(vertices, faces)
    inside_out = closed.is_watertight and closed.volume < 0
    if inside_out:
        faces = faces[:, ::-1]
    uv, material = _appearance(mesh, is_gltf)
    if brings_normals:
        kept = np.arange(len(used))
        normals = np.asarray(mesh.vertex_normals, np.float64)[used] @ np.linalg.pinv(frame[:, :3])
        normals = -normals if inside_out else normals
    else:
        kept, faces, normals = creased(vertices, faces)
    return Part(
        vertices=vertices[kept].astype(np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        normals=_unit(normals).astype(np.float32),
        uv=uv[used][kept],
        material=material,
    )


def creased(vertices: Vector, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector]:
    """Normals for a mesh that brings none: smooth over gentle edges, broken at sharp ones.

    Args:
        vertices: (V, 3), metres.
        faces: (F, 3).

    Returns:
        For each new vertex (there is one more on each side of a sharp edge) the old one's index, (N,); the faces of
        the new ones, (F, 3); and the new ones' normals, (N, 3), of any length.
    """
    from trimesh.graph import face_adjacency

    # Where texture coordinates break, vertices lie in one place twice.
    _, place = np.unique(vertices.round(6), axis=0, return_inverse=True)
    places = place.reshape(-1)[faces]
    corners = vertices[faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # as long as twice the area
    unit = _unit(facing)
    pairs = face_adjacency(faces=places)
    gentle = (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1) > np.cos(np.radians(_CREASE_DEGREES))
    patch = np.repeat(_connected(pairs[gentle], len(faces)), 3)
    _, shared = np.unique(np.stack((places.reshape(-1), patch), axis=1), axis=0, return_inverse=True)
    sums = np.zeros((int(shared.max()) + 1, 3))
    np.add.at(sums, shared.reshape(-1), np.repeat(facing, 3, axis=0))
    own = np.stack((faces.reshape(-1), patch), axis=1)
    keys, first, new = np.unique(own, axis=0, return_index=True, return_inverse=True)
    return keys[:, 0], new.reshape(-1, 3), sums[shared.reshape(-1)[first]]


def _connected(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(count,): a number for each of ``count`` things, the same for two that pairs (P, 2) connect."""
    # Each group points at its lowest neighbour's, and then all members at their group's end (Shiloach, Vishkin 1982).
    numbers = np.arange(count)
    while True:
        one, other = numbers[pairs].T
        apart = one != other
        if not apart.any():
            return numbers
        np.minimum.at(numbers, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while (numbers[numbers] != numbers).any():
            numbers = numbers[numbers]


def _unit(vectors: Vector) -> Vector:
    """Of length 1; where triangles cancel out any unit vector will do."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 1e-12, vectors / np.maximum(lengths, 1e-12), (0.0, 0.0, 1.0))


def _appearance(mesh: trimesh.Trimesh, is_gltf: bool) -> tuple[NDArray[np.float32], Material]:
    """Texture coordinates and material, from what trimesh read; a light grey where there is nothing."""
    from trimesh.visual.texture import TextureVisuals

    uv = np.zeros((len(mesh.vertices), 2), np.float32)
    visual = mesh.visual
    if not isinstance(visual, TextureVisuals):
        plain = None if visual is None or not visual.defined else visual.main_color
        return uv, Material(_color(plain, is_gltf))
    if visual.uv is not None and len(visual.uv) == len(uv) and np.isfinite(visual.uv).all():
        uv = np.asarray(visual.uv, np.float32)
    source: Any = visual.material
    picture = getattr(source, "baseColorTexture", None) or getattr(source, "image", None)
    texture = None
    if picture is not None:
        shown = read_image(picture)
        shown.thumbnail((MAX_TEXTURE_SIDE, MAX_TEXTURE_SIDE))
        texture = np.asarray(shown)
    if texture is None:
        color = _color(source.main_color, is_gltf)
    else:  # an OBJ's colour is often left grey or black where a picture takes its place
        factor = getattr(source, "baseColorFactor", None)
        color = (1.0, 1.0, 1.0) if factor is None else _color(factor, is_gltf)
    roughness, metallic = getattr(source, "roughnessFactor", None), getattr(source, "metallicFactor", None)
    return uv, Material(
        color=color,
        roughness=0.5 if roughness is None else float(np.clip(roughness, 0, 1)),
        metallic=0.0 if metallic is None else float(np.clip(metallic, 0, 1)),
        texture=texture,
    )


def _color(rgba: ArrayLike | None, is_linear: bool) -> tuple[float, float, float]:
    """Linear RGB from 8 bits: glTF's factors are linear, OBJ's colours sRGB."""
    if rgba is None:
        return Material.color
    values = np.asarray(rgba, np.float64)[:3] / 255.0
    linear = values if is_linear else np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear.tolist()
    return (red, green, blue)


def _set_down(parts: list[Part], name: str) -> tuple[Part, ...]:
    """Centres the footprint on the origin and puts the base on z = 0."""
    low = np.min([part.vertices.min(axis=0) for part in parts], axis=0)
    high = np.max([part.vertices.max(axis=0) for part in parts], axis=0)
    longest, thinnest = float((high - low).max()), float((high - low).min())
    if not SIZE_LIMITS[0] <= longest <= SIZE_LIMITS[1]:
        raise InputError(
            f"expected a longest side of {SIZE_LIMITS[0]} to {SIZE_LIMITS[1]} m, got {longest:.3g} m in {name}: "
            "set 'scale' (metres per unit) in its sidecar"
        )
    if thinnest < LEAST_THICKNESS:
        raise InputError(
            f"expected a thing at least {1000 * LEAST_THICKNESS:g} mm thick, got {1000 * thinnest:.2g} mm in {name}: "
            "give the mesh a thickness"
        )
    offset = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], np.float32)
    return tuple(Part(part.vertices - offset, part.faces, part.normals, part.uv, part.material) for part in parts)


def _check_stands(item: SimulatedObject, name: str) -> None:
    """Refuses what no layout could hold, by the test that layouts have to pass."""
    body = body_of(item)
    if not item.rolls and inside_polygon(body.center_of_mass[:2], body.base(foot_height(body))) < 0:
        raise InputError(
            f"expected a thing that stands on its base, got one that would fall over in {name}: set 'up' in its "
            'sidecar, or "rolls": true if it lies as it likes'
        )
