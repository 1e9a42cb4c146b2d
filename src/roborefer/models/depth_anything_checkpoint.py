"""DepthAnything V2 weights as its authors publish them (``depth_anything_v2_vitl.pth``), read without running any code.

The published RoboRefer server takes such a file. Here it becomes the same model that transformers loads from
``depth-anything/Depth-Anything-V2-*-hf``: every tensor is checked against the architecture that its siblings imply,
renamed to the names of those folders and handed to transformers. Names and layers of the original are in
github.com/DepthAnything/Depth-Anything-V2, ``depth_anything_v2/dpt.py`` and ``dinov2.py``.
"""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from roborefer.errors import CheckpointError, InputError

PATCH_SIZE = 14  # every DINOv2 model
HEAD_DIM = 64  # DINOv2 has 6, 12, 16 and 24 heads for 384, 768, 1024 and 1536 channels

# Encoder blocks -> the blocks whose output feeds the head, counted from 1 (the original counts from 0). They cannot
# be read from the shapes: 12 is Small and Base, 24 Large, 40 Giant.
FEATURE_BLOCKS = {12: (3, 6, 9, 12), 24: (5, 12, 18, 24), 40: (10, 20, 30, 40)}

# Files that hold the same names and shapes and would give a wrong picture without a word.
_LOOKALIKES = (
    (
        re.compile(r"metric"),
        "the metric fine-tune, whose maximum depth is not in the file",
        "depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf",
    ),
    (
        re.compile(r"depth_anything_vit[sbl]14"),
        "DepthAnything V1, which reads other encoder blocks",
        "LiheYoung/depth-anything-large-hf",
    ),
)


@dataclass(frozen=True)
class _Architecture:
    """What the shapes of a checkpoint say about its model."""

    channels: int
    blocks: int
    grid: int  # position embeddings are grid x grid, 37 x 37 for 518 pixels
    gated: bool  # SwiGLU instead of an MLP: Giant
    neck: tuple[int, int, int, int]
    fusion: int
    head: int

    @property
    def hidden(self) -> int:
        """Hidden channels of an encoder block's MLP; SwiGLU keeps two thirds, rounded up to a multiple of 8."""
        return (int(self.channels * 4 * 2 / 3) + 7) // 8 * 8 if self.gated else self.channels * 4


@dataclass(frozen=True)
class _Entry:
    """A tensor of the original: its shape and its name in a transformers folder; several where it is cut evenly."""

    shape: tuple[int, ...]
    names: tuple[str, ...]


