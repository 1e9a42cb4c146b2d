"""How a point is asked for: requests, and the endings that name the form of the answer."""

from __future__ import annotations

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.refspatial import grammar
from roborefer.refspatial.expressions import Phrase
from roborefer.refspatial.questions.asking import Asker, be, their

# The form that the published 3D data asks for, with its two lengths.
_TUPLE_ENDING = (
    "Your answer should be formatted as a tuple, i.e. [(x, y)], where the tuple contains the x and y coordinates of a "
    "point satisfying the conditions above."
)
_RANGE_ENDING = (
    "The coordinates should be between 0 and 1, indicating the normalized pixel location of the point."
)  # fmt: skip

ENDINGS = (
    POINT_SUFFIX,
    f"{_TUPLE_ENDING} {_RANGE_ENDING}",
    _TUPLE_ENDING,
    "Please provide its 2D coordinates.",
    "Please provide their 2D coordinates.",
)
"""What may stand behind a request, in full."""

_OBJECT_REQUESTS = (
    "Please point out {phrase}.",
    "Point to {phrase}.",
    "Locate {phrase} in the image.",
    "Where {be} {phrase} located?",
    "Please point to {phrase}.",
    "Can you find {phrase}?",
    "Put a point on {phrase}.",
    "Show me {phrase}.",
    "Identify {phrase} in the scene.",
    "Where can I find {phrase}?",
)
_PLACE_REQUESTS = (
    "Please point to {phrase}.",
    "Point out {phrase}.",
    "Locate a point within {phrase}.",
    "Where is {phrase}?",
    "Find {phrase}.",
    "Mark a spot within {phrase}.",
    "Show me a point in {phrase}.",
    "I want to put something down. Point to {phrase}.",
)

_ENDINGS = ("plain", "published", "coordinates", "tuple", "tuple-range")
_ENDING_WEIGHTS = (5.0, 5.0, 2.0, 1.0, 1.0)


def ask_for_object(asker: Asker, phrase: Phrase) -> tuple[str, str]:
    """A request for the point of an object, and its wording's name."""
    name = phrase.text()
    # "Locate the lamp that is highest in the image in the image." says it once too often.
    requests = [
        (number, request)
        for number, request in enumerate(_OBJECT_REQUESTS)
        if " in the " not in name or request.endswith(("{phrase}.", "{phrase}?"))
    ]
    number, request = asker.pick(requests)
    text, ending = with_ending(asker, request.format(phrase=name, be=be(phrase)), plural=phrase.is_plural)
    return text, f"{number}-{ending}"


def ask_for_place(asker: Asker, name: str) -> tuple[str, str]:
    """A request for a point of a free place ("the free area behind the mug"), and its wording's name."""
    number, request = asker.pick_wording(_PLACE_REQUESTS)
    text, ending = with_ending(asker, request.format(phrase=name))
    return text, f"{number}-{ending}"


def with_ending(asker: Asker, request: str, *, plural: bool = False) -> tuple[str, str]:
    """A request as a sentence with one of the endings, and the ending's name."""
    name = asker.search.pick(_ENDINGS, _ENDING_WEIGHTS)
    words = {
        "plain": "",
        "published": POINT_SUFFIX,
        "coordinates": f"Please provide {their(plural)} 2D coordinates.",
        "tuple": _TUPLE_ENDING,
        "tuple-range": f"{_TUPLE_ENDING} {_RANGE_ENDING}",
    }[name]
    asked = grammar.sentence(request)
    return (f"{asked} {words}" if words else asked), name
