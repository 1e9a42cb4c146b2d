"""Named colours: what is drawn under a name is called by that name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roborefer.refspatial.simulation.objects import colors


@given(st.sampled_from(sorted(colors.COLORS)), st.integers(0, 2**32 - 1))
def test_a_sample_keeps_its_name(name: str, seed: int) -> None:
    rgb = colors.sample_color(name, np.random.default_rng(seed))
    assert all(0 <= value <= 1 for value in rgb)
    assert colors.name_of(rgb) == ("gray" if name == "silver" else name)


@given(st.sampled_from(sorted(colors.COLORS)), st.integers(0, 2**32 - 1), st.floats(0.8, 1.1))
def test_a_name_survives_a_little_more_or_less_light(name: str, seed: int, light: float) -> None:
    red, green, blue = colors.sample_color(name, np.random.default_rng(seed))
    found = colors.name_of((min(red * light, 1), min(green * light, 1), min(blue * light, 1)))
    assert found in ({"gray", "white"} if name in ("silver", "white") else {name})


@given(st.integers(0, 2**32 - 1))
def test_leaves_are_green(seed: int) -> None:
    assert colors.name_of(colors.leaf_green(np.random.default_rng(seed))) == "green"


@given(st.floats(0.3, 0.8), st.floats(0.0, 0.09), st.floats(0, 359))
def test_oklch_round_trips(lightness: float, chroma: float, hue: float) -> None:
    rgb = colors.oklch_to_linear(lightness, chroma, hue)
    assume(min(rgb) > 0 and max(rgb) < 1)  # colours that no screen shows are clipped
    back = colors.linear_to_oklch(rgb)
    assert back[0] == pytest.approx(lightness, abs=1e-4)
    assert back[1] == pytest.approx(chroma, abs=1e-4)
    if chroma > 0.01:
        assert abs((back[2] - hue + 180) % 360 - 180) < 0.5


@pytest.mark.parametrize(
    ("srgb", "name"),
    [
        ((255, 0, 0), "red"),
        ((255, 165, 0), "orange"),
        ((255, 255, 0), "yellow"),
        ((0, 128, 0), "green"),
        ((0, 0, 255), "blue"),
        ((128, 0, 128), "purple"),
        ((255, 192, 203), "pink"),
        ((139, 69, 19), "brown"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "gray"),
        ((0, 0, 0), "black"),
    ],
)
def test_the_webs_named_colors_have_their_names(srgb: tuple[int, int, int], name: str) -> None:
    encoded = np.array(srgb) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    rgb = (float(linear[0]), float(linear[1]), float(linear[2]))
    assert colors.name_of(rgb) == name
    assert colors.to_srgb8(rgb) == srgb


@given(st.sampled_from(colors.PLAIN), st.integers(0, 2**32 - 1))
def test_another_color_is_another(name: str, seed: int) -> None:
    assert colors.other_color(name, np.random.default_rng(seed)) != name


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_words_stand_out_from_their_ground(rgb: tuple[float, float, float]) -> None:
    assert abs(colors.luminance(colors.contrast_color(rgb)) - colors.luminance(rgb)) > 0.25
