"""The simulation data engine: a proof that what it asks is right, and how fast it is, on this machine.

* proof: fresh scenes, every question checked by measurements that the engine did not make (``engine_proof.py``):
  points on their objects, placements as rays onto the layout's triangles (embree), relations and numbers from the
  meshes and from rendered depth and ids, phrases read from their text by brute force. Zero violations is the bar.
* speed: images a second on one core, all included (scene, RGB, depth, ids, 15 questions a view, one to four views a
  scene, files written), peak memory of a worker, and scaling with workers.

Needs, besides the package, ``pip install embreex trimesh shapely scipy``.

Usage:
    python benchmarks/data_engine.py --output benchmarks/results/data_engine.json
    python benchmarks/data_engine.py --only proof --scenes 20        # half a minute, to try the script
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from reporting import machine, peak_memory_gb, write_report

MOST_SHOWN = 200
_SCALING_ROUNDS = 3
_SCALING_TIMES = 4  # scenes of the scaling over those of the speed: starting the workers must not be all of it


def main() -> None:
    arguments = _parse_arguments()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if arguments.worker:
        print(json.dumps(_WORKERS[arguments.worker](arguments)))
        return
    report = _earlier(arguments.output)
    report |= {"command": "python " + " ".join(sys.argv), "machine": _machine()}
    if "proof" in arguments.only:
        report["proof"] = _proof(arguments)
        write_report(arguments.output, report)
    if "speed" in arguments.only:
        report["speed"] = {}
        for size in arguments.sizes:
            report["speed"][size] = _run_worker("speed", arguments, size, 1)
            write_report(arguments.output, report)
    if "scaling" in arguments.only:
        report["scaling"] = _scaling_rounds(arguments)
        write_report(arguments.output, report)
    print(json.dumps(report, indent=2))
    if report.get("proof", {}).get("violations"):
        sys.exit(1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=["proof", "speed", "scaling"])
    parser.add_argument("--scenes", type=int, default=1000, help="of the proof")
    parser.add_argument("--seed", type=int, default=20_000, help="of the proof's and the speed's scenes")
    parser.add_argument("--proof-size", default="320x240", help="image size of the proof, WIDTHxHEIGHT")
    parser.add_argument("--proof-workers", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", default=["320x240", "640x480"], help="image sizes of the speed")
    parser.add_argument("--speed-scenes", type=int, default=40)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of the scaling")
    parser.add_argument("--output", type=Path, default=None, help="JSON file; parts that are not measured stay")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- proof ---------------------------------------------------------------------------------------------------------


def _proof(arguments: argparse.Namespace) -> dict[str, Any]:
    from roborefer.refspatial.executors import in_processes, in_this_process

    started = time.perf_counter()
    work = partial(prove_scene, arguments.seed, _size(arguments.proof_size))
    scenes = range(arguments.scenes)
    results = (
        in_this_process(work, scenes)
        if arguments.proof_workers == 1
        else in_processes(work, scenes, arguments.proof_workers)
    )
    checks: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    violations: list[str] = []
    views, size_error = 0, 0.0
    for number, found in enumerate(results, start=1):
        checks.update(found["checks"])
        kinds.update(found["kinds"])
        violations += found["violations"]
        views += found["views"]
        size_error = max(size_error, found["largest_size_error"])
        if number % 20 == 0:
            print(
                f"{number} scenes, {checks.total()} checks, {len(violations)} violations", file=sys.stderr, flush=True
            )
    return {
        "scenes": arguments.scenes,
        "seed": arguments.seed,
        "image_size": arguments.proof_size,
        "views": views,
        "questions": dict(sorted(kinds.items())),
        "checks": dict(sorted(checks.items())),
        "all_checks": checks.total(),
        "violations": len(violations),
        "violation_lines": sorted(violations)[:MOST_SHOWN],
        "largest_size_error": round(size_error, 4),
        "seconds": round(time.perf_counter() - started, 1),
    }


def prove_scene(seed: int, size: tuple[int, int], index: int) -> dict[str, Any]:
    """Simulates a scene as training does, asks about it, and checks all that is asked."""
    import numpy as np

    from engine_proof import Proof, SceneProof
    from roborefer.refspatial.generation import GenerationSettings, ask_scene
    from roborefer.refspatial.simulation.layout import sample_layout

    settings = GenerationSettings(index + 1, seed, (size,), views=(1, 2))
    asked = ask_scene(settings, index)
    scene_seed = asked.views[0].seed
    layout = sample_layout(np.random.default_rng(scene_seed))  # the first that the simulator draws from a seed
    proofs = [SceneProof(scene, layout) for scene in asked.views]
    for proof, questions in zip(proofs, asked.questions, strict=True):
        for question in questions:
            proof.question(question)
    for first, second, questions in asked.pairs:
        for question in questions:
            proofs[first].pair(proofs[second], question)
    total = Proof()
    for proof in proofs:
        total.add(proof.proof)
    groups = [*asked.questions, *(questions for _, _, questions in asked.pairs)]
    return {
        "checks": dict(total.checks),
        "violations": total.violations,
        "largest_size_error": total.largest_size_error,
        "views": len(asked.views),
        "kinds": dict(Counter(question.kind for questions in groups for question in questions)),
    }


# ---- speed ---------------------------------------------------------------------------------------------------------


def _run_worker(name: str, arguments: argparse.Namespace, size: str, workers: int) -> Any:
    """A fresh process for each measurement, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--worker", name, "--sizes", size, "--workers", str(workers)]
    command += ["--speed-scenes", str(arguments.speed_scenes), "--seed", str(arguments.seed)]
    print(f"{name} at {size} with {workers} ...", file=sys.stderr, flush=True)
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(finished.stdout.splitlines()[-1])


