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
        ({"max_pixels": 0}, "expected max_pixels of at least 1, got 0"),
        ({"queue_limit": -1}, "expected queue_limit of at least 1, got -1"),
        ({"workers": 0}, "expected workers of at least 1, got 0"),
        ({"request_seconds": 0.0}, "expected request_seconds above 0, got 0: give a time in seconds"),
        ({"body_seconds": float("nan")}, "expected body_seconds above 0, got nan: give a time in seconds"),
        ({"gather_ms": -1.0}, "expected gather_ms of at least 0, got -1: 0 never waits"),
        ({"cache_bytes": -1}, "expected cache_bytes of at least 0, got -1: 0 keeps no picture"),
        ({"api_keys": ("",)}, "expected API keys of ASCII characters without spaces around them, got another: mend it"),
        (
            {"api_keys": ("k\u00e9y",)},
            "expected API keys of ASCII characters without spaces around them, got another: mend it",
        ),
        (
            {"url_hosts": ("http://a.org",)},
            "expected a host such as images.example.org or 10.0.0.5:8080, got 'http://a.org'",
        ),
        ({"model_name": "\n"}, "expected a printable model name, got '\\n'"),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_what_makes_no_server(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        ServerSettings(**changes)
    assert str(caught.value) == text
