"""Questions: texts, answers that parse back, ground truth that recomputes, coverage, and no chance of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from roborefer.answers import parse_answer
from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.errors import InputError
from roborefer.refspatial.grammar import METERS_PER_UNIT
from roborefer.refspatial.questions import QUESTION_KINDS, ask, ask_demanding, ask_pair
from roborefer.refspatial.questions.asking import surface_text
from roborefer.refspatial.relations import RELATIONS
from roborefer.refspatial.thresholds import THRESHOLDS
from roborefer.structures import Box, Point

from . import plain_geometry as plain
from .handmade import Block, box_scene, look_at, rectangle, table
from .random_scenes import random_pair, random_scene

ROOT = Path(__file__).parents[2]
SCENES = 100


@lru_cache(maxsize=1)
def asked():
    """(scene, its questions) of many random scenes."""
    scenes = [random_scene(seed, size=(160, 120), objects=(4, 10)) for seed in range(SCENES)]
    return [(scene, ask(scene, np.random.default_rng(index), 24)) for index, scene in enumerate(scenes)]


def questions(kind):
    return [(scene, question) for scene, found in asked() for question in found if question.kind == kind]


def test_demanding_questions_take_steps_lengths_or_ranks():
    scenes = [scene for scene, _ in asked()[:20]]
    found = [ask_demanding(scene, np.random.default_rng(3), 8) for scene in scenes]
    every = [question for each in found for question in each]
    places = [question for question in every if question.kind == "placement"]
    assert len(every) > 60
    assert all(len({question.phrase for question in each}) == len(each) <= 8 for each in found)
    assert 0.6 * len(every) < len(places) < len(every)
    for question in every:
        if question.kind == "location":
            assert question.step_count == 1
            assert question.relations
        else:
            assert question.step_count >= 3 or "distance_m" in question.facts
    assert {question.step_count for question in places} >= {2, 3, 4}
    assert any("distance_m" in question.facts for question in places)


def test_demanding_questions_leave_out_what_is_held_out():
    scene = asked()[0][0]
    left = frozenset({"left"})
    free = ask_demanding(scene, np.random.default_rng(3), 8, exclude_combinations=[left])
    assert free
    assert not any("left" in question.relations for question in free)
    assert any("left" in question.relations for question in ask_demanding(scene, np.random.default_rng(3), 8))
    assert ask_demanding(scene, np.random.default_rng(3), 0) == []


def test_every_kind_and_every_relation_is_asked():
    kinds = Counter(question.kind for _, found in asked() for question in found)
    relations = Counter(name for _, found in asked() for question in found for name in question.relations)
    turns = Counter(
        name
        for seed in range(30)
        for q in ask_pair(*random_pair(seed), np.random.default_rng(seed))
        for name in q.relations
    )

    assert set(kinds) == set(QUESTION_KINDS) - {"multi_view"}
    assert set(relations) | set(turns) == set(RELATIONS)
    assert len(RELATIONS) == 31
    assert min(relations.values()) >= 3
    assert kinds["location"] > 0.2 * sum(kinds.values())
    assert kinds["placement"] > 0.1 * sum(kinds.values())


def test_steps_range_over_what_the_benchmark_counts():
    for kind, least in (("location", {1, 2, 3, 4}), ("placement", {1, 2, 3, 4})):
        counts = Counter(question.step_count for _, question in questions(kind))
        assert least <= set(counts) <= {1, 2, 3, 4, 5}


def test_texts_read_well():
    for _, found in asked():
        for question in found:
            for text in (question.text, question.answer, question.phrase):
                assert "  " not in text.replace(POINT_SUFFIX, "+")
                assert not re.search(r"[{}#]|None|\bnan\b", text), text
                assert text == text.strip()
            assert question.text[0].isupper(), question.text
            assert not re.search(r"\ba [aeio]|\ban [^aeiou8h]", question.text), question.text
            assert "the the" not in question.text
            assert not re.search(r"in the image in the|in the image located", question.text), question.text
            assert not re.search(r"\bheadphones (is|faces|points)\b|\bscissors are\b", question.text), question.text
            assert "headphones' " not in question.text


def test_steps_keys_and_counts_are_in_range():
    for _, found in asked():
        for question in found:
            assert len(question.steps) <= 5
            assert 1 <= question.step_count <= 5
            assert set(question.key_steps) <= set(range(len(question.steps)))
            assert list(question.relations) == sorted(set(question.relations))
            assert set(question.relations) <= set(RELATIONS)
            if question.kind != "absent":
                assert question.steps
                assert question.key_steps


def test_locations_lie_in_their_objects_and_no_other_object_is_meant():
    found = questions("location")
    assert len(found) > 300
    for scene, question in found:
        point = parse_answer(question.answer).points[0]
        assert (point.x, point.y) == (question.points[0].x, question.points[0].y)
        width, height = scene.image_size
        assert scene.ids[int(point.y * height), int(point.x * width)] == question.target
        assert question.region.sum() == (scene.ids == question.target).sum()
        assert question.phrase in question.text


def test_placements_lie_on_free_ground():
    found = questions("placement")
    assert len(found) > 200
    for scene, question in found:
        point = parse_answer(question.answer).points[0]
        width, height = scene.image_size
        row, column = int(point.y * height), int(point.x * width)
        assert question.region[row, column], question.phrase
        surface = scene.surface(question.facts["surface"])
        seen = scene.surfaces[scene.surface_ids[row, column] - 1]
        assert seen.name == surface.name
        assert scene.ids[row, column] == (surface.owner or 0)
        assert not question.target


def world_point(scene, question):
    """Where the answer of a placement lies in the world, from depth alone."""
    k, (width, height) = scene.camera.intrinsics, scene.image_size
    column, row = int(question.points[0].x * width), int(question.points[0].y * height)
    z = float(scene.depth_m[row, column])
    ray = np.array([(column + 0.5 - k.cx) / k.fx, (row + 0.5 - k.cy) / k.fy, 1.0])
    return scene.camera.world_from_camera[:3, :3] @ (ray * z) + scene.camera.world_from_camera[:3, 3]


_BESIDE = re.compile(
    r"the \w+ \w+ (?:on the table )?(?:[\d.]+ \w+ )?(to the left of|in front of|behind|to the right of) the ([a-z ]+)"
)


def called(scene, words):
    """Ids of all that "red mug" or "mug" may mean."""
    return [item.id for item in scene.objects if words in (item.category, f"{item.color} {item.category}")]


def test_placements_are_where_they_are_said_to_be():
    checked = Counter()
    for scene, question in questions("placement"):
        match = _BESIDE.fullmatch(question.phrase)
        anchors = [] if match is None else called(scene, match[2])
        if match is None or len(anchors) != 1:
            continue
        right = scene.camera.world_from_camera[:2, 0] / np.linalg.norm(scene.camera.world_from_camera[:2, 0])
        away = np.array((-right[1], right[0]))
        ways = {"to the left of": -right, "to the right of": right, "in front of": -away, "behind": away}
        offset = world_point(scene, question)[:2] - plain.center(scene, anchors[0])[:2]
        assert offset @ ways[match[1]] >= np.linalg.norm(offset) * np.cos(np.radians(45)) - 1e-9
        metres = question.facts.get("distance_m")
        if metres is not None:
            assert abs(np.linalg.norm(offset) - metres) <= 0.02 + 0.1 * metres
        checked[match[1]] += 1
    assert len(checked) == 4
    assert sum(checked.values()) > 40


def test_offsets_state_their_distance():
    found = [question for _, question in questions("placement") if "distance_m" in question.facts]
    assert len(found) > 15
    for question in found:
        number, unit = re.search(r"([\d.]+) (meters|centimeters|inches) ", question.phrase).groups()
        assert float(number) * METERS_PER_UNIT[unit] == pytest.approx(question.facts["distance_m"], abs=1e-9)


def test_statements_are_true():
    relations = Counter()
    for scene, question in questions("choice") + questions("fact"):
        facts = question.facts
        if "holds" not in facts:
            continue
        relation = facts["relation"]
        ids = [int(facts[name]) for name in ("subject", "other", "second_other") if name in facts]
        if relation in ("corner", "edge"):
            true = at_side(scene, ids[0], relation, facts["label"])
        elif relation in ("face", "back") and len(ids) == 1:
            angle = plain.facing_angle(scene, ids[0], scene.camera.world_from_camera[:3, 3])
            true = angle < 45 if relation == "face" else angle > 135
        else:
            true = plain.holds(scene, relation, *ids)
        assert true == (facts["holds"] == "yes"), (scene.name, question.text, question.answer)
        if "yes-no" in question.template:
            said = re.match(r"(?:\([A-D]\) )?(Yes|No), ", question.answer)[1]
            assert (said == "Yes") == true
            assert (" not " in question.answer) == (not true)
        relations[relation, true] += 1
    assert len({name for name, _ in relations}) >= 22
    assert min(sum(count for (_, true), count in relations.items() if true == wanted) for wanted in (True, False)) > 50


def at_side(scene, item, relation, label):
    """Corners and edges of the default table, straight from its size and the camera's directions."""
    right = scene.camera.world_from_camera[:2, 0] / np.linalg.norm(scene.camera.world_from_camera[:2, 0])
    across = [np.array((1.0, 0.0)), np.array((0.0, 1.0))]
    x_axis = max((sign * axis for axis in across for sign in (1, -1)), key=lambda axis: axis @ right)
    y_axis = np.array((-x_axis[1], x_axis[0]))
    half = np.array((0.6, 0.4)) if abs(x_axis[0]) == 1 else np.array((0.4, 0.6))
    inner = 1 - 2 * THRESHOLDS.corner_share
    x, y = plain.center(scene, item)[:2] @ x_axis / half[0], plain.center(scene, item)[:2] @ y_axis / half[1]
    if relation == "corner":
        far, side = label.split()
        return (y if far == "far" else -y) > inner and (x if side == "right" else -x) > inner
    along, aside = {"right": (x, y), "left": (-x, y), "far": (y, x), "near": (-y, x)}[label]
    return along > 1 - 2 * THRESHOLDS.edge_share and abs(aside) < inner


