"""Asks a server where something is in an RGB-D picture, and turns the reply into poses that a robot can go to.

    roborefer serve &
    python examples/robot_client.py desk.jpg "the red tomato" \
        --depth desk_depth.png --intrinsics camera.json --pose world_from_camera.json

``grasp_pose`` approaches the surface along its normal; ``waypoint_pose`` stands before the place, upright and facing
it. Both refuse to give a pose where the reply says that its point must not be used.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from roborefer import InputError, RoboReferError
from roborefer.geometry.cameras import read_intrinsics, to_json
from roborefer.geometry.transforms import check_pose, read_pose, transform_points

SERVER = "http://127.0.0.1:25547"
KEY_VARIABLE = "ROBOREFER_API_KEY"
Picture = Path | bytes | NDArray[Any]

_LEVEL_CAMERA_UP = (0.0, -1.0, 0.0)  # y is down in the camera frame
_TIMEOUT_S = 90.0  # a server gives up after 60 of its own accord, and says so
_ALONG = 0.9  # cosine of the angle within which an axis points along the approach rather than across it
_NEARLY_PARALLEL = 0.1  # sine of the angle below which two directions define no plane that could be relied on


class NotUsable(RoboReferError):
    """The reply has no place that a robot may go to; the message says why."""


# ---- asking --------------------------------------------------------------------------------------------------------


def ask(
    image: Picture,
    instruction: str,
    *,
    depth: Picture | None = None,
    intrinsics: Mapping[str, Any] | None = None,
    world_from_camera: ArrayLike | None = None,
    reasoning: bool = False,
    server: str = SERVER,
    client: httpx.Client | None = None,
) -> dict[str, Any]:
    """The reply of ``POST /v1/point``, as docs/point.md describes it.

    Args:
        image: A file, its bytes, or uint8 (H, W, 3), RGB.
        instruction: "the red tomato", "the free space left of the mug".
        depth: Of the image's size: a file, its bytes, float metres (H, W), or uint16 millimetres (H, W).
        intrinsics: JSON of the camera; without it there is nothing in metres.
        world_from_camera: 4x4.
        reasoning: Ask for steps before the answer.
        server: Its address.
        client: Whose connections are used again; one for this question when None.

    Raises:
        RoboReferError: The server cannot be reached, or refuses: its own words.
    """
    fields = {"instruction": instruction, "reasoning": json.dumps(reasoning)}
    if intrinsics is not None:
        fields["intrinsics"] = json.dumps(dict(intrinsics))
    if world_from_camera is not None:
        fields["world_from_camera"] = json.dumps(np.asarray(world_from_camera).tolist())
    files = {"image": _file(image)} | ({} if depth is None else {"depth": _file(depth)})
    key = os.environ.get(KEY_VARIABLE)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    post = httpx.post if client is None else client.post
    try:
        response = post(f"{server.rstrip('/')}/v1/point", data=fields, files=files, headers=headers, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise RoboReferError(f"expected a server at {server}, got {error}: start it with roborefer serve") from error
    try:
        content = response.json()
    except ValueError:
        content = {}
    if response.status_code != 200:
        told = content.get("error", {}).get("message") if isinstance(content.get("error"), dict) else None
        raise RoboReferError(told or f"expected an answer, got HTTP {response.status_code} from {server}")
    return dict(content)


def _file(content: Picture) -> tuple[str, bytes]:
    """(name, bytes): arrays of bytes become PNG, other arrays NPY, without loss."""
    if isinstance(content, Path):
        try:
            return content.name, content.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {content}: {error.strerror}; check the path") from error
    if isinstance(content, bytes):
        return "file", content
    stream = io.BytesIO()
    if content.dtype == np.uint8:
        Image.fromarray(content).save(stream, "PNG", compress_level=1)
        return "picture.png", stream.getvalue()
    np.save(stream, content, allow_pickle=False)
    return "depth.npy", stream.getvalue()


# ---- from a reply to poses -----------------------------------------------------------------------------------------


def usable_point(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first point of a reply, if a robot may use it.

    Raises:
        NotUsable: There is none, it has no place in 3D, or the place is not to be relied on.
    """
    points: Sequence[Mapping[str, Any]] = reply["points"]
    if not points:
        raise NotUsable(f"no point: {reply.get('problem') or 'the model gave none'}")
    if points[0]["xyz"] is None or not points[0]["valid"]:
        raise NotUsable(f"no place to go to: {points[0]['reason'] or 'give depth and intrinsics'}")
    return points[0]


