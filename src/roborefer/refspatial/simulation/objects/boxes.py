"""Boxes and books: flat sides, prints, flaps."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.cartons import cereal_box, tea_box
from roborefer.refspatial.simulation.objects.colors import DYED, Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    extrude,
    lathe,
    panel,
    rounded_box,
    side_view,
    stack,
    tube,
)

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
    t = {"hardcover": order.uniform(0.02, 0.045), "paperback": order.uniform(0.012, 0.025), "square": 0.018}.get(
        order.variant, 0.03
    )
    if order.variant == "square":
        w = d
    elif order.variant == "thick":
        t = order.uniform(0.06, 0.075)
    ink = order.paint(other_color(order.color, order.generator))
    cover = materials.paper(
        color, prints.label(order.pick(prints.TITLES), color, ink, order.integer(0, 3), aspect=w / d)
    )
    plain = materials.paper(color)
    if order.variant == "face down":
        return _tent_of_a_book(draft, cover, plain, (w, d, t))
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
    if order.variant == "thick":
        for place in (-0.36, -0.12, 0.12, 0.36):
            draft.add(plain, rounded_box((0.008, 0.01, t), 0.003).moved(-0.5 * w, place * d))
    if order.variant == "standing":
        draft.turn("x", 90)
        return draft
    draft.top = rectangle(0.96 * w, 0.96 * d)
    return draft


def _tent_of_a_book(draft: Draft, cover: Material, plain: Material, size: tuple[float, float, float]) -> Draft:
    """Opened and laid on its pages: both covers slope down from the spine."""
    w, d, t = size
    pages = Material((0.93, 0.91, 0.84), 0.9, 0.0, prints.page_edges())
    for side, outside in ((-1.0, plain), (1.0, cover)):
        place = side * 0.5 * w
        for name, mesh in box_sides((w, d, 0.0025)).items():
            draft.add(outside if name == "top" else plain, mesh.moved(x=place).turned("y", side * 32))
        block = rounded_box((0.96 * w, 0.96 * d, 0.4 * t)).moved(place, 0, -0.4 * t)
        draft.add(pages, block.turned("y", side * 32))
    draft.add(plain, tube([(0, -0.5 * d, 0), (0, 0.5 * d, 0)], 0.003, ends="flat"))
    draft.directions = dict(FRONT)
    return draft


def _cardboard_box(order: Order) -> Draft:
    w, d, h = order.uniform(0.2, 0.3), order.uniform(0.18, 0.26), order.uniform(0.12, 0.2)
    h *= {"flat closed": 0.5, "tall open": 1.6, "tall closed": 1.7, "long closed": 0.7, "open mailer": 0.5}.get(
        order.variant, 1.0
    )
    if order.variant == "tall closed":
        w, d = 0.7 * w, 0.7 * d
    elif order.variant == "long closed":
        w, d = 1.25 * w, 0.5 * d
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
        if order.variant == "tall closed":
            # Holes to carry it by.
            hole = extrude(circle(16, 0.035, 0.012), 0.0006).turned("x", 90)
            for angle, reach in ((0, d), (90, w), (180, d), (270, w)):
                draft.add(Material(materials.DARK, 0.9), hole.moved(y=-0.5 * reach, z=0.6 * h).turned("z", angle))
        draft.top = rectangle(0.95 * w, 0.95 * d)
        return draft
    wall = 0.004
    body, floor = open_box(w, d, h, wall)
    draft.add(board, body)
    draft.cavity = cavity(wall, 0.985 * floor, h - wall)
    if order.variant == "open mailer":
        # One lid at the back, its edges folded forward.
        lid = [
            rounded_box((w, wall, d)).moved(y=-0.5 * wall),
            rounded_box((0.94 * w, 0.05, wall)).moved(y=-0.025, z=d - wall),
        ]
        lid += [rounded_box((wall, 0.045, 0.85 * d)).moved(side * 0.48 * w, -0.025, 0.06 * d) for side in (-1, 1)]
        lean = order.uniform(5, 40)
        draft.add(board, *(piece.turned("x", -lean).moved(y=0.5 * d, z=h) for piece in lid))
    elif order.variant != "open without flaps":
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
    w, d, h = {
        "cube": (0.12, 0.12, 0.11),
        "flat": (0.17, 0.13, 0.06),
        "round": (0.13, 0.13, 0.1),
        "lidded": (0.14, 0.14, 0.09),
        "pillow": (0.17, 0.1, 0.045),
        "tall": (0.08, 0.08, 0.17),
    }[order.variant]
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
        draft.add(materials.paper(color, pattern), lathe([(0.5 * w, 0), (0.5 * w, 0.78 * h)]))
        draft.add(
            materials.paper(color),
            lathe([(0, 0), (0.5 * w, 0)]),
            lathe([(0.5 * w, 0.78 * h), (0.53 * w, 0.78 * h), (0.53 * w, h), (0, h)]),
        )
        draft.add(
            satin, lathe([(0.532 * w, 0.8 * h), (0.54 * w, 0.82 * h), (0.54 * w, 0.94 * h), (0.532 * w, 0.96 * h)])
        )
    elif order.variant == "pillow":
        # Two curved faces that meet along the front and the back.
        across = np.linspace(-1, 1, 9)
        for material, length, spare in ((materials.paper(color, pattern), w, 0.0), (satin, 0.018, 0.002)):
            thick = h * (1.03 - across**2) + spare
            ends = [
                rectangle(length * (0.88 + 0.12 * u * u if not spare else 1), t)
                for u, t in zip(across, thick, strict=True)
            ]
            draft.add(material, stack(ends, list((0.5 * d + spare) * across)).turned("x", 90).moved(z=0.515 * h))
        h *= 1.03
    elif order.variant == "lidded":
        draft.add(materials.paper(pale, pattern), rounded_box((w, d, 0.8 * h), 0.001))
        crossed, plain = materials.paper(color, prints.ribbon_cross(color, ribbon)), materials.paper(color)
        for side, mesh in box_sides((1.07 * w, 1.07 * d, 0.4 * h), 0.0015).items():
            draft.add(crossed if side == "top" else plain, mesh.moved(z=0.6 * h))
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
    w, d, h = {"standard": (0.32, 0.19, 0.11), "boot": (0.36, 0.28, 0.12), "long": (0.38, 0.14, 0.1)}.get(
        order.variant, (0.3, 0.2, 0.13)
    )
    ink = order.paint(other_color(order.color, order.generator))
    ground = color
    if order.variant == "two-tone":
        ground = order.paint("white" if order.color != "white" else "black")
    front = materials.paper(ground, prints.label(order.pick(prints.SHOES), ground, ink, 3, aspect=w / h))
    plain = materials.paper(color)
    below = plain if ground is color else materials.paper(ground)
    if order.variant == "drawer":
        # A tray half out of its sleeve, a ribbon to pull it by.
        draft.add(plain, rounded_box((w, d, h)))
        draft.add(plain, open_box(w - 0.01, 0.09, h - 0.01, 0.004)[0].moved(y=-0.5 * d - 0.03, z=0.004))
        draft.add(front, panel(w - 0.012, h - 0.012).moved(y=-0.5 * d - 0.0755, z=0.005))
        loop = [(-0.012, 0, 0), (-0.01, -0.02, -0.01), (0.01, -0.02, -0.01), (0.012, 0, 0)]
        pull = tube(smooth(loop, 3), 0.003, segments=6).moved(y=-0.5 * d - 0.074, z=0.92 * h)
        draft.add(materials.paper(ink), pull)
        draft.top = rectangle(0.97 * w, 0.97 * d)
        return draft
    if order.variant == "open":
        draft.attributes = ("open",)
        body, floor = open_box(w, d, h, 0.004)
        draft.add(plain, body)
        draft.add(front, panel(w, h).moved(y=-0.5 * d - 0.0005))
        draft.cavity = cavity(0.004, 0.985 * floor, h - 0.004)
        # The lid stands on its long edge behind the box.
        lid = open_box(w + 0.006, d + 0.006, 0.3 * h, 0.004)[0].turned("x", 90)
        draft.add(plain, lid.moved(y=0.5 * d + 0.3 * h + 0.001, z=0.5 * d + 0.003))
        return draft
    for side, mesh in box_sides((w, d, h)).items():
        draft.add(front if side == "front" else below, mesh)
    cover = 0.3 * h
    draft.add(plain, rounded_box((w + 0.006, d + 0.006, cover), 0.001).moved(z=h - cover + 0.003))
    draft.top = rectangle(0.97 * w, 0.97 * d)
    return draft


def _tissue_box(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    w, d, h = {"flat": (0.23, 0.12, 0.075), "cube": (0.11, 0.11, 0.12), "round": (0.12, 0.12, 0.13)}.get(
        order.variant, (0.22, 0.12, 0.09)
    )
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
    elif order.variant == "pyramid":
        draft.add(wrap, stack([rectangle(0.15, 0.15), rectangle(0.065, 0.065)], [0, h + 0.01]))
        w, d, h = 0.11, 0.08, h + 0.01
    elif order.variant == "wedge":
        # The section of a house's roof: the tissue comes out of the ridge.
        roof = np.array([(-0.06, 0), (0.06, 0), (0.06, 0.012), (0.022, h), (-0.022, h), (-0.06, 0.012)])
        draft.add(wrap, side_view(roof, w))
        d = 0.06
    elif order.variant == "covered":
        # A case with a foot and a top that reach out.
        edge = materials.paper(color)
        draft.add(wrap, rounded_box((w, d, h - 0.01)))
        for z in (0.0, h - 0.016):
            draft.add(edge, rounded_box((1.1 * w, d + 0.1 * w, 0.016), 0.003).moved(z=z))
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


def _toolbox(order: Order) -> Draft:
    draft = Draft(order.color, None, ("open",) if order.variant == "tote" else ("closed",), dict(FRONT))
    color = order.paint()
    shell, dark = (
        materials.plastic(color, 0.4),
        materials.plastic(materials.DARK if order.color != "black" else (0.4, 0.4, 0.42), 0.5),
    )
    w, d, h = {"standard": (0.4, 0.2, 0.15), "small": (0.3, 0.17, 0.13), "tall": (0.36, 0.2, 0.2)}.get(
        order.variant, (0.38, 0.18, 0.2)
    )
    if order.variant == "tote":
        _tote(draft, shell, dark, (w, d, h))
        return draft
    if order.variant == "chest":
        _tool_chest(draft, shell, dark, (w, d, h))
        return draft
    draft.add(shell, rounded_box((w, d, 0.68 * h), 0.006))
    lid = [rectangle(w, d), rectangle(w, d), rectangle(0.93 * w, 0.72 * d)]
    draft.add(dark, rounded_box((w + 0.004, d + 0.004, 0.012)).moved(z=0.66 * h))
    if order.variant == "barrel":
        vault = arc((0, 0), 0.5 * d, 0, 180, 15) * (1, 0.64 * h / d) + (0, 0.68 * h)
        draft.add(shell, side_view(vault, w))
    else:
        draft.add(shell, stack(lid, [0.7 * h, 0.8 * h, h]))
    handle = smooth(
        [(-0.2 * w, 0, h - 0.005), (-0.17 * w, 0, h + 0.04), (0.17 * w, 0, h + 0.04), (0.2 * w, 0, h - 0.005)], 4
    )
    draft.add(dark, tube(handle, 0.009, segments=8))
    for x in (-0.3 * w, 0.3 * w):
        draft.add(materials.metal(), rounded_box((0.03, 0.008, 0.05), 0.002).moved(x, -0.5 * d, 0.52 * h))
    return draft


def _tote(draft: Draft, shell: Material, dark: Material, size: tuple[float, float, float]) -> None:
    """An open tray between two gables, which hold a rod to carry it by."""
    w, d, h = size
    draft.add(shell, open_box(w, d, 0.42 * h, 0.01)[0])
    gable = np.array(
        [(-0.5 * d, 0), (0.5 * d, 0), (0.5 * d, 0.42 * h), (0.13 * d, h), (-0.13 * d, h), (-0.5 * d, 0.42 * h)]
    )
    for side in (-1, 1):
        draft.add(shell, side_view(gable, 0.012).moved(x=0.5 * side * w))
    draft.add(dark, tube([(-0.5 * w, 0, 0.88 * h), (0.5 * w, 0, 0.88 * h)], 0.011, segments=12))


def _tool_chest(draft: Draft, shell: Material, dark: Material, size: tuple[float, float, float]) -> None:
    """Drawers below, a flat lid above, a handle at either end."""
    w, d, h = size
    draft.add(dark, rounded_box((0.98 * w, 0.97 * d, 0.95 * h)))
    draft.add(shell, rounded_box((w, d, 0.2 * h), 0.003).moved(z=0.8 * h), rounded_box((w, d, 0.05 * h)))
    for side in (-1, 1):
        draft.add(shell, rounded_box((0.05 * w, d, 0.85 * h)).moved(x=0.475 * side * w))
        grip = smooth([(0, -0.05, 0.0), (0.025, -0.045, 0.0), (0.025, 0.045, 0.0), (0, 0.05, 0.0)], 3)
        draft.add(dark, tube(grip * (side, 1, 1), 0.006, segments=8).moved(x=0.5 * side * w, z=0.62 * h))
    steel = materials.metal()
    for row, z in enumerate((0.07, 0.33, 0.575)):
        tall = (0.22, 0.2, 0.18)[row] * h
        draft.add(shell, rounded_box((0.88 * w, 0.01, tall), 0.002).moved(y=-0.5 * d, z=z * h))
        draft.add(steel, rounded_box((0.5 * w, 0.012, 0.012), 0.003).moved(y=-0.5 * d - 0.008, z=z * h + 0.6 * tall))
    draft.top = rectangle(0.95 * w, 0.95 * d)


_category = partial(Category, family="boxes", places=PLACES)

CATEGORIES = (
    _category(
        "book",
        "books",
        (0.17, 0.27),
        (*DYED, "brown", "gray"),
        ("hardcover", "paperback", "face down", "standing", "thick"),
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
        ("open", "closed", "flat closed", "open without flaps", "long closed", "open mailer", "tall closed"),
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
        ("cube", "flat", "lidded", "pillow", "tall"),
        ("round",),
        _gift_box,
        places=(*PLACES, "floor"),
    ),
    _category(
        "shoe box",
        "shoe boxes",
        (0.28, 0.39),
        ("orange", "blue", "red", "black", "white", "green"),
        ("standard", "boot", "drawer", "open", "two-tone"),
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
        ("flat", "cube", "covered", "pyramid", "wedge"),
        ("round",),
        _tissue_box,
    ),
    _category(
        "cereal box",
        "cereal boxes",
        (0.2, 0.31),
        ("red", "orange", "yellow", "green", "blue", "purple", "white"),
        ("tall", "small", "deep", "lying", "open"),
        ("wide",),
        cereal_box,
        places=("table", "counter", "shelf"),
        confusable=("tea box",),
    ),
    _category(
        "tea box",
        "tea boxes",
        (0.1, 0.19),
        ("green", "red", "yellow", "blue", "orange", "purple"),
        ("low", "cube", "caddy", "open", "upright"),
        ("long",),
        tea_box,
        places=("table", "counter", "shelf", "tray"),
        confusable=("cereal box",),
    ),
    _category(
        "toolbox",
        "toolboxes",
        (0.28, 0.42),
        ("red", "blue", "yellow", "black", "green", "orange"),
        ("standard", "small", "barrel", "chest", "tote"),
        ("tall",),
        _toolbox,
        places=("floor", "table", "shelf"),
    ),
)
