"""A whole model folder: weights, configuration, tokenizer and normalisation, in the published layout."""

from __future__ import annotations

from pathlib import Path

from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.whole_folders import write_folder


def save_model(model: SpatialVLM, processor: SpatialProcessor, folder: Path) -> None:
    """Writes model and processor as one folder, whole or not there.

    Raises:
        InputError: The system refuses it.
        CheckpointError: The weights cannot be written.
    """

    def write(aside: Path) -> None:
        model.save_pretrained(aside)
        processor.save_pretrained(aside)

    write_folder(folder, write)
