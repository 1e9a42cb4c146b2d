"""What is sent to each kind of server, what is read from it, and what happens when it fails."""

from __future__ import annotations

import base64
import io
import math
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.evaluation.asking import Question
from roborefer.evaluation.backends.http_client import HttpClient, Patience, RequestFailedError
from roborefer.evaluation.backends.pictures import encode_depth, encode_picture, fitting_size
from roborefer.evaluation.backends.servers import ServerBackend, ServerSettings
from roborefer.geometry.depth import depth_picture, read_depth

from .local_server import Traffic, running_server
from .made_up import HEIGHT, INSIDE, WIDTH, depth, picture, png, save

QUICK = Patience(timeout=2.0, retries=3, backoff=0.001)


def ask(traffic: Traffic, question: Question, patience: Patience = QUICK, **settings: Any) -> Any:
    with running_server(traffic) as url:
        told = {"api": "openai", "model": "m"} | settings
        address = url + str(told.pop("path", ""))
        with HttpClient(patience) as client:
            return ServerBackend(ServerSettings(url=address, **told), client).ask([question])[0]


def cup(**changes: Any) -> Question:
    fields: dict[str, Any] = {"text": "Point to cup 1.", "images": (png(picture()),), "object": "cup 1"}
    return Question(**(fields | changes))


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2])))


# ---- requests and replies --------------------------------------------------------------------------------------------


def test_openai() -> None:
    traffic = Traffic()
    reply = ask(traffic, cup(depth=png(depth())), depth_mode="given", max_new_tokens=77)
    path, _, content = traffic.requests[0]
    assert (reply.text, reply.error, reply.attempts) == (INSIDE, None, 1)
    assert path == "/v1/chat/completions"
    assert (content["model"], content["temperature"], content["max_tokens"]) == ("m", 0, 77)
    image, depth_part, text = content["messages"][0]["content"]
    assert text == {"type": "text", "text": "Point to cup 1."}
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(png(picture())).decode()
    sent = np.asarray(decoded(depth_part["depth_url"]["url"]))
    metres = read_depth(png(depth())).metres
    assert metres is not None
    assert (sent == depth_picture(metres)).all()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_may_end_anywhere(path: str) -> None:
    traffic = Traffic()
    assert ask(traffic, cup(), path=path).text == INSIDE
    assert traffic.requests[0][0] == "/v1/chat/completions"


def test_the_published_server() -> None:
    traffic = Traffic()
    assert ask(traffic, cup(), api="query", depth_mode="estimated").text == INSIDE
    path, _, content = traffic.requests[0]
    assert path == "/query"
    assert content == {
        "image_url": [base64.b64encode(png(picture())).decode()],
        "depth_url": [],
        "enable_depth": 1,
        "text": "Point to cup 1.",
    }
    traffic = Traffic()
    ask(traffic, cup(), api="query")
    assert traffic.requests[0][2]["enable_depth"] == 0


def test_gemini() -> None:
    traffic = Traffic()
    assert ask(traffic, cup(), api="gemini", model="gemini-2.5-pro").text == INSIDE  # without its thoughts
    path, _, content = traffic.requests[0]
    assert path == "/v1beta/models/gemini-2.5-pro:generateContent"
    assert content["contents"][0]["parts"][0]["inline_data"]["mime_type"] == "image/png"
    assert content["generationConfig"] == {"temperature": 0, "maxOutputTokens": 8192}  # its thoughts count, too


def test_moondream() -> None:
    traffic = Traffic()
    assert ask(traffic, cup(text="cup 1"), api="moondream").text == '{"points": [{"x": 0.6, "y": 0.5}]}'
    assert traffic.requests[0][2]["object"] == "cup 1"
    assert ask(Traffic(), cup(pointing=False), api="moondream").text == INSIDE


def test_keys_go_into_their_header() -> None:
    traffic = Traffic()
    with running_server(traffic) as url, HttpClient(QUICK, {"Authorization": "Bearer secret"}) as client:
        ServerBackend(ServerSettings(url, "openai", "m"), client).ask([cup()])
    assert traffic.requests[0][1]["Authorization"] == "Bearer secret"


def test_a_reply_of_another_kind_is_a_failure() -> None:
    reply = ask(Traffic(fault=lambda question, number: "odd"), cup())
    assert (reply.text, reply.error) == (None, 'its reply is not that of --api openai: {"other": 1}')


