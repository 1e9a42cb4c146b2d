"""Things from the oven: bread, cakes, doughnuts, cupcakes."""

from __future__ import annotations

import numpy as np

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, mix, other_color
from roborefer.refspatial.simulation.objects.draft import Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, arc, circle, rounded_rectangle, smooth
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, extrude, lathe, loft, panel, stack, tube

BAKED: Rgb = (0.52, 0.25, 0.08)
CRUMB: Rgb = (0.82, 0.62, 0.36)


def loaf(order: Order) -> Draft:
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
    elif order.variant == "tin":
        _tin_loaf(draft, crust)
    elif order.variant == "sliced":
        _sliced_loaf(draft, crust, pale)
    elif order.variant == "plaited":
        _plaited_loaf(draft, crust)
    elif order.variant == "bloomer":
        _long_loaf(draft, crust, pale, length=0.15, section=(0.13, 0.085), slash=(0.03, 0.005, 0.004), cuts=4)
    else:
        _long_loaf(draft, crust, pale, length=0.2, section=(0.06, 0.05), slash=(0.02, 0.0035, 0.003), cuts=5)
    return draft


def _long_loaf(
    draft: Draft,
    crust: Material,
    pale: Material,
    *,
    length: float,
    section: tuple[float, float],
    slash: tuple[float, float, float],
    cuts: int,
) -> None:
    """A free-standing loaf of half ``length`` that narrows to both ends, slashed across its back."""
    t = np.linspace(-1, 1, 15)
    scale = np.sqrt(1 - np.abs(t) ** 3)
    width, height = section
    outline = rounded_rectangle(width, height, 0.44 * height, 4) + np.array([0, 0.5 * height])
    rings = np.stack(
        [
            np.broadcast_to(length * t[:, None], (len(t), len(outline))),
            outline[:, 0] * scale[:, None],
            outline[:, 1] * scale[:, None],
        ],
        axis=2,
    )
    draft.add(crust, loft(rings))
    for place in np.linspace(-0.65, 0.65, cuts):
        cut = ellipsoid(*slash, segments=10, rings=4).turned("z", 35)
        draft.add(pale, cut.moved(length * place, 0, height * (1 - abs(place) ** 3) ** 0.5 - 0.0015))


