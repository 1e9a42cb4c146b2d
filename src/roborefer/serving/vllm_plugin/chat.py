"""A chat as ``roborefer serve`` reads it: the last question with its pictures and depth, as the processor's prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMethod, check_aligned, is_exr, read_depth
from roborefer.images import read_image
from roborefer.instructions import check_instruction
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import DEPTH_TOKEN, IMAGE_TOKEN, without_media_tokens
from roborefer.serving.wire_formats.failures import invalid
from roborefer.serving.wire_formats.openai import ChatQuestion, ChatRequest, read_question
from roborefer.serving.wire_formats.validation import read_fields


def read_chat(messages: Sequence[Mapping[str, Any]], config: ModelConfig) -> ChatQuestion:
    """The question of a chat, and what its pictures are referred to by.

    Raises:
        RequestRefused: It asks nothing, or something that the model does not do.
        InputError: The model takes no depth, or the text cannot be used.
    """
    question = read_question(read_fields(ChatRequest, {"messages": list(messages)}))
    images, depths = len(question.images), len(question.depths)
    if depths and not config.has_depth:
        raise InputError("expected a model with a depth projector, got an RGB-only one: leave depth out")
    if depths not in (0, images):
        raise invalid(f"expected depth for each of {images} images, or for none, got {depths}: pair them up")
    check_instruction(question.text)
    return question


def chat_token_ids(processor: SpatialProcessor, text: str, *, images: int, depths: int) -> list[int]:
    """Token ids of a question's prompt, with a single media token for each picture.

    Args:
        processor: Of the checkpoint.
        text: The question; media tokens in it are taken out.
        images: How many there are.
        depths: As many, or none.
    """
    media = (IMAGE_TOKEN + DEPTH_TOKEN) * images if depths else IMAGE_TOKEN * images
    return processor.encode_text(media + without_media_tokens(text), [1] * images, [1] * depths)


def read_pictures(
    images: Sequence[bytes], depths: Sequence[bytes], config: ModelConfig
) -> tuple[list[Image.Image], list[Image.Image]]:
    """Encoded files -> upright RGB pictures, and the pictures that the depth tower sees.

    Raises:
        InputError: A file cannot be used, or depth has another size than its image.
    """
    pictures = [read_image(content) for content in images]
    sizes = [picture.size for picture in pictures]
    return pictures, [_read_depth(content, size, config) for content, size in zip(depths, sizes, strict=bool(depths))]


def _read_depth(content: bytes, image_size: tuple[int, int], config: ModelConfig) -> Image.Image:
    if is_exr(content):
        # OpenEXR reads from paths only, and a server writes no file.
        raise InputError("expected depth as 16-bit PNG, float TIFF or NPY, got EXR: convert it first")
    depth = read_depth(content)
    check_aligned(depth, image_size)
    return Image.fromarray(depth.tower_picture(cast(DepthMethod, config.depth_method)))
