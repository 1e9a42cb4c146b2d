"""Records of the published form and of LLaVA's, and everything that can be wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roborefer.datasets.record_forms import ReadRecord, read_record
from roborefer.datasets.records import Message
from roborefer.datasets.sources import DataSource

from .data_folders import record, said, somewhere, write_pictures


@pytest.fixture
def source(tmp_path: Path) -> DataSource:
    write_pictures(tmp_path)
    return DataSource("made", (tmp_path / "data.jsonl",), (tmp_path,), (tmp_path,), (tmp_path,))


def kinds(read: ReadRecord) -> list[tuple[str, int | None]]:
    return [(fault.kind, fault.turn) for fault in read.faults]


def test_a_published_record(source: DataSource, tmp_path: Path) -> None:
    content = record(("Where is it?", "[(0.500, 0.250)]"), ("Is it red?", "Yes."), camera={"fx": 1})
    read = read_record(content, source, somewhere(3))
    assert read.record is not None
    assert (read.kept, read.faults) == ((0, 1), ())
    assert (read.record.source, read.record.record_id, str(read.record.location)) == ("made", "1", "data.jsonl line 3")
    assert (read.record.images, read.record.depths) == ((tmp_path / "a.png",), (tmp_path / "a_depth.png",))
    assert list(read.record.pairs())[1] == (Message("human", "Is it red?"), Message("gpt", "Yes."))
    assert read.record.extras == {"camera": {"fx": 1}}


def test_names_may_be_text_or_lists_and_depth_may_be_left_out(source: DataSource, tmp_path: Path) -> None:
    plain = read_record(record(image="a.png", depth=None), source, somewhere()).record
    assert plain is not None
    assert (plain.images, plain.depths) == ((tmp_path / "a.png",), ())
    twin = DataSource("made_RGB", source.files, source.image_folders, ())
    without = read_record(record(), twin, somewhere()).record
    assert without is not None
    assert without.depths == ()


def test_text_alone_is_a_record(source: DataSource) -> None:
    read = read_record({"conversations": said(("Hello", "Hi"))}, source, somewhere())
    assert read.record is not None
    assert (read.record.images, read.kept, read.faults) == ((), (0,), ())


def test_turns_take_their_extras_along(source: DataSource) -> None:
    pairs = [(f"q{turn}", f"a{turn}") for turn in range(4)]
    read = read_record(
        record(*pairs, questions=[{"n": n} for n in range(4)], think=[1], scene="s"), source, somewhere()
    )
    assert read.record is not None
    sliced = read.record.with_turns((1, 3))
    assert [message.text for message in sliced.conversations] == ["q1", "a1", "q3", "a3"]
    assert sliced.extras == {"questions": [{"n": 1}, {"n": 3}], "think": [1], "scene": "s"}
    assert read.record.with_turns(range(4)) is read.record


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (record(image=5), "odd_record", "expected image to be a file's name or a list of names, got 5"),
        (record(image=["a.png", ""]), "odd_record", None),
        (record(image=["a.png"] * 65), "odd_record", "expected at most 64 files of image, got 65"),
        (record(depth=["a_depth.png"] * 2), "depth_count", "expected one depth file a picture, got 2 for 1 pictures"),
        (record(conversations=None), "odd_record", None),
        (
            {"foo": 1},
            "odd_record",
            "expected conversations (or an instruction with a point, box or mask), got a record with foo",
        ),
        (record(conversations=["hi"]), "odd_record", "expected message 1 as {'from', 'value'}, got hi"),
        (record(conversations=[{"from": "human", "value": 1}]), "odd_record", None),
        (
            record(conversations=[{"from": "bot", "value": "x"}]),
            "odd_roles",
            "expected message 1 from human or gpt, got one from bot",
        ),
        (
            record(("<image>\nWhat?", "It."), image=None, depth=None),
            "missing_image",
            "expected a picture for <image> in the text, got none",
        ),
    ],
)
def test_what_cannot_be_used_at_all(source: DataSource, content: dict[str, Any], kind: str, text: str | None) -> None:
    read = read_record(content, source, somewhere())
    assert (read.record, read.kept, kinds(read)) == (None, (), [(kind, None)])
    assert text is None or read.faults[0].text == text


def test_messages_out_of_order_spoil_the_record(source: DataSource) -> None:
    shuffled = said(("q0", "a0"), ("q1", "a1"), ("q2", "a2"))
    shuffled[0], shuffled[1] = shuffled[1], shuffled[0]
    shuffled[4], shuffled[5] = shuffled[5], shuffled[5]
    read = read_record(record(conversations=shuffled), source, somewhere())
    assert (kinds(read), read.kept) == ([("odd_roles", 0), ("odd_roles", 2)], ())
    assert read.faults[1].text == "expected human and gpt in turns, got gpt and gpt in turn 3"


def test_a_faulty_turn_leaves_the_others(source: DataSource) -> None:
    turns = said(
        ("q", "a"),
        (" ", "a"),
        ("q", "\n"),
        ("q", "[(1.001, 0.5)]"),
        ("q", "<think>[Position] [it]: [(2.0, 0.1)]</think><answer>[(0.1, -0.1), (0.5, 0.5)]</answer>"),
        ("a yellow matte/yellow matte/yellow matte/yellow matte/yellow matte/", "a"),
        ("q", "b"),
    )
    read = read_record(record(conversations=[*turns, {"from": "human", "value": "and?"}]), source, somewhere())
    assert read.kept == (0, 6)
    assert kinds(read) == [
        ("no_question", 1),
        ("no_answer", 2),
        ("point_outside", 3),
        ("point_outside", 4),
        ("repeated_words", 5),
        ("no_answer", 7),
    ]
    assert read.faults[2].text == "expected points within 0-1 in turn 4, got [(1.001, 0.5)]"


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "[(0, 1)]",
        "[(0.000, 1.000), (0.5,0.5)]",
        "It spans (640, 480) pixels.",
        "[0.1, 0.2, 3.0, 4.0]",
        "a/b/c/d/e/f",
        "yes/yes/yes/yes",
        "[Position] [it]: [(3.1, 0.2)]",
    ],
)
def test_other_answers_are_left_alone(source: DataSource, answer: str) -> None:
    assert read_record(record(("q", answer)), source, somewhere()).faults == ()