_TIN_HALF = np.array(
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
_TIN_SECTION = np.concatenate([_TIN_HALF, _TIN_HALF[-2::-1] * (-1, 1)])
"""Across a loaf: straight sides below, a mushroomed top above the edge of its tin."""


def _tin_loaf(draft: Draft, crust: Material) -> None:
    section = _TIN_SECTION
    x = np.array([-0.105, -0.105, -0.1, -0.04, 0.04, 0.1, 0.105, 0.105])
    share = np.array([0.0, 0.9, 0.97, 1.0, 1.0, 0.97, 0.9, 0.0])
    middle = np.array([0.0, 0.05])
    rings = middle + (section - middle) * share[:, None, None]
    rings[:, :, 1] = np.where(
        section[:, 1] < 0.05, middle[1] + (section[:, 1] - 0.05) * np.sign(share)[:, None], rings[:, :, 1]
    )
    rings[[0, -1]] = middle
    draft.add(crust, loft(np.concatenate([np.broadcast_to(x[:, None, None], (*rings.shape[:2], 1)), rings], axis=2)))


def _sliced_loaf(draft: Draft, crust: Material, pale: Material) -> None:
    """What is left of a loaf, two slices that lean on it and one that has fallen flat."""
    middle = np.array([0.0, 0.052])
    inside = middle + 0.92 * (_TIN_SECTION - middle)
    for start, thickness, lean in ((-0.12, 0.13, 0), (0.022, 0.012, -7), (0.046, 0.012, -16), (0.19, 0.012, -90)):
        for material, outline, spare in ((crust, _TIN_SECTION, 0.0), (pale, inside, 0.0005)):
            # Extruded upwards, then laid down so that the section stands across x.
            piece = extrude(outline, thickness + 2 * spare).turned("x", 90).turned("z", 90).moved(x=-spare)
            draft.add(material, piece.turned("y", lean).moved(x=start))


def _plaited_loaf(draft: Draft, crust: Material) -> None:
    t = np.linspace(-1, 1, 40)
    narrow = np.sqrt(1.02 - np.abs(t) ** 3)
    for strand in range(3):
        phase = 2 * np.pi * (1.4 * t + strand / 3)
        path = np.stack([0.15 * t, 0.034 * narrow * np.sin(phase), 0.013 * np.sin(2 * phase)], axis=1)
        draft.add(crust, tube(path, 0.026 * narrow, segments=12))


def _heart(width: float) -> Floats:
    """Counter-clockwise, its tip at the front: (40, 2)."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x, y = -16 * np.sin(t) ** 3, 13 * np.cos(t) - 6.5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, y + 2], axis=1) * (width / 32)


_MISSING = (-80.0, -28.0)
"""Directions of the piece that is gone from a cut cake, degrees: where a viewer in front sees into it."""


def cake(order: Order) -> Draft:
    word = {"slab": "square", "heart": "heart-shaped"}.get(order.variant, "round")
    draft = Draft(order.color, None, (word,))
    icing = materials.plastic(order.paint(), 0.5)
    second = order.paint(other_color(order.color, order.generator, ("white", "pink", "red", "yellow")))
    cream = materials.plastic(second, 0.5)
    h, r = order.uniform(0.07, 0.1), 0.09
    rim, foot = circle(10, 0.82 * r), circle(20, r)
    if order.variant == "slab":
        draft.add(
            icing, stack([rounded_rectangle(w, w, 0.02, 4) for w in (1.9 * r, 1.9 * r, 1.86 * r)], [0, 0.95 * h, h])
        )
        rim, foot = circle(10, 0.72 * r), np.zeros((0, 2))
    elif order.variant == "two tiers":
        draft.add(icing, lathe([(0, 0), (r, 0), (r, 0.55 * h), (0.97 * r, 0.58 * h), (0, 0.58 * h)]))
        draft.add(
            icing, lathe([(0, 0.58 * h), (0.6 * r, 0.58 * h), (0.6 * r, 1.1 * h), (0.57 * r, 1.13 * h), (0, 1.13 * h)])
        )
        h *= 1.13
        rim = circle(10, 0.5 * r)
    elif order.variant == "heart":
        h, heart = 0.6 * h, _heart(2.3 * r)
        draft.add(icing, stack([heart, heart, 0.97 * heart], [0, 0.95 * h, h]))
        rim, foot = 0.8 * heart[::3], heart[::2]
    elif order.variant == "cut":
        _cut_cake(draft, icing, second, r, h)
        rim, foot = (
            np.array([(x, y) for x, y in places if not _MISSING[0] < np.degrees(np.arctan2(y, x)) < _MISSING[1]])
            for places in (rim, foot)
        )
    elif order.variant == "ring":
        h = 0.073
        _ring_cake(draft, icing)
        rim, foot = circle(10, 0.055), np.zeros((0, 2))
    else:
        draft.add(icing, lathe([(0, 0), (r, 0), (r, 0.95 * h), (0.97 * r, h), (0, h)], segments=36))
    for x, y in rim:
        draft.add(cream, lathe([(0.011, 0), (0.0115, 0.006), (0.006, 0.012), (0, 0.018)], segments=10).moved(x, y, h))
    for x, y in foot:
        draft.add(cream, ellipsoid(0.009, 0.009, 0.008, segments=8, rings=5).moved(x, y, 0.007))
    if order.variant != "ring":
        draft.add(
            materials.plastic(order.paint("red"), 0.2),
            ellipsoid(0.011, 0.011, 0.011, segments=12, rings=8).moved(z=h + 0.01),
        )
    return draft


def _cut_cake(draft: Draft, icing: Material, filling: Rgb, r: float, h: float) -> None:
    first, last = _MISSING
    draft.add(icing, extrude([(0, 0), *arc((0, 0), r, last, first + 360, 40)], h))
    sponge = Material(materials.WHITE, 0.9, 0.0, prints.striped(CRUMB, filling, 3, share=0.2))
    face = panel(0.95 * r, 0.93 * h).moved(y=-0.0005)
    draft.add(sponge, face.moved(x=0.48 * r).turned("z", last), face.moved(x=-0.48 * r).turned("z", first + 180))


def _ring_cake(draft: Draft, icing: Material) -> None:
    """Baked in a fluted mould: sponge below, icing over the top."""

    def fluted(profile: list[tuple[float, float]]) -> Mesh:
        mesh = lathe([*profile, profile[0]], segments=48)
        return mesh.bulged(1 + 0.05 * np.cos(12 * np.arctan2(mesh.vertices[:, 1], mesh.vertices[:, 0])))

    sponge = [(0.084, 0.0), (0.094, 0.025), (0.086, 0.055), (0.07, 0.07), (0.05, 0.07), (0.034, 0.055), (0.022, 0.0)]
    cover = [
        (0.093, 0.022),
        (0.095, 0.026),
        (0.088, 0.057),
        (0.071, 0.073),
        (0.049, 0.073),
        (0.032, 0.057),
        (0.03, 0.03),
    ]
    draft.add(materials.peel(BAKED, 0, 0.8), fluted(sponge))
    draft.add(icing, fluted(cover))


def donut(order: Order) -> Draft:
    draft = Draft(order.color)
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
    if order.variant == "flower":
        t = np.radians(np.linspace(0, 90, 6))
        cap = np.stack([0.0205 * np.cos(t), 0.018 * np.sin(t)], axis=1)
        cap[-1, 0] = 0
        for x, y in circle(8, 0.034):
            draft.add(dough, ellipsoid(0.0195, 0.0195, 0.017, segments=14, rings=8).moved(x, y, 0.017))
            draft.add(icing, lathe([(0, 0), *cap], segments=14).moved(x, y, 0.018))
        return draft
    middle = r * (1 + 1.15 * {"thick": 0.56, "twisted": 0.75}.get(order.variant, 0.62))
    ridges, bite = 9 if order.variant == "twisted" else 0, 0.35 if order.variant == "bitten" else 0.0
    if bite:
        crumb = materials.peel(CRUMB, 0, 0.9)
        for end in (0, -1):
            ring = _donut_rings(middle, 0.97 * r, tall, (-90, 270), bite=bite - 0.004)[end]
            tip = np.broadcast_to(ring.mean(axis=0), ring.shape)
            draft.add(crumb, loft(np.stack([tip, ring] if end == 0 else [ring, tip])))
    draft.add(dough, loft(_donut_rings(middle, r, tall, (-90, 270), ridges=ridges, bite=bite), closed=not bite))
    cover = _donut_rings(middle, 1.05 * r, tall, (-12, 192), ridges=ridges, bite=bite)
    draft.add(icing, loft(cover, closed=not bite))
    return draft


def _donut_rings(
    middle: float, r: float, tall: float, around: tuple[float, float], *, ridges: int = 0, bite: float = 0.0
) -> Floats:
    """Sections of a ring of dough, ``around`` its inside from and to these degrees (K, N, 3).

    Args:
        ridges: Twisted into it.
        bite: Radians missing on either side of a bite at the front right, more of them outside than inside.
    """
    whole = around[1] - around[0] == 360
    inner = np.radians(np.linspace(*around, 17))[: -1 if whole else None]
    turns = np.linspace(1, 0, 57)[: None if bite else -1, None]
    missing = bite * (1 + 0.5 * np.cos(inner))
    azimuth = -0.25 * np.pi + missing + turns * (2 * np.pi - 2 * missing)
    size = r * (1 + 0.12 * np.cos(ridges * azimuth + 2 * inner) if ridges else np.ones_like(azimuth))
    away = middle + size * np.cos(inner)
    return np.stack(
        [away * np.cos(azimuth), away * np.sin(azimuth), 0.026 * tall + tall * size * np.sin(inner)], axis=2
    )


def cupcake(order: Order) -> Draft:
    draft = Draft(order.color)
    r, h = 0.033, 0.028 if order.variant in ("flat", "candle") else 0.04
    case = order.paint(other_color(order.color, order.generator, ("white", "blue", "pink", "yellow")))
    shell = Material(
        materials.WHITE, 0.7, 0.0, prints.striped(case, mix(case, (0.2, 0.15, 0.1), 0.3), 24, upright=True, share=0.5)
    )
    draft.add(shell, lathe([(0, 0), (0.72 * r, 0), (r, h)]))
    swirl = materials.plastic(order.paint(), 0.45)
    domes = {
        "dome": [(r, 0), (1.12 * r, 0.008), (0.85 * r, 0.024), (0, 0.032)],
        "flat": [(r, 0), (1.04 * r, 0.004), (0.95 * r, 0.0085), (0.6 * r, 0.0095), (0, 0.0095)],
    }
    if order.variant in domes:
        profile = np.add(domes[order.variant], (0, h))
        draft.add(swirl, lathe([(0, h), *smooth(profile, 4)]))
        top = float(profile[-1, 1]) - 0.002
    elif order.variant == "rosettes":
        for x, y, z in (*((x, y, h) for x, y in circle(7, 0.68 * r)), (0, 0, h + 0.009)):
            rosette = [(0, 0), *smooth([(0.011, 0), (0.0135, 0.006), (0.008, 0.013), (0, 0.019)], 3)]
            draft.add(swirl, lathe(rosette, segments=14).moved(x, y, z))
        top = h + 0.026
    else:
        count = {"swirl": 3, "candle": 2}.get(order.variant, 4)
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
    cherry = materials.plastic(order.paint("red" if order.color != "red" else "white"), 0.2)
    if order.variant == "candle":
        draft.add(materials.plastic(case, 0.5), lathe([(0, 0), (0.003, 0), (0.003, 0.034), (0, 0.034)]).moved(z=top))
        draft.add(materials.plastic((1.0, 0.45, 0.05), 0.6), ellipsoid(0.003, 0.003, 0.007).moved(z=top + 0.042))
    else:
        draft.add(cherry, ellipsoid(0.008, 0.008, 0.008, segments=12, rings=8).moved(z=top + 0.006))
    return draft
