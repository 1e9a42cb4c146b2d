"""What a user asks, checked, and how a point is asked for in words."""

from __future__ import annotations

from roborefer.answers.prompts import REASONING_REQUEST, asks_for_steps, point_question
from roborefer.errors import InputError
from roborefer.models.prompt import without_media_tokens

__all__ = [
    "REASONING_REQUEST",
    "ask_for_point",
    "asks_for_steps",
    "check_answer_length",
    "check_characters",
    "check_instruction",
]

_MAX_INSTRUCTION_CHARACTERS = 20_000


def ask_for_point(instruction: str, *, reasoning: bool = False) -> str:
    """The question for an instruction: "the spoon" becomes "Please point to the spoon." and the published suffix."""
    return point_question(without_media_tokens(instruction), reasoning=reasoning)


def check_instruction(text: object) -> None:
    """Raise an InputError unless ``text`` says something that a model can be asked."""
    if not isinstance(text, str):
        raise InputError(f"expected the instruction to be text, got {type(text).__name__}")
    check_characters(text)
    if not without_media_tokens(text).strip():
        raise InputError(
            "expected an instruction such as 'the cup behind the plate', got an empty one: say what to point at"
        )
    if len(text) > _MAX_INSTRUCTION_CHARACTERS:
        raise InputError(
            f"expected an instruction of at most {_MAX_INSTRUCTION_CHARACTERS} characters, got {len(text)}: shorten it"
        )


def check_characters(text: str) -> None:
    """A command line hands over bytes that are no UTF-8 as lone surrogates, which no tokenizer takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"expected text in Unicode, got {text[error.start : error.start + 8]!r}: type it again"
        ) from error


def check_answer_length(max_new_tokens: int) -> None:
    """Raise an InputError unless there is room for an answer."""
    if max_new_tokens < 1:
        raise InputError(f"expected max_new_tokens of at least 1, got {max_new_tokens}")
