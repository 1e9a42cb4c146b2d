"""Plates, teapots and salt shakers, and what all crockery has: patterns and handles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, contrast_color
from roborefer.refspatial.simulation.objects.draft import Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, lathe, stack, tube


def pattern(order: Order, base: Rgb, around: int, along: int) -> tuple[prints.Texture | None, tuple[str, ...]]:
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


def plate(order: Order) -> Draft:
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
        _round_plate(draft, order.variant, r, plain, rim_color)
    return draft


def _round_plate(draft: Draft, variant: str, r: float, plain: Material, rim_color: Material) -> None:
    """Any plate that is turned: also one drawn out to an oval, or with eight sides."""
    # The well's radius, the rim's height, and where the rim bends: its radius and share of the height.
    well, high, bend, bend_high = {
        "deep": (0.8, 0.028, 0.88, 0.6),
        "pasta": (0.48, 0.032, 0.6, 0.8),
        "upright": (0.88, 0.026, 0.965, 0.45),
    }.get(variant, (0.62, 0.018, 0.88, 0.6))
    foot = well - 0.05
    under = [(0, 0.002), (foot * r, 0.002), (foot * r, 0), (foot * r + 0.004, 0)]
    under += list(map(tuple, smooth([(foot * r + 0.008, 0.003), (bend * r, bend_high * high), (r, high)], 4)))
    rim = smooth(
        [(r, high), (r - 0.0015, high + 0.002), (bend * r, bend_high * high + 0.004), (well * r + 0.004, 0.007)], 4
    )
    if variant == "upright":
        # Its wall stands: it needs thickness across, not upright.
        rim = smooth(
            [
                (r, high),
                (r - 0.0015, high + 0.002),
                (r - 0.003, high),
                (bend * r - 0.003, 0.5 * high),
                (well * r, 0.007),
            ],
            4,
        )
    sides = 8 if variant == "octagonal" else 40
    depth = 0.7 if variant == "oval" else 1.0
    turned = [lathe(part, segments=sides) for part in (under, [rim[-1], (well * r, 0.006), (0, 0.006)], rim)]
    below, middle, edge = (mesh.scaled(1.0, depth, 1.0) for mesh in turned)
    draft.add(plain, below, middle)
    draft.add(rim_color, edge)
    clear = 0.97 * well * r * np.cos(np.pi / sides)
    draft.cavity = cavity(0.006, circle(24, clear, depth * clear), high - 0.004)
    if variant in ("oval", "octagonal"):
        draft.attributes = (*draft.attributes, variant)


def _square_plate(draft: Draft, r: float, material: Material) -> None:
    draft.attributes = ("square",)

    def outline(share: float) -> Floats:
        return rounded_rectangle(2 * share * r, 2 * share * r, 0.35 * share * r, 4)

    shares = (0.62, 0.8, 0.98, 1.0, 0.98, 0.74, 0.68)
    heights = (0.0, 0.004, 0.017, 0.019, 0.0195, 0.0075, 0.006)
    draft.add(material, stack([outline(share) for share in shares], heights))
    draft.cavity = cavity(0.006, outline(0.66), 0.0135)


def teapot(order: Order) -> Draft:
    color = order.paint()
    texture, words = pattern(order, color, 10, 4)
    draft = Draft(order.color, "ceramic", words, {"spout": (1.0, 0.0, 0.0)})
    r, h = order.uniform(0.06, 0.075), order.uniform(0.09, 0.115)
    bodies = {
        "round": [(0.55 * r, 0), (0.95 * r, 0.22 * h), (r, 0.5 * h), (0.72 * r, 0.84 * h), (0.45 * r, 0.98 * h)],
        "tall": [(0.8 * r, 0), (0.86 * r, 0.3 * h), (0.75 * r, 0.8 * h), (0.62 * r, 1.15 * h), (0.5 * r, 1.28 * h)],
        "bail": [(0.6 * r, 0), (1.0 * r, 0.2 * h), (1.1 * r, 0.5 * h), (0.85 * r, 0.8 * h), (0.5 * r, 0.94 * h)],
        "cube": [(0.8 * r, 0), (0.86 * r, 0.05 * h), (0.86 * r, 0.9 * h), (0.8 * r, 0.95 * h)],
        "cylinder": [(0.9 * r, 0), (0.94 * r, 0.04 * h), (0.94 * r, 0.5 * h), (0.94 * r, h), (0.5 * r, 1.06 * h)],
        "low": [(0.75 * r, 0), (1.15 * r, 0.2 * h), (1.2 * r, 0.36 * h), (0.8 * r, 0.64 * h), (0.42 * r, 0.74 * h)],
    }
    wall = smooth(bodies[order.variant], 4)
    # A cube's flat top is wider than its lid.
    top, neck = wall[-1, 1], min(wall[-1, 0], 0.55 * r)
    plain = materials.glazed(color)
    printed = materials.glazed(color, texture) if texture is not None else plain
    if order.variant == "cube":
        draft.add(printed, _box_of(wall))
    else:
        draft.add(plain, lathe([(0, 0), wall[0]]))
        draft.add(printed, lathe(wall))
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
    if order.variant == "bail":
        half = [(0.8 * r, 0.84 * top), (0.95 * r, 1.2 * top), (0.7 * r, 1.65 * top)]
        arch = [*half, (0.0, 1.85 * top), *((-x, z) for x, z in half[::-1])]
        draft.add(plain if order.chance(0.5) else dark, ear(arch, 0.08 * r))
        return draft
    draft.directions["handle"] = (-1.0, 0.0, 0.0)
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


def salt_shaker(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = order.uniform(0.075, 0.09), order.uniform(0.018, 0.022)
    bodies: dict[str, ArrayLike] = {
        "waisted": smooth([(r, 0), (0.98 * r, 0.1 * h), (0.68 * r, 0.5 * h), (0.82 * r, 0.74 * h)], 4),
        "round": smooth([(0.8 * r, 0), (1.15 * r, 0.25 * h), (1.05 * r, 0.5 * h), (0.78 * r, 0.74 * h)], 4),
        "cube": [(0.95 * r, 0), (1.02 * r, 0.03 * h), (1.02 * r, 0.74 * h)],
        "bell": smooth(
            [(1.3 * r, 0), (1.35 * r, 0.08 * h), (1.1 * r, 0.34 * h), (0.62 * r, 0.6 * h), (0.74 * r, 0.74 * h)], 4
        ),
        "faceted": [(1.15 * r, 0), (1.2 * r, 0.08 * h), (0.8 * r, 0.66 * h), (1.0 * r, 0.74 * h)],
        "straight": [(r, 0), (0.86 * r, 0.74 * h)],
    }
    body = np.asarray(bodies[order.variant], np.float64)
    glaze = materials.glazed(color)
    metal = materials.metal()
    cap_start = body[-1]
    cap = smooth([cap_start, (1.02 * cap_start[0], 0.86 * h), (0.6 * cap_start[0], 0.98 * h), (0.0, h)], 4)
    if order.variant == "cube":
        draft.add(glaze, _box_of(body))
        draft.add(metal, _box_of([cap_start, (1.06 * r, 0.75 * h), (1.06 * r, 0.95 * h), (0.9 * r, 0.99 * h)]))
    else:
        draft.add(glaze, lathe([(0, 0), *body], segments=8 if order.variant == "faceted" else 24))
        draft.add(metal, lathe(cap, segments=24))
    hole = materials.plastic(contrast_color((0.6, 0.6, 0.6)), 0.9)
    for angle in range(5):
        x, y = 0.38 * cap_start[0] * np.cos(1.2566 * angle), 0.38 * cap_start[0] * np.sin(1.2566 * angle)
        draft.add(hole, ellipsoid(0.0016, 0.0016, 0.001, segments=8, rings=4).moved(x, y, 0.985 * h))
    return draft


def _box_of(profile: ArrayLike) -> Mesh:
    """A square body with round edges; its profile (K, 2) holds half widths and heights."""
    half, heights = np.asarray(profile, np.float64).T
    return stack([rounded_rectangle(2 * x, 2 * x, 0.3 * half.max(), 4) for x in half], heights.tolist())