def test_choices_name_the_option_that_is_right():
    found = questions("choice")
    letters = Counter()
    for scene, question in found:
        options = dict(re.findall(r"\(([A-D])\) (.+?)(?= \([A-D]\) |$)", question.text))
        letter = parse_answer(question.answer).choice
        letters[letter] += 1
        option = options[letter]
        assert question.answer.startswith(f"({letter}) ")
        said = question.answer.removeprefix(f"({letter}) ")
        assert said.lower().startswith(option.lower())
        if "-most-" in question.template:
            ids = [int(question.facts[f"option_{index}"]) for index in range(len(options))]
            first = min(ids, key=lambda item: plain.key(scene, question.facts["relation"], item))
            assert first == question.facts["subject"]
    assert letters["A"] > 20
    assert letters["B"] > 20


def test_either_or_questions_are_answered_by_the_true_half():
    words = {
        "closer": "close",
        "farther": "far",
        "higher": "above-image",
        "lower": "below-image",
        "above": "above-world",
    }
    words |= {"below": "below-world", "wide": "wide", "thin": "thin", "facing": "face", "facing away": "back"}
    seen = set()
    for scene, question in questions("choice"):
        if "-either-or-" not in question.template:
            continue
        option = re.match(r"\([AB]\) ([\w ]+),", question.answer)[1].lower()
        relation = words.get(option, option)
        assert relation == question.facts["relation"]
        assert plain.holds(scene, relation, int(question.facts["subject"]), int(question.facts["other"]))
        seen.add(relation)
    assert len(seen) >= 12


