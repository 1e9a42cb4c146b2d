"""Whose turn it is, and when an idle model starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.serving.batching import FairQueue, Gathering, Speed, turns_before


def filled(items: list[str]) -> FairQueue[str]:
    """Items whose first letter is their client."""
    queue: FairQueue[str] = FairQueue()
    for item in items:
        queue.add(item[0], item)
    return queue


def drained(queue: FairQueue[str]) -> list[str]:
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_clients_take_turns() -> None:
    queue = filled(["a1", "a2", "a3", "b1", "c1", "c2"])
    assert len(queue) == 6
    assert drained(queue) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert len(queue) == 0


def test_a_client_that_comes_again_does_not_overtake() -> None:
    queue = filled(["a1", "b1", "b2"])
    assert queue.take() == "a1"
    queue.add("a", "a2")
    assert drained(queue) == ["b1", "a2", "b2"]


@given(st.lists(st.sampled_from("abcd"), max_size=30))
def test_order_is_that_of_rounds(clients: list[str]) -> None:
    items = [f"{client}{number}" for number, client in enumerate(clients)]
    taken = drained(filled(items))
    assert sorted(taken) == sorted(items)
    for client in set(clients):
        own = [item for item in taken if item[0] == client]
        assert own == [item for item in items if item[0] == client]
        # Before its n-th item, at most n of every other client.
        for number, item in enumerate(own):
            before = taken[: taken.index(item)]
            assert all(sum(other[0] == rival for other in before) <= number + 1 for rival in "abcd")


def test_what_goes_with_the_first_is_taken_in_turn() -> None:
    queue = filled(["a1", "a-", "a2", "b-", "b1", "c1"])

    def alike(first: str, second: str) -> bool:
        return (first[1] == "-") == (second[1] == "-")

    assert queue.take_together(3, alike) == ["a1", "b1", "c1"]
    assert queue.take_together(3, alike) == ["a-", "b-"]
    assert queue.take_together(3, alike) == ["a2"]
    assert queue.take_together(3, alike) == []


def test_a_single_client_fills_a_batch() -> None:
    assert filled(["a1", "a2", "a3"]).take_together(2, lambda *_: True) == ["a1", "a2"]


def test_removal() -> None:
    queue = filled(["a1", "b1"])
    assert queue.remove("a", "a1")
    assert not queue.remove("a", "a1")
    assert not queue.remove("x", "b1")
    assert drained(queue) == ["b1"]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gathering(clock: Clock) -> Gathering:
    """Of 4 seconds and twelve asks."""
    return Gathering(4.0, 12, clock)


def test_who_is_alone_does_not_wait(gathering: Gathering, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 1
        gathering.arrived(1)
        assert gathering.wait_s(1, 0) == 0
        clock.now += 1
        gathering.ended(1, 0)


def test_company_that_is_being_decoded_is_waited_for(gathering: Gathering, clock: Clock) -> None:
    gathering.arrived(1)
    assert gathering.wait_s(1, 1) == 16
    clock.now += 15
    assert gathering.wait_s(1, 1) == 1
    assert gathering.wait_s(1, 0) == 0
    clock.now += 2
    assert gathering.wait_s(1, 1) == 0


def test_those_who_were_just_answered_are_waited_for(gathering: Gathering, clock: Clock) -> None:
    gathering.ended(answered=2, ready=1)
    clock.now += 3
    gathering.arrived(2)
    assert gathering.wait_s(2, 0) == 4
    gathering.arrived(3)
    assert gathering.wait_s(3, 0) == 0


def test_a_trickle_does_not_hold_the_model_up_for_long(gathering: Gathering, clock: Clock) -> None:
    gathering.ended(answered=12, ready=0)
    start = clock.now = clock.now + 1
    for ready in range(1, 12):
        gathering.arrived(ready)
        wait = gathering.wait_s(ready, 0)
        if wait == 0:
            break
        assert wait <= 4
        clock.now += min(3, wait)
    assert clock.now - start == 16


def test_hope_ends_where_nobody_came_back(gathering: Gathering, clock: Clock) -> None:
    gathering.ended(answered=8, ready=0)
    clock.now += 17
    gathering.arrived(1)
    assert gathering.wait_s(1, 0) == 0


def test_a_full_batch_starts_at_once(gathering: Gathering) -> None:
    gathering.ended(answered=12, ready=12)
    assert gathering.wait_s(12, 5) == 0


def test_without_gathering_nobody_waits(clock: Clock) -> None:
    gathering = Gathering(0.0, 12, clock)
    gathering.ended(answered=5, ready=1)
    assert gathering.wait_s(1, 3) == 0


def test_speed_follows_what_is_measured() -> None:
    speed = Speed()
    assert speed.seconds_for(10) == 0
    speed.measured(2.0, 4)
    assert speed.seconds_for(10) == pytest.approx(5.0)
    speed.measured(3.0, 2)
    assert speed.seconds_for(10) == pytest.approx(8.0)


def test_what_a_wait_takes_at_least_is_of_whole_batches_as_short_as_any_lately() -> None:
    speed = Speed()
    assert speed.least_seconds_for(100, 12) == 0
    speed.measured(1.0, 1)
    for _ in range(3):
        speed.measured(6.0, 12)
    assert [speed.least_seconds_for(asks, 12) for asks in (0, 11, 12, 23, 24)] == [0, 0, 1, 1, 2]
    for _ in range(8):
        speed.measured(6.0, 12)
    assert speed.least_seconds_for(24, 12) == 12


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.sampled_from("abcd"))
def test_no_fewer_turns_come_before_than_are_told(clients: list[str], client: str) -> None:
    items = [f"{name}{number}" for number, name in enumerate(clients)]
    taken = drained(filled([*items, f"{client} last"]))
    counts = {name: clients.count(name) for name in clients}
    assert turns_before(counts, client) <= taken.index(f"{client} last")
