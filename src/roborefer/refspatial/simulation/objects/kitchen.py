"""What food is cooked and cut with."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    loft,
    rounded_box,
    stack,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

DINING = ("table", "counter", "shelf")


def _pan(order: Order) -> Draft:
    draft = Draft(order.color, "metal", (), {"handle": (1.0, 0.0, 0.0)})
    r = order.uniform(0.1, 0.13)
    h = {"shallow": 0.24, "deep": 0.45, "sloped": 0.28}[order.variant] * r
    foot = {"shallow": 0.88, "deep": 0.94, "sloped": 0.66}[order.variant] * r
    (base, body, inside), draft.cavity = vessel(
        [(foot, 0), (foot + 0.04 * r, 0.05 * h), (r, h)], 0.03 * r, 0.004, segments=40
    )
    color = order.paint()
    outside = materials.metal() if order.color == "silver" else materials.plastic(color, 0.35)
    draft.add(outside, base, body, inside)
    handle = [(0.985 * r, 0, 0.75 * h), (1.25 * r, 0, h), (1.9 * r, 0, 1.25 * h), (2.5 * r, 0, 1.3 * h)]
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


def _pot(order: Order) -> Draft:
    color = order.paint()
    r, h = order.uniform(0.09, 0.11), order.uniform(0.1, 0.13)
    body_material = materials.metal() if order.color == "silver" else materials.glazed(color)
    draft = Draft(order.color, "metal" if order.color == "silver" else None)
    h *= {"tall": 1.15, "low": 0.75, "lidded": 0.95}[order.variant]
    wall = [(0.93 * r, 0), (r, 0.006), (r, h - 0.006), (1.03 * r, h)]
    (base, body, inside), room = vessel(wall, 0.04 * r, 0.005, segments=36)
    draft.add(body_material, base, body, inside)
    black = materials.plastic(materials.DARK, 0.5)
    for side in (-1.0, 1.0):
        z = 0.78 * h
        loop = np.array([(0.98, -0.3, z), (1.2, -0.28, z), (1.32, 0, z), (1.2, 0.28, z), (0.98, 0.3, z)])
        draft.add(black, tube(smooth(loop * (side * r, r, 1.0), 3), 0.06 * r, segments=8))
    if order.variant == "lidded":
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
    radius = {"rectangular": 0.02, "sharp": 0.004, "round": 0.5}[order.variant]
    outline = circle(40, 0.5 * w) if order.variant == "round" else rounded_rectangle(w, d, radius, 4)
    board = stack([0.992 * outline, outline, outline, 0.992 * outline], [0, 0.1 * t, 0.9 * t, t])
    low, high = outline.min(axis=0), outline.max(axis=0)
    flat = (board.vertices[:, :2] - low) / (high - low)
    board = Mesh(board.vertices, board.faces, board.normals, flat)
    draft.add(
        materials.wood(mix(color, (0.5, 0.3, 0.14), 0.35), order.integer(0, 3)) if wooden else materials.plastic(color),
        board,
    )
    draft.top = 0.97 * outline
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
    if order.variant == "wooden":
        draft.material = "wood"
        material = materials.wood(order.paint(), order.integer(0, 3))
    thick = order.uniform(0.9, 1.15) * (2.2 if order.variant == "wooden" else 1.0)
    slim = order.variant == "slim"
    wide = (0.0085 if slim else 0.0115) * order.uniform(0.9, 1.15)
    # (y, z, half width, half thickness) from the tip of the handle to the neck.
    stations = [(0.1, 0.003, 0.75 * wide, 0.0012), (0.09, 0.004, wide, 0.0014), (0.045, 0.008, 0.6 * wide, 0.0016)]
    stations += [(0.0, 0.012, 0.0036, 0.002), (-0.02, 0.0105, 0.003, 0.0022), (-0.034, 0.006, 0.0042, 0.0018)]
    draft.add(material, _blade(stations, thick))
    if end == "bowl":
        draft.add(material, _spoon_bowl(0.0195 if slim else 0.0225, 0.033, thick).moved(y=-0.062))
    else:
        root = [(-0.03, 0.0062, 0.005, 0.0016), (-0.045, 0.003, 0.0115, 0.0013), (-0.062, 0.0024, 0.0125, 0.0012)]
        draft.add(material, _blade(root, thick))
        for x in (-0.0105, -0.0035, 0.0035, 0.0105):
            tine = [(-0.06, 0.0024, 0.0019, 0.0012), (-0.09, 0.0028, 0.0016, 0.0012), (-0.107, 0.0052, 0.0008, 0.0006)]
            draft.add(material, _blade(tine, thick).moved(x=x))
    return draft


def _blade(stations: ArrayLike, thick: float) -> Mesh:
    """A flat bar through stations (y, z, half width, half thickness), from the back to the front."""
    y, z, half, depth = np.asarray(smooth(stations, 3)).T
    ring = circle(10)
    x = half[:, None] * ring[:, 0]
    height = z[:, None] + thick * depth[:, None] * ring[:, 1]
    rings = np.stack([x, np.broadcast_to(y[:, None], x.shape), height], axis=2)
    ends = np.broadcast_to(rings[[0, -1]].mean(axis=1, keepdims=True), (2, *rings.shape[1:]))
    return loft(np.concatenate([ends[:1], rings, ends[1:]]))


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
        "cleaver": [(-1.3, -0.08), (-1.4, -0.5), (-1.3, -1.0), (0.5, -1.0), (0.5, 0), (-0.3, 0)],
    }
    outline = np.array(outlines[order.variant]) * (width, length)
    draft.add(materials.metal(), extrude(outline, 0.0022).moved(z=0.0035))
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
        ("shallow", "sloped"),
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
        ("tall", "lidded"),
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
        ("rectangular", "round"),
        ("sharp",),
        _cutting_board,
        places=("counter", "table"),
    ),
    _category(
        "fork",
        "forks",
        (0.16, 0.215),
        ("silver", "black", "red", "blue"),
        ("classic",),
        ("slim",),
        _fork,
        places=(*DINING, "tray"),
    ),
    _category(
        "spoon",
        "spoons",
        (0.14, 0.22),
        ("silver", "black", "red", "green"),
        ("classic",),
        ("slim",),
        _spoon,
        places=(*DINING, "tray"),
    ),
    _category(
        "knife",
        "knives",
        (0.18, 0.28),
        ("red", "blue", "brown", "green", "yellow"),
        ("table", "chef"),
        ("cleaver",),
        _knife,
        places=(*DINING, "tray"),
    ),
)
