"""Samples by index, batches of them, and how long they are: all against what the model really makes of them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from roborefer.datasets import lengths
from roborefer.datasets.batching import TokenBudgetBatchSampler
from roborefer.datasets.collator import INDICES, ConversationCollator
from roborefer.datasets.lengths import fused_length
from roborefer.datasets.mixture import read_mixture
from roborefer.datasets.records import TrainingRecord
from roborefer.datasets.samples import ConversationDataset
from roborefer.errors import InputError
from roborefer.geometry.depth import depth_picture, read_depth
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.spatial_vlm import SpatialVLM

from ..models.tiny_models import tiny_config, tiny_model, tokenizer  # noqa: TID252 - shared models
from .data_folders import data_set, record, said, write_pictures


@cache
def processor(tiling: str = "dynamic", **changes: Any) -> SpatialProcessor:
    return SpatialProcessor(tokenizer(), tiny_config(image_aspect_ratio=tiling, max_tiles=12, **changes))


@cache
def model(tiling: str = "dynamic") -> SpatialVLM:
    return tiny_model(processor(tiling).config)


MIXED: Sequence[dict[str, Any]] = (
    record(("Where is it?", "[(0.100, 0.200)]"), ("And now?", "There.")),
    record(("<image>\nIs it red?", "Yes, it is."), depth=None),
    {"conversations": said(("Hello?", "Hi, how can I help?"))},
    record(("Where?", "[(0.5, 0.5)]"), depth="a_metric.png"),
    record(("Which?", "(A) left"), image=["a.png", "a.png"], depth=["a_depth.png", "a_metric.png"]),
    {"image": "a.png", "instruction": "the corner", "point": [0, 0]},
    record(*[(f"Question number {turn}?", f"[(0.{turn:03}, 0.5)]") for turn in range(40)]),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data_set(tmp_path, MIXED)
    return tmp_path


def dataset(folder: Path, tiling: str = "dynamic", **options: Any) -> ConversationDataset:
    return ConversationDataset(read_mixture(str(folder)), processor(tiling), **options)


def test_a_sample_is_what_the_processor_makes_of_its_record(folder: Path) -> None:
    data = dataset(folder)
    assert len(data) == len(MIXED) + 2
    sample = data[0]
    expected = processor().encode_conversation(
        MIXED[0]["conversations"],
        [Image.open(folder / "a.png").convert("RGB")],
        [Image.open(folder / "a_depth.png").convert("RGB")],
    )
    assert (sample.encoded.input_ids, sample.encoded.labels) == (expected.input_ids, expected.labels)
    for kind in ("images", "depths"):
        for got, wanted in zip(getattr(sample.encoded, kind), getattr(expected, kind), strict=True):
            np.testing.assert_array_equal(got.pixels, wanted.pixels)
    assert (sample.index, sample.replaced, sample.record.turns) == (0, (), 2)


def test_metric_depth_becomes_the_towers_picture(folder: Path) -> None:
    for method in ("inverse", "linear"):
        made = processor("resize", depth_method=method)
        data = ConversationDataset(read_mixture(str(folder)), made)
        metres = read_depth(folder / "a_metric.png").metres
        assert metres is not None
        expected = made.tile(Image.fromarray(depth_picture(metres, method)), depth=True)
        np.testing.assert_array_equal(data[3].encoded.depths[0].pixels, expected.pixels)


def test_long_conversations_are_sliced(folder: Path) -> None:
    data = dataset(folder)
    turns = [data.record(index).turns for index in range(len(data))]
    assert turns == [2, 1, 1, 1, 1, 1, 15, 15, 10]
    said_first = data.record(7).conversations[0].text
    assert said_first == "Question number 15?"
    text = tokenizer().decode([token for token in data[7].encoded.labels or [] if token != IGNORE_INDEX])
    assert text.startswith("[(0.015, 0.5)]<|im_end|>")


def test_a_model_without_depth_gets_none(folder: Path) -> None:
    made = SpatialProcessor(tokenizer(), tiny_config(depth=False))
    sample = ConversationDataset(read_mixture(str(folder)), made)[0]
    assert (len(sample.encoded.images), sample.encoded.depths) == (1, [])


def test_augmentation_is_seeded_by_epoch_and_index(folder: Path) -> None:
    def augment(
        made: TrainingRecord,
        images: Sequence[Image.Image],
        depths: Sequence[Image.Image],
        generator: np.random.Generator,
    ) -> tuple[TrainingRecord, Sequence[Image.Image], Sequence[Image.Image]]:
        grey = int(generator.integers(256))
        return made, [Image.new("RGB", image.size, (grey,) * 3) for image in images], ()

    data, other = (dataset(folder, augment=augment, seed=seed) for seed in (0, 1))

    def shade(made: ConversationDataset, *key: int) -> float:
        sample = made[key[0] if len(key) == 1 else (key[0], key[1])]
        assert sample.encoded.depths == []
        return float(sample.encoded.images[0].pixels.mean())

    shades = [shade(data, 0), shade(data, 1, 0), shade(data, 0, 1), shade(other, 0)]
    assert len(set(shades)) == 4
    assert shade(data, 0, 0) == shades[0] == shade(data, 0)


def test_a_file_that_goes_after_the_start(folder: Path) -> None:
    refusing, skipping = dataset(folder), dataset(folder, on_bad_record="skip")
    (folder / "a_depth.png").unlink()
    with pytest.raises(InputError, match=r"data\.jsonl line 1: no such file: .*a_depth\.png; check the path$"):
        refusing[0]
    sample = skipping[0]
    assert (sample.index, len(sample.replaced)) == (1, 1)
    assert "a_depth.png" in sample.replaced[0]
    assert skipping[8].index == 1
    (folder / "data.jsonl").write_text("short")
    with pytest.raises(InputError, match=r"; has the file changed since the start\?$"):
        refusing.record(1)
    with pytest.raises(InputError, match=r"; has the file changed since the start\?$"):
        skipping[1]


@pytest.mark.parametrize("tiling", ["dynamic", "resize", "dynamic_s2"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_batch_of_all_kinds_has_the_loss_of_its_samples(folder: Path, tiling: str, packed: bool) -> None:
    data = dataset(folder, tiling)
    samples = [data[index] for index in range(6)]
    collate = ConversationCollator(processor(tiling), packed=packed, with_indices=True)
    batch = collate(samples)
    assert batch.pop(INDICES).tolist() == list(range(6))
    with torch.no_grad():
        together = model(tiling)(**batch).loss.item()
        alone, counts = [], []
        for sample in samples:
            inputs = collate([sample])
            inputs.pop(INDICES)
            alone.append(model(tiling)(**inputs).loss.item())
            counts.append(sum(label != IGNORE_INDEX for label in sample.encoded.labels or []))
    assert together == pytest.approx(np.average(alone, weights=counts), rel=1e-4)


@pytest.mark.parametrize("tiling", ["dynamic", "resize", "dynamic_s2"])
def test_lengths_are_those_of_the_fused_sequence(folder: Path, tiling: str) -> None:
    data = dataset(folder, tiling)
    batch = processor(tiling).collate([data[index].encoded for index in range(len(data))])
    made = model(tiling)
    with torch.no_grad():
        images = made.features(batch.get("pixel_values"), batch.get("image_block_sizes"), depth=False)
        depths = made.features(batch.get("depth_values"), batch.get("depth_block_sizes"), depth=True)
        fused = made.fuse(batch["input_ids"], batch["attention_mask"], images, depths)
    real = fused.attention_mask.sum(dim=1).tolist()
    assert [fused_length(processor(tiling), data[index].encoded) for index in range(len(data))] == real
    estimated = data.lengths()
    assert estimated.dtype == np.int64
    np.testing.assert_allclose(estimated, real, rtol=0.06, atol=12)


@pytest.mark.parametrize("tiling", ["dynamic", "resize", "dynamic_s2"])
@pytest.mark.parametrize("size", [(40, 30), (56, 56), (200, 50), (90, 270), (640, 480)])
def test_a_pictures_length_is_known_from_its_size(tiling: str, size: tuple[int, int]) -> None:
    made = processor(tiling)
    tiled = made.tile(Image.new("RGB", size))
    rows = tiled.placeholders * (lengths.features_per_token(made.config, tiled, 1, depth=False) + 1)
    assert lengths._picture_length(made.config, size, 1, depth=False) == rows


def test_no_length_is_beyond_the_models_longest(folder: Path) -> None:
    made = SpatialProcessor(tokenizer(), tiny_config(model_max_length=50))
    data = ConversationDataset(read_mixture(str(folder)), made)
    assert data.lengths().max() == 50
    assert fused_length(made, data[0].encoded) == 50


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a machine of one core
def test_processes_of_a_data_loader_give_the_same_batches(folder: Path, tmp_path: Path) -> None:
    data = dataset(folder, cache_folder=tmp_path / "cache")
    sampler = TokenBudgetBatchSampler(data.lengths(), max_samples_per_batch=2)
    loaders = [
        DataLoader(data, batch_sampler=sampler, collate_fn=ConversationCollator(processor()), num_workers=workers)
        for workers in (0, 2)
    ]
    batches = [list(loader) for loader in loaders]
    assert len(batches[0]) == len(batches[1]) == len(sampler)
    for one, other in zip(*batches, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]) if isinstance(value, torch.Tensor) else value == other[key]
    travelled = pickle.loads(pickle.dumps(data))  # noqa: S301 - as a spawned process gets it
    assert travelled[0].encoded.input_ids == data[0].encoded.input_ids


def test_a_folder_without_sound_records_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    with pytest.raises(InputError, match=r"^expected a folder with shards/"):
        dataset(tmp_path)
