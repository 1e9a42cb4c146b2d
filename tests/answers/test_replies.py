"""Hand-written replies and what each of them says. Every field is compared, problem texts to the letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from roborefer.answers import AnswerForm, parse_answer
from roborefer.structures import Box, Point, Step

SCALE = ": name the form ('pixels' with image_size, 'qwen3', ...) if the model writes another scale"
FIGURE = (
    "Step1: [Position][the leftmost alarm clock] Point (0.129, 0.617). "
    "Step2: [Orientation][its face] Vector (0.312, 0.316, -0.896). Step3: [size][the clock] 0.12."
)
FIGURE_STEPS = (
    Step("Position", "the leftmost alarm clock", Point(0.129, 0.617)),
    Step("Orientation", "its face", (0.312, 0.316, -0.896)),
    Step("Size", "the clock", 0.12),
)
P = Point(0.341, 0.610)


@dataclass(frozen=True)
class Reply:
    text: str
    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    steps: tuple[Step, ...] = ()
    choice: str | None = None
    absent: bool = False
    problems: tuple[str, ...] = ()
    read_as: AnswerForm | None = None
    form: AnswerForm | Literal["auto"] = "auto"
    image_size: tuple[int, int] | None = None


BARE = [
    Reply("[(0.341, 0.610)]", (P,), read_as="roborefer"),
    Reply("(0.341, 0.610)", (P,), read_as="roborefer"),
    Reply("[[0.341, 0.610]]", (P,), read_as="roborefer"),
    Reply("[0.341, 0.610]", (P,), read_as="roborefer"),
    Reply("0.341, 0.610", (P,), read_as="roborefer"),
    Reply(" 0.341,0.610.\n", (P,), read_as="roborefer"),
    Reply("Point (0.341, 0.610)", (P,), read_as="roborefer"),
    Reply("The cup's handle is at (0.341, 0.610), I think.", (P,), read_as="roborefer"),
    Reply("```python\n[(0.341, 0.610),]\n```", (P,), read_as="roborefer"),
    Reply("\\[(0.341, 0.610)\\]", (P,), read_as="roborefer"),
    Reply("**[(0.341, 0.610)]**", (P,), read_as="roborefer"),
    Reply("［（0.341，0.610）］", (P,), read_as="roborefer"),
    Reply("[(.341, 6.1e-1)]", (P,), read_as="roborefer"),
    Reply("[(0.341, 0.610), (0.5, 0.25)]", (P, Point(0.5, 0.25)), read_as="roborefer"),
    Reply("[(0.341, 0.610) (0.5, 0.25)]", (P, Point(0.5, 0.25)), read_as="roborefer"),
    Reply("(0.341, 0.610)\n(0.5, 0.25)", (P, Point(0.5, 0.25)), read_as="roborefer"),
    Reply("[(1.0, 0.0)]", (Point(1.0, 0.0),), read_as="roborefer"),
    Reply("[(0, 1)]", (Point(0.0, 1.0),), read_as="roborefer"),
    Reply("[(-0.0, 1)]", (Point(0.0, 1.0),), read_as="roborefer"),
    Reply("[(0.1, 0.2, 0.3, 0.4)]", boxes=(Box(0.1, 0.2, 0.3, 0.4),), read_as="roborefer"),
    Reply("{'answer': [(0.341, 0.610)]}", (P,), read_as="roborefer"),
    Reply("(see 2 cups) (0.341, 0.610)", (P,), read_as="roborefer"),
]

REFUSED = [
    Reply("(320, 240)", problems=("(320, 240) lies outside 0-1" + SCALE,)),
    Reply("[(0.341, 0.610), (320, 240)]", (P,), problems=("(320, 240) lies outside 0-1" + SCALE,), read_as="roborefer"),
    Reply("(1.001, 0.5)", problems=("(1.001, 0.5) lies outside 0-1" + SCALE,)),
    Reply("(-0.1, 0.5)", problems=("(-0.1, 0.5) lies outside 0-1",)),
    Reply("(\u22120.1, 0.5)", problems=("(\u22120.1, 0.5) lies outside 0-1",)),
    Reply("(nan, 0.5)", problems=("(nan, 0.5) holds a value that is not finite",)),
    Reply("(0.5, -Infinity)", problems=("(0.5, -Infinity) holds a value that is not finite",)),
    Reply("(0.5, 1e999)", problems=("(0.5, 1e999) holds a value that is not finite",)),
    Reply("(0.5, cup)", problems=("cannot read (0.5, cup): expected numbers only",)),
    Reply("(0.5, 0.2 m)", problems=("cannot read (0.5, 0.2 m): expected numbers only",)),
    Reply("(50%, 20%)", problems=("no point, box or choice in '(50%, 20%)'",)),
    Reply('["0.1", "0.2"]', problems=('no point, box or choice in \'["0.1", "0.2"]\'',)),
    Reply(
        "[0.1, 0.2, 0.3, 0.4, 0.5]",
        problems=("cannot read [0.1, 0.2, 0.3, 0.4, 0.5]: 5 numbers, expected 2 for a point or 4 for a box",),
    ),
    Reply("(0.5)", problems=("no point, box or choice in '(0.5)'",)),
    Reply(
        "(0.312, 0.316, 0.896)",
        problems=(
            "(0.312, 0.316, 0.896) has three numbers: name the form 'robotracer' if the model writes (u, v, depth)",
        ),
    ),
    Reply(
        "(0.3, 0.4, 0.1, 0.2)",
        problems=("(0.3, 0.4, 0.1, 0.2) is no box: its first corner is not the upper left one",),
    ),
    Reply("The mug is left of the bowl.", problems=("no point, box or choice in 'The mug is left of the bowl.'",)),
    Reply("", problems=("the text is empty",)),
    Reply("  \n", problems=("the text is empty",)),
    Reply(
        "__import__('os').system('true')", problems=("no point, box or choice in '__import__('os').system('true')'",)
    ),
    Reply("9" * 100 + ", 0.5", problems=("no point, box or choice in '" + "9" * 57 + "...'",)),
]

BROKEN = [
    Reply("[(0.341, 0.610)", (P,), problems=("the text ends early: ']' is missing",), read_as="roborefer"),
    Reply(
        "(0.341, 0.610",
        problems=(
            "the text ends early: ')' is missing",
            "cannot read (0.341, 0.610: the text ends there, so its last number may have lost digits",
        ),
    ),
    Reply("[(0.341, 0.610\n", (P,), problems=("the text ends early: ')]' is missing",), read_as="roborefer"),
    Reply(
        "[(0.341, 0.610), (0.3, 0.",
        (P,),
        problems=(
            "the text ends early: ')]' is missing",
            "cannot read (0.3, 0.: the text ends there, so its last number may have lost digits",
        ),
        read_as="roborefer",
    ),
    Reply(
        "<answer>[(0.341, 0.610</answer>",
        (P,),
        problems=("the text ends early: ')]' is missing",),
        read_as="roborefer",
    ),
    Reply(
        "[(0.341, 0.610]",
        (P,),
        problems=("brackets do not match in '(0.341, 0.610]'",),
        read_as="roborefer",
    ),
    Reply("(0.341, 0.610)]}", (P,), read_as="roborefer"),
    Reply("[", problems=("the text ends early: ']' is missing",)),
    Reply(
        "(" * 100 + "0.1, 0.2" + ")" * 100,
        problems=("brackets nested more than 64 deep are not read",),
        points=(Point(0.1, 0.2),),
        read_as="roborefer",
    ),
]

ABSENT = [
    Reply("[]", absent=True),
    Reply("[ ]", absent=True),
    Reply("```json\n[]\n```", absent=True),
    Reply("[()]", absent=True),
    Reply("None", absent=True),
    Reply("none.", absent=True),
    Reply("There are none.", absent=True),
    Reply('{"points": []}', absent=True),
    Reply("<answer>[]</answer>", absent=True),
    Reply("<|object_ref_start|>cup<|object_ref_end|><|box_start|>None<|box_end|>", absent=True),
    Reply("[] (0.341, 0.610)", (P,), read_as="roborefer"),
    Reply("[] (320, 240)", problems=("(320, 240) lies outside 0-1" + SCALE,)),
    Reply("call f() - [ ] later", problems=("no point, box or choice in 'call f() - [ ] later'",)),
]

CHOICES = [
    Reply("(A) yes", choice="A"),
    Reply("A.", choice="A"),
    Reply("A", choice="A"),
    Reply(" **b** ", choice="B"),
    Reply("(c)", choice="C"),
    Reply("D) The left one.", choice="D"),
    Reply("The answer is (B).", choice="B"),
    Reply("**Answer:** C", choice="C"),
    Reply("Left of it, so the correct option is D.", choice="D"),
    Reply("A cup stands there.", problems=("no point, box or choice in 'A cup stands there.'",)),
    Reply("The answer is A cup", problems=("no point, box or choice in 'The answer is A cup'",)),
    Reply("Option B is wrong. The answer is C.", choice="C"),
    Reply("Option B or option C.", problems=("names more than one option: B, C",)),
    Reply("(A) or (B)", problems=("names more than one option: A, B",)),
    Reply("<think>It could be (A).</think>(B)", choice="B"),
]

FAMILIES = [
    Reply('{"points": [{"x": 0.341, "y": 0.61}]}', (P,), read_as="moondream"),
    Reply('[{"x": 0.341, "y": 0.61}]', (P,), read_as="moondream"),
    Reply("{'points': [{'x': 0.341, 'y': 0.61}]}", (P,), read_as="moondream"),
    Reply(
        '{"objects": [{"x_min": 0.1, "y_min": 0.2, "x_max": 0.3, "y_max": 0.4}]}',
        boxes=(Box(0.1, 0.2, 0.3, 0.4),),
        read_as="moondream",
    ),
    Reply('{"x": 0.5}', problems=('cannot read {"x": 0.5}: expected a number for each of x, y',)),
    Reply(
        '```json\n[{"point_2d": [341, 610], "label": "the cup"},]\n```',
        (Point(0.341, 0.61, "the cup"),),
        read_as="qwen3",
    ),
    Reply('{"label": "a \\"b\\"", "point_2d": [341, 610]}', (Point(0.341, 0.61, 'a "b"'),), read_as="qwen3"),
    Reply(
        '[{"bbox_2d": [100, 200, 300, 400], "label": "cup"}]', boxes=(Box(0.1, 0.2, 0.3, 0.4, "cup"),), read_as="qwen3"
    ),
    Reply(
        '[{"point_2d": [341, 610], "label": "a"}, {"point_2d": [50, 6',
        (Point(0.341, 0.61, "a"),),
        problems=(
            "the text ends early: ']}]' is missing",
            "cannot read [50, 6: the text ends there, so its last number may have lost digits",
        ),
        read_as="qwen3",
    ),
    Reply('[{"point_2d": [1500, 20]}]', problems=("[1500, 20] lies outside 0-1000" + SCALE,)),
    Reply(
        '[{"point_2d": [0.3, 0.4]}]',
        problems=("[0.3, 0.4] under 'point_2d' looks like fractions, not like 0-1000: name the form",),
    ),
    Reply(
        '(0.1, 0.2): [{"point_2d": [341, 610]}]',
        (P,),
        problems=("(0.1, 0.2) stands beside qwen3 points and is not read",),
        read_as="qwen3",
    ),
    Reply('[{"point": [610, 341], "label": "cup"}]', (Point(0.341, 0.61, "cup"),), read_as="gemini"),
    Reply('[{"box_2d": [200, 100, 400, 300]}]', boxes=(Box(0.1, 0.2, 0.3, 0.4),), read_as="gemini"),
    Reply('<point x="34.1" y="61.0" alt="a &quot;b&quot;">b</point>', (Point(0.341, 0.61, 'a "b"'),), read_as="molmo"),
    Reply(
        '<points x1="10.0" y1="20" x2="30" y2="40" alt="cups">cups</points>',
        (Point(0.1, 0.2, "cups"), Point(0.3, 0.4, "cups")),
        read_as="molmo",
    ),
    Reply(
        '<points x1="10.0" y1="20" x2="30" alt="cups">',
        (Point(0.1, 0.2, "cups"),),
        problems=("cannot read (30, ?): expected numbers for x and y",),
        read_as="molmo",
    ),
    Reply(
        '<point x="10.0" y="2',
        problems=('cannot read \'<point x="10.0" y="2\': the tag is broken or cut',),
    ),
    Reply('<point x="110" y="2">', problems=("(110, 2) lies outside 0-100" + SCALE,)),
    Reply("<|box_start|><0><999><|box_end|>", (Point(0.0, 1.0),), read_as="groundanything"),
    Reply(
        "<|object_ref_start|>cup<|object_ref_end|><|box_start|><0><0><999><999>,<999><0><|box_end|>",
        (Point(1.0, 0.0, "cup"),),
        (Box(0.0, 0.0, 1.0, 1.0, "cup"),),
        read_as="groundanything",
    ),
    Reply(
        "<|box_start|><1><2><3><|box_end|>",
        problems=("cannot read '<1><2><3>' between box tokens: expected 2 numbers for a point or 4 for a box",),
    ),
    Reply(
        "<|box_start|><0><999>",
        (Point(0.0, 1.0),),
        problems=("<|box_start|><0><999> is never closed by <|box_end|>",),
        read_as="groundanything",
    ),
    Reply("[(341, 610, 1.25)]", (Point(0.341, 0.61, depth_m=1.25),), read_as="robotracer"),
    Reply(
        "[(341, 610, 1.25), (0.5, 0.5)]",
        (Point(0.341, 0.61, depth_m=1.25),),
        problems=("1 in the form roborefer beside robotracer: not read",),
        read_as="robotracer",
    ),
    Reply(
        "(341, 610, 2)",
        problems=("(341, 610, 2) has three numbers: name the form 'robotracer' if the model writes (u, v, depth)",),
    ),
    Reply("(341, 610, 0.0)", problems=("(341, 610, 0.0) has a depth that is not a positive number of metres",)),
]

NAMED = [
    Reply("(160, 120)", (Point(0.25, 0.25),), read_as="pixels", form="pixels", image_size=(640, 480)),
    Reply("[640, 480]", (Point(1.0, 1.0),), read_as="pixels", form="pixels", image_size=(640, 480)),
    Reply(
        '[{"point_2d": [160, 120], "label": "a"}]',
        (Point(0.25, 0.25, "a"),),
        read_as="pixels",
        form="pixels",
        image_size=(640, 480),
    ),
    Reply(
        "(641, 2)",
        problems=("(641, 2) lies outside the image of 640 x 480 pixels",),
        form="pixels",
        image_size=(640, 480),
    ),
    Reply("(1, 2)", problems=("the form 'pixels' needs image_size: no point or box is read",), form="pixels"),
    Reply("(341, 610)", (P,), read_as="qwen3", form="qwen3"),
    Reply("[610, 341]", (P,), read_as="gemini", form="gemini"),
    Reply("(34.1, 61.0)", (P,), read_as="molmo", form="molmo"),
    Reply("(1, 2, 3)", (Point(0.001, 0.002, depth_m=3.0),), read_as="robotracer", form="robotracer"),
    Reply("(341, 610)", (P,), read_as="robotracer", form="robotracer"),
    Reply("(1, 2, 3)", problems=("(1, 2, 3) has three numbers: only the form 'robotracer' writes (u, v, depth)",),
          form="qwen3"),
    Reply("(1200, 4)", problems=("(1200, 4) lies outside 0-1000",), form="qwen3"),
    Reply("(320, 240)", problems=("(320, 240) lies outside 0-1",), form="roborefer"),
    Reply(
        '[{"point_2d": [341, 610]}]',
        problems=("[341, 610] is written as qwen3 does ('point_2d'), not as roborefer",),
        form="roborefer",
    ),
]  # fmt: skip

SECTIONS = [
    Reply("<think>(0.1, 0.2)</think><answer> (0.341, 0.610)</answer>", (P,), read_as="roborefer"),
    Reply("<THINK>(0.1, 0.2)</THINK>\n(0.341, 0.610)", (P,), read_as="roborefer"),
    Reply("<answer>(0.341, 0.610)</answer> or (0.1, 0.2)", (P,), read_as="roborefer"),
    Reply("<answer><think>(0.1, 0.2)</think>(0.341, 0.610)</answer>", (P,), read_as="roborefer"),
    Reply("<think><answer>(0.1, 0.2)</answer></think>(0.341, 0.610)", (P,), read_as="roborefer"),
    Reply(
        "<think>(0.1, 0.2)",
        problems=("<think> is never closed: nothing after it is read as an answer", "there is no answer"),
    ),
    Reply(
        "<think>I write <answer>(0.1, 0.2)</answer> and",
        problems=("<think> is never closed: nothing after it is read as an answer", "there is no answer"),
    ),
    Reply(
        "<think>(0.1, 0.2) <answer>(0.341, 0.610)</answer>\n",
        (P,),
        problems=("<think> is never closed: it is taken to end where <answer> begins",),
        read_as="roborefer",
    ),
    Reply("<answer>(0.341, 0.610)", (P,), problems=("<answer> is never closed",), read_as="roborefer"),
    Reply("(0.341, 0.610)</answer>", (P,), problems=("</answer> without <answer>",), read_as="roborefer"),
    Reply(
        "(0.1, 0.2)</think>(0.341, 0.610)",
        (P,),
        problems=("</think> without <think>: the text before it is taken as thought",),
        read_as="roborefer",
    ),
    Reply(
        "<answer>(0.1, 0.2)</answer><answer>(0.341, 0.610)</answer>",
        (P,),
        problems=("2 <answer> blocks: the last one is read",),
        read_as="roborefer",
    ),
    Reply("<think>(0.1, 0.2)</think><answer></answer>", problems=("there is no answer",)),
]

STEPS = [
    Reply(
        "<think>[Position] [the second largest cup]: [(0.245, 0.147)]\n"
        "[Orientation] [the handle of it]: (1.000, 0.000, 0.000)\n"
        "[Size] [the second largest cup]: 0.12</think><answer>[(0.341, 0.610)]</answer>",
        (P,),
        steps=(
            Step("Position", "the second largest cup", Point(0.245, 0.147)),
            Step("Orientation", "the handle of it", (1.0, 0.0, 0.0)),
            Step("Size", "the second largest cup", 0.12),
        ),
        read_as="roborefer",
    ),
    Reply(f"<think>{FIGURE}</think><answer> (0.341, 0.610)</answer>", (P,), steps=FIGURE_STEPS, read_as="roborefer"),
    Reply(f"{FIGURE} <answer>(0.341, 0.610)</answer>", (P,), steps=FIGURE_STEPS, read_as="roborefer"),
    Reply(f"{FIGURE}\n[(0.341, 0.610)]", (P,), steps=FIGURE_STEPS, read_as="roborefer"),
    Reply(FIGURE, steps=FIGURE_STEPS, problems=("there is no answer",)),
    Reply(
        "<think>[position][das rote [große] Glas 杯]: (0.1, 0.2)</think>(0.341, 0.610)",
        (P,),
        steps=(Step("Position", "das rote [große] Glas 杯", Point(0.1, 0.2)),),
        read_as="roborefer",
    ),
    Reply(
        "<think>[Size] [a [b]: 12 cm\n[Size] [c]: 0.3m\n[Size] [d]: [0.25]</think>(0.341, 0.610)",
        (P,),
        steps=(Step("Size", "a [b", 0.12), Step("Size", "c", 0.3), Step("Size", "d", 0.25)),
        read_as="roborefer",
    ),
    Reply(
        "<think>[Colour] [the cup]: red\n[Position] [a]: (320, 240)\n[Position] []: (0.1, 0.2)\n"
        "[Position] [b]: somewhere\n[Position] [c]: [(0.1, 0.2), (0.3, 0.4)]\n[Position] [d</think>(0.341, 0.610)",
        (P,),
        problems=(
            "step [Colour] [the cup]: unknown perception type, expected Position, Orientation, Size",
            "step [Position] [a]: (320, 240) lies outside 0-1" + SCALE,
            "step [Position] []: the target is empty",
            "step [Position] [b]: expected a tuple of numbers, got 'somewhere'",
            "step [Position] [c]: expected one tuple of numbers, got [(0.1, 0.2), (0.3, 0.4)]",
            "step [Position]: the target's ']' is missing",
        ),
        read_as="roborefer",
    ),
    Reply(
        "<think>[Orientation] [a]: (1, 1, 0)\n[Orientation] [b]: (1, 0)\n[Orientation] [c]: (nan, 0, 0)\n"
        "[Size] [d]: -0.1\n[Size] [e]: 0\n[Size] [f]: big\n[Size] [g]: 0.1 x 0.2\n[Size] [h]: 5 inches</think>"
        "(0.341, 0.610)",
        (P,),
        problems=(
            "step [Orientation] [a]: (1, 1, 0) is no unit vector: its length is 1.41",
            "step [Orientation] [b]: (1, 0) has 2 numbers: expected 3 for a vector",
            "step [Orientation] [c]: (nan, 0, 0) is no unit vector: its length is nan",
            "step [Size] [d]: -0.1 is not a positive number of metres",
            "step [Size] [e]: 0 is not a positive number of metres",
            "step [Size] [f]: expected metres, got 'big'",
            "step [Size] [g]: expected one number of metres, got several",
            "step [Size] [h]: expected metres, got '5 inches'",
        ),
        read_as="roborefer",
    ),
    Reply(
        "<think>[Size] [the cup]: 0.1",
        problems=(
            "<think> is never closed: nothing after it is read as an answer",
            "step [Size] [the cup]: the text ends at 0.1, which may have lost digits",
            "there is no answer",
        ),
    ),
    Reply(
        "<think>[Position] [a]: (341, 610, 1.25)</think>(341, 610, 1.25)",
        (Point(0.341, 0.61, depth_m=1.25),),
        steps=(Step("Position", "a", Point(0.341, 0.61, depth_m=1.25)),),
        read_as="robotracer",
    ),
]

REPLIES = BARE + REFUSED + BROKEN + ABSENT + CHOICES + FAMILIES + NAMED + SECTIONS + STEPS


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: repr(reply.text[:40]))
def test_reply(reply):
    answer = parse_answer(reply.text, form=reply.form, image_size=reply.image_size)

    assert answer.points == reply.points
    assert answer.boxes == reply.boxes
    assert answer.steps == reply.steps
    assert answer.choice == reply.choice
    assert answer.absent == reply.absent
    assert answer.problems == reply.problems
    assert answer.form == reply.read_as
    assert answer.parsed == bool(reply.points or reply.boxes or reply.choice or reply.absent)


def test_table_is_large():
    assert len(REPLIES) >= 60
