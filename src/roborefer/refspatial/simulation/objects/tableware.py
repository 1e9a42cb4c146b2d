"""Mugs, cups, glasses, plates, bowls, teapots and what else a table is laid with."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Cavity, Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import PLAIN, VIVID, Rgb, contrast_color, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, lathe, stack, tube

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


def _print(order: Order, base: Rgb, around: int, along: int) -> tuple[prints.Texture | None, tuple[str, ...]]:
    """Now and then a pattern, and the word for it."""
    kind = order.integer(0, 8)
    if kind > 2:
        return None, ()
    second = order.accent()
    if kind == 0:
        return prints.striped(base, second, along, upright=order.chance(0.3)), ("striped",)
    if kind == 1:
        return prints.dotted(base, second, around, along), ("dotted",)
    return prints.checked(base, second, around, along), ("checkered",)


def ear(points: ArrayLike, radius: float | ArrayLike, *, flatten: float = 1.0) -> Mesh:
    """A handle: a tube along a smooth curve through (K, 2) points in the x-z plane."""
    curve = smooth(points, 3)
    path = np.stack([curve[:, 0], np.zeros(len(curve)), curve[:, 1]], axis=1)
    # Flat ends: a round one would come out on the inside of a thin wall.
    return tube(path, radius, segments=8, ends="flat", flatten=flatten)


def _mug(order: Order) -> Draft:
    color = order.paint()
    texture, words = _print(order, color, 8, 4)
    draft = Draft(order.color, "ceramic", words, {"handle": (1.0, 0.0, 0.0)})
    height, radius = order.uniform(0.085, 0.11), order.uniform(0.037, 0.044)
    h, r = height, radius
    walls: dict[str, ArrayLike] = {
        "straight": [(0.88 * r, 0), (0.97 * r, 0.006), (r, 0.02), (r, h)],
        "tapered": [(0.72 * r, 0), (0.78 * r, 0.005), (0.9 * r, 0.5 * h), (1.04 * r, h)],
        "barrel": smooth(
            [(0.78 * r, 0), (1.02 * r, 0.22 * h), (1.1 * r, 0.5 * h), (1.02 * r, 0.8 * h), (0.96 * r, h)], 3
        ),
        "espresso": [(0.62 * r, 0), (0.72 * r, 0.01), (0.95 * r, 0.36 * h), (r, 0.62 * h)],
    }
    wall = np.asarray(walls[order.variant], np.float64)
    (base, body, inside), draft.cavity = vessel(wall, 0.1 * r, 0.008)
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
    if order.variant == "tapered":
        loop = [(start, high), (bulge, high + 0.02 * h), (bulge - 0.25 * reach, middle), (end, low)]
    else:
        loop = [(start, high), (bulge - 0.2 * reach, high), (bulge, middle), (bulge - 0.2 * reach, low), (end, low)]
    draft.add(plain, ear(loop, 0.12 * r, flatten=1.25))
    return draft


def _cup(order: Order) -> Draft:
    color = order.paint()
    texture, words = _print(order, color, 8, 4)
    draft = Draft(order.color, None, words)
    h, r = order.uniform(0.09, 0.13), order.uniform(0.036, 0.044)
    walls: dict[str, ArrayLike] = {
        "tumbler": [(0.72 * r, 0), (0.75 * r, 0.003), (r, h)],
        "rounded": smooth([(0.5 * r, 0), (0.85 * r, 0.12 * h), (r, 0.4 * h), (r, 0.7 * h)], 4),
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
    return draft


def _glass(order: Order) -> Draft:
    tint = mix((0.86, 0.9, 0.9), order.paint(order.pick(("blue", "green", "white"))), 0.15)
    material = materials.glass(tint)
    draft = Draft(None, "glass")
    h, r = order.uniform(0.1, 0.15), order.uniform(0.033, 0.04)
    walls: dict[str, ArrayLike] = {
        "highball": [(0.88 * r, 0), (0.93 * r, 0.004), (r, h)],
        "tumbler": smooth([(0.8 * r, 0), (1.0 * r, 0.1 * h), (1.06 * r, 0.35 * h), (1.08 * r, 0.66 * h)], 3),
        "flared": smooth([(0.7 * r, 0), (0.68 * r, 0.2 * h), (0.8 * r, 0.6 * h), (1.1 * r, h)], 3),
    }
    meshes, draft.cavity = vessel(walls[order.variant], 0.05 * r, 0.012)
    draft.add(material, *meshes)
    return draft


def _wine_glass(order: Order) -> Draft:
    draft = Draft(None, "glass")
    h, r = order.uniform(0.17, 0.22), order.uniform(0.034, 0.042)
    stem = 0.42 * h
    bowls = {
        "tulip": smooth([(0.005, stem), (0.7 * r, 0.5 * h), (r, 0.64 * h), (0.92 * r, 0.84 * h), (0.74 * r, h)], 3),
        "balloon": smooth(
            [(0.005, stem), (0.9 * r, 0.5 * h), (1.2 * r, 0.66 * h), (1.1 * r, 0.82 * h), (0.86 * r, h)], 3
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


def _plate(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, "ceramic")
    r = order.uniform(0.09, 0.14)
    plain = materials.glazed(color)
    rim_color = plain
    if order.chance(0.3):
        second = order.accent()
        rim_color = materials.glazed(color, prints.striped(color, second, 20, upright=True, share=0.4))
        draft.attributes = ("striped",)
    if order.variant == "square":
        _square_plate(draft, r, plain)
    else:
        well, high = (0.62, 0.018) if order.variant == "round" else (0.8, 0.028)
        foot = well - 0.05
        under = [(0, 0.002), (foot * r, 0.002), (foot * r, 0), (foot * r + 0.004, 0)]
        under += list(map(tuple, smooth([(foot * r + 0.008, 0.003), (0.88 * r, 0.6 * high), (r, high)], 4)))
        rim = smooth(
            [(r, high), (r - 0.0015, high + 0.002), (0.88 * r, 0.6 * high + 0.004), (well * r + 0.004, 0.007)], 4
        )
        draft.add(plain, lathe(under, segments=40), lathe([rim[-1], (well * r, 0.006), (0, 0.006)], segments=40))
        draft.add(rim_color, lathe(rim, segments=40))
        draft.cavity = cavity(0.006, circle(24, 0.97 * well * r), high - 0.004)
    return draft


def _square_plate(draft: Draft, r: float, material: Material) -> None:
    draft.attributes = ("square",)

    def outline(share: float) -> Floats:
        return rounded_rectangle(2 * share * r, 2 * share * r, 0.35 * share * r, 4)

    shares = (0.62, 0.8, 0.98, 1.0, 0.98, 0.74, 0.68)
    heights = (0.0, 0.004, 0.017, 0.019, 0.0195, 0.0075, 0.006)
    draft.add(material, stack([outline(share) for share in shares], heights))
    draft.cavity = cavity(0.006, outline(0.66), 0.0135)


def _bowl(order: Order) -> Draft:
    color = order.paint()
    texture, words = _print(order, color, 12, 3)
    wooden = order.variant == "wooden"
    draft = Draft(order.color, "wood" if wooden else "ceramic", () if wooden else words)
    r = order.uniform(0.07, 0.14)
    h = r * order.uniform(0.5, 0.68)
    walls: dict[str, ArrayLike] = {
        "round": smooth([(0.5 * r, 0), (0.78 * r, 0.26 * h), (0.94 * r, 0.62 * h), (r, h)], 4),
        "flared": smooth([(0.48 * r, 0), (0.66 * r, 0.3 * h), (0.82 * r, 0.66 * h), (1.05 * r, h)], 4),
        "wooden": smooth([(0.6 * r, 0), (0.9 * r, 0.28 * h), (1.0 * r, 0.6 * h), (0.99 * r, 0.85 * h)], 4),
        "stepped": [(0.6 * r, 0), (0.62 * r, 0.12 * h), (0.95 * r, 0.3 * h), (r, 0.4 * h), (r, 0.85 * h)],
    }
    (base, body, inside), draft.cavity = vessel(walls[order.variant], 0.055 * r, 0.12 * h, segments=36)
    plain = materials.wood(color, order.integer(0, 3)) if wooden else materials.glazed(color)
    draft.add(plain, base, inside)
    draft.add(materials.glazed(color, texture) if texture is not None and not wooden else plain, body)
    return draft


def _teapot(order: Order) -> Draft:
    color = order.paint()
    texture, words = _print(order, color, 10, 4)
    draft = Draft(order.color, "ceramic", words, {"spout": (1.0, 0.0, 0.0), "handle": (-1.0, 0.0, 0.0)})
    r, h = order.uniform(0.06, 0.075), order.uniform(0.09, 0.115)
    bodies = {
        "round": [(0.55 * r, 0), (0.95 * r, 0.22 * h), (r, 0.5 * h), (0.72 * r, 0.84 * h), (0.45 * r, 0.98 * h)],
        "tall": [(0.8 * r, 0), (0.86 * r, 0.3 * h), (0.75 * r, 0.8 * h), (0.62 * r, 1.15 * h), (0.5 * r, 1.28 * h)],
        "low": [(0.75 * r, 0), (1.15 * r, 0.2 * h), (1.2 * r, 0.36 * h), (0.8 * r, 0.64 * h), (0.42 * r, 0.74 * h)],
    }
    wall = smooth(bodies[order.variant], 4)
    top, neck = wall[-1, 1], wall[-1, 0]
    plain = materials.glazed(color)
    draft.add(plain, lathe([(0, 0), wall[0]]))
    draft.add(materials.glazed(color, texture) if texture is not None else plain, lathe(wall))
    knob = 0.2 * r
    lid = smooth(
        [(neck, top), (0.96 * neck, top + 0.05 * h), (0.5 * neck, top + 0.13 * h), (0.35 * knob, top + 0.15 * h)], 3
    )
    draft.add(plain, lathe([*lid, (0.3 * knob, top + 0.17 * h), (0, top + 0.17 * h)]))
    draft.add(plain, ellipsoid(0.8 * knob, 0.8 * knob, 0.7 * knob).moved(z=top + 0.16 * h + 0.5 * knob))

    def wall_at(z: float) -> float:
        return float(np.interp(z, wall[:, 1], wall[:, 0]))

    low, tip = 0.32 * top, 0.92 * top
    start = wall_at(low) - 0.12 * r
    path = smooth(
        [(start, low), (start + 0.42 * r, low + 0.12 * top), (start + 0.62 * r, 0.68 * top), (start + r, tip)], 4
    )
    radii = np.interp(np.linspace(0, 1, len(path)), [0, 0.4, 1], [0.3 * r, 0.19 * r, 0.13 * r])
    spout = np.stack([path[:, 0], 0 * path[:, 0], path[:, 1]], axis=1)
    draft.add(plain, tube(spout, radii, ends="flat", segments=12))
    dark = materials.plastic((0.02, 0.02, 0.02), 0.9)
    mouth = spout[-1] + 0.0008 * (spout[-1] - spout[-2]) / np.linalg.norm(spout[-1] - spout[-2])
    draft.add(dark, tube([mouth - (0.0005, 0, 0.0005), mouth], 0.095 * r, ends="flat", segments=12))
    high, bottom = 0.82 * top, 0.26 * top
    reach = -max(wall_at(high), wall_at(bottom)) - 0.5 * r
    loop = [
        (-wall_at(high) + 0.05 * r, high),
        (reach + 0.1 * r, high),
        (reach, 0.58 * top),
        (-wall_at(bottom) + 0.05 * r, bottom),
    ]
    draft.add(plain, ear(loop, 0.1 * r, flatten=1.2))
    return draft


def _jug(order: Order) -> Draft:
    color = order.paint()
    texture, words = _print(order, color, 8, 4)
    draft = Draft(order.color, "ceramic", words, {"handle": (1.0, 0.0, 0.0), "spout": (-1.0, 0.0, 0.0)})
    h, r = order.uniform(0.18, 0.22), order.uniform(0.055, 0.065)
    walls: dict[str, ArrayLike] = {
        "belly": smooth(
            [(0.75 * r, 0), (1.05 * r, 0.25 * h), (0.98 * r, 0.5 * h), (0.66 * r, 0.8 * h), (0.8 * r, h)], 4
        ),
        "conical": [(1.05 * r, 0), (1.07 * r, 0.01), (0.72 * r, 0.94 * h), (0.76 * r, h)],
        "straight": [(0.85 * r, 0), (0.88 * r, 0.01), (0.88 * r, 0.97 * h), (0.93 * r, h)],
    }
    wall = np.asarray(walls[order.variant], np.float64)
    (base, body, inside), draft.cavity = vessel(wall, 0.07 * r, 0.01)
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


def _salt_shaker(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = order.uniform(0.075, 0.09), order.uniform(0.018, 0.022)
    bodies: dict[str, ArrayLike] = {
        "waisted": smooth([(r, 0), (0.98 * r, 0.1 * h), (0.68 * r, 0.5 * h), (0.82 * r, 0.74 * h)], 4),
        "round": smooth([(0.8 * r, 0), (1.15 * r, 0.25 * h), (1.05 * r, 0.5 * h), (0.78 * r, 0.74 * h)], 4),
        "straight": [(r, 0), (0.86 * r, 0.74 * h)],
    }
    body = np.asarray(bodies[order.variant], np.float64)
    draft.add(materials.glazed(color), lathe([(0, 0), *body], segments=24))
    cap_start = body[-1]
    cap = smooth([cap_start, (1.02 * cap_start[0], 0.86 * h), (0.6 * cap_start[0], 0.98 * h), (0.0, h)], 4)
    draft.add(materials.metal(), lathe(cap, segments=24))
    hole = materials.plastic(contrast_color((0.6, 0.6, 0.6)), 0.9)
    for angle in range(5):
        x, y = 0.38 * cap_start[0] * np.cos(1.2566 * angle), 0.38 * cap_start[0] * np.sin(1.2566 * angle)
        draft.add(hole, ellipsoid(0.0016, 0.0016, 0.001, segments=8, rings=4).moved(x, y, 0.985 * h))
    return draft


_CERAMICS = ("white", "blue", "red", "yellow", "green", "pink", "orange", "gray", "black", "purple")


_category = partial(Category, family="tableware", places=DINING)

CATEGORIES = (
    _category(
        "mug",
        "mugs",
        (0.08, 0.135),
        _CERAMICS,
        ("straight", "tapered", "barrel"),
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
        ("tumbler", "rounded"),
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
        ("highball", "tumbler"),
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
        ("tulip", "balloon"),
        ("flute",),
        _wine_glass,
        places=(*DINING, "tray"),
        confusable=("glass",),
    ),
    _category(
        "plate", "plates", (0.17, 0.29), _CERAMICS, ("round", "deep"), ("square",), _plate, places=(*DINING, "tray")
    ),
    _category(
        "bowl", "bowls", (0.13, 0.28), _CERAMICS, ("round", "flared"), ("stepped",), _bowl, places=(*TABLES, "tray")
    ),
    _category(
        "teapot",
        "teapots",
        (0.17, 0.27),
        _CERAMICS,
        ("round", "tall"),
        ("low",),
        _teapot,
        places=(*DINING, "tray"),
        confusable=("jug",),
    ),
    _category(
        "jug",
        "jugs",
        (0.16, 0.26),
        _CERAMICS,
        ("belly", "conical"),
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
        ("waisted", "round"),
        ("straight",),
        _salt_shaker,
        places=(*DINING, "tray", "box"),
    ),
)
