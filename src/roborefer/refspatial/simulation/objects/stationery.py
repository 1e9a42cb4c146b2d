"""What lies on a desk: pens, paper, and the small tools for both."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import DYED, Rgb, mix
from roborefer.refspatial.simulation.objects.desk_tools import TRIANGLE, glue_stick, scissors, stapler, tape
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    extrude,
    lathe,
    panel,
    rounded_box,
    side_view,
    stack,
    tile,
    tube,
)
from roborefer.refspatial.simulation.objects.tableware import vessel

PLACES = ("desk", "table", "shelf", "box", "tray")
TIP_FRONT = {"tip": (0.0, -1.0, 0.0)}
WOOD_TONE: Rgb = (0.62, 0.38, 0.18)


def lying(profile: ArrayLike, segments: int = 16) -> Mesh:
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
    if order.variant == "fountain":
        _fountain_pen(draft, order, barrel)
        return draft
    if order.variant == "capped":
        draft.add(barrel, lying([(0, -0.004), (0.8 * r, -0.004), (0.8 * r, 0.09)]))
        draft.add(barrel, lying([(0, 0.08), (1.15 * r, 0.08), (1.15 * r, 0.136), (0.7 * r, 0.142), (0, 0.142)]))
        draft.add(steel, lying([(1.15 * r, 0.08), (1.25 * r, 0.08), (1.25 * r, 0.083), (1.15 * r, 0.083)]))
        draft.add(barrel, rounded_box((0.003, 0.044, 0.0015), 0.0005).moved(y=-0.114, z=1.4 * r))
        draft.add(barrel, rounded_box((0.003, 0.004, 0.45 * r)).moved(y=-0.134, z=r))
        return draft
    if order.variant == "gripped":
        r = 0.0056
        ridges = [(share * r, 0.08 + 0.004 * index) for index in range(9) for share in (1.22 - 0.14 * (index % 2),)]
        draft.add(materials.rubber(materials.DARK if order.color != "black" else (0.5, 0.5, 0.5)), lying(ridges))
    draft.add(barrel, lying([(0, 0), (0.9 * r, 0), (r, 0.004), (r, 0.115), (0.86 * r, 0.125)]))
    draft.add(steel, lying([(0.86 * r, 0.125), (0.3 * r, 0.138), (0.16 * r, 0.143), (0, 0.143)], 12))
    draft.add(
        steel,
        lying([(0, -0.01), (0.45 * r, -0.01), (0.45 * r, 0.001), (0, 0.001)], 12)
        if order.variant in ("ballpoint", "gripped")
        else lying([(r, 0.08), (1.06 * r, 0.08), (1.06 * r, 0.084), (r, 0.084)], 16),
    )
    clip = rounded_box((0.003, 0.042, 0.0012), 0.0004).moved(y=-0.024, z=1.25 * r)
    draft.add(steel, clip, rounded_box((0.003, 0.003, 0.35 * r)).moved(y=-0.004, z=0.95 * r))
    return draft


def _fountain_pen(draft: Draft, order: Order, barrel: Material) -> None:
    """Without its cap."""
    gold = materials.metal((0.75, 0.6, 0.25))
    dark = materials.plastic(materials.DARK if order.color != "black" else (0.3, 0.3, 0.31), 0.3)
    draft.add(barrel, lying(smooth([(0, -0.01), (0.0035, -0.008), (0.0055, 0.02), (0.0065, 0.06), (0.0055, 0.09)])))
    draft.add(gold, lying([(0, 0.087), (0.0062, 0.087), (0.0062, 0.09), (0, 0.09)]))
    draft.add(dark, lying([(0.0048, 0.09), (0.0036, 0.112), (0.004, 0.115), (0, 0.115)]))
    draft.add(dark, lying([(0.0025, 0.115), (0.0006, 0.133), (0, 0.133)], 8))
    nib = extrude([(-0.003, -0.113), (-0.0042, -0.122), (0, -0.14), (0.0042, -0.122), (0.003, -0.113)], 0.0008)
    draft.add(gold, nib.moved(z=0.0016))


def _pencil(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(TIP_FRONT), rolls=True)
    r, length, tip, point = {
        "short": (0.0038, 0.1, 0.014, 0.02),
        "jumbo": (0.006, 0.1, 0.026, 0.036),
        "carpenter": (0.0045, 0.15, 0.02, 0.028),
    }.get(order.variant, (0.0038, 0.165, 0.014, 0.02))
    segments = {"round": 14, "carpenter": 8}.get(order.variant, 6)

    def body(*profile: tuple[float, float]) -> Mesh:
        if order.variant != "triangular":
            return lying(profile, segments)
        return stack([1.2 * radius * TRIANGLE for radius, _ in profile], [z for _, z in profile]).turned("x", 90)

    draft.add(materials.plastic(order.paint(), 0.35), body((0, 0), (r, 0), (r, length)))
    draft.add(materials.wood(WOOD_TONE, 0), body((r, length), (0.3 * r, length + tip)))
    draft.add(materials.plastic(materials.DARK, 0.5), body((0.3 * r, length + tip), (0, length + point)))
    pink = materials.rubber((0.75, 0.3, 0.32))
    if order.variant == "jumbo":
        # An eraser to slip on.
        draft.add(pink, lying([(0, -0.028), (0.4 * r, -0.028), (1.4 * r, -0.008), (1.3 * r, 0.008), (0, 0.008)], 14))
    elif order.variant in ("carpenter", "triangular"):
        # Its end was dipped in paint.
        dip = materials.plastic(materials.WHITE if order.color == "black" else materials.DARK)
        draft.add(dip, body((0, -0.008), (r, -0.008), (r, 0)))
        draft.rolls = False
    else:
        draft.add(
            materials.metal((0.75, 0.65, 0.35)),
            lying([(0, -0.012), (1.05 * r, -0.012), (1.05 * r, 0.0005), (0, 0.0005)], 14),
        )
        draft.add(
            pink, lying([(0, -0.021), (0.7 * r, -0.021), (0.95 * r, -0.018), (0.95 * r, -0.012), (0, -0.012)], 14)
        )
    if order.variant == "carpenter":
        draft.turn("y", 22.5)
        draft.pieces = [(mesh.scaled(1.9, 1.0, 0.8), material) for mesh, material in draft.pieces]
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
    elif order.variant == "waisted":
        shares = smooth([(1.0, 0), (1.0, 0.06), (0.78, 0.35), (0.72, 0.55), (0.85, 0.8), (1.08, 1.0)], 3)
        meshes, draft.cavity = vessel(shares * (r, h), 0.003, 0.004)
        draft.add(material, *meshes)
    else:
        outline = {"hexagonal": circle(6, 1.1 * r), "oval": rounded_rectangle(3.2 * r, 1.6 * r, 0.8 * r, 6)}.get(
            order.variant, rectangle(1.8 * r, 1.8 * r)
        )
        inner = outline * 0.92
        draft.add(material, stack([outline, outline, inner, inner], [0, h, h, 0.004]))
        draft.cavity = cavity(0.004, 0.98 * inner, h - 0.004)
    if order.variant == "stepped":
        # A lower box in front, for clips.
        outline, inner = (rectangle(1.8 * r * share, 1.2 * r * share) - np.array([0, 1.47 * r]) for share in (1.0, 0.9))
        draft.add(material, stack([outline, outline, inner, inner], [0, 0.45 * h, 0.45 * h, 0.004]))
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
    t *= {"exercise": 0.4, "journal": 2.2}.get(order.variant, 1.0)
    ink = order.accent()
    cover_kind = order.integer(0, 2)
    texture: prints.Texture | None = None
    if cover_kind == 0:
        texture, draft.attributes = prints.striped(color, ink, 6), ("striped",)
    elif cover_kind == 1:
        texture, draft.attributes = prints.dotted(color, ink, 6, 8), ("dotted",)
    elif order.variant != "exercise":
        texture = prints.label("NOTES", color, ink, 2, aspect=w / d)
    cover, plain = materials.paper(color, texture), materials.paper(color)
    draft.add(
        materials.paper((0.85, 0.84, 0.8), prints.page_edges()),
        rounded_box((0.97 * w, 0.97 * d, t - 0.002)).moved(z=0.001),
    )
    draft.add(plain, stack([rounded_rectangle(w, d, 0.006)] * 2, [0, 0.001]))
    for side, mesh in box_sides((w, d, 0.001)).items():
        draft.add(cover if side == "top" else plain, mesh.moved(z=t - 0.001))
    dark = materials.fabric(mix(color, materials.DARK, 0.7))
    if order.variant == "bound":
        draft.add(plain, rounded_box((0.004, d, t), 0.001).moved(x=-0.5 * w))
        draft.add(dark, rounded_box((0.006, d + 0.002, t + 0.0005)).moved(x=0.36 * w))
        draft.top = rectangle(0.92 * w, 0.92 * d)
    elif order.variant == "exercise":
        draft.add(dark, rounded_box((0.14 * w, d + 0.001, t + 0.0005)).moved(x=-0.44 * w))
        plate = prints.label("NAME", (0.85, 0.84, 0.8), materials.DARK, 2, aspect=2.0)
        draft.add(materials.paper(color, plate), tile(0.5 * w, 0.25 * w).moved(x=0.07 * w, y=0.2 * d, z=t + 0.001))
    elif order.variant == "journal":
        draft.add(plain, tube([(-0.49 * w, -0.5 * d, 0.5 * t), (-0.49 * w, 0.5 * d, 0.5 * t)], 0.5 * t, ends="flat"))
        draft.add(dark, rounded_box((w + 0.004, 0.02, t + 0.002)).moved(x=0.002))
        button = lathe([(0, 0), (0.008, 0), (0.008, 0.002), (0, 0.003)], segments=16)
        draft.add(materials.metal((0.75, 0.6, 0.25)), button.moved(x=0.36 * w, z=t + 0.002))
    elif order.variant == "discs":
        r = 0.5 * t + 0.006
        disc = lathe([(0, 0), (r, 0), (r, 0.003), (0, 0.003)], segments=20).turned("x", 90)
        for share in np.linspace(-0.42, 0.42, 8):
            draft.add(dark, disc.moved(-0.5 * w + 0.003, share * d, r))
    else:
        _add_rings(draft, w, d, t, across=order.variant == "spiral top")
    return draft


def _add_rings(draft: Draft, w: float, d: float, t: float, *, across: bool) -> None:
    """A notebook's spiral: along the left, or ``across`` the far edge."""
    ring_metal = materials.metal((0.35, 0.35, 0.37))
    count = 9
    for index in range(count):
        share = (index + 0.5) / count - 0.5
        loop = np.stack([0.006 * circle(8)[:, 0], np.zeros(8), 0.5 * t + (0.5 * t + 0.003) * circle(8)[:, 1]], axis=1)
        ring = tube(loop, 0.0008, segments=5, closed=True)
        ring = ring.turned("z", 90).moved(share * w, 0.5 * d, 0) if across else ring.moved(-0.5 * w, share * d, 0)
        draft.add(ring_metal, ring)


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
    elif order.variant == "two-tone":
        # For pencil, and for ink.
        draft.add(materials.rubber(order.paint()), rounded_box((0.66 * w, d, t), 0.002).moved(x=0.17 * w))
        draft.add(materials.rubber((0.3, 0.3, 0.31)), rounded_box((0.36 * w, d, t), 0.002).moved(x=-0.32 * w))
    elif order.variant == "cap":
        # To be slipped onto a pencil.
        soft = materials.rubber(order.paint())
        sleeve = lathe([(0, 0.003), (0.004, 0.003), (0.004, 0), (0.006, 0), (0.006, 0.016), (0, 0.016)], segments=20)
        draft.add(soft, sleeve.turned("y", 90).moved(x=-0.016, z=0.006))
        draft.add(soft, extrude([(-0.001, -0.011), (0.02, -0.003), (0.02, 0.003), (-0.001, 0.011)], 0.012))
    else:
        draft.add(
            materials.rubber(order.paint()),
            stack(
                [rounded_rectangle(share * w, share * d, 0.3 * d, 3) for share in (0.94, 1, 1, 0.94)],
                [0, 0.15 * t, 0.85 * t, t],
            ),
        )
        if order.variant == "banded":
            shade = materials.WHITE if order.color != "white" else materials.DARK
            print_ = prints.label("ERASER", shade, order.paint("gray"), 3, aspect=0.9)
            band, word = materials.paper(shade), materials.paper(shade, print_)
            for side, mesh in box_sides((0.4 * w, 1.05 * d, 1.08 * t)).items():
                draft.add(word if side == "top" else band, mesh.moved(z=-0.02 * t))
    return draft


