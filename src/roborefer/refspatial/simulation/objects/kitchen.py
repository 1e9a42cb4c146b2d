"""What food is cooked and cut with."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    loft,
    ring,
    rounded_box,
    slab,
    solid,
    stack,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

DINING = ("table", "counter", "shelf")


def _pan(order: Order) -> Draft:
    draft = Draft(order.color, "metal", (), {"handle": (1.0, 0.0, 0.0)})
    r = order.uniform(0.1, 0.13)
    height, foot = {
        "shallow": (0.24, 0.88),
        "deep": (0.45, 0.94),
        "sloped": (0.28, 0.66),
        "skillet": (0.32, 0.9),
        "flat": (0.09, 0.95),
        "wok": (0.5, 0.45),
        "square": (0.3, 0.88),
    }[order.variant]
    h, foot = height * r, foot * r
    color = order.paint()
    outside = materials.metal() if order.color == "silver" else materials.plastic(color, 0.35)
    if order.variant == "square":
        _square_pan(draft, r, h, outside)
    else:
        wall: ArrayLike = [(foot, 0), (foot + 0.04 * r, 0.05 * h), (r, h)]
        if order.variant == "wok":
            wall = smooth([(foot, 0), (0.74 * r, 0.2 * h), (0.93 * r, 0.62 * h), (r, h)], 4)
        (base, body, inside), draft.cavity = vessel(wall, 0.03 * r, 0.004, segments=40)
        draft.add(outside, base, body, inside)
    if order.variant in ("skillet", "wok"):
        # An ear to lift it by, across from its handle.
        lug = np.array([(-0.98, -0.25, 0.88), (-1.14, -0.17, 0.9), (-1.14, 0.17, 0.9), (-0.98, 0.25, 0.88)])
        draft.add(outside, tube(smooth(lug * (r, r, h), 3), 0.05 * r, ends="flat"))
    if order.variant == "skillet":
        # Cast in one piece.
        bar = [(1.08 * r, 0, 0.88 * h), (1.2 * r, 0, 0.92 * h), (1.6 * r, 0, h), (1.85 * r, 0, h)]
        draft.add(outside, tube(smooth(bar, 3), smooth([[0.1], [0.07], [0.1], [0.15]], 3)[:, 0] * r, flatten=0.4))
        return draft
    handle = [(0.985 * r, 0, 0.75 * h), (1.25 * r, 0, h), (1.9 * r, 0, 1.25 * h), (2.5 * r, 0, 1.3 * h)]
    if order.variant == "wok":
        handle = [(0.985 * r, 0, 0.85 * h), (1.15 * r, 0, h), (1.5 * r, 0, 1.2 * h), (1.95 * r, 0, 1.4 * h)]
    path = smooth(handle, 4)
    grip = materials.plastic(materials.DARK if order.color != "black" else (0.04, 0.04, 0.042), 0.6)
    draft.add(
        grip,
        tube(
            path,
            np.interp(np.arange(len(path)), [0, 3, len(path)], [0.05 * r, 0.06 * r, 0.1 * r]),
            ends="flat",
            flatten=1.5,
        ),
    )
    return draft


def _square_pan(draft: Draft, r: float, h: float, material: Material) -> None:
    def outline(half: float) -> Floats:
        return rounded_rectangle(2 * half * r, 2 * half * r, 0.25 * r, 4)

    halves, heights = (0.86, 0.9, 1.0, 0.97, 0.86), (0.0, 0.03 * h, h, h, 0.004)
    draft.add(material, stack([outline(half) for half in halves], heights))
    draft.cavity = cavity(0.004, outline(0.85), h - 0.004)


def _pot(order: Order) -> Draft:
    color = order.paint()
    r, h = order.uniform(0.09, 0.11), order.uniform(0.1, 0.13)
    body_material = materials.metal() if order.color == "silver" else materials.glazed(color)
    draft = Draft(order.color, "metal" if order.color == "silver" else None)
    h *= {"tall": 1.15, "low": 0.75, "lidded": 0.95, "stock": 1.7, "bellied": 1.1, "casserole": 0.8}[order.variant]
    wall = np.array([(0.93 * r, 0), (r, 0.006), (r, h - 0.006), (1.03 * r, h)])
    if order.variant == "bellied":
        wall = smooth([(0.55 * r, 0), (1.05 * r, 0.25 * h), (1.12 * r, 0.5 * h), (0.86 * r, 0.86 * h), (r, h)], 4)
    elif order.variant == "casserole":
        wall = smooth([(0.75 * r, 0), (1.02 * r, 0.22 * h), (1.08 * r, 0.6 * h), (1.03 * r, h)], 4)
    (base, body, inside), room = vessel(wall, 0.04 * r, 0.005, segments=36)
    draft.add(body_material, base, body, inside)
    # Cast ones are enamelled all over.
    cast = order.variant in ("bellied", "casserole")
    black = body_material if cast else materials.plastic(materials.DARK, 0.5)
    z = 0.78 * h
    reach = float(np.interp(z, wall[:, 1], wall[:, 0]))
    for side in (-1.0, 1.0):
        loop = np.array([(0.98, -0.3, z), (1.2, -0.28, z), (1.32, 0, z), (1.2, 0.28, z), (0.98, 0.3, z)])
        if order.variant == "stock":
            # Upright ones, as on a pan that is lifted with both arms.
            loop = np.array([(1.03, 0, 0.86 * h), (1.28, 0, 0.85 * h), (1.28, 0, 0.6 * h), (1.03, 0, 0.59 * h)])
        elif cast:
            loop = loop * (0.5, 1.0, 1.0) + (0.49, 0.0, 0.0)
        draft.add(black, tube(smooth(loop * (side * reach, r, 1.0), 3), 0.06 * r, segments=8))
    if order.variant in ("lidded", "casserole"):
        draft.attributes = ("closed",)
        lid = smooth([(1.03 * r, h), (0.96 * r, h + 0.01), (0.5 * r, h + 0.022), (0.0, h + 0.025)], 4)
        draft.add(body_material, lathe([(0, h - 0.001), (1.03 * r, h - 0.001), *lid], segments=36))
        draft.add(
            black,
            lathe(
                [
                    (0, h + 0.02),
                    (0.07 * r, h + 0.02),
                    (0.06 * r, h + 0.035),
                    (0.16 * r, h + 0.045),
                    (0.14 * r, h + 0.053),
                    (0, h + 0.054),
                ],
                segments=20,
            ),
        )
    else:
        draft.attributes = ("open",)
        draft.cavity = room
    return draft


def _cutting_board(order: Order) -> Draft:
    wooden = order.color == "brown"
    color = order.paint()
    draft = Draft(order.color, "wood" if wooden else None, (), {})
    w, d, t = order.uniform(0.3, 0.38), order.uniform(0.19, 0.25), order.uniform(0.014, 0.022)
    if order.variant in ("round", "peel", "oval"):
        outline = circle(40, *{"round": (0.5 * w,), "peel": (0.4 * w,), "oval": (0.5 * w, 0.55 * d)}[order.variant])
    else:
        outline = rounded_rectangle(w, d, {"sharp": 0.004, "grooved": 0.04}.get(order.variant, 0.02), 4)
    board = stack([0.992 * outline, outline, outline, 0.992 * outline], [0, 0.1 * t, 0.9 * t, t])
    low, high = outline.min(axis=0), outline.max(axis=0)
    flat = (board.vertices[:, :2] - low) / (high - low)
    board = Mesh(board.vertices, board.faces, board.normals, flat)
    material = (
        materials.wood(mix(color, (0.5, 0.3, 0.14), 0.35), order.integer(0, 3)) if wooden else materials.plastic(color)
    )
    draft.add(material, board)
    draft.top = 0.97 * outline
    hollow = materials.plastic(mix(color, (0.02, 0.02, 0.02), 0.6), 0.7)
    if order.variant in ("paddle", "peel"):
        draft.directions = {"handle": (1.0, 0.0, 0.0)}
        # A hair lower than the board, which it reaches into.
        grip = slab(0.42 * w, 0.24 * d, 0.96 * t, 0.08 * d).moved(high[0] + 0.13 * w)
        draft.add(material, grip)
        draft.add(hollow, lathe([(0.04 * d, 0.965 * t), (0, 0.965 * t)]).moved(high[0] + 0.28 * w))
    elif order.variant == "grooved":
        rings = [ring(share * outline, t + 0.0002) for share in (0.9, 0.86)]
        slot = np.array((0.36 * w, 0.0)) + rounded_rectangle(0.05 * w, 0.34 * d, 0.03 * w)
        draft.add(hollow, loft(rings), extrude(slot, 0.0002).moved(z=t))
    return draft


def _fork(order: Order) -> Draft:
    return _cutlery(order, "tines")


def _spoon(order: Order) -> Draft:
    return _cutlery(order, "bowl")


def _cutlery(order: Order, end: str) -> Draft:
    """Lies along y: the working end in front, the handle behind."""
    draft = Draft(order.color, "metal" if order.color == "silver" else None)
    draft.directions = {end: (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)}
    material = materials.metal() if order.color == "silver" else materials.plastic(order.paint(), 0.4)
    thick = order.uniform(0.9, 1.15)
    slim = order.variant == "slim"
    wide = (0.0085 if slim else 0.0115) * order.uniform(0.9, 1.15)
    # (y, z, half width, half thickness) from the tip of the handle to the neck.
    stations = [(0.1, 0.003, 0.75 * wide, 0.0012), (0.09, 0.004, wide, 0.0014), (0.045, 0.008, 0.6 * wide, 0.0016)]
    neck = [(0.0, 0.012, 0.0036, 0.002), (-0.02, 0.0105, 0.003, 0.0022), (-0.034, 0.006, 0.0042, 0.0018)]
    if order.variant in ("gripped", "carving"):
        grip = [(0.112, 0.0055, 0.006, 0.0035), (0.1, 0.006, 0.0095, 0.0055), (0.06, 0.008, 0.0085, 0.005)]
        draft.add(material, _flat_bar([*grip, (0.022, 0.0105, 0.0075, 0.0045), (0.012, 0.0115, 0.005, 0.0035)], 1.0))
        material = materials.metal()
        stations = [(0.02, 0.0105, 0.004, 0.0018)]
    elif order.variant == "cooking":
        stations = [(0.15, 0.006, 0.0052, 0.004), (0.08, 0.009, 0.005, 0.004)]
        neck = [(0.0, 0.012, 0.0046, 0.0036), (-0.034, 0.008, 0.006, 0.003)]
    draft.add(material, _flat_bar([*stations, *neck], thick))
    if end == "bowl":
        width, length = {"slim": (0.0195, 0.033), "soup": (0.027, 0.028), "cooking": (0.028, 0.04)}.get(
            order.variant, (0.0225, 0.033)
        )
        draft.add(material, _spoon_bowl(width, length, thick).moved(y=-0.029 - length))
    else:
        _prongs(draft, order.variant, material, thick)
    return draft


def _prongs(draft: Draft, variant: str, material: Material, thick: float) -> None:
    """A fork's working end: two long prongs, three broad ones, or four."""
    root = [(-0.03, 0.0062, 0.005, 0.0016), (-0.045, 0.003, 0.0115, 0.0013), (-0.062, 0.0024, 0.0125, 0.0012)]
    tine = np.array(
        [(-0.06, 0.0024, 0.0019, 0.0012), (-0.09, 0.0028, 0.0016, 0.0012), (-0.107, 0.0052, 0.0008, 0.0006)]
    )
    places: tuple[float, ...] = (-0.0105, -0.0035, 0.0035, 0.0105)
    if variant == "carving":
        places = (-0.0095, 0.0095)
        tine = tine * (1.5, 1.0, 1.5, 1.5) + (0.032, 0.0, 0.0, 0.0)
    elif variant == "dessert":
        places = (-0.0092, 0.0, 0.0092)
        tine = tine * (0.75, 1.0, 1.7, 1.0) + (-0.015, 0.0, 0.0, 0.0)
    draft.add(material, _flat_bar(root, thick), *(_flat_bar(tine, thick).moved(x=x) for x in places))


