"""The benchmark: its folder form, its proportions, and that training sees nothing of it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.errors import InputError
from roborefer.refspatial.benchmark_split import (
    BenchmarkSettings,
    SceneOffer,
    make_scene_offer,
    offer_scene,
    read_questions,
    split_of,
    write_benchmark,
)
from roborefer.refspatial.folder_check import check_folder
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.held_out import (
    HELD_OUT_COMBINATIONS,
    branch_of,
    held_out_combination,
    scene_generators,
    training_shape_keys,
)
from roborefer.refspatial.inspection import inspected
from roborefer.refspatial.split_choice import SPLITS, STEP_SHARES, Candidate, SplitChoice, SplitName, step_quotas
from roborefer.structures import Point

from .asked_scenes import made_up_question, made_up_scene

SETTINGS = BenchmarkSettings(3, 6, 5, 4, (96, 72))
COMBINATION = tuple(sorted(HELD_OUT_COMBINATIONS[0]))
PUBLISHED = {"id", "object", "prompt", "suffix", "rgb_path", "mask_path", "category", "step"}


def made_up_offer(settings: BenchmarkSettings, index: int) -> SceneOffer:
    """A made-up scene with a benchmark seed and questions of every split."""
    seed, choices, _ = scene_generators(settings.seed, index, "benchmark")
    asked = made_up_scene(GenerationSettings(index + 1, settings.seed, (settings.image_size,)), index)
    scene = replace(asked.views[0], seed=seed)
    mask = scene.mask(1)
    row, column = (int(values[0]) for values in np.nonzero(mask))
    point = Point((column + 0.5) / mask.shape[1], (row + 0.5) / mask.shape[0])
    questions = [
        made_up_question(
            kind,
            f"Point to the mug, scene {index}. {POINT_SUFFIX}",
            "",
            phrase="the mug",
            points=(point,),
            region=mask,
            relations=relations,
            step_count=int(choices.integers(1, 6)),
        )
        for kind, relations in itertools.product(("location", "placement"), (("left",), COMBINATION))
    ]
    return make_scene_offer(scene, questions, ("mug/held-out",))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("here") / "bench"
    write_benchmark(folder, SETTINGS, make_offer=made_up_offer)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# ---- the folder ----------------------------------------------------------------------------------------------------


def test_the_folder_has_the_published_form(bench: Path) -> None:
    assert {path.name for path in bench.iterdir()} == {*SPLITS, "manifest.json"}
    for split, size in SETTINGS.sizes.items():
        questions = json.loads((bench / split / "question.json").read_text(encoding="utf-8"))
        assert len(questions) == size
        assert [question["id"] for question in questions] == list(range(size))
        for number, question in enumerate(questions):
            assert set(question) >= PUBLISHED
            assert question["rgb_path"] == f"image/{number}.png"
            assert question["mask_path"] == f"mask/{number}.png"
            assert question["suffix"] == POINT_SUFFIX
            assert "Your answer" not in question["prompt"]
            assert isinstance(question["step"], int)
            with Image.open(bench / split / question["rgb_path"]) as image:
                assert (image.mode, image.size) == ("RGB", (96, 72))
            with Image.open(bench / split / question["mask_path"]) as picture:
                mask = np.asarray(picture) > 0
            assert mask.shape == (72, 96)
            for x, y in question["answer"]:
                assert mask[int(y * 72), int(x * 96)]
            assert (bench / split / question["depth_path"]).is_file()
            assert (bench / split / question["metric_depth_path"]).is_file()


def test_a_scene_gives_a_split_one_question_at_most(bench: Path) -> None:
    for split in SPLITS:
        seeds = [question["scene_seed"] for question in read_questions(bench, split)]
        assert len(set(seeds)) == len(seeds)


def test_the_manifest_proves_the_split(bench: Path) -> None:
    manifest = json.loads((bench / "manifest.json").read_text(encoding="utf-8"))
    files = contents(bench)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items() if path != "manifest.json"}
    assert manifest["files"] == digests
    assert manifest["shape_keys"] == ["mug/held-out"]
    assert manifest["held_out_combinations"] == [sorted(combination) for combination in HELD_OUT_COMBINATIONS]
    assert sum(manifest["unseen_by_combination"].values()) == SETTINGS.unseen
    for split in SPLITS:
        questions = read_questions(bench, split)
        assert manifest["scene_seeds"][split] == [question["scene_seed"] for question in questions]
        assert sum(manifest["steps"][split].values()) == len(questions)
        for question in questions:
            assert branch_of(question["scene_seed"]) == "benchmark"
            held_out = held_out_combination(question["relations"])
            assert (held_out is not None) == (split == "Unseen")
            assert question["held_out_combination"] == (None if held_out is None else sorted(held_out))


def test_two_workers_make_the_same_bytes(bench: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    settings = BenchmarkSettings(3, 2, 1, 0, (96, 72))
    write_benchmark(first, settings)
    write_benchmark(second, settings, workers=2)
    assert contents(first) == contents(second)
    assert check_folder(first)[1] == []


def test_its_pictures_can_be_looked_at(bench: Path) -> None:
    entries, statistics = inspected(bench, 7)
    assert len(entries) == 7
    assert Counter(entry.name.partition("/")[0] for entry in entries) == {"Location": 2, "Placement": 2, "Unseen": 3}
    assert statistics["kinds"] == SETTINGS.sizes
    assert all(entry.mask is not None and entry.mask.any() and not entry.mask.all() for entry in entries)


# ---- which question goes where -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "relations", "split"),
    [
        ("location", (), "Location"),
        ("placement", ("free-space", "left"), "Placement"),
        ("location", COMBINATION, "Unseen"),
        ("placement", (*COMBINATION, "free-space"), "Unseen"),
        ("absent", (), None),
        ("quantity", COMBINATION, None),
        ("visual_choice", (), None),
    ],
)
def test_where_a_question_belongs(kind: Any, relations: tuple[str, ...], split: str | None) -> None:
    question = made_up_question(kind, "", "", region=np.ones((2, 2), bool), relations=relations)
    assert split_of(question) == split
    assert split_of(replace(question, region=None)) is None


def test_combinations_are_made_of_relations_that_training_knows() -> None:
    from roborefer.refspatial.relations import RELATIONS

    mirror = {"left": "right", "right": "left"}
    for combination in HELD_OUT_COMBINATIONS:
        assert len(combination) >= 2
        assert all(name in RELATIONS for name in combination)
        mirrored = frozenset(mirror.get(name, name) for name in combination)
        assert mirrored == combination or mirrored not in HELD_OUT_COMBINATIONS
    assert len(set(HELD_OUT_COMBINATIONS)) == len(HELD_OUT_COMBINATIONS)


@given(st.sampled_from(SPLITS), st.integers(0, 1000))
def test_quotas_add_up_and_follow_the_published_shares(split: SplitName, size: int) -> None:
    quotas = step_quotas(split, size)
    assert sum(quotas.values()) == size
    total = sum(STEP_SHARES[split].values())
    assert all(abs(quotas[steps] - size * share / total) < 1 for steps, share in STEP_SHARES[split].items())


def candidate(steps: int, variety: str = "v", split: SplitName = "Location") -> Candidate:
    return Candidate(split, steps, variety, {}, b"")


def test_the_steps_that_are_short_are_taken_first() -> None:
    choice = SplitChoice("Location", 10)  # 3 of one step, 4 of two, 3 of three
    offered = [candidate(1), candidate(2), candidate(3)]
    steps = []
    while (chosen := choice.choose(offered, strict=True)) is not None:
        steps.append(chosen.steps)
    assert Counter(steps) == {1: 3, 2: 4, 3: 3}
    assert choice.full


def test_steps_beyond_their_share_wait_until_patience_ends() -> None:
    choice = SplitChoice("Location", 2)
    assert choice.choose([candidate(4)], strict=True) is None
    assert choice.choose([candidate(1, split="Placement")], strict=False) is None
    assert choice.choose([candidate(4)], strict=False) is not None


def test_varieties_take_turns() -> None:
    choice = SplitChoice("Location", 10)
    offered = [candidate(2, "a"), candidate(2, "b")]
    chosen = [choice.choose(offered, strict=True) for _ in range(4)]
    assert [one.variety for one in chosen if one] == ["a", "b", "a", "b"]


# ---- what cannot be ------------------------------------------------------------------------------------------------


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, message in (
        (
            tmp_path,
            f"expected a new or empty folder for the benchmark, got {tmp_path} with something in it: "
            "choose another --out",
        ),
        (tmp_path / "file", f"cannot write {tmp_path / 'file'}: Not a directory; choose a folder, not a file"),
    ):
        with pytest.raises(InputError) as caught:
            write_benchmark(folder, SETTINGS, make_offer=made_up_offer)
        assert str(caught.value) == message
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(settings: BenchmarkSettings, index: int) -> SceneOffer:
        if index == 3:
            raise KeyboardInterrupt
        return made_up_offer(settings, index)

    with pytest.raises(KeyboardInterrupt):
        write_benchmark(tmp_path / "bench", SETTINGS, make_offer=interrupted)
    assert os.listdir(tmp_path) == []
    (tmp_path / ".bench.part").mkdir()
    (tmp_path / ".bench.part" / "left by a kill").touch()
    (tmp_path / "bench").mkdir()
    write_benchmark(tmp_path / "bench", SETTINGS, make_offer=made_up_offer)
    assert os.listdir(tmp_path) == ["bench"]
    assert check_folder(tmp_path / "bench")[1] == []


def test_scenes_that_offer_too_little_are_one_line(tmp_path: Path) -> None:
    def poor(settings: BenchmarkSettings, index: int) -> SceneOffer:
        offer = made_up_offer(settings, index)
        return replace(offer, candidates=tuple(one for one in offer.candidates if one.split == "Location"))

    with pytest.raises(InputError) as caught:
        write_benchmark(tmp_path / "bench", BenchmarkSettings(0, 1, 1, 0, (96, 72)), make_offer=poor)
    assert str(caught.value) == (
        "expected enough questions in 80 scenes, got 0 of 1 for Placement: ask for fewer, or another --seed"
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "expected seed of 0 or more, got -1"),
        ({"location": 0, "placement": 0, "unseen": 0}, "expected questions in at least one split, got 0 for each"),
        ({"unseen": -1}, "expected questions for Unseen of 0 or more, got -1"),
        ({"image_size": (10, 480)}, "expected image sides of 64 to 4096 pixels, got 10x480"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        BenchmarkSettings(**settings)
    assert str(caught.value).startswith(message)


# ---- the check -----------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(bench: Path, tmp_path: Path) -> Path:
    """A benchmark that a test may damage."""
    for path, content in contents(bench).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def test_a_benchmark_as_it_was_made_is_sound(bench: Path) -> None:
    assert check_folder(bench) == ({"files": 63, "Location": 6, "Placement": 5, "Unseen": 4}, [])


def test_every_change_is_found(copy: Path) -> None:
    (copy / "Location" / "image" / "0.png").write_bytes(b"other")
    (copy / "Unseen" / "mask" / "1.png").unlink()
    (copy / "Unseen" / "mask" / "new.png").touch()
    assert check_folder(copy)[1] == [
        "Location/image/0.png: another SHA-256 than in the manifest",
        "Unseen/mask/1.png: missing",
        "Unseen/mask/new.png: not in the manifest",
    ]


def test_questions_on_the_wrong_side_are_found(copy: Path) -> None:
    path = copy / "Unseen" / "question.json"
    questions = json.loads(path.read_text(encoding="utf-8"))
    questions[0]["relations"] = ["left"]
    questions[1]["scene_seed"] = 8
    path.write_text(json.dumps(questions), encoding="utf-8")
    faults = check_folder(copy)[1]
    assert "Unseen 0: relations left belong into another split" in faults
    assert "Unseen 1: scene seed 8 is one of training" in faults


def test_a_shape_of_training_is_found(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    shape = min(training_shape_keys())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "shape_keys": [shape]}), encoding="utf-8")
    assert check_folder(copy)[1] == [f"manifest.json: shape {shape} is one of training"]


def test_a_run_is_checked_against_its_own_records(tmp_path: Path) -> None:
    settings = GenerationSettings(4, 3, ((96, 72),), views=(1, 1), scenes_per_shard=2)
    generate(tmp_path, settings, make_scene=made_up_scene)
    assert check_folder(tmp_path) == ({"shards": 2, "records": 8, "questions": 16}, [])
    (tmp_path / "depth" / "000001_0.png").unlink()
    (tmp_path / "shards" / "shard_00001.jsonl").unlink()
    (tmp_path / "metadata.json").unlink()
    assert check_folder(tmp_path)[1] == [
        "metadata.json: missing; run the same command again",
        "000001_0: depth/000001_0.png is missing",
        "000001_0_marks_0: depth/000001_0.png is missing",
        "shards/shard_00001.jsonl: missing; run the same command again",
    ]
    shard = tmp_path / "shards" / "shard_00000.jsonl"
    record = json.loads(shard.read_text(encoding="utf-8").splitlines()[0])
    record["questions"][0]["relations"] = list(COMBINATION)
    shard.write_text(f"{json.dumps(record)}\n{json.dumps(record)}\n", encoding="utf-8")
    faults = check_folder(tmp_path)[1]
    assert f"000000_0: relations {', '.join(COMBINATION)} are held out" in faults
    assert "000000_0: twice" in faults


# ---- with the simulator --------------------------------------------------------------------------------------------


def test_a_simulated_scene_offers_questions_of_held_out_shapes() -> None:
    offers = [offer_scene(BenchmarkSettings(1, image_size=(160, 120)), index) for index in range(3)]
    assert any(offer.candidates for offer in offers)
    for offer in offers:
        assert branch_of(offer.seed) == "benchmark"
        assert offer.shape_keys
        assert not training_shape_keys() & set(offer.shape_keys)
        assert {one.fields["category"] for one in offer.candidates} <= {"location", "placement"}
