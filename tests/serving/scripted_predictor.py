"""A predictor whose answers are known beforehand: a point, steps where they are asked for, rivals and a heatmap."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from roborefer.answers import parse_answer
from roborefer.models.answering import Answer, Question
from roborefer.models.encoded_image import EncodedImage
from roborefer.structures import Anchor, Point, Prediction

from .stub_predictor import StubPredictor

HARMFUL = "<img src=x onerror=document.title='harmed'><script>document.title='harmed'</script>"
PLAIN = "[(0.176, 0.603)]"
THOUGHT = (
    "<think>\n[Position] [the gray book]: [(0.332, 0.786)]\n[Orientation] [the gray book]: (0.800, -0.600, 0.000)\n"
    "[Size] [the gray book]: 0.21\n[Position] [the space left of it]: [(0.170, 0.760)]\n</think>"
    "<answer>[(0.170, 0.760)]</answer>"
)
SCRIPT = {
    "nothing": "I cannot see it.",
    "harm": HARMFUL,
    "two things": "[(0.2, 0.3), (0.7, 0.8)]",
}
XYZ = (-0.262, 0.021, 1.21)
RIVAL = Point(0.77, 0.3, score=0.07)


class ScriptedPredictor(StubPredictor):
    """Answers with a point, with steps where reasoning was asked for, or as :data:`SCRIPT` has it, bit by bit.

    Attributes:
        pause_s: Between two parts of a text.
    """

    pause_s = 0.0

    def question(self, image: EncodedImage, instruction: str, **options: Any) -> Question:
        asked = super().question(image, instruction, **options)
        text = SCRIPT.get(instruction, THOUGHT if options.get("reasoning") else PLAIN)
        return Question(image, text, asked.max_new_tokens, on_text=asked.on_text, stopped=asked.stopped)

    def answer_together(self, questions: Sequence[Question]) -> list[Answer]:
        for question in questions:
            for end in range(12, len(question.text), 12):
                if question.on_text is not None:
                    question.on_text(question.text[:end])
                    time.sleep(self.pause_s)
        return super().answer_together(questions)

    def prediction(
        self, image: EncodedImage, answer: Answer, intrinsics: Any = None, *, world_from_camera: Any = None
    ) -> Prediction:
        read = parse_answer(answer.text)
        points = tuple(Point(point.x, point.y, score=0.87) for point in read.points)
        anchor = Anchor(XYZ, "sensor", True, depth_m=XYZ[2], normal=(0.0, -0.6, -0.8), spread_m=0.0012)
        heatmap = np.full((12, 12), 0.001, np.float32)
        heatmap[7, 2] = 0.8
        return Prediction(
            points,
            image.image_size,
            answer.text,
            steps=read.steps,
            anchors=(anchor,) * len(points) if intrinsics is not None else (),
            problem=None if points else "the model gave no point",
            rivals=(RIVAL,) if points else (),
            heatmap=heatmap,
        )
