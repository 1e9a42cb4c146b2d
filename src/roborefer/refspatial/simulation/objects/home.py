"""What makes a room lived in: lamps, plants, vases, cushions, baskets, clothes."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import DYED, mix
from roborefer.refspatial.simulation.objects.desk_tools import loose_end
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, arc, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    loft,
    panel,
    ring,
    rounded_box,
    side_view,
    stack,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

PLACES = ("table", "desk", "shelf", "counter")
WICKER = (0.42, 0.25, 0.1)


def _cushion(order: Order) -> Draft:
    """Lies flat."""
    color = order.paint()
    draft = Draft(order.color, rolls=order.variant == "bolster")
    n = 32 if order.variant not in ("heart", "star") else 60
    outline = {
        "square": _superellipse(n, 0.22, 0.22, 4.5),
        "oblong": _superellipse(n, 0.26, 0.16, 4.5),
        "boxed": _superellipse(n, 0.21, 0.21, 9),
        "heart": _heart(n) * 0.24,
        "star": _blunt_star(n) * 0.24,
    }.get(order.variant, circle(n, 0.21))
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
    shares = np.cos(t) ** 0.55
    shares[[0, -1]] = 0
    heights = 0.065 * np.sign(np.sin(t)) * (1 - shares**2.2) ** 0.8
    if order.variant == "bolster":
        profile = smooth([(0, -0.215), (0.055, -0.22), (0.08, -0.205), (0.085, -0.17), (0.085, 0.0)], 3)
        draft.add(cloth, lathe([*profile, *(profile[-2::-1] * (1, -1))], segments=28).turned("y", 90))
        button = ellipsoid(0.01, 0.012, 0.012, segments=10, rings=6)
        draft.add(materials.fabric(pale), button.moved(x=-0.216), button.moved(x=0.216))
        return draft
    if order.variant == "boxed":
        shares, heights = np.array([0, 0.5, 0.9, 0.98, 1, 1, 0.98, 0.9, 0.5, 0]), np.zeros(10)
        heights[5:] = (0.03, 0.035, 0.042, 0.045, 0.042)
        heights[:5] = -heights[:4:-1]
        seams = [tube(ring(outline, z), 0.006, segments=6, closed=True) for z in (-0.03, 0.03)]
        draft.add(materials.fabric(mix(color, materials.DARK, 0.25)), *seams)
        button = ellipsoid(0.012, 0.012, 0.006, segments=10, rings=6)
        draft.add(materials.fabric(color), *(button.moved(x, y, 0.045) for x in (-0.09, 0.09) for y in (-0.09, 0.09)))
    skin = loft(np.stack([ring(share * outline, z) for share, z in zip(shares, heights, strict=True)]))
    uv = skin.vertices[:, :2] / (2 * np.abs(outline).max(axis=0)) + 0.5
    draft.add(cloth, Mesh(skin.vertices, skin.faces, skin.normals, uv))
    return draft


def _heart(count: int) -> Floats:
    """As wide as 2 and a little less deep, its tip in front."""
    t = np.linspace(0.0, -2 * np.pi, count, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([np.sin(t) ** 3, (y + 2.5) / 16], axis=1)


def _blunt_star(count: int) -> Floats:
    unit = circle(count)
    angles = np.arctan2(unit[:, 0], unit[:, 1])
    return np.asarray(unit * (0.78 + 0.22 * np.cos(5 * angles))[:, None])


def _superellipse(count: int, x: float, y: float, power: float) -> Floats:
    unit = circle(count)
    return np.sign(unit) * np.abs(unit) ** (2 / power) * (x, y)


def _basket(order: Order) -> Draft:
    draft = Draft(order.color, "wicker")
    tint = mix(WICKER, order.paint(), 0.25)
    weave = Material(tint, 0.85, 0.0, prints.grain("wicker", order.integer(0, 3)))
    plain = Material(mix(tint, (0, 0, 0), 0.15), 0.85)
    r, h = {"oval": (0.14, 0.1), "bellied": (0.12, 0.21), "tall": (0.12, 0.27), "deep": (0.13, 0.2)}.get(
        order.variant, (0.14, 0.14)
    )
    if order.variant in ("rectangular", "oval"):

        def outline(share: float) -> Floats:
            if order.variant == "oval":
                return circle(32, 1.3 * r * share, 0.8 * r * share)
            return rounded_rectangle(2.3 * r * share, 1.6 * r * share, 0.05 * share, 4)

        draft.add(weave, loft(np.stack([ring(outline(0.86), 0.0), ring(outline(1.0), h)])))
        draft.add(weave, loft(np.stack([ring(outline(0.95), h), ring(outline(0.81), 0.01)])))
        draft.add(plain, stack([outline(0.86), outline(0.81)], [0, 0.01]))
        rim = ring(outline(0.99), h)
        draft.cavity = cavity(0.01, 0.985 * outline(0.81), h - 0.01)
    else:
        low = {"round": 0.78, "tall": 0.75}.get(order.variant, 0.95)
        wall: ArrayLike = [(low * r, 0), (0.5 * (low + 1) * r + 0.008, 0.5 * h), (r, h)]
        if order.variant == "bellied":
            wall = smooth([(0.95, 0), (1.28, 0.2), (1.36, 0.42), (1.05, 0.78), (1, 1)], 3) * (r, h)
        elif order.variant == "tall":
            wall = np.array([(low, 0), (0.88, 0.5), (1, 1)]) * (r, h)
        (base, body, inside), draft.cavity = vessel(wall, 0.008, 0.01, segments=32)
        draft.add(plain, base)
        draft.add(weave, body, inside)
        rim = ring(circle(28, r), h)
    draft.add(plain, tube(rim, 0.0075, segments=6, closed=True))
    if order.variant == "handled":
        angles = np.radians(np.linspace(0, 180, 17))
        arch = np.stack([(r - 0.004) * np.cos(angles), np.zeros(17), h + 0.13 * np.sin(angles)], axis=1)
        draft.add(plain, tube(arch, 0.008, segments=8, flatten=1.5))
    elif order.variant == "eared":
        for side in (-1, 1):
            ear = smooth([(0, -0.06, 0), (0.012, -0.05, 0.045), (0.02, 0, 0.065), (0.012, 0.05, 0.045), (0, 0.06, 0)])
            draft.add(plain, tube(ear * (side, 1, 1) + (side * (r - 0.012), 0, h - 0.01), 0.008, segments=8))
    return draft


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
    corner = {"rounded": 0.05, "round": 0.18, "canteen": 0.04}.get(order.variant, 0.006)
    if order.variant == "round":
        w = d = 0.37

    def outline(inset: float) -> Floats:
        if order.variant == "octagonal":
            x, y, cut = 0.5 * w - inset, 0.5 * d - inset, 0.09 - 0.59 * inset
            quarter = np.array([(x, y - cut), (x - cut, y)])
            half = np.concatenate([quarter, quarter[::-1] * (-1, 1)])
            return np.concatenate([half, -half])
        return rounded_rectangle(w - 2 * inset, d - 2 * inset, max(corner - inset, 0.001), 6)

    if order.variant == "canteen":
        insets, heights = (
            (0.05, 0.036, 0.004, 0.0, 0.002, 0.034, 0.046),
            (0.0, 0.018, 0.019, 0.021, 0.022, 0.022, 0.005),
        )
        draft.add(material, stack([outline(inset) for inset in insets], heights))
        draft.cavity = cavity(0.005, 0.985 * outline(0.048), 0.017)
        return draft
    insets, heights = (0.012, 0.006, 0.0, 0.0, 0.006, 0.008, 0.014), (0.0, 0.0, 0.7 * h, h, h, 0.7 * h, 0.006)
    draft.add(material, stack([outline(inset) for inset in insets], heights))
    draft.cavity = cavity(0.006, 0.985 * outline(0.015), h - 0.006)
    if order.variant == "high-ended":
        # Boards with a slot to hold it by.
        board = smooth([(0.49, 0.03), (0.4, 0.036), (0.27, 0.07), (0.15, 0.085), (0, 0.09)], 3) * (d, 1)
        slot = smooth([(0.2, 0.045), (0.17, 0.062), (0.1, 0.07), (0, 0.071)], 3) * (d, 1)
        upper = np.concatenate([_arch(board[5:]), _arch(slot)[::-1]])
        lower = np.concatenate([[(-0.49 * d, 0.002)], _arch(board[:6]), [(0.49 * d, 0.002)]])
        for x in (-0.5 * w + 0.005, 0.5 * w - 0.005):
            draft.add(material, side_view(upper, 0.01).moved(x=x), side_view(lower, 0.01).moved(x=x))
    elif order.variant == "legged":
        x, y = 0.4 * w, 0.38 * d
        foot = smooth(
            [(0, -y, 0), (0, -y, -0.14), (0, -y + 0.02, -0.16), (0, y - 0.02, -0.16), (0, y, -0.14), (0, y, 0)]
        )
        draft.add(material, *(tube(foot, 0.007, segments=8).moved(x=side * x) for side in (-1, 1)))
    elif order.variant != "round":
        for side in (-1.0, 1.0):
            z = h - 0.002
            grip = smooth([(0, -0.05, z), (0, -0.04, z + 0.024), (0, 0.04, z + 0.024), (0, 0.05, z)], 4)
            draft.add(material, tube(grip, 0.005, segments=8).moved(x=side * (0.5 * w - 0.003)))
    return draft


def _arch(half: Floats) -> Floats:
    """The right half of an arch (K, 2), right foot first, and its mirror image; from left to right."""
    return np.concatenate([half * (-1, 1), half[::-1]])


def _candle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, "wax")
    wax = Material(color, 0.4)
    r, h = {"pillar": (0.03, 0.09), "taper": (0.013, 0.2), "cube": (0.03, 0.06), "three-wick": (0.055, 0.075)}.get(
        order.variant, (0.018, 0.2)
    )
    h *= order.uniform(0.75, 1.2)
    wicks: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    if order.variant == "cube":
        draft.add(wax, rounded_box((2 * r, 2 * r, h), 0.004))
    elif order.variant == "candlestick":
        foot = [(0, 0), (0.036, 0), (0.036, 0.005), (0.014, 0.012), (0.007, 0.025), (0.012, 0.045), (0.007, 0.06)]
        draft.add(materials.metal((0.6, 0.5, 0.28), 0.3), lathe([*foot, (0.018, 0.07), (0.018, 0.085), (0, 0.083)]))
        draft.add(wax, lathe([(0, 0.08), (0.015, 0.08), (0.012, h), (0, h + 0.004)], segments=16))
        draft.material = None
    elif order.variant == "cone":
        r, h = 0.036, 0.75 * h
        draft.add(wax, lathe([(0, 0), (r, 0), (r, 0.004), (0.12 * r, h), (0, h + 0.001)], segments=28))
    elif order.variant in ("taper", "twisted"):
        holder = materials.metal((0.6, 0.5, 0.28), 0.3)
        draft.add(
            holder,
            lathe(
                [(0, 0), (0.032, 0), (0.034, 0.005), (0.018, 0.007), (0.017, 0.02), (0.014, 0.02), (0, 0.018)],
                segments=24,
            ),
        )
        if order.variant == "twisted":
            draft.add(wax, _twisted(r, 0.012, h))
        else:
            draft.add(wax, lathe([(0, 0.015), (r, 0.015), (0.75 * r, h), (0, h + 0.004)], segments=16))
        draft.material = None
    else:
        draft.add(
            wax,
            lathe([(0, 0), (r, 0), (r, h - 0.003), (r - 0.003, h), (0.6 * r, h - 0.004), (0, h - 0.005)], segments=28),
        )
        if order.variant == "three-wick":
            wicks = ((0.0, 0.024), (-0.021, -0.012), (0.021, -0.012))
    wick = tube(smooth([(0, 0, h - 0.005), (0, 0, h + 0.006), (0.003, 0, h + 0.013)], 3), 0.0012, segments=6)
    draft.add(Material((0.03, 0.03, 0.03), 0.9), *(wick.moved(x, y) for x, y in wicks))
    return draft


def _twisted(radius: float, low: float, high: float) -> Mesh:
    """Four strands wound around each other, getting thinner towards the top."""
    unit, turns = circle(24), np.linspace(0.0, 2.2 * np.pi, 28)
    unit = unit * (0.86 + 0.14 * np.cos(4 * np.arctan2(unit[:, 1], unit[:, 0])))[:, None]
    shares = np.linspace(1.0, 0.7, 28) * np.where(np.arange(28) == 27, 0.6, 1.0)
    outlines = [
        radius * share * unit @ np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        for share, angle in zip(shares, turns, strict=True)
    ]
    return stack(outlines, [*np.linspace(low, high - 0.003, 27), high])


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
    w, h = {
        "upright": (0.15, 0.2),
        "wide": (0.22, 0.16),
        "square": (0.17, 0.17),
        "oval": (0.16, 0.21),
        "arched": (0.15, 0.22),
        "mounted": (0.2, 0.26),
        "double": (0.13, 0.18),
    }[order.variant]
    edge = 0.018 if order.variant == "mounted" else 0.024
    picture = Material((0.95, 0.95, 0.95), 0.3, 0.0, prints.screen(order.generator, 0))
    if order.variant == "double":
        # Two on a hinge stand like an open book.
        second = Material((0.95, 0.95, 0.95), 0.3, 0.0, prints.screen(order.generator, 0))
        for side, shown in ((-1, picture), (1, second)):
            for part, mesh in _panes(material, shown, w, h, edge):
                draft.add(part, mesh.moved(x=0.5 * side * w).turned("z", -28 * side))
        return draft
    if order.variant in ("oval", "arched"):
        curve = circle(40, 0.5 * w, 0.5 * h)
        if order.variant == "arched":
            curve = np.concatenate(
                [arc((0, 0.5 * (h - w)), 0.5 * w, 0, 180, 25), [(-0.5 * w, -0.5 * h), (0.5 * w, -0.5 * h)]]
            )
        pieces = [(part, mesh.moved(z=0.5 * h)) for part, mesh in _curved_panes(material, picture, curve)]
    else:
        pieces = _panes(material, picture, w, h, edge, 0.03 if order.variant == "mounted" else 0.0)
    for part, mesh in pieces:
        draft.add(part, mesh.turned("x", -12))
    draft.add(
        material,
        tube([(0, 0.6 * h * 0.208 + 0.008, 0.6 * h * 0.978), (0, 0.11, 0.004)], 0.004, segments=6, flatten=2.5),
    )
    return draft


def _panes(
    material: Material, picture: Material, w: float, h: float, edge: float, mount: float = 0.0
) -> list[tuple[Material, Mesh]]:
    """A frame of four bars, upright; ``mount`` is the width of the white card around the picture."""
    pieces = [
        (material, rounded_box((edge, 0.016, h), 0.003).moved(x=side * (0.5 * w - 0.5 * edge))) for side in (-1, 1)
    ]
    pieces += [(material, rounded_box((w - 1.8 * edge, 0.016, edge), 0.003).moved(z=z)) for z in (0.0, h - edge)]
    pieces.append((material, rounded_box((w - edge, 0.005, h - edge)).moved(y=0.005, z=0.5 * edge)))
    inset = 0.9 * edge + mount
    if mount > 0:
        card = materials.paper((0.85, 0.84, 0.8))
        pieces.append((card, panel(w - 1.8 * edge, h - 1.8 * edge).moved(y=0.0015, z=0.9 * edge)))
    pieces.append((picture, panel(w - 2 * inset, h - 2 * inset).moved(y=0.0015 if mount == 0 else 0.0, z=inset)))
    return pieces


def _curved_panes(material: Material, picture: Material, outline: Floats) -> list[tuple[Material, Mesh]]:
    """A frame along an outline (N, 2) of x and z around the origin."""
    profile = ((1.0, 0.0), (1.0, 0.012), (0.9, 0.018), (0.76, 0.012), (0.76, 0.0))
    frame = loft(np.stack([ring(share * outline, depth) for share, depth in profile]), closed=True)
    back, front = extrude(0.9 * outline, 0.004), extrude(0.8 * outline, 0.006)
    # Lying on their backs, they are raised to face the front.
    return [(part, mesh.turned("x", 90)) for part, mesh in ((material, frame), (material, back), (picture, front))]


def _paper_roll(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = {
        "full": (0.055, 0.1),
        "kitchen": (0.06, 0.24),
        "thin": (0.035, 0.1),
        "jumbo": (0.11, 0.1),
        "stand": (0.055, 0.22),
    }.get(order.variant, (0.055, 0.1))
    paper = Material(order.paint(), 0.95, 0.0, prints.grain("fabric", 2))
    draft.add(paper, lathe([(0.022, 0), (r, 0), (r, h), (0.022, h)], segments=32))
    draft.add(
        materials.cardboard((0.45, 0.3, 0.16)), lathe([(0.022, h), (0.02, h), (0.02, 0), (0.022, 0)], segments=24)
    )
    if order.variant == "stand":
        wood = materials.wood((0.5, 0.3, 0.14), order.integer(0, 3))
        rod = [(0.009, 0.0), (0.009, h + 0.015), (0.014, h + 0.02), (0.014, h + 0.03), (0, h + 0.034)]
        draft.add(wood, lathe([(0, -0.014), (0.075, -0.014), (0.075, 0), (0.009, 0), *rod[1:]]))
    elif order.variant == "unrolled":
        draft.add(paper, loose_end(r, h, 0.09))
    elif order.variant == "lying":
        # Its loose end hangs down in front.
        draft.add(paper, loose_end(r, h, 0.05))
        draft.turn("y", 90)
        draft.rolls = True
    return draft


_category = partial(Category, family="home", places=PLACES)

_FLOOR = ("floor", "table", "shelf")
CATEGORIES = (
    _category(
        "cushion",
        "cushions",
        (0.32, 0.52),
        DYED,
        ("square", "oblong", "bolster", "boxed", "heart", "star"),
        ("round",),
        _cushion,
        places=("floor",),
    ),
    _category(
        "basket",
        "baskets",
        (0.22, 0.42),
        ("brown",),
        ("round", "rectangular", "deep", "oval", "bellied", "eared", "tall"),
        ("handled",),
        _basket,
        places=(*_FLOOR, "counter"),
    ),
    _category(
        "tray",
        "trays",
        (0.32, 0.5),
        ("brown", "white", "black", "red", "blue", "green"),
        ("rounded", "rectangular", "octagonal", "canteen", "high-ended", "legged"),
        ("round",),
        _tray,
        places=("table", "counter"),
    ),
    _category(
        "candle",
        "candles",
        (0.06, 0.25),
        ("white", "red", "yellow", "green", "blue", "pink", "purple"),
        ("pillar", "taper", "candlestick", "cone", "twisted", "three-wick"),
        ("cube",),
        _candle,
        places=(*PLACES, "tray"),
    ),
    _category(
        "picture frame",
        "picture frames",
        (0.15, 0.29),
        ("brown", "black", "white", "red", "blue"),
        ("upright", "wide", "oval", "arched", "mounted", "double"),
        ("square",),
        _picture_frame,
        places=("desk", "table", "shelf"),
    ),
    _category(
        "paper roll",
        "paper rolls",
        (0.095, 0.28),
        ("white",),
        ("full", "kitchen", "jumbo", "stand", "unrolled", "lying"),
        ("thin",),
        _paper_roll,
        places=PLACES,
        confusable=("roll of tape",),
    ),
)
