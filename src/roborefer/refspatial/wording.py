"""A question's text without the ending that says how to write the answer."""

from __future__ import annotations

import re

_ENDING = re.compile(
    r"\s*(?:Your answer should be formatted as|Please provide (?:its|their) 2D coordinates)\b.*", re.DOTALL
)


def question_proper(text: str) -> str:
    """``"Point to the cup. Your answer should be formatted as ..."`` becomes ``"Point to the cup."``"""
    return _ENDING.sub("", text)
