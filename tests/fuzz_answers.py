"""Feeds damaged replies to the reader of model text: ``python tests/fuzz_answers.py --seconds 10``.

With atheris installed the mutations follow the code's branches; without it they are random, from a seed. It stops
at the first text that raises, that breaks a promise of ``parse_answer`` or that takes too long, and prints it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import random
import sys
import time

from roborefer.answers import ANSWER_FORMS, follows_format, parse_answer

SLOWEST_S = 2.0
IMAGE_SIZE = (640, 480)
SEEDS = (
    "[(0.341, 0.610), (0.5, 0.25)]",
    "0.341, 0.610",
    "[(341, 610, 1.25)]",
    "<think>\n[Position] [the pen holder]: [(0.139, 0.528)]\n[Orientation] [the cup's logo]: (0.312, 0.316, -0.896)\n"
    "[Size] [the mug]: 0.12\n</think><answer>[(0.341, 0.610)]</answer>",
    "Step1: [Position][the clock] Point (0.129, 0.617). Step2: [Size][it] 12 cm. <answer> (0.341, 0.610)</answer>",
    '```json\n[{"point_2d": [341, 610], "label": "the \\"cup\\""}, {"bbox_2d": [1, 2, 3, 4]}]\n```',
    '[{"point": [610, 341], "label": "cup"}, {"box_2d": [200, 100, 400, 300]}]',
    "{'points': [{'x': 0.341, 'y': 0.61}], 'objects': [{'x_min': 0.1, 'y_min': 0.2, 'x_max': 0.3, 'y_max': 0.4}]}",
    '<points x1="10.0" y1="20" x2="30" y2="40" alt="cups">cups</points>',
    "<|object_ref_start|>cup<|object_ref_end|><|box_start|><300><425>,<1><2><3><4><|box_end|>",
    "The answer is (B).",
    "（nan，1e999）None [] \u22120.5",
)


def check(text: str) -> None:
    """Raises AssertionError when a promise of the reader does not hold for ``text``."""
    for form in ("auto", *ANSWER_FORMS):
        begin = time.perf_counter()
        answer = parse_answer(text, form=form, image_size=IMAGE_SIZE)
        assert time.perf_counter() - begin < SLOWEST_S, "too slow"
        assert answer.parsed or answer.problems
        assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 for point in answer.points)
        assert all(point.depth_m is None or 0 < point.depth_m < math.inf for point in answer.points)
        assert all(0 <= box.x0 <= box.x1 <= 1 and 0 <= box.y0 <= box.y1 <= 1 for box in answer.boxes)
        assert not (answer.absent and (answer.points or answer.boxes))
        assert all(problem and "\n" not in problem for problem in answer.problems)
    follows_format(text)


def mutate(text: str, source: random.Random) -> str:
    """``text`` with one part deleted, repeated, replaced, or exchanged for a part of another seed."""
    begin, end = sorted(source.randrange(len(text) + 1) for _ in range(2))
    other = source.choice(SEEDS)
    first, last = sorted(source.randrange(len(other) + 1) for _ in range(2))
    middle = source.choice(
        (
            "",
            text[begin:end] * source.randrange(2, 5),
            other[first:last],
            chr(source.randrange(0x110000)),
            source.choice("()[]{}<>,:\"'\\|/=.-+ \n0123456789eE"),
        )
    )
    # Long texts cost time without new paths; the size limits have tests of their own.
    return (text[:begin] + middle + text[end:])[:2000]


def run_random(seconds: float, seed: int) -> int:
    """Checks random mutations for ``seconds`` and returns how many there were."""
    source = random.Random(seed)
    stop = time.monotonic() + seconds
    count = 0
    while time.monotonic() < stop:
        text = source.choice(SEEDS)
        for _ in range(source.randrange(1, 8)):
            text = mutate(text, source)
        try:
            check(text)
        except Exception:
            print(f"after {count} texts: {text!r}", file=sys.stderr)
            raise
        count += 1
    return count


def run_atheris(seconds: float, seed: int) -> None:
    """Lets atheris mutate for ``seconds``; it ends the process."""
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()

    def check_bytes(data: bytes) -> None:
        check(data.decode("utf-8", errors="replace"))

    atheris.Setup([sys.argv[0], f"-max_total_time={math.ceil(seconds)}", f"-seed={seed}"], check_bytes)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for text in SEEDS:
        check(text)
    if importlib.util.find_spec("atheris") is not None:
        run_atheris(arguments.seconds, arguments.seed)
    else:
        print(f"{run_random(arguments.seconds, arguments.seed)} texts read")


if __name__ == "__main__":
    main()
