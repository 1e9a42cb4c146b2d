"""Things to eat that are not fruit: baked, from the field, from the fridge."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.baking import BAKED, cake, cupcake, donut, loaf
from roborefer.refspatial.simulation.objects.colors import Rgb, leaf_green, mix
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.fruit import FOOD_PLACES, LEAF, STEM, stem
from roborefer.refspatial.simulation.objects.outlines import arc, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, extrude, lathe, leaf, stack, tube

CREAM: Rgb = (0.88, 0.82, 0.7)


def _carrot(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0)}, rolls=True)
    length, r = {"long": (0.17, 0.016), "short": (0.12, 0.02), "thin": (0.18, 0.011)}.get(order.variant, (0.13, 0.017))
    t = np.linspace(0, 1, 18)
    slender = np.minimum(1, 0.5 + 5 * t) * (0.86 + 0.14 * t) if order.variant == "blunt" else 0.14 + 0.86 * t**0.6
    radii = r * slender * (1 - 0.35 * np.clip(t - 0.93, 0, 1) / 0.07) * (1 + 0.018 * np.sin(55 * t))
    path = np.stack([0.004 * np.sin(3 * t), -length / 2 + length * t, r * np.ones(18)], axis=1)
    peel = materials.peel(order.paint(), order.integer(0, 3), 0.55)
    if order.variant == "forked":
        for side, first in ((-1, 0), (1, 3)):
            leg = path[first:] + np.outer(1.9 * r * np.clip(1 - t[first:] / 0.65, 0, 1), (side, 0, 0))
            draft.add(peel, tube(leg, (0.45 + 0.55 * t[first:]) * radii[first:], segments=14))
    else:
        draft.add(peel, tube(path, radii, segments=14))
    green = materials.plastic(leaf_green(order.generator), 0.7)
    end = {"blunt": 0.55, "leafy": 1.1}.get(order.variant, 0.78)
    for index in range(6):
        angle = 2 * np.pi * index / 6
        reach = np.array([np.cos(angle), 0, 0.6 * np.sin(angle)])
        root, tip = np.array([0, 0.48 * length, r]), np.array([0, end * length, r])
        stalk = smooth([root, 0.5 * (root + tip) + 0.3 * r * reach, tip + 1.1 * r * reach], 3)
        draft.add(green, tube(stalk, np.linspace(0.12 * r, 0.2 * r, len(stalk)), segments=6))
        if order.variant == "leafy":
            for place, (x, y, z) in enumerate(stalk[2:]):
                for slant in (35, 145):
                    frond = leaf(r * (0.9 - 0.1 * place), 0.32 * r, 0.1 * r, steps=3)
                    draft.add(green, frond.turned("z", slant).moved(x, y, z))
    return draft


def _cheese(order: Order) -> Draft:
    draft = Draft(order.color)
    color = mix(order.paint(), (0.85, 0.48, 0.08), 0.3)
    if order.variant == "block":
        draft.add(materials.plastic(color, 0.5), stack([rounded_rectangle(0.1, 0.06, 0.003)] * 2, [0, 0.045]))
        draft.top = rounded_rectangle(0.098, 0.058, 0.003)
        return draft
    hollow = materials.plastic(mix(color, (0.3, 0.15, 0.0), 0.45), 0.8)
    if order.variant in ("block with holes", "sliced"):
        _cut_cheese(draft, materials.plastic(color, 0.5), hollow, in_slices=order.variant == "sliced")
        return draft
    if order.variant == "hunk":
        h = order.uniform(0.06, 0.075)
        draft.add(materials.plastic(color, 0.65), extrude([(-0.045, 0), *arc((-0.045, 0), 0.085, -34, 34, 12)], h))
        rind = [*arc((-0.045, 0), 0.089, -34, 34, 12), *arc((-0.045, 0), 0.084, 34, -34, 12)]
        draft.add(hollow, extrude(rind, h))
        return draft
    if order.variant == "wheel":
        draft.add(
            materials.plastic(color, 0.5),
            lathe([(0, 0), (0.06, 0), (0.064, 0.006), (0.064, 0.034), (0.06, 0.04), (0, 0.04)]),
        )
        draft.top = circle(24, 0.058)
        return draft
    h = order.uniform(0.04, 0.055)
    wedge = np.array(
        [(-0.045, 0.03), *[(0.06 + 0.012 * np.cos(a), 0.034 * np.sin(a)) for a in np.linspace(-1.5, 1.5, 7)]]
    )
    wedge[0] = (-0.07, 0.0)
    draft.add(materials.plastic(color, 0.5), extrude(wedge, h))
    along = np.array([0.13, 0.034])
    for share, z, size in ((0.35, 0.35, 0.005), (0.55, 0.68, 0.007), (0.75, 0.3, 0.008), (0.9, 0.72, 0.005)):
        for side in (-1.0, 1.0):
            place = np.array([-0.07, 0.0]) + share * along * (1, side)
            hole = ellipsoid(size, 0.0008, size, segments=12, rings=6).turned("z", side * 14.6)
            draft.add(hollow, hole.moved(place[0], place[1], z * h))
    draft.add(hollow, ellipsoid(0.008, 0.008, 0.0008, segments=12, rings=4).moved(0.03, 0.004, h))
    return draft


def _cut_cheese(draft: Draft, cheese: Material, hollow: Material, *, in_slices: bool) -> None:
    """A block with holes, or a shorter one from which slices have been cut."""
    if in_slices:
        draft.add(cheese, stack([rounded_rectangle(0.06, 0.065, 0.002)] * 2, [0, 0.05]).moved(x=-0.045))
        for index in range(3):
            piece = stack([rounded_rectangle(0.05, 0.064, 0.002)] * 2, [0, 0.005]).turned("z", 9 * index - 6)
            draft.add(cheese, piece.moved(0.023 + 0.01 * index, -0.004 * index, 0.0052 * index))
        draft.top = rounded_rectangle(0.057, 0.062, 0.002) - (0.045, 0)
        return
    draft.add(cheese, stack([rounded_rectangle(0.1, 0.07, 0.004)] * 2, [0, 0.05]))
    for u, v, size in ((-0.7, -0.5, 0.007), (-0.3, 0.45, 0.01), (0.25, -0.35, 0.0085), (0.7, 0.4, 0.006)):
        hole = ellipsoid(size, size, 0.0005, segments=14, rings=4)
        draft.add(hollow, hole.moved(0.045 * u, 0.03 * v, 0.05))
        upright = hole.turned("x", 90)
        for side in (0, 180):
            draft.add(hollow, upright.moved(0.045 * u, -0.035, 0.025 - 0.022 * v).turned("z", side))
            draft.add(hollow, upright.moved(0.025 * u, -0.05, 0.025 + 0.02 * v).turned("z", 90 + side))
    draft.top = rounded_rectangle(0.096, 0.066, 0.004)


def _egg(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    color = order.paint() if order.color == "white" else mix(order.paint("brown"), (0.75, 0.38, 0.2), 0.2)
    t = np.linspace(-np.pi / 2, np.pi / 2, 15)
    blunt = {"plain": 0.14, "round": 0.07, "pointed": 0.24, "long": 0.04}.get(order.variant, 0.12)
    stretch = 1.5 if order.variant == "long" else 1.3
    profile = np.stack([np.cos(t) * (1 - blunt * np.sin(t)), stretch * np.sin(t)], axis=1) * 0.021
    profile[[0, -1], 0] = 0
    if order.variant == "opened":
        # Boiled, its top gone: the yolk shows.
        profile = profile[:11]
        r, z = profile[-1]
        draft.add(Material(CREAM, 0.4), lathe([(0, z - 0.003), (0.93 * r, z - 0.003), (0.93 * r, z), (0, z)]))
        yolk = materials.plastic((0.85, 0.4, 0.02), 0.3)
        draft.add(yolk, ellipsoid(0.6 * r, 0.6 * r, 0.002, segments=18, rings=6).moved(z=z))
        profile = np.concatenate([profile, [(0.92 * r, z), (0.92 * r, z - 0.004)]])
    body = lathe(profile, segments=22)
    shell = Material(color, 0.55)
    if order.color == "brown" and order.chance(0.5):
        shell = Material(
            materials.WHITE, 0.55, 0.0, prints.speckled(color, mix(color, STEM, 0.6), order.generator, 40, 2.0)
        )
        draft.attributes = ("speckled",)
    draft.add(shell, body)
    if order.variant not in ("opened", "standing"):
        draft.turn("x", 90 - {"plain": 9, "round": 4, "pointed": 12, "long": 2}[order.variant])
    return draft


def _tomato(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    r = 0.034
    tall, ribs, lobes = {
        "round": (0.82, 0.0, 7),
        "beef": (0.68, 0.05, 7),
        "plum": (1.25, 0.0, 7),
        "fluted": (0.55, 0.08, 10),
        "heart": (1.0, 0.03, 4),
        "on a vine": (0.88, 0.0, 7),
    }[order.variant]
    profile = smooth([(0, 0.1), (0.3, 0.0), (0.85, 0.4), (1.0, 1.0), (0.8, 1.62), (0.35, 1.86), (0, 1.72)], 4)
    if order.variant == "heart":
        profile = smooth([(0, 0.02), (0.32, 0.0), (0.7, 0.5), (1.0, 1.3), (0.86, 1.78), (0.35, 1.95), (0, 1.72)], 4)
    body = lathe(np.abs(profile) * (r, r * tall), segments=50 if order.variant == "fluted" else 30)
    waves = 1 + ribs * np.cos(lobes * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]))
    body = body.bulged(waves)
    draft.add(materials.plastic(order.paint(), 0.2), body)
    green = materials.plastic(LEAF, 0.65)
    for index in range(5):
        draft.add(
            green,
            leaf(0.55 * r, 0.2 * r, 0.05 * r, steps=3)
            .turned("z", 72 * index)
            .moved(z=(1.78 if order.variant != "heart" else 1.88) * r * tall),
        )
    draft.add(green, stem(0.3 * r, 0.08 * r, 0.06 * r, base=1.72 * r * tall))
    if order.variant == "on a vine":
        vine = smooth([(-0.9, 0.1, 2.2), (-0.3, 0, 2.05), (0, 0, 1.9), (0.4, 0, 2.02), (0.9, -0.1, 2.1)], 4)
        draft.add(green, tube(r * vine, 0.075 * r, segments=8))
    if order.variant == "plum":
        draft.turn("x", 86)
    return draft


def _bell_pepper(order: Order) -> Draft:
    draft = Draft(order.color)
    r, tall = 0.038, {"long": 1.4, "squat": 0.78, "three-lobed": 1.15, "tapering": 1.5}.get(order.variant, 1.0)
    profile = smooth(
        [(0, 0.16), (0.4, 0.0), (0.72, 0.25), (0.92, 1.0), (1.0, 1.6), (0.8, 2.0), (0.35, 2.02), (0, 1.8)], 4
    )
    if order.variant == "tapering":
        profile = smooth(
            [(0, 0), (0.2, 0.06), (0.45, 0.45), (0.72, 1.1), (0.92, 1.75), (0.75, 2), (0.35, 1.98), (0, 1.8)], 4
        )
    body = lathe(np.abs(profile) * (r, r * tall), segments=32)
    lobes, depth = (3, 0.15) if order.variant == "three-lobed" else (4, 0.07)
    waves = 1 + depth * np.cos(lobes * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]))
    body = body.bulged(waves)
    color = leaf_green(order.generator) if order.color == "green" else order.paint()
    draft.add(materials.plastic(color, 0.18), body)
    stalk = stem(0.85 * r, 0.3 * r, 0.15 * r, base=1.8 * r * tall)
    draft.add(materials.plastic(LEAF, 0.6), stalk)
    if order.variant in ("lying", "tapering"):
        draft.rolls = True
        draft.turn("x", 102 if order.variant == "tapering" else 94)
        draft.turn("z", order.uniform(-60, 60))
    return draft


def _mushroom(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    r = 0.03
    dome = {"button": 0.85, "flat": 0.55, "tall": 1.15, "long-stalked": 0.5, "stout": 0.7}.get(order.variant, 0.85)
    foot = {
        "long-stalked": [(0.26, 0), (0.2, 0.25), (0.17, 1.2), (0.17, 2.1)],
        "stout": [(0.55, 0), (0.66, 0.25), (0.6, 0.6), (0.44, 1.25)],
        "conical": [(0.3, 0), (0.26, 0.3), (0.22, 2.0)],
    }.get(order.variant, [(0.42, 0), (0.4, 0.3), (0.36, 0.95)])
    stalk = smooth(np.array(foot) * r, 3)
    draft.add(materials.plastic(CREAM, 0.8), lathe([(0, 0), *stalk], segments=18))
    cap = smooth(
        [
            (0.36 * r, 0.88 * r),
            (0.8 * r, 0.72 * r),
            (1.0 * r, 0.8 * r),
            (0.9 * r, (0.8 + 0.5 * dome) * r),
            (0.5 * r, (0.8 + 0.9 * dome) * r),
            (0, (0.8 + dome) * r),
        ],
        4,
    )
    if order.variant == "conical":
        cap = smooth(r * np.array([(0.18, 1.05), (0.85, 0.7), (0.95, 0.78), (0.6, 1.25), (0.22, 1.75), (0, 1.85)]), 4)
    cap[:, 1] += {"conical": 0.6 * r, "long-stalked": 1.15 * r, "stout": 0.3 * r}.get(order.variant, 0.0)
    skin = materials.peel(color, order.integer(0, 3), 0.6) if order.color != "white" else Material(color, 0.6)
    draft.add(skin, lathe(cap, segments=24))
    return draft


def _hamburger(order: Order) -> Draft:
    draft = Draft(None)
    r = 0.052
    bun = materials.peel(mix(BAKED, (0.75, 0.4, 0.12), 0.5), order.integer(0, 3), 0.5)
    draft.add(
        bun,
        lathe(
            np.concatenate(
                [[(0, 0)], smooth([(0.82 * r, 0), (0.98 * r, 0.008), (r, 0.016), (0.96 * r, 0.019)], 3), [(0, 0.019)]]
            )
        ),
    )
    z = 0.019

    def layer(color: Rgb, thickness: float, reach: float, waves: int = 0) -> None:
        nonlocal z
        mesh = lathe(
            [
                (0, z),
                ((reach - 0.03) * r, z),
                (reach * r, z + 0.5 * thickness),
                ((reach - 0.03) * r, z + thickness),
                (0, z + thickness),
            ],
            segments=40,
        )
        if waves:
            away = np.linalg.norm(mesh.vertices[:, :2], axis=1) / (reach * r)
            lift = 0.0035 * np.sin(waves * np.arctan2(mesh.vertices[:, 1], mesh.vertices[:, 0])) * (away > 0.8)
            mesh = Mesh(mesh.vertices + np.outer(lift, (0, 0, 1)), mesh.faces, mesh.normals, mesh.uv)
        draft.add(materials.plastic(color, 0.6), mesh)
        z += thickness

    layer(leaf_green(order.generator), 0.004, 1.08, 11)
    if order.variant == "crispy":
        # A crooked fillet that sticks out of the bun.
        layer((0.4, 0.15, 0.02), 0.019, 1.14, 5)
        layer((0.85, 0.82, 0.75), 0.004, 1.02, 7)
    for _ in range({"double": 2, "crispy": 0}.get(order.variant, 1)):
        layer((0.12, 0.045, 0.02), 0.013, 1.02)
        cheese = stack([rounded_rectangle(1.75 * r, 1.75 * r, 0.002, 1)] * 2, [z, z + 0.0025]).turned(
            "z", order.uniform(0, 90)
        )
        draft.add(materials.plastic((0.85, 0.5, 0.05), 0.45), cheese)
        z += 0.0025
    if order.variant != "plain":
        layer((0.62, 0.06, 0.03), 0.006, 0.94)
    high = 1.6 if order.variant == "brioche" else 1.0
    rise = ((0.98, 0.0), (1.02, 0.007), (0.85, 0.026), (0.45, 0.036), (0.0, 0.038))
    dome = smooth([(share * r, z + high * lift) for share, lift in rise], 4)
    draft.add(bun, lathe([(0, z), *dome]))
    if order.variant == "brioche":
        return draft
    if order.variant == "skewered":
        z += 0.038
        draft.add(materials.wood((0.6, 0.42, 0.2)), tube([(0, 0, z - 0.01), (0, 0, z + 0.04)], 0.0015, segments=6))
        draft.add(materials.plastic((0.16, 0.24, 0.03), 0.25), ellipsoid(0.009, 0.009, 0.011).moved(z=z + 0.013))
    seed = materials.plastic((0.85, 0.75, 0.5), 0.6)
    for x, y in order.generator.uniform(-0.5, 0.5, (16, 2)) * r:
        height = float(np.interp(np.hypot(x, y), dome[::-1, 0], dome[::-1, 1]))
        draft.add(seed, ellipsoid(0.0026, 0.0018, 0.0014, segments=7, rings=4).moved(x, y, height))
    return draft


_category = partial(Category, family="food", places=FOOD_PLACES)

_SERVED = ("table", "counter", "tray")

CATEGORIES = (
    _category(
        "loaf of bread",
        "loaves of bread",
        (0.17, 0.42),
        ("brown",),
        ("tin", "baguette", "bloomer", "plaited", "sliced"),
        ("round",),
        loaf,
        places=("table", "counter", "tray", "shelf"),
    ),
    _category(
        "cake",
        "cakes",
        (0.16, 0.26),
        ("white", "pink", "brown", "yellow"),
        ("plain", "slab", "cut", "heart", "ring"),
        ("two tiers",),
        cake,
        places=_SERVED,
    ),
    _category(
        "donut",
        "donuts",
        (0.075, 0.11),
        ("pink", "brown", "white", "yellow", "blue"),
        ("ring", "thick", "bitten", "flower", "twisted"),
        ("filled",),
        donut,
    ),
    _category(
        "carrot",
        "carrots",
        (0.15, 0.26),
        ("orange",),
        ("long", "short", "blunt", "forked", "leafy"),
        ("thin",),
        _carrot,
    ),
    _category(
        "piece of cheese",
        "pieces of cheese",
        (0.09, 0.15),
        ("yellow",),
        ("wedge", "block", "block with holes", "hunk", "sliced"),
        ("wheel",),
        _cheese,
        places=_SERVED,
    ),
    _category(
        "egg",
        "eggs",
        (0.048, 0.066),
        ("white", "brown"),
        ("plain", "round", "long", "opened", "standing"),
        ("pointed",),
        _egg,
    ),
    _category(
        "tomato",
        "tomatoes",
        (0.05, 0.09),
        ("red",),
        ("round", "beef", "fluted", "heart", "on a vine"),
        ("plum",),
        _tomato,
    ),
    _category(
        "bell pepper",
        "bell peppers",
        (0.08, 0.13),
        ("red", "yellow", "green", "orange"),
        ("blocky", "long", "lying", "three-lobed", "tapering"),
        ("squat",),
        _bell_pepper,
    ),
    _category(
        "mushroom",
        "mushrooms",
        (0.045, 0.08),
        ("white", "brown"),
        ("button", "flat", "conical", "long-stalked", "stout"),
        ("tall",),
        _mushroom,
    ),
    _category(
        "hamburger",
        "hamburgers",
        (0.09, 0.13),
        (),
        ("plain", "tomato", "brioche", "crispy", "skewered"),
        ("double",),
        _hamburger,
        places=_SERVED,
    ),
    _category(
        "cupcake",
        "cupcakes",
        (0.065, 0.1),
        ("pink", "white", "brown", "blue", "yellow", "green"),
        ("swirl", "dome", "candle", "flat", "rosettes"),
        ("tall swirl",),
        cupcake,
    ),
)
