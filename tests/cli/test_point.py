"""``roborefer point``: what it prints, what it writes, and what it says of input that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import roborefer as package
from roborefer.cli import main as shell
from roborefer.structures import Anchor, Point, Prediction, Step

SIZE = (64, 48)


class FakeEncoded:
    """What a model has seen: only the depth is read by the command."""

    def __init__(self, depth: Any) -> None:
        self.depth = depth


class FakePredictor:
    """Answers with the prediction that a test sets, and keeps what it was called with."""

    def __init__(self) -> None:
        self.answer = Prediction((Point(0.25, 0.5),), SIZE, "[(0.250, 0.500)]")
        self.calls: dict[str, Any] = {}

    def load(self, *arguments: Any, **options: Any) -> FakePredictor:
        self.calls["load"] = (arguments, options)
        return self

    def encode_image(self, image: Image.Image, depth: Any) -> FakeEncoded:
        self.calls["encode_image"] = (image, depth)
        return FakeEncoded(None if isinstance(depth, str) else depth)

    def point(self, encoded: FakeEncoded, instruction: str, **options: Any) -> Prediction:
        self.calls["point"] = (instruction, options)
        return self.answer


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    fake = FakePredictor()
    monkeypatch.setattr(package, "load", fake.load, raising=False)
    return fake


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, with an image, its depth, its camera and a pose."""
    Image.new("RGB", SIZE, (90, 60, 30)).save(tmp_path / "image.png")
    np.save(tmp_path / "depth.npy", np.full((SIZE[1], SIZE[0]), 1.5, np.float32))
    Image.fromarray(np.full((SIZE[1], SIZE[0]), 1500, np.uint16)).save(tmp_path / "depth.png")
    camera = {"fx": 60, "fy": 60, "cx": 32, "cy": 24, "width": SIZE[0], "height": SIZE[1]}
    (tmp_path / "camera.json").write_text(json.dumps(camera), encoding="utf-8")
    (tmp_path / "pose.json").write_text(json.dumps(np.eye(4).tolist()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(shell.roborefer, ["point", *arguments])


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        shell.main(["point", *arguments])
    output = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, output.err


# ---- what it prints --------------------------------------------------------------------------------------------


def test_text_without_depth(files: Path, model: FakePredictor) -> None:
    result = run("image.png", "the cup")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "point    0.250, 0.500 of the image",
        "pixel    16.0, 24.0 of 64x48",
        "xyz      no 3D: give --depth or --estimate-depth, and --intrinsics or --fov",
    ]
    assert result.stderr == ""


def test_text_with_everything(files: Path, model: FakePredictor) -> None:
    model.answer = Prediction(
        (Point(0.25, 0.5, "the\x1b cup"), Point(0.5, 0.5)),
        SIZE,
        "raw",
        steps=(Step("Position", "the plate", Point(0.1, 0.2)), Step("Size", "the plate", 0.2)),
        anchors=(
            Anchor((0.1, 0.2, 1.5), "sensor", True, depth_m=1.5, normal=(0, 0, -1), world_xyz=(1, 2, 3)),
            Anchor(None, "sensor", False, "no depth near the point"),
        ),
        problem="left out 'xyz'",
        notes=("untrained weights",),
    )
    result = run("image.png", "the cup", "--depth", "depth.png", "--fov", "60")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "point    0.250, 0.500 of the image  (the\\x1b cup)",
        "pixel    16.0, 24.0 of 64x48",
        "xyz      0.100, 0.200, 1.500 m (sensor)",
        "world    1.000, 2.000, 3.000 m",
        "normal   +0.00, +0.00, -1.00",
        "point    0.500, 0.500 of the image",
        "pixel    32.0, 24.0 of 64x48",
        "xyz      no 3D: no depth near the point",
        "step 1   [Position] the plate: 0.100, 0.200",
        "step 2   [Size] the plate: 0.2 m",
        "problem  left out 'xyz'",
        "text     raw",
        "note     untrained weights",
    ]


def test_where_the_model_looked_goes_beside_the_picture(files: Path, model: FakePredictor) -> None:
    heatmap = np.zeros((4, 4), np.float32)
    heatmap[2, 1] = 1.0
    rivals = (Point(0.75, 0.25, score=0.1),)
    model.answer = Prediction((Point(0.25, 0.5, score=0.8),), SIZE, "raw", rivals=rivals, heatmap=heatmap)
    result = run("image.png", "the cup", "--heatmap")
    assert result.exit_code == 0
    assert "score    0.80" in result.stdout.splitlines()
    assert result.stdout.splitlines()[-1] == "picture  heatmap.png"
    run("image.png", "the cup", "--output", "out.png")
    with Image.open(files / "heatmap.png") as wide, Image.open(files / "out.png") as plain:
        assert wide.width == 2 * plain.width


