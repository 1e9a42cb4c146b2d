"""Toy cars and toy trains: their fronts (bonnet, boiler, nose) point to -y."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials
from roborefer.refspatial.simulation.objects.colors import Rgb, other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, rounded_rectangle, signed_area, smooth
from roborefer.refspatial.simulation.objects.shapes import (
    Mesh,
    ellipsoid,
    lathe,
    loft,
    rounded_box,
    side_view,
    stack,
    tube,
)

_BARE_WOOD: Rgb = (0.62, 0.4, 0.2)
_DARK_WOOD: Rgb = (0.2, 0.095, 0.04)
_GLASS = Material((0.05, 0.07, 0.09), 0.08)
_WINDOW = Material((0.05, 0.07, 0.09), 0.1)
# Side views (y, z) of cars without wheels; the second point is the bonnet's edge, below which the lights sit.
_BODIES: dict[str, ArrayLike] = {
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
    "beetle": [
        (-0.056, 0.012),
        (-0.057, 0.026),
        *smooth([(-0.05, 0.034), (-0.028, 0.04), (-0.012, 0.059), (0.008, 0.064), (0.032, 0.057), (0.054, 0.034)], 3),
        (0.058, 0.012),
    ],
    "jeep": [
        (-0.052, 0.018),
        (-0.053, 0.041),
        (-0.05, 0.044),
        (0.044, 0.042),
        (0.048, 0.038),
        (0.048, 0.018),
    ],
    "wooden": [
        (-0.06, 0.012),
        (-0.062, 0.03),
        (-0.048, 0.038),
        (0.056, 0.038),
        (0.062, 0.03),
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


def build_toy_car(order: Order) -> Draft:
    """Its bonnet points to the front (-y)."""
    draft = Draft(order.color, None, (), dict(FRONT))
    wooden = order.variant == "wooden"
    # Grain would turn white to gray.
    grained = wooden and order.color != "white"
    paint = materials.wood(order.paint(), 1) if grained else materials.plastic(order.paint(), 0.2)
    outline = np.asarray(_BODIES[order.variant], np.float64)
    if wooden:
        draft.material = "wood"
        upper = [
            (-0.036, 0.038),
            *smooth([(-0.026, 0.058), (-0.012, 0.066), (0.02, 0.066), (0.034, 0.058)], 3),
            (0.042, 0.038),
        ]
        for block in (outline, upper):
            draft.add(paint, side_view(block, 0.04))
    else:
        draft.add(paint, _rounded(outline, {"beetle": 0.043, "jeep": 0.044}.get(order.variant, 0.05)))
    if order.variant == "sedan":
        cabin = np.array([(-0.026, 0.032), (-0.012, 0.052), (0.026, 0.052), (0.042, 0.032)])
        draft.add(_GLASS, _rounded(cabin, 0.044))
        draft.add(paint, rounded_box((0.043, 0.036, 0.004), 0.0018).moved(y=0.007, z=0.0505))
    elif order.variant == "van":
        draft.add(
            _GLASS, _rounded(np.array([(-0.0465, 0.038), (-0.0375, 0.0575), (-0.03, 0.0575), (-0.03, 0.038)]), 0.044)
        )
        for y in (-0.012, 0.02):
            draft.add(_GLASS, rounded_box((0.0515, 0.024, 0.015), 0.002).moved(y=y, z=0.04))
    elif order.variant == "pickup":
        draft.add(_GLASS, _rounded(np.array([(-0.03, 0.034), (-0.02, 0.054), (0.006, 0.054), (0.008, 0.034)]), 0.044))
        draft.add(paint, rounded_box((0.044, 0.028, 0.004), 0.0018).moved(y=-0.006, z=0.053))
        for x in (-0.023, 0.023):
            draft.add(paint, rounded_box((0.004, 0.048, 0.014), 0.001).moved(x, 0.034, 0.032))
        draft.add(paint, rounded_box((0.05, 0.004, 0.014), 0.001).moved(y=0.058, z=0.032))
    elif order.variant == "beetle":
        draft.add(_GLASS, _rounded(np.array([(-0.016, 0.042), (-0.009, 0.056), (0.006, 0.059), (0.006, 0.042)]), 0.044))
        draft.add(_GLASS, _rounded(np.array([(0.01, 0.042), (0.01, 0.059), (0.026, 0.055), (0.036, 0.042)]), 0.044))
        draft.add(
            _GLASS, _rounded(np.array([(-0.029, 0.041), (-0.0155, 0.0575), (-0.01, 0.058), (-0.02, 0.041)]), 0.034)
        )
        for x in (-0.021, 0.021):
            for y in (-0.035, 0.035):
                draft.add(paint, ellipsoid(0.009, 0.02, 0.01, segments=14, rings=8).moved(x, y, 0.026))
    elif order.variant == "jeep":
        draft.add(_GLASS, rounded_box((0.04, 0.003, 0.02)).turned("x", -12).moved(y=-0.014, z=0.042))
        for x in (-0.02, 0.02):
            draft.add(paint, rounded_box((0.003, 0.004, 0.022)).turned("x", -12).moved(x, -0.014, 0.042))
            draft.add(paint, rounded_box((0.016, 0.04, 0.003), 0.001).moved(1.1 * x, -0.033, 0.034))
            draft.add(_GLASS, rounded_box((0.014, 0.005, 0.018), 0.002).moved(0.5 * x, 0.012, 0.04))
            draft.add(_GLASS, rounded_box((0.014, 0.014, 0.003), 0.001).moved(0.5 * x, 0.004, 0.0425))
        draft.add(paint, rounded_box((0.043, 0.004, 0.003)).moved(y=-0.0096, z=0.0625))
        bar = smooth([(-0.019, 0.024, 0.04), (-0.018, 0.024, 0.06), (0.018, 0.024, 0.06), (0.019, 0.024, 0.04)], 4)
        draft.add(paint, tube(bar, 0.0018, segments=8))
        for mesh, material in _wheel(0.014, 0.008):
            draft.add(material, mesh.turned("z", 90).moved(y=0.05, z=0.036))
    elif wooden:
        pane = lathe([(0, -0.0206), (0.01, -0.0206), (0.01, 0.0206), (0, 0.0206)], segments=20).turned("y", 90)
        draft.add(materials.wood(_BARE_WOOD), pane.moved(y=0.004, z=0.05))
    else:
        draft.add(_GLASS, ellipsoid(0.013, 0.02, 0.011, segments=14, rings=8).moved(0, -0.005, 0.027))
        draft.add(paint, rounded_box((0.058, 0.014, 0.003), 0.001).moved(y=0.055, z=0.044))
        for x in (-0.018, 0.018):
            draft.add(paint, rounded_box((0.003, 0.008, 0.016)).moved(x, 0.054, 0.028))
    radius = {"racer": 0.0145, "jeep": 0.017, "wooden": 0.016}.get(order.variant, 0.0125)
    for mesh, material in _wooden_wheel(radius, 0.009) if wooden else _wheel(radius, 0.011):
        for x in (-0.024, 0.024):
            for y in (-0.035, 0.035):
                draft.add(material, mesh.moved(x, y, radius))
    if wooden:
        return draft
    light, back = Material((1.0, 0.95, 0.7), 0.1), Material((0.6, 0.01, 0.01), 0.2)
    front_y, z = outline[1] + (0.002, -0.004)
    for x in (-0.017, 0.017):
        draft.add(light, ellipsoid(0.0045, 0.003, 0.0035, segments=10, rings=6).moved(x, front_y, z))
        draft.add(back, ellipsoid(0.0045, 0.002, 0.003, segments=10, rings=6).moved(x, outline[-1, 0], 0.024))
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


def _wooden_wheel(radius: float, width: float) -> list[tuple[Mesh, Material]]:
    """A disc with an axle's end, as :func:`_wheel`."""
    (tyre, _), (hub, _) = _wheel(radius, width)
    return [(tyre, materials.wood(_BARE_WOOD)), (hub.scaled(1.1, 0.5, 0.5), materials.wood(_DARK_WOOD))]


