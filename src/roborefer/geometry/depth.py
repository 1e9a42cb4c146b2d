"""Depth files and their units, and the picture that the depth tower sees.

What a file means is decided by its numbers: integers wider than 8 bit are units (1 mm unless told otherwise), floats
are metres, 8 bit is a relative picture in which 255 is nearest. Nothing is resized or registered here: depth has the
image's size, or is refused.
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.images import check_pixels, load_picture, open_source, picture_size, source_name, to_rgb

DepthMethod = Literal["inverse", "linear"]
DepthInput = str | os.PathLike[str] | bytes | NDArray[Any] | PIL.Image.Image

DEFAULT_SCALE = 0.001
"""Metres per unit of integer depth, unless told otherwise: millimetres."""

NEAREST_MEDIAN_M = 0.01
FARTHEST_MEDIAN_M = 1000.0
"""A map whose median lies outside these bounds has another unit than the one assumed."""

_BEYOND_M = 65504.0  # the largest half float; renderers write it, or 1e10, where a ray meets nothing
_PICTURE_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"})
_NPY_MAGIC = b"\x93NUMPY"
_EXR_MAGIC = b"\x76\x2f\x31\x01"
_ZIP_MAGIC = b"PK\x03\x04"
_EXR_CHANNELS = ("z", "depth", "y", "r")


@dataclass(frozen=True)
class Depth:
    """Marks "this is depth": what ``point(depth=...)`` accepts, and what stands beside images in a prompt.

    Attributes:
        source: A file (16-bit PNG or TIFF, float TIFF, NPY, EXR, or an 8-bit picture), an array of shape (H, W), or
            a Pillow picture.
        scale: Metres per unit; None means 0.001 for integers and 1 for floats.
    """

    source: str | os.PathLike[str] | NDArray[Any] | PIL.Image.Image
    scale: float | None = None


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Depth as it is used: metres, or a picture where only relative depth was given; never both.

    Attributes:
        metres: float32 (H, W), along z, 0 where unknown.
        picture: uint8 (H, W, 3) as given, 255 = nearest.
        source: Whether a sensor (or a file) or an estimator made it.
    """

    metres: NDArray[np.float32] | None
    picture: NDArray[np.uint8] | None
    source: Literal["sensor", "estimated"]

    def __post_init__(self) -> None:
        if (self.metres is None) == (self.picture is None):
            raise InputError("a DepthMap holds either metres or a picture: give exactly one of them")
        if self.metres is not None and (self.metres.ndim != 2 or self.metres.dtype != np.float32):
            raise InputError(f"metres: expected float32 of shape (H, W), got {_kind(self.metres)}")
        if self.picture is not None and (
            self.picture.ndim != 3 or self.picture.shape[2] != 3 or self.picture.dtype != np.uint8
        ):
            raise InputError(f"picture: expected uint8 of shape (H, W, 3), got {_kind(self.picture)}")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        array = self.picture if self.metres is None else self.metres
        assert array is not None  # __post_init__ saw to it
        return (array.shape[1], array.shape[0])

    def tower_picture(self, method: DepthMethod = "inverse") -> NDArray[np.uint8]:
        """What the depth tower sees, uint8 (H, W, 3): the given picture as it is, or :func:`depth_picture`."""
        if self.metres is None:
            assert self.picture is not None  # __post_init__ saw to it
            return self.picture
        return depth_picture(self.metres, method)


