"""What all routes share, and who is asking."""

from __future__ import annotations

import math
from dataclasses import dataclass

from starlette.requests import Request

from roborefer.errors import InputError
from roborefer.serving.engine import Engine
from roborefer.serving.pictures import read_reference
from roborefer.serving.settings import ServerSettings
from roborefer.serving.wire_formats.failures import invalid

TIMEOUT_HEADER = "X-Timeout-Seconds"


@dataclass(frozen=True)
class Serving:
    """One server.

    Attributes:
        engine: Answers.
        settings: Its limits.
        started: Seconds since 1970.
    """

    engine: Engine
    settings: ServerSettings
    started: int

    async def open_file(self, reference: str, field: str) -> bytes:
        """A file that a request holds or names.

        Args:
            reference: A data URI, base64, or an address that the server may fetch from.
            field: Where it stands in the request.

        Raises:
            RequestRefused: It is none of these.
        """
        try:
            return await read_reference(reference, self.settings, field)
        except InputError as error:
            raise invalid(str(error), field) from error

    async def open_files(self, references: list[tuple[str, str]]) -> list[bytes]:
        """Several files, each given with the field that it stands in.

        Raises:
            RequestRefused: They are too many, or one is no file.
        """
        most = self.settings.max_images
        if len(references) > most:
            raise invalid(f"expected at most {most} pictures in a request, got {len(references)}: send fewer at a time")
        return [await self.open_file(reference, field) for reference, field in references]


def request_id(request: Request) -> str:
    """The id that the reply and the log call this request by."""
    return str(request.state.request_id)


def seconds_of(request: Request) -> float | None:
    """How long the caller waits for the answer, in any protocol; None for as long as the server lets it.

    Raises:
        RequestRefused: The header is no time.
    """
    told = request.headers.get(TIMEOUT_HEADER)
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise invalid(f"expected {TIMEOUT_HEADER} in seconds above 0, got {told[:20]!r}: mend it, or leave it out")
    return seconds


def client_of(request: Request) -> str:
    """Whose turn this request takes in the queue."""
    return str(request.state.client)
