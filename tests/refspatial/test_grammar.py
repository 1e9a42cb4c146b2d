"""Articles, plurals, ordinals, lists and numbers with units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.refspatial.grammar import (
    METERS_PER_UNIT,
    angle_text,
    article,
    be,
    capitalized,
    counted,
    draw_length_unit,
    head_noun,
    indefinite,
    is_plural,
    length_text,
    listing,
    number_word,
    ordinal,
    plural,
    possessive,
    rotation_text,
    sentence,
)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("apple", "an"),
        ("mug", "a"),
        ("orange juice carton", "an"),
        ("hour", "an"),
        ("hourglass", "an"),
        ("honest answer", "an"),
        ("honey jar", "a"),
        ("unicorn", "a"),
        ("uniform", "a"),
        ("unimportant box", "an"),
        ("uninflated ball", "an"),
        ("umbrella", "an"),
        ("used book", "a"),
        ("utensil holder", "a"),
        ("ukulele", "a"),
        ("upright bottle", "an"),
        ("egg", "an"),
        ("eucalyptus", "a"),
        ("one-handled pot", "a"),
        ("onesie", "an"),
        ("8-inch plate", "an"),
        ("80-page book", "an"),
        ("11-inch tablet", "an"),
        ("18 cm pen", "an"),
        ("110-page book", "a"),
        ("18000-piece puzzle", "an"),
        ("12-pack", "a"),
        ("LED lamp", "an"),
        ("USB stick", "a"),
        ("MP3 player", "an"),
        ("TV", "a"),
        ("X-ray", "an"),
        ("LEGO brick", "a"),
        ("Apple", "an"),
        ("Orange", "an"),
        ('"open" box', "an"),
    ],
)
def test_article(phrase, expected):
    assert article(phrase) == expected


def test_article_needs_a_word():
    with pytest.raises(InputError, match=r"^expected a word to put an article before, got nothing$"):
        article("")


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("apple", "an apple"),
        ("red mug", "a red mug"),
        ("scissors", "a pair of scissors"),
        ("orange scissors", "a pair of orange scissors"),
        ("old", "an old"),
    ],
)
def test_indefinite(noun, expected):
    assert indefinite(noun) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("apple", "apples"),
        ("knife", "knives"),
        ("loaf of bread", "loaves of bread"),
        ("loaf", "loaves"),
        ("shelf", "shelves"),
        ("scarf", "scarves"),
        ("leaf", "leaves"),
        ("roof", "roofs"),
        ("mouse", "mice"),
        ("computer mouse", "computer mice"),
        ("box", "boxes"),
        ("cereal box", "cereal boxes"),
        ("pen holder", "pen holders"),
        ("brush", "brushes"),
        ("toothbrush", "toothbrushes"),
        ("watch", "watches"),
        ("glass", "glasses"),
        ("vase", "vases"),
        ("vase of flowers", "vases of flowers"),
        ("box with a lid", "boxes with a lid"),
        ("berry", "berries"),
        ("toy", "toys"),
        ("tray", "trays"),
        ("tomato", "tomatoes"),
        ("potato", "potatoes"),
        ("photo", "photos"),
        ("avocado", "avocados"),
        ("mango", "mangoes"),
        ("child", "children"),
        ("toy man", "toy men"),
        ("snowman", "snowmen"),
        ("woman", "women"),
        ("fish", "fish"),
        ("scissors", "pairs of scissors"),
        ("garden shears", "pairs of garden shears"),
        ("die", "dice"),
        ("cactus", "cacti"),
        ("Mouse", "Mice"),
        ("houseplant", "houseplants"),
        ("object", "objects"),
    ],
)
def test_plural(noun, expected):
    assert plural(noun) == expected


def test_number_of_a_noun():
    assert (be("mug"), be("scissors"), be("kitchen scissors")) == ("is", "are", "are")
    assert is_plural("headphones")
    assert not is_plural("glass")
    assert head_noun("vase of flowers") == "vase"
    assert head_noun("toy car") == "car"
    assert counted(1, "apple") == "one apple"
    assert counted(3, "knife") == "three knives"
    assert counted(1, "scissors") == "one pair of scissors"
    assert counted(2, "scissors") == "two pairs of scissors"
    assert number_word(13) == "13"


def test_possessive():
    assert possessive("the mug") == "the mug's"
    assert possessive("the scissors") == "the scissors'"
    assert possessive("the glass") == "the glass's"


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (12, "twelfth"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (113, "113th"),
    ],
)
def test_ordinal(position, expected):
    assert ordinal(position) == expected


def test_ordinals_begin_at_one():
    with pytest.raises(InputError, match=r"^expected a position of 1 or more, got 0$"):
        ordinal(0)


def test_listing():
    assert listing(["a"]) == "a"
    assert listing(["a", "b"]) == "a and b"
    assert listing(["a", "b", "c"]) == "a, b, and c"
    assert listing(["a", "b"], "or") == "a or b"
    with pytest.raises(InputError, match=r"^expected at least one item to list, got none$"):
        listing([])


def test_sentences():
    assert sentence("the  mug is red") == "The mug is red."
    assert sentence("where is it?") == "Where is it?"
    assert sentence("point to the mug", "!") == "Point to the mug!"
    assert capitalized("(the mug)") == "(The mug)"
    assert capitalized("8-inch plate") == "8-inch plate"
    assert capitalized("") == ""


@pytest.mark.parametrize(
    ("metres", "unit", "expected"),
    [
        (0.43, "meters", "0.43 meters"),
        (0.43, "inches", "16.93 inches"),
        (0.43, "centimeters", "43.00 centimeters"),
        (1.5, "feet", "4.92 feet"),
        (0.3048, "feet", "1.00 foot"),
        (1.0, "meters", "1.00 meter"),
        (0.0254, "inches", "1.00 inch"),
    ],
)
def test_length_text(metres, unit, expected):
    assert length_text(metres, unit) == expected


def test_length_text_with_other_decimals():
    assert length_text(0.2, "meters", 1) == "0.2 meters"
    assert length_text(0.2, "centimeters", 0) == "20 centimeters"


def test_unknown_units_are_refused():
    with pytest.raises(InputError, match=r"^expected a unit out of meters, centimeters, inches, feet, got 'furlongs'$"):
        length_text(1.0, "furlongs")


@given(st.floats(0.001, 50), st.sampled_from(sorted(METERS_PER_UNIT)))
def test_lengths_read_back(metres, unit):
    number, word = length_text(metres, unit).split()

    assert abs(float(number) * METERS_PER_UNIT[unit] - metres) <= 0.005 * METERS_PER_UNIT[unit] + 1e-12
    assert word[:3] == unit[:3] or (word, unit) == ("foot", "feet")


@pytest.mark.parametrize(
    ("metres", "shares"),
    [
        (0.5, {"centimeters": 0.2, "inches": 0.8}),
        (2.0, {"meters": 0.5, "feet": 0.5}),
        (5.0, {"meters": 0.7, "feet": 0.3}),
    ],
)
def test_units_are_drawn_in_the_published_shares(metres, shares):
    generator = np.random.default_rng(0)
    drawn = [draw_length_unit(metres, generator) for _ in range(2000)]

    assert set(drawn) == set(shares)
    for unit, share in shares.items():
        assert abs(drawn.count(unit) / 2000 - share) < 0.04


def test_angles():
    assert rotation_text(19.9449) == "19.945 degrees"
    assert angle_text(42.349) == "42.3 degrees"
    assert angle_text(7.0) == "7 degrees"
    assert angle_text(1.0) == "1 degree"
    assert angle_text(0.00001) == "0.000 degrees"
    assert angle_text(179.95) == "180 degrees"


@given(st.text(st.characters(categories=("Ll", "Lu")), min_size=1, max_size=12))
def test_any_word_has_an_article_and_a_plural(word):
    assert indefinite(word).startswith(("a ", "an "))
    assert plural(word)


@given(st.lists(st.sampled_from(["the mug", "a box", "two pens"]), min_size=1, max_size=6))
def test_lists_name_every_item(items):
    text = listing(items)

    assert sum(text.count(item) for item in set(items)) == len(items)
