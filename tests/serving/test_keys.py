"""Who may ask: keys in every protocol's header, and nobody else's web pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from roborefer.serving.limits import is_loopback

from .asking import png
from .live_server import running
from .protocols import PATHS, WEB, request_of, told
from .stub_predictor import StubPredictor

KEYS = ("first-key", "second-key")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(StubPredictor()) as url:
        yield url


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    with running(StubPredictor(), api_keys=KEYS) as url:
        yield url


@pytest.mark.parametrize("path", [*PATHS, "/v1/models", "/metrics", "/nothing"])
def test_without_a_key_nothing_is_told(locked: str, path: str) -> None:
    def asked(**headers: str) -> httpx.Response:
        if path in PATHS:
            return WEB.post(locked + path, json=request_of(path, png()), headers=headers)
        return WEB.get(locked + path, headers=headers)

    missing = (
        "expected an API key in the header Authorization (Bearer), X-API-Key or X-Moondream-Auth, got none: "
        "ask the server's owner for one"
    )
    wrong = "expected one of the server's API keys, got another: ask its owner for one"
    for headers, message in (
        ({}, missing),
        ({"Authorization": "Basic Zmlyc3Qta2V5"}, missing),
        ({"Authorization": "Bearer first-ke"}, wrong),
        ({"Authorization": "Bearer first-key2"}, wrong),
        ({"X-API-Key": "\u00e9"}, wrong),
    ):
        response = asked(**{name: value.encode("latin-1") for name, value in headers.items()})  # type: ignore[arg-type]
        assert response.status_code == 401
        assert told(response, path) == message
        assert response.headers["www-authenticate"] == "Bearer"
    expected = 404 if path == "/nothing" else 200
    for name, value in (
        ("Authorization", "Bearer first-key"),
        ("authorization", "bearer second-key"),
        ("X-API-Key", "first-key"),
        ("X-Moondream-Auth", "second-key"),
    ):
        assert asked(**{name: value}).status_code == expected


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/docs", "/openapi.json", "/page/index.html"])
def test_what_tells_nothing_needs_no_key(locked: str, path: str) -> None:
    assert WEB.get(locked + path).status_code == 200


def test_web_pages_of_other_sites_are_refused(url: str, locked: str) -> None:
    body = request_of("/v1/point", png())
    # A name that an attacker has pointed at this machine.
    rebound = WEB.post(f"{url}/v1/point", json=body, headers={"Host": "evil.example:80"})
    assert (rebound.status_code, told(rebound, "/v1/point")) == (
        403,
        "expected a request to localhost, got one to 'evil.example:80': start the server with an API key",
    )
    crossed = WEB.post(f"{url}/v1/point", json=body, headers={"Origin": "https://evil.example"})
    assert (crossed.status_code, told(crossed, "/v1/point")) == (
        403,
        "expected a request of this server's own page, got one of 'https://evil.example': start the server with "
        "--allow-origin to let it ask",
    )
    assert WEB.post(f"{url}/v1/point", json=body, headers={"Origin": url}).status_code == 200
    named = {"Host": "robots.example", "Origin": "https://evil.example", "X-API-Key": KEYS[0]}
    assert WEB.post(f"{locked}/v1/point", json=body, headers=named).status_code == 200


SITE = "https://robots.example.org"
"""What is let in."""


def preflight(url: str, origin: str) -> httpx.Response:
    """What a browser asks before it sends a page's question with a key."""
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return WEB.options(f"{url}/v1/point", headers={"Origin": origin, **wanted})


@pytest.mark.parametrize("keys", [KEYS, ()])
def test_web_pages_of_an_origin_that_is_named_may_ask(keys: tuple[str, ...]) -> None:
    body = request_of("/v1/point", png())
    with running(StubPredictor(), api_keys=keys, allow_origins=(SITE, "http://localhost:8000")) as url:
        before = preflight(url, SITE)
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == SITE
        assert before.headers["access-control-allow-headers"] == "authorization,content-type"
        key = {"Authorization": f"Bearer {keys[0]}"} if keys else {}
        asked = WEB.post(f"{url}/v1/point", json=body, headers={"Origin": SITE, **key})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == SITE
        assert asked.headers["access-control-expose-headers"] == "x-request-id, retry-after"
        if keys:
            refused = WEB.post(f"{url}/v1/point", json=body, headers={"Origin": SITE})
            assert refused.status_code == 401
            assert refused.headers["access-control-allow-origin"] == SITE
        other = WEB.post(f"{url}/v1/point", json=body, headers={"Origin": "https://evil.example", **key})
        assert other.status_code == (200 if keys else 403)
        for response in (preflight(url, "https://evil.example"), other):
            assert "access-control-allow-origin" not in response.headers


def test_no_other_web_page_may_ask_unless_it_is_named(locked: str) -> None:
    assert preflight(locked, SITE).status_code == 401
    asked = WEB.post(
        f"{locked}/v1/point", json=request_of("/v1/point", png()), headers={"Origin": SITE, "X-API-Key": KEYS[0]}
    )
    assert "access-control-allow-origin" not in asked.headers


def test_what_is_this_machine() -> None:
    own = ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost")
    assert all(is_loopback(host) for host in own)
    others = ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "example.org", "")
    assert not any(is_loopback(host) for host in others)
