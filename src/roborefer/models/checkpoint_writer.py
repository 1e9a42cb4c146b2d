"""Writing checkpoints in the published on-disk layout: aside first, then renamed, so that none is ever half there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from roborefer.errors import CheckpointError
from roborefer.images import one_line
from roborefer.models.checkpoint import INDEX_FILE, PARTS, SINGLE_FILE, owned_tensors
from roborefer.models.config import ModelConfig, llm_config, projector_config

_SHARD_BYTES = 4 * 2**30


def save_weights(model: Any, folder: Path) -> None:
    """Write configuration and weights in the published layout, aside first and then renamed part by part."""
    config: ModelConfig = model.config
    config.dtype = model.dtype
    configs = {
        "llm": llm_config(config),
        "vision_tower": config.vision_config.to_dict(),
        "mm_projector": projector_config(config.mm_projector_type),
        "depth_tower": None if config.depth_config is None else config.depth_config.to_dict(),
        "depth_projector": projector_config(config.depth_projector_type) if config.depth_projector_type else None,
    }
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".saving-", dir=folder))
    except OSError as error:
        raise CheckpointError(f"cannot write to the folder {folder}: {one_line(error)}; name another one") from error
    try:
        for part in PARTS:
            module = getattr(model, part)
            if module is None:
                continue
            part_folder = staging / part
            part_folder.mkdir()
            _write_json(part_folder / "config.json", configs.get(part) or {})
            _save_part(owned_tensors(module), part_folder)
        _write_json(staging / "config.json", config.to_published())
        _move_into(staging, folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot write the checkpoint in {folder}: {one_line(error)}; make room, or name another folder"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _save_part(tensors: dict[str, Tensor], folder: Path) -> None:
    shards: list[list[str]] = [[]]
    size = 0
    for name, tensor in tensors.items():
        bytes_needed = tensor.numel() * tensor.element_size()
        if size and size + bytes_needed > _SHARD_BYTES:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += bytes_needed
    if len(shards) == 1:
        _save_shard(tensors, folder / SINGLE_FILE)
        return
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _save_shard({tensor: tensors[tensor] for tensor in shard}, folder / name)
        weight_map.update(dict.fromkeys(shard, name))
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    _write_json(folder / INDEX_FILE, {"metadata": {"total_size": total}, "weight_map": weight_map})


def _save_shard(tensors: dict[str, Tensor], path: Path) -> None:
    on_cpu = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    save_file(on_cpu, path, metadata={"format": "pt"})
    make_readable(path)


def make_readable(path: Path) -> None:
    """safetensors writes files that only their owner may read; a checkpoint is shared like any other file."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def _move_into(staging: Path, folder: Path) -> None:
    """Rename file by file; weights that the new checkpoint replaces are removed first, other files stay.

    ``config.json`` goes first and comes last: a folder that was left halfway is refused, and never read as a mixture.
    """
    (folder / "config.json").unlink(missing_ok=True)
    for source in sorted(staging.rglob("*")):
        target = folder / source.relative_to(staging)
        if source.is_dir():
            target.mkdir(exist_ok=True)
            for old in (*target.glob("model*.safetensors"), *target.glob(INDEX_FILE)):
                old.unlink()
    files = [path for path in sorted(staging.rglob("*")) if path.is_file()]
    for source in sorted(files, key=lambda path: path == staging / "config.json"):
        os.replace(source, folder / source.relative_to(staging))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")
