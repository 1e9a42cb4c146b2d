"""Reads RGB-D frames from ROS 1 and ROS 2 bags, without ROS, and asks about them.

    roborefer serve &
    python examples/rosbag_reader.py drive.bag "the free space left of the door" --every 30

prints one line of JSON a frame. Topics are found by their types; name them if there are several cameras.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from roborefer import InputError, RoboReferError
from robot_client import SERVER
from ros2_node import ask_about
from ros_messages import Frame, Frames, seconds_of

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_CAMERA = "sensor_msgs/msg/CameraInfo"


def read_frames(
    bag: Path,
    *,
    image_topic: str | None = None,
    depth_topic: str | None = None,
    camera_topic: str | None = None,
    slop_s: float = 0.05,
) -> Iterator[Frame]:
    """Every image of a bag for which there is depth, in the order of their times.

    Args:
        bag: A ROS 1 ``.bag`` file, or a ROS 2 folder.
        image_topic, depth_topic, camera_topic: None to find the topic by its type; a topic whose name says depth is
            depth. Without a depth topic, frames have none.
        slop_s: How far apart image and depth may be.

    Raises:
        InputError: It is no bag, or a topic is missing or cannot be told from another.
    """
    # Bags of ROS 2 before Iron do not say what their messages look like: Humble's are taken.
    try:
        reader = AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_HUMBLE))
        reader.open()
    except (AnyReaderError, OSError) as error:
        raise InputError(f"expected a ROS bag, got {error}: name a .bag file or a ROS 2 folder") from error
    with closing(reader):
        depth = depth_topic or _only(reader, _IMAGES[:1], lambda name: "depth" in name, "depth", optional=True)
        image = image_topic or _only(reader, _IMAGES, lambda name: "depth" not in name, "image")
        camera = camera_topic or _only(
            reader, (_CAMERA,), lambda name: "depth" not in name, "camera_info", optional=True
        )
        frames = Frames(slop_s, wants_depth=depth is not None)
        take = {image: frames.add_image, depth: frames.add_depth, camera: frames.add_camera}
        wanted = [connection for connection in reader.connections if connection.topic in take]
        missing = {topic for topic in take if topic} - {connection.topic for connection in wanted}
        if missing:
            have = ", ".join(sorted(reader.topics))
            raise InputError(f"expected the topic {min(missing)} in {bag}, got {have}: name one of these")
        told = float("-inf")
        for connection, _, raw in reader.messages(connections=wanted):
            take[connection.topic](reader.deserialize(raw, connection.msgtype))
            frame = frames.latest()
            if frame is not None and seconds_of(frame.image.header) > told:
                told = seconds_of(frame.image.header)
                yield frame


def _only(
    reader: AnyReader, types: Sequence[str], fits: Callable[[str], bool], what: str, *, optional: bool = False
) -> str | None:
    """The one topic of these types whose name fits."""
    found = sorted(topic for topic, about in reader.topics.items() if about.msgtype in types and fits(topic))
    if len(found) == 1 or (optional and not found):
        return found[0] if found else None
    if not found:
        raise InputError(f"expected a topic with the {what}, got {', '.join(sorted(reader.topics))}: name it")
    raise InputError(f"expected one topic with the {what}, got {', '.join(found)}: name the one that is meant")


def main(arguments: Sequence[str] | None = None) -> None:
    """Asks about every so-manieth frame of a bag."""
    parser = argparse.ArgumentParser(description="Ask about the frames of a ROS bag.")
    parser.add_argument("bag", type=Path)
    parser.add_argument("instruction")
    parser.add_argument("--image-topic")
    parser.add_argument("--depth-topic")
    parser.add_argument("--camera-topic")
    parser.add_argument("--rectified", action="store_true", help="the image is rectified: its camera is P")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth frame [default: 1]")
    parser.add_argument("--server", default=SERVER, help=f"[default: {SERVER}]")
    told = parser.parse_args(arguments)
    topics = {"image_topic": told.image_topic, "depth_topic": told.depth_topic, "camera_topic": told.camera_topic}
    try:
        for number, frame in enumerate(read_frames(told.bag, **topics)):
            if number % max(told.every, 1):
                continue
            reply: dict[str, Any] = ask_about(frame, told.instruction, server=told.server, rectified=told.rectified)
            print(json.dumps({"seconds": seconds_of(frame.image.header), "points": reply["points"]}), flush=True)
    except RoboReferError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
