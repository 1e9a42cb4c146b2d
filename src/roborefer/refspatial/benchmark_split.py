"""RefSpatial-Sim-Bench: questions that training never sees, in the folder form of RefSpatial-Bench.

::

    Location/  Placement/  Unseen/      each with
        image/0.png  depth/0.png  metric_depth/0.png  mask/0.png  question.json
    manifest.json                       settings, seeds, shapes, combinations and the SHA-256 of every file

All three splits have scenes (benchmark seeds) and object shapes that ``generate sim`` never uses; *Unseen* also has
combinations of relations that it never asks (``held_out.py``). One scene gives a split at most one question.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.errors import InputError
from roborefer.geometry.cameras import to_json
from roborefer.geometry.depth import depth_picture
from roborefer.images import source_name
from roborefer.refspatial.atomic_files import make_folder, one_line_refusal, write_json, write_whole
from roborefer.refspatial.executors import in_processes, in_this_process
from roborefer.refspatial.generation import (
    GenerationSettings,
    check_at_least,
    check_image_size,
    check_renderer,
    simulate,
)
from roborefer.refspatial.held_out import describe_combinations, held_out_combination
from roborefer.refspatial.questions import Question, ask
from roborefer.refspatial.run_folder import MANIFEST
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.split_choice import SPLITS, Candidate, SplitChoice, SplitName
from roborefer.refspatial.wording import question_proper
from roborefer.refspatial.writer import millimetres, png_bytes, steps_to_json

BENCHMARK_FORMAT = "roborefer-refspatial-bench-1"

# Scenes that are looked at, over questions that are wanted, before any number of steps will do; then, before giving up.
_PATIENCE, _LIMIT = 4, 40
_QUESTIONS_ASKED = 40


@dataclass(frozen=True)
class BenchmarkSettings:
    """What a benchmark is.

    Attributes:
        seed: 0 or more.
        location, placement, unseen: Questions in each split.
        image_size: (width, height) pixels.
    """

    seed: int = 0
    location: int = 300
    placement: int = 300
    unseen: int = 200
    image_size: tuple[int, int] = (640, 480)

    def __post_init__(self) -> None:
        check_at_least("seed", self.seed, 0)
        for split, size in self.sizes.items():
            check_at_least(f"questions for {split}", size, 0)
        if not any(self.sizes.values()):
            raise InputError("expected questions in at least one split, got 0 for each")
        check_image_size(*self.image_size)

    @property
    def sizes(self) -> Mapping[SplitName, int]:
        """Questions wanted, by split."""
        return {"Location": self.location, "Placement": self.placement, "Unseen": self.unseen}


@dataclass(frozen=True)
class SceneOffer:
    """What one benchmark scene offers.

    Attributes:
        seed: Of the scene.
        shape_keys: Of its objects, sorted.
        files: Folder name -> PNG: image, depth and metric_depth.
        candidates: In the order asked.
    """

    seed: int
    shape_keys: tuple[str, ...]
    files: Mapping[str, bytes]
    candidates: tuple[Candidate, ...]


OfferMaker = Callable[[BenchmarkSettings, int], SceneOffer]
"""Makes the offer of a scene, by its index; what it gives depends on its two arguments alone."""


def write_benchmark(
    folder: Path,
    settings: BenchmarkSettings,
    *,
    workers: int = 1,
    make_offer: OfferMaker | None = None,
    on_question: Callable[[SplitName], None] | None = None,
) -> dict[str, Any]:
    """Writes a benchmark aside and renames it when it is whole.

    Args:
        folder: New or empty.
        settings: What to make.
        workers: Processes; the bytes do not depend on it.
        make_offer: What makes a scene's offer; :func:`offer_scene` unless given.
        on_question: Told of each question that is taken.

    Returns:
        The manifest.

    Raises:
        InputError: The folder holds something, cannot be written, there is no renderer, or the scenes do not offer
            enough.
    """
    with one_line_refusal(folder):
        if folder.exists() and any(folder.iterdir()):
            raise InputError(
                f"expected a new or empty folder for the benchmark, got {source_name(folder)} with something in it: "
                "choose another --out"
            )
    check_at_least("workers", workers, 1)
    if make_offer is None:
        check_renderer()
    make_folder(folder.parent)
    aside = folder.with_name(f".{folder.name}.part")
    try:
        with one_line_refusal(aside):
            if aside.exists():
                shutil.rmtree(aside)
        manifest = _fill(aside, settings, workers, make_offer or offer_scene, on_question)
        with one_line_refusal(folder):
            if folder.exists():
                folder.rmdir()
            aside.replace(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return manifest


def offer_scene(settings: BenchmarkSettings, index: int) -> SceneOffer:
    """Simulates a benchmark scene and asks about it."""
    run = GenerationSettings(index + 1, settings.seed, (settings.image_size,), views=(1, 1))
    views, generator = simulate(run, index, "benchmark")
    questions = ask(views[0], generator, _QUESTIONS_ASKED, kinds=("location", "placement"))
    return make_scene_offer(views[0], questions, _shape_keys(views[0]))


def _shape_keys(scene: Scene) -> list[str]:
    """The shapes of a simulated scene's objects. The layout is the first that the simulator draws from a seed."""
    from roborefer.refspatial.simulation.layout import sample_layout

    layout = sample_layout(np.random.default_rng(scene.seed), held_out=True)
    things = [placement.object for placement in layout.placements]
    assert [thing.category for thing in things] == [item.category for item in scene.objects]
    return [thing.shape_key for thing in things]


