"""Boxes and books: flat sides, prints, flaps."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, box_sides, lathe, rounded_box, stack, tube

PLACES = ("table", "desk", "shelf", "counter")
CARDBOARD: Rgb = (0.31, 0.175, 0.085)


def open_box(width: float, depth: float, height: float, wall: float) -> tuple[Mesh, np.ndarray]:
    """A box without a lid on z = 0, and the outline of its floor (at ``wall`` metres)."""
    outer, inner = rectangle(width, depth), rectangle(width - 2 * wall, depth - 2 * wall)
    return stack([outer, outer, inner, inner], [0, height, height, wall]), inner


def _book(order: Order) -> Draft:
    """Lies on its back cover: the spine is on the left, the title reads upright from the front."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "spine": (-1.0, 0.0, 0.0)})
    color = order.paint()
    w, d = order.uniform(0.13, 0.17), order.uniform(0.19, 0.24)
    t = {"hardcover": order.uniform(0.02, 0.045), "paperback": order.uniform(0.012, 0.025), "square": 0.018}[
        order.variant
    ]
    if order.variant == "square":
        w = d
    ink = order.paint(other_color(order.color, order.generator))
    cover = materials.paper(
        color, prints.label(order.pick(prints.TITLES), color, ink, order.integer(0, 3), aspect=w / d)
    )
    plain = materials.paper(color)
    board = 0.0025 if order.variant != "paperback" else 0.0008
    inset = 0.004 if order.variant != "paperback" else 0.0006
    pages = Material((0.93, 0.91, 0.84), 0.9, 0.0, prints.page_edges())
    draft.add(pages, rounded_box((w - inset, d - 2 * inset, t - 2 * board)).moved(x=-0.5 * inset, z=board))
    for z, top in ((0.0, plain), (t - board, cover)):
        for side, mesh in box_sides((w, d, board)).items():
            draft.add(top if side == "top" else plain, mesh.moved(z=z))
    spine_print = materials.paper(color, prints.striped(color, ink, 2, upright=True, share=0.12))
    for side, mesh in box_sides((max(board, 0.0015), d, t), 0.0006).items():
        draft.add(spine_print if side == "left" else plain, mesh.moved(x=-0.5 * w))
    draft.top = rectangle(0.96 * w, 0.96 * d)
    return draft


def _cardboard_box(order: Order) -> Draft:
    w, d, h = order.uniform(0.2, 0.3), order.uniform(0.18, 0.26), order.uniform(0.12, 0.2)
    h *= {"open": 1.0, "closed": 1.0, "flat closed": 0.5, "tall open": 1.6, "open without flaps": 1.0}[order.variant]
    is_open = "open" in order.variant
    draft = Draft(order.color, "cardboard", ("open",) if is_open else ("closed",))
    shade = order.uniform(0.85, 1.1)
    board = materials.cardboard((CARDBOARD[0] * shade, CARDBOARD[1] * shade, CARDBOARD[2] * shade), order.integer(0, 3))
    tape = Material((0.62, 0.42, 0.2), 0.25)
    if not is_open:
        draft.add(board, rounded_box((w, d, h), 0.001))
        draft.add(
            tape,
            rounded_box((0.05, d + 0.001, 0.0006)).moved(z=h),
            rounded_box((0.05, d + 0.0016, 0.3 * h)).moved(z=0.7 * h),
        )
        draft.top = rectangle(0.95 * w, 0.95 * d)
        return draft
    wall = 0.004
    body, floor = open_box(w, d, h, wall)
    draft.add(board, body)
    draft.cavity = cavity(wall, 0.985 * floor, h - wall)
    if order.variant != "open without flaps":
        for angle in range(4):
            length = w if angle % 2 == 0 else d
            reach = 0.36 * min(w, d)
            flap = rounded_box((0.97 * length, reach, 0.003)).moved(y=-0.5 * reach)
            flap = flap.turned("x", order.uniform(15, 70)).moved(
                y=-0.5 * (d if angle % 2 == 0 else w) + 0.001, z=h - 0.002
            )
            draft.add(board, flap.turned("z", 90 * angle))
    return draft


