"""The page, its examples and what a load balancer asks: right types, strict policy, no way to any other file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import roborefer.serving
from roborefer.serving.routes.pages import package_files

from .live_server import running
from .stub_predictor import StubPredictor

PACKAGE = Path(roborefer.serving.__file__).parent


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(StubPredictor()) as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_root_is_the_page(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.content == (PACKAGE / "page" / "index.html").read_bytes()
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert client.head("/").status_code == 200


@pytest.mark.parametrize("folder", ["page", "examples"])
def test_every_file_is_there_as_it_is(client: httpx.Client, folder: str) -> None:
    files = package_files(folder)
    assert files
    for name in files:
        response = client.get(f"/{folder}/{name}")
        assert response.content == (PACKAGE / folder / name).read_bytes()
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        again = client.get(f"/{folder}/{name}", headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/",
        "/page/index.html/",
        "/page/index.html%00",
        "/examples/..\\app.py",
        "/page/app.py",
        "/app.py",
    ],
)
def test_no_other_file_is_there(client: httpx.Client, path: str) -> None:
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())  # as it is: the client would tidy it up
    response = client.send(request)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_health_readiness_and_metrics(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "model": "roborefer"}
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "roborefer_requests_total{" in metrics.text


def test_a_server_that_stops_is_not_ready(monkeypatch: pytest.MonkeyPatch, client: httpx.Client) -> None:
    from roborefer.serving.engine import Engine

    monkeypatch.setattr(Engine, "ready", False)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "not ready"})
    refused = client.post("/v1/point", json={"image": "aGk=", "object": "mug"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["message"] == "the server is shutting down: ask another one, or again in a moment"
