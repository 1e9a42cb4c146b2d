"""What the server may answer instead of a point, apart from :class:`roborefer.errors.InputError` (400)."""

from __future__ import annotations

from roborefer.errors import RoboReferError


class Busy(RoboReferError):
    """429: more questions are waiting than the server takes.

    Attributes:
        retry_after_s: When another try is likely to be taken, in seconds, from the speed measured so far.
    """

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many questions are waiting: try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


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
