"""Marks drawn into a picture for a question to speak of, as the published visual-choice data draws them.

Boxes are outlines in pure red, blue or green; points are filled discs with their letter in white on black above
(2 and 6 pixels at the published 512x384; here in proportion to the picture).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from roborefer.refspatial.questions import Mark
from roborefer.structures import Box, Point

_COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 255, 0)}
_PUBLISHED_WIDTH = 512
_OUTLINE, _RADIUS, _PADDING, _LETTER_SIZE = 2, 6, 4, 13


def draw_marks(image: NDArray[np.uint8], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """A copy of the picture with the marks.

    Args:
        image: (H, W, 3) uint8.
        marks: Drawn in this order.

    Returns:
        (H, W, 3) uint8.
    """
    picture = Image.fromarray(image).copy()
    draw = ImageDraw.Draw(picture)
    scale = max(1.0, max(picture.size) / _PUBLISHED_WIDTH)
    for mark in marks:
        color = _COLORS[mark.color]
        if isinstance(mark.place, Box):
            _draw_box(draw, mark.place, picture.size, color, max(1, round(_OUTLINE * scale)))
        else:
            _draw_point(draw, mark.place, picture.size, color, mark.letter, scale)
    return np.asarray(picture)


def _draw_box(
    draw: ImageDraw.ImageDraw, box: Box, size: tuple[int, int], color: tuple[int, int, int], width: int
) -> None:
    left, top = Point(box.x0, box.y0).pixel(size)
    right, bottom = Point(box.x1, box.y1).pixel(size)
    draw.rectangle((round(left), round(top), round(right) - 1, round(bottom) - 1), outline=color, width=width)


def _draw_point(
    draw: ImageDraw.ImageDraw,
    point: Point,
    size: tuple[int, int],
    color: tuple[int, int, int],
    letter: str | None,
    scale: float,
) -> None:
    x, y = point.pixel(size)
    radius = _RADIUS * scale
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    if letter is None:
        return
    font = ImageFont.load_default(_LETTER_SIZE * scale)
    padding = _PADDING * scale
    width, height = font.getlength(letter) + 2 * padding, _LETTER_SIZE * scale + padding
    left = min(max(x - width / 2, 0), size[0] - width)
    top = y - radius - padding - height
    if top < 0:  # no room above the disc
        top = y + radius + padding
    draw.rectangle((left, top, left + width, top + height), fill=(0, 0, 0))
    draw.text((left + width / 2, top + height / 2), letter, font=font, fill=(255, 255, 255), anchor="mm")
