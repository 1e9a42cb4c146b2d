"""What judging costs besides the model: reading a benchmark, scoring, summarising, and the page to leaf through.

    python benchmarks/evaluation.py --output benchmarks/results/evaluation.json

A benchmark is made up in a temporary folder: photograph-like pictures of 640x480 with masks and metric depth. The
answers are there already, so that no model is asked; nearly all are misses, which cost most: their distance from the
mask is told in pixels and in millimetres. Processor time is what is measured, the least of several rounds, so that
other work on the machine matters little.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reporting import machine, write_report
from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.report import write_report as write_page
from roborefer.evaluation.results_file import write_results
from roborefer.evaluation.runner import RunSettings, evaluate
from roborefer.evaluation.table import results_table

WIDTH, HEIGHT = 640, 480
ROUNDS = 5


def write_benchmark(folder: Path, samples: int) -> None:
    """RefSpatial-Bench's folder form with metric depth."""
    generator = np.random.default_rng(0)
    records = []
    for name in ("image", "mask", "metric_depth"):
        (folder / "Location" / name).mkdir(parents=True)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for number in range(samples):
        coarse = generator.integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int16)
        picture = np.clip(picture + generator.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)
        x, y = generator.integers(100, 500), generator.integers(100, 400)
        mask = (((rows - y) / 40) ** 2 + ((columns - x) / 60) ** 2 < 1).astype(np.uint8) * 255
        depth = (1000 + rows * 2 + columns).astype(np.uint16)
        for name, pixels in (("image", picture), ("mask", mask), ("metric_depth", depth)):
            Image.fromarray(pixels).save(folder / "Location" / name / f"{number}.png")
        records.append(
            {
                "id": number,
                "object": f"cup {number}",
                "prompt": f"Please point out cup {number}.",
                "suffix": POINT_SUFFIX,
                "rgb_path": f"image/{number}.png",
                "mask_path": f"mask/{number}.png",
                "metric_depth_path": f"metric_depth/{number}.png",
                "intrinsics": {"fx": 500.0, "fy": 500.0, "cx": 320.0, "cy": 240.0, "width": WIDTH, "height": HEIGHT},
                "step": 1 + number % 5,
                "relations": ["left", "behind", "near"][: 1 + number % 3],
            }
        )
    (folder / "Location" / "question.json").write_text(json.dumps(records))


class Answered:
    """Answers at once, mostly outside the mask."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(1)

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        thought = "<think>[Position] [the cup]: [(0.245, 0.147)]\n[Size] [the cup]: 0.12</think>"
        points = self._generator.random((len(questions), 2))
        return [Reply(f"{thought}<answer>[({x:.3f}, {y:.3f})]</answer>") for x, y in points]


def measure(folder: Path) -> dict[str, float]:
    """Seconds of processor time of each part, for the whole benchmark."""
    times = {}
    started = time.process_time()
    benchmark = open_benchmark(folder / "bench")
    times["read"] = time.process_time() - started
    started = time.process_time()
    with tempfile.TemporaryDirectory(dir=folder) as out:
        results = evaluate(benchmark, Answered(), RunSettings("m"), Path(out), batch_size=1)
        times["ask, write down, score and summarise"] = time.process_time() - started
        started = time.process_time()
        write_results(Path(out) / "results.json", results)
        results_table(results)
        times["results.json and table"] = time.process_time() - started
        started = time.process_time()
        write_page(Path(out) / "report.html", results)
        times["report.html"] = time.process_time() - started
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_benchmark(folder / "bench", arguments.samples)
        rounds = [measure(folder) for _ in range(ROUNDS)]
    milliseconds = {
        part: round(min(times[part] for times in rounds) / arguments.samples * 1e3, 3) for part in rounds[0]
    }
    judged = sum(value for part, value in milliseconds.items() if part != "report.html")
    report: dict[str, Any] = {
        "machine": machine(numpy=np.__version__),
        "samples": arguments.samples,
        "image_size": [WIDTH, HEIGHT],
        "ms_per_sample": milliseconds,
        "ms_per_sample_without_report": round(judged, 3),
    }
    print(json.dumps(report, indent=2))
    write_report(arguments.output, report)


if __name__ == "__main__":
    main()
