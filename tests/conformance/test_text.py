"""Text and tiling against the goldens that need no checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roborefer.models.config import preset
from roborefer.models.prompt import (
    MEDIA_TOKENS,
    Turn,
    normalize_inference_prompt,
    normalize_training_turn,
    supervised_labels,
    tokenize,
)
from roborefer.models.tiling import choose_grid, choose_scale_grid

from . import goldens
from .qwen_vocabulary import full_qwen2_tokenizer


def entries(key: str) -> list[Any]:
    return [entry for path in goldens.text_files() for entry in goldens.read_json(path).get(key, [])]


@pytest.mark.parametrize("entry", entries("inference_prompt_normalisation"), ids=lambda entry: repr(entry["in"]))
def test_inference_prompt(entry: dict[str, str]) -> None:
    assert normalize_inference_prompt(entry["in"]) == entry["out"]


@pytest.mark.parametrize("entry", entries("training_prompt_normalisation"), ids=str)
def test_training_turn(entry: dict[str, Any]) -> None:
    images, depth, first = entry["image_num"], entry["enable_depth"], entry["turn"] == 0
    assert normalize_training_turn(entry["value"], images=images, depth=depth, first=first) == entry["out"]


@pytest.mark.parametrize("entry", entries("tiling"), ids=lambda entry: "x".join(str(side) for side in entry["wh"]))
def test_tiling(entry: dict[str, Any]) -> None:
    size = tuple(entry["wh"])
    columns, rows = choose_grid(size, 1, 12, 448)
    assert [columns, rows] == entry["grid_cols_rows"]
    assert columns * rows + (columns * rows > 1) == entry["n_tiles_with_thumbnail"]
    columns, rows = choose_scale_grid(size, preset("8b"))
    assert [rows, columns] == entry["s2_block_size_rows_cols"]
    assert 1 + 4 + columns * rows == entry["s2_n_tiles"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return full_qwen2_tokenizer(tmp_path_factory.mktemp("qwen2"))


@pytest.mark.parametrize("path", goldens.text_files(), ids=str)
def test_special_tokens(path: Path, tokenizer: Any) -> None:
    expected = goldens.read_json(path).get("special_ids", {})
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in expected} == expected
    assert all(token in expected for token in MEDIA_TOKENS)


@pytest.mark.parametrize("entry", entries("conversations"), ids=lambda entry: repr(entry["conversation"][0]["value"]))
def test_conversation(entry: dict[str, Any], tokenizer: Any) -> None:
    turns = [
        Turn("user" if message["from"] == "human" else "assistant", message["value"])
        for message in entry["conversation"]
    ]
    assert tokenize(tokenizer, turns, generate=False) == entry["input_ids"]
    assert supervised_labels(tokenizer, turns, "published") == entry["labels"]
    assert tokenize(tokenizer, turns[:-1], generate=True) == entry["generation_prompt_ids"]
