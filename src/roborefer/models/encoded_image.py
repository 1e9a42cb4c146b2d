"""A picture that towers and language model have seen once, so that many questions about it cost only their own text."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMap
from roborefer.models.generation import prefill_prefix
from roborefer.models.key_value_cache import Prefix
from roborefer.models.point_head import DenseFeatures
from roborefer.models.processor import EncodedSample, stack_tiles
from roborefer.models.spatial_vlm import SpatialVLM


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture that the towers and the language model have already seen; see ``Predictor.encode_image``.

    Attributes:
        image_size: (width, height) of the original, pixels.
        depth: Its depth, if any.
        prefix_ids: The token ids that every prompt about it starts with.
        prefix: Their keys and values.
        image_counts, depth_counts: Placeholders per picture.
        dense: What points are read from, for a model with a point head.
        timing_ms: What it cost.
        notes: What a reader of its predictions should know.
    """

    image_size: tuple[int, int]
    depth: DepthMap | None
    prefix_ids: tuple[int, ...]
    prefix: Prefix
    image_counts: tuple[int, ...]
    depth_counts: tuple[int, ...]
    dense: DenseFeatures | None = None
    timing_ms: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Memory held, in bytes."""
        depth = 0
        if self.depth is not None:
            depth = sum(array.nbytes for array in (self.depth.metres, self.depth.picture) if array is not None)
        dense = 0 if self.dense is None else self.dense.keys.numel() * self.dense.keys.element_size()
        return self.prefix.num_bytes + depth + dense


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """What a model makes of a prompt's pictures.

    Attributes:
        images, depths: One (n, H) tensor per media token, as ``SpatialVLM.encode_media`` gives them.
        dense: What points are read from, for a model with a point head.
    """

    images: list[Tensor]
    depths: list[Tensor]
    dense: DenseFeatures | None = None


def encode(
    model: SpatialVLM, sample: EncodedSample, image_size: tuple[int, int], depth: DepthMap | None
) -> EncodedImage:
    """Compute what all prompts about a picture share: towers, projectors and the beginning up to its media tokens.

    Args:
        model: In evaluation mode.
        sample: A prompt of one image, and its depth if any.
        image_size: (width, height) of the original, pixels.
        depth: Kept for anchors.

    Raises:
        InputError: see :func:`look`.
    """
    started = time.perf_counter()
    seen = look(model, sample)
    towers = time.perf_counter()
    media = {model.image_token_id, model.depth_token_id}
    last = max(index for index, token in enumerate(sample.input_ids) if token in media)
    prefix_ids = sample.input_ids[: last + 1]
    with torch.inference_mode():
        fused = model.fuse(torch.tensor([prefix_ids], device=model.device), None, seen.images, seen.depths)
    prefix = prefill_prefix(model.llm, fused.inputs_embeds[0])
    return EncodedImage(
        image_size=image_size,
        depth=depth,
        prefix_ids=tuple(prefix_ids),
        prefix=prefix,
        image_counts=tuple(tiled.placeholders for tiled in sample.images),
        depth_counts=tuple(tiled.placeholders for tiled in sample.depths),
        dense=seen.dense,
        timing_ms={"towers": (towers - started) * 1e3, "prefill": (time.perf_counter() - towers) * 1e3},
    )


@torch.inference_mode()
def look(model: SpatialVLM, sample: EncodedSample) -> SeenPictures:
    """Features of a prompt's pictures, and for a model with a point head what points are read from.

    Raises:
        InputError: the model has a point head, which looks at one image with its depth, and the prompt has others.
    """
    if model.point_head is None or not (sample.images or sample.depths):
        return SeenPictures(_features(model, sample, depth=False), _features(model, sample, depth=True))
    if len(sample.images) != 1 or len(sample.depths) > 1:
        raise InputError(
            f"expected one image and its depth for a model with a point head, got {len(sample.images)} images and "
            f"{len(sample.depths)} depths: ask about one image at a time"
        )
    depth_values = stack_tiles(sample.depths) if sample.depths else None
    images, depths, dense = model.look(stack_tiles(sample.images), depth_values)
    return SeenPictures(list(images), [] if depths is None else list(depths), dense)


def _features(model: SpatialVLM, sample: EncodedSample, *, depth: bool) -> list[Tensor]:
    pictures = sample.depths if depth else sample.images
    if not pictures:
        return []
    blocks = [picture.block_size for picture in pictures]
    return model.encode_media(stack_tiles(pictures), blocks, depth=depth)