def test_the_published_server_may_say_that_it_failed() -> None:
    traffic = Traffic()
    with running_server(traffic) as url:
        client = HttpClient(QUICK)
        client.post = lambda url, payload: ({"result": 0, "message": "no"}, 1)  # type: ignore[method-assign]
        reply = ServerBackend(ServerSettings(url, "query", "m"), client).ask([cup()])[0]
    assert reply.error == 'its reply is not that of --api query: {"result": 0, "message": "no"}'


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"url": "localhost:80"}, "expected --url as http://host:port, got 'localhost:80'"),
        ({"api": "gemini", "depth_mode": "given"}, "expected --depth none with --api gemini, got given"),
        ({"depth_mode": "estimated"}, "expected --depth none or given with --api openai, got estimated"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        ServerSettings(**({"url": "http://h", "api": "openai", "model": "m"} | settings))
    assert str(caught.value) == text


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_files_are_sent_as_they_are(tmp_path: Path) -> None:
    save(picture(), tmp_path / "a.jpg")
    kind, content, size = encode_picture(tmp_path / "a.jpg")
    assert (kind, size) == ("image/jpeg", None)
    assert base64.b64decode(content) == (tmp_path / "a.jpg").read_bytes()


def test_other_formats_become_png(tmp_path: Path) -> None:
    save(picture(), tmp_path / "a.webp")
    kind, content, _ = encode_picture(tmp_path / "a.webp")
    assert kind == "image/png"
    assert decoded("base64," + content).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_is_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut"
    picture().resize((200, 150)).save(path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"expected a whole picture, got one that is truncated or broken in .*cut"):
        encode_picture(path)


def test_a_picture_on_its_side_is_sent_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(tmp_path / "a.jpg", exif=exif)
    kind, content, _ = encode_picture(tmp_path / "a.jpg")
    assert kind == "image/png"
    assert decoded("base64," + content).size == (HEIGHT, WIDTH)


def test_a_picture_may_be_made_to_fit() -> None:
    _, content, size = encode_picture(png(picture()), side=28)
    assert size == (28, 28)
    assert decoded("base64," + content).size == (28, 28)


@pytest.mark.parametrize(
    ("size", "fitting"), [((640, 480), (644, 476)), ((10, 10), (28, 28)), ((56, 84), (56, 84))]
)  # fmt: skip
def test_sides_are_the_nearest_multiples(size: tuple[int, int], fitting: tuple[int, int]) -> None:
    assert fitting_size(size, 28) == fitting


def test_a_large_picture_becomes_smaller() -> None:
    width, height = fitting_size((8000, 6000), 28)
    assert width % 28 == height % 28 == 0
    assert 6_000_000 < width * height <= 12_845_056


def test_relative_depth_is_sent_as_it_is() -> None:
    grey = np.zeros((HEIGHT, WIDTH), np.uint8)
    grey[:5] = 200
    assert (np.asarray(decoded("base64," + encode_depth(png(Image.fromarray(grey)))))[..., 0] == grey).all()


# ---- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "503", "429", "cut"])
def test_what_passes_is_tried_again(fault: str) -> None:
    traffic = Traffic(fault=lambda question, number: fault if number < 2 else None)
    reply = ask(traffic, cup())
    assert (reply.text, reply.attempts) == (INSIDE, 3)


def test_what_does_not_pass_is_a_failure() -> None:
    reply = ask(Traffic(fault=lambda question, number: "502"), cup())
    assert (reply.text, reply.error, reply.attempts) == (None, "HTTP 502: <html>Bad gateway</html>", 4)


def test_a_stalled_request_is_given_up_and_tried_again() -> None:
    traffic = Traffic(fault=lambda question, number: "stall" if number == 0 else None, stall=1.0)
    started = time.monotonic()
    reply = ask(traffic, cup(), Patience(timeout=0.2, retries=1, backoff=0.001))
    assert (reply.text, reply.attempts) == (INSIDE, 2)
    assert time.monotonic() - started < 2.5


def test_a_refused_request_is_not_tried_again() -> None:
    reply = ask(Traffic(fault=lambda question, number: "400"), cup())
    assert (reply.error, reply.attempts) == ("HTTP 400: <html>Bad gateway</html>", 1)


def test_a_reply_that_is_no_json_is_a_failure() -> None:
    assert ask(Traffic(fault=lambda question, number: "garbage"), cup()).error == "its reply is no JSON: no JSON"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("html", "expected JSON from URL/v1/chat/completions, got an HTML page ('Sign in'): check --url and --api"),
        ("401", "expected URL/v1/chat/completions to answer, got HTTP 401: it wants a key: name its variable with "
                "--api-key-env"),
        ("404", "expected URL/v1/chat/completions to answer, got HTTP 404: there is no such address, or no such model"),
        ("no model", "expected URL/v1/chat/completions to answer, got HTTP 404: there is no such address, or no such "
                     "model (The model m does not exist)"),
        ("301", "expected URL/v1/chat/completions to answer, got HTTP 301: it redirects elsewhere"),
    ],
)  # fmt: skip
def test_a_server_that_is_none_stops_the_run(fault: str, text: str) -> None:
    traffic = Traffic(fault=lambda question, number: fault)
    with running_server(traffic) as url, HttpClient(QUICK) as client, pytest.raises(InputError) as caught:
        ServerBackend(ServerSettings(url, "openai", "m"), client).ask([cup()])
    assert str(caught.value).replace(url, "URL") == text
    assert len(traffic.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("html", "its reply is an HTML page ('Sign in')"),
        ("403", "HTTP 403: <html>Bad gateway</html>"),
        ("no model", "HTTP 404: The model m does not exist"),
    ],
)
def test_a_server_that_has_answered_before_fails_one_request(fault: str, error: str) -> None:
    traffic = Traffic(fault=lambda question, number: fault if "cup 2." in question else None)
    with running_server(traffic) as url, HttpClient(QUICK) as client:
        backend = ServerBackend(ServerSettings(url, "openai", "m"), client)
        replies = backend.ask([cup(), cup(text="Point to cup 2."), cup()])
    assert [reply.error for reply in replies] == [None, error, None]


