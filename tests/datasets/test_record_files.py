"""Files of records: their form is found, lines are told, and what cannot be read is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from roborefer.datasets import record_files
from roborefer.datasets.record_files import parse_record, raw_records, read_raw
from roborefer.errors import InputError


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '{"a": 1}\n{"a": 2}\n', '\ufeff\n\n {"a": 1}\n{"a": 2}'])
def test_the_first_sign_tells_the_form(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert [parse_record(raw.data) for raw in raw_records(path) if raw.data.strip(b"\xef\xbb\xbf")] == [
        {"a": 1},
        {"a": 2},
    ]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n \n")
    assert list(raw_records(tmp_path / "a.jsonl")) == []


def test_a_line_that_never_ends_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_files, "MAX_RECORD_BYTES", 64)
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": "' + "x" * 500 + '"}\n{"a": 3}\n')
    raws = list(raw_records(path))
    assert [(raw.location.line, bool(raw.problem)) for raw in raws] == [(1, False), (2, True), (3, False)]
    assert read_raw(path, raws[2].offset, len(raws[2].data)) == b'{"a": 3}'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1', "broken JSON: Expecting ',' delimiter in column 8"),
        (b"[1]", "expected a record in braces, got a list"),
        (b"null", "expected a record in braces, got null"),
        (b'"a"', "expected a record in braces, got text"),
        (b"1", "expected a record in braces, got a number"),
        (b"true", "expected a record in braces, got true or false"),
        (b'{"a": ' + b"1" * 5000 + b"}", "broken JSON: a number of too many digits"),
        (b'{"a": ' + b"[" * 100_000, "broken JSON: lists or objects nested too deeply"),
        (
            b'{"a": "\xff"}',
            "broken JSON: expected UTF-8, got something else in byte 8 of the record: save the file as UTF-8",
        ),
    ],
)
def test_what_is_no_record_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_record(data)
    assert str(caught.value) == message


def test_files_that_are_gone_or_shorter_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(InputError, match=r"^cannot read .*a\.jsonl: No such file or directory; check it$"):
        list(raw_records(path))
    path.write_text("{}")
    with pytest.raises(InputError, match=r"^expected 9 bytes at 0 of .*a\.jsonl, got 2: it has changed$"):
        read_raw(path, 0, 9)
    path.unlink()
    with pytest.raises(InputError, match=r"^cannot read "):
        read_raw(path, 0, 2)
