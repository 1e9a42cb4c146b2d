"""Whose turn it is, and which asks the model answers together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")

# How many times gather_ms an idle model waits at most, however many asks trickle in.
_PATIENCE = 4
# Weight of the latest batch in the measured speed.
_NEWEST = 0.3
# Batches whose shortest is taken for what one takes at least.
_LATELY = 8


class FairQueue(Generic[Item]):
    """Items of many clients. Clients take turns, one item at a time, and each client's items keep their order.

    So a client waits for one item of every other client before each of its own, however many others have.
    """

    def __init__(self) -> None:
        # Clients in the order of their turns; one that was just served stands last, one without items not at all.
        self._lines: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def add(self, client: str, item: Item) -> None:
        """Put an item behind the others of its client."""
        self._lines.setdefault(client, deque()).append(item)

    def take(self, fits: Callable[[Item], bool] | None = None) -> Item | None:
        """The next item, or the next one that fits; None where there is none."""
        for client, line in self._lines.items():
            for item in line:
                if fits is None or fits(item):
                    self.remove(client, item)
                    if client in self._lines:
                        self._lines[client] = self._lines.pop(client)
                    return item
        return None

    def take_together(self, limit: int, goes_with: Callable[[Item, Item], bool]) -> list[Item]:
        """The next item, and up to ``limit - 1`` others in turn that go with it."""
        first = self.take()
        taken: list[Item] = []
        following = first
        while following is not None:
            taken.append(following)
            following = self.take(lambda item: goes_with(taken[0], item)) if len(taken) < limit else None
        return taken

    def remove(self, client: str, item: Item) -> bool:
        """Take an item out of turn; whether it was there."""
        line = self._lines.get(client, deque())
        if item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[client]
        return True


class Gathering:
    """How long an idle model waits for company before it answers what is there.

    Answering twelve costs little more than answering one, so callers are better served together; but a caller who
    is alone must not wait. Others are likely while their pictures are being decoded, and right after a batch: those
    whose answers went out tend to ask again, beside those who were waiting already. The wait ends when as many are
    there as lately, when nobody came for ``gather_s``, or after a few times that.

    Args:
        gather_s: How long to wait for one more, seconds.
        limit: Most that are answered together.
        clock: Seconds.
    """

    def __init__(self, gather_s: float, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._gather_s, self._limit, self._clock = gather_s, limit, clock
        self._expected = 0
        self._idle_since = self._last_sign = clock()

    def arrived(self, ready: int) -> None:
        """An ask can be answered now; ``ready`` can, with it."""
        now = self._clock()
        if ready == 1:
            if now > self._idle_since + _PATIENCE * self._gather_s:
                self._expected = 0  # whoever wanted to ask again has done so
            self._idle_since = now
        self._last_sign = now

    def ended(self, answered: int, ready: int) -> None:
        """A batch was answered while ``ready`` others were waiting."""
        self._idle_since = self._last_sign = self._clock()
        self._expected = min(answered + ready, self._limit)

    def wait_s(self, ready: int, coming: int) -> float:
        """How long to wait for one more, given how many can be answered and how many are being decoded, seconds."""
        if ready >= self._limit or not (coming or ready < self._expected):
            return 0.0
        end = self._idle_since + _PATIENCE * self._gather_s
        if not coming:
            end = min(end, self._last_sign + self._gather_s)
        return max(0.0, end - self._clock())


class Speed:
    """How many seconds an ask takes lately, counting that several are answered together."""

    def __init__(self) -> None:
        self._seconds_per_ask: float | None = None
        self._batches: deque[float] = deque(maxlen=_LATELY)

    def measured(self, seconds: float, asks: int) -> None:
        """A batch of so many took so long."""
        self._batches.append(seconds)
        latest, before = seconds / asks, self._seconds_per_ask
        self._seconds_per_ask = latest if before is None else before + _NEWEST * (latest - before)

    def seconds_for(self, asks: int) -> float:
        """How long so many will take; 0 while nothing was measured."""
        return asks * (self._seconds_per_ask or 0.0)

    def least_seconds_for(self, asks: int, together: int) -> float:
        """What so many take at least, by whole batches of ``together`` and the shortest batch lately; so it is 0 while
        they fit into one."""
        return asks // together * min(self._batches, default=0.0)


def turns_before(counts: Mapping[str, int], client: str) -> int:
    """How many of those that wait are answered before one more of a client, at least.

    Args:
        counts: How many wait, by client.
        client: Whose turn it is to be.
    """
    own = counts.get(client, 0)
    return own + sum(min(count, max(own, 1)) for other, count in counts.items() if other != client)
