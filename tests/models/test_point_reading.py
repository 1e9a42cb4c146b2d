"""PointReader: coordinates in a text are those of heatmaps, the same alone and in company."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from roborefer.answers import parse_answer
from roborefer.errors import CheckpointError
from roborefer.models.compact_tokenizer import opening_id
from roborefer.models.generation import ROWS, generate_greedy, prefill_prefix
from roborefer.models.key_value_cache import Prefix
from roborefer.models.point_head import DenseFeatures, Heatmap
from roborefer.models.point_reading import PointReader
from roborefer.models.spatial_vlm import SpatialVLM

from .pointing_models import REASONED, TILE, Script, compact_tokenizer, pointing_model
from .tiny_models import tokenizer as qwen_tokenizer


def seen(model: SpatialVLM) -> tuple[DenseFeatures, Prefix, Tensor]:
    """What points are read from, the prefix of a picture, and its embeddings (P, H)."""
    pixels = torch.randn(1, 3, TILE, TILE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        images, depths, dense = model.look(pixels, pixels.flip(2))
        assert depths is not None
        beginning = torch.cat([images[0], depths[0]])
        return dense, prefill_prefix(model.llm, beginning), beginning


def asked(model: SpatialVLM, count: int) -> list[Tensor]:
    """Questions of different lengths."""
    generator = torch.Generator().manual_seed(2)
    lengths = [3 + (5 * number) % 11 for number in range(count)]
    with torch.inference_mode():
        return [
            model.get_input_embeddings()(torch.randint(0, 1000, (length,), generator=generator)) for length in lengths
        ]


def written_texts(
    model: SpatialVLM, rows: list[Tensor], text: str, *, count: int = 80
) -> tuple[list[str], list[list[Heatmap]]]:
    dense, prefix, _ = seen(model)
    assert model.point_head is not None
    reader = PointReader(model.point_head, [dense] * len(rows), compact_tokenizer())
    written = generate_greedy(
        model.llm,
        rows,
        prefix=prefix,
        max_new_tokens=count,
        stop_token_ids=(),
        guide=Script(text),
        reader=reader,
    )
    texts = [compact_tokenizer().decode(tokens) for tokens in written]
    return texts, [reader.heatmaps[index] for index in range(len(rows))]


def test_a_coordinate_is_the_heatmaps_point() -> None:
    model = pointing_model()
    texts, heatmaps = written_texts(model, asked(model, 3), "[(0.000, 0.000)]")
    for text, (heatmap,) in zip(texts, heatmaps, strict=True):
        x, y = heatmap.points[0].x, heatmap.points[0].y
        assert text == f"[({x:.3f}, {y:.3f})]"
        assert (float(f"{x:.3f}"), float(f"{y:.3f}")) == heatmap.written
    assert len(set(texts)) > 1  # the heatmap depends on the question


@torch.inference_mode()
def test_it_is_read_behind_the_opening_as_a_slow_forward_says() -> None:
    """Two points in one text: the second one knows what the first one was."""
    model = pointing_model()
    dense, _, beginning = seen(model)
    assert model.point_head is not None
    rows = asked(model, 2)
    texts, heatmaps = written_texts(model, rows, REASONED)
    for row, text, found in zip(rows, texts, heatmaps, strict=True):
        ids = compact_tokenizer()(text, add_special_tokens=False)["input_ids"]
        embeddings = torch.cat([beginning, row, model.get_input_embeddings()(torch.tensor(ids))])
        hidden = model.llm.model(inputs_embeds=embeddings[None], use_cache=False).last_hidden_state[0]
        openings = [index for index, token in enumerate(ids) if token == opening_id(compact_tokenizer())]
        assert len(openings) == len(found) == 2
        step_alone, answer_alone = (
            model.point_head.read(hidden[len(beginning) + len(row) + opening], dense).probabilities
            for opening in openings
        )
        assert torch.allclose(found[0].probabilities, step_alone, atol=1e-3)
        # The answer is what both looks make together.
        together = (step_alone * answer_alone).sqrt()
        assert torch.allclose(found[1].probabilities, together / together.sum(), atol=1e-3)
        assert not torch.allclose(found[1].probabilities, answer_alone, atol=1e-3)
        answer = parse_answer(text)
        assert [(point.x, point.y) for point in answer.points] == [found[1].written]
        step = answer.steps[0].value
        assert (step.x, step.y) == found[0].written  # type: ignore[union-attr]
        assert answer.steps[1].value == pytest.approx((0.6, 0.0, -0.8))  # no opening, so nothing is read


@pytest.mark.parametrize("text", ["[(0.000, 0.000)]", REASONED])
def test_in_bf16_company_changes_no_bit(text: str) -> None:
    model = pointing_model(dtype=torch.bfloat16)
    rows = asked(model, ROWS + 2)
    texts, heatmaps = written_texts(model, rows, text)
    assert len(set(texts)) > 1
    for index in (0, 3, ROWS - 1, ROWS, ROWS + 1):
        alone, (maps,) = written_texts(model, [rows[index]], text)
        assert alone == [texts[index]]
        for ours, theirs in zip(maps, heatmaps[index], strict=True):
            assert torch.equal(ours.probabilities, theirs.probabilities)
            assert ours.points == theirs.points


@pytest.mark.parametrize("text", ["[(0.100, 0.200)]\n[(0.300, 0.400)]", "<answer>[(0.100, 0.200)]</answer>"])
def test_only_an_answer_behind_steps_is_two_looks(text: str) -> None:
    model = pointing_model()
    dense, _, beginning = seen(model)
    assert model.point_head is not None
    rows = asked(model, 1)
    (written,), (found,) = written_texts(model, rows, text)
    ids = compact_tokenizer()(written, add_special_tokens=False)["input_ids"]
    embeddings = torch.cat([beginning, rows[0], model.get_input_embeddings()(torch.tensor(ids))])
    hidden = model.llm.model(inputs_embeds=embeddings[None], use_cache=False).last_hidden_state[0]
    openings = [index for index, token in enumerate(ids) if token == opening_id(compact_tokenizer())]
    for opening, heatmap in zip(openings, found, strict=True):
        alone = model.point_head.read(hidden[len(beginning) + 3 + opening], dense)
        assert torch.allclose(heatmap.probabilities, alone.probabilities, atol=1e-3)


def test_a_text_that_is_cut_behind_its_opening_has_no_heatmap() -> None:
    model = pointing_model()
    texts, heatmaps = written_texts(model, asked(model, 1), "[(0.000, 0.000)]", count=1)
    assert (texts, heatmaps) == (["[("], [[]])


def test_all_other_tokens_are_left_to_the_model() -> None:
    model = pointing_model()
    dense, _, _ = seen(model)
    assert model.point_head is not None
    reader = PointReader(model.point_head, [dense] * 4, compact_tokenizer())
    opening = opening_id(compact_tokenizer())
    for token in range(len(compact_tokenizer())):
        if token != opening:
            assert reader.continuation(0, token, torch.zeros(32)) == []
    assert not reader.heatmaps
    ids = reader.continuation(3, opening, torch.zeros(32))
    assert len(ids) == 4
    (heatmap,) = reader.heatmaps[3]
    assert compact_tokenizer().decode(ids) == "{:.3f}, {:.3f}".format(*heatmap.written)


def test_a_tokenizer_without_an_opening_is_refused() -> None:
    model: Any = pointing_model()
    dense, _, _ = seen(model)
    with pytest.raises(CheckpointError, match=r"expected a tokenizer in which '\[\(' is one token"):
        PointReader(model.point_head, [dense], qwen_tokenizer())
