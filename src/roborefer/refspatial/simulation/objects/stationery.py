"""What lies on a desk: pens, paper, and the small tools for both."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    extrude,
    lathe,
    rounded_box,
    stack,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

PLACES = ("desk", "table", "shelf", "box", "tray")
TIP_FRONT = {"tip": (0.0, -1.0, 0.0)}
WOOD_TONE: Rgb = (0.62, 0.38, 0.18)


def lying(profile: list[tuple[float, float]], segments: int = 16) -> Mesh:
    """A turned body that lies along y, its upper end in front."""
    return lathe(profile, segments=segments).turned("x", 90)


def _pen(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(TIP_FRONT), rolls=True)
    barrel = materials.plastic(order.paint(), 0.25)
    steel = materials.metal()
    r = 0.0048
    if order.variant == "marker":
        r = 0.0085
        draft.add(
            materials.plastic(order.paint("white") if order.color != "white" else order.paint("black"), 0.4),
            lying([(0, 0), (r, 0), (r, 0.07), (0.9 * r, 0.078)]),
        )
        draft.add(
            barrel,
            lying([(0, 0.06), (1.12 * r, 0.06), (1.12 * r, 0.115), (0.9 * r, 0.12), (0, 0.12)]),
        )
        draft.add(barrel, lying([(0, -0.006), (1.02 * r, -0.006), (1.02 * r, 0.008), (0, 0.008)]))
        return draft
    draft.add(barrel, lying([(0, 0), (0.9 * r, 0), (r, 0.004), (r, 0.115), (0.86 * r, 0.125)]))
    draft.add(steel, lying([(0.86 * r, 0.125), (0.3 * r, 0.138), (0.16 * r, 0.143), (0, 0.143)], 12))
    draft.add(
        steel,
        lying([(0, -0.01), (0.45 * r, -0.01), (0.45 * r, 0.001), (0, 0.001)], 12)
        if order.variant == "ballpoint"
        else lying([(r, 0.08), (1.06 * r, 0.08), (1.06 * r, 0.084), (r, 0.084)], 16),
    )
    clip = rounded_box((0.003, 0.042, 0.0012), 0.0004).moved(y=-0.024, z=1.25 * r)
    draft.add(steel, clip, rounded_box((0.003, 0.003, 0.35 * r)).moved(y=-0.004, z=0.95 * r))
    return draft


def _pencil(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(TIP_FRONT), rolls=True)
    r = 0.0038
    segments = 6 if order.variant != "round" else 14
    length = 0.1 if order.variant == "short" else 0.165
    draft.add(materials.plastic(order.paint(), 0.35), lying([(0, 0), (r, 0), (r, length)], segments))
    draft.add(materials.wood(WOOD_TONE, 0), lying([(r, length), (0.3 * r, length + 0.014)], segments))
    draft.add(materials.plastic(materials.DARK, 0.5), lying([(0.3 * r, length + 0.014), (0, length + 0.02)], segments))
    draft.add(
        materials.metal((0.75, 0.65, 0.35)),
        lying([(0, -0.012), (1.05 * r, -0.012), (1.05 * r, 0.0005), (0, 0.0005)], 14),
    )
    draft.add(
        materials.rubber((0.75, 0.3, 0.32)),
        lying([(0, -0.021), (0.7 * r, -0.021), (0.95 * r, -0.018), (0.95 * r, -0.012), (0, -0.012)], 14),
    )
    return draft


def _pen_holder(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    wooden = order.color == "brown"
    draft.material = "wood" if wooden else None
    material = (
        materials.wood(mix(color, WOOD_TONE, 0.3), order.integer(0, 3)) if wooden else materials.plastic(color, 0.4)
    )
    h, r = order.uniform(0.095, 0.115), order.uniform(0.038, 0.045)
    if order.variant == "round":
        meshes, draft.cavity = vessel([(r, 0), (r, 0.5 * h), (r, h)], 0.003, 0.004)
        draft.add(material, *meshes)
    elif order.variant == "flared":
        meshes, draft.cavity = vessel([(0.8 * r, 0), (0.85 * r, 0.4 * h), (1.05 * r, h)], 0.003, 0.004)
        draft.add(material, *meshes)
    else:
        count = 6 if order.variant == "hexagonal" else 4
        outline = circle(6, 1.1 * r) if count == 6 else rectangle(1.8 * r, 1.8 * r)
        inner = outline * 0.92
        draft.add(material, stack([outline, outline, inner, inner], [0, h, h, 0.004]))
        draft.cavity = cavity(0.004, 0.98 * inner, h - 0.004)
    if order.chance(0.6) and draft.cavity is not None:
        _stand_pens(draft, order, h)
    return draft


def _stand_pens(draft: Draft, order: Order, height: float) -> None:
    """Pens in the holder; what is full has no room for more."""
    assert draft.cavity is not None
    reach = float(np.linalg.norm(draft.cavity.polygon, axis=1).min())
    draft.cavity = None
    for index in range(order.integer(2, 4)):
        angle = 2.1 * index + order.uniform(0, 1)
        low = np.array([-0.5 * reach * np.cos(angle), -0.5 * reach * np.sin(angle), 0.01])
        high = np.array([0.72 * reach * np.cos(angle), 0.72 * reach * np.sin(angle), 1.0 * height])
        end = low + (high - low) * order.uniform(1.3, 1.55)
        paint = order.paint(order.pick(("red", "blue", "black", "yellow", "green")))
        draft.add(materials.plastic(paint, 0.35), tube([low, end], 0.0042, segments=10, ends="flat"))
        draft.add(materials.metal(), tube([end, end + 0.1 * (high - low)], [0.0025, 0.001], segments=8))


def _notebook(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)})
    w, d, t = order.uniform(0.14, 0.16), order.uniform(0.19, 0.22), order.uniform(0.009, 0.016)
    if order.variant == "spiral top":
        w, d = 0.75 * w, 0.72 * d
    ink = order.accent()
    cover_kind = order.integer(0, 2)
    if cover_kind == 0:
        texture, draft.attributes = prints.striped(color, ink, 6), ("striped",)
    elif cover_kind == 1:
        texture, draft.attributes = prints.dotted(color, ink, 6, 8), ("dotted",)
    else:
        texture = prints.label("NOTES", color, ink, 2, aspect=w / d)
    cover, plain = materials.paper(color, texture), materials.paper(color)
    draft.add(
        materials.paper((0.85, 0.84, 0.8), prints.page_edges()),
        rounded_box((0.97 * w, 0.97 * d, t - 0.002)).moved(z=0.001),
    )
    draft.add(plain, stack([rounded_rectangle(w, d, 0.006)] * 2, [0, 0.001]))
    for side, mesh in box_sides((w, d, 0.001)).items():
        draft.add(cover if side == "top" else plain, mesh.moved(z=t - 0.001))
    ring_metal = materials.metal((0.35, 0.35, 0.37))
    if order.variant == "bound":
        draft.add(plain, rounded_box((0.004, d, t), 0.001).moved(x=-0.5 * w))
        band = rounded_box((0.006, d + 0.002, t + 0.001)).moved(x=0.36 * w)
        draft.add(materials.fabric(mix(color, materials.DARK, 0.7)), band)
    else:
        count = 9
        across = order.variant == "spiral top"
        for index in range(count):
            share = (index + 0.5) / count - 0.5
            loop = np.stack(
                [0.006 * circle(8)[:, 0], np.zeros(8), 0.5 * t + (0.5 * t + 0.003) * circle(8)[:, 1]], axis=1
            )
            ring = tube(loop, 0.0008, segments=5, closed=True)
            ring = ring.turned("z", 90).moved(share * w, 0.5 * d, 0) if across else ring.moved(-0.5 * w, share * d, 0)
            draft.add(ring_metal, ring)
    if order.variant == "bound":
        draft.top = rectangle(0.92 * w, 0.92 * d)
    return draft


def _stapler(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0)})
    shell = materials.plastic(order.paint(), 0.3)
    dark = materials.plastic((0.02, 0.02, 0.022) if order.color != "black" else (0.045, 0.045, 0.047), 0.5)
    length, high = {"desk": (0.15, 0.05), "long": (0.19, 0.045), "mini": (0.08, 0.04)}[order.variant]
    base = stack(
        [rounded_rectangle(0.036, length, 0.012, 3), rounded_rectangle(0.034, length - 0.004, 0.012, 3)], [0, 0.009]
    )
    draft.add(dark, base)
    side = smooth(
        [(-0.46, 0.018), (-0.49, 0.03), (-0.42, 0.042), (0.0, 0.05), (0.36, 0.05), (0.47, 0.036), (0.48, 0.01)], 3
    ) * (length, high / 0.05)
    outline = np.concatenate([side, [(0.3 * length, 0.008), (0.2 * length, 0.02)]])
    arm = extrude(outline[::-1], 0.026).turned("x", 90).turned("z", 90).moved(x=-0.013)
    draft.add(shell, arm)
    draft.add(materials.metal(), rounded_box((0.018, 0.85 * length, 0.006)).moved(y=-0.02 * length, z=0.014))
    return draft


def _eraser(order: Order) -> Draft:
    draft = Draft(order.color)
    w, d, t = 0.045, 0.02, 0.011
    if order.variant == "sleeved":
        draft.add(materials.rubber((0.88, 0.87, 0.85)), rounded_box((w, d, t), 0.002))
        draft.add(materials.paper(order.paint()), rounded_box((0.66 * w, 1.06 * d, 1.06 * t)).moved(x=0.17 * w))
    elif order.variant == "wedge":
        half = mix(order.paint(), (0.5, 0.5, 0.5), 0.1)
        outline = [(-0.5 * w, 0), (0.4 * w, 0), (0.5 * w, t), (-0.4 * w, t)]
        draft.add(materials.rubber(half), extrude(outline, d).turned("x", 90).moved(y=0.5 * d))
    else:
        draft.add(
            materials.rubber(order.paint()),
            stack(
                [rounded_rectangle(share * w, share * d, 0.3 * d, 3) for share in (0.94, 1, 1, 0.94)],
                [0, 0.15 * t, 0.85 * t, t],
            ),
        )
    return draft


def _tape(order: Order) -> Draft:
    draft = Draft(order.color)
    r, inner, h = {"wide": (0.05, 0.037, 0.045), "narrow": (0.042, 0.032, 0.02), "thin": (0.045, 0.039, 0.022)}[
        order.variant
    ]
    draft.add(
        materials.plastic(order.paint(), 0.25),
        lathe([(inner + 0.003, 0), (r, 0), (r, h), (inner + 0.003, h)], segments=36),
    )
    core = materials.cardboard((0.5, 0.33, 0.18))
    draft.add(core, lathe([(inner + 0.003, h), (inner, h), (inner, 0), (inner + 0.003, 0)], segments=36))
    return draft


def _scissors(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    grip = materials.plastic(order.paint(), 0.35)
    steel = materials.metal()
    opening = order.uniform(4, 22)
    long = {"long": 0.1, "round": 0.075, "blunt": 0.06}[order.variant]
    for side in (-1.0, 1.0):
        tip = 0.0 if order.variant != "blunt" else 0.004
        blade = extrude([(-0.007, 0.02), (-0.004, -0.6 * long), (-tip, -long), (0.0015, -long), (0.006, 0.02)], 0.002)
        shank = np.array([(0.0, 0.012, 0), (-0.004, 0.03, 0), (-0.012, 0.045, 0)])
        loop = circle(16, 0.013 if order.variant != "round" else 0.016, 0.02 if order.variant != "round" else 0.016)
        ring = np.concatenate([loop + np.array([-0.017, 0.062]), np.zeros((16, 1))], axis=1)
        parts = [
            (steel, blade.moved(z=0.0025)),
            (grip, tube(shank, 0.0045, segments=8).moved(z=0.0042)),
            (grip, tube(ring, 0.004, segments=8, closed=True).moved(z=0.004)),
        ]
        for material, mesh in parts:
            shown = mesh if side > 0 else mesh.mirrored()
            draft.add(material, shown.turned("z", -side * opening / 2).moved(z=0.0 if side > 0 else 0.0021))
    draft.add(steel, lathe([(0, 0), (0.004, 0), (0.004, 0.0085), (0, 0.009)], segments=14))
    return draft


def _ruler(order: Order) -> Draft:
    color = order.paint()
    wooden = order.color == "brown"
    draft = Draft(order.color, "wood" if wooden else None)
    length = {"long": 0.31, "short": 0.16, "triangle": 0.2}[order.variant]
    shade = mix(color, WOOD_TONE, 0.35) if wooden else color
    plain = materials.wood(shade, 1) if wooden else materials.plastic(shade, 0.3)
    if order.variant == "triangle":
        draft.attributes = ("triangular",)
        draft.add(plain, extrude([(-0.1, 0), (0.1, 0), (-0.1, 0.12)], 0.0025))
        return draft
    marks = materials.plastic(shade, 0.35, prints.measure_marks(shade, round(100 * length) - 1))
    for side, mesh in box_sides((length, 0.032, 0.003)).items():
        draft.add(marks if side == "top" else plain, mesh)
    return draft


def _glue_stick(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.012, 0.085
    r *= {"slim": 1.0, "wide": 1.3, "domed": 1.1}[order.variant]
    color = order.paint()
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.round_label("GLUE", color, ink, order.integer(1, 3), aspect=2.0, repeats=2)
    draft.add(materials.plastic(color, 0.4, texture), lathe([(r, 0.1 * h), (r, 0.7 * h)]))
    foot = materials.plastic(color, 0.4)
    draft.add(foot, lathe([(0, 0), (1.08 * r, 0), (1.08 * r, 0.1 * h), (r, 0.1 * h)]))
    cap = [(r, 0.7 * h), (1.08 * r, 0.7 * h), (1.05 * r, 0.97 * h), (0.9 * r, h), (0, h)]
    if order.variant == "domed":
        cap = [(r, 0.7 * h), (1.08 * r, 0.7 * h), *map(tuple, arc((0, 0.85 * h), 1.04 * r, 0, 90, 6))]
    draft.add(foot, lathe(cap))
    return draft


_category = partial(Category, family="stationery", places=PLACES)

_DYED = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
CATEGORIES = (
    _category(
        "pen",
        "pens",
        (0.12, 0.165),
        ("red", "blue", "black", "green", "white", "purple"),
        ("ballpoint", "rollerball"),
        ("marker",),
        _pen,
        confusable=("pencil",),
    ),
    _category(
        "pencil",
        "pencils",
        (0.12, 0.21),
        ("yellow", "red", "green", "blue", "black", "orange"),
        ("hexagonal", "short"),
        ("round",),
        _pencil,
        confusable=("pen",),
    ),
    _category(
        "pen holder",
        "pen holders",
        (0.09, 0.18),
        (*_DYED, "brown"),
        ("round", "square", "flared"),
        ("hexagonal",),
        _pen_holder,
        places=("desk", "table", "shelf"),
    ),
    _category(
        "notebook",
        "notebooks",
        (0.13, 0.24),
        _DYED,
        ("spiral", "bound"),
        ("spiral top",),
        _notebook,
        confusable=("book",),
    ),
    _category(
        "stapler",
        "staplers",
        (0.09, 0.19),
        ("red", "blue", "black", "green", "purple"),
        ("desk", "mini"),
        ("long",),
        _stapler,
    ),
    _category(
        "eraser",
        "erasers",
        (0.035, 0.06),
        ("pink", "blue", "green", "white", "red"),
        ("block", "sleeved"),
        ("wedge",),
        _eraser,
    ),
    _category(
        "roll of tape",
        "rolls of tape",
        (0.07, 0.12),
        ("brown", "yellow", "red", "blue", "black", "green", "gray"),
        ("wide", "narrow"),
        ("thin",),
        _tape,
    ),
    _category(
        "scissors",
        "pairs of scissors",
        (0.13, 0.21),
        ("red", "blue", "black", "orange", "green", "purple"),
        ("long", "blunt"),
        ("round",),
        _scissors,
    ),
    _category(
        "ruler",
        "rulers",
        (0.155, 0.31),
        ("yellow", "brown", "blue", "red", "green", "white"),
        ("long", "short"),
        ("triangle",),
        _ruler,
    ),
    _category(
        "glue stick",
        "glue sticks",
        (0.075, 0.11),
        ("yellow", "red", "white", "blue", "green"),
        ("slim", "wide"),
        ("domed",),
        _glue_stick,
    ),
)