def read_published_checkpoint(path: Path, *, dtype: torch.dtype = torch.float32) -> DepthAnythingForDepthEstimation:
    """Read a ``.pth`` of the DepthAnything V2 authors; Small, Base, Large and Giant are told apart by their shapes.

    Only tensors are unpickled, never objects. Metric fine-tunes and DepthAnything V1 use the same tensor names and
    cannot be told apart by content; they are refused by file name.

    Args:
        path: The file, as published.
        dtype: Floating-point type of the model.

    Returns:
        The model on the CPU, in evaluation mode.

    Raises:
        InputError: The file does not exist.
        CheckpointError: It is another kind of file, holds anything but tensors, or a tensor is missing, unknown or of
            another shape than its siblings imply.
    """
    if not path.is_file():
        raise InputError(f"expected a DepthAnything V2 .pth file, found none at {path}; check the path")
    for pattern, what, hub_id in _LOOKALIKES:
        if pattern.search(path.name):
            raise CheckpointError(
                f"expected a relative DepthAnything V2 file, got {path.name} ({what}); "
                f"load it by hub id, as in {hub_id}"
            )
    state = _read_tensors(path)
    architecture = _infer_architecture(state, path)
    weights = _rename(state, _layout(architecture), path)
    model: DepthAnythingForDepthEstimation = DepthAnythingForDepthEstimation.from_pretrained(
        # The names on disk are the stable ones: transformers maps them to those of its current modules.
        None,
        config=_config(architecture),
        state_dict=weights,
        dtype=dtype,
    )
    return model.eval()


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict, still on disk (memory-mapped)."""
    if not zipfile.is_zipfile(path):
        raise CheckpointError(
            f"expected a .pth file of DepthAnything V2 (a zip archive by torch.save), got {path}, which is not one; "
            "download it again, or give a folder with config.json and model.safetensors"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"expected tensors and nothing else, but {path} holds objects whose loading could run code; it was not "
            "loaded, take the file from its publisher or give a folder with model.safetensors"
        ) from error
    # What a damaged archive or pickle stream raises depends on the byte that is wrong.
    except (RuntimeError, OSError, EOFError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"expected a whole .pth file, got a damaged one at {path}; download it again") from error
    if not isinstance(state, dict):
        raise CheckpointError(
            f"expected tensors by name in {path}, got a {type(state).__name__}; give the file as published"
        )
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"expected tensors by name in {path}, got a {type(value).__name__} as '{name}'; "
                "give the file as published"
            )
        if value.layout != torch.strided or value.device.type != "cpu" or not value.is_floating_point():
            raise CheckpointError(
                f"expected dense floating-point tensors in {path}, got {value.layout} {value.dtype} on "
                f"{value.device} as '{name}'; give the file as published"
            )
    return state


def _infer_architecture(state: Mapping[str, Tensor], path: Path) -> _Architecture:
    def shape(name: str, dimensions: int) -> torch.Size:
        tensor = state.get(name)
        if tensor is None or tensor.ndim != dimensions:
            got = "none" if tensor is None else f"shape {tuple(tensor.shape)}"
            raise CheckpointError(
                f"expected a DepthAnything V2 checkpoint with '{name}' of {dimensions} dimensions, got {got} "
                f"in {path}; give the file as published"
            )
        return tensor.shape

    _, positions, channels = shape("pretrained.pos_embed", 3)
    blocks = sum(re.fullmatch(r"pretrained\.blocks\.\d+\.norm1\.weight", name) is not None for name in state)
    grid = math.isqrt(max(positions - 1, 0))
    if blocks not in FEATURE_BLOCKS:
        raise CheckpointError(
            f"expected an encoder of 12 (Small, Base), 24 (Large) or 40 (Giant) blocks, got {blocks} in {path}; "
            "give the file as published"
        )
    if channels == 0 or channels % HEAD_DIM:
        raise CheckpointError(
            f"expected encoder channels in multiples of {HEAD_DIM}, got {channels} in 'pretrained.pos_embed' "
            f"of {path}; give the file as published"
        )
    neck = [shape(f"depth_head.projects.{level}.weight", 4)[0] for level in range(4)]
    return _Architecture(
        channels=channels,
        blocks=blocks,
        grid=grid,
        gated="pretrained.blocks.0.mlp.w12.weight" in state,
        neck=(neck[0], neck[1], neck[2], neck[3]),
        fusion=shape("depth_head.scratch.layer1_rn.weight", 4)[0],
        head=shape("depth_head.scratch.output_conv2.0.weight", 4)[0],
    )


def _config(architecture: _Architecture) -> DepthAnythingConfig:
    backbone = Dinov2Config(
        hidden_size=architecture.channels,
        num_hidden_layers=architecture.blocks,
        num_attention_heads=architecture.channels // HEAD_DIM,
        use_swiglu_ffn=architecture.gated,
        image_size=architecture.grid * PATCH_SIZE,
        patch_size=PATCH_SIZE,
        out_indices=list(FEATURE_BLOCKS[architecture.blocks]),
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    return DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=PATCH_SIZE,
        reassemble_hidden_size=architecture.channels,
        neck_hidden_sizes=list(architecture.neck),
        fusion_hidden_size=architecture.fusion,
        head_hidden_size=architecture.head,
        depth_estimation_type="relative",
    )


def _layout(architecture: _Architecture) -> dict[str, _Entry]:
    """Every tensor of the original, by its name there."""
    layout: dict[str, _Entry] = {}

    def tensor(name: str, shape: tuple[int, ...], *names: str) -> None:
        layout[name] = _Entry(shape, names)

    def layer(name: str, weight_shape: tuple[int, ...], *names: str) -> None:
        """A weight and its bias, or a norm's scale and shift."""
        tensor(f"{name}.weight", weight_shape, *(f"{target}.weight" for target in names))
        tensor(f"{name}.bias", (weight_shape[0],), *(f"{target}.bias" for target in names))

    channels, hidden, fusion = architecture.channels, architecture.hidden, architecture.fusion

    tensor("pretrained.cls_token", (1, 1, channels), "backbone.embeddings.cls_token")
    tensor("pretrained.mask_token", (1, channels), "backbone.embeddings.mask_token")
    tensor("pretrained.pos_embed", (1, architecture.grid**2 + 1, channels), "backbone.embeddings.position_embeddings")
    layer(
        "pretrained.patch_embed.proj",
        (channels, 3, PATCH_SIZE, PATCH_SIZE),
        "backbone.embeddings.patch_embeddings.projection",
    )
    for index in range(architecture.blocks):
        block, target = f"pretrained.blocks.{index}", f"backbone.encoder.layer.{index}"
        attention = f"{target}.attention.attention"
        layer(f"{block}.norm1", (channels,), f"{target}.norm1")
        layer(
            f"{block}.attn.qkv",
            (3 * channels, channels),
            f"{attention}.query",
            f"{attention}.key",
            f"{attention}.value",
        )
        layer(f"{block}.attn.proj", (channels, channels), f"{target}.attention.output.dense")
        tensor(f"{block}.ls1.gamma", (channels,), f"{target}.layer_scale1.lambda1")
        layer(f"{block}.norm2", (channels,), f"{target}.norm2")
        if architecture.gated:
            layer(f"{block}.mlp.w12", (2 * hidden, channels), f"{target}.mlp.weights_in")
            layer(f"{block}.mlp.w3", (channels, hidden), f"{target}.mlp.weights_out")
        else:
            layer(f"{block}.mlp.fc1", (hidden, channels), f"{target}.mlp.fc1")
            layer(f"{block}.mlp.fc2", (channels, hidden), f"{target}.mlp.fc2")
        tensor(f"{block}.ls2.gamma", (channels,), f"{target}.layer_scale2.lambda1")
    layer("pretrained.norm", (channels,), "backbone.layernorm")

    for level, width in enumerate(architecture.neck):
        reassemble = f"neck.reassemble_stage.layers.{level}"
        layer(f"depth_head.projects.{level}", (width, channels, 1, 1), f"{reassemble}.projection")
        tensor(f"depth_head.scratch.layer{level + 1}_rn.weight", (fusion, width, 3, 3), f"neck.convs.{level}.weight")
        # Levels 0 and 1 are enlarged (transposed convolutions), 2 stays, 3 is halved.
        if level != 2:
            kernel = (4, 2, 0, 3)[level]
            layer(f"depth_head.resize_layers.{level}", (width, width, kernel, kernel), f"{reassemble}.resize")
        # The original numbers its fusion blocks by level, transformers in the order they run: coarsest first.
        block, target = f"depth_head.scratch.refinenet{level + 1}", f"neck.fusion_stage.layers.{3 - level}"
        layer(f"{block}.out_conv", (fusion, fusion, 1, 1), f"{target}.projection")
        for unit in (1, 2):
            for convolution in (1, 2):
                layer(
                    f"{block}.resConfUnit{unit}.conv{convolution}",
                    (fusion, fusion, 3, 3),
                    f"{target}.residual_layer{unit}.convolution{convolution}",
                )

    layer("depth_head.scratch.output_conv1", (fusion // 2, fusion, 3, 3), "head.conv1")
    layer("depth_head.scratch.output_conv2.0", (architecture.head, fusion // 2, 3, 3), "head.conv2")
    layer("depth_head.scratch.output_conv2.2", (1, architecture.head, 1, 1), "head.conv3")
    return layout


def _rename(state: Mapping[str, Tensor], layout: Mapping[str, _Entry], path: Path) -> dict[str, Tensor]:
    """Check every tensor and copy it off the disk under its new name."""
    missing, unknown = sorted(layout.keys() - state.keys()), sorted(state.keys() - layout.keys())
    if missing or unknown:
        found = f"'{missing[0]}' missing" if missing else f"'{unknown[0]}' too many"
        others = len(missing) + len(unknown) - 1
        raise CheckpointError(
            f"expected the tensors of DepthAnything V2 in {path}, got {found}"
            + (f" and {others} more that do not fit" if others else "")
            + "; give the file as published"
        )
    weights: dict[str, Tensor] = {}
    for name, entry in layout.items():
        if tuple(state[name].shape) != entry.shape:
            raise CheckpointError(
                f"expected '{name}' of shape {entry.shape} in {path}, got {tuple(state[name].shape)}; "
                "give the file as published"
            )
        # A copy, so that the model does not depend on the mapped file staying as it is.
        parts = state[name].chunk(len(entry.names))
        weights |= {target: part.clone() for target, part in zip(entry.names, parts, strict=True)}
    return weights
