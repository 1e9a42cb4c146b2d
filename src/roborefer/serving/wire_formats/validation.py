"""Reads a request's JSON or form into its model, and says in one line what is wrong with it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from roborefer.serving.wire_formats.failures import RequestRefused, invalid

_Request = TypeVar("_Request", bound=BaseModel)
_SHOWN = 60
_SHOULD_BE = "Input should be "
_INVALID_JSON = re.compile(r"Invalid JSON: (?P<why>.*) at line (?P<line>\d+) column (?P<column>\d+)")
# What is meant by kinds of errors whose own text is for programmers.
_EXPECTED = {
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "an object"),
    "list_type": "a list",
    "string_type": "text",
}


def read_json(model: type[_Request], body: bytes) -> _Request:
    """A request from JSON.

    Raises:
        RequestRefused: It is no JSON, or not of this form.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(model, error) from None


def read_fields(model: type[_Request], fields: Mapping[str, Any]) -> _Request:
    """A request from a form's fields, or from JSON that was parsed before.

    Raises:
        RequestRefused: They are not of this form.
    """
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise _refusal(model, error) from None


def _refusal(model: type[BaseModel], error: ValidationError) -> RequestRefused:
    # Of a union every branch complains; the one that got furthest into the request is the one that was meant.
    details = max(error.errors(include_url=False), key=lambda found: len(found["loc"]))
    where = _place(details["loc"])
    return invalid(_sentence(model, details, where), where or None)


def _sentence(model: type[BaseModel], details: ErrorDetails, where: str) -> str:
    kind, told = details["type"], details["msg"]
    if kind == "json_invalid":
        return _no_json(told, details["input"])
    if kind == "missing":
        return f"expected '{where}', got a request without it: add it"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(where, model.model_fields, 1)
        return f"expected known fields, got '{where}': " + (f"did you mean '{near[0]}'?" if near else "leave it out")
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind == "union_tag_invalid":
        found = details["ctx"]
        return f"expected '{where}.type' to be {found['expected_tags']}, got '{found['tag'][:_SHOWN]}'"
    if kind in ("too_short", "too_long"):
        return _wrong_length(details, where)
    got = _excerpt(details["input"])
    if kind == "greater_than_equal":
        return f"expected '{where}' of at least {details['ctx']['ge']}, got {got}"
    if not told.startswith(_SHOULD_BE):
        return f"'{where}': {told[:1].lower()}{told[1:]}, got {got}"
    expected = f"'{where}' to be" if where else "a request to be"
    return f"expected {expected} {_EXPECTED.get(kind, told.removeprefix(_SHOULD_BE))}, got {got}"


def _no_json(told: str, body: Any) -> str:
    """Where a body stops being JSON."""
    if isinstance(body, str | bytes) and not body.strip():
        return "expected a JSON object, got an empty body: send one"
    found = _INVALID_JSON.fullmatch(told)
    place = f"at line {found['line']}, column {found['column']}" if found else "somewhere"
    why = found["why"] if found else ""
    if why.startswith("EOF "):
        return f"expected a whole JSON object, got one that ends too early, {place}: send all of it"
    if why.startswith("recursion "):
        return f"expected a JSON object, got one that is nested too deeply {place}: send a plain one"
    return f"expected a JSON object, got text that is no JSON {place}: correct it there"


def _wrong_length(details: ErrorDetails, where: str) -> str:
    least, most, length = (details["ctx"].get(name) for name in ("min_length", "max_length", "actual_length"))
    if most is None:
        return f"expected at least {least} in '{where}', got {length}: add what is missing"
    return f"expected at most {most} in '{where}', got {'more' if length is None else length}: leave some out"


def _place(location: tuple[int | str, ...]) -> str:
    """``messages[0].content[1].image_url.url``: names of fields only, without those of a union's branches."""
    place: list[str] = []
    for item in location:
        if isinstance(item, int):
            place.append(f"[{item}]")
        elif item.isidentifier() and item not in ("str", "float", "dict") and not (place and place[-1] == f".{item}"):
            place.append(f".{item}")
    return "".join(place).removeprefix(".")


def _excerpt(value: Any) -> str:
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**_SHOWN else "a huge number"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else type(value).__name__
