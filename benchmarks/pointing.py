"""How long a robot waits for a point: the packaged model (or another) on the CPU, cold and warm.

* ``cold``: `roborefer point` in a fresh process, from its start to its exit, with interpreter, imports and weights;
* ``load``: ``roborefer.load()`` in a process that has imported the package;
* ``point``: one picture never seen before, one instruction, after loading; RGB, RGB-D, and RGB-D with steps;
* ``again``: another instruction about a picture that was looked at.

Medians and 95th percentiles; kinds take turns, since other work may run on the machine.

Usage:
    python benchmarks/pointing.py --output benchmarks/results/pointing.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reporting import machine, peak_memory_gb, write_report

SIZE = (640, 480)


def main() -> None:
    arguments = _parse_arguments()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    report: dict[str, Any] = {"command": "python " + " ".join(sys.argv), "machine": machine()}
    report |= {"model": arguments.model or "packaged", "threads": arguments.threads, "image_size": SIZE}
    with tempfile.TemporaryDirectory() as folder:
        report["cold_s"] = _summary([_cold(arguments, Path(folder)) for _ in range(arguments.cold_repeats)])
    report |= _warm(arguments)
    report["peak_memory_gb"] = peak_memory_gb()
    write_report(arguments.output, report)
    print(json.dumps(report, indent=2))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="a checkpoint folder; the packaged model if left out")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--cold-repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=None, help="JSON file")
    return parser.parse_args()


def _cold(arguments: argparse.Namespace, folder: Path) -> float:
    """Seconds that one question takes on the command line."""
    from PIL import Image

    picture = folder / "picture.png"
    if not picture.exists():
        pixels, _ = _picture(0)
        Image.fromarray(pixels).save(picture)
    command = [sys.executable, "-m", "roborefer", "point", str(picture), "the red cup"]
    command += ["--model", arguments.model] if arguments.model else []
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _warm(arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    import roborefer

    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    predictor = roborefer.load(arguments.model) if arguments.model else roborefer.load()
    loading = time.perf_counter() - started
    seen = predictor.encode_image(*_picture(0))
    kinds: dict[str, Callable[[int], Any]] = {
        "rgb": lambda number: predictor.point(_picture(number)[0], "the red cup"),
        "rgbd": lambda number: predictor.point(_picture(number)[0], "the red cup", _picture(number)[1]),
        "rgbd_with_steps": lambda number: predictor.point(*_question(number), reasoning=True),
        "again": lambda _: predictor.point(seen, "the red cup"),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(arguments.repeats + 2):
        for kind, ask in kinds.items():
            started = time.perf_counter()
            ask(number)
            if number >= 2:  # the first calls choose kernels
                times[kind].append(1e3 * (time.perf_counter() - started))
    return {"load_s": round(loading, 2), "point_ms": {kind: _summary(values) for kind, values in times.items()}}


def _question(number: int) -> tuple[Any, str, Any]:
    pixels, metres = _picture(number)
    return pixels, "the red cup", metres


def _picture(number: int) -> tuple[Any, Any]:
    """A picture of coloured patches and a depth map, different for every number."""
    import numpy as np

    random = np.random.default_rng(number)
    pixels = np.kron(random.integers(0, 256, (12, 16, 3), dtype=np.uint8), np.ones((40, 40, 1), np.uint8))
    metres = np.kron(random.uniform(0.5, 3.0, (12, 16)).astype(np.float32), np.ones((40, 40), np.float32))
    return pixels, metres


def _summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    place = min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))
    return {"median": round(statistics.median(ordered), 2), "p95": round(ordered[place], 2), "runs": len(ordered)}


if __name__ == "__main__":
    main()
