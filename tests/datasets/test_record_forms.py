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
        (record(image={"a": None}), "odd_record", None),
        (
            record(conversations=["hi"]),
            "odd_record",
            'expected message 1 as {"from": "...", "value": "..."}, got "hi"',
        ),
        (
            record(conversations=[*said(("q", "a")), {"from": "human", "value": None}]),
            "odd_record",
            'expected message 3 as {"from": "...", "value": "..."}, got {"from": "human", "value": null}',
        ),
        (
            record(conversations=[{"from": "bot", "value": "x"}]),
            "odd_roles",
            'expected message 1 from human or gpt, got one from "bot"',
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
        "[0.1, 0.2, 0.3, 1.0]",
        "[10, 20, 30, 40]",
        "[(1, 2)]",
        "[0.1, 0.2, 3.0]",
        "<think>[Orientation] [it]: (0.312, 1.316, -0.896)\n[Size] [it]: 1.2</think><answer>[(0.1, 0.2)]</answer>",
        "a/b/c/d/e/f",
        "yes/yes/yes/yes",
        "[Position] [it]: [(3.1, 0.2)]",
    ],
)
def test_other_answers_are_left_alone(source: DataSource, answer: str) -> None:
    assert read_record(record(("q", answer)), source, somewhere()).faults == ()


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("q", "[(1.001, 0.5)]", "points within 0-1 in turn 1, got [(1.001, 0.5)]"),
        ("q", "[(nan, 0.2)]", "points within 0-1 in turn 1, got [(nan, 0.2)]"),
        ("q", "[(0.1, -Infinity)]", "points within 0-1 in turn 1, got [(0.1, -Infinity)]"),
        ("q", "[(1e3, 0.2)]", "points within 0-1 in turn 1, got [(1e3, 0.2)]"),
        ("q", "[0.1, 0.2, 1.3, 0.4]", "a box within 0-1 in turn 1, got [0.1, 0.2, 1.3, 0.4]"),
        ("Please point to the mug.", "[(320, 240)]", "points within 0-1 in turn 1, got [(320, 240)]"),
        ("Its bounding box?", "[32, 24, 64, 48]", "a box within 0-1 in turn 1, got [32, 24, 64, 48]"),
        (
            "q",
            "<think>[Position] [it]: [(0.5, 0.5)]\n[Position] [the cup]: [(1.245, 0.147)]</think>"
            "<answer>[(0.1, 0.2)]</answer>",
            "points within 0-1 in turn 1, got [(1.245, 0.147)]",
        ),
        (
            "q",
            "<think>It spans [0.1, 0.2, 1.3, 0.4].</think>It.",
            "a box within 0-1 in turn 1, got [0.1, 0.2, 1.3, 0.4]",
        ),
    ],
)
def test_points_and_boxes_outside_the_picture(source: DataSource, question: str, answer: str, found: str) -> None:
    read = read_record(record((question, answer)), source, somewhere())
    assert [(fault.kind, fault.text) for fault in read.faults] == [("point_outside", f"expected {found}")]


def test_a_format_that_one_question_names_holds_for_the_others(source: DataSource) -> None:
    pairs = (("Give points as [(x, y)]. The mug?", "[(0.1, 0.2)]"), ("And the cup?", "[(64, 48)]"))
    assert kinds(read_record(record(*pairs), source, somewhere())) == [("point_outside", 1)]


@pytest.mark.parametrize("answer", ["[(1, 2)]", "[(1.5, 2.5)]", "[(nan, 0.2)]"])
def test_without_a_picture_nothing_is_outside_it(source: DataSource, answer: str) -> None:
    content = {"conversations": said(("A python list of points?", answer))}
    assert read_record(content, source, somewhere()).faults == ()


def test_an_id_of_null_is_none(source: DataSource) -> None:
    read = read_record(record() | {"id": None}, source, somewhere()).record
    assert read is not None
    assert read.record_id == ""
