"""Monocular depth behind a one-method Protocol, for images that come without depth.

:class:`DepthAnything` is the estimator of the paper: DepthAnything V2, whose largest published size (ViT-L) made the
depth pictures of the benchmarks. The image goes through the pipeline of its authors rather than transformers' DPT
image processor, which shrinks where the original enlarges (640 x 360 becomes 518 x 294 there, 924 x 518 here) and
filters where the original does not. One difference stays: for images that are not square, transformers spreads the
position embeddings over the patch grid exactly, the original by 0.1 patch more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import PIL.Image
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

from roborefer.errors import CheckpointError, InputError
from roborefer.geometry.depth import DepthMap
from roborefer.images import one_line
from roborefer.models.checkpoint import read_json, resolve_folder
from roborefer.models.depth_anything_checkpoint import read_published_checkpoint
from roborefer.models.devices import resolve_device

DEFAULT_DEPTH_MODEL = "depth-anything/Depth-Anything-V2-Large-hf"
"""The paper's estimator (ViT-L), CC-BY-NC-4.0: not for commercial use. The Small one below is free."""

FREE_DEPTH_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
"""The only size under Apache-2.0."""

MAX_ASPECT_RATIO = 8.0
"""The shorter side is always enlarged to 518 pixels, so that a thin strip would become a picture of any size."""

# In order of preference for device="auto".
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class DepthEstimator(Protocol):
    """Anything that makes depth of a picture."""

    def estimate(self, image: PIL.Image.Image) -> DepthMap:
        """The depth of one image, of the image's size and with ``source="estimated"``."""
        ...


class DepthAnything:
    """DepthAnything through transformers: V2 as the paper uses it, its metric fine-tunes, or V1.

    V2-Small is under Apache-2.0; V2-Base, V2-Large and V2-Giant are under CC-BY-NC-4.0, which forbids commercial use.

    Args:
        model: The network, on the device and in the type it is to run in.

    Raises:
        CheckpointError: Its configuration states a non-square image or patch.
    """

    def __init__(self, model: DepthAnythingForDepthEstimation) -> None:
        backbone = model.config.backbone_config
        if not isinstance(backbone.image_size, int) or not isinstance(backbone.patch_size, int):
            raise CheckpointError(
                "expected image_size and patch_size as whole numbers in the depth model's backbone_config, got "
                f"{backbone.image_size} and {backbone.patch_size}; give a DepthAnything model"
            )
        self.model = model.eval()
        self.patch_size: int = backbone.patch_size
        self.shorter_side: int = backbone.image_size // backbone.patch_size * backbone.patch_size

    @classmethod
    def load(
        cls, path_or_hub_id: str | Path, *, device: str | torch.device = "auto", dtype: torch.dtype = torch.float32
    ) -> DepthAnything:
        """Load weights from a folder, a published ``.pth`` file or the hub.

        Args:
            path_or_hub_id: A folder with ``config.json`` and ``model.safetensors``, a ``.pth`` file of the
                DepthAnything V2 authors, or a hub id such as :data:`DEFAULT_DEPTH_MODEL` or
                :data:`FREE_DEPTH_MODEL`. Nothing is downloaded unless a hub id is given.
            device: A torch device; ``auto`` takes CUDA, then MPS, then the CPU.
            dtype: Floating-point type of weights and computation.

        Raises:
            InputError: The file does not exist, or torch does not know the device.
            CheckpointError: What is there is not a DepthAnything model, is incomplete, or cannot be downloaded.
        """
        path = Path(path_or_hub_id)
        target = resolve_device(device)
        if path.is_file() or path.suffix in (".pth", ".pt"):
            model = read_published_checkpoint(path, dtype=dtype)
        else:
            model = _read_folder(resolve_folder(path_or_hub_id), dtype)
        return cls(model.to(target))

    def estimate(self, image: PIL.Image.Image) -> DepthMap:
        """The depth of one image.

        Args:
            image: Any size up to an aspect ratio of 8:1; read as RGB.

        Returns:
            From a relative model a picture, uint8 (H, W, 3), nearest surface 255, farthest 0, all 0 where the model
            saw no depth at all. From a metric one metres, float32 (H, W).

        Raises:
            InputError: The image is empty or too narrow.
            CheckpointError: The network gives NaN or infinity: it overflows in its type, or its weights are damaged.
        """
        _check_shape(image)
        parameter = next(self.model.parameters())
        pixels = prepare_image(image, self.shorter_side, self.patch_size)
        with torch.inference_mode():
            depth: Tensor = self.model(pixels.to(parameter.device, parameter.dtype)).predicted_depth  # (1, h, w)
            # align_corners as in the original: transformers' own post-processing is bicubic and not aligned.
            depth = interpolate(
                depth[:, None].float(), (image.height, image.width), mode="bilinear", align_corners=True
            )
        depth_hw: NDArray[np.float32] = depth[0, 0].cpu().numpy()
        if not np.isfinite(depth_hw).all():
            raise CheckpointError(
                f"expected finite depth, got NaN or infinity from a depth model in {parameter.dtype}; "
                "load it with dtype=torch.float32, or download it again if that is what it has"
            )
        if self.model.config.depth_estimation_type == "metric":
            return DepthMap(metres=depth_hw, picture=None, source="estimated")
        return DepthMap(metres=None, picture=_picture(depth_hw), source="estimated")


