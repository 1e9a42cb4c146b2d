"""What the server may answer instead of a point, apart from :class:`roborefer.errors.InputError` (400)."""

from __future__ import annotations

import math

from roborefer.errors import InputError, RoboReferError


class Busy(RoboReferError):
    """429: more questions are waiting than the server takes.

    Attributes:
        retry_after_s: When another try is likely to be taken, in whole seconds, from the speed measured so far.
    """

    def __init__(self, retry_after_s: float, why: str = "too many questions are waiting") -> None:
        self.retry_after_s = math.ceil(retry_after_s)
        super().__init__(f"{why}: try again in {self.retry_after_s} s")


class OutOfRoom(Busy):
    """429: the requests that are being read or wait hold as many bytes as they may."""

    def __init__(self, retry_after_s: float, most_bytes: int) -> None:
        super().__init__(
            retry_after_s, f"the requests in memory have the {most_bytes / (1 << 20):g} MiB that they may have together"
        )


class NoTimeLeft(Busy):
    """429: those before a question take longer than it has."""

    def __init__(self, retry_after_s: float, wait_s: float, seconds: float) -> None:
        super().__init__(
            retry_after_s, f"the questions before this one take at least {wait_s:.3g} s, and it has {seconds:g} s"
        )


class DeadlinePassed(RoboReferError):
    """504: the answer was not ready in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"expected an answer within {seconds:g} s, got none: ask again, or allow more time")


class ShuttingDown(RoboReferError):
    """503: the server is about to stop and takes no more questions."""

    def __init__(self) -> None:
        super().__init__("the server is shutting down: ask another one, or again in a moment")


class ModelFailed(RoboReferError):
    """500: the model failed on this question, through no fault that the caller could mend; the log says how."""

    def __init__(self) -> None:
        super().__init__("the model failed on this question: the server's log says how")


def reason_of(error: RoboReferError) -> str:
    """Why a question was not answered, in the word that the metrics have for it."""
    for kind, word in _REASONS.items():
        if isinstance(error, kind):
            return word
    return "failed"


_REASONS: dict[type[RoboReferError], str] = {
    InputError: "invalid",
    Busy: "busy",
    DeadlinePassed: "deadline",
    ShuttingDown: "shutting_down",
}
