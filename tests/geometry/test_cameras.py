"""Camera files of every kind give the same camera; projection and unprojection undo each other."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.geometry.cameras import (
    check_fits,
    field_of_view,
    intrinsics_from_fov,
    intrinsics_from_json,
    pixel_centers,
    project,
    read_intrinsics,
    scale_intrinsics,
    to_json,
    unproject,
)
from roborefer.structures import Intrinsics

# OpenCV's numbers, with the centre of the first pixel at (0, 0), and the same camera in ours
FX, FY, CX, CY = 525.0, 526.0, 319.5, 239.5
CAMERA = Intrinsics(FX, FY, 320.0, 240.0, 640, 480)
ROWS = [FX, 0.0, CX, 0.0, FY, CY, 0.0, 0.0, 1.0]
COLUMNS = [FX, 0.0, 0.0, 0.0, FY, 0.0, CX, CY, 1.0]

ROS_CALIBRATION = f"""%YAML:1.0
---
image_width: 640
image_height: 480
camera_name: wrist
camera_matrix:
  rows: 3
  cols: 3
  data: {ROWS}
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.0, 0, 0.0, 0.0, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [500.0, 0.0, 300.5, 0.0, 0.0, 501.0, 200.5, 0.0, 0.0, 0.0, 1.0, 0.0]
"""
ROS1_TOPIC = f"""header:
  seq: 1
  frame_id: "camera_color_optical_frame"
