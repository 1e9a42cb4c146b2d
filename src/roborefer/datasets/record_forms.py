"""From a record's JSON to a :class:`TrainingRecord`: the published form, LLaVA's, and one's own points.

The published form and LLaVA's are one::

    {"id": "42444499_2458914221666", "image": ["42444499_2458914221666_wide_image.png"],
     "depth": ["42444499_2458914221666_wide_depth.png"],
     "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "[(0.502, 0.775)]"}]}

``image`` and ``depth`` are a name or a list of names; without ``image`` a record is text alone, without ``depth`` RGB
only. Every fault is found, not just the first: what can be told without opening a file is told here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roborefer.datasets.checks import Fault
from roborefer.datasets.own_points import OwnPointsError, is_own_points, read_own_points
from roborefer.datasets.quoting import excerpt, spelled
from roborefer.datasets.records import Location, Message, Speaker, TrainingRecord
from roborefer.datasets.sources import DataSource, find_file
from roborefer.models.prompt import IMAGE_TOKEN

_SPEAKERS: Mapping[object, Speaker] = {"human": "human", "gpt": "gpt"}
_OWN_KEYS = ("id", "image", "depth", "conversations")
_MOST_PICTURES = 64

# Points in the published format, [(0.1, 0.2), (0.3, 0.4)], or a box, [0.1, 0.2, 0.3, 0.4].
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+|nan|inf(?:inity)?)"
_PAIR = rf"\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)"
_BOX = rf"\[\s*{_NUMBER}(?:\s*,\s*{_NUMBER}){{3}}\s*\]"
_MARKS = re.compile(rf"\[\s*{_PAIR}(?:\s*,\s*{_PAIR})*\s*\]|{_BOX}", re.IGNORECASE)
_COORDINATE = re.compile(_NUMBER, re.IGNORECASE)
_REASONING_TAGS = ("<think>", "<answer>")
# A record with such a question is about places, so that whole numbers in its answers are coordinates, too.
_ASKS_FOR_PLACE = re.compile(
    r"\b(?:pin)?point(?:s|ing)?\b|\bcoordinates?\b|\bbounding box|\blocate\b|\bwhere\b", re.IGNORECASE
)
# Some published captions stutter: "yellow matte/yellow matte/yellow matte/...".
_LEAST_REPEATS = 5
_REPEATED = re.compile(rf"(?<![^/\s])([^/\n]{{1,80}})(?:/\1){{{_LEAST_REPEATS - 1},}}")


@dataclass(frozen=True, eq=False)
class ReadRecord:
    """What was made of a record.

    Attributes:
        record: With all its turns; None where not even its files are known.
        kept: The turns that are sound; none if the record cannot be used.
        faults: All that is wrong, files aside.
    """

    record: TrainingRecord | None
    kept: tuple[int, ...]
    faults: tuple[Fault, ...]


class _FormError(Exception):
    """The record cannot be read: kind of fault and text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def read_record(content: Mapping[str, Any], source: DataSource, location: Location) -> ReadRecord:
    """A record's JSON as a value, with its faults.

    Args:
        content: The JSON object.
        source: Tells where its files are.
        location: For messages.
    """
    try:
        images = _files(content, "image", source.image_folders)
        depths = _files(content, "depth", source.depth_folders) if source.depth_folders else ()
        if depths and len(depths) != len(images):
            raise _FormError(
                "depth_count", f"expected one depth file a picture, got {len(depths)} for {len(images)} pictures"
            )
        if is_own_points(content):
            messages, extras = read_own_points(content, images, source.mask_folders)
        else:
            messages, extras = _messages(content), {}
            if not images and any(IMAGE_TOKEN in message.text for message in messages):
                raise _FormError("missing_image", f"expected a picture for {IMAGE_TOKEN} in the text, got none")
    except (_FormError, OwnPointsError) as error:
        return ReadRecord(None, (), (Fault(error.kind, location, str(error)),))
    # An answer that stands next to a question need not be its own: of messages out of order nothing can be trusted.
    out_of_order = tuple(_role_faults(messages, location))
    faults = out_of_order or tuple(_turn_faults(messages, location, has_pictures=bool(images)))
    spoilt = {fault.turn for fault in faults}
    record = TrainingRecord(
        source=source.name,
        location=location,
        record_id=written_id(content),
        images=images,
        depths=depths,
        conversations=() if out_of_order else tuple(messages[: len(messages) // 2 * 2]),
        extras={key: value for key, value in content.items() if key not in _OWN_KEYS} | extras,
    )
    return ReadRecord(record, tuple(turn for turn in range(record.turns) if turn not in spoilt), faults)


def written_id(content: Mapping[str, Any]) -> str:
    """A record's id as text; empty where there is none."""
    identity = content.get("id")
    return "" if identity is None else str(identity)


def _files(content: Mapping[str, Any], key: str, folders: Sequence[Path]) -> tuple[Path, ...]:
    value = content.get(key)
    names = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name and "\0" not in name for name in names):
        raise _FormError("odd_record", f"expected {key} to be a file's name or a list of names, got {spelled(value)}")
    if len(names) > _MOST_PICTURES:
        raise _FormError("odd_record", f"expected at most {_MOST_PICTURES} files of {key}, got {len(names)}")
    return tuple(find_file(folders, name) for name in names)


def _messages(content: Mapping[str, Any]) -> list[Message]:
    conversations = content.get("conversations")
    if not isinstance(conversations, list) or not conversations:
        keys = ", ".join(sorted(map(str, content))[:8]) or "nothing"
        raise _FormError(
            "odd_record",
            f"expected conversations (or an instruction with a point, box or mask), got a record with {excerpt(keys)}",
        )
    return [_message(number, item) for number, item in enumerate(conversations, start=1)]


def _message(number: int, item: object) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("value"), str):
        raise _FormError(
            "odd_record", f'expected message {number} as {{"from": "...", "value": "..."}}, got {spelled(item)}'
        )
    speaker = item.get("from")
    if not isinstance(speaker, str) or speaker not in _SPEAKERS:
        raise _FormError("odd_roles", f"expected message {number} from human or gpt, got one from {spelled(speaker)}")
    return Message(_SPEAKERS[speaker], item["value"])


