"""Plants in pots, and flowers in vases."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import DYED, Rgb, leaf_green, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import smooth
from roborefer.refspatial.simulation.objects.shapes import (
    ellipsoid,
    join,
    lathe,
    leaf,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

PLACES = ("table", "desk", "shelf", "counter")
SOIL = (0.035, 0.02, 0.012)


def _pot(draft: Draft, order: Order, height: float, radius: float) -> None:
    """A flower pot with soil."""
    color = order.paint()
    material = materials.glazed(color)
    if order.chance(0.3):
        pale = order.accent()
        draft.add(
            materials.glazed(color, prints.striped(color, pale, 4, share=0.3)),
            lathe([(0.72 * radius, 0), (0.94 * radius, 0.78 * height)]),
        )
    else:
        draft.add(material, lathe([(0.72 * radius, 0), (0.94 * radius, 0.78 * height)]))
    rim = [
        (0.94 * radius, 0.78 * height),
        (radius, 0.8 * height),
        (radius, height),
        (0.9 * radius, height),
        (0.88 * radius, 0.86 * height),
    ]
    draft.add(material, lathe([(0, 0), (0.72 * radius, 0)]), lathe(rim))
    draft.add(Material(SOIL, 0.95), lathe([(0.88 * radius, 0.86 * height), (0, 0.89 * height)], segments=24))


def _potted_plant(order: Order) -> Draft:
    """Has no colour: some would name the pot's, some the plant's."""
    draft = Draft(None)
    pot = order.pick(("white", "orange", "blue", "gray", "yellow", "red", "brown"))
    height, radius = {"sword": (0.11, 0.052), "trailing": (0.13, 0.055), "stalked": (0.07, 0.07)}.get(
        order.variant, (0.09, 0.06)
    )
    _pot(draft, Order(order.generator, order.variant, pot), height, radius)
    green = materials.plastic(mix(leaf_green(order.generator), (0.02, 0.08, 0.01), 0.45), 0.5)
    if order.variant == "leafy":
        grown = leaf(1.0, 0.42, 0.45)
        for index in range(16):
            lift, long = order.uniform(25, 80), order.uniform(0.1, 0.16)
            blade = grown.scaled(long, long, long).turned("y", -lift).turned("z", 137.5 * index)
            draft.add(green, blade.moved(z=0.085))
    elif order.variant == "grass":
        grown = leaf(1.0, 0.08, 0.35)
        for index in range(22):
            lift, long = order.uniform(50, 86), order.uniform(0.14, 0.22)
            blade = grown.scaled(long, long, long).turned("y", -lift).turned("z", 137.5 * index)
            draft.add(green, blade.moved(0.02 * np.cos(index), 0.02 * np.sin(index), 0.08))
    elif order.variant == "sword":
        grown = leaf(1.0, 0.2, 0.0)
        for index in range(9):
            lift, long = order.uniform(76, 88), order.uniform(0.16, 0.27)
            blade = grown.scaled(long, long, long).turned("y", -lift).turned("z", 137.5 * index)
            draft.add(green, blade.moved(0.018 * np.cos(2.4 * index), 0.018 * np.sin(2.4 * index), 0.09))
    elif order.variant == "stalked":
        _round_leaves(draft, order, green)
    elif order.variant == "trailing":
        _vines(draft, order, green)
    else:
        trunk = smooth([(0, 0, 0.07), (0.008, 0, 0.13), (0, 0.004, 0.2)], 4)
        draft.add(materials.wood((0.22, 0.12, 0.05)), tube(trunk, 0.007, segments=8))
        grown = leaf(1.0, 0.45, 0.3, steps=3)
        for index in range(26):
            lift, long = order.uniform(-25, 85), order.uniform(0.06, 0.1)
            blade = grown.scaled(long, long, long).turned("y", -lift).turned("z", 137.5 * index)
            draft.add(green, blade.moved(z=order.uniform(0.17, 0.23)))
    return draft


def _round_leaves(draft: Draft, order: Order, green: Material) -> None:
    """Each at the end of a stalk of its own."""
    grown = leaf(0.085, 0.085, 0.02).moved(-0.02)
    for index in range(11):
        angle, out, up = 137.5 * index, order.uniform(0.02, 0.1), order.uniform(0.06, 0.15)
        stalk = tube(
            smooth([(0, 0, 0.055), (0.3 * out, 0, 0.055 + 0.6 * up), (out, 0, 0.055 + up)], 3), 0.0025, segments=5
        )
        blade = grown.turned("y", order.uniform(-15, 35)).moved(out, 0, 0.055 + up)
        draft.add(green, stalk.turned("z", angle), blade.turned("z", angle))


def _vines(draft: Draft, order: Order, green: Material) -> None:
    """Over the rim and down around the pot, more leaves on top."""
    grown = leaf(0.045, 0.036, 0.015, steps=3)
    for index in range(10):
        out, low = order.uniform(0.07, 0.085), order.uniform(0.02, 0.07)
        path = smooth([(0.01, 0, 0.11), (0.04, 0, 0.155), (out, 0, 0.125), (out + 0.01, 0, low)], 3)
        vine = [tube(path, 0.002, segments=5)]
        for turned, (x, _, z) in zip((40, -50, 50, -40, 0), path[[2, 4, 6, 8, 9]].tolist(), strict=True):
            vine.append(grown.turned("y", order.uniform(0, 50)).turned("z", turned).moved(x, 0, z))
        draft.add(green, *(mesh.turned("z", 137.5 * index) for mesh in vine))


def _cactus(order: Order) -> Draft:
    draft = Draft("green")
    pot = order.pick(("white", "orange", "yellow", "red", "brown"))
    _pot(draft, Order(order.generator, order.variant, pot), 0.055, 0.042 if order.variant != "cluster" else 0.056)
    base = mix(leaf_green(order.generator), (0.03, 0.14, 0.03), 0.3)
    skin = Material(
        materials.WHITE, 0.6, 0.0, prints.striped(base, mix(base, (0.6, 0.65, 0.4), 0.3), 14, upright=True, share=0.25)
    )
    if order.variant == "ball":
        draft.add(skin, ellipsoid(0.04, 0.04, 0.042, segments=28, rings=14).moved(z=0.082))
        flower = materials.plastic(order.paint(order.pick(("pink", "red", "yellow"))), 0.5)
        petal = leaf(0.016, 0.01, 0.0, steps=3).turned("y", -35).moved(z=0.122)
        draft.add(flower, *(petal.turned("z", 60 * index) for index in range(6)))
        return draft
    if order.variant == "cluster":
        for index, radius in enumerate((0.03, 0.022, 0.025, 0.019, 0.024, 0.02)):
            out, angle = (0.0 if index == 0 else 0.036), 1.26 * index
            ball = ellipsoid(radius, radius, 1.15 * radius, segments=18, rings=10)
            draft.add(skin, ball.moved(out * np.cos(angle), out * np.sin(angle), 0.045 + radius))
        return draft
    if order.variant == "spiny":
        draft.add(skin, ellipsoid(0.033, 0.033, 0.07, segments=28, rings=14).moved(z=0.1))
        spine = lathe([(0, 0), (0.0012, 0), (0, 0.014)], segments=3)
        spines = []
        for index in range(84):
            # Evenly spread from foot to tip, each square to the skin.
            z = -0.45 + 1.43 * (index + 0.5) / 84
            tilt = float(np.degrees(np.arctan2(np.sqrt(1 - z * z) / 0.033, z / 0.07)))
            out = 0.033 * float(np.sqrt(1 - z * z))
            spines.append(spine.turned("y", tilt).moved(out, 0, 0.1 + 0.07 * z).turned("z", 137.5 * index))
        draft.add(materials.plastic((0.75, 0.7, 0.55), 0.6), *spines)
        return draft
    if order.variant == "prickly pear":
        _pads(draft, order, base)
        return draft
    height = 0.15 if order.variant == "column" else 0.12
    draft.add(skin, tube([(0, 0, 0.045), (0, 0, 0.045 + 0.5 * height), (0, 0, 0.045 + height)], 0.021, segments=16))
    if order.variant != "twin":
        for side, z in ((-1.0, 0.09), (1.0, 0.11)):
            arm = smooth(
                [
                    (side * 0.014, 0, z),
                    (side * 0.04, 0, z + 0.004),
                    (side * 0.045, 0, z + 0.02),
                    (side * 0.044, 0, z + 0.05),
                ],
                3,
            )
            draft.add(skin, tube(arm, 0.011, segments=10))
    else:
        draft.add(skin, tube([(0.02, 0.01, 0.045), (0.026, 0.012, 0.1)], 0.016, segments=14))
    return draft


def _pads(draft: Draft, order: Order, green: Rgb) -> None:
    """Flat oval pads that grow out of each other's edges."""
    skin = Material(materials.WHITE, 0.6, 0.0, prints.dotted(green, mix(green, (0.6, 0.65, 0.4), 0.3), 16, 8))
    # Where each grows from (x, z), its lean to the right in degrees, half its length.
    pads = ((0, 0.045, 0, 0.038), (-0.012, 0.112, -32, 0.031), (0.016, 0.108, 38, 0.028), (0.004, 0.115, 6, 0.024),
            (-0.05, 0.158, -48, 0.02), (-0.035, 0.165, 5, 0.022), (0.05, 0.15, 20, 0.02))  # fmt: skip
    for x, z, lean, half in pads:
        pad = ellipsoid(0.8 * half, 0.3 * half, half, segments=18, rings=10).moved(z=0.94 * half)
        draft.add(skin, pad.turned("z", order.uniform(-25, 25)).turned("y", lean).moved(x, 0, z))


