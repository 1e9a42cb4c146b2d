"""``roborefer generate``: what it prints, what it writes, and what it says of what cannot be."""

from __future__ import annotations

import io
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from roborefer.cli import main as shell
from roborefer.refspatial import generation
from roborefer.refspatial.generation import GenerationSettings
from roborefer.refspatial.simulation.assets import AssetFolders

from ..refspatial.asked_scenes import made_up_scene  # noqa: TID252 - shared with the room that it stands in for
from ..refspatial.simulation.asset_folder import asset_folder  # noqa: TID252 - the same

SMALL = ("--size", "96x72", "--views", "1-2")


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> list[GenerationSettings]:
    """Made-up scenes in place of simulated ones; the settings that scenes were made with."""
    seen: list[GenerationSettings] = []

    def make_scene(settings: GenerationSettings, index: int) -> Any:
        seen.append(settings)
        return made_up_scene(settings, index)

    monkeypatch.setattr(generation, "generate", partial(generation.generate, make_scene=make_scene))
    return seen


def run(*arguments: str) -> Result:
    return CliRunner().invoke(shell.roborefer, ["generate", *arguments], catch_exceptions=False)


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        shell.main(["generate", *arguments])
    output = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, output.err


def test_a_folder_is_made_and_gone_on_with(tmp_path: Path, simulator: list[GenerationSettings]) -> None:
    folder = tmp_path / "sim"
    result = run("sim", "--scenes", "12", "--out", str(folder), "--seed", "3", *SMALL)
    assert result.exit_code == 0
    records = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    images = len(list((folder / "metric_depth").iterdir()))
    questions = sum(len(record["think"]) for record in records)
    assert result.output == f"{images} images, {questions} questions in {folder}\n"
    assert {len(json.loads(path.read_text())["views"]) for path in (folder / "scene").iterdir()} == {1, 2}
    assert simulator[0] == GenerationSettings(12, 3, ((96, 72),), (1, 2))
    (folder / "shards" / "shard_00001.jsonl").unlink()
    again = run("sim", "--scenes", "12", "--out", str(folder), "--seed", "3", *SMALL)
    assert again.output.endswith(f"questions (10 scenes were there) in {folder}\n")


def test_every_option_arrives(tmp_path: Path, simulator: list[GenerationSettings]) -> None:
    arguments = ["--size", "96x72", "--size", "72x96", "--views", "2", "--questions", "7", "--depth-picture", "linear"]
    arguments += ["--pictures", "jpg", "--demanding", "3"]
    result = run("sim", "--scenes", "1", "--out", str(tmp_path / "sim"), "--depth-sensor", "stereo", *arguments)
    assert result.exit_code == 0
    assert simulator[0] == GenerationSettings(1, 0, ((96, 72), (72, 96)), (2, 2), 7, 3, "stereo", "linear", "jpg")


def test_the_defaults_are_the_librarys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(generation, "generate", lambda folder, settings, **rest: seen.update(rest, settings=settings))
    assert run("sim", "--scenes", "5", "--out", str(tmp_path)).exit_code == 0
    assert seen["settings"] == GenerationSettings(5)
    assert (seen["workers"], seen["executor"]) == (1, "local")


def test_own_meshes_arrive(tmp_path: Path, simulator: list[GenerationSettings]) -> None:
    first, second = asset_folder(tmp_path / "first"), asset_folder(tmp_path / "second")
    arguments = ["--assets", str(first), "--assets", str(second), "--asset-share", "0.5", *SMALL]
    assert run("sim", "--scenes", "1", "--out", str(tmp_path / "sim"), *arguments).exit_code == 0
    assert simulator[0].assets == AssetFolders.of([first, second], 0.5)
    assert len(json.loads((tmp_path / "sim" / "licences.json").read_text(encoding="utf-8"))) == 6


def test_a_broken_mesh_is_one_line_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], simulator: list[GenerationSettings]
) -> None:
    meshes, out = asset_folder(tmp_path / "meshes"), tmp_path / "sim"
    (meshes / "radio.glb").write_bytes((meshes / "radio.glb").read_bytes()[:60])
    code, printed, error = run_main(capsys, "sim", "--scenes", "1", "--out", str(out), "--assets", str(meshes))
    assert (code, printed) == (2, "")
    assert (
        error == f"error: expected a whole GLB mesh, got a broken header in {meshes / 'radio.glb'}: export it again\n"
    )
    (meshes / "radio.json").unlink()
    assert run_main(capsys, "sim", "--scenes", "1", "--out", str(out), "--assets", str(meshes))[2] == (
        f"error: expected a sidecar {meshes / 'radio.json'} beside {meshes / 'radio.glb'}: "
        'write {"name": "mug", "licence": "CC0-1.0"} there\n'
    )
    assert run_main(capsys, "sim", "--scenes", "1", "--out", str(out), "--assets", str(tmp_path / "none"))[2] == (
        f"error: expected a folder of OBJ or GLB files, got {tmp_path / 'none'}: check the path\n"
    )
    assert not out.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("quiet", [False, True])
