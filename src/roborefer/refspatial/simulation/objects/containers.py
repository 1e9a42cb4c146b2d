"""What holds drinks, food and soap: bottles, cans, jars, cartons, sprays."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, contrast_color, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    extrude,
    lathe,
    loft,
    rounded_box,
    stack,
    tube,
)

PLACES = ("table", "desk", "counter", "shelf", "tray", "box")


def _cut(profile: Floats, low: float, high: float) -> tuple[Floats, Floats, Floats]:
    """A profile (radius, height) in three: up to ``low``, the label's part, from ``high``; heights rising."""
    radius, height = profile.T
    at_low, at_high = ((float(np.interp(z, height, radius)), z) for z in (low, high))
    below, inside, above = height < low, (height > low) & (height < high), height > high
    return (
        np.concatenate([profile[below], [at_low]]),
        np.concatenate([[at_low], profile[inside], [at_high]]),
        np.concatenate([[at_high], profile[above]]),
    )


def _label(
    order: Order, words: tuple[str, ...], base: Rgb, *, aspect: float, repeats: int = 2, ink: str | None = None
) -> Material:
    color = order.paint(ink or other_color(order.color, order.generator))
    texture = prints.round_label(order.pick(words), base, color, order.integer(0, 3), aspect=aspect, repeats=repeats)
    return Material(materials.WHITE, 0.45, 0.0, texture)


def _bottle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = order.uniform(0.22, 0.3), order.uniform(0.031, 0.038)
    # Radius and height as shares of r and h.
    shapes = {
        "wine": [(0.9, 0), (1, 0.02), (1, 0.3), (1, 0.58), (0.78, 0.68), (0.38, 0.77), (0.36, 0.92)],
        "soda": [(0.8, 0), (0.98, 0.03), (0.98, 0.25), (0.86, 0.42), (1.02, 0.62), (0.6, 0.84), (0.36, 0.92)],
        "sport": [(0.95, 0), (1.05, 0.02), (1.05, 0.4), (1.05, 0.68), (0.85, 0.8), (0.6, 0.84)],
        "square": [(1, 0), (1.06, 0.02), (1.06, 0.5), (1.06, 0.66), (0.7, 0.74), (0.4, 0.78), (0.38, 0.9)],
    }
    profile = smooth(np.array(shapes[order.variant]) * (r, h), 3)
    low, high = {"wine": (0.18, 0.5), "soda": (0.3, 0.56), "sport": (0.25, 0.58), "square": (0.2, 0.56)}[order.variant]
    below, band, above = _cut(profile, low * h, high * h)
    body = materials.plastic(color, 0.15)
    top = above[-1]
    cap_height = h - top[1] if order.variant != "sport" else 0.06 * h
    shoulder = lathe([*above, (0.0, top[1])])
    draft.add(body, lathe([(0, 0), *below]), shoulder)
    pale = order.paint("white")
    aspect = 2 * np.pi * r / ((high - low) * h)
    if order.variant == "sport" and order.chance(0.5):
        draft.add(body, lathe(band))
    else:
        draft.add(
            _label(order, prints.DRINKS, pale, aspect=aspect, ink=None if order.color == "white" else order.color),
            lathe(band),
        )
    width = 1.18 * top[0]
    cap_color = order.paint(order.pick(("black", "white", "red", "blue")))
    z = top[1] - 0.3 * cap_height
    cap = materials.plastic(cap_color, 0.4)
    draft.add(
        cap,
        lathe(
            [
                (0, z),
                (width, z),
                (width, z + 1.2 * cap_height),
                (0.94 * width, z + 1.3 * cap_height),
                (0, z + 1.3 * cap_height),
            ],
            segments=20,
        ),
    )
    if order.variant == "sport":
        z += 1.3 * cap_height
        draft.add(
            cap,
            lathe(
                [
                    (0.4 * width, z),
                    (0.36 * width, z + 0.02),
                    (0.44 * width, z + 0.022),
                    (0.4 * width, z + 0.03),
                    (0, z + 0.031),
                ],
                segments=16,
            ),
        )
    if order.variant == "square":
        draft.pieces = [(_squared(mesh, r, 0.72 * h), material) for mesh, material in draft.pieces]
    return draft


