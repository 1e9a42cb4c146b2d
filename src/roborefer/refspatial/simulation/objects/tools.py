"""Hand tools, lying on their sides along y with the working end in front."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import Rgb, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    ellipsoid,
    extrude,
    lathe,
    ring,
    rounded_box,
    solid,
    stack,
    tube,
)
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
    elif order.variant in ("pick", "engineer"):
        # A square face, and at the other end a long point or a wedge across the handle.
        wide = 0.024 if order.variant == "pick" else 0.03
        block = rounded_box((0.05, wide, wide), 0.003).moved(x=-0.02, y=-0.13, z=-0.5 * wide)
        # Half a height and a breadth along the handle, as shares of the face, and the bend towards the grip, metres.
        point = [(0.5, 0.5, 0), (0.4, 0.4, 0.004), (0.06, 0.08, 0.016)]
        wedge = [(0.5, 0.5, 0), (0.46, 0.44, 0), (0.46, 0.08, 0)]
        reach, stations = (0.085, point) if order.variant == "pick" else (0.05, wedge)
        outlines = [rectangle(2 * wide * up, 2 * wide * along) + np.array([0, bend]) for up, along, bend in stations]
        tip = stack(outlines, [0, 0.3 * reach, reach]).turned("y", 90)
        draft.add(steel, block, tip.moved(x=0.004, y=-0.13))
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
        # A framing hammer's claw is straight.
        bends = {"claw": ((0.036, -0.132), (0.058, -0.115)), "framing": ((0.04, -0.13), (0.075, -0.124))}
        if order.variant in bends:
            middle, end = bends[order.variant]
            for side in (-1.0, 1.0):
                claw = smooth([(0.012, -0.13, side * 0.004), (*middle, side * 0.006), (*end, side * 0.0095)], 4)
                draft.add(steel, tube(claw, np.linspace(0.0085, 0.003, len(claw)), segments=8))
        else:
            peen = lathe([(0.0, 0.0), (0.011, 0.0), (0.008, 0.02), (0.0, 0.034)], segments=16)
            draft.add(steel, peen.turned("y", 90).moved(x=0.014, y=-0.13))
    length = np.array([-0.145, -0.12, -0.05, 0.0, 0.08, 0.13, 0.15])
    half = np.array([0.009, 0.009, 0.009, 0.011, 0.0135, 0.0145, 0.013])
    path = np.stack([0 * length, length, 0 * length], axis=1)
    if order.variant == "framing":
        # Of one piece of steel, long, with a thick grip.
        draft.add(steel, tube(path[:4], 0.0075, segments=12, ends="flat"))
        length, half = np.array([-0.02, 0.0, 0.06, 0.11, 0.15, 0.19, 0.2]), np.array([11, 13, 14, 13, 14, 17, 16]) / 1e3
        path = np.stack([0 * length, length, 0 * length], axis=1)
    draft.add(_grip(order), tube(path, half, segments=12, ends="flat", flatten=0.8))
    return draft


def _screwdriver(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)}, rolls=True)
    steel = materials.metal()
    long = {"stubby": 0.35, "precision": 0.8, "bulb": 0.75, "ratchet": 0.8, "long": 1.5}.get(order.variant, 1.0)
    bulge = {
        "bulb": [(0.008, 0.0), (0.0165, 0.012), (0.0195, 0.035), (0.013, 0.062), (0.0085, 0.078), (0.0105, 0.085)],
        "precision": [
            (0.0052, 0.0),
            (0.0052, 0.006),
            (0.0036, 0.014),
            (0.0052, 0.024),
            (0.0052, 0.075),
            (0.003, 0.085),
        ],
        "ratchet": [(0.011, 0.0), (0.015, 0.006), (0.0155, 0.03), (0.012, 0.058), (0.0155, 0.064), (0.0145, 0.085)],
    }.get(order.variant, [(0.011, 0.0), (0.0145, 0.01), (0.0135, 0.045), (0.014, 0.07), (0.009, 0.085)])
    grip = lathe(
        [
            (0, 0),
            *smooth(bulge, 3),
            (bulge[-1][0], 0.09),
            (0, 0.09),
        ],
        segments=18,
    )
    # A bulb is smooth, as turned from wood.
    depth = {"bulb": 0.0, "ratchet": 0.05}.get(order.variant, 0.09)
    waves = 1 + depth * np.cos(6 * np.arctan2(grip.vertices[:, 1], grip.vertices[:, 0]))
    grip = grip.bulged(waves)
    draft.add(_grip(order), grip.turned("x", 90))
    shaft = 0.09 + 0.09 * long
    thick = {"precision": 0.0018, "bulb": 0.004}.get(order.variant, 0.0032)
    draft.add(steel, lying([(0, 0.088), (thick, 0.088), (thick, shaft), (0, shaft)], 12))
    if order.variant == "ratchet":
        # The knurled ring that reverses it, and a holder for bits.
        draft.add(
            materials.rubber(materials.DARK),
            lying([(0, 0.088), (0.0155, 0.088), (0.0155, 0.1), (0.011, 0.104), (0, 0.104)], 18),
        )
        draft.add(steel, lying([(0, 0.1), (0.0065, 0.1), (0.0065, shaft - 0.02), (0, shaft - 0.02)], 6))
    blade = extrude(
        [(-0.0032, 0), (0.0032, 0), (0.0042, 0.01), (0.0035, 0.018), (-0.0035, 0.018), (-0.0042, 0.01)], 0.0018
    )
    if order.variant == "precision":
        blade = blade.scaled(0.5, 0.5, 1)
    draft.add(steel, blade.turned("z", 180).moved(y=-shaft + 0.001, z=-0.0009))
    return draft


def _wrench(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None, (), {"head": (0.0, -1.0, 0.0)})
    material = materials.metal() if order.color == "silver" else materials.plastic(order.paint(), 0.35)
    if order.variant == "adjustable":
        return _adjustable_wrench(draft, material)
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
    if order.variant == "ring":
        for place, radius in ((-0.085, 0.0155), (0.08, 0.0125)):
            eye = ring(circle(20, radius) + np.array([0, place]), 0.006)
            draft.add(material, tube(eye, 0.005, segments=8, closed=True, flatten=1.2))
        bend = smooth([(0, -0.068, 0.006), (0, -0.045, 0.014), (0, 0.045, 0.014), (0, 0.066, 0.006)], 4)
        draft.add(material, tube(bend, 0.0052, segments=10, flatten=1.2))
        return draft
    draft.add(material, extrude(np.array(outline)[::-1], 0.006).moved(z=0.0005))
    if order.variant == "double":
        # The other end is for the next smaller nut.
        draft.add(
            material, extrude(np.array(outline)[::-1], 0.006).turned("z", 180).scaled(0.8, 0.8, 1).moved(z=0.0005)
        )
    elif order.variant == "combination":
        draft.add(
            material, tube(ring(circle(18, 0.0125) + np.array([0, 0.08]), 0.0038), 0.0042, segments=8, closed=True)
        )
    else:
        end = circle(12, 0.012 if order.variant == "open" else 0.014) + np.array([0, 0.075])
        draft.add(material, extrude(end, 0.006).moved(z=0.0005))
        draft.add(
            materials.plastic(materials.DARK, 0.9),
            lathe([(0, 0), (0.0045, 0), (0.0045, 0.0067), (0, 0.0067)], segments=12).moved(y=0.075),
        )
    return draft


def _adjustable_wrench(draft: Draft, material: Material) -> Draft:
    """A wide head with a fixed jaw and one that a worm moves; the handle has an eye at its end."""
    head = [
        (-0.008, -0.045), (0.01, -0.045), (0.022, -0.062), (0.022, -0.08), (0.006, -0.08), (0.004, -0.084),
        (-0.009, -0.118), (-0.019, -0.112), (-0.021, -0.07),
    ]  # fmt: skip
    draft.add(material, extrude(head, 0.012))
    slide = [(0.005, -0.083), (0.023, -0.083), (0.022, -0.1), (0.01, -0.118), (-0.001, -0.11)]
    draft.add(material, extrude(slide, 0.01).moved(z=0.001))
    worm = lathe([(0, 0), (0.0055, 0), (0.0055, 0.014), (0, 0.014)], segments=12).turned("y", 90)
    draft.add(materials.metal((0.4, 0.4, 0.42), 0.4), worm.moved(x=0.004, y=-0.068, z=0.0085))
    draft.add(
        material, extrude([(-0.008, -0.05), (0.008, -0.05), (0.0115, 0.075), (-0.0115, 0.075)], 0.008).moved(z=0.002)
    )
    draft.add(material, tube(ring(circle(18, 0.0085) + np.array([0, 0.08]), 0.006), 0.0045, segments=8, closed=True))
    return draft


def _flashlight(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)}, rolls=True)
    body = materials.plastic(order.paint(), 0.35)
    if order.variant in ("angled", "boxed"):
        return _standing_flashlight(draft, order.variant, body, materials.rubber(materials.DARK))
    r = 0.0155
    wide = {"classic": 1.6, "slim": 1.2, "pen": 1.12, "lantern": 2.3}[order.variant]
    reach = 0.11 if order.variant != "lantern" else 0.07
    if order.variant == "pen":
        r = 0.0085
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
    if order.variant == "pen":
        clip = smooth([(0, -0.012, 0.9 * r), (0, -0.014, 1.5 * r), (0, -0.03, 1.4 * r), (0, -0.062, 1.15 * r)], 3)
        draft.add(materials.metal(), tube(clip, 0.0022, segments=8))
        return draft
    draft.add(dark, rounded_box((0.008, 0.018, 0.004), 0.002).moved(y=-reach + 0.015, z=0.95 * r))
    return draft


def _standing_flashlight(draft: Draft, variant: str, body: Material, dark: Material) -> Draft:
    """One that stands and shines forward: with its head at a right angle, or on a block of battery with a handle."""
    draft.rolls = False
    if variant == "angled":
        z, r, reach = 0.115, 0.025, 0.032
        draft.add(body, lathe([(0, 0), (0.02, 0), (0.021, 0.003), (0.021, 0.016), (0.018, 0.018), (0.018, z), (0, z)]))
        draft.add(body, ellipsoid(0.0185, 0.0185, 0.022).moved(z=z))
        draft.add(dark, rounded_box((0.009, 0.005, 0.022), 0.002).moved(y=-0.0185, z=0.055))
        clip = smooth([(0.017, 0, 0.1), (0.026, 0, 0.095), (0.025, 0, 0.07), (0.021, 0, 0.045)], 3)
        draft.add(materials.metal(), tube(clip, 0.0025, segments=8))
    else:
        z, r, reach = 0.045, 0.034, 0.065
        draft.add(body, rounded_box((0.07, 0.115, 0.085), 0.01, steps=2).moved(y=0.008))
        grip = smooth([(0, 0.05, 0.08), (0, 0.045, 0.112), (0, -0.02, 0.115), (0, -0.035, 0.08)], 4)
        draft.add(body, tube(grip, 0.0085, segments=10))
        draft.add(dark, rounded_box((0.014, 0.02, 0.006), 0.002).moved(y=0.012, z=0.12))
    # The head, from the body's middle to the glass.
    draft.add(body, lying([(0, 0), (0.7 * r, 0), (r, reach - 0.01), (r, reach), (0.86 * r, reach)], 24).moved(z=z))
    draft.add(Material((0.95, 0.93, 0.75), 0.1), lying([(0.86 * r, reach), (0, reach - 0.004)], 24).moved(z=z))
    return draft


def _paintbrush(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    wide = {"flat": 0.03, "artist": 0.008, "round": 0.016, "fan": 0.008, "angled": 0.019, "wide": 0.045}[order.variant]
    unit = circle(16)

    def bar(stations: list[tuple[float, float, float]], material: Material) -> None:
        y, half, thick = smooth(stations, 3).T
        rings = np.stack(
            [half[:, None] * unit[:, 0], np.broadcast_to(y[:, None], (len(y), 16)), thick[:, None] * unit[:, 1]], axis=2
        )
        draft.add(material, solid(rings))

    thick = {"round": 0.016, "angled": 0.007}.get(order.variant, 0.008 if wide > 0.02 else 0.006)
    bristle: Rgb = (0.016, 0.015, 0.015)
    # Each from the rear: y, half width, half thickness.
    handle = {
        "round": [(0.16, 0.006, 0.006), (0.13, 0.0105, 0.0105), (0.05, 0.012, 0.012), (0.0, 0.014, 0.014)],
        "angled": [(0.16, 0.005, 0.005), (0.12, 0.0085, 0.0075), (0.035, 0.0065, 0.0065), (0.0, 0.018, 0.0068)],
    }.get(order.variant, [(0.16, 0.009, 0.006), (0.11, 0.014, 0.009), (0.045, 0.009, 0.008), (0.0, 0.95 * wide, thick)])
    hair = {
        "round": [(-0.024, 0.0155, 0.0155), (-0.05, 0.018, 0.018), (-0.07, 0.011, 0.011), (-0.077, 0.003, 0.003)],
        "fan": [(-0.024, 0.0075, 0.006), (-0.04, 0.021, 0.0042), (-0.055, 0.034, 0.0026), (-0.063, 0.03, 0.0018)],
    }.get(
        order.variant,
        [(-0.024, 0.97 * wide, thick), (-0.05, 1.02 * wide, 0.8 * thick), (-0.075, 0.85 * wide, 0.25 * thick)],
    )
    bar(handle, _grip(order))
    bar(
        [(0.0, wide, 1.1 * thick), (-0.012, wide, 1.1 * thick), (-0.025, wide, 1.1 * thick)],
        materials.metal((0.6, 0.6, 0.58)),
    )
    bar(hair, Material(bristle, 0.9))
    if order.variant == "angled":
        # Cut aslant, for corners: the farther a hair is out of the ferrule, the more its side counts.
        mesh, material = draft.pieces.pop()
        x, y, z = mesh.vertices.T
        draft.add(
            material, replace(mesh, vertices=np.stack([x, y + 0.9 * x * np.clip(-y / 0.05 - 0.5, 0, 1), z], axis=1))
        )
    return draft


def _pliers(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    steel = materials.metal((0.4, 0.41, 0.43), 0.35)
    grip = materials.plastic(order.paint(), 0.5)
    if order.variant == "water pump":
        return _water_pump_pliers(draft, steel, grip)
    nose = {"combination": 0.035, "long nose": 0.06, "bent nose": 0.06, "slip joint": 0.042, "cutter": 0.022}[
        order.variant
    ]
    wide = {"long nose": 0.009, "bent nose": 0.009}.get(order.variant, 0.013)
    for side in (-1.0, 1.0):
        outline = [(0.0006, 0.01), (0.0006, -nose), (0.4 * wide, -nose), (wide, -0.3 * nose), (wide, 0.01)]
        if order.variant == "slip joint":
            # Hollow behind the teeth, to hold a pipe.
            hollow = [(0.0006, 0.01), (0.0006, -0.01), (0.006, -0.016), (0.006, -0.024), (0.001, -0.03), (0.001, -nose)]
            outline = [*hollow, (0.007, -nose), (0.015, -0.022), (0.014, 0.01)]
        if order.variant == "bent nose":
            outline[2:2] = [(0.48 * wide, -0.85 * nose), (0.65 * wide, -0.65 * nose)]
            outline[1:1] = [(0.0006, -0.65 * nose), (0.0006, -0.85 * nose)]
        jaw = extrude(outline, 0.009)
        if order.variant == "bent nose":
            x, y, z = jaw.vertices.T
            along = np.clip(-y / nose, 0, 1)
            jaw = replace(jaw, vertices=np.stack([x, y, z * (1 - 0.6 * along) + 0.024 * along**3], axis=1))
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


def _water_pump_pliers(draft: Draft, steel: Material, grip: Material) -> Draft:
    """Long handles, and jaws aslant that can be set apart."""
    draft.add(steel, extrude([(-0.012, -0.014), (0.011, -0.014), (0.014, 0.03), (-0.01, 0.034)], 0.009))
    jaw = extrude(
        [(0.004, 0.012), (0.004, -0.03), (0.001, -0.042), (0.008, -0.042), (0.015, -0.012), (0.015, 0.012)], 0.009
    )
    for half in (jaw, jaw.mirrored()):
        draft.add(steel, half.turned("z", -38))
    for path in ([(0.004, 0.02), (0.013, 0.045), (0.02, 0.14)], [(-0.003, 0.025), (-0.011, 0.055), (-0.014, 0.145)]):
        bar = smooth([(x, y, 0.005) for x, y in path], 4)
        draft.add(grip, tube(bar, np.linspace(0.0055, 0.0072, len(bar)), segments=8))
    draft.add(steel, lathe([(0, 0), (0.008, 0), (0.008, 0.012), (0, 0.012)], segments=18).moved(y=0.006, z=-0.0015))
    return draft


_category = partial(Category, family="tools", places=PLACES)

_GRIPS = ("red", "orange", "yellow", "green", "blue", "black")
CATEGORIES = (
    _category(
        "hammer",
        "hammers",
        (0.22, 0.36),
        (*_GRIPS, "brown"),
        ("claw", "ball", "pick", "engineer", "framing"),
        ("mallet",),
        _hammer,
    ),
    _category(
        "screwdriver",
        "screwdrivers",
        (0.11, 0.25),
        _GRIPS,
        ("slotted", "stubby", "bulb", "precision", "ratchet"),
        ("long",),
        _screwdriver,
    ),
    _category(
        "wrench",
        "wrenches",
        (0.14, 0.25),
        ("silver", "red", "blue", "black"),
        ("open", "combination", "double", "adjustable", "ring"),
        ("wide",),
        _wrench,
    ),
    _category(
        "flashlight",
        "flashlights",
        (0.11, 0.2),
        (*_GRIPS, "gray"),
        ("classic", "slim", "pen", "angled", "boxed"),
        ("lantern",),
        _flashlight,
    ),
    _category(
        "paintbrush",
        "paintbrushes",
        (0.15, 0.25),
        ("red", "orange", "yellow", "green", "blue", "brown"),
        ("flat", "artist", "round", "fan", "angled"),
        ("wide",),
        _paintbrush,
    ),
    _category(
        "pliers",
        "pairs of pliers",
        (0.13, 0.2),
        ("red", "blue", "yellow", "orange", "green"),
        ("combination", "long nose", "bent nose", "slip joint", "water pump"),
        ("cutter",),
        _pliers,
    ),
)
