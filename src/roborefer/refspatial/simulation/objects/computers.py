"""Computers and what belongs to them; a screen tells their front."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import contrast_color, mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    box_sides,
    ellipsoid,
    lathe,
    panel,
    rounded_box,
    slab,
    tile,
    tube,
)

PLACES = ("desk", "table", "shelf")
_DARK_PLASTIC = Material((0.025, 0.025, 0.028), 0.45)
_NEUTRAL = ("black", "white", "gray")


def _screen(order: Order, styles: tuple[int, ...]) -> Material:
    """What a screen shows, drawn from these styles of ``prints.screen``."""
    return Material((0.9, 0.9, 0.9), 0.15, 0.0, prints.screen(order.generator, order.pick(styles)))


def _shell(order: Order) -> Material:
    return (
        materials.metal((0.66, 0.67, 0.69), 0.35) if order.color == "silver" else materials.plastic(order.paint(), 0.4)
    )


def _laptop(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "screen": (0.0, -1.0, 0.0)})
    shell = _shell(order)
    w, d, t = {"standard": (0.33, 0.23, 0.015), "small": (0.28, 0.2, 0.014), "thick": (0.35, 0.25, 0.026)}[
        order.variant
    ]
    if order.chance(0.12):
        draft.attributes = ("closed",)
        draft.directions = dict(FRONT)
        draft.add(shell, slab(w, d, 0.55 * t, 0.012), slab(w, d, 0.5 * t, 0.012).moved(z=0.56 * t))
        draft.add(_DARK_PLASTIC, rounded_box((0.6 * w, 0.01, 0.012)).moved(y=0.5 * d - 0.006, z=0.002))
        badge = lathe([(0, 0), (0.018, 0), (0.016, 0.0004), (0, 0.0004)], segments=20)
        draft.add(materials.plastic(contrast_color(order.paint()), 0.3), badge.moved(z=1.06 * t))
        draft.top = rectangle(0.9 * w, 0.9 * d)
        return draft
    draft.add(shell, slab(w, d, t, 0.012))
    pale = order.color in ("white", "silver", "gray")
    ground, cap = ((0.45, 0.45, 0.46), (0.75, 0.75, 0.76)) if pale else ((0.02, 0.02, 0.022), (0.05, 0.05, 0.055))
    board = Material(materials.WHITE, 0.6, 0.0, prints.keys(ground, cap, 14, 5))
    draft.add(board, tile(0.88 * w, 0.46 * d).moved(y=0.12 * d, z=t + 0.0004))
    draft.add(
        materials.plastic(mix(order.paint(), (0.3, 0.3, 0.3), 0.4), 0.3),
        tile(0.32 * w, 0.24 * d).moved(y=-0.3 * d, z=t + 0.0004),
    )
    tilt = order.uniform(8, 28)
    lid = slab(w, 0.94 * d, 0.007, 0.012).turned("x", 90).moved(y=0.007)
    screen = _screen(order, (0, 1, 2, 0, 1, 3))
    draft.attributes = ("open",)
    glass = panel(0.93 * w, 0.83 * d).moved(y=-0.0006, z=-0.41 * d)
    bezel = panel(0.97 * w, 0.89 * d).moved(y=-0.0003, z=-0.445 * d)
    for material, mesh in ((shell, lid), (_DARK_PLASTIC, bezel), (screen, glass)):
        draft.add(material, mesh.moved(z=0.47 * d).turned("x", -tilt).moved(y=0.49 * d, z=t))
    cosine, sine = float(np.cos(np.radians(tilt))), float(np.sin(np.radians(tilt)))
    draft.directions["screen"] = (0.0, -cosine, sine)
    return draft


def _monitor(order: Order) -> Draft:
    draft = Draft(None, None, (), {"front": (0.0, -1.0, 0.0), "screen": (0.0, -1.0, 0.0)})
    w, h = {"wide": (0.54, 0.31), "square": (0.4, 0.32), "curved": (0.62, 0.28)}[order.variant]
    # A screen has no colour of its own and hides most of the rest.
    color = order.pick(("black", "black", "silver", "white"))
    shell = _shell(Order(order.generator, order.variant, color))
    screen = _screen(order, (0, 1, 1, 3))
    z = order.uniform(0.1, 0.14)
    pieces = [(shell, slab(w, h, 0.022, 0.01).turned("x", 90).moved(y=0.022, z=0.5 * h))]
    pieces += [
        (_DARK_PLASTIC, panel(0.985 * w, 0.975 * h).moved(y=-0.0006, z=0.0125 * h)),
        (screen, _fine_panel(0.955 * w, 0.92 * h).moved(y=-0.0012, z=0.045 * h)),
    ]
    for material, mesh in pieces:
        if order.variant == "curved":
            bent = mesh.vertices - np.outer(0.35 * (mesh.vertices[:, 0]) ** 2, (0.0, 1.0, 0.0))
            mesh = Mesh(bent, mesh.faces, mesh.normals, mesh.uv)
        draft.add(material, mesh.moved(z=z))
    dark = shell if color in ("black", "silver") else _DARK_PLASTIC
    draft.add(dark, rounded_box((0.05, 0.02, z + 0.5 * h), 0.004).moved(y=0.035))
    foot = (
        slab(0.24, 0.17, 0.01, 0.02)
        if order.variant != "square"
        else lathe([(0, 0), (0.1, 0), (0.1, 0.006), (0.09, 0.01), (0, 0.01)])
    )
    draft.add(dark, foot.moved(y=0.02))
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
    vertices = np.concatenate([strip.vertices for strip in strips])
    faces = np.concatenate([strip.faces + 4 * index for index, strip in enumerate(strips)]).astype(np.int32)
    return Mesh(vertices, faces, np.tile((0.0, -1.0, 0.0), (32, 1)), np.concatenate([strip.uv for strip in strips]))


def _keyboard(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    w, d, columns = {"full": (0.43, 0.135, 18), "compact": (0.3, 0.11, 14), "split": (0.4, 0.16, 16)}[order.variant]
    color = order.paint()
    t = order.uniform(0.014, 0.022)
    draft.add(materials.plastic(color, 0.45), slab(w, d, t, 0.01))
    cap = mix(color, (0.95, 0.95, 0.95), 0.02 if order.color == "black" else 0.35)
    ground = mix(color, materials.DARK, 0.6)
    field = Material(materials.WHITE, 0.55, 0.0, prints.keys(ground, cap, columns, 5))
    plain = materials.plastic(mix(cap, materials.DARK, 0.3), 0.6)
    halves = ((-1, 0.47), (1, 0.47)) if order.variant == "split" else ((0, 0.95),)
    for side, share in halves:
        for name, mesh in box_sides((share * w, 0.82 * d, 0.005), 0.001).items():
            draft.add(field if name == "top" else plain, mesh.moved(x=0.24 * side * w, z=t - 0.001))
    if order.variant == "split":
        draft.add(materials.plastic(color, 0.45), slab(w, 0.35 * d, 0.7 * t, 0.02).moved(y=-0.6 * d))
    return draft


def _mouse(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    w, d, h = {"classic": (0.032, 0.055, 0.036), "flat": (0.03, 0.055, 0.022), "ergonomic": (0.036, 0.06, 0.05)}[
        order.variant
    ]
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
        draft.add(_DARK_PLASTIC, tube(cord, 0.0018, segments=6))
    return draft


def _flat_screen(order: Order, w: float, d: float, t: float) -> Draft:
    """Lies with its screen up if it is black, on its face otherwise: its colour can be told from above."""
    face_up = order.color == "black" and order.chance(0.75)
    draft = Draft(order.color, None, ("face-up",) if face_up else ("face-down",))
    draft.directions = {"screen": (0.0, 0.0, 1.0 if face_up else -1.0)}
    draft.top = rectangle(0.85 * w, 0.85 * d)
    draft.add(materials.plastic(order.paint(), 0.25), slab(w, d, t, 0.011))
    if face_up:
        screen = _screen(order, (2, 3))
        # Set into the case by a hair, so that the top is the highest.
        draft.add(screen, tile(0.88 * w, 0.9 * d).moved(z=t + 0.0001))
        return draft
    corner = np.array([-0.28 * w, 0.5 * d - 0.28 * min(w, d)])
    bump = slab(0.02, 0.032, 0.0012, 0.006, bevel=0.001).moved(corner[0], corner[1], t)
    draft.add(_DARK_PLASTIC if order.color != "black" else Material((0.1, 0.1, 0.105), 0.4), bump)
    for y in (-0.008, 0.008):
        lens = lathe([(0, 0), (0.0055, 0), (0.0055, 0.0008), (0, 0.0008)], segments=14)
        draft.add(Material((0.03, 0.035, 0.07), 0.1), lens.moved(corner[0], corner[1] + y, t + 0.0012))
    draft.top = None
    return draft


def _phone(order: Order) -> Draft:
    return _flat_screen(
        order, *{"tall": (0.072, 0.152), "small": (0.06, 0.124), "square": (0.078, 0.12)}[order.variant], 0.008
    )


def _tablet(order: Order) -> Draft:
    return _flat_screen(
        order, *{"wide": (0.25, 0.165), "upright": (0.18, 0.25), "square": (0.21, 0.2)}[order.variant], 0.0075
    )


_category = partial(Category, family="computers", places=PLACES)

CATEGORIES = (
    _category(
        "laptop",
        "laptops",
        (0.26, 0.4),
        ("silver", "black", "gray", "white", "blue", "red"),
        ("standard", "small"),
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
        ("wide", "square"),
        ("curved",),
        _monitor,
        places=("desk",),
        confusable=("laptop",),
    ),
    _category(
        "keyboard",
        "keyboards",
        (0.28, 0.46),
        (*_NEUTRAL, "pink", "blue"),
        ("full", "compact"),
        ("split",),
        _keyboard,
        places=("desk", "table"),
    ),
    _category(
        "computer mouse",
        "computer mice",
        (0.09, 0.15),
        (*_NEUTRAL, "red", "blue", "pink", "green"),
        ("classic", "flat"),
        ("ergonomic",),
        _mouse,
        places=("desk", "table"),
    ),
    _category(
        "phone",
        "phones",
        (0.12, 0.17),
        (*_NEUTRAL, "blue", "red", "pink"),
        ("tall", "small"),
        ("square",),
        _phone,
        places=(*PLACES, "counter", "tray"),
        confusable=("tablet",),
    ),
    _category(
        "tablet",
        "tablets",
        (0.2, 0.3),
        (*_NEUTRAL, "blue", "pink"),
        ("wide", "upright"),
        ("square",),
        _tablet,
        places=PLACES,
        confusable=("phone", "laptop"),
    ),
)
