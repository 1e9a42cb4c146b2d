"""Writes scenes and their questions as RefSpatial does: pictures, 8-bit depth and records of several turns.

A record has the keys of the published data (``id``, ``image``, ``depth``, ``conversations`` and ``think``; file names
are relative to ``image/`` and ``depth/``) and ours: metric depth, camera, scene file, and for each turn its kind,
relations, steps, key steps, answer points and mask.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.answers import write_answer
from roborefer.geometry.cameras import to_json
from roborefer.geometry.depth import DepthMethod, depth_picture
from roborefer.refspatial.atomic_files import write_whole
from roborefer.refspatial.marks import draw_marks
from roborefer.refspatial.questions import Mark, Question
from roborefer.refspatial.run_folder import DEPTHS, IMAGES, METRIC_DEPTHS, SCENES
from roborefer.refspatial.run_length import encode_mask
from roborefer.refspatial.scene_graph import Scene, scene_to_json
from roborefer.structures import Point, Step

PictureFormat = Literal["png", "jpg"]

MOST_TURNS = 15
"""Questions in one record, as in the published data (paper section D.2: slices of up to 15 turns)."""

_MILLIMETRES = 1000.0
_MOST_MILLIMETRES = 65535
# Noise makes a picture hard to compress: zlib's run-length strategy gives as few bytes as its best level does, six
# times as fast.
_PNG_OPTIONS = {"compress_level": 1, "compress_type": zlib.Z_RLE}
_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class AskedScene:
    """One simulated scene from all its cameras, with what is asked about it.

    Attributes:
        index: Of the scene within the run.
        views: Each with an image; the same objects in all.
        questions: For each view, what is asked about it alone.
        pairs: (first view, second view, what is asked about the two).
    """

    index: int
    views: tuple[Scene, ...]
    questions: tuple[tuple[Question, ...], ...]
    pairs: tuple[tuple[int, int, tuple[Question, ...]], ...] = ()


def write_scene(
    folder: Path, asked: AskedScene, *, method: DepthMethod = "inverse", picture_format: PictureFormat = "png"
) -> list[dict[str, Any]]:
    """Writes a scene's pictures, depth and scene file, and gives back its records.

    Args:
        folder: Of the run; its sub-folders are there.
        asked: The scene.
        method: How metric depth becomes the 8-bit picture; see ``geometry.depth.depth_picture``.
        picture_format: Of the pictures in ``image/``; depth is always PNG.

    Raises:
        InputError: A file cannot be written.
    """
    for view, scene in enumerate(asked.views):
        name, depth_m = view_name(asked.index, view), written_depth(scene)
        assert scene.image is not None  # the simulator draws every view
        write_whole(folder / IMAGES / f"{name}.{picture_format}", picture_bytes(scene.image, picture_format))
        write_whole(folder / DEPTHS / f"{name}.png", png_bytes(depth_picture(depth_m, method)))
        write_whole(folder / METRIC_DEPTHS / f"{name}.png", png_bytes(millimetres(depth_m)))
    content = json.dumps(scene_content(asked.index, asked.views), allow_nan=False, separators=(",", ":"))
    write_whole(folder / SCENES / scene_file(asked.index), content.encode())
    return _records(folder, asked, picture_format)


def view_name(index: int, view: int) -> str:
    """What the files of a view are called: scene 12, view 1 is ``000012_1``."""
    return f"{index:06d}_{view}"


def scene_file(index: int) -> str:
    """What the file of a scene is called."""
    return f"{index:06d}.json"


def written_depth(scene: Scene) -> NDArray[np.float32]:
    """(H, W) float32: the depth that is written for a view: the sensor's where there is one, else exact."""
    return scene.depth_m if scene.sensor_depth_m is None else scene.sensor_depth_m


def scene_content(index: int, views: Sequence[Scene]) -> dict[str, Any]:
    """The scene file: the scene graph of each view, and the masks of what is seen."""
    return {
        "scene": index,
        "seed": views[0].seed,
        "views": [
            {
                **scene_to_json(scene),
                "masks": {str(item.id): encode_mask(scene.mask(item.id)) for item in scene.objects},
                "surface_masks": {
                    surface.name: encode_mask(scene.surface_ids == number)
                    for number, surface in enumerate(scene.surfaces, start=1)
                },
            }
            for scene in views
        ],
    }


def png_bytes(pixels: NDArray[Any]) -> bytes:
    """Pixels as PNG: uint8 (H, W, 3) or (H, W), bool (H, W), or uint16 (H, W)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **_PNG_OPTIONS)
    return stream.getvalue()


def picture_bytes(pixels: NDArray[np.uint8], picture_format: PictureFormat) -> bytes:
    """A picture, uint8 (H, W, 3), as PNG, or as JPEG of quality 95: a sixth of the bytes, and no longer exact."""
    if picture_format == "png":
        return png_bytes(pixels)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=_JPEG_QUALITY)
    return stream.getvalue()


def millimetres(depth_m: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Metric depth as 16-bit millimetres; 0 where unknown or beyond 65.535 m."""
    rounded = np.rint(depth_m.astype(np.float64) * _MILLIMETRES)
    known = np.isfinite(rounded) & (rounded > 0) & (rounded <= _MOST_MILLIMETRES)
    return np.where(known, rounded, 0).astype(np.uint16)


