"""Fruit: bodies of revolution with dimples, tips and stems, and a few that are built up from many."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, leaf_green, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, arc, smooth, star
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, extrude, lathe, leaf, tube

FOOD_PLACES = ("table", "counter", "shelf", "desk", "bowl", "tray", "box")
STEM: Rgb = (0.09, 0.045, 0.02)
LEAF: Rgb = (0.06, 0.22, 0.03)
_CREAM: Rgb = (0.85, 0.74, 0.5)


def stem(height: float, bend: float, radius: float, *, base: float = 0.0) -> Mesh:
    """A short stalk that grows up from ``base`` and leans towards +x, metres."""
    path = smooth([(0, 0, base), (0.15 * bend, 0, base + 0.5 * height), (bend, 0, base + height)], 3)
    return tube(path, np.linspace(radius, 0.8 * radius, len(path)), segments=7)


def _paint(order: Order) -> Rgb:
    """The order's colour, as fruit has it."""
    return leaf_green(order.generator) if order.color == "green" else order.paint()


def _skin(order: Order, *, bottom: Rgb | None = None, roughness: float = 0.3, noise: float = 0.2) -> Material:
    """A peel of the order's colour, blending towards ``bottom`` at the lower end if one is given."""
    color = _paint(order)
    if bottom is None:
        return materials.peel(color, order.integer(0, 3), roughness)
    return Material(materials.WHITE, roughness, 0.0, prints.blended(bottom, color, order.generator, noise=noise))


def _bitten(body: Mesh, center: Floats, radius: float) -> tuple[Mesh, Mesh]:
    """What a bite, a sphere around a point well outside, leaves of a peel, and the flesh that it lays bare."""
    away = body.vertices - center
    reach = np.linalg.norm(away, axis=1, keepdims=True)
    vertices = np.where(reach < radius, center + radius * away / reach, body.vertices)
    bare = (reach[body.faces, 0] < radius).all(axis=1)
    return (
        replace(body, vertices=vertices, faces=body.faces[~bare]),
        replace(body, vertices=vertices, faces=body.faces[bare], normals=-away / reach),
    )


def _apple(order: Order) -> Draft:
    draft = Draft(order.color, None, ("bitten",) if order.variant == "bitten" else (), rolls=True)
    tall = {"flat": 0.78, "tall": 1.08, "lobed": 0.86}.get(order.variant, 0.9) * order.uniform(0.95, 1.05)
    r = 0.04
    profile = smooth(
        [
            (0, 0.12),
            (0.16, 0.05),
            (0.38, 0.0),
            (0.72, 0.2),
            (0.96, 0.66),
            (1.0, 1.08),
            (0.86, 1.55),
            (0.5, 1.8),
            (0.22, 1.74),
            (0, 1.55),
        ],
        3,
    )
    profile[:, 0] = np.abs(profile[:, 0])
    if order.variant == "tall":
        profile[:, 0] *= 1 - 0.12 * np.clip(1 - profile[:, 1], 0, 1)
    body = lathe(profile * (r, r * tall), segments=48 if order.variant == "bitten" else 26)
    deep, up_to = (0.045, 2.0) if order.variant == "lobed" else (0.025, 0.6)
    waves = 1 + deep * np.cos(5 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0])) * (
        body.vertices[:, 2] < up_to * r
    )
    body = body.bulged(waves)
    if order.variant == "lopsided":
        # One shoulder is higher, as on an apple that grew in the shade on one side.
        higher = np.outer(body.vertices[:, 2] * (0.2 * body.vertices[:, 0] / r), (0.0, 0.0, 1.0))
        body = replace(body, vertices=body.vertices + higher)
    if order.variant == "bitten":
        body, bite = _bitten(body, np.array([0.42 * r, -1.25 * r, 1.08 * r * tall]), 0.68 * r)
        draft.add(materials.plastic(_CREAM, 0.5), bite)
    draft.add(_skin(order, bottom=mix(_paint(order), order.paint("yellow"), order.uniform(0.0, 0.3))), body)
    draft.add(
        materials.plastic(STEM, 0.8),
        stem(0.4 * r, 0.12 * r, 0.035 * r, base=1.55 * r * tall).turned("z", order.uniform(0, 360)),
    )
    if order.chance(0.35):
        blade = leaf(0.75 * r, 0.36 * r, 0.1 * r).turned("z", order.uniform(0, 360)).moved(z=1.72 * r * tall)
        draft.add(materials.plastic(LEAF, 0.6), blade)
    return draft


