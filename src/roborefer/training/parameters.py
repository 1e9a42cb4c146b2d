"""Which parameters learn, in which format, and how fast: stages, parts of the model, and groups for the optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from roborefer.errors import InputError
from roborefer.training.configuration import TrainingConfig

# Biases and norms are one-dimensional; decaying them would pull them towards 0 for no reason.
_DECAYED_FROM_DIMENSIONS = 2


def trained_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of all that learn; a tied one comes once. Names do not tell wrappers around modules."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield name.replace("_checkpoint_wrapped_module.", "").replace("_orig_mod.", ""), parameter


def part_of(name: str) -> str:
    """The part of the model that a parameter belongs to: ``llm.model.norm.weight`` is in ``llm``."""
    return name.partition(".")[0]


def train_parts(model: nn.Module, config: TrainingConfig) -> None:
    """Parts that learn beside those of the stage.

    Raises:
        InputError: ``also_train`` names a part that the model lacks.
    """
    parts = [name for name, _ in model.named_children()]
    for name in config.also_train:
        if name not in parts:
            raise InputError(f"expected also_train to name {', '.join(parts)}, got {name!r}")
        getattr(model, name).requires_grad_(True)


def freeze_resting_parts(model: nn.Module, config: TrainingConfig) -> None:
    """Parts whose learning rate is 0 stay as they are.

    Raises:
        InputError: ``part_learning_rates`` names a part that the model lacks, or nothing is left to learn.
    """
    parts = [name for name, _ in model.named_children()]
    for name, rate in config.part_learning_rates.items():
        if name not in parts:
            raise InputError(f"expected part_learning_rates to name {', '.join(parts)}, got {name!r}")
        if rate == 0:
            getattr(model, name).requires_grad_(False)
    if not any(True for _ in trained_parameters(model)):
        raise InputError("expected parameters that learn, got none: every part's learning rate is 0")


def set_precision(model: nn.Module, config: TrainingConfig, *, sharded: bool) -> None:
    """Trained weights in float32, whose small updates bfloat16 would round away; frozen ones as they are stored.

    Args:
        model: Changed in place.
        config: ``precision: fp32`` makes everything float32.
        sharded: FSDP gathers the weights of a layer together, so they must be of one format: all float32.
    """
    if config.precision == "fp32" or sharded:
        model.float()
        return
    for _, parameter in trained_parameters(model):
        parameter.data = parameter.data.float()
    for module in model.modules():
        # A norm takes its statistics in the format of its weights.
        if isinstance(module, nn.BatchNorm2d) and module.weight.dtype == torch.float32:
            for name, buffer in module.named_buffers():
                setattr(module, name, buffer.float())


def optimizer_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Groups for AdamW: parts with a learning rate of their own, each with and without weight decay."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in trained_parameters(model):
        rate = config.part_learning_rates.get(part_of(name), config.learning_rate)
        groups.setdefault((rate, parameter.ndim >= _DECAYED_FROM_DIMENSIONS), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decayed else 0.0}
        for (rate, decayed), parameters in groups.items()
    ]


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """(parameters that learn, all parameters)."""
    learning = sum(parameter.numel() for _, parameter in trained_parameters(model))
    return learning, sum(parameter.numel() for parameter in model.parameters())


def stored_dtype(model: nn.Module) -> torch.dtype:
    """The format of the model's first floating-point parameter, which is that of its checkpoint after loading."""
    return next(parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