def _role_faults(messages: Sequence[Message], location: Location) -> Iterator[Fault]:
    """One fault a pair that is not a question and an answer; a last question alone is a turn without an answer."""
    for start in range(0, len(messages), 2):
        said = tuple(message.speaker for message in messages[start : start + 2])
        if said not in (("human", "gpt"), ("human",)):
            text = f"expected human and gpt in turns, got {' and '.join(said)} in turn {start // 2 + 1}"
            yield Fault("odd_roles", location, text, start // 2)


def _turn_faults(messages: Sequence[Message], location: Location, *, has_pictures: bool) -> Iterator[Fault]:
    about_places = has_pictures and any(_ASKS_FOR_PLACE.search(message.text) for message in messages[::2])
    for start in range(0, len(messages), 2):
        turn, question = start // 2, messages[start].text
        answer = messages[start + 1].text if start + 1 < len(messages) else ""
        if not question.strip():
            yield Fault("no_question", location, f"expected a question in turn {turn + 1}, got none", turn)
        if not answer.strip():
            yield Fault("no_answer", location, f"expected an answer in turn {turn + 1}, got none", turn)
        elif has_pictures and (outside := _outside(answer, about_places=about_places)):
            what = "points" if "(" in outside else "a box"
            text = f"expected {what} within 0-1 in turn {turn + 1}, got {excerpt(outside)}"
            yield Fault("point_outside", location, text, turn)
        elif any(text.count("/") >= _LEAST_REPEATS - 1 and _REPEATED.search(text) for text in (question, answer)):
            yield Fault("repeated_words", location, f"the same words over and over in turn {turn + 1}", turn)


def _outside(answer: str, *, about_places: bool) -> str:
    """The first points or box of an answer that lie outside the picture; empty if none do.

    Looked at are an answer that is nothing but points or a box, and everything within a reasoning.

    Args:
        answer: As written.
        about_places: Whether whole numbers are coordinates; else ``[(1, 2)]`` may be a list of anything.
    """
    text = answer.strip()
    in_reasoning = any(tag in text for tag in _REASONING_TAGS)
    marks = _MARKS.finditer(text) if in_reasoning else filter(None, [_MARKS.fullmatch(text)])
    for mark in marks:
        numbers = _COORDINATE.findall(mark.group())
        are_coordinates = about_places or not all(number.lstrip("+-").isdigit() for number in numbers)
        if are_coordinates and not all(0 <= float(number) <= 1 for number in numbers):
            return mark.group()
    return ""
