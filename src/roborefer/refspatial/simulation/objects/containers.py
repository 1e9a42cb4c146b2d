"""What holds drinks, food and soap: cans, jars, cartons, tubes, and the bottles of ``bottles``."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import bottles, materials, prints
from roborefer.refspatial.simulation.objects.colors import DYED, contrast_color, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    extrude,
    lathe,
    loft,
    ring,
    rounded_box,
    solid,
    stack,
    tube,
)

PLACES = ("table", "desk", "counter", "shelf", "tray", "box")
SLANT = 30.0
"""Of a milk carton's slanted top, degrees."""
DOME = ((1, 0.02), (0.99, 0.04), (0.76, 0.2), (0.46, 0.22), (0.42, 0.2))
"""Of a milk carton's rounded top: its width and the radius of its corners at five heights, as shares of the width."""


def _can(order: Order) -> Draft:
    if order.variant == "sardine":
        return _sardine_can(order)
    color = order.paint()
    draft = Draft(order.color)
    r = 0.033
    h = {"drink": 0.118, "food": 0.1, "flat": 0.045, "beaded": 0.105, "coffee": 0.115, "slim": 0.15}[order.variant]
    r *= {"drink": 1.0, "food": 1.12, "flat": 1.25, "beaded": 1.15, "coffee": 1.4, "slim": 0.85}[order.variant]
    drink = order.variant in ("drink", "slim")
    words = prints.DRINKS if drink else ("COFFEE", "COCOA") if order.variant == "coffee" else prints.GROCERIES
    neck = 0.86 if drink else 0.97
    bottom, top = (0.06 * h, 0.88 * h) if drink else (0.03 * h, 0.97 * h)
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.round_label(order.pick(words), color, ink, order.integer(0, 3), aspect=2 * np.pi * r / h)
    side = [(r, bottom), (r, top)]
    if order.variant == "beaded":
        # Rings pressed into the tin, which stiffen it.
        beads = [(share * r, z * h) for z in (0.3, 0.4, 0.5, 0.6) for share, z in ((1, z), (0.95, z + 0.05))]
        side = [(r, bottom), *smooth([*beads, (r, 0.7 * h)], 3), (r, top)]
    draft.add(Material(materials.WHITE, 0.3 if drink else 0.5, 0.25 if drink else 0.0, texture), lathe(side))
    bare = materials.metal((0.7, 0.7, 0.72), 0.3)
    draft.add(bare, lathe([(0, 0.004), (0.8 * r, 0.004), (0.84 * r, 0), (0.9 * r, 0), (r, bottom)]))
    rim = neck * r
    draft.add(
        bare,
        lathe([(r, top), (rim, 0.985 * h), (rim, h), (rim - 0.0015, h), (rim - 0.002, h - 0.0006), (0, h - 0.0006)]),
    )
    if drink:
        tab = tube([(-0.1 * r, 0, h - 0.0022), (0.35 * r, 0, h - 0.0015)], 0.11 * r, segments=8, flatten=1.0).scaled(
            1, 1.6, 0.25
        )
        draft.add(materials.metal((0.5, 0.5, 0.52), 0.35), tab.moved(z=0.75 * (h - 0.001)))
    elif order.variant == "beaded":
        draft.add(materials.metal((0.5, 0.5, 0.52), 0.35), _pull_ring(0.3 * r).moved(y=-0.4 * r, z=h - 0.0005))
    elif order.variant == "coffee":
        lid = lathe([(0, top), (1.04 * r, top), (1.04 * r, h), (0.98 * r, h + 0.002), (0, h + 0.002)])
        # A white lid on black, seen from above, would be as much as the can.
        draft.add(materials.plastic(color if order.color in ("black", "white") else contrast_color(color), 0.5), lid)
    draft.top = circle(24, 0.97 * rim)
    return draft


def _pull_ring(radius: float) -> Mesh:
    """Flat around the origin: it must not lift what stands on the can."""
    return tube(ring(circle(14, radius), 0.0), 0.25 * radius, segments=6, closed=True).scaled(
        1, 1, 0.0005 / (0.25 * radius)
    )


