"""Pinhole cameras: read their intrinsics from the files that robots have, project and unproject.

Our pixel centres lie at .5. OpenCV, ROS, RealSense and Open3D put them at whole numbers, so half a pixel is added to
the principal point of their files; focal lengths are the same in both (docs/conventions.md works an example).
"""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.images import one_line, open_source, source_name
from roborefer.structures import Intrinsics

MAX_FILE_BYTES = 1024 * 1024
"""Largest camera or pose file that is read: 1 MiB."""

_Size = tuple[int, int]
_FORMS = "fx, fy, cx, cy, width and height; a ROS CameraInfo; a RealSense or Open3D intrinsic; or a 3x3 matrix K"
_WRAPPERS = ("intrinsic", "intrinsics", "camera_info", "color_intrinsics", "color")
_NARROWEST_DEGREES, _WIDEST_DEGREES = 1.0, 175.0


def read_intrinsics(
    path: str | os.PathLike[str], *, image_size: tuple[int, int] | None = None, rectified: bool = False
) -> Intrinsics:
    """Reads a camera file, whichever of the usual forms it has.

    Known are our own JSON (:func:`to_json`), ``{"K": [9 numbers]}`` and ``{"camera_matrix": {"data": [...]}}``, ROS
    CameraInfo as YAML (calibration files and echoed topics), OpenCV's YAML, RealSense intrinsics as JSON or as printed
    text, Open3D's JSON, and a bare 3x3 matrix as JSON or as text.

    Args:
        path: The file.
        image_size: (width, height), needed where the file does not tell it.
        rectified: Take the camera of the rectified image (ROS ``projection_matrix``) and not the lens's own.

    Returns:
        Intrinsics whose pixel centres lie at .5.

    Warns:
        UserWarning: The file has lens distortion, which a pinhole camera cannot hold.

    Raises:
        InputError: The file cannot be read, is of none of these forms, or describes no calibrated pinhole camera.
    """
    name = source_name(path)
    data = _parse(read_text(path), name)
    if isinstance(data, list):
        data = {"K": data}
    if not isinstance(data, Mapping):
        raise _unknown_form(name, type(data).__name__)
    for wrapper in _WRAPPERS:
        if isinstance(data.get(wrapper), Mapping):
            data = data[wrapper]
            break
    return _from_mapping(data, image_size, rectified, name)


def intrinsics_from_json(data: Mapping[str, Any], name: str, *, image_size: _Size | None = None) -> Intrinsics:
    """A camera that stands within other JSON, in any of the forms of :func:`read_intrinsics` that are JSON.

    Args:
        data: The camera.
        name: What an error calls it.
        image_size: (width, height), needed where ``data`` does not tell it.
    """
    return _from_mapping(data, image_size, False, name)


def to_json(intrinsics: Intrinsics) -> dict[str, float | int]:
    """Our own form, JSON-ready; ``pixel_center`` says where the centre of the first pixel lies."""
    return {
        "fx": intrinsics.fx,
        "fy": intrinsics.fy,
        "cx": intrinsics.cx,
        "cy": intrinsics.cy,
        "width": intrinsics.width,
        "height": intrinsics.height,
        "pixel_center": 0.5,
    }


def intrinsics_from_fov(
    fov_degrees: float, image_size: tuple[int, int], axis: Literal["horizontal", "vertical"] = "horizontal"
) -> Intrinsics:
    """A camera with square pixels and a centred principal point.

    Args:
        fov_degrees: Full angle of view along ``axis``, from edge to edge of the image.
        image_size: (width, height) in pixels.
        axis: ``horizontal`` or ``vertical``.

    Raises:
        InputError: The angle is below 1 or above 175 degrees, or an argument is malformed.
    """
    if axis not in ("horizontal", "vertical"):
        raise InputError(f"expected the axis horizontal or vertical, got {axis!r}")
    if not _NARROWEST_DEGREES <= fov_degrees <= _WIDEST_DEGREES:
        raise InputError(
            f"expected a field of view of {_NARROWEST_DEGREES:g} to {_WIDEST_DEGREES:g} degrees, got {fov_degrees:g}: "
            "give the full angle in degrees"
        )
    width, height = image_size
    if width < 1 or height < 1:
        raise InputError(f"expected an image size of at least 1x1, got {width}x{height}")
    focal = (width if axis == "horizontal" else height) / 2 / math.tan(math.radians(fov_degrees) / 2)
    return Intrinsics(focal, focal, width / 2, height / 2, width, height)