def test_a_model_without_a_point_head_has_no_heatmap(
    files: Path, model: FakePredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run_main(capsys, "image.png", "the cup", "--heatmap")
    assert code == 2
    assert err == (
        "error: expected a model with a point head for --heatmap, got one that writes coordinates as text: "
        "leave --heatmap out\n"
    )
    assert not (files / "heatmap.png").exists()


def test_no_point_is_exit_code_1_and_shows_the_text(files: Path, model: FakePredictor) -> None:
    model.answer = Prediction((), SIZE, "I see\nno cup", problem="no point could be read")
    result = run("image.png", "the cup", "--output", "out.png")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "point    none: the model's text has no point that can be read",
        "problem  no point could be read",
        "text     I see\\nno cup",
        "picture  out.png",
    ]
    assert (files / "out.png").exists()


def test_json_is_one_document_and_notes_go_to_stderr(files: Path, model: FakePredictor) -> None:
    model.answer = Prediction((Point(0.25, 0.5),), SIZE, "raw", notes=("untrained weights",))
    result = run("image.png", "the cup", "--json", "-o", "out.png")
    reply = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert reply == json.loads(json.dumps(model.answer.to_dict())) | {
        "image": "image.png",
        "instruction": "the cup",
        "output": "out.png",
    }
    assert result.stderr == "note: untrained weights\n"
    assert run("image.png", "the cup", "--json", "--quiet").stderr == ""


