"""ROS image and camera messages as arrays and back, without ROS: of ROS 1, of ROS 2 and of bags.

The functions read attributes, so that a message may come from ``rclpy``, from ``rosbags`` or from a test.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer import InputError

_COLOURS = {"rgb8": (3, (0, 1, 2)), "bgr8": (3, (2, 1, 0)), "rgba8": (4, (0, 1, 2)), "bgra8": (4, (2, 1, 0))}
_GREYS = {"mono8", "8uc1"}
_DEPTHS = {"16uc1": np.dtype(np.uint16), "mono16": np.dtype(np.uint16), "32fc1": np.dtype(np.float32)}


def picture_of(message: Any) -> NDArray[np.uint8]:
    """uint8 (H, W, 3), RGB, of a ``sensor_msgs/Image`` or ``CompressedImage``.

    Raises:
        InputError: The encoding is no picture of 8 bits.
    """
    if hasattr(message, "format"):
        with Image.open(io.BytesIO(bytes(message.data))) as picture:
            return np.asarray(picture.convert("RGB"))
    encoding = message.encoding.lower()
    if encoding in _GREYS:
        return np.repeat(_rows(message, np.dtype(np.uint8), 1), 3, axis=2)
    if encoding not in _COLOURS:
        known = ", ".join([*_COLOURS, *sorted(_GREYS)])
        raise InputError(f"expected an image encoded as {known}, got {message.encoding}: convert it with cv_bridge")
    channels, order = _COLOURS[encoding]
    return np.ascontiguousarray(_rows(message, np.dtype(np.uint8), channels)[..., list(order)])


def depth_of(message: Any) -> NDArray[np.float32]:
    """float32 (H, W), metres, 0 where unknown (REP 118): of 16-bit millimetres or 32-bit metres.

    Raises:
        InputError: The encoding is no depth.
    """
    encoding = getattr(message, "encoding", "compressed").lower()
    if encoding not in _DEPTHS:
        raise InputError(f"expected depth encoded as 16UC1 or 32FC1, got {encoding}: subscribe to the raw depth topic")
    numbers = _rows(message, _DEPTHS[encoding], 1)[..., 0]
    metres = numbers * np.float32(0.001) if numbers.dtype == np.uint16 else numbers
    return np.ascontiguousarray(np.nan_to_num(metres, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _rows(message: Any, dtype: np.dtype[Any], channels: int) -> NDArray[Any]:
    """(H, W, channels); rows may be padded to ``step`` bytes, and numbers may be big-endian."""
    rows = np.frombuffer(bytes(message.data), np.uint8).reshape(message.height, message.step)
    used = np.ascontiguousarray(rows[:, : message.width * channels * dtype.itemsize])
    numbers = used.view(dtype.newbyteorder(">" if message.is_bigendian else "<"))
    return numbers.astype(dtype, copy=False).reshape(message.height, message.width, channels)


def camera_of(message: Any, *, rectified: bool = False) -> dict[str, Any]:
    """A ``sensor_msgs/CameraInfo`` as the JSON that a server reads.

    Args:
        message: Of ROS 1 (``K``) or ROS 2 (``k``).
        rectified: The image is the rectified one, whose camera is ``P`` and has no distortion.

    Raises:
        InputError: The camera is not calibrated.
    """
    name = "p" if rectified else "k"
    numbers = getattr(message, name) if hasattr(message, name) else getattr(message, name.upper())
    matrix = np.asarray(numbers, np.float64).reshape(3, -1)[:, :3]
    if matrix[0, 0] == 0:
        raise InputError(f"got a camera that is not calibrated ({name}[0] is 0): calibrate it, or publish its info")
    return {"K": matrix.ravel().tolist(), "width": int(message.width), "height": int(message.height)}


def seconds_of(header: Any) -> float:
    """The time of a header, seconds."""
    stamp = header.stamp
    if hasattr(stamp, "nanosec"):
        return float(stamp.sec + stamp.nanosec * 1e-9)
    return float(stamp.secs + stamp.nsecs * 1e-9)


@dataclass(frozen=True, eq=False)
class Frame:
    """An image, the depth that was taken with it, and the camera; messages as they came, depth and camera if any."""

    image: Any
    depth: Any | None
    camera: Any | None


@dataclass
class Frames:
    """Pairs images with depth by time, as message_filters' ApproximateTime does, for whoever asks for the latest.

    Attributes:
        slop_s: How far apart the two may have been taken.
        wants_depth: Whether an image without depth counts as a frame.
    """

    slop_s: float = 0.05
    wants_depth: bool = True
    _images: deque[Any] = field(default_factory=lambda: deque(maxlen=15))
    _depths: deque[Any] = field(default_factory=lambda: deque(maxlen=15))
    _camera: Any | None = None

    def add_image(self, message: Any) -> None:
        self._images.append(message)

    def add_depth(self, message: Any) -> None:
        self._depths.append(message)

    def add_camera(self, message: Any) -> None:
        self._camera = message

    def latest(self) -> Frame | None:
        """The newest image that has its depth; None when there is none yet."""
        for image in reversed(self._images):
            depth = self._depth_of(image)
            if depth is not None or not self.wants_depth:
                return Frame(image, depth, self._camera)
        return None

    def _depth_of(self, image: Any) -> Any | None:
        def apart(depth: Any) -> float:
            return abs(seconds_of(depth.header) - seconds_of(image.header))

        nearest = min(self._depths, key=apart, default=None)
        return None if nearest is None or apart(nearest) > self.slop_s else nearest
