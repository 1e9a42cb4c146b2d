"""Orders of several objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.refspatial.relations import RELATIONS, rank_by
from roborefer.refspatial.scene_graph import Scene

from .handmade import Block, box_scene
from .test_relations import blocks

RELATION_OF = {
    "left-right": "left",
    "front-back": "front",
    "closeness": "close",
    "elevation": "above-world",
    "top-bottom": "above-image",
    "height": "tall",
    "size": "big",
    "width": "wide",
}


def view(objects: Sequence[Block]) -> Scene:
    return box_scene(objects, size=(80, 60))


@settings(max_examples=60, deadline=None)
@given(blocks(least=1, most=6), st.sampled_from(sorted(RELATION_OF)), st.randoms(use_true_random=False))
def test_ranks_agree_with_the_relations(objects: list[Block], axis: str, random: object) -> None:
    scene = view(objects)
    ids = list(range(1, len(objects) + 1))
    ranking = rank_by(scene, ids, axis)
    random.shuffle(ids)  # type: ignore[attr-defined]
    assert rank_by(scene, ids, axis) == ranking
    assert sorted(ranking.order) == sorted(ids)
    relation = RELATIONS[RELATION_OF[axis]].function
    for place, item in enumerate(ranking.order):
        after = [relation(scene, item, other) for other in ranking.order[place + 1 :]]
        before = [relation(scene, other, item) for other in ranking.order[:place]]
        assert all(found.holds or found.margin == 0 or found.value != found.value for found in after + before)
        assert ranking.place_is_clear(place) == all(found.clear for found in after + before)
    assert ranking.clear == all(ranking.place_is_clear(place) for place in range(len(ids)))
    steps = zip(ranking.order, ranking.order[1:], strict=False)
    assert list(ranking.gaps) == [relation(scene, a, b).margin for a, b in steps]
    assert ranking.margin == min(ranking.gaps, default=float("inf"))


def test_three_cups_from_the_left() -> None:
    scene = view([Block(at=(0.3, 0)), Block(at=(-0.3, 0)), Block(at=(0.0, 0))])
    ranking = rank_by(scene, [1, 2, 3], "left-right")
    assert ranking.order == (2, 3, 1)
    assert ranking.gaps == pytest.approx((0.3, 0.3))
    assert ranking.clear


def test_one_place_may_be_clear_where_the_order_is_not() -> None:
    scene = view([Block(at=(0.3, 0)), Block(at=(-0.3, 0.2)), Block(at=(-0.29, -0.2))])
    ranking = rank_by(scene, [1, 2, 3], "left-right")
    assert ranking.order == (2, 3, 1)
    assert not ranking.clear
    assert [ranking.place_is_clear(place) for place in (0, 1, 2, -1)] == [False, False, True, True]


def test_distance_from_an_anchor() -> None:
    scene = view([Block(at=(0, 0)), Block(at=(0.4, 0)), Block(at=(-0.1, 0)), Block(at=(0, 0.2)), Block(at=(0, -0.21))])
    ranking = rank_by(scene, [2, 3, 4, 5], "distance", anchor=1)
    assert ranking.order == (3, 4, 5, 2)
    assert ranking.gaps == pytest.approx((0.1, 0.01, 0.19))
    assert [ranking.place_is_clear(place) for place in range(4)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("ids", "axis", "anchor", "message"),
    [
        ([1, 1], "height", None, "ids: expected each object once, got [1, 1]"),
        ([1, 2], "distance", None, 'anchor: expected an object that is not ranked, for axis "distance" only, got None'),
        ([1, 2], "distance", 2, 'anchor: expected an object that is not ranked, for axis "distance" only, got 2'),
        ([1, 2], "height", 3, 'anchor: expected an object that is not ranked, for axis "distance" only, got 3'),
    ],
)
def test_wrong_arguments(ids: list[int], axis: str, anchor: int | None, message: str) -> None:
    scene = view([Block(at=(0.3, 0)), Block(at=(-0.3, 0)), Block(at=(0.0, 0))])
    with pytest.raises(InputError, match=re.escape(message)):
        rank_by(scene, ids, axis, anchor)
