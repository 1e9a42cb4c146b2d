"""Reads which option of a multiple-choice question a reply names."""

from __future__ import annotations

import re

from roborefer.answers.problems import ProblemLog

_QUOTES = "*_`\"' \t\r\n"
_ALONE = re.compile(r"[(\[]?([A-Za-z])[)\].:]*")
# "(A) yes", "A. yes", "A) yes", "A: yes"
_LEADING = re.compile(r"(?:\(([A-Za-z])\)|([A-Z])[.):*]+(?=\s|$))")
_ANOTHER = re.compile(r"\s*(?:,|/|&|and\b|or\b)\s*(?:\(([A-Za-z])\)|([A-Z])[.):])")
# "the answer is (A)", "Answer: B"; "the answer is A cup" names no option, and "a", "I" are words.
_STATED = re.compile(
    r"\b(?i:(answer)|option|choice)\b(?:[*:\s]|is\b){1,8}+[(\[*\"']{0,4}+(?:([A-Z])(?=[)\].,:;*\"']|\s*+$)|([B-HJ-Z])(?=\s))",
    re.MULTILINE,
)


def read_choice(text: str, log: ProblemLog) -> str | None:
    """The option's letter, "A" to "Z", or None when the text names none or more than one."""
    line = text.strip(_QUOTES)
    alone = _ALONE.fullmatch(line)
    if alone is not None:
        return alone[1].upper()
    named = _leading_options(line) or _stated_options(text)
    if len(named) > 1:
        log.add(f"names more than one option: {', '.join(sorted(named))}")
    return named.pop() if len(named) == 1 else None


def _leading_options(line: str) -> set[str]:
    leading = _LEADING.match(line)
    if leading is None:
        return set()
    another = _ANOTHER.match(line, leading.end())
    return {(match[1] or match[2]).upper() for match in (leading, another) if match is not None}


def _stated_options(text: str) -> set[str]:
    """Those called the answer; where none is, those called an option or a choice."""
    answers: set[str] = set()
    options: set[str] = set()
    for match in _STATED.finditer(text):
        (answers if match[1] else options).add(match[2] or match[3])
    return answers or options
