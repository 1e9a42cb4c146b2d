"""Inference against the goldens: prompt, pixels, towers, projectors, fusion, logits, greedy text.

Tolerances are those of the golden README; the names of arrays too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roborefer import Depth
from roborefer.models.encoded_image import look
from roborefer.models.processor import EncodedSample, stack_tiles
from roborefer.models.projector import split_grid
from roborefer.predictor import Predictor

from . import goldens
from .conftest import Loader

CASES = goldens.inference_cases()


def record(case: goldens.Golden) -> dict[str, Any]:
    return goldens.read_json(case.folder / "cases.json")[case.name]


def prompt_parts(case: goldens.Golden) -> list[Any]:
    """The prompt in the form that ``Predictor.generate`` takes."""
    parts: list[Any] = []
    for part in record(case)["prompt"]:
        if isinstance(part, str):
            parts.append(part)
        elif "image" in part:
            parts.append(case.folder / part["image"])
        else:
            parts.append(Depth(case.folder / part["depth"]))
    return parts


def encode(predictor: Predictor, case: goldens.Golden) -> EncodedSample:
    return predictor.processor.encode_prompt([predictor._read_part(part) for part in prompt_parts(case)])


def is_accepted_improvement(case: goldens.Golden) -> bool:
    """One-channel, palette, RGBA and 16-bit depth fail in the published code; ours reads them (by design)."""
    depths = [part for part in record(case)["prompt"] if isinstance(part, dict) and "depth" in part]
    return any(part.get("mode", "RGB") != "RGB" for part in depths)


@pytest.fixture(params=[case for case in CASES if "error" not in record(case)], ids=str)
def case(request: pytest.FixtureRequest) -> goldens.Golden:
    return request.param


@pytest.fixture
def arrays(case: goldens.Golden) -> dict[str, np.ndarray]:
    return goldens.read_arrays(case.folder / "cases" / f"{case.name}.npz")


@pytest.fixture
def predictor(case: goldens.Golden, predictor_of: Loader) -> Iterator[Predictor]:
    """The case's model, cutting sequences where the case was cut."""
    predictor = predictor_of(case.folder)
    config = predictor.model.config
    usual = config.model_max_length
    config.model_max_length = record(case).get("default_generation", {}).get("max_length", usual)
    yield predictor
    config.model_max_length = usual


def close(actual: Any, expected: np.ndarray, tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=0, atol=tolerance)


def test_prompt_is_tokenized_alike(predictor: Predictor, case: goldens.Golden, arrays: dict[str, np.ndarray]) -> None:
    sample = encode(predictor, case)
    assert predictor.processor.tokenizer.decode(sample.input_ids) == record(case)["prompt_as_tokenized"]
    assert sample.input_ids == arrays["input_ids"][0].tolist()


@pytest.mark.parametrize("kind", ["image", "depth"])
def test_pixels(predictor: Predictor, case: goldens.Golden, arrays: dict[str, np.ndarray], kind: str) -> None:
    if f"pixel_{kind}_sample" not in arrays:
        pytest.skip(f"the case has no {kind}")
    sample = encode(predictor, case)
    pictures = sample.images if kind == "image" else sample.depths
    pixels = stack_tiles(pictures).numpy()
    close(pixels[:, :, 3::56, 5::56], arrays[f"pixel_{kind}_sample"], 1e-6)
    close(pixels.mean(axis=(2, 3)), arrays[f"pixel_{kind}_tilemean"], 1e-5)
    assert list(pixels.shape) == record(case)[f"pixel_{kind}"]["shape"]
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == record(case)[f"pixel_{kind}"]["sha256"]
    blocks = record(case).get("block_sizes", {}).get(kind)
    if blocks:
        assert [list(picture.block_size or ()) for picture in pictures] == blocks


