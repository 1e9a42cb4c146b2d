"""Limits and refusals of a real server: exact status and text, in the shape of each protocol."""

from __future__ import annotations

import gzip
import io
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from PIL import Image

from roborefer.predictor import Predictor
from roborefer.serving.connections import TimedProtocol, timed_protocol

from ..models.tiny_models import picture  # noqa: TID252 - shared models
from .asking import depth_png, encoded, png
from .live_server import base64_of, data_uri, running
from .protocols import PATHS, WEB, request_of, told
from .scripted_predictor import ScriptedPredictor
from .stub_predictor import StubPredictor

BODY_SECONDS = 0.6
MOST = 40_000


@pytest.fixture(scope="module")
def url(predictor: Predictor) -> Iterator[str]:
    limits: dict[str, Any] = {"max_body_bytes": MOST, "body_seconds": BODY_SECONDS, "max_pixels": 100_000}
    with running(predictor, **limits, max_new_tokens=8) as url:
        yield url


def tiff_of(width: int, height: int) -> bytes:
    """A file of a few bytes that claims to be so large."""
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    head = stream.getvalue()
    size = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + head[24:29]
    return head[:12] + size + zlib.crc32(size).to_bytes(4, "big") + head[33:]


BROKEN = [
    (png()[:-40], "expected a whole picture, got one that is truncated or broken in the image ("),
    (tiff_of(30_000, 30_000), "expected at most 0.1 megapixels, got 30000x30000 in the image: "),
    (tiff_of(400, 400), "expected at most 0.1 megapixels, got 0.16 in the image: "),
    (b"GIF89a", "expected a whole GIF picture, got a broken header in the image: "),
    (b"no picture at all", "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else in the "
                           "image: "),
    (depth_png(), "expected an 8-bit picture, got mode I;16 in the image, "),
]  # fmt: skip
IMAGE_FIELD = {
    "/v1/chat/completions": "messages[0].content[0].image_url.url",
    "/v1/point": "image_url",
    "/v1/query": "image_url",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("image", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_picture_that_is_none(url: str, path: str, image: bytes, message: str) -> None:
    response = WEB.post(url + path, json=request_of(path, image))
    assert response.status_code == 400
    assert told(response, path).startswith(message)
    if path in IMAGE_FIELD:
        assert response.json()["error"]["param"] == IMAGE_FIELD[path]


def test_of_several_files_the_one_at_fault_is_named(url: str) -> None:
    depth = data_uri(depth_png()[:-40])
    pointed = WEB.post(f"{url}/v1/point", json={**request_of("/v1/point", png()), "depth": depth})
    assert told(pointed, "/v1/point").startswith(
        "expected a whole picture, got one that is truncated or broken in the d"
    )
    assert pointed.json()["error"]["param"] == "depth"
    chat = request_of("/v1/chat/completions", png())
    chat["messages"][0]["content"][1:1] = [
        {"type": "image_url", "image_url": {"url": data_uri(b"no picture")}},
        {"type": "depth_url", "depth_url": {"url": data_uri(depth_png())}},
        {"type": "depth_url", "depth_url": {"url": data_uri(depth_png())}},
    ]
    chatted = WEB.post(f"{url}/v1/chat/completions", json=chat)
    assert "got something else in image 2: " in told(chatted, "/v1/chat/completions")
    assert chatted.json()["error"]["param"] == "messages[0].content[1].image_url.url"
    pair = {"image_url": [base64_of(png())] * 2, "depth_url": [base64_of(depth_png()), base64_of(b"none")]}
    published = WEB.post(f"{url}/query", json={**pair, "enable_depth": 1, "text": "?"})
    assert "got something else in depth 2: " in told(published, "/query")


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/chat/completions", "messages"), ("/v1/point", "object"), ("/v1/query", "question"), ("/query", None)],
)
def test_a_question_that_is_too_long(url: str, path: str, field: str | None) -> None:
    response = WEB.post(url + path, json=request_of(path, png(), "cup " * 5001))
    assert response.status_code == 400
    assert told(response, path) == "expected a question of at most 20000 characters, got 20004: shorten it"
    if field is not None:
        assert response.json()["error"]["param"] == field


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_long(url: str, path: str) -> None:
    message = "expected a body of at most 0.0381470 MiB, got more: send smaller pictures"
    for content in (bytes(MOST + 1), iter([bytes(MOST), b"1"])):  # with its length in the head, and in chunks
        response = WEB.post(url + path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 413
        assert told(response, path) == message.replace("0.0381470", f"{MOST / (1 << 20):g}")
        # The rest of a body that nobody reads must not be taken for the next request.
        assert isinstance(content, bytes) is False or response.headers["connection"] == "close"


def test_a_caller_that_sends_all_before_it_reads_sees_the_refusal(url: str) -> None:
    with connected(url) as caller:
        caller.sendall(head("/v1/point", 3 * MOST))
        for _ in range(3):
            caller.sendall(bytes(MOST))
            time.sleep(0.02)
        assert b" 413 " in everything(caller)


@pytest.mark.parametrize("path", PATHS)
def test_a_slow_sender(url: str, path: str) -> None:
    started = time.monotonic()
    with connected(url) as caller:
        caller.sendall(head(path, 1000))
        stop = threading.Event()
        dripping = threading.Thread(target=drip, args=(caller, stop))
        dripping.start()
        answer = everything(caller)
        stop.set()
        dripping.join()
    assert BODY_SECONDS * 0.9 < time.monotonic() - started < BODY_SECONDS + 3
    assert answer.startswith(b"HTTP/1.1 408 ")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    message = "expected the whole body within 0.6 s, got a part: send it again"
    assert message == (body["answer"] if path == "/query" else body["error"]["message"])


def test_a_caller_that_sends_no_whole_head_is_let_go(url: str) -> None:
    for beginning in (b"", b"POST /v1/point HT"):
        with connected(url) as caller:
            caller.sendall(beginning)
            assert everything(caller).startswith(b"HTTP/1.1 408 ")


def test_the_heads_limit_does_not_cut_a_long_answer(url: str) -> None:
    predictor = StubPredictor()
    with running(predictor, body_seconds=0.1) as slow:
        predictor.gate.clear()
        threading.Timer(0.4, predictor.gate.set).start()
        assert WEB.post(f"{slow}/v1/point", json=request_of("/v1/point", png())).status_code == 200
    assert timed_protocol(0.1).head_seconds != TimedProtocol.head_seconds


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def head(path: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {length}")
    return "\r\n".join((*lines, "", "")).encode()


def drip(caller: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            caller.sendall(b" ")
        except OSError:
            return


def everything(caller: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    received = b""
    while part := caller.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a JSON object, got an empty body: send one"),
        (b"{", "expected a whole JSON object, got one that ends too early, at line 1, column 1: send all of it"),
        (b"[]", "expected a request to be an object, got a list"),
        (b"NaN", "expected a request to be an object, got nan"),
        (b"[" * 20_000, "expected a JSON object, got one that is nested too deeply at line 1, column "),
        (b'{"text": "\\ud800"}', "expected a JSON object, got text that is no JSON at line 1, column 17: correct it"),
        (b"\xff\xfe", "expected a JSON object, got text that is no JSON at line 1, column 1: correct it there"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_request(url: str, path: str, content: bytes, message: str) -> None:
    response = WEB.post(url + path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert told(response, path).startswith(message)


WRONG = [
    ("/v1/chat/completions", {"messages": 5}, "expected 'messages' to be a list, got 5"),
    (
        "/v1/chat/completions",
        {"messages": []},
        "expected at least 1 in 'messages', got 0: add what is missing",
    ),
    ("/v1/chat/completions", {"messages": [{}]}, "expected 'messages[0].role', got a request without it: add it"),
    (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": 1}]},
        "expected 'messages[0].content' to be text, got 1",
    ),
    ("/v1/query", {"image_url": "x"}, "expected 'question', got a request without it: add it"),
    ("/v1/query", {"image_url": ["x"], "question": "?"}, "expected 'image_url' to be text, got a list"),
    ("/query", {"image_url": "x", "text": "?"}, "expected 'image_url' to be a list, got 'x'"),
    (
        "/query",
        {"image_url": [], "text": "?"},
        "expected base64 of a picture in 'image_url', got an empty ",
    ),
    ("/query", {"image_url": [None], "text": "?"}, "expected 'image_url[0]' to be text, got null"),
    ("/v1/point", {"image": "x", "object": {}}, "expected 'object' to be text, got an object"),
    ("/v1/point", {"fov": 1e999}, "expected 'fov' to be a finite number, got inf"),
    ("/v1/point", {"max_new_tokens": -1}, "expected 'max_new_tokens' of at least 1, got -1"),
    ("/v1/point", {"max_new_tokens": 1.5}, "expected 'max_new_tokens' to be a whole number, got 1.5"),
    ("/v1/point", {"world_from_camera": [[1, 2], "x"]}, "expected 'world_from_camera[1]' to be a list, got 'x'"),
    (
        "/v1/point",
        {"world_from_camera": [[1.0]] * 17},
        "expected at most 16 in 'world_from_camera', got 17: leave some out",
    ),
    ("/v1/query", {"question": "?", "settings": {"max_tokens": "x"}}, "expected 'settings.max_tokens' to be a whole "),
    ("/v1/query", {"question": "?", "settings": 1}, "expected 'settings' to be an object, got 1"),
    ("/v1/point", {"fov": "wide"}, "expected 'fov' to be a number, got 'wide'"),
]


@pytest.mark.parametrize(("path", "content", "message"), WRONG)
def test_a_field_of_another_type(url: str, path: str, content: Any, message: str) -> None:
    response = WEB.post(url + path, content=json.dumps(content), headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert told(response, path).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message", "field"),
    [
        (
            {"intrinsics": {"fx": float("nan"), "fy": 1, "cx": 1, "cy": 1}},
            "expected a finite number for fx, got 'nan'",
            "intrinsics",
        ),
        (
            {"intrinsics": {"fx": 1e30, "fy": 1, "cx": 1, "cy": 1}},
            "'intrinsics': expected a horizontal field of view",
            "intrinsics",
        ),
        (
            {"intrinsics": {"fx": 50, "fy": 50, "cx": 30, "cy": 20, "width": 10**30, "height": 40}},
            "expected intrinsics for the ",
            "intrinsics",
        ),
        ({"fov": 200}, "expected a field of view of 1 to 175 degrees, got 200", "fov"),
        (
            {"fov": 60, "image_url": data_uri(b"no picture")},
            "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else in the image: ",
            "image_url",
        ),
        (
            {"world_from_camera": [[float("nan")] * 4] * 4},
            "expected 'world_from_camera[0][0]' to be a finite number",
            "world_from_camera[0][0]",
        ),
        ({"world_from_camera": [[1e300] * 4] * 4}, "world_from_camera", "world_from_camera"),
        ({"world_from_camera": [[1.0]]}, "world_from_camera: expected", "world_from_camera"),
        ({"depth": data_uri(b"no depth")}, "expected a picture", "depth"),
        ({"depth": data_uri(depth_png(30, 20))}, "expected depth of the image's size 60x40, got 30x20", "depth"),
        ({"depth": data_uri(depth_png()), "depth_unit": 1e30}, "implausible depth in the depth: ", "depth"),
        (
            {"depth": data_uri(depth_png()), "depth_unit": -1},
            "expected a positive scale in metres per unit, got -1: 0.001 means millimetres",
            "depth_unit",
        ),
        ({"object": " "}, "expected an instruction such as 'the cup behind the plate', got an empty one: ", "object"),
    ],
)
def test_numbers_that_cannot_be(url: str, changes: dict[str, Any], message: str, field: str) -> None:
    content = json.dumps({**request_of("/v1/point", png()), **changes})
    response = WEB.post(f"{url}/v1/point", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert told(response, "/v1/point").startswith(message)
    assert response.json()["error"]["param"] == field


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_another_kind(url: str, path: str) -> None:
    response = WEB.post(url + path, data={"image_url": "x"})
    kinds = "application/json or multipart/form-data" if path == "/v1/point" else "application/json"
    message = f"expected content of type {kinds}, got application/x-www-form-urlencoded: set the header Content-Type"
    assert (response.status_code, told(response, path)) == (415, message)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_is_compressed(url: str, path: str, kind: str) -> None:
    content = gzip.compress(json.dumps(request_of(path, png())).encode())
    response = WEB.post(url + path, content=content, headers={"Content-Type": kind, "Content-Encoding": "gzip"})
    message = "expected a body without Content-Encoding, got gzip: send it as it is"
    assert (response.status_code, told(response, path)) == (415, message)


@pytest.mark.parametrize("path", PATHS)
def test_an_address_is_not_fetched(url: str, path: str) -> None:
    response = WEB.post(url + path, json=request_of(path, "http://169.254.169.254/latest/meta-data"))
    assert response.status_code == 400
    assert "expected the picture itself, got an address on '169.254.169.254', which this server does not" in told(
        response, path
    )
    local = WEB.post(url + path, json=request_of(path, "file:///etc/passwd"))
    assert "expected base64, a data URI or an http address, got one of file: " in told(local, path)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_without_such_a_method(url: str, path: str) -> None:
    response = WEB.delete(url + path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert told(response, path) == f"{path} does not take this method: /docs lists what it takes"


def test_a_bound_beyond_the_servers_is_the_servers(url: str) -> None:
    content = json.dumps({**request_of("/v1/point", png()), "max_new_tokens": 10**70})
    response = WEB.post(f"{url}/v1/point", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_too_many_too_late_and_given_up(path: str) -> None:
    predictor = StubPredictor()
    body = request_of(path, png(), "the mug")
    with running(predictor, queue_limit=1, request_seconds=0.6) as url, ExitStack() as later:
        predictor.gate.clear()
        later.callback(predictor.gate.set)
        late: list[httpx.Response] = []
        threads = [threading.Thread(target=lambda: late.append(WEB.post(url + path, json=body))) for _ in range(2)]
        for thread in threads:
            thread.start()
            time.sleep(0.2)  # the first is being answered when the second begins to wait
        busy = WEB.post(url + path, json=body)
        assert busy.status_code == 429
        assert told(busy, path) == "too many questions are waiting: try again in 1 s"
        assert busy.headers["retry-after"] == "1"
        for thread in threads:
            thread.join()
        assert [response.status_code for response in late] == [504, 504]
        assert told(late[0], path) == "expected an answer within 0.6 s, got none: ask again, or allow more time"


@pytest.mark.parametrize("path", PATHS)
def test_a_caller_may_wait_for_less_long(path: str) -> None:
    predictor = StubPredictor()
    body = request_of(path, png())
    with running(predictor) as url, ExitStack() as later:
        assert WEB.post(url + path, json=body, headers={"X-Timeout-Seconds": "9"}).status_code == 200
        predictor.gate.clear()
        later.callback(predictor.gate.set)
        late = WEB.post(url + path, json=body, headers={"X-Timeout-Seconds": "0.1"})
        assert late.status_code == 504
        assert told(late, path) == "expected an answer within 0.1 s, got none: ask again, or allow more time"
        for wrong in ("0", "-1", "nan", "inf", "soon"):
            refused = WEB.post(url + path, json=body, headers={"X-Timeout-Seconds": wrong})
            assert refused.status_code == 400
            assert told(refused, path) == (
                f"expected X-Timeout-Seconds in seconds above 0, got '{wrong}': mend it, or leave it out"
            )


@pytest.mark.parametrize("path", PATHS)
def test_a_defect_tells_nothing_but_that_it_is_one(path: str) -> None:
    predictor = StubPredictor()
    with running(predictor) as url:

        def fail(text: str) -> None:
            raise RuntimeError("secret path /home/me")

        predictor.fault = fail
        response = WEB.post(url + path, json=request_of(path, png()))
        assert response.status_code == 500
        assert told(response, path) == "the model failed on this question: the server's log says how"
        assert "secret" not in response.text


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_that_leaves_is_not_answered(stream: bool) -> None:
    predictor = StubPredictor()
    with running(predictor) as url:
        predictor.gate.clear()
        content = json.dumps({**request_of("/v1/point", png()), "stream": stream}).encode()
        with connected(url) as caller:
            caller.sendall(head("/v1/point", len(content)) + content)
            while not any("the mug" in batch for batch in predictor.batches):
                time.sleep(0.01)
        # The stub goes on until nobody waits for it any more.
        assert metric(url, 'roborefer_requests_total{protocol="point",status="499"}') == 1
        assert metric(url, "roborefer_left_total") == 1
        assert metric(url, "roborefer_running") == 0
        assert not predictor.gate.is_set()


def test_a_caller_that_leaves_a_stream_that_began_is_counted_as_such() -> None:
    predictor = ScriptedPredictor()
    with running(predictor) as url:
        content = json.dumps({**request_of("/v1/point", png()), "stream": True}).encode()
        with connected(url) as caller:
            predictor.pause_s = 0.3
            caller.sendall(head("/v1/point", len(content)) + content)
            assert b" 200 " in caller.recv(4096)
        assert metric(url, 'roborefer_requests_total{protocol="point",status="499"}') == 1
        assert 'protocol="point",status="200"' not in WEB.get(f"{url}/metrics").text


def metric(url: str, name: str, within: float = 5.0) -> float:
    """A metric once it is there and its gauges have come to rest."""
    deadline = time.monotonic() + within
    while True:
        lines = WEB.get(f"{url}/metrics").text.splitlines()
        found = [float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")]
        if (found and (found[0] == 0) == (name == "roborefer_running")) or time.monotonic() > deadline:
            return found[0] if found else float("nan")
        time.sleep(0.02)


def test_bodies_of_all_callers_together_are_bounded() -> None:
    with running(StubPredictor(), max_body_bytes=1000, body_seconds=5.0) as url, ExitStack() as stack:
        content = json.dumps({"text": "x"}).encode()
        callers = [stack.enter_context(connected(url)) for _ in range(5)]
        for caller in callers:
            caller.sendall(head("/query", 950) + b" " * 940)
            time.sleep(0.05)
        refusal = callers[-1].recv(4096)
        assert b" 429 " in refusal
        assert json.loads(refusal.partition(b"\r\n\r\n")[2])["answer"] == (
            "the requests in memory have the 0.00381 MiB that they may have together: try again in 1 s"
        ).replace("0.00381", f"{4000 / (1 << 20):g}")
        assert metric(url, 'roborefer_refused_total{reason="busy"}') == 1
        callers[0].sendall(b" " * 10)
        assert b" 400 " in callers[0].recv(4096)
        # There is room again.
        response = WEB.post(f"{url}/query", content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 400


def test_a_picture_may_be_large_where_the_limit_is() -> None:
    with running(StubPredictor()) as url:
        large = encoded(picture(1000, 900), "BMP")
        assert len(large) > 2 << 20  # so long that it is parsed beside the event loop
        response = WEB.post(f"{url}/v1/point", json=request_of("/v1/point", large), timeout=30)
        assert response.status_code == 200
        assert response.json()["image_size"] == [1000, 900]
