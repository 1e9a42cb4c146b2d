"""Pictures as requests hold them: what is taken, what is fetched, and from where it is not."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer import InputError
from roborefer.serving.pictures import decode_reference, read_reference
from roborefer.serving.settings import ServerSettings

from .asking import png, run

CONTENT = bytes(range(256)) * 3
BASE64 = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(
    "reference",
    [
        BASE64,
        BASE64.rstrip("="),
        "\r\n".join(BASE64[start : start + 76] for start in range(0, len(BASE64), 76)),
        base64.urlsafe_b64encode(CONTENT).decode(),
        f"data:image/png;base64,{BASE64}",
        f"DATA:image/png;charset=utf-8;BASE64,{BASE64}",
        f"data:;base64,{quote(BASE64)}",
    ],
    ids=["base64", "no padding", "lines", "alphabet of URLs", "data URI", "capitals", "percent signs"],
)
def test_forms_of_base64(reference: str) -> None:
    assert decode_reference(reference, 1000) == CONTENT
    assert run(read_reference(reference, ServerSettings())) == CONTENT


def test_a_long_one_is_the_same() -> None:
    content = CONTENT * 1000
    assert run(read_reference(base64.b64encode(content).decode(), ServerSettings())) == content


@given(st.text(max_size=60) | st.text("data:;,base64=%ABCdef+/-_ \n", max_size=60), st.integers(1, 20))
def test_any_text_is_a_file_or_refused_in_one_line(reference: str, max_bytes: int) -> None:
    try:
        content = decode_reference(reference, max_bytes)
    except InputError as error:
        lines = str(error).splitlines()
    else:
        lines = ["a file"]
        assert 0 < len(content) <= max_bytes
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (None, "image: expected base64 or a data URI as text, got NoneType"),
        ({"url": "a"}, "image: expected base64 or a data URI as text, got dict"),
        ("", "image: expected a picture as base64 or a data URI, got an empty one"),
        ("data:image/png;base64,", "image: expected a picture as base64 or a data URI, got an empty one"),
        ("not base64!", "image: expected base64 or a data URI, got other text: 'not base64!'"),
        ("AAAAA", "image: expected base64 or a data URI, got other text: 'AAAAA'"),
        (
            "data:image/svg+xml,<svg/>",
            "image: expected a data URI in base64, got 'data:image/svg+xml,<svg/>': write data:image/png;base64,",
        ),
        (
            "file:///etc/passwd",
            "image: expected base64, a data URI or an http address, got one of file: send the file itself",
        ),
        ("/home/me/cup.png", "image: expected base64 or a data URI, got other text: '/home/me/cup.png'"),
    ],
)
def test_what_is_no_file(reference: object, text: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_reference(reference, 1000)
    assert str(caught.value) == text


def test_length_is_checked_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "depth: expected a file of at most 1 MiB, got "
    just_too_long = base64.b64encode(bytes((1 << 20) + 1)).decode()
    with pytest.raises(InputError, match=f"{text}1.0 MiB or more: resize it first"):
        decode_reference(just_too_long, 1 << 20, "depth")
    assert len(decode_reference(base64.b64encode(bytes(1 << 20)).decode(), 1 << 20)) == 1 << 20
    monkeypatch.setattr("base64.b64decode", lambda *_, **__: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=f"{text}6.0 MiB or more: resize it first"):
        decode_reference("A" * (8 << 20), 1 << 20, "depth")


# ---- addresses -----------------------------------------------------------------------------------------------------


@contextmanager
def host(pages: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A server of pages (bytes; a status; an address to go to; or something to call), and the paths it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            page = pages[self.path]
            if isinstance(page, bytes):
                self.send_response(200)
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
            elif isinstance(page, int):
                self.send_error(page)
            elif isinstance(page, str):
                self.send_response(302)
                self.send_header("location", page)
                self.end_headers()
            else:
                page()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetched(url: str, *hosts: str, **settings: Any) -> bytes:
    return run(read_reference(url, ServerSettings(url_hosts=hosts, **settings)))


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def not_fetched_from(entry: str) -> str:
    return (
        f"image: expected the picture itself, got an address on '{entry}', which this server does not fetch from: "
        "send base64 or a data URI, or start the server with --allow-url-host"
    )


def test_a_picture_is_fetched_from_an_allowed_host() -> None:
    with host({"/cup.png": png(), "/moved": "/moved/again", "/moved/again": "cup.png", "/moved/cup.png": png(1)}) as (
        name,
        asked,
    ):
        assert fetched(f"http://{name}/cup.png", name) == png()
        assert fetched(f"HTTP://{name}/moved", name.upper()) == png(1)
        assert asked == ["/cup.png", "/moved", "/moved/again", "/moved/cup.png"]


def test_no_other_host_is_ever_asked() -> None:
    with host({"/cup.png": png()}) as (name, asked), host({"/away": f"http://{name}/cup.png"}) as (other, _):
        for hosts in ((), ("127.0.0.1",), ("localhost",), (other,)):
            assert refused(lambda: fetched(f"http://{name}/cup.png", *hosts)) == not_fetched_from(name)  # noqa: B023
        assert refused(lambda: fetched(f"http://{other}/away", other)) == not_fetched_from(name)
        assert asked == []


@pytest.mark.parametrize(
    ("url", "hosts", "entry"),
    [
        ("http://example.org/a.png", (), "example.org"),
        ("https://example.org.evil.net/a.png", ("example.org",), "example.org.evil.net"),
        ("https://example.org:8443/a.png", ("example.org",), "example.org:8443"),
        ("http://[::1]/a.png", ("::2",), "[::1]"),
        ("http://[::1]:80/a.png", (), "[::1]"),
    ],
)
def test_hosts_are_compared_whole(url: str, hosts: tuple[str, ...], entry: str) -> None:
    assert refused(lambda: fetched(url, *hosts)) == not_fetched_from(entry)


@pytest.mark.parametrize(
    "url", ["http://me:secret@example.org/a.png", "http://@example.org/a.png", "http:///a.png", "https://?a"]
)
def test_addresses_with_a_password_or_without_a_host(url: str) -> None:
    expected = f"image: expected an address as https://host/path without a password, got {url!r}"
    assert refused(lambda: fetched(url, "example.org")) == expected


@pytest.mark.parametrize("url", ["http://example.org:99999/a", "http://[::1/a"])
def test_broken_addresses(url: str) -> None:
    expected = f"image: expected an http address, got a broken one: {url!r}"
    assert refused(lambda: fetched(url, "example.org")) == expected


def test_a_host_that_does_not_deliver() -> None:
    gone_on = threading.Event()
    pages = {"/gone": 404, "/round": "/round", "/nowhere": "ftp://example.org/a.png", "/late": gone_on.wait}
    with host({**pages, "/large": bytes(5000)}) as (name, asked):

        def failure(path: str, **settings: Any) -> str:
            return refused(lambda: fetched(f"http://{name}{path}", name, **settings))

        try:
            assert failure("/gone") == "image: cannot fetch the picture (HTTP 404): send the picture itself"
            assert failure("/round") == "image: expected a picture, got more than 3 redirects: send the picture itself"
            assert asked.count("/round") == 4
            assert failure("/nowhere").startswith("image: expected an address as https://host/path")
            assert failure("/late", body_seconds=0.1) == (
                "image: expected the picture's host to deliver it within 0.1 s, got less: send the picture itself"
            )
            assert failure("/large", max_body_bytes=4096).startswith("image: expected a file of at most 0.00390625 MiB")
        finally:
            gone_on.set()
    assert failure("/gone").startswith("image: cannot fetch the picture (")
