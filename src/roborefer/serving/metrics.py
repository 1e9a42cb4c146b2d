"""What a monitor reads: Prometheus metrics in a registry of their own, so that two servers in a process keep apart."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of :meth:`Metrics.text`."""

_SIZES = (1, 2, 4, 6, 8, 10, 12, 16, 24)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts and times of one server.

    Attributes:
        requests: By protocol and status; of a stream the one that it ended with.
        request_seconds: By protocol, from the first byte to the last.
        queue_length: Asks that wait.
        running: Asks that are being answered.
        batch_size: Asks that were answered together.
        queue_seconds: From an ask to the start of its batch.
        look_seconds: Of the towers and the prefix, per picture.
        answer_seconds: Of writing, per batch.
        cache_hits, cache_misses: Asks whose picture was, or was not, looked at lately.
        cache_bytes: Memory for such pictures.
        tokens: By kind, ``prompt`` or ``completion``.
        refused: Requests that were not answered, by reason: ``invalid``, ``busy``, ``deadline``, ``shutting_down`` or
            ``failed``.
        left: Asks whose caller left before the answer.
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter("roborefer_requests", "Requests.", ["protocol", "status"], registry=registry)
        self.request_seconds = Histogram(
            "roborefer_request_seconds", "Time of a request.", ["protocol"], buckets=_SECONDS, registry=registry
        )
        self.queue_length = Gauge("roborefer_queue_length", "Asks that wait.", registry=registry)
        self.running = Gauge("roborefer_running", "Asks that are being answered.", registry=registry)
        self.batch_size = Histogram(
            "roborefer_batch_size",
            "Asks answered together.",
            buckets=(1, 2, 4, 6, 8, 10, 12, 16, 24),
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "roborefer_queue_seconds", "Time from an ask to its batch.", buckets=_SECONDS, registry=registry
        )
        self.look_seconds = Histogram(
            "roborefer_look_seconds", "Time to look at a picture.", buckets=_SECONDS, registry=registry
        )
        self.answer_seconds = Histogram(
            "roborefer_answer_seconds", "Time to write a batch's answers.", buckets=_SECONDS, registry=registry
        )
        self.cache_hits = Counter("roborefer_cache_hits", "Asks about a picture seen lately.", registry=registry)
        self.cache_misses = Counter(
            "roborefer_cache_misses", "Asks about a picture not seen lately.", registry=registry
        )
        self.cache_bytes = Gauge("roborefer_cache_bytes", "Memory for pictures seen lately.", registry=registry)
        self.tokens = Counter("roborefer_tokens", "Tokens read and written.", ["kind"], registry=registry)
        self.refused = Counter("roborefer_refused", "Requests that were not answered.", ["reason"], registry=registry)
        self.left = Counter("roborefer_left", "Asks whose caller left.", registry=registry)

    def request(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that was answered or refused.

        Args:
            protocol: Of a fixed few names; never what a caller wrote.
            status: HTTP status.
            seconds: What it took.
        """
        self.requests.labels(protocol, str(status)).inc()
        self.request_seconds.labels(protocol).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