def _gift_box(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    w, d, h = {"cube": (0.12, 0.12, 0.11), "flat": (0.17, 0.13, 0.06), "round": (0.13, 0.13, 0.1)}[order.variant]
    ribbon = order.paint(
        other_color(order.color, order.generator, ("white", "red", "yellow", "blue", "green", "purple"))
    )
    pale = mix(color, (0.9, 0.9, 0.88), 0.75)
    pattern = None
    if order.chance(0.5):
        pattern, draft.attributes = (
            (prints.dotted(color, pale, 6, 6), ("dotted",))
            if order.chance(0.5)
            else (prints.striped(color, pale, 6), ("striped",))
        )
    satin = Material(ribbon, 0.3)
    if order.variant == "round":
        wrap = materials.paper(color, pattern) if pattern is not None else materials.paper(color)
        draft.add(wrap, lathe([(0.5 * w, 0), (0.5 * w, 0.78 * h)]))
        draft.add(
            materials.paper(color),
            lathe([(0, 0), (0.5 * w, 0)]),
            lathe([(0.5 * w, 0.78 * h), (0.53 * w, 0.78 * h), (0.53 * w, h), (0, h)]),
        )
        draft.add(
            satin, lathe([(0.532 * w, 0.8 * h), (0.54 * w, 0.82 * h), (0.54 * w, 0.94 * h), (0.532 * w, 0.96 * h)])
        )
    else:
        wrap = materials.paper(color, prints.ribbon_cross(color, ribbon, pattern))
        bottom = materials.paper(color)
        for side, mesh in box_sides((w, d, h), 0.0015).items():
            draft.add(bottom if side == "bottom" else wrap, mesh)
    for angle in (20, 160, 200, 340):
        loop = smooth([(0, 0, 0), (0.025, 0.007, 0.016), (0.042, 0, 0.012), (0.025, -0.007, 0.002), (0, 0, 0)], 3)
        draft.add(satin, tube(loop[:-1], 0.0035, segments=6, flatten=2.0).turned("z", angle).moved(z=h + 0.002))
    draft.add(satin, lathe([(0, 0), (0.008, 0.0), (0.008, 0.01), (0, 0.014)], segments=10).moved(z=h))
    return draft


def _shoe_box(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), dict(FRONT))
    w, d, h = {"standard": (0.32, 0.19, 0.11), "boot": (0.36, 0.28, 0.12), "long": (0.38, 0.14, 0.1)}[order.variant]
    ink = order.paint(other_color(order.color, order.generator))
    front = materials.paper(color, prints.label(order.pick(prints.SHOES), color, ink, 3, aspect=w / h))
    plain = materials.paper(color)
    for side, mesh in box_sides((w, d, h)).items():
        draft.add(front if side == "front" else plain, mesh)
    cover = 0.3 * h
    draft.add(plain, rounded_box((w + 0.006, d + 0.006, cover), 0.001).moved(z=h - cover + 0.003))
    draft.top = rectangle(0.97 * w, 0.97 * d)
    return draft


def _tissue_box(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    w, d, h = {"flat": (0.23, 0.12, 0.075), "cube": (0.11, 0.11, 0.12), "round": (0.12, 0.12, 0.13)}[order.variant]
    pale = order.paint("white" if order.color != "white" else order.pick(("blue", "pink", "green")))
    texture = None
    if order.chance(0.6):
        texture, draft.attributes = (
            (prints.dotted(color, pale, 8, 5), ("dotted",))
            if order.chance(0.5)
            else (prints.striped(color, pale, 7), ("striped",))
        )
    wrap = materials.paper(color, texture)
    if order.variant == "round":
        draft.add(wrap, lathe([(0.5 * w, 0), (0.5 * w, h)]))
        draft.add(materials.paper(color), lathe([(0, 0), (0.5 * w, 0)]), lathe([(0.5 * w, h), (0, h)]))
    else:
        for mesh in box_sides((w, d, h), 0.001).values():
            draft.add(wrap, mesh)
    slot = circle(24, min(0.3 * w, 0.055), 0.25 * d if order.variant == "flat" else 0.3 * d)
    draft.add(Material((0.06, 0.06, 0.06), 0.9), stack([slot, slot], [h, h + 0.0006]))
    ripple = np.array(
        [
            (np.cos(a) * (1 + 0.35 * np.cos(5 * a)), np.sin(a) * (1 + 0.35 * np.cos(5 * a)))
            for a in np.linspace(0, 2 * np.pi, 28, endpoint=False)
        ]
    )
    sizes = ((0.012, 0.0), (0.016, 0.012), (0.026, 0.032), (0.034, 0.048))
    tissue = stack([*(size * ripple for size, _ in sizes), 0.02 * ripple], [*(h + z for _, z in sizes), h + 0.05])
    draft.add(Material((0.9, 0.9, 0.89), 0.95), tissue)
    return draft


def _cereal_box(order: Order) -> Draft:
    size = {"tall": (0.19, 0.06, 0.28), "small": (0.14, 0.05, 0.2), "wide": (0.25, 0.07, 0.25)}[order.variant]
    return _printed_box(order, size, prints.CEREALS)


def _tea_box(order: Order) -> Draft:
    size = {"low": (0.14, 0.075, 0.08), "cube": (0.09, 0.09, 0.095), "long": (0.19, 0.07, 0.07)}[order.variant]
    return _printed_box(order, size, ("TEA", "CHAI", "MINT TEA", "GREEN TEA", "EARL"))


def _printed_box(order: Order, size: tuple[float, float, float], words: tuple[str, ...]) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), dict(FRONT))
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.label(order.pick(words), color, ink, order.integer(0, 2), aspect=size[0] / size[2])
    front, plain = materials.paper(color, texture), materials.paper(color)
    for side, mesh in box_sides(size, 0.001).items():
        draft.add(front if side in ("front", "back") else plain, mesh)
    draft.top = rectangle(0.97 * size[0], 0.95 * size[1])
    return draft


