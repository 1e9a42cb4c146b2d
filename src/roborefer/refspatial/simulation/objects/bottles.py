"""Bodies turned around an upright axis, with a label and something on top: bottles, flasks, sprays, pumps."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, contrast_color, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, arc, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, extrude, lathe, rounded_box, stack, tube


def cut(profile: Floats, low: float, high: float) -> tuple[Floats, Floats, Floats]:
    """A profile (radius, height) in three: up to ``low``, the label's part, from ``high``; heights rising."""
    radius, height = profile.T
    at_low, at_high = ((float(np.interp(z, height, radius)), z) for z in (low, high))
    below, inside, above = height < low, (height > low) & (height < high), height > high
    return (
        np.concatenate([profile[below], [at_low]]),
        np.concatenate([[at_low], profile[inside], [at_high]]),
        np.concatenate([[at_high], profile[above]]),
    )


def wrapped_label(
    order: Order, words: tuple[str, ...], base: Rgb, *, aspect: float, ink: str | None = None
) -> Material:
    """A printed band around a body, ``aspect`` times as long as it is high."""
    color = order.paint(ink or other_color(order.color, order.generator))
    texture = prints.round_label(order.pick(words), base, color, order.integer(0, 3), aspect=aspect)
    return Material(materials.WHITE, 0.45, 0.0, texture)


def build_bottle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = order.uniform(0.22, 0.3), order.uniform(0.031, 0.038)
    # Radius and height as shares of r and h.
    shapes = {
        "wine": [(0.9, 0), (1, 0.02), (1, 0.3), (1, 0.58), (0.78, 0.68), (0.38, 0.77), (0.36, 0.92)],
        "soda": [(0.8, 0), (0.98, 0.03), (0.98, 0.25), (0.86, 0.42), (1.02, 0.62), (0.6, 0.84), (0.36, 0.92)],
        "sport": [(0.95, 0), (1.05, 0.02), (1.05, 0.4), (1.05, 0.68), (0.85, 0.8), (0.6, 0.84)],
        "beer": [(1, 0), (1.08, 0.02), (1.08, 0.1), (1.08, 0.44), (0.9, 0.54), (0.5, 0.7), (0.38, 0.93)],
        "water": [
            (0.85, 0), (1.08, 0.03), (1.08, 0.09), (0.96, 0.12), (1.08, 0.15), (0.96, 0.18), (1.08, 0.21), (1.02, 0.24),
            (1.02, 0.48), (1.08, 0.52), (0.96, 0.55), (1.08, 0.58), (0.98, 0.7), (0.62, 0.85), (0.44, 0.89),
            (0.44, 0.94),
        ],
        "squeeze": [(1.05, 0), (1.15, 0.02), (1.15, 0.1), (1.12, 0.35), (1.15, 0.55), (1.1, 0.66), (0.8, 0.73)],
        "square": [(1, 0), (1.06, 0.02), (1.06, 0.5), (1.06, 0.66), (0.7, 0.74), (0.4, 0.78), (0.38, 0.9)],
    }  # fmt: skip
    profile = smooth(np.array(shapes[order.variant]) * (r, h), 3)
    low, high = {
        "wine": (0.18, 0.5),
        "soda": (0.3, 0.56),
        "sport": (0.25, 0.58),
        "beer": (0.1, 0.36),
        "water": (0.25, 0.47),
        "squeeze": (0.2, 0.5),
        "square": (0.2, 0.56),
    }[order.variant]
    below, band, above = cut(profile, low * h, high * h)
    body = materials.plastic(color, 0.15)
    top = above[-1]
    cap_height = {"sport": 0.06 * h, "squeeze": 0.18 * h}.get(order.variant, h - top[1])
    shoulder = lathe([*above, (0.0, top[1])])
    draft.add(body, lathe([(0, 0), *below]), shoulder)
    pale = order.paint("white")
    aspect = 2 * np.pi * r / ((high - low) * h)
    if order.variant == "sport" and order.chance(0.5):
        draft.add(body, lathe(band))
    else:
        draft.add(
            wrapped_label(
                order,
                ("KETCHUP", "MUSTARD", "SAUCE") if order.variant == "squeeze" else prints.DRINKS,
                pale,
                aspect=aspect,
                ink=None if order.color == "white" else order.color,
            ),
            lathe(band),
        )
    width = 1.18 * top[0]
    cap_color = order.paint(order.pick(("black", "white", "red", "blue")))
    z = top[1] - 0.3 * cap_height
    cap = materials.plastic(cap_color, 0.4)
    # Radius and height as shares of the cap's.
    lid = {
        "beer": [(1.28, 0), (1.22, 0.4), (1.0, 1.3)],
        "squeeze": [(1, 0), (1, 0.4), (0.24, 0.7), (0.12, 1.3)],
    }.get(order.variant, [(1, 0), (1, 1.2), (0.94, 1.3)])
    turned = lathe(
        [(0, z), *((share * width, z + rise * cap_height) for share, rise in lid), (0, z + 1.3 * cap_height)],
        segments=20,
    )
    draft.add(cap, turned)
    if order.variant == "sport":
        z += 1.3 * cap_height
        draft.add(
            cap,
            lathe(
                [
                    (0.4 * width, z),
                    (0.36 * width, z + 0.02),
                    (0.44 * width, z + 0.022),
                    (0.4 * width, z + 0.03),
                    (0, z + 0.031),
                ],
                segments=16,
            ),
        )
    if order.variant == "square":
        draft.pieces = [(_squared(mesh, r, 0.72 * h), material) for mesh, material in draft.pieces]
    elif order.variant == "squeeze":
        # Flat, to be pressed between finger and thumb.
        draft.pieces = [(mesh.scaled(1.15, 0.8, 1), material) for mesh, material in draft.pieces]
    return draft


