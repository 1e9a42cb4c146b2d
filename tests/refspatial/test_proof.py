"""The proof of ``benchmarks/data_engine.py`` over a few scenes: nothing is violated, and what is wrong is found."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from roborefer.answers import write_answer
from roborefer.refspatial.expressions.facts import facts_of
from roborefer.refspatial.generation import GenerationSettings, ask_scene, simulate
from roborefer.refspatial.placements import AtEdge, placement_region
from roborefer.refspatial.questions import Question
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.simulation.layout import sample_layout
from roborefer.refspatial.surface_views import inside_outline, surface_frame
from roborefer.structures import Point, Step

from .handmade import box_scene, look_at, rectangle, table

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SIZE = (320, 240)


@pytest.fixture(scope="module", autouse=True)
def benchmarks() -> Iterator[None]:
    """The scripts of ``benchmarks/`` find each other beside themselves."""
    for library in ("trimesh", "embreex", "shapely", "scipy"):
        pytest.importorskip(library)
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def prove(scenes: range, seed: int) -> tuple[Counter[str], list[str]]:
    from data_engine import prove_scene

    checks: Counter[str] = Counter()
    violations: list[str] = []
    for index in scenes:
        found = prove_scene(seed, SIZE, index)
        checks.update(found["checks"])
        violations += found["violations"]
    return checks, violations


def test_nothing_is_violated() -> None:
    checks, violations = prove(range(4), 1)
    assert violations == []
    assert checks["phrase: picks one object"] > 20
    assert checks["placement: ray lands on the named support"] > 3
    assert checks.total() > 300


@pytest.mark.slow
def test_nothing_is_violated_in_many_scenes() -> None:
    checks, violations = prove(range(100), 2)
    assert violations == []
    assert checks.total() > 10_000


# ---- where the engine and the proof must agree ---------------------------------------------------------------------


COMPARED = ("left", "front", "close", "above-world", "above-image", "tall", "big", "wide", "inside", "outside", "on")


@pytest.mark.slow
def test_whatever_is_clear_holds_of_the_meshes() -> None:
    """All pairs of things that show a pixel, asked about or not."""
    from measured_scene import MeasuredScene

    how = GenerationSettings(60, 7, (SIZE,), views=(1, 2))
    wrong, clear = [], 0
    for index in range(60):
        views, _ = simulate(how, index, "training")
        layout = sample_layout(np.random.default_rng(views[0].seed))
        for scene in views:
            facts, measured = facts_of(scene), MeasuredScene(scene, layout)
            for relation, (a, b) in product(COMPARED, permutations(facts.shown, 2)):
                stated = facts.truth(relation, a, b)
                clear += stated is not None
                if stated is not None and stated != measured.holds(relation, a, b):
                    wrong.append((scene.name, relation, a, b))
    assert wrong == []
    assert clear > 10_000


def turned_outline(sides: int, size: tuple[float, float], yaw: float) -> np.ndarray:
    """(sides, 2): a rectangle for 4 sides, else a polygon around an ellipse."""
    if sides == 4:
        return rectangle(2 * size[0], 2 * size[1], (0.1, -0.2), yaw)
    angles = np.arange(sides) * (2 * np.pi / sides)
    turn = math.radians(yaw)
    rotation = np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    return (np.stack((np.cos(angles), np.sin(angles)), axis=1) * size) @ rotation.T + (0.1, -0.2)


@settings(max_examples=100, deadline=None)
@given(
    sides=st.sampled_from((4, 8, 12, 20, 40, 48, 50)),
    size=st.tuples(st.floats(0.3, 0.8), st.floats(0.3, 0.8)),
    yaw=st.floats(-180, 180),
    heading=st.floats(-180, 180),
    place=st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)),
)
def test_edges_are_where_the_proof_measures_them(
    sides: int, size: tuple[float, float], yaw: float, heading: float, place: tuple[float, float]
) -> None:
    from placement_check import PlacementCheck

    outline = turned_outline(sides, size, yaw)
    turn = math.radians(heading)
    forward = np.array((-math.sin(turn), math.cos(turn), 0.0))
    camera = look_at((*(-1.2 * forward[:2]), 1.6))
    scene = box_scene([], surfaces=[replace(table(), polygon=outline)], camera=camera, size=(8, 6))
    surface = scene.surface("table")
    assume(surface_frame(camera, surface).is_plain)
    right = camera.world_from_camera[:3, 0]
    measured = SimpleNamespace(right=right, forward=np.cross((0.0, 0.0, 1.0), right))
    check = PlacementCheck(measured, None)  # type: ignore[arg-type]
    point = outline.mean(axis=0) + place
    for side in ("left", "right", "near", "far"):
        shape = placement_region(scene, surface, AtEdge(side))
        if shape.contains(point[None])[0]:
            assert check._at_side(point, surface, "edge", side, 1e-6)
        elif inside_outline(point[None], outline)[0]:
            assert not check._at_side(point, surface, "edge", side, -1e-6)


def test_on_a_tray_lies_what_lies_across_another_thing_there() -> None:
    from measured_scene import MeasuredScene

    def thing(category: str, support: int | str, container: int | None) -> SimpleNamespace:
        return SimpleNamespace(category=category, support=support, container=container)

    for category, on_it in (("tray", True), ("bowl", False)):
        things = {
            1: thing(category, "table", None),
            2: thing("pencil", 1, 1),
            3: thing("pencil", 2, 1),
            4: thing("pencil", "table", None),
        }
        measured: Any = SimpleNamespace(things=things, layout=SimpleNamespace(surfaces=()))
        assert [MeasuredScene._on(measured, item, 1) > 0 for item in (2, 3, 4)] == [on_it, on_it, False]
        assert MeasuredScene._on(measured, 3, 2) > 0


# ---- what is wrong is found ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked() -> list[tuple[Scene, Question]]:
    """Questions of all kinds about a few scenes."""
    how = GenerationSettings(4, 1, (SIZE,), views=(1, 1))
    scenes = [ask_scene(how, index) for index in range(4)]
    return [(scene.views[0], question) for scene in scenes for question in scene.questions[0]]


def violations_of(scene: Scene, question: Question) -> list[str]:
    from engine_proof import SceneProof

    proof = SceneProof(scene, sample_layout(np.random.default_rng(scene.seed)))
    proof.question(question)
    return proof.proof.violations


def first(asked: list[tuple[Scene, Question]], **wanted: Any) -> tuple[Scene, Question]:
    for scene, question in asked:
        if all(getattr(question, name) == value for name, value in wanted.items()):
            return scene, question
    pytest.skip(f"no question with {wanted} in these scenes")


def test_a_point_beside_its_object(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = first(asked, kind="location")
    rows, columns = np.nonzero(scene.ids == 0)
    beside = Point((columns[0] + 0.5) / SIZE[0], (rows[0] + 0.5) / SIZE[1])
    found = violations_of(scene, replace(question, answer=write_answer([beside])))
    assert any(line.startswith("location: point on its object") for line in found)


def test_a_phrase_for_another_object(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = first(asked, kind="location")
    other = next(item.id for item in scene.objects if item.id != question.target and (scene.ids == item.id).any())
    found = violations_of(scene, replace(question, target=other, region=scene.mask(other)))
    assert any(line.startswith("phrase: picks one object") for line in found)


def test_a_placement_on_an_object(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = first(asked, kind="placement")
    rows, columns = np.nonzero(scene.ids > 0)
    middle = len(rows) // 2
    on_object = Point((columns[middle] + 0.5) / SIZE[0], (rows[middle] + 0.5) / SIZE[1])
    found = violations_of(scene, replace(question, answer=write_answer([on_object])))
    assert any(line.startswith("placement: point in the mask") for line in found)
    assert any(line.startswith("placement: ray lands on no other object") for line in found)


def test_a_statement_that_is_not_so(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = next(
        (scene, question) for scene, question in asked if "holds" in question.facts and question.kind == "fact"
    )
    denied = {"yes": "no", "no": "yes"}[str(question.facts["holds"])]
    found = violations_of(scene, replace(question, facts={**question.facts, "holds": denied}))
    assert any(line.startswith("relation: ") for line in found)


def test_a_number_that_is_not_the_answers(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = first(asked, kind="quantity")
    name = next(key for key in question.facts if key.endswith(("_m", "_degrees")))
    wrong = {**question.facts, name: 1.5 * float(question.facts[name]) + 0.1}
    found = violations_of(scene, replace(question, facts=wrong))
    assert any(line.startswith("number: text is the value") for line in found)
    assert len(found) >= 2


def test_a_step_to_another_place(asked: list[tuple[Scene, Question]]) -> None:
    scene, question = first(asked, kind="location")
    steps = (*question.steps[:-1], Step("Position", question.steps[-1].target, Point(0.001, 0.001)))
    found = violations_of(scene, replace(question, steps=steps))
    assert any(line.startswith("step: position of what it names") for line in found)
