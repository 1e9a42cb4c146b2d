"""Every category of thing that the simulator can make, and the one call that makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from roborefer.errors import InputError
from roborefer.refspatial.simulation.mesh import SimulatedObject
from roborefer.refspatial.simulation.objects import (
    boxes,
    clothing,
    computers,
    containers,
    electronics,
    food,
    fruit,
    furniture,
    home,
    kitchen,
    lamps,
    plants,
    stationery,
    tableware,
    tools,
    toys,
)
from roborefer.refspatial.simulation.objects.draft import Category, Order, finish

_FAMILIES = (
    tableware,
    kitchen,
    fruit,
    food,
    containers,
    stationery,
    toys,
    tools,
    electronics,
    computers,
    boxes,
    home,
    plants,
    lamps,
    clothing,
    furniture,
)

CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {category.name: category for family in _FAMILIES for category in family.CATEGORIES}
)


def shape_variants(category: str, *, held_out: bool = False) -> tuple[str, ...]:
    """The shapes of a category that training sees, or those that are kept for the benchmark.

    An object's ``shape_key`` is ``"category/shape"``.

    Raises:
        InputError: There is no such category.
    """
    found = _category(category)
    return found.held_out if held_out else found.variants


def make_object(
    category: str,
    generator: np.random.Generator,
    *,
    color: str | None = None,
    held_out: bool = False,
) -> SimulatedObject:
    """One object, drawn at random within its category.

    Args:
        category: A name in ``CATEGORIES``.
        generator: Decides shape, size, colour and print; the same state gives the same bytes.
        color: One of the category's colours; drawn if None.
        held_out: Whether to use the shapes that training never sees.

    Raises:
        InputError: There is no such category, or it does not come in that colour.
    """
    found = _category(category)
    variants = found.held_out if held_out else found.variants
    variant = variants[int(generator.integers(len(variants)))]
    drawn = found.colors[int(generator.integers(len(found.colors)))] if found.colors else None
    if color is not None and color not in found.colors:
        known = f"one of {', '.join(found.colors)}" if found.colors else "no colour"
        raise InputError(f"expected {known} for {category!r}, got {color!r}")
    order = Order(generator, variant, color or drawn)
    return finish(found.build(order), found, order)


def pick(names: Sequence[str], generator: np.random.Generator) -> str:
    """One of these categories, each as often as any other."""
    return names[int(generator.integers(len(names)))]


def _category(name: str) -> Category:
    if name not in CATEGORIES:
        raise InputError(f"expected a category of the simulator, got {name!r}: choose one of {', '.join(CATEGORIES)}")
    return CATEGORIES[name]
