"""Ours, ``/v1/point``: a superset of Moondream's, with depth, a camera, 3D anchors, steps and a heatmap."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from roborefer.errors import InputError
from roborefer.geometry.cameras import intrinsics_from_fov, intrinsics_from_json
from roborefer.serving.asks import Reply
from roborefer.serving.fields import about
from roborefer.serving.wire_formats.failures import invalid
from roborefer.serving.wire_formats.moondream import SamplingSettings
from roborefer.structures import Intrinsics, Prediction, Step

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_DISTORTION = ("distortion_coefficients", "Distortion_Coefficients", "D", "d", "coeffs")
_WRAPPERS = ("intrinsic", "intrinsics", "camera_info", "color_intrinsics", "color")


def _from_form(value: Any) -> Any:
    """A form's fields are text: numbers in it are read as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise InputError(f"expected JSON, got {value[:40]!r}: write it as in a JSON request") from None


Number = Annotated[float, Field(allow_inf_nan=False)]
Matrix = Annotated[list[Annotated[list[Number], Field(max_length=16)]], Field(max_length=16)]


class PointRequest(BaseModel):
    """Where is what the instruction means? Moondream's ``{"image_url", "object"}`` is such a request too."""

    model_config = ConfigDict(extra="forbid")

    image: str | None = Field(None, description="The picture: a data URI, base64, or an address of a listed host.")
    image_url: str | None = Field(None, description="Moondream's name of 'image'.")
    instruction: str | None = Field(None, description="A phrase ('the cup behind the plate') or a sentence.")
    object: str | None = Field(None, description="Moondream's name of 'instruction'.")
    depth: str | None = Field(
        None,
        description="Depth registered to the picture, as 'image': 16-bit PNG or TIFF (millimetres), float TIFF or NPY "
        "(metres), or an 8-bit picture of relative depth, 255 = nearest; or 'estimate'.",
    )
    depth_unit: Literal["m", "cm", "mm"] | Number | None = Field(
        None, description="Of the depth file: a name, or metres per unit."
    )
    intrinsics: Annotated[dict[str, Any] | Matrix | None, BeforeValidator(_from_form)] = Field(
        None,
        description="The camera, for 3D: {fx, fy, cx, cy}, {K}, a 3x3 matrix, a CameraInfo or a RealSense intrinsic.",
    )
    fov: Number | None = Field(None, description="Horizontal field of view in degrees, in place of 'intrinsics'.")
    world_from_camera: Annotated[Matrix | None, BeforeValidator(_from_form)] = Field(
        None, description="4x4 rigid pose of the camera: points are given in the world too."
    )
    reasoning: bool | None = Field(None, description="Ask for steps before the answer.")
    max_new_tokens: int | None = Field(None, ge=1)
    stream: bool | None = Field(None, description="Events 'text', 'step' and 'result' as they appear, or 'error'.")
    heatmap: bool | None = Field(None, description="Add where the model looked.")
    model: str | None = Field(None, description="Any name: the server has one model.")
    settings: Annotated[SamplingSettings | None, BeforeValidator(_from_form)] = None
    spatial_refs: Annotated[list[Any] | None, BeforeValidator(_from_form)] = Field(
        None, description="Not supported: null or empty."
    )


class PointForm(PointRequest):
    """The same as a form, with files in place of base64; 'intrinsics' and 'world_from_camera' are JSON text."""

    image: Any = Field(None, json_schema_extra={"type": "string", "format": "binary"})
    depth: Any = Field(None, json_schema_extra={"type": "string", "format": "binary"})


class FoundPoint(BaseModel):
    """A point, with its anchor in 3D."""

    x: float = Field(description="0-1 of the picture's width.")
    y: float = Field(description="0-1 of its height.")
    px: list[float] = Field(description="Pixels (u, v); centres at .5.")
    xyz: list[float] | None = Field(description="Metres in the camera frame: x right, y down, z forward.")
    world_xyz: list[float] | None
    normal: list[float] | None
    depth_m: float | None
    spread_m: float | None
    depth_source: Literal["sensor", "estimated", "none"]
    valid: bool = Field(description="Whether a robot may use xyz.")
    reason: str
    score: float | None = Field(description="Confidence, 0-1.")
    label: str | None


class Rival(BaseModel):
    x: float
    y: float
    score: float | None


class ReasoningStep(BaseModel):
    kind: Literal["Position", "Orientation", "Size"]
    target: str
    value: list[float] | float = Field(description="(x, y), a unit vector, or metres.")
    score: float | None = Field(None, description="Of a place, by a model with a point head.")
    rivals: list[Rival] = Field([], description="Where else that place might be.")


