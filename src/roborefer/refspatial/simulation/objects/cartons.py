"""Printed cartons of food: closed, lying, torn open."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import other_color
from roborefer.refspatial.simulation.objects.draft import FRONT, Draft, Order
from roborefer.refspatial.simulation.objects.outlines import circle, rectangle
from roborefer.refspatial.simulation.objects.shapes import box_sides, lathe, rounded_box, tile


def cereal_box(order: Order) -> Draft:
    size = {"small": (0.14, 0.05, 0.2), "wide": (0.25, 0.07, 0.25), "deep": (0.19, 0.11, 0.27)}.get(
        order.variant, (0.19, 0.06, 0.28)
    )
    draft = _printed_box(order, size, prints.CEREALS)
    w, d, h = size
    if order.variant == "lying":
        # Its printed side looks up: nobody would say that it faces anything.
        draft.turn("x", -90)
        draft.directions = {}
        draft.top = rectangle(0.97 * w, 0.97 * h) + np.array([0, 0.5 * h])
    elif order.variant == "open":
        card = draft.pieces[-1][1]
        _uncover(draft, size)
        for side in (-1, 1):
            flap = rounded_box((0.98 * w, 0.0015, 0.055)).turned("x", -25 * side).moved(y=0.49 * side * d, z=h)
            ear = rounded_box((0.0015, 0.9 * d, 0.04)).turned("y", 35 * side).moved(x=0.49 * side * w, z=h)
            draft.add(card, flap, ear)
    return draft


def _uncover(draft: Draft, size: tuple[float, float, float]) -> None:
    """Darkness where the lid of a printed box was."""
    draft.top = None
    draft.add(Material((0.05, 0.04, 0.035), 0.95), tile(0.97 * size[0], 0.96 * size[1]).moved(z=size[2] + 0.0005))


def tea_box(order: Order) -> Draft:
    size = {
        "low": (0.14, 0.075, 0.08),
        "cube": (0.09, 0.09, 0.095),
        "long": (0.19, 0.07, 0.07),
        "caddy": (0.085, 0.085, 0.11),
        "open": (0.13, 0.1, 0.07),
        "upright": (0.085, 0.055, 0.15),
    }[order.variant]
    draft = _printed_box(order, size, ("TEA", "CHAI", "MINT TEA", "GREEN TEA", "EARL"))
    w, d, h = size
    card = draft.pieces[-1][1]
    if order.variant == "caddy":
        # A tin with a round lid.
        draft.add(card, lathe([(0.36 * w, h), (0.36 * w, h + 0.022), (0.34 * w, h + 0.025), (0, h + 0.025)]))
        draft.top = circle(24, 0.33 * w)
    elif order.variant == "open":
        _uncover(draft, size)
        draft.add(card, rounded_box((w, 0.002, d)).turned("x", -order.uniform(5, 35)).moved(y=0.5 * d, z=h))
        bag = materials.paper((0.86, 0.84, 0.78))
        for x in np.linspace(-0.42 * w, 0.42 * w, 8):
            for y in (-0.24 * d, 0.24 * d):
                draft.add(bag, rounded_box((0.009, 0.42 * d, 0.012), 0.002).moved(x, y, h))
    return draft


def _printed_box(order: Order, size: tuple[float, float, float], words: tuple[str, ...]) -> Draft:
    color = order.paint()
    draft = Draft(order.color, None, (), dict(FRONT))
    ink = order.paint(other_color(order.color, order.generator))
    texture = prints.label(order.pick(words), color, ink, order.integer(0, 2), aspect=size[0] / size[2])
    front, plain = materials.paper(color, texture), materials.paper(color)
    for side, mesh in box_sides(size, 0.001).items():
        draft.add(front if side in ("front", "back") else plain, mesh)
    draft.top = rectangle(0.97 * size[0], 0.95 * size[1])
    return draft
