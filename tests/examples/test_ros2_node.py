"""ROS messages as arrays, images paired with depth, and what the node publishes; ROS itself is not needed."""

from __future__ import annotations

import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError, RoboReferError
from roborefer.geometry.cameras import intrinsics_from_json
from ros2_node import Pointer, ask_about, main
from ros_messages import Frame, Frames, camera_of, depth_of, picture_of, seconds_of

from ..serving.scripted_predictor import XYZ  # noqa: TID252 - shared server
from .ros_fakes import FakeMessages, camera_message, depth_message, header, image_message, rgb_message

RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
ALPHA = np.full((2, 3, 1), 9, np.uint8)


# ---- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "stored"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("rgba8", np.concatenate((RGB, ALPHA), axis=2)),
        ("bgra8", np.concatenate((RGB[..., ::-1], ALPHA), axis=2)),
    ],
)
def test_pictures_of_every_encoding(encoding: str, stored: np.ndarray, padding: int) -> None:
    np.testing.assert_array_equal(picture_of(image_message(stored, encoding, padding=padding)), RGB)


def test_grey_and_compressed_pictures() -> None:
    grey = RGB[..., 0]
    np.testing.assert_array_equal(picture_of(image_message(grey, "mono8")), np.stack((grey,) * 3, axis=2))
    stream = io.BytesIO()
    Image.fromarray(RGB).save(stream, "PNG")
    compressed = SimpleNamespace(format="rgb8; png compressed", data=np.frombuffer(stream.getvalue(), np.uint8))
    np.testing.assert_array_equal(picture_of(compressed), RGB)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 4])
def test_depth_in_millimetres_and_metres(big: bool, padding: int) -> None:
    millimetres = np.array([[0, 1500, 65535], [1, 2, 3]], np.uint16)
    found = depth_of(image_message(millimetres, "16UC1", big=big, padding=padding))
    np.testing.assert_allclose(found, millimetres / 1000, rtol=1e-6)
    metres = np.array([[np.nan, 1.5], [np.inf, 0.25]], np.float32)
    found = depth_of(image_message(metres, "32FC1", big=big, padding=padding))
    np.testing.assert_array_equal(found, [[0, 1.5], [0, 0.25]])
    assert found.dtype == np.float32


def test_other_encodings_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected an image encoded as rgb8, bgr8, .*, got 16UC1"):
        picture_of(depth_message())
    with pytest.raises(InputError, match="expected depth encoded as 16UC1 or 32FC1, got rgb8"):
        depth_of(rgb_message())


def test_cameras_are_read_as_the_server_reads_them() -> None:
    message = camera_message()
    lens = intrinsics_from_json(camera_of(message), "test")
    assert (lens.fx, lens.fy, lens.cx, lens.cy, lens.width) == (60, 61, 32, 24, 64)  # pixel centres lie at .5
    assert intrinsics_from_json(camera_of(message, rectified=True), "test").fx == 58
    ros1 = SimpleNamespace(width=64, height=48, K=message.k, P=message.p)
    assert camera_of(ros1) == camera_of(message)
    message.k = [0.0] * 9
    with pytest.raises(InputError, match=r"not calibrated \(k\[0\] is 0\)"):
        camera_of(message)


def test_times_of_ros_1_and_2() -> None:
    assert seconds_of(header(12.25)) == 12.25
    assert seconds_of(SimpleNamespace(stamp=SimpleNamespace(secs=12, nsecs=250_000_000))) == 12.25


def test_the_newest_image_with_depth_of_its_time_is_taken() -> None:
    frames = Frames(slop_s=0.05)
    assert frames.latest() is None
    for seconds in (1.0, 1.1, 1.2):
        frames.add_image(rgb_message(seconds))
    for seconds in (1.02, 1.13):
        frames.add_depth(depth_message(seconds))
    frames.add_camera("camera")
    frame = frames.latest()
    assert frame is not None
    assert (seconds_of(frame.image.header), seconds_of(frame.depth.header)) == (1.1, 1.13)
    assert frame.camera == "camera"
    frames.wants_depth = False
    frame = frames.latest()
    assert frame is not None
    assert (seconds_of(frame.image.header), frame.depth) == (1.2, None)


# ---- the node ------------------------------------------------------------------------------------------------------


class Robot:
    """What a pointer published and said."""

    def __init__(self, answer: Any) -> None:
        self.points: list[Any] = []
        self.poses: list[Any] = []
        self.said: list[str] = []
        self.pointer = Pointer(answer, FakeMessages, self.points.append, self.poses.append, self.said.append)
        self.pointer.frames.add_image(rgb_message(7.5))
        self.pointer.frames.add_depth(depth_message(7.5))
        self.pointer.frames.add_camera(camera_message())

    def hear(self, instruction: str) -> None:
        self.pointer.on_instruction(SimpleNamespace(data=instruction)).result(timeout=30)
        self.pointer.close()


