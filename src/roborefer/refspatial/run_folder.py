"""The folder of a run: whose it is, which shards are done, and the one list that they add up to.

::

    manifest.json          what the run was asked for; another run is refused
    image/ depth/          what the published loader reads: RGB, and depth as an 8-bit picture
    metric_depth/ scene/   16-bit PNG in millimetres; the scene graphs
    shards/shard_00000.jsonl
    metadata.json          the published keys of all records, as one list
    licences.json          of imported assets, where there are some

A shard's file appears when everything it speaks of is on disk, so a shard that is there is done, and a killed run
goes on with the ones that are not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.images import source_name
from roborefer.refspatial.atomic_files import (
    make_folder,
    one_line_refusal,
    remove_leftovers,
    write_json,
    write_whole,
)

FORMAT = "roborefer-refspatial-1"
MANIFEST = "manifest.json"
METADATA = "metadata.json"
LICENCES = "licences.json"
IMAGES, DEPTHS, METRIC_DEPTHS, SCENES, SHARDS = "image", "depth", "metric_depth", "scene", "shards"
FOLDERS = (IMAGES, DEPTHS, METRIC_DEPTHS, SCENES, SHARDS)

PUBLISHED_KEYS = ("id", "image", "depth", "conversations", "think")
"""The keys that ``metadata.json`` has, as in RefSpatial's own; the shards have more."""

_LOCK = ".lock"


@contextmanager
def opened_run(folder: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Makes the folder a run's own, or finds that it already is this run's; nobody else may write meanwhile.

    Args:
        folder: Missing, empty, or begun by a run with the same settings.
        settings: All that the run's bytes depend on, JSON-ready.

    Raises:
        InputError: It holds something else or another run, is being written to, or cannot be written.
    """
    make_folder(folder)
    with _locked(folder):
        manifest = {"format": FORMAT, "version": version("roborefer"), "settings": dict(settings)}
        if (folder / MANIFEST).exists():
            _check_same(folder, read_manifest(folder), manifest)
            remove_leftovers(folder)
        else:
            _check_empty(folder)
            write_json(folder / MANIFEST, manifest)
        for name in FOLDERS:
            make_folder(folder / name)
            remove_leftovers(folder / name)
        yield


def read_manifest(folder: Path, formats: Sequence[str] = (FORMAT,)) -> dict[str, Any]:
    """A folder's manifest.

    Raises:
        InputError: There is none, or it has none of these formats.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(f"expected a folder made by `roborefer generate`, got {source_name(folder)}: check the path")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or content.get("format") not in formats:
        found = "with a manifest of something else" if path.exists() else f"without a {MANIFEST}"
        raise InputError(
            f"expected a folder made by `roborefer generate`, got {source_name(folder)} {found}: name another folder"
        )
    return content


def shard_path(folder: Path, shard: int) -> Path:
    """Where a shard's records are, one JSON document a line."""
    return folder / SHARDS / f"shard_{shard:05d}.jsonl"


def write_shard(folder: Path, shard: int, records: Iterable[Mapping[str, Any]]) -> None:
    """Writes a shard; call it when all files that its records name are on disk."""
    lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
    write_whole(shard_path(folder, shard), (line.encode() for line in lines))


def read_shard(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a shard, one at a time.

    Raises:
        InputError: It cannot be read, or a line is no record.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    record = json.loads(line)
                except ValueError:
                    record = None
                if not isinstance(record, dict):
                    raise InputError(
                        f"expected one record a line, got something else in line {number} of {source_name(path)}: "
                        "delete that file and run the same command again"
                    )
                yield record
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {source_name(path)}: {error}; copy it again") from error


def read_records(folder: Path) -> Iterator[dict[str, Any]]:
    """All records of a run's finished shards, in order, one at a time."""
    for path in sorted((folder / SHARDS).glob("shard_*.jsonl")):
        yield from read_shard(path)


def write_metadata(folder: Path, shards: int) -> None:
    """Writes the published keys of all records as one list, record by record, so that it needs no memory.

    Raises:
        InputError: A shard is missing or broken, or it cannot be written.
    """
    write_whole(folder / METADATA, _metadata_chunks(folder, shards))


def _metadata_chunks(folder: Path, shards: int) -> Iterator[bytes]:
    separator = b"[\n"
    for shard in range(shards):
        for record in read_shard(shard_path(folder, shard)):
            published = {key: record[key] for key in PUBLISHED_KEYS}
            yield separator + json.dumps(published, ensure_ascii=False, allow_nan=False).encode()
            separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _check_same(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    before = {"version": found.get("version"), **found.get("settings", {})}
    now = {"version": wanted["version"], **wanted["settings"]}
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise InputError(
                f"expected the settings of the run in {source_name(folder)}, got {name} {json.dumps(now.get(name))} "
                f"where it has {json.dumps(before.get(name))}: give its settings to go on with it, or another --out"
            )


def _check_empty(folder: Path) -> None:
    with one_line_refusal(folder):
        others = sorted(path.name for path in folder.iterdir() if path.name not in (_LOCK, f".{MANIFEST}.part"))
    if others:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise InputError(
            f"expected an empty folder or a run to go on with, got {source_name(folder)} with {shown}: "
            "choose another --out"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a second process out; the system lets go of the lock when this one ends, however it ends."""
    with one_line_refusal(folder):
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _lock(descriptor):
            raise InputError(
                f"expected a folder for one process, got {source_name(folder)}, which another is writing to: "
                "wait for it, or choose another --out"
            )
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two runs in one folder are then the user's to avoid
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems know no locks
        return True
    return True
