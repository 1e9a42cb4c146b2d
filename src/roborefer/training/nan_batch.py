"""A batch whose loss is no number, written down so that it can be looked at and tried again."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from roborefer.errors import InputError, TrainingError
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import write_json
from roborefer.training.batches import SAMPLE_INDICES, BatchSource, without_notes

_NAMED = 3


def stop_at(
    run: Path, batches: Sequence[Mapping[str, Any]], source: BatchSource, what: str, where: Mapping[str, Any]
) -> TrainingError:
    """Writes the batches of a step to ``nan_batch/`` in the run's folder.

    Args:
        run: The run's folder.
        batches: As the model was fed, with :data:`SAMPLE_INDICES` if there are any.
        source: Says where the samples come from.
        what: ``the loss`` or ``the gradient``, and its value.
        where: Step, process, processes and learning rate; written down too.

    Returns:
        The error to raise: one line that names the folder and the first records.
    """
    folder = run / "nan_batch"
    if where["processes"] > 1:
        folder /= f"process-{where['process']}"
    places = [_places(batch, source) for batch in batches]
    names = [place["record"] for group in places for place in group]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    message = f"{what} at step {where['step']}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, batch in enumerate(batches):
            save_file(_tensors(without_notes(batch)), folder / f"batch-{number}.safetensors")
        write_json(
            folder / "batch.json",
            {"what": what, **where, "batches": [_document(b, p) for b, p in zip(batches, places, strict=True)]},
        )
    except (OSError, SafetensorError, InputError) as error:
        return TrainingError(
            f"{message}; its batch ({shown}) could not be written to {source_name(folder)}: {one_line(error)}"
        )
    return TrainingError(
        f"{message}; its batch ({shown}) is written down in {source_name(folder)}: look at these records, or lower the "
        "learning rate and start again in another folder"
    )


def _places(batch: Mapping[str, Any], source: BatchSource) -> list[dict[str, Any]]:
    indices = batch.get(SAMPLE_INDICES)
    if indices is None:
        return []
    return [{"sample": index, "record": source.describe(index)} for index in Tensor.tolist(indices)]


def _tensors(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in batch.items() if isinstance(value, Tensor)}


def _document(batch: Mapping[str, Any], places: list[dict[str, Any]]) -> dict[str, Any]:
    """What of a batch is no tensor, and where its samples come from."""
    others = {name: value for name, value in without_notes(batch).items() if not isinstance(value, Tensor)}
    return {"samples": places, "arguments": {name: _plain(value) for name, value in others.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
