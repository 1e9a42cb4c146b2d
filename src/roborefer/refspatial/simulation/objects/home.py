"""What makes a room lived in: lamps, plants, vases, cushions, baskets, clothes."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    lathe,
    loft,
    panel,
    rounded_box,
    stack,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

PLACES = ("table", "desk", "shelf", "counter")
SOIL = (0.035, 0.02, 0.012)
WICKER = (0.42, 0.25, 0.1)


def _cushion(order: Order) -> Draft:
    """Lies flat."""
    color = order.paint()
    draft = Draft(order.color)
    n = 32
    if order.variant == "square":
        outline = _superellipse(n, 0.22, 0.22, 4.5)
    elif order.variant == "oblong":
        outline = _superellipse(n, 0.26, 0.16, 4.5)
    else:
        outline = circle(n, 0.21)
    pale = order.accent()
    kind = order.integer(0, 5)
    texture = None
    if kind < 3:
        texture = (
            prints.striped(color, pale, 7, upright=True),
            prints.dotted(color, pale, 7, 7),
            prints.checked(color, pale, 5, 5),
        )[kind]
        draft.attributes = (("striped", "dotted", "checkered")[kind],)
    cloth = (
        Material(materials.WHITE, 0.95, 0.0, texture)
        if texture is not None
        else materials.fabric(color, order.integer(0, 3))
    )
    t = np.linspace(-np.pi / 2, np.pi / 2, 13)
    shares, heights = np.cos(t) ** 0.55, 0.06 * np.sin(t) * (0.55 + 0.45 * np.cos(t) ** 0.5)
    shares[[0, -1]] = 0
    heights = 0.065 * np.sign(np.sin(t)) * (1 - shares**2.2) ** 0.8
    rings = np.stack(
        [
            np.concatenate([share * outline, np.full((n, 1), z)], axis=1)
            for share, z in zip(shares, heights, strict=True)
        ]
    )
    skin = loft(rings)
    uv = skin.vertices[:, :2] / (2 * np.abs(outline).max(axis=0)) + 0.5
    draft.add(cloth, Mesh(skin.vertices, skin.faces, skin.normals, uv))
    return draft


def _superellipse(count: int, x: float, y: float, power: float) -> Floats:
    unit = circle(count)
    return np.sign(unit) * np.abs(unit) ** (2 / power) * (x, y)


def _basket(order: Order) -> Draft:
    draft = Draft(order.color, "wicker")
    tint = mix(WICKER, order.paint(), 0.75 if order.color != "brown" else 0.25)
    weave = Material(tint, 0.85, 0.0, prints.grain("wicker", order.integer(0, 3)))
    plain = Material(mix(tint, (0, 0, 0), 0.15), 0.85)
    r, h = 0.14, 0.14
    if order.variant == "rectangular":

        def outline(share: float) -> Floats:
            return rounded_rectangle(2.3 * r * share, 1.6 * r * share, 0.05 * share, 4)

        draft.add(weave, loft(np.stack([_level(outline(0.86), 0.0), _level(outline(1.0), h)])))
        draft.add(weave, loft(np.stack([_level(outline(0.95), h), _level(outline(0.81), 0.01)])))
        draft.add(plain, stack([outline(0.86), outline(0.81)], [0, 0.01]))
        rim = _level(outline(0.99), h)
        draft.cavity = cavity(0.01, 0.985 * outline(0.81), h - 0.01)
    else:
        low = 0.78 if order.variant == "round" else 0.95
        (base, body, inside), draft.cavity = vessel(
            [(low * r, 0), (0.5 * (low + 1) * r + 0.008, 0.5 * h), (r, h)], 0.008, 0.01, segments=32
        )
        draft.add(plain, base)
        draft.add(weave, body, inside)
        rim = _level(circle(28, r), h)
    draft.add(plain, tube(rim, 0.0075, segments=6, closed=True))
    if order.variant == "handled":
        angles = np.radians(np.linspace(0, 180, 17))
        arch = np.stack([(r - 0.004) * np.cos(angles), np.zeros(17), h + 0.13 * np.sin(angles)], axis=1)
        draft.add(plain, tube(arch, 0.008, segments=8, flatten=1.5))
    return draft


def _level(outline: Floats, z: float) -> Floats:
    return np.concatenate([outline, np.full((len(outline), 1), z)], axis=1)


def _tray(order: Order) -> Draft:
    wooden = order.color == "brown"
    draft = Draft(order.color, "wood" if wooden else None)
    color = order.paint()
    material = (
        materials.wood(mix(color, (0.5, 0.3, 0.14), 0.35), order.integer(0, 3))
        if wooden
        else materials.plastic(color, 0.35)
    )
    w, d, h = order.uniform(0.38, 0.46), order.uniform(0.26, 0.32), 0.032
    corner = {"rounded": 0.05, "rectangular": 0.006, "round": 0.18}[order.variant]
    if order.variant == "round":
        w = d = 0.37

    def outline(inset: float) -> Floats:
        return rounded_rectangle(w - 2 * inset, d - 2 * inset, max(corner - inset, 0.001), 6)

    insets, heights = (0.012, 0.006, 0.0, 0.0, 0.006, 0.008, 0.014), (0.0, 0.0, 0.7 * h, h, h, 0.7 * h, 0.006)
    draft.add(material, stack([outline(inset) for inset in insets], heights))
    draft.cavity = cavity(0.006, 0.985 * outline(0.015), h - 0.006)
    if order.variant != "round":
        for side in (-1.0, 1.0):
            z = h - 0.002
            grip = smooth([(0, -0.05, z), (0, -0.04, z + 0.024), (0, 0.04, z + 0.024), (0, 0.05, z)], 4)
            draft.add(material, tube(grip, 0.005, segments=8).moved(x=side * (0.5 * w - 0.003)))
    return draft


def _candle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, "wax")
    wax = Material(color, 0.4)
    r, h = {"pillar": (0.03, 0.09), "taper": (0.013, 0.2), "cube": (0.03, 0.06)}[order.variant]
    h *= order.uniform(0.75, 1.2)
    if order.variant == "cube":
        draft.add(wax, rounded_box((2 * r, 2 * r, h), 0.004))
    elif order.variant == "taper":
        holder = materials.metal((0.6, 0.5, 0.28), 0.3)
        draft.add(
            holder,
            lathe(
                [(0, 0), (0.032, 0), (0.034, 0.005), (0.018, 0.007), (0.017, 0.02), (0.014, 0.02), (0, 0.018)],
                segments=24,
            ),
        )
        draft.add(wax, lathe([(0, 0.015), (r, 0.015), (0.75 * r, h), (0, h + 0.004)], segments=16))
        draft.material = None
    else:
        draft.add(
            wax,
            lathe([(0, 0), (r, 0), (r, h - 0.003), (r - 0.003, h), (0.6 * r, h - 0.004), (0, h - 0.005)], segments=28),
        )
    draft.add(
        Material((0.03, 0.03, 0.03), 0.9),
        tube(smooth([(0, 0, h - 0.005), (0, 0, h + 0.006), (0.003, 0, h + 0.013)], 3), 0.0012, segments=6),
    )
    return draft


def _picture_frame(order: Order) -> Draft:
    """Stands on its own, leaning back."""
    wooden = order.color == "brown"
    draft = Draft(order.color, "wood" if wooden else None, (), dict(FRONT))
    color = order.paint()
    material = (
        materials.wood(mix(color, (0.4, 0.22, 0.1), 0.3), order.integer(0, 3))
        if wooden
        else materials.plastic(color, 0.35)
    )
    w, h = {"upright": (0.15, 0.2), "wide": (0.22, 0.16), "square": (0.17, 0.17)}[order.variant]
    edge = 0.024
    pieces = [
        (material, rounded_box((edge, 0.016, h), 0.003).moved(x=side * (0.5 * w - 0.5 * edge))) for side in (-1, 1)
    ]
    pieces += [(material, rounded_box((w - 1.8 * edge, 0.016, edge), 0.003).moved(z=z)) for z in (0.0, h - edge)]
    pieces.append((material, rounded_box((w - edge, 0.005, h - edge)).moved(y=0.005, z=0.5 * edge)))
    picture = Material((0.95, 0.95, 0.95), 0.3, 0.0, prints.screen(order.generator, 0))
    pieces.append((picture, panel(w - 1.8 * edge, h - 1.8 * edge).moved(y=0.0015, z=0.9 * edge)))
    for part, mesh in pieces:
        draft.add(part, mesh.turned("x", -12))
    draft.add(
        material,
        tube([(0, 0.6 * h * 0.208 + 0.008, 0.6 * h * 0.978), (0, 0.11, 0.004)], 0.004, segments=6, flatten=2.5),
    )
    return draft


def _toilet_paper(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = {"full": (0.055, 0.1), "kitchen": (0.06, 0.24), "thin": (0.035, 0.1)}[order.variant]
    paper = Material(order.paint(), 0.95, 0.0, prints.grain("fabric", 2))
    draft.add(paper, lathe([(0.022, 0), (r, 0), (r, h), (0.022, h)], segments=32))
    draft.add(
        materials.cardboard((0.45, 0.3, 0.16)), lathe([(0.022, h), (0.02, h), (0.02, 0), (0.022, 0)], segments=24)
    )
    return draft


_category = partial(Category, family="home", places=PLACES)

_DYED = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
_FLOOR = ("floor", "table", "shelf")
CATEGORIES = (
    _category(
        "cushion", "cushions", (0.32, 0.52), _DYED, ("square", "oblong"), ("round",), _cushion, places=("floor",)
    ),
    _category(
        "basket",
        "baskets",
        (0.22, 0.42),
        ("brown",),
        ("round", "rectangular", "deep"),
        ("handled",),
        _basket,
        places=(*_FLOOR, "counter"),
    ),
    _category(
        "tray",
        "trays",
        (0.32, 0.5),
        ("brown", "white", "black", "red", "blue", "green"),
        ("rounded", "rectangular"),
        ("round",),
        _tray,
        places=("table", "counter"),
    ),
    _category(
        "candle",
        "candles",
        (0.06, 0.25),
        ("white", "red", "yellow", "green", "blue", "pink", "purple"),
        ("pillar", "taper"),
        ("cube",),
        _candle,
        places=(*PLACES, "tray"),
    ),
    _category(
        "picture frame",
        "picture frames",
        (0.15, 0.29),
        ("brown", "black", "white", "red", "blue"),
        ("upright", "wide"),
        ("square",),
        _picture_frame,
        places=("desk", "table", "shelf"),
    ),
    _category(
        "paper roll",
        "paper rolls",
        (0.095, 0.28),
        ("white",),
        ("full", "kitchen"),
        ("thin",),
        _toilet_paper,
        places=PLACES,
        confusable=("roll of tape",),
    ),
)