def prepare_image(image: PIL.Image.Image, shorter_side: int = 518, multiple: int = 14) -> Tensor:
    """An image as DepthAnything was published to see it; a 640 x 480 one becomes (1, 3, 518, 686).

    The shorter side gets ``shorter_side`` pixels, the longer one keeps the aspect ratio to the nearest multiple.
    Bicubic without antialiasing over pixel centres is what OpenCV's INTER_CUBIC does on floats; Pillow would filter.

    Args:
        image: Any mode that converts to RGB.
        shorter_side: Pixels; a multiple of ``multiple``.
        multiple: Pixels; the network's patch.

    Returns:
        float32 (1, 3, h, w), normalised by ImageNet's mean and deviation.
    """
    width, height = image.size
    scale = shorter_side / min(width, height)
    size = (_nearest_multiple(height * scale, multiple), _nearest_multiple(width * scale, multiple))
    rgb = torch.from_numpy(np.array(image.convert("RGB"), dtype=np.float32) / 255)  # (H, W, 3)
    pixels = interpolate(rgb.permute(2, 0, 1)[None], size, mode="bicubic", align_corners=False)
    mean = torch.tensor(_IMAGENET_MEAN).view(3, 1, 1)
    deviation = torch.tensor(_IMAGENET_STD).view(3, 1, 1)
    return (pixels - mean) / deviation


def _nearest_multiple(length: float, multiple: int) -> int:
    return round(length / multiple) * multiple


def _picture(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Relative depth, larger = nearer, as three equal 8-bit channels: min-max, then cut, as the published server."""
    low, high = depth.min(), depth.max()
    grey = np.zeros(depth.shape, np.uint8) if low == high else ((depth - low) / (high - low) * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _check_shape(image: PIL.Image.Image) -> None:
    shorter, longer = sorted(image.size)
    if shorter == 0:
        raise InputError(f"expected an image with pixels, got {image.width} x {image.height}; give another image")
    if longer > MAX_ASPECT_RATIO * shorter:
        raise InputError(
            f"expected an image of at most {MAX_ASPECT_RATIO:g}:1 to estimate depth for, got {image.width} x "
            f"{image.height}; crop it or give its depth"
        )


def _read_folder(folder: Path, dtype: torch.dtype) -> DepthAnythingForDepthEstimation:
    values = read_json(folder / "config.json")
    backbone = values.get("backbone_config")
    # Anything but DINOv2 here could make transformers fetch a backbone that nobody named.
    if values.get("model_type") != "depth_anything" or not isinstance(backbone, dict):
        raise CheckpointError(
            f"expected a DepthAnything model (model_type depth_anything with a backbone_config) in {folder}, got "
            f"model_type {values.get('model_type')}; name a folder or hub id such as {DEFAULT_DEPTH_MODEL}"
        )
    if backbone.get("model_type") != "dinov2":
        raise CheckpointError(
            f"expected a DepthAnything model with a dinov2 backbone in {folder}, got {backbone.get('model_type')}; "
            f"name a folder or hub id such as {DEFAULT_DEPTH_MODEL}"
        )
    if not any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        raise CheckpointError(
            f"expected model.safetensors in {folder}, found none; add it, or give the published .pth file itself"
        )
    if values.get("max_depth") is None:
        if values.get("depth_estimation_type") == "metric":
            raise CheckpointError(f"expected max_depth (metres) in {folder / 'config.json'}, got none; add it")
        values["max_depth"] = 1  # a factor; some folders write null for relative models
    try:
        config = DepthAnythingConfig.from_dict(values)
        model, report = DepthAnythingForDepthEstimation.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # so that the report names them all
            output_loading_info=True,
        )
    # A configuration may be wrong in any way: an unknown field type, a negative size, a list of another length.
    except (StrictDataclassError, SafetensorError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"expected a complete DepthAnything model in {folder}, got one that does not load ({one_line(error)}); "
            "download it again"
        ) from error
    misshapen = {key for key, *_ in report["mismatched_keys"]}
    for fault, names in (
        ("missing", report["missing_keys"]),
        ("unknown", report["unexpected_keys"]),
        ("of another shape", misshapen),
    ):
        if names:
            raise CheckpointError(
                f"expected the tensors that config.json describes in {folder}, got '{min(names)}' {fault} "
                f"({len(names)} in all); download it again"
            )
    return model
