"""Runs: the same bytes whoever makes them, killed and gone on with, and refused where they cannot be written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roborefer.errors import InputError
from roborefer.refspatial import generation
from roborefer.refspatial.generation import GenerationSettings, ShardResult, generate
from roborefer.refspatial.run_folder import METADATA, read_records
from roborefer.refspatial.writer import AskedScene

from .asked_scenes import made_up_scene

ROOT = Path(__file__).parents[2]
SETTINGS = GenerationSettings(7, 3, ((96, 72), (72, 96)), views=(1, 2), scenes_per_shard=2)

# A run in a process of its own, as a user starts it: it can be killed, and it can spawn workers.
SCRIPT = """
import sys, time
from pathlib import Path
from roborefer.refspatial.generation import GenerationSettings, generate
from tests.refspatial.asked_scenes import made_up_scene

def slow_scene(settings, index):
    time.sleep(float(sys.argv[3]))
    return made_up_scene(settings, index)

if __name__ == "__main__":
    settings = GenerationSettings(7, 3, ((96, 72), (72, 96)), views=(1, 2), scenes_per_shard=2)
    make_scene = slow_scene if float(sys.argv[3]) else made_up_scene
    generate(Path(sys.argv[1]), settings, workers=int(sys.argv[2]), make_scene=make_scene)
"""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path within the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    generate(folder, SETTINGS, make_scene=made_up_scene)
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """Starts a run in a process of its own: ``start(folder, workers, pause)``."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")

    def run(folder: Path, workers: int, pause: float = 0.0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(script), str(folder), str(workers), str(pause)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return run


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


# ---- what is made ----------------------------------------------------------------------------------------------


def test_a_run_makes_every_scene_once(whole: Path) -> None:
    records = list(read_records(whole))
    assert {record["scene"] for record in records} == {f"{index:06d}.json" for index in range(7)}
    assert len({record["id"] for record in records}) == len(records)
    assert [record["scene"] for record in records] == sorted(record["scene"] for record in records)
    metadata = json.loads((whole / METADATA).read_text(encoding="utf-8"))
    assert [entry["id"] for entry in metadata] == [record["id"] for record in records]
    for record in records:
        assert all((whole / "image" / name).is_file() for name in record["image"])
        assert all((whole / "depth" / name).is_file() for name in record["depth"])
        assert all((whole / "metric_depth" / name).is_file() for name in record["metric_depth"])
        assert (whole / "scene" / record["scene"]).is_file()


def test_two_workers_make_the_same_bytes_as_one(whole: Path, tmp_path: Path, start: Any) -> None:
    finish(start(tmp_path / "two", 2))
    assert digests(tmp_path / "two") == digests(whole)


def test_another_seed_makes_other_bytes(whole: Path, tmp_path: Path) -> None:
    other = GenerationSettings(**{**vars(SETTINGS), "seed": 4})
    generate(tmp_path, other, make_scene=made_up_scene)
    ours, theirs = digests(whole), digests(tmp_path)
    assert ours["scene/000000.json"] != theirs["scene/000000.json"]
    assert ours["image/000000_0.png"] != theirs["image/000000_0.png"]


def test_a_shard_speaks_of_its_own_scenes_only() -> None:
    settings = GenerationSettings(25, scenes_per_shard=10)
    assert settings.shards == 3
    assert [len(settings.scenes_of_shard(shard)) for shard in range(3)] == [10, 10, 5]
    assert [*settings.scenes_of_shard(2)] == [20, 21, 22, 23, 24]


# ---- killed and started again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    whole: Path, tmp_path: Path, start: Any, workers: int
) -> None:
    folder = tmp_path / "run"
    for shards in (1, 2):
        process = start(folder, workers, 0.15)
        deadline = time.monotonic() + 60
        while len(list(folder.glob("shards/shard_*.jsonl"))) < shards and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert not (folder / METADATA).exists()
    done = {path: path.stat().st_mtime_ns for path in folder.glob("shards/shard_*.jsonl")}
    assert len(done) >= 2
    finish(start(folder, workers))
    assert digests(folder) == digests(whole)
    assert all(path.stat().st_mtime_ns == moment for path, moment in done.items())


def test_workers_end_when_the_run_is_killed(tmp_path: Path, start: Any) -> None:
    psutil = pytest.importorskip("psutil")
    folder = tmp_path / "run"
    process = start(folder, 2, 0.3)
    while not list(folder.glob("image/*.png")):
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive


def test_a_kill_while_a_file_is_written_leaves_nothing_that_counts(whole: Path, tmp_path: Path) -> None:
    def stop_in_scene(settings: GenerationSettings, index: int) -> AskedScene:
        if index == 3:
            raise KeyboardInterrupt
        return made_up_scene(settings, index)

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, SETTINGS, make_scene=stop_in_scene)
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["shard_00000.jsonl"]
    (tmp_path / "image" / "000003_0.png").write_bytes(b"half")
    (tmp_path / "image" / ".000003_0.png.part").write_bytes(b"half")
    started: list[int] = []
    results: list[ShardResult] = []
    generate(tmp_path, SETTINGS, make_scene=made_up_scene, on_start=started.append, on_shard=results.append)
    assert started == [2]
    assert [result.shard for result in results] == [1, 2, 3]
    assert sum(result.scenes for result in results) == 5
    assert digests(tmp_path) == digests(whole)


