"""How long samples are in the model's fused sequence: tokens of text, and features in place of media tokens."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roborefer.datasets.records import TrainingRecord
from roborefer.models.config import ModelConfig
from roborefer.models.processor import EncodedSample, SpatialProcessor
from roborefer.models.projector import tokens_per_tile
from roborefer.models.prompt import Turn, media_token_ids, tokenize, without_media_tokens
from roborefer.models.tiling import TiledImage, choose_grid, choose_scale_grid

# Samples whose text is tokenized to learn how many tokens a character and a turn are.
_MEASURED = 64


def features_per_token(config: ModelConfig, picture: TiledImage, newline: int, *, depth: bool) -> int:
    """How many rows of the fused sequence one media token of a picture becomes, its newline included.

    Args:
        config: Of the model.
        picture: As the processor tiled it.
        newline: Tokens of a newline in the tokenizer.
        depth: Which projector it goes through.
    """
    tiles = 1 if picture.block_size is None else picture.block_size[0] * picture.block_size[1]
    return _tile_features(config, depth=depth) * tiles + newline


def fused_length(processor: SpatialProcessor, encoded: EncodedSample) -> int:
    """Rows of a sample in the fused sequence, as ``SpatialVLM.fuse`` makes it."""
    config, newline = processor.config, len(media_token_ids(processor.tokenizer)[2])
    length = len(encoded.input_ids)
    for pictures, depth in ((encoded.images, False), (encoded.depths, True)):
        for picture in pictures:
            length += picture.placeholders * (features_per_token(config, picture, newline, depth=depth) - 1)
    return min(length, int(config.model_max_length))


def estimated_lengths(
    processor: SpatialProcessor, rows: NDArray[np.void], record_of: Callable[[int], TrainingRecord]
) -> NDArray[np.int64]:
    """(N,) int64: about how many rows each sample has in the fused sequence, without opening its pictures.

    Text is estimated from its characters and turns, by what 64 samples spread over all of them have; media are exact
    for samples whose pictures have one size.

    Args:
        processor: Of the model.
        rows: (N,) of ``scanning.SAMPLE``.
        record_of: The record of a sample, by its position.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    spread = np.unique(np.linspace(0, len(rows) - 1, min(_MEASURED, len(rows))).round().astype(int))
    known = _text_sizes(rows[spread])
    counted = np.array([_text_tokens(processor, record_of(int(index))) for index in spread])
    a_token, *_ = np.linalg.lstsq(known, counted, rcond=None)
    text = np.maximum(np.rint(_text_sizes(rows) @ a_token), 1).astype(np.int64)
    lengths: NDArray[np.int64] = text + _media_lengths(processor, rows)
    return np.minimum(lengths, int(processor.config.model_max_length))


def _text_sizes(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """(N, 3): what the number of text tokens grows with."""
    sizes: NDArray[np.float64] = np.ones((len(rows), 3))
    sizes[:, 1], sizes[:, 2] = rows["turns"], rows["characters"]
    return sizes


def _text_tokens(processor: SpatialProcessor, record: TrainingRecord) -> int:
    turns = []
    for question, answer in record.pairs():
        turns += [Turn("user", without_media_tokens(question.text)), Turn("assistant", answer.text)]
    return len(tokenize(processor.tokenizer, turns, generate=False))


def _media_lengths(processor: SpatialProcessor, rows: NDArray[np.void]) -> NDArray[np.int64]:
    """(N,): rows of media, for each of which one newline of text comes along, too."""
    config, newline = processor.config, len(media_token_ids(processor.tokenizer)[2])
    lengths = np.zeros(len(rows), np.int64)
    kinds = np.stack([rows["width"], rows["height"]], axis=1)
    sizes, which = np.unique(kinds, axis=0, return_inverse=True)
    for number, (width, height) in enumerate(sizes.tolist()):
        if not width:
            continue
        of_size = which.reshape(-1) == number
        images = rows["images"][of_size].astype(np.int64) * _picture_length(
            config, (width, height), newline, depth=False
        )
        depths = rows["depths"][of_size].astype(np.int64) if config.has_depth else np.int64(0)
        lengths[of_size] = images + depths * _picture_length(config, (width, height), newline, depth=True)
    return lengths


def _picture_length(config: ModelConfig, size: tuple[int, int], newline: int, *, depth: bool) -> int:
    features = _tile_features(config, depth=depth)
    if config.image_aspect_ratio == "resize":
        return features + 2 * newline
    if config.image_aspect_ratio == "dynamic_s2":
        columns, rows = choose_scale_grid(size, config)
        return features * columns * rows + 2 * newline
    columns, rows = choose_grid(size, config.min_tiles, config.max_tiles, config.tile_size)
    tiles = columns * rows
    return (tiles + (tiles > 1)) * (features + 2 * newline)


def _tile_features(config: ModelConfig, *, depth: bool) -> int:
    tower = config.depth_config if depth and config.depth_config is not None else config.vision_config
    projector = config.depth_projector_type if depth else config.mm_projector_type
    return tokens_per_tile(str(projector), (tower.image_size // tower.patch_size) ** 2)
