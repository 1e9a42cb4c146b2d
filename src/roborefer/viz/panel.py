"""A picture that is drawn on: lines, rings, dots and labels that stay visible on any background.

Marks are drawn enlarged and shrunk again, which smooths their edges, and each has a dark rim. Places are pixels of
the panel; sizes are units of 1/640 of a typical picture's width, so that marks keep their proportion to the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from roborefer.structures import Point
from roborefer.viz.text import RIM, Color, drawable, font_of_size, shortened

Place = tuple[float, float]
Plate = tuple[float, float, float, float]

# A panel with a shorter long side than this is enlarged (by a whole number), so that marks and text have room.
_SMALLEST_PANEL = 480
# Up to so many pixels, marks are drawn so many times enlarged; beyond, it costs much memory and nobody can see it.
_SUPERSAMPLING = ((1_500_000, 3), (6_000_000, 2))


class Panel:
    """Draws onto a copy of a picture; :meth:`finish` gives the result."""

    def __init__(self, picture: Image.Image) -> None:
        picture = picture.convert("RGB")
        factor = -(-_SMALLEST_PANEL // max(picture.size))
        if factor > 1:
            picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
        pixels = picture.width * picture.height
        self.picture = picture
        self.size = picture.size
        self.unit = max(0.8, math.sqrt(pixels / (640 * 480)))
        self.text_size = 15 * self.unit
        self._scale = next((scale for limit, scale in _SUPERSAMPLING if pixels <= limit), 1)
        self._layer = Image.new("RGBA", (picture.width * self._scale, picture.height * self._scale))
        self._draw = ImageDraw.Draw(self._layer)
        self._texts: list[tuple[Place, str, float, Color]] = []
        self._taken: list[Plate] = []

    def place(self, point: Point) -> Place:
        """Where a point of the image lies in the panel."""
        return point.pixel(self.size)

    def line(self, places: Sequence[Place], color: Color, width: float) -> None:
        """A line through the places."""
        path = [self._scaled(place) for place in places]
        for stroke, ink in ((width + 2, (*RIM, 190)), (width, (*color, 255))):
            self._draw.line(path, fill=ink, width=self._length(stroke), joint="curve")

    def ring(self, center: Place, radius: float, color: Color, width: float, *, rim: bool = True) -> None:
        """A circle's outline, with a dark rim unless it lies on another ring; labels stay clear of it."""
        if rim:
            reach = self._circle(center, radius + width / 2 + 1)
            self._draw.ellipse(reach, outline=(*RIM, 210), width=self._length(width + 2))
        self._draw.ellipse(self._circle(center, radius + width / 2), outline=(*color, 255), width=self._length(width))
        self.keep_clear(center, radius + width)

    def dot(self, center: Place, radius: float, color: Color, number: str = "") -> None:
        """A filled circle, with a number in it if one is given; labels stay clear of it."""
        self._draw.ellipse(self._circle(center, radius + 1.4), fill=(*RIM, 230))
        self._draw.ellipse(self._circle(center, radius), fill=(*color, 255))
        if number:
            self._texts.append((center, number, 1.3 * radius * self.unit, RIM))
        self.keep_clear(center, radius)

    def keep_clear(self, center: Place, radius: float) -> None:
        """Labels set from now on stay off this place if they can."""
        reach = radius * self.unit
        self._taken.append((center[0] - reach, center[1] - reach, center[0] + reach, center[1] + reach))

    def label(self, place: Place, text: str, color: Color, clearance: float) -> None:
        """A short text on a dark plate beside the place: inside the panel, and off marks and labels if it can be."""
        size = 0.85 * self.text_size
        font = font_of_size(size)
        margin = 0.4 * size
        text = shortened(drawable(text), font, min(self.size[0] - 2 * margin, 14 * size))
        width, height = font.getlength(text) + 2 * margin, 1.5 * size
        gap = clearance * self.unit + 0.3 * size
        x, y = place
        columns = (x + gap, x - gap - width, x - width / 2)
        rows = (y - height / 2, y - gap - height, y + gap)
        corners = [(columns[0], rows[0]), (columns[1], rows[0]), (columns[2], rows[1]), (columns[2], rows[2])]
        corners += [(left, top) for left in columns[:2] for top in rows[1:]]
        # Further away in the same directions, for where marks crowd.
        corners += [(2 * left - (x - width / 2), 2 * top - (y - height / 2)) for left, top in corners]
        plates = [self._inside(left, top, width, height) for left, top in corners]
        left, top, right, bottom = min(plates, key=self._overlap)
        self._taken.append((left, top, right, bottom))
        box = (*self._scaled((left, top)), *self._scaled((right, bottom)))
        self._draw.rounded_rectangle(box, radius=self._length(4), fill=(*RIM, 205))
        self._texts.append((((left + right) / 2, (top + bottom) / 2), text, size, color))

    def finish(self) -> Image.Image:
        """The panel with everything that was drawn."""
        layer = self._layer.reduce(self._scale) if self._scale > 1 else self._layer
        finished = self.picture.copy()
        finished.paste(layer, (0, 0), layer)
        draw = ImageDraw.Draw(finished)
        for center, text, size, color in self._texts:
            draw.text(center, text, font=font_of_size(size), fill=color, anchor="mm")
        return finished

    def _inside(self, left: float, top: float, width: float, height: float) -> Plate:
        left = min(max(left, 1), max(1, self.size[0] - width - 1))
        top = min(max(top, 1), max(1, self.size[1] - height - 1))
        return left, top, left + width, top + height

    def _overlap(self, plate: Plate) -> float:
        area = 0.0
        for left, top, right, bottom in self._taken:
            across = min(plate[2], right) - max(plate[0], left)
            down = min(plate[3], bottom) - max(plate[1], top)
            area += max(across, 0.0) * max(down, 0.0)
        return area

    def _scaled(self, place: Place) -> Place:
        return place[0] * self._scale, place[1] * self._scale

    def _length(self, units: float) -> int:
        return max(1, round(units * self.unit * self._scale))

    def _circle(self, center: Place, radius: float) -> Plate:
        x, y = self._scaled(center)
        reach = radius * self.unit * self._scale
        return x - reach, y - reach, x + reach, y + reach
