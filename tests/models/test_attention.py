"""Attention by matrix products is transformers' sdpa, and taken where it is faster: short lessons on a CPU."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from roborefer.models import attention
from roborefer.models.attention import by_matrix_products, ragged_sdpa


def states(length: int, *, heads: int = 4, key_heads: int = 2, batch: int = 1, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(length)
    shapes = [(batch, count, length, 16) for count in (heads, key_heads, key_heads)]
    return [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]


class _Layer(torch.nn.Module):
    def __init__(self, *, is_causal: bool, groups: int = 2) -> None:
        super().__init__()
        self.is_causal, self.num_key_value_groups = is_causal, groups


@given(st.integers(1, 40), st.booleans(), st.sampled_from([1, 7, 16]), st.sampled_from([None, 0.3]))
def test_matrix_products_are_attention(length: int, causal: bool, block: int, scaling: float | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "_BLOCK", block)
        query, key, value = states(length, batch=2, dtype=torch.float32)
        mixed = by_matrix_products(query, key, value, causal=causal, scaling=scaling)
    many = [tensor.repeat_interleave(2, dim=1) for tensor in (key, value)]
    wanted = scaled_dot_product_attention(query, *many, is_causal=causal, scale=scaling).transpose(1, 2)
    torch.testing.assert_close(mixed, wanted)
    ours, theirs = (torch.autograd.grad(each.square().sum(), (query, key, value)) for each in (mixed, wanted))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("causal", [True, False])
def test_a_short_lesson_has_the_fused_kernels_numbers(causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(query: Tensor, *arguments: Tensor, **options: object) -> Tensor:
        calls.append(query.shape[2])
        return by_matrix_products(query, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(attention, "by_matrix_products", counted)
    layer = _Layer(is_causal=causal)
    query, key, value = states(9, dtype=torch.bfloat16)
    ours, _ = ragged_sdpa(layer, query, key, value, None)
    assert calls == [9]
    with torch.no_grad():  # answering has the kernel that it always had
        fused, _ = ragged_sdpa(layer, query, key, value, None)
    torch.testing.assert_close(ours, fused, atol=0.02, rtol=0.02)
    ragged_sdpa(layer, *states(9, dtype=torch.float32), None)
    assert calls == [9]
    with torch.autocast("cpu", torch.bfloat16):
        ragged_sdpa(layer, *states(9, dtype=torch.float32), None)
    assert calls == [9, 9]
    monkeypatch.setattr(attention, "_SHORT", 8)
    ragged_sdpa(layer, query, key, value, None)
    assert calls == [9, 9]


def test_packed_samples_attend_to_themselves() -> None:
    layer = _Layer(is_causal=True)
    query, key, value = states(12, dtype=torch.bfloat16)
    packed, _ = ragged_sdpa(layer, query, key, value, None, packed_lengths=[5, 7])
    for start, end in ((0, 5), (5, 12)):
        alone, _ = ragged_sdpa(layer, query[:, :, start:end], key[:, :, start:end], value[:, :, start:end], None)
        torch.testing.assert_close(packed[:, start:end], alone)