def _squared(mesh: Mesh, r: float, height: float) -> Mesh:
    """Pushes a round body towards a rounded square up to ``height``."""
    x, y, z = mesh.vertices.T
    distance = np.maximum(np.hypot(x, y), 1e-9)
    box = distance / np.maximum((np.abs(x) ** 6 + np.abs(y) ** 6) ** (1 / 6), 1e-9)
    share = np.clip((height - z) / (0.1 * height), 0, 1) * np.clip(distance / (0.6 * r) - 0.3, 0, 1)
    factor = 1 + 0.75 * share * (box - 1)
    vertices = np.stack([x * factor, y * factor, z], axis=1)
    return Mesh(vertices, mesh.faces, mesh.normals, mesh.uv)


def _can(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    r = 0.033
    h = {"drink": 0.118, "food": 0.1, "flat": 0.045, "slim": 0.15}[order.variant]
    r *= {"drink": 1.0, "food": 1.12, "flat": 1.25, "slim": 0.85}[order.variant]
    words = prints.DRINKS if order.variant in ("drink", "slim") else prints.GROCERIES
    drink = words is prints.DRINKS
    neck = 0.86 if drink else 0.97
    bottom, top = (0.06 * h, 0.88 * h) if drink else (0.03 * h, 0.97 * h)
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.round_label(
        order.pick(words), color, ink, order.integer(0, 3), aspect=2 * np.pi * r / h, repeats=2
    )
    draft.add(
        Material(materials.WHITE, 0.3 if drink else 0.5, 0.25 if drink else 0.0, texture),
        lathe([(r, bottom), (r, top)]),
    )
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
    draft.top = circle(24, 0.97 * rim)
    return draft


def _jar(order: Order) -> Draft:
    draft = Draft(order.color)
    h, r = order.uniform(0.1, 0.13), order.uniform(0.036, 0.042)
    shapes = {
        "jam": [(0.9 * r, 0), (r, 0.06 * h), (r, 0.5 * h), (r, 0.72 * h), (0.84 * r, 0.84 * h)],
        "honey": [(0.8 * r, 0), (1.05 * r, 0.2 * h), (1.12 * r, 0.45 * h), (1.02 * r, 0.7 * h), (0.8 * r, 0.84 * h)],
        "straight": [(0.97 * r, 0), (r, 0.02 * h), (r, 0.6 * h), (r, 0.84 * h)],
    }
    profile = smooth(shapes[order.variant], 3)
    content = order.paint()
    filled = materials.plastic(mix(content, (0.1, 0.02, 0.0), 0.15), 0.08)
    below, band, above = _cut(profile, 0.22 * h, 0.62 * h)
    draft.add(filled, lathe([(0, 0), *below]), lathe([*above, (0, 0.84 * h)]))
    draft.add(
        _label(
            order,
            ("JAM", "HONEY", "PESTO", "OLIVES", "PLUM"),
            (0.85, 0.83, 0.78),
            aspect=2 * np.pi * r / (0.4 * h),
            ink=order.color if order.color != "white" else "blue",
        ),
        lathe(band),
    )
    lid = order.pick(("silver", "lid"))
    material = materials.metal() if lid == "silver" else materials.plastic(content, 0.3)
    w = 0.9 * r if order.variant != "straight" else 1.03 * r
    draft.add(material, lathe([(0, 0.83 * h), (w, 0.83 * h), (w, 0.985 * h), (0.96 * w, h), (0, h)]))
    draft.top = circle(24, 0.92 * w)
    return draft


def _milk_carton(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)})
    w = 0.07
    h = {"gable": 0.2, "half": 0.11, "brick": 0.17}[order.variant]
    depth = 0.7 * w if order.variant == "brick" else w
    ink = order.paint(other_color(order.color, order.generator, ("blue", "green", "red", "white")))
    texture = prints.label("MILK", color, ink, order.integer(0, 2), aspect=w / h)
    front = materials.paper(color, texture)
    plain = materials.paper(color)
    for side, mesh in box_sides((w, depth, h)).items():
        if side != "top" or order.variant == "brick":
            draft.add(front if side in ("front", "back") else plain, mesh)
    if order.variant == "brick":
        cap = lathe([(0.012, 0), (0.012, 0.01), (0.01, 0.012), (0, 0.012)], segments=18).moved(0.018, 0.0, h)
        draft.add(materials.plastic(ink, 0.4), cap)
        return draft
    half, rise = w / 2, 0.5 * w
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


