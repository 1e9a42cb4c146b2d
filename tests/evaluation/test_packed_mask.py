"""Masks with one bit a pixel are the masks that were packed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from roborefer.evaluation.packed_mask import MAX_PIXELS, pack_mask
from roborefer.evaluation.samples import Mask, MaskRule, MaskTarget, read_mask

from .made_up import png


def read(values: np.ndarray, rule: MaskRule = "nonzero") -> Mask:
    height, width = values.shape
    return read_mask(MaskTarget(png(Image.fromarray(values)), "mask", rule), (width, height))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 255), st.integers(0, 2**32))
def test_what_is_unpacked_is_what_was_packed(height: int, width: int, value: int, seed: int) -> None:
    values = np.random.default_rng(seed).choice(np.array([0, value], np.uint8), (height, width))
    values[0, 0] = value
    mask = read(values)
    packed = pack_mask(mask)
    assert packed is not None
    found = packed.unpacked()
    for before, after in ((mask.values, found.values), (mask.weights, found.weights), (mask.inside, found.inside)):
        assert before.dtype == after.dtype
        assert (before == after).all()


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (np.array([[0, 1, 255]], np.uint8), "nonzero"),  # lmms-eval rounds them otherwise
        (np.array([[0, 100, 255]], np.uint8), "above-half"),
        (np.array([[0, 255]], np.uint8), "soft"),
        (np.array([[0, 1000]], np.uint16), "nonzero"),
        (np.full((1, MAX_PIXELS + 1), 255, np.uint8), "nonzero"),
    ],
    ids=["grey", "below half", "soft", "16 bit", "large"],
)
def test_what_would_not_be_the_same_is_not_packed(values: np.ndarray, rule: MaskRule) -> None:
    assert pack_mask(read(values, rule)) is None
