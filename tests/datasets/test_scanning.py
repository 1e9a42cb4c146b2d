"""A scan finds every fault with its file and line, and where each sample begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roborefer.datasets.checks import FAULT_KINDS, CheckReport, Fault
from roborefer.datasets.mixture import Mixture, Part
from roborefer.datasets.record_files import parse_record, read_raw
from roborefer.datasets.scanning import SAMPLE, ReportBuilder, ScannedRecord, check_mixture, scan_source
from roborefer.datasets.sources import DataSource, source_at

from .data_folders import data_set, record, said, somewhere, write_lines, write_pictures


def found(source: DataSource, **options: Any) -> list[tuple[int, str]]:
    """Line and kind of every fault."""
    mixture = Mixture("made", (Part(source),))
    return [
        (fault.location.line, fault.kind) for scanned in check_mixture(mixture, **options) for fault in scanned.faults
    ]


def report_of(source: DataSource) -> CheckReport:
    builder = ReportBuilder()
    for scanned in scan_source(source):
        builder.add(scanned)
    return builder.finish()


FAULTY = (
    record(),
    record(image="gone.png"),
    '{"image": "a.png", "conversations": [',
    record(depth="narrow_depth.png"),
    record(("q", "[(1.5, 0.5)]"), ("q", "a"), ("q", "")),
    record(depth="gone_depth.png"),
    record(image="words.png"),
    record(depth="words.png"),
    {"image": "a.png", "instruction": "the mug", "point": [7, 0.5]},
    {"conversations": said(("Hello", "Hi"))},
    record(depth="a_metric.png"),
)
FOUND = [
    (2, "missing_image"),
    (3, "broken_json"),
    (4, "depth_size"),
    (5, "point_outside"),
    (5, "no_answer"),
    (6, "missing_depth"),
    (7, "unreadable_image"),
    (8, "unreadable_depth"),
    (9, "point_outside"),
]


def test_all_faults_are_found_in_order(tmp_path: Path) -> None:
    source = data_set(tmp_path, FAULTY)
    assert found(source, pixels=False) == FOUND
    assert found(source, pixels=True) == FOUND
    assert {kind for _, kind in FOUND} <= set(FAULT_KINDS)


def test_a_list_tells_the_lines_on_which_records_begin(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    path = tmp_path / "data.json"
    text = json.dumps([record(), record(image="gone.png"), record(depth="gone.png")], indent=1)
    path.write_text(text)
    begins = [number for number, line in enumerate(text.splitlines(), start=1) if line == " {"]
    assert [line for line, _ in found(source_at(path, "list"))] == begins[1:]


def test_a_broken_line_far_down_is_told_with_its_number(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    lines = [json.dumps({"conversations": said(("q", "a"))})] * 41_336
    source = source_at(write_lines(tmp_path / "data.jsonl", [*lines, '{"conversations": [', *lines[:3]]), "long")
    assert found(source, pixels=False) == [(41_337, "broken_json")]


def test_only_pixels_show_a_picture_that_is_cut_short(tmp_path: Path) -> None:
    source = data_set(tmp_path, [record(image="cut.png", depth=None)])
    assert found(source, pixels=False) == []
    assert found(source, pixels=True) == [(1, "unreadable_image")]


def test_processes_find_the_same_in_the_same_order(tmp_path: Path) -> None:
    source = data_set(tmp_path, [*FAULTY] * 14)
    alone, together = (list(scan_source(source, workers=workers)) for workers in (1, 2))
    assert len(alone) == len(together) == len(FAULTY) * 14
    for one, other in zip(alone, together, strict=True):
        assert (one.faults, one.size, one.text_only, one.lost_turns) == (
            other.faults,
            other.size,
            other.text_only,
            other.lost_turns,
        )
        np.testing.assert_array_equal(one.samples, other.samples)


def test_the_report_adds_up(tmp_path: Path) -> None:
    report = report_of(data_set(tmp_path, FAULTY))
    assert (report.records, report.samples, report.turns, report.text_only) == (4, 4, 4, 1)
    assert report.fault_count == len(FOUND)
    assert (report.dropped_records, report.dropped_turns) == (7, 2)
    assert report.describe_dropped() == "7 records, and 2 turns of others"
    assert report.counts["point_outside"] == 2
    twice = report + report
    assert (twice.turns, twice.fault_count, len(twice.faults)) == (8, 2 * len(FOUND), 2 * len(FOUND))
    assert str(report.faults[0]) == f"{tmp_path}/data.jsonl line 2: no such file: {tmp_path}/gone.png; check the path"


@pytest.mark.parametrize(
    ("report", "used", "dropped"),
    [
        (CheckReport(1, 1, 1, 1), "1 record with 1 turn, without a picture", "0 turns"),
        (CheckReport(2, 2, 3, 2, dropped_turns=1), "2 records with 3 turns, all without a picture", "1 turn"),
        (
            CheckReport(2, 2, 3, 1, dropped_records=20),
            "2 records with 3 turns, 1 of them without a picture",
            "20 records",
        ),
    ],
)
def test_what_can_be_used_and_what_cannot_in_words(report: CheckReport, used: str, dropped: str) -> None:
    assert (report.describe(), report.describe_dropped()) == (used, dropped)


def test_records_on_one_line_are_told_by_number_and_id(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    path = tmp_path / "data.json"
    records = [record(), record(id="mug-7", image="gone.png"), record(("q", ""), id=None), 5]
    path.write_text(json.dumps(records))
    told = [str(fault) for scanned in scan_source(source_at(path, "list")) for fault in scanned.faults]
    assert told == [
        f"{path} line 1, record 2 (id mug-7): no such file: {tmp_path}/gone.png; check the path",
        f"{path} line 1, record 3: expected an answer in turn 1, got none",
        f"{path} line 1, record 4: expected a record in braces, got a number",
    ]


def test_a_report_holds_the_first_faults_and_counts_them_all() -> None:
    builder = ReportBuilder()
    faults = (Fault("no_answer", somewhere(), "text", 0),) * 7
    for _ in range(30):
        builder.add(ScannedRecord(faults, np.zeros(0, SAMPLE), text_only=False, lost_turns=1, size=0))
    report = builder.finish()
    assert (len(report.faults), report.fault_count, report.dropped_turns) == (100, 210, 30)


@pytest.mark.parametrize("most_turns", [1, 4, 15])
def test_long_records_become_several_samples(tmp_path: Path, most_turns: int) -> None:
    pairs = [(f"question {turn}", "" if turn == 5 else f"answer {turn}") for turn in range(23)]
    source = data_set(tmp_path, [record(("q", "a")), record(*pairs)])
    scans = list(scan_source(source, most_turns=most_turns))
    samples = scans[1].samples
    assert samples["turns"].sum() == 22
    assert samples["turns"].max() <= most_turns
    assert samples["slice"].tolist() == list(range(-(-22 // most_turns)))
    assert samples["characters"].sum() == sum(len(q) + len(a) for q, a in pairs if a)
    row = samples[0]
    assert (row["width"], row["height"], row["images"], row["depths"]) == (40, 30, 1, 1)
    assert (row["line"], row["record"], row["file"]) == (2, 1, 0)
    content = parse_record(read_raw(source.files[0], int(row["offset"]), int(row["size"])))
    assert len(content["conversations"]) == 46
