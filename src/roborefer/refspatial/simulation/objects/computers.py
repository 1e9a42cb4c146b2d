"""Computers and what belongs to them; a screen tells their front."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import NEUTRAL, Rgb, contrast_color, mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.handhelds import phone, screen, tablet
from roborefer.refspatial.simulation.objects.outlines import rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    ellipsoid,
    join,
    lathe,
    panel,
    rounded_box,
    side_view,
    slab,
    stack,
    tile,
    tube,
)

PLACES = ("desk", "table", "shelf")


def _shell(order: Order) -> Material:
    return (
        materials.metal((0.66, 0.67, 0.69), 0.35) if order.color == "silver" else materials.plastic(order.paint(), 0.4)
    )


def _laptop(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "screen": (0.0, -1.0, 0.0)})
    shell = _shell(order)
    w, d, t = {
        "standard": (0.33, 0.23, 0.015),
        "small": (0.28, 0.2, 0.014),
        "thick": (0.35, 0.25, 0.026),
        "wedge": (0.31, 0.21, 0.02),
        "nearly square": (0.27, 0.25, 0.02),
        "clamshell": (0.3, 0.24, 0.022),
        "long back": (0.35, 0.24, 0.02),
    }[order.variant]
    radius = {"clamshell": 0.06, "nearly square": 0.003, "wedge": 0.02}.get(order.variant, 0.012)
    if order.chance(0.12):
        draft.attributes = ("closed",)
        draft.directions = dict(FRONT)
        draft.add(shell, slab(w, d, 0.55 * t, radius), slab(w, d, 0.5 * t, radius).moved(z=0.56 * t))
        draft.add(materials.DARK_PLASTIC, rounded_box((0.6 * w, 0.01, 0.012)).moved(y=0.5 * d - 0.006, z=0.002))
        badge = lathe([(0, 0), (0.018, 0), (0.016, 0.0004), (0, 0.0004)], segments=20)
        draft.add(materials.plastic(contrast_color(order.paint()), 0.3), badge.moved(z=1.06 * t))
        share = 0.85 if order.variant == "clamshell" else 0.9
        draft.top = rectangle(share * w, share * d)
        return draft
    base = slab(w, d, t, radius)
    if order.variant == "wedge":
        # Thin in front: the bottom rises towards the edge.
        rise = 0.8 * (t - base.vertices[:, 2]) * (0.5 - base.vertices[:, 1] / d)
        base = Mesh(base.vertices + np.outer(rise, (0.0, 0.0, 1.0)), base.faces, base.normals, base.uv)
    draft.add(shell, base)
    if order.variant == "long back":
        # Behind the lid the base goes on, with room for fans.
        draft.add(shell, rounded_box((0.9 * w, 0.07, 1.1 * t), 0.006).moved(y=0.5 * d + 0.03))
        for side in (-0.28, 0.28):
            vent = rounded_box((0.26 * w, 0.004, 0.5 * t)).moved(side * w, 0.5 * d + 0.064, 0.3 * t)
            draft.add(materials.DARK_PLASTIC, vent)
    if order.variant == "clamshell":
        bow = smooth(
            [(-0.05, 0.5 * d, 0.012), (-0.04, 0.64 * d, 0.012), (0.04, 0.64 * d, 0.012), (0.05, 0.5 * d, 0.012)]
        )
        draft.add(shell, tube(bow, 0.006, segments=8))
    pale = order.color in ("white", "silver", "gray")
    ground, cap = ((0.45, 0.45, 0.46), (0.75, 0.75, 0.76)) if pale else ((0.02, 0.02, 0.022), (0.05, 0.05, 0.055))
    board = Material(materials.WHITE, 0.6, 0.0, prints.keys(ground, cap, 14, 5))
    draft.add(board, tile(0.88 * w, 0.46 * d).moved(y=0.12 * d, z=t + 0.0004))
    draft.add(
        materials.plastic(mix(order.paint(), (0.3, 0.3, 0.3), 0.4), 0.3),
        tile(0.32 * w, 0.24 * d).moved(y=-0.3 * d, z=t + 0.0004),
    )
    tilt = order.uniform(8, 28)
    lid = slab(w, 0.94 * d, 0.007, radius).turned("x", 90).moved(y=0.007)
    shown = screen(order, (0, 1, 2, 0, 1, 3))
    draft.attributes = ("open",)
    glass = panel(0.93 * w, 0.83 * d).moved(y=-0.0006, z=-0.41 * d)
    bezel = panel(0.97 * w, 0.89 * d).moved(y=-0.0003, z=-0.445 * d)
    if order.variant != "thick":
        # A bulge (deformation) parts them from the lid by up to a millimetre.
        glass, bezel = glass.moved(y=-0.0022), bezel.moved(y=-0.0012)
    # How much of the lid's usual share the screen takes.
    share = {"clamshell": 0.83, "nearly square": 0.83, "wedge": 0.92, "long back": 0.92}.get(order.variant, 1.0)
    if share < 1:
        glass, bezel = glass.scaled(share, 1, share), bezel.scaled(share, 1, share)
    for material, mesh in ((shell, lid), (materials.DARK_PLASTIC, bezel), (shown, glass)):
        draft.add(material, mesh.moved(z=0.47 * d).turned("x", -tilt).moved(y=0.49 * d, z=t))
    cosine, sine = float(np.cos(np.radians(tilt))), float(np.sin(np.radians(tilt)))
    draft.directions["screen"] = (0.0, -cosine, sine)
    return draft


def _monitor(order: Order) -> Draft:
    draft = Draft(None, None, (), {"front": (0.0, -1.0, 0.0), "screen": (0.0, -1.0, 0.0)})
    w, h = {
        "wide": (0.54, 0.31),
        "square": (0.4, 0.32),
        "curved": (0.62, 0.28),
        "chin": (0.5, 0.38),
        "two feet": (0.56, 0.33),
        "upright": (0.3, 0.5),
        "tube": (0.4, 0.34),
    }[order.variant]
    # A screen has no colour of its own and hides most of the rest.
    color = order.pick(("black", "black", "silver", "white"))
    shell = _shell(Order(order.generator, order.variant, color))
    shown = screen(order, (0, 1, 1, 3))
    z = order.uniform(0.1, 0.14)
    if order.variant == "tube":
        return _tube_monitor(draft, shell, shown, w, h)
    if order.variant == "two feet":
        z -= 0.06
    # Below the screen of an all-in-one the case goes on.
    chin = 0.075 if order.variant == "chin" else 0.0
    pieces = [(shell, slab(w, h, 0.022, 0.01).turned("x", 90).moved(y=0.022, z=0.5 * h))]
    pieces += [
        (materials.DARK_PLASTIC, panel(0.985 * w, 0.975 * (h - chin)).moved(y=-0.0006, z=0.0125 * h + chin)),
        (shown, _fine_panel(0.955 * w, 0.92 * (h - chin)).moved(y=-0.0012, z=0.045 * h + chin)),
    ]
    for material, mesh in pieces:
        if order.variant == "curved":
            bent = mesh.vertices - np.outer(0.35 * (mesh.vertices[:, 0]) ** 2, (0.0, 1.0, 0.0))
            mesh = Mesh(bent, mesh.faces, mesh.normals, mesh.uv)
        draft.add(material, mesh.moved(z=z))
    dark = shell if color in ("black", "silver") else materials.DARK_PLASTIC
    if order.variant == "two feet":
        for side in (-1.0, 1.0):
            bend = [(-0.09, 0.004), (0.0, z + 0.03), (0.1, 0.004)]
            leg = tube([(side * (0.36 * w + 0.2 * abs(y)), 0.012 + y, up) for y, up in bend], 0.006, segments=8)
            draft.add(dark, leg)
        return draft
    if order.variant == "chin":
        draft.add(shell, slab(0.2, 0.005, 0.3, 0.002).turned("x", 12).moved(y=0.09, z=0.004))
        draft.add(shell, slab(0.2, 0.19, 0.006, 0.006).moved(y=0.01))
        return draft
    draft.add(dark, rounded_box((0.05, 0.02, z + 0.5 * h), 0.004).moved(y=0.035))
    foot = (
        slab(0.24, 0.17, 0.01, 0.02)
        if order.variant not in ("square", "upright")
        else lathe([(0, 0), (0.1, 0), (0.1, 0.006), (0.09, 0.01), (0, 0.01)])
    )
    draft.add(dark, foot.moved(y=0.02))
    return draft


def _tube_monitor(draft: Draft, shell: Material, shown: Material, w: float, h: float) -> Draft:
    """As deep as it is wide, its back narrowing around the picture tube."""
    sizes = ((w, h), (w, h), (0.94 * w, 0.94 * h), (0.66 * w, 0.66 * h), (0.6 * w, 0.6 * h))
    outlines = [rounded_rectangle(*size, 0.015) for size in sizes]
    case = stack(outlines, [0, 0.07, 0.09, 0.29, 0.33]).turned("x", -90)
    z = 0.5 * h + 0.05
    draft.add(shell, case.moved(y=-0.14, z=z))
    draft.add(materials.DARK_PLASTIC, panel(0.84 * w, 0.8 * h).moved(y=-0.1412, z=z - 0.36 * h))
    draft.add(shown, panel(0.78 * w, 0.74 * h).moved(y=-0.1424, z=z - 0.33 * h))
    draft.add(shell, lathe([(0, 0), (0.12, 0), (0.12, 0.012), (0.06, 0.03), (0.06, 0.07), (0, 0.07)]))
    return draft


def _fine_panel(width: float, height: float) -> Mesh:
    """A panel in eight strips, so that it can be bent."""
    strips = []
    for index in range(8):
        strip = panel(width / 8, height)
        uv = strip.uv * (1 / 8, 1) + np.array([index / 8, 0])
        strips.append(
            Mesh(strip.vertices + np.array([width * ((index + 0.5) / 8 - 0.5), 0, 0]), strip.faces, strip.normals, uv)
        )
    return join(strips)


def _keyboard(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    w, d, columns = {
        "full": (0.43, 0.135, 18),
        "compact": (0.3, 0.11, 14),
        "split": (0.4, 0.16, 16),
        "high caps": (0.34, 0.125, 15),
        "three blocks": (0.45, 0.15, 14),
        "round caps": (0.3, 0.14, 11),
        "home computer": (0.4, 0.21, 15),
    }[order.variant]
    color = order.paint()
    t = order.uniform(0.014, 0.022)
    if order.variant in ("high caps", "round caps"):
        return _capped_keyboard(order, draft, color, (w, d, t), columns)
    if order.variant == "home computer":
        # The computer is in the high part behind the keys.
        profile = [(-0.5 * d, 0), (0.5 * d, 0), (0.5 * d, 2.4 * t), (0.2 * d, 2.6 * t), (0.12 * d, t), (-0.5 * d, t)]
        draft.add(materials.plastic(color, 0.45), side_view(profile, w))
        for index in range(6):
            slot = rounded_box((0.006, 0.14 * d, 0.002)).moved(0.14 * w + 0.02 * index, 0.35 * d, 2.49 * t)
            draft.add(materials.DARK_PLASTIC, slot)
    else:
        draft.add(materials.plastic(color, 0.45), slab(w, d, t, 0.01))
    cap = mix(color, (0.95, 0.95, 0.95), 0.02 if order.color == "black" else 0.35)
    ground = mix(color, materials.DARK, 0.6)
    field = Material(materials.WHITE, 0.55, 0.0, prints.keys(ground, cap, columns, 5))
    plain = materials.plastic(mix(cap, materials.DARK, 0.3), 0.6)
    if order.variant in ("three blocks", "home computer"):
        blocks = {
            "three blocks": ((-0.17, 0.0, 0.6, 0.8, 14), (0.22, -0.1, 0.13, 0.6, 3), (0.4, 0.0, 0.16, 0.8, 4)),
            "home computer": ((0.0, -0.2, 0.9, 0.52, 15),),
        }[order.variant]
        for x, y, across, along, count in blocks:
            top = (
                field if count == columns else Material(materials.WHITE, 0.55, 0.0, prints.keys(ground, cap, count, 4))
            )
            for name, mesh in box_sides((across * w, along * d, 0.006), 0.001).items():
                draft.add(top if name == "top" else plain, mesh.moved(x * w, y * d, t - 0.001))
        return draft
    halves = ((-1, 0.47), (1, 0.47)) if order.variant == "split" else ((0, 0.95),)
    for side, share in halves:
        for name, mesh in box_sides((share * w, 0.82 * d, 0.005), 0.001).items():
            draft.add(field if name == "top" else plain, mesh.moved(x=0.24 * side * w, z=t - 0.001))
    if order.variant == "split":
        draft.add(materials.plastic(color, 0.45), slab(w, 0.35 * d, 0.7 * t, 0.02).moved(y=-0.6 * d))
    return draft


def _capped_keyboard(order: Order, draft: Draft, color: Rgb, size: tuple[float, float, float], columns: int) -> Draft:
    """Every cap stands on its own: high blunt ones, or round ones as on a typewriter."""
    w, d, t = size
    draft.add(materials.plastic(color, 0.45), slab(w, d, t, 0.006 if order.variant == "high caps" else 0.03))
    pitch = 0.94 * w / columns
    cap = materials.plastic(mix(color, (0.95, 0.95, 0.95), 0.006 if order.color == "black" else 0.4), 0.5)
    accent = materials.plastic(order.accent(), 0.5)
    r = 0.42 * pitch
    disc = lathe([(r, 0), (r, 0.004), (0.8 * r, 0.0055), (0, 0.005)], segments=9)
    rows = 5 if order.variant == "high caps" else 4
    for row in range(rows):
        for column in range(columns):
            place = (pitch * (column - (columns - 1) / 2), pitch * (0.5 * (rows - 1) - row), t - 0.001)
            ink = accent if (row, column) in ((0, 0), (2, columns - 1)) else cap
            if row == rows - 1 and 3 <= column <= columns - 5:
                continue
            if order.variant == "round caps":
                draft.add(ink, disc.moved(*place))
            else:
                draft.add(ink, stack([rectangle(2 * r, 2 * r), rectangle(1.5 * r, 1.4 * r)], [0, 0.009]).moved(*place))
    bar = rounded_box((pitch * (columns - 7.2), 1.7 * r, 0.008), 0.003)
    draft.add(cap, bar.moved(-0.5 * pitch, -0.5 * pitch * (rows - 1), t - 0.001))
    if order.variant == "round caps":
        rail = tube([(-0.46 * w, 0.46 * d, t + 0.004), (0.46 * w, 0.46 * d, t + 0.004)], 0.009, segments=14)
        draft.add(materials.metal(), rail)
    return draft


def _mouse(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    if order.variant in ("brick", "slab", "disc"):
        return _level_mouse(order, draft, color)
    w, d, h = {
        "classic": (0.032, 0.055, 0.036),
        "flat": (0.03, 0.055, 0.022),
        "ergonomic": (0.036, 0.06, 0.05),
        "waisted": (0.036, 0.062, 0.04),
    }[order.variant]
    body = ellipsoid(w, d, h, segments=24, rings=16)
    x, y, z = body.vertices.T
    upper = np.maximum(z, 0.0)
    lean = 0.35 * upper if order.variant == "ergonomic" else 0.0 * upper
    body = Mesh(
        np.stack([x + lean, y, upper], axis=1),
        body.faces,
        np.where(z[:, None] < 0, (0.0, 0.0, -1.0), body.normals),
        body.uv,
    )
    if order.variant == "waisted":
        # For games: narrow where thumb and ring finger hold it, blunt and broad in front.
        share = body.vertices[:, 1] / d
        width = (1 - 0.3 * np.exp(-((share / 0.35) ** 2))) * (1 + 0.9 * np.maximum(-share - 0.3, 0))
        body = Mesh(
            body.vertices * np.stack([width, np.ones_like(width), np.ones_like(width)], axis=1),
            body.faces,
            body.normals,
            body.uv,
        )
    draft.add(materials.plastic(color, 0.35), body)
    dark = materials.plastic(contrast_color(color) if order.color != "white" else (0.25, 0.25, 0.27), 0.5)
    wheel = lathe([(0, -0.003), (0.007, -0.003), (0.007, 0.003), (0, 0.003)], segments=14).turned("y", 90)
    height = h * float(np.sqrt(1 - 0.5**2))
    shift = 0.35 * height if order.variant == "ergonomic" else 0.0
    draft.add(dark, wheel.moved(shift, -0.5 * d, height - 0.003))
    line = [
        (shift * share, -d * y0, h * float(np.sqrt(1 - y0**2)) + 0.0002)
        for share, y0 in ((1, 0.62), (0.9, 0.75), (0.7, 0.88), (0.3, 0.97))
    ]
    draft.add(dark, tube(line, 0.0007, segments=6))
    if order.variant == "classic" and order.chance(0.6):
        cord = smooth([(0, -0.052, 0.006), (0.004, -0.075, 0.003), (-0.006, -0.1, 0.003)], 4)
        draft.add(materials.DARK_PLASTIC, tube(cord, 0.0018, segments=6))
    return draft


def _level_mouse(order: Order, draft: Draft, color: Rgb) -> Draft:
    """With a level top: a box with two keys and a cord, a thin arched slab without keys, a disc."""
    shell = materials.plastic(color, 0.35)
    dark = materials.plastic(contrast_color(color) if order.color != "white" else (0.25, 0.25, 0.27), 0.5)
    if order.variant == "slab":
        outlines = [
            rounded_rectangle(0.058 * share, 0.11 * share, 0.024, 5) for share in (0.94, 1, 0.97, 0.88, 0.68, 0.36)
        ]
        body = stack(outlines, [0, 0.004, 0.009, 0.013, 0.0155, 0.0165])
        arch = 1 - 0.5 * (body.vertices[:, 1:2] / 0.055) ** 2
        body = Mesh(body.vertices * np.append(0 * arch + (1, 1), arch, axis=1), body.faces, body.normals, body.uv)
        draft.add(shell, body)
        return draft
    if order.variant == "brick":
        d, h = 0.1, 0.03
        draft.add(shell, rounded_box((0.062, d, h), 0.006, steps=2))
        for side in (-1.0, 1.0):
            draft.add(dark, rounded_box((0.025, 0.036, 0.004), 0.0015).moved(side * 0.0145, -0.028, h - 0.001))
    else:
        d, h = 0.086, 0.024
        side_of = smooth([(0.04, 0.0), (0.043, 0.4 * h), (0.037, 0.85 * h), (0.03, h)], 3)
        draft.add(shell, lathe([(0, 0), *side_of, (0, h)]))
        draft.add(dark, rounded_box((0.024, 0.009, 0.002), 0.001).moved(0, -0.02, h - 0.0005))
    cord = smooth([(0, -0.48 * d, 0.01), (0.004, -0.7 * d, 0.003), (-0.005, -0.9 * d, 0.003)], 4)
    draft.add(materials.DARK_PLASTIC, tube(cord, 0.0018, segments=6))
    return draft


_category = partial(Category, family="computers", places=PLACES)

CATEGORIES = (
    _category(
        "laptop",
        "laptops",
        (0.26, 0.4),
        ("silver", "black", "gray", "white", "blue", "red"),
        ("standard", "small", "wedge", "nearly square", "clamshell", "long back"),
        ("thick",),
        _laptop,
        places=("desk", "table"),
        confusable=("monitor",),
    ),
    _category(
        "monitor",
        "monitors",
        (0.4, 0.68),
        (),
        ("wide", "square", "chin", "two feet", "upright", "tube"),
        ("curved",),
        _monitor,
        places=("desk",),
        confusable=("laptop",),
    ),
    _category(
        "keyboard",
        "keyboards",
        (0.28, 0.46),
        (*NEUTRAL, "pink", "blue"),
        ("full", "compact", "high caps", "three blocks", "round caps", "home computer"),
        ("split",),
        _keyboard,
        places=("desk", "table"),
    ),
    _category(
        "computer mouse",
        "computer mice",
        (0.09, 0.15),
        (*NEUTRAL, "red", "blue", "pink", "green"),
        ("classic", "flat", "brick", "slab", "disc", "waisted"),
        ("ergonomic",),
        _mouse,
        places=("desk", "table"),
    ),
    _category(
        "phone",
        "phones",
        (0.12, 0.17),
        (*NEUTRAL, "blue", "red", "pink"),
        ("tall", "small", "camera bar", "round camera", "keypad", "flip"),
        ("square",),
        phone,
        places=(*PLACES, "counter", "tray"),
        confusable=("tablet",),
    ),
    _category(
        "tablet",
        "tablets",
        (0.2, 0.3),
        (*NEUTRAL, "blue", "pink"),
        ("wide", "upright", "grip", "bumper", "folio"),
        ("square",),
        tablet,
        places=PLACES,
        confusable=("phone", "laptop"),
    ),
)