def _citrus_body(r: float, tall: float, tip: float, *, nose: float = 0.0) -> Mesh:
    """A peel with a tip at each end, or a dimple where ``tip`` is negative, and a broad nose at the upper one."""
    profile = smooth(
        [
            (0, -tall),
            (0.3, -0.955 * tall),
            (0.72, -0.68 * tall),
            (1.0, 0),
            (0.72, 0.68 * tall),
            (0.3, 0.955 * tall),
            (0, tall),
        ],
        4,
    )
    profile[:, 0] = np.abs(profile[:, 0])
    profile[:, 1] += tip * np.sign(profile[:, 1]) * np.exp(-((profile[:, 0] / 0.22) ** 2))
    profile[:, 1] += nose * (profile[:, 1] > 0) * np.exp(-((profile[:, 0] / 0.36) ** 2))
    return lathe(profile * r, segments=26)


def _halved_citrus(order: Order, r: float, tall: float, tip: float) -> Draft:
    """The lower half, tilted a little to the front so that its cut shows."""
    draft = Draft(order.color, None, ("halved",), rolls=True)
    angles = np.radians(np.linspace(-90, 0, 10))
    bowl = np.stack([np.cos(angles), tall * np.sin(angles) - tip * np.exp(-((np.cos(angles) / 0.22) ** 2))], axis=1)
    draft.add(_skin(order, roughness=0.48), lathe([(0, bowl[0, 1] * r), *(bowl[1:] * r), (0, 0)], segments=30))
    draft.add(
        materials.plastic((0.87, 0.8, 0.55), 0.6),
        lathe([(0.93 * r, 0), (0.93 * r, 0.02 * r), (0, 0.02 * r)], segments=30),
    )
    flesh = materials.plastic(mix(order.paint(), (1.0, 1.0, 1.0), 0.06), 0.25)
    for start in range(0, 360, 40):
        middle = np.radians(start + 20)
        wedge = np.concatenate(
            [
                arc((0, 0), 0.86 * r, start + 2.5, start + 37.5, 6),
                [0.1 * r * np.array([np.cos(middle), np.sin(middle)])],
            ]
        )
        draft.add(flesh, extrude(wedge, 0.02 * r).moved(z=0.025 * r))
    draft.turn("x", order.uniform(0, 25))
    return draft


def _orange(order: Order) -> Draft:
    r, squash = 0.038, {"mandarin": 0.86, "oval": 1.22}.get(order.variant) or order.uniform(0.94, 1.0)
    if order.variant == "halved":
        return _halved_citrus(order, r, squash, 0.0)
    draft = Draft(order.color, rolls=True)
    nose = 0.3 if order.variant == "necked" else 0.0
    draft.add(_skin(order, roughness=0.48), _citrus_body(r, squash, -0.04, nose=nose))
    green = materials.plastic((0.05, 0.16, 0.03), 0.7)
    draft.add(green, ellipsoid(0.09 * r, 0.09 * r, 0.05 * r, segments=10, rings=4).moved(z=(0.97 * squash + nose) * r))
    if order.variant == "oval":
        draft.turn("x", 90 + order.uniform(-6, 6))
    if order.variant in ("leafed", "mandarin"):
        draft.add(
            materials.plastic(LEAF, 0.55),
            leaf(0.9 * r, 0.42 * r, 0.25 * r).turned("z", order.uniform(0, 360)).moved(z=0.98 * r * squash),
        )
    return draft


