"""Fruit: bodies of revolution with dimples, tips and stems, and a few that are built up from many."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, leaf_green, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, lathe, leaf, tube

FOOD_PLACES = ("table", "counter", "shelf", "desk", "bowl", "tray", "box")
STEM: Rgb = (0.09, 0.045, 0.02)
LEAF: Rgb = (0.06, 0.22, 0.03)


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


def _apple(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    tall = {"round": 0.9, "flat": 0.78, "tall": 1.08}[order.variant] * order.uniform(0.95, 1.05)
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
    body = lathe(profile * (r, r * tall), segments=26)
    waves = 1 + 0.025 * np.cos(5 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0])) * (
        body.vertices[:, 2] < 0.6 * r
    )
    body = body.bulged(waves)
    draft.add(_skin(order, bottom=mix(_paint(order), order.paint("yellow"), order.uniform(0.0, 0.3))), body)
    draft.add(
        materials.plastic(STEM, 0.8),
        stem(0.4 * r, 0.12 * r, 0.035 * r, base=1.55 * r * tall).turned("z", order.uniform(0, 360)),
    )
    if order.chance(0.35):
        blade = leaf(0.75 * r, 0.36 * r, 0.1 * r).turned("z", order.uniform(0, 360)).moved(z=1.72 * r * tall)
        draft.add(materials.plastic(LEAF, 0.6), blade)
    return draft


def _citrus_body(r: float, tall: float, tip: float) -> Mesh:
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
    return lathe(profile * r, segments=26)


def _orange(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    r, squash = 0.038, 0.86 if order.variant == "mandarin" else order.uniform(0.94, 1.0)
    draft.add(_skin(order, roughness=0.48), _citrus_body(r, squash, -0.04))
    green = materials.plastic((0.05, 0.16, 0.03), 0.7)
    draft.add(green, ellipsoid(0.09 * r, 0.09 * r, 0.05 * r, segments=10, rings=4).moved(z=0.97 * r * squash))
    if order.variant in ("leafed", "mandarin"):
        draft.add(
            materials.plastic(LEAF, 0.55),
            leaf(0.9 * r, 0.42 * r, 0.25 * r).turned("z", order.uniform(0, 360)).moved(z=0.98 * r * squash),
        )
    return draft


def _lemon(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    tip = {"plain": 0.2, "round": 0.13, "pointed": 0.32}[order.variant]
    draft.add(
        _skin(order, roughness=0.42),
        _citrus_body(0.026, {"plain": 1.22, "round": 1.12, "pointed": 1.3}[order.variant], tip),
    )
    draft.add(
        materials.plastic((0.12, 0.2, 0.03), 0.7),
        ellipsoid(0.003, 0.003, 0.002, segments=8, rings=4).moved(z=0.026 * (1.22 + tip)),
    )
    draft.turn("x", 90 + order.uniform(-6, 6))
    return draft


def _pear(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    r = 0.034
    necks = {"slender": (0.46, 0.34), "plump": (0.62, 0.5), "gourd": (0.38, 0.4)}[order.variant]
    profile = smooth(
        [
            (0, 0.06),
            (0.4, 0.0),
            (0.9, 0.45),
            (1.0, 0.95),
            (0.8, 1.6),
            (necks[0], 2.15),
            (necks[1], 2.6),
            (0.18, 2.76),
            (0, 2.74),
        ],
        3,
    )
    profile[:, 0] = np.abs(profile[:, 0])
    body = lathe(profile * r, segments=26)
    lean = order.uniform(0.05, 0.2)
    bent = body.vertices + np.outer(lean * (body.vertices[:, 2] / (2.7 * r)) ** 2 * r, (1.0, 0.0, 0.0))
    draft.add(
        _skin(order, bottom=_paint(order), roughness=0.4, noise=0.35), Mesh(bent, body.faces, body.normals, body.uv)
    )
    draft.add(materials.plastic(STEM, 0.8), stem(0.55 * r, 0.2 * r, 0.045 * r, base=2.7 * r).moved(x=lean * r))
    return draft


def _banana(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (1.0, 0.0, 0.0), "stem": (-1.0, 0.0, 0.0)}, rolls=True)
    bend = {"curved": 0.8, "straight": 0.5, "stubby": 0.75}[order.variant] * order.uniform(0.9, 1.1)
    thick = 0.022 if order.variant == "stubby" else 0.0165
    angles = np.linspace(-bend, bend, 24)
    radius = 0.085 / bend
    path = np.stack([radius * np.sin(angles), -radius * np.cos(angles) + radius, np.zeros(24)], axis=1)
    t = np.linspace(0, 1, 24)
    radii = thick * np.clip(np.minimum(np.sqrt(t * 6), np.sqrt((1 - t) * 7)), 0.26, 1.0)
    radii[:3] = 0.3 * thick
    color = order.paint()
    ends = Material((0.05, 0.035, 0.015), 0.8)
    for side, part in (("skin", slice(2, 23)), ("stem", slice(0, 3)), ("tip", slice(22, 24))):
        material = materials.peel(color, order.integer(0, 3), 0.5) if side == "skin" else ends
        draft.add(material, tube(path[part], radii[part], segments=10, ends="round" if side == "tip" else "flat"))
    return draft


def _strawberry(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {}, rolls=True)
    r = 0.016
    tip = {"pointed": 2.2, "round": 1.6, "wide": 1.45}[order.variant]
    wide = 1.2 if order.variant == "wide" else 1.0
    profile = smooth(
        [
            (0, -tip),
            (0.35 * wide, -0.85 * tip),
            (0.8 * wide, -0.35 * tip),
            (1.0 * wide, 0.05),
            (0.7 * wide, 0.45),
            (0, 0.5),
        ],
        4,
    )
    profile[:, 0] = np.abs(profile[:, 0])
    red, seed = order.paint(), order.paint("yellow")
    draft.add(
        Material(materials.WHITE, 0.35, 0.0, prints.dotted(red, mix(seed, red, 0.6), 10, 9)),
        lathe(profile * r, segments=20),
    )
    green = materials.plastic(LEAF, 0.65)
    for index in range(6):
        draft.add(green, leaf(0.85 * r, 0.4 * r, 0.1 * r, steps=3).turned("z", 60 * index).moved(z=0.47 * r))
    draft.add(green, stem(0.5 * r, 0.1 * r, 0.06 * r, base=0.45 * r))
    draft.turn("x", 72)
    draft.directions = {"tip": (0.0, -1.0, 0.0)} if order.variant == "pointed" else {}
    return _tip_to_front(draft)


def _tip_to_front(draft: Draft) -> Draft:
    """After a turn about x by +72 degrees the lower end points to the back or front; make it the front."""
    ends = np.concatenate([mesh.vertices for mesh, _ in draft.pieces[:1]])
    far = ends[np.argmax(np.abs(ends[:, 1]))]
    if far[1] > 0:
        draft.turn("z", 180)
    return draft


def _pineapple(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.055, {"plain": 0.15, "tall": 0.185, "round": 0.12}[order.variant]
    profile = smooth(
        [(0, 0.0), (0.7 * r, 0.0), (0.95 * r, 0.2 * h), (r, 0.5 * h), (0.9 * r, 0.82 * h), (0.5 * r, h), (0, h)], 4
    )
    body = lathe(np.abs(profile), segments=30)
    azimuth = np.arctan2(body.vertices[:, 1], body.vertices[:, 0])
    height = body.vertices[:, 2] / h
    bumps = 1 + 0.035 * np.cos(10 * azimuth + 22 * height) * np.cos(10 * azimuth - 22 * height)
    body = body.bulged(bumps)
    color = order.paint("orange")
    texture = prints.lattice(color, mix(color, STEM, 0.5), 12, 9)
    draft.add(Material(materials.WHITE, 0.6, 0.0, texture), body)
    green = materials.plastic((0.07, 0.2, 0.05), 0.6)
    for row, (count, length, lift) in enumerate(((7, 0.075, 35), (6, 0.085, 58), (4, 0.1, 78))):
        for index in range(count):
            blade = leaf(length, 0.02, 0.25 * length, steps=3).turned("y", -lift)
            draft.add(green, blade.turned("z", 360 * (index + 0.37 * row) / count).moved(z=0.97 * h))
    return draft


def _watermelon(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    dark, light = mix(_paint(order), (0.01, 0.06, 0.01), 0.5), mix(_paint(order), (0.45, 0.6, 0.2), 0.35)
    texture = prints.striped(dark, light, 9, upright=True, share=0.42)
    length = {"round": 1.0, "oval": 1.3, "long": 1.65}[order.variant]
    body = ellipsoid(0.1, 0.1, 0.1 * length, segments=30, rings=18)
    draft.add(Material(materials.WHITE, 0.35, 0.0, texture), body)
    draft.add(materials.plastic(STEM, 0.8), stem(0.025, 0.01, 0.004, base=0.098 * length))
    draft.turn("y", 90)
    return draft


def _grapes(order: Order) -> Draft:
    draft = Draft(order.color)
    berry = materials.plastic(_paint(order), 0.25)
    rows = {"bunch": (3, 4, 4, 3, 2, 1), "small bunch": (2, 3, 3, 2), "long bunch": (3, 3, 3, 2, 2, 2, 1)}[
        order.variant
    ]
    r = 0.011
    for layer, height in enumerate((0.0, 1.45 * r)):
        for row, full in enumerate(rows[: len(rows) - layer]):
            count = full - layer
            for index in range(count):
                x = 1.8 * r * (index - (count - 1) / 2) + order.uniform(-0.15, 0.15) * r
                y = -1.6 * r * (row + 0.5 * layer)
                size = r * order.uniform(0.94, 1.08)
                draft.add(berry, ellipsoid(size, size, size, segments=10, rings=7).moved(x, y, height + size))
    stalk = smooth([(0, -0.01, 0.018), (0.002, 0.015, 0.022), (0.01, 0.035, 0.02)], 3)
    draft.add(materials.plastic(STEM, 0.8), tube(stalk, 0.0018, segments=7))
    return draft


_category = partial(Category, family="fruit", places=FOOD_PLACES)

CATEGORIES = (
    _category("apple", "apples", (0.065, 0.095), ("red", "green", "yellow"), ("round", "flat"), ("tall",), _apple),
    _category("banana", "bananas", (0.14, 0.2), ("yellow",), ("curved", "straight"), ("stubby",), _banana),
    _category("orange", "oranges", (0.06, 0.095), ("orange",), ("plain", "leafed"), ("mandarin",), _orange),
    _category("lemon", "lemons", (0.06, 0.09), ("yellow",), ("plain", "round"), ("pointed",), _lemon),
    _category("pear", "pears", (0.085, 0.125), ("green", "yellow"), ("slender", "plump"), ("gourd",), _pear),
    _category("strawberry", "strawberries", (0.03, 0.05), ("red",), ("pointed", "round"), ("wide",), _strawberry),
    _category(
        "pineapple",
        "pineapples",
        (0.2, 0.32),
        (),
        ("plain", "tall"),
        ("round",),
        _pineapple,
        places=("table", "counter", "shelf"),
    ),
    _category(
        "watermelon",
        "watermelons",
        (0.2, 0.33),
        ("green",),
        ("round", "oval"),
        ("long",),
        _watermelon,
        places=("table", "counter", "floor"),
    ),
    _category(
        "bunch of grapes",
        "bunches of grapes",
        (0.1, 0.18),
        ("purple", "green"),
        ("bunch", "small bunch"),
        ("long bunch",),
        _grapes,
    ),
)
