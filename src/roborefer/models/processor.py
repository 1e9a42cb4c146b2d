"""SpatialProcessor: pictures and text -> what the model is fed. One chain for training and for inference.

Depth arrives here as an 8-bit picture (``geometry.depth`` made it), so that towers see the same bytes whether a
picture was given or metric depth was turned into one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import BatchFeature, ProcessorMixin

from roborefer.errors import InputError
from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig
from roborefer.models.prompt import (
    DEPTH_TOKEN,
    IGNORE_INDEX,
    IMAGE_TOKEN,
    LabelMask,
    Turn,
    end_token_id,
    expand_placeholders,
    normalize_inference_prompt,
    normalize_training_turn,
    supervised_labels,
    tokenize,
    without_media_tokens,
)
from roborefer.models.tiling import Normalization, TiledImage, tile_image


@dataclass(frozen=True, eq=False)
class DepthPicture:
    """The depth tower's picture in a prompt: 8-bit RGB with three equal channels, 255 = nearest."""

    picture: Image.Image


PromptPart = str | Image.Image | DepthPicture

_ROLES: dict[str, Literal["user", "assistant"]] = {"human": "user", "gpt": "assistant"}


@dataclass(frozen=True, eq=False)
class EncodedSample:
    """One conversation, ready for :func:`collate`.

    Attributes:
        input_ids: Token ids with one media token per placeholder.
        images, depths: Tiled pictures in prompt order.
        labels: Same length as ``input_ids``; None at inference.
    """

    input_ids: list[int]
    images: list[TiledImage]
    depths: list[TiledImage]
    labels: list[int] | None = None


