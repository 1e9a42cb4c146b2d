"""The real ``openai`` client against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest

from roborefer import Depth
from roborefer.predictor import Predictor

from ..models.tiny_models import depth_m, picture  # noqa: TID252 - shared models
from .asking import depth_png, png
from .live_server import base64_of, data_uri, running

QUESTION = "Point to the red mug."
MODEL = "roborefer-tiny"
MILLIMETRES = (depth_m() * 1000).astype(np.uint16)


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[openai.OpenAI]:
    with running(predictor, model_name=MODEL) as url, _client(url) as client:
        yield client


def _client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="not needed", max_retries=0)


def ask(client: openai.OpenAI, content: Any, **options: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}], **options)


def parts(*images: bytes, depths: tuple[bytes, ...] = (), text: str = QUESTION) -> list[dict[str, Any]]:
    return [
        *({"type": "image_url", "image_url": {"url": data_uri(image)}} for image in images),
        *({"type": "depth_url", "depth_url": {"url": data_uri(depth)}} for depth in depths),
        {"type": "text", "text": text},
    ]


def test_the_answer_is_the_models_own(client: openai.OpenAI, predictor: Predictor) -> None:
    reply = ask(client, parts(png()), max_tokens=16)
    assert reply.choices[0].message.content == predictor.query(picture(), QUESTION, max_new_tokens=16)
    assert reply.choices[0].message.role == "assistant"
    assert reply.object == "chat.completion"
    assert reply.model == MODEL
    assert reply.id.startswith("chatcmpl-")
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0


def test_a_bound_on_the_answer_is_told_as_its_end(client: openai.OpenAI, predictor: Predictor) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        reply = ask(client, parts(png()), **{name: 3})
        assert reply.choices[0].message.content == predictor.query(picture(), QUESTION, max_new_tokens=3)
        assert reply.choices[0].finish_reason == "length"
        assert reply.usage.completion_tokens == 3


def test_a_depth_part_is_seen(client: openai.OpenAI, predictor: Predictor) -> None:
    reply = ask(client, parts(png(), depths=(depth_png(),)), max_tokens=16)
    expected = predictor.query(picture(), QUESTION, MILLIMETRES, max_new_tokens=16)
    assert reply.choices[0].message.content == expected != predictor.query(picture(), QUESTION, max_new_tokens=16)


def test_a_stream_adds_up_to_the_answer(client: openai.OpenAI) -> None:
    whole = ask(client, parts(png()), max_tokens=20)
    chunks = list(ask(client, parts(png()), max_tokens=20, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(texts) > 5
    assert "".join(texts) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_without_usage_has_no_empty_chunk(client: openai.OpenAI) -> None:
    chunks = list(ask(client, parts(png()), max_tokens=2, stream=True))
    assert all(chunk.choices for chunk in chunks)


def test_several_images_with_depth_are_a_prompt_in_the_published_form(tiny: Predictor) -> None:
    # A model with a point head looks at one picture; this one has none.
    shown = (picture(), picture(seed=1))
    depth = Depth(MILLIMETRES)
    expected = tiny.generate([*shown, depth, depth, QUESTION], max_new_tokens=12)
    with running(tiny) as url, _client(url) as client:
        both = parts(png(), png(1), depths=(depth_png(), depth_png()))
        assert ask(client, both, max_tokens=12).choices[0].message.content == expected
        text_only = ask(client, "What is a mug?", max_tokens=12)
        assert text_only.choices[0].message.content == tiny.generate("What is a mug?", max_new_tokens=12)


def test_the_last_question_of_a_conversation_is_answered(client: openai.OpenAI, predictor: Predictor) -> None:
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": parts(png(), text="What is this?")},
            {"role": "assistant", "content": "A mug."},
            {"role": "user", "content": QUESTION},
        ],
        temperature=0.7,
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        max_tokens=8,
    )
    expected = predictor.query(picture(), f"Be brief.\n{QUESTION}", max_new_tokens=8)
    assert reply.choices[0].message.content == expected


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_raw_base64_and_line_breaks_are_taken(client: openai.OpenAI) -> None:
    broken = "\n".join(base64_of(png())[start : start + 76] for start in range(0, len(base64_of(png())), 76))
    content = [{"type": "image_url", "image_url": {"url": broken}}, {"type": "text", "text": QUESTION}]
    assert ask(client, content, max_tokens=4).choices == ask(client, parts(png()), max_tokens=4).choices


@pytest.mark.parametrize(
    ("content", "options", "message", "param"),
    [
        (parts(text=" "), {}, "expected a question in the last user message, got none: add text to it", "messages"),
        ("", {}, "expected a question in the last user message, got none: add text to it", "messages"),
        (
            [{"type": "video_url"}],
            {},
            "expected 'messages[0].content[0].type' to be 'text', 'image_url', 'depth_url', got 'video_url'",
            "messages[0].content[0]",
        ),
        (
            [{"type": "image_url", "image_url": {}}],
            {},
            "expected 'messages[0].content[0].image_url.url', got a request without it: add it",
            "messages[0].content[0].image_url.url",
        ),
        (
            [{"type": "image_url", "image_url": {"url": "cup.png"}}, {"type": "text", "text": QUESTION}],
            {},
            "messages[0].content[0].image_url.url: expected base64 or a data URI, got other text: 'cup.png'",
            "messages[0].content[0].image_url.url",
        ),
        (
            parts(png(), png()),
            {},
            "expected one image and its depth for a model with a point head, got 2 images and 0 depths: "
            "ask about one image at a time",
            None,
        ),
        (
            parts(png(), depths=(depth_png(), depth_png())),
            {},
            "expected depth for each of 1 images, or for none, got 2: pair them up",
            None,
        ),
        (parts(png()), {"n": 2}, "expected n of 1, got 2: the model has one answer", "n"),
        (
            parts(png()),
            {"stop": ["\n"]},
            "expected no stop sequences, got some: leave stop out, or cut the answer yourself",
            "stop",
        ),
        (parts(png()), {"logprobs": True}, "expected logprobs to be false, got true: leave it out", "logprobs"),
        (
            parts(png()),
            {"tool_choice": "required"},
            "expected tool_choice 'none' or 'auto', got another: the model calls no tools",
            "tool_choice",
        ),
        (
            parts(png()),
            {"response_format": {"type": "json_object"}},
            "expected response_format 'text', got 'json_object': leave it out",
            "response_format",
        ),
        (
            parts(png()),
            {"max_tokens": 0},
            "expected 'max_tokens' of at least 1, got 0",
            "max_tokens",
        ),
        (
            parts(*[png()] * 9),
            {},
            "expected at most 8 pictures in a request, got 9: send fewer at a time",
            None,
        ),
    ],
)
def test_what_cannot_be_answered_is_an_error_that_the_client_reads(
    client: openai.OpenAI, content: Any, options: dict[str, Any], message: str, param: str | None
) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as raised:
            ask(client, content, stream=stream, **options)
        body = raised.value.body
        assert isinstance(body, dict)
        assert body["message"] == message
        assert (body["type"], body["code"], body["param"]) == ("invalid_request_error", "invalid_request", param)