def make_scene_offer(scene: Scene, questions: Sequence[Question], shape_keys: Sequence[str] = ()) -> SceneOffer:
    """The offer of a scene that has been asked about: its location and placement questions, each with its split."""
    assert scene.image is not None
    assert scene.seed is not None
    candidates = []
    for question in questions:
        split = split_of(question)
        if split is None:
            continue
        assert question.region is not None
        fields = question_fields(scene, question)
        mask = png_bytes(question.region)
        combination = fields["held_out_combination"]
        variety = question.template if combination is None else " + ".join(combination)
        candidates.append(Candidate(split, question.step_count, variety, fields, mask))
    files = {
        "image": png_bytes(scene.image),
        "depth": png_bytes(depth_picture(scene.depth_m)),
        "metric_depth": png_bytes(millimetres(scene.depth_m)),
    }
    return SceneOffer(scene.seed, tuple(sorted(set(shape_keys))), files, tuple(candidates))


def split_of(question: Question) -> SplitName | None:
    """Where a question belongs; None for those that are not answered by a point in the plain picture."""
    if question.kind not in ("location", "placement") or question.region is None or question.marks:
        return None
    if held_out_combination(question.relations) is not None:
        return "Unseen"
    return "Location" if question.kind == "location" else "Placement"


def question_fields(scene: Scene, question: Question) -> dict[str, Any]:
    """What ``question.json`` says of a question, besides its id and paths: the published keys, then ours."""
    combination = held_out_combination(question.relations)
    return {
        "object": question.phrase,
        "prompt": question_proper(question.text),
        "suffix": POINT_SUFFIX,
        "category": question.kind,
        "step": question.step_count,
        "relations": list(question.relations),
        "held_out_combination": None if combination is None else sorted(combination),
        "answer": [[round(point.x, 6), round(point.y, 6)] for point in question.points],
        "steps": steps_to_json(question.steps),
        "key_steps": list(question.key_steps),
        "scene_seed": scene.seed,
        "intrinsics": to_json(scene.camera.intrinsics),
        "world_from_camera": scene.camera.world_from_camera.tolist(),
    }


def read_questions(folder: Path, split: SplitName) -> list[dict[str, Any]]:
    """A split's ``question.json``.

    Raises:
        InputError: It cannot be read.
    """
    path = folder / split / "question.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source_name(path)}: write the benchmark again, or copy it again") from error
    if not isinstance(content, list):
        raise InputError(f"expected a list of questions, got something else in {source_name(path)}: copy it again")
    return content


# ---- writing -------------------------------------------------------------------------------------------------------


