"""An ask's files, from bytes to pictures and depth maps; limits are held by the headers, before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.cameras import check_fits
from roborefer.geometry.depth import DepthMap, check_aligned, depth_size, is_exr, read_depth
from roborefer.geometry.transforms import check_pose
from roborefer.images import picture_size, read_image
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk
from roborefer.serving.image_cache import picture_key
from roborefer.serving.settings import ServerSettings

DecodedDepth = DepthMap | Literal["estimate"] | None


@dataclass(frozen=True)
class Header:
    """What is known of an ask's files without decoding them.

    Attributes:
        pixels: Of all its pictures and depth maps together.
        key: What tells its picture apart from others; None for a prompt.
    """

    pixels: int
    key: bytes | None = None


@dataclass(frozen=True, eq=False)
class DecodedPicture:
    """The picture of an ask.

    Attributes:
        image: Upright 8-bit RGB.
        depth: Of its size, or how to get it.
    """

    image: Image.Image
    depth: DecodedDepth


@dataclass(frozen=True, eq=False)
class DecodedPrompt:
    """The parts of a prompt, in its order."""

    parts: tuple[str | Image.Image | DepthMap | EstimatedDepth, ...]


Decoded = DecodedPicture | DecodedPrompt


def read_header(ask: Ask | PromptAsk, settings: ServerSettings) -> Header:
    """Hold an ask's files against the limits, by their headers.

    Raises:
        InputError: A file is none, too large, or does not fit the ask.
    """
    if isinstance(ask, PromptAsk):
        return _prompt_header(ask, settings)
    width, height = size = picture_size(ask.image)
    pixels = width * height
    _check_pixels(pixels, settings, "the image")
    if isinstance(ask.depth, DepthUpload):
        pixels += _depth_pixels(ask.depth, settings)
    if ask.intrinsics is not None:
        check_fits(ask.intrinsics, size)
    if ask.world_from_camera is not None:
        check_pose(ask.world_from_camera)
    return Header(pixels, picture_key(ask.image, ask.depth))


def decode_prompt(ask: PromptAsk) -> DecodedPrompt:
    """Decode a prompt's files, whose headers were read before.

    Raises:
        InputError: A file is broken.
    """
    return DecodedPrompt(tuple(_decode_part(part) for part in ask.parts))


def decode_depth(upload: DepthUpload) -> DepthMap:
    """Decode a depth file, whose header was read before.

    Raises:
        InputError: The file is broken.
    """
    return read_depth(upload.content, scale=upload.unit)


def decoded_picture(image: Image.Image, depth: DecodedDepth) -> DecodedPicture:
    """An ask's picture with its depth.

    Raises:
        InputError: The depth does not belong to the image.
    """
    if isinstance(depth, DepthMap):
        check_aligned(depth, image.size)
    return DecodedPicture(image, depth)


def _prompt_header(ask: PromptAsk, settings: ServerSettings) -> Header:
    images = [part for part in ask.parts if isinstance(part, bytes)]
    if len(images) > settings.max_images:
        raise InputError(f"expected at most {settings.max_images} images in a request, got {len(images)}: send fewer")
    pixels = 0
    for image in images:
        width, height = picture_size(image)
        pixels += width * height
    _check_pixels(pixels, settings, "the images" if len(images) > 1 else "the image")
    depths = [part for part in ask.parts if isinstance(part, DepthUpload)]
    if len(depths) > settings.max_images:
        raise InputError(f"expected at most {settings.max_images} depths in a request, got {len(depths)}: send fewer")
    return Header(pixels + sum(_depth_pixels(depth, settings) for depth in depths))


def _depth_pixels(depth: DepthUpload, settings: ServerSettings) -> int:
    if is_exr(depth.content):
        # OpenEXR reads from paths only, and a server writes no file.
        raise InputError("expected depth as 16-bit PNG, float TIFF or NPY, got EXR: convert it first")
    width, height = depth_size(depth.content)
    _check_pixels(width * height, settings, "the depth")
    return width * height


def _check_pixels(pixels: int, settings: ServerSettings, name: str) -> None:
    if pixels > settings.max_pixels:
        raise InputError(
            f"expected at most {settings.max_pixels / 1e6:g} megapixels, got {pixels / 1e6:.4g} in {name}: resize first"
        )


def _decode_part(
    part: str | bytes | DepthUpload | EstimatedDepth,
) -> str | Image.Image | DepthMap | EstimatedDepth:
    if isinstance(part, bytes):
        return read_image(part)
    if isinstance(part, DepthUpload):
        return decode_depth(part)
    return part
