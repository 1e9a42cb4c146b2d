"""The text side of a prompt: where media tokens stand, the chat template, and which tokens are supervised.

Pure functions over strings and token ids. The rules are those of the published model (they decide what the model
was trained on), stated once for inference and once for training because the two differ by a newline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

IMAGE_TOKEN = "<image>"
DEPTH_TOKEN = "<depth>"
VIDEO_TOKEN = "<vila/video>"
SENTINEL_TOKEN = "<vila/sentinel>"
MEDIA_TOKENS = (IMAGE_TOKEN, VIDEO_TOKEN, DEPTH_TOKEN)
IGNORE_INDEX = -100

LabelMask = Literal["exact", "published"]

_ROLES: tuple[Literal["user"], Literal["assistant"]] = ("user", "assistant")
_MARK = "\ue000"  # a private character: no template writes it

# Used only when a checkpoint's tokenizer brings no template of its own.
QWEN2_CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages if message['content'] is not none %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Turn:
    """One message of a conversation: ``role`` is ``user`` or ``assistant``."""

    role: Literal["user", "assistant"]
    text: str


def without_media_tokens(text: str) -> str:
    """User text without media tokens, stripped if it held one; taking one out never leaves another behind."""
    cleaned = _without(MEDIA_TOKENS, text)
    return text if cleaned == text else cleaned.strip()


def _without(tokens: Sequence[str], text: str) -> str:
    """``text`` without ``tokens``, including those that only appear once another one is taken out."""
    while any(token in text for token in tokens):
        for token in tokens:
            text = text.replace(token, "")
    return text


def normalize_inference_prompt(text: str) -> str:
    """Put ``<image> <depth>`` pairs first when there are as many images as depths.

    ``"text first <image> mid\\n<depth>"`` becomes ``"<image> <depth>\\ntext first  mid"``. With unequal counts
    (RGB only, for one) the text stays as it is.
    """
    images, depths = text.count(IMAGE_TOKEN), text.count(DEPTH_TOKEN)
    if images == 0 or images != depths:
        return text
    rest = _without((IMAGE_TOKEN, DEPTH_TOKEN), text).strip()
    return f"{IMAGE_TOKEN} {DEPTH_TOKEN}\n" * images + rest


def normalize_training_turn(text: str, *, images: int, depth: bool, first: bool) -> str:
    """A turn of a training record: media tokens out, and in front of the first turn one group per image."""
    for token in (IMAGE_TOKEN, DEPTH_TOKEN):
        text = text.replace(f"{token}\n", "").replace(token, "")
    text = _without((IMAGE_TOKEN, DEPTH_TOKEN), text).strip()
    if not first:
        return text
    return (f"{IMAGE_TOKEN} {DEPTH_TOKEN}\n" if depth else f"{IMAGE_TOKEN}\n") * images + text


def expand_placeholders(text: str, token: str, counts: Sequence[int]) -> str:
    """Write the k-th ``token`` ``counts[k]`` times, a newline after each (``dynamic`` tiling).

    Raises:
        ValueError: the text holds another number of tokens than ``counts``.
    """
    pieces = text.split(token)
    if len(pieces) != len(counts) + 1:
        raise ValueError(f"expected {len(counts)} {token} in the prompt, got {len(pieces) - 1}")
    expanded = [pieces[0]]
    for count, piece in zip(counts, pieces[1:], strict=True):
        expanded += [f"{token}\n" * count, piece]
    return "".join(expanded)


def media_token_ids(tokenizer: Any) -> tuple[int, int, tuple[int, ...]]:
    """(image token, depth token, the tokens of a newline) of a tokenizer that has them all."""
    image, depth = (tokenizer.convert_tokens_to_ids(token) for token in (IMAGE_TOKEN, DEPTH_TOKEN))
    return image, depth, tuple(tokenizer("\n", add_special_tokens=False)["input_ids"])


def end_token_id(tokenizer: Any) -> int:
    """The token that ends an answer: ``<|im_end|>``."""
    end: int | None = tokenizer.convert_tokens_to_ids("<|im_end|>")
    return int(tokenizer.eos_token_id) if end is None else end


def tokenize(tokenizer: Any, turns: Sequence[Turn], *, generate: bool) -> list[int]:
    """Token ids of a conversation under the tokenizer's chat template; every turn is stripped."""
    ids: list[int] = tokenizer(_render(tokenizer, turns, generate=generate), add_special_tokens=False)["input_ids"]
    return ids


