"""From a LeRobot observation to a question, and back: picture, depth and intrinsics out of it, the point into it.

Two functions to import into a robot's own program, or to copy; run as a script, this file does nothing:

    from lerobot_observation import question_of, with_point
    from robot_client import ask

    reply = ask(instruction="the red tomato", **question_of(observation, "front"))
    observation = with_point(observation, "front", reply)

A camera's picture is ``observation["images"]["<camera>"]``, ``observation["<camera>"]`` or
``observation["observation.images.<camera>"]``; its depth stands beside it as ``<camera>_depth`` in metres, and its
camera in ``observation["intrinsics"]["<camera>"]``, a 3x3 matrix (OpenCV's) or a mapping. Torch tensors are taken as
they are, without torch being imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer import InputError

_PREFIX = "observation.images."


def question_of(observation: Mapping[str, Any], camera: str) -> dict[str, Any]:
    """What ``robot_client.ask`` takes besides the instruction: ``image``, ``depth`` and ``intrinsics``.

    Args:
        observation: Of a robot (H, W, C, uint8) or of a dataset (C, H, W, float in 0-1).
        camera: Its name, such as "front".

    Returns:
        ``image`` uint8 (H, W, 3); ``depth`` float32 (H, W), metres, or None; ``intrinsics`` JSON, or None.

    Raises:
        InputError: The camera is not there, or what it gave has another form.
    """
    image = _find(observation, camera)
    if image is None:
        raise InputError(f"expected the camera {camera} in the observation, got {', '.join(map(str, observation))}")
    picture = _picture(image, camera)
    depth = _find(observation, f"{camera}_depth")
    intrinsics = observation.get("intrinsics", {}).get(camera)
    return {
        "image": picture,
        "depth": None if depth is None else _depth(depth, camera),
        "intrinsics": None if intrinsics is None else _camera(intrinsics, picture.shape[1], picture.shape[0]),
    }


def with_point(observation: Mapping[str, Any], camera: str, reply: Mapping[str, Any]) -> dict[str, Any]:
    """The observation with what was pointed at, for a policy to take in.

    Returns:
        A copy with ``<camera>_point``, float32 (2,), x and y in 0-1 of the picture, and ``<camera>_point_xyz``, float32
        (3,), metres in the camera frame. Both are NaN where there is none that may be used.
    """
    point = next(iter(reply["points"]), None)
    place = point is not None and point["valid"] and point["xyz"]
    return {
        **observation,
        f"{camera}_point": np.array((point["x"], point["y"]) if point else (np.nan,) * 2, np.float32),
        f"{camera}_point_xyz": np.array(place or (np.nan,) * 3, np.float32),
    }


def _find(observation: Mapping[str, Any], name: str) -> Any | None:
    images = observation.get("images", {})
    return next((place[key] for place, key in _places(observation, images, name) if key in place), None)


def _places(
    observation: Mapping[str, Any], images: Mapping[str, Any], name: str
) -> list[tuple[Mapping[str, Any], str]]:
    return [(observation, name), (observation, _PREFIX + name), (images, name)]


def _array(value: Any) -> NDArray[Any]:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _picture(value: Any, camera: str) -> NDArray[np.uint8]:
    picture = _array(value)
    if picture.ndim == 3 and picture.shape[0] == 3 and picture.shape[2] != 3:
        picture = picture.transpose(1, 2, 0)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(f"{camera}: expected a picture of shape (H, W, 3) or (3, H, W), got {picture.shape}")
    if np.issubdtype(picture.dtype, np.floating):
        picture = np.rint(np.clip(picture, 0, 1) * 255)
    elif picture.dtype != np.uint8:
        raise InputError(f"{camera}: expected a picture of uint8, or of floats in 0-1, got {picture.dtype}")
    return np.ascontiguousarray(picture, np.uint8)


def _depth(value: Any, camera: str) -> NDArray[np.float32]:
    depth = _array(value)
    if depth.ndim == 3 and 1 in (depth.shape[0], depth.shape[2]):
        depth = depth.squeeze(0 if depth.shape[0] == 1 else 2)
    if depth.ndim != 2 or not np.issubdtype(depth.dtype, np.floating):
        raise InputError(
            f"{camera}_depth: expected floats in metres of shape (H, W), got {depth.dtype} of {depth.shape}: "
            "divide millimetres by 1000"
        )
    return np.ascontiguousarray(depth, np.float32)


def _camera(value: Any, width: int, height: int) -> dict[str, Any]:
    size = {"width": width, "height": height}
    if isinstance(value, Mapping):
        return {**size, **value}
    matrix = _array(value)
    if matrix.shape != (3, 3):
        raise InputError(f"intrinsics: expected a 3x3 matrix or a mapping, got shape {matrix.shape}")
    return {"K": matrix.ravel().tolist(), **size}