def _squared(mesh: Mesh, r: float, height: float) -> Mesh:
    """Pushes a round body towards a rounded square up to ``height``."""
    x, y, z = mesh.vertices.T
    distance = np.maximum(np.hypot(x, y), 1e-9)
    box = distance / np.maximum((np.abs(x) ** 6 + np.abs(y) ** 6) ** (1 / 6), 1e-9)
    share = np.clip((height - z) / (0.1 * height), 0, 1) * np.clip(distance / (0.6 * r) - 0.3, 0, 1)
    factor = 1 + 0.75 * share * (box - 1)
    vertices = np.stack([x * factor, y * factor, z], axis=1)
    return Mesh(vertices, mesh.faces, mesh.normals, mesh.uv)


def build_spray_bottle(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"nozzle": (0.0, -1.0, 0.0), "front": (0.0, -1.0, 0.0)})
    h = 0.25
    shapes = {
        "oval": [(0.95, 0.0), (1.0, 0.02), (1.0, 0.25), (0.95, 0.45), (0.5, 0.62), (0.28, 0.68)],
        "round": [(0.92, 0.0), (0.97, 0.02), (0.97, 0.1), (0.95, 0.3), (0.92, 0.5), (0.55, 0.62), (0.3, 0.68)],
        "conical": [(0.97, 0.0), (1.0, 0.015), (0.97, 0.06), (0.84, 0.2), (0.64, 0.41), (0.45, 0.6), (0.32, 0.68)],
        "boxy": [(0.97, 0), (1, 0.015), (1, 0.08), (1, 0.3), (1, 0.49), (0.92, 0.54), (0.36, 0.57), (0.34, 0.68)],
        "globe": [(0.5, 0.0), (0.62, 0.02), (0.98, 0.12), (0.98, 0.3), (0.62, 0.43), (0.26, 0.5), (0.24, 0.68)],
        "waisted": [(1.05, 0.0), (1.1, 0.02), (1.0, 0.2), (0.7, 0.42), (0.72, 0.52), (0.3, 0.66)],
    }
    wide, deep = {
        "oval": (0.046, 0.03),
        "round": (0.037, 0.037),
        "conical": (0.045, 0.045),
        "boxy": (0.04, 0.03),
        "globe": (0.054, 0.054),
        "waisted": (0.042, 0.034),
    }[order.variant]
    profile = smooth(np.array(shapes[order.variant]) * (1, h), 3)
    below, band, above = cut(profile, 0.16 * h, 0.36 * h)
    body = materials.plastic(color, 0.25)

    def turned(part: list[tuple[float, float]] | Floats) -> Mesh:
        mesh = lathe(part)
        return (_squared(mesh, 1.0, 0.63 * h) if order.variant == "boxy" else mesh).scaled(wide, deep, 1)

    draft.add(body, turned([(0, 0), *below]), turned([*above, (0, above[-1, 1])]))
    pale = order.paint("white")
    ink = order.color if order.color not in (None, "white") else "blue"
    draft.add(wrapped_label(order, prints.CLEANERS, pale, aspect=2.8, ink=ink), turned(band))
    head = order.paint(other_color(order.color, order.generator, ("white", "red", "black", "yellow")))
    top = materials.plastic(head, 0.4)
    neck = above[-1, 1]
    draft.add(top, lathe([(0, neck), (0.014, neck), (0.014, neck + 0.02), (0, neck + 0.02)], segments=18))
    side = np.array(
        [(0.022, 0.0), (0.03, 0.035), (-0.03, 0.04), (-0.042, 0.034), (-0.042, 0.02), (-0.012, 0.015), (-0.012, 0.0)]
    )
    trigger_head = extrude(side[::-1], 0.022).turned("x", 90).moved(y=0.011).turned("z", 90)
    draft.add(top, trigger_head.moved(z=neck + 0.018))
    lever = tube(smooth([(0, -0.02, 0.03), (0, -0.03, 0.005), (0, -0.026, -0.02)], 4), 0.004, segments=8)
    draft.add(materials.plastic(mix(head, (0.02, 0.02, 0.02), 0.4), 0.4), lever.moved(z=neck + 0.018))
    tip = rounded_box((0.014, 0.01, 0.014), 0.003).moved(y=-0.045, z=neck + 0.038)
    draft.add(materials.plastic(contrast_color(head), 0.4), tip)
    return draft


