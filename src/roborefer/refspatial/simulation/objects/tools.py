"""Hand tools, lying on their sides along y with the working end in front."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import Rgb, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import arc, circle, smooth
from roborefer.refspatial.simulation.objects.shapes import extrude, lathe, loft, rounded_box, tube
from roborefer.refspatial.simulation.objects.stationery import WOOD_TONE, lying

PLACES = ("table", "desk", "shelf", "floor", "box")


def _grip(order: Order) -> Material:
    if order.color == "brown":
        return materials.wood(mix(order.paint(), WOOD_TONE, 0.3), order.integer(0, 3))
    return materials.plastic(order.paint(), 0.5)


def _hammer(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"head": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    steel = materials.metal((0.35, 0.36, 0.38), 0.35)
    if order.variant == "mallet":
        steel = materials.rubber(materials.DARK)
        head = lathe(
            [(0, -0.05), (0.026, -0.05), (0.029, -0.044), (0.029, 0.044), (0.026, 0.05), (0, 0.05)], segments=20
        )
        draft.add(steel, head.turned("y", 90).moved(y=-0.13))
    else:
        face = lathe(
            [
                (0, -0.045),
                (0.0135, -0.045),
                (0.015, -0.042),
                (0.015, -0.028),
                (0.01, -0.02),
                (0.011, 0.015),
                (0, 0.015),
            ],
            segments=18,
        )
        draft.add(steel, face.turned("y", 90).moved(y=-0.13))
        if order.variant == "claw":
            for side in (-1.0, 1.0):
                claw = smooth(
                    [(0.012, -0.13, side * 0.004), (0.036, -0.132, side * 0.006), (0.058, -0.115, side * 0.0095)], 4
                )
                draft.add(steel, tube(claw, np.linspace(0.0085, 0.003, len(claw)), segments=8))
        else:
            peen = lathe([(0.0, 0.0), (0.011, 0.0), (0.008, 0.02), (0.0, 0.034)], segments=16)
            draft.add(steel, peen.turned("y", 90).moved(x=0.014, y=-0.13))
    length = np.array([-0.145, -0.12, -0.05, 0.0, 0.08, 0.13, 0.15])
    half = np.array([0.009, 0.009, 0.009, 0.011, 0.0135, 0.0145, 0.013])
    path = np.stack([0 * length, length, 0 * length], axis=1)
    draft.add(_grip(order), tube(path, half, segments=12, ends="flat", flatten=0.8))
    return draft


def _screwdriver(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)}, rolls=True)
    steel = materials.metal()
    long = {"slotted": 1.0, "stubby": 0.35, "long": 1.5}[order.variant]
    grip = lathe(
        [
            (0, 0),
            *smooth([(0.011, 0.0), (0.0145, 0.01), (0.0135, 0.045), (0.014, 0.07), (0.009, 0.085)], 3),
            (0.009, 0.09),
            (0, 0.09),
        ],
        segments=18,
    )
    waves = 1 + 0.09 * np.cos(6 * np.arctan2(grip.vertices[:, 1], grip.vertices[:, 0]))
    grip = grip.bulged(waves)
    draft.add(_grip(order), grip.turned("x", 90))
    shaft = 0.09 + 0.09 * long
    draft.add(steel, lying([(0, 0.088), (0.0032, 0.088), (0.0032, shaft), (0, shaft)], 12))
    blade = extrude(
        [(-0.0032, 0), (0.0032, 0), (0.0042, 0.01), (0.0035, 0.018), (-0.0035, 0.018), (-0.0042, 0.01)], 0.0018
    )
    draft.add(steel, blade.turned("z", 180).moved(y=-shaft + 0.001, z=-0.0009))
    return draft


def _wrench(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None, (), {"head": (0.0, -1.0, 0.0)})
    material = materials.metal() if order.color == "silver" else materials.plastic(order.paint(), 0.35)
    jaw = 0.011
    # The open end, from the right of the shank around to its left.
    right = [tuple(point) for point in arc((0, -0.09), 0.021, 40, -62, 8)]
    mouth = [
        (jaw * 0.92, -0.1),
        (jaw * 0.92, -0.085),
        (0.006, -0.078),
        (-0.006, -0.078),
        (-jaw * 0.92, -0.085),
        (-jaw * 0.92, -0.1),
    ]
    left = [tuple(point) for point in arc((0, -0.09), 0.021, 242, 140, 8)]
    half = 0.0075 if order.variant != "wide" else 0.012
    shank = [(-half, -0.068), (-0.9 * half, 0.07)], [(0.9 * half, 0.07), (half, -0.068)]
    outline = [*right, *mouth, *left, *shank[0], *shank[1]]
    draft.add(material, extrude(np.array(outline)[::-1], 0.006).moved(z=0.0005))
    if order.variant == "combination":
        ring = np.concatenate([circle(18, 0.0125) + np.array([0, 0.08]), np.full((18, 1), 0.0038)], axis=1)
        draft.add(material, tube(ring, 0.0042, segments=8, closed=True))
    else:
        end = circle(12, 0.012 if order.variant == "open" else 0.014) + np.array([0, 0.075])
        draft.add(material, extrude(end, 0.006).moved(z=0.0005))
        draft.add(
            materials.plastic(materials.DARK, 0.9),
            lathe([(0, 0), (0.0045, 0), (0.0045, 0.0067), (0, 0.0067)], segments=12).moved(y=0.075),
        )
    return draft


def _flashlight(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)}, rolls=True)
    body = materials.plastic(order.paint(), 0.35)
    r = 0.0155
    wide = {"classic": 1.6, "slim": 1.2, "lantern": 2.3}[order.variant]
    reach = 0.11 if order.variant != "lantern" else 0.07
    draft.add(
        body,
        lying(
            [
                (0, 0),
                (0.9 * r, 0),
                (r, 0.005),
                (r, reach),
                (wide * r, reach + 0.025),
                (wide * r, reach + 0.042),
                (0.86 * wide * r, reach + 0.042),
            ],
            24,
        ),
    )
    dark = materials.rubber(materials.DARK if order.color != "black" else (0.3, 0.3, 0.3))
    for place in (0.02, 0.05, 0.08):
        if place < reach - 0.01:
            draft.add(
                dark, lying([(r, place), (1.06 * r, place + 0.001), (1.06 * r, place + 0.008), (r, place + 0.009)], 20)
            )
    draft.add(
        Material((0.95, 0.93, 0.75), 0.1),
        lying([(0.86 * wide * r, reach + 0.042), (0.84 * wide * r, reach + 0.038), (0, reach + 0.036)], 24),
    )
    draft.add(dark, rounded_box((0.008, 0.018, 0.004), 0.002).moved(y=-reach + 0.015, z=0.95 * r))
    return draft


def _paintbrush(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    wide = {"flat": 0.03, "artist": 0.008, "wide": 0.045}[order.variant]
    ring = circle(16)

    def bar(stations: list[tuple[float, float, float]], material: Material) -> None:
        y, half, thick = smooth(stations, 3).T
        rings = np.stack(
            [half[:, None] * ring[:, 0], np.broadcast_to(y[:, None], (len(y), 16)), thick[:, None] * ring[:, 1]], axis=2
        )
        ends = np.broadcast_to(rings[[0, -1]].mean(axis=1, keepdims=True), (2, 16, 3))
        draft.add(material, loft(np.concatenate([ends[:1], rings, ends[1:]])))

    thick = 0.008 if wide > 0.02 else 0.006
    bristle: Rgb = (0.016, 0.015, 0.015)
    bar([(0.16, 0.009, 0.006), (0.11, 0.014, 0.009), (0.045, 0.009, 0.008), (0.0, 0.95 * wide, thick)], _grip(order))
    bar(
        [(0.0, wide, 1.1 * thick), (-0.012, wide, 1.1 * thick), (-0.025, wide, 1.1 * thick)],
        materials.metal((0.6, 0.6, 0.58)),
    )
    bar(
        [(-0.024, 0.97 * wide, thick), (-0.05, 1.02 * wide, 0.8 * thick), (-0.075, 0.85 * wide, 0.25 * thick)],
        Material(bristle, 0.9),
    )
    return draft


def _pliers(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    steel = materials.metal((0.4, 0.41, 0.43), 0.35)
    grip = materials.plastic(order.paint(), 0.5)
    nose = {"combination": 0.035, "long nose": 0.06, "cutter": 0.022}[order.variant]
    wide = 0.013 if order.variant != "long nose" else 0.009
    for side in (-1.0, 1.0):
        jaw = extrude([(0.0006, 0.01), (0.0006, -nose), (0.4 * wide, -nose), (wide, -0.3 * nose), (wide, 0.01)], 0.009)
        draft.add(steel, jaw if side > 0 else jaw.mirrored())
        path = smooth(
            [
                (-side * 0.004, 0.0, 0.0045),
                (side * 0.01, 0.02, 0.0045),
                (side * 0.019, 0.055, 0.005),
                (side * 0.016, 0.11, 0.005),
            ],
            4,
        )
        draft.add(grip, tube(path, np.linspace(0.0055, 0.0065, len(path)), segments=8))
    draft.add(steel, lathe([(0, 0), (0.011, 0), (0.011, 0.011), (0, 0.011)], segments=18).moved(y=0.004, z=-0.001))
    return draft


_category = partial(Category, family="tools", places=PLACES)

_GRIPS = ("red", "orange", "yellow", "green", "blue", "black")
CATEGORIES = (
    _category("hammer", "hammers", (0.22, 0.36), (*_GRIPS, "brown"), ("claw", "ball"), ("mallet",), _hammer),
    _category("screwdriver", "screwdrivers", (0.11, 0.25), _GRIPS, ("slotted", "stubby"), ("long",), _screwdriver),
    _category(
        "wrench",
        "wrenches",
        (0.14, 0.25),
        ("silver", "red", "blue", "black"),
        ("open", "combination"),
        ("wide",),
        _wrench,
    ),
    _category(
        "flashlight", "flashlights", (0.11, 0.2), (*_GRIPS, "gray"), ("classic", "slim"), ("lantern",), _flashlight
    ),
    _category(
        "paintbrush",
        "paintbrushes",
        (0.15, 0.25),
        ("red", "orange", "yellow", "green", "blue", "brown"),
        ("flat", "artist"),
        ("wide",),
        _paintbrush,
    ),
    _category(
        "pliers",
        "pairs of pliers",
        (0.13, 0.2),
        ("red", "blue", "yellow", "orange", "green"),
        ("combination", "long nose"),
        ("cutter",),
        _pliers,
    ),
)
