"""Mugs, cups, glasses, plates, bowls, teapots and what else a table is laid with."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Cavity
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import PLAIN, VIVID, mix
from roborefer.refspatial.simulation.objects.crockery import ear, pattern, plate, salt_shaker, teapot
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import circle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, lathe

TABLES = ("table", "desk", "counter", "shelf")
DINING = ("table", "counter", "shelf")
_SEGMENTS = 28


def vessel(
    outside: ArrayLike, thickness: float, floor: float, *, segments: int = _SEGMENTS
) -> tuple[list[Mesh], Cavity]:
    """A round vessel, open at its top.

    Args:
        outside: (K, 2) radius and height of its wall from the foot up to the rim, heights rising.
        thickness: Of the wall, metres.
        floor: Height of the flat floor inside, metres.

    Returns:
        Base, wall and inside (with the rim), whose edges meet; and the room inside.
    """
    wall = np.asarray(outside, np.float64)
    radius, height = wall[:, 0], wall[:, 1]
    top = height[-1]
    rim = 0.5 * thickness
    inner_heights = np.linspace(floor, top - rim, max(4, len(wall) // 2))
    inner_radii = np.interp(inner_heights, height, radius) - thickness
    rim_radius = inner_radii[-1] + rim
    base = [(0.0, height[0]), (radius[0], height[0])]
    lip = [wall[-1] - (0, rim), (rim_radius + 0.7 * rim, top - 0.15 * rim), (rim_radius, top)]
    body = np.concatenate([wall[:-1][height[:-1] < top - rim], lip])
    inside = [
        (rim_radius, top),
        (rim_radius - 0.7 * rim, top - 0.15 * rim),
        *zip(inner_radii[::-1], inner_heights[::-1], strict=True),
        (0.0, floor),
    ]
    clear = float(inner_radii.min()) * np.cos(np.pi / segments) * 0.985
    room = cavity(floor, circle(20, clear), float(top - floor))
    return [lathe(part, segments=segments) for part in (base, body, inside)], room


def _mug(order: Order) -> Draft:
    color = order.paint()
    texture, words = pattern(order, color, 8, 4)
    draft = Draft(order.color, "ceramic", words, {"handle": (1.0, 0.0, 0.0)})
    height, radius = order.uniform(0.085, 0.11), order.uniform(0.037, 0.044)
    h, r = height, radius
    walls: dict[str, ArrayLike] = {
        "straight": [(0.88 * r, 0), (0.97 * r, 0.006), (r, 0.02), (r, h)],
        "tapered": [(0.72 * r, 0), (0.78 * r, 0.005), (0.9 * r, 0.5 * h), (1.04 * r, h)],
        "barrel": smooth(
            [(0.78 * r, 0), (1.02 * r, 0.22 * h), (1.1 * r, 0.5 * h), (1.02 * r, 0.8 * h), (0.96 * r, h)], 3
        ),
        "footed": smooth(
            [
                (0.74 * r, 0),
                (0.7 * r, 0.03 * h),
                (0.54 * r, 0.09 * h),
                (0.94 * r, 0.32 * h),
                (1.04 * r, 0.6 * h),
                (r, h),
            ],
            3,
        ),
        "camping": [(1.1 * r, 0), (1.15 * r, 0.03 * h), (1.15 * r, 0.8 * h), (1.2 * r, 0.84 * h)],
        "faceted": [(0.88 * r, 0), (0.95 * r, 0.06 * h), (1.06 * r, h)],
        "espresso": [(0.62 * r, 0), (0.72 * r, 0.01), (0.95 * r, 0.36 * h), (r, 0.62 * h)],
    }
    wall = np.asarray(walls[order.variant], np.float64)
    floor = 0.16 * h if order.variant == "footed" else 0.008
    sides = 8 if order.variant == "faceted" else _SEGMENTS
    (base, body, inside), draft.cavity = vessel(wall, 0.1 * r, floor, segments=sides)
    plain = materials.glazed(color)
    lining = materials.glazed(order.paint("white")) if order.chance(0.3) and order.color in VIVID else plain
    draft.add(plain, base)
    draft.add(materials.glazed(color, texture) if texture is not None else plain, body)
    draft.add(lining, inside)
    top = wall[-1, 1]
    reach = order.uniform(0.5, 0.68) * r
    low, high = 0.24 * top, 0.8 * top
    start, end = (float(np.interp(z, wall[:, 1], wall[:, 0])) - 0.06 * r for z in (high, low))
    middle = 0.5 * (low + high)
    bulge = max(start, end) + reach
    if order.variant == "camping":
        draft.material = None
        edge = materials.DARK if order.color != "black" else materials.WHITE
        draft.add(materials.glazed(edge), _bead(wall[-1, 0] - 0.05 * r, top, 0.05 * r))
    if order.variant in ("tapered", "footed"):
        loop = [(start, high), (bulge, high + 0.02 * h), (bulge - 0.25 * reach, middle), (end, low)]
    else:
        loop = [(start, high), (bulge - 0.2 * reach, high), (bulge, middle), (bulge - 0.2 * reach, low), (end, low)]
    draft.add(plain, ear(loop, 0.12 * r, flatten=1.25))
    return draft


def _bead(radius: float, height: float, thickness: float) -> Mesh:
    """A ring around the z axis, as thick as a rolled rim."""
    around = np.array((radius, height)) + circle(8, thickness)
    return lathe([*around, around[0]], segments=_SEGMENTS)


def _cup(order: Order) -> Draft:
    color = order.paint()
    texture, words = pattern(order, color, 8, 4)
    draft = Draft(order.color, None, words)
    h, r = order.uniform(0.09, 0.13), order.uniform(0.036, 0.044)
    walls: dict[str, ArrayLike] = {
        "tumbler": [(0.72 * r, 0), (0.75 * r, 0.003), (r, h)],
        "rounded": smooth([(0.5 * r, 0), (0.85 * r, 0.12 * h), (r, 0.4 * h), (r, 0.7 * h)], 4),
        "paper": [(0.62 * r, 0), (0.64 * r, 0.004), (1.04 * r, h)],
        "takeaway": [(0.68 * r, 0), (0.7 * r, 0.004), (r, h)],
        "beaker": smooth([(0.8 * r, 0), (0.96 * r, 0.06 * h), (r, 0.45 * h), (0.96 * r, 0.8 * h)], 4),
        "ribbed": [
            (0.7 * r, 0),
            (0.8 * r, 0.3 * h),
            (0.86 * r, 0.3 * h + 0.002),
            (0.98 * r, 0.72 * h),
            (1.04 * r, 0.8 * h),
        ],
    }
    (base, body, inside), draft.cavity = vessel(walls[order.variant], 0.06 * r, 0.005)
    plain = materials.plastic(color, 0.4)
    draft.add(plain, base, inside)
    draft.add(materials.plastic(color, 0.4, texture) if texture is not None else plain, body)
    if order.variant == "paper":
        draft.add(plain, _bead(1.03 * r, h, 0.05 * r))
    elif order.variant == "takeaway":
        draft.cavity = None
        lid = [(0, 0.99), (1.06, 0.99), (1.08, 1.03), (0.98, 1.05), (0.92, 1.13), (0.84, 1.13), (0.8, 1.1), (0, 1.1)]
        draft.add(plain, lathe(np.array(lid) * (r, h), segments=_SEGMENTS))
        sip = ellipsoid(0.16 * r, 0.07 * r, 0.002, segments=12, rings=4).moved(y=-0.62 * r, z=1.1 * h)
        draft.add(materials.plastic(materials.DARK, 0.9), sip)
    elif order.variant == "beaker":
        loop = [
            (0.95 * r, 0.64 * h),
            (1.4 * r, 0.62 * h),
            (1.45 * r, 0.4 * h),
            (1.2 * r, 0.2 * h),
            (0.95 * r, 0.18 * h),
        ]
        handle = ear(loop, 0.11 * r)
        draft.add(plain, handle, handle.mirrored())
    return draft


def _glass(order: Order) -> Draft:
    tint = mix((0.86, 0.9, 0.9), order.paint(order.pick(("blue", "green", "white"))), 0.15)
    material = materials.glass(tint)
    draft = Draft(None, "glass")
    h, r = order.uniform(0.1, 0.15), order.uniform(0.033, 0.04)
    walls: dict[str, ArrayLike] = {
        "highball": [(0.88 * r, 0), (0.93 * r, 0.004), (r, h)],
        "tumbler": smooth([(0.8 * r, 0), (1.0 * r, 0.1 * h), (1.06 * r, 0.35 * h), (1.08 * r, 0.66 * h)], 3),
        "faceted": [(0.78 * r, 0), (0.82 * r, 0.006), (1.1 * r, 0.75 * h)],
        "nonic": smooth(
            [(0.7 * r, 0), (0.74 * r, 0.1 * h), (0.9 * r, 0.62 * h), (1.1 * r, 0.76 * h), (0.97 * r, 0.88 * h), (r, h)],
            3,
        ),
        "stemless": smooth([(0.5 * r, 0), (1.0 * r, 0.14 * h), (1.2 * r, 0.36 * h), (0.88 * r, 0.8 * h)], 4),
        "flared": smooth([(0.7 * r, 0), (0.68 * r, 0.2 * h), (0.8 * r, 0.6 * h), (1.1 * r, h)], 3),
    }
    sides = 8 if order.variant == "faceted" else _SEGMENTS
    meshes, draft.cavity = vessel(walls[order.variant], 0.05 * r, 0.012, segments=sides)
    draft.add(material, *meshes)
    return draft


def _wine_glass(order: Order) -> Draft:
    draft = Draft(None, "glass")
    h, r = order.uniform(0.17, 0.22), order.uniform(0.034, 0.042)
    stem = {"coupe": 0.58, "martini": 0.56, "goblet": 0.26}.get(order.variant, 0.42) * h
    bowls = {
        "tulip": smooth([(0.005, stem), (0.7 * r, 0.5 * h), (r, 0.64 * h), (0.92 * r, 0.84 * h), (0.74 * r, h)], 3),
        "balloon": smooth(
            [(0.005, stem), (0.9 * r, 0.5 * h), (1.2 * r, 0.66 * h), (1.1 * r, 0.82 * h), (0.86 * r, h)], 3
        ),
        "coupe": smooth([(0.005, stem), (0.85 * r, 0.62 * h), (1.3 * r, 0.7 * h), (1.38 * r, 0.8 * h)], 3),
        "martini": np.array([(0.005, stem), (0.6 * r, 0.74 * h), (1.4 * r, h)]),
        "goblet": smooth(
            [(0.005, stem), (0.8 * r, 0.3 * h), (1.15 * r, 0.45 * h), (1.2 * r, 0.7 * h), (1.15 * r, 0.9 * h)], 3
        ),
        "flute": smooth([(0.005, stem), (0.42 * r, 0.48 * h), (0.6 * r, 0.7 * h), (0.62 * r, h)], 3),
    }
    bowl = bowls[order.variant]
    foot = [(0, 0), (0.86 * r, 0), (0.86 * r, 0.003), (0.3 * r, 0.008), (0.0045, 0.02), (0.004, 0.9 * stem)]
    inner = bowl[::-1] - (0.0014, 0.0)
    inner = inner[inner[:, 0] > 0.006]
    profile = np.concatenate([foot, bowl, inner, [(0.0, inner[-1, 1])]])
    draft.add(materials.glass((0.9, 0.92, 0.92)), lathe(profile, segments=24))
    return draft


def _bowl(order: Order) -> Draft:
    color = order.paint()
    texture, words = pattern(order, color, 12, 3)
    draft = Draft(order.color, "ceramic", words)
    r = order.uniform(0.07, 0.14)
    h = r * order.uniform(0.5, 0.68)
    walls: dict[str, ArrayLike] = {
        "round": smooth([(0.5 * r, 0), (0.78 * r, 0.26 * h), (0.94 * r, 0.62 * h), (r, h)], 4),
        "flared": smooth([(0.48 * r, 0), (0.66 * r, 0.3 * h), (0.82 * r, 0.66 * h), (1.05 * r, h)], 4),
        "footed": [
            (0.48 * r, 0),
            (0.4 * r, 0.2 * h),
            *smooth([(0.42 * r, 0.21 * h), (0.84 * r, 0.5 * h), (0.98 * r, 0.9 * h), (r, 1.35 * h)], 4),
        ],
        "conical": [(0.4 * r, 0), (0.4 * r, 0.1 * h), (1.04 * r, h)],
        "incurved": smooth([(0.6 * r, 0), (0.96 * r, 0.3 * h), (1.04 * r, 0.65 * h), (0.84 * r, 1.15 * h)], 4),
        "oval": smooth([(0.6 * r, 0), (0.86 * r, 0.22 * h), (1.1 * r, 0.6 * h), (1.25 * r, 0.95 * h)], 4),
        "stepped": [(0.6 * r, 0), (0.62 * r, 0.12 * h), (0.95 * r, 0.3 * h), (r, 0.4 * h), (r, 0.85 * h)],
    }
    floor = (0.3 if order.variant == "footed" else 0.12) * h
    (base, body, inside), draft.cavity = vessel(walls[order.variant], 0.055 * r, floor, segments=36)
    if order.variant == "oval":
        draft.attributes = (*words, "oval")
        base, body, inside = (mesh.scaled(1.0, 0.66, 1.0) for mesh in (base, body, inside))
        draft.cavity = cavity(draft.cavity.floor, draft.cavity.polygon * (1.0, 0.66), draft.cavity.depth)
    plain = materials.glazed(color)
    draft.add(plain, base, inside)
    draft.add(materials.glazed(color, texture) if texture is not None else plain, body)
    return draft


def _jug(order: Order) -> Draft:
    color = order.paint()
    texture, words = pattern(order, color, 8, 4)
    draft = Draft(order.color, "ceramic", words, {"handle": (1.0, 0.0, 0.0), "spout": (-1.0, 0.0, 0.0)})
    h, r = order.uniform(0.18, 0.22), order.uniform(0.055, 0.065)
    walls: dict[str, ArrayLike] = {
        "belly": smooth(
            [(0.75 * r, 0), (1.05 * r, 0.25 * h), (0.98 * r, 0.5 * h), (0.66 * r, 0.8 * h), (0.8 * r, h)], 4
        ),
        "conical": [(1.05 * r, 0), (1.07 * r, 0.01), (0.72 * r, 0.94 * h), (0.76 * r, h)],
        "globe": smooth(
            [(0.7 * r, 0), (1.3 * r, 0.2 * h), (1.3 * r, 0.46 * h), (0.64 * r, 0.72 * h), (0.72 * r, 0.86 * h)], 4
        ),
        "footed": smooth(
            [
                (0.8 * r, 0),
                (0.7 * r, 0.03 * h),
                (0.36 * r, 0.1 * h),
                (0.98 * r, 0.34 * h),
                (0.92 * r, 0.55 * h),
                (0.6 * r, 0.8 * h),
                (0.74 * r, h),
            ],
            4,
        ),
        "faceted": smooth([(0.72 * r, 0), (0.9 * r, 0.36 * h), (1.12 * r, 0.8 * h)], 5),
        "straight": [(0.85 * r, 0), (0.88 * r, 0.01), (0.88 * r, 0.97 * h), (0.93 * r, h)],
    }
    wall = np.asarray(walls[order.variant], np.float64)
    floor = 0.18 * h if order.variant == "footed" else 0.01
    sides = 8 if order.variant == "faceted" else _SEGMENTS
    (base, body, inside), draft.cavity = vessel(wall, 0.07 * r, floor, segments=sides)
    h = float(wall[-1, 1])
    plain = materials.glazed(color)
    draft.add(plain, base, _beaked(inside, wall[-1, 0], h))
    draft.add(materials.glazed(color, texture) if texture is not None else plain, _beaked(body, wall[-1, 0], h))
    high, low = 0.9 * h, 0.36 * h
    start, end = (float(np.interp(z, wall[:, 1], wall[:, 0])) - 0.02 * r for z in (high, low))
    reach = max(start, end) + 0.62 * r
    draft.add(
        plain,
        ear(
            [(start, high), (reach, 0.92 * h), (reach, 0.62 * h), (end + 0.3 * r, low), (end, low)],
            0.11 * r,
            flatten=1.3,
        ),
    )
    return draft


def _beaked(mesh: Mesh, rim: float, height: float) -> Mesh:
    """Pulls a vessel's rim out towards -x, so that it pours."""
    vertices = mesh.vertices.copy()
    x, y, z = vertices.T
    near = (
        np.clip((z / height - 0.72) / 0.28, 0, 1) ** 2
        * np.clip(-x / rim - 0.55, 0, 1)
        * np.exp(-((y / (0.35 * rim)) ** 2))
    )
    vertices[:, 0] -= 0.9 * rim * near
    return Mesh(vertices, mesh.faces, mesh.normals, mesh.uv)


