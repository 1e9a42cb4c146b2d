"""Lessons of some minutes: the first updates are timed, and what follows from it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.training.pointing.run import LOG, PointingRun
from roborefer.training.pointing.time_budget import PLAN, TIMED, run_within, seconds_per_update

RUN = PointingRun(updates=7, seed=3)


class Lessons:
    """Stands for lessons whose first updates are slow, as they are, and whose others take half a second."""

    def __init__(self, out: Path, seconds: float = 0.5) -> None:
        self.out, self.seconds, self.runs = out, seconds, list[PointingRun]()

    def __call__(self, run: PointingRun) -> None:
        self.runs.append(run)
        paces = [9.0 if update < 20 else self.seconds for update in range(run.updates)]
        lines = [json.dumps({"update": update, "seconds": pace}) + "\n" for update, pace in enumerate(paces)]
        (self.out / LOG).write_text("".join(lines))


def test_as_many_updates_as_fit(tmp_path: Path) -> None:
    lessons = Lessons(tmp_path)
    run = run_within(10, RUN, tmp_path, lessons)
    assert run == PointingRun(updates=1200, seed=3)
    assert lessons.runs == [PointingRun(updates=TIMED, cool_down=0.0, seed=3)]
    assert json.loads((tmp_path / PLAN).read_text()) == {"minutes": 10, "seconds_per_update": 0.5, "updates": 1200}


def test_timed_updates_are_those_of_the_whole_run() -> None:
    timed = PointingRun(updates=TIMED, cool_down=0.0)
    for updates in (TIMED, 100, 5000):
        whole = PointingRun(updates=updates, cool_down=0.25)
        shares = [whole.share(update) for update in range(int(updates * 0.75))][:TIMED]
        assert [timed.share(update) for update in range(len(shares))] == shares


def test_what_was_planned_is_kept(tmp_path: Path) -> None:
    run_within(10, RUN, tmp_path, Lessons(tmp_path))
    faster = Lessons(tmp_path, seconds=0.1)
    assert run_within(10, RUN, tmp_path, faster).updates == 1200
    assert faster.runs == []
    with pytest.raises(InputError) as caught:
        run_within(20, RUN, tmp_path, faster)
    assert str(caught.value) == (
        f"expected 10 minutes, for which the lessons in {tmp_path} were planned, got 20: name another folder"
    )


def test_few_minutes_are_the_timed_updates(tmp_path: Path) -> None:
    assert run_within(0.1, RUN, tmp_path, Lessons(tmp_path)).updates == TIMED


@pytest.mark.parametrize("content", ["", "[]", '{"minutes": 10}', '{"minutes": 10, "updates": "many"}'])
def test_a_plan_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / PLAN).write_text(content)
    with pytest.raises(InputError) as caught:
        run_within(10, RUN, tmp_path, Lessons(tmp_path))
    assert str(caught.value).startswith(f"cannot read the plan {tmp_path / PLAN}: ")
    assert str(caught.value).endswith("; delete it to plan the lessons again")


def test_the_median_settles_what_an_update_takes(tmp_path: Path) -> None:
    paces = [9.0] * 20 + [0.5] * 38 + [100.0] * 2
    (tmp_path / LOG).write_text("".join(json.dumps({"seconds": pace}) + "\n" for pace in paces))
    assert seconds_per_update(tmp_path / LOG) == 0.5
