"""The text side of a prompt: no media token survives, placeholders are counted, and both label masks."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roborefer.models import prompt
from roborefer.models.prompt import (
    IGNORE_INDEX,
    MEDIA_TOKENS,
    LabelMask,
    Turn,
    end_token_id,
    expand_placeholders,
    media_token_ids,
    normalize_inference_prompt,
    normalize_training_turn,
    supervised_labels,
    tokenize,
    without_media_tokens,
)

from .tiny_models import tokenizer as packaged_tokenizer

# Pieces of media tokens in any order: taking one token out may join two halves of another.
fragments = st.lists(
    st.sampled_from([*MEDIA_TOKENS, "<ima", "ge>", "<", ">", "<dep", "th>", "<vila/", "video>", "\n", " ", "cup"]),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return packaged_tokenizer()


# ---- media tokens ----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(fragments)
@example("<ima<image>ge>")
@example("<dep<vila/video>th> the cup")
@example("<ima<ima<depth>ge>ge>")
def test_no_media_token_survives_in_user_text(text: str) -> None:
    cleaned = without_media_tokens(text)
    assert not any(token in cleaned for token in MEDIA_TOKENS)
    if not any(token in text for token in MEDIA_TOKENS):
        assert cleaned == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("the cup", "the cup"),
        ("  the cup \n", "  the cup \n"),  # nothing was taken out: as it is
        (" <image> the cup ", "the cup"),
        ("the<depth> cup", "the cup"),
        ("<image>", ""),
        ("<IMAGE> cup", "<IMAGE> cup"),
    ],
)
def test_text_is_stripped_only_if_a_token_was_in_it(text: str, cleaned: str) -> None:
    assert without_media_tokens(text) == cleaned


@settings(deadline=None)
@given(fragments, st.integers(1, 3))
@example("<ima<image>ge>", 1)
def test_training_turns_hold_exactly_their_pictures(text: str, images: int) -> None:
    for depth in (False, True):
        turn = normalize_training_turn(text, images=images, depth=depth, first=True)
        assert turn.count("<image>") == images
        assert turn.count("<depth>") == (images if depth else 0)
    later = normalize_training_turn(text, images=images, depth=True, first=False)
    assert "<image>" not in later
    assert "<depth>" not in later
    assert later == later.strip()


def test_pairs_come_first_whatever_was_around_them() -> None:
    assert normalize_inference_prompt("a<depth>b<image>c") == "<image> <depth>\nabc"
    assert normalize_inference_prompt("<image><image>a<depth><depth>") == "<image> <depth>\n<image> <depth>\na"
    assert normalize_inference_prompt("<image><image>a<depth>") == "<image><image>a<depth>"
    assert normalize_inference_prompt("<image>") == "<image>"
    assert normalize_inference_prompt("<ima<image>ge><depth>") == "<image> <depth>\n"


# ---- placeholders ----------------------------------------------------------------------------------------------------


def test_each_placeholder_becomes_its_number_of_tiles() -> None:
    assert expand_placeholders("a<image> b<image>c", "<image>", [2, 1]) == "a<image>\n<image>\n b<image>\nc"
    assert expand_placeholders("a<image>b", "<image>", [0]) == "ab"
    assert expand_placeholders("no picture", "<depth>", []) == "no picture"


@pytest.mark.parametrize(("text", "counts", "came"), [("a", [1], 0), ("<depth><depth>", [3], 2), ("<depth>", [], 1)])
def test_another_number_of_placeholders_is_refused(text: str, counts: list[int], came: int) -> None:
    with pytest.raises(ValueError, match=f"^expected {len(counts)} <depth> in the prompt, got {came}$"):
        expand_placeholders(text, "<depth>", counts)


# ---- the chat template -----------------------------------------------------------------------------------------------


def test_template_has_the_published_system_prompt(tokenizer: Any) -> None:
    ids = tokenize(tokenizer, [Turn("user", "  hi\n")], generate=True)
    assert tokenizer.decode(ids) == (
        "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_media_tokens_are_single_and_different(tokenizer: Any) -> None:
    image, depth, newline = media_token_ids(tokenizer)
    assert len({image, depth, end_token_id(tokenizer)}) == 3
    assert tokenizer("<image><depth>", add_special_tokens=False)["input_ids"] == [image, depth]
    assert tokenizer.decode(list(newline)) == "\n"


# ---- labels ----------------------------------------------------------------------------------------------------------


def supervised(tokenizer: Any, turns: list[Turn], mask: LabelMask = "exact") -> list[str]:
    """The supervised stretches, as text."""
    labels = supervised_labels(tokenizer, turns, mask)
    ids = tokenize(tokenizer, turns, generate=False)
    assert len(labels) == len(ids)
    assert all(label in (IGNORE_INDEX, token) for label, token in zip(labels, ids, strict=True))
    stretches: list[list[int]] = []
    for before, label in pairwise([IGNORE_INDEX, *labels]):
        if label != IGNORE_INDEX:
            if before == IGNORE_INDEX:
                stretches.append([])
            stretches[-1].append(label)
    return [tokenizer.decode(stretch) for stretch in stretches]


ANSWER = "[(0.341, 0.610)]"


@pytest.mark.parametrize("mask", ["exact", "published"])
def test_answers_and_their_ends_are_supervised(tokenizer: Any, mask: LabelMask) -> None:
    turns = [Turn("user", "q"), Turn("assistant", ANSWER), Turn("user", "again"), Turn("assistant", " yes ")]
    expected = [f"{ANSWER}<|im_end|>", "yes<|im_end|>"]
    assert supervised(tokenizer, turns, mask) == expected


def test_exact_supervises_newlines_inside_an_answer(tokenizer: Any) -> None:
    turns = [Turn("user", "q"), Turn("assistant", "first\nsecond")]
    assert supervised(tokenizer, turns) == ["first\nsecond<|im_end|>"]


def test_published_takes_the_first_newline_for_the_templates(tokenizer: Any) -> None:
    turns = [Turn("user", "q"), Turn("assistant", "first\nsecond")]
    assert supervised(tokenizer, turns, "published") == ["first", "second<|im_end|>\n"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(alphabet="ab .,(0", max_size=8), min_size=1, max_size=3))
def test_both_masks_agree_where_no_answer_repeats_the_template(answers: list[str]) -> None:
    turns = [turn for answer in answers for turn in (Turn("user", "q"), Turn("assistant", answer))]
    assert supervised_labels(packaged_tokenizer(), turns, "exact") == supervised_labels(
        packaged_tokenizer(), turns, "published"
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(alphabet="a\n <>|", max_size=8), min_size=1, max_size=3))
def test_exact_supervises_each_answer_whatever_is_in_it(answers: list[str]) -> None:
    turns = [turn for answer in answers for turn in (Turn("user", "q"), Turn("assistant", answer))]
    assert supervised(packaged_tokenizer(), turns) == [f"{answer.strip()}<|im_end|>" for answer in answers]


def test_an_empty_answer_is_only_its_end(tokenizer: Any) -> None:
    assert supervised(tokenizer, [Turn("user", "q"), Turn("assistant", "")]) == ["<|im_end|>"]


def test_a_conversation_may_start_with_an_answer(tokenizer: Any) -> None:
    assert supervised(tokenizer, [Turn("assistant", "hi"), Turn("user", "q")]) == ["hi<|im_end|>"]


def test_without_answers_nothing_is_supervised(tokenizer: Any) -> None:
    for mask in ("exact", "published"):
        assert supervised(tokenizer, [Turn("user", "q")], mask) == []  # type: ignore[arg-type]


LETTERS = ("\n", "a", "user", "assistant\n", "<|im_end|>", "<|im_start|>assistant\n", "é", "日", "🙂", " ", ".\n\n")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.sampled_from(LETTERS), max_size=5).map("".join), min_size=2, max_size=8))
def test_answers_start_where_tokenizing_every_prefix_says(texts: list[str]) -> None:
    speakers = ("user", "assistant")
    turns = [Turn(speakers[index % 2], text) for index, text in enumerate(texts[: len(texts) // 2 * 2])]  # type: ignore[arg-type]
    starts = prompt._starts_by_offsets(packaged_tokenizer(), turns)
    assert starts is not None
    assert starts == prompt._starts_by_prefixes(packaged_tokenizer(), turns)


def test_a_template_that_does_more_is_tokenized_prefix_by_prefix(tokenizer: Any) -> None:
    odd = copy.deepcopy(tokenizer)
    odd.chat_template = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + loop.index|string + '\\n' "
        "+ message['content'] + '<|im_end|>' }}{% endfor %}"
    )
    turns = [Turn("user", "q"), Turn("assistant", "first"), Turn("user", "r"), Turn("assistant", "second")]
    assert prompt._starts_by_offsets(odd, turns) is None
    assert supervised(odd, turns) == ["first<|im_end|>", "second<|im_end|>"]
