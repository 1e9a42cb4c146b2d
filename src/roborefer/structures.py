"""The frozen values that cross rooms: points, boxes, steps, cameras, anchors and the prediction that holds them.

Coordinates are stated once, in docs/conventions.md: points are (x, y), x right, y down, 0-1 of the *original*
image; pixels are (x*W, y*H) with pixel centres at .5; camera frame is OpenCV's (x right, y down, z forward), metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError

Vector = tuple[float, float, float]
DepthSource = Literal["sensor", "estimated", "none"]
StepKind = Literal["Position", "Orientation", "Size"]


@dataclass(frozen=True)
class Point:
    """A place in the image. ``Point(0.25, 0.5).pixel((640, 480))`` is ``(160.0, 240.0)``.

    Attributes:
        x, y: Fractions of the original image's width and height, 0-1.
        label: What the model called it, if it did.
        score: Confidence in 0-1, if the model has one.
        depth_m: Distance along z in metres that the model itself wrote (RoboTracer's third value), if any.
    """

    x: float
    y: float
    label: str | None = None
    score: float | None = None
    depth_m: float | None = None

    def pixel(self, image_size: tuple[int, int]) -> tuple[float, float]:
        """The point in pixels of an image of ``(width, height)``; pixel centres lie at .5."""
        return (self.x * image_size[0], self.y * image_size[1])


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in the image: left, top, right, bottom as fractions (0-1) of width and height."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str | None = None

    @property
    def center(self) -> Point:
        return Point((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2, self.label)


@dataclass(frozen=True)
class Step:
    """One line of the reasoning: ``[Position] [the pen holder]: [(0.139, 0.528)]`` (paper section 3.3).

    Attributes:
        kind: What was perceived.
        target: Of what.
        value: A :class:`Point` for Position, a unit vector in the camera frame for Orientation and metres for Size.
        rivals: Where else a Position might be, most likely first; of a model with a point head.
    """

    kind: StepKind
    target: str
    value: Point | Vector | float
    rivals: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera: focal lengths and principal point in pixels of a ``width`` x ``height`` image.

    Pixel centres lie at .5, so the principal point of an ideal camera is ``(width / 2, height / 2)``.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


@dataclass(frozen=True)
class Anchor:
    """A point lifted to 3D.

    Attributes:
        xyz: Camera frame (x right, y down, z forward), metres; None when it could not be computed.
        world_xyz: The same point through ``world_from_camera``; None when no pose was given.
        normal: Unit surface normal in the camera frame, towards the camera; None when unknown.
        spread_m: Robust spread of the depth samples that were used, metres.
        depth_m: Distance along z, metres; known without intrinsics.
        depth_source: Where the depth came from.
        valid: Whether a robot may use ``xyz``.
        reason: Why it is not valid, or what was done to get it; empty when plain.
    """

    xyz: Vector | None
    depth_source: DepthSource
    valid: bool
    reason: str = ""
    depth_m: float | None = None
    normal: Vector | None = None
    spread_m: float | None = None
    world_xyz: Vector | None = None


@dataclass(frozen=True)
class Prediction:
    """What :meth:`roborefer.predictor.Predictor.point` returns.

    ``prediction["points"]`` reads as Moondream's clients expect: a list of ``{"x", "y"}``; the other keys of
    :meth:`to_dict` can be read the same way.

    Attributes:
        points: Answer points, best first.
        image_size: (width, height) of the original image, pixels.
        raw: The model's text as it came.
        steps: Reasoning steps in the order written.
        anchors: One per point, in the same order; empty when no depth was asked for.
        timing_ms: Milliseconds by stage.
        problem: Why the text could not be read in full; None when all was read.
        notes: What the reader of this prediction should know (untrained weights, estimated depth, ...).
        rivals: Where else the (last) answer point might be, most likely first; of a model with a point head.
        heatmap: (S, S) float32, summing to 1: how likely each part of the picture is for that point; None from a
            model that writes coordinates as text.
    """

    points: tuple[Point, ...]
    image_size: tuple[int, int]
    raw: str
    steps: tuple[Step, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    problem: str | None = None
    notes: tuple[str, ...] = ()
    rivals: tuple[Point, ...] = ()
    heatmap: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.anchors and len(self.anchors) != len(self.points):
            raise InputError(f"expected one anchor per point, got {len(self.anchors)} for {len(self.points)} points")

    @property
    def parsed(self) -> bool:
        """Whether at least one point was read."""
        return bool(self.points)

    def __getitem__(self, key: str) -> Any:
        return self.to_dict()[key]

    def to_dict(self) -> dict[str, Any]:
        """The reply as JSON-ready values: a superset of Moondream's ``{"points": [{"x", "y"}]}``."""
        return {
            "points": [self._point_dict(index) for index in range(len(self.points))],
            "steps": [_step_dict(step) for step in self.steps],
            "image_size": list(self.image_size),
            "raw": self.raw,
            "parsed": self.parsed,
            "problem": self.problem,
            "notes": list(self.notes),
            "rivals": [_rival_dict(rival) for rival in self.rivals],
            "timing_ms": dict(self.timing_ms),
        }

    def _point_dict(self, index: int) -> dict[str, Any]:
        point = self.points[index]
        anchor = self.anchors[index] if self.anchors else Anchor(None, "none", False, "no depth was given")
        return {
            "x": point.x,
            "y": point.y,
            # Rounded as 0.672 * 640 is 430.08000000000004.
            "px": [round(value, 6) for value in point.pixel(self.image_size)],
            "xyz": None if anchor.xyz is None else list(anchor.xyz),
            "world_xyz": None if anchor.world_xyz is None else list(anchor.world_xyz),
            "normal": None if anchor.normal is None else list(anchor.normal),
            "depth_m": anchor.depth_m,
            "spread_m": anchor.spread_m,
            "depth_source": anchor.depth_source,
            "valid": anchor.valid,
            "reason": anchor.reason,
            "score": point.score,
            "label": point.label,
        }


def _step_dict(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": step.kind, "target": step.target, "value": step.value}
    if isinstance(step.value, Point):
        shown["value"] = [step.value.x, step.value.y]
        if step.value.score is not None:
            shown |= {"score": step.value.score, "rivals": [_rival_dict(rival) for rival in step.rivals]}
    elif isinstance(step.value, tuple):
        shown["value"] = list(step.value)
    return shown


def _rival_dict(rival: Point) -> dict[str, Any]:
    return {"x": rival.x, "y": rival.y, "score": rival.score}
