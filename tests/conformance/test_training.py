"""Training batches against the goldens: labels, fusion, packing, loss and gradient norms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roborefer.models.processor import EncodedSample
from roborefer.models.spatial_vlm import FusedBatch, pack
from roborefer.predictor import Predictor

from . import goldens
from .conftest import Loader


def train_json(case: goldens.Golden) -> dict[str, Any]:
    return goldens.read_json(case.folder / "train" / "train.json")


def encode(predictor: Predictor, case: goldens.Golden, name: str) -> EncodedSample:
    sample = train_json(case)["samples"][name]
    pictures = {
        kind: [
            Image.open(case.folder / "images" / file).convert("RGB") for file in _as_list(sample["record"].get(kind))
        ]
        for kind in ("image", "depth")
    }
    return predictor.processor.encode_conversation(
        sample["record"]["conversations"],
        pictures["image"],
        pictures["depth"] if sample["enable_depth"] else [],
        label_mask="published",
    )


def _as_list(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


@pytest.mark.parametrize("case", goldens.training_samples(), ids=str)
def test_sample(case: goldens.Golden, predictor_of: Loader) -> None:
    predictor, expected = predictor_of(case.folder), train_json(case)["samples"][case.name]
    sample = encode(predictor, case, case.name)
    assert predictor.processor.tokenizer.decode(sample.input_ids) == expected["text"]
    assert sample.input_ids == expected["input_ids"]
    assert sample.labels == expected["labels"]
    assert sum(len(image.pixels) for image in sample.images) == expected["n_image"]
    assert sum(len(depth.pixels) for depth in sample.depths) == expected["n_depth"]
    for pictures, key in ((sample.images, "block_sizes"), (sample.depths, "depth_block_sizes")):
        if expected.get(key):
            assert [list(picture.block_size or ()) for picture in pictures] == expected[key]


@pytest.fixture(params=goldens.training_batches(), ids=str)
def case(request: pytest.FixtureRequest) -> goldens.Golden:
    return request.param


def test_batch(case: goldens.Golden, predictor_of: Loader) -> None:
    predictor, expected = predictor_of(case.folder), train_json(case)["batches"][case.name]
    arrays = goldens.read_arrays(case.folder / "train" / f"{case.name}.npz")
    model, processor = predictor.model, predictor.processor
    length = model.config.model_max_length
    model.config.model_max_length = expected["model_max_length"]
    model.train()
    try:
        batch = processor.collate([encode(predictor, case, name) for name in expected["samples"]])
        _check_collated(batch, arrays)
        fused = _fuse(predictor, batch)
        _check_fused(fused, arrays)
        _check_packed(fused, arrays)
        _check_loss(predictor, batch, arrays, expected)
        model.eval()
        with torch.no_grad():
            padded = model(**batch).loss.item()
        assert padded == pytest.approx(expected["loss_unpacked_eval"], abs=1e-5)
    finally:
        model.config.model_max_length = length
        model.eval()
        model.zero_grad(set_to_none=True)


def _check_collated(batch: Any, arrays: dict[str, np.ndarray]) -> None:
    for name in ("input_ids", "labels"):
        np.testing.assert_array_equal(batch[name].numpy(), arrays[name])
    np.testing.assert_array_equal(batch["attention_mask"].bool().numpy(), arrays["attention_mask"])


@torch.no_grad()
def _fuse(predictor: Predictor, batch: Any) -> FusedBatch:
    model = predictor.model
    images = model.features(batch.get("pixel_values"), batch.get("image_block_sizes"), depth=False)
    depths = model.features(batch.get("depth_values"), batch.get("depth_block_sizes"), depth=True)
    return model.fuse(batch["input_ids"], batch["attention_mask"], images, depths, batch["labels"])


def _check_fused(fused: FusedBatch, arrays: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(fused.labels.numpy(), arrays["fused_labels"])
    np.testing.assert_array_equal(fused.attention_mask.numpy(), arrays["fused_mask"])
    np.testing.assert_allclose(fused.inputs_embeds.sum(dim=-1), arrays["fused_rowsum"], rtol=0, atol=5e-5)
    np.testing.assert_allclose(fused.inputs_embeds.norm(dim=-1), arrays["fused_rowl2"], rtol=0, atol=5e-5)


def _check_packed(fused: FusedBatch, arrays: dict[str, np.ndarray]) -> None:
    """The goldens end in one dummy token, which the published code needs and ours does not."""
    embeddings, positions, labels = pack(fused)
    np.testing.assert_array_equal(positions.numpy(), arrays["packed_position_ids"][:, :-1])
    np.testing.assert_array_equal(labels.numpy(), arrays["packed_labels"][:, :-1])
    np.testing.assert_allclose(embeddings.sum(dim=-1), arrays["packed_rowsum"][:, :-1], rtol=0, atol=5e-5)


def _check_loss(predictor: Predictor, batch: Any, arrays: dict[str, np.ndarray], expected: dict[str, Any]) -> None:
    model = predictor.model
    model.zero_grad(set_to_none=True)
    output = model(**batch, packed=True)
    assert output.loss.item() == pytest.approx(expected["loss"], abs=1e-5)
    rows = torch.from_numpy(arrays["supervised_rows"])
    targets = torch.from_numpy(arrays["packed_labels"][0])[rows + 1]
    logits = output.logits[0].detach()[rows]
    log_probabilities = logits.log_softmax(dim=-1).gather(1, targets[:, None])[:, 0]
    np.testing.assert_allclose(log_probabilities, arrays["supervised_logprob"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(logits[:8], arrays["supervised_logits_first8"], rtol=0, atol=1e-4)
    output.loss.backward()
    norms = {name: parameter.grad for name, parameter in model.named_parameters()}
    published = {
        name.replace(".vision_tower.vision_model.", ".vision_model."): norm
        for name, norm in expected["grad_norms"].items()
    }
    assert set(published) == set(norms)
    for name, norm in published.items():
        gradient = norms[name]
        assert (gradient is None) == (norm is None), name
        if gradient is not None:
            # A key's bias has no gradient but for rounding (softmax ignores it), hence the absolute part.
            assert gradient.norm().item() == pytest.approx(norm, rel=1e-3, abs=1e-6), name
