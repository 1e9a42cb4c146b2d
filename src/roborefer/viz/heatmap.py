"""Where a model with a point head looked, laid over the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Of the picture's own brightness under the heatmap, so that the light stands out.
_DIMMED = 0.45
_GLOW = np.array([(30, 20, 60), (150, 40, 120), (250, 110, 60), (255, 220, 120), (255, 255, 235)], np.float64)


def overlay_heatmap(image: Image.Image, heatmap: NDArray[np.float32]) -> Image.Image:
    """The picture, dimmed and gray, with the heatmap glowing over it: the most likely place is brightest.

    Args:
        image: The original image.
        heatmap: (S, S) probabilities over the whole picture.
    """
    # Probabilities span orders of magnitude; their square root shows the rivals too.
    share = np.sqrt(heatmap / max(float(heatmap.max()), 1e-12)).astype(np.float32)
    smooth = Image.fromarray(share).resize(image.size, Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(smooth), 0, 1)
    stops = np.linspace(0, 1, len(_GLOW))
    glow = np.stack([np.interp(share, stops, _GLOW[:, channel]) for channel in range(3)], axis=-1)
    below = np.asarray(image.convert("L").convert("RGB"), np.float64) * _DIMMED
    weight = np.clip(share * 1.4, 0, 0.9)[..., None]
    return Image.fromarray((below * (1 - weight) + glow * weight).round().astype(np.uint8))