def _render(tokenizer: Any, turns: Sequence[Turn], *, generate: bool = False) -> str:
    """A conversation as the chat template writes it; every turn is stripped."""
    messages = [{"role": turn.role, "content": turn.text.strip()} for turn in turns]
    return str(tokenizer.apply_chat_template(messages, add_generation_prompt=generate, tokenize=False))


def supervised_labels(tokenizer: Any, turns: Sequence[Turn], mask: LabelMask = "exact") -> list[int]:
    """Labels of a tokenized conversation: the token where the loss counts, ``IGNORE_INDEX`` elsewhere.

    ``exact`` supervises every token of each answer and the ``<|im_end|>`` that closes it. ``published`` repeats what
    the published training code does: it matches the conversation greedily against a template without answers, so
    the first newline inside an answer is taken for the template's and is not supervised, while a later one after
    ``<|im_end|>`` is.
    """
    if mask == "published":
        return _labels_by_template(tokenizer, turns)
    return _labels_by_turn(tokenizer, turns)


def _labels_by_turn(tokenizer: Any, turns: Sequence[Turn]) -> list[int]:
    ids = tokenize(tokenizer, turns, generate=False)
    labels = [IGNORE_INDEX] * len(ids)
    end = end_token_id(tokenizer)
    starts = _starts_by_offsets(tokenizer, turns)
    for start in _starts_by_prefixes(tokenizer, turns) if starts is None else starts:
        stop = ids.index(end, start) + 1
        labels[start:stop] = ids[start:stop]
    return labels


def _starts_by_prefixes(tokenizer: Any, turns: Sequence[Turn]) -> list[int]:
    """The token at which each answer starts, whatever the template: every prefix of the conversation is tokenized."""
    starts, end = [], end_token_id(tokenizer)
    for index, turn in enumerate(turns):
        if turn.role == "assistant":
            unanswered = tokenize(tokenizer, [*turns[:index], Turn("assistant", "")], generate=False)
            starts.append(len(unanswered) - 1 - unanswered[::-1].index(end))
    return starts


def _starts_by_offsets(tokenizer: Any, turns: Sequence[Turn]) -> list[int] | None:
    """The same from one tokenization, in a fifth of the time for fifteen turns.

    None where it cannot be told: questions and answers do not alternate, the template does more than to write
    something before and after each message, or a token spans the start of an answer.
    """
    if not tokenizer.is_fast or len(turns) % 2 or any(turn.role != _ROLES[i % 2] for i, turn in enumerate(turns)):
        return None
    # What the template writes around three messages is what it writes around any number.
    around = _render(tokenizer, [Turn(role, _MARK) for role in (*_ROLES, "user")]).split(_MARK)
    if len(around) != 4:
        return None
    pieces, starts = [around[0]], []
    for index, turn in enumerate(turns):
        if index % 2:
            starts.append(sum(map(len, pieces)))
        pieces += [turn.text.strip(), around[2] if index % 2 else around[1]]
    text = _render(tokenizer, turns)
    # Behind the last answer a new question does not begin.
    if not text.startswith("".join(pieces[:-1])):
        return None
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    token_at = {first: number for number, (first, _) in reversed(list(enumerate(offsets)))}
    return [token_at[start] for start in starts] if all(start in token_at for start in starts) else None


def _labels_by_template(tokenizer: Any, turns: Sequence[Turn]) -> list[int]:
    ids = tokenize(tokenizer, turns, generate=False)
    blanked = [Turn(turn.role, SENTINEL_TOKEN if turn.role == "assistant" else turn.text) for turn in turns]
    sentinel = tokenizer.convert_tokens_to_ids(SENTINEL_TOKEN)
    template: list[int] = []
    skip = 0
    for token in tokenize(tokenizer, blanked, generate=False):
        skip = 2 if token == sentinel else skip  # the sentinel and the <|im_end|> behind it
        if skip == 0:
            template.append(token)
        skip = max(0, skip - 1)
    labels, position = [], 0
    for token in ids:
        if position < len(template) and token == template[position]:
            position += 1
            labels.append(IGNORE_INDEX)
        else:
            labels.append(token)
    return labels