def _sardine_can(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    width, depth, h = 0.108, 0.068, 0.03
    wall, seam = rounded_rectangle(width, depth, 0.022, 4), rounded_rectangle(width + 0.003, depth + 0.003, 0.0235, 4)
    draft.add(materials.plastic(color, 0.4), stack([0.94 * wall, wall, wall], [0, 0.003, h - 0.001]))
    bare = materials.metal((0.7, 0.7, 0.72), 0.3)
    draft.add(bare, stack([seam, seam], [h - 0.003, h]))
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.label(order.pick(("TUNA", "FISH")), color, ink, order.integer(0, 3), aspect=width / depth)
    draft.add(Material(materials.WHITE, 0.4, 0.1, texture), extrude(0.96 * wall, 0.0003).moved(z=h - 0.0001))
    draft.add(materials.metal((0.5, 0.5, 0.52), 0.35), _pull_ring(0.011).moved(x=-0.36 * width, z=h + 0.0003))
    draft.top = 0.95 * wall
    return draft


def _jar(order: Order) -> Draft:
    draft = Draft(order.color)
    h, r = order.uniform(0.1, 0.13), order.uniform(0.036, 0.042)
    shapes = {
        "jam": [(0.9 * r, 0), (r, 0.06 * h), (r, 0.5 * h), (r, 0.72 * h), (0.84 * r, 0.84 * h)],
        "honey": [(0.8 * r, 0), (1.05 * r, 0.2 * h), (1.12 * r, 0.45 * h), (1.02 * r, 0.7 * h), (0.8 * r, 0.84 * h)],
        "hexagonal": [(r, 0), (1.1 * r, 0.04 * h), (1.1 * r, 0.22 * h), (1.1 * r, 0.74 * h), (0.8 * r, 0.84 * h)],
        "clip": [
            *((0.98 * r, 0), (1.04 * r, 0.04 * h), (1.04 * r, 0.2 * h)),
            *((1.04 * r, 0.5 * h), (0.99 * r, 0.68 * h), (0.8 * r, 0.76 * h)),
        ],
        "ginger": [
            *((0.84 * r, 0), (0.82 * r, 0.05 * h), (0.9 * r, 0.2 * h)),
            *((1.15 * r, 0.5 * h), (1.06 * r, 0.68 * h), (0.68 * r, 0.8 * h)),
        ],
        "straight": [(0.97 * r, 0), (r, 0.02 * h), (r, 0.6 * h), (r, 0.84 * h)],
    }
    profile = smooth(shapes[order.variant], 3)
    content = order.paint()
    filled = materials.plastic(mix(content, (0.1, 0.02, 0.0), 0.15), 0.08)
    below, band, above = bottles.cut(profile, 0.22 * h, 0.62 * h)
    sides = 6 if order.variant == "hexagonal" else 32
    draft.add(filled, lathe([(0, 0), *below], segments=sides), lathe([*above, (0, above[-1, 1])], segments=sides))
    draft.add(
        bottles.wrapped_label(
            order,
            ("JAM", "HONEY", "PESTO", "OLIVES", "PLUM"),
            (0.85, 0.83, 0.78),
            aspect=2 * np.pi * r / (0.4 * h),
            ink=order.color,
        ),
        lathe(band, segments=sides),
    )
    if sides == 6:
        # One of the sides, not an edge, is the front.
        draft.turn("z", 30)
    lid = order.pick(("silver", "lid"))
    material = materials.metal() if lid == "silver" else materials.plastic(content, 0.3)
    if order.variant in ("clip", "ginger"):
        _add_jar_lid(draft, order.variant, filled if lid == "lid" else material, h, r)
        return draft
    w = {"straight": 1.03, "hexagonal": 0.88}.get(order.variant, 0.9) * r
    draft.add(material, lathe([(0, 0.83 * h), (w, 0.83 * h), (w, 0.985 * h), (0.96 * w, h), (0, h)]))
    draft.top = circle(24, 0.92 * w)
    return draft


def _add_jar_lid(draft: Draft, variant: str, material: Material, h: float, r: float) -> None:
    if variant == "ginger":
        knob = smooth([(0.16 * r, 0.93 * h), (0.26 * r, 0.97 * h), (0.1 * r, 1.01 * h)], 3)
        dome = smooth([(0.72 * r, 0.82 * h), (0.64 * r, 0.88 * h), (0.34 * r, 0.92 * h)], 3)
        draft.add(material, lathe([(0, 0.79 * h), (0.72 * r, 0.79 * h), *dome, *knob, (0, 1.01 * h)], segments=24))
        return
    seal, rim = 0.8 * h, 0.92 * r
    draft.add(materials.rubber((0.75, 0.22, 0.02)), lathe([(0, 0.76 * h), (rim, 0.76 * h), (rim, seal), (0, seal)]))
    draft.add(material, lathe([(0, seal), (rim, seal), (rim, 0.88 * h), (0.8 * r, 0.92 * h), (0, 0.92 * h)]))
    draft.top = circle(24, 0.78 * r)
    wire = materials.metal()
    collar = ring(circle(28, 1.02 * rim), 0.73 * h)
    draft.add(wire, tube(collar, 0.0016, segments=6, closed=True))
    # The clip in front and the hinge behind.
    for y, low in ((-1.0, 0.56), (1.0, 0.7)):
        for x in (-0.3, 0.3):
            bail = [(x * r, y * 0.86 * r, 0.89 * h), (x * r, y * 1.04 * r, 0.84 * h), (x * r, y * 1.1 * r, low * h)]
            draft.add(wire, tube(smooth(bail, 3), 0.0016, segments=6))
        draft.add(wire, tube([(-0.3 * r, y * 1.1 * r, low * h), (0.3 * r, y * 1.1 * r, low * h)], 0.0016, segments=6))


def _milk_carton(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)})
    w = 0.07
    h = {"gable": 0.2, "half": 0.11, "open": 0.17, "slanted": 0.2, "domed": 0.15, "brick": 0.17}[order.variant]
    depth = 0.7 * w if order.variant == "brick" else w
    ink = order.paint(other_color(order.color, order.generator, ("blue", "green", "red", "white")))
    texture = prints.label("MILK", color, ink, order.integer(0, 2), aspect=w / h)
    front = materials.paper(color, texture)
    plain = materials.paper(color)
    for side, mesh in box_sides((w, depth, h)).items():
        if side != "top" or order.variant in ("brick", "slanted"):
            shown = _slanted(mesh, w, h) if order.variant == "slanted" else mesh
            draft.add(front if side in ("front", "back") else plain, shown)
    if order.variant == "brick":
        cap = lathe([(0.012, 0), (0.012, 0.01), (0.01, 0.012), (0, 0.012)], segments=18).moved(0.018, 0.0, h)
        draft.add(materials.plastic(ink, 0.4), cap)
        return draft
    half, rise = w / 2, 0.5 * w
    if order.variant == "slanted":
        cap = lathe([(0.014, 0), (0.014, 0.012), (0.012, 0.014), (0, 0.014)], segments=18).turned("x", SLANT)
        draft.add(materials.plastic(ink, 0.4), cap.moved(y=-0.1 * w, z=h - 0.6 * w * np.tan(np.radians(SLANT))))
        return draft
    if order.variant == "domed":
        outlines = [rounded_rectangle(share * w, share * w, corner * w) for share, corner in DOME]
        draft.add(plain, stack(outlines, [h + share * w for share in (0, 0.03, 0.24, 0.38, 0.42)]))
        cap = lathe([(0.017, 0), (0.017, 0.016), (0.015, 0.018), (0, 0.018)], segments=20)
        draft.add(materials.plastic(ink, 0.4), cap.moved(z=h + 0.42 * w))
        return draft
    if order.variant == "open":
        _add_open_roof(draft, plain, w, h)
        return draft
    ridge = 0.006
    roof = (
        extrude([(-half, 0), (half, 0), (ridge * 0.3, rise), (-ridge * 0.3, rise)], w).turned("x", 90).turned("z", 90)
    )
    draft.add(plain, roof.moved(x=-half, z=h))
    fin = rounded_box((w, 0.003, 0.017)).moved(z=h + rise - 0.002)
    draft.add(plain, fin)
    cap = lathe([(0.012, 0), (0.012, 0.012), (0.01, 0.014), (0, 0.014)], segments=18).turned("x", 45)
    draft.add(materials.plastic(ink, 0.4), cap.moved(y=-0.5 * half, z=h + 0.5 * rise))
    return draft


