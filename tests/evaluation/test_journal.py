"""The file of answers: whole lines only, whatever happened to the run that wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.evaluation.journal import AnswerLine, forget, opened_journal, read_answers


def line(number: int, raw: str | None = "[(0.5, 0.5)]", **changes: object) -> AnswerLine:
    return AnswerLine(f"Location/{number}", "Location", f"cup {number}?", raw, **changes)  # type: ignore[arg-type]


def write(path: Path, *lines: AnswerLine) -> None:
    with opened_journal(path) as journal:
        journal.add(lines)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    lines = [line(0), line(1, None, error="HTTP 500", attempts=6), line(2, "é\n\x00", seen_size=(28, 56), seconds=1.5)]
    write(path, *lines[:1])
    write(path, *lines[1:])
    assert list(read_answers(path).values()) == lines
    assert path.read_bytes().count(b"\n") == 3


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with opened_journal(path) as journal:
        for number in range(3):
            journal.add([line(number)])
            assert len(read_answers(path)) == number + 1


def test_a_lone_surrogate_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / "a", line(0, "\ud800 (0.5, 0.5)"))
    assert read_answers(tmp_path / "a")["Location/0"].raw == "? (0.5, 0.5)"


def test_there_may_be_no_file(tmp_path: Path) -> None:
    assert read_answers(tmp_path / "none") == {}


@given(st.integers(0, 400))
@settings(deadline=None, max_examples=40)
def test_a_run_cut_off_anywhere_goes_on(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    path = tmp_path_factory.mktemp("run") / "answers.jsonl"
    write(path, line(0), line(1), line(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    before = read_answers(path)
    assert len(before) == whole[:kept].count(b"\n")
    write(path, *(line(number) for number in range(3) if f"Location/{number}" not in before))
    assert path.read_bytes() == whole


def test_half_a_line_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write(path, line(0))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"raw": "' + b"x" * 200_000)
    write(path)
    assert path.read_bytes() == whole
    path.write_bytes(b"x" * 200_000)
    write(path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "content",
    [b"{}\n", b"[]\n", b"broken\n", b'{"key": 1}\n', b'{"key":"a","task":"b","question":"c","raw":"d","e":1}\n'],
)
def test_a_line_that_is_no_answer_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.jsonl"
    write(path, line(0))
    path.write_bytes(path.read_bytes() + content)
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert str(caught.value) == (
        f"expected an answer, got something else in {path} line 2: remove that line, or use another --out"
    )


def test_a_key_that_comes_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write(path, line(0), line(0))
    with pytest.raises(InputError, match=r"expected every sample once, got Location/0 again in .* line 2"):
        read_answers(path)


def test_answers_can_be_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write(path, line(0), line(1, None), line(2))
    forget(path, {"Location/1"})
    assert list(read_answers(path)) == ["Location/0", "Location/2"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"), opened_journal(tmp_path / "none" / "answers.jsonl"):
        pass


def test_lines_are_json_that_others_read(tmp_path: Path) -> None:
    write(tmp_path / "a", line(0))
    assert json.loads((tmp_path / "a").read_text()) == {
        "key": "Location/0", "task": "Location", "question": "cup 0?", "raw": "[(0.5, 0.5)]", "error": None,
        "seen_size": None, "attempts": 1, "seconds": 0.0,
    }  # fmt: skip