def read_depth(source: Depth | DepthMap | DepthInput, *, scale: float | None = None) -> DepthMap:
    """Reads depth from a file, a picture or an array.

    ======================================  =================================================
    integers wider than 8 bit               units of ``scale`` metres (0.001 unless given)
    floats                                  metres (times ``scale``, if given)
    8-bit pictures and uint8 arrays         a relative picture, 255 = nearest, kept as it is
    ======================================  =================================================

    NaN, infinity, zero and a renderer's "nothing there" (65504 and beyond) become 0, unknown.

    Args:
        source: What :class:`Depth` accepts, a :class:`Depth`, an encoded file's bytes, or a :class:`DepthMap`, which
            comes back as it is.
        scale: Metres per unit; goes before the scale in ``source``.

    Raises:
        InputError: The source cannot be read, has negative or no valid depth, or an implausible unit.
    """
    if isinstance(source, DepthMap):
        return source
    if isinstance(source, Depth):
        scale = source.scale if scale is None else scale
        source = source.source
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise InputError(f"expected a positive scale in metres per unit, got {scale}: 0.001 means millimetres")
    name = source_name(source)
    numbers = source if isinstance(source, np.ndarray) else _read_numbers(source, name)
    return _from_numbers(numbers, scale, name)


def depth_picture(metres: NDArray[Any], method: DepthMethod = "inverse") -> NDArray[np.uint8]:
    """Metric depth as the 8-bit picture of the depth tower: three equal channels, 255 = nearest.

    ``inverse`` is ``(d - min d) / (max d - min d) * 255`` with ``d = 1 / z``, as a monocular estimator's disparity is
    shown; ``linear`` is ``(max z - z) / (max z - min z) * 255``. Both are rounded down, and their minima and maxima
    are taken over valid pixels. Unknown pixels get 0, like the farthest. Where all valid pixels are equally far they
    get 255, so that the nearest surface is always 255 and never looks like missing depth.

    Args:
        metres: (H, W), any real type; NaN, infinity and values <= 0 are unknown. It may be empty or without any
            valid pixel, and the picture is then all 0.
        method: ``inverse`` or ``linear``.

    Returns:
        uint8 (H, W, 3).

    Raises:
        InputError: ``metres`` is not two-dimensional, or the method is another.
    """
    if metres.ndim != 2:
        raise InputError(f"metres: expected shape (H, W), got {metres.shape}")
    if method not in ("inverse", "linear"):
        raise InputError(f"expected the depth method inverse or linear, got {method!r}")
    valid = valid_depth(metres)
    grey = np.zeros(metres.shape, np.uint8)
    if valid.any():
        # float64: 1 / z of the smallest float32 is still finite
        z = metres[valid].astype(np.float64)
        nearness = 1.0 / z if method == "inverse" else z.max() - z
        low, high = nearness.min(), nearness.max()
        grey[valid] = ((nearness - low) / (high - low) * 255.0).astype(np.uint8) if high > low else 255
    return np.repeat(grey[:, :, None], 3, axis=2)


def valid_depth(metres: NDArray[Any]) -> NDArray[np.bool_]:
    """Where depth is known: finite and above 0. The same shape as ``metres``."""
    valid: NDArray[np.bool_] = np.isfinite(metres) & (metres > 0)
    return valid


def check_aligned(depth: DepthMap, image_size: tuple[int, int]) -> None:
    """Refuses depth of another size than the image, (width, height): resizing it would move it silently."""
    if depth.size != tuple(image_size):
        raise InputError(
            f"expected depth of the image's size {image_size[0]}x{image_size[1]}, got "
            f"{depth.size[0]}x{depth.size[1]}: register the depth to the colour image first "
            "(rs.align in librealsense, depth_image_proc/register in ROS)"
        )


def depth_size(content: bytes) -> tuple[int, int]:
    """(width, height) of a depth file, PNG, TIFF, NPY or a picture, by its header: no pixel is decoded.

    Raises:
        InputError: As :func:`read_depth`, as far as the header tells.
    """
    if not content.startswith(_NPY_MAGIC):
        return picture_size(content)
    name = source_name(content)
    with open_source(content) as stream:
        shape, _, _ = _read_npy_header(stream, name)
    return (shape[1], shape[0])


def is_exr(content: bytes) -> bool:
    """Whether a file's bytes are OpenEXR's."""
    return content.startswith(_EXR_MAGIC)