def _slanted(mesh: Mesh, depth: float, h: float) -> Mesh:
    """A box as high as ``h`` behind and cut down towards the front."""
    slope = np.tan(np.radians(SLANT))
    x, y, z = mesh.vertices.T
    vertices = np.stack([x, y, z * (1 - slope * (depth / 2 - y) / h)], axis=1)
    return Mesh(vertices, mesh.faces, mesh.turned("x", SLANT).normals if z.min() > 0 else mesh.normals, mesh.uv)


def _add_open_roof(draft: Draft, material: Material, w: float, h: float) -> None:
    """A gable whose front end is pulled out to a spout."""
    half, rise = w / 2, 0.5 * w
    # From the tip to the back, each half width and height of the upper edge, with what the lower one has.
    tip = (0.0, -1.05 * w, h + 0.72 * rise)
    lips = (0.6 * half, -0.72 * half, h + 0.86 * rise)
    ridge = (0.04 * half, 0.1 * w, h + rise)

    def lozenge(y: float, edge: tuple[float, float, float]) -> list[tuple[float, float, float]]:
        x, upper_y, z = edge
        return [(half, y, h), (-half, y, h), (-x, upper_y, z), (0, upper_y, z), (x, upper_y, z)]

    rings = [[tip] * 5, lozenge(-half, lips), lozenge(0.1 * w, ridge), lozenge(half, (ridge[0], half, ridge[2]))]
    rings.append([(0.0, half, h + 0.5 * rise)] * 5)
    draft.add(material, loft(np.array(rings)))
    # What is seen of the inside.
    mouth = np.array([tip, lips, ridge, (-lips[0], *lips[1:])])
    mouth[:, 2] += 0.0006
    draft.add(
        materials.paper(materials.DARK),
        Mesh(mouth, np.array([(0, 1, 2), (0, 2, 3)], np.int32), np.tile((0.0, 0.0, 1.0), (4, 1)), mouth[:, :2]),
    )
    draft.add(material, rounded_box((0.003, 0.4 * w, 0.017)).moved(y=0.3 * w, z=h + rise - 0.002))


