"""What is put on, or carried, outdoors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, arc, circle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    loft,
    solid,
    stack,
    tube,
)

STRAW: Rgb = (0.55, 0.33, 0.12)
PLACES = ("table", "desk", "shelf", "counter")
_FLOOR = ("floor", "table", "shelf")
_BRIMS = {
    "bowler": [(0, 0.0), (0.1, 0.0), (0.126, 0.014), (0.128, 0.018), (0.1, 0.005)],
    "bucket hat": [(0, 0.04), (0.09, 0.038), (0.138, 0), (0.141, 0.002), (0.096, 0.043)],
    "cowboy hat": [(0, 0.0), (0.1, 0.0), (0.14, 0.004), (0.176, 0.008), (0.176, 0.012), (0.14, 0.008), (0.1, 0.005)],
}
"""From below, of hats that don't have a flat one."""
_CROWNS = {
    "bowler": [(0.088, 0.008), (0.089, 0.05), (0.084, 0.09), (0.066, 0.118), (0.036, 0.13), (0, 0.133)],
    "bucket hat": [(0.092, 0.06), (0.082, 0.116), (0.076, 0.122), (0, 0.122)],
    "cowboy hat": [(0.088, 0.008), (0.086, 0.05), (0.076, 0.1), (0.066, 0.122), (0.04, 0.13), (0.02, 0.13), (0, 0.13)],
}


def _cowboy_hat(profile: list[tuple[float, float]]) -> Mesh:
    """A brim rolled up on both sides and a crown with a crease from front to back."""
    radii, heights = np.array(profile).T
    rings = np.concatenate(
        [radii[:, None, None] * circle(40), np.broadcast_to(heights[:, None, None], (len(radii), 40, 1))], 2
    )
    rolled = 0.075 * np.clip(np.abs(rings[..., 0]) / 0.176 - 0.5, 0, 1) ** 1.5 / 0.5**1.5
    crease = 0.03 * np.exp(-((rings[..., 0] / 0.025) ** 2)) * (heights > 0.1)[:, None]
    rings[..., 2] += np.where(radii[:, None] > 0.095, rolled, -crease)
    return loft(rings)


def _beanie(order: Order, cloth: Material) -> Draft:
    """Knitted, with a turned-up cuff and a bobble."""
    draft = Draft(order.color)
    dome = smooth([(0.09, 0.055), (0.092, 0.09), (0.078, 0.135), (0.04, 0.162), (0, 0.168)], 4)
    for part in (
        lathe(dome, segments=48),
        lathe([(0, 0), *smooth([(0.09, 0), (0.099, 0.006), (0.1, 0.05), (0.09, 0.057)], 3)], segments=96),
    ):
        ribs = 1 + 0.018 * np.cos(24 * np.arctan2(part.vertices[:, 1], part.vertices[:, 0]))
        draft.add(cloth, part.bulged(ribs).scaled(0.94, 1.05, 1))
    bobble = materials.fur(order.accent() if order.chance(0.6) else order.paint(), order.integer(0, 3))
    draft.add(bobble, ellipsoid(0.032, 0.032, 0.03, segments=16, rings=10).moved(z=0.188))
    return draft


def _hat(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color)
    cloth = materials.fabric(color, order.integer(0, 3))
    if order.variant == "cap":
        draft.directions = {"front": (0.0, -1.0, 0.0), "visor": (0.0, -1.0, 0.0)}
        draft.add(
            cloth,
            lathe([(0, 0), *smooth([(0.092, 0), (0.092, 0.04), (0.07, 0.085), (0, 0.105)], 4)]).scaled(0.94, 1.05, 1),
        )
        angles = np.radians(np.linspace(200, 340, 13))
        outer = np.stack([0.1 * np.cos(angles), 0.155 * np.sin(angles) - 0.006], axis=1)
        inner = np.stack([0.08 * np.cos(angles), 0.08 * np.sin(angles)], axis=1)
        outline = np.concatenate([outer, inner[::-1]])
        draft.add(cloth, extrude(outline, 0.005).moved(z=0.002))
        draft.add(cloth, ellipsoid(0.008, 0.008, 0.004, segments=10, rings=5).moved(z=0.105))
        return draft
    if order.variant == "beanie":
        return _beanie(order, cloth)
    tall, top, brim = {"fedora": (0.11, 0.075, 0.15), "sun hat": (0.095, 0.06, 0.21)}.get(
        order.variant, (0.15, 0.092, 0.14)
    )
    if order.variant == "sun hat" and order.color != "white":
        straw = mix(color, STRAW, 0.5) if order.color == "brown" else mix(color, (1.0, 1.0, 1.0), 0.08)
        cloth = Material(straw, 0.9, 0.0, prints.grain("wicker", order.integer(0, 3)))
    crown = [
        (0.088, 0.012),
        (0.086, 0.3 * tall),
        (top, 0.92 * tall),
        (0.6 * top, tall),
        (0, 0.94 * tall if order.variant == "fedora" else tall),
    ]
    profile = (
        [(0, 0), (brim, 0.006), (brim, 0.01), *crown]
        if order.variant != "sun hat"
        else [(0, 0.004), (brim, 0), (brim, 0.003), *crown]
    )
    if order.variant in _BRIMS:
        profile = [*_BRIMS[order.variant], *map(tuple, smooth(_CROWNS[order.variant], 3))]
    body = _cowboy_hat(profile) if order.variant == "cowboy hat" else lathe(profile, segments=36)
    draft.add(cloth, body.scaled(0.95, 1.08, 1))
    if order.variant == "bucket hat":
        return draft
    band = order.paint(other_color(order.color, order.generator, ("black", "white", "red", "blue")))
    ring = lathe([(0.0885, 0.014), (0.089, 0.014), (0.088, 0.036), (0.087, 0.036)], segments=36)
    draft.add(materials.fabric(band), ring.scaled(0.955, 1.085, 1))
    return draft


