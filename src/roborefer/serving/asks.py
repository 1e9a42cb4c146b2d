"""What is asked of the engine, and what it replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from numpy.typing import ArrayLike

from roborefer.structures import Intrinsics, Prediction

Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class DepthUpload:
    """A depth file from outside.

    Attributes:
        content: 16-bit PNG or TIFF, float TIFF or NPY; or an 8-bit picture of relative depth, 255 = nearest, which is
            the published form.
        unit: Metres per unit, as :class:`roborefer.geometry.depth.Depth` takes it; None goes by the file's numbers.
    """

    content: bytes
    unit: float | None = None


@dataclass(frozen=True)
class EstimatedDepth:
    """In a :class:`PromptAsk`: the depth of the picture before it, estimated."""


@dataclass(frozen=True, eq=False)
class Ask:
    """A question about one picture.

    Attributes:
        image: An encoded file.
        text: The instruction of a point, or the whole question of a query.
        kind: Whether a point is asked for, or the model's text for a question as it is.
        depth: A file registered to the image, ``"estimate"``, or None for RGB.
        intrinsics: The camera, for 3D anchors.
        world_from_camera: 4x4 rigid pose, for anchors in the world.
        reasoning: Ask for steps before the point.
        max_new_tokens: Bound on the answer; None for the predictor's own, and never more than the server's.
        on_text: Called with the text so far, as it appears, on the event loop's thread.
        client: Whose turn it is in the queue: an API key or an address.
        seconds: Time to answer in; never more than the server's.
        fields: What the caller calls the fields that errors are about, by the names of
            :func:`roborefer.serving.fields.about`.
    """

    image: bytes
    text: str
    kind: Literal["point", "query"]
    depth: DepthUpload | Literal["estimate"] | None = None
    intrinsics: Intrinsics | None = None
    world_from_camera: ArrayLike | None = None
    reasoning: bool = False
    max_new_tokens: int | None = None
    on_text: Callable[[str], None] | None = None
    client: str = ""
    seconds: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PromptAsk:
    """A prompt in the published form, with any number of pictures; it is answered alone.

    Attributes:
        parts: Text, encoded pictures (bytes) and depth, in the prompt's order.
        max_new_tokens, on_text, client, seconds, fields: As of an :class:`Ask`; its text comes at once, at the end.
    """

    parts: tuple[str | bytes | DepthUpload | EstimatedDepth, ...]
    max_new_tokens: int | None = None
    on_text: Callable[[str], None] | None = None
    client: str = ""
    seconds: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer.

    Attributes:
        text: The model's text.
        prediction: What was read in it, for ``kind="point"``; None otherwise.
        image_size: (width, height) of the (first) picture, pixels; None for a prompt without one.
        prompt_tokens, completion_tokens: Lengths of the whole prompt and of the answer.
        finish: Whether the answer ended by itself or was cut at its bound.
        timing_ms: Milliseconds by stage: ``queue`` (waiting), ``read`` (decoding), ``look`` (towers and prefix; 0 for
            a picture seen lately), ``answer``, ``total``.
    """

    text: str
    prediction: Prediction | None
    image_size: tuple[int, int] | None
    prompt_tokens: int
    completion_tokens: int
    finish: Finish
    timing_ms: Mapping[str, float] = field(default_factory=dict)
