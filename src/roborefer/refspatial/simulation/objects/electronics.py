"""Things with a plug or a battery; a screen, a lens or a dial tells their front."""

from __future__ import annotations

from functools import partial

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import DYED, NEUTRAL, contrast_color, mix
from roborefer.refspatial.simulation.objects.draft import FRONT, Category, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    extrude,
    lathe,
    rounded_box,
    slab,
    stack,
    tile,
    tube,
)
from roborefer.refspatial.simulation.objects.sound import alarm_clock, headphones, speaker

PLACES = ("desk", "table", "shelf")


def _remote_control(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    w, d, t = {
        "long": (0.046, 0.17, 0.018),
        "short": (0.042, 0.12, 0.016),
        "waisted": (0.05, 0.16, 0.02),
        "slim": (0.036, 0.145, 0.01),
        "wide": (0.068, 0.19, 0.022),
        "wedge": (0.062, 0.18, 0.026),
    }[order.variant]
    body = slab(w, d, t, 0.0179 if order.variant == "slim" else 0.012, bevel=0.005)
    if order.variant in ("waisted", "wedge"):
        along = body.vertices[:, 1] / d
        # A wedge is broad where it points, narrow in the hand.
        factor = 1 - 0.28 * np.exp(-((along / 0.25) ** 2)) if order.variant == "waisted" else 0.8 + 0.4 * along
        body = Mesh(
            body.vertices * np.stack([factor, np.ones_like(factor), np.ones_like(factor)], 1),
            body.faces,
            body.normals,
            body.uv,
        )
    draft.add(materials.plastic(color, 0.45), body)
    button = materials.plastic(contrast_color(color) if order.color != "white" else (0.2, 0.2, 0.22), 0.5)
    cap = lathe([(0.0042, 0), (0.0042, 0.0012), (0.0034, 0.002), (0, 0.002)], segments=10)
    rows = {"long": 6, "slim": 2, "wide": 7, "wedge": 5}.get(order.variant, 4)
    columns = {"slim": 2, "wide": 4}.get(order.variant, 3)
    for row in range(rows):
        for column in range(columns):
            draft.add(
                button,
                cap.moved(
                    (column - (columns - 1) / 2) * 0.012,
                    0.06 * d - row * 0.014 if order.variant != "waisted" else -0.1 * d - row * 0.012,
                    t - 0.0003,
                ),
            )
    # Power: the far end, which points at what it controls, is its front; its buttons are read from behind.
    draft.add(
        materials.plastic(order.paint("red" if order.color != "red" else "white"), 0.4),
        cap.scaled(1.2, 1.2, 1).moved(0.011 if order.variant != "slim" else 0.0, 0.38 * d, t - 0.0003),
    )
    pad = lathe([(0.013, 0), (0.013, 0.001), (0.011, 0.0018), (0, 0.0018)], segments=20)
    draft.add(button, pad.moved(0, 0.22 * d, t - 0.0003))
    draft.turn("z", 180)
    return draft


def _camera(order: Order) -> Draft:
    draft = Draft(order.color, None, (), {"front": (0.0, -1.0, 0.0), "lens": (0.0, -1.0, 0.0)})
    color = order.paint()
    body = materials.plastic(color, 0.5)
    w, h, d = {
        "compact": (0.105, 0.062, 0.03),
        "reflex": (0.13, 0.085, 0.05),
        "retro": (0.125, 0.074, 0.036),
        "telephoto": (0.12, 0.08, 0.042),
        "instant": (0.12, 0.1, 0.05),
        "twin lens": (0.074, 0.115, 0.08),
    }[order.variant]
    dark = materials.DARK_PLASTIC if order.color != "black" else Material((0.07, 0.07, 0.075), 0.5)
    draft.add(body, rounded_box((w, d, h), 0.008, steps=2))
    if order.variant == "retro":
        draft.add(materials.metal(), rounded_box((w, 0.98 * d, 0.01), 0.003).moved(z=h - 0.004))
    if order.variant in ("reflex", "telephoto"):
        hump = [rounded_rectangle(share * 0.05, 0.9 * d, 0.008) for share in (1.2, 1.0, 0.7)]
        draft.add(body, stack(hump, [h - 0.004, h + 0.012, h + 0.02]))
        draft.add(body, rounded_box((0.03, 0.07, 0.8 * h), 0.012, steps=2).moved(x=-0.43 * w, y=-0.008))
    if order.variant == "instant":
        # The picture comes out of the lip below the lens.
        draft.add(body, rounded_box((w, 0.055, 0.36 * h), 0.008, steps=2).moved(y=-0.5 * d))
        draft.add(dark, rounded_box((0.76 * w, 0.004, 0.006)).moved(y=-0.5 * d - 0.0265, z=0.12 * h))
        flash = rounded_box((0.034, 0.008, 0.018), 0.002).moved(0.3 * w, -0.5 * d, 0.74 * h)
        draft.add(Material((0.8, 0.82, 0.85), 0.1), flash)
    if order.variant == "twin lens":
        draft.add(materials.DARK_PLASTIC, rounded_box((0.86 * w, 0.8 * d, 0.016), 0.003).moved(z=h - 0.002))
    reach, r = {
        "compact": (0.02, 0.023),
        "reflex": (0.06, 0.033),
        "retro": (0.034, 0.025),
        "telephoto": (0.1, 0.031),
        "instant": (0.03, 0.024),
        "twin lens": (0.018, 0.02),
    }[order.variant]
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
    places = {"twin lens": ((0.0, 0.27 * h), (0.0, 0.72 * h)), "instant": ((0.0, 0.62 * h),)}
    for x, z in places.get(order.variant, ((0.06 * w, 0.47 * h),)):
        draft.add(dark, lathe(barrel, segments=26).turned("x", 90).moved(x=x, y=-0.5 * d, z=z))
        band = [(r, 0.12 * reach), (1.05 * r, 0.14 * reach), (1.05 * r, 0.3 * reach), (r, 0.32 * reach)]
        draft.add(materials.metal(), lathe(band, segments=26).turned("x", 90).moved(x=x, y=-0.5 * d, z=z))
        if order.variant == "telephoto":
            sleeve = [(0.9, 0.5), (1.12, 0.56), (1.12, 0.8), (1.3, 0.86), (1.3, 1.0), (0.9, 1.0), (0.9, 0.9)]
            hood = lathe([(r * across, reach * along) for across, along in sleeve], segments=26)
            draft.add(body, hood.turned("x", 90).moved(x=x, y=-0.5 * d, z=z))
        glass = ellipsoid(0.68 * r, 0.004, 0.68 * r, segments=18, rings=10)
        draft.add(Material((0.05, 0.06, 0.14), 0.05), glass.moved(x, -0.5 * d - 0.82 * reach, z))
    top = h if order.variant != "retro" else h + 0.005
    knob = lathe([(0, 0), (0.007, 0), (0.007, 0.006), (0, 0.006)], segments=14)
    if order.variant == "twin lens":
        draft.add(materials.metal(), knob.scaled(1.6, 1.6, 1.6).turned("y", 90).moved(x=0.5 * w, z=0.6 * h))
        return draft
    draft.add(materials.metal(), knob.moved(x=-0.34 * w, z=top))
    draft.add(dark, rounded_box((0.016, 0.004, 0.01), 0.001).moved(x=-0.3 * w, y=-0.5 * d, z=0.76 * h))
    return draft


def _calculator(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    w, d, t = {
        "pocket": (0.075, 0.125, 0.01),
        "desk": (0.11, 0.15, 0.02),
        "wide": (0.12, 0.09, 0.012),
        "scientific": (0.08, 0.165, 0.015),
        "round keys": (0.1, 0.14, 0.014),
        "printing": (0.125, 0.165, 0.022),
    }[order.variant]
    draft.add(materials.plastic(color, 0.45), slab(w, d, t, 0.03 if order.variant == "round keys" else 0.006))
    cap = contrast_color(color)
    display = Material((0.28, 0.36, 0.28), 0.15)
    if order.variant == "round keys":
        key = lathe([(0.0085, 0), (0.0085, 0.003), (0.007, 0.0045), (0, 0.005)], segments=16)
        ink, second = materials.plastic(cap, 0.4), materials.plastic(order.accent(), 0.4)
        for row in range(4):
            for column in range(4):
                place = (0.021 * (column - 1.5), 0.014 - 0.021 * row, t - 0.0003)
                draft.add(ink if column < 3 else second, key.moved(*place))
        draft.add(display, tile(0.7 * w, 0.2 * d).moved(y=0.3 * d, z=t + 0.0003))
        return draft
    columns, rows = {"wide": (6, 4), "scientific": (5, 9)}.get(order.variant, (4, 5))
    pad = Material(materials.WHITE, 0.5, 0.0, prints.keys(mix(color, materials.DARK, 0.35), cap, columns, rows))
    along = 0.54 if order.variant == "scientific" else 0.6
    draft.add(pad, tile(0.86 * w, along * d).moved(y=(0.5 * along - 0.45) * d, z=t + 0.0003))
    if order.variant == "printing":
        # The display leans back on a ridge, a roll of paper lies behind it.
        profile = [(-0.028, 0), (0.028, 0), (0.028, 0.05), (-0.028, 0.024)]
        ridge = extrude(profile, w).turned("x", 90).turned("z", 90)
        draft.add(materials.plastic(color, 0.45), ridge.moved(-0.5 * w, 0.33 * d))
        draft.add(display, tile(0.8 * w, 0.036).turned("x", 24.9).moved(y=0.33 * d, z=0.038))
        roll = tube([(-0.3 * w, 0.54 * d, 0.04), (0.3 * w, 0.54 * d, 0.04)], 0.018, segments=18, ends="flat")
        draft.add(materials.paper((0.9, 0.9, 0.88)), roll)
        return draft
    draft.add(display, tile(0.86 * w, 0.2 * d).moved(y=0.33 * d, z=t + 0.0003))
    return draft


def _game_controller(order: Order) -> Draft:
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    shell = materials.plastic(color, 0.4)
    dark = materials.DARK_PLASTIC if order.color != "black" else Material((0.1, 0.1, 0.105), 0.5)
    if order.variant in ("brick", "dog bone", "winged"):
        return _flat_controller(order, draft, shell, dark)
    draft.add(shell, ellipsoid(0.062, 0.032, 0.017, segments=22, rings=12).moved(z=0.024))
    long = {"classic": 0.05, "short": 0.032, "wide": 0.042, "three grips": 0.046}[order.variant]
    if order.variant == "three grips":
        draft.add(shell, ellipsoid(0.016, 0.048, 0.0165, segments=18, rings=12).moved(0, 0.032, 0.0195))
    for side in (-1.0, 1.0):
        grip = ellipsoid(0.023, long, 0.0185, segments=18, rings=12).turned("z", side * 22)
        draft.add(shell, grip.moved(side * (0.052 if order.variant != "wide" else 0.066), 0.026, 0.0195))
        stick = lathe([(0, 0), (0.006, 0), (0.005, 0.008), (0.0095, 0.011), (0.008, 0.014), (0, 0.013)], segments=14)
        if order.variant != "three grips":
            draft.add(dark, stick.moved(side * 0.024, 0.01, 0.036))
        elif side > 0:
            draft.add(dark, stick.scaled(1.3, 1.3, 1.3).moved(0, 0.014, 0.034))
        draft.add(dark, ellipsoid(0.017, 0.007, 0.006, segments=12, rings=8).moved(side * 0.04, -0.026, 0.026))
    _add_buttons(order, draft, dark, 0.0355)
    return draft


def _add_buttons(order: Order, draft: Draft, dark: Material, z: float) -> None:
    """Four round ones and a cross, on either side of the middle."""
    reach = 0.048
    button = lathe([(0, 0), (0.0045, 0), (0.0045, 0.003), (0, 0.004)], segments=10)
    for index, name in enumerate(("yellow", "red", "blue", "green")):
        x, y = circle(4, 0.0095)[index]
        ink = name if name != order.color else "white"
        draft.add(materials.plastic(order.paint(ink), 0.3), button.moved(-reach + x, -0.004 + y, z))
    for size in ((0.02, 0.0065), (0.0065, 0.02)):
        draft.add(dark, rounded_box((*size, 0.004), 0.001).moved(reach, -0.004, z - 0.0005))


def _flat_controller(order: Order, draft: Draft, shell: Material, dark: Material) -> Draft:
    """A plate with its buttons on top: a brick, two discs with a bridge, or one with wings to hold it by."""
    t = 0.02
    if order.variant == "brick":
        draft.add(shell, slab(0.145, 0.066, t, 0.006, bevel=0.004))
    elif order.variant == "dog bone":
        disc = lathe([(0, 0), (0.031, 0), (0.034, 0.004), (0.034, t - 0.004), (0.031, t), (0, t)], segments=28)
        draft.add(shell, slab(0.1, 0.046, t, 0.004, bevel=0.006), disc.moved(x=-0.046), disc.moved(x=0.046))
    else:
        half = np.array([(0.03, -0.034), (0.058, -0.032), (0.078, -0.01), (0.084, 0.03), (0.074, 0.054), (0.06, 0.056),
                         (0.042, 0.043), (0.025, 0.031)])  # fmt: skip
        corners = np.concatenate([half, half[::-1] * (-1, 1), half[:1]])
        outline = smooth(corners, 3)[:-1]
        draft.add(shell, stack([0.93 * outline, outline, outline, 0.93 * outline], [0, 0.006, t, t + 0.006]))
        t += 0.006
        for side in (-1.0, 1.0):
            stick = lathe([(0, 0), (0.006, 0), (0.005, 0.006), (0.0095, 0.008), (0.008, 0.011), (0, 0.01)], segments=14)
            draft.add(dark, stick.moved(side * 0.022, 0.014, t - 0.001))
    _add_buttons(order, draft, dark, t - 0.0005)
    for side in (-1.0, 1.0):
        draft.add(dark, rounded_box((0.011, 0.004, 0.002), 0.001).moved(side * 0.01, -0.004, t - 0.0005))
    return draft


_category = partial(Category, family="electronics", places=PLACES)

CATEGORIES = (
    _category(
        "remote control",
        "remote controls",
        (0.12, 0.22),
        NEUTRAL,
        ("long", "short", "slim", "wide", "wedge"),
        ("waisted",),
        _remote_control,
        places=(*PLACES, "counter", "box"),
    ),
    _category(
        "camera",
        "cameras",
        (0.095, 0.165),
        ("black", "red", "brown", "white", "blue"),
        ("compact", "reflex", "telephoto", "instant", "twin lens"),
        ("retro",),
        _camera,
    ),
    _category(
        "headphones",
        "pairs of headphones",
        (0.17, 0.24),
        (*NEUTRAL, "red", "blue", "pink", "green"),
        ("over-ear", "on-ear", "oblong", "headset", "two wires", "lying"),
        ("studio",),
        headphones,
    ),
    _category(
        "alarm clock",
        "alarm clocks",
        (0.11, 0.17),
        DYED,
        ("twin bell", "square", "one bell", "arch", "drum"),
        ("digital",),
        alarm_clock,
    ),
    _category(
        "speaker",
        "speakers",
        (0.15, 0.26),
        (*NEUTRAL, "brown", "red", "blue", "green"),
        ("bookshelf", "cylinder", "tower", "leaning", "ball", "puck"),
        ("wide",),
        speaker,
        places=(*PLACES, "counter", "floor"),
    ),
    _category(
        "calculator",
        "calculators",
        (0.1, 0.18),
        (*NEUTRAL, "pink", "blue"),
        ("pocket", "desk", "scientific", "round keys", "printing"),
        ("wide",),
        _calculator,
        places=PLACES,
        confusable=("phone", "remote control"),
    ),
    _category(
        "game controller",
        "game controllers",
        (0.13, 0.19),
        (*NEUTRAL, "red", "blue", "purple"),
        ("classic", "short", "brick", "dog bone", "winged", "three grips"),
        ("wide",),
        _game_controller,
        places=(*PLACES, "floor", "box"),
    ),
)
