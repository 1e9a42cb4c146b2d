"""How many updates fit into some minutes: measured on the first ones and written down, so that a resumed run agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from roborefer.errors import InputError
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import write_json
from roborefer.training.pointing.run import LOG, PointingRun

PLAN = "plan.json"
# Updates that are timed, and how many before them are not: the first ones wait for data and choose kernels. All of them
# lie in the warm-up, where the learning rate does not depend on the length of the run.
TIMED = 60
_UNTIMED = 20


def run_within(minutes: float, run: PointingRun, out: Path, teach: Callable[[PointingRun], object]) -> PointingRun:
    """The run with as many updates as fit, or with those that were written down when it began.

    The first 60 updates are made if they are not there yet; the run that is returned goes on from them.

    Args:
        minutes: For all lessons, starting and stopping aside.
        run: How the lessons are, besides their number.
        out: Folder of the lessons; gets ``plan.json``.
        teach: Makes the lessons of a run in ``out``.

    Raises:
        InputError: ``plan.json`` holds something else, or another number of minutes.
    """
    path = out / PLAN
    if not path.exists():
        teach(replace(run, updates=TIMED, cool_down=0.0))
        seconds = seconds_per_update(out / LOG)
        updates = max(TIMED, round(minutes * 60 / seconds))
        write_json(path, {"minutes": minutes, "seconds_per_update": round(seconds, 4), "updates": updates})
    try:
        plan = json.loads(path.read_bytes())
        known, updates = float(plan["minutes"]), int(plan["updates"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot read the plan {source_name(path)}: {one_line(error)}; delete it to plan the lessons again"
        ) from error
    if known != minutes:
        raise InputError(
            f"expected {known:g} minutes, for which the lessons in {source_name(out)} were planned, got {minutes:g}: "
            "name another folder"
        )
    return replace(run, updates=updates)


def seconds_per_update(log: Path) -> float:
    """The median of the timed updates at the end of a log."""
    lines = log.read_bytes().splitlines()[-(TIMED - _UNTIMED) :]
    return median(json.loads(line)["seconds"] for line in lines)
