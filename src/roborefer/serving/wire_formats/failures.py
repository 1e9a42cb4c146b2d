"""What a request may fail with, and how each protocol says so.

A failure has one line of text, HTTP's status and OpenAI's words for it. OpenAI's clients, Moondream's and ours read
``{"error": {"message", "type", "param", "code"}}``; the published client reads ``{"result": 0, "answer"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from roborefer.errors import InputError, RoboReferError
from roborefer.serving.fields import FieldError
from roborefer.serving.refusals import Busy, DeadlinePassed, ShuttingDown

PUBLISHED_PATH = "/query"

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


@dataclass(frozen=True)
class Failure:
    """Why a request gets no answer.

    Attributes:
        status: HTTP's.
        code: The reason in one word, for programs.
        message: The reason in one line, for people.
        param: The field that it is about, if one is.
        headers: Sent with it.
    """

    status: int
    code: str
    message: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """OpenAI's family of errors."""
        return "server_error" if self.status >= 500 else _TYPES.get(self.status, "invalid_request_error")


class RequestRefused(RoboReferError):
    """A request that gets no answer, for a reason that the protocol's own words tell."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def invalid(message: str, param: str | None = None) -> RequestRefused:
    """400: the request is not what the protocol expects."""
    return RequestRefused(Failure(400, "invalid_request", message, param))


def failure_of(error: Exception) -> Failure:
    """The failure that an error of ours means; anything else is a defect, of which the caller is told nothing."""
    message = " ".join(str(error).splitlines())
    match error:
        case RequestRefused():
            return error.failure
        case FieldError():
            return Failure(400, "invalid_request", message, error.field)
        case InputError():
            return Failure(400, "invalid_request", message)
        case Busy():
            return Failure(429, "busy", message, headers={"retry-after": str(error.retry_after_s)})
        case ShuttingDown():
            return Failure(503, "shutting_down", message, headers={"retry-after": "1"})
        case DeadlinePassed():
            return Failure(504, "deadline_passed", message)
        case RoboReferError():
            return Failure(500, "model_failed", message)
        case _:
            return Failure(500, "internal_error", "the server failed on this request: its log says how")


def failure_of_status(status: int, path: str, headers: Mapping[str, str] | None = None) -> Failure:
    """The failure of a request that no route takes."""
    reason = HTTPStatus(status).phrase.lower()
    messages = {
        404: f"there is nothing at {path[:80]}: /docs lists what there is",
        405: f"{path[:80]} does not take this method: /docs lists what it takes",
    }
    return Failure(status, reason.replace(" ", "_"), messages.get(status, reason), headers=headers or {})


def failure_body(failure: Failure, path: str, request_id: str) -> dict[str, Any]:
    """The failure in the shape that clients of ``path`` read."""
    if path == PUBLISHED_PATH:
        return {"result": 0, "answer": failure.message, "request_id": request_id}
    return {
        "error": {
            "message": failure.message,
            "type": failure.type,
            "param": failure.param,
            "code": failure.code,
        },
        "request_id": request_id,
    }
