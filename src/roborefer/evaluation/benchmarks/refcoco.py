"""RefCOCO, RefCOCO+ and RefCOCOg as the refer API has them: a point has to lie in the object's box.

``refs(unc).p`` (or ``refs(umd).p``, ...) is a pickled list of objects with their sentences, ``instances.json`` the
boxes of COCO, ``[x, y, width, height]`` in pixels. Pictures are those of COCO's train2014, looked for in the usual
places beside the data set. Each sentence is one sample; the tasks are the splits, without train.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roborefer.answers.prompts import POINT_SUFFIX, point_question
from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.plain_pickle import read_plain_pickle
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    choose_tasks,
    picture_size_at,
    read_text,
)
from roborefer.evaluation.samples import Benchmark, BoxTarget, Sample
from roborefer.images import source_name
from roborefer.structures import Box

INSTANCES = "instances.json"
_IMAGE_FOLDERS = ("train2014", "images/train2014", "images/mscoco/images/train2014", "images")
_TRAINING = "train"


def is_refcoco_folder(folder: Path) -> bool:
    """Whether references and instances are there."""
    return (folder / INSTANCES).is_file() and any(folder.glob("refs(*).p"))


def read_refcoco(folder: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the splits that are wanted; all but train where none is named.

    Raises:
        InputError: A file, reference or picture cannot be used.
    """
    path = _references_file(folder)
    references = [Record(item, f"{source_name(path)} entry {number}") for number, item in enumerate(_list(path))]
    boxes, files = _instances(folder / INSTANCES)
    images = _image_folder(folder)
    splits = list(dict.fromkeys(record.text("split") for record in references))
    available = [split for split in splits if split != _TRAINING or _TRAINING in tasks]
    wanted = choose_tasks(available, tasks, source_name(folder))
    identities = Identities()
    samples = [
        sample
        for record in references
        if record.text("split") in wanted
        for sample in _samples(record, boxes, files, images, identities)
    ]
    name = {"refcoco": "RefCOCO", "refcoco+": "RefCOCO+", "refcocog": "RefCOCOg"}.get(folder.name, folder.name)
    return Benchmark(name, str(folder), tuple(samples))


def _references_file(folder: Path) -> Path:
    found = sorted(folder.glob("refs(*).p"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"expected one file refs(...).p in {source_name(folder)}, got {names}: leave one there")
    return found[0]


def _list(path: Path) -> list[dict[str, Any]]:
    content = read_plain_pickle(path)
    if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
        raise InputError(f"expected a list of references, got something else in {source_name(path)}")
    return content


def _instances(path: Path) -> tuple[dict[int, Any], dict[int, str]]:
    """Boxes by annotation id, and file names by image id."""
    try:
        content = json.loads(read_text(path))
        boxes = {item["id"]: item["bbox"] for item in content["annotations"]}
        return boxes, {item["id"]: item["file_name"] for item in content["images"]}
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"expected COCO's instances, got something else in {source_name(path)}") from error


def _image_folder(folder: Path) -> Path:
    for parent in (folder, folder.parent):
        for name in _IMAGE_FOLDERS:
            if (parent / name).is_dir():
                return parent / name
    raise InputError(f"expected COCO's train2014 pictures in {source_name(folder / 'train2014')}, got none: link them")


def _samples(
    record: Record, boxes: Mapping[int, Any], files: Mapping[int, str], images: Path, identities: Identities
) -> list[Sample]:
    annotation, image_id = record.value("ann_id"), record.value("image_id")
    if annotation not in boxes or image_id not in files:
        raise InputError(f"expected ann_id and image_id of {INSTANCES}, got others in {record.place}")
    image = images / Path(files[image_id]).name
    size = picture_size_at(image, record.place)
    target = BoxTarget(_box(boxes[annotation], size, record.place))
    split = record.text("split")
    samples = []
    for sentence in record.value("sentences"):
        spoken = Record(sentence, record.place)
        text = spoken.text("sent")
        question = point_question(f"the {text}" if not text.startswith(("the ", "a ", "an ")) else text)
        samples.append(
            Sample(
                key=identities.take(f"{split}/{spoken.identity('sent_id')}", record.place),
                task=split,
                images=(image,),
                image_size=size,
                target=target,
                prompt=question.removesuffix(POINT_SUFFIX).strip(),
                suffix=POINT_SUFFIX,
                object=text,
            )
        )
    return samples


def _box(numbers: Any, size: tuple[int, int], place: str) -> Box:
    """COCO's box as fractions, cut at the image's edges."""
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(isinstance(n, int | float) for n in numbers):
        raise InputError(f"expected a box [x, y, width, height], got {numbers!r} for {place}")
    x, y, across, down = numbers
    width, height = size
    return Box(max(x / width, 0.0), max(y / height, 0.0), min((x + across) / width, 1.0), min((y + down) / height, 1.0))
