"""Our own ``/v1/point``: JSON and forms, depth and camera to metres, steps and texts as they appear, heatmaps."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from roborefer.answers import parse_answer
from roborefer.geometry.cameras import intrinsics_from_fov, to_json
from roborefer.geometry.transforms import transform_points
from roborefer.predictor import Predictor
from roborefer.structures import Prediction

from ..models.pointing_models import pointing_config, pointing_predictor  # noqa: TID252 - shared models
from ..models.tiny_models import depth_m, picture  # noqa: TID252 - shared models
from .asking import depth_png, png
from .live_server import base64_of, data_uri, events_of, running
from .stub_predictor import StubPredictor

INSTRUCTION = "the red mug"
CAMERA = intrinsics_from_fov(60.0, (60, 40))
POSE = [[0.0, -1.0, 0.0, 0.5], [1.0, 0.0, 0.0, -0.25], [0.0, 0.0, 1.0, 1.5], [0.0, 0.0, 0.0, 1.0]]
MILLIMETRES = (depth_m() * 1000).astype(np.uint16)
REASONED = (
    "<think>\n[Position] [the red mug]: [(0.250, 0.500)]\n[Size] [the mug]: 0.12\n"
    "[Orientation] [the handle]: (0.600, 0.000, -0.800)\n</think><answer>[(0.125, 0.875)]</answer>"
)


@pytest.fixture(scope="module")
def pointing() -> Predictor:
    """Held to one point, as every untrained model is, so that each answer has one."""
    return pointing_predictor(pointing_config(untrained=True))


@pytest.fixture(scope="module")
def client(pointing: Predictor) -> Iterator[httpx.Client]:
    with running(pointing) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def body(**changes: Any) -> dict[str, Any]:
    return {"image": data_uri(png()), "instruction": INSTRUCTION, **changes}


def answer(client: httpx.Client, **changes: Any) -> Any:
    response = client.post("/v1/point", json=body(**changes))
    assert response.status_code == 200, response.text
    return response.json()


def same(reply: Any, prediction: Prediction) -> bool:
    """Whether a reply tells all that a prediction does; numbers as JSON keeps them."""
    expected = json.loads(json.dumps(prediction.to_dict()))
    return all(reply[name] == value for name, value in expected.items() if name != "timing_ms")


def test_a_reply_is_the_prediction(client: httpx.Client, pointing: Predictor) -> None:
    reply = answer(client)
    assert same(reply, pointing.point(picture(), INSTRUCTION))
    assert reply["image_size"] == [60, 40]
    assert reply["finish_reason"] in ("stop", "length")
    assert {"queue", "read", "look", "answer", "total"} <= reply["timing_ms"].keys()
    assert "heatmap" not in reply


def test_moondreams_names_are_taken(client: httpx.Client) -> None:
    response = client.post("/v1/point", json={"image_url": data_uri(png()), "object": INSTRUCTION, "model": "any"})
    assert response.json()["points"] == answer(client)["points"]


def test_depth_and_camera_give_metres(client: httpx.Client, pointing: Predictor) -> None:
    reply = answer(client, depth=data_uri(depth_png()), intrinsics=to_json(CAMERA), world_from_camera=POSE)
    expected = pointing.point(picture(), INSTRUCTION, MILLIMETRES, CAMERA, world_from_camera=POSE)
    assert same(reply, expected)
    (point,) = reply["points"]
    assert point["depth_source"] == "sensor"
    assert point["xyz"][2] == pytest.approx(point["depth_m"])
    assert point["world_xyz"] == pytest.approx(transform_points(POSE, point["xyz"]).tolist())


def test_without_a_camera_the_reason_names_none_of_the_command_lines_options(client: httpx.Client) -> None:
    (point,) = answer(client, depth=data_uri(depth_png()))["points"]
    assert (point["xyz"], point["valid"]) == (None, False)
    assert point["reason"].endswith("no camera: give intrinsics or a field of view")


def test_a_camera_comes_in_several_forms(client: httpx.Client) -> None:
    depth = data_uri(depth_png())
    expected = answer(client, depth=depth, intrinsics=to_json(CAMERA))["points"]
    matrix = [[CAMERA.fx, 0, CAMERA.cx - 0.5], [0, CAMERA.fy, CAMERA.cy - 0.5], [0, 0, 1]]
    info = {"k": [number for row in matrix for number in row], "d": [0.0] * 5, "width": 60, "height": 40}
    for form in ({"fov": 60}, {"intrinsics": matrix}, {"intrinsics": info}, {"intrinsics": {"color": info}}):
        assert answer(client, depth=depth, **form)["points"] == expected
    distorted = answer(client, depth=depth, intrinsics={**info, "d": [0.1, 0, 0, 0, 0]})
    assert distorted["points"] == expected
    assert distorted["notes"][1:] == ["lens distortion in 'intrinsics' is ignored: rectify the image first"]


def test_a_unit_scales_depth(client: httpx.Client) -> None:
    (metres,) = answer(client, depth=data_uri(depth_png()))["points"]
    for unit, factor in (("mm", 1.0), (0.001, 1.0), ("cm", 10.0), (0.002, 2.0)):
        (point,) = answer(client, depth=data_uri(depth_png()), depth_unit=unit)["points"]
        assert point["depth_m"] == pytest.approx(factor * metres["depth_m"])


def test_a_heatmap_shows_where_the_model_looked(client: httpx.Client, pointing: Predictor) -> None:
    shown = answer(client, heatmap=True)["heatmap"]
    expected = pointing.point(picture(), INSTRUCTION).heatmap
    assert expected is not None
    assert shown["size"] == len(expected)
    assert np.reshape(shown["values"], expected.shape) == pytest.approx(expected, abs=1e-6)


def test_a_form_is_answered_like_json(client: httpx.Client) -> None:
    expected = answer(client, depth=data_uri(depth_png()), intrinsics=to_json(CAMERA), world_from_camera=POSE)
    response = client.post(
        "/v1/point",
        files={"image": ("mug.png", png()), "depth": ("depth.png", depth_png())},
        data={
            "instruction": INSTRUCTION,
            "intrinsics": json.dumps(to_json(CAMERA)),
            "world_from_camera": json.dumps(POSE),
            "depth_unit": "mm",
            "reasoning": "false",
        },
    )
    assert response.json()["points"] == expected["points"]


def test_what_was_left_empty_in_a_form_is_not_there(client: httpx.Client) -> None:
    parts = {
        'name="image"; filename="mug.png"': png(),
        'name="depth"; filename=""': b"",  # what a browser sends where no file was chosen
        'name="depth_unit"': b"",
        'name="instruction"': INSTRUCTION.encode(),
    }
    content = b"".join(
        b"--line\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + part + b"\r\n"
        for head, part in parts.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=line"}
    response = client.post("/v1/point", content=content + b"--line--\r\n", headers=headers)
    assert response.json()["points"] == answer(client)["points"]


def test_a_form_of_any_length_is_kept_in_memory(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda _: pytest.fail("a file was written"))
    files = {"image": ("mug.png", png() + bytes(3 << 20))}  # PNG readers pass over what follows the end
    response = client.post("/v1/point", files=files, data={"instruction": INSTRUCTION})
    assert response.status_code == 200
    assert response.json()["points"] == answer(client)["points"]


def test_a_stream_tells_the_text_as_it_grows_and_ends_with_the_reply(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/point", json=body(stream=True, heatmap=True)) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        told = [(name, json.loads(data)) for name, data in events_of(response)]
    whole = answer(client, heatmap=True)
    texts = [data for name, data in told if name == "text"]
    assert len(texts) > 3
    assert "".join(data["delta"] for data in texts) == texts[-1]["text"] == whole["raw"]
    name, result = told[-1]
    assert name == "result"
    own = ("request_id", "timing_ms")
    assert {key: value for key, value in result.items() if key not in own} == {
        key: value for key, value in whole.items() if key not in own
    }


class SteppingPredictor(StubPredictor):
    """Writes a reasoning line by line."""

    def answer_together(self, questions: Any) -> Any:
        for question in questions:
            if question.on_text is not None:
                for end in range(0, len(REASONED), 7):
                    question.on_text(REASONED[:end])
        return [self._answer(question) for question in questions]

    def prediction(self, image: Any, answer: Any, *_: Any, **__: Any) -> Prediction:
        parsed = parse_answer(REASONED)
        return Prediction(parsed.points, image.image_size, REASONED, parsed.steps)


def test_each_step_is_told_once_it_is_whole() -> None:
    with (
        running(SteppingPredictor()) as url,
        httpx.stream("POST", f"{url}/v1/point", json=body(stream=True, reasoning=True)) as response,
    ):
        told = [(name, json.loads(data)) for name, data in events_of(response)]
    steps = [data for name, data in told if name == "step"]
    assert steps == told[-1][1]["steps"] == [
        {"kind": "Position", "target": "the red mug", "value": [0.25, 0.5]},
        {"kind": "Size", "target": "the mug", "value": 0.12},
        {"kind": "Orientation", "target": "the handle", "value": [0.6, 0.0, -0.8]},
    ]  # fmt: skip
    names = [name for name, _ in told]
    # The first is told while the others are not yet written.
    assert names.index("step") < len(names) / 2
    assert [name for name in names if name != "text"] == ["step", "step", "step", "result"]


def test_reasoning_is_asked_for() -> None:
    asked: list[Any] = []

    class Listening(StubPredictor):
        def question(self, image: Any, instruction: str, **options: Any) -> Any:
            asked.append(options.get("reasoning"))
            return super().question(image, instruction, **options)

    with running(Listening()) as url:
        for reasoning in (True, False):
            httpx.post(f"{url}/v1/point", json=body(reasoning=reasoning)).raise_for_status()
    assert asked[-2:] == [True, False]


def test_what_fails_on_the_way_is_an_event_of_the_stream() -> None:
    class Breaking(StubPredictor):
        def answer_together(self, questions: Any) -> Any:
            for question in questions:
                if question.on_text is not None:
                    question.on_text("[(0.1")
                    raise RuntimeError("a defect")
            return super().answer_together(questions)

    with (
        running(Breaking()) as url,
        httpx.stream("POST", f"{url}/v1/point", json=body(stream=True)) as response,
    ):
        assert response.status_code == 200
        told = [(name, json.loads(data)) for name, data in events_of(response)]
        metrics = httpx.get(f"{url}/metrics").text
    assert [name for name, _ in told] == ["text", "error"]
    # What went wrong is counted by what it was, although the stream began well.
    assert 'roborefer_requests_total{protocol="point",status="500"} 1.0' in metrics
    assert 'status="200"' not in metrics
    assert 'roborefer_refused_total{reason="failed"} 1.0' in metrics
    assert told[-1][1]["error"]["code"] == "model_failed"
    assert told[-1][1]["error"]["message"] == "the model failed on this question: the server's log says how"


def test_a_request_keeps_its_own_id(client: httpx.Client) -> None:
    named = client.post("/v1/point", json=body(), headers={"X-Request-Id": "robot-7.42"})
    assert named.headers["x-request-id"] == named.json()["request_id"] == "robot-7.42"
    odd = client.post("/v1/point", json=body(), headers={"X-Request-Id": "a b"})
    assert odd.headers["x-request-id"] == odd.json()["request_id"] != "a b"


@pytest.mark.parametrize(
    ("changes", "message", "param"),
    [
        ({"instruction": None}, "expected 'instruction', got a request without it: add it", "instruction"),
        ({"object": "mug"}, "expected one of 'instruction' and 'object', got both: leave one out", "object"),
        ({"image": None}, "expected 'image', got a request without it: add it", "image"),
        ({"image_url": "x"}, "expected one of 'image' and 'image_url', got both: leave one out", "image_url"),
        ({"intrinsic": {}}, "expected known fields, got 'intrinsic': did you mean 'intrinsics'?", "intrinsic"),
        ({"zoom": 2}, "expected known fields, got 'zoom': leave it out", "zoom"),
        ({"fov": 60, "intrinsics": {}}, "expected one of 'intrinsics' and 'fov', got both: leave one out", "fov"),
        ({"fov": 600}, "expected a field of view of 1 to 175 degrees, got 600: give the full angle in degrees", "fov"),
        (
            {"reasoning": "perhaps"},
            "expected 'reasoning' to be true or false, got 'perhaps'",
            "reasoning",
        ),
        ({"intrinsics": "fx"}, "expected JSON, got 'fx': write it as in a JSON request", "intrinsics"),
        (
            {"depth_unit": "mm"},
            "expected 'depth' with 'depth_unit', got none: give it, or leave the unit out",
            "depth_unit",
        ),
        (
            {"spatial_refs": [[0.1, 0.1]]},
            "expected no spatial_refs, got some: say in words which place is meant",
            "spatial_refs",
        ),
        (
            {"depth": "estimate"},
            "expected a server with a depth model for estimated depth, got one without: send the depth itself, "
            "or start the server with --depth-model",
            "depth",
        ),
    ],
)
def test_what_cannot_be_used_is_told(
    client: httpx.Client, changes: dict[str, Any], message: str, param: str | None
) -> None:
    response = client.post("/v1/point", json={k: v for k, v in body(**changes).items() if v is not None})
    told = response.json()["error"]
    assert response.status_code == 400
    assert (told["message"], told["param"]) == (message, param)


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({"picture": ("a.png", b"x")}, {}, "expected files named 'image' and 'depth', got 'picture': rename it"),
        ({"image": ("a.png", b"")}, {}, "expected a file in 'image', got an empty one: choose another"),
        ({"image": ("a.png", b"x")}, {"image": "x"}, "expected 'image' once, got it twice: leave one out"),
        ({"image": ("a.png", b"x")}, {"image_url": "x", "object": "mug"},
         "expected one of 'image' and 'image_url', got both: leave one out"),
        ({f"f{number}": ("a", b"x") for number in range(5)}, {},
         "expected a whole multipart form, got a broken one (Too many files. Maximum number of files is 4)"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_used_is_told(client: httpx.Client, files: Any, data: Any, message: str) -> None:
    response = client.post("/v1/point", files=files, data=data)
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


def test_a_broken_form_is_told(client: httpx.Client) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        response = client.post("/v1/point", content=b"--y\r\nno form", headers={"Content-Type": content_type})
        assert response.status_code == 400
        assert response.json()["error"]["message"].startswith("expected a whole multipart form, got a broken one (")


def test_bare_base64_is_taken(client: httpx.Client) -> None:
    assert answer(client, image=base64_of(png()))["points"] == answer(client)["points"]