def test_the_bar_tells_speed_and_time_left(
    tmp_path: Path, simulator: list[GenerationSettings], monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    from roborefer.cli.generate import sim

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    arguments = ["--scenes", "12", "--out", str(tmp_path / "sim"), *SMALL]
    sim.main([*arguments, *(["--quiet"] if quiet else [])], standalone_mode=False)
    shown = terminal.getvalue()
    if quiet:
        assert shown == ""
    else:
        assert "12/12" in shown
        assert "images/s" in shown
        assert "questions/s" in shown
        assert "<" in shown  # elapsed<left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "640"), "expected a size such as 640x480, got '640': give width and height in pixels"),
        (("--size", "0x480"), "expected image sides of 64 to 4096 pixels, got 0x480"),
        (("--views", "a"), "expected views such as 2 or 1-4, got 'a': give the fewest and the most"),
        (("--views", "0-2"), "expected 1 to 4 views a scene, fewest first, got 0-2"),
        (("--workers", "0"), "expected workers of 1 or more, got 0"),
        (
            ("--asset-share", "0.5"),
            "expected --assets DIR with --asset-share, got none: name the folder of your meshes",
        ),
        (("--seed", "-1"), "expected seed of 0 or more, got -1"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    folder = tmp_path / "sim"
    assert run_main(capsys, "sim", "--scenes", "1", "--out", str(folder), *arguments) == (2, "", f"error: {message}\n")
    assert not folder.exists()


def test_the_help_names_all_depth_sensors() -> None:
    from roborefer.refspatial.simulation.depth_sensor import SENSORS

    shown = " ".join(run("sim", "--help").output.split())
    assert f"Depth as {', '.join(SENSORS)} gives it." in shown


def test_a_missing_driver_is_one_line_and_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moderngl = pytest.importorskip("moderngl")

    def none(**_: Any) -> None:  # moderngl raises no more than this
        raise Exception("requested device index 0, but found 0 devices")

    monkeypatch.setattr(moderngl, "create_context", none)
    message = (
        "error: expected an EGL driver with OpenGL 3.3 for rendering, got 'requested device index 0, but found 0 "
        "devices': apt install libegl1 libgl1-mesa-dri\n"
    )
    assert run_main(capsys, "sim", "--scenes", "1", "--out", str(tmp_path / "sim"), *SMALL) == (2, "", message)
    assert run_main(capsys, "bench", "--out", str(tmp_path / "bench")) == (2, "", message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "10x10"), "expected image sides of 64 to 4096 pixels, got 10x10"),
        (("--workers", "0"), "expected workers of 1 or more, got 0"),
        (("--location", "-1"), "expected questions for Location of 0 or more, got -1"),
    ],
)
def test_a_benchmark_that_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    folder = tmp_path / "bench"
    assert run_main(capsys, "bench", "--out", str(folder), *arguments) == (2, "", f"error: {message}\n")
    assert not list(tmp_path.iterdir())


def test_another_runs_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], simulator: list[GenerationSettings]
) -> None:
    arguments = ["sim", "--scenes", "1", "--out", str(tmp_path), *SMALL]
    assert run(*arguments).exit_code == 0
    code, out, err = run_main(capsys, *arguments, "--seed", "2")
    assert (code, out) == (2, "")
    assert err == (
        f"error: expected the settings of the run in {tmp_path}, got seed 2 where it has 0: "
        "give its settings to go on with it, or another --out\n"
    )


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("sim",), "error: Missing option '--scenes'; see roborefer generate sim --help"),
        (("sim", "--scenes", "1"), "error: Missing option '--out'; see roborefer generate sim --help"),
        (("bench",), "error: Missing option '--out'; see roborefer generate bench --help"),
        (("check",), "error: Missing argument 'FOLDER'; see roborefer generate check --help"),
        (("simulate",), "error: No such command 'simulate'"),
    ],
)
def test_misuse_is_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], start: str) -> None:
    code, out, err = run_main(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(start)
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["sim", "bench", "check"])
def test_help_ends_with_an_example(name: str) -> None:
    text = run(name, "--help").output
    assert text.splitlines()[-1].strip().startswith(f"roborefer generate {name} ")


def test_a_benchmark_is_made_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "bench"
    result = run(
        "bench", "--out", str(folder), "--location", "2", "--placement", "1", "--unseen", "0", "--size", "96x72"
    )
    assert result.exit_code == 0
    assert result.output == f"2 Location, 1 Placement, 0 Unseen questions in {folder}\n"
    checked = run("check", str(folder))
    assert checked.output == "sound: 15 files, 2 Location, 1 Placement, 0 Unseen\n"
    (folder / "Location" / "mask" / "0.png").unlink()
    code, out, _ = run_main(capsys, "check", str(folder))
    assert code == 1
    assert out.splitlines() == ["Location/mask/0.png: missing", "1 faults: 15 files, 2 Location, 1 Placement, 0 Unseen"]


def test_a_folder_of_something_else_cannot_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(capsys, "check", str(tmp_path)) == (
        2,
        "",
        f"error: expected a folder made by `roborefer generate`, got {tmp_path} without a manifest.json: "
        "name another folder\n",
    )
