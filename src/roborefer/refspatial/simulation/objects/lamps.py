"""Lamps for tables, desks and floors."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import Rgb, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import arc, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    loft,
    ring,
    rounded_box,
    side_view,
    slab,
    tube,
)

_LEG_COLORS: tuple[Rgb, ...] = ((0.5, 0.3, 0.14), (0.3, 0.16, 0.07), (0.03, 0.025, 0.02))
PLACES = ("table", "desk", "shelf", "counter")


def _shade(low: float, high: float, bottom: float, top: float) -> Mesh:
    """A thin cone without ends: radii and heights of its lower and upper edge."""
    thickness = 0.01 * (low + high)
    wall = [(low, bottom), (high, top)]
    return lathe([*wall, (high - thickness, top), (low - thickness, bottom), wall[0]], segments=32)


def _add_tripod(draft: Draft, order: Order, spread: float, height: float, radius: float) -> None:
    """Three wooden legs that meet under the lamp."""
    wood = materials.wood(order.pick(_LEG_COLORS), 1)
    for angle in np.radians((90, 210, 330)):
        foot = (spread * np.cos(angle), spread * np.sin(angle), 0.5 * radius)
        top = (0.12 * foot[0], 0.12 * foot[1], height)
        draft.add(wood, tube([foot, top], radius, segments=10, ends="flat"))


def _table_lamp(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    shade = materials.fabric(mix(color, (0.9, 0.88, 0.8), 0.08), order.integer(0, 3))
    foot_color = order.pick(((0.6, 0.48, 0.25), (0.62, 0.63, 0.65), (0.1, 0.1, 0.11)))
    foot = materials.metal(foot_color, 0.3)
    bulb = Material((1.0, 0.96, 0.85), 0.4)
    if order.variant == "globe":
        # A ball of coloured glass that hides its bulb.
        stem = [
            (0, 0),
            (0.065, 0),
            (0.065, 0.012),
            (0.012, 0.022),
            (0.01, 0.1),
            (0.034, 0.108),
            (0.034, 0.13),
            (0, 0.13),
        ]
        draft.add(foot, lathe(stem), lathe([(0, 0), (0.012, 0), (0.006, 0.012), (0, 0.016)]).moved(z=0.283))
        draft.add(Material(color, 0.15), ellipsoid(0.085, 0.085, 0.085, segments=30, rings=18).moved(z=0.2))
        return draft
    if order.variant == "square":
        draft.add(foot, rounded_box((0.075, 0.075, 0.12), 0.004), rounded_box((0.1, 0.1, 0.012), 0.002))
        draft.add(foot, rounded_box((0.012, 0.012, 0.19)).moved(z=0.1))
        edges = [(rectangle(2 * half, 2 * half), z) for half, z in ((0.094, 0.17), (0.07, 0.32))]
        rings = [
            ring((1 - inset) * edge, z)
            for edge, z, inset in ((*edges[0], 0.0), (*edges[1], 0.0), (*edges[1], 0.03), (*edges[0], 0.03))
        ]
        draft.add(shade, loft(np.stack(rings), closed=True))
        draft.add(foot, tube([(-0.068, 0, 0.28), (0.068, 0, 0.28)], 0.0016, segments=6))
        draft.add(bulb, ellipsoid(0.022, 0.022, 0.028, segments=14, rings=8).moved(z=0.25))
        return draft
    if order.variant == "tripod":
        _add_tripod(draft, order, 0.09, 0.24, 0.007)
    elif order.variant == "ceramic foot":
        body = smooth([(0.05, 0.008), (0.07, 0.06), (0.055, 0.12), (0.018, 0.16)], 4)
        draft.add(
            materials.glazed(order.paint("white" if order.color != "white" else "blue")),
            lathe([(0, 0), (0.052, 0), *body, (0, 0.16)]),
        )
        draft.add(foot, lathe([(0, 0.16), (0.006, 0.16), (0.006, 0.25), (0, 0.25)], segments=10))
    else:
        base = [(0, 0), (0.06, 0), (0.06, 0.01), (0.03, 0.017), (0.006, 0.022), (0.006, 0.26), (0, 0.26)]
        draft.add(foot, lathe(base, segments=26))
    low, high, z0, z1 = {
        "cone": (0.092, 0.052, 0.2, 0.34),
        "ceramic foot": (0.1, 0.085, 0.2, 0.34),
        "tripod": (0.095, 0.095, 0.2, 0.32),
        "dome": (0.1, 0.03, 0.21, 0.31),
    }[order.variant]
    wall = (
        [(low, z0), (high, z1)]
        if order.variant != "dome"
        else smooth([(low, z0), (0.92 * low, z0 + 0.05), (0.65 * low, z1 - 0.015), (high, z1)], 3)
    )
    outside = np.asarray(wall, np.float64)
    inside = outside[::-1] - (0.002, 0.0)
    draft.add(shade, lathe(np.concatenate([outside, inside, outside[:1]]), segments=32))
    draft.add(foot, tube([(-high + 0.003, 0, z1 - 0.006), (high - 0.003, 0, z1 - 0.006)], 0.0016, segments=6))
    draft.add(bulb, ellipsoid(0.022, 0.022, 0.028, segments=14, rings=8).moved(z=0.27))
    return draft


def _add_banker(draft: Draft, paint: Material, bare: Material) -> None:
    """A post under a trough of coloured glass that lies across."""
    draft.add(bare, lathe([(0, 0), (0.08, 0), (0.08, 0.014), (0.05, 0.026), (0.012, 0.034), (0, 0.036)]))
    post = smooth([(0, 0.03, 0.02), (0, 0.04, 0.15), (0, 0.03, 0.29), (0, -0.01, 0.315)], 5)
    draft.add(bare, tube(post, 0.007, segments=10))
    outer = arc((0, 0), 0.065, -5, 185, 15)
    trough = np.concatenate([outer, 0.93 * outer[::-1]])
    across = side_view(trough, 0.25)
    ends = extrude(outer, 0.004).turned("x", 90).turned("z", 90)
    for mesh in (across, ends.moved(x=-0.127), ends.moved(x=0.123)):
        draft.add(paint, mesh.turned("x", -12).moved(y=-0.02, z=0.27))
    light = Material((1.0, 0.96, 0.82), 0.3)
    draft.add(light, tube([(-0.1, -0.02, 0.29), (0.1, -0.02, 0.29)], 0.012, segments=10))


def _add_bar(draft: Draft, paint: Material, bare: Material) -> None:
    """A flat arm bent at a right angle, with a strip of light under its end."""
    draft.add(paint, slab(0.15, 0.12, 0.016, 0.02).moved(y=0.03))
    draft.add(paint, rounded_box((0.036, 0.014, 0.36), 0.004).moved(y=0.07, z=0.01))
    draft.add(
        bare, lathe([(0, -0.021), (0.014, -0.021), (0.014, 0.021), (0, 0.021)]).turned("y", 90).moved(y=0.07, z=0.37)
    )
    draft.add(paint, rounded_box((0.05, 0.27, 0.014), 0.004).moved(y=-0.065, z=0.364))
    draft.add(Material((1.0, 0.96, 0.85), 0.3), rounded_box((0.036, 0.2, 0.004), 0.001).moved(y=-0.09, z=0.3615))


def _add_boom(draft: Draft, paint: Material, bare: Material) -> None:
    """An upright post with a level boom on it, from which a bowl hangs."""
    draft.add(paint, rounded_box((0.13, 0.16, 0.02), 0.004))
    draft.add(bare, tube([(0, 0.06, 0.01), (0, 0.06, 0.37)], 0.007, segments=10))
    draft.add(bare, tube([(0, 0.1, 0.34), (0, -0.1, 0.34)], 0.005, segments=8))
    draft.add(paint, rounded_box((0.026, 0.026, 0.03), 0.004).moved(y=0.06, z=0.325))
    bowl = arc((0, 0), 0.062, 0, 84, 8)
    shade = lathe(np.concatenate([bowl, [(0, 0.062), (0, 0.059)], 0.95 * bowl[::-1], bowl[:1]]), segments=26)
    draft.add(paint, shade.moved(y=-0.09, z=0.28))
    draft.add(
        Material((1.0, 0.96, 0.82), 0.3), ellipsoid(0.02, 0.02, 0.024, segments=14, rings=8).moved(y=-0.09, z=0.3)
    )


# Built unlike the lamps with a bell on an arm.
_UNJOINTED = {"banker": _add_banker, "bar": _add_bar, "boom": _add_boom}


def _desk_lamp(order: Order) -> Draft:
    """A jointed arm; its head looks to the front."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "head": (0.0, -1.0, 0.0)})
    paint = materials.plastic(order.paint(), 0.3)
    bare = materials.metal()
    if order.variant in _UNJOINTED:
        _UNJOINTED[order.variant](draft, paint, bare)
        draft.directions = {"front": (0.0, -1.0, 0.0)}  # their light falls straight down
        return draft
    draft.add(paint, lathe([(0, 0), (0.075, 0), (0.075, 0.012), (0.06, 0.02), (0, 0.022)], segments=30))
    foot_top = np.array([0.0, 0.0, 0.015])
    elbow, head = np.array([0.0, 0.1, 0.22]), np.array([0.0, -0.07, 0.36])
    if order.variant == "goose neck":
        neck = smooth(
            [foot_top, np.array([0, 0.05, 0.15]), np.array([0, 0.05, 0.3]), np.array([0, -0.03, 0.37]), head], 5
        )
        draft.add(bare, tube(neck, 0.006, segments=8))
    else:
        thick = 0.006 if order.variant == "jointed" else 0.011
        draft.add(bare, tube([foot_top, elbow], thick, segments=8), tube([elbow, head], thick, segments=8))
        joint = lathe([(0, -0.012), (0.013, -0.012), (0.013, 0.012), (0, 0.012)], segments=14).turned("y", 90)
        draft.add(paint, joint.moved(*elbow), joint.scaled(0.8, 0.8, 0.8).moved(*head))
    bell = np.array([(0.018, 0.03), (0.022, 0.0), (0.05, -0.06), (0.054, -0.072)])
    shade = lathe(np.concatenate([[(0, 0.032)], bell, bell[::-1] - (0.002, 0), [(0.0, 0.028)]])[::-1], segments=26)
    draft.add(paint, shade.turned("x", -28).moved(head[0], head[1] - 0.006, head[2] - 0.005))
    bulb = ellipsoid(0.02, 0.02, 0.024, segments=14, rings=8).moved(z=-0.04).turned("x", -28)
    draft.add(Material((1.0, 0.96, 0.82), 0.3), bulb.moved(head[0], head[1] - 0.006, head[2] - 0.005))
    return draft