def test_a_finished_run_is_left_as_it_is(whole: Path) -> None:
    before = digests(whole)

    def never(settings: GenerationSettings, index: int) -> AskedScene:
        raise AssertionError

    generate(whole, SETTINGS, make_scene=never)
    assert digests(whole) == before


# ---- what cannot be ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = Path.replace, []

    def full(path: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(InputError) as caught:
            generate(tmp_path, SETTINGS, make_scene=made_up_scene)
    assert str(caught.value) == (
        f"cannot write {calls[20]}: No space left on device; make room on the disk and run the same command again"
    )
    assert not list(tmp_path.rglob("*.part"))
    generate(tmp_path, SETTINGS, make_scene=made_up_scene)
    assert digests(tmp_path) == digests(whole)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scenes": 0}, "expected scenes of 1 or more, got 0"),
        ({"seed": -1}, "expected seed of 0 or more, got -1"),
        ({"questions": 0}, "expected questions of 1 or more, got 0"),
        ({"demanding": -1}, "expected demanding questions of 0 or more, got -1"),
        ({"scenes_per_shard": 0}, "expected scenes per shard of 1 or more, got 0"),
        ({"views": (0, 2)}, "expected 1 to 4 views a scene, fewest first, got 0-2"),
        ({"views": (3, 2)}, "expected 1 to 4 views a scene, fewest first, got 3-2"),
        ({"views": (1, 5)}, "expected 1 to 4 views a scene, fewest first, got 1-5"),
        ({"image_sizes": ((640, 48),)}, "expected image sides of 64 to 4096 pixels, got 640x48"),
        ({"image_sizes": ((5000, 480),)}, "expected image sides of 64 to 4096 pixels, got 5000x480"),
        ({"depth_sensor": "laser"}, "expected a depth sensor of stereo, structured_light, time_of_flight, got 'laser'"),
        ({"image_sizes": ()}, "expected at least one image size such as 640x480, got none"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        GenerationSettings(**{"scenes": 1, **settings})
    assert str(caught.value) == message


def test_no_workers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected workers of 1 or more, got 0$"):
        generate(tmp_path / "new", SETTINGS, workers=0)
    assert not (tmp_path / "new").exists()


def test_settings_survive_the_manifest() -> None:
    content = SETTINGS.to_json()
    assert json.loads(json.dumps(content)) == content
    assert set(content) == set(vars(SETTINGS))


# ---- with the simulator -------------------------------------------------------------------------------------------


def test_a_scene_without_room_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from roborefer.refspatial.simulation import simulate as simulator

    seeds: list[int] = []
    real = simulator.simulate_scene

    def unlucky(seed: int, *arguments: Any, **options: Any) -> Any:
        seeds.append(seed)
        if len(seeds) < 3:
            raise InputError("no room")
        return real(seed, *arguments, **options)

    monkeypatch.setattr(simulator, "simulate_scene", unlucky)
    settings = GenerationSettings(1, 1, ((96, 72),), views=(1, 1))
    views, _ = generation.simulate(settings, 0, "training")
    assert len(set(seeds)) == 3
    assert views[0].seed == seeds[-1]
    monkeypatch.setattr(simulator, "simulate_scene", lambda *_, **__: _no_room())
    with pytest.raises(InputError, match=r"^no room$"):
        generation.simulate(settings, 0, "training")


def _no_room() -> None:
    raise InputError("no room")


def test_simulated_scenes_ask_nothing_that_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = GenerationSettings(4, 1, ((160, 120),), views=(2, 2), questions=8, demanding=4)
    common = (frozenset({"free-space", "left"}), frozenset({"right"}), frozenset({"behind"}))

    def asked_combinations() -> int:
        asked = [generation.ask_scene(settings, index) for index in range(4)]
        groups = [group for scene in asked for group in (*scene.questions, *(pair[2] for pair in scene.pairs))]
        return sum(
            any(combination <= set(question.relations) for combination in common)
            for group in groups
            for question in group
        )

    assert asked_combinations() > 0
    monkeypatch.setattr(generation, "HELD_OUT_COMBINATIONS", common)
    assert asked_combinations() == 0


def test_demanding_questions_come_besides_the_others() -> None:
    plain = generation.ask_scene(GenerationSettings(1, 1, ((160, 120),), (1, 1), questions=6), 0)
    more = generation.ask_scene(GenerationSettings(1, 1, ((160, 120),), (1, 1), questions=6, demanding=5), 0)
    (few,), (many,) = plain.questions, more.questions
    assert [question.text for question in many[: len(few)]] == [question.text for question in few]
    assert len(few) < len(many) <= len(few) + 5
    assert len({(question.kind, question.phrase) for question in many if question.points}) == sum(
        bool(question.points) for question in many
    )


def test_a_simulated_scene_depends_on_settings_and_index_alone() -> None:
    settings = GenerationSettings(4, 1, ((160, 120), (120, 160)), views=(1, 2), questions=6, depth_sensor="stereo")
    for index in range(3):
        asked, again = (generation.ask_scene(settings, index) for _ in range(2))
        assert 1 <= len(asked.views) <= 2
        assert all(len(questions) <= 6 for questions in asked.questions)
        for first, second in zip(asked.views, again.views, strict=True):
            assert first.image_size in settings.image_sizes
            for name in ("image", "depth_m", "sensor_depth_m", "ids"):
                np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        texts = [[question.text for question in questions] for questions in asked.questions]
        assert texts == [[question.text for question in questions] for questions in again.questions]
