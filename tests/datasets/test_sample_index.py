"""The index of a mixture: repeats and fractions, refusing and skipping, and the scan that is kept."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from roborefer.datasets import sample_index
from roborefer.datasets.mixture import Mixture, Part, read_mixture
from roborefer.datasets.sample_index import SampleIndex, index_mixture, scan_size
from roborefer.datasets.sources import DataSource
from roborefer.errors import InputError

from .data_folders import data_set, record, write_lines


@pytest.fixture
def two(tmp_path: Path) -> tuple[DataSource, DataSource]:
    """Data sets of 10 and of 3 records."""
    return (
        data_set(tmp_path / "a", [record(id=f"a{number}") for number in range(10)]),
        data_set(tmp_path / "b", [record(id=f"b{number}") for number in range(3)]),
    )


def places(index: SampleIndex) -> list[tuple[str, int]]:
    """Folder and record number of every sample, in order."""
    return [
        (source.files[0].parent.name, int(row["record"]))
        for source, row in (index.sample(position) for position in range(len(index)))
    ]


def test_weights_repeat_and_take_fractions(two: tuple[DataSource, DataSource]) -> None:
    a, b = two
    index = index_mixture(Mixture("", (Part(a, 0.5), Part(b, 2.34), Part(a, 1))))
    found = places(index)
    assert len(index) == len(found) == 5 + 7 + 10
    half = [number for name, number in found[:5]]
    assert half == sorted(set(half))
    assert found[5:11] == [("b", number) for number in (0, 1, 2)] * 2
    assert found[11][0] == "b"
    assert found[12:] == [("a", number) for number in range(10)]
    rows = index.rows()
    assert [int(row["record"]) for row in rows] == [number for _, number in found]
    for position in (-1, len(index)):
        with pytest.raises(IndexError, match=f"^expected a position of 0 to 21, got {position}$"):
            index.sample(position)


def test_a_fraction_depends_on_the_seed_and_on_nothing_else(two: tuple[DataSource, DataSource]) -> None:
    a, b = two
    halves = [
        [place for place in places(index_mixture(Mixture("", parts), seed=seed)) if place[0] == "a"]
        for parts, seed in (((Part(a, 0.5),), 0), ((Part(b), Part(a, 0.5)), 0), ((Part(a, 0.5),), 1))
    ]
    assert halves[0] == halves[1] != halves[2]
    both = places(index_mixture(Mixture("", (Part(a, 0.5), Part(a, 0.5)))))
    assert both[:5] != both[5:]


def test_bad_records_are_refused_in_one_line(tmp_path: Path) -> None:
    data_set(tmp_path, [record(), record(image="gone.png"), "{"])
    path = tmp_path / "data.jsonl"
    with pytest.raises(InputError) as caught:
        index_mixture(read_mixture(str(path)))
    assert str(caught.value) == (
        f"expected sound records, got 2 problems in 3 records, the first in {path} line 2: no such file: "
        f"{tmp_path}/gone.png; check the path; `roborefer inspect --check {path}` lists them, and "
        "--set on_bad_record=skip leaves them out"
    )


def test_or_left_out_and_counted(tmp_path: Path) -> None:
    data_set(tmp_path, [record(), record(image="gone.png"), record(("q", ""), ("q", "a"))])
    index = index_mixture(read_mixture(str(tmp_path)), on_bad_record="skip")
    assert [number for _, number in places(index)] == [0, 2]
    assert (index.report.dropped_records, index.report.dropped_turns, index.report.fault_count) == (1, 1, 2)


def test_a_kept_scan_tells_the_record_of_a_line_of_many(tmp_path: Path) -> None:
    source, cache = data_set(tmp_path / "a", [record()]), tmp_path / "cache"
    path = source.files[0].with_name("data.json")
    path.write_text(json.dumps([record(), record(id="7", image="gone.png")]))
    mixture = read_mixture(str(path))
    for _ in range(2):
        index = index_mixture(mixture, on_bad_record="skip", cache_folder=cache)
        assert str(index.report.faults[0]).startswith(f"{path} line 1, record 2 (id 7): no such file: ")
        assert bool(index.sample(0)[1]["shares_line"])


def test_nothing_that_can_be_used_is_one_line(tmp_path: Path) -> None:
    data_set(tmp_path, [record(image="gone.png")])
    with pytest.raises(
        InputError, match=r"^expected records in .*, found none that can be used; the first fault is in "
    ):
        index_mixture(read_mixture(str(tmp_path)), on_bad_record="skip")
    write_lines(tmp_path / "data.jsonl", [])
    with pytest.raises(InputError, match=r"^expected records in .*, found none that can be used: check its files$"):
        index_mixture(read_mixture(str(tmp_path)))


class Scans:
    """Counts how often a data set is scanned."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        scan = sample_index.scan_source

        def counted(*arguments: object, **options: object) -> object:
            self.count += 1
            return scan(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(sample_index, "scan_source", counted)


def test_a_scan_is_kept(two: tuple[DataSource, DataSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans, cache = Scans(monkeypatch), tmp_path / "cache"
    mixture = Mixture("", tuple(Part(source) for source in two))
    seen: list[int] = []
    first = index_mixture(mixture, cache_folder=cache, advance=seen.append)
    assert (scans.count, sum(seen)) == (2, scan_size(mixture) - 13)  # the line ends belong to no record
    again = index_mixture(mixture, cache_folder=cache, advance=seen.append)
    assert scans.count == 2
    assert sum(seen) == 2 * scan_size(mixture) - 13
    np.testing.assert_array_equal(first.rows(), again.rows())
    assert again.report == first.report
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".json", ".npy", ".npy"]
    travelled = pickle.loads(pickle.dumps(again))  # noqa: S301 - as a data loader's processes get it
    np.testing.assert_array_equal(travelled.rows(), first.rows())
    assert all(isinstance(rows, np.memmap) for rows in travelled._samples)
    assert len(pickle.dumps(again)) < len(pickle.dumps(first))
    index_mixture(mixture, cache_folder=cache, most_turns=3)
    assert scans.count == 4


def test_what_has_changed_is_scanned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, cache = data_set(tmp_path / "a", [record()]), tmp_path / "cache"
    scans, mixture = Scans(monkeypatch), Mixture("", (Part(source),))
    index_mixture(mixture, cache_folder=cache)
    write_lines(source.files[0], [record(), record()])
    assert len(index_mixture(mixture, cache_folder=cache)) == 2
    os.utime(source.files[0], ns=(1, 1))
    index_mixture(mixture, cache_folder=cache)
    assert scans.count == 3
    for path in cache.glob("*.npy"):
        path.write_bytes(b"cut")
    index_mixture(mixture, cache_folder=cache)
    assert scans.count == 4


def test_refused_faults_are_looked_at_again_and_skipped_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = data_set(tmp_path / "a", [record(), record(image="late.png")]), tmp_path / "cache"
    scans, mixture = Scans(monkeypatch), Mixture("", (Part(source),))
    skipped = index_mixture(mixture, on_bad_record="skip", cache_folder=cache)
    kept = index_mixture(mixture, on_bad_record="skip", cache_folder=cache)
    assert (scans.count, kept.report) == (1, skipped.report)
    assert str(kept.report.faults[0]).endswith("late.png; check the path")
    (tmp_path / "a" / "late.png").write_bytes((tmp_path / "a" / "a.png").read_bytes())
    assert len(index_mixture(mixture, cache_folder=cache)) == 2
    assert scans.count == 2