def build_thermos(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    h, r = 0.27, 0.038
    body = materials.metal() if order.color == "silver" else materials.plastic(color, 0.25)
    bare = (
        materials.metal((0.7, 0.7, 0.72), 0.25) if order.color != "silver" else materials.plastic(materials.DARK, 0.4)
    )
    shoulder = {"classic": 0.72, "slim": 0.78, "domed": 0.7, "travel": 0.82, "loop": 0.84, "wide": 0.66}[order.variant]
    r *= {"slim": 0.8, "domed": 1.1, "wide": 1.25}.get(order.variant, 1.0)
    # Radius as a share of r; the body ends at the shoulder, the cup (or lid) begins where the body's neck ends.
    foot, neck = {"travel": (0.74, 1.02), "domed": (1.0, 0.62), "loop": (1.0, 0.6)}.get(order.variant, (1.0, 0.82))
    sides = {
        "domed": [(r, 0.3 * h), (r, 0.54 * h), (0.9 * r, 0.65 * h)],
        "travel": [(0.78 * r, 0.3 * h), (0.86 * r, 0.4 * h), (r, 0.6 * h)],
        "loop": [(r, 0.3 * h), (r, 0.6 * h), (r, 0.74 * h), (0.92 * r, 0.8 * h)],
    }.get(order.variant, [(r, 0.3 * h), (r, shoulder * h - 0.03 * h)])
    draft.add(bare, lathe([(0, 0), (0.97 * foot * r, 0), (foot * r, 0.004), (foot * r, 0.03 * h)]))
    draft.add(body, lathe(smooth([(foot * r, 0.03 * h), *sides, (neck * r, shoulder * h)], 4)))
    draft.add(bare, lathe([(neck * r, shoulder * h), (neck * r, (shoulder + 0.03) * h)]))
    z = (shoulder + 0.03) * h
    cup = {
        "domed": [(0.74 * r, z), *(arc((0, 0.84 * h), 0.74 * r, 0, 72, 7))],
        "travel": [(1.08 * r, z), (1.08 * r, 0.92 * h), (1.0 * r, 0.935 * h), (0.9 * r, 0.92 * h)],
        "loop": [(0.68 * r, z), (0.68 * r, 0.95 * h), (0.62 * r, 0.96 * h)],
    }.get(order.variant, [(0.9 * r, z), (0.86 * r, 0.98 * h), (0.8 * r, h)])
    draft.add(body, lathe([(neck * r, z), *cup, (0, cup[-1][1])]))
    dark = materials.plastic(materials.DARK, 0.5)
    if order.variant == "wide":
        draft.directions = {"handle": (1.0, 0.0, 0.0)}
        loop = smooth(
            [(0.97 * r, 0, 0.58 * h), (1.6 * r, 0, 0.56 * h), (1.6 * r, 0, 0.22 * h), (0.97 * r, 0, 0.2 * h)], 4
        )
        draft.add(dark, tube(loop, 0.006, segments=8, flatten=1.4))
    elif order.variant == "travel":
        # A spout to drink from.
        draft.add(dark, rounded_box((0.02, 0.014, 0.024), 0.004).moved(y=-0.55 * r, z=0.92 * h - 0.004))
    elif order.variant == "loop":
        rise = arc((0, 0.95 * h), 0.5 * r, 0, 180, 13)
        draft.add(dark, tube(np.stack([rise[:, 0], 0 * rise[:, 0], rise[:, 1]], axis=1), 0.004, flatten=2.0))
    return draft


def build_soap_dispenser(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), {"spout": (0.0, -1.0, 0.0)})
    h, r = 0.11, 0.035
    body = materials.glazed(color)
    if order.variant == "square":
        shell = stack(
            [rounded_rectangle(share * 2 * r, share * 2 * r, 0.3 * r, 3) for share in (0.94, 1.0, 1.0, 0.9, 0.4)],
            [0, 0.004, 0.92 * h, h, 1.02 * h],
        )
        draft.add(body, shell)
    else:
        # Radius and height as shares of r and h, up to the neck.
        sides = {
            "tapered": [(0.95, 0), (1, 0.1), (0.72, 0.8)],
            "globe": [(0.6, 0), (0.95, 0.1), (1.35, 0.42), (1.1, 0.78)],
            "fluted": [(0.85, 0), (0.9, 0.04), (0.9, 0.2), (0.9, 0.65), (0.9, 0.84), (0.84, 0.93)],
            "oval": [(0.9, 0), (1, 0.05), (1, 0.2), (1, 0.5), (0.96, 0.8)],
        }.get(order.variant, [(0.95, 0), (1, 0.1), (0.95, 0.8)])
        profile = smooth([*((share * r, rise * h) for share, rise in sides), (0.45 * r, h), (0.4 * r, 1.03 * h)], 4)
        if order.variant == "oval":
            # A flat bottle from the shop, with its label.
            below, band, above = cut(profile, 0.26 * h, 0.62 * h)
            paper = order.paint("white" if order.color != "white" else "blue")
            label = wrapped_label(order, prints.CLEANERS, paper, aspect=5.5, ink=order.color)
            draft.add(label, lathe(band).scaled(1.25, 0.75, 1))
            for part in ([(0, 0), *below], [*above, (0, 1.03 * h)]):
                draft.add(body, lathe(part).scaled(1.25, 0.75, 1))
        else:
            shell = lathe([(0, 0), *profile, (0, 1.03 * h)], segments=48 if order.variant == "fluted" else 32)
            if order.variant == "fluted":
                x, y, z = shell.vertices.T
                shell = shell.bulged(1 + 0.05 * np.cos(12 * np.arctan2(y, x)) * (z < 0.95 * h))
            draft.add(body, shell)
    pump = materials.metal() if order.chance(0.5) else materials.plastic(contrast_color(color), 0.4)
    draft.add(
        pump,
        lathe(
            [
                (0, h),
                (0.42 * r, h),
                (0.42 * r, 1.12 * h),
                (0.14 * r, 1.14 * h),
                (0.14 * r, 1.36 * h),
                (0.4 * r, 1.38 * h),
                (0.36 * r, 1.47 * h),
                (0, 1.48 * h),
            ],
            segments=20,
        ),
    )
    spout = smooth([(0, 0, 1.43 * h), (0, -0.7 * r, 1.44 * h), (0, -1.25 * r, 1.38 * h)], 3)
    draft.add(pump, tube(spout, 0.12 * r, segments=8))
    return draft
