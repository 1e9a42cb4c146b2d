"""From a reply to poses, and the question over a real connection."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

from roborefer.errors import InputError, RoboReferError
from roborefer.geometry.transforms import check_pose, transform_points
from robot_client import NotUsable, ask, grasp_pose, main, quaternion_xyzw, usable_point, waypoint_pose

from ..serving.live_server import running  # noqa: TID252 - shared server
from ..serving.scripted_predictor import XYZ, ScriptedPredictor  # noqa: TID252

SHIPPED = Path(__file__).parents[2] / "src" / "roborefer" / "serving" / "examples"
CAMERA = {"fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0, "width": 64, "height": 48}
IMAGE = np.zeros((48, 64, 3), np.uint8)
FINITE = st.floats(-3, 3, allow_nan=False)
# A camera 1.2 m high that looks along world +y and 30 degrees down.
LOOKING_DOWN = np.array(
    [
        [1, 0, 0, 0.5],
        [0, -math.sin(math.pi / 6), math.cos(math.pi / 6), -1],
        [0, -math.cos(math.pi / 6), -math.sin(math.pi / 6), 1.2],
        [0, 0, 0, 1],
    ]
)


def reply(**changes: Any) -> dict[str, Any]:
    point = {"xyz": [0.1, 0.2, 1.5], "normal": [0.0, -0.6, -0.8], "valid": True, "reason": "", **changes}
    return {"points": [point], "problem": None}


@st.composite
def poses(draw: st.DrawFn) -> np.ndarray:
    numbers = np.array([draw(FINITE) for _ in range(4)])
    assume(np.linalg.norm(numbers) > 0.1)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(numbers).as_matrix()
    pose[:3, 3] = [draw(FINITE) for _ in range(3)]
    return pose


@st.composite
def normals(draw: st.DrawFn) -> list[float]:
    vector = np.array([draw(FINITE) for _ in range(3)])
    assume(np.linalg.norm(vector) > 0.1)
    return list(vector / np.linalg.norm(vector))


# ---- poses ---------------------------------------------------------------------------------------------------------


@given(pose=poses(), normal=normals(), standoff=st.floats(0, 0.3))
def test_a_grasp_goes_into_the_surface_and_closes_level(pose: np.ndarray, normal: list[float], standoff: float) -> None:
    found = check_pose(grasp_pose(reply(normal=normal), pose, standoff_m=standoff))
    np.testing.assert_allclose(found[:3, 2], -pose[:3, :3] @ normal, atol=1e-9)
    at_surface = found[:3, 3] + standoff * found[:3, 2]
    np.testing.assert_allclose(at_surface, transform_points(pose, [0.1, 0.2, 1.5]), atol=1e-9)
    steep = np.linalg.norm(found[:2, 2]) < 0.1
    assert steep or abs(found[2, 0]) < 1e-9


def test_a_grasp_from_above_takes_the_camera_s_right() -> None:
    up_in_camera = LOOKING_DOWN[:3, :3].T @ (0, 0, 1)
    found = grasp_pose(reply(normal=list(up_in_camera)), LOOKING_DOWN)
    np.testing.assert_allclose(found[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-12)


def test_without_a_pose_a_grasp_is_in_the_camera_frame() -> None:
    found = grasp_pose(reply(normal=[0.0, 0.0, -1.0]), standoff_m=0.1)
    np.testing.assert_allclose(found[:3, 3], [0.1, 0.2, 1.4], atol=1e-12)
    # Into the scene, and level: to the picture's left, which a camera that is held level sees as the horizon.
    np.testing.assert_allclose(found[:3, :3], np.diag([-1.0, -1.0, 1.0]), atol=1e-12)


@given(pose=poses())
def test_a_waypoint_is_upright_and_faces_the_place(pose: np.ndarray) -> None:
    target = transform_points(pose, [0.1, 0.2, 1.5])
    found = check_pose(waypoint_pose(reply(), pose, before_m=0.4))
    np.testing.assert_allclose(found[:3, 2], (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(found[:3, 3] + 0.4 * found[:3, 0], target, atol=1e-9)
    way = (target - pose[:3, 3])[:2]
    assume(np.linalg.norm(way) > 0.2 * np.linalg.norm([0.1, 0.2, 1.5]))
    np.testing.assert_allclose(found[:2, 0], way / np.linalg.norm(way), atol=1e-9)


def test_a_waypoint_stands_on_the_floor() -> None:
    found = waypoint_pose(reply(xyz=[0.0, 0.0, 1.0]), LOOKING_DOWN, before_m=0.5, floor_z=0.0)
    np.testing.assert_allclose(found[:3, 3], (0.5, -1 + math.cos(math.pi / 6) - 0.5, 0), atol=1e-12)
    np.testing.assert_allclose(found[:3, 0], (0, 1, 0), atol=1e-12)


def test_a_camera_that_looks_straight_down_faces_its_upper_edge() -> None:
    down = np.eye(4)
    down[:3, :3] = np.diag([1.0, -1.0, -1.0])
    found = waypoint_pose(reply(xyz=[0.0, 0.0, 1.0]), down)
    np.testing.assert_allclose(found[:3, 0], (0, 1, 0), atol=1e-12)


@given(pose=poses())
def test_quaternions_are_scipy_s(pose: np.ndarray) -> None:
    expected = Rotation.from_matrix(pose[:3, :3]).as_quat()
    found = quaternion_xyzw(pose)
    assert found[3] >= 0
    assert abs(abs(found @ expected) - 1) < 1e-9


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"points": [], "problem": "the model wrote nothing"}, "no point: the model wrote nothing"),
        (reply(xyz=None, reason="no depth was given"), "no place to go to: no depth was given"),
        (reply(valid=False, reason="depth edge"), "no place to go to: depth edge"),
    ],
)
def test_what_must_not_be_used_gives_no_pose(given: dict[str, Any], told: str) -> None:
    for refused in (usable_point, grasp_pose, lambda answer: waypoint_pose(answer, np.eye(4))):
        with pytest.raises(NotUsable) as caught:
            refused(given)
        assert str(caught.value) == told


def test_a_grasp_needs_a_normal() -> None:
    with pytest.raises(NotUsable, match="no surface normal at the point"):
        grasp_pose(reply(normal=None))


# ---- the question --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [np.full((48, 64), 1.2, np.float32), np.full((48, 64), 1200, np.uint16)])
def test_arrays_are_asked_about(server: str, depth: np.ndarray) -> None:
    with httpx.Client() as client:
        for _ in range(2):
            found = ask(
                IMAGE, "the red tomato", depth=depth, intrinsics=CAMERA, world_from_camera=np.eye(4), server=server,
                client=client,
            )  # fmt: skip
            assert found["points"][0]["xyz"] == list(XYZ)
            assert found["image_size"] == [64, 48]


def test_steps_are_asked_for(server: str) -> None:
    assert len(ask(IMAGE, "the space", reasoning=True, server=server)["steps"]) == 4


def test_the_server_s_refusal_is_told_in_its_words(server: str) -> None:
    with pytest.raises(RoboReferError, match="expected depth of the image's size 64x48, got 4x3"):
        ask(IMAGE, "the red tomato", depth=np.ones((3, 4), np.float32), server=server)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(RoboReferError, match=r"expected a server at http://127.0.0.1:9, got .*: start it with"):
        ask(IMAGE, "the red tomato", server="http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"cannot read no\.png: No such file or directory; check the path"):
        ask(Path("no.png"), "the red tomato")


def test_the_key_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(ScriptedPredictor(), api_keys=("open sesame",)) as address:
        with pytest.raises(RoboReferError, match="expected an API key"):
            ask(IMAGE, "the red tomato", server=address)
        monkeypatch.setenv("ROBOREFER_API_KEY", "open sesame")
        assert ask(IMAGE, "the red tomato", server=address)["points"]


def files(folder: Path) -> list[str]:
    """The shipped desk, as a command line names it."""
    desk = json.loads((SHIPPED / "index.json").read_text())["examples"][0]
    (folder / "camera.json").write_text(json.dumps(desk["intrinsics"]))
    (folder / "pose.json").write_text(json.dumps(desk["world_from_camera"]))
    names = ["--depth", str(SHIPPED / desk["depth"]), "--intrinsics", str(folder / "camera.json")]
    return [str(SHIPPED / desk["image"]), "the red tomato", *names, "--pose", str(folder / "pose.json")]


def test_the_command_prints_poses(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*files(tmp_path), "--server", server])
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert json.loads(lines["point in the camera frame"].removesuffix(" m")) == list(XYZ)
    check_pose(json.loads(lines["world_from_gripper"]))
    assert json.loads(lines["world_from_base"])[2] == [0, 0, 1, 0]


def test_the_command_says_what_is_missing(server: str, tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "black.png")
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "black.png"), "the red tomato", "--server", server])
    assert str(caught.value) == "error: no place to go to: no depth was given"
