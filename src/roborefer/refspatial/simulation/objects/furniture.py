"""Small furniture for scenes on the floor."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Cavity, Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import Floats, circle, rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.seats import chair, legs, ottoman, stool, wood_or_paint
from roborefer.refspatial.simulation.objects.shapes import Mesh, lathe, loft, ring, rounded_box, slab, stack, tube, turn
from roborefer.refspatial.simulation.objects.tableware import vessel


def _side_table(order: Order) -> Draft:
    draft = Draft(order.color)
    material = wood_or_paint(order, draft)
    h = order.uniform(0.45, 0.55)
    r = 0.23
    if order.variant == "nightstand":
        draft.add(material, rounded_box((0.42, 0.36, h - 0.12), 0.004).moved(z=0.1))
        draft.add(material, slab(0.45, 0.39, 0.022, 0.012, bevel=0.004).moved(z=h - 0.022))
        draft.top = rectangle(0.43, 0.37)
        legs(draft, material, 0.18, 0.18, 0.11, 0.02, 0.8)
        drawer = 0.5 * (h - 0.14)
        for z in (0.11, 0.125 + drawer):
            draft.add(material, rounded_box((0.39, 0.02, drawer - 0.015), 0.004).moved(y=-0.18, z=z))
            knob = lathe([(0, 0), (0.008, 0), (0.016, 0.02), (0, 0.025)], segments=14).turned("x", 90)
            draft.add(materials.metal(), knob.moved(y=-0.19, z=z + 0.5 * drawer))
    elif order.variant == "c-shaped":
        # Its foot slides under a sofa: all that carries the top stands at one end.
        for z in (0.0, h - 0.025):
            draft.add(material, slab(0.46, 0.3, 0.025, 0.015, bevel=0.004).moved(z=z))
        for y in (-0.11, 0.11):
            draft.add(material, rounded_box((0.03, 0.03, h - 0.04), 0.003).moved(0.205, y, 0.02))
        draft.top = rectangle(0.44, 0.28)
    elif order.variant == "hexagonal":
        draft.add(material, lathe([(0, h - 0.03), (r, h - 0.03), (r, h), (0, h)], segments=6))
        draft.top = circle(6, 0.97 * r)
        corners = ring(circle(6, 0.86 * r), 0.02)
        for z in (0.0, h - 0.065):
            hoop = [(0.78 * r, 0), (0.92 * r, 0), (0.92 * r, 0.035), (0.78 * r, 0.035), (0.78 * r, 0)]
            draft.add(material, lathe(hoop, segments=6).moved(z=z))
        for x, y, z in corners:
            draft.add(material, tube([(x, y, z), (x, y, h - 0.02)], 0.016, segments=8))
    elif order.variant == "round":
        draft.add(
            material,
            lathe(
                [(0, h - 0.025), (0.97 * r, h - 0.025), (r, h - 0.02), (r, h - 0.005), (0.985 * r, h), (0, h)],
                segments=40,
            ),
        )
        draft.top = circle(24, 0.95 * r)
        legs(draft, material, 0.19, 0.12, h - 0.02, 0.016)
    elif order.variant == "pedestal":
        draft.add(material, lathe([(0, h - 0.025), (r, h - 0.025), (r, h), (0, h)], segments=40))
        draft.add(
            material,
            lathe(
                [
                    (0, 0),
                    (0.16, 0),
                    (0.16, 0.012),
                    (0.05, 0.03),
                    (0.024, 0.08),
                    (0.024, h - 0.08),
                    (0.06, h - 0.025),
                    (0, h - 0.025),
                ],
                segments=30,
            ),
        )
        draft.top = circle(24, 0.95 * r)
    else:
        draft.add(material, slab(0.45, 0.38, 0.025, 0.012, bevel=0.004).moved(z=h - 0.025))
        for x in (-0.2, 0.2):
            for y in (-0.165, 0.165):
                draft.add(material, rounded_box((0.03, 0.03, h - 0.02), 0.003).moved(x, y))
        draft.add(material, rounded_box((0.4, 0.33, 0.015), 0.003).moved(z=0.14))
        draft.top = rectangle(0.43, 0.36)
    return draft


def _squared_vessel(width: float, depth: float, height: float, foot: float) -> tuple[list[Mesh], Cavity]:
    """An open vessel with round corners, as wide as ``foot`` times its rim at its base; with its rim."""

    def outline(inset: float, share: float) -> Floats:
        factor = foot + (1 - foot) * share
        return rounded_rectangle(width * factor - inset, depth * factor - inset, 0.04 * factor, 4)

    shares = np.linspace(0, 1, 5)
    outside = loft(np.stack([ring(outline(0, share), share * height) for share in shares]))
    inside = loft(np.stack([ring(outline(0.01, share), max(share * height, 0.006)) for share in shares[::-1]]))
    base = stack([outline(0, 0), outline(0.01, 0)], [0, 0.006])
    rim = tube(ring(outline(0, 1), height), 0.006, segments=6, closed=True)
    return [base, outside, inside, rim], cavity(0.006, 0.985 * outline(0.012, 0), height - 0.006)


def _wire_basket(radius: float, height: float) -> tuple[list[Mesh], Cavity]:
    """Upright wires held by hoops, on a plate."""
    low = 0.8 * radius
    meshes = [lathe([(0, 0), (low, 0), (low, 0.006), (0, 0.006)])]
    shares = np.linspace(0, 1, 6)
    for x, y in circle(26):
        wire = [((low + (radius - low) * t) * x, (low + (radius - low) * t) * y, 0.003 + t * height) for t in shares]
        meshes.append(tube(wire, 0.0026, segments=5, ends="flat"))
    for t in shares[1:]:
        hoop = ring(circle(28, low + (radius - low) * t), 0.003 + t * height)
        meshes.append(tube(hoop, 0.0026 if t < 1 else 0.007, segments=6, closed=True))
    return meshes, cavity(0.006, circle(20, 0.94 * low), height - 0.006)


def _pedal_bin(draft: Draft, material: Material, radius: float, height: float) -> None:
    """Shut by a lid, which a pedal in front would lift."""
    dark = materials.plastic(materials.DARK if draft.color != "black" else (0.25, 0.25, 0.26), 0.5)
    draft.attributes = ("closed",)
    draft.add(dark, lathe([(0, 0), (1.03 * radius, 0), (1.03 * radius, 0.025), (0, 0.025)]))
    draft.add(dark, rounded_box((0.06, 0.06, 0.012), 0.004).moved(y=-radius - 0.015, z=0.006))
    draft.add(
        material,
        lathe([(0, 0.025), (radius, 0.025), *((radius, z * height) for z in (0.3, 0.6, 0.84)), (0, 0.84 * height)]),
    )
    dome = smooth([(1.02, 0.86), (1.0, 0.91), (0.8, 0.97), (0.45, 1.0), (0, 1.01)], 4) * (radius, height)
    draft.add(
        dark,
        lathe([(0, 0.84 * height), (0.97 * radius, 0.84 * height), (0.97 * radius, 0.87 * height), (0, 0.87 * height)]),
    )
    draft.add(material, lathe([(0, 0.86 * height), *dome]))


def _trash_can(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None, ("open",))
    material = materials.metal(roughness=0.35) if order.color == "silver" else materials.plastic(order.paint(), 0.45)
    h, r = 0.32, 0.13
    if order.variant == "pedal":
        _pedal_bin(draft, material, r, h)
        return draft
    if order.variant in ("rectangular", "wire"):
        made = _wire_basket(r, h) if order.variant == "wire" else _squared_vessel(0.28, 0.19, h, 0.8)
        draft.add(material, *made[0])
        draft.cavity = made[1]
        return draft
    wall = {
        "tapered": [(0.78 * r, 0), (r, h)],
        "straight": [(r, 0), (r, h)],
        "waisted": smooth([(0.95 * r, 0), (0.82 * r, 0.45 * h), (1.02 * r, h)], 5),
    }[order.variant]
    fine = np.asarray(wall, np.float64)
    if len(fine) == 2:
        fine = np.linspace(fine[0], fine[1], 5)
    meshes, draft.cavity = vessel(fine, 0.004, 0.006, segments=32)
    draft.add(material, *meshes)
    rim = ring(circle(28, fine[-1, 0] + 0.0025), h)
    draft.add(material, tube(rim, 0.006, segments=6, closed=True))
    return draft


def _bucket(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None)
    color = order.paint()
    material = materials.metal(roughness=0.35) if order.color == "silver" else materials.plastic(color, 0.4)
    r, h = 0.14, {"low": 0.19, "tall": 0.34}.get(order.variant, 0.26)
    if order.variant == "square":
        meshes, draft.cavity = _squared_vessel(2 * r, 1.7 * r, h, 0.8)
    else:
        foot = {"pail": 0.97, "spouted": 0.7}.get(order.variant, 0.76) * r
        meshes, draft.cavity = vessel(np.linspace((foot, 0.0), (r, h), 4), 0.004, 0.006, segments=32)
        rim = ring(circle(28, r + 0.0025), h)
        meshes.append(tube(rim, 0.006, segments=6, closed=True))
    if order.variant == "spouted":
        # Between the bail's ends, opposite to where it hangs.
        meshes = [mesh.bulged(_spout(mesh.vertices, h)) for mesh in meshes]
    draft.add(material, *meshes)
    # The bail hangs down at the back, so that the way into the bucket is free.
    angles = np.radians(np.linspace(0, 180, 15))
    bail = np.stack(
        [(r + 0.008) * np.cos(angles), (r + 0.008) * np.sin(angles), h - 0.01 - 0.35 * h * np.sin(angles)], axis=1
    )
    if order.variant == "square":
        bail[:, :2] *= (1, 0.87) / np.linalg.norm(bail[:, :2] / (r + 0.008), ord=6, axis=1, keepdims=True)
    if order.variant == "pail":
        # Held up, it bars the way in: its room is not told.
        draft.cavity = None
        bail = bail * (1, 0, 1) + np.sin(angles)[:, None] * (0, 0, 1.2 * r + 0.35 * h)
        draft.add(materials.wood((0.5, 0.3, 0.13)), tube(bail[5:10], 0.009, segments=8))
        hoop = [(0.975, 0), (1.01, 0), (1.01, 0.014), (0.975, 0.014), (0.975, 0)]
        draft.add(material, *(lathe(np.array(hoop) * (r, 1)).moved(z=share * h) for share in (0.22, 0.66)))
    draft.add(materials.metal((0.4, 0.4, 0.42), 0.35), tube(bail, 0.0035, segments=6))
    for side in (-1.0, 1.0):
        ear = lathe([(0, 0), (0.014, 0), (0.014, 0.006), (0, 0.006)], segments=12).turned("y", side * 90)
        draft.add(material, ear.moved(side * (r - 0.002), 0, h - 0.02))
    return draft


def _spout(vertices: Floats, height: float) -> Floats:
    """How far each vertex is drawn out for a lip in front, as a factor."""
    angles = np.arctan2(vertices[:, 0], -vertices[:, 1])
    return np.asarray(1 + 0.3 * np.exp(-((angles / 0.35) ** 2)) * np.clip(vertices[:, 2] / height, 0, 1) ** 3)


def _lattice_wall(length: float, height: float, thickness: float) -> list[Mesh]:
    """Three rails and bars between them."""
    rails = ((0.0, 0.05), (0.42 * height, 0.025), (height - 0.05, 0.05))
    # Bars are in two pieces, so that they follow the rails where the crate is made to bulge.
    bar = rounded_box((0.02, thickness, 0.53 * height - 0.02))
    return [
        *(rounded_box((length, thickness, high)).moved(z=z) for z, high in rails),
        *(
            bar.moved(share * (length - 0.02), z=z)
            for share in np.linspace(-0.5, 0.5, 7)
            for z in (0.02, 0.43 * height)
        ),
    ]


def _braced_wall(length: float, height: float, thickness: float) -> list[Mesh]:
    """A transport crate's frame with a diagonal."""
    board = 0.04
    across, up = length - 2 * board, height - 2 * board
    brace = rounded_box((float(np.hypot(across, up)), thickness, board), 0.001).moved(z=-0.5 * board)
    post = rounded_box((board, thickness, up), 0.001).moved(0.5 * (across + board), z=board)
    rail = rounded_box((length, thickness, board), 0.001)
    slope = float(np.degrees(np.arctan2(up, across)))
    return [rail, rail.moved(z=height - board), post, post.mirrored(), brace.turned("y", -slope).moved(z=0.5 * height)]