class HeatmapReply(BaseModel):
    size: int = Field(description="Cells a side.")
    values: list[float] = Field(description="size x size numbers, row by row; they sum to 1.")


class PointReply(BaseModel):
    """Moondream's clients read ``points`` of it."""

    request_id: str
    points: list[FoundPoint]
    rivals: list[Rival]
    steps: list[ReasoningStep]
    image_size: list[int] = Field(description="[width, height], pixels.")
    raw: str = Field(description="The model's text.")
    parsed: bool
    problem: str | None = Field(description="Why the text could not be read in full.")
    notes: list[str]
    finish_reason: Literal["stop", "length"]
    timing_ms: dict[str, float]
    heatmap: HeatmapReply | None = None


def read_instruction(request: PointRequest) -> str:
    """What to point at.

    Raises:
        RequestRefused: Neither name of it is given, or both are.
    """
    return one_of("instruction", request.instruction, "object", request.object)


def one_of(name: str, value: str | None, other_name: str, other: str | None) -> str:
    """The one of two fields that is given.

    Raises:
        RequestRefused: None is, or both are.
    """
    if value is not None and other is not None:
        raise invalid(f"expected one of '{name}' and '{other_name}', got both: leave one out", other_name)
    if value is None and other is None:
        raise invalid(f"expected '{name}', got a request without it: add it", name)
    return str(other if value is None else value)


def read_depth_unit(request: PointRequest) -> float | None:
    """Metres per unit of the depth file.

    Raises:
        RequestRefused: It is no length.
    """
    unit = request.depth_unit
    if isinstance(unit, float) and unit <= 0:
        raise invalid(
            f"expected a positive scale in metres per unit, got {unit:g}: 0.001 means millimetres", "depth_unit"
        )
    return _METRES[unit] if isinstance(unit, str) else unit


def read_camera(
    request: PointRequest, image_size: Callable[[], tuple[int, int]]
) -> tuple[Intrinsics | None, tuple[str, ...]]:
    """The camera of a request, and what its user should know about it.

    Args:
        request: With ``intrinsics``, ``fov`` or neither.
        image_size: Gives the picture's (width, height), which the camera has where it does not tell its own.

    Raises:
        RequestRefused: Both are given.
        FieldError: They describe no pinhole camera of the picture.
    """
    if request.intrinsics is not None and request.fov is not None:
        raise invalid("expected one of 'intrinsics' and 'fov', got both: leave one out", "fov")
    if request.fov is not None:
        with about("fov"):
            return intrinsics_from_fov(request.fov, image_size()), ()
    if request.intrinsics is None:
        return None, ()
    given = request.intrinsics
    camera: dict[str, Any] = given if isinstance(given, dict) else {"K": given}
    camera = next((camera[key] for key in _WRAPPERS if isinstance(camera.get(key), dict)), camera)
    pinhole = {key: value for key, value in camera.items() if key not in _DISTORTION}
    notes = () if _undistorted(camera) else ("lens distortion in 'intrinsics' is ignored: rectify the image first",)
    with about("intrinsics"):
        return intrinsics_from_json(pinhole, "'intrinsics'", image_size=image_size()), notes


def _undistorted(camera: Mapping[str, Any]) -> bool:
    def empty(value: Any) -> bool:
        if isinstance(value, Mapping):
            return empty(value.get("data"))
        return all(empty(item) for item in value) if isinstance(value, list) else value in (None, 0)

    return all(empty(camera.get(key)) for key in _DISTORTION)


def point_reply(reply: Reply, request_id: str, *, heatmap: bool, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """The reply, as :class:`PointReply`."""
    prediction = reply.prediction
    assert prediction is not None  # the engine gives one for every point that is asked for
    shown = {"heatmap": _heatmap(prediction.heatmap)} if heatmap else {}
    return {
        "request_id": request_id,
        **prediction.to_dict(),
        "notes": [*prediction.notes, *notes],
        "finish_reason": reply.finish,
        "timing_ms": {stage: round(milliseconds, 3) for stage, milliseconds in reply.timing_ms.items()},
        **shown,
    }


def step_events(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps as they stand in the reply."""
    shown: list[dict[str, Any]] = Prediction((), (1, 1), "", steps=tuple(steps))["steps"]
    return shown


def _heatmap(probabilities: NDArray[np.float32] | None) -> dict[str, Any] | None:
    if probabilities is None:
        return None
    return {"size": len(probabilities), "values": np.round(probabilities.astype(np.float64), 6).ravel().tolist()}
