"""Reading training data: what a sample costs before the model sees it, and how fast data are scanned, on this machine.

CPU time of one thread, everything included: record, pictures, depth, tiles, tokens, labels; and the batch. What share
of the cores that is depends on the model that waits for it: ``--step`` is the time that it takes for one sample.

Usage:
    python benchmarks/data_reading.py data/sim --output benchmarks/results/data_reading.json
    python benchmarks/data_reading.py data/sim --step 0.25       # the share of two cores at 4 samples/s
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reporting import machine, peak_memory_gb, write_report

_SCANNED_LINES = 100_000


def main() -> None:
    arguments = _parse_arguments()
    os.environ["OMP_NUM_THREADS"] = "1"
    report: dict[str, Any] = {"command": "python " + " ".join(sys.argv), "machine": machine()}
    report["scan"] = _scan(arguments.data)
    report["lists"] = _scan_list(arguments.data)
    report["samples"] = [
        _samples(arguments, tiling, size) for tiling, size in (("resize", arguments.tile), ("dynamic", 448))
    ]
    report["peak_memory_gb"] = peak_memory_gb()
    write_report(arguments.output, report)
    print(json.dumps(report, indent=2))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a mixture, such as a folder of `roborefer generate sim`")
    parser.add_argument("--tile", type=int, default=256, help="side of the tile of a small model, pixels")
    parser.add_argument("--samples", type=int, default=60, help="how many are read for each tiling")
    parser.add_argument("--step", type=float, default=0.0, help="seconds that a model takes for one sample")
    parser.add_argument("--output", type=Path, default=None, help="JSON file")
    return parser.parse_args()


def _scan(data: str) -> dict[str, Any]:
    """The check at the start of a training: the headers of all pictures; and the one of every pixel."""
    from roborefer.datasets.checks import known_size
    from roborefer.datasets.mixture import read_mixture
    from roborefer.datasets.scanning import check_mixture

    mixture = read_mixture(data)

    def scan(*, pixels: bool) -> int:
        known_size.cache_clear()
        return sum(1 for _ in check_mixture(mixture, pixels=pixels))

    records = scan(pixels=False)  # and everything is imported
    started = time.process_time()
    scan(pixels=True)  # once: what was decoded is remembered
    decoded = 1000 * (time.process_time() - started)
    headers = _milliseconds(lambda _: scan(pixels=False), 5)
    return {
        "records": records,
        "headers_ms_a_record": round(headers / records, 3),
        "pixels_ms_a_record": round(decoded / records, 2),
    }


def _scan_list(data: str) -> dict[str, Any]:
    """A JSON list of many records: how fast their places are found."""
    import io

    from roborefer.datasets.json_list import list_records
    from roborefer.datasets.mixture import read_mixture
    from roborefer.datasets.record_files import raw_records

    lines = [raw.data for raw in raw_records(read_mixture(data).sources[0].files[0])]
    many = [lines[index % len(lines)] for index in range(min(_SCANNED_LINES, 4 * 10**8 // sum(map(len, lines))))]
    stream = io.BytesIO(b"[" + b",\n".join(many) + b"]")
    started = time.process_time()
    count = sum(1 for _ in list_records(Path("list.json"), stream))
    seconds = time.process_time() - started
    return {
        "records": count,
        "mb": round(stream.tell() / 1e6, 1),
        "mb_a_second": round(stream.tell() / 1e6 / seconds, 1),
    }


def _samples(arguments: argparse.Namespace, tiling: str, size: int) -> dict[str, Any]:
    import torch

    from roborefer.datasets.collator import ConversationCollator
    from roborefer.datasets.mixture import read_mixture
    from roborefer.datasets.samples import ConversationDataset, encode, read_pictures
    from roborefer.models.packaged import PACKAGED_MODEL
    from roborefer.models.processor import SpatialProcessor

    torch.set_num_threads(1)
    processor = SpatialProcessor.from_pretrained(PACKAGED_MODEL)
    processor.config.image_aspect_ratio = tiling
    processor.config.vision_config.image_size = size
    dataset = ConversationDataset(read_mixture(arguments.data), processor)
    indices = [index * len(dataset) // arguments.samples % len(dataset) for index in range(arguments.samples)]
    records = [dataset.record(index) for index in indices]
    pictures = [read_pictures(record, "inverse") for record in records]
    whole = _milliseconds(lambda index: dataset[indices[index]], len(indices))
    collate = ConversationCollator(processor)
    read = [dataset[index] for index in indices[:8]]
    result: dict[str, Any] = {
        "tiling": f"{tiling} {size}",
        "turns": round(sum(record.turns for record in records) / len(records), 1),
        "pictures": round(sum(len(record.images) + len(record.depths) for record in records) / len(records), 1),
        "record_ms": _milliseconds(lambda index: dataset.record(indices[index]), len(indices)),
        "pictures_ms": _milliseconds(lambda index: read_pictures(records[index], "inverse"), len(indices)),
        "encode_ms": _milliseconds(lambda index: encode(processor, records[index], *pictures[index]), len(indices)),
        "collate_ms": round(_milliseconds(lambda _: collate(read), 4) / len(read), 2),
        "sample_ms": whole,
    }
    if arguments.step:
        result["share_of_two_cores"] = round((whole + result["collate_ms"]) / 1000 / arguments.step / 2, 4)
    return result


def _milliseconds(work: Callable[[int], object], count: int) -> float:
    """CPU time of one call, the median of three rounds over all."""
    rounds = []
    for _ in range(3):
        started = time.process_time()
        for index in range(count):
            work(index)
        rounds.append(1000 * (time.process_time() - started) / count)
    return round(sorted(rounds)[1], 2)


if __name__ == "__main__":
    main()
