"""The engine: many callers' questions in, one model's answers out."""

from __future__ import annotations

from roborefer.predictor import Predictor
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk, Reply
from roborefer.serving.metrics import Metrics
from roborefer.serving.settings import ServerSettings

__all__ = ["Ask", "DepthUpload", "Engine", "EstimatedDepth", "PromptAsk", "Reply"]


class Engine:
    """Answers asks from one event loop with a model that runs in one thread.

    Attributes:
        metrics: What a monitor reads.
    """

    def __init__(self, predictor: Predictor, settings: ServerSettings) -> None:
        self.predictor = predictor
        self.settings = settings
        self.metrics = Metrics()

    @property
    def ready(self) -> bool:
        """Whether asks are taken."""
        raise NotImplementedError

    async def start(self) -> None:
        """Answer a first question, so that no caller pays for what is only done once, then take asks."""
        raise NotImplementedError

    async def answer(self, ask: Ask | PromptAsk) -> Reply:
        """The reply to one ask. Cancelling the awaiting task cancels the question.

        Raises:
            InputError: something in the ask cannot be used (400).
            Busy: too many are waiting (429).
            DeadlinePassed: no answer in time (504).
            ShuttingDown: the engine is not started, or is closing (503).
            ModelFailed: a defect, which was logged (500).
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Take no more asks, answer those in flight within ``settings.shutdown_seconds``, then stop."""
        raise NotImplementedError
