"""Many questions behind one prefix: the hidden states of each question alone, for any lengths and groups."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.pointing.shared_prefix import RowGroup, read_prefix, read_questions

from ...models.pointing_models import pointing_model  # noqa: TID252 - shared models


@pytest.fixture(scope="module")
def model() -> SpatialVLM:
    return pointing_model()


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def group_of(rows: Sequence[tuple[int, int]], start: int) -> RowGroup:
    """Rows of (picture, length), whose tokens stand one after another from ``start`` on."""
    longest = max(length for _, length in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    real = []
    for number, (_, length) in enumerate(rows):
        for place in range(length):
            tokens[number, place] = start
            real.append(number * longest + place)
            start += 1
    return RowGroup(tokens, torch.tensor(real), torch.tensor([picture for picture, _ in rows]))


@settings(deadline=None, max_examples=15)
@given(
    prefix=st.integers(1, 9),
    grouped=st.lists(
        st.lists(st.tuples(st.integers(0, 1), st.integers(1, 7)), min_size=1, max_size=4), min_size=1, max_size=3
    ),
)
@torch.no_grad()
def test_each_question_is_read_as_if_it_were_alone(
    model: SpatialVLM, prefix: int, grouped: list[list[tuple[int, int]]]
) -> None:
    pictures = noise(2, prefix, 32, seed=1)
    rows = [row for group in grouped for row in group]
    questions = [noise(length, 32, seed=10 + number) for number, (_, length) in enumerate(rows)]
    starts = [sum(length for group in grouped[:number] for _, length in group) for number in range(len(grouped))]
    hidden = read_questions(
        model.llm,
        torch.cat(questions),
        torch.cat([torch.arange(prefix, prefix + length) for _, length in rows]),
        [group_of(group, start) for group, start in zip(grouped, starts, strict=True)],
        read_prefix(model.llm, pictures),
    )
    alone = [
        model.llm.model(inputs_embeds=torch.cat([pictures[picture], question])[None]).last_hidden_state[0, prefix:]
        for (picture, _), question in zip(rows, questions, strict=True)
    ]
    assert torch.allclose(hidden, torch.cat(alone), atol=1e-5)


@torch.no_grad()
def test_the_prefix_is_kept_as_the_models_own_cache_keeps_it(model: SpatialVLM) -> None:
    pictures = noise(2, 6, 32, seed=3)
    cache = model.llm.model(inputs_embeds=pictures, use_cache=True).past_key_values
    kept = read_prefix(model.llm, pictures)
    assert len(kept) == 2
    for (keys, values), layer in zip(kept, cache.layers, strict=True):
        assert keys.shape == (2, 2, 6, 8)
        assert torch.allclose(keys, layer.keys, atol=1e-5)
        assert torch.allclose(values, layer.values, atol=1e-5)


def test_gradients_are_those_of_the_model(model: SpatialVLM) -> None:
    """Of the prefix through the questions, and of a weight."""
    pictures, question = noise(1, 5, 32, seed=4).requires_grad_(True), noise(4, 32, seed=5)
    weight = model.llm.model.layers[0].self_attn.k_proj.weight
    target = noise(4, 32, seed=6)
    hidden = read_questions(
        model.llm, question, torch.arange(5, 9), [group_of([(0, 4)], 0)], read_prefix(model.llm, pictures)
    )
    ours = torch.autograd.grad((hidden * target).sum(), [pictures, weight])
    both = torch.cat([pictures[0], question])[None]
    slow = model.llm.model(inputs_embeds=both).last_hidden_state[0, 5:]
    theirs = torch.autograd.grad((slow * target).sum(), [pictures, weight])
    for our, their in zip(ours, theirs, strict=True):
        assert torch.allclose(our, their, rtol=1e-3, atol=1e-4)
