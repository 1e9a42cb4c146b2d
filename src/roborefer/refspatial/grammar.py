"""English for generated sentences: articles, plurals, ordinals, lists, and numbers with their units.

Pure functions over words. Spelling is American, as in the published data ("color", "meters").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np

from roborefer.errors import InputError

LengthUnit = Literal["meters", "centimeters", "inches", "feet"]

METERS_PER_UNIT: MappingProxyType[LengthUnit, float] = MappingProxyType(
    {"meters": 1.0, "centimeters": 0.01, "inches": 0.0254, "feet": 0.3048}
)
_SINGULAR_UNIT = MappingProxyType({"meters": "meter", "centimeters": "centimeter", "inches": "inch", "feet": "foot"})

_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
)  # fmt: skip
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip

# Words of which there is no singular: "the scissors are", "a pair of scissors".
_PLURAL_ONLY = frozenset(
    {"scissors", "pliers", "tongs", "tweezers", "glasses", "sunglasses", "headphones", "earphones", "shorts", "pants",
     "jeans", "trousers", "binoculars", "goggles", "shears", "clippers", "pajamas"}
)  # fmt: skip
# Words that look the same in the plural.
_UNCHANGED = frozenset({"sheep", "fish", "deer", "aircraft", "series", "species"})
_IRREGULAR = MappingProxyType(
    {
        "child": "children",
        "foot": "feet",
        "goose": "geese",
        "man": "men",
        "mouse": "mice",
        "ox": "oxen",
        "person": "people",
        "tooth": "teeth",
        "woman": "women",
        "cactus": "cacti",
        "die": "dice",
    }
)
# -f and -fe become -ves in these; "roofs", "cliffs" and "chefs" follow the rule.
_F_TO_VES = frozenset(
    {"calf", "elf", "half", "hoof", "knife", "leaf", "life", "loaf", "scarf", "shelf", "wolf", "wife"}
)
_O_TO_OES = frozenset({"echo", "hero", "mango", "mosquito", "potato", "tomato", "torpedo", "volcano"})
# The noun ends before these: "vase of flowers", "box with a lid".
_HEAD_ENDS = re.compile(r"\s(?:of|with|in|on|for|from|to)\s")

_SILENT_H = re.compile(r"h(?:eir|ono|onest|our)", re.IGNORECASE)
# A vowel letter that sounds as "you" or "w": unicorn, utensil, European, one.
_CONSONANT_SOUND = re.compile(
    r"(?:one(?![a-z])|once|eu|ewe|ouija|uni(?!n|m)|u(?:biq|kulele|ran|r[aeio]n|s[aeiou]|t[aeio]|til))", re.IGNORECASE
)
_SPELLED_OUT = re.compile(r"[A-Z]{1,5}(?![a-z])[0-9]*(?=$|[\s'’-])")
_VOWEL_LETTER_NAMES = frozenset("AEFHILMNORSX")
# Capitals that are read as words, not letter by letter.
_ACRONYM_WORDS = frozenset({"LEGO", "NASA", "RAM", "LASER", "FIFA"})
_NUMBER_WITH_VOWEL_SOUND = re.compile(r"(?:8[0-9]*|11|18|11[0-9]{3}|18[0-9]{3})(?![0-9])")


def article(phrase: str) -> str:
    """``"a"`` or ``"an"``, by the sound that the phrase begins with: an hour, a unicorn, an 8-inch plate."""
    word = phrase.lstrip("\"'(“‘")
    if not word:
        raise InputError("expected a word to put an article before, got nothing")
    if word[0].isdigit():
        return "an" if _NUMBER_WITH_VOWEL_SOUND.match(word) else "a"
    spelled = _SPELLED_OUT.match(word)
    if spelled is not None and spelled.group() not in _ACRONYM_WORDS:
        return "an" if word[0] in _VOWEL_LETTER_NAMES else "a"
    if _SILENT_H.match(word):
        return "an"
    if _CONSONANT_SOUND.match(word):
        return "a"
    return "an" if word[0].lower() in "aeiou" else "a"


def indefinite(noun: str) -> str:
    """The noun phrase with its article: "an apple", "a red mug", "a pair of scissors"."""
    if is_plural(noun):
        return f"a pair of {noun}"
    return f"{article(noun)} {noun}"


def head_noun(noun: str) -> str:
    """The word that takes the plural: "toy car" -> "car", "vase of flowers" -> "vase"."""
    return _split_head(noun)[1]


def is_plural(noun: str) -> bool:
    """Whether a category has no singular ("scissors") and so takes "are" and "they"."""
    return head_noun(noun).lower() in _PLURAL_ONLY


def plural(noun: str) -> str:
    """More than one of it: knives, pen holders, mice, loaves of bread, pairs of scissors."""
    before, head, after = _split_head(noun)
    if head.lower() in _PLURAL_ONLY:
        return f"pairs of {noun}"
    return f"{before}{_plural_word(head)}{after}"


def be(noun: str) -> str:
    """``"is"`` or, for scissors and the like, ``"are"``."""
    return "are" if is_plural(noun) else "is"


def possessive(phrase: str) -> str:
    """the mug's, the scissors'."""
    return f"{phrase}'" if phrase.endswith("s") and not phrase.endswith("ss") else f"{phrase}'s"


def ordinal(position: int) -> str:
    """first, second, ... twelfth, 13th, 21st, 112th.

    Raises:
        InputError: ``position`` is below 1.
    """
    if position < 1:
        raise InputError(f"expected a position of 1 or more, got {position}")
    if position <= len(_ORDINALS):
        return _ORDINALS[position - 1]
    ending = "th" if 10 <= position % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(position % 10, "th")
    return f"{position}{ending}"


def number_word(count: int) -> str:
    """zero, one, ... twelve, 13."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def counted(count: int, noun: str) -> str:
    """one apple, three knives."""
    if count == 1:
        return f"one {'pair of ' if is_plural(noun) else ''}{noun}"
    return f"{number_word(count)} {plural(noun)}"


