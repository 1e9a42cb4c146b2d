"""The published client's request and reply, and our own evaluation backends, which know it from the outside only."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.evaluation.asking import ApiName, DepthMode, Question, Reply
from roborefer.evaluation.backends.http_client import HttpClient, Patience
from roborefer.evaluation.backends.servers import ServerBackend
from roborefer.evaluation.backends.servers import ServerSettings as BackendSettings
from roborefer.geometry.depth import DepthMap, depth_picture, read_depth
from roborefer.predictor import Predictor
from roborefer.serving.settings import ServerSettings

from ..models.pointing_models import pointing_predictor  # noqa: TID252 - shared models
from ..models.tiny_models import depth_m, picture  # noqa: TID252 - shared models
from .asking import depth_png, encoded, png
from .live_server import base64_of, running

PROMPT = f"Please point out the red mug. {POINT_SUFFIX}"
LONGEST = 24


class FlatEstimator:
    """Estimates the same slope for every picture."""

    def estimate(self, image: Image.Image) -> DepthMap:
        return DepthMap(depth_m(*image.size), None, "estimated")


@pytest.fixture(scope="module")
def estimating() -> Predictor:
    predictor = pointing_predictor()
    predictor.depth_estimator = FlatEstimator()
    return predictor


@pytest.fixture(scope="module")
def url(estimating: Predictor) -> Iterator[str]:
    # The protocol has no field for it, and a model that was never trained does not stop by itself.
    with running(estimating, max_new_tokens=LONGEST) as url:
        yield url


def post(url: str, **payload: Any) -> dict[str, Any]:
    """As the published client asks."""
    request = urllib.request.Request(f"{url}/query", json.dumps(payload).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        reply: dict[str, Any] = json.loads(response.read())
    return reply


def depth_file() -> bytes:
    """The published form: an 8-bit picture, 255 = nearest."""
    return encoded(Image.fromarray(depth_picture(depth_m())))


def test_the_port_is_the_published_one() -> None:
    assert ServerSettings().port == 25547


def test_the_root_answers(url: str) -> None:
    with urllib.request.urlopen(url, timeout=30) as response:
        assert response.status == 200


def test_rgb(url: str, estimating: Predictor) -> None:
    reply = post(url, image_url=[base64_of(png())], depth_url=[], enable_depth=0, text=PROMPT)
    assert reply["result"] == 1
    assert reply["answer"] == estimating.query(picture(), PROMPT, max_new_tokens=LONGEST)


def test_depth_that_is_sent(url: str, estimating: Predictor) -> None:
    sent = {"image_url": [base64_of(png())], "depth_url": [base64_of(depth_file())], "text": PROMPT}
    expected = estimating.query(picture(), PROMPT, np.array(depth_picture(depth_m())), max_new_tokens=LONGEST)
    assert post(url, **sent, enable_depth=1)["answer"] == expected
    assert post(url, **sent, enable_depth=True)["answer"] == expected
    rgb = estimating.query(picture(), PROMPT, max_new_tokens=LONGEST)
    assert post(url, **sent, enable_depth=0)["answer"] == rgb != expected


def test_depth_that_is_estimated(url: str, estimating: Predictor) -> None:
    expected = estimating.query(picture(), PROMPT, "estimate", max_new_tokens=LONGEST)
    for none in ([], None):
        reply = post(url, image_url=[base64_of(png())], depth_url=none, enable_depth=1, text=PROMPT)
        assert reply["answer"] == expected


@pytest.mark.parametrize(
    ("api", "depth_mode"),
    [("query", "none"), ("query", "given"), ("query", "estimated"), ("openai", "none"), ("openai", "given"),
     ("moondream", "none")],
)  # fmt: skip
def test_our_evaluation_asks_it_like_any_other_server(
    url: str, estimating: Predictor, api: ApiName, depth_mode: DepthMode
) -> None:
    question = Question(PROMPT, (png(),), depth_png() if depth_mode == "given" else None, pointing=False)
    depth = {"none": None, "given": read_depth(depth_png()).tower_picture(), "estimated": "estimate"}[depth_mode]
    reply = ask_server(BackendSettings(url, api, "roborefer", depth_mode, max_new_tokens=LONGEST), question)
    assert reply.error is None
    assert reply.text == estimating.query(picture(), PROMPT, depth, max_new_tokens=LONGEST)


def test_our_evaluation_asks_it_for_points_as_it_asks_moondream(url: str, estimating: Predictor) -> None:
    reply = ask_server(BackendSettings(url, "moondream", "roborefer"), Question("the red mug", (png(),)))
    expected = estimating.point(picture(), "the red mug", max_new_tokens=LONGEST)
    assert json.loads(str(reply.text))["points"] == [{"x": point.x, "y": point.y} for point in expected.points]


def ask_server(settings: BackendSettings, question: Question) -> Reply:
    with HttpClient(Patience(timeout=30, retries=0)) as client:
        (reply,) = ServerBackend(settings, client).ask([question])
    return reply
