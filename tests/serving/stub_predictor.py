"""A predictor without a model, whose speed and failures a test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from roborefer.models.answering import Answer, Question
from roborefer.models.encoded_image import EncodedImage
from roborefer.models.key_value_cache import Prefix
from roborefer.structures import Point, Prediction

IMAGE_BYTES = 800
"""Memory that each of its pictures holds."""


class StubPredictor:
    """Answers every question with its own text.

    Attributes:
        gate: While it is cleared, a batch goes on until nobody waits for it any more.
        sizes: Of the pictures that were looked at, in their order.
        batches: Texts of the questions that were answered together, in their order.
        fault: Raises what is to go wrong with a question.
        look_fault: Raises what is to go wrong with a picture.
        depth_estimator: As of a Predictor.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.sizes: list[tuple[int, int]] = []
        self.batches: list[list[str]] = []
        self.fault: Callable[[str], None] = lambda text: None
        self.look_fault: Callable[[tuple[int, int]], None] = lambda size: None
        self.depth_estimator: Any = None

    def forget(self) -> None:
        """As if nothing was asked yet."""
        self.sizes.clear()
        self.batches.clear()

    def encode_image(self, image: Image.Image, depth: Any = None) -> EncodedImage:
        self.sizes.append(image.size)
        self.look_fault(image.size)
        half = torch.zeros(1, 1, 1, IMAGE_BYTES // 8)
        return EncodedImage(image.size, None, (), Prefix((half,), (half,)), (), (), timing_ms={"towers": 1.0})

    def question(self, image: EncodedImage, instruction: str, **options: Any) -> Question:
        length = options["max_new_tokens"] or 64
        return Question(image, instruction, length, on_text=options.get("on_text"), stopped=options.get("stopped"))

    def answer_together(self, questions: Sequence[Question]) -> list[Answer]:
        self.batches.append([question.text for question in questions])
        while not self.gate.wait(0.001):
            if all(question.stopped is not None and question.stopped() for question in questions):
                break
        for question in questions:
            if question.on_text is not None:
                question.on_text(question.text)
        for question in questions:
            self.fault(question.text)
        return [self._answer(question) for question in questions]

    def prediction(self, image: EncodedImage, answer: Answer, *_: Any, **__: Any) -> Prediction:
        return Prediction((Point(0.5, 0.5),), image.image_size, answer.text)

    def _answer(self, question: Question) -> Answer:
        stopped = question.stopped is not None and question.stopped()
        return Answer(question.text, (), (), 7, 3, "cancelled" if stopped else "stop")