_SHOE_LENGTHS = np.array([0.135, 0.13, 0.11, 0.06, 0.0, -0.06, -0.1, -0.125, -0.135])
"""Where a shoe's cross-sections lie, heel first."""


def _sole(lengths: Floats, half: Floats, low: float, thick: float) -> Mesh:
    """A slab with a cross-section at each of ``lengths``, so that it can be bent."""
    unit = circle(12)
    rings = [
        np.stack([unit[:, 0] * wide, np.full(12, y), low + thick * (unit[:, 1] > -0.01)], axis=1)
        for y, wide in zip(lengths, half, strict=True)
    ]
    return solid(rings)


def _strap(points: Floats, wide: float) -> Mesh:
    """A band along a path, flat against the foot."""
    return tube(points, 0.003, segments=8, flatten=wide / 0.006)


def _sandal(order: Order, draft: Draft) -> None:
    """A footbed with two straps across and one around the heel."""
    half = np.array([0.018, 0.027, 0.034, 0.033, 0.035, 0.046, 0.046, 0.036, 0.018])
    draft.add(Material((0.03, 0.03, 0.032), 0.7), _sole(_SHOE_LENGTHS, half, 0.0, 0.014))
    draft.add(materials.wood((0.42, 0.27, 0.14)), _sole(_SHOE_LENGTHS, 0.97 * half, 0.014, 0.008))
    leather = materials.plastic(order.paint(), 0.4)
    for y, wide, x, z in ((-0.075, 0.046, 0.043, 0.034), (-0.01, 0.04, 0.037, 0.046)):
        over = arc((0, 0), 1.0, 0, 180, 13) * (x, z)
        draft.add(leather, _strap(np.stack([over[:, 0], np.full(13, y), 0.016 + over[:, 1]], axis=1), wide))
    around = arc((0, 0), 1.0, -40, 220, 17) * (0.033, 0.04)
    draft.add(leather, _strap(np.stack([around[:, 0], 0.085 + around[:, 1], np.full(17, 0.05)], axis=1), 0.022))
    for x in (-0.03, 0.03):
        draft.add(leather, _strap(np.array([(x, 0.07, 0.055), (1.05 * x, 0.035, 0.04), (1.1 * x, 0, 0.02)]), 0.014))


def _upper(lengths: Floats, half: Floats, top: Floats, *, is_open: bool) -> Mesh:
    """What covers the foot; ``is_open``: all but the toes is left bare between the two sides."""
    unit = circle(24)
    rings = []
    for y, wide, high in zip(lengths, half, top, strict=True):
        z = high * np.clip(0.5 + 0.62 * unit[:, 1], 0, 1)
        if is_open and -0.08 < y < 0.135:
            z = np.where(np.abs(unit[:, 0]) < 0.75, np.minimum(z, 0.006), z)
        rings.append(np.stack([unit[:, 0] * wide, np.full(24, y), z], axis=1))
    return solid(rings)


def _high_heel(order: Order, draft: Draft) -> None:
    half = np.array([0.014, 0.023, 0.027, 0.025, 0.026, 0.036, 0.037, 0.024, 0.006])
    top = np.array([0.05, 0.058, 0.056, 0.04, 0.03, 0.028, 0.036, 0.028, 0.014])
    dark = Material((0.025, 0.024, 0.024), 0.6)
    for material, mesh in (
        (materials.plastic(order.paint(), 0.3), _upper(_SHOE_LENGTHS, half, top, is_open=True)),
        (dark, _sole(_SHOE_LENGTHS, 1.03 * half, -0.004, 0.005)),
    ):
        share = np.clip((mesh.vertices[:, 1] + 0.06) / 0.15, 0, 1)
        raised = np.outer(0.075 * share**2 * (3 - 2 * share), (0.0, 0.0, 1.0))
        draft.add(material, replace(mesh, vertices=mesh.vertices + raised))
    heel = lathe([(0, -0.004), (0.006, -0.004), (0.007, 0.03), (0.018, 0.074), (0, 0.074)], segments=14)
    draft.add(dark, heel.moved(y=0.112))