_CERAMICS = ("white", "blue", "red", "yellow", "green", "pink", "orange", "gray", "black", "purple")


_category = partial(Category, family="tableware", places=DINING)

CATEGORIES = (
    _category(
        "mug",
        "mugs",
        (0.08, 0.135),
        _CERAMICS,
        ("straight", "tapered", "barrel", "footed", "camping", "faceted"),
        ("espresso",),
        _mug,
        places=(*TABLES, "tray", "box"),
        confusable=("cup",),
    ),
    _category(
        "cup",
        "cups",
        (0.075, 0.13),
        PLAIN,
        ("tumbler", "rounded", "paper", "takeaway", "beaker"),
        ("ribbed",),
        _cup,
        places=(*TABLES, "tray", "box"),
        confusable=("mug", "glass"),
    ),
    _category(
        "glass",
        "glasses",
        (0.085, 0.155),
        (),
        ("highball", "tumbler", "faceted", "nonic", "stemless"),
        ("flared",),
        _glass,
        places=(*DINING, "desk", "tray"),
        confusable=("cup", "wine glass"),
    ),
    _category(
        "wine glass",
        "wine glasses",
        (0.16, 0.23),
        (),
        ("tulip", "balloon", "coupe", "martini", "goblet"),
        ("flute",),
        _wine_glass,
        places=(*DINING, "tray"),
        confusable=("glass",),
    ),
    _category(
        "plate",
        "plates",
        (0.17, 0.29),
        _CERAMICS,
        ("round", "deep", "pasta", "upright", "oval", "octagonal"),
        ("square",),
        plate,
        places=(*DINING, "tray"),
    ),
    _category(
        "bowl",
        "bowls",
        (0.13, 0.28),
        _CERAMICS,
        ("round", "flared", "footed", "conical", "incurved", "oval"),
        ("stepped",),
        _bowl,
        places=(*TABLES, "tray"),
    ),
    _category(
        "teapot",
        "teapots",
        (0.17, 0.27),
        _CERAMICS,
        ("round", "tall", "bail", "cube", "cylinder"),
        ("low",),
        teapot,
        places=(*DINING, "tray"),
        confusable=("jug",),
    ),
    _category(
        "jug",
        "jugs",
        (0.16, 0.26),
        _CERAMICS,
        ("belly", "conical", "globe", "footed", "faceted"),
        ("straight",),
        _jug,
        places=(*DINING, "tray"),
        confusable=("vase", "teapot"),
    ),
    _category(
        "salt shaker",
        "salt shakers",
        (0.065, 0.1),
        ("white", "red", "blue", "green", "black", "yellow"),
        ("waisted", "round", "cube", "bell", "faceted"),
        ("straight",),
        salt_shaker,
        places=(*DINING, "tray", "box"),
    ),
)