def _ruler(order: Order) -> Draft:
    color = order.paint()
    wooden = order.color == "brown"
    draft = Draft(order.color, "wood" if wooden else None)
    length = {"short": 0.16, "triangle": 0.2}.get(order.variant, 0.31)
    shade = mix(color, WOOD_TONE, 0.35) if wooden else color
    plain = materials.wood(shade, 1) if wooden else materials.plastic(shade, 0.3)
    if order.variant == "triangle":
        draft.attributes = ("triangular",)
        draft.add(plain, extrude([(-0.1, 0), (0.1, 0), (-0.1, 0.12)], 0.0025))
        return draft
    if order.variant == "folding":
        _add_folding_rule(draft, plain, materials.plastic(shade, 0.35, prints.measure_marks(shade, 8)))
        return draft
    marks = materials.plastic(shade, 0.35, prints.measure_marks(shade, round(100 * length) - 1))
    if order.variant == "prism":
        width = 0.026
        section = [(0, -width / 2), (0.866 * width, 0), (0, width / 2)]
        draft.add(plain, extrude(section, length).turned("y", -90).moved(x=length / 2))
        face = panel(length, width).turned("x", -30).moved(y=-width / 2 - 0.0006)
        draft.add(marks, face, face.turned("z", 180))
        return draft
    if order.variant == "ridged":
        # To hold it by while cutting along it.
        half = [(0.02, 0), (0.02, 0.0025), (0.0055, 0.0025), (0.004, 0.009), (0.005, 0.012)]
        outline = np.array([*half, *((-y, z) for y, z in reversed(half))])
        draft.add(plain, side_view(outline, length))
        draft.add(marks, tile(length, 0.013).moved(y=-0.013, z=0.0031))
        return draft
    for side, mesh in box_sides((length, 0.032, 0.003)).items():
        draft.add(marks if side == "top" else plain, mesh)
    return draft


