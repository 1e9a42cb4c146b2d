"""Small furniture for scenes on the floor."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order, cavity
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import lathe, rounded_box, slab, tube
from roborefer.refspatial.simulation.objects.tableware import vessel


def _finish_of(order: Order, draft: Draft) -> Material:
    """Wood where it is brown, paint otherwise."""
    color = order.paint()
    if order.color == "brown":
        draft.material = "wood"
        return materials.wood(mix(color, (0.45, 0.26, 0.11), 0.35), order.integer(0, 3))
    return materials.plastic(color, 0.4)


def _legs(
    draft: Draft,
    material: Material,
    spread: float,
    inset: float,
    height: float,
    radius: float,
    depth: float | None = None,
) -> None:
    """Four legs from ``inset`` under the seat to ``spread`` on the floor (half distances along x; y in proportion)."""
    ratio = 1.0 if depth is None else depth
    for x in (-1.0, 1.0):
        for y in (-1.0, 1.0):
            leg = [(x * spread, y * spread * ratio, radius * 0.2), (x * inset, y * inset * ratio, height)]
            draft.add(material, tube(leg, [0.8 * radius, radius], segments=8, ends="flat"))


def _stool(order: Order) -> Draft:
    draft = Draft(order.color)
    material = _finish_of(order, draft)
    h = order.uniform(0.4, 0.5) if order.variant != "bar" else 0.68
    r = 0.17
    if order.variant == "square":
        draft.add(material, slab(0.34, 0.34, 0.03, 0.03, bevel=0.006).moved(z=h - 0.03))
        draft.top = rectangle(0.31, 0.31)
        _legs(draft, material, 0.15, 0.13, h - 0.02, 0.018)
    else:
        draft.add(
            material,
            lathe(
                [(0, h - 0.035), (0.96 * r, h - 0.035), (r, h - 0.028), (r, h - 0.006), (0.97 * r, h), (0, h)],
                segments=36,
            ),
        )
        draft.top = circle(24, 0.94 * r)
        _legs(draft, material, 0.15, 0.1, h - 0.02, 0.016)
        ring_height = 0.35 * h
        reach = 0.15 + (0.1 - 0.15) * ring_height / h
        ring = np.concatenate([circle(24, 1.38 * reach), np.full((24, 1), ring_height)], axis=1)
        draft.add(material, tube(ring, 0.009, segments=6, closed=True))
    return draft


def _chair(order: Order) -> Draft:
    """Faces the front; its back rest stands at +y."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "back rest": (0.0, 1.0, 0.0)})
    material = _finish_of(order, draft)
    h, w, d = 0.45, 0.42, 0.42
    draft.add(material, slab(w, d, 0.028, 0.04, bevel=0.006).moved(z=h - 0.028))
    _legs(draft, material, 0.2, 0.175, h - 0.02, 0.018)
    high = order.uniform(0.82, 0.95)
    posts = [np.array([(side * 0.185, 0.18, h - 0.02), (side * 0.185, 0.22, high)]) for side in (-1.0, 1.0)]
    if order.variant == "panel":
        back = slab(w, high - h - 0.1, 0.018, 0.05).turned("x", 90)
        back = back.turned("x", -5)
        draft.add(material, back.moved(y=0.215, z=0.5 * (high + h) + 0.05))
        for post in posts:
            draft.add(material, tube(post * (1, 1, 0.9) + (0, 0, 0.03), 0.012, segments=8))
    else:
        for post in posts:
            draft.add(material, tube(post, 0.015, segments=8))
        if order.variant == "ladder":
            for share in (0.35, 0.65, 0.95):
                z = h + share * (high - h)
                y = 0.18 + 0.04 * share
                bar = smooth([(-0.185, y, z), (0, y + 0.02, z), (0.185, y, z)], 4)
                draft.add(material, tube(bar, 0.011, segments=8, flatten=2.2))
        else:
            draft.add(
                material,
                tube(
                    smooth([(-0.185, 0.22, high), (0, 0.235, high), (0.185, 0.22, high)], 4),
                    0.016,
                    segments=8,
                    flatten=1.4,
                ),
            )
            for x in (-0.12, -0.06, 0.0, 0.06, 0.12):
                draft.add(material, tube([(x, 0.18, h - 0.02), (x, 0.228, high)], 0.007, segments=6))
    return draft