def _crate(order: Order) -> Draft:
    draft = Draft(order.color)
    material = wood_or_paint(order, draft)
    w, d, h = {
        "low": (0.42, 0.3, 0.13),
        "cube": (0.32, 0.32, 0.3),
        "lattice": (0.4, 0.3, 0.24),
        "closed": (0.42, 0.32, 0.28),
        "rope": (0.42, 0.28, 0.18),
    }.get(order.variant, (0.38, 0.28, 0.22))
    wall = 0.012
    if order.variant in ("lattice", "closed"):
        draw = _lattice_wall if order.variant == "lattice" else _braced_wall
        for length, reach, turned in ((w, d, 0), (d, w, 90), (w, d, 180), (d, w, 270)):
            for mesh in draw(length, h, wall):
                draft.add(material, mesh.moved(y=-0.5 * (reach - wall)).turned("z", turned))
        if order.variant == "closed":
            draft.attributes = ("closed",)
            draft.add(material, rounded_box((w - 1.9 * wall, d - 1.9 * wall, h - 0.01)).moved(z=0.005))
            draft.add(material, rounded_box((w, d, 0.02), 0.002).moved(z=h))
            draft.top = rectangle(w - 0.01, d - 0.01)
        else:
            draft.add(material, rounded_box((w - wall, d - wall, 0.01)))
            draft.cavity = cavity(0.01, rectangle(w - 2.2 * wall, d - 2.2 * wall), h - 0.012)
        return draft
    rows = max(2, round(h / 0.075))
    # Boards lie close on each other where ropes are to carry the crate.
    slat = h / rows * (0.78 if order.variant != "rope" else 0.97)
    for row in range(rows):
        z = (row + 0.5) * h / rows - 0.5 * slat + (0.0 if row else -0.5 * (h / rows - slat))
        for side in (-1.0, 1.0):
            draft.add(material, rounded_box((w, wall, slat), 0.001).moved(y=side * (0.5 * d - 0.5 * wall), z=z))
            draft.add(
                material, rounded_box((wall, d - 2 * wall, slat), 0.001).moved(x=side * (0.5 * w - 0.5 * wall), z=z)
            )
    for x in (-1.0, 1.0):
        for y in (-1.0, 1.0):
            draft.add(
                material,
                rounded_box((0.025, 0.025, h), 0.001).moved(
                    x * (0.5 * w - wall - 0.0125), y * (0.5 * d - wall - 0.0125)
                ),
            )
    if order.variant == "rope":
        loop = smooth([(0, -0.06, 0), (0.02, -0.05, -0.035), (0.028, 0, -0.055), (0.02, 0.05, -0.035), (0, 0.06, 0)], 4)
        handle = tube(loop, 0.008, segments=8).moved(0.5 * w - 0.004, 0, 0.75 * h)
        draft.add(materials.fabric((0.5, 0.4, 0.25)), handle, handle.mirrored())
    draft.add(material, rounded_box((w - 2 * wall, d - 2 * wall, 0.01)))
    inside = np.array([0.5 * w - wall - 0.026, 0.5 * d - wall - 0.026])
    draft.cavity = cavity(0.01, rectangle(2 * inside[0], 2 * inside[1]), h - 0.012)
    return draft


