"""Tiling: which grid, which pixels, and numbers equal to those of transformers' own image processor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import SiglipImageProcessorPil

from roborefer.models.tiling import Normalization, choose_grid, choose_scale_grid, cut_tiles, tile_image

from .tiny_models import TILE, picture, tiny_config


def slow_grid(width: int, height: int, min_tiles: int, max_tiles: int, tile: int) -> tuple[int, int]:
    """The rule as it is told: the nearest aspect ratio; of several, the last that the image is large enough for."""
    grids = [
        (columns, rows)
        for area in range(1, max_tiles + 1)
        for columns in range(1, max_tiles + 1)
        for rows in range(1, max_tiles + 1)
        if columns * rows == area and area >= min_tiles
    ]
    distances = [abs(width / height - columns / rows) for columns, rows in grids]
    nearest = [grid for grid, distance in zip(grids, distances, strict=True) if distance == min(distances)]
    large_enough = [grid for grid in nearest[1:] if width * height > tile * tile * grid[0] * grid[1] / 2]
    return [nearest[0], *large_enough][-1]


lengths = st.integers(1, 5000)


# ---- the grid --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(width=lengths, height=lengths, min_tiles=st.integers(1, 9), more=st.integers(0, 6))
@example(width=1, height=1, min_tiles=1, more=11)
@example(width=1280, height=720, min_tiles=1, more=11)
@example(width=640, height=480, min_tiles=9, more=3)
@example(width=1, height=5000, min_tiles=1, more=11)
def test_grid_is_that_of_the_rule(width: int, height: int, min_tiles: int, more: int) -> None:
    grid = choose_grid((width, height), min_tiles, min_tiles + more, 448)
    assert grid == slow_grid(width, height, min_tiles, min_tiles + more, 448)
    assert min_tiles <= grid[0] * grid[1] <= min_tiles + more


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        ((50, 40), 13),
        ((1500, 120), 13),
        ((512, 512), 1),
        ((1280, 720), 9),
        ((300, 900), 4),
        ((640, 480), 13),
        ((1, 1), 1),
        ((1, 3000), 13),
        ((3000, 1), 13),
    ],
)
def test_published_numbers_of_tiles(size: tuple[int, int], tiles: int) -> None:
    columns, rows = choose_grid(size, 1, 12, 448)
    assert columns * rows + (columns * rows > 1) == tiles


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((448, 448), (1, 1)),
        ((633, 633), (1, 1)),  # just below half of 2 x 2 tiles
        ((634, 634), (2, 2)),  # just above
        ((950, 950), (2, 2)),
        ((951, 951), (3, 3)),
        ((1280, 720), (4, 2)),  # 16/9 is as far from 4/2 as from 2/1
        ((320, 180), (2, 1)),
    ],
)
def test_of_equal_ratios_the_larger_grid_wins_if_the_image_is_large(
    size: tuple[int, int], grid: tuple[int, int]
) -> None:
    assert choose_grid(size, 1, 12, 448) == grid


@settings(deadline=None, max_examples=50)
@given(width=lengths, height=lengths)
def test_the_largest_scale_has_nine_to_twelve_tiles(width: int, height: int) -> None:
    config = tiny_config(image_aspect_ratio="dynamic_s2")
    columns, rows = choose_scale_grid((width, height), config)
    assert 9 <= columns * rows <= 12


# ---- tiles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (1, 4), (5, 1)])
def test_each_tile_is_a_crop_of_the_stretched_picture_row_by_row(grid: tuple[int, int]) -> None:
    columns, rows = grid
    image = picture(70, 50)
    stretched = np.asarray(image.resize((columns * 8, rows * 8), Image.Resampling.BICUBIC))
    tiles = cut_tiles(image, grid, 8)
    assert len(tiles) == columns * rows
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        expected = stretched[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
        np.testing.assert_array_equal(np.asarray(tile), expected)


def test_dynamic_tiles_end_in_a_thumbnail() -> None:
    image = picture(60, 40)
    config = tiny_config()
    columns, rows = choose_grid(image.size, 1, 12, TILE)
    tiled = tile_image(image, config, Normalization())
    assert tiled.pixels.shape == (columns * rows + 1, 3, TILE, TILE)
    assert tiled.placeholders == len(tiled.pixels)
    assert tiled.block_size is None
    thumbnail = image.resize((TILE, TILE), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(tiled.pixels[-1:], Normalization().apply([thumbnail]))


def test_one_tile_has_no_thumbnail() -> None:
    tiled = tile_image(picture(TILE, TILE), tiny_config(), Normalization())
    assert tiled.pixels.shape == (1, 3, TILE, TILE)
    np.testing.assert_array_equal(tiled.pixels, Normalization().apply([picture(TILE, TILE)]))


def test_resize_is_one_tile() -> None:
    image = picture(90, 20)
    tiled = tile_image(image, tiny_config(image_aspect_ratio="resize"), Normalization())
    expected = image.resize((TILE, TILE), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(tiled.pixels, Normalization().apply([expected]))
    assert tiled.placeholders == 1


def test_three_scales_come_small_to_large_and_are_one_placeholder() -> None:
    image = picture(64, 48)
    tiled = tile_image(image, tiny_config(image_aspect_ratio="dynamic_s2"), Normalization())
    assert tiled.block_size == (3, 4)  # rows, columns
    assert tiled.placeholders == 1
    tiles = [tile for grid in ((1, 1), (2, 2), (4, 3)) for tile in cut_tiles(image, grid, TILE)]
    np.testing.assert_array_equal(tiled.pixels, Normalization().apply(tiles))


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (41, 1), (3000, 2), (2, 3000)])
@pytest.mark.parametrize("tiling", ["resize", "dynamic", "dynamic_s2"])
def test_odd_pictures_are_tiled(size: tuple[int, int], tiling: str) -> None:
    tiled = tile_image(picture(*size), tiny_config(image_aspect_ratio=tiling), Normalization())
    assert tiled.pixels.shape[1:] == (3, TILE, TILE)
    assert np.isfinite(tiled.pixels).all()
    assert np.abs(tiled.pixels).max() <= 1


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))],
)
def test_pixels_agree_with_transformers_to_the_last_bit(
    mean: tuple[float, float, float], std: tuple[float, float, float]
) -> None:
    every_value = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    tiles = [Image.fromarray(every_value), Image.fromarray(noise)]
    theirs = SiglipImageProcessorPil(do_resize=False, image_mean=list(mean), image_std=list(std))
    expected = np.asarray(theirs(tiles, return_tensors="np")["pixel_values"])
    ours = Normalization(mean, std).apply(tiles)
    assert ours.dtype == expected.dtype == np.float32
    assert ours.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_black_and_white_are_minus_one_and_one() -> None:
    tiles = [Image.new("RGB", (2, 2), 0), Image.new("RGB", (2, 2), (255, 255, 255))]
    pixels = Normalization().apply(tiles)
    assert (pixels[0] == -1).all()
    assert (pixels[1] == 1).all()
