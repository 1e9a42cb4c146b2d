"""The protocol `published` against a slow, independent implementation of its rule, on 2,000 adversarial answers."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from roborefer.evaluation.protocols import rules

from .slow_published import slow_published

ANSWERS = 2000
CHARACTERS = "()[]{}<>,.:;0123456789+-eE \n\t\"'xynaif/٠٣½²％，（）😀"


def number(draw: random.Random) -> str:
    return draw.choice(
        [
            f"{draw.random():.3f}",
            f"{draw.random():.1f}",
            str(draw.randrange(40)),
            str(draw.randrange(-9, 1200)),
            f"-{draw.random():.2f}",
            f"{draw.randrange(3)}.",
            "0",
            "1",
            "1.0",
            "+0.5",
            "nan",
            "inf",
            "-Infinity",
            "1e-1",
            "٠.٥",
            "½",
            "0.3 m",
            "1.0000000000000001",
            "0.99999999999999999",
        ]
    )


def small_box(draw: random.Random) -> str:
    """A box, mostly with its corners in order."""
    x, y = sorted((draw.random(), draw.random())), sorted((draw.random(), draw.random()))
    corners = [x[0], y[0], x[1], y[1]]
    if draw.random() < 0.2:
        draw.shuffle(corners)
    return "(" + ", ".join(f"{corner:.2f}" for corner in corners) + ")"


def numbers(draw: random.Random) -> str:
    count = draw.choice([1, 2, 2, 2, 2, 2, 3, 5])
    separator = draw.choice([",", ", ", ", ", ",  ", ",\n", " , ", ";"])
    opening, closing = draw.choice(
        [("(", ")"), ("(", ")"), ("(", ")"), ("[", "]"), ("( ", ")"), ("(", ""), ("（", "）")]
    )
    return opening + separator.join(number(draw) for _ in range(count)) + closing


def plain(draw: random.Random) -> str:
    return "[" + ", ".join(draw.choice([numbers, numbers, small_box])(draw) for _ in range(draw.randrange(5))) + "]"


def thought(draw: random.Random) -> str:
    steps = "\n".join(f"[Position] [the cup]: [{numbers(draw)}]" for _ in range(draw.randrange(4)))
    closing = draw.choice(["</think>", "</think>", "</THINK>", ""])
    return f"<think>\n{steps}\n{closing}{draw.choice(['<answer>', ''])}{plain(draw)}{draw.choice(['</answer>', ''])}"


def whole(draw: random.Random) -> str:
    return f"({draw.randrange(-5, 40)}, {draw.randrange(-5, 40)})"


def other_family(draw: random.Random) -> str:
    a, b = number(draw), number(draw)
    return draw.choice(
        [
            f'[{{"point_2d": [{a}, {b}], "label": "cup"}}]',
            f'```json\n[{{"point": [{a}, {b}]}}]\n```',
            f'<point x="{a}" y="{b}" alt="cup">cup ({a}, {b})</point>',
            f'{{"points": [{{"x": {a}, "y": {b}}}]}}',
            f"<|box_start|><{a}><{b}><|box_end|> ({a},{b})",
            f"({a}, {b}, {draw.random():.3f})",
        ]
    )


def broken(draw: random.Random) -> str:
    text = plain(draw) + thought(draw)
    start = draw.randrange(len(text))
    return draw.choice([text[start:], text[:start], text.replace(")", "", 1), text.replace(",", ",,", 1)])


def noise(draw: random.Random) -> str:
    return "".join(draw.choice(CHARACTERS) for _ in range(draw.randrange(120)))


def odd(draw: random.Random) -> str:
    return draw.choice(
        [
            "",
            "   \n",
            "None",
            "[]",
            "()",
            "(,)",
            "((0.3, 0.3))",
            "(0.3, (0.3, 0.3))",
            "(0.3,0.3)" * 50,
            "(" * 2000 + "0.3, 0.3" + ")" * 2000,
            "__import__('os').system('true')",
            "(" + "9" * 5000 + ", 1)",
            "(" + "9" * 5000 + ".0, 1)",
            "(" + "9" * 5000 + ", 1, 2)",
            "\ud800(0.3, 0.3)",
            "(0.3, 0.3)\x00(0.6, 0.6)",
        ]
    )


KINDS: list[Callable[[random.Random], str]] = [
    plain, plain, plain, thought, thought, whole, other_family, broken, noise, odd,
]  # fmt: skip


def adversarial_answers() -> list[str | None]:
    draw = random.Random(20)
    answers: list[str | None] = [draw.choice(KINDS)(draw) for _ in range(ANSWERS - 6)]
    # A megabyte each, and two requests that failed.
    answers += ["(0.3, 0.3) " * 91_000, "(" * 1_000_000, "1" * 1_000_000, "(" + "1, " * 333_000, None, None]
    return answers


def test_published_is_exactly_the_rule() -> None:
    generator = np.random.default_rng(7)
    published = rules()["published"]
    fast, slow = [], []
    for answer in adversarial_answers():
        height, width = (int(side) for side in generator.integers(3, 40, 2))
        mask = generator.choice(np.array([0, 0, 0, 1, 127, 255], np.uint8), (height, width))
        fast.append(published(answer, mask))
        slow.append(slow_published(answer, mask))
        assert fast[-1] == slow[-1], repr(answer)[:200]
    kept_fast, kept_slow = ([value for value in values if value is not None] for values in (fast, slow))
    assert len(fast) == ANSWERS
    assert np.mean(kept_fast) == np.mean(kept_slow)
    # The answers try all that matters: hits, misses, parts, and those that are left out.
    assert {0.0, 1.0, None} <= set(fast)
    assert sum(value is not None and 0 < value < 1 for value in fast) > 100
    assert fast.count(None) > 20
