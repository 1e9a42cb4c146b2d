"""What can be wrong with a record: the kinds of faults, and the checks that open its files.

The form of a record is checked where it is read (``record_forms.py``), whole data sets in ``scanning.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from roborefer.datasets.quoting import excerpt
from roborefer.datasets.records import Location, TrainingRecord
from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.images import picture_size, read_image, source_name

OnBadRecord = Literal["refuse", "skip"]

FAULT_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "broken_json": "JSON that cannot be read",
        "odd_record": "keys missing, of another type, or contradicting each other",
        "odd_roles": "messages that are not human and gpt in turns",
        "no_answer": "turns without an answer",
        "no_question": "turns without a question",
        "point_outside": "points or boxes outside the picture",
        "repeated_words": "the same words over and over",
        "missing_image": "pictures that are not there",
        "unreadable_image": "pictures that cannot be read",
        "missing_depth": "depth files that are not there",
        "unreadable_depth": "depth files that cannot be read",
        "depth_size": "depth of another size than its picture",
        "depth_count": "not one depth file a picture",
        "bad_mask": "masks that are missing, empty, or of another size than the picture",
    }
)
"""Kind of fault -> what it means."""

FAULTS_KEPT = 100
"""How many faults a report holds; it counts them all."""

_SIZES_KEPT = 4096
# Formats whose size only the whole file tells.
_WHOLE_DEPTH = frozenset({".npy", ".exr"})


@dataclass(frozen=True)
class Fault:
    """Something wrong with a record.

    Attributes:
        kind: One of :data:`FAULT_KINDS`.
        location: Of the record; its line is that of the fault where JSON is broken.
        text: What was expected and what came, without the place.
        turn: Which of the record's turns it spoils, from 0; None when it spoils them all.
        record_id: As written, where it is known; told beside the number of a record that shares its line.
    """

    kind: str
    location: Location
    text: str
    turn: int | None = None
    record_id: str = ""

    def __str__(self) -> str:
        identity = f" (id {excerpt(self.record_id)})" if self.record_id and self.location.shares_line else ""
        return f"{self.location}{identity}: {self.text}"


@dataclass(frozen=True)
class CheckReport:
    """What a scan found.

    Attributes:
        records, samples, turns: What is sound and is used.
        text_only: Sound records without a picture.
        faults: The first :data:`FAULTS_KEPT`, in order of the files.
        counts: How many of each kind, all of them.
        dropped_records: What the faults spoil as a whole, and ``skip`` leaves out.
        dropped_turns: The same for turns of records that are used.
    """

    records: int = 0
    samples: int = 0
    turns: int = 0
    text_only: int = 0
    faults: tuple[Fault, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    dropped_records: int = 0
    dropped_turns: int = 0

    def __add__(self, other: CheckReport) -> CheckReport:
        return CheckReport(
            self.records + other.records,
            self.samples + other.samples,
            self.turns + other.turns,
            self.text_only + other.text_only,
            (self.faults + other.faults)[:FAULTS_KEPT],
            dict(Counter(self.counts) + Counter(other.counts)),
            self.dropped_records + other.dropped_records,
            self.dropped_turns + other.dropped_turns,
        )

    def describe(self) -> str:
        """What can be used, in words: ``2 records with 30 turns, 1 of them without a picture``."""
        text = f"{counted(self.records, 'record')} with {counted(self.turns, 'turn')}"
        if not self.text_only:
            return text
        if self.text_only < self.records:
            return f"{text}, {self.text_only:,} of them without a picture"
        return f"{text}, {'without a picture' if self.records == 1 else 'all without a picture'}"

    def describe_dropped(self) -> str:
        """What cannot be used, in words: ``3 records, and 2 turns of others``."""
        turns = counted(self.dropped_turns, "turn")
        if not self.dropped_records:
            return turns
        return counted(self.dropped_records, "record") + (f", and {turns} of others" if self.dropped_turns else "")

    @property
    def fault_count(self) -> int:
        """All faults, also those that are not held."""
        return sum(self.counts.values())


def counted(count: int, noun: str) -> str:
    """``1 record``, ``2,000 records``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def file_faults(record: TrainingRecord, *, pixels: bool) -> Iterator[Fault]:
    """What is wrong with the pictures and depth files of a record.

    Args:
        record: As ``record_forms.read_record`` gave it.
        pixels: Decode every file; else headers tell sizes and a file that is cut short goes unseen.
    """
    for number, image in enumerate(record.images):
        size = _size_or_fault(record.location, image, "image", pixels)
        if isinstance(size, Fault):
            yield size
        if number >= len(record.depths):
            continue
        depth = record.depths[number]
        depth_size = _size_or_fault(record.location, depth, "depth", pixels)
        if isinstance(depth_size, Fault):
            yield depth_size
        elif not isinstance(size, Fault) and size != depth_size:
            yield Fault(
                "depth_size",
                record.location,
                f"expected depth of the picture's size {size[0]}x{size[1]}, got {depth_size[0]}x{depth_size[1]} in "
                f"{source_name(depth)}: register the depth to the picture first",
            )


@lru_cache(maxsize=_SIZES_KEPT)
def known_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture by its header; remembered, as many records may share a picture.

    Raises:
        InputError: There is no such file, or it is no picture.
    """
    return picture_size(path)


def _size_or_fault(location: Location, path: Path, kind: str, pixels: bool) -> tuple[int, int] | Fault:
    try:
        return (_decoded_size if pixels else _header_size)(path, kind == "depth")
    except InputError as error:
        found = "unreadable" if path.exists() else "missing"
        return Fault(f"{found}_{kind}", location, str(error))


def _header_size(path: Path, depth: bool) -> tuple[int, int]:
    return _decoded_size(path, depth) if depth and path.suffix.lower() in _WHOLE_DEPTH else known_size(path)


@lru_cache(maxsize=_SIZES_KEPT)
def _decoded_size(path: Path, depth: bool) -> tuple[int, int]:
    return read_depth(path).size if depth else read_image(path).size