def grasp_pose(
    reply: Mapping[str, Any], world_from_camera: ArrayLike | None = None, *, standoff_m: float = 0.0
) -> NDArray[np.float64]:
    """``world_from_gripper``: at the point, with z into the surface along its normal.

    x, along which the fingers close, is level. A gripper that comes straight down takes the camera's
    right for x (its down, if the camera's right is where the gripper comes from).

    Args:
        reply: Of :func:`ask`, or ``Prediction.to_dict()``.
        world_from_camera: 4x4, world z up. None gives the pose in the camera frame, with the camera held level.
        standoff_m: How far before the surface; first go to a pose with a standoff, then to one without.

    Returns:
        4x4, metres.

    Raises:
        NotUsable: See :func:`usable_point`; or the surface has no normal.
    """
    point = usable_point(reply)
    if point["normal"] is None:
        raise NotUsable("no surface normal at the point: approach it by other means")
    pose, up = _world(world_from_camera)
    into = -pose[:3, :3] @ _unit(point["normal"])
    level = np.cross(up, into)
    if np.linalg.norm(level) < _NEARLY_PARALLEL:
        right, down = pose[:3, 0], pose[:3, 1]
        across = right if abs(float(right @ into)) < _ALONG else down
        level = across - (across @ into) * into
    return _pose(_unit(level), into, transform_points(pose, point["xyz"]) - standoff_m * into)


def waypoint_pose(
    reply: Mapping[str, Any], world_from_camera: ArrayLike, *, before_m: float = 0.0, floor_z: float | None = None
) -> NDArray[np.float64]:
    """``world_from_base``: upright, x towards the place as seen from the camera, as ROS has mobile bases (REP 103).

    Args:
        reply: Of :func:`ask`, or ``Prediction.to_dict()``.
        world_from_camera: 4x4, world z up.
        before_m: How far before the place to stand.
        floor_z: Height to stand at; None for the height of the place itself.

    Returns:
        4x4, metres: x forward, y left, z up.

    Raises:
        NotUsable: See :func:`usable_point`.
    """
    point = usable_point(reply)
    pose, up = _world(world_from_camera)
    target = transform_points(pose, point["xyz"])
    way = target - pose[:3, 3]
    forward = way - (way @ up) * up
    if np.linalg.norm(forward) < _NEARLY_PARALLEL * np.linalg.norm(way):
        forward = -pose[:3, 1] + (pose[:3, 1] @ up) * up  # looking down: the picture's upper edge is ahead
    forward = _unit(forward)
    place = target - before_m * forward
    if floor_z is not None:
        place[2] = floor_z
    return _pose(forward, up, place)


def quaternion_xyzw(pose: ArrayLike) -> NDArray[np.float64]:
    """The rotation of a 4x4 pose as (x, y, z, w), w >= 0, as ROS writes it."""
    matrix = np.asarray(pose, np.float64)[:3, :3]
    # The symmetric matrix whose largest eigenvector is the quaternion (Bar-Itzhack 2000); no case is special.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = matrix
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    quaternion = np.linalg.eigh(symmetric)[1][:, -1]
    return np.asarray(-quaternion if quaternion[3] < 0 else quaternion)


def _world(world_from_camera: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pose, and which way is up in its frame."""
    if world_from_camera is None:
        return np.eye(4), np.array(_LEVEL_CAMERA_UP)
    return check_pose(world_from_camera), np.array((0.0, 0.0, 1.0))


def _pose(x: NDArray[np.float64], z: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3] = np.stack((x, np.cross(z, x), z), axis=1)
    pose[:3, 3] = place
    return pose


def _unit(vector: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(vector, np.float64)
    return np.asarray(array / np.linalg.norm(array))


# ---- the command ---------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a question needs, on a command line."""
    parser.add_argument("image", type=Path)
    parser.add_argument("instruction")
    parser.add_argument("--depth", type=Path, help="16-bit PNG in millimetres, or float TIFF or NPY in metres")
    parser.add_argument("--intrinsics", type=Path, help="JSON or ROS CameraInfo YAML")
    parser.add_argument("--pose", type=Path, help="world_from_camera, 4x4, as JSON")
    parser.add_argument("--reasoning", action="store_true", help="ask for steps before the answer")
    parser.add_argument("--server", default=SERVER, help=f"[default: {SERVER}]; the key of one is ${KEY_VARIABLE}")


def ask_as_told(told: argparse.Namespace) -> dict[str, Any]:
    """The reply to what :func:`add_arguments` read."""
    with Image.open(told.image) as picture:
        size = picture.size
    camera = None if told.intrinsics is None else to_json(read_intrinsics(told.intrinsics, image_size=size))
    return ask(
        told.image,
        told.instruction,
        depth=told.depth,
        intrinsics=camera,
        world_from_camera=None if told.pose is None else read_pose(told.pose),
        reasoning=told.reasoning,
        server=told.server,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Asks, and prints the poses."""
    parser = argparse.ArgumentParser(description="From an RGB-D picture and an instruction to a pose.")
    add_arguments(parser)
    parser.add_argument("--standoff", type=float, default=0.1, metavar="M", help="before the surface [default: 0.1]")
    told = parser.parse_args(arguments)
    try:
        reply = ask_as_told(told)
        pose = None if told.pose is None else read_pose(told.pose)
        found = usable_point(reply)
        print("point in the camera frame:", np.round(found["xyz"], 3).tolist(), "m")
        frame = "camera" if pose is None else "world"
        print(f"{frame}_from_gripper:", np.round(grasp_pose(reply, pose, standoff_m=told.standoff), 4).tolist())
        if pose is not None:
            print("world_from_base:", np.round(waypoint_pose(reply, pose, before_m=0.6, floor_z=0.0), 4).tolist())
    except (RoboReferError, OSError) as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
