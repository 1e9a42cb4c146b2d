"""Metric depth as colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roborefer.errors import InputError
from roborefer.geometry.depth import valid_depth
from roborefer.viz.text import INK, RIM, font_of_size

# Near to far. Lightness falls all the way, so that the order also survives a black-and-white print.
_RAMP = np.array(
    [(253, 239, 154), (250, 170, 75), (226, 86, 82), (160, 42, 118), (88, 28, 124), (34, 24, 84)], dtype=np.float64
)
# Two greys of the hatching that means "unknown": no colour of the ramp is grey.
_HATCH = (108, 132)


def colorize_depth(depth_m: NDArray[Any], *, near: float | None = None, far: float | None = None) -> Image.Image:
    """Colours metric depth: nearest bright yellow, farthest dark blue, unknown grey with hatching.

    Args:
        depth_m: Metres along z ``(H, W)``; 0, NaN and infinity mean unknown.
        near, far: The depths that get the ramp's two ends; by default :func:`depth_range`.

    Raises:
        InputError: ``depth_m`` is not two-dimensional, or empty.
    """
    if depth_m.ndim != 2 or depth_m.size == 0:
        raise InputError(f"depth_m: expected shape (H, W), got {depth_m.shape}: pass one map at a time")
    known = valid_depth(depth_m)
    nearest, farthest = depth_range(depth_m)
    near = nearest if near is None else near
    far = farthest if far is None else far
    share = np.zeros(depth_m.shape)
    # A flat map has no range to spread: all of it is drawn as near.
    share[known] = np.clip((depth_m[known] - near) / max(far - near, 1e-9), 0, 1)
    rows, columns = np.indices(depth_m.shape)
    hatch = np.where((rows + columns) % 8 < 2, _HATCH[1], _HATCH[0]).astype(np.uint8)
    return Image.fromarray(np.where(known[..., None], _ramp(share), hatch[..., None]))


def depth_range(depth_m: NDArray[Any]) -> tuple[float, float]:
    """The 1st and 99th percentile of known depth: single wild pixels must not flatten the colours of the rest."""
    known = depth_m[valid_depth(depth_m)]
    if known.size == 0:
        return 0.0, 0.0
    near, far = np.percentile(known, (1, 99))
    return float(near), float(far)


def ramp_key(near: float, far: float, text_size: float) -> Image.Image:
    """The key to the colours: the near end in metres, the ramp, the far end."""
    font = font_of_size(0.85 * text_size)
    margin, height = 0.5 * text_size, round(1.6 * text_size)
    bar = Image.fromarray(_ramp(np.linspace(0, 1, 64)[None, :])).resize((round(7 * text_size), round(0.7 * text_size)))
    ends = (f"{near:.2f} m", f"{far:.2f} m")
    lengths = [font.getlength(end) for end in ends]
    key = Image.new("RGB", (round(sum(lengths) + bar.width + 4 * margin), height), RIM)
    draw = ImageDraw.Draw(key)
    draw.text((margin, height / 2), ends[0], font=font, fill=INK, anchor="lm")
    key.paste(bar, (round(2 * margin + lengths[0]), (height - bar.height) // 2))
    draw.text((key.width - margin, height / 2), ends[1], font=font, fill=INK, anchor="rm")
    return key


def _ramp(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours ``(..., 3)`` for shares of the way from near (0) to far (1)."""
    stops = np.linspace(0, 1, len(_RAMP))
    channels = [np.interp(share, stops, _RAMP[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
