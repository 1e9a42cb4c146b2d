"""ROS messages as they are read: attributes and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


def header(seconds: float = 10.0, frame: str = "camera_color_optical_frame") -> Any:
    whole = int(seconds)
    return SimpleNamespace(stamp=SimpleNamespace(sec=whole, nanosec=round((seconds - whole) * 1e9)), frame_id=frame)


def image_message(
    array: np.ndarray, encoding: str, *, seconds: float = 10.0, padding: int = 0, big: bool = False
) -> Any:
    """``sensor_msgs/Image`` of (H, W) or (H, W, C); rows are padded with so many bytes."""
    stored = array.astype(array.dtype.newbyteorder(">" if big else "<"))
    rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(array), -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return SimpleNamespace(
        header=header(seconds),
        height=array.shape[0],
        width=array.shape[1],
        encoding=encoding,
        is_bigendian=int(big),
        step=padded.shape[1],
        data=padded.tobytes(),
    )


def camera_message(width: int = 64, height: int = 48) -> Any:
    return SimpleNamespace(
        header=header(),
        width=width,
        height=height,
        k=[60.0, 0, 31.5, 0, 61.0, 23.5, 0, 0, 1],
        p=[58.0, 0, 30.5, 0, 0, 59.0, 22.5, 0, 0, 0, 1, 0],
    )


def rgb_message(seconds: float = 10.0) -> Any:
    return image_message(np.zeros((48, 64, 3), np.uint8), "rgb8", seconds=seconds)


def depth_message(seconds: float = 10.0) -> Any:
    return image_message(np.full((48, 64), 1200, np.uint16), "16UC1", seconds=seconds)


class _Numbers:
    """Fields that spring up when they are set."""


class FakeMessages:
    """Stands for ``geometry_msgs.msg``."""

    @staticmethod
    def PointStamped() -> Any:
        return SimpleNamespace(header=None, point=_Numbers())

    @staticmethod
    def PoseStamped() -> Any:
        return SimpleNamespace(header=None, pose=SimpleNamespace(position=_Numbers(), orientation=_Numbers()))
