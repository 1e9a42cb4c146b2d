"""Pictures from outside, made safe: whatever comes in leaves as an upright 8-bit RGB picture, or as a one-line error.

Sizes are checked by the header before a pixel is decoded, only common raster formats are tried, and what Pillow
would guess at (animations, 16-bit grey) is refused with the remedy named.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from roborefer.errors import InputError

MAX_PIXELS = 100_000_000
"""Largest picture that is decoded: 100 megapixels, by the header."""

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Largest picture or depth file that is opened: 256 MiB."""

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "GIF", "TIFF", "PPM")

PictureSource = str | os.PathLike[str] | bytes | PIL.Image.Image

_EIGHT_BIT_MODES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
)
_ORIENTATION_TAG = 0x0112
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_LYING_ORIENTATIONS = (5, 6, 7, 8)  # EXIF's quarter turns
# Silencing Pillow's warnings changes the process's filters for a moment; two threads doing so at once could leave
# them changed. Only the header and EXIF steps are held by this lock, never the decoding.
_quiet = threading.Lock()
_Result = TypeVar("_Result")


def read_image(source: PictureSource | NDArray[np.uint8]) -> PIL.Image.Image:
    """Reads one picture as upright 8-bit RGB.

    EXIF orientation is applied, so points refer to the picture as a person sees it. Every other 8-bit mode
    (palette, grey, alpha, CMYK, 1-bit) becomes RGB exactly as Pillow's ``convert("RGB")`` does.

    Args:
        source: A file, an encoded file's bytes, a Pillow picture, or a uint8 array of shape (H, W, 3) in RGB order
            or (H, W) in grey.

    Returns:
        A picture of mode ``RGB`` that shares nothing with ``source``.

    Raises:
        InputError: There is no such file, it is not a picture, is cut short, too large, animated, or not 8-bit.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    name = source_name(source)
    picture = load_picture(source)
    if picture.mode not in _EIGHT_BIT_MODES:
        raise InputError(
            f"expected an 8-bit picture, got mode {picture.mode} in {name}, which looks like depth: "
            "pass it as depth, or convert it to 8 bit"
        )
    return to_rgb(picture, name)


def load_picture(source: PictureSource) -> PIL.Image.Image:
    """Decodes one picture within the limits and turns it upright, as a new picture; its mode stays what it was.

    Args:
        source: A file, an encoded file's bytes or a Pillow picture.

    Raises:
        InputError: As :func:`read_image`, apart from the mode.
    """
    name = source_name(source)
    if isinstance(source, PIL.Image.Image):
        return _decode(source, name)
    with open_source(source) as stream:
        return _decode(_read_header(stream, name), name)


def picture_size(source: PictureSource) -> tuple[int, int]:
    """(width, height) of a picture once it is upright, from its header: no pixel is decoded.

    Raises:
        InputError: As :func:`read_image`, as far as the header tells.
    """
    name = source_name(source)
    if isinstance(source, PIL.Image.Image):
        return source.size
    with open_source(source) as stream:
        picture = _read_header(stream, name)
        check_pixels(picture.size, name)
        width, height = picture.size
        turned = _quietly(lambda: _orientation(picture)) in _LYING_ORIENTATIONS
        return (height, width) if turned else (width, height)


def to_rgb(picture: PIL.Image.Image, name: str) -> PIL.Image.Image:
    """A picture from :func:`load_picture` (its own, so it may be changed) as RGB, as ``convert("RGB")`` gives it."""
    # Pillow warns of a palette's partial transparency although an RGB picture cannot hold it anyway.
    picture.info.pop("transparency", None)
    try:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    except ValueError as error:
        raise InputError(
            f"expected a picture that converts to RGB, got mode {picture.mode} in {name}: save it as RGB"
        ) from error


def open_source(source: str | os.PathLike[str] | bytes) -> IO[bytes]:
    """A file, or a file's bytes, as a stream to read from the start; at most ``MAX_FILE_BYTES`` long.

    Raises:
        InputError: There is no such file, it is a directory or a device, it cannot be read, is empty or too large.
    """
    name = source_name(source)
    if isinstance(source, bytes):
        _check_length(len(source), name)
        return io.BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"expected a path, bytes, a Pillow image or an array, got {type(source).__name__}")
    path = Path(source)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"expected a file, got the directory {name}: name one file in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"expected a regular file, got {name}, which is a device or a pipe: save it as a file")
        _check_length(status.st_size, name)
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"no such file: {name}; check the path") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot open {name}: {one_line(error)}; check the path and its permissions") from error


def source_name(source: object) -> str:
    """What an error calls the source: the path, on one line, or what kind of thing was passed."""
    if isinstance(source, str | os.PathLike):
        text = os.fsdecode(source)
        return text if text.isprintable() and text else repr(text)
    if isinstance(source, PIL.Image.Image):
        # Pillow leaves "" here for streams and None for pictures made in memory.
        file_name = getattr(source, "filename", None)
        return source_name(file_name) if file_name else "the Pillow image"
    return {bytes: "the given bytes", np.ndarray: "the given array"}.get(type(source), f"a {type(source).__name__}")


def check_pixels(size: tuple[int, int], name: str) -> None:
    """Refuses a picture of no pixels or of more than ``MAX_PIXELS``; ``size`` is (width, height)."""
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"expected a picture with pixels, got {width}x{height} in {name}")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"expected at most {MAX_PIXELS // 1_000_000} megapixels, got {width}x{height} in {name}: resize it first"
        )


def one_line(error: BaseException) -> str:
    """An error's text without line breaks, or its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _check_length(length: int, name: str) -> None:
    if length == 0:
        raise InputError(f"expected a file with something in it, got 0 bytes in {name}: save or copy it again")
    if length > MAX_FILE_BYTES:
        raise InputError(
            f"expected a file of at most {MAX_FILE_BYTES >> 20} MiB, got {length >> 20} MiB in {name}: resize it first"
        )


