"""Engine under load: batches, turns, limits, deadlines, callers who leave, and a graceful end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from roborefer.instructions import REASONING_REQUEST
from roborefer.serving.asks import Ask, PromptAsk, Reply
from roborefer.serving.engine import Engine
from roborefer.serving.refusals import Busy, DeadlinePassed, ShuttingDown

from .asking import metric, png, run, started, until
from .stub_predictor import IMAGE_BYTES, StubPredictor

PICTURE = png()


@pytest.fixture
def stub() -> StubPredictor:
    return StubPredictor()


def ask(text: str, client: str = "", image: bytes = PICTURE, **fields: Any) -> Ask:
    return Ask(image, text, "point", client=client, **fields)


def asked(engine: Engine, asks: Iterable[Ask | PromptAsk]) -> list[asyncio.Task[Reply]]:
    return [asyncio.create_task(engine.answer(one)) for one in asks]


async def busy_model(engine: Engine, stub: StubPredictor) -> asyncio.Task[Reply]:
    """The model answers a first ask, and goes on so until the stub's gate is opened."""
    stub.forget()
    stub.gate.clear()
    first = asyncio.create_task(engine.answer(ask("first", "someone")))
    await until(lambda: stub.batches == [["first"]])
    return first


async def queued(engine: Engine, count: int) -> None:
    """Wait until so many asks could be answered next."""
    await until(lambda: metric(engine, "roborefer_queue_length") == count and len(engine._ready) == count)


def test_who_is_alone_is_answered_at_once(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, gather_ms=1e9) as engine:
            for number in range(3):
                assert (await engine.answer(ask(f"{number}"))).text == f"{number}"

    run(live())


def test_what_comes_while_the_model_is_busy_is_answered_together(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, gather_ms=0) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}", image=png(number % 3)) for number in range(15)))
            await queued(engine, 15)
            stub.gate.set()
            replies = await asyncio.gather(first, *others)
            assert [reply.text for reply in replies[1:]] == [f"{number}" for number in range(15)]
            assert [len(batch) for batch in stub.batches] == [1, 12, 3]

    run(live())


def test_callers_who_ask_again_stay_together(stub: StubPredictor) -> None:
    async def caller(engine: Engine, name: str) -> None:
        for number in range(5):
            await engine.answer(ask(f"{name}{number}", name))

    async def live() -> None:
        async with started(stub, gather_ms=1e6) as engine:
            first = await busy_model(engine, stub)
            callers = [asyncio.create_task(caller(engine, name)) for name in "abcdefgh"]
            await queued(engine, 8)
            stub.gate.set()
            await first
            callers.append(asyncio.create_task(caller(engine, "i")))
            # Whoever was answered, or came meanwhile, is waited for; when all are gone, nobody waits.
            await asyncio.gather(*callers)
            assert [len(batch) for batch in stub.batches] == [1, 9, 9, 9, 9, 9]

    run(live())


def test_one_new_picture_is_looked_at_once(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}", image=png(1, 50, 40)) for number in range(5)))
            await queued(engine, 5)
            stub.gate.set()
            await asyncio.gather(first, *others)
            await engine.answer(ask("later", image=png(1, 50, 40)))
            assert stub.sizes == [(60, 40), (50, 40)]
            assert metric(engine, "roborefer_cache_hits_total") == 5

    run(live())


def test_the_cache_is_bounded_by_bytes(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, cache_bytes=3 * IMAGE_BYTES) as engine:
            stub.forget()
            for width in (50, 51, 52, 53, 53, 50):
                await engine.answer(ask("cup", image=png(0, width)))
                assert metric(engine, "roborefer_cache_bytes") <= 3 * IMAGE_BYTES
            assert [size[0] for size in stub.sizes] == [50, 51, 52, 53, 50]

    run(live())