def test_json_of_no_point_is_exit_code_1(files: Path, model: FakePredictor) -> None:
    model.answer = Prediction((), SIZE, "", problem="the model wrote nothing")
    result = run("image.png", "the cup", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["parsed"] is False


# ---- what it passes on -----------------------------------------------------------------------------------------


def test_everything_given_reaches_the_model(files: Path, model: FakePredictor) -> None:
    options = "--depth depth.npy --intrinsics camera.json --pose pose.json --model folder --device cpu"
    options += " --dtype bfloat16 --quantize int8 --reasoning"
    assert run("image.png", "the cup", *options.split()).exit_code == 0
    (name, device, dtype), load_options = model.calls["load"]
    assert (name, device, dtype, load_options["quantize"]) == ("folder", "cpu", "bfloat16", "int8")
    image, depth = model.calls["encode_image"]
    assert image.size == SIZE
    assert np.unique(depth.metres) == np.float32(1.5)
    instruction, point_options = model.calls["point"]
    assert instruction == "the cup"
    assert point_options["intrinsics"].fx == 60
    assert point_options["reasoning"] is True
    assert (point_options["world_from_camera"] == np.eye(4)).all()


def test_depth_scale_and_field_of_view(files: Path, model: FakePredictor) -> None:
    assert run("image.png", "cup", "--depth", "depth.png", "--depth-scale", "0.002", "--fov", "90").exit_code == 0
    assert model.calls["encode_image"][1].metres[0, 0] == 3
    assert model.calls["point"][1]["intrinsics"].fx == pytest.approx(32)


@pytest.mark.parametrize(
    ("options", "depth_model"), [(["--estimate-depth"], None), (["--depth-model", "folder"], "folder")]
)
def test_depth_is_estimated_on_request(
    files: Path, model: FakePredictor, options: list[str], depth_model: str | None
) -> None:
    assert run("image.png", "cup", *options).exit_code == 0
    assert model.calls["encode_image"][1] == "estimate"
    assert model.calls["load"][1]["depth_model"] == depth_model


def test_the_picture_shows_the_image_and_the_depth(files: Path, model: FakePredictor) -> None:
    (files / "out.png").write_bytes(b"an older picture")
    result = run("image.png", "cup", "--depth", "depth.png", "--output", "out.png")
    assert result.stdout.splitlines()[-1] == "picture  out.png"
    with Image.open(files / "out.png") as drawn:
        assert drawn.width == 2 * 8 * SIZE[0]
    assert sorted(path.name for path in files.iterdir() if path.suffix == ".png") == [
        "depth.png",
        "image.png",
        "out.png",
    ]


# ---- what cannot be used ---------------------------------------------------------------------------------------


BAD_INPUT = [
    ("no.png cup", "no such file: no.png; check the path"),
    (". cup", "expected a file, got the directory .: name one file in it"),
    (
        "camera.json cup",
        "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else in camera.json: "
        "check that it is what its name says",
    ),
    (
        "depth.png cup",
        "expected an 8-bit picture, got mode I;16 in depth.png, which looks like depth: "
        "pass it as depth, or convert it to 8 bit",
    ),
    (
        "image.png BLANK",
        "expected an instruction such as 'the cup behind the plate', got an empty one: say what to point at",
    ),
    ("image.png cup --depth no.npy", "no such file: no.npy; check the path"),
    (
        "image.png cup --depth small.npy",
        "expected depth of the image's size 64x48, got 32x24: register the depth to the colour image first "
        "(rs.align in librealsense, depth_image_proc/register in ROS)",
    ),
    (
        "image.png cup --depth zero.npy",
        "no valid depth in zero.npy: all 3072 pixels are zero, NaN or infinite; check the sensor, or leave depth out",
    ),
    (
        "image.png cup --depth negative.npy",
        "expected depth >= 0, got 3072 negative pixels (minimum -1) in negative.npy: "
        "set unknown pixels to 0, or flip the sign of the z axis",
    ),
    (
        "image.png cup --depth depth.png --estimate-depth",
        "expected one of --depth and --estimate-depth, got both: leave one out",
    ),
    (
        "image.png cup --depth-scale 0.001",
        "expected --depth with --depth-scale, got no depth file: give one, or leave the scale out",
    ),
    (
        "image.png cup --intrinsics camera.json --fov 60",
        "expected one of --intrinsics and --fov, got both: leave one out",
    ),
    ("image.png cup --intrinsics no.json", "no such file: no.json; check the path"),
    (
        "image.png cup --intrinsics large.json",
        "expected intrinsics for the image's size 64x48, got them for 640x480: pass that camera mode's intrinsics, "
        "or use scale_intrinsics if the image was resized",
    ),
    ("image.png cup --pose image.png", None),
    ("image.png cup --fov 200", None),
    (
        "image.png cup --output out.gif",
        "expected a picture's name (.png, .jpg, .jpeg, .webp), got out.gif: add one of these",
    ),
    ("image.png cup --output no/out.png", "expected an existing folder for no/out.png, got no: make it first"),
    (
        "image.png cup --output image.png",
        "expected a new file for the picture, got image.png, which is an input: choose another name",
    ),
    (
        "image.png cup --depth depth.png --output ./depth.png",
        "expected a new file for the picture, got depth.png, which is an input: choose another name",
    ),
]


@pytest.mark.parametrize(("line", "message"), BAD_INPUT, ids=[line for line, _ in BAD_INPUT])
@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["text", "json"])
def test_bad_input_is_one_line_before_the_model_is_loaded(
    files: Path,
    model: FakePredictor,
    capsys: pytest.CaptureFixture[str],
    line: str,
    message: str | None,
    extra: list[str],
) -> None:
    shape = (SIZE[1], SIZE[0])
    np.save(files / "small.npy", np.ones((24, 32), np.float32))
    np.save(files / "zero.npy", np.zeros(shape, np.float32))
    np.save(files / "negative.npy", np.full(shape, -1, np.float32))
    camera = {"fx": 600, "fy": 600, "cx": 320, "cy": 240, "width": 640, "height": 480}
    (files / "large.json").write_text(json.dumps(camera), encoding="utf-8")
    before = {path: path.read_bytes() for path in files.iterdir()}
    arguments = [" " if word == "BLANK" else word for word in line.split()]
    if "--output" not in arguments:
        arguments += ["--output", "out.png"]

    code, out, err = run_main(capsys, *arguments, *extra)

    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    if message is not None:
        assert err == f"error: {message}\n"
    assert model.calls == {}
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_a_warning_is_one_line(files: Path, model: FakePredictor, capsys: pytest.CaptureFixture[str]) -> None:
    camera = {"fx": 60, "fy": 60, "ppx": 32, "ppy": 24, "width": 64, "height": 48, "coeffs": [0.1, 0, 0, 0, 0]}
    (files / "lens.json").write_text(json.dumps(camera), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        code, _, err = run_main(capsys, "image.png", "cup", "--intrinsics", "lens.json")
    assert code == 0
    assert err == "warning: lens distortion in lens.json is ignored: rectify the image first\n"


# ---- with the packaged model -----------------------------------------------------------------------------------


def test_the_packaged_model_points_and_draws(files: Path) -> None:
    command = [sys.executable, "-m", "roborefer", "point", "image.png", "the cup", "--depth", "depth.png"]
    command += ["--intrinsics", "camera.json", "--pose", "pose.json", "--json", "--output", "out.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    (point,) = reply["points"]
    assert point["xyz"][2] == pytest.approx(1.5)
    assert point["world_xyz"] == pytest.approx(point["xyz"])
    assert point["valid"] is True
    assert (files / "out.png").exists()


@pytest.mark.parametrize(
    ("model_name", "message"), [("no-such-folder", "no-such-folder"), ("empty", "empty"), ("image.png", "image.png")]
)
def test_a_checkpoint_that_is_none_is_one_line(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    model_name: str,
    message: str,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (files / "empty").mkdir()
    code, out, err = run_main(capsys, "image.png", "cup", "--output", "out.png", "--model", model_name)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (files / "out.png").exists()
