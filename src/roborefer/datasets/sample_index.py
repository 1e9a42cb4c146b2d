"""Where the samples of a mixture are: an array for each data set, made by one scan, and kept for the next start.

A mixture of millions of records takes 49 bytes a sample; with a cache folder the arrays are mapped, not loaded, and
processes share them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.datasets.checks import CheckReport, Fault, OnBadRecord, counted
from roborefer.datasets.mixture import Mixture, Part
from roborefer.datasets.records import MOST_TURNS, Location
from roborefer.datasets.scanning import SAMPLE, ReportBuilder, file_sizes, scan_source
from roborefer.datasets.sources import DataSource
from roborefer.errors import InputError
from roborefer.refspatial.atomic_files import make_folder, write_json, write_whole

_VERSION = 2
Advance = Callable[[int], object]


class SampleIndex:
    """The samples of a mixture, by position.

    Args:
        mixture: The data sets and how often each.
        samples: For each data set of ``mixture.sources``, its samples (N,) of ``scanning.SAMPLE``.
        report: Of the scan.
        seed: Decides which samples a fraction of a data set takes.
    """

    def __init__(
        self, mixture: Mixture, samples: list[NDArray[np.void]], report: CheckReport, *, seed: int = 0
    ) -> None:
        self.report = report
        self.sources = mixture.sources
        self._samples = samples
        of_source = {source: number for number, source in enumerate(self.sources)}
        self._parts = [of_source[part.source] for part in mixture.parts]
        self._counts = [
            round(part.weight * len(samples[number])) for part, number in zip(mixture.parts, self._parts, strict=True)
        ]
        self._ends = np.cumsum(self._counts)
        self._taken = [
            # A data set that is written twice gives another fraction each time.
            _fraction(part, self._parts[:position].count(number), len(samples[number]), seed)
            for position, (part, number) in enumerate(zip(mixture.parts, self._parts, strict=True))
        ]

    def __getstate__(self) -> dict[str, Any]:
        """Mapped arrays travel by the name of their file, so that a data loader's processes share them."""
        samples = [Path(str(rows.filename)) if isinstance(rows, np.memmap) else rows for rows in self._samples]
        return {**self.__dict__, "_samples": samples}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._samples = [_mapped(rows) if isinstance(rows, Path) else rows for rows in state["_samples"]]

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def sample(self, position: int) -> tuple[DataSource, np.void]:
        """The data set and the row of a sample.

        Raises:
            IndexError: There is no such position.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"expected a position of 0 to {len(self) - 1}, got {position}")
        part = int(np.searchsorted(self._ends, position, side="right"))
        within = position - (int(self._ends[part]) - self._counts[part])
        number = self._parts[part]
        return self.sources[number], self._samples[number][self._row(part, within)]

    def rows(self) -> NDArray[np.void]:
        """(len(self),) of ``scanning.SAMPLE``: all samples by position."""
        rows = [np.zeros(0, SAMPLE)]
        for number, count, taken in zip(self._parts, self._counts, self._taken, strict=True):
            of_source = self._samples[number]
            rows += [of_source] * (count // len(of_source)) + [of_source[taken]]
        return np.concatenate(rows)

    def _row(self, part: int, within: int) -> int:
        """Whole rounds of the data set first, then the fraction of it that is taken."""
        rounds, row = divmod(within, len(self._samples[self._parts[part]]))
        last = self._counts[part] // len(self._samples[self._parts[part]])
        return row if rounds < last else int(self._taken[part][row])


def index_mixture(
    mixture: Mixture,
    *,
    on_bad_record: OnBadRecord = "refuse",
    most_turns: int = MOST_TURNS,
    seed: int = 0,
    cache_folder: Path | None = None,
    workers: int = 1,
    advance: Advance | None = None,
) -> SampleIndex:
    """Scans a mixture, or takes up the scan of an earlier start.

    Files that have changed since are scanned again, and so are files with faults when these are to be refused: they
    may have been mended.

    Args:
        mixture: The data sets and how often each.
        on_bad_record: ``refuse`` raises at the end of the scan, ``skip`` leaves faulty turns and records out.
        most_turns: Questions in a sample.
        seed: Decides which samples a fraction of a data set takes.
        cache_folder: Where scans are kept; None for nowhere.
        workers: Processes that scan.
        advance: Called with the number of bytes that were scanned.

    Raises:
        InputError: A file cannot be read, no record is sound, or one is not and is to be refused.
    """
    scans = [
        _index_source(source, on_bad_record, most_turns, cache_folder, workers, advance) for source in mixture.sources
    ]
    report = sum((report for _, report in scans), CheckReport())
    if report.faults and on_bad_record == "refuse":
        raise InputError(refusal(report, mixture))
    for source, (samples, of_source) in zip(mixture.sources, scans, strict=True):
        if not len(samples):
            first = f"; the first fault is in {of_source.faults[0]}" if of_source.faults else ""
            raise InputError(f"expected records in {source.name}, found none that can be used{first}: check its files")
    return SampleIndex(mixture, [samples for samples, _ in scans], report, seed=seed)


def refusal(report: CheckReport, mixture: Mixture) -> str:
    """Why training does not start, in one line."""
    problems = counted(report.fault_count, "problem")
    records = counted(report.records + report.dropped_records, "record")
    return (
        f"expected sound records, got {problems} in {records}, the first in {report.faults[0]}; `roborefer inspect "
        f"--check {mixture.text}` lists them, and --set on_bad_record=skip leaves them out"
    )


def scan_size(mixture: Mixture) -> int:
    """Bytes of records that a scan of a mixture reads."""
    return sum(file_sizes(source.files) for source in mixture.sources)


def _fraction(part: Part, occurrence: int, count: int, seed: int) -> NDArray[np.int64]:
    """Which samples the part of a weight behind the point takes, in the order of the data set."""
    taken = round(part.weight * count) % count if count else 0
    if not taken:
        return np.zeros(0, np.int64)
    # Named by what it is, so that another data set in the mixture does not change it.
    generator = np.random.default_rng([seed, occurrence, zlib.crc32(part.source.name.encode())])
    return np.sort(generator.permutation(count)[:taken])


def _index_source(
    source: DataSource,
    on_bad_record: OnBadRecord,
    most_turns: int,
    cache_folder: Path | None,
    workers: int,
    advance: Advance | None,
) -> tuple[NDArray[np.void], CheckReport]:
    stem = None if cache_folder is None else cache_folder / _cache_name(source, most_turns)
    kept = None if stem is None else _read_cache(stem)
    if kept is not None and not (kept[1].faults and on_bad_record == "refuse"):
        if advance is not None:
            advance(file_sizes(source.files))
        return kept
    builder, rows = ReportBuilder(), [np.zeros(0, SAMPLE)]
    for scanned in scan_source(source, most_turns=most_turns, workers=workers):
        builder.add(scanned)
        rows.append(scanned.samples)
        if advance is not None:
            advance(scanned.size)
    samples, report = np.concatenate(rows), builder.finish()
    if stem is not None:
        _write_cache(stem, samples, report)
    return samples, report


def _cache_name(source: DataSource, most_turns: int) -> str:
    """A name that changes with everything that the scan depends on."""
    digest = hashlib.sha256(json.dumps([_VERSION, most_turns, source.name]).encode())
    for path in source.files:
        status = path.stat()
        digest.update(json.dumps([str(path.resolve()), status.st_size, status.st_mtime_ns]).encode())
    for folders in (source.image_folders, source.depth_folders, source.mask_folders):
        digest.update(json.dumps([str(folder.resolve()) for folder in folders]).encode())
    return digest.hexdigest()[:32]


def _read_cache(stem: Path) -> tuple[NDArray[np.void], CheckReport] | None:
    try:
        content: dict[str, Any] = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        faults = [
            Fault(
                fault["kind"],
                Location(Path(fault["file"]), *fault["place"]),
                fault["text"],
                fault["turn"],
                fault["record_id"],
            )
            for fault in content.pop("faults")
        ]
        samples = _mapped(stem.with_suffix(".npy"))
        report = CheckReport(**content, faults=tuple(faults))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (samples, report) if samples.dtype == SAMPLE and len(samples) == report.samples else None


def _mapped(path: Path) -> NDArray[np.void]:
    samples: NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False)
    return samples


def _write_cache(stem: Path, samples: NDArray[np.void], report: CheckReport) -> None:
    """The array first: the report, which is read first, stands for both."""
    make_folder(stem.parent)
    write_whole(stem.with_suffix(".npy"), _npy_bytes(samples))
    faults = [
        {
            "kind": fault.kind,
            "file": str(fault.location.file),
            "place": [fault.location.line, fault.location.index, fault.location.shares_line],
            "text": fault.text,
            "turn": fault.turn,
            "record_id": fault.record_id,
        }
        for fault in report.faults
    ]
    write_json(stem.with_suffix(".json"), {**asdict(report), "faults": faults})


def _npy_bytes(samples: NDArray[np.void]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, samples, allow_pickle=False)
    return stream.getvalue()
