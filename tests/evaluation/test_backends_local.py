"""What a model in this process is asked, and what becomes of what it cannot answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from roborefer.errors import InputError
from roborefer.evaluation.asking import DepthMode, Question, Reply
from roborefer.evaluation.backends.local import LocalBackend
from roborefer.geometry.depth import DepthMap

from .made_up import depth, picture, png


class Predictor:
    """Remembers what it was given, and answers with the question and its place."""

    untrained = False

    def __init__(self, *, one_picture: bool = False) -> None:
        self.one_picture = one_picture
        self.depths: list[Any] = []
        self.batches: list[tuple[list[str], int]] = []

    def encode_image(self, image: Any, depth: Any) -> str:
        self.depths.append(depth)
        return "encoded"

    def query(self, image: str, texts: list[str], *, max_new_tokens: int, constrained: bool) -> list[str]:
        assert image == "encoded"
        self.batches.append((texts, max_new_tokens))
        return [f"{text} {place}" for place, text in enumerate(texts)]

    def generate(self, parts: list[Any], *, max_new_tokens: int) -> str:
        if self.one_picture:
            raise InputError("expected one image,\ngot 2")
        return f"{len(parts) - 1} pictures"


def backend(predictor: Predictor, **settings: Any) -> LocalBackend:
    return LocalBackend(lambda: cast(Any, predictor), **settings)


def ask(told: LocalBackend, *questions: Question) -> Sequence[Reply]:
    return told.ask(questions)


def question(text: str = "Where?", **changes: Any) -> Question:
    return Question(**({"text": text, "images": (png(picture()),)} | changes))


@pytest.mark.parametrize(("mode", "given"), [("none", None), ("estimated", "estimate")])
def test_depth_is_none_or_an_estimate(mode: DepthMode, given: str | None) -> None:
    predictor = Predictor()
    ask(backend(predictor, depth_mode=mode), question())
    assert predictor.depths == [given]


def test_depth_is_the_benchmarks() -> None:
    predictor = Predictor()
    ask(backend(predictor, depth_mode="given"), question(depth=png(depth())))
    given = predictor.depths[0]
    assert isinstance(given, DepthMap)
    assert given.metres is not None
    assert np.unique(given.metres).tolist() == [1.5, 2.0]


def test_replies_come_in_the_order_of_the_questions() -> None:
    predictor = Predictor()
    asked = [question("a"), question("b", pointing=False), question("c")]
    assert [reply.text for reply in ask(backend(predictor), *asked)] == ["a 0", "b 0", "c 1"]
    assert predictor.batches == [(["a", "c"], 128), (["b"], 128)]


@pytest.mark.parametrize(("settings", "reasoning", "room"), [({}, True, 768), ({"max_new_tokens": 9}, True, 9)])
def test_reasoning_has_more_room(settings: dict[str, Any], reasoning: bool, room: int) -> None:
    predictor = Predictor()
    ask(backend(predictor, **settings), question(reasoning=reasoning))
    assert predictor.batches == [(["Where?"], room)]


def test_several_pictures_are_seen_together() -> None:
    several = question(images=(png(picture(0)), png(picture(1))))
    assert ask(backend(Predictor()), several)[0].text == "2 pictures"
    with pytest.raises(InputError, match="expected --depth none for questions about several pictures"):
        ask(backend(Predictor(), depth_mode="given"), several)


def test_a_model_that_sees_one_picture_fails_that_question() -> None:
    several = question(images=(png(picture(0)), png(picture(1))))
    assert ask(backend(Predictor(one_picture=True)), several) == [Reply(None, "expected one image, got 2")]


def test_nothing_is_loaded_before_a_question_comes() -> None:
    loaded: list[int] = []

    def load() -> Any:
        loaded.append(1)
        return Predictor()

    told = LocalBackend(load)
    assert not loaded
    ask(told, question())
    ask(told, question())
    assert loaded == [1]
