"""How each family is asked and how its answers are read: one named profile, never a guess from a model's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from roborefer.answers import AnswerForm
from roborefer.answers.prompts import REASONING_REQUEST
from roborefer.evaluation.asking import ApiName
from roborefer.evaluation.protocol_published import PublishedReader
from roborefer.evaluation.samples import ChoiceTarget, Sample, YesNoTarget

CHOICE_REQUEST = "Answer with the letter of the correct option only."

_QWEN_SENTENCE = "{prompt} Output the point coordinates in JSON format."


@dataclass(frozen=True)
class Profile:
    """A family's way of being asked, and of answering.

    Attributes:
        name: As it is chosen.
        template: Of a pointing question; ``{prompt}``, ``{suffix}`` and ``{object}`` are the benchmark's own.
        sentence: The same where a benchmark has no ``{object}``; empty where the template needs none.
        form: In which its points are written.
        published_reader: How the published scorer reads it.
        summary: One line for ``--help``.
        api: The interface that its servers have.
        side: A picture is sent with sides that are multiples of this many pixels, so that the pixels that the model
            answers in are known; None to send the file as it is.
    """

    name: str
    template: str
    form: AnswerForm | Literal["auto"]
    published_reader: PublishedReader
    summary: str
    api: ApiName = "openai"
    sentence: str = ""
    side: int | None = None


def _table(*profiles: Profile) -> Mapping[str, Profile]:
    return MappingProxyType({profile.name: profile for profile in profiles})


PROFILES = _table(
    Profile("roborefer", "{prompt} {suffix}", "auto", "tuples", "the question and the benchmark's suffix; 0-1"),
    Profile(
        "gemini",
        "Locate one point of {object}.",
        "gemini",
        "gemini",
        "(y, x) in thousandths, as JSON",
        api="gemini",
        sentence='{prompt} Answer in JSON: [{{"point": [y, x], "label": "..."}}], normalized to 0-1000.',
    ),
    Profile(
        "molmo", "Locate several points of {object}.", "molmo", "molmo", "<point> tags in percent", sentence="{prompt}"
    ),
    Profile(
        "moondream", "{object}", "moondream", "tuples", "the phrase alone; 0-1", api="moondream", sentence="{prompt}"
    ),
    Profile(
        "qwen3",
        "Locate {object} in this image and output the point coordinates in JSON format.",
        "qwen3",
        "pixels",
        "point_2d in thousandths, as JSON (Qwen3-VL)",
        sentence=_QWEN_SENTENCE,
    ),
    Profile(
        "qwen2.5",
        "Locate {object} in this image and output the point coordinates in JSON format.",
        "pixels",
        "pixels",
        "point_2d in pixels of the picture sent, as JSON (Qwen2.5-VL)",
        sentence=_QWEN_SENTENCE,
        side=28,
    ),
    Profile(
        "robobrain",
        "{prompt} Please provide its 2D coordinates.",
        "pixels",
        "pixels",
        "pixels of the picture sent (RoboBrain 2.0)",
        side=28,
    ),
    Profile(
        "robobrain2.5",
        "{prompt} Please provide its 2D coordinates.",
        "robotracer",
        "tuples",
        "thousandths, with or without a depth in metres (RoboBrain 2.5, RoboTracer)",
    ),
)
DEFAULT_PROFILE = "roborefer"


def question_text(sample: Sample, profile: Profile, *, reasoning: bool) -> str:
    """What a model is asked."""
    if isinstance(sample.target, YesNoTarget):
        text = f"{sample.prompt} {sample.suffix}"
    elif isinstance(sample.target, ChoiceTarget):
        text = f"{sample.prompt} {sample.suffix or CHOICE_REQUEST}"
    else:
        template = profile.template if sample.object else profile.sentence or profile.template
        text = template.format(prompt=sample.prompt, suffix=sample.suffix, object=sample.object)
    text = text.strip()
    return f"{text} {REASONING_REQUEST}" if reasoning else text