def _from_numbers(numbers: NDArray[Any], scale: float | None, name: str) -> DepthMap:
    if numbers.ndim == 3 and numbers.shape[2] == 1:
        numbers = numbers[:, :, 0]
    is_picture = numbers.dtype == np.uint8
    is_depth = numbers.dtype.kind == "f" or (numbers.dtype.kind in "iu" and numbers.dtype.itemsize > 1)
    colour = is_picture and numbers.ndim == 3 and numbers.shape[2] == 3
    if not (is_picture or is_depth) or not (numbers.ndim == 2 or colour):
        raise InputError(
            f"expected depth of shape (H, W) as floats, uint8 or wider integers, got {_kind(numbers)} in {name}: "
            "pass one number a pixel"
        )
    check_pixels((numbers.shape[1], numbers.shape[0]), name)
    if not is_picture:
        return DepthMap(_metres(numbers, scale, name), None, "sensor")
    if scale is not None:
        raise InputError(
            f"got a scale of {scale:g} m per unit for 8-bit depth in {name}, which is a relative picture: "
            "leave the scale out, or save metric depth as 16-bit PNG"
        )
    picture = numbers if colour else np.repeat(numbers[:, :, None], 3, axis=2)
    return DepthMap(None, np.array(picture, order="C"), "sensor")


def _metres(numbers: NDArray[Any], scale: float | None, name: str) -> NDArray[np.float32]:
    """float32 metres with 0 where unknown; signs and units are checked before anything is rounded."""
    finite = np.isfinite(numbers)
    negative = finite & (numbers < 0)
    if negative.any():
        raise InputError(
            f"expected depth >= 0, got {np.count_nonzero(negative)} negative pixels (minimum "
            f"{numbers[negative].min():g}) in {name}: set unknown pixels to 0, or flip the sign of the z axis"
        )
    is_float = numbers.dtype.kind == "f"
    factor = scale if scale is not None else (1.0 if is_float else DEFAULT_SCALE)
    with np.errstate(over="ignore", under="ignore"):
        z = np.where(finite, numbers, 0).astype(np.float64) * factor
    if not (z > 0).any():
        raise InputError(
            f"no valid depth in {name}: all {numbers.size} pixels are zero, NaN or infinite; "
            "check the sensor, or leave depth out"
        )
    known = (z > 0) & (z < _BEYOND_M)
    median = float(np.median(z[known])) if known.any() else float(z.max())
    if not NEAREST_MEDIAN_M <= median <= FARTHEST_MEDIAN_M:
        unit = "float depth is metres" if is_float and scale is None else f"one unit is {factor:g} m"
        hint = "0.001 if it is in millimetres" if median > 1 else "1 if it is in metres"
        raise InputError(f"implausible depth in {name}: the median is {median:g} m where {unit}; pass a scale, {hint}")
    return np.where(known, z, 0.0).astype(np.float32)


def _read_numbers(source: str | os.PathLike[str] | bytes | PIL.Image.Image, name: str) -> NDArray[Any]:
    if not isinstance(source, PIL.Image.Image):
        with open_source(source) as stream:
            magic = stream.read(6)
            stream.seek(0)
            if magic == _NPY_MAGIC:
                return _read_npy(stream, name)
            if magic[:4] == _EXR_MAGIC:
                return _read_exr(source, stream, name)
            if magic[:4] == _ZIP_MAGIC:
                raise InputError(f"expected one depth array, got a .npz or zip archive in {name}: use numpy.save")
    picture = load_picture(source)
    if picture.mode in _PICTURE_MODES:
        return np.asarray(to_rgb(picture, name))
    if picture.mode.startswith(("I", "F")):
        return np.asarray(picture)
    raise InputError(
        f"expected depth (16-bit PNG, float TIFF, NPY, EXR) or an 8-bit grey or RGB picture of it, got mode "
        f"{picture.mode} in {name}: save it as one of these"
    )


