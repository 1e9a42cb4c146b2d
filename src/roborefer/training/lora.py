"""Low-rank adapters through peft: put into the model, saved beside it, merged into it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roborefer.errors import InputError
from roborefer.models.checkpoint_writer import make_readable
from roborefer.training.configuration import LoraConfig


def add_adapters(model: nn.Module, config: LoraConfig, *, base: str, seed: int) -> Any:
    """Puts adapters into a model, in place: they and ``train_fully`` learn, everything else is frozen.

    Args:
        model: Its parts are its children.
        config: Which layers, and of what rank.
        base: The model's folder or hub id, for those who load the adapters.
        seed: Of the adapters' weights.

    Returns:
        peft's model around it, for :func:`save_adapters` and :func:`merge_adapters`.

    Raises:
        InputError: A part or a layer is not there, or peft is not installed.
    """
    try:
        import peft
    except ImportError as error:
        raise InputError("expected peft for adapters, found none: pip install 'roborefer[train]'") from error
    layers = _layers(model, config)
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        torch.manual_seed(seed)
        wrapped = peft.get_peft_model(
            model,
            peft.LoraConfig(
                r=config.rank,
                lora_alpha=config.alpha,
                lora_dropout=config.dropout,
                target_modules=layers,
                modules_to_save=list(config.train_fully) or None,
            ),
        )
    wrapped.active_peft_config.base_model_name_or_path = base
    return wrapped


def _layers(model: nn.Module, config: LoraConfig) -> list[str]:
    """Full names of the linear layers that get adapters."""
    parts = [name for name, _ in model.named_children()]
    for part in (*config.parts, *config.train_fully):
        if part not in parts:
            raise InputError(f"expected lora.parts and lora.train_fully to name {', '.join(parts)}, got {part!r}")
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and name.partition(".")[0] in config.parts
        and name.rpartition(".")[2] in config.targets
    ]
    if not found:
        raise InputError(
            f"expected linear layers named {', '.join(config.targets)} in {', '.join(config.parts)}, found none: "
            "change lora.targets"
        )
    return found


def save_adapters(wrapped: Any, folder: Path) -> None:
    """Writes ``adapter_model.safetensors`` and ``adapter_config.json``, which peft loads on the base model."""
    wrapped.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's form for a model card, which nobody has filled in
    for path in folder.iterdir():
        make_readable(path)


def merge_adapters(wrapped: Any) -> None:
    """Adds the adapters to the model's own weights and removes them; the model is as it was, but for its values."""
    wrapped.merge_and_unload()
