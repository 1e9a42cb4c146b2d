"""The engine: many callers' questions in, one model's answers out.

An ask waits for its turn, its pictures are decoded in a few threads, and then it is answered together with others in
the model's only thread. All state lives on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from roborefer.errors import InputError, RoboReferError
from roborefer.instructions import check_answer_length, check_characters, check_instruction
from roborefer.models.prompt import without_media_tokens
from roborefer.predictor import ESTIMATE, Predictor
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk, Reply
from roborefer.serving.batching import FairQueue, Gathering, Speed, turns_before
from roborefer.serving.fields import FieldError, about, called
from roborefer.serving.image_cache import ImageCache
from roborefer.serving.metrics import Metrics
from roborefer.serving.model_thread import Batch, Job, ModelThread
from roborefer.serving.preparation import Preparation
from roborefer.serving.refusals import (
    Busy,
    DeadlinePassed,
    ModelFailed,
    NoTimeLeft,
    OutOfRoom,
    ShuttingDown,
    reason_of,
)
from roborefer.serving.settings import ServerSettings
from roborefer.serving.tickets import Ticket, go_together

__all__ = ["Ask", "DepthUpload", "Engine", "EstimatedDepth", "PromptAsk", "Reply"]

_SHORTEST_RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Engine:
    """Answers asks from one event loop with a model that runs in one thread.

    A client's asks are answered in turn with everyone else's. Where more than ``settings.queue_limit`` wait, the
    client with the most of them is the one that is refused. Asks that go together are answered as one batch, each
    with the text that it has alone.

    Args:
        predictor: With the model; nothing else may use it meanwhile.
        settings: Limits.

    Attributes:
        metrics: What a monitor reads.
    """

    def __init__(self, predictor: Predictor, settings: ServerSettings) -> None:
        self.predictor = predictor
        self.settings = settings
        self.metrics = Metrics()
        self._cache = ImageCache(settings.cache_bytes)
        self._model = ModelThread(predictor, settings.max_new_tokens, settings.looks)
        self._model_threads = ThreadPoolExecutor(1, "model")
        self._preparation = Preparation(settings, self._cache)
        self._gathering = Gathering(settings.gather_ms / 1e3, settings.batch_limit)
        self._speed = Speed()
        self._tickets: dict[Ticket, None] = {}  # all that are not over, in the order of arrival
        self._waiting: FairQueue[Ticket] = FairQueue()
        self._ready: FairQueue[Ticket] = FairQueue()
        self._preparing = 0
        self._came = asyncio.Event()  # something waits
        self._changed = asyncio.Event()  # something is ready, or cannot be any more
        self._emptied = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def ready(self) -> bool:
        """Whether asks are taken."""
        return bool(self._tasks) and not self._closing and not any(task.done() for task in self._tasks)

    async def start(self) -> None:
        """Answer a first question, so that no caller pays for what is only done once, then take asks."""
        await asyncio.get_running_loop().run_in_executor(self._model_threads, self._model.warm_up)
        self._tasks = [asyncio.create_task(self._prepare_tickets()) for _ in range(self.settings.workers)]
        self._tasks.append(asyncio.create_task(self._answer_tickets()))

    async def answer(self, ask: Ask | PromptAsk) -> Reply:
        """The reply to one ask. Cancelling the awaiting task cancels the question.

        Raises:
            InputError: something in the ask cannot be used (400).
            Busy: too many are waiting, for room, time or memory (429).
            DeadlinePassed: no answer in time (504).
            ShuttingDown: the engine is not started, or is closing (503).
            ModelFailed: a defect, which was logged (500).
        """
        try:
            if not self.ready:
                raise ShuttingDown
            with called(ask.fields):
                return await self._answer(ask)
        except asyncio.CancelledError:
            self.metrics.left.inc()
            raise
        except RoboReferError as error:
            self.metrics.refused.labels(reason_of(error)).inc()
            raise

    async def _answer(self, ask: Ask | PromptAsk) -> Reply:
        seconds = self._check(ask)
        ticket = Ticket(ask)
        self._admit(ticket, seconds)
        timer = asyncio.get_running_loop().call_later(seconds, ticket.fail, DeadlinePassed(seconds))
        try:
            return await ticket.reply
        finally:
            timer.cancel()
            self._leave(ticket)

    async def close(self) -> None:
        """Take no more asks, answer those in flight within ``settings.shutdown_seconds``, then stop."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.shutdown_seconds):
                while self._tickets:
                    self._emptied.clear()
                    await self._emptied.wait()
        for ticket in list(self._tickets):
            ticket.fail(ShuttingDown())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._preparation.close()
        # A running batch ends at its next token, as nobody waits for it any more.
        self._model_threads.shutdown(wait=False, cancel_futures=True)
        self._model.close()

    # ---- coming and going ------------------------------------------------------------------------------------------

    def _check(self, ask: Ask | PromptAsk) -> float:
        """Refuse what can be refused without a look at the files; how long the answer may take, seconds."""
        texts = [ask.text] if isinstance(ask, Ask) else [part for part in ask.parts if isinstance(part, str)]
        length = sum(len(text) for text in texts)
        if length > self.settings.max_question_characters:
            raise FieldError(
                f"expected a question of at most {self.settings.max_question_characters} characters, got {length}: "
                "shorten it",
                "text",
            )
        with about("text"):
            for text in texts:
                check_characters(text)
            if isinstance(ask, Ask):
                _check_said(ask)
        if isinstance(ask, Ask):
            estimated = isinstance(ask.depth, str) and ask.depth == ESTIMATE
        else:
            estimated = any(isinstance(part, EstimatedDepth) for part in ask.parts)
        if estimated and self.predictor.depth_estimator is None:
            # Loading one now would fetch it from the hub, which no caller may cause.
            raise FieldError(
                "expected a server with a depth model for estimated depth, got one without: send the depth itself, "
                "or start the server with --depth-model",
                "depth",
            )
        if ask.max_new_tokens is not None:
            check_answer_length(ask.max_new_tokens)
        if ask.seconds is None:
            return self.settings.request_seconds
        if not (math.isfinite(ask.seconds) and ask.seconds > 0):
            raise InputError(f"expected a time to answer in above 0 s, got {ask.seconds:g}")
        return min(ask.seconds, self.settings.request_seconds)

    def _admit(self, ticket: Ticket, seconds: float) -> None:
        """Let an ask in, perhaps in the place of one of the client that has the most.

        Raises:
            Busy: Its client has as many as any other, or it would wait for nothing.
        """
        queued = [other for other in self._tickets if not (other.running or other.over)]
        counts = Counter(other.ask.client for other in queued)
        retry_after = self._retry_after(len(queued))
        least = self._speed.least_seconds_for(turns_before(counts, ticket.ask.client), self.settings.batch_limit)
        if least > seconds:
            raise NoTimeLeft(retry_after, least, seconds)
        size = sum(other.num_bytes for other in queued) + ticket.num_bytes
        if queued and size > self.settings.most_body_bytes:
            raise OutOfRoom(retry_after, self.settings.most_body_bytes)
        if len(queued) >= self.settings.queue_limit:
            busy = Busy(retry_after)
            client, most = counts.most_common(1)[0]
            if most <= counts[ticket.ask.client] + 1:
                raise busy
            next(other for other in reversed(queued) if other.ask.client == client).fail(busy)
        self._tickets[ticket] = None
        self._waiting.add(ticket.ask.client, ticket)
        self._came.set()
        self._count()

    def _retry_after(self, queued: int) -> float:
        """When those that wait now will have been answered, seconds."""
        return min(max(_SHORTEST_RETRY_S, self._speed.seconds_for(queued)), self.settings.request_seconds)

    def _leave(self, ticket: Ticket) -> None:
        del self._tickets[ticket]
        self._waiting.remove(ticket.ask.client, ticket)
        if self._ready.remove(ticket.ask.client, ticket):
            self._release(ticket)
        self._changed.set()
        if not self._tickets:
            self._emptied.set()
        self._count()

    def _release(self, ticket: Ticket) -> None:
        if ticket.picture is not None:
            self._preparation.release(ticket.picture)
            ticket.picture = None

    def _count(self) -> None:
        running = sum(ticket.running for ticket in self._tickets)
        self.metrics.running.set(running)
        self.metrics.queue_length.set(len(self._tickets) - running)

    # ---- getting ready ---------------------------------------------------------------------------------------------

    async def _prepare_tickets(self) -> None:
        while True:
            ticket = self._waiting.take()
            if ticket is None:
                self._came.clear()
                await self._came.wait()
            elif not ticket.over:
                self._preparing += 1
                try:
                    await self._prepare(ticket)
                finally:
                    self._preparing -= 1
                    self._changed.set()

    async def _prepare(self, ticket: Ticket) -> None:
        started = time.perf_counter()
        try:
            ticket.picture, known = await self._preparation.prepare(ticket.ask)
        except InputError as error:
            ticket.fail(error)
            return
        except Exception:
            _log.exception("a picture could not be prepared")
            ticket.fail(ModelFailed())
            return
        ticket.read_s = time.perf_counter() - started
        if isinstance(ticket.ask, Ask):
            (self.metrics.cache_hits if known else self.metrics.cache_misses).inc()
        if ticket.over:
            self._release(ticket)
            return
        self._ready.add(ticket.ask.client, ticket)
        self._gathering.arrived(len(self._ready))

    # ---- answering -------------------------------------------------------------------------------------------------

    async def _answer_tickets(self) -> None:
        while True:
            await self._gather()
            taken = self._ready.take_together(self.settings.batch_limit, go_together)
            try:
                await self._answer_batch([ticket for ticket in taken if not ticket.over])
            except Exception:
                _log.exception("a batch could not be answered")
            finally:
                for ticket in taken:
                    ticket.fail(ModelFailed())
                    self._release(ticket)
                self._gathering.ended(len(taken), len(self._ready))

    async def _gather(self) -> None:
        """Wait until something is ready, and for its company while that is likely."""
        while True:
            wait = self._gathering.wait_s(len(self._ready), len(self._waiting) + self._preparing)
            if len(self._ready) and wait <= 0:
                return
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait if len(self._ready) else None):
                    await self._changed.wait()

    async def _answer_batch(self, tickets: list[Ticket]) -> None:
        if not tickets:
            return
        started = time.perf_counter()
        jobs = []
        for ticket in tickets:
            assert ticket.picture is not None  # what is ready was prepared
            ticket.running = True
            jobs.append(Job(ticket.ask, ticket.picture, ticket.reply.done, ticket.on_text))
            self.metrics.queue_seconds.observe(started - ticket.arrived)
        self._count()
        self.metrics.batch_size.observe(len(jobs))
        batch = await asyncio.get_running_loop().run_in_executor(self._model_threads, self._model.answer, jobs)
        self._speed.measured(time.perf_counter() - started, len(jobs))
        self._take_in(batch)
        for ticket, outcome in zip(tickets, batch.outcomes, strict=True):
            if isinstance(outcome, Exception):
                ticket.fail(outcome)
            elif outcome is not None and not ticket.over:
                ticket.reply.set_result(replace(outcome, timing_ms=_times(ticket, outcome)))
                self.metrics.tokens.labels("prompt").inc(outcome.prompt_tokens)
                self.metrics.tokens.labels("completion").inc(outcome.completion_tokens)

    def _take_in(self, batch: Batch) -> None:
        """Keep what the model saw for the first time."""
        self.metrics.answer_seconds.observe(batch.answer_s)
        for picture, encoded in batch.looks.items():
            self._preparation.looked(picture, encoded)
            self.metrics.look_seconds.observe(sum(encoded.timing_ms.values()) / 1e3)
        self.metrics.cache_bytes.set(self._cache.num_bytes)


def _times(ticket: Ticket, reply: Reply) -> dict[str, float]:
    """Milliseconds by stage, which add up to the total."""
    total = (time.perf_counter() - ticket.arrived) * 1e3
    spent = {"read": ticket.read_s * 1e3, **reply.timing_ms}
    return {"queue": max(0.0, total - sum(spent.values())), **spent, "total": total}


def _check_said(ask: Ask) -> None:
    """Refuse a question that says nothing, in the words of what was asked."""
    if ask.kind == "query" and not without_media_tokens(ask.text).strip():
        raise InputError("expected a question such as 'What is behind the plate?', got an empty one: write one")
    check_instruction(ask.text)