def _slipper(order: Order, draft: Draft) -> None:
    """Without a back: only the toes are covered."""
    lengths = np.array([0.135, 0.13, 0.11, 0.06, 0.022, 0.014, -0.06, -0.1, -0.125, -0.135])
    half = np.array([0.022, 0.032, 0.038, 0.038, 0.039, 0.041, 0.047, 0.046, 0.037, 0.02])
    top = np.array([0.02, 0.022, 0.022, 0.022, 0.022, 0.078, 0.068, 0.057, 0.045, 0.03])
    draft.add(materials.fur(order.paint(), order.integer(0, 3)), _upper(lengths, half, top, is_open=False))
    dark = Material((0.025, 0.024, 0.024), 0.8)
    opening = extrude(arc((0, 0), 1.0, 0, 180, 12) * (0.033, 0.047) + (0, 0.021), 0.001)
    draft.add(dark, _sole(lengths, 1.03 * half, -0.014, 0.02), opening.turned("x", 90).moved(y=0.0235))


_LOW_SHOES = {"sandal": _sandal, "high heel": _high_heel, "slipper": _slipper}


def _shoe(order: Order) -> Draft:
    """Its toe points to the front."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "toe": (0.0, -1.0, 0.0)})
    if order.variant in _LOW_SHOES:
        _LOW_SHOES[order.variant](order, draft)
        return draft
    color = order.paint()
    upper = materials.fabric(color) if order.variant == "sneaker" else materials.plastic(color, 0.35)
    n = 20
    unit = circle(n)
    y = _SHOE_LENGTHS
    half = np.array([0.015, 0.028, 0.034, 0.033, 0.036, 0.046, 0.045, 0.034, 0.016])
    ankle = {"sneaker": 0.085, "loafer": 0.062, "boot": 0.15}[order.variant]
    top = np.array([0.8 * ankle, ankle, ankle, 0.95 * ankle, 0.07, 0.056, 0.05, 0.042, 0.03])
    if order.variant == "boot":
        top = np.array([0.92 * ankle, ankle, ankle, ankle, 0.085, 0.062, 0.054, 0.045, 0.032])
    rings = []
    for place, wide, high in zip(y, half, top, strict=True):
        x, z = unit[:, 0] * wide, 0.015 + (high - 0.015) * np.clip(0.5 + 0.62 * unit[:, 1], 0, 1)
        rings.append(np.stack([x * (1 - 0.35 * np.clip((z - 0.045) / 0.1, 0, 1)), np.full(n, place), z], axis=1))
    draft.add(upper, solid(rings))
    dark = Material((0.02, 0.02, 0.02), 0.9)
    opening = circle(18, 0.021, 0.036)
    draft.add(
        dark,
        stack([opening, opening], [ankle - 0.004, ankle + 0.0008]).moved(y=0.085 if order.variant != "boot" else 0.088),
    )
    outline = np.concatenate([np.stack([half * 1.06, y * 1.03], 1), np.stack([-half * 1.06, y * 1.03], 1)[::-1]])[::-1]
    sole = (0.03, 0.03, 0.032)
    if order.variant == "sneaker":
        sole = (0.55, 0.55, 0.54) if order.color == "white" else order.paint("white")
    thick = 0.022 if order.variant == "sneaker" else 0.014
    draft.add(Material(sole, 0.7), stack([0.98 * outline, outline, outline], [0, 0.004, thick]))
    lace = materials.fabric(order.paint("white" if order.color != "white" else "black"))
    if order.variant != "loafer":
        for index in range(4):
            share = index / 3
            z = 0.06 + (0.02 + 0.25 * max(0, ankle - 0.085)) * share
            draft.add(
                lace,
                tube(
                    smooth(
                        [
                            (-0.022, -0.05 + 0.05 * share, z - 0.008),
                            (0, -0.053 + 0.05 * share, z + 0.003),
                            (0.022, -0.05 + 0.05 * share, z - 0.008),
                        ],
                        3,
                    ),
                    0.003,
                    segments=6,
                ),
            )
    return draft


def _open_umbrella(order: Order) -> Draft:
    """Put down to dry: it rests on the canopy's edge and on the end of its handle."""
    wide, deep, below = 0.4, 0.15, 0.36
    lean = float(np.arctan2(below + 0.05, wide))
    tip = (0.0, -float(np.sin(lean)), float(np.cos(lean)))
    draft = Draft(order.color, None, ("open",), {"handle": (0.0, -tip[1], -tip[2]), "tip": tip})
    dome = np.stack([np.linspace(0, 1, 9), 1 - np.linspace(0, 1, 9) ** 2.2], axis=1) * (wide, deep)
    canopy = lathe([*(dome - (0, 0.003)), *dome[::-1]], segments=48)
    reach = np.hypot(canopy.vertices[:, 0], canopy.vertices[:, 1]) / wide
    ribs = np.abs(np.cos(4 * np.arctan2(canopy.vertices[:, 1], canopy.vertices[:, 0])))
    draft.add(materials.fabric(order.paint(), order.integer(0, 3)), canopy.bulged(1 - 0.09 * reach**2 * (1 - ribs)))
    draft.add(materials.metal(), tube([(0, 0, -below), (0, 0, 0), (0, 0, deep + 0.05)], 0.004, segments=8))
    hook = smooth([(0, 0, 0.1 - below), (0, 0, -below), (0.03, 0, -0.04 - below), (0.06, 0, -0.01 - below)], 4)
    draft.add(materials.wood((0.3, 0.16, 0.07)), tube(hook, 0.0095, segments=10))
    draft.turn("x", float(np.degrees(lean)))
    return draft


