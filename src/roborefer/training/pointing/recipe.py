"""From nothing to nano: scenes, lessons, evaluation and the model card, in one go that can be cut off anywhere."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from roborefer.errors import InputError
from roborefer.evaluation.backends.local import evaluate_predictor
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.models.devices import resolve_device
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.predictor import Predictor
from roborefer.refspatial.atomic_files import make_folder, write_whole
from roborefer.refspatial.benchmark_split import BenchmarkSettings, write_benchmark
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.training.pointing.batch import Modalities, PointingCollator
from roborefer.training.pointing.loss import PointingLoss
from roborefer.training.pointing.model_card import CardRuns, write_card
from roborefer.training.pointing.nano import fresh_model, tokenizer, views
from roborefer.training.pointing.replicas import in_replicas
from roborefer.training.pointing.run import PointingRun, train
from roborefer.training.pointing.time_budget import run_within
from roborefer.training.pointing.views import ViewFolder
from roborefer.training.saving import save_model
from roborefer.training.whole_folders import write_folder

_WEIGHTS = "weights.sha256"


@dataclass(frozen=True)
class NanoRecipe:
    """How much of everything.

    Attributes:
        scenes: Of training, three or four views each.
        updates: Of the weights, of eight views each.
        minutes: That the lessons may take instead: as many updates as fit; None for ``updates``.
        cool_down: Share of the updates, at the end, in which the learning rate falls.
        more_views: Folders of ``roborefer generate sim`` that are learned from besides.
        benchmark: Questions of RefSpatial-Sim-Bench: location, placement, unseen.
        workers: Processes that make scenes, and that read them for a GPU; a CPU has its own work.
        seed: Of all of it.
        device: Where the lessons run.
        processes: That share the lessons: 1, or 2 on a CPU; None for what suits the machine.
        progress: Whether a bar shows the lessons.
    """

    scenes: int = 15_000
    updates: int = 20_000
    minutes: float | None = None
    cool_down: float = 0.25
    more_views: tuple[Path, ...] = ()
    benchmark: tuple[int, int, int] = (300, 300, 200)
    workers: int = 1
    seed: int = 0
    device: str = "auto"
    processes: int | None = None
    progress: bool = True


def make_nano(out: Path, recipe: NanoRecipe, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Make all that is not there yet; the folder of the model.

    Args:
        out: Gets ``scenes/``, ``benchmark/``, ``lessons/``, ``evaluation/`` and ``model/``.
        recipe: How much.
        tell: Called with what is being done.

    Raises:
        InputError: ``out`` cannot be used, or holds another recipe's scenes; ``more_views`` cannot be read; or two
            processes should share one GPU.
        TrainingError: the loss is no number any more.
    """
    processes = lesson_processes(resolve_device(recipe.device), recipe.processes)
    if recipe.more_views:
        views(recipe.more_views, recipe.seed)  # what cannot be read is refused before hours go into scenes
    tell(f"scenes: {recipe.scenes} in {out / 'scenes'}")
    generate(out / "scenes", scene_settings(recipe), workers=recipe.workers)
    bench = out / "benchmark"
    if not bench.exists():
        tell(f"benchmark: {sum(recipe.benchmark)} questions in {bench}")
        write_benchmark(bench, BenchmarkSettings(recipe.seed, *recipe.benchmark), workers=recipe.workers)
    length = f"{recipe.updates} updates" if recipe.minutes is None else f"{recipe.minutes:g} minutes"
    tell(f"lessons: {length} in {out / 'lessons'}")
    predictor, trained_on = teach(out, recipe, processes)
    tell(f"evaluation in {out / 'evaluation'}")
    judge(predictor, bench, out / "evaluation", out / "model", trained_on)
    return out / "model"


def scene_settings(recipe: NanoRecipe) -> GenerationSettings:
    """The scenes of training: small pictures of three shapes, with many questions each."""
    sizes = ((320, 240), (320, 240), (320, 180), (240, 320))
    return GenerationSettings(
        recipe.scenes, recipe.seed + 1, sizes, views=(3, 4), questions=40, demanding=6, picture_format="jpg"
    )  # fmt: skip


