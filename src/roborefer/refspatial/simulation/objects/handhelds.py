"""Phones and tablets: little more than a screen, lying on either face."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import contrast_color
from roborefer.refspatial.simulation.objects.draft import Draft, Order
from roborefer.refspatial.simulation.objects.outlines import rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, lathe, rounded_box, slab, tile, tube


def screen(order: Order, styles: tuple[int, ...]) -> Material:
    """What a screen shows, drawn from these styles of ``prints.screen``."""
    return Material((0.9, 0.9, 0.9), 0.15, 0.0, prints.screen(order.generator, order.pick(styles)))


def phone(order: Order) -> Draft:
    if order.variant in ("keypad", "flip"):
        return _keypad_phone(order)
    w, d = {
        "tall": (0.072, 0.152),
        "small": (0.06, 0.124),
        "square": (0.078, 0.12),
        "camera bar": (0.074, 0.155),
        "round camera": (0.076, 0.158),
    }[order.variant]
    return _flat_screen(order, w, d, 0.008)


def _keypad_phone(order: Order) -> Draft:
    """A bar with keys below a little screen, or a clamshell that lies open."""
    draft = Draft(order.color, None, ("face-up",), {"screen": (0.0, 0.0, 1.0)})
    color = order.paint()
    shell = materials.plastic(color, 0.35)
    ink = materials.plastic(contrast_color(color), 0.4)
    shown = screen(order, (0, 2, 3))
    folds = order.variant == "flip"
    w, d, t = (0.05, 0.09, 0.011) if folds else (0.05, 0.13, 0.015)
    middle = 0.0 if folds else -0.22 * d
    draft.add(shell, slab(w, d, t, 0.008 if folds else 0.018, bevel=0.004))
    key = rounded_box((0.011, 0.0075, 0.0018), 0.0007)
    for row in range(4):
        for column in range(3):
            draft.add(ink, key.moved(0.0138 * (column - 1), middle + 0.0125 - 0.0115 * row, t - 0.0004))
    pad = lathe([(0.0075, 0), (0.0075, 0.0014), (0.006, 0.002), (0, 0.002)], segments=18)
    draft.add(ink, pad.moved(0, middle + 0.03, t - 0.0004))
    glass = [
        (materials.DARK_PLASTIC, tile(0.82 * w, 0.046).moved(z=0.0008)),
        (shown, tile(0.72 * w, 0.04).moved(z=0.0016)),
    ]
    if not folds:
        for material, mesh in glass:
            draft.add(material, mesh.moved(y=0.24 * d, z=t))
        return draft
    draft.attributes = ("open",)
    lean = order.uniform(20, 60)
    lid = [(shell, slab(w, 0.085, 0.009, 0.01, bevel=0.004).moved(z=-0.009)), *glass]
    for material, mesh in lid:
        draft.add(material, mesh.moved(y=0.044).turned("x", lean).moved(y=0.5 * d, z=t))
    hinge = tube([(-0.4 * w, 0.5 * d, t - 0.004), (0.4 * w, 0.5 * d, t - 0.004)], 0.006, ends="flat")
    draft.add(shell, hinge)
    draft.directions["screen"] = (0.0, -float(np.sin(np.radians(lean))), float(np.cos(np.radians(lean))))
    return draft


def tablet(order: Order) -> Draft:
    if order.variant in ("bumper", "folio"):
        return _cased_tablet(order)
    w, d = {"wide": (0.25, 0.165), "upright": (0.18, 0.25), "square": (0.21, 0.2), "grip": (0.25, 0.17)}[order.variant]
    draft = _flat_screen(order, w, d, 0.0075)
    if order.variant == "grip":
        # A tube along one edge holds the battery and is held by the hand.
        edge = [(-0.46 * w, 0.5 * d, 0.0105), (0.46 * w, 0.5 * d, 0.0105)]
        draft.add(draft.pieces[0][1], tube(edge, 0.0105, segments=16, ends="flat"))
        draft.top = None
    return draft


def _cased_tablet(order: Order) -> Draft:
    """In a child's thick bumper with a handle, or propped up on its folded cover."""
    draft = Draft(order.color, None, ("face-up",), {"screen": (0.0, 0.0, 1.0)})
    w, d = 0.24, 0.17
    case = materials.rubber(order.paint())
    shown = screen(order, (0, 2, 2, 3))
    glass = [
        (materials.DARK_PLASTIC, tile(0.84 * w, 0.8 * d).moved(z=0.0012)),
        (shown, tile(0.78 * w, 0.71 * d).moved(z=0.0024)),
    ]
    if order.variant == "bumper":
        t = 0.022
        for material, mesh in glass:
            draft.add(material, mesh.moved(z=t))
        draft.add(case, slab(1.12 * w, 1.16 * d, t, 0.03, bevel=0.008))
        bow = smooth([(-0.07, 0.09, 0.012), (-0.06, 0.13, 0.012), (0.06, 0.13, 0.012), (0.07, 0.09, 0.012)], 5)
        draft.add(case, tube(bow, 0.011, segments=10))
        return draft
    draft.attributes = ()
    lean = order.uniform(12, 30)
    for material, mesh in (*glass, (case, slab(w, d, 0.01, 0.011).moved(z=-0.01))):
        draft.add(material, mesh.moved(y=0.5 * d).turned("x", 90 - lean).moved(y=0.02, z=0.012))
    sine, cosine = float(np.sin(np.radians(lean))), float(np.cos(np.radians(lean)))
    # The cover's front half lies before the screen, the other half is a leg behind it.
    draft.add(case, slab(w, 0.75 * d, 0.005, 0.01).moved(y=0.03 - 0.375 * d))
    height = 0.012 + 0.6 * d * cosine
    leg = slab(0.9 * w, 1.15 * height, 0.004, 0.01).moved(y=0.575 * height, z=-0.004).turned("x", -60)
    draft.add(case, leg.moved(y=0.03 + 0.6 * d * sine, z=height))
    draft.directions = {"front": (0.0, -1.0, 0.0), "screen": (0.0, -cosine, sine)}
    return draft


