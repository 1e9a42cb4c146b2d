"""The on-disk layout of the published checkpoints, and reading it; ``checkpoint_writer`` writes it.

A checkpoint is a folder: ``config.json`` and one folder per part, each with its own ``config.json`` and its weights
as ``model.safetensors`` or as shards with ``model.safetensors.index.json``. The language model's folder also holds
the tokenizer. Only safetensors are read; nothing of a checkpoint is ever executed.

Folder and tensor names on disk are known here and to the writer alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from tqdm import tqdm

from roborefer.errors import CheckpointError
from roborefer.images import one_line
from roborefer.models.config import ModelConfig
from roborefer.models.prompt import MEDIA_TOKENS, QWEN2_CHAT_TEMPLATE, SENTINEL_TOKEN

TOKENIZER_FOLDER = "llm"
INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
_MAX_JSON_BYTES = 64 * 2**20
# A mapped file counts as memory in use for every page that was read: reopen it after this many bytes.
_BYTES_PER_MAPPING = 16 * 2**20
_ROWS_AT_ONCE = 4096
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
# Tokenizers that their tokenizer.json describes in full. Beside a Qwen2 model, transformers' AutoTokenizer would read
# them as Qwen2's own, with other pieces and other merges.
_PLAIN_TOKENIZERS = ("TokenizersBackend", "PreTrainedTokenizerFast")


PARTS = ("llm", "vision_tower", "mm_projector", "depth_tower", "depth_projector", "point_head")
"""The sub-folders, which carry the names of the model's attributes. A point head is ours: no published one has it."""


def resolve_folder(path_or_hub_id: str | Path, revision: str | None = None, *, weights: bool = True) -> Path:
    """The local folder of a checkpoint; a hub id is downloaded (safetensors, JSON and tokenizer files only).

    Args:
        path_or_hub_id: A folder, or a hub id.
        revision: Branch, tag or commit, for a hub id.
        weights: Whether the safetensors are downloaded too.
    """
    folder = Path(path_or_hub_id)
    if folder.is_dir():
        return folder
    name = str(path_or_hub_id)
    if folder.exists():
        raise CheckpointError(
            f"expected a checkpoint folder, got the file {name}: name the folder that holds config.json"
        )
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise CheckpointError(
            f"expected a checkpoint folder or a hub id like 'owner/name', got {name!r}: no such folder"
        )
    return _download(name, revision, weights=weights)


