"""Hand-written answers and what each protocol gives them, to the letter."""

from __future__ import annotations

import numpy as np
import pytest

from roborefer.evaluation.metrics import in_mask_fraction
from roborefer.evaluation.profiles import PROFILES
from roborefer.evaluation.protocol_published import published
from roborefer.evaluation.protocols import PROTOCOLS, lmms_eval, rules
from roborefer.evaluation.samples import MaskTarget, Sample
from roborefer.evaluation.scoring import score_answer
from roborefer.refspatial.writer import png_bytes

WIDTH, HEIGHT = 20, 10


def mask() -> np.ndarray:
    """20 x 10 pixels: columns 5-9 in rows 2-5 are inside, and the last column."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[2:6, 5:10] = 255
    values[:, 19] = 255
    return values


IMAGE = png_bytes(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
SAMPLE = Sample(
    key="Location/0",
    task="Location",
    images=(IMAGE,),
    image_size=(WIDTH, HEIGHT),
    target=MaskTarget(png_bytes(mask()), "mask/0.png"),
    prompt="Please point out the cup.",
)
LONG = "9" * 5000
OUT = None
"""Left out of the denominator."""

# Reply; strict, published, lmms-eval, easi.
GOLDEN: list[tuple[str | None, float, float | None, float, float]] = [
    # Pixel (6, 3) is inside, (2, 1) outside.
    ("[(0.3, 0.3)]", 1, 1, 1, 1),
    ("[(0.1, 0.1)]", 0, 0, 0, 0),
    ("[(0.3, 0.3), (0.1, 0.1)]", 1 / 2, 1 / 2, 1 / 2, 1 / 2),
    ("[(0.3, 0.3), (0.3, 0.3), (0.3, 0.3), (0.1, 0.1)]", 3 / 4, 3 / 4, 3 / 4, 3 / 4),
    ("(0.30, 0.30)(0.9, 0.9)", 1 / 2, 1 / 2, 1 / 2, 1 / 2),
    ("(0.3,0.3)", 1, 1, 1, 1),
    ("(+0.3, 0.3)", 1, 1, 1, 1),
    ("(0.3,\n0.3)", 1, 1, 1, 1),
    ("Points: (0.3, 0.3) and also (0.35, 0.4).", 1, 1, 1, 1),
    ("```\n[(0.3, 0.3)]\n```", 1, 1, 1, 1),
    ("<answer>(0.3, 0.3)</answer>", 1, 1, 1, 1),
    ("[(0.3, 0.3)", 1, 1, 1, 1),
    ("(0.3, 0.3)]}", 1, 1, 1, 1),
    # Pixels are cut, in EASI rounded.
    ("[(0.25, 0.2)]", 1, 1, 1, 1),
    ("[(0.5, 0.5)]", 0, 0, 0, 0),
    ("[(0.49, 0.5)]", 1, 1, 1, 0),
    ("[(0.24, 0.3)]", 0, 0, 0, 1),
    ("(0.0, 0.0)", 0, 0, 0, 0),
    # The right and the bottom edge.
    ("[(1.0, 0.3)]", 1, 0, 0, 1),
    ("[(1, 0.3)]", 1, 0, 0, 1),
    ("(1.0, 1.0)", 1, 0, 0, 1),
    ("(1.2, 0.3)", 0, 0, 0, 1),
    ("(-0.3, 0.3)", 0, 0, 0, 0),
    ("[(0.3, 0.3), (-0.3, 0.3)]", 1 / 2, 1 / 2, 1 / 2, 1 / 2),
    ("[(1.2, 0.8), (0.3, 0.3)]", 1 / 2, 1 / 2, 1 / 2, 1),
    ("[(0.3, 0.3), (6, 3)]", 1 / 2, 1, 1 / 2, 1),
    # Whole numbers.
    ("(6, 3)", 0, 1, 0, 1),
    ("(19, 4)", 0, 1, 0, 1),
    ("(12, 4)", 0, 0, 0, 0),
    ("[(1, 1)]", 1, 0, 0, 1),
    ("[(0, 1)]", 0, 0, 0, 0),
    ("(0.3, 3)", 0, 0, 0, 0),
    # Nothing, or no point.
    (None, 0, OUT, 0, 0),
    ("", 0, 0, 0, 0),
    ("None", 0, 0, 0, 0),
    ("[]", 0, 0, 0, 0),
    ("(A) yes", 0, 0, 0, 0),
    ("The cup is on the left.", 0, 0, 0, 0),
    ("Answer: x=0.3, y=0.3", 0, 0, 0, 0),
    ("(nan, 0.3)", 0, 0, 0, 0),
    ("(30%, 30%)", 0, 0, 0, 0),
    ("(0.3, 0.3", 0, 0, 0, 0),
    # Thoughts.
    ("<think>[Position] [the cup]: [(0.3, 0.3)]</think><answer>[(0.1, 0.1)]</answer>", 0, 1 / 2, 1 / 2, 1 / 2),
    ("<think>[Position] [the pen]: [(0.1, 0.1)]</think><answer>[(0.3, 0.3)]</answer>", 1, 1 / 2, 1 / 2, 1 / 2),
    ("<think>never closed (0.3, 0.3)", 0, 1, 1, 1),
    # Boxes are filled: 20 pixels inside of 20, and of 60; of 100 x 40 pixels beyond the image, none.
    ("(0.25, 0.2, 0.5, 0.6)", 0, 1, 0, 1),
    ("(0.0, 0.0, 0.5, 0.6)", 0, 1 / 3, 0, 1 / 3),
    ("(5, 2, 10, 6)", 0, 0, 0, 1),
    ("(0.5, 0.6, 0.25, 0.2)", 0, OUT, 0, 1),
    ("(0.3, 0.3, 0.3, 0.3)", 0, 0, 0, 0),
    ("(0.25, 0.2, 0.5, 0.6), (0.1, 0.1)", 0, 20 / 21, 0, 20 / 21),
    # Three numbers.
    ("(0.3, 0.3, 0.9)", 0, 0, 0, 0),
    ("(300, 300, 1.25)", 1, 0, 0, 0),
    ("(0.3, 0.3) (0.3, 0.3, 0.2)", 1, 1, 1, 1),
    # Spellings that a pattern misses.
    ("[0.3, 0.3]", 1, 0, 0, 0),
    ("[[0.3, 0.3]]", 1, 0, 0, 0),
    ("0.3, 0.3", 1, 0, 0, 0),
    ("( 0.3, 0.3)", 1, 0, 0, 0),
    ("(0.3 , 0.3)", 1, 0, 0, 0),
    ("(0.3, 0.3,)", 1, 0, 0, 0),
    ("(.3, .3)", 1, 0, 0, 0),
    ("(3e-1, 3e-1)", 1, 0, 0, 0),
    ("［（0.3，0.3）］", 1, 0, 0, 0),
    ("(٠.٣, ٠.٣)", 0, 1, 1, 1),
    # Other families.
    ('[{"point_2d": [300, 300]}]', 1, 0, 0, 1),
    ('```json\n[{"point_2d": [300, 300], "label": "cup"}]\n```', 1, 0, 0, 1),
    ('[{"point_2d": [6, 3]}]', 0, 0, 0, 0),
    ('[{"point_2d": [1200, 300]}]', 0, 0, 0, 1),
    ('{"point_2d": [0.3, 0.3]}', 0, 0, 0, 1),
    ('[{"point": [500, 300]}]', 1, 0, 0, 0),
    ('{"points": [{"x": 0.3, "y": 0.3}]}', 1, 0, 0, 0),
    ('<point x="30.0" y="30.0" alt="cup">cup</point>', 1, 0, 0, 0),
    ("<|box_start|><300><300><|box_end|>", 1, 0, 0, 0),
    # Too long: a number that Python does not convert, and more text than is considered.
    (f"(0.3, 0.3), ({LONG}, 1)", 1, OUT, 0, 1),
    ("x" * 1_000_000 + "(0.3, 0.3)", 0, 1, 1, 1),
]


@pytest.mark.parametrize(
    ("reply", "expected"), [(row[0], row[1:]) for row in GOLDEN], ids=[str(row[0])[:60] for row in GOLDEN]
)
def test_golden_answers(reply: str | None, expected: tuple[float | None, ...]) -> None:
    score = score_answer(SAMPLE, reply, PROFILES["roborefer"])
    assert tuple(score.protocols[name] for name in PROTOCOLS) == expected
    assert score.score == expected[0]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(GOLDEN) >= 60
    assert len({reply for reply, *_ in GOLDEN}) == len(GOLDEN)


@pytest.mark.parametrize(
    ("reply", "reader", "expected"),
    [
        ("(6, 3)", "pixels", 1.0),
        ("(0.3, 0.3)", "pixels", 0.0),  # a fraction of a pixel
        ("(5, 2, 10, 6)", "pixels", 1.0),
        ("(0.25, 0.2, 0.5, 0.6)", "pixels", None),
        ('<points x1="30.0" y1="30.0" x2="10.0" y2="10.0" alt="a">a</points>', "molmo", 0.5),
        ('<point x="30.0" y="30.0">a</point>', "molmo", 0.0),  # the published pattern wants a number behind x
        ('```json\n[{"point": [300, 300]}]\n```', "gemini", 1.0),
        ('```json\n[{"point": [300, 300]}, {"point": [100, 100]}]\n```', "gemini", 0.5),
        ('[{"point": [300, 300]}]', "gemini", 0.0),  # no fence
        ("```json\n[{\n```", "gemini", 0.0),
        ("```json\n5\n```", "gemini", None),
        ('```json\n[{"point": ["a", 1]}]\n```', "gemini", None),
        ('```json\n{"point": [300, 300]}\n```', "gemini", None),
        ('```json\n[{"box_2d": [1, 2, 3, 4]}]\n```', "gemini", 0.0),
        ("```json\n" + "[" * 100_000 + "\n```", "gemini", None),
    ],
)
def test_published_readers_of_other_families(reply: str, reader: str, expected: float | None) -> None:
    assert published(reply, mask(), reader) == expected  # type: ignore[arg-type]


def test_lmms_eval_rounds_the_mask() -> None:
    grey = np.array([[127, 128], [255, 1]], np.uint8)
    assert [lmms_eval(f"({x}, {y})", grey) for x, y in ((0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.6, 0.6))] == [0, 1, 1, 0]
    assert [rules()["published"](f"({x}, {y})", grey) for x, y in ((0.0, 0.0), (0.6, 0.6))] == [1, 1]


def test_a_huge_box_is_counted_without_being_filled() -> None:
    # 40000 x 20000 pixels from the upper left corner on, of which 30 are inside.
    assert published("(0, 0, 2000, 2000)", mask()) == 30 / (2000 * 20 * 2000 * 10)
    assert published("(0, 0, 99999999999, 99999999999)", mask()) is None


def test_easi_clamps_every_pixel_of_a_box() -> None:
    slow = np.zeros((HEIGHT, WIDTH), np.int64)
    for row in range(-3, 15):
        for column in range(-4, 30):
            slow[min(max(row, 0), HEIGHT - 1), min(max(column, 0), WIDTH - 1)] += 1
    expected = slow[mask() > 0].sum() / slow.sum()
    assert rules()["easi"]("(-4, -3, 30, 15)", mask()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("text", ["(" * 1_000_000, "(1," * 300_000, "(0.1, 0.1, 0.2, 0.2)" * 20_000, "(" + "1" * 10**6])
def test_long_texts_take_no_long_time(text: str) -> None:
    for rule in rules().values():
        rule(text, mask())


def test_no_answer_is_no_fraction() -> None:
    assert in_mask_fraction((), np.ones((2, 2), np.float32)) == 0.0
