"""Text in pictures: the built-in font, wrapping and cutting to a width, and the legend below a picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER: Color = (24, 26, 31)
INK: Color = (238, 239, 242)
WARNING_INK: Color = (255, 196, 87)
RIM: Color = (12, 14, 18)

# What the built-in font has beyond ASCII, of what is used here.
_DRAWABLE = frozenset("·…°")
_SUPERSAMPLING = 4


class Row(NamedTuple):
    """A line of a legend: text, its colour, and the disc in front of it (a colour, with a number or none)."""

    text: str
    ink: Color = INK
    disc: Color | None = None
    number: str = ""


def legend(rows: Sequence[Row], width: int, text_size: float) -> Image.Image:
    """Rows of text as a strip of that width, wrapped, each with its disc."""
    font = font_of_size(text_size)
    margin, pitch = 0.8 * text_size, 1.45 * text_size
    indent = 1.7 * text_size if any(row.disc for row in rows) else 0.0
    lines: list[tuple[str, Row, bool]] = []
    for row in rows:
        texts = wrapped(drawable(row.text), font, width - 2 * margin - indent)
        lines += [(text, row, position == 0) for position, text in enumerate(texts)]
    strip = Image.new("RGB", (width, round(len(lines) * pitch + 1.2 * margin)), PAPER)
    draw = ImageDraw.Draw(strip)
    for index, (text, row, first) in enumerate(lines):
        middle = 0.6 * margin + (index + 0.5) * pitch
        if row.disc and first:
            disc = _disc(round(1.1 * text_size), row.disc)
            left, top = round(margin), round(middle - disc.height / 2)
            strip.paste(disc, (left, top))
            center = (left + disc.width / 2, top + disc.height / 2)
            draw.text(center, row.number, font=font_of_size(0.75 * text_size), fill=RIM, anchor="mm")
        draw.text((margin + indent, middle), text, font=font, fill=row.ink, anchor="lm")
    return strip


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """The text in lines no wider than ``width``; a word that is wider by itself is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = shortened(word, font, width)
    return [*lines, line]


def shortened(text: str, font: Font, width: float) -> str:
    """The text, cut with an ellipsis where it would be wider than ``width``."""
    if font.getlength(text) <= width:
        return text
    # By halves: a model can write thousands of letters without a space.
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…") <= width:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest].rstrip() + "…"


def drawable(text: str) -> str:
    """The text with what the built-in font lacks replaced: accents are dropped, other letters become ``?``."""
    # NFKD takes the accent off a letter, but it would also take the ellipsis apart.
    pieces = (char if char in _DRAWABLE else unicodedata.normalize("NFKD", char) for char in " ".join(text.split()))
    letters = (letter for letter in "".join(pieces) if not unicodedata.combining(letter))
    return "".join(
        letter if letter in _DRAWABLE or (letter.isascii() and letter.isprintable()) else "?" for letter in letters
    )


@lru_cache(maxsize=32)
def font_of_size(size: float) -> Font:
    """The built-in font; below 6 pixels nobody can read it, so it does not get smaller."""
    return ImageFont.load_default(max(6.0, size))


def _disc(diameter: int, color: Color) -> Image.Image:
    large = Image.new("RGB", (diameter * _SUPERSAMPLING,) * 2, PAPER)
    ImageDraw.Draw(large).ellipse((0, 0, large.width - 1, large.height - 1), fill=color)
    return large.reduce(_SUPERSAMPLING)
