"""A small tokenizer for a small model: the words of its data, every coordinate as one token, all other text as bytes.

Coordinates from 0.000 to 1.000, the openings and closings of points, the tags of the reasoning and the sentences
that ask for a format are single tokens. A point is then six tokens, and a question is hardly longer than its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from roborefer.errors import CheckpointError
from roborefer.models.prompt import MEDIA_TOKENS, QWEN2_CHAT_TEMPLATE, SENTINEL_TOKEN

ANSWER_OPENING = "<answer>"
"""What leads from steps to the answer."""
POINT_OPENING = "[("
"""The token behind which a coordinate is read from the heatmap.

It is one wherever a point may stand: at the start of an answer, behind a tag, a newline, ``]: `` or a blank.
"""

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_TAGS = ("<think>", "</think>", ANSWER_OPENING, "</answer>")
_COORDINATES = tuple(f"{value / 1000:.3f}" for value in range(1001))
_COORDINATE = r"(?<!\d)[01]\.\d{3}(?!\d)"
# What stays together before merges are learned; text between the matches falls into bytes.
_PIECES = (
    _COORDINATE + r"|\[\(|\)\]|\[\]|\[(?:Position|Orientation|Size)\]|\]: | ?\p{L}+|\p{N}"
    r"|(?: (?!\[\())?[^\s\p{L}\p{N}]|\n|[^\S\n]+"
)


def train_compact_tokenizer(texts: Iterable[str], sentences: Sequence[str], vocabulary: int) -> Any:
    """A tokenizer whose merges are learned from ``texts``.

    Args:
        texts: Questions, answers and steps, as the model is fed.
        sentences: Whole sentences that become one token each, which takes in the blanks before it. Where one begins
            like another, the longer one comes first.
        vocabulary: Tokens in all; coordinates, bytes and special tokens are among them.

    Returns:
        A ``transformers`` tokenizer with the media tokens and the Qwen2 chat template.

    Raises:
        ValueError: the vocabulary has no room for single bytes, or no text holds a point.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    split = pre_tokenizers.Split(Regex(_PIECES), behavior="isolated")
    pieces = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    special = (_PAD, _START, _END, SENTINEL_TOKEN, *MEDIA_TOKENS)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    fixed = len(_COORDINATES) + len(special) + len(_TAGS) + len(sentences)
    if vocabulary < fixed + len(alphabet):
        raise ValueError(f"expected a vocabulary of at least {fixed + len(alphabet)} tokens, got {vocabulary}")
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pieces
    trainer = trainers.BpeTrainer(vocab_size=vocabulary - fixed, initial_alphabet=alphabet, show_progress=False)
    learned.train_from_iterator(_without_coordinates(texts), trainer)
    words, merges = _learned(learned)
    if POINT_OPENING not in words:
        raise ValueError(f"expected texts with points, so that {POINT_OPENING!r} becomes a token; got none")
    for coordinate in _COORDINATES:
        words.setdefault(coordinate, len(words))
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pieces
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in _TAGS])
    tokenizer.add_tokens([AddedToken(sentence, lstrip=True, normalized=False) for sentence in sentences])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD)
    wrapped.chat_template = QWEN2_CHAT_TEMPLATE
    return wrapped


@dataclass(frozen=True)
class PointTokens:
    """How a tokenizer writes points.

    Attributes:
        opening: The token behind which a point is read.
        coordinates: Those of 0.000, 0.001, ... 1.000.
        between: What stands between x and y.
        answer: What stands before the answer's opening where steps led to it.
    """

    opening: int
    coordinates: tuple[int, ...]
    between: tuple[int, ...]
    answer: tuple[int, ...]


def point_tokens(tokenizer: Any) -> PointTokens | None:
    """The tokens of points; None for a tokenizer that spells them."""
    coordinates = coordinate_ids(tokenizer)
    opening = tokenizer.get_vocab().get(POINT_OPENING)
    if not coordinates or opening is None:
        return None
    between, answer = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (", ", ANSWER_OPENING))
    return PointTokens(int(opening), tuple(coordinates), tuple(between), tuple(answer))


def coordinate_ids(tokenizer: Any) -> list[int]:
    """Token ids of 0.000, 0.001, ... 1.000; empty for a tokenizer that has not all of them as single tokens."""
    known = tokenizer.get_vocab()
    ids = [known[coordinate] for coordinate in _COORDINATES if coordinate in known]
    return ids if len(ids) == len(_COORDINATES) else []


def opening_id(tokenizer: Any) -> int:
    """The token id of :data:`POINT_OPENING`.

    Raises:
        CheckpointError: the tokenizer has no such token, so that no point head can read behind it.
    """
    found: int | None = tokenizer.get_vocab().get(POINT_OPENING)
    if found is None:
        raise CheckpointError(
            f"expected a tokenizer in which {POINT_OPENING!r} is one token, for a model with a point head, "
            "got one without: use the tokenizer that the model was trained with"
        )
    return found


def _without_coordinates(texts: Iterable[str]) -> Iterable[str]:
    return (re.sub(_COORDINATE, "", text) for text in texts)


def _learned(tokenizer: Any) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a trained BPE tokenizer."""
    model = json.loads(tokenizer.to_str())["model"]
    return dict(model["vocab"]), [(first, second) for first, second in model["merges"]]
