"""nano's tokenizer, learned once, and its weights at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from roborefer.answers.prompts import POINT_SUFFIX, REASONING_REQUEST
from roborefer.models.compact_tokenizer import coordinate_ids
from roborefer.models.prompt import media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.refspatial.questions.absent import NONE_ENDINGS
from roborefer.refspatial.questions.pointing import ENDINGS
from roborefer.training.pointing import nano

from ...models.pointing_models import compact_tokenizer  # noqa: TID252 - shared models


@pytest.fixture(scope="module")
def kept(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lessons")
    nano.tokenizer(nano.views([scenes]), out)
    return out


@pytest.fixture(scope="module")
def tokens(scenes: Path, kept: Path) -> Any:
    return nano.tokenizer(nano.views([scenes]), kept)


def test_a_tokenizer_is_learned_once(scenes: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [path.name for path in kept.iterdir()] == ["llm"]
    monkeypatch.setattr(nano, "train_compact_tokenizer", lambda *_: pytest.fail("learned again"))
    nano.tokenizer(nano.views([scenes]), kept)


def test_a_tokenizer_that_was_cut_off_is_learned_again(scenes: Path, tmp_path: Path, tokens: Any) -> None:
    (tmp_path / ".llm").mkdir()
    (tmp_path / ".llm" / "tokenizer.json").write_text('{"half')
    assert nano.tokenizer(nano.views([scenes]), tmp_path).get_vocab() == tokens.get_vocab()
    assert [path.name for path in tmp_path.iterdir()] == ["llm"]


def test_requests_for_a_format_are_single_tokens(tokens: Any) -> None:
    assert len(tokens) <= nano.VOCABULARY
    alone = tokens("Point to the mug.")["input_ids"]
    for sentence in {*ENDINGS, *NONE_ENDINGS, POINT_SUFFIX, REASONING_REQUEST}:
        *asked, _ = tokens(f"Point to the mug. {sentence}")["input_ids"]
        assert asked == alone


def test_words_of_the_views_are_single_tokens(tokens: Any) -> None:
    assert len(tokens("Point to the red mug.")["input_ids"]) == 6


@pytest.fixture(scope="module")
def model() -> SpatialVLM:
    return nano.fresh_model(compact_tokenizer())[0]


def test_the_same_seed_is_the_same_start(model: SpatialVLM) -> None:
    again, processor = nano.fresh_model(compact_tokenizer())
    other, _ = nano.fresh_model(compact_tokenizer(), seed=1)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(model.parameters(), again.parameters(), strict=True))
    assert not torch.equal(model.mm_projector.layers[2].weight, other.mm_projector.layers[2].weight)
    assert processor.tokenizer is compact_tokenizer()
    assert processor.config is again.config


def test_the_model_fits_its_tokenizer(model: SpatialVLM) -> None:
    assert model.get_input_embeddings().weight.shape[0] == len(compact_tokenizer())
    image, depth, newline = media_token_ids(compact_tokenizer())
    assert (model.image_token_id, model.depth_token_id, model.newline_token_ids) == (image, depth, newline)


def test_near_coordinates_start_alike(model: SpatialVLM) -> None:
    table = model.get_input_embeddings().weight.detach()
    ids = coordinate_ids(compact_tokenizer())
    values = table[ids]
    near = cosine_similarity(values[:-1], values[1:])
    far = cosine_similarity(values[:-300], values[300:])
    assert float(near.min()) > 0.9
    assert float(far.mean()) < 0.6
    others = torch.ones(len(table), dtype=torch.bool)
    others[ids] = False
    assert float(values.std()) == pytest.approx(float(table[others].std()), rel=0.2)
