"""SpatialProcessor: prompts and records with any pictures, batches, transformers' idiom, and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roborefer.errors import InputError
from roborefer.models.processor import DepthPicture, SpatialProcessor, stack_tiles
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.tiling import Normalization

from .tiny_models import TILE, picture, tiny_config, tokenizer, write_checkpoint

SYSTEM = "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\n"
REPLY = "<|im_end|>\n<|im_start|>assistant\n"


def processor(**changes: Any) -> SpatialProcessor:
    return SpatialProcessor(tokenizer(), tiny_config(**changes))


def user_text(processor: SpatialProcessor, parts: list[Any]) -> str:
    text: str = processor.tokenizer.decode(processor.encode_prompt(parts).input_ids)
    assert text.startswith(SYSTEM)
    assert text.endswith(REPLY)
    return text.removeprefix(SYSTEM).removesuffix(REPLY)


ONE = picture(TILE, TILE)  # one tile
SEVEN = picture(60, 40)  # 3 x 2 tiles and the thumbnail
DEPTH = DepthPicture(picture(TILE, TILE, seed=5))


# ---- prompts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([ONE, "the cup"], "<image>\nthe cup"),
        ([SEVEN, "the cup"], "<image>\n" * 7 + "the cup"),
        (["the cup", ONE], "the cup<image>"),
        ([ONE, DEPTH, "the cup"], "<image>\n <depth>\n\nthe cup"),
        (["the cup", DEPTH, ONE], "<image>\n <depth>\n\nthe cup"),
        ([SEVEN, DEPTH, "the cup"], "<image>\n" * 7 + " <depth>\n\nthe cup"),
        ([ONE, ONE, DEPTH, DEPTH, "x"], "<image>\n <depth>\n\n<image>\n <depth>\n\nx"),
        ([ONE, ONE, "x"], "<image>\n<image>\nx"),
        ([ONE, ONE, DEPTH, "x"], "<image>\n<image>\n<depth>\nx"),
        ([DEPTH, "x"], "<depth>\nx"),
        (["x"], "x"),
        ([ONE, "a <image> ", "b"], "<image>\nab"),
        ([ONE, "<image>"], "<image>"),
        ([ONE, "<ima", "ge>cup"], "<image>\ncup"),
        (["<ima", ONE, DEPTH, "ge>cup"], "<image>\n <depth>\n\ncup"),
        ([], ""),
    ],
)  # fmt: skip
def test_dynamic_prompts(parts: list[Any], text: str) -> None:
    assert user_text(processor(), parts) == text


@pytest.mark.parametrize("tiling", ["resize", "dynamic_s2"])
def test_one_token_a_picture_in_the_other_tilings(tiling: str) -> None:
    encoded = processor(image_aspect_ratio=tiling).encode_prompt([SEVEN, "x"])
    text = tokenizer().decode(encoded.input_ids)
    assert text.count("<image>") == 1
    assert len(encoded.images[0].pixels) == (1 if tiling == "resize" else 1 + 4 + 12)
    assert encoded.images[0].block_size == (None if tiling == "resize" else (3, 4))


@pytest.mark.parametrize("tiling", ["resize", "dynamic", "dynamic_s2"])
def test_as_many_media_tokens_as_placeholders(tiling: str) -> None:
    subject = processor(image_aspect_ratio=tiling)
    encoded = subject.encode_prompt([SEVEN, DEPTH, "x", ONE, DepthPicture(picture(100, 7))])
    text = subject.tokenizer.decode(encoded.input_ids)
    assert text.count("<image>") == sum(tiled.placeholders for tiled in encoded.images)
    assert text.count("<depth>") == sum(tiled.placeholders for tiled in encoded.depths)


def test_each_kind_has_its_own_normalisation() -> None:
    subject = SpatialProcessor(tokenizer(), tiny_config(), None, Normalization((0.0,) * 3, (1.0,) * 3))
    encoded = subject.encode_prompt([ONE, DepthPicture(ONE), "x"])
    np.testing.assert_allclose((encoded.images[0].pixels + 1) / 2, encoded.depths[0].pixels, atol=1e-6)


# ---- records ---------------------------------------------------------------------------------------------------------

RECORD = [{"from": "human", "value": "<image>\nthe cup"}, {"from": "gpt", "value": "[(0.5, 0.5)]\n"}]


def test_a_record_with_depth() -> None:
    encoded = processor().encode_conversation(RECORD, [SEVEN], [ONE])
    text = tokenizer().decode(encoded.input_ids)
    assert (
        text
        == f"{SYSTEM}{'<image>' + chr(10)}" + "<image>\n" * 6 + f" <depth>\n\nthe cup{REPLY}[(0.5, 0.5)]<|im_end|>\n"
    )
    assert encoded.labels is not None
    kept = [label for label in encoded.labels if label != IGNORE_INDEX]
    assert tokenizer().decode(kept) == "[(0.5, 0.5)]<|im_end|>"


def test_training_has_a_newline_behind_a_lone_image_and_inference_has_none() -> None:
    """Behaviour of the published code, kept: the model saw the one and is asked with the other."""
    subject = processor(image_aspect_ratio="dynamic_s2")
    trained = tokenizer().decode(subject.encode_conversation(RECORD, [ONE]).input_ids)
    assert "<image>\nthe cup" in trained
    assert user_text(subject, [ONE, "the cup"]) == "<image>the cup"


def test_media_tokens_in_later_turns_are_gone() -> None:
    later = [*RECORD, {"from": "human", "value": " and <image>\nthat<depth> "}, {"from": "gpt", "value": "<image>ok"}]
    text = tokenizer().decode(processor().encode_conversation(later, [ONE]).input_ids)
    assert text.count("<image>") == 1
    assert f"<|im_start|>user\nand that{REPLY}ok<|im_end|>" in text


def test_other_speakers_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        processor().encode_conversation([{"from": "user", "value": "x"}])
    assert str(caught.value) == "expected a turn from human or gpt, got one from 'user': mend the record"


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        processor().encode_conversation([])
    assert str(caught.value) == "expected a conversation of at least one turn, got none: mend the record"


def test_pictures_and_depths_must_be_as_many() -> None:
    with pytest.raises(ValueError, match=r"^expected 1 <depth> in the prompt, got 2$"):
        processor().encode_conversation(RECORD, [ONE, ONE], [ONE])


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_samples_are_padded_on_the_right() -> None:
    subject = processor()
    short = subject.encode_conversation(RECORD, [ONE])
    long = subject.encode_conversation(RECORD, [SEVEN], [ONE])
    batch = subject.collate([short, long])
    lengths = [len(short.input_ids), len(long.input_ids)]
    assert batch["input_ids"].shape == (2, max(lengths))
    assert batch["attention_mask"].sum(dim=1).tolist() == lengths
    assert batch["input_ids"][0, : lengths[0]].tolist() == short.input_ids
    assert (batch["input_ids"][0, lengths[0] :] == subject.tokenizer.pad_token_id).all()
    assert (batch["labels"][0, lengths[0] :] == IGNORE_INDEX).all()
    assert batch["labels"][1].tolist() == long.labels
    assert batch["pixel_values"].shape == (1 + 7, 3, TILE, TILE)
    assert batch["depth_values"].shape == (1, 3, TILE, TILE)
    assert torch.equal(batch["pixel_values"][1:], stack_tiles(long.images))


def test_text_alone_has_no_pictures_and_prompts_have_no_labels() -> None:
    subject = processor()
    assert set(subject.collate([subject.encode_prompt(["x"])])) == {"input_ids", "attention_mask"}


def test_block_sizes_are_one_per_picture() -> None:
    subject = processor(image_aspect_ratio="dynamic_s2")
    batch = subject.collate([subject.encode_prompt([SEVEN, picture(10, 300), "x"])])
    assert batch["image_block_sizes"] == [(3, 4), (12, 1)]


# ---- transformers' idiom ---------------------------------------------------------------------------------------------


def test_calling_it_is_pictures_first_then_text() -> None:
    subject = processor()
    batch = subject(images=SEVEN, text="the cup", depths=ONE)
    expected = subject.collate([subject.encode_prompt([SEVEN, DepthPicture(ONE), "the cup"])])
    assert set(batch) == set(expected)
    for name in ("input_ids", "attention_mask", "pixel_values", "depth_values"):
        assert torch.equal(batch[name], expected[name])
    several = subject(images=[ONE, SEVEN], text="x")
    assert torch.equal(several["input_ids"], subject.collate([subject.encode_prompt([ONE, SEVEN, "x"])])["input_ids"])
    moved = batch.to("cpu", torch.float16)
    assert moved["pixel_values"].dtype == torch.float16
    assert moved["input_ids"].dtype == torch.int64


def test_decoding_leaves_out_special_tokens() -> None:
    subject = processor()
    ids = subject.tokenizer(" [(0.5, 0.5)] \n<|im_end|>", add_special_tokens=False)["input_ids"]
    assert subject.decode(ids) == "[(0.5, 0.5)]"
    assert subject.batch_decode([ids], skip_special_tokens=True) == [" [(0.5, 0.5)] \n"]
    assert subject.stop_token_ids == (ids[-1],)


def test_it_shows_what_it_does() -> None:
    subject = processor()
    assert "SpatialProcessor" in repr(subject)
    assert json.loads(subject.to_json_string())["tile_size"] == TILE


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [True, False])
def test_saving_and_loading_changes_nothing(tmp_path: Path, depth: bool) -> None:
    write_checkpoint(tmp_path, tiny_config(depth=depth, max_tiles=3))
    image, depth_values = Normalization((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)), Normalization((0.7,) * 3, (0.8,) * 3)
    first = SpatialProcessor(tokenizer(), tiny_config(depth=depth, max_tiles=3), image, depth_values)
    files = first.save_pretrained(tmp_path)
    assert all(Path(file).is_file() for file in files)
    second = SpatialProcessor.from_pretrained(tmp_path)
    parts: list[Any] = [SEVEN, *([DEPTH] if depth else []), "the cup"]
    ours, theirs = second.encode_prompt(parts), first.encode_prompt(parts)
    assert ours.input_ids == theirs.input_ids
    for a, b in zip([*ours.images, *ours.depths], [*theirs.images, *theirs.depths], strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
    assert second.chat_template == first.chat_template
    again = tmp_path / "again"
    second.save_pretrained(again)
    for file in sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file()):
        assert (again / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_grey_depth_pictures_are_the_predictors_matter(tmp_path: Path) -> None:
    """The processor takes 8-bit RGB; what turns other modes into it is ``images`` and ``geometry.depth``."""
    grey = Image.new("L", (TILE, TILE), 7)
    encoded = processor().encode_prompt([DepthPicture(grey.convert("RGB")), "x"])
    assert len(np.unique(encoded.depths[0].pixels)) == 1
