"""Surfaces by what they are made of: the colour is given, the shine follows."""

from __future__ import annotations

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects.colors import Rgb
from roborefer.refspatial.simulation.objects.prints import Texture, grain

WHITE: Rgb = (1.0, 1.0, 1.0)
DARK: Rgb = (0.02, 0.02, 0.022)
DARK_PLASTIC = Material((0.025, 0.025, 0.028), 0.45)
STEEL_COLOR: Rgb = (0.62, 0.63, 0.65)


def glazed(color: Rgb, print_: Texture | None = None) -> Material:
    """Ceramic with a glaze; a print brings its own colours."""
    return Material(WHITE if print_ is not None else color, 0.22, 0.0, print_)


def plastic(color: Rgb, roughness: float = 0.35, print_: Texture | None = None) -> Material:
    return Material(WHITE if print_ is not None else color, roughness, 0.0, print_)


def metal(color: Rgb = STEEL_COLOR, roughness: float = 0.28) -> Material:
    return Material(color, roughness, 1.0)


def wood(color: Rgb, variant: int = 0, roughness: float = 0.55) -> Material:
    return Material(color, roughness, 0.0, grain("wood", variant))


def fabric(color: Rgb, variant: int = 0) -> Material:
    return Material(color, 0.95, 0.0, grain("fabric", variant))


def fur(color: Rgb, variant: int = 0) -> Material:
    return Material(color, 0.97, 0.0, grain("fur", variant))


def peel(color: Rgb, variant: int = 0, roughness: float = 0.45) -> Material:
    return Material(color, roughness, 0.0, grain("peel", variant))


def cardboard(color: Rgb, variant: int = 0) -> Material:
    return Material(color, 0.9, 0.0, grain("card", variant))


def paper(color: Rgb, print_: Texture | None = None) -> Material:
    return Material(WHITE if print_ is not None else color, 0.7, 0.0, print_)


def rubber(color: Rgb) -> Material:
    return Material(color, 0.75, 0.0)


def glass(color: Rgb) -> Material:
    """See-through: an instance like any other to ids and depth."""
    return Material(color, 0.05, 0.0, None, transparent=True)
