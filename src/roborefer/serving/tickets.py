"""An ask inside the engine, from its arrival to its reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from roborefer.instructions import asks_for_steps
from roborefer.serving.asks import Ask, DepthUpload, PromptAsk, Reply
from roborefer.serving.preparation import PreparedPicture


class Ticket:
    """One ask. It lives on the event loop; only :attr:`over` and :meth:`show` are used from the model's thread.

    Attributes:
        ask: What is asked.
        reply: What its caller awaits.
        arrived: When it came, ``time.perf_counter()`` seconds.
        num_bytes: Of its files.
        picture: Once it was prepared.
        read_s: How long that took, seconds.
        running: Whether the model is answering it.
    """

    def __init__(self, ask: Ask | PromptAsk) -> None:
        self.ask = ask
        self.arrived = time.perf_counter()
        self.num_bytes = _num_bytes(ask)
        self.picture: PreparedPicture | None = None
        self.read_s = 0.0
        self.running = False
        self._loop = asyncio.get_running_loop()
        self.reply: asyncio.Future[Reply] = self._loop.create_future()
        self._shown = 0

    @property
    def over(self) -> bool:
        """Whether it was answered or refused, or nobody waits for it any more."""
        return self.reply.done()

    def fail(self, error: Exception) -> None:
        """Refuse it, unless it is over."""
        if not self.over:
            self.reply.set_exception(error)

    @property
    def on_text(self) -> Callable[[str], None] | None:
        """What the model calls with the text so far."""
        return None if self.ask.on_text is None else partial(self._show_soon, self.ask.on_text)

    def _show_soon(self, on_text: Callable[[str], None], text: str) -> None:
        if not self.over:
            self._loop.call_soon_threadsafe(self._show, on_text, text)

    def _show(self, on_text: Callable[[str], None], text: str) -> None:
        # An answer that is written again, after its batch failed, begins anew with the same words.
        if not self.over and len(text) > self._shown:
            self._shown = len(text)
            on_text(text)


def go_together(first: Ticket, second: Ticket) -> bool:
    """Whether two asks may be answered in one batch.

    A batch ends with its longest answer, so that a point should not wait for another's reasoning.
    """
    prompts = isinstance(first.ask, PromptAsk) or isinstance(second.ask, PromptAsk)
    return not prompts and _is_reasoned(first.ask) == _is_reasoned(second.ask)


def _is_reasoned(ask: Ask | PromptAsk) -> bool:
    return isinstance(ask, Ask) and (ask.reasoning or asks_for_steps(ask.text))


def _num_bytes(ask: Ask | PromptAsk) -> int:
    if isinstance(ask, Ask):
        return len(ask.image) + (len(ask.depth.content) if isinstance(ask.depth, DepthUpload) else 0)
    files = [part.content if isinstance(part, DepthUpload) else part for part in ask.parts]
    return sum(len(content) for content in files if isinstance(content, bytes))
