"""Toys: bears, ducks, blocks and robots, and what ``games`` and ``vehicles`` draw."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import games, materials, vehicles
from roborefer.refspatial.simulation.objects.colors import DYED, VIVID, mix, other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, extrude, lathe, rounded_box, tube

PLACES = ("table", "desk", "shelf", "floor", "box")
BLACK = Material((0.012, 0.012, 0.014), 0.2)


def _ball_at(x: float, y: float, z: float, a: float, b: float, c: float, detail: int = 16) -> Mesh:
    return ellipsoid(a, b, c, segments=detail, rings=max(6, detail * 5 // 8)).moved(x, y, z)


def _limb(measures: Sequence[float], side: float, detail: int) -> Mesh:
    """An ellipsoid by its middle and half axes, on the left or right (``side``)."""
    x, y, z, a, b, c = measures
    return _ball_at(side * x, y, z, a, b, c, detail)


# Of bears that don't sit: body, belly (of one that lies on it, the tail), arm, leg and sole on the left, each a middle
# and half axes; the arm's last number is how far it is held out, degrees.
_POSES: dict[str, tuple[tuple[float, ...], ...]] = {
    "standing": (
        (0, 0, 0.09, 0.037, 0.032, 0.046),
        (0, -0.012, 0.088, 0.025, 0.023, 0.033),
        (0.05, -0.004, 0.112, 0.0125, 0.0135, 0.03, -62),
        (0.021, 0, 0.034, 0.0175, 0.018, 0.034),
        (0.021, -0.018, 0.012, 0.016, 0.015, 0.012),
    ),
    "round": (
        (0, 0, 0.052, 0.06, 0.052, 0.052),
        (0, -0.022, 0.046, 0.038, 0.034, 0.036),
        (0.052, -0.022, 0.062, 0.013, 0.014, 0.021, -60),
        (0.034, -0.044, 0.015, 0.016, 0.02, 0.015),
        (0.034, -0.061, 0.0155, 0.011, 0.005, 0.0115),
    ),
    "lying": (
        (0, 0.03, 0.033, 0.041, 0.055, 0.033),
        (0, 0.083, 0.04, 0.011, 0.011, 0.011),
        (0.035, -0.012, 0.015, 0.0145, 0.038, 0.015, 0),
        (0.029, 0.076, 0.0165, 0.0175, 0.036, 0.0165),
        (0.029, 0.109, 0.017, 0.013, 0.006, 0.013),
    ),
}


def _teddy_bear(order: Order) -> Draft:
    """Looks to the front; most sit."""
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    if order.color == "brown":
        color = mix(color, (0.35, 0.18, 0.07), 0.4)
    coat = materials.fur(color, order.integer(0, 3))
    pale = materials.fur(mix(color, (0.85, 0.7, 0.5), 0.7) if order.color != "white" else (0.8, 0.62, 0.5), 1)
    head = {"big head": 1.25, "round": 1.2, "lying": 1.15, "slim": 0.9}.get(order.variant, 1.0)
    waist = 0.8 if order.variant == "slim" else 1.0
    sitting = (
        (0, 0, 0.055, 0.042 * waist, 0.036 * waist, 0.047),
        (0, -0.014 * waist, 0.053, 0.028 * waist, 0.026 * waist, 0.034),
        (0.045 * waist, -0.012, 0.068, 0.0135, 0.014, 0.028, -28),
        (0.029, -0.038, 0.0165, 0.0165, 0.032, 0.0165),
        (0.029, -0.066, 0.0175, 0.0115, 0.005, 0.0125),
    )
    body, belly, (*shoulder, arm_x, arm_y, arm_z, spread), leg, sole = _POSES.get(order.variant, sitting)
    # Where the head is, compared with a sitting bear's.
    y, rise = {"standing": (-0.002, 0.042), "round": (-0.012, -0.006), "lying": (-0.044, -0.064)}.get(
        order.variant, (0.0, 0.0)
    )
    top = 0.118 + rise
    draft.add(coat, _limb(body, 1.0, 20))
    draft.add(coat, _ball_at(0, -0.004 + y, top + 0.008 * head, 0.036 * head, 0.033 * head, 0.032 * head, 20))
    draft.add(pale, _ball_at(0, -0.031 * head + y, top, 0.016 * head, 0.013 * head, 0.013 * head))
    draft.add(pale, _limb(belly, 1.0, 18))
    draft.add(BLACK, _ball_at(0, -0.042 * head + y, top + 0.004, 0.0055, 0.004, 0.0042, 10))
    for side in (-1.0, 1.0):
        eye_x, ear_x, ear_z = side * 0.014 * head, side * 0.027 * head, top + 0.034 * head
        draft.add(BLACK, _ball_at(eye_x, -0.033 * head + y, top + 0.017 * head, 0.0042, 0.003, 0.0046, 10))
        draft.add(coat, _ball_at(ear_x, y, ear_z, 0.0135 * head, 0.008, 0.0135 * head, 12))
        draft.add(pale, _ball_at(ear_x, -0.005 + y, top + 0.033 * head, 0.008 * head, 0.005, 0.008 * head, 10))
        arm = _ball_at(0, 0, 0, arm_x, arm_y, arm_z, 14).turned("y", side * spread)
        draft.add(coat, arm.moved(side * shoulder[0], *shoulder[1:]))
        draft.add(coat, _limb(leg, side, 14))
        draft.add(pale, _limb(sole, side, 12))
    if order.chance(0.5):
        bow = materials.fabric(
            order.paint(other_color(order.color, order.generator, ("red", "blue", "green", "yellow")))
        )
        for side in (-1.0, 1.0):
            draft.add(bow, _ball_at(side * 0.012, -0.036 + y, 0.092 + rise, 0.012, 0.005, 0.008, 10))
        draft.add(bow, _ball_at(0, -0.039 + y, 0.092 + rise, 0.005, 0.005, 0.005, 8))
    return draft


# Size, and how far back and up, of heads that differ from the usual one.
_DUCK_HEADS = {"big head": (1.4, 0.014, -0.018), "long neck": (0.95, -0.013, 0.021)}


def _rubber_duck(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    skin = materials.plastic(order.paint(), 0.25)
    beak = materials.plastic(order.paint("orange" if order.color != "orange" else "red"), 0.3)
    fat = {"plump": 1.18, "slim": 0.85}.get(order.variant, 1.0)
    body = _ball_at(0, 0, 0.027, 0.032 * fat, 0.042, 0.027, 20)
    x, y, z = body.vertices.T
    tail = np.clip(y / 0.042, 0, 1) ** 3
    vertices = np.stack([x * (1 - 0.5 * tail), y + 0.006 * tail, z + 0.022 * tail], axis=1)
    draft.add(skin, Mesh(vertices, body.faces, body.normals, body.uv))
    head = [
        (skin, _ball_at(0, -0.016, 0.066, 0.0215, 0.022, 0.021, 18)),
        (beak, _ball_at(0, -0.041, 0.0645, 0.012, 0.011, 0.0032, 12)),
        (beak, _ball_at(0, -0.038, 0.0605, 0.009, 0.008, 0.0025, 10)),
    ]
    eyes = [(BLACK, _ball_at(side * 0.0115, -0.0325, 0.073, 0.0035, 0.0028, 0.004, 10)) for side in (-1.0, 1.0)]
    head += eyes
    if order.variant == "capped":
        cap = materials.plastic(order.paint(other_color(order.color, order.generator, ("red", "blue", "black"))), 0.3)
        hat = [(0, 0), (0.026, 0), (0.026, 0.002), (0.016, 0.003), (0.0175, 0.019), (0, 0.019)]
        head.append((cap, lathe(hat, segments=20).turned("x", -14).moved(y=-0.012, z=0.08)))
    elif order.variant == "long neck":
        neck = smooth([(0, -0.018, 0.03), (0, -0.029, 0.05), (0, -0.028, 0.075)], 3)
        draft.add(skin, tube(neck, np.linspace(0.019, 0.0135, len(neck)), segments=12))
    if order.variant in _DUCK_HEADS:
        size, back, up = _DUCK_HEADS[order.variant]
        head = [(material, mesh.scaled(size, size, size).moved(y=back, z=up)) for material, mesh in head]
    for material, mesh in head:
        draft.add(material, mesh)
    for side in (-1.0, 1.0):
        wing = _ball_at(0, 0, 0, 0.006, 0.021, 0.0125, 12).turned("x", -18).turned("z", side * 6)
        draft.add(skin, wing.moved(side * 0.03 * fat, 0.006, 0.034))
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
    elif order.variant in ("cylinder", "triangle", "plank"):
        draft.material = "wood"
        wood = materials.wood(color, order.integer(0, 3))
        if order.variant == "triangle":
            draft.add(wood, extrude([(-0.036, 0), (0.036, 0), (0, 0.04)], 0.03).turned("x", 90).moved(y=0.015))
        elif order.variant == "plank":
            draft.add(wood, rounded_box((0.085, 0.03, 0.014), 0.0015))
            draft.top = rectangle(0.08, 0.025)
        else:
            edge = 0.0015
            profile = [(0.018 - edge, 0), (0.018, edge), (0.018, 0.045 - edge), (0.018 - edge, 0.045)]
            draft.add(wood, lathe([(0, 0), *profile, (0, 0.045)]))
            draft.top = circle(24, 0.016)
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


def _robot(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    shell = materials.plastic(order.paint(), 0.25)
    bare = materials.metal()
    glow = Material((0.1, 0.75, 0.85) if order.color != "blue" else (0.95, 0.75, 0.1), 0.2)
    bodies = {
        "barrel": lathe([(0, 0), (0.026, 0), (0.031, 0.012), (0.031, 0.044), (0.022, 0.056), (0, 0.056)]).moved(
            z=0.038
        ),
        "skirted": lathe(
            [(0, 0), (0.044, 0), (0.047, 0.004), (0.047, 0.014), (0.026, 0.08), (0.018, 0.092), (0, 0.094)]
        ),
        "screen head": _ball_at(0, 0, 0.062, 0.029, 0.024, 0.034, 20),
    }
    heads = {
        "dome": lathe([(0, 0), *smooth([(0.024, 0), (0.023, 0.014), (0.013, 0.026), (0, 0.029)], 3)]).moved(z=0.1),
        "barrel": lathe([(0, 0), (0.02, 0), (0.022, 0.003), (0.022, 0.022), (0.012, 0.03), (0, 0.03)]).moved(z=0.098),
        "skirted": _ball_at(0, 0, 0.112, 0.023, 0.022, 0.022, 18),
        "screen head": rounded_box((0.078, 0.044, 0.056), 0.008).moved(z=0.09),
    }
    draft.add(shell, bodies.get(order.variant, rounded_box((0.056, 0.038, 0.055), 0.006).moved(z=0.038)))
    draft.add(shell, heads.get(order.variant, rounded_box((0.044, 0.034, 0.032), 0.005).moved(z=0.1)))
    draft.add(bare, lathe([(0, 0.09), (0.008, 0.09), (0.008, 0.102), (0, 0.102)], segments=12))
    # The antenna's foot, the depth and height of the eyes, and how far the chest comes forward.
    antenna, face, eyes, chest = {
        "dome": (0.126, -0.0215, 0.111, -0.019),
        "barrel": (0.129, -0.0205, 0.112, -0.031),
        "skirted": (0.135, -0.019, 0.117, -0.029),
        "screen head": (0.146, -0.0235, 0.12, -0.0235),
    }.get(order.variant, (0.132, -0.0175, 0.117, -0.019))
    draft.add(bare, tube([(0, 0, antenna - 0.006), (0, 0, antenna + 0.014)], 0.0012, segments=6))
    draft.add(glow, _ball_at(0, 0, antenna + 0.016, 0.004, 0.004, 0.004, 10))
    if order.variant == "screen head":
        draft.add(BLACK, rounded_box((0.062, 0.004, 0.04), 0.0019).moved(y=-0.0215, z=0.098))
    for side in (-1.0, 1.0):
        draft.add(glow, _ball_at(side * 0.01, face, eyes, 0.0055, 0.003, 0.0055, 12))
        arm = smooth([(side * 0.028, 0, 0.082), (side * 0.04, -0.002, 0.07), (side * 0.041, -0.012, 0.05)], 3)
        draft.add(bare, tube(arm, 0.0045, segments=8))
        draft.add(shell, _ball_at(side * 0.041, -0.014, 0.046, 0.008, 0.008, 0.008, 12))
        if order.variant == "tracked":
            draft.add(
                materials.rubber(materials.DARK), rounded_box((0.018, 0.062, 0.03), 0.012).moved(side * 0.024, 0, 0)
            )
        elif order.variant != "skirted":
            draft.add(bare, rounded_box((0.013, 0.014, 0.03), 0.002).moved(side * 0.015, 0, 0.01))
            draft.add(shell, rounded_box((0.02, 0.032, 0.014), 0.004).moved(side * 0.015, -0.005, 0))
    for index, ink in enumerate(("red", "yellow", "green")):
        button = order.paint(ink if ink != order.color else "white")
        draft.add(Material(button, 0.3), _ball_at(-0.012 + 0.012 * index, chest, 0.07, 0.004, 0.002, 0.004, 8))
    return draft


_category = partial(Category, family="toys", places=PLACES)

CATEGORIES = (
    _category(
        "teddy bear",
        "teddy bears",
        (0.14, 0.3),
        ("brown", "white", "pink", "gray", "black"),
        ("classic", "big head", "standing", "round", "lying"),
        ("slim",),
        _teddy_bear,
    ),
    _category(
        "toy car",
        "toy cars",
        (0.09, 0.17),
        DYED,
        ("sedan", "van", "pickup", "beetle", "jeep", "wooden"),
        ("racer",),
        vehicles.build_toy_car,
    ),
    _category(
        "ball",
        "balls",
        (0.06, 0.2),
        DYED,
        ("plain", "striped", "dotted", "football", "basketball", "tennis", "oval", "knobbly"),
        ("banded",),
        games.build_ball,
    ),
    _category(
        "rubber duck",
        "rubber ducks",
        (0.07, 0.13),
        ("yellow", "pink", "blue", "green", "white"),
        ("classic", "plump", "big head", "long neck", "capped"),
        ("slim",),
        _rubber_duck,
    ),
    _category(
        "puzzle cube",
        "puzzle cubes",
        (0.045, 0.08),
        (),
        ("plain", "pocket", "stickerless", "four by four"),
        ("twisted",),
        games.build_puzzle_cube,
    ),
    _category(
        "building block",
        "building blocks",
        (0.035, 0.09),
        VIVID,
        ("cube", "studded", "small studded", "cylinder", "triangle", "plank"),
        ("arch",),
        _building_block,
    ),
    _category(
        "die",
        "dice",
        (0.016, 0.03),
        ("red", "white", "black", "blue", "green"),
        ("rounded", "sharp", "eight-sided", "twenty-sided"),
        ("pillow",),
        games.build_die,
    ),
    _category(
        "toy robot",
        "toy robots",
        (0.13, 0.22),
        (*VIVID, "white", "gray"),
        ("square", "dome", "barrel", "skirted", "screen head"),
        ("tracked",),
        _robot,
    ),
    _category(
        "toy train",
        "toy trains",
        (0.11, 0.18),
        VIVID,
        ("steam", "diesel", "bullet", "electric", "wooden"),
        ("tall",),
        vehicles.build_toy_train,
    ),
)
