"""What a server allows, and where it listens."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from roborefer.errors import InputError

_LARGEST_PORT = 65535
# In small letters, as browsers send it.
_ORIGIN = re.compile(r"https?://[^/@?#*\sA-Z]+")
# All requests together have at most so many times the bytes that one may have: those that are being read, and apart
# from these the files of those that wait.
_BODIES_AT_ONCE = 4
# What errors call a number: its meaning, its name and its option.
_COUNTS = {
    "max_body_bytes": "byte in a request (max_body_bytes, --max-body-mb)",
    "max_images": "picture in a request (max_images, --max-images)",
    "max_new_tokens": "token in an answer (max_new_tokens, --max-new-tokens)",
    "max_question_characters": "character in a question (max_question_characters)",
    "queue_limit": "question that may wait (queue_limit, --max-queue)",
    "batch_limit": "question in a batch (batch_limit, --batch)",
    "max_pixels": "pixel in a picture (max_pixels, --max-megapixels)",
    "workers": "thread that decodes pictures (workers)",
    "looks": "picture that the model looks at (looks)",
}
_TIMES = {
    "request_seconds": "an answer (request_seconds, --max-seconds)",
    "body_seconds": "a request to arrive (body_seconds, --max-upload-seconds)",
    "shutdown_seconds": "the answers in flight (shutdown_seconds)",
}


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
        allow_origins: Web sites (``https://host`` or with a port) whose pages may ask from a browser; none by default.
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
    allow_origins: tuple[str, ...] = ()
    workers: int = 2
    looks: int = 1
    model_name: str = "roborefer"

    @property
    def most_body_bytes(self) -> int:
        """Most bytes of all requests in memory together."""
        return _BODIES_AT_ONCE * self.max_body_bytes

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _LARGEST_PORT:
            raise InputError(f"expected a port of 0 to {_LARGEST_PORT}, got {self.port}: 0 takes any free one")
        if not self.host.strip():
            raise InputError("expected a host to listen on such as 127.0.0.1, got an empty one")
        for name, meaning in _COUNTS.items():
            value = getattr(self, name)
            if value < 1:
                raise InputError(f"expected at least 1 {meaning}, got {value}: give a larger number")
        for name, meaning in _TIMES.items():
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds > 0):
                raise InputError(f"expected a time above 0 s for {meaning}, got {seconds:g}: give a time in seconds")
        if not (math.isfinite(self.gather_ms) and self.gather_ms >= 0):
            raise InputError(
                f"expected a wait for company (gather_ms, --gather-ms) of at least 0 ms, got {self.gather_ms:g}: "
                "0 never waits"
            )
        if self.cache_bytes < 0:
            raise InputError(
                f"expected memory for pictures (cache_bytes, --cache-mb) of at least 0, got {self.cache_bytes}: "
                "0 keeps no picture"
            )
        self._check_names()

    def _check_names(self) -> None:
        if any(not key or key != key.strip() or not key.isascii() for key in self.api_keys):
            raise InputError("expected API keys of ASCII characters without spaces around them, got another: mend it")
        for host in self.url_hosts:
            if not host or any(mark in host for mark in "/@?#*") or any(character.isspace() for character in host):
                raise InputError(f"expected a host such as images.example.org or 10.0.0.5:8080, got {host!r}")
        for origin in self.allow_origins:
            if not _ORIGIN.fullmatch(origin):
                raise InputError(
                    f"expected an origin such as https://robots.example.org, without a path, got {origin!r}: write it "
                    "as a browser sends it"
                )
        if not self.model_name.isprintable() or not self.model_name.strip():
            raise InputError(f"expected a printable model name, got {self.model_name!r}")