def _rounded(outline: Floats, width: float) -> Mesh:
    """An outline (K, 2) in y and z, as thick as ``width`` along x, with edges rounded inwards a little."""
    middle = outline.mean(axis=0)
    count = len(outline)
    shares, places = (0.0, 0.93, 1.0, 1.0, 0.93, 0.0), (-0.5, -0.5, -0.44, 0.44, 0.5, 0.5)
    outline = outline if signed_area(outline) > 0 else outline[::-1]
    rings = [
        np.concatenate([np.full((count, 1), place * width), middle + share * (outline - middle)], axis=1)
        for share, place in zip(shares, places, strict=True)
    ]
    return loft(np.stack(rings))


def build_toy_train(order: Order) -> Draft:
    """An engine; its boiler or nose points to the front (-y)."""
    draft = Draft(order.color, None, (), dict(FRONT))
    color = order.paint()
    second = materials.plastic(
        order.paint(other_color(order.color, order.generator, ("yellow", "red", "blue", "green"))), 0.3
    )
    if order.variant == "wooden":
        return _wooden_train(draft, color, second)
    paint = materials.plastic(color, 0.25)
    dark = materials.plastic(materials.DARK, 0.4)
    draft.add(dark, rounded_box((0.04, 0.12, 0.01), 0.002).moved(z=0.014))
    if order.variant == "bullet":
        _add_bullet(draft, paint, second)
    elif order.variant == "electric":
        _add_electric(draft, paint, second, dark)
    else:
        _add_steam(draft, paint, second, dark, {"steam": 0.026, "tall": 0.04, "diesel": 0.012}[order.variant])
    for mesh, material in _wheel(0.013, 0.008):
        for x in (-0.02, 0.02):
            for y in (-0.042, -0.008, 0.03):
                draft.add(material, mesh.moved(x, y, 0.013))
    return draft


