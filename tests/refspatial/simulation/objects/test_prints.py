"""Prints: the same bytes every time, shared where they can be, and in the shares that colour names rely on."""

from __future__ import annotations

import numpy as np
import pytest

from roborefer.refspatial.simulation.objects import prints
from roborefer.refspatial.simulation.objects.colors import to_srgb8

RED, WHITE = (0.6, 0.02, 0.02), (0.9, 0.9, 0.9)
GRAINS = ("wood", "fur", "fabric", "wicker", "peel", "card")


def share_of(texture: prints.Texture, color: tuple[float, float, float]) -> float:
    return float((texture == np.array(to_srgb8(color), np.uint8)).all(axis=2).mean())


@pytest.mark.parametrize("kind", GRAINS)
def test_grains_are_shared_and_cannot_be_written(kind: str) -> None:
    texture = prints.grain(kind, 1)
    assert texture.shape == (prints.SIZE, prints.SIZE, 3)
    assert texture.dtype == np.uint8
    assert prints.grain(kind, 1 + prints.GRAIN_VARIANTS) is texture
    assert not np.array_equal(prints.grain(kind, 2), texture)
    with pytest.raises(ValueError, match="read-only"):
        texture[0, 0] = 0


@pytest.mark.parametrize("kind", ["fur", "fabric", "peel", "card"])
def test_light_grains_leave_white_things_white(kind: str) -> None:
    assert prints.grain(kind).mean() > 0.88 * 255


@pytest.mark.parametrize(
    "texture",
    [
        prints.striped(RED, WHITE, 5),
        prints.striped(RED, WHITE, 5, upright=True),
        prints.dotted(RED, WHITE, 8, 4),
        prints.checked(RED, WHITE, 8, 4),
        prints.lattice(RED, WHITE, 6, 6),
    ],
    ids=["stripes across", "stripes upright", "dots", "checks", "lattice"],
)
def test_patterns_are_mostly_their_base(texture: prints.Texture) -> None:
    assert share_of(texture, RED) > 0.5
    assert 0.03 < share_of(texture, WHITE) < 0.4


def test_upright_stripes_run_along_v() -> None:
    across, upright = prints.striped(RED, WHITE, 5), prints.striped(RED, WHITE, 5, upright=True)
    np.testing.assert_array_equal(across.transpose(1, 0, 2), upright)
    assert (across == across[:, :1]).all()


@pytest.mark.parametrize("style", range(4))
def test_a_label_shows_its_word(style: int) -> None:
    empty, worded = (prints.label(text, RED, WHITE, style, aspect=0.7) for text in ("", "SOUP"))
    assert worded.shape == (prints.LABEL_SIZE, prints.LABEL_SIZE, 3)
    changed = (empty != worded).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 0.004 < changed.mean() < 0.2
    assert abs(columns.mean() / prints.LABEL_SIZE - 0.5) < 0.03
    assert np.ptp(columns) > np.ptp(rows)


def test_a_round_label_has_one_copy_in_the_middle() -> None:
    texture = prints.round_label("TEA", RED, WHITE, 3)
    np.testing.assert_array_equal(np.roll(texture, prints.LABEL_SIZE // 2, axis=1), texture)
    dark = (texture != np.array(to_srgb8(RED), np.uint8)).any(axis=2)
    middle = dark[:, prints.LABEL_SIZE // 2 - 10 : prints.LABEL_SIZE // 2 + 10]
    edge = dark[:, :10]
    assert middle.mean() > edge.mean()


def test_words_never_vanish_in_their_ground() -> None:
    yellow, white = (0.8, 0.7, 0.05), (0.9, 0.9, 0.9)
    texture = prints.label("HONEY", white, yellow, 1)
    levels = texture.astype(int).sum(axis=2)
    assert levels.min() < 200


def test_blends_run_from_bottom_to_top() -> None:
    texture = prints.blended((0, 0, 0), (1, 1, 1), np.random.default_rng(0))
    assert texture[:32].mean() > 180
    assert texture[-32:].mean() < 80


@pytest.mark.parametrize("style", range(4))
def test_screens_repeat_with_their_seed(style: int) -> None:
    first, again, other = (prints.screen(np.random.default_rng(seed), style) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert style == 3 or not np.array_equal(first, other)


def test_a_clocks_long_hand_points_to_the_minute() -> None:
    quarter, half = prints.clock_face(WHITE, 12, 15), prints.clock_face(WHITE, 12, 30)
    changed = (quarter != half).any(axis=2)
    middle = prints.LABEL_SIZE // 2
    # The hands differ to the right of the middle (a quarter past) and below it (half past), not to its left.
    assert changed[middle - 8 : middle + 8, middle + 40 : middle + 80].any()
    assert changed[middle + 40 : middle + 80, middle - 8 : middle + 8].any()
    assert not changed[middle - 8 : middle + 8, 10 : middle - 20].any()


@pytest.mark.parametrize("count", range(1, 7))
def test_dice_have_their_pips(count: int) -> None:
    texture = prints.pips(WHITE, RED, count)
    assert share_of(texture, RED) == pytest.approx(count * np.pi * 0.1**2, rel=0.05)


def test_cube_tiles_keep_their_colors() -> None:
    texture = prints.tiles([RED] * 4 + [WHITE] * 5, (0.0, 0.0, 0.0))
    assert share_of(texture, RED) * 5 == pytest.approx(share_of(texture, WHITE) * 4, rel=0.02)


@pytest.mark.parametrize(
    "texture",
    [
        prints.keys(RED, WHITE, 12, 5),
        prints.measure_marks(WHITE, 20),
        prints.page_edges(),
        prints.ribbon_cross(RED, WHITE),
        prints.speckled(RED, WHITE, np.random.default_rng(0)),
        prints.clock_face(WHITE, 10, 10, digital=True),
    ],
    ids=["keys", "marks", "pages", "ribbon", "specks", "digital"],
)
def test_prints_are_eight_bit_rgb(texture: prints.Texture) -> None:
    assert texture.dtype == np.uint8
    assert texture.shape == (256, 256, 3)
    assert texture.std() > 1
