"""Things with a plug or a battery; a screen, a lens or a dial tells their front."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import contrast_color, mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    lathe,
    panel,
    rounded_box,
    slab,
    stack,
    tile,
    tube,
)

PLACES = ("desk", "table", "shelf")
_DARK_PLASTIC = Material((0.025, 0.025, 0.028), 0.45)


def _remote_control(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    w, d, t = {"long": (0.046, 0.17, 0.018), "short": (0.042, 0.12, 0.016), "waisted": (0.05, 0.16, 0.02)}[
        order.variant
    ]
    body = slab(w, d, t, 0.012, bevel=0.005)
    if order.variant == "waisted":
        factor = 1 - 0.28 * np.exp(-((body.vertices[:, 1] / (0.25 * d)) ** 2))
        body = Mesh(
            body.vertices * np.stack([factor, np.ones_like(factor), np.ones_like(factor)], 1),
            body.faces,
            body.normals,
            body.uv,
        )
    draft.add(materials.plastic(color, 0.45), body)
    button = materials.plastic(contrast_color(color) if order.color != "white" else (0.2, 0.2, 0.22), 0.5)
    cap = lathe([(0.0042, 0), (0.0042, 0.0012), (0.0034, 0.002), (0, 0.002)], segments=10)
    rows = 6 if order.variant == "long" else 4
    for row in range(rows):
        for column in range(3):
            draft.add(
                button,
                cap.moved(
                    (column - 1) * 0.012,
                    0.06 * d - row * 0.014 if order.variant != "waisted" else -0.1 * d - row * 0.012,
                    t - 0.0003,
                ),
            )
    # Power: the far end, which points at what it controls, is its front; its buttons are read from behind.
    draft.add(
        materials.plastic(order.paint("red" if order.color != "red" else "white"), 0.4),
        cap.scaled(1.2, 1.2, 1).moved(0.011, 0.38 * d, t - 0.0003),
    )
    pad = lathe([(0.013, 0), (0.013, 0.001), (0.011, 0.0018), (0, 0.0018)], segments=20)
    draft.add(button, pad.moved(0, 0.22 * d, t - 0.0003))
    draft.turn("z", 180)
    return draft


def _camera(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "lens": (0.0, -1.0, 0.0)})
    color = order.paint()
    body = materials.plastic(color, 0.5)
    w, h, d = {"compact": (0.105, 0.062, 0.03), "reflex": (0.13, 0.085, 0.05), "retro": (0.125, 0.074, 0.036)}[
        order.variant
    ]
    dark = _DARK_PLASTIC if order.color != "black" else Material((0.07, 0.07, 0.075), 0.5)
    draft.add(body, rounded_box((w, d, h), 0.008, steps=2))
    if order.variant == "retro":
        draft.add(materials.metal(), rounded_box((w, 0.98 * d, 0.01), 0.003).moved(z=h - 0.004))
    if order.variant == "reflex":
        hump = [rounded_rectangle(share * 0.05, 0.9 * d, 0.008) for share in (1.2, 1.0, 0.7)]
        draft.add(body, stack(hump, [h - 0.004, h + 0.012, h + 0.02]))
        draft.add(body, rounded_box((0.03, 0.07, 0.8 * h), 0.012, steps=2).moved(x=-0.43 * w, y=-0.008))
    reach, r = {"compact": (0.02, 0.023), "reflex": (0.06, 0.033), "retro": (0.034, 0.025)}[order.variant]
    barrel = [
        (0, 0),
        (r, 0),
        (r, 0.4 * reach),
        (0.92 * r, 0.45 * reach),
        (0.92 * r, reach),
        (0.78 * r, reach),
        (0.7 * r, 0.85 * reach),
        (0, 0.82 * reach),
    ]
    lens = lathe(barrel, segments=26).turned("x", 90).moved(x=0.06 * w, y=-0.5 * d, z=0.47 * h)
    draft.add(dark, lens)
    ring = lathe([(r, 0.12 * reach), (1.05 * r, 0.14 * reach), (1.05 * r, 0.3 * reach), (r, 0.32 * reach)], segments=26)
    draft.add(materials.metal(), ring.turned("x", 90).moved(x=0.06 * w, y=-0.5 * d, z=0.47 * h))
    glass = ellipsoid(0.68 * r, 0.004, 0.68 * r, segments=18, rings=10)
    draft.add(Material((0.05, 0.06, 0.14), 0.05), glass.moved(0.06 * w, -0.5 * d - 0.82 * reach, 0.47 * h))
    top = h if order.variant != "retro" else h + 0.005
    draft.add(
        materials.metal(),
        lathe([(0, 0), (0.007, 0), (0.007, 0.006), (0, 0.006)], segments=14).moved(x=-0.34 * w, z=top),
    )
    draft.add(dark, rounded_box((0.016, 0.004, 0.01), 0.001).moved(x=-0.3 * w, y=-0.5 * d, z=0.76 * h))
    return draft


def _headphones(order: Order) -> Draft:
    """Stand on their cups."""
    draft = Draft(order.color)
    shell = materials.plastic(order.paint(), 0.35)
    r = {"over-ear": 0.042, "on-ear": 0.032, "studio": 0.05}[order.variant]
    span = 0.085
    angles = np.radians(np.linspace(0, 180, 17))
    path = np.stack([span * np.cos(angles), np.zeros(17), r + 0.012 + 1.25 * span * np.sin(angles)], axis=1)
    draft.add(shell, tube(path, 0.005, segments=8, flatten=2.4))
    pad = materials.rubber(materials.DARK if order.color != "black" else (0.09, 0.09, 0.095))
    if order.variant != "on-ear":
        inner = path[5:12] * (0.955, 1, 1) - (0, 0, 0.004)
        draft.add(pad, tube(inner, 0.006, segments=8, flatten=2.0))
    for side in (-1.0, 1.0):
        cup = [(0, 0), (0.75 * r, 0), (r, 0.008), (r, 0.02), (0, 0.02)]
        draft.add(shell, lathe(cup, segments=24).turned("y", -90 * side).moved(x=side * (span + 0.012), z=r))
        cushion = [(0.45 * r, 0), (0.95 * r, 0), (1.0 * r, 0.008), (0.9 * r, 0.017), (0.55 * r, 0.017), (0.45 * r, 0)]
        draft.add(pad, lathe(cushion, segments=22).turned("y", -90 * side).moved(x=side * (span - 0.006), z=r))
    return draft


def _alarm_clock(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "face": (0.0, -1.0, 0.0)})
    color = order.paint()
    shell = materials.plastic(color, 0.3)
    hours, minutes = order.integer(1, 12), 5 * order.integer(0, 11)
    if order.variant == "digital":
        draft.attributes = ("digital",)
        draft.add(shell, rounded_box((0.14, 0.06, 0.065), 0.01, steps=2))
        display = Material((1.2, 1.2, 1.2), 0.15, 0.0, prints.clock_face(materials.DARK, hours, minutes, digital=True))
        draft.add(display, panel(0.115, 0.045).moved(y=-0.0304, z=0.01))
        draft.add(_DARK_PLASTIC, rounded_box((0.05, 0.02, 0.004), 0.001).moved(z=0.064))
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
    bare = materials.metal()
    for side in (-1.0, 1.0):
        bell = lathe(
            [(0, 0), (0.021, 0), *smooth([(0.021, 0.001), (0.018, 0.01), (0.009, 0.016), (0, 0.018)], 3)], segments=18
        )
        draft.add(shell, bell.moved(z=r + 0.003).turned("y", side * 32).moved(z=z))
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


def _speaker(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    dark = _DARK_PLASTIC if order.color != "black" else Material((0.09, 0.09, 0.095), 0.5)
    if order.variant == "cylinder":
        h, r = 0.17, 0.045
        draft.add(materials.fabric(color, order.integer(0, 3)), lathe([(r, 0.01), (r, 0.93 * h)]))
        draft.add(dark, lathe([(0, 0), (0.96 * r, 0), (r, 0.01)]), lathe([(r, 0.93 * h), (0.94 * r, h), (0, h)]))
        draft.directions = {}
        return draft
    w, d, h = (0.12, 0.13, 0.2) if order.variant == "bookshelf" else (0.2, 0.08, 0.08)
    wooden = order.color == "brown"
    box = (
        materials.wood(mix(color, (0.5, 0.28, 0.12), 0.3), order.integer(0, 3))
        if wooden
        else materials.plastic(color, 0.45)
    )
    draft.material = "wood" if wooden else None
    draft.add(box, rounded_box((w, d, h), 0.005 if order.variant == "bookshelf" else 0.02))
    cones = (
        ((0, 0.34 * h, 0.38 * w), (0, 0.77 * h, 0.2 * w))
        if order.variant == "bookshelf"
        else ((-0.27 * w, 0.5 * h, 0.38 * h), (0.27 * w, 0.5 * h, 0.38 * h))
    )
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
    if order.variant == "bookshelf":
        draft.top = rectangle(0.9 * w, 0.9 * d)
    return draft


def _calculator(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    w, d, t = {"pocket": (0.075, 0.125, 0.01), "desk": (0.11, 0.15, 0.02), "wide": (0.12, 0.09, 0.012)}[order.variant]
    draft.add(materials.plastic(color, 0.45), slab(w, d, t, 0.006))
    cap = contrast_color(color)
    columns, rows = (4, 5) if order.variant != "wide" else (6, 4)
    pad = Material(materials.WHITE, 0.5, 0.0, prints.keys(mix(color, materials.DARK, 0.35), cap, columns, rows))
    draft.add(pad, tile(0.86 * w, 0.6 * d).moved(y=-0.15 * d, z=t + 0.0003))
    draft.add(Material((0.28, 0.36, 0.28), 0.15), tile(0.86 * w, 0.2 * d).moved(y=0.33 * d, z=t + 0.0003))
    return draft


def _game_controller(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    shell = materials.plastic(color, 0.4)
    dark = _DARK_PLASTIC if order.color != "black" else Material((0.1, 0.1, 0.105), 0.5)
    draft.add(shell, ellipsoid(0.062, 0.032, 0.017, segments=22, rings=12).moved(z=0.024))
    long = {"classic": 0.05, "short": 0.032, "wide": 0.042}[order.variant]
    for side in (-1.0, 1.0):
        grip = ellipsoid(0.023, long, 0.0185, segments=18, rings=12).turned("z", side * 22)
        draft.add(shell, grip.moved(side * (0.052 if order.variant != "wide" else 0.066), 0.026, 0.0195))
        stick = lathe([(0, 0), (0.006, 0), (0.005, 0.008), (0.0095, 0.011), (0.008, 0.014), (0, 0.013)], segments=14)
        draft.add(dark, stick.moved(side * 0.024, 0.01, 0.036))
        draft.add(dark, ellipsoid(0.017, 0.007, 0.006, segments=12, rings=8).moved(side * 0.04, -0.026, 0.026))
    button = lathe([(0, 0), (0.0045, 0), (0.0045, 0.003), (0, 0.004)], segments=10)
    for index, name in enumerate(("yellow", "red", "blue", "green")):
        x, y = circle(4, 0.0095)[index]
        ink = name if name != order.color else "white"
        draft.add(materials.plastic(order.paint(ink), 0.3), button.moved(-0.048 + x, -0.004 + y, 0.0355))
    for size in ((0.02, 0.0065), (0.0065, 0.02)):
        draft.add(dark, rounded_box((*size, 0.004), 0.001).moved(0.048, -0.004, 0.035))
    return draft


_category = partial(Category, family="electronics", places=PLACES)

_NEUTRAL = ("black", "white", "gray")
_BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
CATEGORIES = (
    _category(
        "remote control",
        "remote controls",
        (0.12, 0.22),
        _NEUTRAL,
        ("long", "short"),
        ("waisted",),
        _remote_control,
        places=(*PLACES, "counter", "box"),
    ),
    _category(
        "camera",
        "cameras",
        (0.095, 0.165),
        ("black", "red", "brown", "white", "blue"),
        ("compact", "reflex"),
        ("retro",),
        _camera,
    ),
    _category(
        "headphones",
        "pairs of headphones",
        (0.17, 0.24),
        (*_NEUTRAL, "red", "blue", "pink", "green"),
        ("over-ear", "on-ear"),
        ("studio",),
        _headphones,
    ),
    _category(
        "alarm clock",
        "alarm clocks",
        (0.11, 0.17),
        (*_BRIGHT, "white", "black"),
        ("twin bell", "square"),
        ("digital",),
        _alarm_clock,
    ),
    _category(
        "speaker",
        "speakers",
        (0.15, 0.26),
        (*_NEUTRAL, "brown", "red", "blue", "green"),
        ("bookshelf", "cylinder"),
        ("wide",),
        _speaker,
        places=(*PLACES, "counter", "floor"),
    ),
    _category(
        "calculator",
        "calculators",
        (0.1, 0.18),
        (*_NEUTRAL, "pink", "blue"),
        ("pocket", "desk"),
        ("wide",),
        _calculator,
        places=PLACES,
        confusable=("phone", "remote control"),
    ),
    _category(
        "game controller",
        "game controllers",
        (0.13, 0.19),
        (*_NEUTRAL, "red", "blue", "purple"),
        ("classic", "short"),
        ("wide",),
        _game_controller,
        places=(*PLACES, "floor", "box"),
    ),
)