class SpatialProcessor(ProcessorMixin):
    """Tiling, prompt layout, chat template and label mask of one checkpoint.

    Args:
        tokenizer: With the media tokens in its vocabulary.
        config: The model's configuration; its tiling fields are used.
        image_normalization, depth_normalization: Per tower, from its ``preprocessor_config.json``.
    """

    def __init__(
        self,
        tokenizer: Any,
        config: ModelConfig,
        image_normalization: Normalization | None = None,
        depth_normalization: Normalization | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.config = config
        self.image_normalization = image_normalization or Normalization()
        self.depth_normalization = depth_normalization or self.image_normalization
        self.chat_template = tokenizer.chat_template

    def encode_prompt(self, parts: Sequence[PromptPart]) -> EncodedSample:
        """A prompt for inference: pictures, depth pictures and text, in any order, ending at the assistant's turn."""
        images = [self.tile(part, depth=False) for part in parts if isinstance(part, Image.Image)]
        depths = [self.tile(part.picture, depth=True) for part in parts if isinstance(part, DepthPicture)]
        text = _join(parts)
        input_ids = self.encode_text(text, _placeholders(images), _placeholders(depths))
        return EncodedSample(input_ids, images, depths)

    def encode_text(self, text: str, image_counts: Sequence[int], depth_counts: Sequence[int]) -> list[int]:
        """Token ids of a user's turn that already holds one media token per picture.

        Args:
            text: The turn; user text in it went through ``prompt.without_media_tokens``.
            image_counts, depth_counts: Placeholders per picture, in prompt order.
        """
        if self.config.image_aspect_ratio != "resize":
            text = self._expand(normalize_inference_prompt(text), image_counts, depth_counts)
        return tokenize(self.tokenizer, [Turn("user", text)], generate=True)

    def encode_question(
        self, prefix_ids: Sequence[int], question: str, image_counts: Sequence[int], depth_counts: Sequence[int]
    ) -> list[int]:
        """Token ids of a question behind what all prompts about its pictures begin with.

        Args:
            prefix_ids: Of such a prompt, up to and with its last media token.
            question: Media tokens in it are taken out.
            image_counts, depth_counts: Placeholders per picture.
        """
        media = IMAGE_TOKEN * len(image_counts) + DEPTH_TOKEN * len(depth_counts)
        ids = self.encode_text(media + without_media_tokens(question), image_counts, depth_counts)
        if tuple(ids[: len(prefix_ids)]) != tuple(prefix_ids):
            raise RuntimeError(
                "a prompt does not start with the prefix of its image: this is a defect, please report it"
            )
        return ids[len(prefix_ids) :]

    def encode_conversation(
        self,
        conversation: Sequence[Mapping[str, str]],
        images: Sequence[Image.Image] = (),
        depths: Sequence[Image.Image] = (),
        *,
        label_mask: LabelMask = "exact",
    ) -> EncodedSample:
        """A training record in LLaVA form: ``[{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]``."""
        if not conversation:
            raise InputError("expected a conversation of at least one turn, got none: mend the record")
        tiled_images = [self.tile(image, depth=False) for image in images]
        tiled_depths = [self.tile(depth, depth=True) for depth in depths]
        turns = []
        for index, message in enumerate(conversation):
            text = normalize_training_turn(message["value"], images=len(images), depth=bool(depths), first=index == 0)
            if index == 0:
                text = self._expand(text, _placeholders(tiled_images), _placeholders(tiled_depths))
            turns.append(_turn(message, text))
        input_ids = tokenize(self.tokenizer, turns, generate=False)
        return EncodedSample(
            input_ids, tiled_images, tiled_depths, supervised_labels(self.tokenizer, turns, label_mask)
        )

    def collate(self, samples: Sequence[EncodedSample]) -> BatchFeature:
        """Pad samples on the right into the keyword arguments of ``SpatialVLM.forward``."""
        ids = [torch.tensor(sample.input_ids) for sample in samples]
        pad = torch.nn.utils.rnn.pad_sequence
        batch: dict[str, Any] = {
            "input_ids": pad(ids, batch_first=True, padding_value=self.tokenizer.pad_token_id),
            "attention_mask": pad([torch.ones_like(row) for row in ids], batch_first=True),
        }
        if all(sample.labels is not None for sample in samples):
            labels = [torch.tensor(sample.labels) for sample in samples]
            batch["labels"] = pad(labels, batch_first=True, padding_value=IGNORE_INDEX)
        for name, pictures in (
            ("image", [image for sample in samples for image in sample.images]),
            ("depth", [depth for sample in samples for depth in sample.depths]),
        ):
            if pictures:
                batch["pixel_values" if name == "image" else "depth_values"] = stack_tiles(pictures)
                batch[f"{name}_block_sizes"] = [picture.block_size for picture in pictures]
        return BatchFeature(batch)

    def __call__(
        self,
        images: Image.Image | Sequence[Image.Image] | None = None,
        text: str | Sequence[PromptPart] = "",
        depths: Image.Image | Sequence[Image.Image] | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """transformers' idiom for one prompt: pictures first, then the text."""
        parts: list[PromptPart] = list(_as_list(images))
        parts += [DepthPicture(depth) for depth in _as_list(depths)]
        parts += [text] if isinstance(text, str) else list(text)
        return self.collate([self.encode_prompt(parts)])

    def decode(self, token_ids: Sequence[int] | Tensor, **kwargs: Any) -> str:
        """Token ids -> the answer's text, without special tokens, stripped."""
        text: str = self.tokenizer.decode(token_ids, skip_special_tokens=True)
        return text.strip()

    @property
    def stop_token_ids(self) -> tuple[int, ...]:
        """Where an answer ends: ``<|im_end|>``."""
        return (end_token_id(self.tokenizer),)

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`to_json_string` and ``repr`` show; the files are those of :meth:`save_pretrained`."""
        return {
            "processor_class": type(self).__name__,
            "image_aspect_ratio": self.config.image_aspect_ratio,
            "tile_size": self.config.tile_size,
            "image_mean": list(self.image_normalization.mean),
            "image_std": list(self.image_normalization.std),
        }

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, revision: str | None = None, **kwargs: Any
    ) -> SpatialProcessor:
        """Read tokenizer, tiling and normalisation from a checkpoint folder or hub id."""
        folder = checkpoint.resolve_folder(pretrained_model_name_or_path, revision)
        config = checkpoint.read_config(folder)
        image = _read_normalization(folder / "vision_tower")
        depth = _read_normalization(folder / "depth_tower") if config.depth_config is not None else None
        return cls(checkpoint.load_tokenizer(folder), config, image, depth)

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> list[str]:
        """Write the tokenizer and the towers' ``preprocessor_config.json`` where the published layout has them."""
        folder = Path(save_directory)
        files = list(self.tokenizer.save_pretrained(folder / checkpoint.TOKENIZER_FOLDER))
        for part, normalization in (
            ("vision_tower", self.image_normalization),
            ("depth_tower", self.depth_normalization if self.config.depth_config is not None else None),
        ):
            if normalization is not None:
                path = folder / part / "preprocessor_config.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(_preprocessor_config(normalization, self.config.tile_size), indent=2) + "\n")
                files.append(str(path))
        return files

    def tile(self, image: Image.Image, *, depth: bool = False) -> TiledImage:
        """The tiles of an 8-bit RGB picture, or of a depth picture."""
        normalization = self.depth_normalization if depth else self.image_normalization
        return tile_image(image, self.config, normalization)

    def _expand(self, text: str, image_counts: Sequence[int], depth_counts: Sequence[int]) -> str:
        """``dynamic``: one token per tile. The other tilings have one per picture."""
        if self.config.image_aspect_ratio != "dynamic":
            return text
        text = expand_placeholders(text, IMAGE_TOKEN, image_counts)
        return expand_placeholders(text, DEPTH_TOKEN, depth_counts)


def stack_tiles(pictures: Sequence[TiledImage]) -> Tensor:
    """(T, 3, S, S) float32: the tiles of all pictures, one picture after another."""
    return torch.from_numpy(np.concatenate([picture.pixels for picture in pictures]))


def _placeholders(pictures: Sequence[TiledImage]) -> list[int]:
    return [picture.placeholders for picture in pictures]


def _join(parts: Sequence[PromptPart]) -> str:
    """One text with a media token per picture; neighbouring texts that make a media token together lose it too."""
    pieces: list[str] = []
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_text:
            pieces.append(without_media_tokens("".join(without_media_tokens(str(part)) for part in group)))
        else:
            pieces += [IMAGE_TOKEN if isinstance(part, Image.Image) else DEPTH_TOKEN for part in group]
    return "".join(pieces)


def _turn(message: Mapping[str, str], text: str) -> Turn:
    speaker = message["from"]
    if speaker not in _ROLES:
        raise InputError(f"expected a turn from {' or '.join(_ROLES)}, got one from {speaker!r}: mend the record")
    return Turn(_ROLES[speaker], text)


def _as_list(images: Image.Image | Sequence[Image.Image] | None) -> list[Image.Image]:
    if images is None:
        return []
    return [images] if isinstance(images, Image.Image) else list(images)


def _read_normalization(folder: Path) -> Normalization:
    path = folder / "preprocessor_config.json"
    if not path.exists():
        return Normalization()
    content = checkpoint.read_json(path)
    return Normalization(content.get("image_mean", (0.5,) * 3), content.get("image_std", (0.5,) * 3))


def _preprocessor_config(normalization: Normalization, size: int) -> dict[str, Any]:
    return {
        "image_processor_type": "SiglipImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": list(normalization.mean),
        "image_std": list(normalization.std),
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": size, "width": size},
    }
