"""ServerSettings: defaults that are safe, and refusals that say what to do."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from roborefer import InputError
from roborefer.serving.settings import ServerSettings


def test_defaults_are_of_this_machine_alone() -> None:
    settings = ServerSettings()
    assert (settings.host, settings.port, settings.allow_open, settings.url_hosts) == ("127.0.0.1", 25547, False, ())
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"port": 70_000}, "expected a port of 0 to 65535, got 70000: 0 takes any free one"),
        ({"host": " "}, "expected a host to listen on such as 127.0.0.1, got an empty one"),
        (
            {"max_pixels": 0},
            "expected at least 1 pixel in a picture (max_pixels, --max-megapixels), got 0: give a larger number",
        ),
        (
            {"queue_limit": -1},
            "expected at least 1 question that may wait (queue_limit, --max-queue), got -1: give a larger number",
        ),
        ({"workers": 0}, "expected at least 1 thread that decodes pictures (workers), got 0: give a larger number"),
        (
            {"request_seconds": 0.0},
            "expected a time above 0 s for an answer (request_seconds, --max-seconds), got 0: give a time in seconds",
        ),
        (
            {"body_seconds": float("nan")},
            "expected a time above 0 s for a request to arrive (body_seconds, --max-upload-seconds), "
            "got nan: give a time in seconds",
        ),
        (
            {"gather_ms": -1.0},
            "expected a wait for company (gather_ms, --gather-ms) of at least 0 ms, got -1: 0 never waits",
        ),
        (
            {"cache_bytes": -1},
            "expected memory for pictures (cache_bytes, --cache-mb) of at least 0, got -1: 0 keeps no picture",
        ),
        ({"api_keys": ("",)}, "expected API keys of ASCII characters without spaces around them, got another: mend it"),
        (
            {"api_keys": ("k\u00e9y",)},
            "expected API keys of ASCII characters without spaces around them, got another: mend it",
        ),
        (
            {"url_hosts": ("http://a.org",)},
            "expected a host such as images.example.org or 10.0.0.5:8080, got 'http://a.org'",
        ),
        *(
            (
                {"allow_origins": (origin,)},
                f"expected an origin such as https://robots.example.org, without a path, got '{origin}': write it as a "
                "browser sends it",
            )
            for origin in ("*", "null", "robots.example.org", "https://a.org/", "https://A.org", "https://*.a.org")
        ),
        ({"model_name": "\n"}, "expected a printable model name, got '\\n'"),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_what_makes_no_server(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        ServerSettings(**changes)
    assert str(caught.value) == text