def _fill(
    folder: Path,
    settings: BenchmarkSettings,
    workers: int,
    make_offer: OfferMaker,
    on_question: Callable[[SplitName], None] | None,
) -> dict[str, Any]:
    for split in SPLITS:
        for name in ("image", "depth", "metric_depth", "mask"):
            make_folder(folder / split / name)
    choices = {split: SplitChoice(split, settings.sizes[split]) for split in SPLITS}
    questions: dict[SplitName, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    shape_keys: set[str] = set()
    wanted = sum(settings.sizes.values())
    with closing(_offers(settings, workers, make_offer, _LIMIT * wanted)) as offers:
        for looked_at, offer in enumerate(offers):
            for split, choice in choices.items():
                chosen = choice.choose(offer.candidates, strict=looked_at < _PATIENCE * wanted)
                if chosen is not None:
                    questions[split].append(_write_question(folder / split, len(questions[split]), offer, chosen))
                    shape_keys.update(offer.shape_keys)
                    if on_question is not None:
                        on_question(split)
            if all(choice.full for choice in choices.values()):
                break
    short = {split: f"{choice.taken} of {choice.size}" for split, choice in choices.items() if not choice.full}
    if short:
        raise InputError(
            f"expected enough questions in {_LIMIT * wanted} scenes, got "
            + ", ".join(f"{count} for {split}" for split, count in short.items())
            + ": ask for fewer, or another --seed"
        )
    for split in SPLITS:
        write_json(folder / split / "question.json", questions[split])
    manifest = _manifest(folder, settings, questions, shape_keys)
    write_json(folder / MANIFEST, manifest)
    return manifest


def _offers(settings: BenchmarkSettings, workers: int, make_offer: OfferMaker, limit: int) -> Generator[SceneOffer]:
    """Offers in the order of their index, however many processes make them."""
    work = partial(_numbered_offer, make_offer, settings)
    if workers == 1:
        for _, offer in in_this_process(work, range(limit)):
            yield offer
        return
    waiting: dict[int, SceneOffer] = {}
    following = 0
    for index, offer in in_processes(work, range(limit), workers):
        waiting[index] = offer
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _numbered_offer(make_offer: OfferMaker, settings: BenchmarkSettings, index: int) -> tuple[int, SceneOffer]:
    return index, make_offer(settings, index)


def _write_question(folder: Path, number: int, offer: SceneOffer, chosen: Candidate) -> dict[str, Any]:
    for name, content in {**offer.files, "mask": chosen.mask}.items():
        write_whole(folder / name / f"{number}.png", content)
    fields = chosen.fields
    return {
        "id": number,
        "object": fields["object"],
        "prompt": fields["prompt"],
        "suffix": fields["suffix"],
        "rgb_path": f"image/{number}.png",
        "mask_path": f"mask/{number}.png",
        "depth_path": f"depth/{number}.png",
        "metric_depth_path": f"metric_depth/{number}.png",
        **{name: value for name, value in fields.items() if name not in ("object", "prompt", "suffix")},
    }


def _manifest(
    folder: Path,
    settings: BenchmarkSettings,
    questions: Mapping[SplitName, Sequence[Mapping[str, Any]]],
    shape_keys: set[str],
) -> dict[str, Any]:
    asked = Counter(
        " + ".join(question["held_out_combination"]) for question in questions["Unseen"]
    )  # fmt: skip
    return {
        "format": BENCHMARK_FORMAT,
        "version": version("roborefer"),
        "settings": {"seed": settings.seed, "image_size": list(settings.image_size), **settings.sizes},
        "scene_seeds": {split: [question["scene_seed"] for question in questions[split]] for split in SPLITS},
        "shape_keys": sorted(shape_keys),
        "held_out_combinations": describe_combinations(),
        "unseen_by_combination": dict(sorted(asked.items())),
        "steps": {
            split: {str(n): c for n, c in sorted(Counter(q["step"] for q in questions[split]).items())}
            for split in SPLITS
        },
        "files": file_digests(folder),
    }


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder but its manifest, by its path with forward slashes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path != folder / MANIFEST
    }
