"""Meshes from a few lines: lofts, lathes, tubes, spheres, rounded boxes, extrusions.

Everything comes out of one loft where it can: rings of points joined to a skin, smooth where it bends gently and
split where it bends sharply. Faces are counter-clockwise seen from outside, normals point out, prints read upright
from the front (-y). A body whose rings close at both ends is watertight once equal vertices are merged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, signed_area, triangulate

Axis = Literal["x", "y", "z"]
SIDES = ("front", "back", "left", "right", "top", "bottom")
"""Of a box: front is -y, left is -x."""

_AXES = {"x": 0, "y": 1, "z": 2}
_CREASE = math.cos(math.radians(40.0))


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles without a material.

    Attributes:
        vertices: (V, 3) float64, metres.
        faces: (F, 3) int32, counter-clockwise seen from outside.
        normals: (V, 3) float64, unit.
        uv: (V, 2) float64.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    normals: Floats
    uv: Floats

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Shifted, metres."""
        return Mesh(self.vertices + np.array([x, y, z]), self.faces, self.normals, self.uv)

    def turned(self, axis: Axis, degrees: float) -> Mesh:
        """Turned about an axis through the origin, counter-clockwise seen from the axis' tip."""
        rotation = turn(axis, degrees)
        return Mesh(self.vertices @ rotation.T, self.faces, self.normals @ rotation.T, self.uv)

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        """Stretched about the origin; a negative factor mirrors."""
        factors = np.array([x, y, z])
        normals = self.normals / factors
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        faces = self.faces[:, ::-1] if x * y * z < 0 else self.faces
        return Mesh(self.vertices * factors, faces, normals, self.uv)

    def bulged(self, factors: Floats) -> Mesh:
        """Each vertex (V,) times nearer to or farther from the z axis, for ribs and folds; shaded as before."""
        across = np.stack([factors, factors, np.ones_like(factors)], axis=1)
        return Mesh(self.vertices * across, self.faces, self.normals, self.uv)

    def mirrored(self) -> Mesh:
        """Left and right swapped."""
        return self.scaled(-1.0, 1.0, 1.0)


