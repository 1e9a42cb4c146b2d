"""Asks servers with patience: retries with backoff, a rate limit, timeouts, and errors that a person can act on."""

from __future__ import annotations

import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from roborefer.errors import InputError
from roborefer.images import one_line

if TYPE_CHECKING:
    import httpx

MAX_REPLY_BYTES = 16 * 1024 * 1024
"""A server's reply that is longer is not read."""

_LONGEST_WAIT = 60.0
_LONGEST_ASKED_WAIT = 600.0  # that a server may ask for
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_HOPELESS = {
    301: "it redirects elsewhere",
    302: "it redirects elsewhere",
    307: "it redirects elsewhere",
    308: "it redirects elsewhere",
    401: "it wants a key: name its variable with --api-key-env",
    402: "it wants to be paid",
    403: "it refuses the key",
    404: "there is no such address, or no such model",
    405: "it takes no such request",
}
_FOR_ALL = frozenset({401, 402})
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Patience:
    """How long and how often a server is asked.

    Attributes:
        timeout: Seconds for one try.
        retries: Tries after the first.
        backoff: Seconds before the first retry; doubled for each further one, up to a minute, and shortened at random
            by up to a half, so that many workers do not come back at once.
        per_minute: Most requests in a minute; None for no limit.
    """

    timeout: float = 120.0
    retries: int = 5
    backoff: float = 1.0
    per_minute: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.timeout < math.inf and self.retries >= 0 and 0 <= self.backoff < math.inf):
            raise InputError(
                f"expected --timeout above 0, --retries and --backoff of at least 0, got {self.timeout:g}, "
                f"{self.retries} and {self.backoff:g}"
            )
        if self.per_minute is not None and not self.per_minute > 0:
            raise InputError(f"expected --rate above 0, got {self.per_minute:g}")


class RequestFailedError(Exception):
    """One request failed for good; its text is one line."""

    def __init__(self, text: str, attempts: int) -> None:
        super().__init__(text)
        self.attempts = attempts