def _floor_lamp(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    metal = materials.metal((0.12, 0.12, 0.13) if order.chance(0.5) else (0.6, 0.5, 0.28), 0.35)
    cloth = materials.fabric(mix(color, (0.9, 0.88, 0.8), 0.05), 1)
    if order.variant == "arc":
        draft.add(metal, lathe([(0, 0), (0.19, 0), (0.19, 0.045), (0.18, 0.05), (0, 0.05)], segments=30).moved(y=0.08))
        arm = smooth(
            [(0, 0.2, 0.03), (0, 0.21, 0.7), (0, 0.16, 1.1), (0, 0.04, 1.31), (0, -0.12, 1.35), (0, -0.2, 1.25)], 5
        )
        draft.add(metal, tube(arm, 0.011, segments=8))
        draft.add(cloth, _shade(0.18, 0.09, 1.06, 1.22).moved(y=-0.2))
        return draft
    if order.variant == "column":
        # A paper lantern from the floor up.
        for z in (0.0, 1.2):
            draft.add(metal, rounded_box((0.23, 0.23, 0.02), 0.003).moved(z=z))
        draft.add(cloth, rounded_box((0.21, 0.21, 1.18), 0.006).moved(z=0.02))
        for z in (0.3, 0.6, 0.9):
            draft.add(metal, rounded_box((0.214, 0.214, 0.012), 0.002).moved(z=z))
        return draft
    if order.variant == "tripod":
        _add_tripod(draft, order, 0.3, 1.2, 0.014)
        draft.add(cloth, _shade(0.22, 0.2, 1.12, 1.4))
        draft.add(metal, tube([(0, 0, 1.15), (0, 0, 1.32)], 0.01), tube([(-0.2, 0, 1.3), (0.2, 0, 1.3)], 0.004))
        return draft
    draft.add(
        metal,
        lathe([(0, 0), (0.14, 0), (0.14, 0.015), (0.02, 0.03), (0.011, 0.04), (0.011, 1.36), (0, 1.36)], segments=26),
    )
    low, high, z0, z1 = {
        "cone": (0.21, 0.11, 1.2, 1.45),
        "drum": (0.19, 0.19, 1.2, 1.42),
        "bowl": (0.08, 0.2, 1.32, 1.45),
    }[order.variant]
    outside = np.array([(low, z0), (high, z1)])
    inside = outside[::-1] - (0.003, 0)
    cloth = materials.fabric(mix(color, (0.9, 0.88, 0.8), 0.05), order.integer(0, 3))
    draft.add(cloth, lathe(np.concatenate([outside, inside, outside[:1]]), segments=36))
    draft.add(metal, tube([(-0.9 * min(low, high), 0, 1.35), (0.9 * min(low, high), 0, 1.35)], 0.004, segments=6))
    return draft


_category = partial(Category, family="lamps", places=PLACES)

CATEGORIES = (
    _category(
        "table lamp",
        "table lamps",
        (0.28, 0.48),
        ("white", "red", "yellow", "blue", "green", "orange", "pink"),
        ("cone", "ceramic foot", "tripod", "square", "globe"),
        ("dome",),
        _table_lamp,
        places=("table", "desk", "shelf"),
        confusable=("desk lamp",),
    ),
    _category(
        "desk lamp",
        "desk lamps",
        (0.32, 0.5),
        ("black", "white", "red", "yellow", "blue", "green"),
        ("jointed", "goose neck", "banker", "bar", "boom"),
        ("thick",),
        _desk_lamp,
        places=("desk", "table"),
        confusable=("table lamp",),
    ),
    _category(
        "floor lamp",
        "floor lamps",
        (1.25, 1.6),
        ("white", "yellow", "red", "orange", "blue", "green"),
        ("cone", "drum", "arc", "tripod", "column"),
        ("bowl",),
        _floor_lamp,
        places=("floor",),
    ),
)
