"""Small data sets on disk: a picture of 40x30, depth for it, and records about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from roborefer.datasets.records import Location
from roborefer.datasets.sources import DataSource, source_at

SIZE = (40, 30)


def write_pictures(folder: Path) -> None:
    """``a.png`` with ``a_depth.png`` (8-bit) and ``a_metric.png`` (16-bit millimetres), and things gone wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    width, height = SIZE
    rows, columns = np.indices((height, width))
    picture = np.stack([rows * 8, columns * 6, rows + columns], axis=2).astype(np.uint8)
    Image.fromarray(picture).save(folder / "a.png")
    Image.fromarray((columns * 6).astype(np.uint8)).save(folder / "a_depth.png")
    Image.fromarray((1000 + 50 * rows).astype(np.uint16)).save(folder / "a_metric.png")
    Image.fromarray(np.zeros((height, width // 2), np.uint8)).save(folder / "narrow_depth.png")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:80])
    (folder / "words.png").write_text("no picture", encoding="utf-8")


def said(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Questions and answers as a conversation in the published form."""
    return [
        message
        for question, answer in pairs
        for message in ({"from": "human", "value": question}, {"from": "gpt", "value": answer})
    ]


def record(*pairs: tuple[str, str], **keys: Any) -> dict[str, Any]:
    """A record about ``a.png`` with depth; a key that is None is left out."""
    content = {"id": "1", "image": ["a.png"], "depth": ["a_depth.png"], "conversations": said(*pairs or [("q", "a")])}
    return {key: value for key, value in (content | keys).items() if value is not None}


def write_lines(path: Path, records: Sequence[Mapping[str, Any] | str]) -> Path:
    """A JSONL file; text is written as it is."""
    lines = [item if isinstance(item, str) else json.dumps(item) for item in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def data_set(folder: Path, records: Sequence[Mapping[str, Any] | str]) -> DataSource:
    """Pictures and these records, as a data set."""
    write_pictures(folder)
    return source_at(write_lines(folder / "data.jsonl", records), "made")


def somewhere(line: int = 1) -> Location:
    return Location(Path("data.jsonl"), line, line - 1)