def _tube_of_toothpaste(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"cap": (1.0, 0.0, 0.0)})
    length, r = {"long": 0.14, "short": 0.105, "upright": 0.125}.get(order.variant, 0.115), 0.021
    t = np.linspace(0, 1, 9)
    unit = circle(20)
    flat = 0.004 + (r - 0.004) * np.sin(np.pi / 2 * t) ** 0.8
    wide = r * (1.35 - 0.35 * t)
    if order.variant == "squeezed":
        # Pressed empty from its end on.
        flat = np.array([0.0025, 0.003, 0.0035, 0.004, 0.006, 0.014, 0.019, 0.021, 0.021])
    rings = np.stack(
        [np.broadcast_to(length * (t[:, None] - 0.5), (9, 20)), wide[:, None] * unit[:, 0], flat[:, None] * unit[:, 1]],
        axis=2,
    )
    if order.variant == "squeezed":
        rings[..., 2] += 0.025 * (1 - t[:, None]) ** 2
    texture = prints.striped(color, order.paint(other_color(order.color, order.generator)), 1, share=0.24)
    draft.add(materials.plastic(color, 0.35, texture), solid(rings))
    near, far, cap_length = {"flip top": (1.02, 1.1, 0.034)}.get(order.variant, (0.8, 0.6, 0.022))
    cap = lathe([(0, 0), (near * r, 0), (far * r, cap_length), (0, cap_length)], segments=20)
    cap = cap.turned("y", 90).moved(x=0.5 * length)
    draft.add(materials.plastic(order.paint("white" if order.color != "white" else "blue"), 0.4), cap)
    if order.variant == "rolled":
        # The empty end, wound up.
        angles = np.linspace(0, 3.4 * np.pi, 28)
        spiral = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.linspace(0.002, 0.0115, 28)[:, None]
        roll = extrude(np.concatenate([spiral, 0.72 * spiral[::-1]]), 2 * wide[0]).turned("x", 90)
        draft.add(materials.plastic(color, 0.35), roll.moved(-0.5 * length, wide[0]))
    if order.variant == "upright":
        draft.directions = {}
        draft.turn("y", 90)
    return draft


_category = partial(Category, family="containers", places=PLACES)

CATEGORIES = (
    _category(
        "bottle",
        "bottles",
        (0.2, 0.32),
        ("green", "brown", "blue", "red", "white", "yellow", "orange", "black"),
        ("wine", "soda", "sport", "beer", "water", "squeeze"),
        ("square",),
        bottles.build_bottle,
        confusable=("thermos",),
    ),
    _category(
        "can",
        "cans",
        (0.085, 0.155),
        ("red", "blue", "green", "yellow", "orange", "purple", "white", "black"),
        ("drink", "food", "flat", "beaded", "coffee", "sardine"),
        ("slim",),
        _can,
    ),
    _category(
        "jar",
        "jars",
        (0.09, 0.14),
        ("red", "orange", "yellow", "green", "purple", "brown"),
        ("jam", "honey", "hexagonal", "clip", "ginger"),
        ("straight",),
        _jar,
    ),
    _category(
        "milk carton",
        "milk cartons",
        (0.14, 0.27),
        ("white", "blue", "green", "red"),
        ("gable", "half", "open", "slanted", "domed"),
        ("brick",),
        _milk_carton,
    ),
    _category(
        "spray bottle",
        "spray bottles",
        (0.2, 0.29),
        DYED,
        ("oval", "round", "conical", "boxy", "globe"),
        ("waisted",),
        bottles.build_spray_bottle,
        confusable=("bottle",),
    ),
    _category(
        "thermos",
        "thermoses",
        (0.22, 0.32),
        ("silver", "red", "blue", "green", "black", "white"),
        ("classic", "slim", "domed", "travel", "loop"),
        ("wide",),
        bottles.build_thermos,
        confusable=("bottle",),
    ),
    _category(
        "soap dispenser",
        "soap dispensers",
        (0.14, 0.2),
        ("white", "blue", "green", "pink", "gray", "black"),
        ("round", "tapered", "globe", "fluted", "oval"),
        ("square",),
        bottles.build_soap_dispenser,
    ),
    _category(
        "tube of toothpaste",
        "tubes of toothpaste",
        (0.1, 0.19),
        ("white", "blue", "red", "green"),
        ("long", "short", "rolled", "squeezed", "flip top"),
        ("upright",),
        _tube_of_toothpaste,
    ),
)
