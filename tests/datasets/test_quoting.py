"""Values of JSON and YAML as messages name and quote them."""

from __future__ import annotations

import datetime

import pytest

from roborefer.datasets.quoting import excerpt, kind_of, spelled


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "null", "null"),
        (True, "true or false", "true"),
        (1.5, "a number", "1.5"),
        ("a", "text", '"a"'),
        (["é", None], "a list", '["é", null]'),
        ({"a": False}, "an object", '{"a": false}'),
        (datetime.date(2020, 1, 2), "something else", '"2020-01-02"'),
    ],
)
def test_a_value_is_named_and_spelled_as_in_json(value: object, kind: str, text: str) -> None:
    assert (kind_of(value), spelled(value)) == (kind, text)


def test_a_quote_is_one_short_line() -> None:
    assert excerpt("a\nb") == "'a\\nb'"
    assert excerpt("x" * 80) == "x" * 80
    assert excerpt("x" * 81) == "x" * 77 + "..."