def _lemon(order: Order) -> Draft:
    tall, tip, nose = {
        "plain": (1.22, 0.2, 0.0),
        "round": (1.12, 0.13, 0.0),
        "pointed": (1.3, 0.32, 0.0),
        "nosed": (1.08, 0.12, 0.3),
        "leafed": (1.38, 0.05, 0.0),
        "halved": (1.1, 0.2, 0.0),
    }[order.variant]
    if order.variant == "halved":
        return _halved_citrus(order, 0.03, tall, tip)
    draft = Draft(order.color, rolls=True)
    draft.add(_skin(order, roughness=0.42), _citrus_body(0.026, tall, tip, nose=nose))
    if order.variant == "leafed":
        twig = stem(0.012, 0.003, 0.0016, base=0.026 * (tall + tip) - 0.002)
        draft.add(materials.plastic(LEAF, 0.55), twig, leaf(0.034, 0.017, 0.01).moved(z=0.026 * (tall + tip)))
    else:
        # The mark of the stalk, at the end without a nose; in the flank of a pointed one.
        end = -tall - tip if nose else tip + (1.22 if order.variant == "pointed" else tall)
        draft.add(
            materials.plastic((0.12, 0.2, 0.03), 0.7),
            ellipsoid(0.003, 0.003, 0.002, segments=8, rings=4).moved(z=0.026 * end),
        )
    draft.turn("x", 90 + order.uniform(-6, 6))
    return draft


_PEARS = {
    "long": [(0, 0.05), (0.36, 0.0), (0.84, 0.5), (0.92, 1.05), (0.7, 1.8), (0.44, 2.6), (0.3, 3.1), (0, 3.24)],
    "squat": [(0, 0.1), (0.45, 0.0), (1.0, 0.35), (1.14, 0.85), (0.96, 1.3), (0.63, 1.8), (0.36, 2.26), (0, 2.4)],
}


def _pear(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    r = 0.034
    necks = {"slender": (0.46, 0.34), "plump": (0.62, 0.5), "gourd": (0.38, 0.4)}.get(order.variant, (0.5, 0.33))
    outline = _PEARS.get(order.variant) or [
        (0, 0.06),
        (0.4, 0.0),
        (0.9, 0.45),
        (1.0, 0.95),
        (0.8, 1.6),
        (necks[0], 2.15),
        (necks[1], 2.6),
        (0.18, 2.76),
        (0, 2.74),
    ]
    top = outline[-1][1] - 0.04
    profile = smooth(outline, 3)
    profile[:, 0] = np.abs(profile[:, 0])
    body = lathe(profile * r, segments=26)
    lean = order.uniform(0.05, 0.2) if order.variant != "bent" else order.uniform(0.7, 0.9)
    bent = body.vertices + np.outer(lean * (body.vertices[:, 2] / (top * r)) ** 2 * r, (1.0, 0.0, 0.0))
    draft.add(
        _skin(order, bottom=_paint(order), roughness=0.4, noise=0.35), Mesh(bent, body.faces, body.normals, body.uv)
    )
    draft.add(materials.plastic(STEM, 0.8), stem(0.55 * r, 0.2 * r, 0.045 * r, base=top * r).moved(x=lean * r))
    return draft


def _banana(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (1.0, 0.0, 0.0), "stem": (-1.0, 0.0, 0.0)}, rolls=True)
    bend = {"curved": 0.8, "stubby": 0.75, "half-moon": 1.3}.get(order.variant, 0.5) * order.uniform(0.9, 1.1)
    thick = 0.022 if order.variant == "stubby" else 0.0165
    angles = np.linspace(-bend, bend, 24)
    radius = 0.085 / bend
    path = np.stack([radius * np.sin(angles), -radius * np.cos(angles) + radius, np.zeros(24)], axis=1)
    t = np.linspace(0, 1, 24)
    if order.variant == "hooked":
        path[:, 1] += 0.035 * np.clip(1 - 3 * t, 0, 1) ** 2
    radii = thick * np.clip(np.minimum(np.sqrt(t * 6), np.sqrt((1 - t) * 7)), 0.26, 1.0)
    radii[:3] = 0.3 * thick
    color = order.paint()
    ends = Material((0.05, 0.035, 0.015), 0.8)
    if order.variant == "peeled":
        draft.attributes = ("peeled",)
        draft.add(materials.plastic(_CREAM, 0.6), tube(path[11:], 0.85 * radii[11:], segments=12))
        draft.add(
            materials.peel(color, order.integer(0, 3), 0.5), tube(path[2:14], radii[2:14], segments=10, ends="flat")
        )
        draft.add(ends, tube(path[:3], radii[:3], segments=10, ends="flat"))
        # The strips of peel hang back towards the stem; none below, where it lies on the ground.
        strip = leaf(0.07, 0.03, 0.03).turned("z", 180).turned("y", 55)
        for angle in (5, 85, 275):
            draft.add(materials.peel(mix(color, _CREAM, 0.35)), strip.turned("x", angle).moved(*path[13]))
        return draft
    # Some have the five edges of the plant's own cross-section.
    sides = 5 if order.variant == "hooked" else 10
    for side, part in (("skin", slice(2, 23)), ("stem", slice(0, 3)), ("tip", slice(22, 24))):
        material = materials.peel(color, order.integer(0, 3), 0.5) if side == "skin" else ends
        draft.add(material, tube(path[part], radii[part], segments=sides, ends="round" if side == "tip" else "flat"))
    return draft


