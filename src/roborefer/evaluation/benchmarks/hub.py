"""Benchmarks by their id on the hub: downloaded once, when they are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from roborefer.errors import InputError
from roborefer.images import one_line

_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Of a repository that has both forms only one is fetched.
_WANTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wentao-yuan/where2place": ("point_questions.jsonl", "images/*", "masks/*"),
        "PointArena/pointarena-data": ("data.json", "selected_images.zip", "selected_masks.zip"),
    }
)
_PARQUET = ("*.parquet", "**/*.parquet")
_JSON = ("*.json", "*.jsonl")


def is_hub_id(source: str) -> bool:
    """Whether a text looks like ``owner/name``."""
    return _ID.fullmatch(source) is not None


def fetch_benchmark(hub_id: str, revision: str | None = None) -> Path:
    """Downloads a data set's question files, or finds them in the cache.

    Raises:
        InputError: There is no such data set, or it cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        patterns = list(_WANTED.get(hub_id, (*_PARQUET, *_JSON)))
        return Path(snapshot_download(hub_id, repo_type="dataset", revision=revision, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises many kinds, some of them the HTTP library's own
        raise InputError(
            f"cannot fetch the data set {hub_id} ({one_line(error)[:200]}): check the id and the network, or download "
            "it and name its folder"
        ) from error
