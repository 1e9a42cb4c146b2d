"""Benchmarks by their id on the hub: downloaded once, when they are named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from roborefer.errors import InputError
from roborefer.images import one_line

_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Files that are needed of repositories with much else: other forms, training sets, questions without answers.
_WANTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wentao-yuan/where2place": ("point_questions.jsonl", "images/*", "masks/*"),
        "PointArena/pointarena-data": ("data.json", "selected_images.zip", "selected_masks.zip"),
        "BLINK-Benchmark/BLINK": ("*/val-*.parquet",),
        "array/SAT": ("SAT_test.parquet",),
        "Phineas476/EmbSpatial-Bench": ("embspatial_bench.json",),
    }
)
# An asterisk stands for folders, too. RefSpatial-Bench has both forms: records without their pictures are of no use.
_PARQUET = ("*.parquet",)
_FOLDER = ("*.json", "*.jsonl", "*.png", "*.jpg", "*.jpeg", "*.npy")


def is_hub_id(source: str) -> bool:
    """Whether a text looks like ``owner/name``."""
    return _ID.fullmatch(source) is not None


def fetch_benchmark(hub_id: str, revision: str | None = None) -> Path:
    """Downloads a data set, or finds it in the cache: its Parquet files, or where it has none its records and pictures.

    Raises:
        InputError: There is no such data set, or it cannot be reached.
    """
    from huggingface_hub import snapshot_download

    def fetch(patterns: Sequence[str]) -> Path:
        found = snapshot_download(hub_id, repo_type="dataset", revision=revision, allow_patterns=list(patterns))
        return Path(found)

    try:
        if hub_id in _WANTED:
            return fetch(_WANTED[hub_id])
        folder = fetch(_PARQUET)
        return folder if any(folder.rglob("*.parquet")) else fetch(_FOLDER)
    except Exception as error:  # the hub's client raises many kinds, some of them the HTTP library's own
        raise InputError(
            f"cannot fetch the data set {hub_id} ({one_line(error)[:200]}): check the id and the network, or download "
            "it and name its folder"
        ) from error
