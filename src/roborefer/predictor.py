"""Predictor: what ``roborefer.load`` returns. It holds the chain together:

picture -> processor -> model -> text -> answers -> Prediction -> 3D anchors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from roborefer.answers import parse_answer, says_nothing_fits
from roborefer.errors import InputError
from roborefer.geometry.anchors import anchor_at
from roborefer.geometry.cameras import check_fits, read_intrinsics
from roborefer.geometry.depth import Depth, DepthMap, check_aligned, read_depth
from roborefer.geometry.transforms import check_pose
from roborefer.images import read_image
from roborefer.instructions import (
    ask_for_point,
    asks_for_steps,
    check_answer_length,
    check_characters,
    check_instruction,
)
from roborefer.models.answering import Answer, Question, answer_together
from roborefer.models.depth_estimator import DEFAULT_DEPTH_MODEL, DepthAnything, DepthEstimator
from roborefer.models.encoded_image import EncodedImage, encode, look
from roborefer.models.generation import generate_greedy
from roborefer.models.point_head import Heatmap
from roborefer.models.point_reading import PointReader
from roborefer.models.processor import DepthPicture, PromptPart, SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.structures import Anchor, Intrinsics, Point, Prediction, Step

ImageInput = str | PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
DepthInput = str | PathLike[str] | NDArray[Any] | Image.Image | Depth | DepthMap
PromptInput = str | PathLike[str] | Image.Image | NDArray[np.uint8] | Depth

ESTIMATE = "estimate"

UNTRAINED_NOTE = "untrained weights: the point means nothing"


class Predictor:
    """A model with everything around it: pictures and sentences in, points out.

    Args:
        model: In evaluation mode, on its device.
        processor: Of the same checkpoint.
        depth_estimator: Used for ``depth="estimate"``; DepthAnything V2 is loaded from the hub when None.
    """

    def __init__(
        self, model: SpatialVLM, processor: SpatialProcessor, *, depth_estimator: DepthEstimator | None = None
    ) -> None:
        self.model = model
        self.processor = processor
        self.depth_estimator = depth_estimator

    @property
    def untrained(self) -> bool:
        """Whether the weights are random, so that no point means anything."""
        return bool(self.model.config.untrained)

    # ---- pointing ----------------------------------------------------------------------------------------------

    @overload
    def point(
        self,
        image: ImageInput | EncodedImage,
        instruction: str,
        depth: DepthInput | None = None,
        intrinsics: Intrinsics | str | PathLike[str] | None = None,
        *,
        world_from_camera: ArrayLike | None = None,
        reasoning: bool = False,
        max_new_tokens: int | None = None,
        constrained: bool | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Prediction: ...

    @overload
    def point(
        self,
        image: ImageInput | EncodedImage,
        instruction: list[str],
        depth: DepthInput | None = None,
        intrinsics: Intrinsics | str | PathLike[str] | None = None,
        *,
        world_from_camera: ArrayLike | None = None,
        reasoning: bool = False,
        max_new_tokens: int | None = None,
        constrained: bool | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> list[Prediction]: ...

    def point(
        self,
        image: ImageInput | EncodedImage,
        instruction: str | list[str],
        depth: DepthInput | None = None,
        intrinsics: Intrinsics | str | PathLike[str] | None = None,
        *,
        world_from_camera: ArrayLike | None = None,
        reasoning: bool = False,
        max_new_tokens: int | None = None,
        constrained: bool | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Prediction | list[Prediction]:
        """Where in the picture is what the instruction means?

        Args:
            image: A file, encoded bytes, a Pillow picture, a uint8 array (H, W, 3), or an :class:`EncodedImage`.
            instruction: A phrase ("the cup behind the plate") or a sentence; a list is answered as one batch, and
                the picture is looked at once.
            depth: What :class:`Depth` accepts, registered to the image; ``"estimate"`` to estimate it; None for RGB.
            intrinsics: The camera, or a file that :func:`read_intrinsics` reads; anchors need it.
            world_from_camera: 4x4 rigid pose; anchors are then given in the world too.
            reasoning: Ask for steps before the answer.
            max_new_tokens: Bound on the answer's length; 64, or 768 with reasoning.
            constrained: Let the model choose only the digits of one point. None does so for untrained weights.
            on_text: Called with the text so far, as it appears (one instruction only).

        Returns:
            One prediction, or a list of them for a list of instructions.

        Raises:
            InputError: something given cannot be used; the message says what to do.
        """
        instructions = [instruction] if isinstance(instruction, str) else list(instruction)
        for text in instructions:
            check_instruction(text)
        encoded = self._encode_once(image, depth, max_new_tokens)
        camera = _read_camera(intrinsics, encoded.image_size)
        pose = None if world_from_camera is None else check_pose(world_from_camera)
        asked = [
            self.question(
                encoded,
                text,
                reasoning=reasoning,
                max_new_tokens=max_new_tokens,
                constrained=constrained,
                on_text=on_text if len(instructions) == 1 else None,
            )
            for text in instructions
        ]
        started = time.perf_counter()
        answers = self.answer_together(asked)
        times = {"answer": _milliseconds_since(started)}
        predictions = [
            self.prediction(encoded, answer, camera, world_from_camera=pose, timing_ms=times) for answer in answers
        ]
        return predictions[0] if isinstance(instruction, str) else predictions

    @overload
    def query(
        self,
        image: ImageInput | EncodedImage,
        question: str,
        depth: DepthInput | None = None,
        *,
        max_new_tokens: int = 512,
        constrained: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> str: ...

    @overload
    def query(
        self,
        image: ImageInput | EncodedImage,
        question: list[str],
        depth: DepthInput | None = None,
        *,
        max_new_tokens: int = 512,
        constrained: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> list[str]: ...

    def query(
        self,
        image: ImageInput | EncodedImage,
        question: str | list[str],
        depth: DepthInput | None = None,
        *,
        max_new_tokens: int = 512,
        constrained: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> str | list[str]:
        """The model's text for a question, or for a list of them as one batch; nothing is added to the question.

        With ``constrained`` the model chooses only the digits of one point, as in :meth:`point`.
        """
        questions = [question] if isinstance(question, str) else list(question)
        for text in questions:
            check_instruction(text)
        encoded = self._encode_once(image, depth, max_new_tokens)
        report = on_text if len(questions) == 1 else None
        asked = [Question(encoded, text, max_new_tokens, constrained, report) for text in questions]
        texts = [answer.text for answer in self.answer_together(asked)]
        return texts[0] if isinstance(question, str) else texts

    def generate(self, prompt: Sequence[PromptInput] | str, *, max_new_tokens: int = 512) -> str:
        """Greedy text for a prompt in the published form: ``[image, roborefer.Depth(path), "text"]``.

        A string is text; a :class:`pathlib.Path`, a Pillow picture or an array is an image. Any number of images and
        depths may come in any order; a model with a point head takes one image and its depth.
        """
        return self.processor.decode(self.generate_ids(prompt, max_new_tokens=max_new_tokens))

    def generate_ids(self, prompt: Sequence[PromptInput] | str, *, max_new_tokens: int = 512) -> list[int]:
        """The token ids behind :meth:`generate`, without the one that stopped it."""
        check_answer_length(max_new_tokens)
        parts = [self._read_part(part) for part in ([prompt] if isinstance(prompt, str) else prompt)]
        sample = self.processor.encode_prompt(parts)
        seen = look(self.model, sample)
        ids = torch.tensor([sample.input_ids], device=self.model.device)
        fused = self.model.fuse(ids, None, seen.images, seen.depths)
        reader = None
        if self.model.point_head is not None:
            reader = PointReader(self.model.point_head, [seen.dense], self.processor.tokenizer)
        written = generate_greedy(
            self.model.llm,
            [fused.inputs_embeds[0]],
            max_new_tokens=max_new_tokens,
            stop_token_ids=self.processor.stop_token_ids,
            reader=reader,
        )
        return written[0]

    # ---- looking once, asking often ----------------------------------------------------------------------------

    def encode_image(self, image: ImageInput, depth: DepthInput | None = None) -> EncodedImage:
        """Look at a picture once; :meth:`point` and :meth:`query` take the result in place of the picture.

        Towers, projectors and the part of the prompt that all questions share are computed here.
        """
        started = time.perf_counter()
        picture = read_image(image)
        depth_map = self._read_depth(depth, picture)
        parts: list[PromptPart] = [picture]
        if depth_map is not None:
            parts.append(self._depth_picture(depth_map))
        sample = self.processor.encode_prompt(parts)
        read_ms = _milliseconds_since(started)
        encoded = encode(self.model, sample, picture.size, depth_map)
        notes = [UNTRAINED_NOTE] if self.untrained else []
        if depth_map is not None and depth_map.source == "estimated":
            notes.append("depth was estimated from the image, not measured")
        return replace(encoded, timing_ms={"read": read_ms, **encoded.timing_ms}, notes=tuple(notes))

    def _encode_once(
        self, image: ImageInput | EncodedImage, depth: DepthInput | None, max_new_tokens: int | None
    ) -> EncodedImage:
        if max_new_tokens is not None:
            check_answer_length(max_new_tokens)
        if not isinstance(image, EncodedImage):
            return self.encode_image(image, depth)
        if depth is not None:
            raise InputError("expected depth with encode_image, got it with an encoded image: encode them together")
        return image

    # ---- many questions about many pictures ----------------------------------------------------------------------

    def question(
        self,
        image: EncodedImage,
        instruction: str,
        *,
        reasoning: bool = False,
        max_new_tokens: int | None = None,
        constrained: bool | None = None,
        on_text: Callable[[str], None] | None = None,
        stopped: Callable[[], bool] | None = None,
    ) -> Question:
        """What :meth:`point` asks about a picture, for :meth:`answer_together`.

        Args:
            image: What :meth:`encode_image` gave.
            instruction, reasoning, max_new_tokens, constrained, on_text: See :meth:`point`.
            stopped: Asked between tokens; the answer ends where it says True.

        Raises:
            InputError: the instruction or the length cannot be used.
        """
        check_instruction(instruction)
        reasoning = reasoning or asks_for_steps(instruction)
        length = (768 if reasoning else 64) if max_new_tokens is None else max_new_tokens
        check_answer_length(length)
        free = not (self.untrained if constrained is None else constrained)
        return Question(image, ask_for_point(instruction, reasoning=reasoning), length, not free, on_text, stopped)

    def answer_together(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers to questions about any pictures, each with the text that it has when it is asked alone."""
        return answer_together(self.model, self.processor, questions)

    def prediction(
        self,
        image: EncodedImage,
        answer: Answer,
        intrinsics: Intrinsics | str | PathLike[str] | None = None,
        *,
        world_from_camera: ArrayLike | None = None,
        timing_ms: Mapping[str, float] | None = None,
    ) -> Prediction:
        """What an answer about a picture says: points, steps and anchors.

        Args:
            image: The picture that was asked about.
            answer: Of :meth:`answer_together`.
            intrinsics, world_from_camera: See :meth:`point`.
            timing_ms: What the answer cost, beside what the look at the picture did.

        Raises:
            InputError: camera or pose cannot be used.
        """
        camera = _read_camera(intrinsics, image.image_size)
        pose = None if world_from_camera is None else check_pose(world_from_camera)
        read = parse_answer(answer.text)
        points, heatmap = _scored(read.points, answer.heatmaps)
        steps = _scored_steps(read.steps, answer.heatmaps)
        started = time.perf_counter()
        anchors = _anchors(points, image.depth, camera, pose)
        return Prediction(
            points=points,
            image_size=image.image_size,
            raw=answer.text,
            steps=steps,
            anchors=anchors,
            timing_ms={**image.timing_ms, **(timing_ms or {}), "anchor": _milliseconds_since(started)},
            problem="; ".join(read.problems) or (None if read.points else _no_point(answer.text)),
            notes=(*image.notes, *answer.notes),
            rivals=() if heatmap is None else heatmap.points[1:],
            heatmap=None if heatmap is None else heatmap.probabilities.cpu().numpy(),
        )

    # ---- reading input -----------------------------------------------------------------------------------------

    def _read_part(self, part: PromptInput) -> PromptPart:
        if isinstance(part, str):
            check_characters(part)
            return part
        if isinstance(part, Depth):
            return self._depth_picture(read_depth(part))
        return read_image(part)

    def _read_depth(self, depth: DepthInput | None, picture: Image.Image) -> DepthMap | None:
        if depth is None:
            return None
        if not self.model.config.has_depth:
            raise InputError("expected a model with a depth projector, got an RGB-only one: leave depth out")
        if isinstance(depth, str) and depth == ESTIMATE:
            if self.depth_estimator is None:
                self.depth_estimator = DepthAnything.load(DEFAULT_DEPTH_MODEL, device=self.model.device)
            return self.depth_estimator.estimate(picture)
        depth_map = read_depth(depth)
        check_aligned(depth_map, picture.size)
        return depth_map

    def _depth_picture(self, depth: DepthMap) -> DepthPicture:
        if not self.model.config.has_depth:
            raise InputError("expected a model with a depth projector, got an RGB-only one: leave depth out")
        return DepthPicture(Image.fromarray(depth.tower_picture(self.model.config.depth_method)))


