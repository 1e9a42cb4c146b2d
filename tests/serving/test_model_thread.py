"""What a failure in the model takes along: those at fault, and nobody else; the log says how."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from roborefer.errors import InputError
from roborefer.predictor import Predictor
from roborefer.serving.asks import Ask, PromptAsk
from roborefer.serving.refusals import ModelFailed

from .asking import png, run, started, until
from .stub_predictor import StubPredictor


def failing(text: str, *, kind: type[Exception] = RuntimeError) -> Any:
    def fault(found: Any) -> None:
        if str(found) == text:
            raise kind("a defect")

    return fault


async def outcomes(stub: StubPredictor, asks: list[Ask], **settings: Any) -> list[Any]:
    """Of asks that come while the model is busy, and so are answered together."""
    async with started(stub, **settings) as engine:
        stub.gate.clear()
        first = asyncio.create_task(engine.answer(Ask(png(9), "first", "point")))
        stub.forget()
        await until(lambda: bool(stub.batches))
        tasks = [asyncio.create_task(engine.answer(ask)) for ask in asks]
        await until(lambda: len(engine._ready) == len(asks))
        stub.forget()
        stub.gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert (await first).text == "first"
        assert (await engine.answer(Ask(png(), "afterwards", "point"))).text == "afterwards"
        return [outcome if isinstance(outcome, BaseException) else outcome.text for outcome in found]


def test_only_the_question_at_fault_fails(caplog: pytest.LogCaptureFixture) -> None:
    stub = StubPredictor()
    stub.fault = failing("question 3")
    asks = [Ask(png(number % 2), f"question {number}", "point") for number in range(8)]
    with caplog.at_level(logging.WARNING):
        found = run(outcomes(stub, asks))
    assert isinstance(found.pop(3), ModelFailed)
    assert found == [f"question {number}" for number in range(8) if number != 3]
    assert sorted(stub.batches[0]) == [ask.text for ask in asks]
    assert len(stub.batches) == 1 + 6 + 1  # halves of eight, of four and of two, and the ask afterwards
    assert "a batch of 8 failed (RuntimeError('a defect')): trying its halves" in caplog.messages
    record = caplog.records[-1]
    assert record.getMessage() == "the model failed on a question"
    assert record.exc_info is not None


def test_text_that_was_shown_is_not_shown_again_after_a_failure() -> None:
    stub, shown = StubPredictor(), list[str]()
    stub.fault = failing("bad")
    asks = [Ask(png(), "good", "point", on_text=shown.append), Ask(png(), "bad", "point")]
    run(outcomes(stub, asks))
    assert shown == ["good"]


@pytest.mark.parametrize("looks", [1, 2])
def test_only_those_who_ask_about_a_picture_at_fault_fail(looks: int) -> None:
    stub = StubPredictor()
    stub.look_fault = failing("(50, 40)")
    asks = [Ask(png(0, 50 + number % 2), f"{number}", "point") for number in range(4)]
    found = run(outcomes(stub, asks, looks=looks))
    assert [type(outcome) for outcome in found] == [ModelFailed, str, ModelFailed, str]
    assert str(found[0]) == "the model failed on this question: the server's log says how"


def test_what_the_caller_can_mend_is_told() -> None:
    stub = StubPredictor()
    stub.look_fault = failing("(50, 40)", kind=InputError)
    stub.fault = failing("bad", kind=InputError)
    asks = [Ask(png(0, 50), "good", "point"), Ask(png(), "bad", "query"), Ask(png(), "good", "query")]
    found = run(outcomes(stub, asks))
    assert [str(outcome) for outcome in found] == ["a defect", "a defect", "good"]
    assert isinstance(found[0], InputError)


def test_a_prompt_that_fails_takes_nobody_along() -> None:
    async def live() -> None:
        async with started(StubPredictor()) as engine:  # it cannot answer prompts
            with pytest.raises(ModelFailed):
                await engine.answer(PromptAsk((png(), "which?")))
            assert engine.ready
            assert (await engine.answer(Ask(png(), "cup", "point"))).text == "cup"

    run(live())


def test_a_defect_of_the_engine_itself_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        async with started(StubPredictor()) as engine:
            with monkeypatch.context() as broken:
                broken.setattr(engine, "_take_in", _broken)
                with pytest.raises(ModelFailed):
                    await engine.answer(Ask(png(), "cup", "point"))
            with monkeypatch.context() as broken:
                broken.setattr("roborefer.serving.preparation.read_header", _broken)
                with pytest.raises(ModelFailed):
                    await engine.answer(Ask(png(), "cup", "point"))
            assert (await engine.answer(Ask(png(), "cup", "point"))).text == "cup"

    def _broken(*_: Any) -> Any:
        raise KeyError("a defect")

    run(live())


def test_a_model_that_cannot_answer_at_all_does_not_start() -> None:
    stub = StubPredictor()
    stub.fault = failing("the middle")

    async def live() -> None:
        async with started(stub):
            pass

    with pytest.raises(RuntimeError, match="a defect"):
        run(live())


def test_new_pictures_are_looked_at_side_by_side() -> None:
    """Each of two looks waits until the other one has begun."""
    stub, both = StubPredictor(), threading.Barrier(2, timeout=20)

    def meet(size: tuple[int, int]) -> None:
        if size[0] in (70, 71):
            both.wait()

    stub.look_fault = meet
    asks = [Ask(png(0, width), f"{width}", "point") for width in (70, 71, 70, 71)]
    assert run(outcomes(stub, asks, looks=2)) == ["70", "71", "70", "71"]


def test_looks_side_by_side_see_what_looks_in_turn_see(predictor: Predictor) -> None:
    pictures = [png(seed, 60 + seed) for seed in range(8)]
    asks = [Ask(picture, f"the mug {number}", "point") for number, picture in enumerate(pictures)]

    async def texts(looks: int) -> list[str]:
        async with started(predictor, looks=looks, cache_bytes=0) as engine:
            replies = await asyncio.gather(*(engine.answer(ask) for ask in asks for _ in range(2)))
            return [reply.text for reply in replies]

    assert run(texts(3)) == run(texts(1))