def _umbrella(order: Order) -> Draft:
    """Lying along y."""
    if order.variant == "open":
        return _open_umbrella(order)
    draft = Draft(order.color, None, ("folded",), {"handle": (0.0, 1.0, 0.0), "tip": (0.0, -1.0, 0.0)})
    cloth = materials.fabric(order.paint(), order.integer(0, 3))
    long = {"short": 0.3, "loose": 0.5}.get(order.variant, 0.55)
    wide = {"slim": 0.019, "golf": 0.033}.get(order.variant, 0.026)
    profile = [
        (0, 0),
        (0.7 * wide, 0.01),
        (wide, 0.15 * long),
        (0.9 * wide, 0.6 * long),
        (0.25 * wide, long),
        (0, long),
    ]
    if order.variant == "loose":
        # Not rolled up: the cloth hangs between the ribs.
        profile = [(0, 0), (0.02, 0.06), (0.075, 0.0), (0.076, 0.03), (0.05, 0.22), (0.008, long), (0, long)]
    body = lathe(smooth(profile[1:-1], 3), segments=48 if order.variant == "loose" else 24)
    deep, twist = (0.22, 0) if order.variant == "loose" else (0.1, 30)
    folds = 1 + deep * np.cos(8 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]) + twist * body.vertices[:, 2])
    body = body.bulged(folds)
    draft.add(cloth, body.turned("x", 90))
    draft.add(materials.metal(), tube([(0, 0.09, 0), (0, 0.0, 0), (0, -long - 0.05, 0)], 0.004, segments=8))
    grip = materials.wood((0.3, 0.16, 0.07))
    if order.variant in ("short", "golf"):
        knob = lathe([(0, 0), (0.012, 0), (0.014, 0.03), (0.011, 0.06), (0, 0.06)], segments=14).turned("x", -90)
        draft.add(grip, (knob if order.variant == "short" else knob.scaled(1.5, 2.6, 1.5)).moved(y=0.03))
    else:
        draft.add(
            grip,
            tube(
                smooth([(0, 0.05, 0), (0, 0.13, 0), (0.03, 0.165, 0), (0.06, 0.135, 0), (0.06, 0.115, 0)], 4),
                0.0085,
                segments=10,
            ),
        )
    if order.variant == "loose":
        # So wide at one end, it rests on that and on its tip.
        draft.turn("x", 9.5)
    return draft


_category = partial(Category, family="clothing", places=PLACES)

CATEGORIES = (
    _category(
        "hat",
        "hats",
        (0.24, 0.42),
        ("brown", "red", "blue", "black", "yellow", "green", "white"),
        ("cap", "fedora", "sun hat", "beanie", "bowler", "bucket hat", "cowboy hat"),
        ("top hat",),
        _hat,
        places=(*_FLOOR, "desk"),
    ),
    _category(
        "shoe",
        "shoes",
        (0.22, 0.32),
        ("red", "blue", "black", "brown", "white", "green", "yellow"),
        ("sneaker", "loafer", "sandal", "high heel", "slipper"),
        ("boot",),
        _shoe,
        places=("floor", "shelf"),
    ),
    _category(
        "umbrella",
        "umbrellas",
        (0.38, 0.85),
        ("red", "blue", "black", "yellow", "green", "purple"),
        ("long", "short", "golf", "loose", "open"),
        ("slim",),
        _umbrella,
        places=("floor",),
    ),
)
