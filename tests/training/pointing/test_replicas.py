"""Two processes that teach end like one, and what goes wrong in one of them is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roborefer.errors import InputError, TrainingError
from roborefer.training.pointing.replicas import Replica, in_replicas, this_replica
from roborefer.training.pointing.run import STATE, PointingRun

from .made_up_views import view_folder
from .test_run import log_of, teach

RUN = PointingRun(updates=3, views=1, passes=2, warm_up=2, save_every=2, average=0.5)


def teach_again(scenes: Path, out: Path) -> None:
    teach(view_folder(scenes, questions=3, reasoning=0.3), out, RUN)


def refuse(text: str) -> None:
    if this_replica().rank == 1:
        raise TrainingError(text)


def refuse_input(text: str) -> None:
    raise InputError(text)


def fail() -> None:
    raise ZeroDivisionError("a fault of ours")


def test_two_replicas_teach_what_one_teaches(scenes: Path, tmp_path: Path) -> None:
    teach_again(scenes, tmp_path / "one")
    in_replicas(2, teach_again, scenes, tmp_path / "two")
    one, two = log_of(tmp_path / "one"), log_of(tmp_path / "two")
    assert [entry["update"] for entry in two] == [0, 1, 2]
    # The first update begins with equal weights; stems have statistics of their own in each process, but use those
    # of the batch while they learn. Gradients are added in another order.
    for ours, theirs in zip(two, one, strict=True):
        for name in ("loss", "norm", "heatmap", "accuracy"):
            assert ours[name] == pytest.approx(theirs[name], rel=0.02), name
    ours, theirs = load_file(tmp_path / "two" / STATE), load_file(tmp_path / "one" / STATE)
    moved = {name: theirs[name] for name in theirs if name.startswith("master/")}
    distance = sum(float((ours[name] - weight).square().sum()) for name, weight in moved.items()) ** 0.5
    size = sum(float(weight.square().sum()) for weight in moved.values()) ** 0.5
    assert distance < 0.01 * size


def test_passes_that_cannot_be_shared_are_refused(
    monkeypatch: pytest.MonkeyPatch, scenes: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("roborefer.training.pointing.run.this_replica", lambda: Replica(0, 2))
    with pytest.raises(ValueError, match="expected a divisor of 1 passes as the number of processes, got 2"):
        teach(view_folder(scenes), tmp_path, PointingRun(updates=1, passes=1))


def test_alone_everything_stays_as_it_is() -> None:
    weight = torch.ones(2, requires_grad=True)
    weight.grad = torch.tensor([1.0, 2.0])
    assert this_replica() == Replica(0, 1)
    Replica().mean_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0]
    assert Replica().mean({"loss": 2.0}, torch.device("cpu")) == {"loss": 2.0}


def test_what_one_of_them_refuses_is_one_line() -> None:
    with pytest.raises(TrainingError) as training:
        in_replicas(2, refuse, "the loss is nan at update 2: lower the learning rate")
    assert str(training.value) == "the loss is nan at update 2: lower the learning rate"
    with pytest.raises(InputError) as wrong:
        in_replicas(2, refuse_input, "no such file: a.png")
    assert str(wrong.value) == "no such file: a.png"


def test_our_own_faults_are_not_hidden() -> None:
    with pytest.raises(Exception, match="a fault of ours"):
        in_replicas(2, fail)
