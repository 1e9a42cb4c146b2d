"""Reads a request's JSON or form into its model, and says in one line what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from roborefer.serving.wire_formats.failures import RequestRefused, invalid

_Request = TypeVar("_Request", bound=BaseModel)
_SHOWN = 60
_SHOULD_BE = "Input should be "


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
        return f"expected a JSON object, got something else ({told.removeprefix('Invalid JSON: ')}): mend the body"
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
    got = _excerpt(details["input"])
    if not told.startswith(_SHOULD_BE):
        return f"'{where}': {told[:1].lower()}{told[1:]}, got {got}"
    expected = f"'{where}' to be" if where else "a request to be"
    return f"expected {expected} {told.removeprefix(_SHOULD_BE)}, got {got}"


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
