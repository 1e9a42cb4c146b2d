"""What a benchmark is made of: one sample is one question about one picture, and what its answer is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.evaluation.metrics import Polygon
from roborefer.geometry.depth import read_depth
from roborefer.images import load_picture, source_name
from roborefer.refspatial.run_length import decode_mask
from roborefer.structures import Box, Intrinsics, Step

_PNG = b"\x89PNG\r\n\x1a\n"

Source = Path | bytes
"""A file, or the bytes of one."""

MaskRule = Literal["nonzero", "soft", "above-half"]
"""What of a mask's numbers is inside: all above 0, all above 127, or each to the extent value / 255."""

Scoring = Literal["fraction", "first", "count"]
"""What a sample is worth: the fraction of points inside; whether the first is; whether all are and their number is
right."""


@dataclass(frozen=True, eq=False)
class MaskTarget:
    """The answer has to lie in a mask.

    Attributes:
        source: A picture, or run lengths as :func:`roborefer.refspatial.run_length.encode_mask` writes them.
        name: What errors call it.
        rule: What of it is inside.
        scoring: What points are worth.
        count: How many points there have to be, for the scoring "count".
    """

    source: Source | Mapping[str, Any]
    name: str
    rule: MaskRule = "nonzero"
    scoring: Scoring = "fraction"
    count: int | None = None


@dataclass(frozen=True)
class PolygonTarget:
    """The first point has to lie in a polygon: three or more corners as fractions, in the order given."""

    polygon: Polygon


@dataclass(frozen=True)
class BoxTarget:
    """The first point (or the centre of the first box) has to lie in a box."""

    box: Box


@dataclass(frozen=True)
class ChoiceTarget:
    """The answer is one option.

    Attributes:
        answer: Its letter.
        options: The texts of all options, in order; empty where the question alone has them.
    """

    answer: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class YesNoTarget:
    """The answer has to begin with "yes" or with "no"."""

    answer: str


Target = MaskTarget | PolygonTarget | BoxTarget | ChoiceTarget | YesNoTarget


@dataclass(frozen=True)
class Sample:
    """One question.

    Attributes:
        key: Unique within the benchmark: "Location/40".
        task: The part of the benchmark that it belongs to.
        images: The picture; several where the question is about several.
        image_size: (width, height) of the first, pixels.
        target: What the answer is held against.
        prompt: The question.
        suffix: How the answer is to be written; may be empty.
        object: What is meant, as a phrase; empty where the benchmark has none.
        depth: Its depth file: metric where there is one, else a relative picture.
        metric_depth: Its metric depth, for errors in millimetres.
        intrinsics: Its camera, if known.
        step: How many reasoning steps the question takes.
        relations: Which relations it uses.
        scene: The kind of scene.
        key_steps: The reasoning steps that an answer cannot do without.
        repeated: Whether another task asks the same about the same picture, so that sums count it there alone.
        extra: What an adapter needs besides, JSON-ready.
    """

    key: str
    task: str
    images: tuple[Source, ...]
    image_size: tuple[int, int]
    target: Target
    prompt: str
    suffix: str = ""
    object: str = ""
    depth: Source | None = None
    metric_depth: Source | None = None
    intrinsics: Intrinsics | None = None
    step: int | None = None
    relations: tuple[str, ...] = ()
    scene: str | None = None
    key_steps: tuple[Step, ...] = ()
    repeated: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def is_pointing(sample: Sample) -> bool:
    """Whether a point answers it, not a choice."""
    return not isinstance(sample.target, ChoiceTarget | YesNoTarget)


@dataclass(frozen=True)
class Benchmark:
    """Samples in order, and where they come from.

    Attributes:
        name: As it is shown: "RefSpatial-Bench".
        source: The folder or hub id that was named.
        samples: At least one; keys are unique.
        notes: What a reader of the scores should know.
    """

    name: str
    source: str
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks in the order of their first sample."""
        return tuple(dict.fromkeys(sample.task for sample in self.samples))


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask as it is scored.

    Attributes:
        values: (H, W), the file's own numbers (its first channel).
        weights: (H, W) how much of each pixel is inside: float32 in 0-1 of a soft mask, else bool.
        inside: (H, W) bool, at least one: where the weight is at least a half.
    """

    values: NDArray[Any]
    weights: NDArray[np.float32] | NDArray[np.bool_]
    inside: NDArray[np.bool_]