def _read_npy(stream: IO[bytes], name: str) -> NDArray[Any]:
    """One plain array. The header is checked before the data is read, and pickled objects are never loaded."""
    shape, fortran_order, dtype = _read_npy_header(stream, name)
    size = math.prod(shape) * dtype.itemsize
    data = stream.read()[:size]  # the file's size is within limits, what its header claims need not be
    if len(data) < size:
        raise InputError(f"expected {size} bytes of depth, got {len(data)} in {name}: it is cut short, copy it again")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")


def _read_npy_header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and type of the array that follows in the stream."""
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(stream)
    except (ValueError, SyntaxError, TypeError, OverflowError) as error:
        raise InputError(f"expected an NPY file, got a broken header in {name}: write it with numpy.save") from error
    if dtype.kind not in "iuf" or len(shape) not in (2, 3):
        raise InputError(
            f"expected an array of numbers of shape (H, W), got {dtype} of shape {shape} in {name}: "
            "save the depth alone, with numpy.save"
        )
    check_pixels((shape[1], shape[0]), name)
    return shape, fortran_order, dtype


def _read_exr(source: str | os.PathLike[str] | bytes, stream: IO[bytes], name: str) -> NDArray[Any]:
    if not isinstance(source, bytes):
        return _read_exr_file(Path(source), name)
    with tempfile.TemporaryDirectory() as folder:  # OpenEXR reads from paths only
        path = Path(folder) / "depth.exr"
        path.write_bytes(stream.read())
        return _read_exr_file(path, name)


def _read_exr_file(path: Path, name: str) -> NDArray[Any]:
    import OpenEXR

    try:
        with OpenEXR.File(os.fspath(path), header_only=True) as file:
            header = file.header()
            names = [str(channel.name) for channel in header["channels"]]
            first, last = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
            shown = [np.asarray(corner, np.int64) for corner in header["displayWindow"]]
        size = (int(last[0] - first[0]) + 1, int(last[1] - first[1]) + 1)
        check_pixels(size, name)
        chosen = _exr_channel(names, name)
        if not (np.array_equal(first, shown[0]) and np.array_equal(last, shown[1])):
            raise InputError(
                f"expected an EXR file whose data window is its display window, got {size[0]}x{size[1]} pixels at "
                f"({first[0]}, {first[1]}) in {name}: save it uncropped"
            )
        with OpenEXR.File(os.fspath(path), separate_channels=True) as file:
            pixels = {channel: np.array(value.pixels) for channel, value in file.channels().items()}
        numbers = pixels[chosen]
    except InputError:
        raise
    except Exception as error:  # the binding raises RuntimeError, ValueError, KeyError and more for a broken file
        raise InputError(f"expected a whole EXR file, got a broken one in {name}: save or copy it again") from error
    if numbers.shape != (size[1], size[0]):
        raise InputError(f"expected channel {chosen} at full resolution, got shape {numbers.shape} in {name}")
    if chosen.rpartition(".")[2].lower() == "r":
        colours = [value for channel, value in pixels.items() if channel.rpartition(".")[2].lower() in ("g", "b")]
        if any(not np.array_equal(numbers, colour, equal_nan=True) for colour in colours):
            raise InputError(
                f"expected depth, got colour in {name} (channels {', '.join(names)}): save a channel named Z"
            )
    return numbers


def _exr_channel(names: list[str], name: str) -> str:
    """The channel that holds depth: Z, depth, Y or R in any layer, or the only one."""
    for wanted in _EXR_CHANNELS:
        for channel in names:
            if channel.rpartition(".")[2].lower() == wanted:
                return channel
    if len(names) == 1:
        return names[0]
    raise InputError(
        f"expected an EXR channel named Z, depth, Y or R, got {', '.join(names) or 'none'} in {name}: rename it"
    )


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"
