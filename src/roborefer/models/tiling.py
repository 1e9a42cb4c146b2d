"""Tiling: from a picture of any size to the square tiles that a tower sees.

Pure functions over Pillow images and numpy arrays. An image is stretched to a grid of tiles (bicubic, antialiased,
aspect ratio not kept), cut in raster order, and for ``dynamic`` followed by a thumbnail when there is more than one
tile. ``dynamic_s2`` cuts one tile, then 2x2, then a grid of 9 to 12 (paper appendix D.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from roborefer.models.config import ModelConfig

# 1/255, then (value - 0.5) / 0.5, computed in the precisions that transformers' image processors use, so that
# pixels agree with theirs to the last bit.
_RESCALE = 0.00392156862745098


@dataclass(frozen=True, eq=False)
class TiledImage:
    """The tiles of one image.

    Attributes:
        pixels: (T, 3, S, S) float32, normalised.
        block_size: (rows, columns) of the largest scale for ``dynamic_s2``, else None.
        placeholders: How many media tokens stand for the image in the prompt.
    """

    pixels: np.ndarray
    block_size: tuple[int, int] | None
    placeholders: int


def tile_image(image: Image.Image, config: ModelConfig, normalization: Normalization) -> TiledImage:
    """Tile an 8-bit RGB image as ``config.image_aspect_ratio`` says.

    A 640x480 image gives 13 tiles with ``dynamic`` (4x3 and the thumbnail) and 17 with ``dynamic_s2``
    (1 + 4 + 12).
    """
    size = config.tile_size
    if config.image_aspect_ratio == "resize":
        tiles = [image.resize((size, size), Image.Resampling.BICUBIC)]
        return TiledImage(normalization.apply(tiles), None, 1)
    if config.image_aspect_ratio == "dynamic":
        grid = choose_grid(image.size, config.min_tiles, config.max_tiles, size)
        tiles = cut_tiles(image, grid, size)
        if len(tiles) > 1:
            tiles.append(image.resize((size, size), Image.Resampling.BICUBIC))
        return TiledImage(normalization.apply(tiles), None, len(tiles))
    columns, rows = choose_scale_grid(image.size, config)
    tiles = []
    for scale in config.s2_scales[:-1]:
        side = scale // config.s2_scales[0]
        tiles += cut_tiles(image, (side, side), size)
    tiles += cut_tiles(image, (columns, rows), size)
    return TiledImage(normalization.apply(tiles), (rows, columns), 1)


def choose_scale_grid(image_size: tuple[int, int], config: ModelConfig) -> tuple[int, int]:
    """(columns, rows) of the largest scale of ``dynamic_s2``: at least as many tiles as that scale has squares."""
    squares = (config.s2_scales[-1] // config.s2_scales[0]) ** 2
    return choose_grid(image_size, squares, max(squares, config.max_tiles), config.tile_size)


def choose_grid(image_size: tuple[int, int], min_tiles: int, max_tiles: int, tile_size: int) -> tuple[int, int]:
    """The (columns, rows) whose aspect ratio is nearest to the image's.

    Grids are tried from few tiles to many. On an equal distance the later grid wins if the image's area exceeds
    half of the grid's. 1280x720 gives (4, 2): 16/9 is as far from 4/2 as from 2/1, and the image is large enough.
    """
    width, height = image_size
    aspect_ratio = width / height
    best, best_distance = (1, 1), float("inf")
    for columns, rows in _grids(min_tiles, max_tiles):
        distance = abs(aspect_ratio - columns / rows)
        large_enough = width * height > 0.5 * tile_size * tile_size * columns * rows
        if distance < best_distance or (distance == best_distance and large_enough):
            best, best_distance = (columns, rows), distance
    return best


def cut_tiles(image: Image.Image, grid: tuple[int, int], tile_size: int) -> list[Image.Image]:
    """Stretch ``image`` to ``grid`` (columns, rows) of tiles and cut it, row by row."""
    columns, rows = grid
    stretched = image.resize((columns * tile_size, rows * tile_size), Image.Resampling.BICUBIC)
    corners = ((column * tile_size, row * tile_size) for row in range(rows) for column in range(columns))
    return [stretched.crop((left, top, left + tile_size, top + tile_size)) for left, top in corners]


class Normalization:
    """8-bit values -> normalised float32, through a table of 256 entries per channel."""

    def __init__(self, mean: Sequence[float] = (0.5, 0.5, 0.5), std: Sequence[float] = (0.5, 0.5, 0.5)) -> None:
        self.mean = tuple(float(value) for value in mean)
        self.std = tuple(float(value) for value in std)
        rescaled = (np.arange(256, dtype=np.float64) * _RESCALE).astype(np.float32)
        mean_row, std_row = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        self._table = np.ascontiguousarray(((rescaled[:, None] - mean_row) / std_row).T)

    def apply(self, tiles: Sequence[Image.Image]) -> np.ndarray:
        """RGB tiles of one size -> (T, 3, S, S) float32."""
        width, height = tiles[0].size
        normalized = np.empty((len(tiles), 3, height, width), np.float32)
        for tile, target in zip(tiles, normalized, strict=True):
            pixels = np.asarray(tile)
            for channel in range(3):
                # 8-bit values never miss the table; "clip" only spares numpy a copy of what it writes.
                np.take(self._table[channel], pixels[:, :, channel], out=target[channel], mode="clip")
        return normalized


def _grids(min_tiles: int, max_tiles: int) -> list[tuple[int, int]]:
    sides = range(1, max_tiles + 1)
    grids = [(columns, rows) for columns in sides for rows in sides if min_tiles <= columns * rows <= max_tiles]
    return sorted(grids, key=lambda grid: grid[0] * grid[1])
