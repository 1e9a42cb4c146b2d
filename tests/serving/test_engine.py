"""Engine with a real model: many callers get, to the last bit, what each would get alone."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer import Depth, InputError
from roborefer.geometry.cameras import intrinsics_from_fov
from roborefer.geometry.depth import read_depth
from roborefer.images import read_image
from roborefer.predictor import Predictor
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk, Reply
from roborefer.serving.engine import Engine

from .asking import depth_png, metric, png, run, started
from .stub_predictor import StubPredictor

CAMERA = intrinsics_from_fov(60, (60, 40))
POSE = np.diag([1.0, -1.0, -1.0, 1.0])


def mixed_asks() -> list[Ask]:
    """Thirty: five pictures, with and without depth, points and queries of several lengths."""
    asks = []
    for number in range(30):
        depth = DepthUpload(depth_png()) if number % 3 == 0 else None
        ask = Ask(png(number % 5), f"the cup number {number}", "point", depth=depth, client=f"caller {number % 7}")
        if depth is not None:
            ask = replace(ask, intrinsics=CAMERA, world_from_camera=POSE)
        if number % 4 == 1:
            ask = replace(ask, kind="query", text=f"How many cups, {number}?", max_new_tokens=3 + number)
        asks.append(ask)
    return asks


def alone(predictor: Predictor, ask: Ask) -> tuple[str, Any]:
    """Text and prediction of the bare model."""
    depth = None if ask.depth is None else read_depth(ask.depth.content)  # type: ignore[union-attr]
    encoded = predictor.encode_image(read_image(ask.image), depth)
    if ask.kind == "query":
        return predictor.query(encoded, ask.text, max_new_tokens=ask.max_new_tokens or 512), None
    prediction = predictor.point(
        encoded, ask.text, intrinsics=ask.intrinsics, world_from_camera=ask.world_from_camera, max_new_tokens=24
    )
    return prediction.raw, prediction


def test_thirty_callers_get_what_each_gets_alone(predictor: Predictor) -> None:
    asks = [replace(ask, max_new_tokens=ask.max_new_tokens or 24) for ask in mixed_asks()]

    async def ask_all() -> tuple[list[Reply], float, float]:
        async with started(predictor, gather_ms=50) as engine:
            replies = await asyncio.gather(*(engine.answer(ask) for ask in asks))
            again = await asyncio.gather(*(engine.answer(ask) for ask in asks))
            assert [reply.text for reply in again] == [reply.text for reply in replies]
            return replies, metric(engine, "roborefer_batch_size_count"), metric(engine, "roborefer_look_seconds_count")

    replies, batches, looks = run(ask_all())
    assert batches < 20  # for sixty asks
    assert looks == len({(ask.image, ask.depth) for ask in asks})
    assert len({reply.text for reply in replies}) > 15
    for ask, reply in zip(asks, replies, strict=True):
        text, prediction = alone(predictor, ask)
        assert reply.text == text
        assert reply.image_size == (60, 40)
        assert (reply.prediction is None) == (prediction is None)
        if prediction is not None and reply.prediction is not None:
            assert reply.prediction == replace(prediction, timing_ms=reply.prediction.timing_ms)
            np.testing.assert_array_equal(reply.prediction.heatmap, prediction.heatmap)
            assert len(reply.prediction.anchors) == (0 if ask.depth is None else len(prediction.points))


def answered(predictor: Any, ask: Ask | PromptAsk, **settings: Any) -> Reply:
    async def ask_one() -> Reply:
        async with started(predictor, **settings) as engine:
            return await engine.answer(ask)

    return run(ask_one())


def test_times_add_up_and_lengths_are_told(predictor: Predictor) -> None:
    reply = answered(predictor, Ask(png(), "Describe it.", "query", max_new_tokens=5))
    assert reply.prediction is None
    assert (reply.completion_tokens, reply.finish) == (5, "length")
    assert reply.prompt_tokens > 10
    assert set(reply.timing_ms) == {"queue", "read", "look", "answer", "total"}
    assert sum(reply.timing_ms.values()) == pytest.approx(2 * reply.timing_ms["total"])
    assert all(value > 0 for value in reply.timing_ms.values())


def test_nobody_gets_more_tokens_than_the_server_allows(predictor: Predictor) -> None:
    for length in (None, 900):
        for kind in ("query", "point"):
            ask = Ask(png(), "Describe it.", kind, max_new_tokens=length)  # type: ignore[arg-type]
            assert answered(predictor, ask, max_new_tokens=4).completion_tokens <= 4
    prompt = PromptAsk((png(), "Describe it."), max_new_tokens=900)
    assert answered(predictor, prompt, max_new_tokens=4).completion_tokens <= 4


def test_a_picture_seen_lately_costs_no_look(predictor: Predictor) -> None:
    async def ask_twice() -> None:
        async with started(predictor) as engine:
            first = await engine.answer(Ask(png(), "the cup", "point"))
            second = await engine.answer(Ask(png(), "the cup", "point"))
            assert (first.text, second.text) == (second.text, first.text)
            assert first.timing_ms["look"] > 0
            assert second.timing_ms["look"] == 0
            assert metric(engine, "roborefer_cache_hits_total") == 1
            assert metric(engine, "roborefer_cache_misses_total") == 1
            assert metric(engine, "roborefer_cache_bytes") > 0

    run(ask_twice())


def test_text_appears_as_it_is_written(predictor: Predictor) -> None:
    shown: list[str] = []
    threads: set[str] = set()

    def on_text(text: str) -> None:
        shown.append(text)
        threads.add(threading.current_thread().name)

    reply = answered(predictor, Ask(png(), "Describe it.", "query", max_new_tokens=12, on_text=on_text))
    assert len(shown) > 3
    assert [len(text) for text in shown] == sorted({len(text) for text in shown})
    assert shown[-1] == reply.text
    assert threads == {threading.main_thread().name}


def spoken(predictor: Predictor, parts: list[Any]) -> str:
    return predictor.generate(parts, max_new_tokens=9)


def test_a_prompt_is_answered_as_published(predictor: Predictor, tiny: Predictor) -> None:
    def image(seed: int) -> Image.Image:
        return read_image(png(seed))

    depth = read_depth(depth_png()).metres
    assert depth is not None
    cases: list[tuple[Predictor, tuple[Any, ...], list[Any]]] = [
        (predictor, (png(), DepthUpload(depth_png()), "the cup"), [image(0), Depth(depth), "the cup"]),
        (predictor, ("no picture",), ["no picture"]),
        (tiny, (png(), png(1), "which differs?"), [image(0), image(1), "which differs?"]),
        (
            tiny,
            (png(), DepthUpload(depth_png()), png(1), DepthUpload(depth_png()), "which?"),
            [image(0), Depth(depth), image(1), Depth(depth), "which?"],
        ),
    ]
    shown: list[str] = []
    for model, parts, bare in cases:
        reply = answered(model, PromptAsk(parts, max_new_tokens=9, on_text=shown.append))
        assert reply.text == spoken(model, bare) == shown[-1]
        assert reply.image_size == ((60, 40) if isinstance(parts[0], bytes) else None)
        assert reply.prediction is None
        assert reply.completion_tokens == 9
        assert reply.prompt_tokens > 0


class HalfGrey:
    """Estimates the same depth for any picture."""

    def estimate(self, image: Image.Image) -> Any:
        return read_depth(np.linspace(1, 2, image.width * image.height, dtype=np.float32).reshape(image.size[::-1]))


def test_depth_is_estimated_where_the_server_has_a_model_for_it(tiny: Predictor) -> None:
    predictor = Predictor(tiny.model, tiny.processor, depth_estimator=HalfGrey())
    pictures = [read_image(png(seed)) for seed in (0, 1)]
    depths = [Depth(HalfGrey().estimate(picture).metres) for picture in pictures]
    ask = Ask(png(), "the cup", "query", depth="estimate", max_new_tokens=9)
    assert answered(predictor, ask).text == spoken(tiny, [pictures[0], depths[0], "the cup"])
    prompt = PromptAsk((png(), EstimatedDepth(), png(1), EstimatedDepth(), "which?"), max_new_tokens=9)
    assert answered(predictor, prompt).text == spoken(tiny, [pictures[0], depths[0], pictures[1], depths[1], "which?"])
    with pytest.raises(InputError, match="expected a picture before the depth that is to be estimated, got none"):
        answered(predictor, PromptAsk((EstimatedDepth(), "the cup")))


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


NO_DEPTH_MODEL = (
    "expected a server with a depth model for estimated depth, got one without: send the depth itself, "
    "or start the server with --depth-model"
)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda ask: replace(ask, text="<image>  "), "expected an instruction such as"),
        (
            lambda ask: replace(ask, text=" ", kind="query"),
            "expected a question such as 'What is behind the plate?', got an empty one: write one",
        ),
        (lambda ask: replace(ask, text="cup" * 9), "expected a question of at most 20 characters, got 27: shorten it"),
        (lambda ask: replace(ask, text="\ud800"), "expected text in Unicode"),
        (lambda ask: replace(ask, depth="estimate"), NO_DEPTH_MODEL),
        (lambda ask: replace(ask, max_new_tokens=0), "expected max_new_tokens of at least 1, got 0"),
        (lambda ask: replace(ask, seconds=0.0), "expected a time to answer in above 0 s, got 0"),
        (lambda ask: replace(ask, seconds=float("nan")), "expected a time to answer in above 0 s, got nan"),
        (lambda ask: replace(ask, image=b"not one"), "expected a picture (PNG, JPEG, WebP"),
        (lambda ask: replace(ask, image=png()[:-50]), "expected a whole picture, got one that is truncated"),
        (
            lambda ask: replace(ask, image=png(0, 80, 60)),
            "expected at most 0.004 megapixels, got 0.0048 in the image: resize first",
        ),
        (lambda ask: replace(ask, depth=DepthUpload(npy(np.ones((9, 9))))), "expected depth of the image's size 60x40"),
        (lambda ask: replace(ask, intrinsics=intrinsics_from_fov(60, (9, 9))), "expected intrinsics for the image's"),
        (lambda ask: replace(ask, world_from_camera=np.zeros((4, 4))), "world_from_camera: expected the bottom row"),
        (lambda ask: PromptAsk((ask.image, "\ud800")), "expected text in Unicode"),
        (lambda ask: PromptAsk((ask.image, EstimatedDepth(), "the cup")), NO_DEPTH_MODEL),
        (lambda ask: PromptAsk((ask.image,) * 3 + ("which?",)), "expected at most 2 images in a request, got 3"),
    ],
)
def test_what_cannot_be_used_never_reaches_the_model(change: Callable[[Ask], Any], text: str) -> None:
    stub = StubPredictor()

    async def ask_one() -> None:
        async with started(stub, max_question_characters=20, max_pixels=4000, max_images=2) as engine:
            stub.forget()
            with pytest.raises(InputError) as caught:
                await engine.answer(change(Ask(png(), "the cup", "point")))
            assert str(caught.value).startswith(text)
            assert "\n" not in str(caught.value)
            assert not stub.sizes
            assert not stub.batches
            assert metric(engine, 'roborefer_refused_total{reason="invalid"}') == 1
            assert (await engine.answer(Ask(png(), "the cup", "point"))).text == "the cup"
            assert engine._preparation._room._taken == 0

    run(ask_one())


def test_an_engine_is_ready_between_start_and_close(engine: Engine) -> None:
    async def live() -> None:
        assert not engine.ready
        await engine.start()
        assert engine.ready
        await engine.close()
        assert not engine.ready

    run(live())