def _flat_bar(stations: ArrayLike, thick: float) -> Mesh:
    """A flat bar through stations (y, z, half width, half thickness), from the back to the front."""
    y, z, half, depth = np.asarray(smooth(stations, 3)).T
    unit = circle(10)
    x = half[:, None] * unit[:, 0]
    height = z[:, None] + thick * depth[:, None] * unit[:, 1]
    rings = np.stack([x, np.broadcast_to(y[:, None], x.shape), height], axis=2)
    return solid(rings)


def _spoon_bowl(half_width: float, half_length: float, thick: float) -> Mesh:
    depth, wall = 0.0085, 0.0011 * thick
    egg = circle(24) * (half_width, half_length)
    egg[:, 0] *= 1 - 0.16 * egg[:, 1] / half_length
    shares = np.array([0.35, 0.7, 0.93, 1.0])
    outer = [share * egg for share in shares]
    heights = [depth * share**2.2 for share in shares]
    inner = [0.96 * share * egg for share in shares[::-1]]
    return stack([*outer, *inner], [*heights, *(depth * share**2.2 + wall for share in shares[::-1])])


def _knife(order: Order) -> Draft:
    """Lies on its side along y, its tip in front and its edge to the left."""
    draft = Draft(
        order.color, None, (), {"tip": (0.0, -1.0, 0.0), "blade": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)}
    )
    length, width = order.uniform(0.1, 0.125), order.uniform(0.017, 0.022)
    outlines = {
        "table": [
            (-0.4, 0),
            (-0.5, -0.3),
            (-0.5, -0.8),
            (-0.3, -0.97),
            (0.05, -1.0),
            (0.35, -0.9),
            (0.5, -0.7),
            (0.5, 0),
        ],
        "chef": [(-0.65, 0), (-0.75, -0.1), (-0.7, -0.5), (-0.35, -0.85), (0.45, -1.1), (0.5, -0.7), (0.5, 0)],
        "bread": [
            (-0.5, 0),
            # Teeth.
            *((-0.5 if step % 2 else -0.62, -0.08 - 0.055 * step) for step in range(25)),
            (-0.4, -1.5),
            (-0.1, -1.58),
            (0.4, -1.55),
            (0.5, -1.4),
            (0.5, 0),
        ],
        "paring": [(-0.36, 0), (-0.42, -0.05), (-0.42, -0.45), (-0.2, -0.74), (0.3, -0.96), (0.36, -0.6), (0.36, 0)],
        "filleting": [
            (-0.3, 0),
            (-0.42, -0.1),
            (-0.3, -0.6),
            (-0.2, -1.0),
            (0.1, -1.3),
            (0.6, -1.55),
            (0.3, -1.1),
            (0.3, 0),
        ],
        "cleaver": [(-1.3, -0.08), (-1.4, -0.5), (-1.3, -1.0), (0.5, -1.0), (0.5, 0), (-0.3, 0)],
    }
    outline = np.array(outlines[order.variant]) * (width, length)
    draft.add(materials.metal(), extrude(outline, 0.0022).moved(z=0.0035))
    if order.variant in ("paring", "filleting"):
        # A rounded grip that swells towards its end, behind a collar of steel.
        grip = [(0.92, 0.3, 0.2), (0.86, 0.46, 0.3), (0.6, 0.42, 0.27), (0.3, 0.5, 0.3), (0.03, 0.4, 0.26)]
        draft.add(
            materials.plastic(order.paint(), 0.45),
            _flat_bar([(y * length, 0.0052, half * width, depth * width) for y, half, depth in grip], 0.85),
        )
        draft.add(
            materials.metal(), _flat_bar([(y * length, 0.0052, 0.43 * width, 0.25 * width) for y in (0.06, 0)], 0.9)
        )
        return draft
    handle = rounded_box((0.95 * width, 0.85 * length, 0.0095), 0.004).moved(y=0.42 * length)
    draft.add(materials.plastic(order.paint(), 0.45), handle)
    for y in (0.2, 0.42, 0.64):
        draft.add(
            materials.metal(), ellipsoid(0.0022, 0.0022, 0.0008, segments=10, rings=4).moved(y=y * length, z=0.0095)
        )
    return draft


