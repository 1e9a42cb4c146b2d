"""Toys: soft, rolling, floating, to build with."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    SIDES,
    Mesh,
    box_sides,
    ellipsoid,
    extrude,
    lathe,
    loft,
    rounded_box,
    tube,
)

PLACES = ("table", "desk", "shelf", "floor", "box")
BLACK = Material((0.012, 0.012, 0.014), 0.2)


def _ball_at(x: float, y: float, z: float, a: float, b: float, c: float, detail: int = 16) -> Mesh:
    return ellipsoid(a, b, c, segments=detail, rings=max(6, detail * 5 // 8)).moved(x, y, z)


def _teddy_bear(order: Order) -> Draft:
    """Sits and looks to the front."""
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    if order.color == "brown":
        color = mix(color, (0.35, 0.18, 0.07), 0.4)
    coat = materials.fur(color, order.integer(0, 3))
    pale = materials.fur(mix(color, (0.85, 0.7, 0.5), 0.7) if order.color != "white" else (0.8, 0.62, 0.5), 1)
    head = {"classic": 1.0, "big head": 1.25, "slim": 0.9}[order.variant]
    waist = 0.8 if order.variant == "slim" else 1.0
    top = 0.118
    draft.add(coat, _ball_at(0, 0, 0.055, 0.042 * waist, 0.036 * waist, 0.047, 20))
    draft.add(coat, _ball_at(0, -0.004, top + 0.008 * head, 0.036 * head, 0.033 * head, 0.032 * head, 20))
    draft.add(pale, _ball_at(0, -0.031 * head, top, 0.016 * head, 0.013 * head, 0.013 * head))
    draft.add(pale, _ball_at(0, -0.014 * waist, 0.053, 0.028 * waist, 0.026 * waist, 0.034, 18))
    draft.add(BLACK, _ball_at(0, -0.042 * head, top + 0.004, 0.0055, 0.004, 0.0042, 10))
    for side in (-1.0, 1.0):
        draft.add(BLACK, _ball_at(side * 0.014 * head, -0.033 * head, top + 0.017 * head, 0.0042, 0.003, 0.0046, 10))
        draft.add(coat, _ball_at(side * 0.027 * head, 0, top + 0.034 * head, 0.0135 * head, 0.008, 0.0135 * head, 12))
        draft.add(
            pale, _ball_at(side * 0.027 * head, -0.005, top + 0.033 * head, 0.008 * head, 0.005, 0.008 * head, 10)
        )
        draft.add(
            coat,
            _ball_at(0, 0, 0, 0.0135, 0.014, 0.028, 14)
            .turned("y", side * -28)
            .moved(side * 0.045 * waist, -0.012, 0.068),
        )
        draft.add(coat, _ball_at(side * 0.029, -0.038, 0.0165, 0.0165, 0.032, 0.0165, 14))
        draft.add(pale, _ball_at(side * 0.029, -0.066, 0.0175, 0.0115, 0.005, 0.0125, 12))
    if order.chance(0.5):
        bow = materials.fabric(
            order.paint(other_color(order.color, order.generator, ("red", "blue", "green", "yellow")))
        )
        for side in (-1.0, 1.0):
            draft.add(bow, _ball_at(side * 0.012, -0.036, 0.092, 0.012, 0.005, 0.008, 10))
        draft.add(bow, _ball_at(0, -0.039, 0.092, 0.005, 0.005, 0.005, 8))
    return draft


def _wheel(radius: float, width: float) -> list[tuple[Mesh, Material]]:
    """A wheel that stands at the origin and turns about x."""
    tyre = [(0, -1), (0.75, -1), (0.95, -0.8), (1, -0.4), (1, 0.4), (0.95, 0.8), (0.75, 1), (0, 1)]
    hub = [(0, -1.06), (0.5, -1.06), (0.5, 1.06), (0, 1.06)]
    half = width / 2
    return [
        (lathe(np.array(tyre) * (radius, half), segments=18).turned("y", 90), materials.rubber(materials.DARK)),
        (lathe(np.array(hub) * (radius, half), segments=12).turned("y", 90), materials.metal((0.7, 0.7, 0.72), 0.3)),
    ]


def _toy_car(order: Order) -> Draft:
    """Its bonnet points to the front (-y)."""
    draft = Draft(order.color, None, (), dict(FRONT))
    paint = materials.plastic(order.paint(), 0.2)
    window = Material((0.05, 0.07, 0.09), 0.08)
    # Side views (y, z): the body without wheels, then the cabin.
    bodies = {
        "sedan": [
            (-0.055, 0.012),
            (-0.057, 0.026),
            (-0.045, 0.032),
            (-0.02, 0.034),
            (0.05, 0.034),
            (0.056, 0.03),
            (0.056, 0.012),
        ],
        "van": [
            (-0.054, 0.012),
            (-0.056, 0.03),
            (-0.046, 0.036),
            (-0.036, 0.06),
            (0.05, 0.062),
            (0.056, 0.058),
            (0.056, 0.012),
        ],
        "pickup": [
            (-0.058, 0.012),
            (-0.06, 0.028),
            (-0.05, 0.034),
            (-0.03, 0.036),
            (0.058, 0.034),
            (0.06, 0.03),
            (0.06, 0.012),
        ],
        "racer": [
            (-0.065, 0.009),
            (-0.066, 0.015),
            (-0.03, 0.026),
            (0.0, 0.03),
            (0.03, 0.034),
            (0.055, 0.03),
            (0.058, 0.009),
        ],
    }
    outline = np.array(bodies[order.variant])
    draft.add(paint, _slab(outline, 0.05))
    if order.variant == "sedan":
        cabin = np.array([(-0.026, 0.032), (-0.012, 0.052), (0.026, 0.052), (0.042, 0.032)])
        draft.add(window, _slab(cabin, 0.044))
        draft.add(paint, rounded_box((0.043, 0.036, 0.004), 0.0018).moved(y=0.007, z=0.0505))
    elif order.variant == "van":
        draft.add(
            window, _slab(np.array([(-0.0465, 0.038), (-0.0375, 0.0575), (-0.03, 0.0575), (-0.03, 0.038)]), 0.044)
        )
        for y in (-0.012, 0.02):
            draft.add(window, rounded_box((0.0515, 0.024, 0.015), 0.002).moved(y=y, z=0.04))
    elif order.variant == "pickup":
        draft.add(window, _slab(np.array([(-0.03, 0.034), (-0.02, 0.054), (0.006, 0.054), (0.008, 0.034)]), 0.044))
        draft.add(paint, rounded_box((0.044, 0.028, 0.004), 0.0018).moved(y=-0.006, z=0.053))
        for x in (-0.023, 0.023):
            draft.add(paint, rounded_box((0.004, 0.048, 0.014), 0.001).moved(x, 0.034, 0.032))
        draft.add(paint, rounded_box((0.05, 0.004, 0.014), 0.001).moved(y=0.058, z=0.032))
    else:
        draft.add(window, _ball_at(0, -0.005, 0.027, 0.013, 0.02, 0.011, 14))
        draft.add(paint, rounded_box((0.058, 0.014, 0.003), 0.001).moved(y=0.055, z=0.044))
        for x in (-0.018, 0.018):
            draft.add(paint, rounded_box((0.003, 0.008, 0.016)).moved(x, 0.054, 0.028))
    radius = 0.0145 if order.variant == "racer" else 0.0125
    for mesh, material in _wheel(radius, 0.011):
        for x in (-0.024, 0.024):
            for y in (-0.035, 0.035):
                draft.add(material, mesh.moved(x, y, radius))
    light, back = Material((1.0, 0.95, 0.7), 0.1), Material((0.6, 0.01, 0.01), 0.2)
    front_y, z = outline[1] + (0.002, -0.004)
    for x in (-0.017, 0.017):
        draft.add(light, _ball_at(x, front_y, z, 0.0045, 0.003, 0.0035, 10))
        draft.add(back, _ball_at(x, outline[-1, 0], 0.024, 0.0045, 0.002, 0.003, 10))
    return draft


def _slab(side_view: np.ndarray, width: float) -> Mesh:
    """An outline (K, 2) in y and z, as thick as ``width`` along x, with edges rounded inwards a little."""
    middle = side_view.mean(axis=0)
    count = len(side_view)
    shares, places = (0.0, 0.93, 1.0, 1.0, 0.93, 0.0), (-0.5, -0.5, -0.44, 0.44, 0.5, 0.5)
    outline = side_view[::-1] if _clockwise(side_view) else side_view
    rings = [
        np.concatenate([np.full((count, 1), place * width), middle + share * (outline - middle)], axis=1)
        for share, place in zip(shares, places, strict=True)
    ]
    return loft(np.stack(rings))


def _clockwise(outline: np.ndarray) -> bool:
    following = np.roll(outline, -1, axis=0)
    return bool((outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum() < 0)


def _ball(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, rolls=True)
    pale = order.accent()
    if order.variant == "striped":
        draft.attributes = ("striped",)
        material = materials.plastic(color, 0.3, prints.striped(color, pale, 6, upright=True, share=0.42))
    elif order.variant == "dotted":
        draft.attributes = ("dotted",)
        material = materials.plastic(color, 0.3, prints.dotted(color, pale, 12, 7))
    elif order.variant == "banded":
        draft.attributes = ("striped",)
        material = materials.plastic(color, 0.3, prints.striped(color, pale, 3, share=0.3))
    else:
        material = materials.rubber(color)
    draft.add(material, _ball_at(0, 0, 0, 0.05, 0.05, 0.05, 28))
    draft.turn("x", order.uniform(-35, 35))
    return draft


def _rubber_duck(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    skin = materials.plastic(order.paint(), 0.25)
    beak = materials.plastic(order.paint("orange" if order.color != "orange" else "red"), 0.3)
    fat = {"classic": 1.0, "plump": 1.18, "slim": 0.85}[order.variant]
    body = _ball_at(0, 0, 0.027, 0.032 * fat, 0.042, 0.027, 20)
    x, y, z = body.vertices.T
    tail = np.clip(y / 0.042, 0, 1) ** 3
    vertices = np.stack([x * (1 - 0.5 * tail), y + 0.006 * tail, z + 0.022 * tail], axis=1)
    draft.add(skin, Mesh(vertices, body.faces, body.normals, body.uv))
    draft.add(skin, _ball_at(0, -0.016, 0.066, 0.0215, 0.022, 0.021, 18))
    draft.add(
        beak,
        _ball_at(0, -0.041, 0.0645, 0.012, 0.011, 0.0032, 12),
        _ball_at(0, -0.038, 0.0605, 0.009, 0.008, 0.0025, 10),
    )
    for side in (-1.0, 1.0):
        draft.add(BLACK, _ball_at(side * 0.0115, -0.0325, 0.073, 0.0035, 0.0028, 0.004, 10))
        wing = _ball_at(0, 0, 0, 0.006, 0.021, 0.0125, 12).turned("x", -18).turned("z", side * 6)
        draft.add(skin, wing.moved(side * 0.03 * fat, 0.006, 0.034))
    return draft


def _puzzle_cube(order: Order) -> Draft:
    draft = Draft(None)
    names = ("white", "red", "blue", "orange", "green", "yellow")
    cells = order.pick((True, False))
    side_length = 0.057
    frame = (0.012, 0.012, 0.014)
    colors = [order.paint(name) for name in names]
    for index, (_, mesh) in enumerate(box_sides((side_length,) * 3, 0.003).items()):
        picks = order.generator.integers(0, 6, 9) if cells else np.full(9, index)
        texture = prints.tiles([colors[int(pick)] for pick in picks], frame)
        draft.add(Material(materials.WHITE, 0.25, 0.0, texture), mesh)
    draft.attributes = ("scrambled",) if cells else ("solved",)
    if order.variant == "twisted":
        # The upper layer is turned a little.
        upper = [(mesh, material) for mesh, material in draft.pieces]
        draft.pieces = [(mesh.scaled(1, 1, 0.66), material) for mesh, material in upper]
        draft.pieces += [
            (mesh.scaled(1, 1, 0.33).turned("z", 30).moved(z=0.665 * side_length), material) for mesh, material in upper
        ]
    draft.top = rectangle(0.92 * side_length, 0.92 * side_length)
    if order.variant == "twisted":
        draft.top = rectangle(0.6 * side_length, 0.6 * side_length)
    return draft


def _building_block(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    if order.variant == "cube":
        draft.material = "wood"
        draft.add(materials.wood(color, order.integer(0, 3)), rounded_box((0.042, 0.042, 0.042), 0.002))
        draft.top = rectangle(0.037, 0.037)
    elif order.variant == "arch":
        draft.material = "wood"
        inner = [(0.016 * np.cos(a), 0.016 * np.sin(a)) for a in np.linspace(0, np.pi, 9)]
        outline = [(-0.04, 0), *[(x, y) for x, y in inner[::-1]], (0.04, 0), (0.04, 0.04), (-0.04, 0.04)]
        draft.add(materials.wood(color, order.integer(0, 3)), extrude(outline, 0.03).turned("x", 90).moved(y=0.015))
        draft.top = rectangle(0.075, 0.026)
    else:
        columns, rows = (4, 2) if order.variant == "studded" else (2, 2)
        unit = 0.016
        shell = materials.plastic(color, 0.2)
        draft.add(shell, rounded_box((columns * unit, rows * unit, 1.2 * unit), 0.0004))
        for column in range(columns):
            for row in range(rows):
                stud = lathe([(0, 0), (0.3 * unit, 0), (0.3 * unit, 0.22 * unit), (0, 0.22 * unit)], segments=12)
                draft.add(
                    shell, stud.moved((column + 0.5 - columns / 2) * unit, (row + 0.5 - rows / 2) * unit, 1.2 * unit)
                )
        draft.attributes = ("studded",)
    return draft


def _die(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    ink: Rgb = (0.9, 0.9, 0.88) if order.color != "white" else (0.015, 0.015, 0.018)
    radius = {"rounded": 0.003, "sharp": 0.0008, "pillow": 0.006}[order.variant]
    for side, mesh in box_sides((0.02, 0.02, 0.02), radius, steps=2).items():
        count = (2, 5, 3, 4, 1, 6)[SIDES.index(side)]
        draft.add(Material(materials.WHITE, 0.2, 0.0, prints.pips(color, ink, count)), mesh)
    return draft


def _robot(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    shell = materials.plastic(order.paint(), 0.25)
    bare = materials.metal()
    glow = Material((0.1, 0.75, 0.85) if order.color != "blue" else (0.95, 0.75, 0.1), 0.2)
    draft.add(shell, rounded_box((0.056, 0.038, 0.055), 0.006).moved(z=0.038))
    if order.variant == "dome":
        draft.add(
            shell, lathe([(0, 0), *smooth([(0.024, 0), (0.023, 0.014), (0.013, 0.026), (0, 0.029)], 3)]).moved(z=0.1)
        )
    else:
        draft.add(shell, rounded_box((0.044, 0.034, 0.032), 0.005).moved(z=0.1))
    draft.add(bare, lathe([(0, 0.09), (0.008, 0.09), (0.008, 0.102), (0, 0.102)], segments=12))
    antenna = 0.132 if order.variant != "dome" else 0.126
    draft.add(bare, tube([(0, 0, antenna - 0.006), (0, 0, antenna + 0.014)], 0.0012, segments=6))
    draft.add(glow, _ball_at(0, 0, antenna + 0.016, 0.004, 0.004, 0.004, 10))
    face = -0.0175 if order.variant != "dome" else -0.0215
    for side in (-1.0, 1.0):
        draft.add(
            glow, _ball_at(side * 0.01, face, 0.117 if order.variant != "dome" else 0.111, 0.0055, 0.003, 0.0055, 12)
        )
        arm = smooth([(side * 0.028, 0, 0.082), (side * 0.04, -0.002, 0.07), (side * 0.041, -0.012, 0.05)], 3)
        draft.add(bare, tube(arm, 0.0045, segments=8))
        draft.add(shell, _ball_at(side * 0.041, -0.014, 0.046, 0.008, 0.008, 0.008, 12))
        if order.variant == "tracked":
            draft.add(
                materials.rubber(materials.DARK), rounded_box((0.018, 0.062, 0.03), 0.012).moved(side * 0.024, 0, 0)
            )
        else:
            draft.add(bare, rounded_box((0.013, 0.014, 0.03), 0.002).moved(side * 0.015, 0, 0.01))
            draft.add(shell, rounded_box((0.02, 0.032, 0.014), 0.004).moved(side * 0.015, -0.005, 0))
    for index, ink in enumerate(("red", "yellow", "green")):
        button = order.paint(ink if ink != order.color else "white")
        draft.add(Material(button, 0.3), _ball_at(-0.012 + 0.012 * index, -0.019, 0.07, 0.004, 0.002, 0.004, 8))
    return draft


def _toy_train(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    paint = materials.plastic(order.paint(), 0.25)
    second = materials.plastic(
        order.paint(other_color(order.color, order.generator, ("yellow", "red", "blue", "green"))), 0.3
    )
    dark = materials.plastic(materials.DARK, 0.4)
    draft.add(dark, rounded_box((0.04, 0.12, 0.01), 0.002).moved(z=0.014))
    boiler = lathe([(0, 0), (0.016, 0), (0.0165, 0.003), (0.0165, 0.07), (0, 0.07)], segments=20).turned("x", 90)
    draft.add(paint, boiler.moved(y=0.012, z=0.041))
    draft.add(second, lathe([(0, 0), (0.012, 0), (0.0, 0.002)], segments=18).turned("x", 90).moved(y=-0.058, z=0.041))
    draft.add(paint, rounded_box((0.042, 0.042, 0.048), 0.003).moved(y=0.034, z=0.024))
    draft.add(Material((0.05, 0.07, 0.09), 0.1), rounded_box((0.0425, 0.024, 0.018), 0.001).moved(y=0.034, z=0.046))
    draft.add(second, rounded_box((0.046, 0.046, 0.004), 0.0015).moved(y=0.034, z=0.072))
    chimney = {"steam": 0.026, "tall": 0.04, "diesel": 0.012}[order.variant]
    z = 0.055
    draft.add(
        dark,
        lathe(
            [(0, z), (0.006, z), (0.0055, z + 0.6 * chimney), (0.01, z + chimney), (0, z + chimney)], segments=14
        ).moved(y=-0.038),
    )
    draft.add(second, _ball_at(0, -0.008, 0.057, 0.008, 0.008, 0.008, 12))
    for mesh, material in _wheel(0.013, 0.008):
        for x in (-0.02, 0.02):
            for y in (-0.042, -0.008, 0.03):
                draft.add(material, mesh.moved(x, y, 0.013))
    return draft


_category = partial(Category, family="toys", places=PLACES)

_BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
CATEGORIES = (
    _category(
        "teddy bear",
        "teddy bears",
        (0.14, 0.3),
        ("brown", "white", "pink", "gray", "black"),
        ("classic", "big head"),
        ("slim",),
        _teddy_bear,
    ),
    _category(
        "toy car",
        "toy cars",
        (0.09, 0.17),
        (*_BRIGHT, "white", "black"),
        ("sedan", "van", "pickup"),
        ("racer",),
        _toy_car,
    ),
    _category(
        "ball", "balls", (0.06, 0.2), (*_BRIGHT, "white", "black"), ("plain", "striped", "dotted"), ("banded",), _ball
    ),
    _category(
        "rubber duck",
        "rubber ducks",
        (0.07, 0.13),
        ("yellow", "pink", "blue", "green", "white"),
        ("classic", "plump"),
        ("slim",),
        _rubber_duck,
    ),
    _category("puzzle cube", "puzzle cubes", (0.045, 0.08), (), ("plain",), ("twisted",), _puzzle_cube),
    _category(
        "building block",
        "building blocks",
        (0.035, 0.09),
        _BRIGHT,
        ("cube", "studded", "small studded"),
        ("arch",),
        _building_block,
    ),
    _category(
        "die",
        "dice",
        (0.016, 0.03),
        ("red", "white", "black", "blue", "green"),
        ("rounded", "sharp"),
        ("pillow",),
        _die,
    ),
    _category(
        "toy robot", "toy robots", (0.13, 0.22), (*_BRIGHT, "white", "gray"), ("square", "dome"), ("tracked",), _robot
    ),
    _category("toy train", "toy trains", (0.11, 0.18), _BRIGHT, ("steam", "diesel"), ("tall",), _toy_train),
)