def _add_folding_rule(draft: Draft, plain: Material, marks: Material) -> None:
    """Five links, half opened to a zigzag."""
    link = 0.075
    half = 0.5 * link * np.array([np.cos(np.radians(35)), np.sin(np.radians(35))])
    hinge = lathe([(0, 0), (0.004, 0), (0.004, 0.0075), (0, 0.008)], segments=12)
    for index in range(5):
        sign = 1.0 if index % 2 == 0 else -1.0
        x = 2 * half[0] * (index - 2)
        for side, mesh in box_sides((link + 0.012, 0.015, 0.0035)).items():
            turned = mesh.turned("z", sign * 35).moved(x=x, z=0.0 if sign > 0 else 0.0036)
            draft.add(marks if side == "top" else plain, turned)
        if index < 4:
            draft.add(materials.metal((0.7, 0.6, 0.3)), hinge.moved(x=x + half[0], y=sign * half[1]))


_category = partial(Category, family="stationery", places=PLACES)

CATEGORIES = (
    _category(
        "pen",
        "pens",
        (0.12, 0.165),
        ("red", "blue", "black", "green", "white", "purple"),
        ("ballpoint", "rollerball", "fountain", "capped", "gripped"),
        ("marker",),
        _pen,
        confusable=("pencil",),
    ),
    _category(
        "pencil",
        "pencils",
        (0.12, 0.21),
        ("yellow", "red", "green", "blue", "black", "orange"),
        ("hexagonal", "short", "triangular", "carpenter", "jumbo"),
        ("round",),
        _pencil,
        confusable=("pen",),
    ),
    _category(
        "pen holder",
        "pen holders",
        (0.09, 0.18),
        (*DYED, "brown"),
        ("round", "square", "flared", "waisted", "oval", "stepped"),
        ("hexagonal",),
        _pen_holder,
        places=("desk", "table", "shelf"),
    ),
    _category(
        "notebook",
        "notebooks",
        (0.13, 0.24),
        DYED,
        ("spiral", "bound", "exercise", "journal", "discs"),
        ("spiral top",),
        _notebook,
        confusable=("book",),
    ),
    _category(
        "stapler",
        "staplers",
        (0.09, 0.19),
        ("red", "blue", "black", "green", "purple"),
        ("desk", "mini", "rounded", "open", "heavy"),
        ("long",),
        stapler,
    ),
    _category(
        "eraser",
        "erasers",
        (0.035, 0.06),
        ("pink", "blue", "green", "white", "red"),
        ("block", "sleeved", "two-tone", "cap", "banded"),
        ("wedge",),
        _eraser,
    ),
    _category(
        "roll of tape",
        "rolls of tape",
        (0.07, 0.12),
        ("brown", "yellow", "red", "blue", "black", "green", "gray"),
        ("wide", "narrow", "electrical", "tall", "pulled"),
        ("thin",),
        tape,
    ),
    _category(
        "scissors",
        "pairs of scissors",
        (0.13, 0.21),
        ("red", "blue", "black", "orange", "green", "purple"),
        ("long", "blunt", "tailor", "kitchen", "children"),
        ("round",),
        scissors,
    ),
    _category(
        "ruler",
        "rulers",
        (0.155, 0.31),
        ("yellow", "brown", "blue", "red", "green", "white"),
        ("long", "short", "ridged", "prism", "folding"),
        ("triangle",),
        _ruler,
    ),
    _category(
        "glue stick",
        "glue sticks",
        (0.075, 0.11),
        ("yellow", "red", "white", "blue", "green"),
        ("slim", "wide", "open", "triangular", "knobbed"),
        ("domed",),
        glue_stick,
    ),
)
