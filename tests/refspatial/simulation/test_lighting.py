"""Light comes from above, from windows by day, and within the paper's strengths."""

from __future__ import annotations

import numpy as np
import pytest

from roborefer.refspatial.simulation.lighting import sample_light, white_balance
from roborefer.refspatial.simulation.room import SETTINGS, sample_room


def test_light_falls_from_above_and_never_from_behind_furniture_at_a_wall() -> None:
    for seed in range(60):
        generator = np.random.default_rng(seed)
        room = sample_room(generator, SETTINGS[seed % 5])
        light = sample_light(generator, room)
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[2] > np.sin(np.deg2rad(34))
        if room.high[1] == 0:
            assert light.direction[1] <= 0.25


def test_strengths_span_the_paper_s_range() -> None:
    room = sample_room(np.random.default_rng(0), "tabletop")
    levels = [
        np.mean(sample_light(np.random.default_rng(seed), room).color)
        + np.mean(sample_light(np.random.default_rng(seed), room).ambient)
        for seed in range(300)
    ]
    usual = np.median(levels)
    assert 0.55 < min(levels) / usual < 0.7
    assert 1.3 < max(levels) / usual < 1.5
    fixed = sample_light(np.random.default_rng(1), room, (1.0, 1.0))
    stronger = sample_light(np.random.default_rng(1), room, (1.3, 1.3))
    np.testing.assert_allclose(stronger.color, 1.3 * np.array(fixed.color))
    np.testing.assert_allclose(stronger.ambient, 1.3 * np.array(fixed.ambient))


def test_lamps_are_redder_than_daylight() -> None:
    np.testing.assert_allclose(white_balance(5500), 1)
    balances = np.array([white_balance(kelvin) for kelvin in (2800, 3500, 5500, 7500)])
    assert (np.diff(balances[:, 0]) < 0).all()
    assert (np.diff(balances[:, 2]) > 0).all()
    np.testing.assert_allclose(balances.mean(axis=1), 1)


def test_the_same_seed_gives_the_same_light() -> None:
    room = sample_room(np.random.default_rng(0), "desk")
    first, second = (sample_light(np.random.default_rng(5), room) for _ in range(2))
    assert first.color == second.color
    assert (first.direction == second.direction).all()