def question_content(question: Question) -> dict[str, Any]:
    """What our records say of a turn besides its text.

    Every key is always there and always of one type, so that a table reader infers one schema for all records.
    """
    return {
        "kind": question.kind,
        "phrase": question.phrase,
        "relations": list(question.relations),
        "step_count": question.step_count,
        "template": question.template,
        "steps": steps_to_json(question.steps),
        "key_steps": list(question.key_steps),
        "points": [[round(point.x, 6), round(point.y, 6)] for point in question.points],
        "target": question.target,
        "mask": None if question.region is None else encode_mask(question.region),
        "facts": [_fact(name, value) for name, value in question.facts.items()],
        "marks": [_mark(mark) for mark in question.marks],
    }


def steps_to_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Kind, target and value (a list of numbers) of each step."""
    return [{"kind": step.kind, "target": step.target, "value": _step_numbers(step)} for step in steps]


def thinking(steps: Sequence[Step]) -> str:
    """The steps as the lines of a reasoning (paper section 3.3), empty without steps."""
    if not steps:
        return ""
    text = write_answer([], steps=steps)
    return text.removeprefix("<think>\n").partition("\n</think>")[0]


def _records(folder: Path, asked: AskedScene, picture_format: PictureFormat) -> list[dict[str, Any]]:
    """Of each view the plain questions by the fifteen, each question about marks alone, and those about two views."""
    records = []
    for view, questions in enumerate(asked.questions):
        plain = [question for question in questions if not question.marks]
        name = view_name(asked.index, view)
        for start in range(0, len(plain), MOST_TURNS):
            suffix = f"_{start // MOST_TURNS}" if start else ""
            turns = plain[start : start + MOST_TURNS]
            records.append(_record(asked, (view,), f"{name}{suffix}", picture_format, turns))
        for number, question in enumerate(question for question in questions if question.marks):
            marked = f"{name}_marks_{number}"
            _write_marked(folder, asked.views[view], f"{marked}.{picture_format}", picture_format, question)
            record = _record(asked, (view,), marked, picture_format, [question])
            # Its depth is the plain one, as in the published data.
            records.append({**record, "image": [f"{marked}.{picture_format}"]})
    for first, second, questions in asked.pairs:
        for number, question in enumerate(questions):
            name = f"{view_name(asked.index, first)}_{second}_{number}"
            records.append(_record(asked, (first, second), name, picture_format, [question]))
    return records


def _record(
    asked: AskedScene, views: tuple[int, ...], name: str, picture_format: PictureFormat, questions: Sequence[Question]
) -> dict[str, Any]:
    names = [view_name(asked.index, view) for view in views]
    cameras = [asked.views[view].camera for view in views]
    conversations: list[Mapping[str, str]] = []
    for question in questions:
        conversations += [{"from": "human", "value": question.text}, {"from": "gpt", "value": question.answer}]
    return {
        "id": name,
        "image": [f"{view}.{picture_format}" for view in names],
        "depth": [f"{view}.png" for view in names],
        "conversations": conversations,
        "think": [{"question_type": question.kind, "thinking": thinking(question.steps)} for question in questions],
        "metric_depth": [f"{view}.png" for view in names],
        "camera": [
            {"intrinsics": to_json(camera.intrinsics), "world_from_camera": camera.world_from_camera.tolist()}
            for camera in cameras
        ],
        "scene": scene_file(asked.index),
        "views": list(views),
        "questions": [question_content(question) for question in questions],
    }


def _write_marked(folder: Path, scene: Scene, name: str, picture_format: PictureFormat, question: Question) -> None:
    """A question about marks in the picture has a picture of its own."""
    assert scene.image is not None
    marked = draw_marks(scene.image, question.marks)
    write_whole(folder / IMAGES / name, picture_bytes(marked, picture_format))


def _mark(mark: Mark) -> dict[str, Any]:
    """A box's place is four numbers (left, top, right, bottom), a point's is two."""
    place = mark.place
    numbers = [place.x, place.y] if isinstance(place, Point) else [place.x0, place.y0, place.x1, place.y1]
    return {
        "place": [round(number, 6) for number in numbers],
        "color": mark.color,
        "letter": mark.letter or "",
        "target": mark.target,
    }


def _fact(name: str, value: float | str) -> dict[str, Any]:
    is_text = isinstance(value, str)
    return {"name": name, "number": None if is_text else float(value), "text": value if is_text else None}


def _step_numbers(step: Step) -> list[float]:
    """A step's value as a list: two numbers of a Position, three of an Orientation, one of a Size."""
    value = step.value
    if isinstance(value, Point):
        return [round(value.x, 6), round(value.y, 6)]
    if isinstance(value, tuple):
        return [round(component, 6) for component in value]
    return [round(value, 6)]