def field_of_view(intrinsics: Intrinsics) -> tuple[float, float]:
    """Horizontal and vertical angle of view in degrees, from edge to edge of the image."""
    horizontal = math.atan2(intrinsics.cx, intrinsics.fx) + math.atan2(intrinsics.width - intrinsics.cx, intrinsics.fx)
    vertical = math.atan2(intrinsics.cy, intrinsics.fy) + math.atan2(intrinsics.height - intrinsics.cy, intrinsics.fy)
    return (math.degrees(horizontal), math.degrees(vertical))


def project(xyz: ArrayLike, intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Pixels (u, v) of points in the camera frame.

    Args:
        xyz: (..., 3), metres.
        intrinsics: The camera.

    Returns:
        (..., 2) pixels, centres at .5; NaN for points that are not in front of the camera (z <= 0).
    """
    points = _last_axis(xyz, 3, "xyz")
    z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
    return np.stack(
        (
            intrinsics.fx * points[..., 0] / z + intrinsics.cx,
            intrinsics.fy * points[..., 1] / z + intrinsics.cy,
        ),
        axis=-1,
    )


def unproject(pixels: ArrayLike, depth_m: ArrayLike, intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Points in the camera frame from pixels and their depth along z.

    Args:
        pixels: (..., 2) pixels (u, v), centres at .5: the depth at row i, column j belongs to (j + 0.5, i + 0.5).
        depth_m: (...), metres along z (not along the ray).
        intrinsics: The camera.

    Returns:
        (..., 3), metres: x right, y down, z forward.
    """
    uv = _last_axis(pixels, 2, "pixels")
    z = np.asarray(depth_m, np.float64)
    return np.stack(
        np.broadcast_arrays(
            (uv[..., 0] - intrinsics.cx) / intrinsics.fx * z, (uv[..., 1] - intrinsics.cy) / intrinsics.fy * z, z
        ),
        axis=-1,
    )


def pixel_centers(image_size: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W, 2): the centre (u, v) of every pixel of an image of (width, height)."""
    width, height = image_size
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack((u, v), axis=-1)


def scale_intrinsics(intrinsics: Intrinsics, image_size: tuple[int, int]) -> Intrinsics:
    """The same camera after its image was resized (not cropped) to ``image_size``, (width, height)."""
    width, height = image_size
    if width < 1 or height < 1:
        raise InputError(f"expected an image size of at least 1x1, got {width}x{height}")
    sx, sy = width / intrinsics.width, height / intrinsics.height
    return Intrinsics(intrinsics.fx * sx, intrinsics.fy * sy, intrinsics.cx * sx, intrinsics.cy * sy, width, height)


def check_fits(intrinsics: Intrinsics, image_size: tuple[int, int]) -> None:
    """Refuses intrinsics that cannot belong to an image of ``image_size``, (width, height).

    Raises:
        InputError: They are for another size, the focal length gives an implausible angle of view, or the principal
            point lies outside the image.
    """
    width, height = image_size
    if (intrinsics.width, intrinsics.height) != (width, height):
        raise InputError(
            f"expected intrinsics for the image's size {width}x{height}, got them for "
            f"{intrinsics.width}x{intrinsics.height}: pass that camera mode's intrinsics, or use scale_intrinsics "
            "if the image was resized"
        )
    numbers = (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy)
    if not all(math.isfinite(number) for number in numbers) or intrinsics.fx <= 0 or intrinsics.fy <= 0:
        raise InputError(
            f"expected positive focal lengths in pixels, got fx {intrinsics.fx:g}, fy {intrinsics.fy:g}, "
            f"cx {intrinsics.cx:g}, cy {intrinsics.cy:g}: calibrate the camera, or pass its field of view"
        )
    if not (0 <= intrinsics.cx <= width and 0 <= intrinsics.cy <= height):
        raise InputError(
            f"expected a principal point inside the {width}x{height} image, got ({intrinsics.cx:g}, "
            f"{intrinsics.cy:g}): these intrinsics are for another image size or crop"
        )
    for axis, degrees in zip(("horizontal", "vertical"), field_of_view(intrinsics), strict=True):
        if not _NARROWEST_DEGREES <= degrees <= _WIDEST_DEGREES:
            raise InputError(
                f"expected a {axis} field of view of {_NARROWEST_DEGREES:g} to {_WIDEST_DEGREES:g} degrees, got "
                f"{degrees:.3g} from fx {intrinsics.fx:g}, fy {intrinsics.fy:g} at {width}x{height}: "
                "give focal lengths in pixels of this image"
            )


def read_text(path: str | os.PathLike[str]) -> str:
    """The UTF-8 text of a camera or pose file of at most 1 MiB."""
    name = source_name(path)
    with open_source(path) as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"expected a camera or pose file of at most 1 MiB, got more in {name}: name the right file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"expected a text file (JSON or YAML), got binary data in {name}: name the right file"
        ) from error


def _parse(text: str, name: str) -> Any:
    """JSON, YAML, RealSense's printed text or rows of numbers, as plain values."""
    printed = _realsense_text(text)
    if printed is not None:
        return printed
    rows = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
    try:
        return [[float(word) for word in row] for row in rows]
    except ValueError:
        pass  # not bare rows of numbers
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # not JSON
    # OpenCV writes "%YAML:1.0", which is no YAML directive, and a tag of its own; topics end with "---".
    plain = re.sub(r"\A\s*%YAML.*\n(---.*\n)?", "", text).replace("!!opencv-matrix", "")
    try:
        return next(iter(yaml.safe_load_all(plain)), None)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"expected a camera as JSON or YAML, got {one_line(error)} in {name}") from error


