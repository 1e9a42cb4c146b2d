"""Projector: spatial downsampling and an MLP from tower features to language-model embeddings.

One class, two instances (RGB and depth). The order of ``layers`` is the one of the published checkpoints, so that
their tensors fit by name. Types: paper appendix D.1 and the published ``mm_projector_type`` names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roborefer.errors import CheckpointError
from roborefer.models.config import ModelConfig

PROJECTOR_TYPES = ("mlp_downsample", "mlp_downsample_2x2_fix", "mlp_downsample_3x3_fix", "linear", "mlpNx_gelu")
_MLP = re.compile(r"mlp([1-9])x_gelu")


class SpatialDownsample(nn.Module):
    """Gather each ``factor`` x ``factor`` block of patches into the channels of one token.

    A 32x32 grid of 1152 channels becomes, with factor 3, an 11x11 grid of 10368 channels: the grid is padded with
    zeros on the right and at the bottom first (behaviour of the published code, before its layer norm).

    Args:
        factor: Side of a block in patches.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """(B, N, C) with N square -> (B, ceil(sqrt(N)/factor)**2, factor**2 * C)."""
        batch, count, channels = features.shape
        side = math.isqrt(count)
        padding = -side % self.factor
        grid = features.reshape(batch, side, side, channels)
        grid = F.pad(grid, (0, 0, 0, padding, 0, padding))
        blocks = (side + padding) // self.factor
        grid = grid.reshape(batch, blocks, self.factor, blocks, self.factor, channels)
        return grid.permute(0, 1, 3, 2, 4, 5).reshape(batch, blocks * blocks, self.factor**2 * channels)


class Projector(nn.Module):
    """Tower features (B, N, C) -> embeddings (B, M, H) of the language model.

    Raises:
        CheckpointError: the type is not one of ``PROJECTOR_TYPES``.
    """

    def __init__(self, projector_type: str, input_size: int, output_size: int) -> None:
        super().__init__()
        self.layers = _build_layers(projector_type, input_size, output_size)

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


def tokens_per_tile(projector_type: str, patches: int) -> int:
    """How many tokens a tile of ``patches`` patches becomes; 1024 patches with 3x3 give 121."""
    factors = {"mlp_downsample": 2, "mlp_downsample_2x2_fix": 2, "mlp_downsample_3x3_fix": 3}
    return math.ceil(math.isqrt(patches) / factors.get(projector_type, 1)) ** 2


def _build_layers(projector_type: str, input_size: int, output_size: int) -> nn.Module:
    if projector_type == "linear":
        return nn.Linear(input_size, output_size)
    if projector_type in ("mlp_downsample", "mlp_downsample_2x2_fix"):
        return nn.Sequential(
            SpatialDownsample(2),
            nn.LayerNorm(input_size * 4),
            nn.Linear(input_size * 4, output_size),
            nn.GELU(),
            nn.Linear(output_size, output_size),
        )
    if projector_type == "mlp_downsample_3x3_fix":
        return nn.Sequential(
            SpatialDownsample(3),
            nn.LayerNorm(input_size * 9),
            nn.Linear(input_size * 9, input_size * 3),
            nn.GELU(),
            nn.LayerNorm(input_size * 3),
            nn.Linear(input_size * 3, output_size),
            nn.GELU(),
            nn.Linear(output_size, output_size),
        )
    if match := _MLP.fullmatch(str(projector_type)):
        layers: list[nn.Module] = [nn.Linear(input_size, output_size)]
        for _ in range(int(match.group(1)) - 1):
            layers += [nn.GELU(), nn.Linear(output_size, output_size)]
        return nn.Sequential(*layers)
    raise CheckpointError(
        f"expected mm_projector_type to be one of {', '.join(PROJECTOR_TYPES)}, got {projector_type!r}"
    )


