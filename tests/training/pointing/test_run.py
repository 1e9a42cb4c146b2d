"""The loop: a run that was killed ends like one that was not, and whatever stops it is said in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from roborefer.errors import InputError, RoboReferError, TrainingError
from roborefer.models.processor import SpatialProcessor
from roborefer.training.pointing import run as run_module
from roborefer.training.pointing.batch import Modalities, PointingCollator
from roborefer.training.pointing.loss import PointingLoss
from roborefer.training.pointing.optimizer import MasterWeightOptimizer
from roborefer.training.pointing.replicas import Replica
from roborefer.training.pointing.run import STATE, PointingRun, _Passes, load_average, train
from roborefer.training.pointing.views import ViewFolder

from ...models.pointing_models import (  # noqa: TID252 - shared models
    SIDE,
    compact_tokenizer,
    pointing_config,
    pointing_model,
)
from .made_up_views import view_folder

RUN = PointingRun(updates=4, views=1, passes=2, warm_up=2, save_every=2, average=0.5)


def made_lesson(**changes: Any) -> PointingLoss:
    torch.manual_seed(0)
    return PointingLoss(pointing_model(pointing_config(**changes))).in_bfloat16()


def teach(folder: ViewFolder, out: Path, run: PointingRun = RUN, *, workers: int = 0, **changes: Any) -> PointingLoss:
    lesson = made_lesson(**changes)
    processor = SpatialProcessor(compact_tokenizer(), lesson.model.config)
    train(lesson, folder, PointingCollator(processor, SIDE, Modalities(rgb=0.4)), run, out, workers)
    return lesson


@pytest.fixture(scope="module")
def folder(scenes: Path) -> ViewFolder:
    return view_folder(scenes, questions=3, reasoning=0.3)


@pytest.fixture(scope="module")
def whole(folder: ViewFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[PointingLoss, Path]:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    return teach(folder, out), out


def log_of(out: Path) -> list[dict[str, float]]:
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in entry.items() if name not in ("images_per_s", "seconds")} for entry in entries
    ]


def weights_of(lesson: PointingLoss) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in lesson.state_dict().items()}


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name


def refusal(call: Callable[[], object], kind: type[RoboReferError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed_at", [0, 1, 2, 3])
def test_a_killed_run_ends_like_one_that_was_not(
    folder: ViewFolder, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """Killed behind the logging of an update, before or after the state of it is written."""
    write_log = run_module._log

    def killing(out: Path, content: dict[str, float]) -> None:
        write_log(out, content)
        if content["update"] == killed_at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "_log", killing)
        with pytest.raises(KeyboardInterrupt):
            teach(folder, tmp_path)
    assert (tmp_path / STATE).exists() == (killed_at >= 2)
    assert len(log_of(tmp_path)) == killed_at + 1
    lesson = teach(folder, tmp_path)
    undisturbed, out = whole
    assert log_of(tmp_path) == log_of(out)
    assert_same(load_file(tmp_path / STATE), load_file(out / STATE))
    assert_same(weights_of(lesson), weights_of(undisturbed))


def test_a_finished_run_is_left_as_it_is(folder: ViewFolder, whole: Any, tmp_path: Path) -> None:
    lesson, out = whole
    before = (out / STATE).read_bytes()
    assert_same(weights_of(teach(folder, out)), weights_of(lesson))
    assert (out / STATE).read_bytes() == before
    assert [entry["update"] for entry in log_of(out)] == [0, 1, 2, 3]


def test_a_run_can_be_made_longer(folder: ViewFolder, tmp_path: Path) -> None:
    teach(folder, tmp_path, PointingRun(updates=1, views=1, passes=2, warm_up=9, save_every=5))
    teach(folder, tmp_path, PointingRun(updates=2, views=1, passes=2, warm_up=9, save_every=5))
    whole = tmp_path / "whole"
    teach(folder, whole, PointingRun(updates=2, views=1, passes=2, warm_up=9, save_every=5))
    assert log_of(tmp_path) == log_of(whole)


def test_a_reading_process_changes_nothing(folder: ViewFolder, whole: Any, tmp_path: Path) -> None:
    lesson = teach(folder, tmp_path, workers=1)
    assert log_of(tmp_path) == log_of(whole[1])
    assert_same(weights_of(lesson), weights_of(whole[0]))


def test_a_log_line_that_was_cut_is_left_out(folder: ViewFolder, whole: Any, tmp_path: Path) -> None:
    teach(folder, tmp_path, PointingRun(updates=2, views=1, passes=2, warm_up=2, average=0.5))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"update": 2, "loss": 9.0}\n{"update": 3, "lo')
    teach(folder, tmp_path)
    assert log_of(tmp_path) == log_of(whole[1])


# ---- what a run tells -----------------------------------------------------------------------------------------------


def test_curves_and_tensorboards_files_show_the_updates(folder: ViewFolder, whole: Any) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, out = whole
    with Image.open(out / "curves.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    said = [(event.step, event.value) for event in events.Scalars("loss")]
    assert said == [(entry["update"] + 1, pytest.approx(entry["loss"], abs=1e-4)) for entry in log_of(out)]


def test_what_cannot_be_drawn_ends_no_run(
    folder: ViewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    teach(folder, tmp_path)
    assert len(log_of(tmp_path)) == 4
    assert not (tmp_path / "curves.png").exists()
    said = [line for line in capsys.readouterr().err.splitlines() if "pip install" in line]
    assert said == ["no TensorBoard files and curves: pip install 'roborefer[train]'"]


def test_a_run_that_should_be_quiet_shows_no_bar(
    folder: ViewFolder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lesson = made_lesson()
    processor = SpatialProcessor(compact_tokenizer(), lesson.model.config)
    collator = PointingCollator(processor, SIDE, Modalities(rgb=0.4))
    train(lesson, folder, collator, RUN, tmp_path, 0, progress=False)
    assert capsys.readouterr().err == ""


# ---- what a run does -------------------------------------------------------------------------------------------------


def test_it_learns(folder: ViewFolder, tmp_path: Path) -> None:
    run = PointingRun(updates=12, views=2, passes=1, warm_up=2, learning_rate=5e-3, save_every=50)
    teach(folder, tmp_path, run)
    losses = [entry["loss"] for entry in log_of(tmp_path)]
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_the_model_ends_as_the_average_of_its_weights(whole: Any) -> None:
    lesson, out = whole
    held = load_file(out / STATE)
    assert int(held["steps"]) == 4
    moved = 0
    for name, weight in lesson.named_parameters():
        assert torch.equal(weight.detach(), held[f"average/{name}"].bfloat16()), name
        moved += not torch.equal(held[f"average/{name}"], held[f"master/{name}"])
    assert moved > 50
    fresh = made_lesson()
    load_average(fresh, out)
    untaught = dict(made_lesson().named_buffers())
    ours, theirs = weights_of(lesson), weights_of(fresh)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        if "running" in name:
            assert torch.equal(tensor, held[f"buffer/{name}"]), name
            assert not torch.equal(tensor, untaught[name]), name
        else:
            assert torch.equal(ours[name], tensor), name


def test_rotary_frequencies_stay_exact() -> None:
    """As they are when the checkpoint is loaded."""
    lesson = made_lesson()
    exact = pointing_model().llm.model.rotary_emb.inv_freq
    assert torch.equal(lesson.model.llm.model.rotary_emb.inv_freq, exact)
    others = {tensor.dtype for name, tensor in lesson.named_buffers() if "running" in name}
    assert others == {weight.dtype for weight in lesson.parameters()} == {torch.bfloat16}


def test_the_rate_rises_stays_and_falls() -> None:
    run = PointingRun(updates=100, warm_up=10, cool_down=0.2)
    shares = [run.share(update) for update in range(100)]
    assert shares[:10] == pytest.approx([(update + 1) / 10 for update in range(10)])
    assert set(shares[10:81]) == {1.0}
    assert shares[80:] == sorted(shares[80:], reverse=True)
    assert shares[90] == pytest.approx(0.51)
    assert run.share(100) == run.share(200) == pytest.approx(0.02)


def test_every_view_is_seen_once_before_any_is_seen_twice() -> None:
    seen: list[tuple[int, int]] = []

    class Folder:
        def __len__(self) -> int:
            return 7

        def view(self, number: int, visit: int) -> tuple[int, int]:
            return number, visit

    def collate(chosen: list[tuple[tuple[int, int], int]]) -> dict[str, Any]:
        seen.extend(view for view, _ in chosen)
        return {"seeds": [seed for _, seed in chosen]}

    run = PointingRun(updates=7, views=3, passes=2, seed=3)
    passes: Any = _Passes(Folder(), collate, run, 0, Replica())  # type: ignore[arg-type]
    seeds = [seed for number in range(len(passes)) for seed in passes[number]["seeds"]]
    assert len(passes) == 14
    assert len(set(seeds)) == len(seeds) == 42
    for epoch in range(6):
        views = seen[7 * epoch : 7 * epoch + 7]
        assert {visit for _, visit in views} == {epoch}
        assert {number for number, _ in views} == set(range(7))
    assert seen[:7] != [(number, 0) for number, _ in seen[7:14]]
    resumed: Any = _Passes(Folder(), collate, run, 5, Replica())  # type: ignore[arg-type]
    assert len(resumed) == 9
    assert resumed[0] == passes[5]
    shared: Any = _Passes(Folder(), collate, run, 4, Replica(1, 2))  # type: ignore[arg-type]
    assert [shared[number] for number in range(len(shared))] == [passes[number] for number in (5, 7, 9, 11, 13)]


# ---- what stops it ---------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_run(folder: ViewFolder, tmp_path: Path) -> None:
    teach(folder, tmp_path, PointingRun(updates=1, views=1, passes=2, warm_up=9))
    before = (tmp_path / STATE).read_bytes()
    run = PointingRun(updates=4, views=1, passes=2, warm_up=1, learning_rate=1e30)
    text = refusal(lambda: teach(folder, tmp_path, run), TrainingError)
    written = tmp_path / "nan_batch.json"
    assert text == f"the loss is nan at update 2; its views are written down in {written}: look at them"
    assert (tmp_path / STATE).read_bytes() == before
    said = json.loads(written.read_text())
    assert (said["what"], said["update"]) == ("the loss is nan at update 2", 2)
    # Places 4 and 5 of the course, over three views: the second epoch.
    assert [view["visit"] for view in said["views"]] == [1, 1]
    assert all(Path(view["image"]).is_file() for view in said["views"])


def test_a_gradient_that_is_no_number_ends_the_run(
    folder: ViewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MasterWeightOptimizer, "step", lambda *_: float("inf"))
    text = refusal(lambda: teach(folder, tmp_path), TrainingError)
    assert text.startswith("the gradient is inf at update 0; its views are written down in ")
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_view_that_cannot_be_read_is_named(scenes: Path, tmp_path: Path, workers: int) -> None:
    folder = view_folder(scenes, questions=3)
    folder._places = [replace(place, folder=tmp_path) for place in folder._places]
    text = refusal(lambda: teach(folder, tmp_path / "out", workers=workers))
    assert text.startswith(f"cannot read the scene {tmp_path}/scene/00000")


def test_the_state_of_another_model_is_refused(folder: ViewFolder, whole: Any) -> None:
    _, out = whole
    expected = (
        f"expected the state of this model in {out / STATE}, got that of another one: name another folder, or delete "
        "it to begin anew"
    )
    assert refusal(lambda: teach(folder, out, point_head_size=32)) == expected
    assert refusal(lambda: teach(folder, out, depth=False)) == expected
    assert refusal(lambda: load_average(made_lesson(point_head_layers=0), out)) == expected


@pytest.mark.parametrize("content", [b"", b"not a state", None])
def test_a_broken_state_is_refused(folder: ViewFolder, whole: Any, tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / STATE).write_bytes((whole[1] / STATE).read_bytes()[:5000] if content is None else content)
    text = refusal(lambda: teach(folder, tmp_path))
    assert text.startswith(f"cannot read the state of training {tmp_path / STATE}: ")
    assert text.endswith("; name another folder, or delete it to begin anew")


def test_a_state_without_its_count_is_refused(folder: ViewFolder, whole: Any, tmp_path: Path) -> None:
    held = load_file(whole[1] / STATE)
    held.pop("steps")
    save_file(held, tmp_path / STATE)
    assert refusal(lambda: teach(folder, tmp_path)).startswith("expected the state of this model in")


def test_a_full_disk_leaves_the_state_that_was_there(
    folder: ViewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(folder, tmp_path, PointingRun(updates=1, views=1, passes=2))
    before = (tmp_path / STATE).read_bytes()

    def full_disk(tensors: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half a st")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_module, "save_file", full_disk)
    assert refusal(lambda: teach(folder, tmp_path)) == (
        f"cannot write the state of training {tmp_path / STATE}: [Errno 28] No space left on device; make room and run "
        "the same command again"
    )
    assert (tmp_path / STATE).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "log.jsonl", STATE, "tensorboard"]


def test_a_state_is_never_half_there(folder: ViewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    plain = run_module.save_file

    def watched(tensors: dict[str, Tensor], path: Path) -> None:
        written.append(path)
        assert path != tmp_path / STATE
        plain(tensors, path)

    monkeypatch.setattr(run_module, "save_file", watched)
    teach(folder, tmp_path, PointingRun(updates=1, views=1, passes=1))
    assert len(written) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "log.jsonl", STATE, "tensorboard"]


def test_an_out_that_is_no_folder_is_refused(folder: ViewFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert refusal(lambda: teach(folder, tmp_path / "file")).startswith(f"cannot write {tmp_path / 'file'}")
