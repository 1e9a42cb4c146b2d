"""Stools, chairs and ottomans."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import mix
from roborefer.refspatial.simulation.objects.draft import Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    lathe,
    ring,
    rounded_box,
    slab,
    solid,
    tube,
)

_DARK_WOOD = (0.2, 0.11, 0.05)


def wood_or_paint(order: Order, draft: Draft) -> Material:
    """Wood where it is brown, paint otherwise."""
    color = order.paint()
    if order.color == "brown":
        draft.material = "wood"
        return materials.wood(mix(color, (0.45, 0.26, 0.11), 0.35), order.integer(0, 3))
    return materials.plastic(color, 0.4)


def legs(
    draft: Draft,
    material: Material,
    spread: float,
    inset: float,
    height: float,
    radius: float,
    ratio: float = 1.0,
) -> None:
    """Four legs from ``inset`` under the seat to ``spread`` on the floor: half of their distances along x.

    Along y they are ``ratio`` times that.
    """
    for x in (-1.0, 1.0):
        for y in (-1.0, 1.0):
            leg = [(x * spread, y * spread * ratio, radius * 0.2), (x * inset, y * inset * ratio, height)]
            draft.add(material, tube(leg, [0.8 * radius, radius], segments=8, ends="flat"))


def _swivel_foot(draft: Draft, reach: float, height: float) -> None:
    """A steel column on five arms with castors."""
    steel, rubber = materials.metal(roughness=0.3), materials.rubber(materials.DARK)
    draft.add(steel, tube([(0, 0, 0.05), (0, 0, height)], 0.02, segments=12, ends="flat"))
    for angle in np.radians(90 + 72 * np.arange(5)):
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        draft.add(steel, tube([(0, 0, 0.085), (x, y, 0.055)], [0.02, 0.013], segments=8))
        draft.add(rubber, ellipsoid(0.022, 0.022, 0.026, segments=10, rings=6).moved(x, y, 0.026))


def _cushion(radius: float, low: float, high: float) -> Mesh:
    """A round pad, flat on top but for its edge."""
    wall = smooth([(0.93, 0), (1, 0.3), (1, 0.7), (0.93, 1)], 3) * (radius, high - low) + (0, low)
    return lathe([(0, low), *wall, (0, high)], segments=36)


def stool(order: Order) -> Draft:
    draft = Draft(order.color)
    if order.variant == "swivel":
        h = order.uniform(0.44, 0.52)
        draft.add(materials.plastic(order.paint(), 0.6), _cushion(0.17, h - 0.08, h))
        draft.top = circle(24, 0.15)
        _swivel_foot(draft, 0.2, h - 0.07)
        return draft
    material = wood_or_paint(order, draft)
    h = order.uniform(0.4, 0.5) if order.variant != "bar" else 0.68
    r = 0.17
    if order.variant == "square":
        draft.add(material, slab(0.34, 0.34, 0.03, 0.03, bevel=0.006).moved(z=h - 0.03))
        draft.top = rectangle(0.31, 0.31)
        legs(draft, material, 0.15, 0.13, h - 0.02, 0.018)
    elif order.variant == "plank":
        draft.add(material, slab(0.42, 0.24, 0.03, 0.012, bevel=0.006).moved(z=h - 0.03))
        draft.top = rectangle(0.39, 0.21)
        for x in (-0.15, 0.15):
            draft.add(material, rounded_box((0.026, 0.21, h - 0.03), 0.004).moved(x))
        draft.add(material, rounded_box((0.3, 0.022, 0.09), 0.003).moved(z=0.4 * h))
    elif order.variant == "tripod":
        draft.add(material, _cushion(0.165, h - 0.055, h))
        draft.top = circle(24, 0.145)
        for angle in np.radians((90, 210, 330)):
            way = np.array([np.cos(angle), np.sin(angle), 0])
            leg = [0.19 * way + (0, 0, 0.006), 0.09 * way + (0, 0, h - 0.05)]
            draft.add(material, tube(leg, [0.015, 0.023], segments=10, ends="flat"))
    else:
        draft.add(
            material,
            lathe(
                [(0, h - 0.035), (0.96 * r, h - 0.035), (r, h - 0.028), (r, h - 0.006), (0.97 * r, h), (0, h)],
                segments=36,
            ),
        )
        draft.top = circle(24, 0.94 * r)
        legs(draft, material, 0.15, 0.1, h - 0.02, 0.016)
        ring_height = 0.35 * h
        reach = 0.15 + (0.1 - 0.15) * ring_height / h
        draft.add(material, tube(ring(circle(24, 1.38 * reach), ring_height), 0.009, segments=6, closed=True))
    return draft


def chair(order: Order) -> Draft:
    """Faces the front; its back rest stands at +y."""
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "back rest": (0.0, 1.0, 0.0)})
    draw = {"padded": _padded_chair, "office": _office_chair, "shell": _shell_chair, "bentwood": _bentwood_chair}
    if order.variant in draw:
        draw[order.variant](order, draft)
        return draft
    material = wood_or_paint(order, draft)
    h, w, d = 0.45, 0.42, 0.42
    draft.add(material, slab(w, d, 0.028, 0.04, bevel=0.006).moved(z=h - 0.028))
    legs(draft, material, 0.2, 0.175, h - 0.02, 0.018)
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


def _padded_chair(order: Order, draft: Draft) -> None:
    """Upholstered from seat to top, on square legs."""
    cloth = materials.fabric(order.paint(), order.integer(0, 3))
    draft.add(cloth, rounded_box((0.45, 0.46, 0.13), 0.025, steps=2).moved(z=0.34))
    high = order.uniform(0.46, 0.54)
    draft.add(cloth, rounded_box((0.45, 0.09, high), 0.03, steps=2).turned("x", -7).moved(y=0.2, z=0.4))
    wood = materials.wood(_DARK_WOOD)
    for x in (-0.19, 0.19):
        draft.add(wood, *(rounded_box((0.04, 0.04, 0.35), 0.004).moved(x, y) for y in (-0.19, 0.19)))


def _office_chair(order: Order, draft: Draft) -> None:
    cloth = materials.fabric(order.paint(), order.integer(0, 3))
    draft.add(cloth, slab(0.46, 0.45, 0.08, 0.12, bevel=0.04).moved(z=0.4))
    high = order.uniform(0.86, 0.94)
    back = slab(0.42, high - 0.54, 0.06, 0.1, bevel=0.03).turned("x", 90).turned("x", -6)
    draft.add(cloth, back.moved(y=0.25, z=0.5 * (high + 0.54)))
    dark = materials.plastic(materials.DARK, 0.5)
    stem = smooth([(0, 0.05, 0.395), (0, 0.2, 0.395), (0, 0.27, 0.45), (0, 0.25, 0.68)], 4)
    draft.add(dark, tube(stem, 0.02, segments=8))
    _swivel_foot(draft, 0.26, 0.4)


def _shell_chair(order: Order, draft: Draft) -> None:
    """Seat and back are one bent plastic sheet; its sides curl up."""
    # Along the middle of the seat and up the back: y, z, width, height of the curl.
    course = smooth(
        [
            (-0.22, 0.425, 0.38, 0.0),
            (-0.18, 0.45, 0.43, 0.02),
            (-0.02, 0.435, 0.47, 0.06),
            (0.13, 0.45, 0.47, 0.09),
            (0.2, 0.55, 0.46, 0.09),
            (0.23, 0.7, 0.43, 0.05),
            (0.25, order.uniform(0.8, 0.86), 0.34, 0.02),
        ],
        4,
    )
    along = np.gradient(course[:, :2], axis=0)
    inward = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1)[:, None]
    across = np.linspace(-1, 1, 11)
    # From the sitter's right over the seat to the left, and back below it.
    side = np.concatenate([across, across[::-1]])
    lift = course[:, 3:] * side**2 - np.repeat((0.0, 0.012), 11)
    rings = np.concatenate(
        [
            (0.5 * course[:, 2:3] * side)[..., None],
            course[:, None, :2] + lift[..., None] * inward[:, None],
        ],
        axis=2,
    )
    draft.add(materials.plastic(order.paint(), 0.4), solid(rings))
    wood = materials.wood((0.5, 0.3, 0.13)) if order.color != "brown" else materials.metal()
    legs(draft, wood, 0.22, 0.11, 0.445, 0.017)


def _bentwood_chair(order: Order, draft: Draft) -> None:
    """A round seat under two hoops."""
    material = wood_or_paint(order, draft)
    draft.add(material, _cushion(0.21, 0.42, 0.455))
    legs(draft, material, 0.19, 0.14, 0.43, 0.016)
    high = order.uniform(0.84, 0.94)
    for half, top, radius in ((0.18, high, 0.016), (0.1, high - 0.1, 0.011)):
        rise = np.array([(1, 0), (1.04, 0.35), (0.98, 0.7), (0.72, 0.94), (0, 1)])
        hoop = np.concatenate([rise, rise[-2::-1] * (-1, 1)])
        path = [(half * x, 0.14 + 0.07 * z, 0.44 + z * (top - 0.44)) for x, z in hoop]
        draft.add(material, tube(smooth(path, 4), radius, segments=8))
    draft.add(material, tube(ring(circle(24, 0.165), 0.27), 0.009, segments=6, closed=True))


def ottoman(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    cloth = materials.fabric(color, order.integer(0, 3))
    h = order.uniform(0.34, 0.42)
    if order.variant == "pouf":
        seams = prints.striped(color, mix(color, materials.DARK, 0.3), 12, upright=True, share=0.1)
        wall = smooth([(0.66, 0), (0.94, 0.15), (1, 0.45), (0.9, 0.8), (0.72, 0.95), (0.5, 1)], 4) * (0.25, 0.75 * h)
        ball = lathe([(0, 0), *wall, (0, 0.75 * h)], segments=48)
        angles = np.arctan2(ball.vertices[:, 0], ball.vertices[:, 1])
        draft.add(Material(materials.WHITE, 0.95, 0.0, seams), ball.bulged(0.95 + 0.05 * np.abs(np.sin(6 * angles))))
        draft.top = circle(24, 0.11)
        return draft
    if order.variant == "storage":
        draft.add(cloth, rounded_box((0.5, 0.36, h - 0.1), 0.01))
        draft.add(materials.fabric(mix(color, materials.DARK, 0.6)), rounded_box((0.48, 0.34, 0.02)).moved(z=h - 0.105))
        draft.add(cloth, rounded_box((0.52, 0.38, 0.09), 0.025, steps=2).moved(z=h - 0.09))
        draft.top = rectangle(0.46, 0.32)
        return draft
    if order.variant == "footstool":
        draft.add(cloth, rounded_box((0.5, 0.36, 0.13), 0.035, steps=2).moved(z=h - 0.13))
        draft.top = rectangle(0.42, 0.28)
        legs(draft, materials.wood(_DARK_WOOD), 0.22, 0.2, h - 0.12, 0.021, 0.65)
        return draft
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
                materials.wood(_DARK_WOOD),
                lathe([(0, 0), (0.016, 0), (0.022, 0.035), (0, 0.035)], segments=12).moved(x, y),
            )
    return draft
