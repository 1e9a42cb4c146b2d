"""Whether a folder still is what was made: a benchmark against its manifest, a run against its own records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roborefer.refspatial.benchmark_split import BENCHMARK_FORMAT, file_digests, read_questions
from roborefer.refspatial.held_out import (
    branch_of,
    describe_combinations,
    held_out_combination,
    training_shape_keys,
)
from roborefer.refspatial.reader import read_scene_file
from roborefer.refspatial.run_folder import (
    DEPTHS,
    FORMAT,
    IMAGES,
    LICENCES,
    METADATA,
    METRIC_DEPTHS,
    read_manifest,
    read_shard,
    shard_path,
)
from roborefer.refspatial.split_choice import SPLITS


def check_folder(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Checks a folder that `roborefer generate` made.

    Returns:
        What was counted, and every fault in one line each; no line, no fault.

    Raises:
        InputError: It is no such folder, or a file of it cannot be read.
    """
    manifest = read_manifest(folder, (FORMAT, BENCHMARK_FORMAT))
    if manifest["format"] == BENCHMARK_FORMAT:
        return _check_benchmark(folder, manifest)
    return _check_run(folder, manifest)


def _check_benchmark(folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Files, seeds, shapes and combinations."""
    faults = list(_file_faults(manifest["files"], file_digests(folder)))
    counts = {"files": len(manifest["files"])}
    if manifest["held_out_combinations"] != describe_combinations():
        faults.append("manifest.json: its combinations are not the ones that this version keeps from training")
    shared = sorted(training_shape_keys().intersection(manifest["shape_keys"]))
    faults += [f"manifest.json: shape {key} is one of training" for key in shared]
    for split in SPLITS:
        questions = read_questions(folder, split)
        counts[split] = len(questions)
        for question in questions:
            where = f"{split} {question['id']}"
            if branch_of(question["scene_seed"]) != "benchmark":
                faults.append(f"{where}: scene seed {question['scene_seed']} is one of training")
            if (held_out_combination(question["relations"]) is not None) != (split == "Unseen"):
                faults.append(f"{where}: relations {', '.join(question['relations'])} belong into another split")
    return counts, faults


def _file_faults(listed: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    for path in sorted(listed.keys() | found.keys()):
        if path not in found:
            yield f"{path}: missing"
        elif path not in listed:
            yield f"{path}: not in the manifest"
        elif listed[path] != found[path]:
            yield f"{path}: another SHA-256 than in the manifest"


def _check_run(folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Shards, the files that records name, seeds and combinations."""
    settings = manifest["settings"]
    shards = -(-settings["scenes"] // settings["scenes_per_shard"])
    faults = [] if (folder / METADATA).is_file() else [f"{METADATA}: missing; run the same command again"]
    if settings.get("assets") is not None and not (folder / LICENCES).is_file():
        faults.append(f"{LICENCES}: missing; run the same command again")
    counts = {"shards": 0, "records": 0, "questions": 0}
    seen: set[str] = set()
    for shard in range(shards):
        path = shard_path(folder, shard)
        if not path.is_file():
            faults.append(f"{path.relative_to(folder).as_posix()}: missing; run the same command again")
            continue
        counts["shards"] += 1
        for record in read_shard(path):
            counts["records"] += 1
            counts["questions"] += len(record["questions"])
            faults += _record_faults(folder, record, seen)
    return counts, faults


def _record_faults(folder: Path, record: dict[str, Any], seen: set[str]) -> Iterator[str]:
    if record["id"] in seen:
        yield f"{record['id']}: twice"
    seen.add(record["id"])
    for kind, key in ((IMAGES, "image"), (DEPTHS, "depth"), (METRIC_DEPTHS, "metric_depth")):
        for name in record[key]:
            if not (folder / kind / name).is_file():
                yield f"{record['id']}: {kind}/{name} is missing"
    if branch_of(read_scene_file(folder, record["scene"])["seed"]) != "training":
        yield f"{record['id']}: its scene's seed is one of the benchmark"
    for question in record["questions"]:
        if held_out_combination(question["relations"]) is not None:
            yield f"{record['id']}: relations {', '.join(question['relations'])} are held out"