_STRAWBERRIES = {
    "heart": [(0, -2.0), (0.3, -1.7), (0.8, -0.8), (1.12, -0.1), (1.1, 0.25), (0.6, 0.48), (0, 0.45)],
    "blunt": [(0, -1.72), (0.5, -1.68), (0.78, -1.3), (0.84, -0.6), (0.86, 0.0), (0.66, 0.42), (0, 0.5)],
}


def _strawberry(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {}, rolls=True)
    r = 0.016
    tip = {"pointed": 2.2, "round": 1.6, "wide": 1.45}.get(order.variant, 2.0)
    wide = {"wide": 1.2, "stalked": 0.85}.get(order.variant, 1.0)
    outline = _STRAWBERRIES.get(order.variant) or [
        (0, -tip),
        (0.35 * wide, -0.85 * tip),
        (0.8 * wide, -0.35 * tip),
        (1.0 * wide, 0.05),
        (0.7 * wide, 0.45),
        (0, 0.5),
    ]
    profile = smooth(outline, 4)
    profile[:, 0] = np.abs(profile[:, 0])
    red, seed = order.paint(), order.paint("yellow")
    draft.add(
        Material(materials.WHITE, 0.35, 0.0, prints.dotted(red, mix(seed, red, 0.6), 10, 9)),
        lathe(profile * r, segments=20).scaled(1, 0.72 if order.variant == "heart" else 1, 1),
    )
    green = materials.plastic(LEAF, 0.65)
    stalked = order.variant == "stalked"
    for index in range(6):
        blade = leaf(0.85 * r, 0.4 * r, 0.1 * r, steps=3).turned("y", -35 if stalked else 0)
        draft.add(green, blade.turned("z", 60 * index).moved(z=0.47 * r))
    draft.add(green, stem((2.2 if stalked else 0.5) * r, (0.5 if stalked else 0.1) * r, 0.06 * r, base=0.45 * r))
    draft.turn("x", 72)
    draft.directions = {} if order.variant in ("round", "wide", "blunt") else {"tip": (0.0, -1.0, 0.0)}
    # The lower end, its tip, points to the back now.
    draft.turn("z", 180)
    return draft