def _spray_bottle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"nozzle": (0.0, -1.0, 0.0), "front": (0.0, -1.0, 0.0)})
    h = 0.25
    shapes = {
        "oval": [(0.95, 0.0), (1.0, 0.02), (1.0, 0.25), (0.95, 0.45), (0.5, 0.62), (0.28, 0.68)],
        "round": [(0.92, 0.0), (0.97, 0.02), (0.95, 0.3), (0.92, 0.5), (0.55, 0.62), (0.3, 0.68)],
        "waisted": [(1.05, 0.0), (1.1, 0.02), (1.0, 0.2), (0.7, 0.42), (0.72, 0.52), (0.3, 0.66)],
    }
    wide, deep = {"oval": (0.046, 0.03), "round": (0.037, 0.037), "waisted": (0.042, 0.034)}[order.variant]
    profile = smooth(np.array(shapes[order.variant]) * (1, h), 3)
    below, band, above = _cut(profile, 0.16 * h, 0.36 * h)
    body = materials.plastic(color, 0.25)
    draft.add(body, *(lathe(part).scaled(wide, deep, 1) for part in ([(0, 0), *below], [*above, (0, above[-1, 1])])))
    pale = order.paint("white")
    ink = order.color if order.color not in (None, "white") else "blue"
    draft.add(_label(order, prints.CLEANERS, pale, aspect=2.8, repeats=2, ink=ink), lathe(band).scaled(wide, deep, 1))
    head = order.paint(other_color(order.color, order.generator, ("white", "red", "black", "yellow")))
    top = materials.plastic(head, 0.4)
    neck = above[-1, 1]
    draft.add(top, lathe([(0, neck), (0.014, neck), (0.014, neck + 0.02), (0, neck + 0.02)], segments=18))
    side = np.array(
        [(0.022, 0.0), (0.03, 0.035), (-0.03, 0.04), (-0.042, 0.034), (-0.042, 0.02), (-0.012, 0.015), (-0.012, 0.0)]
    )
    trigger_head = extrude(side[::-1], 0.022).turned("x", 90).moved(y=0.011).turned("z", 90)
    draft.add(top, trigger_head.moved(z=neck + 0.018))
    lever = tube(smooth([(0, -0.02, 0.03), (0, -0.03, 0.005), (0, -0.026, -0.02)], 4), 0.004, segments=8)
    draft.add(materials.plastic(mix(head, (0.02, 0.02, 0.02), 0.4), 0.4), lever.moved(z=neck + 0.018))
    tip = rounded_box((0.014, 0.01, 0.014), 0.003).moved(y=-0.045, z=neck + 0.038)
    draft.add(materials.plastic(contrast_color(head), 0.4), tip)
    return draft


def _thermos(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = 0.27, 0.038
    body = materials.metal() if order.color == "silver" else materials.plastic(color, 0.25)
    bare = (
        materials.metal((0.7, 0.7, 0.72), 0.25) if order.color != "silver" else materials.plastic(materials.DARK, 0.4)
    )
    shoulder = {"classic": 0.72, "slim": 0.78, "wide": 0.66}[order.variant]
    r *= {"classic": 1.0, "slim": 0.8, "wide": 1.25}[order.variant]
    draft.add(bare, lathe([(0, 0), (0.97 * r, 0), (r, 0.004), (r, 0.03 * h)]))
    draft.add(
        body, lathe(smooth([(r, 0.03 * h), (r, 0.3 * h), (r, shoulder * h - 0.03 * h), (0.82 * r, shoulder * h)], 4))
    )
    draft.add(bare, lathe([(0.82 * r, shoulder * h), (0.82 * r, (shoulder + 0.03) * h)]))
    z = (shoulder + 0.03) * h
    draft.add(body, lathe([(0.82 * r, z), (0.9 * r, z), (0.86 * r, 0.98 * h), (0.8 * r, h), (0, h)]))
    if order.variant == "wide":
        draft.directions = {"handle": (1.0, 0.0, 0.0)}
        loop = smooth(
            [(0.97 * r, 0, 0.58 * h), (1.6 * r, 0, 0.56 * h), (1.6 * r, 0, 0.22 * h), (0.97 * r, 0, 0.2 * h)], 4
        )
        draft.add(materials.plastic(materials.DARK, 0.5), tube(loop, 0.006, segments=8, flatten=1.4))
    return draft


def _soap_dispenser(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"spout": (0.0, -1.0, 0.0)})
    h, r = 0.11, 0.035
    body = materials.glazed(color)
    if order.variant == "square":
        shell = stack(
            [rounded_rectangle(share * 2 * r, share * 2 * r, 0.3 * r, 3) for share in (0.94, 1.0, 1.0, 0.9, 0.4)],
            [0, 0.004, 0.92 * h, h, 1.02 * h],
        )
        draft.add(body, shell)
    else:
        top = 0.95 if order.variant == "round" else 0.72
        draft.add(
            body,
            lathe(
                [
                    (0, 0),
                    *smooth([(0.95 * r, 0), (r, 0.1 * h), (top * r, 0.8 * h), (0.45 * r, h), (0.4 * r, 1.03 * h)], 4),
                    (0, 1.03 * h),
                ]
            ),
        )
    pump = materials.metal() if order.chance(0.5) else materials.plastic(contrast_color(color), 0.4)
    draft.add(
        pump,
        lathe(
            [
                (0, h),
                (0.42 * r, h),
                (0.42 * r, 1.12 * h),
                (0.14 * r, 1.14 * h),
                (0.14 * r, 1.36 * h),
                (0.4 * r, 1.38 * h),
                (0.36 * r, 1.47 * h),
                (0, 1.48 * h),
            ],
            segments=20,
        ),
    )
    spout = smooth([(0, 0, 1.43 * h), (0, -0.7 * r, 1.44 * h), (0, -1.25 * r, 1.38 * h)], 3)
    draft.add(pump, tube(spout, 0.12 * r, segments=8))
    return draft