def stated(question):
    """The number of an answer in metres or degrees, and half of its last place."""
    number, unit = re.search(r"(\d+(?:\.\d+)?(?:e[+-]\d+)?) (\w+)", question.answer).groups()
    unit = {"meter": "meters", "foot": "feet", "inch": "inches", "centimeter": "centimeters"}.get(unit, unit)
    scale = METERS_PER_UNIT.get(unit, 1.0)
    places = len(number.partition(".")[2])
    return float(number) * scale, 0.5 * 10.0**-places * scale + 1e-9, unit


def test_every_number_recomputes():
    seen = Counter()
    for scene, question in questions("quantity"):
        facts = question.facts
        ids = [int(facts[name]) for name in ("subject", "vertex", "other") if name in facts]
        value, rounding, unit = stated(question)
        if "x" in facts:
            width, height = scene.image_size
            expected = float(scene.depth_m[int(facts["y"] * height), int(facts["x"] * width)])
            assert f"({facts['x']:.3f}, {facts['y']:.3f})" in question.text
        elif "depth_m" in facts:
            expected = float(np.median(scene.depth_m[scene.ids == ids[0]]))
        elif "distance_m" in facts:
            expected = plain.distance(scene, *ids)
        elif "size_m" in facts:
            expected = {
                "height": plain.height,
                "width": plain.width,
                "longest": lambda scene, item: float(scene.object(item).box.size.max()),
            }[facts["measure"]](scene, ids[0])
        elif "angle_degrees" in facts:
            expected = angle_at(*(plain.center(scene, item) for item in ids))
            rounding = max(rounding, 0.5)
        elif "front_angle_degrees" in facts:
            fronts = [np.array(scene.object(item).directions["front"]) for item in ids]
            expected = np.degrees(np.arccos(np.clip(fronts[0] @ fronts[1], -1, 1)))
            rounding = max(rounding, 0.5)
        else:
            expected = abs(turn(scene, question, *ids))
        assert abs(value - expected) <= rounding, (question.text, question.answer, expected)
        assert question.answer[0].isupper()
        assert (unit == "degrees") == any("degrees" in name for name in facts)
        seen.update(question.relations)
    assert set(seen) >= {
        "depth",
        "distance",
        "tall",
        "wide",
        "big",
        "angle",
        "rotation-horizontal",
        "rotation-vertical",
    }


