"""The proof of ``data_engine.py``: every question of a scene checked against measurements that the engine did not make.

Each check counts, and each failure is a line. Stated tolerances: numbers in a text are rounded to their last digit;
depth 1 cm + 2 %; sizes 15 % of the mesh's (the paper's tolerance; the largest error is reported); centres 1 cm + 15 %
of the thing's diagonal where they are measured from depth and ids (of things that are seen whole), exact where they
are measured from meshes; placements 5 mm.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from measured_scene import MeasuredScene, angle
from phrase_reader import PhraseReader
from placement_check import PlacementCheck
from roborefer.answers import parse_answer
from roborefer.refspatial.questions import Question
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.simulation.soundness import Layout, check_layout
from roborefer.structures import Point, Step

METERS = {"meter": 1.0, "centimeter": 0.01, "inch": 0.0254, "foot": 0.3048}
SINGULAR = {"meters": "meter", "centimeters": "centimeter", "inches": "inch", "feet": "foot"}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?:e[-+]?\d+)? (meters?|centimeters?|inch(?:es)?|feet|foot|degrees?)")
SIZE_TOLERANCE = 0.15
FROM_CENTERS = {"left", "right", "front", "behind", "close", "far", "above-world", "below-world"}


@dataclass
class Proof:
    """What was checked, and what failed.

    Attributes:
        checks: Checks made, by name.
        violations: One line each.
        largest_size_error: Of a stated size, over the mesh's.
    """

    checks: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    largest_size_error: float = 0.0

    def check(self, name: str, passed: bool, detail: str) -> None:
        """Counts a check and keeps the line if it failed."""
        self.checks[name] += 1
        if not passed:
            self.violations.append(f"{name}: {detail}")

    def add(self, other: Proof) -> None:
        self.checks += other.checks
        self.violations += other.violations
        self.largest_size_error = max(self.largest_size_error, other.largest_size_error)


class SceneProof:
    """Checks the questions about one view."""

    def __init__(self, scene: Scene, layout: Layout) -> None:
        self.scene = scene
        self.measured = MeasuredScene(scene, layout)
        self.proof = Proof()
        self.proof.check("layout is sound", not check_layout(layout), f"{scene.name}: {check_layout(layout)[:1]}")
        for item in scene.objects:
            same = np.allclose(self.measured.things[item.id].center, item.box.center, atol=1e-5)
            self.proof.check("box is the mesh's", same, f"{scene.name}: object {item.id}")

    @cached_property
    def reader(self) -> PhraseReader:
        return PhraseReader(self.measured)

    @cached_property
    def placement(self) -> PlacementCheck:
        return PlacementCheck(self.measured, self.reader)

    def question(self, question: Question) -> None:
        """Checks all that a question states."""
        self._point(question)
        self._phrase(question)
        self._statement(question)
        self._number(question)
        if not question.marks:
            for step in question.steps:
                self._step(question, step)

    def pair(self, second: SceneProof, question: Question) -> None:
        """Checks a question about this view and a second one of the same things."""
        facts = question.facts
        if "rotation_degrees" in facts:
            turns = [_heading(other.measured.forward) for other in (self, second)]
            tilts = [_elevation(other.scene.camera.world_from_camera[:3, 2]) for other in (self, second)]
            level = "rotation-horizontal" in question.relations
            first, last = turns if level else tilts
            turn = (last - first + 180.0) % 360.0 - 180.0
            passed = abs(turn - float(facts["rotation_degrees"])) < 1e-3
            self._check("number: camera rotation", passed, question, f"{turn}")
            words = ("rotated left", "rotated right") if level else ("rotated downward", "rotated upward")
            said = self._option(question)
            self._check("choice: way of the rotation", said == words[int(turn > 0)], question)
            return
        (point,) = parse_answer(question.answer).points
        self._check("two views: point on its object", second._id_at(point) == question.target, question)
        if "x" in facts:
            at = self._id_at(Point(float(facts["x"]), float(facts["y"])))
            self._check("two views: given point on its object", at == question.target, question)
        else:
            picks = self.reader.picks(question.phrase)
            self._check("phrase: picks one object", picks == {question.target}, question, f"{sorted(picks)}")

    def _check(self, name: str, passed: bool, question: Question, detail: str = "") -> None:
        self.proof.check(name, passed, f"{self.scene.name}: {question.text!r} {question.answer!r} {detail}")

    def _id_at(self, point: Point) -> int:
        column, row = (int(value) for value in point.pixel(self.scene.image_size))
        return int(self.scene.ids[row, column])

    # ---- points and phrases ------------------------------------------------------------------------------------------

    def _point(self, question: Question) -> None:
        if question.kind not in ("location", "placement", "absent"):
            return
        points = parse_answer(question.answer).points
        if question.kind == "absent":
            self._check("absent: no point", not points, question)
            return
        (point,) = points
        if question.kind == "location":
            self._check("location: point on its object", self._id_at(point) == question.target, question)
            assert question.region is not None
            own = self.scene.ids == question.target
            self._check("location: mask is the object's", bool((own == question.region).all()), question)
        else:
            for name, passed, detail in self.placement.checks(question, point):
                self._check(f"placement: {name}", passed, question, detail)

    def _phrase(self, question: Question) -> None:
        if question.kind == "absent":
            meanings = self.reader.meanings(question.phrase)
            passed = bool(meanings) and not any(meanings)
            self._check("absent: phrase fits nothing", passed, question, f"{sorted(meanings)}")
            return
        if question.kind == "location":
            target = question.target
        elif question.kind in ("choice", "fact", "quantity") and question.phrase.startswith("the "):
            if question.phrase in ("the given point",):
                return
            target = int(question.facts["subject"])
        else:
            return
        picks = self.reader.picks(question.phrase)
        self._check("phrase: picks one object", picks == {target}, question, f"{question.phrase!r} {sorted(picks)}")

    def _step(self, question: Question, step: Step) -> None:
        value = step.value
        if isinstance(value, Point):
            if question.kind == "placement" and step.target == question.phrase:
                assert question.region is not None
                column, row = (int(v) for v in value.pixel(self.scene.image_size))
                self._check("step: place in its region", bool(question.region[row, column]), question)
            elif step.target != "the given point":
                picks = self.reader.picks(step.target)
                passed = picks == {self._id_at(value)}
                self._check("step: position of what it names", passed, question, f"{step.target!r} {sorted(picks)}")
        elif isinstance(value, tuple):
            match = re.fullmatch(r"the (\w+) of (the .*)", step.target)
            picks = self.reader.picks(match[2]) if match else frozenset()
            passed = len(picks) == 1
            if match and passed:
                vector = self.measured.things[next(iter(picks))].directions[match[1]]
                in_camera = vector @ self.scene.camera.world_from_camera[:3, :3]
                passed = angle(in_camera, np.array(value)) < 0.5
            self._check("step: orientation of the mesh", passed, question, step.target)
        else:
            picks = self.reader.picks(step.target)
            sizes = [self.measured.extent(item, name) for item in picks for name in ("height", "width", "longest")]
            error = min((abs(size - value) / size for size in sizes), default=math.inf)
            passed = len(picks) == 1 and error <= SIZE_TOLERANCE
            self.proof.largest_size_error = max(self.proof.largest_size_error, error)
            self._check("step: size of the mesh", passed, question, f"{step.target!r} {value} of {sizes}")

    # ---- relations ---------------------------------------------------------------------------------------------------

    def _statement(self, question: Question) -> None:
        facts = question.facts
        if "relation" not in facts:
            if question.kind in ("choice", "fact") and "x" in facts:
                at = self._id_at(Point(float(facts["x"]), float(facts["y"])))
                self._check("choice: object at the point", at == int(facts["subject"]), question)
            return
        relation = str(facts["relation"])
        holds = facts.get("holds", "yes") == "yes"
        if "depth_a_m" in facts:
            nearer = "A" if float(facts["depth_a_m"]) < float(facts["depth_b_m"]) else "B"
            self._check("marks: closer point", nearer == facts["closer"] == question.answer[1], question)
        elif "anchor" in facts:
            near, far, anchor = (self.measured.things[int(facts[key])] for key in ("subject", "other", "anchor"))
            lengths = [float(np.linalg.norm(thing.center - anchor.center)) for thing in (near, far)]
            self._check("relation: nearer to the anchor", lengths[0] < lengths[1], question)
        elif "option_0" in facts:
            subject = int(facts["subject"])
            others = [int(value) for key, value in facts.items() if key.startswith("option_")]
            passed = all(self.measured.holds(relation, subject, other) for other in others if other != subject)
            self._check(f"relation: {relation} of several", passed, question)
            self._check("choice: letter of the subject", self._option(question) == question.phrase, question)
        elif "surface" in facts:
            at = self.placement.at_side(int(facts["subject"]), str(facts["surface"]), relation, str(facts["label"]))
            self._check(f"relation: {relation}", at == holds, question)
        else:
            ids = [int(facts[key]) for key in ("subject", "other", "second_other") if key in facts]
            others: list[int | None] = [*ids[1:]] or [None]
            found = self.measured.holds(relation, ids[0], *others)
            self._check(f"relation: {relation}", found == holds, question, f"{relation} {ids}")
            self._from_depth(question, relation, ids, holds)
        option = self._option(question)
        if option in ("yes", "no"):
            self._check("choice: letter of yes or no", (option == "yes") == holds, question)

    def _option(self, question: Question) -> str | None:
        """What stands behind the answer's letter in the question."""
        match = re.match(r"\(([A-D])\)", question.answer)
        options = dict(re.findall(r"\(([A-D])\) (.*?)(?=\s*\([A-D]\) |$)", question.text, re.DOTALL))
        return options.get(match[1]) if match else None

    def _from_depth(self, question: Question, relation: str, ids: list[int], holds: bool) -> None:
        """The same relation from where the pixels lie, for things that are seen whole."""
        if relation not in FROM_CENTERS or not all(self.measured.is_whole(item) for item in ids):
            return
        measured, pose = self.measured, self.scene.camera.world_from_camera
        first, second = (measured.seen_center(item) for item in ids)
        value = {
            "left": (second - first) @ pose[:3, 0],
            "front": (second - first) @ measured.forward,
            "close": np.linalg.norm(second - measured.eye) - np.linalg.norm(first - measured.eye),
            "above-world": first[2] - second[2],
        }
        partner = {"right": "left", "behind": "front", "far": "close", "below-world": "above-world"}
        signed = -value[partner[relation]] if relation in partner else value[relation]
        tolerance = sum(measured.center_tolerance(item) for item in ids)
        passed = signed > -tolerance if holds else signed < tolerance
        self._check("relation from depth and ids", passed, question, f"{relation} {ids} {signed:.3f} {tolerance:.3f}")

    # ---- numbers -----------------------------------------------------------------------------------------------------

    def _number(self, question: Question) -> None:
        if question.kind != "quantity":
            return
        facts = question.facts
        name = next(key for key in facts if key.endswith(("_m", "_degrees")))
        stated = float(facts[name])
        match = NUMBER.search(question.answer)
        if match is None:
            self._check("number: stated in the answer", False, question)
            return
        unit = SINGULAR.get(match[2], match[2])
        written = float(match[1]) * METERS.get(unit, 1.0)
        digits = match[1].partition(".")[2]
        rounding = 0.51 * 10.0 ** -len(digits) * METERS.get(unit, 1.0)
        self._check("number: text is the value", abs(written - abs(stated)) <= rounding, question, f"{stated}")
        ids = [int(facts[key]) for key in ("subject", "vertex", "other") if key in facts]
        exact, tolerance = self._exact(name, ids, question)
        passed = abs(exact - stated) <= tolerance
        self._check(f"number: {name.rpartition('_')[0]}", passed, question, f"{exact} {stated}")
        if name in ("distance_m", "angle_degrees", "rotation_degrees") and all(map(self.measured.is_whole, ids)):
            seen = self._geometry(name, [self.measured.seen_center(item) for item in ids], question)
            slack = self._slack(name, ids)
            passed = abs(seen - stated) <= slack
            self._check("number from depth and ids", passed, question, f"{name} {seen:.3f} {stated:.3f} {slack:.3f}")

    def _exact(self, name: str, ids: list[int], question: Question) -> tuple[float, float]:
        """The number anew and its tolerance: depth from the picture, all else from the meshes."""
        facts = question.facts
        if name == "depth_m":
            if "x" in facts:
                column, row = (int(v) for v in Point(float(facts["x"]), float(facts["y"])).pixel(self.scene.image_size))
                depth = float(self.scene.depth_m[row, column])
            else:
                depth = float(np.median(self.scene.depth_m[self.scene.ids == ids[0]]))
            return depth, 0.01 + 0.02 * depth
        if name == "size_m":
            size = self.measured.extent(ids[0], str(facts["measure"]))
            self.proof.largest_size_error = max(
                self.proof.largest_size_error, abs(size - float(facts["size_m"])) / size
            )
            return size, SIZE_TOLERANCE * size
        if name == "front_angle_degrees":
            first, second = (self.measured.things[item].directions["front"] for item in ids)
            return angle(first, second), 0.01
        centers = [self.measured.things[item].center for item in ids]
        return self._geometry(name, centers, question), 1e-3

    def _geometry(self, name: str, centers: list[np.ndarray], question: Question) -> float:
        if name == "distance_m":
            return float(np.linalg.norm(centers[0] - centers[1]))
        if name == "angle_degrees":
            return angle(centers[0] - centers[1], centers[2] - centers[1])
        sights = [center - self.measured.eye for center in centers]
        level = "rotation-horizontal" in question.template
        turns = [_heading(sight) if level else _elevation(sight) for sight in sights]
        return (turns[1] - turns[0] + 180.0) % 360.0 - 180.0

    def _slack(self, name: str, ids: list[int]) -> float:
        """How far a number may be off if every centre is as far off as is stated."""
        measured = self.measured
        tolerances = [measured.center_tolerance(item) for item in ids]
        centers = [measured.things[item].center for item in ids]
        if name == "distance_m":
            return sum(tolerances)
        if name == "angle_degrees":
            pairs = ((0, 1), (2, 1))
            reach = [float(np.linalg.norm(centers[a] - centers[b])) for a, b in pairs]
            return sum(
                math.degrees(math.atan2(tolerances[a] + tolerances[b], length))
                for (a, b), length in zip(pairs, reach, strict=True)
            )
        return sum(
            math.degrees(math.atan2(tolerance, float(np.linalg.norm((center - measured.eye)[:2]))))
            for tolerance, center in zip(tolerances, centers, strict=True)
        )


def _heading(sight: np.ndarray) -> float:
    return math.degrees(math.atan2(sight[0], sight[1]))


def _elevation(sight: np.ndarray) -> float:
    return math.degrees(math.atan2(sight[2], math.hypot(sight[0], sight[1])))