def lesson_processes(device: torch.device, asked: int | None) -> int:
    """How many processes share the lessons: two where two cores have nothing else to do.

    Raises:
        InputError: several are asked for on a GPU.
    """
    if device.type == "cpu":
        return asked or min(2, torch.get_num_threads())
    if asked not in (None, 1):
        raise InputError(f"expected one process on a GPU, got {asked}: leave --processes out")
    return 1


def teach(out: Path, recipe: NanoRecipe, processes: int) -> tuple[Predictor, dict[str, str]]:
    """The lessons; the model as it is afterwards, which is also saved, and facts about it.

    Raises:
        InputError: the scenes or the state cannot be read or written.
        TrainingError: the loss is no number any more.
    """
    folder = views([out / "scenes", *recipe.more_views], recipe.seed)
    (out / "lessons").mkdir(parents=True, exist_ok=True)
    tokenizer(folder, out / "lessons")

    def make_lessons(run: PointingRun) -> None:
        if processes > 1:
            in_replicas(processes, _lessons, out, recipe, run, folder)
        else:
            _lessons(out, recipe, run, folder)

    run = PointingRun(updates=recipe.updates, cool_down=recipe.cool_down, seed=recipe.seed)
    if recipe.minutes is not None:
        run = run_within(recipe.minutes, run, out / "lessons", make_lessons)
    if processes > 1:
        make_lessons(run)
    model, processor = _lessons(out, recipe, run, folder)
    save_model(model.eval().cpu(), processor, out / "model")
    seen = run.updates * run.views * run.passes
    weights = sum(parameter.numel() for parameter in model.parameters())
    return Predictor(model, processor), {
        "Weights": f"{weights / 1e6:.1f} million, bfloat16",
        "Data": f"{len(folder)} views of simulated scenes, {seen} visits with up to 20 questions each",
    }


def _lessons(
    out: Path, recipe: NanoRecipe, run: PointingRun, folder: ViewFolder
) -> tuple[SpatialVLM, SpatialProcessor]:
    """Train, or take what was trained by others."""
    model, processor = fresh_model(tokenizer(folder, out / "lessons"), recipe.seed)
    assert model.point_head is not None
    device = resolve_device(recipe.device)
    lesson = PointingLoss(model).in_bfloat16().to(device)
    collator = PointingCollator(processor, model.point_head.side, Modalities())
    readers = 1 if device.type == "cpu" else recipe.workers
    train(lesson, folder, collator, run, out / "lessons", readers, progress=recipe.progress)
    return model, processor


def judge(predictor: Predictor, bench: Path, out: Path, model: Path, facts: dict[str, str]) -> CardRuns:
    """The benchmark in three ways, and the model card in the model's folder."""
    benchmark = open_benchmark(bench)
    _forget_other_weights(out, weights_digest(model))
    runs = CardRuns(
        rgbd=evaluate_predictor(predictor, benchmark, depth="given", out=out / "rgbd"),
        rgb=evaluate_predictor(predictor, benchmark, depth="none", out=out / "rgb"),
        reasoning=evaluate_predictor(predictor, benchmark, depth="given", reasoning=True, out=out / "reasoning"),
    )
    write_card("nano", runs, facts, model)
    return runs


def _forget_other_weights(out: Path, digest: str) -> None:
    """Keep answers of the same weights, which evaluation goes on from; delete those of others."""
    note = out / _WEIGHTS
    if not (note.is_file() and note.read_text() == digest):
        shutil.rmtree(out, ignore_errors=True)
        make_folder(out)
        write_whole(note, digest.encode())


def weights_digest(model: Path) -> str:
    """What tells the weights of a model's folder from others."""
    digest = hashlib.sha256()
    for path in sorted(model.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(model: Path, package: Path) -> None:
    """Put a finished model in the place of the packaged one, aside first and then renamed."""

    def copy(aside: Path) -> None:
        shutil.copytree(model, aside)

    write_folder(package, copy)
