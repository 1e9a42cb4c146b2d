"""The seam between a run and whoever answers: questions go in, replies come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from roborefer.evaluation.samples import Source

DepthMode = Literal["none", "given", "estimated"]
ApiName = Literal["openai", "query", "gemini", "moondream"]
"""Interfaces of servers: OpenAI's chat completions, the published RoboRefer server's, Gemini's, Moondream's."""

APIS: tuple[ApiName, ...] = get_args(ApiName)
DEPTH_MODES: tuple[DepthMode, ...] = get_args(DepthMode)


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        text: In full.
        images: Pictures, as files or their bytes.
        depth: A depth file of the first picture, for the depth mode "given".
        object: What is meant, as a phrase; for interfaces that take no sentence.
        pointing: Whether points are expected, not a choice.
        reasoning: Whether reasoning is asked for, so that the reply may be long.
    """

    text: str
    images: tuple[Source, ...]
    depth: Source | None = None
    object: str = ""
    pointing: bool = True
    reasoning: bool = False


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        text: The model's text; None where the request failed.
        error: Why it failed, on one line.
        seen_size: (width, height) of the picture as it was sent, where that was not its own.
        attempts: How often it was asked.
    """

    text: str | None
    error: str | None = None
    seen_size: tuple[int, int] | None = None
    attempts: int = 1


class Backend(Protocol):
    """Whoever answers questions."""

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply a question, in order.

        Args:
            questions: All about the same pictures and depth.

        Raises:
            InputError: Nothing can be asked at all (no such model, a wrong address, a picture that is broken); what
                fails for one question alone is a reply with ``error``.
        """
        ...