def _pineapple(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.055, {"plain": 0.15, "tall": 0.185, "round": 0.12, "bushy": 0.135}.get(order.variant, 0.18)
    # Radii at the foot, at a fifth, a half and four fifths of the height, and at the top.
    widths = {"conical": (0.85, 1.1, 0.95, 0.62, 0.4), "cropped": (0.85, 1.08, 1.12, 1.08, 0.75)}.get(
        order.variant, (0.7, 0.95, 1, 0.9, 0.5)
    )
    profile = smooth(
        [(0, 0.0), *((wide * r, high * h) for wide, high in zip(widths, (0, 0.2, 0.5, 0.82, 1), strict=True)), (0, h)],
        4,
    )
    body = lathe(np.abs(profile), segments=30)
    azimuth = np.arctan2(body.vertices[:, 1], body.vertices[:, 0])
    height = body.vertices[:, 2] / h
    eyes = 7 if order.variant in ("conical", "cropped") else 10
    bumps = 1 + 0.35 / eyes * np.cos(eyes * azimuth + 22 * height) * np.cos(eyes * azimuth - 22 * height)
    body = body.bulged(bumps)
    color = order.paint("orange")
    if order.variant == "conical":
        color = mix(color, LEAF, order.uniform(0.3, 0.7))
    texture = prints.lattice(color, mix(color, STEM, 0.5), 12, 9)
    draft.add(Material(materials.WHITE, 0.6, 0.0, texture), body)
    green = materials.plastic((0.07, 0.2, 0.05), 0.6)
    longer, droop = {"bushy": (1.7, 0.9), "cropped": (0.42, 0.0)}.get(order.variant, (1, 0.25))
    for row, (count, length, lift) in enumerate(((7, 0.075, 35), (6, 0.085, 58), (4, 0.1, 78))):
        for index in range(count):
            blade = leaf(longer * length, 0.02, droop * length, steps=3).turned("y", -lift)
            draft.add(green, blade.turned("z", 360 * (index + 0.37 * row) / count).moved(z=0.97 * h))
    return draft


def _watermelon(order: Order) -> Draft:
    draft = Draft(order.color, None, ("cut",) if order.variant == "cut" else (), rolls=True)
    dark, light = mix(_paint(order), (0.01, 0.06, 0.01), 0.5), mix(_paint(order), (0.45, 0.6, 0.2), 0.35)
    texture = prints.striped(dark, light, 9, upright=True, share=0.42)
    length = {"oval": 1.3, "long": 1.65, "tapered": 1.35, "flat": 0.78}.get(order.variant, 1.0)
    body = ellipsoid(0.1, 0.1, 0.1 * length, segments=30, rings=18)
    if order.variant == "tapered":
        body = body.bulged(1 - 2.6 * body.vertices[:, 2])
    elif order.variant == "flat":
        body = body.bulged(1 + 0.015 * np.cos(9 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0])))
    elif order.variant == "cut":
        angles = np.radians(np.linspace(-20, 90, 14))
        wide, low = 0.1 * np.cos(angles[0]), 0.1 * np.sin(angles[0])
        body = lathe([(0, low), *(0.1 * np.stack([np.cos(angles), np.sin(angles)], 1))[:-1], (0, 0.1)], segments=30)
        draft.add(materials.plastic((0.7, 0.78, 0.5), 0.5), lathe([(0, low - 0.0005), (0.97 * wide, low - 0.0005)]))
        flesh = prints.speckled(order.paint("red"), (0.015, 0.01, 0.008), order.generator, 70, 4.0)
        draft.add(materials.plastic(materials.WHITE, 0.4, flesh), lathe([(0, low - 0.001), (0.88 * wide, low - 0.001)]))
    draft.add(Material(materials.WHITE, 0.35, 0.0, texture), body)
    draft.add(materials.plastic(STEM, 0.8), stem(0.025, 0.01, 0.004, base=0.098 * length))
    if order.variant != "flat":
        draft.turn("y", 90)
    return draft


