"""A ROS 2 node: image, depth, camera_info and an instruction in, the point and a grasp pose out.

    roborefer serve &
    python examples/ros2_node.py --ros-args -r image:=/camera/color/image_raw \
        -r depth:=/camera/aligned_depth_to_color/image_raw -r camera_info:=/camera/color/camera_info
    ros2 topic pub --once /instruction std_msgs/msg/String "data: the red tomato"

Depth must be registered to the image. Both results are in the image's frame and carry its time, so that tf2 takes them
to any other frame. What must not be used is not published; the log says why.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roborefer import RoboReferError
from robot_client import SERVER, NotUsable, ask, grasp_pose, quaternion_xyzw, usable_point
from ros_messages import Frame, Frames, camera_of, depth_of, picture_of

_QUEUE = 10


class Messages(Protocol):
    """Makers of the two messages, ROS's own or a test's."""

    PointStamped: Callable[[], Any]
    PoseStamped: Callable[[], Any]


def point_message(messages: Messages, header: Any, xyz: NDArray[np.float64]) -> Any:
    """``geometry_msgs/PointStamped``: where the point is, metres, in the frame of the header."""
    message = messages.PointStamped()
    message.header = header
    message.point.x, message.point.y, message.point.z = (float(value) for value in xyz)
    return message


def pose_message(messages: Messages, header: Any, pose: NDArray[np.float64]) -> Any:
    """``geometry_msgs/PoseStamped`` of a 4x4 pose in the frame of the header."""
    message = messages.PoseStamped()
    message.header = header
    position, orientation = message.pose.position, message.pose.orientation
    position.x, position.y, position.z = (float(value) for value in pose[:3, 3])
    orientation.x, orientation.y, orientation.z, orientation.w = (float(value) for value in quaternion_xyzw(pose))
    return message


def ask_about(frame: Frame, instruction: str, *, server: str = SERVER, rectified: bool = False) -> dict[str, Any]:
    """The server's reply about a frame."""
    return ask(
        picture_of(frame.image),
        instruction,
        depth=None if frame.depth is None else depth_of(frame.depth),
        intrinsics=None if frame.camera is None else camera_of(frame.camera, rectified=rectified),
        server=server,
    )


@dataclass
class Pointer:
    """What the node does, without ROS.

    Attributes:
        ask: From a frame and an instruction to a reply.
        messages: Makes what is published.
        publish_point, publish_pose: Called with the messages, from a thread of its own.
        log: Called with a line about what was done, or why nothing was.
        standoff_m: How far before the surface the pose is.
    """

    ask: Callable[[Frame, str], dict[str, Any]]
    messages: Messages
    publish_point: Callable[[Any], None]
    publish_pose: Callable[[Any], None]
    log: Callable[[str], None]
    standoff_m: float = 0.1
    frames: Frames = field(default_factory=Frames)
    # One question at a time: the callbacks of a node must not wait for a model.
    _asking: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def on_instruction(self, message: Any) -> Future[None]:
        """Asks about the latest frame; ``std_msgs/String``."""
        return self._asking.submit(self._answer, self.frames.latest(), str(message.data))

    def close(self) -> None:
        """Ends the question on its way; those that wait are dropped."""
        self._asking.shutdown(cancel_futures=True)

    def _answer(self, frame: Frame | None, instruction: str) -> None:
        if frame is None:
            self.log(f"{instruction!r}: no image with depth has come yet; check the topics, and that they are in step")
            return
        try:
            reply = self.ask(frame, instruction)
            xyz = np.asarray(usable_point(reply)["xyz"])
            self.publish_point(point_message(self.messages, frame.image.header, xyz))
            self.log(f"{instruction!r}: {np.round(xyz, 3).tolist()} m")
            pose = grasp_pose(reply, standoff_m=self.standoff_m)
            self.publish_pose(pose_message(self.messages, frame.image.header, pose))
        except NotUsable as error:
            self.log(f"{instruction!r}: {error}")
        except RoboReferError as error:
            self.log(f"{instruction!r}: not answered: {error}")


def main() -> None:
    """Runs the node until it is stopped."""
    try:
        import rclpy
        from geometry_msgs import msg as geometry
        from rclpy.node import Node
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import CameraInfo, Image
        from std_msgs.msg import String
    except ImportError as error:
        raise SystemExit(f"error: expected a sourced ROS 2, got none ({error}): source /opt/ros/*/setup.bash") from None

    rclpy.init(args=sys.argv)
    node = Node("roborefer")
    server = node.declare_parameter("server", os.environ.get("ROBOREFER_SERVER", SERVER)).value
    rectified = node.declare_parameter("rectified", False).value
    pointer = Pointer(
        ask=lambda frame, instruction: ask_about(frame, instruction, server=server, rectified=rectified),
        messages=geometry,
        publish_point=node.create_publisher(geometry.PointStamped, "point", _QUEUE).publish,
        publish_pose=node.create_publisher(geometry.PoseStamped, "grasp", _QUEUE).publish,
        log=node.get_logger().info,
        standoff_m=node.declare_parameter("standoff_m", 0.1).value,
    )
    node.create_subscription(Image, "image", pointer.frames.add_image, qos_profile_sensor_data)
    node.create_subscription(Image, "depth", pointer.frames.add_depth, qos_profile_sensor_data)
    node.create_subscription(CameraInfo, "camera_info", pointer.frames.add_camera, qos_profile_sensor_data)
    node.create_subscription(String, "instruction", pointer.on_instruction, _QUEUE)
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        pointer.close()
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
