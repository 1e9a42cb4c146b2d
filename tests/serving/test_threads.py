"""How threads are shared, and what of them outlives the loading of a model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from roborefer.errors import InputError
from roborefer.predictor import Predictor
from roborefer.serving.threads import load_for_serving, threads_for


@pytest.fixture(autouse=True)
def four_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_small_models_have_one_thread_and_large_ones_all() -> None:
    assert (threads_for(9_400_000, 4), threads_for(99_999_999, 4), threads_for(100_000_000, 4)) == (1, 1, 4)
    assert threads_for(2_000_000_000, 16) == 16


@pytest.mark.parametrize(("asked", "threads", "looks"), [(None, 1, 4), (1, 1, 4), (2, 2, 2), (3, 3, 1), (8, 8, 1)])
def test_cores_are_shared(predictor: Predictor, asked: int | None, threads: int, looks: int) -> None:
    while_loading = []

    def load() -> Predictor:
        while_loading.append(torch.get_num_threads())
        return predictor

    assert load_for_serving(load, asked) == (predictor, looks)
    assert while_loading == [1]
    assert torch.get_num_threads() == threads


def test_no_thread_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(InputError) as caught:
        load_for_serving(lambda: pytest.fail("the model was loaded"), 0)
    assert str(caught.value) == "expected 1 or more threads, got 0"