def angle_at(first, vertex, second):
    a, b = first - vertex, second - vertex
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def turn(scene, question, first, second):
    """Signed rotation from one object to another at the camera, checked against the word of the answer."""
    eye = scene.camera.world_from_camera[:3, 3]
    sights = [plain.center(scene, item) - eye for item in (first, second)]
    if "rotation-horizontal" in question.relations and "horizontal" in question.template:
        headings = [np.degrees(np.arctan2(sight[0], sight[1])) for sight in sights]
        degrees = (headings[1] - headings[0] + 180) % 360 - 180
        word = "right" if degrees > 0 else "left"
    else:
        lift = [np.degrees(np.arctan2(sight[2], np.hypot(*sight[:2]))) for sight in sights]
        degrees = lift[1] - lift[0]
        word = "up" if degrees > 0 else "down"
    assert word in question.answer.split(), question.answer
    return float(degrees)


def test_absent_things_are_absent():
    found = questions("absent")
    assert len(found) > 50
    for scene, question in found:
        answer = parse_answer(question.answer)
        assert question.answer == "[]"
        assert answer.absent
        assert not question.points
        assert question.region is None
        match = re.fullmatch(r"the (?:(\w+) )?((?:\w+ )*\w+)", question.phrase)
        if not question.relations and match[1] in (
            "red",
            "green",
            "blue",
            "yellow",
            "white",
            "black",
            "orange",
            "pink",
        ):
            assert not any(item.category == match[2] and item.color == match[1] for item in scene.objects)


def test_marks_are_what_the_question_speaks_of():
    seen = Counter()
    for scene, question in questions("visual_choice"):
        letter = parse_answer(question.answer).choice
        lines = question.text.split("\n")
        assert lines[1].startswith("(A) ")
        assert lines[2].startswith("(B) ")
        assert question.answer == lines["AB".index(letter) + 1]
        for mark in question.marks:
            rows, columns = np.nonzero(scene.ids == mark.target)
            if isinstance(mark.place, Box):
                assert f"{mark.color} box" in question.text
                edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                box = (mark.place.x0 * 160, mark.place.y0 * 120, mark.place.x1 * 160, mark.place.y1 * 120)
                assert box == pytest.approx(edges)
            else:
                assert isinstance(mark.place, Point)
                assert scene.ids[int(mark.place.y * 120), int(mark.place.x * 160)] == mark.target
        facts = question.facts
        ids = [mark.target for mark in question.marks]
        if "closer" in facts:
            depths = [float(scene.depth_m[int(m.place.y * 120), int(m.place.x * 160)]) for m in question.marks]
            assert "AB"[int(np.argmin(depths))] == letter == facts["closer"]
        elif facts["relation"] == "distance":
            assert plain.distance(scene, ids[0], int(facts["subject"])) < plain.distance(
                scene, ids[0], int(facts["other"])
            )
            assert ids[1:]["AB".index(letter)] == facts["subject"]
        else:
            assert plain.holds(scene, facts["relation"], *ids)
        seen[facts["relation"]] += 1
    assert set(seen) >= {"close", "distance", "left", "front"}


