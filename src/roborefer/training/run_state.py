"""Checkpoints of a run: what it needs to go on exactly where it was, in safetensors and JSON, whole or not there.

``checkpoint-500/`` holds the trained weights and the optimizer's state by parameter name (as if no weight were
sharded), the random states of every process, and ``state.json``. A checkpoint is written under another name and
renamed when it is complete; older ones are removed only then.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from roborefer.errors import InputError
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import flush
from roborefer.training import zero3
from roborefer.training.parameters import trained_parameters
from roborefer.training.whole_folders import ASIDE_PREFIX, write_folder

STATE_FILE = "state.json"
_NAME = re.compile(r"checkpoint-(\d+)")
_SHARD_BYTES = 2 * 2**30


def checkpoint_folder(run: Path, step: int) -> Path:
    """Where the checkpoint of a step is."""
    return run / f"checkpoint-{step}"


def checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    found = [(int(match[1]), path) for path in run.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found) if (path / STATE_FILE).is_file()]


def write_checkpoint(
    folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], documents: Mapping[str, Mapping[str, Any]]
) -> None:
    """Writes a checkpoint aside and renames it.

    Args:
        folder: Where to; its parent exists.
        tensors: Group -> tensors by name; a large group becomes several files.
        documents: File name -> what JSON can hold; :data:`STATE_FILE` is among them.

    Raises:
        InputError: The system refuses it (a full disk, for one); nothing of it is left behind.
    """

    def write(aside: Path) -> None:
        aside.mkdir()
        for name, group in tensors.items():
            for number, shard in enumerate(_shards(group)):
                _write_tensors(aside / f"{name}-{number:05d}.safetensors", shard)
        for name, document in documents.items():
            _write_bytes(aside / name, json.dumps(document).encode())

    write_folder(folder, write)


def remove_old_checkpoints(run: Path, keep: int) -> None:
    """Removes all but the latest checkpoints, and what a killed process was writing."""
    for path in (*checkpoints(run)[:-keep], *run.glob(f"{ASIDE_PREFIX}*")):
        shutil.rmtree(path, ignore_errors=True)


def read_state(folder: Path) -> dict[str, Any]:
    """The ``state.json`` of a checkpoint.

    Raises:
        InputError: It cannot be read.
    """
    path = folder / STATE_FILE
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source_name(path)}: {one_line(error)}; remove this checkpoint") from error
    return content


def stored_tensors(folder: Path, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a group, one at a time.

    Raises:
        InputError: A file is not complete.
    """
    for path in sorted(folder.glob(f"{name}-*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - not a dict
                    yield key, file.get_tensor(key)
        except (SafetensorError, OSError) as error:
            raise InputError(f"cannot read {source_name(path)}: {one_line(error)}; remove this checkpoint") from error


# ---- weights and optimizer -------------------------------------------------------------------------------------------


def gathered(tensor: Tensor) -> Tensor:
    """The whole of a tensor on the CPU, also of one that is sharded over processes (all of them must call)."""
    if zero3.is_sliced(tensor):
        whole = zero3.whole_weight(tensor)
    else:
        whole = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return whole.detach().cpu().contiguous()


def weights(model: nn.Module, *, keep: bool) -> dict[str, Tensor]:
    """The trained weights by name; all processes must call, those with ``keep`` get them."""
    found = {}
    for name, parameter in trained_parameters(model):
        whole = gathered(parameter)
        if keep:
            found[name] = whole
    return found


def load_weights(model: nn.Module, folder: Path) -> None:
    """Fills the trained parameters.

    Raises:
        InputError: The checkpoint is of another model or another choice of parameters.
    """
    expected = dict(trained_parameters(model))
    for name, tensor in stored_tensors(folder, "weights"):
        parameter = expected.pop(name, None)
        if parameter is None or getattr(parameter, "ds_shape", parameter.shape) != tensor.shape:
            raise InputError(f"{source_name(folder)} holds {name} of shape {tuple(tensor.shape)}: another model's")
        if zero3.is_sliced(parameter):
            zero3.set_weight(parameter, tensor)
            continue
        with torch.no_grad():
            parameter.copy_(_like(tensor, parameter))
    if expected:
        raise InputError(f"expected {next(iter(expected))} in {source_name(folder)}, found none: another model's")


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer, *, keep: bool) -> dict[str, Tensor]:
    """The optimizer's state, ``name:exp_avg`` and so on; all processes must call."""
    found = {}
    for name, parameter in trained_parameters(model):
        state = zero3.whole_state(parameter) if zero3.is_sliced(parameter) else optimizer.state.get(parameter, {})
        for key, value in state.items():
            whole = gathered(value)
            if keep:
                found[f"{name}:{key}"] = whole
    return found


def load_optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer, folder: Path, steps: int) -> None:
    """Fills the optimizer's state.

    Args:
        model, optimizer: As they were when it was saved.
        folder: Of the checkpoint.
        steps: How many the optimizer had taken.

    Raises:
        InputError: The checkpoint is of another run.
    """
    if any(zero3.is_sliced(parameter) for parameter in model.parameters()):
        _load_sliced(model, optimizer, folder, steps)
        return
    numbers = {id(parameter): number for number, parameter in enumerate(_in_order(optimizer))}
    parameters = dict(trained_parameters(model))
    state: dict[int, dict[str, Tensor]] = {}
    for label, tensor in stored_tensors(folder, "optimizer"):
        name, _, key = label.rpartition(":")
        if name not in parameters:
            raise InputError(f"{source_name(folder)} holds the state of {name}, which is not trained: another run's")
        parameter = parameters[name]
        value = _like(tensor, parameter) if tensor.shape == parameter.shape else tensor
        state.setdefault(numbers[id(parameter)], {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _load_sliced(model: nn.Module, optimizer: torch.optim.Optimizer, folder: Path, steps: int) -> None:
    parameters = dict(trained_parameters(model))
    zero3.begin_state(optimizer, steps)
    for label, tensor in stored_tensors(folder, "optimizer"):
        name, _, key = label.rpartition(":")
        if key in zero3.ADAM_STATE:
            zero3.set_state(parameters[name], key, tensor)
    zero3.refresh_small_weights(optimizer)


def _in_order(optimizer: torch.optim.Optimizer) -> Iterator[nn.Parameter]:
    for group in optimizer.param_groups:
        yield from group["params"]


def _like(tensor: Tensor, parameter: Any) -> Tensor:
    """A whole tensor on the parameter's device, sharded as the parameter is."""
    if not hasattr(parameter, "placements"):
        return tensor.to(parameter.device)
    from torch.distributed.tensor import distribute_tensor

    on_device = tensor.to(parameter.device_mesh.device_type)
    # Every process has read the whole tensor, so none needs to be sent.
    return distribute_tensor(on_device, parameter.device_mesh, parameter.placements, src_data_rank=None)


# ---- random states ---------------------------------------------------------------------------------------------------


def random_states() -> Tensor:
    """(N,) uint8: the states of torch's, Python's and numpy's global generators in this process.

    Data is drawn from generators of its own; these are for dropout and for libraries.
    """
    python = random.getstate()[1]
    numpy = np.random.get_state(legacy=False)["state"]  # noqa: NPY002 - the global state is what is saved
    words = np.array([*python, *numpy["key"].tolist(), numpy["pos"]], dtype=np.uint32)
    states = [torch.get_rng_state(), torch.from_numpy(words.view(np.uint8))]
    if torch.cuda.is_available():
        states.append(torch.cuda.get_rng_state())
    return torch.cat(states)


def set_random_states(states: Tensor) -> None:
    """Sets what :func:`random_states` told."""
    length = torch.get_rng_state().numel()
    torch.set_rng_state(states[:length].clone())  # torch reads it from the start of its storage
    count = len(random.getstate()[1]) + 625
    words = np.frombuffer(states[length : length + 4 * count].numpy().tobytes(), dtype=np.uint32)
    python = count - 625
    random.setstate((3, tuple(words[:python].tolist()), None))
    key = {"key": words[python:-1].copy(), "pos": int(words[-1])}
    numpy = {"bit_generator": "MT19937", "state": key, "has_gauss": 0, "gauss": 0.0}
    np.random.set_state(numpy)  # noqa: NPY002 - the global state is what was saved
    rest = states[length + 4 * count :]
    if torch.cuda.is_available() and rest.numel():
        torch.cuda.set_rng_state(rest.clone())


# ---- files -----------------------------------------------------------------------------------------------------------


def _shards(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The tensors in groups of at most ``_SHARD_BYTES``."""
    shard: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        needed = tensor.numel() * tensor.element_size()
        if shard and size + needed > _SHARD_BYTES:
            yield shard
            shard, size = {}, 0
        shard[name] = tensor
        size += needed
    yield shard


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file(tensors, path)
    flush(path)  # older checkpoints are removed after this one


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    flush(path)  # older checkpoints are removed after this one