def _download(hub_id: str, revision: str | None, *, weights: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    patterns = ["*.json", *(["*.safetensors"] if weights else []), "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise CheckpointError(
            f"expected a checkpoint folder or a hub id, got {hub_id!r}: the hub has no such model"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise CheckpointError(
            f"cannot download {hub_id!r} from the hub ({type(error).__name__}): check the network, or name a folder"
        ) from error


def read_config(folder: Path) -> ModelConfig:
    """The configuration of a checkpoint; each part's own ``config.json`` goes before the copy in the top one."""
    published = read_json(folder / "config.json")
    if "llm_cfg" not in published and "text_config" not in published:
        raise CheckpointError(f"expected {folder / 'config.json'} to describe llm_cfg and towers, got another model's")
    for key, part in (
        ("llm_cfg", "llm"),
        ("vision_tower_cfg", "vision_tower"),
        ("mm_projector_cfg", "mm_projector"),
        ("depth_tower_cfg", "depth_tower"),
        ("depth_projector_cfg", "depth_projector"),
    ):
        needed = part in ("llm", "vision_tower", "mm_projector") or published.get(key)
        if (folder / part / "config.json").exists():
            published[key] = read_json(folder / part / "config.json")
        elif needed:
            raise CheckpointError(
                f"expected the folder {part}/ with a config.json in {folder}, found none: the checkpoint is incomplete"
            )
    length = _tokenizer_length(folder)
    if length is not None:
        published["model_max_length"] = length
    try:
        config: ModelConfig = ModelConfig.from_dict(published)
    except CheckpointError:
        raise
    except Exception as error:  # values of the wrong kind make transformers' checks raise nearly anything
        raise CheckpointError(
            f"cannot read {folder / 'config.json'} and those of its parts: {one_line(error)}; mend them"
        ) from error
    return config


def build(model_class: Any, config: ModelConfig, folder: Path) -> Any:
    """A model without memory for its weights, on the meta device; :func:`load_weights` fills it."""
    try:
        with torch.device("meta"):
            return model_class(config)
    except CheckpointError:
        raise
    except Exception as error:  # sizes that do not go together make the blocks raise nearly anything
        raise CheckpointError(
            f"cannot build the model that {folder / 'config.json'} describes: {one_line(error)}; mend it"
        ) from error


def _tokenizer_length(folder: Path) -> int | None:
    """The tokenizer's limit, which is where the published model cuts sequences; None if it states no real one."""
    path = folder / TOKENIZER_FOLDER / "tokenizer_config.json"
    try:
        length = read_json(path).get("model_max_length") if path.exists() else None
    except CheckpointError:
        return None  # load_tokenizer says what is wrong with it
    # transformers writes 1e30 for "no limit".
    return int(length) if isinstance(length, int | float) and 0 < length < 2**31 else None


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a checkpoint, with every media token; those it lacks are added, as the published loader does."""
    tokenizer = read_tokenizer(folder / TOKENIZER_FOLDER)
    add_media_tokens(tokenizer)
    if not tokenizer.chat_template:
        tokenizer.chat_template = QWEN2_CHAT_TEMPLATE
    return tokenizer


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder, as it is; nothing is downloaded and no code of its own is run."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        if _tokenizer_class(folder) in _PLAIN_TOKENIZERS:
            return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # broken files make the tokenizers library raise bare exceptions
        raise CheckpointError(f"cannot read the tokenizer in {folder}: the checkpoint is incomplete") from error


def _tokenizer_class(folder: Path) -> str | None:
    path = folder / "tokenizer_config.json"
    name: str | None = read_json(path).get("tokenizer_class") if path.exists() else None
    return name


def add_media_tokens(tokenizer: Any) -> None:
    """Adds the media tokens that a tokenizer lacks, behind its vocabulary and in the published order."""
    known = tokenizer.get_vocab()
    missing = [token for token in (SENTINEL_TOKEN, *MEDIA_TOKENS) if token not in known]
    if missing:
        tokenizer.add_tokens(missing, special_tokens=True)


def resize_vocabulary(model: Any, size: int) -> None:
    """Give the language model as many token embeddings as the tokenizer has tokens.

    New rows (a media token that is replaced by features anyway) are the mean of the others, so that loading twice
    gives the same weights.
    """
    embeddings = [model.llm.model.embed_tokens]
    if not model.config.text_config.tie_word_embeddings:
        embeddings.append(model.llm.lm_head)
    for module in embeddings:
        module.weight = nn.Parameter(resized_rows(module.weight.detach(), size))
    model.llm.model.embed_tokens.num_embeddings = size
    model.llm.lm_head.out_features = size
    model.llm.vocab_size = model.llm.model.vocab_size = model.llm.config.vocab_size = size
    model.config.text_config.vocab_size = size
    model.llm.tie_weights()


def resized_rows(old: Tensor, size: int) -> Tensor:
    """(V, H) -> (size, H): without its last rows, or with their mean for those that it lacks."""
    new = old.new_empty(size, old.shape[1])
    new[: len(old)] = old[:size]
    if size > len(old):
        # Chunk by chunk: the whole table in fp32 would be the largest thing in memory.
        total = torch.zeros(old.shape[1], dtype=torch.float32, device=old.device)
        for chunk in torch.split(old, _ROWS_AT_ONCE):
            total += chunk.float().sum(dim=0)
        new[len(old) :] = (total / len(old)).to(old.dtype)
    return new


def resolve_dtype(folder: Path, dtype: str | torch.dtype) -> torch.dtype:
    """A torch dtype from its name; ``auto`` is the dtype in which the language model is stored."""
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    names |= {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if isinstance(dtype, torch.dtype) and dtype in names.values():
        return dtype
    if dtype in names:
        return names[dtype]
    if dtype != "auto":
        raise CheckpointError(f"expected dtype to be auto, {', '.join(names)}, got {dtype!r}")
    stored = stored_tensors(folder / "llm")
    if not stored:
        raise CheckpointError(f"expected tensors in {folder / 'llm'}, found none: the checkpoint is incomplete")
    return next(iter(stored.values())).dtype


def load_weights(model: Any, folder: Path, *, dtype: torch.dtype, device: torch.device, progress: bool = False) -> None:
    """Fill a model that was built on the meta device.

    Tensors come one at a time, so that the peak stays near the size of the weights in ``dtype``. Everything is
    checked before the first tensor is read.

    Raises:
        CheckpointError: a tensor is missing, extra or misshapen.
    """
    plan = [(part, stored_tensors(folder / part)) for part in PARTS if getattr(model, part) is not None]
    for part, stored in plan:
        _check_part(part, getattr(model, part), stored)
    total = sum(len(stored) for _, stored in plan)
    with tqdm(total=total, desc="loading", unit="tensor", disable=not progress, leave=False) as bar:
        for part, stored in plan:
            module = getattr(model, part)
            for name, tensor in stream_tensors(stored, dtype, device):
                assign_tensor(module, name, tensor)
                bar.update()
    materialize_buffers(model, device)
    model.llm.tie_weights()


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor is on disk.

    Attributes:
        path: Of the safetensors file.
        name: In that file.
        shape, dtype: As its header says.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Tensor name -> where it is stored, from the headers of the part's safetensors files."""
    stored: dict[str, StoredTensor] = {}
    for path in _weight_files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a dict
                    view = file.get_slice(name)
                    kind = _DTYPES.get(view.get_dtype())
                    if kind is None:
                        raise CheckpointError(
                            f"expected floating point weights, got {view.get_dtype()} for {name} in {path}"
                        )
                    stored[name] = StoredTensor(path, name, tuple(view.get_shape()), kind)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"cannot read {path}: not a complete safetensors file ({error}); download it again"
            ) from error
    return stored


def _weight_files(folder: Path) -> Sequence[Path]:
    index = folder / INDEX_FILE
    if index.exists():
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
            raise CheckpointError(
                f"expected a weight_map from tensors to file names in {index}, found none: download it again"
            )
        paths = [folder / name for name in sorted(set(weight_map.values()))]
        for path in paths:
            if path.parent != folder or not path.exists():
                raise CheckpointError(
                    f"expected the shard {path.name} in {folder}, as its index says; found none: download it again"
                )
        return paths
    if (folder / SINGLE_FILE).exists():
        return [folder / SINGLE_FILE]
    others = sorted(path.name for path in folder.glob("*.bin")) if folder.is_dir() else []
    hint = (
        f"{others[0]} is a pickle, which is never read; convert it to safetensors"
        if others
        else "the checkpoint is incomplete"
    )
    raise CheckpointError(f"expected {SINGLE_FILE} in {folder}, found none: {hint}")


def _check_part(part: str, module: nn.Module, stored: dict[str, StoredTensor]) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in owned_tensors(module).items()}
    if "lm_head.weight" in stored and "lm_head.weight" not in expected:
        stored.pop("lm_head.weight")  # a tied head that was written out all the same
    for name in expected:
        if name not in stored:
            raise CheckpointError(f"expected the tensor {part}/{name}, found none: the checkpoint is incomplete")
    for name, where in stored.items():
        if name not in expected:
            raise CheckpointError(
                f"the tensor {part}/{name} belongs to no part of this model: config.json describes another one"
            )
        if where.shape != expected[name]:
            raise CheckpointError(
                f"expected the tensor {part}/{name} to have shape {expected[name]}, got {where.shape}"
            )


