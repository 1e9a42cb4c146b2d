"""Run-length masks: the way there and back, COCO's own examples, and broken text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from roborefer.errors import InputError
from roborefer.refspatial.run_length import decode_mask, encode_mask

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=30))


def slow_counts(mask: np.ndarray) -> str:
    """The encoder of COCO's C library (maskApi.c, rleToString), one number and one character after the other."""
    runs, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    text = ""
    for index, run in enumerate(runs):
        number = run - (runs[index - 2] if index > 2 else 0)
        more = True
        while more:
            low = number & 0x1F
            number >>= 5
            more = number != -1 if low & 0x10 else number != 0
            text += chr((low | 0x20 if more else low) + 48)
    return text


@given(MASKS)
def test_there_and_back(mask: np.ndarray) -> None:
    content = encode_mask(mask)
    assert content["size"] == list(mask.shape)
    np.testing.assert_array_equal(decode_mask(content), mask)


@given(MASKS.filter(lambda mask: mask.size > 0))
def test_equals_the_slow_encoder(mask: np.ndarray) -> None:
    assert encode_mask(mask)["counts"] == slow_counts(mask)


def test_large_runs_and_large_differences() -> None:
    mask = np.zeros((1000, 2000), bool)
    mask[:3, 5] = mask[400:600, 7:1500] = mask[999, 1999] = True
    content = encode_mask(mask)
    assert content["counts"] == slow_counts(mask)
    np.testing.assert_array_equal(decode_mask(content), mask)


def test_a_known_text() -> None:
    # What pycocotools.mask.encode gives for this mask.
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    assert encode_mask(mask) == {"size": [4, 5], "counts": "5220003"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"counts": "04"}, "expected a mask's size as [height, width], got None"),
        ({"size": [2, -2], "counts": "4"}, "expected a mask's size as [height, width], got [2, -2]"),
        ({"size": [2, True], "counts": "2"}, "expected a mask's size as [height, width], got [2, True]"),
        ({"size": [1 << 16, 1 << 16], "counts": ""}, "expected a mask of at most 1073741824 pixels, got 65536x65536"),
        ({"size": [2, 2]}, "expected a mask's counts as text (COCO's compressed form), got NoneType"),
        ({"size": [2, 2], "counts": [4]}, "expected a mask's counts as text (COCO's compressed form), got list"),
        ({"size": [2, 2], "counts": "5"}, "expected a mask's runs to fill its 2x2 pixels, got 5: copy it"),
        ({"size": [2, 2], "counts": ""}, "expected a mask's runs to fill its 2x2 pixels, got 0: copy it"),
        ({"size": [2, 2], "counts": "5O"}, "expected a mask's runs to fill its 2x2 pixels, got 4: copy it"),
        ({"size": [2, 2], "counts": "é"}, "expected a mask's counts in COCO's compressed form, got other letters"),
        ({"size": [2, 2], "counts": "!"}, "expected a mask's counts in COCO's compressed form, got other letters"),
        ({"size": [2, 2], "counts": "P"}, "expected a mask's counts in COCO's compressed form, got other letters"),
        ({"size": [2, 2], "counts": "P" * 9 + "0"}, "got a number too large"),
    ],
)
def test_broken_text_is_one_line(content: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_mask(content)
    assert message in str(caught.value)


@given(st.text(alphabet=[chr(code) for code in range(40, 125)], max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        mask = decode_mask({"size": [5, 7], "counts": text})
    except InputError:
        return
    assert mask.shape == (5, 7)


@pytest.mark.parametrize("mask", [np.zeros(4, bool), np.zeros((2, 2), np.uint8)])
def test_other_arrays_are_refused(mask: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"mask: expected bool of shape \(H, W\)"):
        encode_mask(mask)