def merge_grid(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """(rows*columns, h, w, C) in raster order -> (rows*h, columns*w, C)."""
    count, height, width, channels = tiles.shape
    if count != rows * columns:
        raise ValueError(f"expected {rows * columns} tiles for a grid of {rows} x {columns}, got {count}")
    grid = tiles.reshape(rows, columns, height, width, channels)
    return grid.permute(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def split_grid(grid: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of :func:`merge_grid`: (rows*h, columns*w, C) -> (rows*columns, h, w, C)."""
    height, width, channels = grid.shape[0] // rows, grid.shape[1] // columns, grid.shape[2]
    tiles = grid.reshape(rows, height, columns, width, channels)
    return tiles.permute(0, 2, 1, 3, 4).reshape(rows * columns, height, width, channels)


def merge_scales(tiles: Tensor, block_size: tuple[int, int], scales: Sequence[int], output_index: int) -> Tensor:
    """Join the tiles of all scales of one image (``dynamic_s2``) into one feature grid.

    Each smaller scale is laid out on its square grid and brought to the size of scale ``output_index`` by area
    interpolation in fp32; channels go from the smallest scale to the largest.

    Args:
        tiles: (T, N, C), tiles of the smallest scale first, each scale in raster order.
        block_size: (rows, columns) of the largest scale.
        scales: Side lengths in pixels, ascending; the first is one tile.
        output_index: The scale that gives the output resolution.

    Returns:
        (H, W, len(scales) * C), H and W in patches.
    """
    side = math.isqrt(tiles.shape[1])
    grids = tiles.reshape(tiles.shape[0], side, side, tiles.shape[2])
    sizes = [(scale // scales[0], scale // scales[0]) for scale in scales[:-1]] + [block_size]
    merged, start = [], 0
    for rows, columns in sizes:
        merged.append(merge_grid(grids[start : start + rows * columns], rows, columns))
        start += rows * columns
    if start != tiles.shape[0]:
        raise ValueError(f"expected {start} tiles for scales {scales} and block {block_size}, got {tiles.shape[0]}")
    height, width, _ = merged[output_index].shape
    resized = [
        F.interpolate(grid.permute(2, 0, 1)[None].float(), size=(height, width), mode="area")[0].to(grid.dtype)
        for grid in merged
    ]
    return torch.cat(resized, dim=0).permute(1, 2, 0)


def project_pictures(
    projector: Projector, features: Tensor, block_sizes: Sequence[tuple[int, int] | None], config: ModelConfig
) -> list[Tensor]:
    """Embeddings for every media token of some pictures, in prompt order, as the model's tiling says.

    Args:
        projector: Of the pictures' kind.
        features: (T, N, C), the tiles of all pictures.
        block_sizes: (rows, columns) per picture for ``dynamic_s2``; ignored otherwise.
        config: The model's configuration; its tiling fields are used.

    Returns:
        One (n, H) per media token: per tile, or per picture for ``dynamic_s2``.
    """
    if config.image_aspect_ratio == "dynamic_s2":
        scales, output_index = config.s2_scales, config.s2_resize_output_to_scale_idx
        return project_scales(projector, features, block_sizes, scales, output_index)
    return list(projector(features))


def project_scales(
    projector: Projector,
    features: Tensor,
    block_sizes: Sequence[tuple[int, int] | None],
    scales: Sequence[int],
    output_index: int,
) -> list[Tensor]:
    """``dynamic_s2``: merge the scales of each picture, project tile by tile, lay out as one raster.

    Args:
        projector: Of the pictures' kind.
        features: (T, N, C), the tiles of all scales of all pictures.
        block_sizes: (rows, columns) of the largest scale per picture.
        scales: Of each picture, in pixels.
        output_index: The scale to whose grid the others are brought.

    Returns:
        (n, H) per picture.
    """
    smaller = sum((scale // scales[0]) ** 2 for scale in scales[:-1])
    tiles, grids, start = [], [], 0
    for block_size in block_sizes:
        if block_size is None:
            raise ValueError("expected a block size per picture for dynamic_s2, got None")
        count = smaller + block_size[0] * block_size[1]
        grid = merge_scales(features[start : start + count], block_size, scales, output_index)
        start += count
        rows, columns = (int(size // (features.shape[1] ** 0.5)) for size in grid.shape[:2])
        tiles.append(split_grid(grid, rows, columns).flatten(1, 2))
        grids.append((rows, columns))
    if start != features.shape[0]:
        raise ValueError(f"expected {start} tiles for block sizes {list(block_sizes)}, got {features.shape[0]}")
    projected = projector(torch.cat(tiles))
    side = int(projected.shape[1] ** 0.5)
    parts = projected.unflatten(1, (side, side)).split([len(part) for part in tiles])
    return [merge_grid(part, *grid).flatten(0, 1) for part, grid in zip(parts, grids, strict=True)]