def read_mask(target: MaskTarget, image_size: tuple[int, int]) -> Mask:
    """Reads a mask.

    Raises:
        InputError: It cannot be read, has another size than the image, or nothing is inside.
    """
    source = target.source
    if isinstance(source, Mapping):
        values: NDArray[Any] = decode_mask(source).astype(np.uint8) * np.uint8(255)
    else:
        values = _picture(source, target.name)
        if values.dtype == np.bool_:  # one bit a pixel: white is 255
            values = values.astype(np.uint8) * np.uint8(255)
    if values.ndim == 3:
        # Where any channel counts, transparency is none of them.
        values = (
            values[:, :, :3].max(axis=2) if target.rule == "above-half" and values.shape[2] > 2 else values[:, :, 0]
        )
    if (values.shape[1], values.shape[0]) != image_size:
        raise InputError(
            f"expected a mask of the image's size {image_size[0]}x{image_size[1]}, got "
            f"{values.shape[1]}x{values.shape[0]} in {target.name}: draw it on the image itself"
        )
    weights = _weights(values, target.rule)
    # Noise of a soft mask's compression is not inside.
    inside = weights >= 0.5 if target.rule == "soft" else weights.astype(np.bool_, copy=False)
    if not inside.any():
        raise InputError(f"expected a mask with something inside, got an empty one in {target.name}: draw it again")
    return Mask(values, weights, inside)


def _picture(source: Source, name: str) -> NDArray[Any]:
    try:
        return np.asarray(load_picture(source))
    except InputError as error:
        raise InputError(f"{error}; this is {name}") from error


def _weights(values: NDArray[Any], rule: MaskRule) -> NDArray[np.float32] | NDArray[np.bool_]:
    if rule == "soft":
        return np.asarray(values, np.float32) / np.float32(255)
    above: NDArray[np.bool_] = values > (127 if rule == "above-half" else 0)
    return above


def read_metric_depth(sample: Sample, window: tuple[slice, slice] | None = None) -> NDArray[np.float32] | None:
    """(H, W) float32 metres, 0 where unknown; None where the sample has no metric depth.

    Args:
        sample: Whose depth.
        window: Rows and columns that are wanted; all where None. Checking and converting a whole map takes longer
            than all else that is done for a score.

    Raises:
        InputError: It cannot be read, or has another size than the image.
    """
    source = sample.metric_depth
    if source is None:
        return None
    width, height = sample.image_size
    numbers = _picture_numbers(source)
    size = read_depth(source).size if numbers is None else (numbers.shape[1], numbers.shape[0])
    if size != sample.image_size:
        raise InputError(
            f"expected depth of the image's size {width}x{height}, got {size[0]}x{size[1]} in {source_name(source)}: "
            "register it to the image first"
        )
    rows, columns = window or (slice(0, height), slice(0, width))
    if numbers is None:
        metres = read_depth(source).metres
        return None if metres is None else metres[rows, columns]
    wanted = numbers[rows, columns]
    # A part may be without any depth, as a whole map may not.
    return read_depth(wanted).metres if (wanted > 0).any() else np.zeros(wanted.shape, np.float32)


def _picture_numbers(source: Source) -> NDArray[Any] | None:
    """The numbers of a depth picture of more than 8 bits, (H, W); None for any other file."""
    start = source[: len(_PNG)] if isinstance(source, bytes) else b""
    if start != _PNG and not (isinstance(source, Path) and source.suffix.lower() == ".png"):
        return None
    numbers = np.asarray(load_picture(source))
    return numbers if numbers.ndim == 2 and numbers.dtype.itemsize > 1 else None
