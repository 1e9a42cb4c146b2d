"""Pictures between the project's processor and vLLM's engine: tokens, tensors and features of each.

vLLM keeps a prompt as token ids in which every position is a token, so that a picture is written out: one media token
per feature row, and the newline behind each tile as the token that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor, stack_tiles
from roborefer.models.projector import Projector, project_pictures, tokens_per_tile
from roborefer.models.prompt import IMAGE_TOKEN, media_token_ids
from roborefer.models.tiling import choose_grid, choose_scale_grid
from roborefer.models.vision_tower import VisionTower

Modality = Literal["image", "depth"]
MODALITIES: tuple[Modality, ...] = ("image", "depth")

_TILES_AT_ONCE = 4


@dataclass(frozen=True)
class MediaTokens:
    """Token ids that stand for pictures.

    Attributes:
        image, depth: One per feature row.
        newline: Behind the features of a tile, or of a whole picture where the prompt has one token per picture.
        between: Between the tiles of one picture.
    """

    image: int
    depth: int
    newline: tuple[int, ...]
    between: tuple[int, ...]

    def of(self, modality: Modality) -> int:
        return self.image if modality == "image" else self.depth


def media_tokens(processor: SpatialProcessor) -> MediaTokens:
    """What the processor's own prompts have around pictures."""
    image, depth, newline = media_token_ids(processor.tokenizer)
    if processor.config.image_aspect_ratio != "dynamic":
        return MediaTokens(image, depth, newline, ())
    two_tiles = processor.encode_text(IMAGE_TOKEN, [2], [])
    first = two_tiles.index(image)
    second = two_tiles.index(image, first + 1)
    return MediaTokens(image, depth, newline, tuple(two_tiles[first + 1 : second]))


def picture_token_ids(
    tokens: MediaTokens, modality: Modality, tiles: int, block_size: tuple[int, int] | None, config: ModelConfig
) -> list[int]:
    """The token ids of one picture, in place of its single media token.

    Args:
        tokens: Of the processor.
        modality: The picture's kind.
        tiles: How many tiles it has.
        block_size: (rows, columns) of its largest scale for ``dynamic_s2``.
        config: The model's configuration.
    """
    block = [tokens.of(modality)] * _rows(modality, block_size, config) + list(tokens.newline)
    repeats = tiles if config.image_aspect_ratio == "dynamic" else 1
    return block + (list(tokens.between) + block) * (repeats - 1)


def _rows(modality: Modality, block_size: tuple[int, int] | None, config: ModelConfig) -> int:
    """Feature rows per media token of the processor's prompt."""
    projector = config.mm_projector_type if modality == "image" else config.depth_projector_type
    tower = config.depth_config if modality == "depth" and config.depth_config is not None else config.vision_config
    rows = tokens_per_tile(str(projector), (config.tile_size // tower.patch_size) ** 2)
    if config.image_aspect_ratio != "dynamic_s2":
        return rows
    if block_size is None:
        raise ValueError("expected a block size per picture for dynamic_s2, got None")
    sides = [scale // config.s2_scales[0] for scale in config.s2_scales[:-1]]
    grids = [*((side, side) for side in sides), block_size]
    height, width = grids[config.s2_resize_output_to_scale_idx]
    return rows * height * width


def tile_tensors(processor: SpatialProcessor, modality: Modality, pictures: Sequence[Image.Image]) -> dict[str, Tensor]:
    """What the engine is given for pictures of one kind.

    Returns:
        ``{modality}_pixels`` (T, 3, S, S) float32, the tiles of all pictures; ``{modality}_tiles`` (n,) int64, how
        many each has; ``{modality}_blocks`` (n, 2) int64, rows and columns of the largest scale, 0 without scales.
    """
    tiled = [processor.tile(picture, depth=modality == "depth") for picture in pictures]
    return {
        f"{modality}_pixels": stack_tiles(tiled),
        f"{modality}_tiles": torch.tensor([len(picture.pixels) for picture in tiled]),
        f"{modality}_blocks": torch.tensor([picture.block_size or (0, 0) for picture in tiled]),
    }


def picture_features(
    tower: VisionTower, projector: Projector, pixels: Tensor, tiles: Tensor, blocks: Tensor, config: ModelConfig
) -> list[Tensor]:
    """Embeddings for the media tokens of each picture, without newlines.

    Args:
        tower, projector: Of the pictures' kind.
        pixels, tiles, blocks: As :func:`tile_tensors` gives them, of all pictures.
        config: The model's configuration.

    Returns:
        (n, H) per picture.
    """
    features = torch.cat([tower(part) for part in torch.split(pixels, _TILES_AT_ONCE)])
    block_sizes = [(int(rows), int(columns)) for rows, columns in blocks.tolist()]
    blocks_of_tokens = iter(project_pictures(projector, features, block_sizes, config))
    one_each = config.image_aspect_ratio == "dynamic_s2"
    counts = [1] * len(block_sizes) if one_each else [int(count) for count in tiles.tolist()]
    return [torch.cat([next(blocks_of_tokens) for _ in range(count)]) for count in counts]


def largest_picture(config: ModelConfig) -> tuple[int, int]:
    """(width, height) of a picture that becomes as many tokens as any."""
    sizes = [(columns * config.tile_size, rows * config.tile_size) for columns, rows in _grids(config)]
    return max(sizes, key=lambda size: _tiles_of(size, config))


def _grids(config: ModelConfig) -> Iterator[tuple[int, int]]:
    """Grids of which the tiling's largest is one, smallest first."""
    squares = (config.s2_scales[-1] // config.s2_scales[0]) ** 2 if config.image_aspect_ratio == "dynamic_s2" else 1
    most = 1 if config.image_aspect_ratio == "resize" else max(squares, config.max_tiles)
    yield from ((columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1))


def _tiles_of(size: tuple[int, int], config: ModelConfig) -> int:
    if config.image_aspect_ratio == "resize":
        return 1
    if config.image_aspect_ratio == "dynamic_s2":
        columns, rows = choose_scale_grid(size, config)
    else:
        columns, rows = choose_grid(size, config.min_tiles, config.max_tiles, config.tile_size)
    return columns * rows
