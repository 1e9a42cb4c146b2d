"""What cuts and fastens paper: staplers, rolls of tape, scissors, glue sticks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    extrude,
    lathe,
    panel,
    ring,
    rounded_box,
    side_view,
    stack,
    tube,
)

# Side views of a stapler's arm, front first: y as a share of its length, z for a height of 0.05 m.
_ARM = ((-0.46, 0.018), (-0.49, 0.03), (-0.42, 0.042), (0.0, 0.05), (0.36, 0.05), (0.47, 0.036), (0.48, 0.01))
_DOME = ((-0.48, 0.014), (-0.5, 0.024), (-0.38, 0.046), (-0.05, 0.064), (0.3, 0.054), (0.47, 0.028), (0.49, 0.01))
_BEAM = ((-0.47, 0.041), (-0.5, 0.047), (-0.47, 0.054), (0.0, 0.044), (0.36, 0.036), (0.48, 0.026), (0.48, 0.01))
_HEAD = ((-0.5, 0.022), (-0.5, 0.066), (-0.4, 0.074), (-0.28, 0.062), (-0.2, 0.04), (0.3, 0.036), (0.44, 0.01))
_CORNERS = np.radians([90, 210, 330])
# With round corners and a flat side in front: (15, 2), about as wide as a circle of radius 1.
TRIANGLE = np.concatenate(
    [arc((0.55 * np.cos(a), 0.55 * np.sin(a)), 0.45, 120 * k + 30, 120 * k + 150, 5) for k, a in enumerate(_CORNERS)]
)


def stapler(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    shell = materials.plastic(order.paint(), 0.3)
    dark = materials.plastic((0.02, 0.02, 0.022) if order.color != "black" else (0.045, 0.045, 0.047), 0.5)
    length, high, width, arm = {
        "desk": (0.15, 0.05, 0.026, _ARM),
        "long": (0.19, 0.045, 0.026, _ARM),
        "mini": (0.08, 0.04, 0.026, _ARM),
        "rounded": (0.1, 0.045, 0.038, _DOME),
        "open": (0.16, 0.05, 0.022, _BEAM),
        "heavy": (0.18, 0.05, 0.03, _HEAD),
    }[order.variant]
    deep = length - 0.004
    base = stack(
        [rounded_rectangle(width + 0.01, length, 0.012, 3), rounded_rectangle(width + 0.008, deep, 0.012, 3)],
        [0, 0.009],
    )
    draft.add(dark, base)
    side = smooth(arm, 3) * (length, high / 0.05)
    outline = np.concatenate([side, [(0.3 * length, 0.008), (0.2 * length, 0.02)]])
    draft.add(shell, side_view(outline[::-1], width))
    magazine = rounded_box((0.018, 0.85 * length, 0.006)).moved(y=-0.02 * length, z=0.014)
    if order.variant == "open":
        # Follows the arm, which is hinged at the back.
        magazine = rounded_box((0.018, 0.9 * length, 0.008)).turned("x", -8).moved(y=-0.03 * length, z=0.025)
    elif order.variant == "heavy":
        lever = smooth([(0, -0.075, 0.064), (0, 0.0, 0.08), (0, 0.07, 0.1), (0, 0.095, 0.104)], 3)
        draft.add(shell, tube(lever, 0.009, segments=10))
        draft.add(dark, tube(lever[-6:] + np.array([0, 0.004, 0.001]), 0.011, segments=10))
    draft.add(materials.metal(), magazine)
    return draft


def tape(order: Order) -> Draft:
    draft = Draft(order.color)
    r, inner, h = {
        "wide": (0.05, 0.037, 0.045),
        "narrow": (0.042, 0.032, 0.02),
        "thin": (0.045, 0.039, 0.022),
        "electrical": (0.038, 0.014, 0.019),
        "tall": (0.045, 0.034, 0.095),
        "pulled": (0.04, 0.029, 0.028),
    }[order.variant]
    band = materials.plastic(order.paint(), 0.25)
    draft.add(band, lathe([(inner + 0.003, 0), (r, 0), (r, h), (inner + 0.003, h)], segments=36))
    if order.variant == "pulled":
        draft.add(band, loose_end(r, h, 0.075))
    core = materials.cardboard((0.5, 0.33, 0.18))
    draft.add(core, lathe([(inner + 0.003, h), (inner, h), (inner, 0), (inner + 0.003, 0)], segments=36))
    return draft


def loose_end(radius: float, height: float, length: float) -> Mesh:
    """What is pulled off a standing roll: leaves it in front, towards +x."""
    way = smooth([(0, -radius), (0.35 * length, -radius), (0.7 * length, -1.05 * radius), (length, -1.2 * radius)])
    return extrude(np.concatenate([way, way[::-1] - (0, 0.001)]), height)


def scissors(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0), "handle": (0.0, 1.0, 0.0)})
    grip = materials.plastic(order.paint(), 0.35)
    steel = materials.metal()
    opening = order.uniform(4, 22)
    long = {"long": 0.1, "round": 0.075, "blunt": 0.06, "tailor": 0.11, "kitchen": 0.085, "children": 0.055}[
        order.variant
    ]
    broad = {"tailor": 1.5, "kitchen": 1.9}.get(order.variant)
    for side in (-1.0, 1.0):
        tip = 0.0 if order.variant not in ("blunt", "children") else 0.004
        blade = extrude([(-0.007, 0.02), (-0.004, -0.6 * long), (-tip, -long), (0.0015, -long), (0.006, 0.02)], 0.002)
        shank = np.array([(0.0, 0.012, 0), (-0.004, 0.03, 0), (-0.012, 0.045, 0)])
        parts = [
            (steel, (blade if broad is None else blade.scaled(broad, 1, 1)).moved(z=0.0025)),
            (grip, tube(shank, 0.0045, segments=8).moved(z=0.0042)),
            (grip, tube(_finger_hole(order.variant, side), 0.004, segments=8, closed=True).moved(z=0.004)),
        ]
        if order.variant == "children":
            sleeve = [(0.004, 0.03), (-0.008, 0.03), (-0.0095, -0.5 * long), (-0.006, -0.95 * long), (0, -0.9 * long)]
            parts.append((grip, extrude(sleeve, 0.0035).moved(z=0.0018)))
        for material, mesh in parts:
            shown = mesh if side > 0 else mesh.mirrored()
            draft.add(material, shown.turned("z", -side * opening / 2).moved(z=0.0 if side > 0 else 0.0021))
    draft.add(steel, lathe([(0, 0), (0.004, 0), (0.004, 0.0085), (0, 0.009)], segments=14))
    return draft


def _finger_hole(variant: str, side: float) -> ArrayLike:
    """The middle line (N, 3) of the left one."""
    x, y = 0.017, 0.062
    loop = circle(16, 0.013 if variant != "round" else 0.016, 0.02 if variant != "round" else 0.016)
    if variant == "kitchen":
        x, y, loop = 0.023, 0.074, rounded_rectangle(0.038, 0.064, 0.015, 4)
    elif variant == "children":
        x, y, loop = 0.02, 0.055, circle(16, 0.017, 0.021)
    elif variant == "tailor" and side > 0:
        # For four fingers; the other one is for the thumb.
        x, y, loop = 0.019, 0.078, circle(20, 0.015, 0.037)
    return ring(loop + np.array([-x, y]), 0.0)


def glue_stick(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.012, 0.085
    r *= {"slim": 1.0, "wide": 1.3, "domed": 1.1, "knobbed": 1.15, "triangular": 1.5}.get(order.variant, 1.2)
    color = order.paint()
    ink = order.paint(other_color(order.color, order.generator))
    style = order.integer(1, 3)
    foot = materials.plastic(color, 0.4)
    if order.variant == "triangular":
        shares, heights = (1.1, 1.1, 1, 1, 1.1, 1.05, 0.9), (0, 0.1, 0.1, 0.7, 0.7, 0.97, 1)
        draft.add(foot, stack([r * share * TRIANGLE for share in shares], [h * height for height in heights]))
        front = materials.plastic(color, 0.4, prints.label("GLUE", color, ink, style, aspect=0.4))
        draft.add(front, panel(1.1 * r, 0.54 * h).moved(y=-0.728 * r, z=0.13 * h))
        return draft
    texture = prints.round_label("GLUE", color, ink, style, aspect=2.0)
    draft.add(materials.plastic(color, 0.4, texture), lathe([(r, 0.1 * h), (r, 0.7 * h)]))
    if order.variant == "knobbed":
        wheel = [share * r * circle(32) * np.where(np.arange(32) % 2, 1.0, 0.94)[:, None] for share in (1.35, 1.35, 1)]
        draft.add(foot, stack(wheel, [0, 0.13 * h, 0.15 * h]))
    else:
        draft.add(foot, lathe([(0, 0), (1.08 * r, 0), (1.08 * r, 0.1 * h), (r, 0.1 * h)]))
    if order.variant == "open":
        draft.add(foot, lathe([(r, 0.7 * h), (0.85 * r, 0.72 * h), (0.85 * r, 0.78 * h), (0, 0.78 * h)]))
        draft.add(
            materials.rubber((0.88, 0.87, 0.84)), lathe([(0.72 * r, 0.78 * h), (0.7 * r, 0.93 * h), (0, 0.95 * h)])
        )
        return draft
    cap = [(r, 0.7 * h), (1.08 * r, 0.7 * h), (1.05 * r, 0.97 * h), (0.9 * r, h), (0, h)]
    if order.variant == "domed":
        cap = [(r, 0.7 * h), (1.08 * r, 0.7 * h), *map(tuple, arc((0, 0.85 * h), 1.04 * r, 0, 90, 6))]
    elif order.variant == "knobbed":
        cap = [(r, 0.7 * h), (1.2 * r, 0.7 * h), (1.2 * r, 0.74 * h), (r, 0.76 * h), (0.6 * r, h), (0, h)]
    draft.add(foot, lathe(cap))
    return draft