def _from_array(array: NDArray[np.uint8]) -> PIL.Image.Image:
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise InputError(
            f"expected a uint8 array of shape (H, W, 3) or (H, W), got {array.dtype} of shape {array.shape}: "
            "convert it to 8-bit RGB"
        )
    check_pixels((array.shape[1], array.shape[0]), "the given array")
    return PIL.Image.fromarray(np.ascontiguousarray(array)).convert("RGB")


def _read_header(stream: IO[bytes], name: str) -> PIL.Image.Image:
    """Opens a stream without decoding it.

    ``PIL.Image.open`` would do the same, but refuses or warns of large pictures by a process-wide setting and
    without telling their size; ours is checked right after.
    """
    PIL.Image.init()
    prefix = stream.read(16)
    for format_name in FORMATS:
        if format_name not in PIL.Image.OPEN:
            continue
        opener, accepts = PIL.Image.OPEN[format_name]
        if accepts is not None and accepts(prefix) is not True:
            continue
        stream.seek(0)
        try:
            return _quietly(partial(opener, stream, ""))
        except PIL.Image.DecompressionBombError as error:
            raise InputError(f"{name} is too large to decode: {one_line(error)}; resize it first") from error
        except Exception as error:  # a broken header makes Pillow's readers raise nearly anything
            raise InputError(
                f"expected a whole {format_name} picture, got a broken header in {name}: save it again"
            ) from error
    raise InputError(
        f"expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else in {name}: "
        "check that it is what its name says"
    )


def _decode(picture: PIL.Image.Image, name: str) -> PIL.Image.Image:
    check_pixels(picture.size, name)
    frames = _quietly(lambda: _frame_count(picture))
    if frames > 1:
        raise InputError(
            f"expected one picture, got an animation or a document of {frames} frames in {name}: "
            "save the frame you mean as a file of its own"
        )
    try:
        picture.load()
    except Exception as error:  # a broken file makes Pillow's decoders raise nearly anything
        raise InputError(
            f"expected a whole picture, got one that is truncated or broken in {name} ({one_line(error)}): "
            "save or copy it again"
        ) from error
    return _quietly(lambda: _upright(picture))


def _frame_count(picture: PIL.Image.Image) -> int:
    if picture.format == "MPO":
        return 1  # a phone's JPEG with a thumbnail or a gain map behind the picture: the picture comes first
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:  # a picture whose file is closed by now, or is cut short: decoding tells which
        return 1


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except Exception:  # EXIF that cannot be read states no orientation
        return picture.copy()


def _orientation(picture: PIL.Image.Image) -> int:
    """EXIF's orientation, 1 to 8; of a PNG only what stands before its pixels, as the rest needs them decoded."""
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    # Newer versions of Pillow tell a TIFF's upright size from the start.
    tags = getattr(picture, "tag_v2", {})
    if tags and picture.size != (tags.get(_TIFF_WIDTH), tags.get(_TIFF_HEIGHT)):
        return 1
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # EXIF that cannot be read states no orientation
        return 1


def _quietly(call: Callable[[], _Result]) -> _Result:
    """Runs a short step without Pillow's warnings: what matters of them becomes an error of ours."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()