@pytest.mark.parametrize("kind", ["image", "depth"])
@torch.inference_mode()
def test_tower_and_projector(
    predictor: Predictor, case: goldens.Golden, arrays: dict[str, np.ndarray], kind: str
) -> None:
    if f"tower_{kind}_rowsum" not in arrays:
        pytest.skip(f"the case has no {kind}")
    model, sample = predictor.model, encode(predictor, case)
    pictures = sample.images if kind == "image" else sample.depths
    pixels, blocks = stack_tiles(pictures), [picture.block_size for picture in pictures]
    features = (model.depth_tower if kind == "depth" else model.vision_tower)(pixels)
    close(features.sum(dim=-1), arrays[f"tower_{kind}_rowsum"], 5e-5)
    close(features[:, ::128], arrays[f"tower_{kind}_sample"], 1e-5)
    embeddings = [rows[:-1] for rows in model.encode_media(pixels, blocks, depth=kind == "depth")]
    projected = torch.cat([_in_chunks(rows, block) for rows, block in zip(embeddings, blocks, strict=False)])
    if model.config.image_aspect_ratio != "dynamic_s2":
        projected = torch.stack(embeddings)
    close(projected.sum(dim=-1), arrays[f"proj_{kind}_rowsum"], 5e-5)
    close(projected[:, ::16], arrays[f"proj_{kind}_sample"], 1e-5)


def _in_chunks(rows: torch.Tensor, block: tuple[int, int] | None) -> torch.Tensor:
    """The raster of one picture as the tiles of its last scale, which is how the goldens hold it."""
    if block is None:
        return rows[None]
    side = int((len(rows) // (block[0] * block[1])) ** 0.5)
    return split_grid(rows.reshape(block[0] * side, block[1] * side, -1), *block).flatten(1, 2)


@torch.inference_mode()
def test_fusion_and_logits(predictor: Predictor, case: goldens.Golden, arrays: dict[str, np.ndarray]) -> None:
    sample, model = encode(predictor, case), predictor.model
    seen = look(model, sample)
    fused = model.fuse(torch.tensor([sample.input_ids]), None, seen.images, seen.depths)
    np.testing.assert_array_equal(fused.attention_mask.numpy(), arrays["fused_mask"])
    close(fused.inputs_embeds.sum(dim=-1), arrays["fused_rowsum"], 5e-5)
    close(fused.inputs_embeds.norm(dim=-1), arrays["fused_rowl2"], 5e-5)
    close(fused.inputs_embeds[:, arrays["fused_sample_idx"]], arrays["fused_sample"], 1e-5)
    logits = model(**predictor.processor.collate([sample])).logits[0]
    close(logits[-8:], arrays["logits_last8"], 1e-4)
    assert (logits.argmax(dim=-1).numpy() == arrays["logits_argmax_all"]).mean() >= 0.995


def test_greedy_text(predictor: Predictor, case: goldens.Golden, arrays: dict[str, np.ndarray]) -> None:
    written = predictor.generate_ids(prompt_parts(case), max_new_tokens=16)
    ties = np.flatnonzero(arrays["greedy_top2_gap"] <= 1e-3)
    certain = int(ties[0]) if len(ties) else len(arrays["greedy_ids"])
    assert written[:certain] == arrays["greedy_ids"][:certain].tolist()
    if certain == len(arrays["greedy_ids"]):
        assert written == arrays["greedy_ids"].tolist() or written == arrays["greedy_ids"][:-1].tolist()
        assert predictor.processor.decode(written) == record(case)["text"]


@pytest.mark.skipif(not [case for case in CASES if "error" in record(case)], reason="no golden case raises")
@pytest.mark.parametrize("case", [case for case in CASES if "error" in record(case)], ids=str)
def test_what_must_raise(case: goldens.Golden, predictor_of: Loader) -> None:
    predictor = predictor_of(case.folder)
    if is_accepted_improvement(case):
        assert isinstance(predictor.generate(prompt_parts(case), max_new_tokens=2), str)
        return
    with pytest.raises((ValueError, OSError, TypeError)):
        predictor.generate(prompt_parts(case), max_new_tokens=2)


def test_the_public_goldens_are_all_there() -> None:
    names = {str(case) for case in CASES if Path(case.folder).is_relative_to(goldens.PUBLIC)}
    assert names == {
        "goldens/tiny-2b-like-A/rgb_640x480",
        "goldens/tiny-2b-like-A/rgbd_640x480",
        "goldens/tiny-2b-like-A/two_rgb",
        "goldens/tiny-8b-like-A/rgbd_640x480",
    }
