"""The loop that teaches a small model to point, on a CPU or a GPU, going on where it was cut off."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from roborefer.errors import InputError, TrainingError, said_in_process
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import flush, make_folder, one_line_refusal, write_json, write_whole
from roborefer.training.pointing.batch import PointingCollator
from roborefer.training.pointing.lesson_curves import LessonCurves
from roborefer.training.pointing.loss import PointingLoss
from roborefer.training.pointing.optimizer import MasterWeightOptimizer
from roborefer.training.pointing.replicas import Replica, this_replica
from roborefer.training.pointing.stem_statistics import settle_statistics
from roborefer.training.pointing.views import ViewFolder

STATE = "state.safetensors"
LOG = "log.jsonl"
_STOPPED_AT = "nan_batch.json"
# Tensors of the state that every weight has.
_KINDS = ("master", "average")
# Batches over which the stems' statistics are measured for the averaged weights.
_SETTLING_PASSES = 24


@dataclass(frozen=True)
class PointingRun:
    """How long and how fast.

    Attributes:
        updates: In all.
        views: Per backward pass.
        passes: Backward passes per update.
        learning_rate, weight_decay, clip: Of the optimizer.
        warm_up: Updates in which the learning rate rises.
        cool_down: Share of the updates, at the end, in which it falls to nothing.
        average: Decay of the moving average of the weights.
        save_every: Updates between two states on disk.
        seed: Of order and chance.
    """

    updates: int
    views: int = 4
    passes: int = 2
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    clip: float = 1.0
    warm_up: int = 100
    cool_down: float = 0.25
    average: float = 0.995
    save_every: int = 50
    seed: int = 0

    def share(self, update: int) -> float:
        """Of the learning rate, at an update counted from 0: warm-up, plateau, cosine to 2 %."""
        if update < self.warm_up:
            return (update + 1) / self.warm_up
        begin = self.updates * (1 - self.cool_down)
        if update <= begin:
            return 1.0
        done = min(1.0, (update - begin) / max(self.updates - begin, 1))
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


class _Passes(Dataset[dict[str, Any]]):
    """The batches of a run by number, or a replica's share: views without repetition within an epoch."""

    def __init__(
        self, folder: ViewFolder, collator: PointingCollator, run: PointingRun, first: int, replica: Replica
    ) -> None:
        self._folder, self._collator, self._run = folder, collator, run
        self._numbers = range(first + replica.rank, run.updates * run.passes, replica.count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = self._numbers[index]
        places = range(number * self._run.views, (number + 1) * self._run.views)
        visits = [_visit(len(self._folder), self._run, place) for place in places]
        seeds = [self._run.seed * 1_000_003 + place for place in places]
        return self._collator([(self._folder.view(*visit), seed) for visit, seed in zip(visits, seeds, strict=True)])


def _visit(views: int, run: PointingRun, place: int) -> tuple[int, int]:
    """Which of so many views the run visits at a place of its course, and for which time."""
    epoch, position = divmod(place, views)
    return int(_order(run.seed, epoch, views)[position]), epoch


@lru_cache(maxsize=2)  # a batch may begin in one epoch and end in the next
def _order(seed: int, epoch: int, views: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(views)


def train(
    lesson: PointingLoss,
    folder: ViewFolder,
    collator: PointingCollator,
    run: PointingRun,
    out: Path,
    workers: int = 1,
    *,
    progress: bool = True,
) -> None:
    """Train, or go on with, the model of ``lesson``, which ends as the moving average of its weights.

    Where a process group is open, every process of it makes the same call and takes its share of each update.

    Args:
        lesson: In bfloat16, on its device.
        folder: Of the views.
        collator: With the modalities of training.
        run: How long.
        out: Folder for the state, from which the same call goes on, the log and its curves.
        workers: Processes that read.
        progress: Whether a bar shows how far it is.

    Raises:
        TrainingError: the loss is no number any more.
        InputError: a view cannot be read, ``out`` cannot be written, or holds the state of another model.
        ValueError: the passes of an update cannot be shared equally.
    """
    replica = this_replica()
    if run.passes % replica.count:
        raise ValueError(f"expected a divisor of {run.passes} passes as the number of processes, got {replica.count}")
    make_folder(out)
    cast(Any, lesson).to(memory_format=torch.channels_last)
    optimizer = MasterWeightOptimizer(lesson, run.learning_rate, run.weight_decay, run.average)
    done = _resume(lesson, optimizer, out)
    curves = None
    if replica.writes:
        _cut_log(out, done)
        curves = LessonCurves(out, out / LOG, run.learning_rate, done)
    lesson.train()
    batches = _batches(_Passes(folder, collator, run, done * run.passes, replica), workers)
    started = time.perf_counter()
    with tqdm(
        total=run.updates, initial=done, unit="update", smoothing=0.05, disable=not (replica.writes and progress)
    ) as bar:
        for update in range(done, run.updates):
            began = time.perf_counter()
            parts = _accumulate(lesson, optimizer, batches, run.passes // replica.count)
            parts = replica.mean(parts, lesson.model.device)
            replica.mean_gradients(optimizer.masters.values())
            norm = optimizer.step(run.share(update), run.clip)
            for name, value in (("loss", parts["loss"]), ("gradient", norm)):
                if not math.isfinite(value):  # in all replicas alike; the state on disk is the one before
                    raise _stopped(f"the {name} is {value} at update {update}", update, folder, run, out)
            speed = (update + 1 - done) * run.passes * run.views / (time.perf_counter() - started)
            bar.update()
            bar.set_postfix_str(f"loss {parts['loss']:.3f} hit {parts['accuracy']:.3f} {speed:.1f} images/s")
            if curves is not None:
                pace = {"images_per_s": speed, "seconds": time.perf_counter() - began}
                values = {"norm": norm, "share": run.share(update), **pace, **parts}
                _log(out, {"update": update, **values})
                curves.add(update, values)
                if (update + 1) % run.save_every == 0 or update + 1 == run.updates:
                    _save(lesson, optimizer, out)
                    curves.draw(if_due=update + 1 < run.updates)
    replica.wait()  # for the last state
    load_average(lesson, out)
    first = _batches(_Passes(folder, collator, run, 0, Replica()), workers)
    settle_statistics(lesson.model, islice(first, _SETTLING_PASSES))


def _stopped(what: str, update: int, folder: ViewFolder, run: PointingRun, out: Path) -> TrainingError:
    """Write down which views an update saw; the error to raise."""
    places = range(update * run.passes * run.views, (update + 1) * run.passes * run.views)
    visits = [_visit(len(folder), run, place) for place in places]
    seen = [{"image": folder.name(number), "visit": visit} for number, visit in visits]
    try:
        write_json(out / _STOPPED_AT, {"what": what, "update": update, "views": seen})
    except InputError as error:
        return TrainingError(f"{what}; its views could not be written down: {error}")
    return TrainingError(f"{what}; its views are written down in {source_name(out / _STOPPED_AT)}: look at them")


def load_average(lesson: PointingLoss, out: Path) -> None:
    """Give the model the moving average of its weights, and the buffers, of the state on disk.

    Raises:
        InputError: there is no state, or that of another model.
    """
    held = _read_state(out)
    _check_same_model(lesson, held, out)
    with torch.no_grad():
        for name, weight in _trained(lesson).items():
            weight.copy_(held[f"average/{name}"])
    _load_buffers(lesson, held)


def _accumulate(
    lesson: PointingLoss, optimizer: MasterWeightOptimizer, batches: Iterator[dict[str, Any]], passes: int
) -> dict[str, float]:
    """Backward passes of an update; the mean of the loss and its parts."""
    means: dict[str, float] = {}
    for _ in range(passes):
        parts = lesson(**_prepared(next(batches), lesson.model.device))
        parts["loss"].backward()
        optimizer.gather(1 / passes)
        for name, value in parts.items():
            means[name] = means.get(name, 0.0) + float(value.detach()) / passes
    return means


def _batches(passes: _Passes, workers: int) -> Iterator[dict[str, Any]]:
    loader = DataLoader(passes, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
    try:
        yield from loader
    except InputError as error:
        raise InputError(said_in_process(error)) from error


def _prepared(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """A batch as the lesson takes it: on its device, pictures in bfloat16."""
    moved = {name: value.to(device) for name, value in batch.items() if name != "groups"}
    for name in ("pixel_values", "depth_values"):
        if name in moved:
            moved[name] = moved[name].bfloat16().contiguous(memory_format=torch.channels_last)
    return moved | {"groups": [group.to(device) for group in batch["groups"]]}


# ---- on disk ---------------------------------------------------------------------------------------------------------


def _resume(lesson: PointingLoss, optimizer: MasterWeightOptimizer, out: Path) -> int:
    """Take up the state in a folder, if there is one; the updates that are done."""
    if not (out / STATE).exists():
        return 0
    held = _read_state(out)
    _check_same_model(lesson, held, out)
    optimizer.load(held)
    _load_buffers(lesson, held)
    return optimizer.steps


def _read_state(out: Path) -> dict[str, Tensor]:
    path = out / STATE
    try:
        held: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"cannot read the state of training {source_name(path)}: {one_line(error)}; name another folder, or delete "
            "it to begin anew"
        ) from error
    return held


def _check_same_model(lesson: PointingLoss, held: Mapping[str, Tensor], out: Path) -> None:
    expected = {f"{kind}/{name}": weight.shape for name, weight in _trained(lesson).items() for kind in _KINDS}
    found = {name: tensor.shape for name, tensor in held.items() if name.partition("/")[0] in _KINDS}
    if found != expected or "steps" not in held:
        raise InputError(
            f"expected the state of this model in {source_name(out / STATE)}, got that of another one: name another "
            "folder, or delete it to begin anew"
        )


def _trained(lesson: PointingLoss) -> dict[str, Tensor]:
    return {name: weight for name, weight in lesson.named_parameters() if weight.requires_grad}


def _load_buffers(lesson: PointingLoss, held: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, buffer in _kept_buffers(lesson).items():
            if f"buffer/{name}" in held:
                buffer.copy_(held[f"buffer/{name}"])


def _kept_buffers(lesson: PointingLoss) -> dict[str, Tensor]:
    """Those that a checkpoint holds: the statistics of the stems."""
    kept = set(lesson.state_dict())
    return {name: buffer for name, buffer in lesson.named_buffers() if name in kept}


def _save(lesson: PointingLoss, optimizer: MasterWeightOptimizer, out: Path) -> None:
    """Write the state aside, then rename it."""
    buffers = {f"buffer/{name}": buffer for name, buffer in _kept_buffers(lesson).items()}
    held = {name: tensor.contiguous().clone() for name, tensor in (optimizer.tensors() | buffers).items()}
    aside = out / f".{STATE}"
    try:
        save_file(held, aside)
        flush(aside)
        os.replace(aside, out / STATE)
    except (OSError, SafetensorError) as error:
        aside.unlink(missing_ok=True)
        raise InputError(
            f"cannot write the state of training {source_name(out / STATE)}: {one_line(error)}; make room and run the "
            "same command again"
        ) from error


def _log(out: Path, content: dict[str, float]) -> None:
    with one_line_refusal(out / LOG), (out / LOG).open("a") as file:
        file.write(json.dumps({name: round(value, 5) for name, value in content.items()}) + "\n")


def _cut_log(out: Path, done: int) -> None:
    """Leave out updates that a killed run logged behind its last state: they are made again."""
    path = out / LOG
    if not path.exists():
        return
    kept = {}
    for line in path.read_bytes().splitlines():
        with suppress(ValueError, KeyError):  # the kill may have cut the last line short
            update = json.loads(line)["update"]
            if update < done:
                kept[update] = line + b"\n"
    write_whole(path, kept.values())
