"""Pictures and depth as servers take them: base64 of a file, upright, and resized only where a family needs it."""

from __future__ import annotations

import base64
import io

from PIL import Image

from roborefer.evaluation.samples import Source
from roborefer.geometry.depth import read_depth
from roborefer.images import open_source, picture_size, read_image

_MOST_PIXELS = 12_845_056  # beyond it Qwen's processor makes a picture smaller
_KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def encode_picture(source: Source, side: int | None = None) -> tuple[str, str, tuple[int, int] | None]:
    """A picture for a request.

    PNG and JPEG files are sent as they are, unless they lie on their side; anything else becomes PNG.

    Args:
        source: The picture.
        side: Resize it so that both sides are multiples of this many pixels.

    Returns:
        Its type, base64, and its size where it was resized.

    Raises:
        InputError: It cannot be read.
    """
    if side is not None:
        picture = read_image(source)
        size = fitting_size(picture.size, side)
        resized = picture if size == picture.size else picture.resize(size, Image.Resampling.BICUBIC)
        return "image/png", _png(resized), size
    picture = read_image(source)  # raises where it is broken, which a server would only say of its own request
    with open_source(source) as stream:
        content = stream.read()
    kind = next((kind for magic, kind in _KINDS if content.startswith(magic)), None)
    if kind is None or _lies_on_its_side(content):
        return "image/png", _png(picture), None
    return kind, base64.b64encode(content).decode("ascii"), None


def fitting_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The nearest size whose sides are multiples of ``side``, with no more pixels than such a model looks at."""
    width, height = (max(side, round(length / side) * side) for length in size)
    while width * height > _MOST_PIXELS:
        width, height = (max(side, int(length * 0.9) // side * side) for length in (width, height))
    return width, height


def encode_depth(source: Source) -> str:
    """Depth as base64 of the 8-bit picture, 255 = nearest, that the published model was trained with.

    Raises:
        InputError: It cannot be read.
    """
    return _png(Image.fromarray(read_depth(source).tower_picture()))


def _lies_on_its_side(content: bytes) -> bool:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size != picture_size(content) or picture.getexif().get(0x0112, 1) != 1


def _png(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return base64.b64encode(stream.getvalue()).decode("ascii")