def test_a_key_that_is_refused_later_stops_the_run() -> None:
    traffic = Traffic(fault=lambda question, number: "401" if "cup 2." in question else None)
    with running_server(traffic) as url, HttpClient(QUICK) as client, pytest.raises(InputError, match="wants a key"):
        ServerBackend(ServerSettings(url, "openai", "m"), client).ask([cup(), cup(text="Point to cup 2.")])


def test_nobody_at_the_address_stops_the_run() -> None:
    backend = ServerBackend(ServerSettings("http://127.0.0.1:9", "openai", "m"), HttpClient(QUICK))
    with pytest.raises(
        InputError, match=r"^cannot reach http://127\.0\.0\.1:9/.* \(.*\): start the server, or check --url$"
    ):
        backend.ask([cup()])


def test_a_server_that_goes_away_later_fails_requests() -> None:
    client = HttpClient(Patience(timeout=1.0, retries=1, backoff=0.001))
    with running_server(Traffic()) as url:
        client.post(f"{url}/query", {"text": "Point to cup 1."})
        client.close()
    with client, pytest.raises(RequestFailedError):
        client.post(f"{url}/query", {"text": "Point to cup 1."})


def test_an_address_that_is_none() -> None:
    with (
        HttpClient(QUICK) as client,
        pytest.raises(InputError, match="expected --url as http://host:port, got http://"),
    ):
        client.post("http://:/query", {})


def test_a_reply_may_be_long_but_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 1_000_000 + INSIDE
    assert ask(Traffic(answer=lambda question: long), cup()).text == long
    monkeypatch.setattr("roborefer.evaluation.backends.http_client.MAX_REPLY_BYTES", 1 << 20)
    assert ask(Traffic(answer=lambda question: long * 2), cup()).error == "its reply is longer than 1 MiB"


# ---- patience --------------------------------------------------------------------------------------------------------


def waits(client_patience: Patience, fault: str, tries: int, retry_after: str = "0.01") -> list[float]:
    waited: list[float] = []
    with (
        running_server(Traffic(fault=lambda question, number: fault, retry_after=retry_after)) as url,
        HttpClient(client_patience, sleep=waited.append) as client,
        pytest.raises(RequestFailedError),
    ):
        client.post(f"{url}/query", {"text": "Point to cup 1."})
    assert len(waited) == tries
    return waited


def test_waits_double_and_vary() -> None:
    waited = waits(Patience(retries=8, backoff=1.0), "500", 8)
    for number, seconds in enumerate(waited):
        longest = min(2.0**number, 60.0)
        assert longest / 2 <= seconds <= longest
    assert waited == waits(Patience(retries=8, backoff=1.0), "500", 8)


def test_a_server_may_ask_for_a_longer_wait() -> None:
    assert waits(Patience(retries=1, backoff=0.0), "429", 1) == [0.01]
    assert waits(Patience(retries=1, backoff=0.0), "429", 1, "99999") == [600.0]


@pytest.mark.parametrize(("seconds", "least", "most"), [(90, 60, 90), (-90, 0, 0)])
def test_a_wait_may_be_told_as_a_date(seconds: int, least: float, most: float) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    assert least <= waits(Patience(retries=1, backoff=0.0), "429", 1, date)[0] <= most


@pytest.mark.parametrize("odd", ["soon", "nan", "Thu, 99 Nov 9999999 00:00:00 GMT", "-5"])
def test_a_wait_that_is_none_is_passed_over(odd: str) -> None:
    assert waits(Patience(retries=1, backoff=0.0), "429", 1, odd) == [0.0]


def test_requests_keep_to_the_rate() -> None:
    waited: list[float] = []
    traffic = Traffic()
    with running_server(traffic) as url, HttpClient(Patience(per_minute=60), sleep=waited.append) as client:
        for _ in range(3):
            client.post(f"{url}/query", {"text": "Point to cup 1."})
    # They do not really wait here, so that each one's wait grows by a second.
    assert waited == pytest.approx([1.0, 2.0], abs=0.4)


def test_threads_share_one_client() -> None:
    traffic = Traffic(answer=lambda question: time.sleep(0.05) or INSIDE)
    with running_server(traffic) as url, HttpClient(QUICK) as client:
        threads = [
            threading.Thread(target=client.post, args=(f"{url}/query", {"text": f"Point to cup {number}."}))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(traffic.tries) == 6
    assert traffic.together > 1


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0}, {"timeout": math.nan}, {"timeout": math.inf}, {"retries": -1}, {"backoff": -1},
        {"backoff": math.nan}, {"per_minute": 0}, {"per_minute": math.nan},
    ],
)  # fmt: skip
def test_patience_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Patience(**settings)