_category = partial(Category, family="kitchen", places=DINING)

CATEGORIES = (
    _category(
        "pan",
        "pans",
        (0.34, 0.5),
        ("black", "red", "silver", "blue", "green"),
        ("shallow", "sloped", "skillet", "flat", "wok", "square"),
        ("deep",),
        _pan,
        places=("counter", "table"),
        confusable=("pot",),
    ),
    _category(
        "pot",
        "pots",
        (0.2, 0.34),
        ("silver", "red", "blue", "orange", "white", "black", "green"),
        ("tall", "lidded", "stock", "bellied", "casserole"),
        ("low",),
        _pot,
        places=("counter", "table", "shelf"),
        confusable=("pan",),
    ),
    _category(
        "cutting board",
        "cutting boards",
        (0.24, 0.42),
        ("brown", "white", "green", "blue", "red"),
        ("rectangular", "round", "oval", "paddle", "peel", "grooved"),
        ("sharp",),
        _cutting_board,
        places=("counter", "table"),
    ),
    _category(
        "fork",
        "forks",
        (0.16, 0.215),
        ("silver", "black", "red", "blue"),
        ("classic", "dessert", "carving", "gripped"),
        ("slim",),
        _fork,
        places=(*DINING, "tray"),
    ),
    _category(
        "spoon",
        "spoons",
        (0.14, 0.22),
        ("silver", "black", "red", "green"),
        ("classic", "soup", "cooking", "gripped"),
        ("slim",),
        _spoon,
        places=(*DINING, "tray"),
    ),
    _category(
        "knife",
        "knives",
        (0.18, 0.28),
        ("red", "blue", "brown", "green", "yellow"),
        ("table", "chef", "bread", "paring", "filleting"),
        ("cleaver",),
        _knife,
        places=(*DINING, "tray"),
    ),
)