def test_two_views():
    kinds = Counter()
    for seed in range(25):
        first, second = random_pair(seed)
        found = ask_pair(first, second, np.random.default_rng(seed), 4)
        assert len({question.text for question in found}) == len(found)
        for question in found:
            assert question.kind == "multi_view"
            assert question.views == ("first", "second")
            kinds[question.template.split("-")[2]] += 1
            answer = parse_answer(question.answer)
            if question.target is None:
                # The second camera stands to the right and looks further to the left.
                assert question.answer == f"({answer.choice}) rotated left"
                assert f"({answer.choice}) rotated left" in question.text
                assert question.facts["rotation_degrees"] < -5
            else:
                point = answer.points[0]
                assert second.ids[int(point.y * 120), int(point.x * 160)] == question.target
                assert (question.region == (second.ids == question.target)).all()
                assert "second image" in question.text
                if "x" in question.facts:
                    x, y = question.facts["x"], question.facts["y"]
                    assert first.ids[int(y * 120), int(x * 160)] == question.target
                    assert f"({x:.3f}, {y:.3f})" in question.text
    assert set(kinds) == {"rotation", "point", "phrase"}


def test_the_camera_that_tilts():
    blocks = [Block("mug", at=(-0.2, 0)), Block("book", at=(0.2, 0))]
    first = box_scene(blocks, camera=look_at((0, -1.1, 1.5)), name="first")
    second = box_scene(blocks, camera=look_at((0, -1.1, 1.9)), name="second")

    question = ask_pair(first, second, np.random.default_rng(0))[0]

    assert question.relations == ("rotation-vertical",)
    assert question.answer.endswith("rotated downward")


def test_every_template_has_four_wordings():
    wordings = defaultdict(set)
    for _, found in asked():
        for question in found:
            stem, number = re.match(r"(.+?)-(\d+)(?:-|$)", question.template).groups()
            wordings[stem].add(number)
    common = ["location", "absent", "placement-beside", "placement-edge", "choice-yes-no", "choice-either-or"]
    common += ["choice-most", "fact-yes-no", "quantity-depth", "quantity-tall", "quantity-wide", "quantity-big"]
    for stem in common:
        assert len(wordings[stem]) >= 4, stem


def test_point_questions_come_with_and_without_the_suffix():
    endings = Counter(question.text.endswith(POINT_SUFFIX) for _, question in questions("location"))

    assert min(endings.values()) > 0.2 * sum(endings.values())


def test_no_question_twice():
    for _, found in asked():
        assert len({(question.text, question.marks) for question in found}) == len(found)
        for kind in ("location", "placement"):
            phrases = [question.phrase for question in found if question.kind == kind]
            assert len(set(phrases)) == len(phrases)


def test_kinds_can_be_chosen():
    scene = random_scene(3)
    for kind in ("location", "placement", "quantity"):
        assert {question.kind for question in ask(scene, np.random.default_rng(0), 5, kinds=(kind,))} == {kind}
    assert ask(scene, np.random.default_rng(0), 5, kinds=()) == []
    with pytest.raises(
        InputError,
        match=r"^expected kinds out of location, placement, choice, fact, quantity, visual_choice, absent, "
        r"got 'multi_view': ask_pair\(\) asks about two views$",
    ):
        ask(scene, np.random.default_rng(0), kinds=("multi_view",))
    with pytest.raises(InputError, match=r"got 'riddle': choose one of them$"):
        ask(scene, np.random.default_rng(0), kinds=("riddle",))


def test_combinations_can_be_held_out():
    combination = frozenset({"left", "free-space"})
    for seed in range(10):
        found = ask(random_scene(seed), np.random.default_rng(0), 20, exclude_combinations=(combination,))
        assert found
        assert not any(combination <= set(question.relations) for question in found)
        pair = ask_pair(
            *random_pair(seed), np.random.default_rng(0), exclude_combinations=(frozenset({"rotation-horizontal"}),)
        )
        assert not any("rotation-horizontal" in question.relations for question in pair)


