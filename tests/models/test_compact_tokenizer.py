"""The small tokenizer: any text round trips, and what a point and a prompt are made of are single tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roborefer.answers.prompts import POINT_SUFFIX, REASONING_REQUEST
from roborefer.errors import CheckpointError
from roborefer.models import checkpoint
from roborefer.models.compact_tokenizer import coordinate_ids, opening_id, train_compact_tokenizer
from roborefer.models.prompt import (
    MEDIA_TOKENS,
    QWEN2_CHAT_TEMPLATE,
    SENTINEL_TOKEN,
    end_token_id,
    media_token_ids,
)

from .pointing_models import REASONED, SENTENCES, TEXTS, compact_tokenizer, write_pointing_checkpoint
from .tiny_models import tokenizer as qwen_tokenizer

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", SENTINEL_TOKEN, *MEDIA_TOKENS)


def ids_of(text: str) -> list[int]:
    ids: list[int] = compact_tokenizer()(text, add_special_tokens=False)["input_ids"]
    return ids


def pieces(text: str) -> list[str]:
    return [compact_tokenizer().decode([token]) for token in ids_of(text)]


# ---- round trips -----------------------------------------------------------------------------------------------------


def holds_no_sentence(text: str) -> bool:
    """A sentence takes in the blanks before it, and special tokens are left out of a decoded text."""
    return not any(whole in text for whole in (*SENTENCES, *SPECIAL))


@settings(deadline=None, max_examples=300)
@given(
    st.text()
    | st.lists(
        st.sampled_from(["[(", ")]", "[]", "0.341", "1.000", "10.5", ", ", " ", "\n", "<think>", "mug", "é", "[Size]"])
    ).map("".join)
)
@example("  two  blanks \t\n\n and a tab ")
@example("0.3411 00.341 1.0000 -0.341 2.341 0.34")
@example("日本 🍎 e\u0301 \x00 \u2028 ﬁ")
def test_any_text_comes_back(text: str) -> None:
    if holds_no_sentence(text):
        assert compact_tokenizer().decode(ids_of(text)) == text


@settings(deadline=None, max_examples=50)
@given(st.text(), st.sampled_from(["\n", "mug]: ", "<answer>", "<think>\n"]), st.text())
def test_an_opening_is_a_token_wherever_the_format_has_one(before: str, mark: str, after: str) -> None:
    ids = ids_of(f"{before}{mark}[({after}")
    assert ids.count(opening_id(compact_tokenizer())) >= 1


# ---- single tokens ---------------------------------------------------------------------------------------------------


def test_each_coordinate_is_one_token() -> None:
    ids = coordinate_ids(compact_tokenizer())
    assert len(set(ids)) == 1001
    for value, token in enumerate(ids):
        text = f"{value / 1000:.3f}"
        assert ids_of(text) == [token]
        assert ids_of(f"[({text}, {text})]")[1::3] == [token, token]


def test_a_point_is_six_tokens() -> None:
    assert pieces("[(0.341, 0.610)]") == ["[(", "0.341", ",", " ", "0.610", ")]"]
    assert ids_of("[(0.341, 0.610)]")[0] == opening_id(compact_tokenizer())


@pytest.mark.parametrize("text", ["0.3411", "10.341", "2.341", "0.34", "1.5"])
def test_other_numbers_are_digits(text: str) -> None:
    assert pieces(text) == list(text)


def test_tags_of_the_reasoning_are_single_tokens() -> None:
    written = pieces(REASONED)
    for tag in ("<think>", "</think>", "<answer>", "</answer>", "[Position]", "[Orientation]", "]: ", "[(", "0.250"):
        assert tag in written, tag


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("blanks", ["", " ", "  "])
def test_a_sentence_is_one_token_with_the_blanks_before_it(sentence: str, blanks: str) -> None:
    (token,) = ids_of(sentence)
    assert ids_of(f"Point to the mug.{blanks}{sentence}") == [*ids_of("Point to the mug."), token]
    assert compact_tokenizer().decode([token]) == sentence


def test_the_longer_of_two_sentences_is_the_one_that_is_found() -> None:
    short, long = "Answer with a tuple.", "Answer with a tuple. Be brief."
    tokenizer = train_compact_tokenizer(TEXTS, (long, short), 1400)
    assert len(tokenizer(long)["input_ids"]) == len(tokenizer(short)["input_ids"]) == 1


@pytest.mark.parametrize("token", SPECIAL)
def test_media_and_chat_tokens_are_special(token: str) -> None:
    (number,) = ids_of(token)
    assert compact_tokenizer().decode([number], skip_special_tokens=True) == ""
    assert ids_of(f"a{token}b") == [*ids_of("a"), number, *ids_of("b")]


def test_the_parts_of_a_prompt_are_found() -> None:
    tokenizer = compact_tokenizer()
    image, depth, newline = media_token_ids(tokenizer)
    assert ids_of("<image><depth>\n") == [image, depth, *newline]
    assert len(newline) == 1
    assert ids_of("<|im_end|>") == [end_token_id(tokenizer)] == [tokenizer.eos_token_id]
    assert tokenizer.pad_token == "<|endoftext|>"


def test_the_chat_template_is_that_of_the_published_tokenizer() -> None:
    tokenizer = compact_tokenizer()
    assert tokenizer.chat_template == QWEN2_CHAT_TEMPLATE
    messages = [{"role": "user", "content": f"{TEXTS[0]} {POINT_SUFFIX}"}, {"role": "assistant", "content": REASONED}]
    for turns, generate in ((messages, False), (messages[:1], True)):
        options = {"tokenize": False, "add_generation_prompt": generate}
        text = tokenizer.apply_chat_template(turns, **options)
        assert text == qwen_tokenizer().apply_chat_template(turns, **options)
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=generate)["input_ids"]
        assert ids == ids_of(text)


# ---- learning --------------------------------------------------------------------------------------------------------


def test_words_of_the_texts_become_tokens_and_coordinates_do_not_crowd_them_out() -> None:
    assert pieces("Point to the red mug.") == ["Point", " to", " the", " red", " mug", "."]
    crowded = [f"[(0.{value:03d}, 0.{value:03d})]" for value in range(300)] + [" xylophone [(x, y)]"] * 3
    tokenizer = train_compact_tokenizer(crowded, (), 1001 + 256 + len(SPECIAL) + 4 + 20)
    assert len(tokenizer(" xylophone")["input_ids"]) == 1


def test_the_same_texts_give_the_same_tokenizer() -> None:
    again = train_compact_tokenizer(TEXTS * 3, SENTENCES, 1400)
    assert again.backend_tokenizer.to_str() == compact_tokenizer().backend_tokenizer.to_str()


@pytest.mark.parametrize("vocabulary", [1300, 1320])
def test_the_vocabulary_is_not_exceeded(vocabulary: int) -> None:
    tokenizer = train_compact_tokenizer(TEXTS * 3, SENTENCES, vocabulary)
    assert len(tokenizer) == vocabulary
    assert sorted(tokenizer.get_vocab().values()) == list(range(vocabulary))


def test_a_vocabulary_without_room_for_bytes_is_refused() -> None:
    fewest = 1001 + 256 + len(SPECIAL) + 4 + len(SENTENCES)
    with pytest.raises(ValueError, match=f"^expected a vocabulary of at least {fewest} tokens, got {fewest - 1}$"):
        train_compact_tokenizer(TEXTS, SENTENCES, fewest - 1)


def test_texts_without_points_are_refused() -> None:
    with pytest.raises(ValueError, match="expected texts with points"):
        train_compact_tokenizer(["Point to the mug."], (), 1400)


# ---- on disk ---------------------------------------------------------------------------------------------------------


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    """Also beside the configuration of a Qwen2 model, from whose type transformers would infer another tokenizer."""
    write_pointing_checkpoint(tmp_path)
    assert json.loads((tmp_path / "llm" / "config.json").read_text())["model_type"] == "qwen2"
    loaded = checkpoint.load_tokenizer(tmp_path)
    assert coordinate_ids(loaded) == coordinate_ids(compact_tokenizer())
    assert loaded.get_vocab() == compact_tokenizer().get_vocab()
    assert len(loaded) == len(compact_tokenizer())
    assert loaded.chat_template == QWEN2_CHAT_TEMPLATE
    assert (loaded.pad_token_id, loaded.eos_token_id) == (compact_tokenizer().pad_token_id, end_token_id(loaded))
    for text in (*TEXTS, f"{TEXTS[0]}  {REASONING_REQUEST}", "<image><depth>é 日本 [(0.000, 1.000)]\n\n  x"):
        assert loaded(text)["input_ids"] == compact_tokenizer()(text)["input_ids"]
        assert loaded.decode(loaded(text)["input_ids"]) == compact_tokenizer().decode(ids_of(text))
    loaded.save_pretrained(tmp_path / "again" / checkpoint.TOKENIZER_FOLDER)
    first, second = (
        json.loads((folder / checkpoint.TOKENIZER_FOLDER / "tokenizer.json").read_text())
        for folder in (tmp_path, tmp_path / "again")
    )
    assert first == second


def test_a_broken_tokenizer_is_named(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "llm" / name).write_text("{")
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load_tokenizer(tmp_path)
        expected = f"cannot read the tokenizer in {tmp_path / 'llm'}: the checkpoint is incomplete"
        assert str(caught.value) == expected


# ---- other tokenizers ------------------------------------------------------------------------------------------------


def test_a_tokenizer_without_the_tokens_says_so() -> None:
    assert coordinate_ids(qwen_tokenizer()) == []
    with pytest.raises(CheckpointError) as caught:
        opening_id(qwen_tokenizer())
    assert str(caught.value) == (
        "expected a tokenizer in which '[(' is one token, for a model with a point head, got one without: "
        "use the tokenizer that the model was trained with"
    )
