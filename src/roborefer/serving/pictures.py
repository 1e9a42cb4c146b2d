"""Pictures as requests hold them: base64, a data URI, or the address of a picture on a host that was allowed."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from roborefer.errors import InputError
from roborefer.images import one_line
from roborefer.serving.settings import ServerSettings

if TYPE_CHECKING:
    import httpx

_DATA_URI = re.compile(r"data:[^,]{0,200}?;base64,", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,20}):", re.IGNORECASE)
_URL_ALPHABET = str.maketrans("-_", "+/")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_HOPS = 3
# Longer ones are decoded beside the event loop.
_SHORT_CHARACTERS = 1 << 20


async def read_reference(reference: object, settings: ServerSettings, name: str = "image") -> bytes:
    """The file that a request refers to.

    Args:
        reference: Raw base64, a data URI in base64, or an http(s) address on a host of ``settings.url_hosts``.
        settings: Its limits hold before anything is decoded or fetched.
        name: What errors call it.

    Raises:
        InputError: It is none of these, too long, or cannot be fetched.
    """
    if isinstance(reference, str) and reference[:8].lower().startswith(("http://", "https://")):
        return await _fetch(reference, settings, name)
    if isinstance(reference, str) and len(reference) > _SHORT_CHARACTERS:
        return await asyncio.to_thread(decode_reference, reference, settings.max_body_bytes, name)
    return decode_reference(reference, settings.max_body_bytes, name)


def decode_reference(reference: object, max_bytes: int, name: str = "image") -> bytes:
    """The file behind base64 or a data URI.

    White space, the alphabet of URLs and missing padding are taken as they come, as clients differ in them.

    Args:
        reference: What the request holds.
        max_bytes: Longest file; the length is checked before it is decoded.
        name: What errors call it.

    Raises:
        InputError: It is something else, empty or too long.
    """
    if not isinstance(reference, str):
        raise InputError(f"{name}: expected base64 or a data URI as text, got {type(reference).__name__}")
    if len(reference) * 3 // 4 > max_bytes + max_bytes // 8:  # an eighth for line breaks, percent signs and the head
        raise _too_long(name, len(reference) * 3 // 4, max_bytes)
    head = _DATA_URI.match(reference)
    if head is None:
        _check_scheme(reference, name)
    payload = reference[head.end() :] if head else reference
    content = _plainly_decoded(payload)
    if content is None:
        content = _decoded(unquote(payload) if head and "%" in payload else payload, reference, name)
    if len(content) > max_bytes:
        raise _too_long(name, len(content), max_bytes)
    return content


def _plainly_decoded(payload: str) -> bytes | None:
    """The bytes of base64 as the standard has it, which most clients send; reading it costs half as much."""
    try:
        return base64.b64decode(payload, validate=True) or None
    except ValueError:
        return None


def _decoded(payload: str, reference: str, name: str) -> bytes:
    payload = "".join(payload.split()).translate(_URL_ALPHABET).rstrip("=")
    if not payload:
        raise InputError(f"{name}: expected a picture as base64 or a data URI, got an empty one")
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    except ValueError as error:
        raise InputError(f"{name}: expected base64 or a data URI, got other text: {reference[:40]!r}") from error


def _check_scheme(reference: str, name: str) -> None:
    scheme = _SCHEME.match(reference)
    if scheme is None:
        return
    found = scheme[1].lower()
    if found == "data":
        raise InputError(f"{name}: expected a data URI in base64, got {reference[:40]!r}: write data:image/png;base64,")
    raise InputError(
        f"{name}: expected base64, a data URI or an http address, got one of {found}: send the file itself"
    )


# ---- addresses -----------------------------------------------------------------------------------------------------


async def _fetch(url: str, settings: ServerSettings, name: str) -> bytes:
    """A file from an allowed host. Each redirect is held against the list again."""
    _check_allowed(url, settings, name)  # before the library is needed
    import httpx

    try:
        async with (
            asyncio.timeout(settings.body_seconds),
            # No proxy, and no keys of a netrc file: what the environment says is not meant for strangers' addresses.
            # Nor is it asked to compress, as a small reply could then become a large file.
            httpx.AsyncClient(
                timeout=settings.body_seconds, trust_env=False, headers={"accept-encoding": "identity"}
            ) as client,
        ):
            for _ in range(_MOST_HOPS + 1):
                _check_allowed(url, settings, name)
                async with client.stream("GET", url) as response:
                    if not response.has_redirect_location:
                        return await _read(response, settings, name)
                    url = urljoin(url, response.headers["location"])
    except TimeoutError as error:
        raise InputError(
            f"{name}: expected the picture's host to deliver it within {settings.body_seconds:g} s, got less: "
            "send the picture itself"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"{name}: cannot fetch the picture ({one_line(error)}): send the picture itself") from error
    raise InputError(f"{name}: expected a picture, got more than {_MOST_HOPS} redirects: send the picture itself")


def _check_allowed(url: str, settings: ServerSettings, name: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise InputError(f"{name}: expected an http address, got a broken one: {url[:60]!r}") from error
    if parts.username is not None or parts.scheme not in _DEFAULT_PORTS or not host:
        raise InputError(f"{name}: expected an address as https://host/path without a password, got {url[:60]!r}")
    shown = f"[{host}]" if ":" in host else host
    allowed = {entry.lower() for entry in settings.url_hosts}
    usual = port == _DEFAULT_PORTS[parts.scheme]
    if f"{shown}:{port}" not in allowed and not (usual and shown in allowed):
        entry = shown if usual else f"{shown}:{port}"
        raise InputError(
            f"{name}: expected the picture itself, got an address on {entry!r:.80}, which this server does not fetch "
            "from: send base64 or a data URI, or start the server with --allow-url-host"
        )


async def _read(response: httpx.Response, settings: ServerSettings, name: str) -> bytes:
    if response.status_code != 200:
        raise InputError(f"{name}: cannot fetch the picture (HTTP {response.status_code}): send the picture itself")
    limit = settings.max_body_bytes
    parts: list[bytes] = []
    length = 0
    async for part in response.aiter_raw():
        length += len(part)
        if length > limit:
            raise _too_long(name, length, limit)
        parts.append(part)
    return b"".join(parts)


def _too_long(name: str, length: int, limit: int) -> InputError:
    return InputError(
        f"{name}: expected a file of at most {limit / (1 << 20):g} MiB, got {length / (1 << 20):.1f} MiB or more: "
        "resize it first"
    )