def _suitcase(order: Order) -> Draft:
    """Stands upright, its broad side in front."""
    draft = Draft(order.color, None, (), dict(FRONT))
    shell = materials.plastic(order.paint(), 0.4)
    w, d, h, edge = {
        "large": (0.46, 0.28, 0.68, 0.04),
        "vintage": (0.52, 0.17, 0.36, 0.02),
        "extended": (0.35, 0.21, 0.46, 0.04),
        "clamshell": (0.42, 0.26, 0.58, 0.09),
        "soft": (0.4, 0.22, 0.58, 0.05),
    }.get(order.variant, (0.38, 0.23, 0.55, 0.04))
    if order.variant == "soft":
        shell = materials.fabric(shell.color, order.integer(0, 3))
    dark = Material((0.03, 0.03, 0.032), 0.5) if order.color != "black" else Material((0.25, 0.25, 0.26), 0.4)
    base = 0.03 if order.variant != "vintage" else 0.008
    draft.add(shell, rounded_box((w, d, h), edge, steps=2).moved(z=base))
    if order.variant == "vintage":
        for x in (-0.16, 0.16):
            draft.add(
                materials.plastic((0.2, 0.1, 0.04), 0.5),
                rounded_box((0.03, d + 0.006, h + 0.006), 0.02).moved(x, 0, base - 0.003),
            )
    else:
        if order.variant == "soft":
            for z, high in ((0.06, 0.5), (0.62, 0.26)):
                draft.add(
                    shell, rounded_box((0.8 * w, 0.09, high * h), 0.025, steps=2).moved(0, -0.5 * d, base + z * h)
                )
                line = tube([(-0.37 * w, 0, 0), (0.37 * w, 0, 0)], 0.005, segments=6)
                draft.add(dark, line.moved(0, -0.5 * d - 0.044, base + (z + high) * h - 0.035))
        elif order.variant == "clamshell":
            for share in (0.2, 0.35, 0.5, 0.65, 0.8):
                draft.add(shell, rounded_box((0.7 * w, d + 0.014, 0.022), 0.006).moved(z=base + share * h - 0.011))
            seam = ring(rounded_rectangle(w, h, edge, 6), 0.0) @ turn("x", 90).T + (0, 0, base + 0.5 * h)
            draft.add(dark, tube(seam, 0.007, segments=6, closed=True))
        else:
            for share in (-0.3, -0.1, 0.1, 0.3):
                draft.add(shell, rounded_box((0.02, d + 0.01, 0.86 * h), 0.005).moved(x=share * w, z=base + 0.07 * h))
        # Under a round edge wheels stand farther in.
        wide, deep = (0.35, 0.3) if order.variant != "clamshell" else (0.25, 0.14)
        for x in (-wide * w, wide * w):
            for y in (-deep * d, deep * d):
                draft.add(
                    dark,
                    lathe([(0, -0.012), (0.018, -0.012), (0.018, 0.012), (0, 0.012)], segments=14)
                    .turned("y", 90)
                    .moved(x, y, 0.018),
                )
    z = base + h
    if order.variant == "extended":
        for x in (-0.09, 0.09):
            draft.add(materials.metal(), tube([(x, 0.06, z - 0.01), (x, 0.06, z + 0.25)], 0.008, segments=8))
        draft.add(dark, rounded_box((0.23, 0.032, 0.03), 0.012, steps=2).moved(0, 0.06, z + 0.24))
    grip = smooth([(-0.08, 0, z - 0.008), (-0.07, 0, z + 0.03), (0.07, 0, z + 0.03), (0.08, 0, z - 0.008)], 4)
    draft.add(dark, tube(grip, 0.009, segments=8))
    return draft


