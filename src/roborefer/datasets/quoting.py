"""How messages name and quote what stands in JSON and YAML: in words that a user knows, on one line, and not long."""

from __future__ import annotations

import json

_LONGEST = 80
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)


def kind_of(value: object) -> str:
    """What a value is called: ``null``, ``text``, ``a number``, ``a list``, ``an object``."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "something else")


def spelled(value: object) -> str:
    """A value as JSON spells it, cut where it is long."""
    return excerpt(json.dumps(value, ensure_ascii=False, default=str))


def excerpt(text: str) -> str:
    """Text on one line, cut where it is long."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