def listing(items: Sequence[str], conjunction: str = "and") -> str:
    """a; a and b; a, b, and c.

    Raises:
        InputError: there are no items.
    """
    if not items:
        raise InputError("expected at least one item to list, got none")
    if len(items) < 3:
        return f" {conjunction} ".join(items)
    return f"{', '.join(items[:-1])}, {conjunction} {items[-1]}"


def capitalized(text: str) -> str:
    """The text with its first letter in upper case, the rest as it is."""
    for index, character in enumerate(text):
        if character.isalpha():
            return text[:index] + character.upper() + text[index + 1 :]
        if character.isdigit():
            break
    return text


def sentence(text: str, end: str = ".") -> str:
    """Capitalised, single spaces, and closed by ``end`` unless a closing mark is there already."""
    joined = capitalized(" ".join(text.split()))
    return joined if joined.endswith((".", "?", "!")) else joined + end


def draw_length_unit(metres: float, generator: np.random.Generator) -> LengthUnit:
    """The unit in which a length is said: the shares of the published data.

    Below 1 m centimeters (20 %) or inches (80 %), below 3 m meters or feet (half each), from there on meters
    (70 %) or feet (30 %).
    """
    draw = generator.random()
    if metres < 1:
        return "centimeters" if draw < 0.2 else "inches"
    if metres < 3:
        return "meters" if draw < 0.5 else "feet"
    return "meters" if draw < 0.7 else "feet"


def length_text(metres: float, unit: LengthUnit = "meters", decimals: int = 2) -> str:
    """``0.43 meters``, ``16.93 inches``; "1.00 foot" is the only number that takes a singular.

    Raises:
        InputError: the unit is unknown.
    """
    if unit not in METERS_PER_UNIT:
        raise InputError(f"expected a unit out of {', '.join(METERS_PER_UNIT)}, got {unit!r}")
    number = f"{metres / METERS_PER_UNIT[unit]:.{decimals}f}"
    return f"{number} {_SINGULAR_UNIT[unit] if float(number) == 1 else unit}"


def rotation_text(degrees: float) -> str:
    """How far something turned or has to turn: three decimals, "19.945 degrees"."""
    return f"{degrees:.3f} degrees"


def angle_text(degrees: float) -> str:
    """The angle between two directions: three significant digits, "42.3 degrees"."""
    number = f"{degrees:.3g}"
    if "e" in number:  # below 0.0001
        number = f"{degrees:.3f}"
    return f"{number} {'degree' if float(number) == 1 else 'degrees'}"


def _split_head(noun: str) -> tuple[str, str, str]:
    """What stands before the head noun (with its space), the head, and what follows it."""
    ends = _HEAD_ENDS.search(noun)
    main, after = (noun, "") if ends is None else (noun[: ends.start()], noun[ends.start() :])
    before, space, head = main.rpartition(" ")
    return before + space, head, after


def _plural_word(word: str) -> str:
    lower = word.lower()
    if lower in _UNCHANGED:
        return word
    for single, many in _IRREGULAR.items():
        # "toothbrush" is regular, "snowman" and "grandchild" are not.
        if lower == single or (lower.endswith(single) and single in ("man", "child", "person", "woman", "mouse")):
            return word[: len(word) - len(single)] + _like(word[len(word) - len(single) :], many)
    if any(lower.endswith(ending) for ending in _F_TO_VES):
        return word.removesuffix("e").removesuffix("f") + "ves"
    if lower.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if lower.endswith("y") and lower[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    if lower in _O_TO_OES:
        return f"{word}es"
    return f"{word}s"


def _like(pattern: str, word: str) -> str:
    return word.capitalize() if pattern[:1].isupper() else word