def _read_camera(intrinsics: Intrinsics | str | PathLike[str] | None, image_size: tuple[int, int]) -> Intrinsics | None:
    if intrinsics is None:
        return None
    camera = intrinsics if isinstance(intrinsics, Intrinsics) else read_intrinsics(intrinsics, image_size=image_size)
    check_fits(camera, image_size)
    return camera


def _anchors(
    points: Sequence[Point], depth: DepthMap | None, camera: Intrinsics | None, pose: NDArray[np.float64] | None
) -> tuple[Anchor, ...]:
    if depth is None:
        return ()
    return tuple(anchor_at(point, depth, camera, world_from_camera=pose, depth_source=depth.source) for point in points)


def _scored(points: tuple[Point, ...], heatmaps: Sequence[Heatmap]) -> tuple[tuple[Point, ...], Heatmap | None]:
    """Answer points with the confidence of the heatmaps that they were read from, and the last of these heatmaps."""
    found = {heatmap.written: heatmap for heatmap in heatmaps}
    read = [found.get((point.x, point.y)) for point in points]
    scored = [
        point if heatmap is None else replace(point, score=heatmap.points[0].score)
        for point, heatmap in zip(points, read, strict=True)
    ]
    return tuple(scored), next((heatmap for heatmap in reversed(read) if heatmap is not None), None)


def _scored_steps(steps: Sequence[Step], heatmaps: Sequence[Heatmap]) -> tuple[Step, ...]:
    """Steps with the confidence and the rivals of the heatmaps that their places were read from."""
    # An answer that repeats its step's place has a heatmap of its own: the step's is the first of the two.
    found = {heatmap.written: heatmap for heatmap in reversed(heatmaps)}
    scored = []
    for step in steps:
        place = step.value
        heatmap = found.get((place.x, place.y)) if isinstance(place, Point) else None
        if isinstance(place, Point) and heatmap is not None:
            step = replace(step, value=replace(place, score=heatmap.points[0].score), rivals=heatmap.points[1:])
        scored.append(step)
    return tuple(scored)


def _no_point(text: str) -> str:
    if says_nothing_fits(text):
        return "the model says that nothing in the picture fits"
    return f"no point could be read in the model's text {text[:80]!r}" if text else "the model wrote nothing"


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
