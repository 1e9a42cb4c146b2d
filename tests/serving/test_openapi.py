"""The OpenAPI document: requests made up from it never end in a defect, and replies are as it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ..models.pointing_models import pointing_config, pointing_predictor  # noqa: TID252 - shared models
from .asking import png
from .live_server import base64_of, data_uri, running
from .stub_predictor import StubPredictor

EXAMPLES = 25
PATHS = ("/v1/chat/completions", "/v1/point", "/v1/query", "/query")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    predictor = pointing_predictor(pointing_config(untrained=True))
    with running(predictor, max_new_tokens=20, api_keys=("key",)) as url:
        yield url


@pytest.fixture(scope="module")
def document(url: str) -> Any:
    return httpx.get(f"{url}/openapi.json").json()


NEEDED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": data_uri(png())}},
                    {"type": "text", "text": "Where is it?"},
                ],
            }
        ],
        "n": 1,
        "stop": None,
    },
    "/v1/point": {"image": data_uri(png()), "object": "mug", "image_url": None, "instruction": None, "depth": None},
    "/v1/query": {"image_url": data_uri(png()), "question": "Where is it?"},
    "/query": {"image_url": [base64_of(png())], "text": "Where is it?", "enable_depth": 0},
}
"""What a request of each protocol needs to be answered; without it, what is made up seldom gets further than that."""


@pytest.mark.parametrize("path", PATHS)
def test_requests_made_up_from_the_document(document: Any, url: str, path: str) -> None:
    operation = schemathesis.openapi.from_dict(document)[path]["POST"]
    statuses = Counter[int]()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        if case.media_type == "application/json":
            case.body = {**case.body, **(NEEDED[path] if sum(statuses.values()) % 2 else {})}
        response = case.call_and_validate(base_url=url, headers={"Authorization": "Bearer key"}, checks=CHECKS)
        statuses[response.status_code] += 1

    ask()
    # They come as far as the model, and not all of them.
    assert {200, 400} <= statuses.keys() <= {200, 400, 413, 415}


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/{id}", "/healthz", "/readyz", "/metrics"])
def test_what_is_only_read_is_as_the_document_says(document: Any, url: str, path: str) -> None:
    case = schemathesis.openapi.from_dict(document)[path]["GET"].Case(path_parameters={"id": "any"})
    response = case.call_and_validate(base_url=url, headers={"Authorization": "Bearer key"}, checks=CHECKS)
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/{id}", "/metrics"])
def test_a_reader_without_a_key_is_refused_as_the_document_says(document: Any, url: str, path: str) -> None:
    case = schemathesis.openapi.from_dict(document)[path]["GET"].Case(path_parameters={"id": "any"})
    response = case.call_and_validate(base_url=url, checks=CHECKS)
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/{id}", "/healthz", "/readyz", "/metrics"])
def test_a_reader_from_elsewhere_is_refused_as_the_document_says(document: Any, path: str) -> None:
    with running(StubPredictor()) as url:
        case = schemathesis.openapi.from_dict(document)[path]["GET"].Case(path_parameters={"id": "any"})
        response = case.call_and_validate(base_url=url, headers={"Host": "evil.example"}, checks=CHECKS)
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/point"])
def test_the_documents_example_is_answered(document: Any, url: str, path: str) -> None:
    example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    response = httpx.post(url + path, json=example, headers={"Authorization": "Bearer key"}, timeout=30)
    assert response.status_code == 200, response.text


def test_the_document_names_every_field(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {"image", "instruction", "depth", "intrinsics", "world_from_camera"} <= schemas["PointRequest"][
        "properties"
    ].keys()
    assert document["security"] == [{"key": []}]
    assert set(PATHS) <= document["paths"].keys()


def test_the_page_about_it_tells_all_paths_and_fields(document: Any, url: str) -> None:
    response = httpx.get(f"{url}/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for name in (*document["paths"], *document["components"]["schemas"]):
        assert name in response.text
    assert "<h2>Schemas</h2>" in response.text
    assert response.text.count("<details open ") == sum(len(methods) for methods in document["paths"].values())
    assert response.text.count("<details>") == len(document["components"]["schemas"])
    assert "&#34;instruction&#34;: &#34;the red tomato&#34;" in response.text
    # Nothing from elsewhere, and no script at all.
    assert "<script" not in response.text
    assert "http" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