def _add_steam(draft: Draft, paint: Material, second: Material, dark: Material, chimney: float) -> None:
    """A boiler with a chimney of this height, and a cab behind."""
    boiler = lathe([(0, 0), (0.016, 0), (0.0165, 0.003), (0.0165, 0.07), (0, 0.07)], segments=20).turned("x", 90)
    draft.add(paint, boiler.moved(y=0.012, z=0.041))
    draft.add(second, lathe([(0, 0), (0.012, 0), (0.0, 0.002)], segments=18).turned("x", 90).moved(y=-0.058, z=0.041))
    draft.add(paint, rounded_box((0.042, 0.042, 0.048), 0.003).moved(y=0.034, z=0.024))
    draft.add(_WINDOW, rounded_box((0.0425, 0.024, 0.018), 0.001).moved(y=0.034, z=0.046))
    draft.add(second, rounded_box((0.046, 0.046, 0.004), 0.0015).moved(y=0.034, z=0.072))
    z = 0.055
    draft.add(
        dark,
        lathe(
            [(0, z), (0.006, z), (0.0055, z + 0.6 * chimney), (0.01, z + chimney), (0, z + chimney)], segments=14
        ).moved(y=-0.038),
    )
    draft.add(second, ellipsoid(0.008, 0.008, 0.008, segments=12, rings=7).moved(0, -0.008, 0.057))