def _vase(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, "ceramic")
    h, r = order.uniform(0.16, 0.21), order.uniform(0.042, 0.052)
    walls = {
        "bulb": [
            (0.55 * r, 0),
            (0.98 * r, 0.2 * h),
            (1.1 * r, 0.42 * h),
            (0.62 * r, 0.76 * h),
            (0.42 * r, 0.9 * h),
            (0.58 * r, h),
        ],
        "column": [(0.72 * r, 0), (0.74 * r, 0.3 * h), (0.8 * r, 0.7 * h), (0.86 * r, h)],
        "bottle": [
            (0.8 * r, 0),
            (1.2 * r, 0.14 * h),
            (1.02 * r, 0.32 * h),
            (0.34 * r, 0.48 * h),
            (0.27 * r, 0.9 * h),
            (0.4 * r, h),
        ],
        "trumpet": [(0.75 * r, 0), (0.36 * r, 0.1 * h), (0.4 * r, 0.4 * h), (0.62 * r, 0.72 * h), (1.15 * r, h)],
        "globe": [
            (0.8 * r, 0),
            (1.5 * r, 0.2 * h),
            (1.7 * r, 0.42 * h),
            (1.4 * r, 0.74 * h),
            (1.0 * r, 0.92 * h),
            (1.1 * r, h),
        ],
        "amphora": [
            (0.4 * r, 0),
            (0.6 * r, 0.1 * h),
            (1.15 * r, 0.62 * h),
            (0.9 * r, 0.82 * h),
            (0.45 * r, 0.92 * h),
            (0.6 * r, h),
        ],
    }
    wall = smooth(walls[order.variant], 5)
    # Its neck is too narrow to put things into, so its room is not told.
    (base, body, inside), _ = vessel(wall, 0.07 * r, 0.012)
    plain = materials.glazed(color)
    texture = None
    if order.chance(0.35):
        pale = order.accent()
        texture, draft.attributes = prints.striped(color, pale, 5, share=0.3), ("striped",)
    draft.add(plain, base, inside)
    draft.add(materials.glazed(color, texture) if texture is not None else plain, body)
    if order.chance(0.65):
        _flowers(draft, order, h)
    return draft


