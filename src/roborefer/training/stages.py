"""The training stages, from their names to a trained model on disk: depth alignment, supervised fine-tuning.

One function prepares a model for a stage; the run before training and the export after it both call it, so that the
trained weights always find their place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from transformers import TrainerCallback

from roborefer.datasets.batching import TokenBudgetBatchSampler
from roborefer.datasets.collator import ConversationCollator
from roborefer.datasets.lengths import fused_length
from roborefer.datasets.mixture import read_mixture
from roborefer.datasets.samples import ConversationDataset, TrainingSample
from roborefer.errors import InputError
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training import lora, run_state, zero3
from roborefer.training.batches import COUNTS, NOTES, BatchSource
from roborefer.training.configuration import TrainingConfig
from roborefer.training.held_out import MappedBatches, hold_out
from roborefer.training.parameters import count_parameters, freeze_resting_parts, set_precision, train_parts
from roborefer.training.processes import Processes, join_processes
from roborefer.training.run_folder import RunFolder, RunSettings
from roborefer.training.saving import save_model
from roborefer.training.trainer import StageTrainer
from roborefer.training.whole_folders import write_folder

StageName = Literal["align", "sft"]

_LOOKED_AT = 1000  # records, for depth


def run_stage(
    settings: RunSettings,
    out: Path,
    *,
    resume: bool = True,
    merge: bool = True,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Path:
    """Trains a stage, or goes on with it, and writes the model.

    Args:
        settings: What is trained on what, and how.
        out: The run's folder: checkpoints, log, curves, and ``model/`` at the end.
        resume: Go on with the run that is there; False refuses a folder with one.
        merge: With adapters, write ``model/`` with them merged in, beside ``adapter/``.
        progress: Show a progress bar on stderr; lines about once a minute where it is no terminal.
        say: Told what a person should know, by the main process alone.

    Returns:
        The folder of the model (of the adapters, without ``merge``).

    Raises:
        InputError: Model, data or configuration cannot be used, or the folder holds another run.
        TrainingError: The loss is no number any more.
    """
    team = join_processes()
    tell = _surely(say) if team.is_main else _silent
    folder = RunFolder(out)
    last = folder.find(settings, resume=resume)
    processor = SpatialProcessor.from_pretrained(settings.model)
    model = SpatialVLM.from_pretrained(settings.model, tokenizer=processor.tokenizer)
    if not model.config.has_depth:
        tell("the model is RGB-only: depth in the data is left out")
    with team.main_first():
        training, validation = _sources(settings, processor, out, team, tell, progress=progress and team.is_main)
    prepare(model, settings, team)
    learning, every = count_parameters(model)
    tell(f"{settings.stage}: {learning:,} of {every:,} parameters learn")
    trainer = StageTrainer(
        model,
        settings.config,
        out,
        training,
        validation=validation,
        forward_options={"loss_only": True},
        callbacks=_callbacks(out, tell, progress=progress) if team.is_main else [],
        on_note=tell,
    )
    if last is not None:
        trainer.check_checkpoint(last)
        tell(f"going on after step {last.name.rpartition('-')[2]}")
    elif team.is_main:
        folder.begin(settings)
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    written = folder.model
    zero3.forget_configuration()
    if team.is_main:
        written = export(folder, merge=merge)
    team.wait()
    return written


def prepare(model: SpatialVLM, settings: RunSettings, team: Processes) -> Any:
    """Makes a stage's parameters learn, and no others.

    Args:
        model: As loaded; changed in place.
        settings: The stage and the configuration's ``also_train``, ``lora``, ``part_learning_rates`` and ``precision``.
        team: More than one process needs every part in every batch.

    Returns:
        peft's model around it with adapters, None without.

    Raises:
        InputError: The model has no depth projector to align, or the configuration names what it lacks; or DeepSpeed
            should slice a model with a point head.
    """
    stage, config = settings.stage, settings.config
    # DeepSpeed gathers weights whenever a part runs; how often the point head does depends on the batch.
    if team.with_deepspeed and model.point_head is not None:
        raise InputError(
            "expected a model without a point head under DeepSpeed, got one with: train it with torchrun alone or FSDP2"
        )
    if stage == "align" and model.depth_projector is None:
        raise InputError(
            "expected a model with a depth projector to align, got an RGB-only one: give it depth with init-base"
        )
    model.set_trainable(cast(StageName, stage))
    train_parts(model, config)
    wrapped = None
    if config.lora is not None:
        wrapped = lora.add_adapters(model, config.lora, base=settings.model, seed=config.seed)
    freeze_resting_parts(model, config)
    set_precision(model, config, sharded=team.sharded)
    model.run_every_part = team.count > 1 or stage == "align"
    return wrapped


def export(folder: RunFolder, *, checkpoint: Path | None = None, out: Path | None = None, merge: bool = True) -> Path:
    """Writes the model of a run's checkpoint in the published layout, in the format of the model it started from.

    Args:
        folder: Of the run.
        checkpoint: The latest one if None.
        out: Where to; ``model/`` in the run's folder if None.
        merge: With adapters, merge them; else only the adapters are written.

    Returns:
        The folder that was written.

    Raises:
        InputError: There is no run or no checkpoint.
    """
    settings = folder.settings()
    found = run_state.checkpoints(folder.path)
    if checkpoint is None and not found:
        raise InputError(f"expected a checkpoint in {folder.path}, found none: the run has not come that far")
    processor = SpatialProcessor.from_pretrained(settings.model)
    model = SpatialVLM.from_pretrained(settings.model, tokenizer=processor.tokenizer)
    stored = model.dtype
    wrapped = prepare(model, settings, Processes())
    run_state.load_weights(model, checkpoint or found[-1])
    if wrapped is not None:
        adapter = folder.adapter if out is None or merge else out
        write_folder(adapter, lambda aside: lora.save_adapters(wrapped, aside))
        if not merge:
            return adapter
        lora.merge_adapters(wrapped)
    if settings.stage == "sft":
        model.config.untrained = False
    target = folder.model if out is None else out
    save_model(model.to(stored), processor, target)
    return target


def _callbacks(out: Path, tell: Callable[[str], None], *, progress: bool) -> Sequence[TrainerCallback]:
    from roborefer.training.reporting import RunLog, progress_callback

    return [RunLog(out, tell), *([progress_callback()] if progress else [])]


def _surely(say: Callable[[str], None]) -> Callable[[str], None]:
    """A reader that has gone, or a full disk that standard error is written to, ends no run."""

    def tell(text: str) -> None:
        with suppress(OSError):
            say(text)

    return tell


def _silent(_: str) -> None:
    """Other processes than the main one say nothing."""


# ---- data ------------------------------------------------------------------------------------------------------------


def _sources(
    settings: RunSettings,
    processor: SpatialProcessor,
    out: Path,
    team: Processes,
    tell: Callable[[str], None],
    *,
    progress: bool,
) -> tuple[BatchSource, BatchSource | None]:
    """The batches to train on, and those to validate on."""
    config = settings.config

    def read(text: str) -> ConversationDataset:
        mixture = read_mixture(text, registries=settings.registries, data_root=settings.data_root)
        data = ConversationDataset(
            mixture,
            processor,
            on_bad_record=config.on_bad_record,
            most_turns=config.max_turns,
            label_mask=config.label_mask,
            seed=config.seed,
            cache_folder=out / "scan",
            workers=max(1, config.workers),
            progress=progress,
        )
        tell(f"{text}: {_described(data)}")
        return data

    def held_out(data: ConversationDataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        kept, held = hold_out(data, config.validation_samples, config.seed, progress=progress)
        tell(f"{len(held)} samples are held out for validation")
        return kept, held

    data = read(settings.data)
    if settings.stage == "align":
        _check_depth(data, settings.data)
    everything = np.arange(len(data), dtype=np.int64)
    if settings.validation is not None:
        other = read(settings.validation)
        chosen = _spread(len(other), config.validation_samples)
        return (
            _source(data, everything, processor, config, team),
            _source(other, chosen, processor, config, team, shuffle=False),
        )
    if not config.validation_samples:
        return _source(data, everything, processor, config, team), None
    kept, held = held_out(data)
    return (
        _source(data, kept, processor, config, team),
        _source(data, held, processor, config, team, shuffle=False),
    )


def _check_depth(data: ConversationDataset, text: str) -> None:
    """Alignment learns from depth alone; a look at some records tells whether there is any."""
    if not any(data.record(int(index)).depths for index in _spread(len(data), _LOOKED_AT)):
        raise InputError(f"expected data with depth to align, got {text} without: its depth_path may be missing")


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Positions spread evenly over the data; all of them without a limit."""
    if not most or most >= count:
        return np.arange(count, dtype=np.int64)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def _source(
    data: ConversationDataset,
    positions: NDArray[np.int64],
    processor: SpatialProcessor,
    config: TrainingConfig,
    team: Processes,
    *,
    shuffle: bool = True,
) -> BatchSource:
    batches = TokenBudgetBatchSampler(
        data.lengths()[positions],
        max_tokens_per_batch=config.tokens_per_batch,
        max_samples_per_batch=config.samples_per_batch,
        packed=config.packing,
        shuffle=shuffle,
        seed=config.seed,
        rank=team.rank,
        world_size=team.count,
    )
    return BatchSource(
        data,
        MappedBatches(batches, positions),
        _Collator(processor, packed=config.packing),
        lambda index: _place(data, index),
    )


class _Collator:
    """The data sets' collator, and what the progress bar and a person are told of a batch."""

    def __init__(self, processor: SpatialProcessor, *, packed: bool) -> None:
        self._collate = ConversationCollator(processor, packed=packed, with_indices=True)

    def __call__(self, samples: Sequence[TrainingSample]) -> dict[str, Any]:
        batch = self._collate(samples)
        processor = self._collate.processor
        batch[COUNTS] = {
            "images": sum(len(sample.encoded.images) for sample in samples),
            "tokens": sum(fused_length(processor, sample.encoded) for sample in samples),
        }
        batch[NOTES] = tuple(f"skipped: {fault}" for sample in samples for fault in sample.replaced)
        return batch


def _place(data: ConversationDataset, index: int) -> str:
    record = data.record(index)
    name = f" ({record.record_id})" if record.record_id else ""
    return f"{record.location}{name}"


def _described(data: ConversationDataset) -> str:
    report = data.report
    text = f"{report.samples:,} samples of {report.records:,} records, {report.turns:,} turns"
    if not report.fault_count:
        return text
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.counts.items()))
    return (
        f"{text}; left out {report.dropped_records} records and {report.dropped_turns} turns ({counts}), see "
        "`roborefer inspect --check`"
    )