def test_a_greedy_client_delays_another_by_no_more_than_its_turn(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            greedy = asked(engine, (ask(f"greedy {number}", "greedy") for number in range(40)))
            await queued(engine, 40)
            modest = asyncio.create_task(engine.answer(ask("modest", "modest", image=png(1))))
            await queued(engine, 41)
            stub.gate.set()
            await modest
            assert stub.batches[1].index("modest") == 1
            await asyncio.gather(first, *greedy)
            assert [len(batch) for batch in stub.batches] == [1, 12, 12, 12, 5]

    run(live())


def test_a_point_does_not_wait_for_anothers_reasoning(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            asks: list[Ask | PromptAsk] = [
                ask("cup", "a"),
                ask("thinking", "b", reasoning=True),
                Ask(PICTURE, f"asked {REASONING_REQUEST}", "query", client="c"),
                ask("plate", "d"),
            ]
            others = asked(engine, asks)
            await queued(engine, 4)
            stub.gate.set()
            await asyncio.gather(first, *others)
            reasoned = {"thinking", f"asked {REASONING_REQUEST}"}
            assert sorted(map(set, stub.batches[1:]), key=reasoned.__eq__) == [{"cup", "plate"}, reasoned]

    run(live())


# ---- limits --------------------------------------------------------------------------------------------------------


def test_beyond_the_limit_a_caller_is_told_when_to_try_again(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, queue_limit=3) as engine:
            engine._speed.measured(40.0, 4)
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}", f"{number}") for number in range(3)))
            await queued(engine, 3)
            with pytest.raises(Busy) as caught:
                await engine.answer(ask("too many", "another"))
            assert caught.value.retry_after_s == 30
            assert str(caught.value) == "too many questions are waiting: try again in 30 s"
            assert metric(engine, 'roborefer_refused_total{reason="busy"}') == 1
            stub.gate.set()
            await asyncio.gather(first, *others)
            # The real batches were fast, and the next refusal says so.
            assert engine._speed.seconds_for(1) < 10

    run(live())


def test_a_question_whose_turn_comes_too_late_is_refused_at_once(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, batch_limit=2) as engine:
            for seconds in (30.5, 20.0, 40.0):
                engine._speed.measured(seconds, 2)
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}", "greedy") for number in range(4)))
            await queued(engine, 4)
            with pytest.raises(Busy) as caught:
                await engine.answer(ask("in two batches", "greedy", seconds=39.0))
            assert str(caught.value) == (
                "the questions before this one take at least 40 s, and it has 39 s: try again in 60 s"
            )
            assert metric(engine, 'roborefer_refused_total{reason="busy"}') == 1
            # Its turn comes after one of the greedy client's.
            others += asked(engine, [ask("soon", "modest", seconds=15.0), ask("in time", "greedy", seconds=41.0)])
            await queued(engine, 6)
            stub.gate.set()
            assert len(await asyncio.gather(first, *others)) == 7

    run(live())


def test_the_client_with_the_most_is_the_one_that_is_refused(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, queue_limit=4) as engine:
            first = await busy_model(engine, stub)
            greedy = asked(engine, (ask(f"greedy {number}", "greedy") for number in range(4)))
            await queued(engine, 4)
            modest = asked(engine, [ask("modest 0", "modest"), ask("modest 1", "modest")])
            for task in (greedy[3], greedy[2]):
                with pytest.raises(Busy):
                    await task
            await queued(engine, 4)
            with pytest.raises(Busy):  # now both have two
                await engine.answer(ask("modest 2", "modest"))
            stub.gate.set()
            replies = await asyncio.gather(first, *greedy[:2], *modest)
            assert [reply.text for reply in replies] == ["first", "greedy 0", "greedy 1", "modest 0", "modest 1"]

    run(live())


def test_waiting_files_are_bounded_too(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, max_body_bytes=len(PICTURE)) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}") for number in range(4)))
            await queued(engine, 4)
            with pytest.raises(Busy) as caught:
                await engine.answer(ask("too many bytes"))
            assert str(caught.value) == (
                f"the requests in memory have the {4 * len(PICTURE) / (1 << 20):g} MiB that they may have together: "
                "try again in 1 s"
            )
            assert metric(engine, 'roborefer_refused_total{reason="busy"}') == 1
            stub.gate.set()
            await asyncio.gather(first, *others)

    run(live())


def test_pictures_that_wait_decoded_are_bounded(stub: StubPredictor) -> None:
    async def live() -> None:
        # Room for two pictures of 2400 pixels: one is before the model, one is next; the others wait as files.
        async with started(stub, max_pixels=2400, workers=4) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{seed}", image=png(seed)) for seed in range(1, 5)))
            await until(lambda: len(engine._ready) == 1 and engine._preparing == 3)
            same = asyncio.create_task(engine.answer(ask("a picture that is decoded", image=png(1))))
            stub.gate.set()
            replies = await asyncio.gather(first, *others, same)
            assert len({reply.text for reply in replies}) == 6
            assert engine._preparation._room._taken == 0
            assert not engine._preparation._shared

    run(live())


