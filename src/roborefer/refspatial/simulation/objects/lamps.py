"""Lamps for tables, desks and floors."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import smooth
from roborefer.refspatial.simulation.objects.shapes import (
    ellipsoid,
    lathe,
    tube,
)

PLACES = ("table", "desk", "shelf", "counter")


def _table_lamp(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    shade = materials.fabric(mix(color, (0.9, 0.88, 0.8), 0.08), order.integer(0, 3))
    foot_color = order.pick(((0.6, 0.48, 0.25), (0.62, 0.63, 0.65), (0.1, 0.1, 0.11)))
    foot = materials.metal(foot_color, 0.3)
    if order.variant == "ceramic foot":
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
    draft.add(Material((1.0, 0.96, 0.85), 0.4), ellipsoid(0.022, 0.022, 0.028, segments=14, rings=8).moved(z=0.27))
    return draft


def _desk_lamp(order: Order) -> Draft:
    """A jointed arm; its head looks to the front."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "head": (0.0, -1.0, 0.0)})
    paint = materials.plastic(order.paint(), 0.3)
    bare = materials.metal()
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
        ("cone", "ceramic foot"),
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
        ("jointed", "goose neck"),
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
        ("cone", "drum"),
        ("bowl",),
        _floor_lamp,
        places=("floor",),
    ),
)
