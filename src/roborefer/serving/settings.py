"""What a server allows, and where it listens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roborefer.errors import InputError

_LARGEST_PORT = 65535
_COUNTS = ("max_body_bytes", "max_images", "max_new_tokens", "max_question_characters", "queue_limit", "batch_limit")
_TIMES = ("request_seconds", "body_seconds", "shutdown_seconds")


@dataclass(frozen=True)
class ServerSettings:
    """Every limit of a server, with defaults for one model on one machine.

    Attributes:
        host, port: Where it listens.
        api_keys: Keys that callers must send one of; none are needed when empty.
        allow_open: Listen beyond this machine without a key.
        max_body_bytes: Longest request body, and longest picture or depth file in or behind it.
        max_pixels: Most pixels of an ask's pictures together, and of each depth map.
        max_images: Most pictures in one request.
        max_new_tokens: Longest answer; a caller that asks for more gets this many.
        max_question_characters: Longest question.
        queue_limit: Most asks that wait; more are refused with the time after which to try again.
        gather_ms: How long an idle model waits for one more ask while others are likely, milliseconds.
        batch_limit: Most asks that are answered together.
        request_seconds: Longest time from a question to its answer.
        body_seconds: Longest time that a caller may take to send a body, or another host to deliver a picture.
        shutdown_seconds: How long a stop waits for the answers in flight.
        cache_bytes: Memory for pictures that were looked at lately.
        url_hosts: Hosts (``name`` or ``name:port``) that pictures may be fetched from; none by default.
        workers: Threads that decode pictures.
        looks: New pictures that the model looks at side by side.
        model_name: What the model is called in replies.
    """

    host: str = "127.0.0.1"
    port: int = 25547
    api_keys: tuple[str, ...] = ()
    allow_open: bool = False
    max_body_bytes: int = 64 << 20
    max_pixels: int = 50_000_000
    max_images: int = 8
    max_new_tokens: int = 1024
    max_question_characters: int = 20_000
    queue_limit: int = 64
    gather_ms: float = 8.0
    batch_limit: int = 12
    request_seconds: float = 60.0
    body_seconds: float = 20.0
    shutdown_seconds: float = 30.0
    cache_bytes: int = 512 << 20
    url_hosts: tuple[str, ...] = ()
    workers: int = 2
    looks: int = 1
    model_name: str = "roborefer"

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _LARGEST_PORT:
            raise InputError(f"expected a port of 0 to {_LARGEST_PORT}, got {self.port}: 0 takes any free one")
        if not self.host.strip():
            raise InputError("expected a host to listen on such as 127.0.0.1, got an empty one")
        for name in (*_COUNTS, "max_pixels", "workers", "looks"):
            value = getattr(self, name)
            if value < 1:
                raise InputError(f"expected {name} of at least 1, got {value}")
        for name in _TIMES:
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds > 0):
                raise InputError(f"expected {name} above 0, got {seconds:g}: give a time in seconds")
        if not (math.isfinite(self.gather_ms) and self.gather_ms >= 0):
            raise InputError(f"expected gather_ms of at least 0, got {self.gather_ms:g}: 0 never waits")
        if self.cache_bytes < 0:
            raise InputError(f"expected cache_bytes of at least 0, got {self.cache_bytes}: 0 keeps no picture")
        self._check_names()

    def _check_names(self) -> None:
        if any(not key or key != key.strip() or not key.isascii() for key in self.api_keys):
            raise InputError("expected API keys of ASCII characters without spaces around them, got another: mend it")
        for host in self.url_hosts:
            if not host or any(mark in host for mark in "/@?#*") or any(character.isspace() for character in host):
                raise InputError(f"expected a host such as images.example.org or 10.0.0.5:8080, got {host!r}")
        if not self.model_name.isprintable() or not self.model_name.strip():
            raise InputError(f"expected a printable model name, got {self.model_name!r}")
