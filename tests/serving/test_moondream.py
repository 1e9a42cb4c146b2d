"""The real ``moondream`` client against a real server."""

from __future__ import annotations

import io
import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from roborefer.predictor import Predictor

from ..models.pointing_models import pointing_config, pointing_predictor  # noqa: TID252 - shared models
from ..models.tiny_models import picture  # noqa: TID252 - shared models
from .live_server import running

# It comes without what else its package needs, which is for models in its own process: see the Makefile.
moondream = pytest.importorskip("moondream")

KEY = "a-key-for-tests"
SETTINGS = {"max_tokens": 12}
QUESTION = "What is left of the red mug?"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """Held to one point, as every untrained model is, so that each answer has one."""
    return pointing_predictor(pointing_config(untrained=True))


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[Any]:
    with running(predictor, api_keys=(KEY,)) as url:
        yield moondream.vl(endpoint=f"{url}/v1", api_key=KEY)


def as_sent(image: Image.Image) -> bytes:
    """The client sends JPEG, so the model sees that."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def test_point(client: Any, predictor: Predictor) -> None:
    (point,) = client.point(picture(), "red mug")["points"]
    (expected,) = predictor.point(as_sent(picture()), "red mug").points
    assert (point["x"], point["y"]) == (expected.x, expected.y)


def test_an_encoded_image_can_be_used_again(client: Any) -> None:
    encoded = client.encode_image(picture())
    assert client.point(encoded, "red mug") == client.point(picture(), "red mug")


def test_query(client: Any, predictor: Predictor) -> None:
    answer = client.query(picture(), QUESTION, settings=SETTINGS)["answer"]
    assert answer == predictor.query(as_sent(picture()), QUESTION, max_new_tokens=12)


def test_query_as_a_stream(client: Any) -> None:
    chunks = list(client.query(picture(), QUESTION, stream=True, settings=SETTINGS)["answer"])
    assert len(chunks) > 3
    assert "".join(chunks) == client.query(picture(), QUESTION, settings=SETTINGS)["answer"]


def test_chat(client: Any) -> None:
    url = client.encode_image(picture()).image_url
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]
    messages = [{"role": "user", "content": content}]
    reply = client.chat(messages, settings=SETTINGS)
    assert reply["message"]["content"] == client.query(picture(), QUESTION, settings=SETTINGS)["answer"]
    streamed = client.chat(messages, stream=True, settings=SETTINGS)["message"]
    assert "".join(streamed) == reply["message"]["content"]


def test_an_error_is_one_that_its_users_know(client: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        client.query(picture(), " ")
    with raised.value as error:
        told = json.loads(error.read())
    assert error.code == 400
    assert told["error"]["message"] == (
        "expected a question such as 'What is behind the plate?', got an empty one: write one"
    )
    with pytest.raises(urllib.error.HTTPError, match="401") as raised:
        moondream.vl(endpoint=client.endpoint, api_key="another").point(picture(), "red mug")
    raised.value.close()