_category = partial(Category, family="furniture", places=("floor",))

_PAINTS = ("brown", "white", "black", "red", "blue", "yellow", "green")
CATEGORIES = (
    _category(
        "stool",
        "stools",
        (0.4, 0.72),
        _PAINTS,
        ("round", "square", "tripod", "plank", "swivel"),
        ("bar",),
        stool,
        confusable=("side table", "chair"),
    ),
    _category(
        "chair",
        "chairs",
        (0.78, 0.98),
        _PAINTS,
        ("panel", "ladder", "padded", "office", "shell", "bentwood"),
        ("spindle",),
        chair,
        confusable=("stool",),
    ),
    _category(
        "side table",
        "side tables",
        (0.42, 0.58),
        _PAINTS,
        ("round", "square", "nightstand", "c-shaped", "hexagonal"),
        ("pedestal",),
        _side_table,
        confusable=("stool",),
    ),
    _category(
        "ottoman",
        "ottomans",
        (0.38, 0.55),
        ("red", "blue", "green", "gray", "yellow", "pink", "purple", "white"),
        ("cube", "round", "pouf", "storage", "footstool"),
        ("wide",),
        ottoman,
        confusable=("stool",),
    ),
    _category(
        "trash can",
        "trash cans",
        (0.26, 0.4),
        ("black", "white", "silver", "blue", "red", "green"),
        ("tapered", "straight", "rectangular", "wire", "pedal"),
        ("waisted",),
        _trash_can,
        confusable=("bucket",),
    ),
    _category(
        "bucket",
        "buckets",
        (0.24, 0.36),
        ("red", "blue", "yellow", "green", "silver", "orange"),
        ("round", "low", "pail", "square", "spouted"),
        ("tall",),
        _bucket,
        confusable=("trash can",),
    ),
    _category(
        "crate",
        "crates",
        (0.3, 0.46),
        ("brown", "red", "blue", "green"),
        ("standard", "low", "lattice", "closed", "rope"),
        ("cube",),
        _crate,
        confusable=("cardboard box",),
    ),
    _category(
        "suitcase",
        "suitcases",
        (0.5, 0.75),
        ("red", "blue", "black", "yellow", "green", "orange", "purple"),
        ("trolley", "large", "extended", "clamshell", "soft"),
        ("vintage",),
        _suitcase,
    ),
)
