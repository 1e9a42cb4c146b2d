"""What a training record is, whatever file it came from: pictures, depth, and a conversation in pairs.

Records are values: reading one opens no picture. Files, formats and places are read in ``record_files.py`` and
``record_forms.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from roborefer.images import source_name

Speaker = Literal["human", "gpt"]

MOST_TURNS = 15
"""Questions with their answers in one sample (paper section D.2: slices of up to 15 turns)."""

TURN_KEYS = ("questions", "think")
"""Extras that have one entry a question, and are sliced with the conversation."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    speaker: Speaker
    text: str


@dataclass(frozen=True)
class Location:
    """Where a record stands.

    Attributes:
        file: With its records.
        line: On which it begins, from 1.
        index: Its number in the file, from 0.
        shares_line: Whether other records of a JSON list begin on that line, so that only the number tells it apart.
    """

    file: Path
    line: int
    index: int
    shares_line: bool = False

    def __str__(self) -> str:
        number = f", record {self.index + 1}" if self.shares_line else ""
        return f"{source_name(self.file)} line {self.line}{number}"


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """One record of any data set.

    Attributes:
        source: The data set's name, or the path it was named by.
        location: For messages.
        record_id: As written; empty where there is none. Published ids are not unique.
        images: The pictures' files, in prompt order; empty for text alone.
        depths: As many as ``images``, or none (RGB only).
        conversations: Messages in pairs, a human's and then gpt's.
        extras: Every other key of the record, untouched: ``questions``, ``camera``, ``scene``, ``metric_depth``, ...
            Records of one's own points have ``questions`` in the form of the data engine's.
    """

    source: str
    location: Location
    record_id: str
    images: tuple[Path, ...]
    depths: tuple[Path, ...]
    conversations: tuple[Message, ...]
    extras: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def turns(self) -> int:
        """How many questions with their answers there are."""
        return len(self.conversations) // 2

    def pairs(self) -> Iterator[tuple[Message, Message]]:
        """Each question with its answer."""
        yield from zip(self.conversations[::2], self.conversations[1::2], strict=True)

    def with_turns(self, kept: Sequence[int]) -> TrainingRecord:
        """The record with these turns alone, in this order; extras of :data:`TURN_KEYS` go with their turn."""
        turns = self.turns
        if list(kept) == list(range(turns)):
            return self
        messages = tuple(message for turn in kept for message in self.conversations[2 * turn : 2 * turn + 2])
        sliced = {
            key: [value[turn] for turn in kept]
            for key, value in self.extras.items()
            if key in TURN_KEYS and isinstance(value, list) and len(value) == turns
        }
        return replace(self, conversations=messages, extras={**self.extras, **sliced})
