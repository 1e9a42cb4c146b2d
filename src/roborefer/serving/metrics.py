"""What a monitor reads: Prometheus metrics in a registry of their own."""

from __future__ import annotations


class Metrics:
    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        raise NotImplementedError
