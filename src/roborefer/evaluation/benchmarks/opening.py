"""Opens a benchmark by what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks import refspatial_parquet, robospatial_home, where2place
from roborefer.evaluation.benchmarks.hub import fetch_benchmark, is_hub_id
from roborefer.evaluation.benchmarks.multiple_choice import (
    choice_form,
    is_embspatial_source,
    read_embspatial_json,
    read_multiple_choice,
)
from roborefer.evaluation.benchmarks.own_points import is_own_points_source, read_own_points_benchmark
from roborefer.evaluation.benchmarks.parquet import columns_of, parquet_files
from roborefer.evaluation.benchmarks.point_bench import is_point_bench_folder, read_point_bench
from roborefer.evaluation.benchmarks.refcoco import is_refcoco_folder, read_refcoco
from roborefer.evaluation.benchmarks.refspatial_folder import (
    QUESTIONS,
    is_refspatial_folder,
    read_refspatial_folder,
)
from roborefer.evaluation.benchmarks.training_folder import is_training_folder, read_training_folder
from roborefer.evaluation.samples import Benchmark
from roborefer.images import source_name

_FOLDERS = (
    (is_refspatial_folder, read_refspatial_folder),
    (where2place.is_where2place_folder, where2place.read_where2place_folder),
    (robospatial_home.is_robospatial_folder, robospatial_home.read_robospatial_folder),
    (is_point_bench_folder, read_point_bench),
    (is_refcoco_folder, read_refcoco),
)
_TABLES = (
    (refspatial_parquet.COLUMNS, refspatial_parquet.read_refspatial_parquet),
    (where2place.COLUMNS, where2place.read_where2place_parquet),
    (robospatial_home.COLUMNS, robospatial_home.read_robospatial_parquet),
)


def open_benchmark(
    source: str | PathLike[str], *, tasks: Sequence[str] = (), limit: int | None = None, revision: str | None = None
) -> Benchmark:
    """Reads a benchmark, in whichever of its published forms it is.

    Args:
        source: Its folder, a file of one's own points, or its id on the hub.
        tasks: Which of its tasks; all where none is named.
        limit: The first so many samples of each task.
        revision: Branch, tag or commit, for a hub id.

    Raises:
        InputError: It is not there, is of no known form, or something in it cannot be used.
    """
    if limit is not None and limit < 1:
        raise InputError(f"expected --limit of at least 1, got {limit}")
    path = Path(source)
    # In a folder that is there, a name that is not was mistyped: nothing is fetched for it.
    if not path.exists() and is_hub_id(str(source)) and not path.parent.exists():
        path = fetch_benchmark(str(source), revision)
    if path.is_dir() and is_training_folder(path):
        benchmark = read_training_folder(path, tasks, limit)
    else:
        benchmark = _first(_read(path, tasks), limit)
    return replace(benchmark, source=str(source))


def _read(path: Path, tasks: Sequence[str]) -> Benchmark:
    if not path.exists():
        raise InputError(f"no such benchmark: {source_name(path)}; name its folder, or its id on the hub")
    for is_it, read in _FOLDERS:
        if path.is_dir() and is_it(path):
            return read(path, tasks)
    if is_embspatial_source(path):
        return read_embspatial_json(path, tasks)
    if is_own_points_source(path):
        return read_own_points_benchmark(path, tasks)
    files = parquet_files(path) if path.is_dir() else [path] * (path.suffix == ".parquet")
    if not files:
        raise InputError(_unknown(path))
    return _read_tables(path, files, tasks)


def _unknown(path: Path) -> str:
    name = source_name(path)
    task = path if path.is_dir() else path.parent
    if (task / QUESTIONS).is_file():
        return (
            f"expected a benchmark's folder, got {name} of one of its tasks: name {source_name(task.parent)} with "
            f"--tasks {source_name(task.name)}"
        )
    return f"expected a benchmark in {name}, got none of the known forms: see docs/evaluation.md"


def _read_tables(path: Path, files: Sequence[Path], tasks: Sequence[str]) -> Benchmark:
    columns = columns_of(files[0])
    for wanted, read in _TABLES:
        if wanted <= columns:
            return read(path, files, tasks)
    form = choice_form(columns)
    if form is not None:
        return read_multiple_choice(form, path, files, tasks)
    raise InputError(
        f"expected the columns of a known benchmark, got {', '.join(sorted(columns))} in {source_name(files[0])}: "
        "see docs/evaluation.md"
    )


def _first(benchmark: Benchmark, limit: int | None) -> Benchmark:
    if limit is None:
        return benchmark
    taken: dict[str, int] = {}
    samples = []
    for sample in benchmark.samples:
        taken[sample.task] = taken.get(sample.task, 0) + 1
        if taken[sample.task] <= limit:
            samples.append(sample)
    return replace(benchmark, samples=tuple(samples))
