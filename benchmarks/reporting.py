"""What every benchmark reports alike: the machine, memory, and the JSON file."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def machine(**libraries: str) -> dict[str, Any]:
    """The processor and Python of this machine, and what else decides the numbers."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return {
        "cpu": model[0] if model else platform.processor(),
        "cores": os.cpu_count(),
        **libraries,
        "python": platform.python_version(),
    }


def memory_gb(field: str) -> float:
    """A field of this process's status in GB (10^9 bytes): ``VmRSS`` now, ``VmHWM`` at its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e9
    raise RuntimeError(f"/proc/self/status has no {field}")


def peak_memory_gb() -> float:
    """Peak memory of this process, GB."""
    return round(memory_gb("VmHWM"), 3)


def write_report(path: Path | None, report: dict[str, Any]) -> None:
    """Write the report aside and rename it; nothing without a path."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(report, indent=2) + "\n")
    aside.replace(path)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The median, the 95th and the 99th percentile of some values (nearest rank), and how many there are."""
    ordered = sorted(values)
    ranks = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    found = {name: round(ordered[math.ceil(rank * len(ordered)) - 1], 2) for name, rank in ranks.items() if ordered}
    return {**found, "count": len(ordered)}
