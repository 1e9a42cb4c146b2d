"""Metrics that a monitor can read, of one server each."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from roborefer.serving.asks import Ask
from roborefer.serving.metrics import Metrics

from .asking import png, run, started
from .stub_predictor import StubPredictor


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Of each name with the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_what_was_done_is_counted() -> None:
    async def live() -> dict[tuple[str, ...], float]:
        async with started(StubPredictor(), gather_ms=1000) as engine:
            for text in ("cup", "plate"):
                await engine.answer(Ask(png(), text, "point"))
            late = Ask(png(), "late", "point", seconds=1e-9)
            await asyncio.gather(engine.answer(late), return_exceptions=True)
            return values(engine.metrics)

    found = run(live())
    assert found["roborefer_batch_size_sum",] == found["roborefer_batch_size_count",] == 2
    assert (found["roborefer_cache_misses_total",], found["roborefer_look_seconds_count",]) == (1, 1)
    assert found["roborefer_answer_seconds_count",] == found["roborefer_queue_seconds_count",] == 2
    assert (found["roborefer_tokens_total", "prompt"], found["roborefer_tokens_total", "completion"]) == (14, 6)
    assert found["roborefer_refused_total", "deadline"] == 1
    assert found["roborefer_queue_length",] == found["roborefer_running",] == 0
    assert found["roborefer_cache_bytes",] == 800
    assert found["process_resident_memory_bytes",] > 1e7


def test_requests_are_counted_by_protocol_and_status_for_each_server_apart() -> None:
    ours, other = Metrics(), Metrics()
    ours.request("openai", 200, 0.2)
    ours.request("openai", 429, 0.001)
    found = values(ours)
    assert (found["roborefer_requests_total", "openai", "200"], found["roborefer_requests_total", "openai", "429"]) == (
        1,
        1,
    )
    assert found["roborefer_request_seconds_count", "openai"] == 2
    assert ("roborefer_requests_total", "openai", "200") not in values(other)
