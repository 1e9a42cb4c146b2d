"""Exposure, white balance, blur and noise against slow obvious arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.refspatial.simulation.photography import Photography, photograph

NOTHING = Photography((0, 0), (0, 0), (0, 0), 0.0, (0, 0), (0, 0))


def picture(seed: int = 0, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, (height, width, 3), dtype=np.uint8)


def gray(level: int, height: int = 300, width: int = 290) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def linear(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    steps = values / 255
    return np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)


def taken(rgb: NDArray[np.uint8], settings: Photography, seed: int = 0) -> NDArray[np.uint8]:
    return photograph(rgb, np.random.default_rng(seed), settings)


def with_only(**values: object) -> Photography:
    return Photography(**{**NOTHING.__dict__, **values})  # type: ignore[arg-type]


def test_nothing_done_changes_nothing() -> None:
    rgb = picture()
    before = rgb.copy()
    assert np.array_equal(taken(rgb, NOTHING), before)
    assert np.array_equal(rgb, before)


def test_a_stop_more_doubles_the_light() -> None:
    rgb = picture() // 2
    brighter = taken(rgb, with_only(exposure_stops=(1, 1)))
    assert linear(brighter) == pytest.approx(2 * linear(rgb), abs=0.005)


def test_too_much_light_is_white() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    brighter = taken(ramp, with_only(exposure_stops=(0.8, 0.8)))[0, :, 0].astype(int)
    assert (np.diff(brighter) >= 0).all()
    assert brighter[[0, 220, 255]].tolist() == [0, 255, 255]


def test_warm_light_has_more_red_and_less_blue() -> None:
    warm = taken(gray(120), with_only(warmth=(0.4, 0.4)))[0, 0]
    assert linear(warm)[0] / linear(warm)[2] == pytest.approx(2**0.4, rel=0.02)
    assert warm[1] == 120
    assert taken(gray(120), with_only(tint=(0.1, 0.1)))[0, 0].tolist() == [120, 124, 120]


def test_blur_against_plain_sums() -> None:
    """Three taps with the variance that was asked for, edges repeated."""
    rgb = picture(3)
    sigma = 0.6
    blurred = taken(rgb, with_only(blur_chance=1.0, blur_pixels=(sigma, sigma)))
    aside = sigma**2 / 2
    expected = rgb.astype(float)
    for axis in (1, 0):
        padded = np.pad(expected, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        before, after = (np.take(padded, np.arange(rgb.shape[axis]) + shift, axis=axis) for shift in (0, 2))
        expected = aside * (before + after) + (1 - 2 * aside) * expected
    assert np.abs(blurred - expected).max() <= 1.6
    assert np.array_equal(taken(gray(77), with_only(blur_chance=1.0, blur_pixels=(0.7, 0.7))), gray(77))


def test_noise_has_the_strength_that_was_asked_for() -> None:
    for sigma in (1.0, 3.0, 6.0):
        noise = taken(gray(128), with_only(noise=(sigma, sigma))).astype(float) - 128
        assert noise.std() == pytest.approx(np.hypot(sigma, 0.29), rel=0.03)  # and rounding
        assert abs(noise.mean()) < 0.1
        assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] == pytest.approx(0, abs=0.02)
        neighbours = np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]
        assert neighbours == pytest.approx(0, abs=0.02)


def test_noise_is_cut_off_at_black_and_white() -> None:
    for level in (0, 255):
        noisy = taken(gray(level), with_only(noise=(5, 5)))
        assert (np.abs(noisy.astype(int) - level) < 40).all()
        assert (noisy != level).any()


def test_the_same_generator_gives_the_same_bytes() -> None:
    rgb = picture()
    assert photograph(rgb, np.random.default_rng(7)).tobytes() == photograph(rgb, np.random.default_rng(7)).tobytes()
    photographs = {photograph(rgb, np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert len(photographs) == 20


def test_every_picture_draws_the_same_number_of_values() -> None:
    """So that what is drawn after a photograph does not depend on it."""
    after = set()
    for settings in (NOTHING, Photography(), Photography(blur_chance=1.0)):
        generator = np.random.default_rng(1)
        photograph(picture(), generator, settings)
        after.add(int(generator.integers(2**60)))
    assert len(after) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (600, 520)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    rgb = picture(0, *shape)
    result = photograph(rgb, np.random.default_rng(0), Photography(blur_chance=1.0))
    assert result.shape == rgb.shape
    assert result.dtype == np.uint8


def test_errors() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InputError) as caught:
        photograph(np.zeros((4, 4), np.uint8), generator)
    assert str(caught.value) == "rgb: expected uint8 (H, W, 3), got uint8 (4, 4)"
    with pytest.raises(InputError) as caught:
        photograph(np.zeros((4, 4, 3), np.float32), generator)  # type: ignore[arg-type]
    assert str(caught.value) == "rgb: expected uint8 (H, W, 3), got float32 (4, 4, 3)"
    with pytest.raises(InputError) as caught:
        Photography(blur_pixels=(0.2, 1.5))
    assert str(caught.value) == "expected blur_pixels within 0 to 0.8, got (0.2, 1.5): three taps blur no more"
    with pytest.raises(InputError) as caught:
        Photography(noise=(3, 1))
    assert str(caught.value) == "expected noise within 0 to 40, lowest first, got (3, 1)"
