"""An ask's files, from bytes to pictures and depth maps; limits are held by the headers, before a pixel is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.cameras import check_fits
from roborefer.geometry.depth import DepthMap, check_aligned, depth_size, is_exr, read_depth
from roborefer.geometry.transforms import check_pose
from roborefer.images import MAX_PIXELS, picture_size, read_image
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk
from roborefer.serving.fields import about, numbered
from roborefer.serving.image_cache import picture_key
from roborefer.serving.settings import ServerSettings

DecodedDepth = DepthMap | Literal["estimate"] | None

_KINDS: dict[type, str] = {bytes: "image", DepthUpload: "depth"}


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
    width, height = size = image_size(ask.image, settings)
    pixels = width * height
    if isinstance(ask.depth, DepthUpload):
        with about("depth"):
            pixels += _depth_pixels(ask.depth, settings)
    if ask.intrinsics is not None:
        with about("intrinsics"):
            check_fits(ask.intrinsics, size)
    if ask.world_from_camera is not None:
        with about("world_from_camera"):
            check_pose(ask.world_from_camera)
    return Header(pixels, picture_key(ask.image, ask.depth))


def image_size(image: bytes, settings: ServerSettings) -> tuple[int, int]:
    """(width, height) of a request's only picture, by its header.

    Raises:
        FieldError: It is no picture, or too large.
    """
    with about("image"):
        width, height = size = _size(image, picture_size, settings)
        _check_pixels(width * height, settings, "the image")
    return size


def decode(ask: Ask | PromptAsk) -> Decoded:
    """Decode an ask's files, whose headers were read before.

    Raises:
        InputError: A file is broken, or the depth does not belong to the image.
    """
    if isinstance(ask, PromptAsk):
        return DecodedPrompt(tuple(_decode_part(part, name) for part, name in _named_parts(ask)))
    with about("image"):
        image = read_image(ask.image)
    if not isinstance(ask.depth, DepthUpload):
        return DecodedPicture(image, ask.depth)
    with about("depth"):
        depth = read_depth(ask.depth.content, scale=ask.depth.unit)
        check_aligned(depth, image.size)
    return DecodedPicture(image, depth)


def _prompt_header(ask: PromptAsk, settings: ServerSettings) -> Header:
    parts = [(part, name) for part, name in _named_parts(ask) if isinstance(part, bytes | DepthUpload)]
    counts = Counter("depths" if isinstance(part, DepthUpload) else "images" for part, _ in parts)
    for kind, count in counts.items():
        if count > settings.max_images:
            raise InputError(f"expected at most {settings.max_images} {kind} in a request, got {count}: send fewer")
    pixels = depth_pixels = 0
    for part, name in parts:
        with about(name):
            if isinstance(part, DepthUpload):
                depth_pixels += _depth_pixels(part, settings)
            else:
                width, height = _size(part, picture_size, settings)
                pixels += width * height
    _check_pixels(pixels, settings, "the images" if counts["images"] > 1 else "the image")
    return Header(pixels + depth_pixels)


def _named_parts(ask: PromptAsk) -> Iterator[tuple[str | bytes | DepthUpload | EstimatedDepth, str]]:
    """A prompt's parts, each with what errors call it."""
    kinds = [_KINDS.get(type(part), "text") for part in ask.parts]
    counts, seen = Counter(kinds), Counter[str]()
    for part, kind in zip(ask.parts, kinds, strict=True):
        yield part, numbered(kind, seen[kind], counts[kind])
        seen[kind] += 1


def _depth_pixels(depth: DepthUpload, settings: ServerSettings) -> int:
    if is_exr(depth.content):
        # OpenEXR reads from paths only, and a server writes no file.
        raise InputError("expected depth as 16-bit PNG, float TIFF or NPY, got EXR: convert it first")
    width, height = _size(depth.content, depth_size, settings)
    _check_pixels(width * height, settings, "the depth")
    return width * height


def _size(content: bytes, read: Callable[[bytes], tuple[int, int]], settings: ServerSettings) -> tuple[int, int]:
    """(width, height) by a file's header; where it is beyond the library's own limit, the server's is named."""
    try:
        return read(content)
    except InputError as error:
        most = min(settings.max_pixels, MAX_PIXELS)
        raise InputError(str(error).replace(_megapixels(MAX_PIXELS), _megapixels(most))) from error


def _check_pixels(pixels: int, settings: ServerSettings, name: str) -> None:
    if pixels > settings.max_pixels:
        raise InputError(f"expected {_megapixels(settings.max_pixels)}, got {pixels / 1e6:.4g} in {name}: resize first")


def _megapixels(most: int) -> str:
    return f"at most {most / 1e6:g} megapixels"


def _decode_part(
    part: str | bytes | DepthUpload | EstimatedDepth, name: str
) -> str | Image.Image | DepthMap | EstimatedDepth:
    with about(name):
        if isinstance(part, bytes):
            return read_image(part)
        if isinstance(part, DepthUpload):
            return read_depth(part.content, scale=part.unit)
        return part