def owned_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name, without a head that is tied to the embeddings."""
    tensors = dict(module.state_dict(keep_vars=True))
    if getattr(getattr(module, "config", None), "tie_word_embeddings", False):
        tensors.pop("lm_head.weight", None)
    return tensors


def stream_tensors(
    stored: dict[str, StoredTensor], dtype: torch.dtype, device: torch.device
) -> Iterator[tuple[str, Tensor]]:
    """Tensors one at a time, copied a few rows at a time from files that are reopened to give pages back."""
    with ExitStack() as opened:
        path, mapped, file = None, 0, None
        for where in stored.values():
            tensor = torch.empty(where.shape, dtype=dtype, device=device)
            for rows in _row_ranges(where):
                if file is None or where.path != path or mapped >= _BYTES_PER_MAPPING:
                    opened.close()
                    file = opened.enter_context(safe_open(where.path, framework="pt"))
                    path, mapped = where.path, 0
                source = file.get_slice(where.name)[rows] if where.shape else file.get_tensor(where.name)
                tensor[rows].copy_(source)
                mapped += source.numel() * source.element_size()
                del source  # it would keep the mapping alive
            yield where.name, tensor


def _row_ranges(where: StoredTensor) -> Iterator[Any]:
    """Indices that cut a tensor along its first axis into pieces of at most ``_BYTES_PER_MAPPING``."""
    if not where.shape:
        yield ...
        return
    row_bytes = math.prod(where.shape[1:]) * where.dtype.itemsize
    step = max(1, _BYTES_PER_MAPPING // max(1, row_bytes))
    for start in range(0, where.shape[0], step):
        yield slice(start, min(start + step, where.shape[0]))


def assign_tensor(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Puts a tensor in the place of a parameter or buffer, which may be on the meta device."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._parameters:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
    else:
        owner._buffers[leaf] = tensor


def materialize_buffers(model: Any, device: torch.device) -> None:
    """Compute the buffers that no checkpoint holds: patch positions and rotary frequencies."""
    for module in model.modules():
        positions = getattr(module, "position_ids", None)
        if isinstance(positions, Tensor) and positions.is_meta:
            module.position_ids = torch.arange(positions.shape[-1], device=device).expand(1, -1)
    rotary = model.llm.model.rotary_emb
    model.llm.model.rotary_emb = type(rotary)(config=rotary.config).to(device)
    left = [name for name, tensor in [*model.named_parameters(), *model.named_buffers()] if tensor.is_meta]
    left = [name for name in left if name != "llm.lm_head.weight"]
    if left:
        raise CheckpointError(f"the tensor {left[0]} was not filled: this architecture is not supported")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a small file; anything else is a CheckpointError that names the file."""
    if not path.is_file():
        raise CheckpointError(f"expected {path.name} in {path.parent}, found none: name a complete checkpoint folder")
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise CheckpointError(f"expected {path} to be a small JSON file, got {path.stat().st_size} bytes")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"expected JSON in {path}, got something else ({error})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"expected a JSON object in {path}, got a {type(content).__name__}")
    return content
