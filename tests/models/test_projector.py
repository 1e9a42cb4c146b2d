"""Projector: shapes, names, and slow obvious references for the downsampling and the layout of scales."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.errors import CheckpointError
from roborefer.models.projector import (
    PROJECTOR_TYPES,
    Projector,
    SpatialDownsample,
    merge_grid,
    merge_scales,
    split_grid,
    tokens_per_tile,
)

sides = st.integers(1, 4)


def numbers(*shape: int) -> torch.Tensor:
    """Every value is another one."""
    return torch.arange(int(torch.tensor(shape).prod()), dtype=torch.float32).reshape(shape)


# ---- shapes and names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("projector_type", "tokens"),
    [
        ("linear", 25),
        ("mlp2x_gelu", 25),
        ("mlp3x_gelu", 25),
        ("mlp_downsample", 9),
        ("mlp_downsample_2x2_fix", 9),
        ("mlp_downsample_3x3_fix", 4),
    ],
)
def test_shapes(projector_type: str, tokens: int) -> None:
    projector = Projector(projector_type, 6, 10)
    assert projector(torch.zeros(2, 25, 6)).shape == (2, tokens, 10)
    assert tokens_per_tile(projector_type, 25) == tokens


def test_a_tile_of_1024_patches_becomes_121_or_256_tokens() -> None:
    assert SpatialDownsample(3)(torch.zeros(1, 1024, 2)).shape == (1, 121, 18)
    assert SpatialDownsample(2)(torch.zeros(1, 1024, 2)).shape == (1, 256, 8)
    assert tokens_per_tile("mlp_downsample_3x3_fix", 1024) == 121
    assert tokens_per_tile("mlp_downsample", 1024) == 256


@pytest.mark.parametrize(
    ("projector_type", "shapes"),
    [
        ("linear", {"layers.weight": (5, 4), "layers.bias": (5,)}),
        (
            "mlp2x_gelu",
            {"layers.0.weight": (5, 4), "layers.0.bias": (5,), "layers.2.weight": (5, 5), "layers.2.bias": (5,)},
        ),
        (
            "mlp_downsample",
            {
                "layers.1.weight": (16,),
                "layers.1.bias": (16,),
                "layers.2.weight": (5, 16),
                "layers.2.bias": (5,),
                "layers.4.weight": (5, 5),
                "layers.4.bias": (5,),
            },
        ),
        (
            "mlp_downsample_3x3_fix",
            {
                "layers.1.weight": (36,),
                "layers.1.bias": (36,),
                "layers.2.weight": (12, 36),
                "layers.2.bias": (12,),
                "layers.4.weight": (12,),
                "layers.4.bias": (12,),
                "layers.5.weight": (5, 12),
                "layers.5.bias": (5,),
                "layers.7.weight": (5, 5),
                "layers.7.bias": (5,),
            },
        ),
    ],
)
def test_tensors_have_the_published_names(projector_type: str, shapes: dict[str, tuple[int, ...]]) -> None:
    state = Projector(projector_type, 4, 5).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes


def test_both_spellings_of_2x2_are_one_network() -> None:
    first, second = Projector("mlp_downsample", 4, 5), Projector("mlp_downsample_2x2_fix", 4, 5)
    second.load_state_dict(first.state_dict())
    features = torch.randn(1, 9, 4)
    assert torch.equal(first(features), second(features))


@pytest.mark.parametrize("projector_type", ["resampler", "mlpNx_gelu", "mlp0x_gelu", "xmlp2x_gelu", "", None])
def test_unknown_types_are_named(projector_type: str) -> None:
    expected = f"expected mm_projector_type to be one of {', '.join(PROJECTOR_TYPES)}, got {projector_type!r}"
    with pytest.raises(CheckpointError, match=re.escape(expected) + "$"):
        Projector(projector_type, 4, 5)


# ---- downsampling ----------------------------------------------------------------------------------------------------


def slow_downsample(features: torch.Tensor, factor: int) -> torch.Tensor:
    """Block by block, patch by patch: outside the grid there are zeros."""
    batch, count, channels = features.shape
    side = int(count**0.5)
    blocks = -(-side // factor)
    rows = []
    for sample in range(batch):
        for block_row in range(blocks):
            for block_column in range(blocks):
                patches = []
                for row in range(block_row * factor, (block_row + 1) * factor):
                    for column in range(block_column * factor, (block_column + 1) * factor):
                        inside = row < side and column < side
                        patches.append(features[sample, row * side + column] if inside else torch.zeros(channels))
                rows.append(torch.cat(patches))
    return torch.stack(rows).reshape(batch, blocks * blocks, factor * factor * channels)


@settings(deadline=None, max_examples=40)
@given(side=st.integers(1, 7), factor=st.integers(1, 4), batch=st.integers(1, 2))
def test_downsampling_is_that_of_obvious_loops(side: int, factor: int, batch: int) -> None:
    features = numbers(batch, side * side, 3) + 1
    assert torch.equal(SpatialDownsample(factor)(features), slow_downsample(features, factor))


def test_32_patches_are_padded_to_33() -> None:
    features = numbers(1, 1024, 2) + 1
    blocks = SpatialDownsample(3)(features)
    assert torch.equal(blocks, slow_downsample(features, 3))
    last = blocks[0, -1].reshape(3, 3, 2)
    assert (last[:2, :2] > 0).all()
    assert (last[2] == 0).all()
    assert (last[:, 2] == 0).all()


# ---- grids -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(rows=sides, columns=sides, height=sides, width=sides)
def test_split_undoes_merge(rows: int, columns: int, height: int, width: int) -> None:
    tiles = numbers(rows * columns, height, width, 2)
    grid = merge_grid(tiles, rows, columns)
    assert grid.shape == (rows * height, columns * width, 2)
    assert torch.equal(split_grid(grid, rows, columns), tiles)
    for y in range(rows * height):
        for x in range(columns * width):
            tile = (y // height) * columns + x // width
            assert torch.equal(grid[y, x], tiles[tile, y % height, x % width])


def test_merging_wants_as_many_tiles_as_the_grid_has() -> None:
    with pytest.raises(ValueError, match=r"^expected 6 tiles for a grid of 2 x 3, got 5$"):
        merge_grid(torch.zeros(5, 2, 2, 1), 2, 3)


def slow_area(grid: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Each output pixel is the mean of the input pixels that it touches."""
    rows = []
    for y in range(height):
        y0, y1 = y * grid.shape[0] // height, -(-(y + 1) * grid.shape[0] // height)
        for x in range(width):
            x0, x1 = x * grid.shape[1] // width, -(-(x + 1) * grid.shape[1] // width)
            rows.append(grid[y0:y1, x0:x1].mean(dim=(0, 1)))
    return torch.stack(rows).reshape(height, width, grid.shape[2])


