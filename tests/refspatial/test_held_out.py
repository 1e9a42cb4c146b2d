"""Seeds of the two branches never meet, and a combination is found wherever it is whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.refspatial import held_out
from roborefer.refspatial.held_out import branch_of, describe_combinations, held_out_combination, scene_generators


@given(st.integers(0, 2**70), st.integers(0, 10**7))
def test_a_seed_tells_its_branch_and_survives_json(seed: int, index: int) -> None:
    for branch in ("training", "benchmark"):
        scene_seed, _, _ = scene_generators(seed, index, branch)
        assert branch_of(scene_seed) == branch
        assert 0 <= scene_seed < 2**53


def test_seeds_depend_on_all_three_arguments_and_nothing_else() -> None:
    seeds = {
        scene_generators(seed, index, branch)[0]
        for seed in range(20)
        for index in range(50)
        for branch in ("training", "benchmark")
    }
    assert len(seeds) == 2000
    first, second = (scene_generators(3, 4, "training") for _ in range(2))
    assert first[0] == second[0]
    for one, other in zip(first[1:], second[1:], strict=True):
        np.testing.assert_array_equal(one.integers(1 << 60, size=4), other.integers(1 << 60, size=4))


def test_the_generators_of_a_scene_are_independent() -> None:
    seed, choices, questions = scene_generators(0, 0, "training")
    assert len({seed, int(choices.integers(1 << 60)), int(questions.integers(1 << 60))}) == 3


def test_a_combination_is_found_when_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = frozenset({"a", "b"}), frozenset({"c", "d"})
    monkeypatch.setattr(held_out, "HELD_OUT_COMBINATIONS", (one, two))
    assert held_out_combination(("x", "b", "a")) == one
    assert held_out_combination(["d", "c"]) == two
    assert held_out_combination(("a", "c", "x")) is None
    assert held_out_combination(()) is None
    assert describe_combinations([two]) == [["c", "d"]]