def _add_bullet(draft: Draft, paint: Material, second: Material) -> None:
    """A streamlined body whose long nose sinks to the rails."""
    # Width, height and place of the cross-sections, from the tail to the tip.
    sections = [(0.044, 0.05, -0.062), (0.046, 0.052, -0.058), (0.046, 0.052, 0.01), (0.045, 0.047, 0.034)]
    sections += [(0.041, 0.035, 0.056), (0.034, 0.022, 0.074), (0.022, 0.012, 0.084)]
    outlines = [rounded_rectangle(w, h, 0.35 * h, 4) + np.array([0.0, 0.02 + h / 2]) for w, h, _ in sections]
    draft.add(paint, stack(outlines, [place for _, _, place in sections]).turned("x", 90))
    draft.add(second, rounded_box((0.0465, 0.112, 0.005), 0.001).moved(y=0.002, z=0.034))
    for y in (-0.002, 0.016, 0.034, 0.052):
        draft.add(_WINDOW, rounded_box((0.0468, 0.012, 0.011), 0.001).moved(y=y, z=0.046))
    draft.add(_WINDOW, rounded_box((0.026, 0.018, 0.004), 0.001).turned("x", 31).moved(y=-0.046, z=0.0565))


def _add_electric(draft: Draft, paint: Material, second: Material, dark: Material) -> None:
    """A box with a driver's window at either end and a current collector on its roof."""
    body = [(-0.064, 0.022), (-0.066, 0.044), (-0.056, 0.068), (0.056, 0.068), (0.066, 0.044), (0.064, 0.022)]
    draft.add(paint, _rounded(np.array(body), 0.044))
    draft.add(second, rounded_box((0.0446, 0.126, 0.007), 0.001).moved(z=0.031))
    draft.add(dark, rounded_box((0.034, 0.1, 0.006), 0.002).moved(z=0.066))
    for y in (-0.032, 0.0, 0.032):
        draft.add(_WINDOW, rounded_box((0.0446, 0.018, 0.012), 0.001).moved(y=y, z=0.046))
    for end in (-1.0, 1.0):
        draft.add(
            _WINDOW, rounded_box((0.034, 0.003, 0.015), 0.001).turned("x", end * 22).moved(y=end * 0.064, z=0.049)
        )
    collector = [(0, 0.03, 0.07), (0, 0.004, 0.086), (0, 0.022, 0.104)]
    draft.add(dark, tube(collector, 0.0018, segments=6))
    draft.add(dark, tube([(-0.016, 0.022, 0.104), (0.016, 0.022, 0.104)], 0.0018, segments=6))


def _wooden_train(draft: Draft, color: Rgb, second: Material) -> Draft:
    """A plain block engine that pulls a wagon with a load of logs."""
    draft.material = "wood"
    paint, bare, dark = (materials.wood(tone, 1) for tone in (color, _BARE_WOOD, _DARK_WOOD))
    draft.add(paint, rounded_box((0.036, 0.07, 0.02), 0.002).moved(y=-0.035, z=0.012))
    draft.add(paint, rounded_box((0.036, 0.028, 0.04), 0.002).moved(y=-0.014, z=0.03))
    draft.add(second, rounded_box((0.042, 0.036, 0.006), 0.002).moved(y=-0.014, z=0.069))
    boiler = lathe([(0, 0), (0.015, 0), (0.015, 0.042), (0, 0.042)], segments=18).turned("x", 90)
    draft.add(paint, boiler.moved(y=-0.026, z=0.042))
    draft.add(bare, lathe([(0, 0.05), (0.006, 0.05), (0.006, 0.068), (0, 0.068)], segments=14).moved(y=-0.054))
    draft.add(bare, rounded_box((0.01, 0.03, 0.006), 0.001).moved(y=0.01, z=0.016))
    draft.add(paint, rounded_box((0.036, 0.058, 0.014), 0.002).moved(y=0.046, z=0.012))
    log = lathe([(0, 0), (0.008, 0), (0.008, 0.05), (0, 0.05)], segments=12).turned("x", 90)
    for x, z in ((-0.009, 0.033), (0.009, 0.033), (0.0, 0.047)):
        draft.add(dark, log.moved(x, 0.071, z))
    for mesh, material in _wooden_wheel(0.012, 0.008):
        for x in (-0.021, 0.021):
            for y in (-0.054, -0.018, 0.03, 0.062):
                draft.add(material, mesh.moved(x, y, 0.012))
    return draft