def slow_merge_scales(
    tiles: torch.Tensor, block_size: tuple[int, int], sizes: list[tuple[int, int]], output: int
) -> torch.Tensor:
    side = int(tiles.shape[1] ** 0.5)
    grids, start = [], 0
    for rows, columns in [*sizes, block_size]:
        grid = torch.zeros(rows * side, columns * side, tiles.shape[2])
        for y in range(rows * side):
            for x in range(columns * side):
                tile = start + (y // side) * columns + x // side
                grid[y, x] = tiles[tile, (y % side) * side + x % side]
        grids.append(grid)
        start += rows * columns
    height, width = grids[output].shape[:2]
    return torch.cat([slow_area(grid, height, width) for grid in grids], dim=2)


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), side=st.integers(1, 3), output=st.integers(-3, 2))
def test_scales_are_joined_as_obvious_loops_do(rows: int, columns: int, side: int, output: int) -> None:
    tiles = numbers(1 + 4 + rows * columns, side * side, 2)
    merged = merge_scales(tiles, (rows, columns), [10, 20, 30], output)
    expected = slow_merge_scales(tiles, (rows, columns), [(1, 1), (2, 2)], output)
    torch.testing.assert_close(merged, expected)


def test_scales_are_joined_in_fp32_whatever_the_weights_are() -> None:
    tiles = torch.randn(5, 9, 2).bfloat16()
    merged = merge_scales(tiles, (2, 2), [10, 20], 0)
    assert merged.dtype == torch.bfloat16
    expected = slow_merge_scales(tiles.float(), (2, 2), [(1, 1)], 0).bfloat16()
    assert torch.equal(merged, expected)


def test_scales_want_their_tiles() -> None:
    with pytest.raises(ValueError, match=r"^expected 11 tiles for scales \[10, 20, 30\] and block \(2, 3\), got 12$"):
        merge_scales(torch.zeros(12, 1, 1), (2, 3), [10, 20, 30], -1)
