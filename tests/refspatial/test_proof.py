"""The proof of ``benchmarks/data_engine.py`` over a few scenes: nothing is violated, and what is wrong is found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roborefer.answers import write_answer
from roborefer.refspatial.generation import GenerationSettings, ask_scene
from roborefer.refspatial.questions import Question
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.simulation.layout import sample_layout
from roborefer.structures import Point, Step

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


# ---- what is wrong is found ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked() -> list[tuple[Scene, Question]]:
    """Questions of all kinds about a few scenes."""
    settings = GenerationSettings(4, 1, (SIZE,), views=(1, 1))
    scenes = [ask_scene(settings, index) for index in range(4)]
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
