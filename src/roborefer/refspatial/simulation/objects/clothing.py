"""What is put on, or carried, outdoors."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    ellipsoid,
    extrude,
    lathe,
    loft,
    stack,
    tube,
)

STRAW: Rgb = (0.55, 0.33, 0.12)
PLACES = ("table", "desk", "shelf", "counter")
_FLOOR = ("floor", "table", "shelf")


def _hat(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    cloth = materials.fabric(color, order.integer(0, 3))
    if order.variant == "cap":
        draft.directions = {"front": (0.0, -1.0, 0.0), "visor": (0.0, -1.0, 0.0)}
        draft.add(
            cloth,
            lathe([(0, 0), *smooth([(0.092, 0), (0.092, 0.04), (0.07, 0.085), (0, 0.105)], 4)]).scaled(0.94, 1.05, 1),
        )
        angles = np.radians(np.linspace(200, 340, 13))
        outer = np.stack([0.1 * np.cos(angles), 0.155 * np.sin(angles) - 0.006], axis=1)
        inner = np.stack([0.08 * np.cos(angles), 0.08 * np.sin(angles)], axis=1)
        outline = np.concatenate([outer, inner[::-1]])
        draft.add(cloth, extrude(outline, 0.005).moved(z=0.002))
        draft.add(cloth, ellipsoid(0.008, 0.008, 0.004, segments=10, rings=5).moved(z=0.105))
        return draft
    tall, top, brim = {"fedora": (0.11, 0.075, 0.15), "sun hat": (0.095, 0.06, 0.21), "top hat": (0.15, 0.092, 0.14)}[
        order.variant
    ]
    if order.variant == "sun hat" and order.color != "white":
        straw = mix(color, STRAW, 0.5) if order.color == "brown" else mix(color, (1.0, 1.0, 1.0), 0.08)
        cloth = Material(straw, 0.9, 0.0, prints.grain("wicker", order.integer(0, 3)))
    crown = [
        (0.088, 0.012),
        (0.086, 0.3 * tall),
        (top, 0.92 * tall),
        (0.6 * top, tall),
        (0, 0.94 * tall if order.variant == "fedora" else tall),
    ]
    profile = (
        [(0, 0), (brim, 0.006), (brim, 0.01), *crown]
        if order.variant != "sun hat"
        else [(0, 0.004), (brim, 0), (brim, 0.003), *crown]
    )
    draft.add(cloth, lathe(profile, segments=36).scaled(0.95, 1.08, 1))
    band = order.paint(other_color(order.color, order.generator, ("black", "white", "red", "blue")))
    ring = lathe([(0.0885, 0.014), (0.089, 0.014), (0.088, 0.036), (0.087, 0.036)], segments=36)
    draft.add(materials.fabric(band), ring.scaled(0.955, 1.085, 1))
    return draft


def _shoe(order: Order) -> Draft:
    """Its toe points to the front."""
    color = order.paint()
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "toe": (0.0, -1.0, 0.0)})
    upper = materials.fabric(color) if order.variant == "sneaker" else materials.plastic(color, 0.35)
    n = 20
    unit = circle(n)
    y = np.array([0.135, 0.13, 0.11, 0.06, 0.0, -0.06, -0.1, -0.125, -0.135])
    half = np.array([0.015, 0.028, 0.034, 0.033, 0.036, 0.046, 0.045, 0.034, 0.016])
    ankle = {"sneaker": 0.085, "loafer": 0.062, "boot": 0.15}[order.variant]
    top = np.array([0.8 * ankle, ankle, ankle, 0.95 * ankle, 0.07, 0.056, 0.05, 0.042, 0.03])
    if order.variant == "boot":
        top = np.array([0.92 * ankle, ankle, ankle, ankle, 0.085, 0.062, 0.054, 0.045, 0.032])
    rings = []
    for place, wide, high in zip(y, half, top, strict=True):
        x, z = unit[:, 0] * wide, 0.015 + (high - 0.015) * np.clip(0.5 + 0.62 * unit[:, 1], 0, 1)
        rings.append(np.stack([x * (1 - 0.35 * np.clip((z - 0.045) / 0.1, 0, 1)), np.full(n, place), z], axis=1))
    ends = [np.broadcast_to(ring.mean(axis=0), (n, 3)) for ring in (rings[0], rings[-1])]
    draft.add(upper, loft(np.stack([ends[0], *rings, ends[1]])))
    dark = Material((0.02, 0.02, 0.02), 0.9)
    opening = circle(18, 0.021, 0.036)
    draft.add(
        dark,
        stack([opening, opening], [ankle - 0.004, ankle + 0.0008]).moved(y=0.085 if order.variant != "boot" else 0.088),
    )
    outline = np.concatenate([np.stack([half * 1.06, y * 1.03], 1), np.stack([-half * 1.06, y * 1.03], 1)[::-1]])[::-1]
    sole = (0.03, 0.03, 0.032)
    if order.variant == "sneaker":
        sole = (0.55, 0.55, 0.54) if order.color == "white" else order.paint("white")
    thick = 0.022 if order.variant == "sneaker" else 0.014
    draft.add(Material(sole, 0.7), stack([0.98 * outline, outline, outline], [0, 0.004, thick]))
    lace = materials.fabric(order.paint("white" if order.color != "white" else "black"))
    if order.variant != "loafer":
        for index in range(4):
            share = index / 3
            z = 0.06 + (0.02 + 0.25 * max(0, ankle - 0.085)) * share
            draft.add(
                lace,
                tube(
                    smooth(
                        [
                            (-0.022, -0.05 + 0.05 * share, z - 0.008),
                            (0, -0.053 + 0.05 * share, z + 0.003),
                            (0.022, -0.05 + 0.05 * share, z - 0.008),
                        ],
                        3,
                    ),
                    0.003,
                    segments=6,
                ),
            )
    return draft


def _umbrella(order: Order) -> Draft:
    """Folded, lying along y."""
    draft = Draft(order.color, None, ("folded",), {"handle": (0.0, 1.0, 0.0), "tip": (0.0, -1.0, 0.0)})
    cloth = materials.fabric(order.paint(), order.integer(0, 3))
    long = 0.3 if order.variant == "short" else 0.55
    wide = 0.026 if order.variant != "slim" else 0.019
    profile = [
        (0, 0),
        (0.7 * wide, 0.01),
        (wide, 0.15 * long),
        (0.9 * wide, 0.6 * long),
        (0.25 * wide, long),
        (0, long),
    ]
    body = lathe(smooth(profile[1:-1], 3), segments=24)
    folds = 1 + 0.1 * np.cos(8 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]) + 30 * body.vertices[:, 2])
    body = body.bulged(folds)
    draft.add(cloth, body.turned("x", 90))
    draft.add(materials.metal(), tube([(0, 0.09, 0), (0, 0.0, 0), (0, -long - 0.05, 0)], 0.004, segments=8))
    grip = materials.wood((0.3, 0.16, 0.07))
    if order.variant == "short":
        draft.add(
            grip,
            lathe([(0, 0), (0.012, 0), (0.014, 0.03), (0.011, 0.06), (0, 0.06)], segments=14)
            .turned("x", -90)
            .moved(y=0.03),
        )
    else:
        draft.add(
            grip,
            tube(
                smooth([(0, 0.05, 0), (0, 0.13, 0), (0.03, 0.165, 0), (0.06, 0.135, 0), (0.06, 0.115, 0)], 4),
                0.0085,
                segments=10,
            ),
        )
    return draft


_category = partial(Category, family="clothing", places=PLACES)

CATEGORIES = (
    _category(
        "hat",
        "hats",
        (0.24, 0.42),
        ("brown", "red", "blue", "black", "yellow", "green", "white"),
        ("cap", "fedora", "sun hat"),
        ("top hat",),
        _hat,
        places=(*_FLOOR, "desk"),
    ),
    _category(
        "shoe",
        "shoes",
        (0.22, 0.32),
        ("red", "blue", "black", "brown", "white", "green", "yellow"),
        ("sneaker", "loafer"),
        ("boot",),
        _shoe,
        places=("floor", "shelf"),
    ),
    _category(
        "umbrella",
        "umbrellas",
        (0.38, 0.85),
        ("red", "blue", "black", "yellow", "green", "purple"),
        ("long", "short"),
        ("slim",),
        _umbrella,
        places=("floor",),
    ),
)
