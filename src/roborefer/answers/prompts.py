"""What a reader asks for in words: text that questions, training and inference must write alike."""

from __future__ import annotations

import re

# What the published model was asked with; two spaces after the first comma (paper appendix D.1).
POINT_SUFFIX = (
    "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)],  where each tuple contains the x and y "
    "coordinates of a point satisfying the conditions above. The coordinates should be between 0 and 1, indicating "
    "the normalized pixel locations of the points in the image."
)

REASONING_REQUEST = "First write your reasoning steps inside <think></think>, then the answer inside <answer></answer>."

# A sentence that asks for steps, in the words that people use.
_STEPS = (
    r"step[- ]by[- ]step|reasoning steps|your (?:steps|reasoning)|(?:think|reason) first|first (?:think|reason)|<think>"
)
_SENTENCE_FOR_STEPS = re.compile(rf"(?:^|(?<=[.?!,;]\s))[^.?!,;]*(?:{_STEPS})[^.?!]*(?:[.?!]+|$)", re.IGNORECASE)

# A phrase ("the cup behind the plate") is asked for with a verb in front; a sentence is passed on as it is.
_ARTICLES = ("the", "a", "an", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their")
_QUANTIFIERS = ("one", "all", "any", "each", "every", "some", "free", "empty", "vacant")
_PHRASE_STARTS = frozenset((*_ARTICLES, *_QUANTIFIERS))


def point_question(instruction: str, *, reasoning: bool = False) -> str:
    """The question for an instruction: "the spoon" becomes "Please point to the spoon." and the published suffix.

    A sentence of the instruction that asks for steps gives way to the request that models know.

    Args:
        instruction: Not empty, and without media tokens.
        reasoning: Whether the steps are asked for too.
    """
    text = instruction.strip()
    if asks_for_steps(text):
        text, reasoning = _SENTENCE_FOR_STEPS.sub("", text).strip(" ,;") or text, True
    if text.split(maxsplit=1)[0].lower() in _PHRASE_STARTS and text[-1] not in ".?!":
        text = f"Please point to {text}."
    elif text[-1] not in ".?!":
        text += "."
    return " ".join([text, POINT_SUFFIX, *([REASONING_REQUEST] if reasoning else [])])


def asks_for_steps(instruction: str) -> bool:
    """Whether an instruction asks for steps itself: "the mug. Think step by step."."""
    return _SENTENCE_FOR_STEPS.search(instruction) is not None