def test_who_leaves_before_its_picture_was_decoded_leaves_nothing(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, max_pixels=2400, workers=1) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{seed}", image=png(seed)) for seed in range(1, 4)))
            await until(lambda: (len(engine._ready), engine._preparing, len(engine._waiting)) == (1, 1, 1))
            others[1].cancel()
            others[2].cancel()
            await until(lambda: len(engine._waiting) == 0)
            stub.gate.set()
            replies = await asyncio.gather(first, *others, return_exceptions=True)
            assert [isinstance(reply, Reply) for reply in replies] == [True, True, False, False]
            await until(lambda: engine._preparing == 0)
            assert stub.batches == [["first"], ["1"]]
            assert engine._preparation._room._taken == 0

    run(live())


# ---- deadlines and callers who leave -------------------------------------------------------------------------------


def test_a_deadline_passes_in_the_queue(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            with pytest.raises(DeadlinePassed) as caught:
                await engine.answer(ask("late", image=png(1), seconds=0.05))
            assert str(caught.value) == "expected an answer within 0.05 s, got none: ask again, or allow more time"
            stub.gate.set()
            await first
            assert stub.batches == [["first"]]
            assert stub.sizes == [(60, 40)]

    run(live())


@pytest.mark.parametrize("fields", [{"seconds": 0.05}, {"seconds": 50.0}, {}], ids=["own", "beyond", "none"])
def test_a_deadline_ends_what_the_model_is_writing(stub: StubPredictor, fields: dict[str, float]) -> None:
    async def live() -> None:
        async with started(stub, request_seconds=0.05) as engine:
            stub.forget()
            stub.gate.clear()
            with pytest.raises(DeadlinePassed):
                await engine.answer(ask("long", **fields))
            # The gate stays closed: the model is free because nobody waits for the batch any more.
            await asyncio.get_running_loop().run_in_executor(engine._model_threads, stub.forget)
            assert not engine._tickets

    run(live())


def test_who_leaves_the_queue_is_never_asked_about(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, [ask("leaves", image=png(1)), ask("stays", image=png(2))])
            await queued(engine, 2)
            others[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await others[0]
            assert metric(engine, "roborefer_left_total") == 1
            assert "refused_total{" not in engine.metrics.text().decode()
            await queued(engine, 1)
            stub.gate.set()
            assert (await first).text == "first"
            assert (await others[1]).text == "stays"
            assert stub.batches == [["first"], ["stays"]]
            assert len(stub.sizes) == 2

    run(live())


def test_who_leaves_while_the_model_writes_stops_it(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            stub.batches.clear()
            # The gate is still closed, so only the end of the first batch lets the model see the next one.
            second = asyncio.create_task(engine.answer(ask("second")))
            await until(lambda: bool(stub.batches))
            stub.gate.set()
            assert (await second).text == "second"

    run(live())


def test_who_leaves_a_shared_picture_does_not_take_it_along(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, [ask("leaves", image=png(1)), ask("stays", image=png(1))])
            await queued(engine, 2)
            others[0].cancel()
            await queued(engine, 1)
            stub.gate.set()
            assert (await first).text == "first"
            assert (await others[1]).text == "stays"

    run(live())


# ---- the end -------------------------------------------------------------------------------------------------------


def test_close_answers_what_is_in_flight_and_takes_no_more(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub) as engine:
            first = await busy_model(engine, stub)
            others = asked(engine, (ask(f"{number}", image=png(number)) for number in range(20)))
            await until(lambda: metric(engine, "roborefer_queue_length") == 20)
            closing = asyncio.create_task(engine.close())
            await until(lambda: not engine.ready)
            with pytest.raises(ShuttingDown) as caught:
                await engine.answer(ask("too late"))
            assert str(caught.value) == "the server is shutting down: ask another one, or again in a moment"
            stub.gate.set()
            replies = await asyncio.gather(first, *others)
            assert [reply.text for reply in replies] == ["first", *(f"{number}" for number in range(20))]
            await closing

    run(live())


def test_close_waits_only_so_long(stub: StubPredictor) -> None:
    async def live() -> None:
        async with started(stub, shutdown_seconds=0.05) as engine:
            first = await busy_model(engine, stub)
            waiting = asyncio.create_task(engine.answer(ask("waits")))
            await queued(engine, 1)
            await engine.close()
            outcomes = await asyncio.gather(first, waiting, return_exceptions=True)
            assert Counter(type(outcome) for outcome in outcomes) == {ShuttingDown: 2}
            # The gate is still closed: the thread ends because nobody waits for its batch any more.
            await until(lambda: not any(thread.is_alive() for thread in engine._model_threads._threads))

    run(live())


def test_an_engine_that_was_not_started_takes_nothing(engine: Engine) -> None:
    with pytest.raises(ShuttingDown):
        run(engine.answer(ask("early")))