def _realsense_text(text: str) -> dict[str, Any] | None:
    """What pyrealsense2 prints: ``[ 640x480  p[320 240]  f[600 600]  Brown Conrady [0 0 0 0 0] ]``, or older."""
    number = r"[-+.\deE]+"
    new = re.search(rf"(\d+)x(\d+)\s+p\[({number}) ({number})\]\s+f\[({number}) ({number})\][^\[]*\[([^\]]*)\]", text)
    if new:
        keys = ("width", "height", "ppx", "ppy", "fx", "fy")
        return {**dict(zip(keys, new.groups()[:6], strict=True)), "coeffs": new.group(7).split()}
    old = re.fullmatch(r"\s*\[?\s*width: .*?coeffs: \[(?P<coeffs>[^\]]*)\]\s*\]?\s*", text, re.DOTALL)
    if old:
        pairs = re.findall(rf"\b(width|height|ppx|ppy|fx|fy): ({number})", text)
        return {**dict(pairs), "coeffs": old["coeffs"].replace(",", " ").split()}
    return None


def _from_mapping(data: Mapping[Any, Any], image_size: _Size | None, rectified: bool, name: str) -> Intrinsics:
    size = _size(data, image_size, name)
    _refuse_binning(data, name)
    matrix = _first(data, ("projection_matrix", "P", "p")) if rectified else None
    if rectified and matrix is None:
        raise InputError(f"expected a projection_matrix for rectified images, got none in {name}: leave rectified out")
    if matrix is None:
        matrix = _first(data, ("K", "k", "camera_matrix", "intrinsic_matrix", "Camera_Matrix"))
    if matrix is not None:
        fx, fy, cx, cy = _from_matrix(_numbers(matrix, name), name)
        center = 0.0
    elif {"fx", "fy", "ppx", "ppy"} <= data.keys():
        fx, fy, cx, cy = (_number(data[key], key, name) for key in ("fx", "fy", "ppx", "ppy"))
        center = 0.0
    elif {"fx", "fy", "cx", "cy"} <= data.keys():
        fx, fy, cx, cy = (_number(data[key], key, name) for key in ("fx", "fy", "cx", "cy"))
        center = _number(data.get("pixel_center", 0.5), "pixel_center", name)
        if center not in (0.0, 0.5):
            raise InputError(f"expected pixel_center 0.5 (ours) or 0 (OpenCV's), got {center:g} in {name}")
    else:
        raise _unknown_form(name, "keys " + ", ".join(sorted(map(str, data))[:12]))
    if fx == 0:
        raise InputError(
            f"got a camera that is not calibrated (K[0] is 0) in {name}: calibrate it, or give its field of view"
        )
    if not rectified:
        _warn_of_distortion(data, name)
    shift = 0.5 - center
    intrinsics = Intrinsics(fx, fy, cx + shift, cy + shift, *size)
    try:
        check_fits(intrinsics, size)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return intrinsics