class HttpClient:
    """Posts JSON to one server; safe to use from several threads, and closed at the end of a ``with``.

    Args:
        patience: How long and how often.
        headers: Sent with every request.
        sleep: Waits; tests pass another.
    """

    def __init__(
        self,
        patience: Patience = Patience(),
        headers: Mapping[str, str] | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience = patience
        self._headers = dict(headers or {})
        self._sleep = sleep
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._random = random.Random(0)
        self._next_start = 0.0
        self._answered = False

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; the next request would open new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def post(self, url: str, payload: Mapping[str, Any]) -> tuple[Any, int]:
        """The JSON that a server answers, and how many tries it took.

        Raises:
            RequestFailedError: The server refuses this request, or fails on every try.
            InputError: It is no such server: before its first answer it cannot be reached, answers HTML, or refuses
                requests; or it wants a key or to be paid.
        """
        for attempt in range(1, self._patience.retries + 2):
            self._wait_for_turn()
            try:
                answer = self._try(url, payload)
            except _PassingError as error:
                if attempt > self._patience.retries:
                    self._give_up(url, error, attempt)
                self._sleep(self._pause(attempt, error.retry_after))
            except _HopelessError as error:
                if not self._answered or error.for_all:
                    raise InputError(str(error)) from error
                raise RequestFailedError(error.short, attempt) from error
            except RequestFailedError as error:
                raise RequestFailedError(str(error), attempt) from error
            else:
                self._answered = True
                return answer, attempt
        raise AssertionError("the last try returns or raises")

    def _try(self, url: str, payload: Mapping[str, Any]) -> Any:
        import httpx

        try:
            with self._connection().stream("POST", url, json=payload) as response:
                status, kind = response.status_code, response.headers.get("content-type", "")
                content = _read(response)
                retry_after = response.headers.get("retry-after")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise InputError(f"expected --url as http://host:port, got {url}: {one_line(error)}") from error
        except httpx.TimeoutException as error:
            raise _PassingError(f"no reply within {self._patience.timeout:g} s") from error
        except httpx.HTTPError as error:
            raise _PassingError(one_line(error), unreachable=isinstance(error, httpx.ConnectError)) from error
        return _read_reply(url, status, kind, content, retry_after)

    def _connection(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                import httpx

                limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
                # A proxy of the environment is honoured; a netrc file's keys are not sent anywhere.
                self._client = httpx.Client(timeout=self._patience.timeout, headers=self._headers, limits=limits)
            return self._client

    def _wait_for_turn(self) -> None:
        if self._patience.per_minute is None:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_start)
            self._next_start = start + 60.0 / self._patience.per_minute
        if start > now:
            self._sleep(start - now)

    def _pause(self, attempt: int, retry_after: float | None) -> float:
        with self._lock:
            jitter = 1.0 - self._random.random() / 2
        backoff = min(self._patience.backoff * 2.0 ** (attempt - 1), _LONGEST_WAIT) * jitter
        return max(backoff, min(retry_after or 0.0, _LONGEST_ASKED_WAIT))

    def _give_up(self, url: str, error: _PassingError, attempts: int) -> None:
        if error.unreachable and not self._answered:
            raise InputError(f"cannot reach {url} ({error}): start the server, or check --url") from error
        raise RequestFailedError(str(error), attempts) from error


class _PassingError(Exception):
    """May be over at the next try."""

    def __init__(self, text: str, *, retry_after: float | None = None, unreachable: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.unreachable = unreachable


class _HopelessError(Exception):
    """Will be no other at the next try: this is no such server, unless it has answered before.

    Attributes:
        short: What failed, for one request alone.
        for_all: Whether no other request will be answered either.
    """

    def __init__(self, text: str, short: str, *, for_all: bool = False) -> None:
        super().__init__(text)
        self.short = short
        self.for_all = for_all


def check_httpx() -> None:
    """Refuses to ask servers without httpx.

    Raises:
        InputError: It is not installed.
    """
    try:
        import httpx  # noqa: F401
    except ImportError as error:
        raise InputError("expected httpx to ask a server, got none: run pip install 'roborefer[evaluate]'") from error


def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    length = 0
    for part in response.iter_bytes():
        length += len(part)
        if length > MAX_REPLY_BYTES:
            raise RequestFailedError(f"its reply is longer than {MAX_REPLY_BYTES >> 20} MiB", 1)
        parts.append(part)
    return b"".join(parts)


def _read_reply(url: str, status: int, kind: str, content: bytes, retry_after: str | None) -> Any:
    if status in _PASSING:
        raise _PassingError(f"HTTP {status}: {_excerpt(content)}", retry_after=_seconds(retry_after))
    if status in _HOPELESS:
        said = _message(content)
        raise _HopelessError(
            f"expected {url} to answer, got HTTP {status}: {_HOPELESS[status]}" + (f" ({said})" if said else ""),
            f"HTTP {status}: {said or _excerpt(content)}",
            for_all=status in _FOR_ALL,
        )
    if status != 200:
        raise RequestFailedError(f"HTTP {status}: {_excerpt(content)}", 1)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if "html" in kind.lower() or content.lstrip()[:1] == b"<":
            page = f"an HTML page{_title(content)}"
            raise _HopelessError(
                f"expected JSON from {url}, got {page}: check --url and --api", f"its reply is {page}"
            ) from error
        raise RequestFailedError(f"its reply is no JSON: {_excerpt(content)}", 1) from error


def _seconds(retry_after: str | None) -> float | None:
    """A wait in seconds, of a number of them or of a date; None where it is neither."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) else None


def _message(content: bytes) -> str:
    """What a server says of an error, where it does so in JSON."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    for key in ("error", "message", "detail"):
        if isinstance(said, dict) and key in said:
            said = said[key]
    return one_line(ValueError(said))[:200] if isinstance(said, str) and said.strip() else ""


def _title(content: bytes) -> str:
    title = _TITLE.search(content[:10_000].decode("utf-8", "replace"))
    return f" ('{' '.join(title[1].split())[:60]}')" if title else ""


def _excerpt(content: bytes) -> str:
    text = " ".join(content[:1000].decode("utf-8", "replace").split())
    return text[:200] or "no text"
