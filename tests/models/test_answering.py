"""Questions about several pictures, answered together: each as if it were asked alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.models.answering import Question
from roborefer.predictor import Predictor

from .pointing_models import pointing_predictor


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return pointing_predictor()


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8))


def questions(predictor: Predictor) -> list[Question]:
    depth = np.full((48, 64), 0.8, np.float32)
    images = [predictor.encode_image(picture(0)), predictor.encode_image(picture(1), depth)]
    return [
        predictor.question(images[0], "the cup", constrained=True),
        predictor.question(images[1], "the plate behind the cup", constrained=True),
        Question(images[0], "What is in the picture?", 9),
        predictor.question(images[1], "the fork", reasoning=True, max_new_tokens=20),
    ]


def test_company_changes_no_answer(predictor: Predictor) -> None:
    asked = questions(predictor)
    together = predictor.answer_together(asked)
    for question, answer in zip(asked, together, strict=True):
        (alone,) = predictor.answer_together([question])
        assert (alone.text, alone.prompt_tokens, alone.completion_tokens, alone.finish) == (
            answer.text,
            answer.prompt_tokens,
            answer.completion_tokens,
            answer.finish,
        )
        assert [heatmap.points for heatmap in alone.heatmaps] == [heatmap.points for heatmap in answer.heatmaps]
    assert [answer.finish for answer in together] == ["stop", "stop", "length", "length"]
    assert [answer.completion_tokens for answer in together[2:]] == [9, 20]
    assert len({answer.text for answer in together}) == 4


def test_an_answer_reads_as_what_point_gives(predictor: Predictor) -> None:
    question = questions(predictor)[1]
    (answer,) = predictor.answer_together([question])
    read = predictor.prediction(question.image, answer)
    asked = predictor.point(question.image, "the plate behind the cup", constrained=True)
    assert (read.raw, read.points, read.anchors, read.rivals) == (asked.raw, asked.points, asked.anchors, asked.rivals)
    assert len(read.anchors) == 1
    assert answer.prompt_tokens > question.image.prefix.length


def test_a_text_is_told_as_it_grows_and_ends_when_nobody_waits(predictor: Predictor) -> None:
    told: list[str] = []
    image = predictor.encode_image(picture(0))
    asked = Question(image, "the cup", 9, on_text=told.append, stopped=lambda: len(told) == 4)
    (answer,) = predictor.answer_together([asked])
    assert (answer.finish, answer.completion_tokens, told[-1]) == ("cancelled", 4, answer.text)
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(told))


def test_nothing_asked(predictor: Predictor) -> None:
    assert predictor.answer_together([]) == []


def test_what_cannot_be_asked_is_refused_before_the_model_runs(predictor: Predictor) -> None:
    image = predictor.encode_image(picture(0))
    with pytest.raises(InputError, match="expected an instruction such as"):
        predictor.question(image, " ")
    with pytest.raises(InputError, match="expected max_new_tokens of at least 1, got 0"):
        predictor.question(image, "the cup", max_new_tokens=0)


def test_the_memory_of_a_picture_is_that_of_its_parts(predictor: Predictor) -> None:
    plain = predictor.encode_image(picture(0))
    deep = predictor.encode_image(picture(0), np.full((48, 64), 0.8, np.float32))
    assert plain.dense is not None
    assert plain.num_bytes == plain.prefix.num_bytes + plain.dense.keys.numel() * plain.dense.keys.element_size()
    assert deep.num_bytes - deep.prefix.num_bytes - (plain.num_bytes - plain.prefix.num_bytes) == 48 * 64 * 4