def _grapes(order: Order) -> Draft:
    draft = Draft(order.color)
    berry = materials.plastic(_paint(order), 0.25)
    rows = {
        "bunch": (3, 4, 4, 3, 2, 1),
        "small bunch": (2, 3, 3, 2),
        "long bunch": (3, 3, 3, 2, 2, 2, 1),
        "shouldered": (4, 7, 5, 2, 2, 1),
        "finger grapes": (3, 4, 3, 2, 1),
        "leafed": (2, 4, 5, 4, 2),
    }[order.variant]
    r, long = 0.011, 1.6 if order.variant == "finger grapes" else 1.0
    for layer, height in enumerate((0.0, 1.45 * r)):
        for row, full in enumerate(rows[: len(rows) - layer]):
            count = full - layer
            for index in range(count):
                x = 1.8 * r * (index - (count - 1) / 2) + order.uniform(-0.15, 0.15) * r
                y = -1.6 * r * (row + 0.5 * layer) * long
                size = r * order.uniform(0.94, 1.08)
                draft.add(berry, ellipsoid(size, size * long, size, segments=10, rings=7).moved(x, y, height + size))
    stalk = smooth([(0, -0.01, 0.018), (0.002, 0.015, 0.022), (0.01, 0.035, 0.02)], 3)
    draft.add(materials.plastic(STEM, 0.8), tube(stalk, 0.0018, segments=7))
    if order.variant == "leafed":
        blade = extrude(star(5, 0.032, 0.021), 0.0012).turned("x", -12).turned("y", order.uniform(-12, 12))
        draft.add(materials.plastic(LEAF, 0.6), blade.moved(0.026, 0.016, 0.022))
    return draft


_category = partial(Category, family="fruit", places=FOOD_PLACES)

CATEGORIES = (
    _category(
        "apple",
        "apples",
        (0.065, 0.095),
        ("red", "green", "yellow"),
        ("round", "flat", "lobed", "lopsided", "bitten"),
        ("tall",),
        _apple,
    ),
    _category(
        "banana",
        "bananas",
        (0.14, 0.2),
        ("yellow",),
        ("curved", "straight", "half-moon", "hooked", "peeled"),
        ("stubby",),
        _banana,
    ),
    _category(
        "orange",
        "oranges",
        (0.06, 0.095),
        ("orange",),
        ("plain", "leafed", "necked", "oval", "halved"),
        ("mandarin",),
        _orange,
    ),
    _category(
        "lemon",
        "lemons",
        (0.06, 0.09),
        ("yellow",),
        ("plain", "round", "nosed", "leafed", "halved"),
        ("pointed",),
        _lemon,
    ),
    _category(
        "pear",
        "pears",
        (0.085, 0.125),
        ("green", "yellow"),
        ("slender", "plump", "long", "squat", "bent"),
        ("gourd",),
        _pear,
    ),
    _category(
        "strawberry",
        "strawberries",
        (0.03, 0.05),
        ("red",),
        ("pointed", "round", "heart", "blunt", "stalked"),
        ("wide",),
        _strawberry,
    ),
    _category(
        "pineapple",
        "pineapples",
        (0.2, 0.32),
        (),
        ("plain", "tall", "conical", "bushy", "cropped"),
        ("round",),
        _pineapple,
        places=("table", "counter", "shelf"),
    ),
    _category(
        "watermelon",
        "watermelons",
        (0.2, 0.33),
        ("green",),
        ("round", "oval", "tapered", "flat", "cut"),
        ("long",),
        _watermelon,
        places=("table", "counter", "floor"),
    ),
    _category(
        "bunch of grapes",
        "bunches of grapes",
        (0.1, 0.18),
        ("purple", "green"),
        ("bunch", "small bunch", "shouldered", "finger grapes", "leafed"),
        ("long bunch",),
        _grapes,
    ),
)