def turn(axis: Axis, degrees: float) -> Floats:
    """The (3, 3) rotation of :meth:`Mesh.turned`."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    rotation = np.eye(3)
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    rotation[i, i] = rotation[j, j] = cosine
    rotation[i, j], rotation[j, i] = -sine, sine
    return rotation


def join(meshes: Iterable[Mesh]) -> Mesh:
    """Several meshes as one."""
    listed = list(meshes)
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in listed[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in listed]),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(listed, offsets, strict=True)]).astype(np.int32),
        np.concatenate([mesh.normals for mesh in listed]),
        np.concatenate([mesh.uv for mesh in listed]),
    )


def loft(rings: ArrayLike, *, closed: bool = False) -> Mesh:
    """A skin over rings.

    A ring whose points all coincide is a pole and closes that end. Where neighbouring faces meet at more than 40
    degrees (on average along the ring, or along the column), the normals are split.

    Args:
        rings: (K, N, 3), each counter-clockwise for someone towards whom the rings advance.
        closed: Whether the last ring joins the first, as in a torus.

    Returns:
        ``u`` runs 0-1 around a ring, ``v`` 0-1 along the rings by mean distance.
    """
    points = np.asarray(rings, np.float64)
    if closed:
        points = np.concatenate([points, points[:1]])
    ring_count, around = points.shape[:2]
    wrapped = np.concatenate([points, points[:, :1]], axis=1)
    quads = _quad_normals(wrapped)
    units = quads / np.maximum(np.linalg.norm(quads, axis=2, keepdims=True), 1e-18)
    sharp_rings = np.zeros(ring_count, bool)
    sharp_rings[1:-1] = _bends(units[:-1], units[1:], 1)
    if closed:
        sharp_rings[[0, -1]] = _bends(units[-1:], units[:1], 1)[0]
    sharp_columns = _bends(np.roll(units, 1, axis=1), units, 0)

    rows, row_groups = _split(sharp_rings, wrap=closed and not sharp_rings[0])
    columns, column_groups = _split(np.append(sharp_columns, sharp_columns[0]), wrap=not sharp_columns[0])
    normals = np.einsum("rk,knx->rnx", row_groups, quads)
    normals = np.einsum("cn,rnx->rcx", column_groups, normals).reshape(-1, 3)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 1e-18, normals / np.maximum(lengths, 1e-18), (0.0, 0.0, 1.0))
    distances = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
    v = np.concatenate([[0.0], np.cumsum(distances)])
    v = v / max(v[-1], 1e-18)
    u = np.linspace(0.0, 1.0, around + 1)
    uv = np.stack(np.broadcast_arrays(u[columns][None, :], v[rows][:, None]), axis=2).reshape(-1, 2)
    vertices = wrapped[rows][:, columns].reshape(-1, 3)
    return Mesh(vertices, _skin_faces(wrapped, rows, columns), normals, uv)


def _quad_normals(points: Floats) -> Floats:
    """(K - 1, N, 3) normals of the quads between (K, N + 1) points, as long as twice their areas."""
    first = points[1:, 1:] - points[:-1, :-1]
    second = points[1:, :-1] - points[:-1, 1:]
    return np.stack(
        [
            first[..., 1] * second[..., 2] - first[..., 2] * second[..., 1],
            first[..., 2] * second[..., 0] - first[..., 0] * second[..., 2],
            first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0],
        ],
        axis=2,
    )


def _bends(before: Floats, after: Floats, axis: int) -> NDArray[np.bool_]:
    """Where two neighbouring fields of unit normals bend sharply, averaged along ``axis``; zero normals count not."""
    cosine = (before * after).sum(axis=2)
    known = (np.abs(before).max(axis=2) > 0) & (np.abs(after).max(axis=2) > 0)
    return np.asarray((cosine * known).sum(axis=axis) < _CREASE * known.sum(axis=axis) - 1e-9)


def _split(sharp: NDArray[np.bool_], wrap: bool) -> tuple[NDArray[np.intp], Floats]:
    """Doubles the sharp inner lines of a grid.

    Returns:
        The line that each new line copies, and (lines, cells) 0/1: whose cells' normals it sums up.
    """
    count = len(sharp)
    doubled = sharp.copy()
    doubled[[0, -1]] = False
    lines = np.repeat(np.arange(count), 1 + doubled)
    first = np.ones(len(lines), bool)
    first[1:] = lines[1:] != lines[:-1]
    last = np.ones(len(lines), bool)
    last[:-1] = first[1:]
    groups = np.zeros((len(lines), count - 1))
    inner_before = np.flatnonzero(first & (lines > 0))
    groups[inner_before, lines[inner_before] - 1] = 1.0
    inner_after = np.flatnonzero(last & (lines < count - 1))
    groups[inner_after, lines[inner_after]] = 1.0
    if wrap:
        groups[0, -1] = groups[-1, 0] = 1.0
    return lines, groups


def _skin_faces(points: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.int32]:
    """Two triangles a quad, without those that have no area at a pole or a doubled point."""
    low = np.searchsorted(rows, np.arange(rows[-1]), side="right") - 1
    high = np.searchsorted(rows, np.arange(1, rows[-1] + 1), side="left")
    left = np.searchsorted(columns, np.arange(columns[-1]), side="right") - 1
    right = np.searchsorted(columns, np.arange(1, columns[-1] + 1), side="left")
    width = len(columns)
    a = low[:, None] * width + left
    b = low[:, None] * width + right
    c = high[:, None] * width + right
    d = high[:, None] * width + left
    has_edge = np.abs(np.diff(points, axis=1)).max(axis=2) > 1e-9
    lower = np.stack([a, b, c], axis=2)[has_edge[:-1]]
    upper = np.stack([a, c, d], axis=2)[has_edge[1:]]
    return np.concatenate([lower, upper]).astype(np.int32)


def lathe(profile: ArrayLike, *, segments: int = 32) -> Mesh:
    """A body of revolution around z.

    Args:
        profile: (K, 2) radius and height; the outside lies right of the way, so a solid starts on the axis at its
            bottom and ends on the axis at its top. Equal first and last points make a ring (a doughnut).
        segments: Around.
    """
    given = np.asarray(profile, np.float64)
    closed = bool(np.abs(given[0] - given[-1]).max() < 1e-9)
    if closed:
        given = given[:-1]
    rings = np.empty((len(given), segments, 3))
    rings[..., :2] = given[:, :1, None] * circle(segments)
    rings[..., 2] = given[:, 1:]
    return loft(rings, closed=closed)


def stack(outlines: Sequence[ArrayLike], heights: Sequence[float]) -> Mesh:
    """A skin over flat outlines (N, 2) at heights, bottom first; the ends are closed towards their middles."""
    rings = np.stack([ring(outline, height) for outline, height in zip(outlines, heights, strict=True)])
    return solid(rings)


def solid(rings: ArrayLike) -> Mesh:
    """A :func:`loft` of rings (R, N, 3) whose two ends are closed, each at its middle."""
    given = np.asarray(rings, np.float64)
    first, last = (np.broadcast_to(end.mean(axis=0), end.shape) for end in (given[0], given[-1]))
    return loft(np.concatenate([first[None], given, last[None]]))


def ring(outline: ArrayLike, height: float) -> Floats:
    """The (N, 3) ring of a flat outline (N, 2) at a height."""
    given = np.asarray(outline, np.float64)
    return np.concatenate([given, np.full((len(given), 1), height)], axis=1)


def tube(
    path: ArrayLike,
    radius: float | ArrayLike,
    *,
    segments: int = 10,
    ends: Literal["round", "flat", "open"] = "round",
    closed: bool = False,
    flatten: float = 1.0,
) -> Mesh:
    """A tube along a path.

    Args:
        path: (K, 3), metres.
        radius: One for all points or (K,).
        ends: How it stops.
        closed: Whether the last point joins the first (a ring).
        flatten: Thickness across the path's own plane, as a share of the one in the plane.
    """
    points = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(points),))
    ahead, behind = np.roll(points, -1, axis=0), np.roll(points, 1, axis=0)
    tangents = ahead - behind if closed else np.gradient(points, axis=0)
    tangents = tangents / np.linalg.norm(tangents, axis=1, keepdims=True)
    if not closed and ends != "open":
        points, radii, tangents = _with_ends(points, radii, tangents, ends)
    side, across = _frames(points, tangents)
    ring = circle(segments)
    rings = points[:, None] + radii[:, None, None] * (
        ring[None, :, :1] * side[:, None] + flatten * ring[None, :, 1:] * across[:, None]
    )
    return loft(rings, closed=closed)


def _with_ends(points: Floats, radii: Floats, tangents: Floats, ends: str) -> tuple[Floats, Floats, Floats]:
    """Rings that close both ends, as flat discs or half spheres."""
    # Distances beyond the last ring and radii there, both as shares of the end's radius.
    beyond = np.array([0.0]) if ends == "flat" else np.sin(np.radians([40.0, 70.0, 90.0]))
    share = np.array([0.0]) if ends == "flat" else np.array([math.cos(math.radians(40)), math.cos(math.radians(70)), 0])
    head = points[0] - (beyond[::-1] * radii[0])[:, None] * tangents[0]
    tail = points[-1] + (beyond * radii[-1])[:, None] * tangents[-1]
    return (
        np.concatenate([head, points, tail]),
        np.concatenate([share[::-1] * radii[0], radii, share * radii[-1]]),
        np.concatenate(
            [np.tile(tangents[0], (len(beyond), 1)), tangents, np.tile(tangents[-1], (len(beyond), 1))],
        ),
    )


def _frames(points: Floats, tangents: Floats) -> tuple[Floats, Floats]:
    """Unit vectors across the path: ``side`` in its plane and ``across`` out of it, (K, 3) each."""
    centered = points - points.mean(axis=0)
    spreads, axes = np.linalg.eigh(centered.T @ centered)
    if spreads[1] < 1e-9 * spreads[2]:
        # A straight path lies in many planes: the choice must not be left to rounding.
        plane_normal = np.cross(tangents[0], np.eye(3)[int(np.argmin(np.abs(tangents[0])))])
        plane_normal /= np.linalg.norm(plane_normal)
    else:
        # The sign of an eigenvector is arbitrary; the largest component is made positive, so that bytes are stable.
        plane_normal = axes[:, 0] * np.sign(axes[np.argmax(np.abs(axes[:, 0])), 0])
    side = np.cross(plane_normal, tangents)
    lengths = np.linalg.norm(side, axis=1, keepdims=True)
    # Where a path leaves its plane steeply, the frame is carried along instead.
    side = side / lengths if lengths.min() >= 0.3 else _carried(tangents)
    return side, np.cross(tangents, side)


def _carried(tangents: Floats) -> Floats:
    side = np.eye(3)[int(np.argmin(np.abs(tangents[0])))]
    carried = []
    for tangent in tangents:
        side = side - tangent * (side @ tangent)
        side = side / np.linalg.norm(side)
        carried.append(side)
    return np.array(carried)


def ellipsoid(x: float, y: float, z: float, *, segments: int = 20, rings: int = 12) -> Mesh:
    """An ellipsoid around the origin with these half axes, metres."""
    return _unit_sphere(segments, rings).scaled(x, y, z)


@lru_cache(maxsize=16)
def _unit_sphere(segments: int, rings: int) -> Mesh:
    angles = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    profile[[0, -1], 0] = 0.0
    mesh = lathe(profile, segments=segments)
    return Mesh(mesh.vertices, mesh.faces, mesh.vertices.copy(), mesh.uv)


def rounded_box(size: tuple[float, float, float], radius: float = 0.0, *, steps: int = 1) -> Mesh:
    """A box that stands on z = 0, centred in x and y; see :func:`box_sides`."""
    return join(box_sides(size, radius, steps=steps).values())


def box_sides(size: tuple[float, float, float], radius: float = 0.0, *, steps: int = 1) -> dict[str, Mesh]:
    """The six sides of a box with rounded edges, by the names in ``SIDES``; each has a uv square of its own.

    Args:
        size: x, y and z extents, metres.
        radius: Of the edges; 0 for sharp ones.
        steps: Pieces an edge is rounded with on each side.
    """
    half = np.array(size) / 2
    radius = min(radius, float(half.min()) * 0.98)
    made = {}
    for index, side in enumerate(SIDES):
        signs, directions, faces = _side_template(index, steps if radius > 0 else 0)
        vertices = signs * (half - radius) + directions * radius
        uv = np.clip(_side_uv(side, vertices / (2 * half)) + 0.5, 0.0, 1.0)
        made[side] = Mesh(vertices + np.array([0.0, 0.0, half[2]]), faces, directions, uv)
    return made


def _side_uv(side: str, unit: Floats) -> Floats:
    """-0.5 to 0.5, as seen by someone who looks at that side; the top is seen from the front."""
    x, y, z = unit.T
    right = {"front": x, "back": -x, "left": -y, "right": y, "top": x, "bottom": x}[side]
    up = {"top": y, "bottom": -y}.get(side, z)
    return np.stack([right, up], axis=1)


@lru_cache(maxsize=32)
def _side_template(index: int, steps: int) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Of one side: which corner each vertex belongs to (signs), its normal, and the faces."""
    axis, sign = ((1, -1), (1, 1), (0, -1), (0, 1), (2, 1), (2, -1))[index]
    slope = np.tan(np.radians(np.linspace(45.0, 0.0, steps + 1))) if steps else np.zeros(1)
    line = np.concatenate([-slope, slope[::-1]])
    side_of = np.concatenate([-np.ones(len(slope)), np.ones(len(slope))])
    i, j = np.meshgrid(np.arange(len(line)), np.arange(len(line)), indexing="ij")
    directions = np.zeros((*i.shape, 3))
    signs = np.zeros((*i.shape, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    directions[..., axis] = signs[..., axis] = sign
    directions[..., first], directions[..., second] = line[i], line[j]
    signs[..., first], signs[..., second] = side_of[i], side_of[j]
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    count = len(line)
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    a, b, c, d = corner, corner + count, corner + count + 1, corner + 1
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    return signs.reshape(-1, 3), directions.reshape(-1, 3), faces if sign > 0 else np.ascontiguousarray(faces[:, ::-1])


def extrude(outline: ArrayLike, height: float) -> Mesh:
    """A flat outline (K, 2), counter-clockwise, pulled up from z = 0; its uv covers the outline's bounding box."""
    given = np.asarray(outline, np.float64)
    if signed_area(given) < 0:
        given = given[::-1]
    wall = loft(np.stack([ring(given, 0.0), ring(given, height)]))
    triangles = triangulate(given)
    low, high = given.min(axis=0), given.max(axis=0)
    uv = (given - low) / (high - low)
    top = Mesh(ring(given, height), triangles, np.tile((0.0, 0.0, 1.0), (len(given), 1)), uv)
    bottom = Mesh(ring(given, 0.0), triangles[:, ::-1], np.tile((0.0, 0.0, -1.0), (len(given), 1)), uv)
    return join([wall, top, bottom])


def side_view(outline: ArrayLike, width: float) -> Mesh:
    """An outline of (y, z) points, as wide as said along x."""
    return extrude(outline, width).turned("x", 90).turned("z", 90).moved(x=-width / 2)


def panel(width: float, height: float) -> Mesh:
    """A thin rectangle in the plane y = 0 that faces the front, its lower edge's middle at the origin."""
    x = width / 2
    vertices = np.array([(-x, 0, 0), (x, 0, 0), (x, 0, height), (-x, 0, height)], np.float64)
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    return Mesh(vertices, np.array([(0, 1, 2), (0, 2, 3)], np.int32), np.tile((0.0, -1.0, 0.0), (4, 1)), uv)


def leaf(length: float, width: float, droop: float, *, steps: int = 4) -> Mesh:
    """A two-sided leaf that grows from the origin along +x and bends down by ``droop`` metres at its tip."""
    t = np.linspace(0.0, 1.0, steps + 1)
    half = width / 2 * np.sin(np.pi * t) ** 0.7
    half[-1] = 0.0
    x, z = length * t, length * 0.25 * np.sin(np.pi * t * 0.6) - droop * t**2
    thickness = 0.04 * half
    # A flat lens around the midrib; its fold makes it look like a leaf.
    rings = np.stack(
        [
            np.stack([x, half, z + 0.25 * half], 1),
            np.stack([x, 0 * x, z + thickness], 1),
            np.stack([x, -half, z + 0.25 * half], 1),
            np.stack([x, 0 * x, z - thickness], 1),
        ],
        axis=1,
    )
    return loft(rings)


def slab(width: float, depth: float, height: float, radius: float, *, bevel: float = 0.002) -> Mesh:
    """A flat body with round corners and slightly rounded edges, standing on z = 0."""
    outline, inner = (
        rounded_rectangle(width, depth, radius, 3),
        rounded_rectangle(width - bevel, depth - bevel, radius, 3),
    )
    return stack(
        [inner, outline, outline, inner], [0, min(bevel, 0.3 * height), height - min(bevel, 0.3 * height), height]
    )


def tile(width: float, depth: float) -> Mesh:
    """A rectangle that faces up, in the plane z = 0; its print is upright from the front."""
    return panel(width, depth).turned("x", -90).moved(y=-0.5 * depth)
