"""Things to eat that are not fruit: baked, from the field, from the fridge."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, leaf_green, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Category, Draft, Order
from roborefer.refspatial.simulation.objects.fruit import FOOD_PLACES, LEAF, STEM, stem
from roborefer.refspatial.simulation.objects.outlines import circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, extrude, lathe, leaf, loft, stack, tube

BAKED: Rgb = (0.52, 0.25, 0.08)
CRUMB: Rgb = (0.82, 0.62, 0.36)
CREAM: Rgb = (0.88, 0.82, 0.7)


def _loaf(order: Order) -> Draft:
    draft = Draft(order.color)
    crust = materials.peel(mix(BAKED, order.paint("brown"), order.uniform(0.3, 0.6)), order.integer(0, 3), 0.75)
    pale = materials.peel(CRUMB, order.integer(0, 3), 0.9)
    if order.variant == "round":
        draft.add(
            crust, lathe([(0, 0), *smooth([(0.08, 0), (0.098, 0.02), (0.085, 0.062), (0.045, 0.088), (0, 0.095)], 4)])
        )
        for x in (-0.03, 0.0, 0.03):
            slash = ellipsoid(0.005, 0.05 - abs(x), 0.004, segments=10, rings=6)
            draft.add(pale, slash.moved(x, 0, 0.093 - 6.5 * x * x))
        return draft
    if order.variant == "tin":
        _tin_loaf(draft, crust)
        return draft
    t = np.linspace(-1, 1, 15)
    scale = np.sqrt(1 - np.abs(t) ** 3)
    section = rounded_rectangle(0.06, 0.05, 0.022, 4) + np.array([0, 0.025])
    rings = np.stack(
        [
            np.broadcast_to(0.2 * t[:, None], (len(t), len(section))),
            section[:, 0] * scale[:, None],
            section[:, 1] * scale[:, None],
        ],
        axis=2,
    )
    draft.add(crust, loft(rings))
    for place in np.linspace(-0.13, 0.13, 5):
        draft.add(
            pale,
            ellipsoid(0.02, 0.0035, 0.003, segments=10, rings=4)
            .turned("z", 35)
            .moved(place, 0, 0.0485 - 0.3 * place**2),
        )
    return draft


def _tin_loaf(draft: Draft, crust: Material) -> None:
    """Straight sides below, a mushroomed top above the edge of its tin."""
    half = np.array(
        [
            (0.044, 0.0),
            (0.047, 0.004),
            (0.05, 0.06),
            (0.057, 0.068),
            (0.058, 0.08),
            (0.05, 0.095),
            (0.03, 0.105),
            (0.0, 0.108),
        ]
    )
    section = np.concatenate([half, half[-2::-1] * (-1, 1)])
    x = np.array([-0.105, -0.105, -0.1, -0.04, 0.04, 0.1, 0.105, 0.105])
    share = np.array([0.0, 0.9, 0.97, 1.0, 1.0, 0.97, 0.9, 0.0])
    middle = np.array([0.0, 0.05])
    rings = middle + (section - middle) * share[:, None, None]
    rings[:, :, 1] = np.where(
        section[:, 1] < 0.05, middle[1] + (section[:, 1] - 0.05) * np.sign(share)[:, None], rings[:, :, 1]
    )
    rings[[0, -1]] = middle
    draft.add(crust, loft(np.concatenate([np.broadcast_to(x[:, None, None], (*rings.shape[:2], 1)), rings], axis=2)))


def _cake(order: Order) -> Draft:
    draft = Draft(order.color, None, ("round",) if order.variant != "slab" else ("square",))
    icing = materials.plastic(order.paint(), 0.5)
    second = order.paint(other_color(order.color, order.generator, ("white", "pink", "red", "yellow")))
    cream = materials.plastic(second, 0.5)
    h, r = order.uniform(0.07, 0.1), 0.09
    if order.variant == "slab":
        draft.add(
            icing, stack([rounded_rectangle(w, w, 0.02, 4) for w in (1.9 * r, 1.9 * r, 1.86 * r)], [0, 0.95 * h, h])
        )
    elif order.variant == "two tiers":
        draft.add(icing, lathe([(0, 0), (r, 0), (r, 0.55 * h), (0.97 * r, 0.58 * h), (0, 0.58 * h)]))
        draft.add(
            icing, lathe([(0, 0.58 * h), (0.6 * r, 0.58 * h), (0.6 * r, 1.1 * h), (0.57 * r, 1.13 * h), (0, 1.13 * h)])
        )
        h *= 1.13
    else:
        draft.add(icing, lathe([(0, 0), (r, 0), (r, 0.95 * h), (0.97 * r, h), (0, h)], segments=36))
    ring = {"slab": 0.72, "two tiers": 0.5, "plain": 0.82}[order.variant] * r
    for x, y in circle(10, ring):
        draft.add(cream, lathe([(0.011, 0), (0.0115, 0.006), (0.006, 0.012), (0, 0.018)], segments=10).moved(x, y, h))
    base = 0.95 * r if order.variant == "slab" else r
    for x, y in circle(20, base) if order.variant != "slab" else np.zeros((0, 2)):
        draft.add(cream, ellipsoid(0.009, 0.009, 0.008, segments=8, rings=5).moved(x, y, 0.007))
    draft.add(
        materials.plastic(order.paint("red"), 0.2),
        ellipsoid(0.011, 0.011, 0.011, segments=12, rings=8).moved(z=h + 0.01),
    )
    return draft


def _donut(order: Order) -> Draft:
    draft = Draft(order.color)
    hole = {"ring": 0.62, "thick": 0.56, "filled": 0.0}[order.variant]
    r, tall = 0.026, order.uniform(0.75, 0.9)
    dough = materials.peel(BAKED, order.integer(0, 3), 0.7)
    color = order.paint()
    ink = order.paint(other_color(order.color, order.generator, ("white", "yellow", "blue", "red")))
    icing_print = prints.speckled(color, ink, order.generator, 70, 3.0)
    sprinkled = order.chance(0.6)
    icing = Material(materials.WHITE, 0.25, 0.0, icing_print) if sprinkled else materials.plastic(color, 0.25)
    if order.variant == "filled":
        draft.add(dough, ellipsoid(0.045, 0.045, 0.02).moved(z=0.02))
        cover = smooth([(0.043, 0.023), (0.041, 0.032), (0.028, 0.0405), (0, 0.0435)], 4)
        draft.add(icing, lathe([(0.0, 0.022), (0.0435, 0.022), *cover]))
        return draft
    middle = r * (1 + 1.15 * hole)
    angles = np.radians(np.linspace(-90, 270, 17))
    ring = np.stack([middle + r * np.cos(angles), tall * r * (1 + np.sin(angles))], axis=1)
    ring[-1] = ring[0]
    draft.add(dough, lathe(ring, segments=28))
    half = np.radians(np.linspace(-12, 192, 11))
    cover = np.stack([middle + 1.04 * r * np.cos(half), tall * r * (1 + 1.06 * np.sin(half))], axis=1)
    draft.add(icing, lathe(np.concatenate([cover, cover[:1]]), segments=28))
    return draft


def _carrot(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"tip": (0.0, -1.0, 0.0)}, rolls=True)
    length, r = {"long": (0.17, 0.016), "short": (0.12, 0.02), "thin": (0.18, 0.011)}[order.variant]
    t = np.linspace(0, 1, 18)
    radii = r * (0.14 + 0.86 * t**0.6) * (1 - 0.35 * np.clip(t - 0.93, 0, 1) / 0.07) * (1 + 0.018 * np.sin(55 * t))
    path = np.stack([0.004 * np.sin(3 * t), -length / 2 + length * t, r * np.ones(18)], axis=1)
    draft.add(materials.peel(order.paint(), order.integer(0, 3), 0.55), tube(path, radii, segments=14))
    green = materials.plastic(leaf_green(order.generator), 0.7)
    for index in range(6):
        angle = 2 * np.pi * index / 6
        reach = np.array([np.cos(angle), 0, 0.6 * np.sin(angle)])
        root, tip = np.array([0, 0.48 * length, r]), np.array([0, 0.78 * length, r])
        stalk = smooth([root, 0.5 * (root + tip) + 0.3 * r * reach, tip + 1.1 * r * reach], 3)
        draft.add(green, tube(stalk, np.linspace(0.12 * r, 0.2 * r, len(stalk)), segments=6))
    return draft


def _cheese(order: Order) -> Draft:
    draft = Draft(order.color)
    color = mix(order.paint(), (0.85, 0.48, 0.08), 0.3)
    if order.variant == "block":
        draft.add(materials.plastic(color, 0.5), stack([rounded_rectangle(0.1, 0.06, 0.003)] * 2, [0, 0.045]))
        draft.top = rounded_rectangle(0.098, 0.058, 0.003)
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
    hollow = materials.plastic(mix(color, (0.3, 0.15, 0.0), 0.45), 0.8)
    along = np.array([0.13, 0.034])
    for share, z, size in ((0.35, 0.35, 0.005), (0.55, 0.68, 0.007), (0.75, 0.3, 0.008), (0.9, 0.72, 0.005)):
        for side in (-1.0, 1.0):
            place = np.array([-0.07, 0.0]) + share * along * (1, side)
            hole = ellipsoid(size, 0.0008, size, segments=12, rings=6).turned("z", side * 14.6)
            draft.add(hollow, hole.moved(place[0], place[1], z * h))
    draft.add(hollow, ellipsoid(0.008, 0.008, 0.0008, segments=12, rings=4).moved(0.03, 0.004, h))
    return draft


def _egg(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    color = order.paint() if order.color == "white" else mix(order.paint("brown"), (0.75, 0.38, 0.2), 0.2)
    t = np.linspace(-np.pi / 2, np.pi / 2, 15)
    blunt = {"plain": 0.14, "round": 0.07, "pointed": 0.24}[order.variant]
    profile = np.stack([np.cos(t) * (1 - blunt * np.sin(t)), 1.3 * np.sin(t)], axis=1) * 0.021
    profile[[0, -1], 0] = 0
    body = lathe(profile, segments=22)
    shell = Material(color, 0.55)
    if order.color == "brown" and order.chance(0.5):
        shell = Material(
            materials.WHITE, 0.55, 0.0, prints.speckled(color, mix(color, STEM, 0.6), order.generator, 40, 2.0)
        )
        draft.attributes = ("speckled",)
    draft.add(shell, body)
    draft.turn("x", 90 - {"plain": 9, "round": 4, "pointed": 12}[order.variant])
    return draft


def _tomato(order: Order) -> Draft:
    draft = Draft(order.color, rolls=True)
    r = 0.034
    tall, ribs = {"round": (0.82, 0.0), "beef": (0.68, 0.05), "plum": (1.25, 0.0)}[order.variant]
    profile = smooth([(0, 0.1), (0.3, 0.0), (0.85, 0.4), (1.0, 1.0), (0.8, 1.62), (0.35, 1.86), (0, 1.72)], 4)
    body = lathe(np.abs(profile) * (r, r * tall), segments=30)
    waves = 1 + ribs * np.cos(7 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]))
    body = body.bulged(waves)
    draft.add(materials.plastic(order.paint(), 0.2), body)
    green = materials.plastic(LEAF, 0.65)
    for index in range(5):
        draft.add(green, leaf(0.55 * r, 0.2 * r, 0.05 * r, steps=3).turned("z", 72 * index).moved(z=1.78 * r * tall))
    draft.add(green, stem(0.3 * r, 0.08 * r, 0.06 * r, base=1.72 * r * tall))
    if order.variant == "plum":
        draft.turn("x", 86)
    return draft


def _bell_pepper(order: Order) -> Draft:
    draft = Draft(order.color)
    r, tall = 0.038, {"blocky": 1.0, "long": 1.4, "squat": 0.78}[order.variant]
    profile = smooth(
        [(0, 0.16), (0.4, 0.0), (0.72, 0.25), (0.92, 1.0), (1.0, 1.6), (0.8, 2.0), (0.35, 2.02), (0, 1.8)], 4
    )
    body = lathe(np.abs(profile) * (r, r * tall), segments=32)
    waves = 1 + 0.07 * np.cos(4 * np.arctan2(body.vertices[:, 1], body.vertices[:, 0]))
    body = body.bulged(waves)
    color = leaf_green(order.generator) if order.color == "green" else order.paint()
    draft.add(materials.plastic(color, 0.18), body)
    stalk = stem(0.85 * r, 0.3 * r, 0.15 * r, base=1.8 * r * tall)
    draft.add(materials.plastic(LEAF, 0.6), stalk)
    return draft


def _mushroom(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    r = 0.03
    dome = {"button": 0.85, "flat": 0.55, "tall": 1.15}[order.variant]
    stalk = smooth([(0.42 * r, 0), (0.4 * r, 0.3 * r), (0.36 * r, 0.95 * r)], 3)
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
    for _ in range(2 if order.variant == "double" else 1):
        layer((0.12, 0.045, 0.02), 0.013, 1.02)
        cheese = stack([rounded_rectangle(1.75 * r, 1.75 * r, 0.002, 1)] * 2, [z, z + 0.0025]).turned(
            "z", order.uniform(0, 90)
        )
        draft.add(materials.plastic((0.85, 0.5, 0.05), 0.45), cheese)
        z += 0.0025
    if order.variant != "plain":
        layer((0.62, 0.06, 0.03), 0.006, 0.94)
    dome = smooth(
        [(0.98 * r, z), (1.02 * r, z + 0.007), (0.85 * r, z + 0.026), (0.45 * r, z + 0.036), (0, z + 0.038)], 4
    )
    draft.add(bun, lathe([(0, z), *dome]))
    seed = materials.plastic((0.85, 0.75, 0.5), 0.6)
    for x, y in order.generator.uniform(-0.5, 0.5, (16, 2)) * r:
        height = float(np.interp(np.hypot(x, y), dome[::-1, 0], dome[::-1, 1]))
        draft.add(seed, ellipsoid(0.0026, 0.0018, 0.0014, segments=7, rings=4).moved(x, y, height))
    return draft


def _cupcake(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.033, 0.04
    case = order.paint(other_color(order.color, order.generator, ("white", "blue", "pink", "yellow")))
    shell = Material(
        materials.WHITE, 0.7, 0.0, prints.striped(case, mix(case, (0.2, 0.15, 0.1), 0.3), 24, upright=True, share=0.5)
    )
    draft.add(shell, lathe([(0, 0), (0.72 * r, 0), (r, h)]))
    swirl = materials.plastic(order.paint(), 0.45)
    if order.variant == "dome":
        draft.add(
            swirl, lathe([(0, h), *smooth([(r, h), (1.12 * r, h + 0.008), (0.85 * r, h + 0.024), (0, h + 0.032)], 4)])
        )
        top = h + 0.03
    else:
        count = 3 if order.variant == "swirl" else 4
        z = h
        for index in range(count):
            size = r * (1.12 - 0.3 * index)
            thick = 0.016 - 0.001 * index
            draft.add(
                swirl,
                lathe(
                    [
                        (0, z),
                        *smooth(
                            [(0.9 * size, z), (size, z + 0.4 * thick), (0.75 * size, z + thick), (0, z + 1.15 * thick)],
                            3,
                        ),
                    ]
                ),
            )
            z += 0.72 * thick
        top = z + 0.3 * 0.014
    draft.add(
        materials.plastic(order.paint("red" if order.color != "red" else "white"), 0.2),
        ellipsoid(0.008, 0.008, 0.008, segments=12, rings=8).moved(z=top + 0.006),
    )
    return draft


_category = partial(Category, family="food", places=FOOD_PLACES)

_SERVED = ("table", "counter", "tray")

CATEGORIES = (
    _category(
        "loaf of bread",
        "loaves of bread",
        (0.17, 0.42),
        ("brown",),
        ("tin", "baguette"),
        ("round",),
        _loaf,
        places=("table", "counter", "tray", "shelf"),
    ),
    _category(
        "cake",
        "cakes",
        (0.16, 0.26),
        ("white", "pink", "brown", "yellow"),
        ("plain", "slab"),
        ("two tiers",),
        _cake,
        places=_SERVED,
    ),
    _category(
        "donut",
        "donuts",
        (0.075, 0.11),
        ("pink", "brown", "white", "yellow", "blue"),
        ("ring", "thick"),
        ("filled",),
        _donut,
    ),
    _category("carrot", "carrots", (0.15, 0.26), ("orange",), ("long", "short"), ("thin",), _carrot),
    _category(
        "piece of cheese",
        "pieces of cheese",
        (0.09, 0.15),
        ("yellow",),
        ("wedge", "block"),
        ("wheel",),
        _cheese,
        places=_SERVED,
    ),
    _category("egg", "eggs", (0.048, 0.066), ("white", "brown"), ("plain", "round"), ("pointed",), _egg),
    _category("tomato", "tomatoes", (0.05, 0.09), ("red",), ("round", "beef"), ("plum",), _tomato),
    _category(
        "bell pepper",
        "bell peppers",
        (0.08, 0.13),
        ("red", "yellow", "green", "orange"),
        ("blocky", "long"),
        ("squat",),
        _bell_pepper,
    ),
    _category("mushroom", "mushrooms", (0.045, 0.08), ("white", "brown"), ("button", "flat"), ("tall",), _mushroom),
    _category(
        "hamburger", "hamburgers", (0.09, 0.13), (), ("plain", "tomato"), ("double",), _hamburger, places=_SERVED
    ),
    _category(
        "cupcake",
        "cupcakes",
        (0.065, 0.1),
        ("pink", "white", "brown", "blue", "yellow", "green"),
        ("swirl", "dome"),
        ("tall swirl",),
        _cupcake,
    ),
)
