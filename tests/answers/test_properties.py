"""Properties over arbitrary text and points: round trips of every form, and no text that raises."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.answers import ANSWER_FORMS, follows_format, parse_answer, write_answer, write_points
from roborefer.errors import InputError
from roborefer.structures import Point, Step

IMAGE_SIZE = (640, 480)
# Half of the last place that each family writes, in fractions of the image.
ROUNDING = {
    "roborefer": 0.0005,
    "moondream": 0.0,
    "qwen3": 0.0005,
    "gemini": 0.0005,
    "molmo": 0.0005,
    "groundanything": 0.5 / 999,
    "pixels": 0.5 / 480,
    "robotracer": 0.0005,
}
LABELLED = ("qwen3", "gemini", "molmo", "groundanything")

fractions = st.floats(0, 1)
labels = (
    st.none()
    | st.sampled_from(["<answer>", "</think>", "<|box_end|>", '<point x="1">', "[]"])
    | st.text(st.characters(exclude_categories=("C",)), max_size=20).map(str.strip)
)
points = st.builds(Point, fractions, fractions, label=labels, depth_m=st.floats(0.001, 100))
targets = st.lists(
    st.sampled_from(["the", "second [red]", "cup", "杯", "'s", "(big)", "<b>", "1.5", ":", ",", '"x"']),
    min_size=1,
    max_size=5,
).map(" ".join)
directions = (
    st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
    .filter(lambda v: math.hypot(*v) > 0.1)
    .map(lambda v: tuple(component / math.hypot(*v) for component in v))
)
steps = st.one_of(
    st.builds(Step, st.just("Position"), targets, st.builds(Point, fractions, fractions)),
    st.builds(Step, st.just("Orientation"), targets, directions),
    st.builds(Step, st.just("Size"), targets, st.floats(0.001, 20)),
)


@pytest.mark.parametrize("form", ANSWER_FORMS)
@given(written=st.lists(points, max_size=5))
def test_every_form_reads_what_it_writes(form, written):
    text = write_points(written, form, IMAGE_SIZE)

    answer = parse_answer(text, form=form, image_size=IMAGE_SIZE)

    assert answer.problems == ()
    assert answer.absent == (not written)
    assert len(answer.points) == len(written)
    for read, point in zip(answer.points, written, strict=True):
        assert read.x == pytest.approx(point.x, abs=ROUNDING[form] + 1e-9)
        assert read.y == pytest.approx(point.y, abs=ROUNDING[form] + 1e-9)
        if form == "robotracer":
            assert read.depth_m == pytest.approx(point.depth_m, abs=0.0005 + 1e-9)
        if form in LABELLED and not (form == "groundanything" and "<" in (point.label or "")):
            assert read.label == point.label


@pytest.mark.parametrize("form", [form for form in ANSWER_FORMS if form not in ("pixels", "robotracer")])
@given(written=st.lists(points, min_size=1, max_size=5))
def test_auto_tells_the_form(form, written):
    text = write_points(written, form)

    assert parse_answer(text) == parse_answer(text, form=form)


@given(written=st.lists(points, max_size=4), line=st.lists(steps, max_size=4), decimals=st.integers(3, 6))
def test_published_format_reads_back(written, line, decimals):
    text = write_answer(written, steps=line, decimals=decimals)

    answer = parse_answer(text)

    assert answer.problems == ()
    assert follows_format(text) == bool(line)
    assert [(round(p.x, decimals), round(p.y, decimals)) for p in answer.points] == [(p.x, p.y) for p in answer.points]
    assert [(p.x, p.y) for p in answer.points] == [
        (pytest.approx(p.x, abs=10**-decimals), pytest.approx(p.y, abs=10**-decimals)) for p in written
    ]
    assert [(step.kind, step.target) for step in answer.steps] == [(step.kind, step.target) for step in line]
    for read, step in zip(answer.steps, line, strict=True):
        if step.kind == "Size":
            assert read.value == pytest.approx(step.value, rel=0.05)
        elif step.kind == "Orientation":
            assert read.value == pytest.approx(step.value, abs=0.0006)


@given(written=st.lists(points, max_size=4), line=st.lists(steps, max_size=4))
def test_writing_again_what_was_read_changes_nothing(written, line):
    text = write_answer(written, steps=line)
    answer = parse_answer(text)

    assert write_answer(answer.points, steps=answer.steps) == text


@given(st.lists(st.tuples(fractions, fractions), min_size=1, max_size=6), st.randoms())
def test_order_of_points_is_the_order_of_the_text(pairs, random):
    lines = [f"({x!r}, {y!r})" for x, y in pairs]
    random.shuffle(lines)

    answer = parse_answer("\n".join(lines))

    assert sorted((p.x, p.y) for p in answer.points) == sorted(pairs)
    assert [f"({p.x!r}, {p.y!r})" for p in answer.points] == lines


def check_any_text(text, form):
    answer = parse_answer(text, form=form, image_size=IMAGE_SIZE)

    assert answer.parsed or answer.problems
    assert answer.absent <= (not answer.points and not answer.boxes)
    assert all(0 <= p.x <= 1 and 0 <= p.y <= 1 for p in answer.points)
    assert all(p.depth_m is None or 0 < p.depth_m < math.inf for p in answer.points)
    assert all(0 <= b.x0 <= b.x1 <= 1 and 0 <= b.y0 <= b.y1 <= 1 for b in answer.boxes)
    assert (answer.form is not None) == bool(answer.points or answer.boxes)
    assert all(problem and "\n" not in problem for problem in answer.problems)
    assert follows_format(text) in (True, False)


forms = st.sampled_from(("auto", *ANSWER_FORMS))


@given(st.text(), forms)
def test_no_text_raises(text, form):
    check_any_text(text, form)


PIECES = (
    "<think>", "</think>", "<answer>", "</answer>", "(", ")", "[", "]", "{", "}", ",", ":", '"', "'", "\\", "\n", " ",
    "0.341", "610", "-", "nan", "1e999", "[Position] [", "[Size][", "[Colour] [", "Point ", "Vector ", "Step1: ", "cup",
    '"point_2d": ', '"point": ', '"points": ', '"x": ', '"y": ', '"label": ', "<point ", '<points x1="1" ', 'x="41.0" ',
    'y="2" ', ">", "<|box_start|>", "<|box_end|>", "<|object_ref_start|>", "<300>", "None", "[]", "(A) ", "answer is ",
    "cm",
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), forms)
def test_no_mixture_of_pieces_raises(text, form):
    check_any_text(text, form)


@settings(max_examples=300)
@given(st.lists(points, max_size=3), st.lists(steps, max_size=3), forms, st.data())
def test_no_damaged_reply_raises(written, line, form, data):
    family = data.draw(st.sampled_from(ANSWER_FORMS))
    text = write_answer(written, steps=line) + write_points(written, family, IMAGE_SIZE)
    begin, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))

    check_any_text(text[:begin] + data.draw(st.sampled_from(PIECES)) + text[end:], form)


@given(st.lists(points, min_size=1, max_size=4), st.data())
def test_cut_replies_give_no_wrong_point(written, data):
    text = write_answer(written)

    answer = parse_answer(text[: data.draw(st.integers(1, len(text)))])

    whole = parse_answer(text).points
    assert answer.points == whole[: len(answer.points)]


def test_thought_never_answers():
    thought = '<think>[(0.1, 0.2)] {"points": [{"x": 0.1, "y": 0.2}]} <point x="1" y="2"></think>'
    for form in ANSWER_FORMS:
        answer = parse_answer(thought + write_points([Point(0.5, 0.5, depth_m=1.0)], form, IMAGE_SIZE), form=form,
                              image_size=IMAGE_SIZE)  # fmt: skip
        assert len(answer.points) == 1
        assert answer.points[0].x == pytest.approx(0.5, abs=0.001)


def test_writers_name_what_they_cannot_write():
    with pytest.raises(InputError, match=r"within 0-1, got \(1\.2, 0\.5\)"):
        write_answer([Point(1.2, 0.5)])
    with pytest.raises(InputError, match="within 0-1"):
        write_points([Point(math.nan, 0.5)], "qwen3")
    with pytest.raises(InputError, match="needs image_size"):
        write_points([Point(0.5, 0.5)], "pixels")
    with pytest.raises(InputError, match="needs depth_m"):
        write_points([Point(0.5, 0.5)], "robotracer")
    with pytest.raises(InputError, match="decimals"):
        write_answer([], decimals=0)


@pytest.mark.parametrize(
    "step",
    [
        Step("Size", "cup", 0.0),
        Step("Size", "cup", math.inf),
        Step("Size", "cup", Point(0.1, 0.2)),
        Step("Position", "cup", 0.3),
        Step("Orientation", "cup", (1.0, 1.0, 0.0)),
        Step("Size", " ", 0.3),
        Step("Size", "</think>", 0.3),
        Step("Colour", "cup", 0.3),
    ],
)
def test_steps_that_cannot_be_written(step):
    with pytest.raises(InputError):
        write_answer([Point(0.5, 0.5)], steps=[step])


def test_written_exactly():
    published = [Point(0.341, 0.610, "cup", depth_m=1.25)]
    line = [
        Step("Position", "the pen holder", Point(0.139, 0.528)),
        Step("Orientation", "the cup's logo", (0.312, 0.316, -0.896)),
        Step("Size", "the mug", 0.12),
        Step("Size", "the pin", 0.0123),
    ]

    assert write_answer(published) == "[(0.341, 0.610)]"
    assert write_answer([]) == "[]"
    assert write_answer(published, steps=line) == (
        "<think>\n[Position] [the pen holder]: [(0.139, 0.528)]\n"
        "[Orientation] [the cup's logo]: (0.312, 0.316, -0.896)\n"
        "[Size] [the mug]: 0.12\n[Size] [the pin]: 0.012\n</think><answer>[(0.341, 0.610)]</answer>"
    )
    assert {form: write_points(published, form, IMAGE_SIZE) for form in ANSWER_FORMS} == {
        "roborefer": "[(0.341, 0.610)]",
        "moondream": '{"points": [{"x": 0.341, "y": 0.61}]}',
        "qwen3": '[{"point_2d": [341, 610], "label": "cup"}]',
        "gemini": '[{"point": [610, 341], "label": "cup"}]',
        "molmo": '<point x="34.1" y="61.0" alt="cup">cup</point>',
        "groundanything": "<|object_ref_start|>cup<|object_ref_end|><|box_start|><341><609><|box_end|>",
        "pixels": "[(218, 293)]",
        "robotracer": "[(341, 610, 1.250)]",
    }