def _side_table(order: Order) -> Draft:
    draft = Draft(order.color)
    material = _finish_of(order, draft)
    h = order.uniform(0.45, 0.55)
    r = 0.23
    if order.variant == "round":
        draft.add(
            material,
            lathe(
                [(0, h - 0.025), (0.97 * r, h - 0.025), (r, h - 0.02), (r, h - 0.005), (0.985 * r, h), (0, h)],
                segments=40,
            ),
        )
        draft.top = circle(24, 0.95 * r)
        _legs(draft, material, 0.19, 0.12, h - 0.02, 0.016)
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


def _ottoman(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    cloth = materials.fabric(color, order.integer(0, 3))
    h = order.uniform(0.34, 0.42)
    if order.variant == "cube":
        draft.add(cloth, rounded_box((0.42, 0.42, h - 0.03), 0.025, steps=2).moved(z=0.03))
        draft.top = rectangle(0.36, 0.36)
        foot = 0.17
    else:
        r = 0.22 if order.variant == "round" else 0.27
        profile = [
            (0, 0.03),
            *smooth(
                [(0.95 * r, 0.03), (1.02 * r, 0.3 * h), (1.02 * r, 0.75 * h), (0.93 * r, 0.97 * h), (0.8 * r, h)], 4
            ),
            (0, h),
        ]
        draft.add(cloth, lathe(profile, segments=36))
        draft.top = circle(24, 0.78 * r)
        foot = 0.13
    for x in (-foot, foot):
        for y in (-foot, foot):
            draft.add(
                materials.wood((0.2, 0.11, 0.05)),
                lathe([(0, 0), (0.016, 0), (0.022, 0.035), (0, 0.035)], segments=12).moved(x, y),
            )
    return draft


def _trash_can(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None, ("open",))
    material = materials.metal(roughness=0.35) if order.color == "silver" else materials.plastic(order.paint(), 0.45)
    h, r = 0.32, 0.13
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
    rim = np.concatenate([circle(28, fine[-1, 0] + 0.0025), np.full((28, 1), h)], axis=1)
    draft.add(material, tube(rim, 0.006, segments=6, closed=True))
    return draft


def _bucket(order: Order) -> Draft:
    draft = Draft(order.color, "metal" if order.color == "silver" else None)
    color = order.paint()
    material = materials.metal(roughness=0.35) if order.color == "silver" else materials.plastic(color, 0.4)
    r, h = 0.14, {"round": 0.26, "low": 0.19, "tall": 0.34}[order.variant]
    meshes, draft.cavity = vessel(np.linspace((0.76 * r, 0.0), (r, h), 4), 0.004, 0.006, segments=32)
    draft.add(material, *meshes)
    rim = np.concatenate([circle(28, r + 0.0025), np.full((28, 1), h)], axis=1)
    draft.add(material, tube(rim, 0.006, segments=6, closed=True))
    # The bail hangs down at the back, so that the way into the bucket is free.
    angles = np.radians(np.linspace(0, 180, 15))
    bail = np.stack(
        [(r + 0.008) * np.cos(angles), (r + 0.008) * np.sin(angles), h - 0.01 - 0.35 * h * np.sin(angles)], axis=1
    )
    draft.add(materials.metal((0.4, 0.4, 0.42), 0.35), tube(bail, 0.0035, segments=6))
    for side in (-1.0, 1.0):
        ear = lathe([(0, 0), (0.014, 0), (0.014, 0.006), (0, 0.006)], segments=12).turned("y", side * 90)
        draft.add(material, ear.moved(side * (r - 0.002), 0, h - 0.02))
    return draft


def _crate(order: Order) -> Draft:
    draft = Draft(order.color)
    material = _finish_of(order, draft)
    w, d, h = {"standard": (0.38, 0.28, 0.22), "low": (0.42, 0.3, 0.13), "cube": (0.32, 0.32, 0.3)}[order.variant]
    wall = 0.012
    rows = max(2, round(h / 0.075))
    slat = h / rows * 0.78
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
    draft.add(material, rounded_box((w - 2 * wall, d - 2 * wall, 0.01)))
    inside = np.array([0.5 * w - wall - 0.026, 0.5 * d - wall - 0.026])
    draft.cavity = cavity(0.01, rectangle(2 * inside[0], 2 * inside[1]), h - 0.012)
    return draft


def _suitcase(order: Order) -> Draft:
    """Stands upright, its broad side in front."""
    draft = Draft(order.color, None, (), dict(FRONT))
    shell = materials.plastic(order.paint(), 0.4)
    w, d, h = {"trolley": (0.38, 0.23, 0.55), "large": (0.46, 0.28, 0.68), "vintage": (0.52, 0.17, 0.36)}[order.variant]
    dark = Material((0.03, 0.03, 0.032), 0.5) if order.color != "black" else Material((0.25, 0.25, 0.26), 0.4)
    base = 0.03 if order.variant != "vintage" else 0.008
    draft.add(shell, rounded_box((w, d, h), 0.04 if order.variant != "vintage" else 0.02, steps=2).moved(z=base))
    if order.variant == "vintage":
        for x in (-0.16, 0.16):
            draft.add(
                materials.plastic((0.2, 0.1, 0.04), 0.5),
                rounded_box((0.03, d + 0.006, h + 0.006), 0.02).moved(x, 0, base - 0.003),
            )
    else:
        for share in (-0.3, -0.1, 0.1, 0.3):
            draft.add(shell, rounded_box((0.02, d + 0.01, 0.86 * h), 0.005).moved(x=share * w, z=base + 0.07 * h))
        for x in (-0.35 * w, 0.35 * w):
            for y in (-0.3 * d, 0.3 * d):
                draft.add(
                    dark,
                    lathe([(0, -0.012), (0.018, -0.012), (0.018, 0.012), (0, 0.012)], segments=14)
                    .turned("y", 90)
                    .moved(x, y, 0.018),
                )
    z = base + h
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
        ("round", "square"),
        ("bar",),
        _stool,
        confusable=("side table", "chair"),
    ),
    _category(
        "chair", "chairs", (0.78, 0.98), _PAINTS, ("panel", "ladder"), ("spindle",), _chair, confusable=("stool",)
    ),
    _category(
        "side table",
        "side tables",
        (0.42, 0.58),
        _PAINTS,
        ("round", "square"),
        ("pedestal",),
        _side_table,
        confusable=("stool",),
    ),
    _category(
        "ottoman",
        "ottomans",
        (0.38, 0.55),
        ("red", "blue", "green", "gray", "yellow", "pink", "purple", "white"),
        ("cube", "round"),
        ("wide",),
        _ottoman,
        confusable=("stool",),
    ),
    _category(
        "trash can",
        "trash cans",
        (0.26, 0.4),
        ("black", "white", "silver", "blue", "red", "green"),
        ("tapered", "straight"),
        ("waisted",),
        _trash_can,
        confusable=("bucket",),
    ),
    _category(
        "bucket",
        "buckets",
        (0.24, 0.36),
        ("red", "blue", "yellow", "green", "silver", "orange"),
        ("round", "low"),
        ("tall",),
        _bucket,
        confusable=("trash can",),
    ),
    _category(
        "crate",
        "crates",
        (0.3, 0.46),
        ("brown", "red", "blue", "green"),
        ("standard", "low"),
        ("cube",),
        _crate,
        confusable=("cardboard box",),
    ),
    _category(
        "suitcase",
        "suitcases",
        (0.5, 0.75),
        ("red", "blue", "black", "yellow", "green", "orange", "purple"),
        ("trolley", "large"),
        ("vintage",),
        _suitcase,
    ),
)
