"""One sample as the model is really fed it, made readable: its tokens one by one, its tiles as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.datasets.checks import known_size
from roborefer.datasets.lengths import features_per_token
from roborefer.datasets.samples import TrainingSample
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import IGNORE_INDEX, media_token_ids
from roborefer.models.tiling import Normalization, TiledImage, choose_grid

Medium = Literal["", "image", "depth"]


@dataclass(frozen=True)
class FedToken:
    """One token of a sample.

    Attributes:
        text: What it stands for; half a letter shows as a replacement character.
        token_id: In the tokenizer's vocabulary.
        supervised: Whether the loss counts here.
        by_heatmap: Whether it is a coordinate that a point head learns by its heatmap, and not as a word.
        medium: What kind of media token it is, empty for text.
        first: Its first row in the fused sequence.
        rows: How many it takes there: one, or the features of a tile or picture.
        cut: Whether (part of) it lies beyond the model's longest sequence, and is cut off.
    """

    text: str
    token_id: int
    supervised: bool
    by_heatmap: bool
    medium: Medium
    first: int
    rows: int
    cut: bool


@dataclass(frozen=True, eq=False)
class FedSample:
    """One sample, readable.

    Attributes:
        name: Where its record stands, and the record's id.
        tokens: In order.
        tiles: Captions, and the tiles of each picture laid out as they were cut.
    """

    name: str
    tokens: tuple[FedToken, ...]
    tiles: tuple[tuple[str, Image.Image], ...]

    @property
    def length(self) -> int:
        """Rows of the fused sequence, before it is cut."""
        return sum(token.rows for token in self.tokens)

    @property
    def supervised(self) -> int:
        """How many tokens the loss counts at."""
        return sum(token.supervised for token in self.tokens)

    @property
    def by_heatmap(self) -> int:
        """How many of these are coordinates that a heatmap learns."""
        return sum(token.by_heatmap for token in self.tokens)

    def runs(self) -> Iterator[tuple[str, bool]]:
        """The decoded text in pieces that are supervised or not; equal media tokens in a row are counted."""
        text, supervised = "", False
        for token in self.tokens:
            if token.supervised != supervised and text:
                yield text, supervised
                text = ""
            supervised = token.supervised
            text += token.text
        if text:
            yield text, supervised


def fed_sample(processor: SpatialProcessor, sample: TrainingSample) -> FedSample:
    """Makes a sample of ``samples.ConversationDataset`` readable.

    Args:
        processor: That encoded it.
        sample: The sample.
    """
    record = sample.record
    identity = f" · {record.record_id}" if record.record_id else ""
    # Depth has its picture's size; a record without pictures has no tiles to lay out.
    sizes = [known_size(path) for path in record.images]
    pictures = [
        *(("image", tiled, processor.image_normalization) for tiled in sample.encoded.images),
        *(("depth", tiled, processor.depth_normalization) for tiled in sample.encoded.depths),
    ]
    tiles = []
    for number, (kind, tiled, normalization) in enumerate(pictures):
        size = sizes[number % len(sizes)]
        caption = f"{kind} {size[0]}x{size[1]}: {len(tiled.pixels)} tile{'s' * (len(tiled.pixels) != 1)}"
        tiles.append((caption, tile_sheet(tiled, processor, normalization, size)))
    return FedSample(f"{record.location}{identity}", tuple(_tokens(processor, sample)), tuple(tiles))


def tile_sheet(
    tiled: TiledImage, processor: SpatialProcessor, normalization: Normalization, size: tuple[int, int]
) -> Image.Image:
    """The tiles of one picture with gaps between them, each scale and the thumbnail beside the last.

    Args:
        tiled: As the model gets it.
        processor: That tiled it.
        normalization: That is undone.
        size: (width, height) of the picture, by which the grid was chosen.
    """
    tiles = [Image.fromarray(pixels) for pixels in denormalized(tiled.pixels, normalization)]
    grids = list(_grids(tiled, processor, size))
    side, gap = tiles[0].width, max(2, tiles[0].width // 40)
    width = sum(columns * (side + gap) + 3 * gap for columns, _ in grids) - 2 * gap
    height = max(rows for _, rows in grids) * (side + gap) + gap
    sheet = Image.new("RGB", (width, height), (128, 128, 128))
    left, start = gap, 0
    for columns, rows in grids:
        for number, tile in enumerate(tiles[start : start + columns * rows]):
            sheet.paste(tile, (left + number % columns * (side + gap), gap + number // columns * (side + gap)))
        left += columns * (side + gap) + 3 * gap
        start += columns * rows
    return sheet


def denormalized(pixels: NDArray[np.float32], normalization: Normalization) -> NDArray[np.uint8]:
    """(T, 3, S, S) float32 as the model gets it -> (T, S, S, 3) uint8 as a person sees it."""
    mean, std = (np.asarray(values, np.float32)[:, None, None] for values in (normalization.mean, normalization.std))
    shown = np.rint((pixels * std + mean) * 255).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(shown.transpose(0, 2, 3, 1))


def _grids(tiled: TiledImage, processor: SpatialProcessor, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """(columns, rows) of each block of tiles, in order."""
    config = processor.config
    if tiled.block_size is not None:
        for scale in config.s2_scales[:-1]:
            side = scale // config.s2_scales[0]
            yield side, side
        yield tiled.block_size[1], tiled.block_size[0]
    elif len(tiled.pixels) == 1:
        yield 1, 1
    else:
        yield choose_grid(size, config.min_tiles, config.max_tiles, config.tile_size)
        yield 1, 1  # the thumbnail


def _tokens(processor: SpatialProcessor, sample: TrainingSample) -> Iterator[FedToken]:
    encoded, tokenizer = sample.encoded, processor.tokenizer
    image_token, depth_token, newline = media_token_ids(tokenizer)
    rows_of = {
        token: iter(_rows(processor, pictures, len(newline), depth=depth))
        for token, pictures, depth in ((image_token, encoded.images, False), (depth_token, encoded.depths, True))
    }
    media: dict[int, Medium] = {image_token: "image", depth_token: "depth"}
    labels = encoded.labels or [IGNORE_INDEX] * len(encoded.input_ids)
    first, longest = 0, int(processor.config.model_max_length)
    by_heatmap = _taken_by_heatmap(processor, labels, shows_picture=bool(encoded.images))
    for token_id, label, taken in zip(encoded.input_ids, labels, by_heatmap, strict=True):
        rows = next(rows_of[token_id]) if token_id in rows_of else 1
        text = str(tokenizer.decode([token_id]))
        cut = first + rows > longest
        yield FedToken(text, token_id, label != IGNORE_INDEX, taken, media.get(token_id, ""), first, rows, cut)
        first += rows


def _taken_by_heatmap(processor: SpatialProcessor, labels: Sequence[int], *, shows_picture: bool) -> list[bool]:
    """Which labels are coordinates that a point head takes from the words."""
    if processor.config.point_head_size is None or not shows_picture:
        return [False] * len(labels)
    import torch

    from roborefer.models.compact_tokenizer import point_tokens
    from roborefer.models.point_supervision import take_points

    given = torch.tensor([list(labels)])
    _, words = take_points(given, point_tokens(processor.tokenizer), torch.tensor([True]))
    taken: list[bool] = (words != given)[0].tolist()
    return taken


def _rows(processor: SpatialProcessor, pictures: Sequence[TiledImage], newline: int, *, depth: bool) -> Iterator[int]:
    """Rows of the fused sequence for each media token of one kind."""
    for picture in pictures:
        yield from [features_per_token(processor.config, picture, newline, depth=depth)] * picture.placeholders
