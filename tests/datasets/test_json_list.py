"""JSON lists: every record with its place, whatever stands in it, and those behind a broken one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.datasets import json_list
from roborefer.datasets.json_list import RawRecord, list_records
from roborefer.datasets.record_files import parse_record, raw_records, read_raw

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), max_size=6)


def scanned(text: str | bytes) -> list[RawRecord]:
    data = text.encode() if isinstance(text, str) else text
    return list(list_records(Path("data.json"), io.BytesIO(data)))


def told(text: str) -> list[tuple[int, int, str]]:
    """Line, index and problem of each record."""
    return [(raw.location.line, raw.location.index, raw.problem) for raw in scanned(text)]


@settings(deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans(), chunk=st.integers(1, 40))
def test_every_record_comes_out_as_it_went_in(
    records: list[dict[str, Any]], indent: int | None, ascii_only: bool, chunk: int
) -> None:
    text = json.dumps(records, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_list, "_CHUNK", chunk)
        raws = scanned(text)
    assert [raw.problem for raw in raws] == [""] * len(records)
    assert [json.loads(raw.data.decode("utf-8", "surrogatepass")) for raw in raws] == records
    for index, raw in enumerate(raws):
        assert text[raw.offset : raw.offset + len(raw.data)] == raw.data
        assert raw.location.line == text[: raw.offset].count(b"\n") + 1
        assert raw.location.index == index


@settings(deadline=None)
@given(text=st.text(alphabet='[]{}",:\\ \n1aé', max_size=40), chunk=st.integers(1, 10))
def test_no_text_breaks_the_scan(text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_list, "_CHUNK", chunk)
        raws = scanned("[" + text)
    sound = [raw for raw in raws if not raw.problem]
    try:
        whole = json.loads("[" + text)
    except ValueError:
        return
    assert [json.loads(raw.data) for raw in sound] == whole


def test_a_broken_record_is_told_with_its_line_and_does_not_hide_the_others() -> None:
    text = '[\n{"id": 1, "x": 2},\n{"id": 2, "x" 3},\n{"id": 3},\n{"id": 4, "y": "cut}\n,{"id": 5}\n]'
    assert told(text) == [
        (2, 0, ""),
        (3, 1, "broken JSON: Expecting ':' delimiter in column 15"),
        (4, 2, ""),
        (5, 3, "broken JSON: Invalid control character in column 21"),
        (6, 4, ""),
    ]


def test_a_missing_comma_loses_no_record() -> None:
    assert told('[{"id": 1}\n{"id": 2}]') == [
        (1, 0, ""),
        (2, 1, "broken JSON: expected a comma between this record and the one before"),
        (2, 1, ""),
    ]


def test_where_nothing_can_be_found_again_the_end_is_told() -> None:
    problem = (
        "broken JSON: Expecting property name enclosed in double quotes in column 2; nothing behind it can be read"
    )
    assert told('[{"id": 1},\n{id: 2},\n{id: 3}]') == [(1, 0, ""), (2, 1, problem)]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('[{"id": 1},\n', 2, "the list has no end: the file is cut short"),
        ('[{"id": 1}]\n]', 2, "expected nothing behind the end of the list in column 1"),
        (
            "[" * 100_000,
            1,
            "broken JSON: lists or objects nested too deeply in column 2; nothing behind it can be read",
        ),
        (
            "[" + "1" * 5000 + "]",
            1,
            "broken JSON: a number of too many digits in column 2; nothing behind it can be read",
        ),
        ("{}", 1, "expected a JSON list, got something else"),
    ],
)
def test_what_is_no_list_of_records_is_told(text: str, line: int, problem: str) -> None:
    assert told(text)[-1][::2] == (line, problem)


def shared(text: str) -> list[tuple[int, int, bool]]:
    """Line, number, and whether others begin on that line, of each record."""
    return [(raw.location.line, raw.location.index, raw.location.shares_line) for raw in scanned(text)]


def test_records_that_begin_on_one_line_say_so() -> None:
    assert shared('[{"id": 1}, {"id": 2},\n{"id": 3},\n{"id":\n4}, {"id": 5}, {"id": 6}]') == [
        (1, 0, True),
        (1, 1, True),
        (2, 2, False),
        (3, 3, False),
        (4, 4, True),
        (4, 5, True),
    ]
    assert shared('[{"id": 1}]') == [(1, 0, False)]
    assert shared('[{"id": 1} {"id": 2}') == [(1, 0, True), (1, 1, True), (1, 1, True), (1, 2, False)]


@settings(deadline=None)
@given(before=st.text(max_size=30), ascii_only=st.booleans(), chunk=st.integers(20, 60), mark=st.booleans())
def test_broken_json_on_a_line_of_many_is_told_with_its_record_and_column(
    before: str, ascii_only: bool, chunk: int, mark: bool
) -> None:
    sound = json.dumps({"id": before}, ensure_ascii=ascii_only)
    start = f'[{sound}, {{"id": 2, "x" '
    text = f'{start}3}}, {{"id": 3}}]'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_list, "_CHUNK", chunk)
        raws = scanned(("\ufeff" * mark + text).encode("utf-8", "surrogatepass"))
    assert [raw.problem for raw in raws] == ["", f"broken JSON: Expecting ':' delimiter in column {len(start) + 1}", ""]
    assert [str(raw.location) for raw in raws] == [f"data.json line 1, record {number}" for number in (1, 2, 3)]


def test_a_record_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_list, "MAX_RECORD_BYTES", 1 << 20)
    monkeypatch.setattr(json_list, "_CHUNK", 1 << 16)
    text = '[{"id": "' + "a" * (3 << 20) + '"}]'
    assert told(text) == [(1, 0, "broken JSON: a record of more than 1 MiB in column 2; nothing behind it can be read")]


@settings(deadline=None)
@given(records=st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=5), blank=st.booleans())
def test_lines_come_out_as_they_went_in(records: list[dict[str, Any]], blank: bool, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("lines") / "data.jsonl"
    separator = "\r\n\r\n" if blank else "\n"
    path.write_bytes(separator.join(json.dumps(record) for record in records).encode())
    raws = list(raw_records(path))
    assert [parse_record(raw.data) for raw in raws] == records
    for index, raw in enumerate(raws):
        assert read_raw(path, raw.offset, len(raw.data)) == raw.data
        assert (raw.location.line, raw.location.index) == (index * (2 if blank else 1) + 1, index)