def test_a_scene_with_nothing_to_ask():
    assert [
        question.kind for question in ask(box_scene(surfaces=[]), np.random.default_rng(0), 3, kinds=("location",))
    ] == []
    assert {question.kind for question in ask(box_scene(), np.random.default_rng(0), 10)} <= {"placement", "absent"}


def test_how_surfaces_are_spoken_of():
    def shelf(number, height):
        return type(table())(f"shelf {number}", "shelf", rectangle(0.8, 0.3), height)

    shelves = box_scene(surfaces=[shelf(1, 0.2), shelf(2, 0.6), shelf(3, 1.0), shelf(4, 1.4)])
    level = box_scene(surfaces=[shelf(1, 0.2), shelf(2, 0.2)])
    bowl = box_scene([Block("bowl", hollow=True)])

    assert [surface_text(shelves, surface) for surface in shelves.surfaces] == [
        "the bottom shelf",
        "the third shelf from the top",
        "the second shelf from the top",
        "the top shelf",
    ]
    assert surface_text(level, level.surfaces[0]) is None
    assert [surface_text(bowl, surface) for surface in bowl.surfaces] == ["the table", None]


DIGEST = """
import hashlib, json, sys
sys.path.insert(0, "tests/refspatial/..")
import numpy as np
from refspatial.random_scenes import random_pair, random_scene
from roborefer.refspatial.questions import ask, ask_pair
lines = [repr(vars(q) | {"region": None if q.region is None else int(q.region.sum())})
         for seed in range(6) for q in ask(random_scene(seed), np.random.default_rng(seed))]
lines += [repr((q.text, q.answer, q.steps)) for q in ask_pair(*random_pair(0), np.random.default_rng(0))]
print(json.dumps([len(lines), hashlib.sha256("\\n".join(lines).encode()).hexdigest()]))
"""


def test_the_same_seed_gives_the_same_questions_in_any_process():
    reports = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", DIGEST], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        reports.append(json.loads(run.stdout))

    assert reports[0] == reports[1]
    assert reports[0][0] > 60


def test_golden_texts():
    """The first questions of one scene by hand, word for word."""
    scene = box_scene(
        [
            Block("mug", at=(-0.3, 0.0), color="red", directions={"handle": (-1, 0, 0)}),
            Block("mug", at=(0.05, 0.1), color="blue", directions={"handle": (1, 0, 0)}),
            Block("book", at=(0.35, -0.1), size=(0.2, 0.15, 0.04), color="green", flat_top=True),
            Block("apple", at=(-0.05, -0.2), size=(0.07, 0.07, 0.07), color="red"),
        ]
    )
    found = ask(scene, np.random.default_rng(5), 9)

    lines = [
        f"{question.text.replace(POINT_SUFFIX, '+')} -> {question.answer}".replace("\n", " | ") for question in found
    ]
    assert lines == GOLDEN


GOLDEN = [
    "How far should the camera turn left or right to go from the book to the blue mug? "
    "-> It should rotate left around 16.904 degrees.",
    "Point out the vacant space on the table on the left side of the blue mug. -> [(0.453, 0.454)]",
    "How much does the book measure along its longest side? -> It is 7.87 inches along its longest side.",
    "Looking at the image, is the rightmost object bigger or smaller than the frontmost mug? (A) small (B) big "
    "-> (B) Big, the rightmost object is bigger than the frontmost mug.",
    "Where is the vacant space 20 centimeters in front of the red mug? Your answer should be formatted as a tuple, "
    "i.e. [(x, y)], where the tuple contains the x and y coordinates of a point satisfying the conditions above. "
    "-> [(0.284, 0.613)]",
    "Where is the green book located? -> [(0.734, 0.537)]",
    "Please point to the object to the left of the second object from the left. + -> [(0.303, 0.463)]",
    "Is the red mug far away from the green book? -> Yes, the red mug is far away from the green book.",
    "Is it true that the red mug is shorter than the green book? "
    "-> No, the red mug is not shorter than the green book.",
]
