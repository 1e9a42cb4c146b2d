"""What is heard: headphones, speakers, alarm clocks."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    panel,
    rounded_box,
    stack,
    tube,
)


def headphones(order: Order) -> Draft:
    """Stand on their cups, or lie with their cups swivelled flat."""
    draft = Draft(order.color)
    shell = materials.plastic(order.paint(), 0.35)
    r = {
        "over-ear": 0.042,
        "on-ear": 0.032,
        "studio": 0.05,
        "oblong": 0.036,
        "headset": 0.038,
        "two wires": 0.046,
        "lying": 0.04,
    }[order.variant]
    span = 0.085
    angles = np.radians(np.linspace(0, 180, 17))
    path = np.stack([span * np.cos(angles), np.zeros(17), r + 0.012 + 1.25 * span * np.sin(angles)], axis=1)
    if order.variant == "two wires":
        for y in (-0.014, 0.014):
            draft.add(materials.metal(), tube(path - (0, y, 0), 0.0018, segments=6))
        draft.add(shell, tube(path[3:14] * (0.93, 1, 1) - (0, 0, 0.009), 0.003, segments=8, flatten=6))
    elif order.variant == "oblong":
        draft.add(materials.metal(), tube(path, 0.0035, segments=8))
        draft.add(shell, tube(path[4:13], 0.0055, segments=8, flatten=3.2))
    else:
        draft.add(shell, tube(path, 0.005, segments=8, flatten=2.4))
    pad = materials.rubber(materials.DARK if order.color != "black" else (0.09, 0.09, 0.095))
    if order.variant not in ("on-ear", "two wires", "oblong"):
        inner = path[5:12] * (0.955, 1, 1) - (0, 0, 0.004)
        draft.add(pad, tube(inner, 0.006, segments=8, flatten=2.0))
    for side in (-1.0, 1.0):
        if order.variant == "oblong":
            for material, grown, x in ((shell, 1.0, 0.012), (pad, 0.92, -0.011)):
                shares = (0.86 * grown, grown)
                inner, outer = (rounded_rectangle(2.5 * r * share, 1.7 * r * share, r) for share in shares)
                cup = stack([inner, outer, outer, inner], [0, 0.006, 0.018, 0.022])
                draft.add(material, cup.turned("y", -90 * side).moved(x=side * (span + x), z=1.25 * r))
            continue
        cup = lathe([(0, 0), (0.75 * r, 0), (r, 0.008), (r, 0.02), (0, 0.02)], segments=24).turned("y", -90 * side)
        profile = [(0.45 * r, 0), (0.95 * r, 0), (1.0 * r, 0.008), (0.9 * r, 0.017), (0.55 * r, 0.017), (0.45 * r, 0)]
        cushion = lathe(profile, segments=22).turned("y", -90 * side)
        if order.variant == "lying":
            draft.add(shell, cup.turned("z", -90 * side).moved(side * span, -0.012, r))
            draft.add(pad, cushion.turned("z", -90 * side).moved(side * span, 0.006, r))
            continue
        draft.add(shell, cup.moved(x=side * (span + 0.012), z=r))
        draft.add(pad, cushion.moved(x=side * (span - 0.006), z=r))
    if order.variant == "headset":
        boom = smooth([(-span - 0.006, -0.02, r), (-span - 0.004, -0.06, 0.7 * r), (-0.045, -0.1, 0.4 * r)], 5)
        draft.add(materials.DARK_PLASTIC, tube(boom, 0.0024, segments=8))
        draft.add(pad, ellipsoid(0.011, 0.007, 0.007, segments=12, rings=8).moved(*boom[-1]))
    if order.variant == "lying":
        draft.turn("x", -90)
    return draft


def alarm_clock(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "face": (0.0, -1.0, 0.0)})
    color = order.paint()
    shell = materials.plastic(color, 0.3)
    hours, minutes = order.integer(1, 12), 5 * order.integer(0, 11)
    if order.variant == "digital":
        draft.attributes = ("digital",)
        draft.add(shell, rounded_box((0.14, 0.06, 0.065), 0.01, steps=2))
        display = Material((1.2, 1.2, 1.2), 0.15, 0.0, prints.clock_face(materials.DARK, hours, minutes, digital=True))
        draft.add(display, panel(0.115, 0.045).moved(y=-0.0304, z=0.01))
        draft.add(materials.DARK_PLASTIC, rounded_box((0.05, 0.02, 0.004), 0.001).moved(z=0.064))
        return draft
    r, depth = 0.048, 0.035
    dial = Material(
        materials.WHITE,
        0.4,
        0.0,
        prints.clock_face((0.9, 0.89, 0.85) if order.chance(0.8) else (0.03, 0.03, 0.035), hours, minutes),
    )
    if order.variant == "square":
        draft.add(shell, rounded_box((2.2 * r, 0.045, 2.2 * r), 0.012, steps=2))
        draft.add(dial, _disc(0.9 * r).moved(y=-0.0232, z=1.1 * r))
        return draft
    z = r + 0.014
    body = lathe(
        [
            (0, 0),
            (0.9 * r, 0),
            (r, 0.006),
            (r, depth),
            (0.93 * r, depth),
            (0.91 * r, depth - 0.004),
            (0, depth - 0.004),
        ],
        segments=32,
    )
    draft.add(shell, body.turned("x", 90).moved(y=0.5 * depth, z=z))
    draft.add(dial, _disc(0.905 * r).moved(y=-0.5 * depth + 0.0034, z=z))
    if order.variant == "arch":
        # The round body is set into a thick arch with a step at its foot.
        outline = [(-0.058, 0), (0.058, 0), *arc((0.0, z), 0.058, 0, 180, 17)]
        draft.add(shell, extrude(outline, depth).turned("x", 90).moved(y=0.5 * depth + 0.008))
        draft.add(shell, rounded_box((0.135, depth + 0.022, 0.012), 0.003).moved(y=0.003))
        return draft
    bare = materials.metal()
    if order.variant == "drum":
        back = lathe([(0, 0), *smooth([(0.55 * r, 0), (0.9 * r, 0.012), (r, 0.035)], 4)], segments=32)
        draft.add(shell, back.turned("x", 90).moved(y=0.5 * depth + 0.028, z=z))
        draft.add(shell, rounded_box((1.3 * r, depth + 0.02, 0.03), 0.004).moved(y=0.008))
        draft.add(bare, rounded_box((0.04, 0.024, 0.014), 0.004).moved(y=0.004, z=z + r - 0.006))
        return draft
    sides = (-1.0, 1.0) if order.variant == "twin bell" else (0.0,)
    for side in sides:
        bell = lathe(
            [(0, 0), (0.021, 0), *smooth([(0.021, 0.001), (0.018, 0.01), (0.009, 0.016), (0, 0.018)], 3)], segments=18
        )
        if order.variant == "one bell":
            bell = bell.scaled(1.5, 1.5, 1.3).moved(z=0.004)
        draft.add(shell, bell.moved(z=r + 0.003).turned("y", side * 32).moved(z=z))
    if order.variant == "one bell":
        stem = lathe([(0, 0), (0.005, 0), (0.005, 0.036), (0.008, 0.038), (0.005, 0.044), (0, 0.045)], segments=12)
        draft.add(bare, stem.moved(z=z + r - 0.004))
        foot = lathe([(0, 0), (0.04, 0), (0.04, 0.005), *smooth([(0.02, 0.009), (0.01, 0.014), (0.01, 0.026)], 3)])
        draft.add(shell, foot)
        return draft
    for side in (-1.0, 1.0):
        leg = tube([(0, 0, -r + 0.003), (0, 0, -r - 0.014)], 0.0042, segments=8).turned("y", side * -30)
        draft.add(bare, leg.moved(z=z))
    handle = smooth(
        [(-0.024, 0, z + r + 0.005), (-0.016, 0, z + r + 0.026), (0.016, 0, z + r + 0.026), (0.024, 0, z + r + 0.005)],
        4,
    )
    draft.add(bare, tube(handle, 0.0022, segments=7))
    return draft


def _disc(radius: float) -> Mesh:
    """A round face towards the front in the plane y = 0, its print upright."""
    flat = circle(32)[::-1] * radius
    vertices = np.concatenate([[(0.0, 0.0, 0.0)], np.stack([flat[:, 0], np.zeros(32), flat[:, 1]], axis=1)])
    edge = np.arange(32)
    # The circle runs clockwise seen along +z = seen from behind, so fans are turned to face the front.
    faces = np.stack([np.zeros(32, int), 1 + (edge + 1) % 32, 1 + edge], axis=1).astype(np.int32)
    uv = np.stack([vertices[:, 0], vertices[:, 2]], axis=1) / (2 * radius) + 0.5
    return Mesh(vertices, faces, np.tile((0.0, -1.0, 0.0), (33, 1)), uv)


def speaker(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    dark = materials.DARK_PLASTIC if order.color != "black" else Material((0.09, 0.09, 0.095), 0.5)
    if order.variant in ("cylinder", "puck"):
        h, r = (0.17, 0.045) if order.variant == "cylinder" else (0.075, 0.08)
        cloth = materials.fabric(color, order.integer(0, 3))
        draft.directions = {}
        if order.variant == "puck":
            side = smooth([(0.8 * r, 0.006), (0.97 * r, 0.25 * h), (r, 0.5 * h), (0.95 * r, 0.78 * h), (0.8 * r, h)], 3)
            draft.add(cloth, lathe([(0, 0.006), *side, (0, h)]))
            draft.add(dark, lathe([(0, 0), (0.7 * r, 0), (0.7 * r, 0.01)]))
            draft.add(dark, lathe([(0.68 * r, h - 0.001), (0.68 * r, h + 0.001), (0, h + 0.001)]))
            light = [(0.5 * r, h), (0.56 * r, h), (0.56 * r, h + 0.002), (0.5 * r, h + 0.002), (0.5 * r, h)]
            draft.add(materials.plastic(order.accent(), 0.2), lathe(light))
            return draft
        draft.add(cloth, lathe([(r, 0.01), (r, 0.93 * h)]))
        draft.add(dark, lathe([(0, 0), (0.96 * r, 0), (r, 0.01)]), lathe([(r, 0.93 * h), (0.94 * r, h), (0, h)]))
        return draft
    w, d, h = {
        "bookshelf": (0.12, 0.13, 0.2),
        "wide": (0.2, 0.08, 0.08),
        "tower": (0.085, 0.1, 0.25),
        "leaning": (0.09, 0.085, 0.19),
        "ball": (0.16, 0.16, 0.16),
    }[order.variant]
    wooden = order.color == "brown"
    box = (
        materials.wood(mix(color, (0.5, 0.28, 0.12), 0.3), order.integer(0, 3))
        if wooden
        else materials.plastic(color, 0.45)
    )
    draft.material = "wood" if wooden else None
    if order.variant == "ball":
        # Cut off in front, where the cone sits.
        cut = arc((0.0, 0.0), 0.5 * w, -90, 50, 20)
        cut[0, 0] = 0.0
        draft.add(box, lathe([*cut, (0, cut[-1, 1])]).turned("x", 90).moved(z=0.52 * w))
        draft.add(dark, lathe([(0, 0), (0.36 * w, 0), (0.3 * w, 0.12 * w), (0, 0.12 * w)]))
        d = 2 * float(cut[-1, 1])
    elif order.variant == "leaning":
        outlines = [rounded_rectangle(w * share, d * share, 0.04, 5) for share in (0.8, 1, 1, 0.9, 0.7)]
        draft.add(box, stack(outlines, [0, 0.08 * h, 0.75 * h, 0.93 * h, h]))
    else:
        draft.add(box, rounded_box((w, d, h), 0.02 if order.variant == "wide" else 0.005))
    cones = {
        "bookshelf": ((0, 0.34 * h, 0.38 * w), (0, 0.77 * h, 0.2 * w)),
        "wide": ((-0.27 * w, 0.5 * h, 0.38 * h), (0.27 * w, 0.5 * h, 0.38 * h)),
        "tower": ((0, 0.2 * h, 0.38 * w), (0, 0.54 * h, 0.38 * w), (0, 0.82 * h, 0.2 * w)),
        "leaning": ((0, 0.36 * h, 0.3 * w), (0, 0.67 * h, 0.17 * w)),
        "ball": ((0, 0.52 * h, 0.26 * w),),
    }[order.variant]
    for x, z, r in cones:
        cone = lathe(
            [
                (1.08 * r, 0),
                (1.08 * r, 0.003),
                (r, 0.004),
                (0.9 * r, 0.003),
                (0.4 * r, 0.0012),
                (0.36 * r, 0.003),
                (0, 0.006),
            ],
            segments=24,
        )
        draft.add(dark, cone.turned("x", 90).moved(x, -0.5 * d, z))
        ring = lathe([(1.08 * r, 0.0), (1.14 * r, 0.0), (1.14 * r, 0.002), (1.08 * r, 0.003)], segments=24)
        draft.add(materials.metal(), ring.turned("x", 90).moved(x, -0.5 * d, z))
    if order.variant in ("bookshelf", "tower"):
        draft.top = rectangle(0.9 * w, 0.9 * d)
    if order.variant == "leaning":
        draft.turn("x", -14)
        draft.add(dark, lathe([(0, 0), (0.05, 0), (0.045, 0.008), (0.03, 0.02), (0, 0.02)]).moved(y=0.012, z=-0.01))
    return draft
