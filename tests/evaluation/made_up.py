"""Benchmarks made up for tests, in their published forms: small pictures, one with a square of its own to point at."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from roborefer.answers.prompts import POINT_SUFFIX

WIDTH, HEIGHT = 40, 30
SQUARE = (slice(10, 20), slice(20, 32))
"""Rows and columns that are inside every mask: x 0.5 to 0.8, y 1/3 to 2/3."""

INSIDE, OUTSIDE = "[(0.600, 0.500)]", "[(0.100, 0.100)]"


def picture(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 160, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[SQUARE] = (220, 60, 40)
    return Image.fromarray(pixels)


def mask(value: int = 255) -> Image.Image:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[SQUARE] = value
    return Image.fromarray(pixels)


def depth() -> Image.Image:
    """16-bit millimetres: the square is nearer."""
    pixels = np.full((HEIGHT, WIDTH), 2000, np.uint16)
    pixels[SQUARE] = 1500
    return Image.fromarray(pixels)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def question(number: int, task: str = "Location", **changes: Any) -> dict[str, Any]:
    """A record as RefSpatial-Bench has it; a change to None takes the key out."""
    record = {
        "id": number,
        "object": f"cup {number}",
        "prompt": f"Please point out cup {number}.",
        "suffix": POINT_SUFFIX,
        "rgb_path": f"image/{number}.png",
        "mask_path": f"mask/{number}.png",
        "category": task.lower(),
        "step": 1 + number % 3,
    } | changes
    return {key: value for key, value in record.items() if value is not None}


def write_refspatial(folder: Path, sizes: dict[str, int] | None = None) -> Path:
    """RefSpatial-Bench as a folder."""
    for task, count in (sizes or {"Location": 3, "Placement": 2}).items():
        for number in range(count):
            save(picture(number), folder / task / "image" / f"{number}.png")
            save(mask(), folder / task / "mask" / f"{number}.png")
        write_questions(folder, task, [question(number, task) for number in range(count)])
    return folder


def write_questions(folder: Path, task: str, records: Sequence[Any]) -> Path:
    path = folder / task / "question.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(records), indent=1), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Rows as the hub stores them."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)
    return path


def cell(image: Image.Image) -> dict[str, Any]:
    """A picture as the hub's image feature stores it."""
    return {"bytes": png(image), "path": "0.png"}
