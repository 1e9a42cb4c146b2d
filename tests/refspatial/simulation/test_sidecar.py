"""Sidecars: what they say of a mesh, and one line for whatever they should not say."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.refspatial.simulation.sidecar import Sidecar, read_sidecar

FACTS = {"name": "mug", "licence": "CC0-1.0"}


def read(folder: Path, **facts: Any) -> Sidecar:
    path = folder / "thing.json"
    path.write_text(json.dumps({**FACTS, **facts}), encoding="utf-8")
    return read_sidecar(path, path.with_suffix(".glb"))


def message_of(folder: Path, **facts: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, **facts)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder / "thing"), "{}")


def test_what_is_not_said_is_not_known(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.name, found.licence, found.scale, found.rolls) == ("mug", "CC0-1.0", 1.0, False)
    assert (found.front, found.up, found.color, found.material, found.places) == (None,) * 5
    assert (found.attributes, found.directions, found.also_called) == ((), {}, ())


def test_all_that_can_be_said(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        licence=" CC-BY 4.0,\n by somebody ",
        front="-y",
        up=[0, 0, 2],
        directions={"back rest": "+x"},
        places=["floor", "table"],
        also_called=["cup"],
        color="teal",
    )
    assert found.licence == "CC-BY 4.0, by somebody"
    assert found.front is not None
    assert found.up is not None
    np.testing.assert_array_equal(found.front, (0, -1, 0))
    np.testing.assert_array_equal(found.up, (0, 0, 1))
    np.testing.assert_array_equal(found.directions["back rest"], (1, 0, 0))
    assert (found.places, found.also_called, found.color) == (("floor", "table"), ("cup",), "teal")


@pytest.mark.parametrize(
    ("name", "read_as"),
    [("  rubber   duck ", "rubber duck"), ("Mug", "mug"), ("LEGO brick", "LEGO brick"), ("O-ring",) * 2],
)
def test_a_name_is_tidied(tmp_path: Path, name: str, read_as: str) -> None:
    assert read(tmp_path, name=name).name == read_as


@pytest.mark.parametrize("name", ["mug]", "a (b)", "mug: red", "two\x00words", "tasse à café", "7", "-", "x" * 41])
def test_a_name_that_texts_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    assert message_of(tmp_path, name=name) == (
        "expected 'name' as a noun of letters, digits and hyphens, at most 40 of them, in {}.json, "
        f"got {name!r}: write what people call it"
    )


def test_a_name_that_the_room_has_is_refused(tmp_path: Path) -> None:
    assert message_of(tmp_path, name="Table") == (
        "expected 'name' as a noun that no part of a room has in {}.json, got 'Table': write another, "
        "such as 'toy table'"
    )


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"color": "crimson"},
            "expected 'color' out of red, orange, yellow, green, blue, purple, pink, brown, white, gray, black, "
            "silver, beige, gold, teal in {}.json, got 'crimson': write the nearest, or drop it",
        ),
        (
            {"material": "wood (oak)"},
            "expected 'material' as a word in {}.json, got 'wood (oak)': write one or drop it",
        ),
        ({"attributes": [1]}, "expected 'attributes' as a list of words in {}.json, got [1]: write a list"),
        ({"also_called": "cup"}, "expected 'also_called' as a list of words in {}.json, got 'cup': write a list"),
        (
            {"places": ["roof"]},
            "expected 'places' out of table, desk, shelf, counter, floor in {}.json, got ['roof']: write some of them",
        ),
        (
            {"places": []},
            "expected 'places' out of table, desk, shelf, counter, floor in {}.json, got []: write some of them",
        ),
        ({"rolls": 1}, "expected 'rolls' as true or false in {}.json, got 1: write one of them"),
        (
            {"directions": {"han]dle": "+x"}},
            "expected 'directions' as names with axes in {}.json, got {'han]dle': '+x'}: write an object",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(tmp_path: Path, facts: dict[str, Any], message: str) -> None:
    assert message_of(tmp_path, **facts) == message


def test_a_huge_sidecar_is_refused(tmp_path: Path) -> None:
    assert message_of(tmp_path, licence="x" * 70_000) == (
        "expected at most 64 KiB, got 68 KiB in {}.json: keep only the sidecar's keys"
    )


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    (
        "also_called",
        "attributes",
        "color",
        "directions",
        "front",
        "licence",
        "material",
        "name",
        "places",
        "rolls",
        "scale",
    )
)


@given(st.dictionaries(KEYS, JSON_VALUES, max_size=4))
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, facts: dict[str, Any]) -> None:
    with suppress(InputError):
        found = read(tmp_path_factory.mktemp("any"), **facts)
        assert found.name.strip() == found.name != ""
