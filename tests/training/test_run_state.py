"""Checkpoints: what is written is what is read, and nothing of them is a pickle."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from roborefer.errors import InputError
from roborefer.training import run_state
from roborefer.training.whole_folders import write_folder


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002 - the global generators


def test_random_states_come_back() -> None:
    draw()
    states = run_state.random_states()
    first = [draw() for _ in range(700)]  # beyond one refill of each generator
    run_state.set_random_states(torch.stack([torch.zeros_like(states), states])[1])
    assert [draw() for _ in range(700)] == first


def model_and_optimizer() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    model[0].bias.requires_grad_(False)
    groups = [{"params": [model[1].weight], "lr": 0.1}, {"params": [model[0].weight, model[1].bias]}]
    return model, torch.optim.AdamW(groups, lr=0.01, fused=True)


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model(torch.ones(2, 3)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def written(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Path:
    tensors = {
        "weights": run_state.weights(model, keep=True),
        "optimizer": run_state.optimizer_tensors(model, optimizer, keep=True),
    }
    run_state.write_checkpoint(folder, tensors, {run_state.STATE_FILE: {"some": "state"}})
    return folder


def test_weights_and_optimizer_go_on_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_state, "_SHARD_BYTES", 30)  # several files a group
    model, optimizer = model_and_optimizer()
    step(model, optimizer)
    folder = written(tmp_path / "checkpoint-1", model, optimizer)
    assert len(list(folder.glob("weights-*.safetensors"))) == 2
    assert run_state.read_state(folder) == {"some": "state"}
    other, its_optimizer = model_and_optimizer()
    run_state.load_weights(other, folder)
    run_state.load_optimizer_tensors(other, its_optimizer, folder, 1)
    for _ in range(3):
        step(model, optimizer)
        step(other, its_optimizer)
    for ours, theirs in zip(other.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_no_file_of_a_checkpoint_is_a_pickle(run: Path) -> None:
    files = [path for path in run.rglob("*") if path.is_file()]
    assert {path.suffix for path in files if "checkpoint-" in str(path)} == {".safetensors", ".json"}
    for path in files:
        assert not zipfile.is_zipfile(path), path  # what torch.save writes
        assert path.read_bytes()[:1] != b"\x80", path  # how a pickle begins


def test_checkpoints_are_found_in_order(tmp_path: Path) -> None:
    for name in ("checkpoint-10", "checkpoint-9", "checkpoint-100", "checkpoint-x", "checkpoint-7"):
        (tmp_path / name).mkdir()
        if name != "checkpoint-7":  # one that was not finished
            (tmp_path / name / run_state.STATE_FILE).write_text("{}")
    assert [path.name for path in run_state.checkpoints(tmp_path)] == [
        "checkpoint-9",
        "checkpoint-10",
        "checkpoint-100",
    ]
    run_state.remove_old_checkpoints(tmp_path, 1)
    assert [path.name for path in run_state.checkpoints(tmp_path)] == ["checkpoint-100"]


def narrow() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


def frozen() -> nn.Module:
    model = model_and_optimizer()[0]
    model[1].requires_grad_(False)
    return model


def trained() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1), nn.Linear(1, 1))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (narrow, "{folder} holds 0.weight of shape (3, 3): another model's"),
        (frozen, "{folder} holds 1.bias of shape (1,): another model's"),
        (trained, "expected 0.bias in {folder}, found none: another model's"),
    ],
)
def test_weights_of_another_model(other: Any, message: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "checkpoint-1", *model_and_optimizer())
    with pytest.raises(InputError) as caught:
        run_state.load_weights(other(), folder)
    assert str(caught.value) == message.format(folder=folder)


def test_a_checkpoint_that_was_damaged(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    folder = written(tmp_path / "checkpoint-1", model, optimizer)
    path = folder / "weights-00000.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"^cannot read .*weights-00000.safetensors: .*; remove this checkpoint$"):
        run_state.load_weights(model, folder)
    (folder / run_state.STATE_FILE).write_text("{")
    with pytest.raises(InputError, match=r"^cannot read .*state.json: .*; remove this checkpoint$"):
        run_state.read_state(folder)


def test_an_older_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "model"
    for content in ("first", "second"):

        def write(aside: Path, content: str = content) -> None:
            aside.mkdir()
            (aside / content).write_text(content)

        write_folder(folder, write)
        assert [path.name for path in folder.iterdir()] == [content]
    with pytest.raises(ZeroDivisionError):
        write_folder(folder, lambda aside: aside.mkdir() or 1 / 0)  # type: ignore[func-returns-value]
    assert [path.name for path in folder.iterdir()] == ["second"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
