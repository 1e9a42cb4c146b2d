"""Reads whole data sets once: every record checked, every fault told, and where each sample begins.

A scan streams: it holds a few records at a time, whatever the size of the files, and may be spread over processes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roborefer.datasets.checks import FAULTS_KEPT, CheckReport, Fault, file_faults, known_size
from roborefer.datasets.json_list import RawRecord
from roborefer.datasets.mixture import Mixture
from roborefer.datasets.record_files import parse_record, raw_records
from roborefer.datasets.record_forms import ReadRecord, read_record, written_id
from roborefer.datasets.records import MOST_TURNS, TrainingRecord
from roborefer.datasets.sources import DataSource
from roborefer.errors import InputError

SAMPLE = np.dtype(
    [
        ("file", "<i4"),  # number of the file within the data set
        ("offset", "<i8"),  # of the record's first byte
        ("size", "<i4"),  # bytes of the record
        ("line", "<i4"),
        ("record", "<i4"),  # number of the record within the file
        ("slice", "<i4"),  # which part of its sound turns, from 0
        ("turns", "<i2"),
        ("characters", "<i4"),  # of the turns' text
        ("images", "<i2"),
        ("depths", "<i2"),
        ("width", "<i4"),  # of the first picture; 0 without one
        ("height", "<i4"),
        ("shares_line", "?"),  # as of ``records.Location``
    ]
)
"""A sample's place and size: one to a few for each record, 49 bytes each."""

_Numbered = tuple[int, RawRecord]
_RECORDS_A_TASK = 64
_TASKS_AHEAD = 4  # for each process


@dataclass(frozen=True, eq=False)
class ScannedRecord:
    """What a scan tells of one record.

    Attributes:
        faults: All of them.
        samples: (S,) of :data:`SAMPLE`; empty when the record cannot be used.
        text_only: Whether it has no picture.
        lost_turns: How many turns of a record that can be used are spoilt.
        size: Bytes of it, for progress.
    """

    faults: tuple[Fault, ...]
    samples: NDArray[np.void]
    text_only: bool
    lost_turns: int
    size: int


@dataclass
class ReportBuilder:
    """Adds up scanned records to a :class:`CheckReport`."""

    records: int = 0
    samples: int = 0
    turns: int = 0
    text_only: int = 0
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dropped_records: int = 0
    dropped_turns: int = 0

    def add(self, scanned: ScannedRecord) -> None:
        sound = len(scanned.samples) > 0
        self.records += sound
        self.samples += len(scanned.samples)
        self.turns += int(scanned.samples["turns"].sum())
        self.text_only += sound and scanned.text_only
        self.counts.update(fault.kind for fault in scanned.faults)
        self.faults += scanned.faults[: FAULTS_KEPT - len(self.faults)]
        self.dropped_records += not sound
        self.dropped_turns += scanned.lost_turns

    def finish(self) -> CheckReport:
        return CheckReport(
            self.records,
            self.samples,
            self.turns,
            self.text_only,
            tuple(self.faults),
            dict(self.counts),
            self.dropped_records,
            self.dropped_turns,
        )


def scan_source(
    source: DataSource, *, pixels: bool = False, most_turns: int = MOST_TURNS, workers: int = 1
) -> Iterator[ScannedRecord]:
    """Scans a data set, file by file, in order.

    Args:
        source: The data set.
        pixels: Decode every picture and depth file, which takes some milliseconds each; else only headers are read.
        most_turns: Questions in a sample.
        workers: Processes.

    Raises:
        InputError: A file cannot be read, or a process died.
    """
    scan = partial(_scan_raw, source, pixels, most_turns)
    records = ((number, raw) for number, path in enumerate(source.files) for raw in raw_records(path))
    if workers <= 1:
        yield from (scan(numbered) for numbered in records)
        return
    tasks = iter(lambda: list(islice(records, _RECORDS_A_TASK)), [])
    yield from _in_processes(partial(_scan_task, scan), tasks, workers)


def check_mixture(mixture: Mixture, *, pixels: bool = True, workers: int = 1) -> Iterator[ScannedRecord]:
    """Every record of every data set of a mixture with its faults, streamed in order.

    Raises:
        InputError: A file cannot be read, or a process died.
    """
    for source in mixture.sources:
        yield from scan_source(source, pixels=pixels, workers=workers)


def sample_turns(read: ReadRecord, part: int, most_turns: int) -> TrainingRecord:
    """One sample of a record: its ``part``-th slice of at most ``most_turns`` sound turns."""
    assert read.record is not None  # samples are only made of records that can be used
    return read.record.with_turns(read.kept[part * most_turns : (part + 1) * most_turns])


def _scan_task(scan: partial[ScannedRecord], task: list[_Numbered]) -> list[ScannedRecord]:
    return [scan(numbered) for numbered in task]


def _scan_raw(source: DataSource, pixels: bool, most_turns: int, numbered: _Numbered) -> ScannedRecord:
    number, raw = numbered
    size = len(raw.data)
    nothing = np.zeros(0, SAMPLE)
    problem = raw.problem
    if not problem:
        try:
            content = parse_record(raw.data)
        except InputError as error:
            problem = str(error)
    if problem:
        return ScannedRecord((Fault("broken_json", raw.location, problem),), nothing, False, 0, size)
    read = read_record(content, source, raw.location)
    in_files = tuple(file_faults(read.record, pixels=pixels)) if read.record else ()
    identity = written_id(content)
    faults = tuple(replace(fault, record_id=identity) for fault in (*read.faults, *in_files))
    if read.record is None or not read.kept or in_files:
        return ScannedRecord(faults, nothing, False, 0, size)
    lost = len({fault.turn for fault in read.faults if fault.turn is not None})
    return ScannedRecord(faults, _samples(read, number, raw, most_turns), not read.record.images, lost, size)


def _samples(read: ReadRecord, number: int, raw: RawRecord, most_turns: int) -> NDArray[np.void]:
    record = read.record
    assert record is not None  # the caller saw to it
    width, height = known_size(record.images[0]) if record.images else (0, 0)
    pairs = list(record.pairs())
    samples = np.zeros(-(-len(read.kept) // most_turns), SAMPLE)
    for part in range(len(samples)):
        turns = read.kept[part * most_turns : (part + 1) * most_turns]
        characters = sum(len(message.text) for turn in turns for message in pairs[turn])
        place = (number, raw.offset, len(raw.data), raw.location.line, raw.location.index, part)
        pictures = (len(record.images), len(record.depths), width, height)
        samples[part] = (*place, len(turns), characters, *pictures, raw.location.shares_line)
    return samples


def _in_processes(
    work: partial[list[ScannedRecord]], tasks: Iterator[list[_Numbered]], workers: int
) -> Iterator[ScannedRecord]:
    """Tasks over fresh processes; results in the order of the tasks, so that a scan does not depend on chance."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    waiting: deque[Future[list[ScannedRecord]]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) >= workers * _TASKS_AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise InputError(
            "a process that checked records died, most likely for want of memory: use fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def file_sizes(paths: Sequence[Path]) -> int:
    """Bytes of all files together; those that are not there count nothing."""
    return sum(path.stat().st_size for path in paths if path.is_file())