def _flowers(draft: Draft, order: Order, height: float) -> None:
    """Three to five daisies on stalks out of a vase of this height."""
    green = materials.plastic((0.06, 0.2, 0.04), 0.65)
    blade = leaf(0.05, 0.018, 0.02, steps=3).turned("y", -40)
    petal = leaf(0.024, 0.013, 0.004, steps=3).turned("y", -18)
    crown = join(petal.turned("z", 360 * turn / 7) for turn in range(7))
    inks = tuple(name for name in ("red", "yellow", "pink", "orange", "purple", "white") if name != order.color)
    for index in range(order.integer(3, 5)):
        angle = 2.3 * index + order.uniform(-0.3, 0.3)
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        lean, tall = order.uniform(0.03, 0.075), order.uniform(0.07, 0.14)
        rim, tip = np.array([0, 0, height]), np.array([0, 0, height + tall])
        path = smooth([(0, 0, 0.5 * height), 0.25 * lean * out + rim, lean * out + tip], 5)
        knot, head = path[-5].tolist(), path[-1].tolist()
        draft.add(green, tube(path, 0.0018, segments=6))
        draft.add(green, blade.turned("z", float(np.degrees(angle)) + 60).moved(*knot))
        ink = order.pick(inks)
        draft.add(materials.plastic(order.paint(ink), 0.6), crown.moved(*head))
        middle = ellipsoid(0.0075, 0.0075, 0.005, segments=10, rings=6).moved(*head).moved(z=0.003)
        draft.add(materials.plastic(order.paint("yellow" if ink != "yellow" else "brown"), 0.8), middle)


_category = partial(Category, family="plants", places=PLACES)

CATEGORIES = (
    _category(
        "potted plant",
        "potted plants",
        (0.18, 0.42),
        (),
        ("leafy", "grass", "sword", "stalked", "trailing"),
        ("tree",),
        _potted_plant,
        places=(*PLACES, "floor"),
        confusable=("cactus",),
    ),
    _category(
        "cactus",
        "cacti",
        (0.11, 0.24),
        ("green",),
        ("ball", "column", "cluster", "spiny", "prickly pear"),
        ("twin",),
        _cactus,
        places=PLACES,
        confusable=("potted plant",),
    ),
    _category(
        "vase",
        "vases",
        (0.16, 0.36),
        DYED,
        ("bulb", "column", "bottle", "trumpet", "globe"),
        ("amphora",),
        _vase,
        places=(*PLACES, "floor"),
        confusable=("jug",),
    ),
)