def _tube_of_toothpaste(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"cap": (1.0, 0.0, 0.0)})
    length, r = {"long": 0.14, "short": 0.105, "upright": 0.125}[order.variant], 0.021
    t = np.linspace(0, 1, 9)
    ring = circle(20)
    flat = 0.004 + (r - 0.004) * np.sin(np.pi / 2 * t) ** 0.8
    wide = r * (1.35 - 0.35 * t)
    rings = np.stack(
        [np.broadcast_to(length * (t[:, None] - 0.5), (9, 20)), wide[:, None] * ring[:, 0], flat[:, None] * ring[:, 1]],
        axis=2,
    )
    ends = np.broadcast_to(rings[[0, -1]].mean(axis=1, keepdims=True), (2, 20, 3))
    texture = prints.striped(color, order.paint(other_color(order.color, order.generator)), 1, share=0.24)
    draft.add(materials.plastic(color, 0.35, texture), loft(np.concatenate([ends[:1], rings, ends[1:]])))
    cap = lathe([(0, 0), (0.8 * r, 0), (0.6 * r, 0.022), (0, 0.022)], segments=20).turned("y", 90).moved(x=0.5 * length)
    draft.add(materials.plastic(order.paint("white" if order.color != "white" else "blue"), 0.4), cap)
    if order.variant == "upright":
        draft.directions = {}
        draft.turn("y", 90)
    return draft


_category = partial(Category, family="containers", places=PLACES)

_DYED = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
CATEGORIES = (
    _category(
        "bottle",
        "bottles",
        (0.2, 0.32),
        ("green", "brown", "blue", "red", "white", "yellow", "orange", "black"),
        ("wine", "soda", "sport"),
        ("square",),
        _bottle,
        confusable=("thermos",),
    ),
    _category(
        "can",
        "cans",
        (0.085, 0.155),
        ("red", "blue", "green", "yellow", "orange", "purple", "white", "black"),
        ("drink", "food", "flat"),
        ("slim",),
        _can,
    ),
    _category(
        "jar",
        "jars",
        (0.09, 0.14),
        ("red", "orange", "yellow", "green", "purple", "brown"),
        ("jam", "honey"),
        ("straight",),
        _jar,
    ),
    _category(
        "milk carton",
        "milk cartons",
        (0.14, 0.27),
        ("white", "blue", "green", "red"),
        ("gable", "half"),
        ("brick",),
        _milk_carton,
    ),
    _category(
        "spray bottle",
        "spray bottles",
        (0.2, 0.29),
        _DYED,
        ("oval", "round"),
        ("waisted",),
        _spray_bottle,
        confusable=("bottle",),
    ),
    _category(
        "thermos",
        "thermoses",
        (0.22, 0.32),
        ("silver", "red", "blue", "green", "black", "white"),
        ("classic", "slim"),
        ("wide",),
        _thermos,
        confusable=("bottle",),
    ),
    _category(
        "soap dispenser",
        "soap dispensers",
        (0.14, 0.2),
        ("white", "blue", "green", "pink", "gray", "black"),
        ("round", "tapered"),
        ("square",),
        _soap_dispenser,
    ),
    _category(
        "tube of toothpaste",
        "tubes of toothpaste",
        (0.1, 0.19),
        ("white", "blue", "red", "green"),
        ("long", "short"),
        ("upright",),
        _tube_of_toothpaste,
    ),
)