def test_an_instruction_becomes_a_point_and_a_pose_in_the_camera_frame(server: str) -> None:
    robot = Robot(lambda frame, instruction: ask_about(frame, instruction, server=server))
    robot.hear("the red tomato")
    (point,), (pose,) = robot.points, robot.poses
    assert (point.point.x, point.point.y, point.point.z) == XYZ
    for message in (point, pose):
        assert message.header.frame_id == "camera_color_optical_frame"
        assert seconds_of(message.header) == 7.5
    # 10 cm before the surface, whose normal is (0, -0.6, -0.8).
    where = (pose.pose.position.x, pose.pose.position.y, pose.pose.position.z)
    assert where == pytest.approx((-0.262, 0.021 - 0.06, 1.21 - 0.08))
    turned = pose.pose.orientation
    assert np.linalg.norm((turned.x, turned.y, turned.z, turned.w)) == pytest.approx(1)
    assert robot.said == ["'the red tomato': [-0.262, 0.021, 1.21] m"]


def test_what_must_not_be_used_is_said_and_not_published(server: str) -> None:
    robot = Robot(lambda frame, instruction: ask_about(frame, instruction, server=server))
    robot.hear("nothing")
    assert robot.points == robot.poses == []
    assert robot.said == ["'nothing': no point: the model gave no point"]


def test_a_server_that_fails_is_said() -> None:
    def fail(frame: Frame, instruction: str) -> Any:
        raise RoboReferError("expected a server")

    robot = Robot(fail)
    robot.hear("the cup")
    assert robot.said == ["'the cup': not answered: expected a server"]


def test_without_images_nothing_is_asked() -> None:
    robot = Robot(lambda frame, instruction: pytest.fail("asked"))
    robot.pointer.frames = Frames()
    robot.hear("the cup")
    assert robot.said == ["'the cup': no image with depth has come yet; check the topics, and that they are in step"]


def test_without_ros_the_node_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(SystemExit, match="error: expected a sourced ROS 2, got none"):
        main()


class FakeNode:
    """Stands for ``rclpy.node.Node``."""

    made: FakeNode

    def __init__(self, name: str) -> None:
        self.subscriptions: dict[str, Any] = {}
        self.published: dict[str, list[Any]] = {}
        FakeNode.made = self

    def declare_parameter(self, name: str, value: Any) -> Any:
        return SimpleNamespace(value=value)

    def create_publisher(self, kind: Any, topic: str, queue: int) -> Any:
        self.published[topic] = []
        return SimpleNamespace(publish=self.published[topic].append)

    def create_subscription(self, kind: Any, topic: str, callback: Any, quality: Any) -> None:
        self.subscriptions[topic] = callback

    def get_logger(self) -> Any:
        return SimpleNamespace(info=lambda line: None)

    def destroy_node(self) -> None:
        pass


def fake_ros(spin: Any) -> dict[str, ModuleType]:
    """The modules that the node imports."""
    modules = {name: ModuleType(name) for name in ("rclpy", "rclpy.node", "rclpy.qos")}
    modules |= {name: ModuleType(name) for name in ("geometry_msgs", "sensor_msgs", "sensor_msgs.msg", "std_msgs.msg")}
    vars(modules["rclpy"]).update(init=lambda args: None, spin=spin, try_shutdown=lambda: None)
    vars(modules["rclpy.node"]).update(Node=FakeNode)
    vars(modules["rclpy.qos"]).update(qos_profile_sensor_data=None)
    vars(modules["geometry_msgs"]).update(msg=FakeMessages)
    vars(modules["sensor_msgs.msg"]).update(CameraInfo=None, Image=None)
    vars(modules["std_msgs.msg"]).update(String=None)
    return modules


def test_the_node_s_topics_lead_through_the_pointer(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(node: FakeNode) -> None:
        node.subscriptions["image"](rgb_message())
        node.subscriptions["depth"](depth_message())
        node.subscriptions["camera_info"](camera_message())
        node.subscriptions["instruction"](SimpleNamespace(data="the red tomato")).result(timeout=30)
        raise KeyboardInterrupt

    for name, module in fake_ros(spin).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("ROBOREFER_SERVER", server)
    main()
    assert [len(FakeNode.made.published[topic]) for topic in ("point", "grasp")] == [1, 1]