height: 480
width: 640
distortion_model: "plumb_bob"
D: [0.0, 0.0, 0.0, 0.0, 0.0]
K: {ROWS}
R: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
P: [500.0, 0.0, 300.5, 0.0, 0.0, 501.0, 200.5, 0.0, 0.0, 0.0, 1.0, 0.0]
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: False
---
"""
ROS2_TOPIC = "height: 480\nwidth: 640\nd: []\nk:\n" + "".join(f"- {value}\n" for value in ROWS) + "---\n"
OPENCV = f"""%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: {ROWS}
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ 0., 0., 0., 0., 0. ]
"""
SIZE = {"width": 640, "height": 480}
REALSENSE = {
    **SIZE,
    "fx": FX,
    "fy": FY,
    "ppx": CX,
    "ppy": CY,
    "model": "distortion.inverse_brown_conrady",
    "coeffs": [0, 0, 0, 0, 0],
}
FILES = {
    "ours": json.dumps(to_json(CAMERA)),
    "plain": json.dumps({**SIZE, "fx": FX, "fy": FY, "cx": 320.0, "cy": 240.0}),
    "OpenCV's centres": json.dumps({**SIZE, "fx": FX, "fy": FY, "cx": CX, "cy": CY, "pixel_center": 0}),
    "K": json.dumps({**SIZE, "K": ROWS}),
    "nested K": json.dumps({**SIZE, "K": [ROWS[:3], ROWS[3:6], ROWS[6:]]}),
    "camera_matrix": json.dumps({**SIZE, "camera_matrix": {"data": ROWS}}),
    "ROS calibration": ROS_CALIBRATION,
    "ROS 1 topic": ROS1_TOPIC,
    "ROS 2 topic": ROS2_TOPIC,
    "OpenCV": OPENCV,
    "RealSense": json.dumps(REALSENSE),
    "RealSense, colour": json.dumps({"color": REALSENSE, "depth_scale": 0.001}),
    "RealSense, printed": "[ 640x480  p[319.5 239.5]  f[525 526]  Inverse Brown Conrady [0 0 0 0 0] ]",
    "RealSense, printed long ago": (
        "width: 640, height: 480, ppx: 319.5, ppy: 239.5, fx: 525.0, fy: 526.0, model: Brown Conrady, "
        "coeffs: [0.0, 0.0, 0.0, 0.0, 0.0]"
    ),
    "Open3D": json.dumps({**SIZE, "intrinsic_matrix": COLUMNS}),
    "Open3D, camera parameters": json.dumps(
        {
            "class_name": "PinholeCameraParameters",
            "extrinsic": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
            "intrinsic": {**SIZE, "intrinsic_matrix": COLUMNS},
        }
    ),
}
BARE = {
    "rows": json.dumps([ROWS[:3], ROWS[3:6], ROWS[6:]]),
    "flat": json.dumps({"K": ROWS}),
    "text": "525 0 319.5\n0 526 239.5\n0 0 1\n",
    "4x4 text": "525 0 319.5 0\n0 526 239.5 0\n0 0 1 0\n0 0 0 1",
}


def read(folder: Path, text: str, **options: object) -> Intrinsics:
    path = folder / "camera"
    path.write_text(text)
    return read_intrinsics(path, **options)  # type: ignore[arg-type]


def refusal(folder: Path, text: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "")


@pytest.mark.parametrize("form", FILES)
def test_every_form_is_the_same_camera(tmp_path: Path, form: str) -> None:
    assert read(tmp_path, FILES[form]) == CAMERA


@pytest.mark.parametrize("form", BARE)
def test_matrix_without_a_size(tmp_path: Path, form: str) -> None:
    assert read(tmp_path, BARE[form], image_size=(640, 480)) == CAMERA
    assert refusal(tmp_path, BARE[form]) == (
        "expected the image's width and height beside the intrinsics, got none in /camera: add them"
    )


def test_numbers_that_yaml_reads_as_text(tmp_path: Path) -> None:
    text = ROS2_TOPIC.replace("525.0", "5.25e2").replace("d: []", "d:\n- 0e0\n- -0.0")
    assert read(tmp_path, text) == CAMERA


def test_distortion_is_not_ignored_silently(tmp_path: Path) -> None:
    for text in (
        ROS_CALIBRATION.replace("data: [0.0, 0, ", "data: [0.1, 0, "),
        ROS1_TOPIC.replace("D: [0.0,", "D: [1e-05,"),
        json.dumps({**REALSENSE, "coeffs": [0, 0.2, 0, 0, 0]}),
        FILES["RealSense, printed"].replace("[0 0", "[0.1 0"),
    ):
        with pytest.warns(UserWarning, match=r"^lens distortion in ") as caught:
            assert read(tmp_path, text) == CAMERA
        assert str(caught[0].message) == (
            f"lens distortion in {tmp_path / 'camera'} is ignored: rectify the image first"
        )
        assert caught[0].filename == __file__


def test_rectified_camera(tmp_path: Path) -> None:
    text = ROS_CALIBRATION.replace("data: [0.0, 0, ", "data: [0.1, 0, ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path, text, rectified=True) == Intrinsics(500, 501, 301, 201, 640, 480)
    assert refusal(tmp_path, FILES["K"], rectified=True) == (
        "expected a projection_matrix for rectified images, got none in /camera: leave rectified out"
    )


def test_files_that_are_no_camera(tmp_path: Path) -> None:
    uncalibrated = "got a camera that is not calibrated (K[0] is 0) in /camera: calibrate it, or give its field of view"
    assert refusal(tmp_path, json.dumps({**SIZE, "K": [0.0] * 9})) == uncalibrated
    assert refusal(tmp_path, json.dumps({**SIZE, "fx": 0, "fy": 1, "cx": 0, "cy": 0})) == uncalibrated
    known = (
        "expected a camera (fx, fy, cx, cy, width and height; a ROS CameraInfo; a RealSense or Open3D intrinsic; "
        "or a 3x3 matrix K), got "
    )
    assert refusal(tmp_path, json.dumps({**SIZE, "focal": 1})) == known + "keys focal, height, width in /camera"
    assert refusal(tmp_path, '"hello"') == known + "str in /camera"
    assert refusal(tmp_path, "a: [1").startswith("expected a camera as JSON or YAML, got while parsing ")
    assert refusal(tmp_path, "!!python/object/apply:os.system ['true']").startswith("expected a camera as JSON or YAML")
    assert refusal(tmp_path, json.dumps({**SIZE, "K": [1, 2]})) == (
        "expected a camera matrix of 9 numbers, got 2 in /camera"
    )
    assert refusal(tmp_path, json.dumps({**SIZE, "K": [2, 1, 0, 0, 2, 0, 0, 0, 1]})) == (
        "expected a camera matrix [fx 0 cx; 0 fy cy; 0 0 1], got 2, 1, 0, 0, 2, 0, 0, 0, 1 in /camera: "
        "skew and other matrices are not supported"
    )
    assert refusal(tmp_path, json.dumps({**SIZE, "K": "no"})) == "expected a list of numbers, got str in /camera"
    plain = {**SIZE, "fx": 500, "fy": 500, "cx": 320, "cy": 240}
    assert refusal(tmp_path, json.dumps({**plain, "fx": "wide"})) == (
        "expected a finite number for fx, got 'wide' in /camera"
    )
    assert refusal(tmp_path, json.dumps({**plain, "cy": float("nan")})) == (
        "expected a finite number for cy, got 'nan' in /camera"
    )
    assert refusal(tmp_path, json.dumps({**plain, "width": 640.5})) == (
        "expected a width and height in pixels, got 640.5x480 in /camera"
    )
    assert refusal(tmp_path, json.dumps({**plain, "pixel_center": 1})) == (
        "expected pixel_center 0.5 (ours) or 0 (OpenCV's), got 1 in /camera"
    )
    assert refusal(tmp_path, ROS1_TOPIC.replace("binning_x: 0", "binning_x: 2")) == (
        "expected a camera of the whole image, got binning or a region of interest in /camera: "
        "write down the intrinsics of the image that you have"
    )
    assert refusal(tmp_path, json.dumps({**plain, "fx": -500})).startswith(
        "/camera: expected positive focal lengths in pixels, got fx -500, "
    )
    assert refusal(tmp_path, "[" * 5000).startswith("expected a camera")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no such file: .*none\.json; check the path$"):
        read_intrinsics(tmp_path / "none.json")
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"^expected a text file \(JSON or YAML\), got binary data in "):
        read_intrinsics(path)
    path.write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(InputError, match=r"^expected a camera or pose file of at most 1 MiB, got more in "):
        read_intrinsics(path)


def test_check_fits() -> None:
    check_fits(CAMERA, (640, 480))
    cases = {
        (CAMERA, (1280, 720)): (
            "expected intrinsics for the image's size 1280x720, got them for 640x480: pass that camera mode's "
            "intrinsics, or use scale_intrinsics if the image was resized"
        ),
        (Intrinsics(500, 500, 900, 240, 640, 480), (640, 480)): (
            "expected a principal point inside the 640x480 image, got (900, 240): "
            "these intrinsics are for another image size or crop"
        ),
        (Intrinsics(0, 500, 320, 240, 640, 480), (640, 480)): (
            "expected positive focal lengths in pixels, got fx 0, fy 500, cx 320, cy 240: "
            "calibrate the camera, or pass its field of view"
        ),
        (Intrinsics(1.2, 1.2, 320, 240, 640, 480), (640, 480)): (
            "expected a horizontal field of view of 1 to 175 degrees, got 180 from fx 1.2, fy 1.2 at 640x480: "
            "give focal lengths in pixels of this image"
        ),
    }
    for (intrinsics, size), message in cases.items():
        with pytest.raises(InputError) as caught:
            check_fits(intrinsics, size)
        assert str(caught.value) == message


def test_field_of_view() -> None:
    camera = intrinsics_from_fov(90, (640, 480))
    assert camera == Intrinsics(pytest.approx(320), pytest.approx(320), 320, 240, 640, 480)
    assert field_of_view(camera)[0] == pytest.approx(90)
    assert field_of_view(intrinsics_from_fov(40, (640, 480), "vertical"))[1] == pytest.approx(40)
    for wrong in (0.0, 180.0, float("nan")):
        with pytest.raises(InputError) as caught:
            intrinsics_from_fov(wrong, (640, 480))
        assert str(caught.value) == (
            f"expected a field of view of 1 to 175 degrees, got {wrong:g}: give the full angle in degrees"
        )
    with pytest.raises(InputError, match=r"^expected the axis horizontal or vertical, got 'diagonal'$"):
        intrinsics_from_fov(60, (640, 480), "diagonal")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^expected an image size of at least 1x1, got 0x480$"):
        intrinsics_from_fov(60, (0, 480))


def test_worked_projection() -> None:
    # one metre ahead and a tenth to the right: 525 * 0.1 + 320 = 372.5, the centre of column 372
    np.testing.assert_allclose(project([0.1, 0.0, 1.0], CAMERA), [372.5, 240.0])
    np.testing.assert_allclose(unproject([372.5, 240.0], 1.0, CAMERA), [0.1, 0.0, 1.0])
    assert np.isnan(project([[0, 0, 0], [0, 0, -1]], CAMERA)).all()
    assert unproject(pixel_centers((4, 3)), np.ones((3, 4)), CAMERA).shape == (3, 4, 3)
    with pytest.raises(InputError, match=r"^xyz: expected shape \(\.\.\., 3\), got \(2,\)$"):
        project([1.0, 2.0], CAMERA)
    with pytest.raises(InputError, match=r"^pixels: expected shape \(\.\.\., 2\), got \(\)$"):
        unproject(1.0, 1.0, CAMERA)


cameras = st.builds(
    Intrinsics,
    st.floats(50, 5000),
    st.floats(50, 5000),
    st.floats(0, 640),
    st.floats(0, 480),
    st.just(640),
    st.just(480),
)


@given(cameras, st.floats(0, 640), st.floats(0, 480), st.floats(0.05, 100), st.sampled_from([(320, 240), (1920, 1440)]))
@settings(max_examples=60, deadline=None)
def test_projection_undoes_unprojection(
    camera: Intrinsics, u: float, v: float, z: float, size: tuple[int, int]
) -> None:
    xyz = unproject((u, v), z, camera)
    assert xyz[2] == z
    np.testing.assert_allclose(project(xyz, camera), (u, v), atol=1e-9)
    # A resized image shows the same point at the same fraction of its size.
    resized = project(xyz, scale_intrinsics(camera, size))
    np.testing.assert_allclose(resized / size, np.array((u, v)) / (640, 480), atol=1e-9)


@given(cameras)
@settings(max_examples=30, deadline=None)
def test_our_own_form_loses_nothing(tmp_path_factory: pytest.TempPathFactory, camera: Intrinsics) -> None:
    assert read(tmp_path_factory.mktemp("camera"), json.dumps(to_json(camera))) == camera
    assert intrinsics_from_json(to_json(camera), "here") == camera
    back = scale_intrinsics(scale_intrinsics(camera, (1280, 960)), (640, 480))
    assert back == camera  # doubling and halving are exact


def test_a_camera_within_other_json_is_called_by_its_place() -> None:
    with pytest.raises(InputError, match=r"got keys fx in question\.json line 3"):
        intrinsics_from_json({"fx": 1.0}, "question.json line 3", image_size=(640, 480))
    matrix = {"K": [500, 0, 319.5, 0, 500, 239.5, 0, 0, 1]}
    assert intrinsics_from_json(matrix, "here", image_size=(640, 480)) == Intrinsics(500, 500, 320, 240, 640, 480)
