"""ImageCache: pictures by content, within a bound on memory, least recently used first to go."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from roborefer.models.encoded_image import EncodedImage
from roborefer.models.key_value_cache import Prefix
from roborefer.serving.asks import DepthUpload
from roborefer.serving.image_cache import ImageCache, picture_key


def image(num_bytes: int) -> EncodedImage:
    """Of a multiple of 8 bytes."""
    half = torch.zeros(1, 1, 1, num_bytes // 8)
    return EncodedImage((1, 1), None, (), Prefix((half,), (half,)), (), ())


@given(st.lists(st.tuples(st.sampled_from("pg"), st.integers(0, 5), st.integers(1, 6)), max_size=40))
def test_it_holds_what_an_obvious_cache_holds(steps: list[tuple[str, int, int]]) -> None:
    cache, slow = ImageCache(80), OrderedDict[int, int]()
    for step, number, size in steps:
        key = bytes([number])
        if step == "p":
            cache.put(key, image(8 * size))
            slow.pop(number, None)
            slow[number] = 8 * size
            while sum(slow.values()) > 80:
                slow.popitem(last=False)
        else:
            assert (cache.get(key) is not None) == (number in slow)
            if number in slow:
                slow.move_to_end(number)
        assert (cache.num_bytes, len(cache)) == (sum(slow.values()), len(slow))


def test_a_picture_beyond_the_bound_is_not_kept_and_displaces_none() -> None:
    cache = ImageCache(80)
    small = image(80)
    cache.put(b"small", small)
    cache.put(b"large", image(88))
    assert cache.get(b"small") is small
    assert cache.get(b"large") is None
    cache.put(b"small", replace(small, prefix=image(88).prefix))
    assert (len(cache), cache.num_bytes) == (0, 0)


def test_keys_tell_apart_whatever_the_model_sees() -> None:
    depths = [
        None,
        "estimate",
        DepthUpload(b""),
        DepthUpload(b"d"),
        DepthUpload(b"d", 0.001),
        DepthUpload(b"d", 1.0),
        DepthUpload(b"None"),
    ]
    keys = [picture_key(content, depth) for content in (b"", b"i", b"id") for depth in depths]  # type: ignore[arg-type]
    assert len(set(keys)) == len(keys)
    assert picture_key(b"i", DepthUpload(b"d", 1.0)) == picture_key(b"i", DepthUpload(b"d", 1.0))