def _speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Images a second of one process on one core, by stage; the first scene is not timed."""
    _pin_to_one_core()
    from roborefer.refspatial import generation, questions, writer
    from roborefer.refspatial.run_folder import FOLDERS

    size = _size(arguments.sizes[0])
    settings = generation.GenerationSettings(arguments.speed_scenes + 1, arguments.seed, (size,))
    seconds: Counter[str] = Counter()
    simulate, ask = generation.simulate, questions.ask
    generation.simulate = _timed(seconds, "scene and pictures", simulate)
    questions.ask = _timed(seconds, "questions", ask)
    folder = Path(tempfile.mkdtemp())
    try:
        for name in FOLDERS:
            (folder / name).mkdir()
        images = asked_questions = 0
        for index in range(arguments.speed_scenes + 1):
            if index == 1:
                seconds.clear()
                images = asked_questions = 0
                started = time.perf_counter()
            asked = generation.ask_scene(settings, index)
            writing = time.perf_counter()
            writer.write_scene(folder, asked)
            seconds["files"] += time.perf_counter() - writing
            images += len(asked.views)
            asked_questions += sum(len(group) for group in asked.questions)
        elapsed = time.perf_counter() - started
        written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    finally:
        shutil.rmtree(folder)
    seconds["pairs of views, rest"] = elapsed - seconds.total()
    return {
        "scenes": arguments.speed_scenes,
        "images": images,
        "questions_per_image": round(asked_questions / images, 2),
        "images_per_second": round(images / elapsed, 2),
        "milliseconds_per_image": {name: round(1000 * spent / images, 1) for name, spent in seconds.items()},
        "kilobytes_per_image": round(written / images / 1000, 1),
        "peak_memory_gb": peak_memory_gb(),
    }


def _scaling_rounds(arguments: argparse.Namespace) -> dict[str, Any]:
    """Whole runs with each number of workers, in turn, so that other work on the machine meets them alike."""
    runs = [
        _run_worker("scaling", arguments, arguments.sizes[0], workers)
        for _ in range(_SCALING_ROUNDS)
        for workers in arguments.workers
    ]
    medians = {}
    for workers in arguments.workers:
        own = [run for run in runs if run["workers"] == workers]
        names = ("images_per_second", "cpu_seconds_per_image", "cores_got", "other_load")
        medians[str(workers)] = {name: round(median(run[name] for run in own), 4) for name in names}
    return {"command": "python " + " ".join(sys.argv), "size": arguments.sizes[0], "medians": medians, "runs": runs}


def _scaling(arguments: argparse.Namespace) -> dict[str, Any]:
    """Wall and CPU time of a whole run, starting its processes and the metadata included.

    ``cores_got`` is CPU time over wall time: below the number of workers, something else had the cores.
    ``other_load`` is the machine's load before the run began.
    """
    import resource

    from roborefer.refspatial.generation import GenerationSettings, generate

    workers = arguments.workers[0]
    settings = GenerationSettings(
        _SCALING_TIMES * arguments.speed_scenes, arguments.seed, (_size(arguments.sizes[0]),), scenes_per_shard=4
    )
    images: list[int] = []
    load, folder = os.getloadavg()[0], Path(tempfile.mkdtemp())
    started = time.perf_counter()
    try:
        generate(folder, settings, workers=workers, on_shard=lambda result: images.append(result.images))
    finally:
        shutil.rmtree(folder)
    elapsed = time.perf_counter() - started
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return {
        "workers": workers,
        "images": sum(images),
        "wall_seconds": round(elapsed, 2),
        "cpu_seconds": round(cpu, 2),
        "images_per_second": round(sum(images) / elapsed, 2),
        "cpu_seconds_per_image": round(cpu / sum(images), 4),
        "cores_got": round(cpu / elapsed, 2),
        "other_load": round(load, 2),
    }


_WORKERS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {"speed": _speed, "scaling": _scaling}


def _timed(seconds: Counter[str], name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            seconds[name] += time.perf_counter() - started  # type: ignore[assignment]

    return timed


def _pin_to_one_core() -> None:
    """Software rendering would use every core that it sees."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


# ---- pieces --------------------------------------------------------------------------------------------------------


def _size(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.split("x"))
    return width, height


def _earlier(path: Path | None) -> dict[str, Any]:
    """What the file holds already, so that one part can be measured again by itself."""
    if path is None or not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _machine() -> dict[str, Any]:
    from roborefer.refspatial.simulation.opengl import OpenGLRenderer

    return machine(renderer=OpenGLRenderer(64, 64).device)


if __name__ == "__main__":
    main()
