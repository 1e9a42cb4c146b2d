"""Bags of ROS 1 and ROS 2, written here and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

from roborefer.errors import InputError
from ros_messages import camera_of, depth_of, picture_of, seconds_of
from rosbag_reader import main, read_frames

from ..serving.scripted_predictor import XYZ  # noqa: TID252 - shared server

TIMES = (5.0, 5.1, 5.2)
COLOR, DEPTH, CAMERA = "/cam/color/image_raw", "/cam/depth/image_raw", "/cam/color/camera_info"


def made(store: Any, name: str, **fields: Any) -> Any:
    """A message, with the fields that it has in this version of ROS."""
    return store.types[name](**fields)


def header(store: Any, seconds: float) -> Any:
    whole = int(seconds)
    stamp = made(store, "builtin_interfaces/msg/Time", sec=whole, nanosec=round((seconds - whole) * 1e9))
    number = {"seq": 0} if "seq" in store.types["std_msgs/msg/Header"].__annotations__ else {}
    return made(store, "std_msgs/msg/Header", stamp=stamp, frame_id="cam", **number)


def image(store: Any, seconds: float, array: np.ndarray, encoding: str) -> Any:
    rows = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)
    return made(
        store, "sensor_msgs/msg/Image", header=header(store, seconds), height=array.shape[0], width=array.shape[1],
        encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.ravel(),
    )  # fmt: skip


def camera_info(store: Any, seconds: float) -> Any:
    kind = "sensor_msgs/msg/CameraInfo"
    region = made(
        store, "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    numbers = {
        "d": np.zeros(5),
        "k": np.array([60.0, 0, 31.5, 0, 60, 23.5, 0, 0, 1]),
        "r": np.eye(3).ravel(),
        "p": np.zeros(12),
    }
    if "K" in store.types[kind].__annotations__:
        numbers = {name.upper(): value for name, value in numbers.items()}
    return made(
        store, kind, header=header(store, seconds), height=48, width=64, distortion_model="plumb_bob", binning_x=0,
        binning_y=0, roi=region, **numbers,
    )  # fmt: skip


def write_bag(folder: Path, version: int, *, depth: bool = True, second_camera: bool = False) -> Path:
    """Three frames, each picture as bright as its number, each with depth 10 ms later."""
    store = get_typestore(Stores.ROS1_NOETIC if version == 1 else Stores.ROS2_HUMBLE)
    path = folder / ("drive.bag" if version == 1 else "drive")
    serialize = store.serialize_ros1 if version == 1 else store.serialize_cdr
    writer: Any = Ros1Writer(path) if version == 1 else Ros2Writer(path, version=8)
    with writer:
        topics = {COLOR: "Image", CAMERA: "CameraInfo"}
        topics |= {DEPTH: "Image"} if depth else {}
        topics |= {"/rear/color/image_raw": "Image"} if second_camera else {}
        connections = {
            topic: writer.add_connection(topic, f"sensor_msgs/msg/{kind}", typestore=store)
            for topic, kind in topics.items()
        }

        def write(topic: str, seconds: float, message: Any) -> None:
            writer.write(connections[topic], int(seconds * 1e9), serialize(message, message.__msgtype__))

        for number, seconds in enumerate(TIMES):
            write(CAMERA, seconds - 0.01, camera_info(store, seconds))
            write(COLOR, seconds, image(store, seconds, np.full((48, 64, 3), number, np.uint8), "rgb8"))
            if depth:
                millimetres = np.full((48, 64), 1000 + number, np.uint16)
                write(DEPTH, seconds + 0.01, image(store, seconds + 0.01, millimetres, "16UC1"))
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_frames_come_with_their_depth_and_camera(tmp_path: Path, version: int) -> None:
    frames = list(read_frames(write_bag(tmp_path, version)))
    assert [seconds_of(frame.image.header) for frame in frames] == pytest.approx(TIMES)
    assert [int(picture_of(frame.image).max()) for frame in frames] == [0, 1, 2]
    assert [float(depth_of(frame.depth).max()) for frame in frames] == pytest.approx([1.0, 1.001, 1.002])
    assert camera_of(frames[0].camera)["K"][:3] == [60.0, 0.0, 31.5]


def test_a_bag_without_depth_gives_images(tmp_path: Path) -> None:
    frames = list(read_frames(write_bag(tmp_path, 2, depth=False)))
    assert [frame.depth for frame in frames] == [None] * 3


def test_topics_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    bag = write_bag(tmp_path, 2, second_camera=True)
    with pytest.raises(InputError, match="expected one topic with the image, got /cam/color/image_raw, /rear/color"):
        list(read_frames(bag))
    assert len(list(read_frames(bag, image_topic=COLOR))) == 3
    with pytest.raises(InputError, match=r"expected the topic /front in .*, got /cam/color/camera_info, "):
        list(read_frames(bag, image_topic="/front"))


def test_what_is_no_bag_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.bag").write_text("notes")
    for path in (tmp_path / "notes.bag", tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match=r"expected a ROS bag, got .*: name a \.bag file or a ROS 2 folder"):
            list(read_frames(path))


def test_the_command_prints_a_line_a_frame(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(write_bag(tmp_path, 2)), "the red tomato", "--every", "2", "--server", server])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seconds"] for line in lines] == [5.0, 5.2]
    assert [line["points"][0]["xyz"] for line in lines] == [list(XYZ)] * 2
    with pytest.raises(SystemExit, match="error: expected a ROS bag"):
        main([str(tmp_path / "none"), "the red tomato"])