def _flat_screen(order: Order, w: float, d: float, t: float) -> Draft:
    """Lies with its screen up if it is black, on its face otherwise: its colour can be told from above."""
    face_up = order.color == "black" and order.chance(0.75)
    draft = Draft(order.color, None, ("face-up",) if face_up else ("face-down",))
    draft.directions = {"screen": (0.0, 0.0, 1.0 if face_up else -1.0)}
    draft.top = rectangle(0.85 * w, 0.85 * d)
    draft.add(materials.plastic(order.paint(), 0.25), slab(w, d, t, 0.011))
    if face_up:
        shown = screen(order, (2, 3))
        # A hair above the case, or the two would flicker.
        draft.add(shown, tile(0.88 * w, 0.9 * d).moved(z=t + 0.0001))
        return draft
    dark = materials.DARK_PLASTIC if order.color != "black" else Material((0.1, 0.1, 0.105), 0.4)
    bump, places = _cameras(order.variant, w, d)
    draft.add(dark, bump.moved(z=t))
    for x, y in places:
        lens = lathe([(0, 0), (0.0055, 0), (0.0055, 0.0008), (0, 0.0008)], segments=14)
        draft.add(Material((0.03, 0.035, 0.07), 0.1), lens.moved(x, y, t + 0.0012))
    draft.top = None
    return draft


def _cameras(variant: str, w: float, d: float) -> tuple[Mesh, list[tuple[float, float]]]:
    """The raised plate on the back, and where its lenses are."""
    if variant == "camera bar":
        bar = slab(0.995 * w, 0.021, 0.0012, 0.0, bevel=0.001).moved(y=0.3 * d)
        return bar, [(x, 0.3 * d) for x in (-0.022, -0.008, 0.014)]
    if variant == "round camera":
        disc = lathe([(0, 0), (0.024, 0), (0.023, 0.0012), (0, 0.0012)], segments=32).moved(y=0.26 * d)
        return disc, [(x, 0.26 * d + y) for x in (-0.008, 0.008) for y in (-0.008, 0.008)]
    x, y = -0.28 * w, 0.5 * d - 0.28 * min(w, d)
    return slab(0.02, 0.032, 0.0012, 0.006, bevel=0.001).moved(x, y), [(x, y - 0.008), (x, y + 0.008)]