def _toolbox(order: Order) -> Draft:
    draft = Draft(order.color, None, ("closed",), dict(FRONT))
    color = order.paint()
    shell, dark = (
        materials.plastic(color, 0.4),
        materials.plastic(materials.DARK if order.color != "black" else (0.4, 0.4, 0.42), 0.5),
    )
    w, d, h = {"standard": (0.4, 0.2, 0.15), "small": (0.3, 0.17, 0.13), "tall": (0.36, 0.2, 0.2)}[order.variant]
    draft.add(shell, rounded_box((w, d, 0.68 * h), 0.006))
    lid = [rectangle(w, d), rectangle(w, d), rectangle(0.93 * w, 0.72 * d)]
    draft.add(dark, rounded_box((w + 0.004, d + 0.004, 0.012)).moved(z=0.66 * h))
    draft.add(shell, stack(lid, [0.7 * h, 0.8 * h, h]))
    handle = smooth(
        [(-0.2 * w, 0, h - 0.005), (-0.17 * w, 0, h + 0.04), (0.17 * w, 0, h + 0.04), (0.2 * w, 0, h - 0.005)], 4
    )
    draft.add(dark, tube(handle, 0.009, segments=8))
    for x in (-0.3 * w, 0.3 * w):
        draft.add(materials.metal(), rounded_box((0.03, 0.008, 0.05), 0.002).moved(x, -0.5 * d, 0.52 * h))
    return draft


_category = partial(Category, family="boxes", places=PLACES)

_PRINTED = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
CATEGORIES = (
    _category(
        "book",
        "books",
        (0.17, 0.27),
        (*_PRINTED, "brown", "gray"),
        ("hardcover", "paperback"),
        ("square",),
        _book,
        places=(*PLACES, "floor", "box"),
        confusable=("notebook",),
    ),
    _category(
        "cardboard box",
        "cardboard boxes",
        (0.2, 0.38),
        ("brown",),
        ("open", "closed", "flat closed", "open without flaps"),
        ("tall open",),
        _cardboard_box,
        places=(*PLACES, "floor"),
        confusable=("shoe box",),
    ),
    _category(
        "gift box",
        "gift boxes",
        (0.1, 0.2),
        ("red", "blue", "green", "purple", "pink", "yellow", "white"),
        ("cube", "flat"),
        ("round",),
        _gift_box,
        places=(*PLACES, "floor"),
    ),
    _category(
        "shoe box",
        "shoe boxes",
        (0.28, 0.39),
        ("orange", "blue", "red", "black", "white", "green"),
        ("standard", "boot"),
        ("long",),
        _shoe_box,
        places=("shelf", "floor", "table"),
        confusable=("cardboard box",),
    ),
    _category(
        "tissue box",
        "tissue boxes",
        (0.13, 0.25),
        ("white", "blue", "pink", "green", "purple", "yellow"),
        ("flat", "cube"),
        ("round",),
        _tissue_box,
    ),
    _category(
        "cereal box",
        "cereal boxes",
        (0.2, 0.31),
        ("red", "orange", "yellow", "green", "blue", "purple", "white"),
        ("tall", "small"),
        ("wide",),
        _cereal_box,
        places=("table", "counter", "shelf"),
        confusable=("tea box",),
    ),
    _category(
        "tea box",
        "tea boxes",
        (0.1, 0.19),
        ("green", "red", "yellow", "blue", "orange", "purple"),
        ("low", "cube"),
        ("long",),
        _tea_box,
        places=("table", "counter", "shelf", "tray"),
        confusable=("cereal box",),
    ),
    _category(
        "toolbox",
        "toolboxes",
        (0.28, 0.42),
        ("red", "blue", "yellow", "black", "green", "orange"),
        ("standard", "small"),
        ("tall",),
        _toolbox,
        places=("floor", "table", "shelf"),
    ),
)