def _size(data: Mapping[Any, Any], image_size: _Size | None, name: str) -> _Size:
    width, height = (_first(data, keys) for keys in (("width", "image_width"), ("height", "image_height")))
    if width is None or height is None:
        if image_size is None:
            raise InputError(
                f"expected the image's width and height beside the intrinsics, got none in {name}: add them"
            )
        return image_size
    size = (_number(width, "width", name), _number(height, "height", name))
    if not all(side.is_integer() and side >= 1 for side in size):
        raise InputError(f"expected a width and height in pixels, got {size[0]:g}x{size[1]:g} in {name}")
    return (int(size[0]), int(size[1]))


def _refuse_binning(data: Mapping[Any, Any], name: str) -> None:
    """CameraInfo describes the whole sensor; a binned or cropped image has another camera."""
    binning = [_number(data.get(key) or 0, key, name) for key in ("binning_x", "binning_y")]
    roi = data.get("roi")
    crop = (
        [_number(roi.get(key) or 0, key, name) for key in ("x_offset", "y_offset")] if isinstance(roi, Mapping) else []
    )
    if max(binning) > 1 or any(crop):
        raise InputError(
            f"expected a camera of the whole image, got binning or a region of interest in {name}: "
            "write down the intrinsics of the image that you have"
        )


def _from_matrix(numbers: list[float], name: str) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy of a 3x3 matrix, or of the left part of a 3x4 one or the upper left of a 4x4 one.

    Open3D writes columns first, everyone else rows first. The row (0, 0, 1) tells which it is.
    """
    columns = {9: 3, 12: 4, 16: 4}.get(len(numbers))
    if columns is None:
        raise InputError(f"expected a camera matrix of 9 numbers, got {len(numbers)} in {name}")
    k = np.array(numbers).reshape(-1, columns)[:3, :3]
    if np.array_equal(k[:, 2], (0, 0, 1)):
        k = k.T
    if k[0, 0] == 0:
        return (0.0, 0.0, 0.0, 0.0)
    if not np.array_equal(k[2], (0, 0, 1)) or k[1, 0] != 0 or abs(k[0, 1]) > 1e-6 * abs(k[0, 0]):
        raise InputError(
            f"expected a camera matrix [fx 0 cx; 0 fy cy; 0 0 1], got {', '.join(f'{value:g}' for value in numbers)} "
            f"in {name}: skew and other matrices are not supported"
        )
    return (float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))


def _warn_of_distortion(data: Mapping[Any, Any], name: str) -> None:
    keys = ("distortion_coefficients", "Distortion_Coefficients", "D", "d", "coeffs")
    coefficients = _first(data, keys)
    if coefficients is not None and any(number != 0 for number in _numbers(coefficients, name)):
        # level: read_intrinsics' caller
        warnings.warn(f"lens distortion in {name} is ignored: rectify the image first", UserWarning, stacklevel=4)


def _numbers(value: Any, name: str) -> list[float]:
    """A flat list from [..], [[..], ..] or {"data": [..]}."""
    if isinstance(value, Mapping):
        value = value.get("data")
    if not isinstance(value, list | tuple):
        raise InputError(f"expected a list of numbers, got {type(value).__name__} in {name}")
    flat = [item for row in value for item in (row if isinstance(row, list | tuple) else (row,))]
    return [_number(item, "a matrix entry", name) for item in flat]


def _number(value: Any, key: str, name: str) -> float:
    # YAML 1.1 reads 1e-05 as text, so text that is a number counts as one.
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"expected a finite number for {key}, got {str(value)[:40]!r} in {name}")
    return number


def _first(data: Mapping[Any, Any], keys: tuple[str, ...]) -> Any:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _unknown_form(name: str, got: str) -> InputError:
    return InputError(f"expected a camera ({_FORMS}), got {got} in {name}")


def _last_axis(values: ArrayLike, length: int, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim < 1 or array.shape[-1] != length:
        raise InputError(f"{name}: expected shape (..., {length}), got {array.shape}")
    return array
