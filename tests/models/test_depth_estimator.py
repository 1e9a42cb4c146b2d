"""DepthAnything: the published weights under transformers' names, the image pipeline, and what is refused.

Every model here is random and tiny (64 or 128 channels); the encoders keep their real numbers of blocks, since those
decide which features the head reads.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import zipfile
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from roborefer.errors import CheckpointError, InputError
from roborefer.models.depth_anything_checkpoint import read_published_checkpoint
from roborefer.models.depth_estimator import DepthAnything, DepthEstimator, prepare_image

GRID = 4  # position embeddings for 56 x 56 pixels
NECK = (6, 8, 10, 12)
FUSION = 8
HEAD = 5


# ---- an independent reference: the published network, written down over the published names --------------------------


def random_state(channels: int, blocks: int, gated: bool = False) -> dict[str, Tensor]:
    """A state dict as DepthAnything V2's authors save it, of random numbers that keep activations near 1."""
    generator = torch.Generator().manual_seed(7)
    state: dict[str, Tensor] = {}

    def draw(name: str, *shape: int, scale: float = 1.0, shift: float = 0.0) -> None:
        state[name] = torch.randn(shape, generator=generator) * scale + shift

    def layer(name: str, *shape: int, bias: int | None = None) -> None:
        draw(f"{name}.weight", *shape, scale=1 / math.sqrt(math.prod(shape[1:])))
        draw(f"{name}.bias", bias or shape[0], scale=0.1)

    def norm(name: str) -> None:
        draw(f"{name}.weight", channels, scale=0.2, shift=1)
        draw(f"{name}.bias", channels, scale=0.1)

    draw("pretrained.cls_token", 1, 1, channels)
    draw("pretrained.pos_embed", 1, GRID * GRID + 1, channels)
    draw("pretrained.mask_token", 1, channels)
    layer("pretrained.patch_embed.proj", channels, 3, 14, 14)
    for index in range(blocks):
        block = f"pretrained.blocks.{index}"
        norm(f"{block}.norm1")
        layer(f"{block}.attn.qkv", 3 * channels, channels)
        layer(f"{block}.attn.proj", channels, channels)
        draw(f"{block}.ls1.gamma", channels, scale=0.5)
        norm(f"{block}.norm2")
        if gated:
            hidden = (int(channels * 4 * 2 / 3) + 7) // 8 * 8
            layer(f"{block}.mlp.w12", 2 * hidden, channels)
            layer(f"{block}.mlp.w3", channels, hidden)
        else:
            layer(f"{block}.mlp.fc1", 4 * channels, channels)
            layer(f"{block}.mlp.fc2", channels, 4 * channels)
        draw(f"{block}.ls2.gamma", channels, scale=0.5)
    norm("pretrained.norm")

    head = "depth_head"
    for level, width in enumerate(NECK):
        layer(f"{head}.projects.{level}", width, channels, 1, 1)
        draw(f"{head}.scratch.layer{level + 1}_rn.weight", FUSION, width, 3, 3, scale=1 / math.sqrt(9 * width))
        refinement = f"{head}.scratch.refinenet{level + 1}"
        layer(f"{refinement}.out_conv", FUSION, FUSION, 1, 1)
        for unit in (1, 2):
            for convolution in (1, 2):
                layer(f"{refinement}.resConfUnit{unit}.conv{convolution}", FUSION, FUSION, 3, 3)
    layer(f"{head}.resize_layers.0", NECK[0], NECK[0], 4, 4)
    layer(f"{head}.resize_layers.1", NECK[1], NECK[1], 2, 2)
    layer(f"{head}.resize_layers.3", NECK[3], NECK[3], 3, 3)
    layer(f"{head}.scratch.output_conv1", FUSION // 2, FUSION, 3, 3)
    layer(f"{head}.scratch.output_conv2.0", HEAD, FUSION // 2, 3, 3)
    layer(f"{head}.scratch.output_conv2.2", 1, HEAD, 1, 1)
    state[f"{head}.scratch.output_conv2.2.bias"] += 1  # the last ReLU cuts few pixels
    return state


def reference_encoder(state: dict[str, Tensor], pixels: Tensor, taken: tuple[int, ...]) -> list[Tensor]:
    """DINOv2: the normalised patch tokens (N, C) after the blocks in ``taken``, counted from 0."""

    def affine(name: str, x: Tensor) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-6)
        return centred / deviation * state[f"{name}.weight"] + state[f"{name}.bias"]

    channels = state["pretrained.cls_token"].shape[-1]
    heads = channels // 64
    proj = "pretrained.patch_embed.proj"
    patches = functional.conv2d(pixels, state[f"{proj}.weight"], state[f"{proj}.bias"], stride=14)[0]  # (C, h, w)
    h, w = patches.shape[1:]
    positions = state["pretrained.pos_embed"][0]
    grid = positions[1:].T.reshape(1, channels, GRID, GRID)
    if (h, w) != (GRID, GRID):
        grid = functional.interpolate(grid, (h, w), mode="bicubic", align_corners=False)
    tokens = torch.cat(
        [
            state["pretrained.cls_token"][0] + positions[:1],
            patches.reshape(channels, h * w).T + grid[0].reshape(channels, h * w).T,
        ]
    )
    features = []
    for index in range(taken[-1] + 1):
        block = f"pretrained.blocks.{index}"
        qkv = affine(f"{block}.attn.qkv", norm(f"{block}.norm1", tokens))
        query, key, value = qkv.reshape(-1, 3, heads, 64).permute(1, 2, 0, 3)  # each (heads, N, 64)
        attended = torch.softmax(query @ key.transpose(1, 2) / 8, dim=-1) @ value
        attended = affine(f"{block}.attn.proj", attended.transpose(0, 1).reshape(-1, channels))
        tokens = tokens + attended * state[f"{block}.ls1.gamma"]
        x = norm(f"{block}.norm2", tokens)
        if f"{block}.mlp.w12.weight" in state:
            gate, up = affine(f"{block}.mlp.w12", x).chunk(2, dim=-1)
            x = affine(f"{block}.mlp.w3", gate * torch.sigmoid(gate) * up)
        else:
            x = affine(f"{block}.mlp.fc1", x)
            x = affine(f"{block}.mlp.fc2", x * 0.5 * (1 + torch.erf(x / math.sqrt(2))))
        tokens = tokens + x * state[f"{block}.ls2.gamma"]
        if index in taken:
            features.append(norm("pretrained.norm", tokens)[1:])
    return features


def reference_depth(state: dict[str, Tensor], pixels: Tensor, taken: tuple[int, ...]) -> Tensor:
    """The published network: (1, 3, H, W) -> relative depth (H, W)."""

    def convolve(name: str, x: Tensor, padding: int = 0, stride: int = 1) -> Tensor:
        weight, bias = state[f"depth_head.{name}.weight"], state.get(f"depth_head.{name}.bias")
        return functional.conv2d(x, weight, bias, stride=stride, padding=padding)

    def enlarge(level: int, x: Tensor) -> Tensor:
        name = f"depth_head.resize_layers.{level}"
        stride = state[f"{name}.weight"].shape[-1]
        return functional.conv_transpose2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride=stride)

    def residual(name: str, x: Tensor) -> Tensor:
        inner = convolve(f"{name}.conv1", x.relu(), padding=1)
        return convolve(f"{name}.conv2", inner.relu(), padding=1) + x

    def resample(x: Tensor, size: tuple[int, int]) -> Tensor:
        return functional.interpolate(x, size, mode="bilinear", align_corners=True)

    height, width = pixels.shape[2:]
    h, w = height // 14, width // 14
    maps = []
    for level, tokens in enumerate(reference_encoder(state, pixels, taken)):
        maps.append(convolve(f"projects.{level}", tokens.T.reshape(1, -1, h, w)))
    maps = [enlarge(0, maps[0]), enlarge(1, maps[1]), maps[2], convolve("resize_layers.3", maps[3], 1, stride=2)]
    maps = [convolve(f"scratch.layer{level + 1}_rn", x, padding=1) for level, x in enumerate(maps)]

    path: Tensor | None = None
    for level in (3, 2, 1, 0):
        name = f"scratch.refinenet{level + 1}"
        path = maps[level] if path is None else path + residual(f"{name}.resConfUnit1", maps[level])
        path = residual(f"{name}.resConfUnit2", path)
        finer = maps[level - 1].shape[2:] if level else (2 * path.shape[2], 2 * path.shape[3])
        path = convolve(f"{name}.out_conv", resample(path, (int(finer[0]), int(finer[1]))))
    assert path is not None
    x = resample(convolve("scratch.output_conv1", path, padding=1), (height, width))
    x = convolve("scratch.output_conv2.0", x, padding=1).relu()
    return convolve("scratch.output_conv2.2", x).relu()[0, 0]


def reference_cubic(values: np.ndarray, length: int) -> np.ndarray:
    """OpenCV's INTER_CUBIC along the first axis: Keys' kernel with a = -0.75, edge repeated, no antialiasing."""

    def kernel(t: float) -> float:
        t, a = abs(t), -0.75
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    rows = []
    for index in range(length):
        centre = (index + 0.5) * len(values) / length - 0.5
        taps = range(math.floor(centre) - 1, math.floor(centre) + 3)
        rows.append(sum(kernel(centre - tap) * values[min(max(tap, 0), len(values) - 1)] for tap in taps))
    return np.stack(rows)


SIZES = [
    pytest.param(128, 12, False, (2, 5, 8, 11), id="small-base"),
    pytest.param(128, 24, False, (4, 11, 17, 23), id="large"),
    pytest.param(64, 40, True, (9, 19, 29, 39), id="giant"),
]


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return random_state(128, 12)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, state: dict[str, Tensor]) -> Path:
    path = tmp_path_factory.mktemp("published") / "depth_anything_v2_vits.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, published: Path) -> Path:
    path = tmp_path_factory.mktemp("folder")
    read_published_checkpoint(published).save_pretrained(path)
    return path


@pytest.fixture
def image() -> PIL.Image.Image:
    pixels = np.random.default_rng(3).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return PIL.Image.fromarray(pixels).resize((60, 45))


def saved(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    torch.save(content, path)
    return path


def changed(source: Path, target: Path, **values: object) -> Path:
    """A copy of a transformers folder with other values in its configuration."""
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    config = json.loads((source / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | values))
    return target


# ---- the published file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "blocks", "gated", "taken"), SIZES)
def test_published_weights_give_the_published_network(
    tmp_path: Path, channels: int, blocks: int, gated: bool, taken: tuple[int, ...]
) -> None:
    state = random_state(channels, blocks, gated)
    model = read_published_checkpoint(saved(tmp_path, "depth_anything_v2.pth", state))
    assert not model.training
    for height, width in [(56, 56), (56, 84), (70, 56)]:
        pixels = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height + width))
        with torch.inference_mode():
            ours = model(pixels).predicted_depth[0]
        expected = reference_depth(state, pixels, taken)
        assert expected.std() > 0.01  # the comparison means something
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_large_reads_its_own_blocks(tmp_path: Path) -> None:
    model = read_published_checkpoint(saved(tmp_path, "a.pth", random_state(64, 24)))
    assert list(model.config.backbone_config.out_indices) == [5, 12, 18, 24]


def test_model_does_not_depend_on_the_file_after_loading(tmp_path: Path, published: Path) -> None:
    path = tmp_path / "copy.pth"
    path.write_bytes(published.read_bytes())
    model = read_published_checkpoint(path)
    before = model.head.conv1.weight.clone()
    with path.open("r+b") as stream:
        stream.write(bytes(path.stat().st_size))
    assert torch.equal(model.head.conv1.weight, before)


def test_estimate_is_the_published_picture(published: Path, state: dict[str, Tensor], image: PIL.Image.Image) -> None:
    estimator: DepthEstimator = DepthAnything.load(published, device="cpu")
    depth_map = estimator.estimate(image)
    picture = depth_map.picture
    assert picture is not None
    assert depth_map.metres is None
    assert depth_map.source == "estimated"
    assert picture.shape == (45, 60, 3)
    assert picture.dtype == np.uint8
    assert (picture.min(), picture.max()) == (0, 255)
    assert (picture == picture[:, :, :1]).all()

    depth = reference_depth(state, prepare_image(image, 56), (2, 5, 8, 11))[None, None]
    depth = functional.interpolate(depth, (45, 60), mode="bilinear", align_corners=True)[0, 0]
    expected = (depth - depth.min()) / (depth.max() - depth.min()) * 255
    # Cut, not rounded: within rounding of the number below.
    assert (picture[:, :, 0] <= expected.numpy() + 0.05).all()
    assert (picture[:, :, 0] > expected.numpy() - 1.05).all()


def test_path_may_be_text(published: Path, image: PIL.Image.Image) -> None:
    by_text = DepthAnything.load(str(published), device=torch.device("cpu")).estimate(image)
    by_path = DepthAnything.load(published, device="cpu").estimate(image)
    assert np.array_equal(by_text.tower_picture(), by_path.tower_picture())


def test_bfloat16_stays_near(published: Path, image: PIL.Image.Image) -> None:
    half = DepthAnything.load(published, device="cpu", dtype=torch.bfloat16)
    assert half.model.dtype == torch.bfloat16
    full = DepthAnything.load(published, device="cpu").estimate(image).tower_picture().astype(int)
    assert np.abs(half.estimate(image).tower_picture() - full).mean() < 12


# ---- the image pipeline ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((518, 518), (518, 518)),
        ((640, 480), (518, 686)),
        ((480, 640), (686, 518)),
        ((640, 360), (518, 924)),  # enlarged, although only one side is short
        ((1920, 1080), (518, 924)),
        ((32, 24), (518, 686)),
        ((1, 1), (518, 518)),
    ],
)
def test_shorter_side_becomes_518(size: tuple[int, int], expected: tuple[int, int]) -> None:
    pixels = prepare_image(PIL.Image.new("RGB", size))
    assert pixels.shape == (1, 3, *expected)
    assert pixels.dtype == torch.float32


@pytest.mark.parametrize("size", [(24, 17), (70, 61)], ids=["enlarged", "shrunk"])
def test_pixels_are_opencv_cubic_then_imagenet(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels = prepare_image(PIL.Image.fromarray(rgb), 28)[0].permute(1, 2, 0).numpy()
    height, width = pixels.shape[:2]
    resized = reference_cubic(rgb / 255, height)
    resized = reference_cubic(resized.transpose(1, 0, 2), width).transpose(1, 0, 2)
    expected = (resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(pixels, expected, atol=1e-4)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_other_modes_are_read_as_rgb(mode: str, image: PIL.Image.Image) -> None:
    other = image.convert(mode)
    assert torch.equal(prepare_image(other, 56), prepare_image(other.convert("RGB"), 56))


def test_constant_depth_is_a_black_picture(tmp_path: Path, state: dict[str, Tensor], image: PIL.Image.Image) -> None:
    flat = state | {"depth_head.scratch.output_conv2.2.bias": torch.tensor([-1e6])}  # the last ReLU cuts all
    depth_map = DepthAnything.load(saved(tmp_path, "flat.pth", flat), device="cpu").estimate(image)
    assert depth_map.picture is not None
    assert not depth_map.picture.any()


@pytest.mark.parametrize("size", [(81, 10), (10, 81)])
def test_thin_strip_is_refused(published: Path, size: tuple[int, int]) -> None:
    estimator = DepthAnything.load(published, device="cpu")
    with pytest.raises(InputError) as caught:
        estimator.estimate(PIL.Image.new("RGB", size))
    assert str(caught.value) == (
        f"expected an image of at most 8:1 to estimate depth for, got {size[0]} x {size[1]}; crop it or give its depth"
    )


def test_empty_image_is_refused(published: Path) -> None:
    with pytest.raises(InputError, match=r"^expected an image with pixels, got 0 x 5; give another image$"):
        DepthAnything.load(published, device="cpu").estimate(PIL.Image.new("RGB", (0, 5)))


def test_overflow_is_reported(tmp_path: Path, state: dict[str, Tensor], image: PIL.Image.Image) -> None:
    broken = state | {"pretrained.norm.bias": torch.full((128,), math.inf)}
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(saved(tmp_path, "broken.pth", broken), device="cpu").estimate(image)
    assert str(caught.value) == (
        "expected finite depth, got NaN or infinity from a depth model in torch.float32; load it with "
        "dtype=torch.float32, or download it again if that is what it has"
    )


# ---- folders and the hub ---------------------------------------------------------------------------------------------


def test_folder_gives_the_same_picture_as_the_file(folder: Path, published: Path, image: PIL.Image.Image) -> None:
    from_folder = DepthAnything.load(folder, device="cpu").estimate(image)
    from_file = DepthAnything.load(published, device="cpu").estimate(image)
    assert np.array_equal(from_folder.tower_picture(), from_file.tower_picture())


def test_folder_may_leave_max_depth_null(folder: Path, tmp_path: Path, image: PIL.Image.Image) -> None:
    other = changed(folder, tmp_path / "null", max_depth=None)
    plain = DepthAnything.load(folder, device="cpu").estimate(image)
    assert np.array_equal(
        DepthAnything.load(other, device="cpu").estimate(image).tower_picture(), plain.tower_picture()
    )


def test_metric_folder_gives_metres(folder: Path, tmp_path: Path, image: PIL.Image.Image) -> None:
    metric = changed(folder, tmp_path / "metric", depth_estimation_type="metric", max_depth=20)
    depth_map = DepthAnything.load(metric, device="cpu").estimate(image)
    assert depth_map.picture is None
    assert depth_map.source == "estimated"
    metres = depth_map.metres
    assert metres is not None
    assert metres.shape == (45, 60)
    assert metres.dtype == np.float32
    assert (metres > 0).all()
    assert 10 < metres.max() < 20  # sigmoid of a positive number, times max_depth


def test_metric_folder_needs_its_maximum(folder: Path, tmp_path: Path) -> None:
    metric = changed(folder, tmp_path / "metric", depth_estimation_type="metric", max_depth=None)
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(metric)
    assert str(caught.value) == f"expected max_depth (metres) in {metric / 'config.json'}, got none; add it"


def test_folder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"never opened")
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(tmp_path)
    assert str(caught.value) == (
        f"expected model.safetensors in {tmp_path}, found none; add it, or give the published .pth file itself"
    )


def test_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llava_llama"}')
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(tmp_path)
    assert str(caught.value) == (
        f"expected a DepthAnything model (model_type depth_anything with a backbone_config) in {tmp_path}, got "
        "model_type llava_llama; name a folder or hub id such as depth-anything/Depth-Anything-V2-Large-hf"
    )


def test_folder_with_another_backbone_is_refused(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "other", backbone_config={"model_type": "timm_backbone", "backbone": "resnet18"})
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(other)
    assert str(caught.value) == (
        f"expected a DepthAnything model with a dinov2 backbone in {other}, got timm_backbone; "
        "name a folder or hub id such as depth-anything/Depth-Anything-V2-Large-hf"
    )


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"head_hidden_size": 7}, "'head.conv2.bias' of another shape (3 in all)"),
        ({"neck_hidden_sizes": NECK[:3], "reassemble_factors": (4, 2, 1)}, "'neck.convs.3.weight' unknown (15 in all)"),
        ({"neck_hidden_sizes": (*NECK, 4), "reassemble_factors": (4, 2, 1, 0.5, 1)}, "'neck.convs.4.weight' missing"),
    ],
)
def test_folder_and_configuration_must_agree(
    folder: Path, tmp_path: Path, values: dict[str, object], problem: str
) -> None:
    other = changed(folder, tmp_path / "other", **values)
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(other)
    assert str(caught.value).startswith(f"expected the tensors that config.json describes in {other}, got {problem}")
    assert str(caught.value).endswith("; download it again")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"fusion_hidden_size": "many"}, "expected int, got str"),
        ({"depth_estimation_type": "guess"}, "depth_estimation_type must be one of"),
        ({"fusion_hidden_size": -8}, "negative dimension"),
    ],
)
def test_senseless_configuration_is_one_line(
    folder: Path, tmp_path: Path, values: dict[str, object], problem: str
) -> None:
    other = changed(folder, tmp_path / "other", **values)
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(other)
    message = str(caught.value)
    assert message.startswith(f"expected a complete DepthAnything model in {other}, got one that does not load (")
    assert problem in message
    assert "\n" not in message


def test_damaged_safetensors_is_one_line(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "other")
    (other / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(other)
    assert str(caught.value).startswith(f"expected a complete DepthAnything model in {other}, got one that does not")
    assert "\n" not in str(caught.value)


def test_square_sizes_are_needed() -> None:
    backbone = Dinov2Config(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=1, image_size=[56, 70], out_indices=[1, 2, 3, 4]
    )
    config = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=64, neck_hidden_sizes=[4, 4, 4, 4])
    with pytest.raises(CheckpointError) as caught:
        DepthAnything(DepthAnythingForDepthEstimation(config))
    assert str(caught.value) == (
        "expected image_size and patch_size as whole numbers in the depth model's backbone_config, got [56, 70] and "
        "14; give a DepthAnything model"
    )


def test_hub_id_without_a_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load("depth-anything/Depth-Anything-V2-Small-hf")
    assert "depth-anything/Depth-Anything-V2-Small-hf" in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- files that are refused ------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        DepthAnything.load(path, device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Malicious:
    """Unpickled without care, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self.marker),))


def test_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path, state: dict[str, Tensor]) -> None:
    marker = tmp_path / "ran"
    path = saved(tmp_path, "depth_anything_v2_vitl.pth", {**state, "extra": Malicious(marker)})
    assert refusal(path) == (
        f"expected tensors and nothing else, but {path} holds objects whose loading could run code; it was not loaded, "
        "take the file from its publisher or give a folder with model.safetensors"
    )
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the trap is real
    assert marker.exists()


@pytest.mark.parametrize("content", ["text", "empty", "bare pickle", "legacy"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path, marker = tmp_path / "depth_anything_v2_vitl.pth", tmp_path / "ran"
    stream = io.BytesIO()
    if content == "bare pickle":
        pickle.dump(Malicious(marker), stream)
    elif content == "legacy":
        torch.save({"a": torch.zeros(2)}, stream, _use_new_zipfile_serialization=False)
    elif content == "text":
        stream.write(b"<html>Not found</html>")
    path.write_bytes(stream.getvalue())
    assert refusal(path) == (
        f"expected a .pth file of DepthAnything V2 (a zip archive by torch.save), got {path}, which is not one; "
        "download it again, or give a folder with config.json and model.safetensors"
    )
    assert not marker.exists()


def test_other_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal(path) == f"expected a whole .pth file, got a damaged one at {path}; download it again"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([torch.zeros(2)], "expected tensors by name in {path}, got a list"),
        ({"model": {"a": torch.zeros(2)}}, "expected tensors by name in {path}, got a dict as 'model'"),
        (
            {"a": torch.zeros(2, dtype=torch.int64)},
            "expected dense floating-point tensors in {path}, got torch.strided torch.int64 on cpu as 'a'",
        ),
        (
            {"a": torch.eye(2).to_sparse()},
            "expected dense floating-point tensors in {path}, got torch.sparse_coo torch.float32 on cpu as 'a'",
        ),
        (
            {"a": torch.zeros(2, device="meta")},
            "expected dense floating-point tensors in {path}, got torch.strided torch.float32 on meta as 'a'",
        ),
        (
            {"a": torch.zeros(2)},
            "expected a DepthAnything V2 checkpoint with 'pretrained.pos_embed' of 3 dimensions, got none in {path}",
        ),
        (
            {"pretrained.pos_embed": torch.zeros(2)},
            "expected a DepthAnything V2 checkpoint with 'pretrained.pos_embed' of 3 dimensions, got shape (2,) "
            "in {path}",
        ),
    ],
)
def test_archives_without_the_tensors_are_refused(tmp_path: Path, content: object, problem: str) -> None:
    path = saved(tmp_path, "weights.pth", content)
    assert refusal(path) == problem.format(path=path) + "; give the file as published"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"pretrained.mask_token": None},
            "expected the tensors of DepthAnything V2 in {path}, got 'pretrained.mask_token' missing",
        ),
        (
            {"pretrained.register_tokens": torch.zeros(1, 4, 128), "pretrained.mask_token": None},
            "expected the tensors of DepthAnything V2 in {path}, got 'pretrained.mask_token' missing and 1 more that "
            "do not fit",
        ),
        (
            {"pretrained.register_tokens": torch.zeros(1, 4, 128)},
            "expected the tensors of DepthAnything V2 in {path}, got 'pretrained.register_tokens' too many",
        ),
        (
            {"pretrained.blocks.3.attn.qkv.weight": torch.zeros(3, 128)},
            "expected 'pretrained.blocks.3.attn.qkv.weight' of shape (384, 128) in {path}, got (3, 128)",
        ),
        (
            {"pretrained.pos_embed": torch.zeros(1, 16, 128)},  # 15 is no square
            "expected 'pretrained.pos_embed' of shape (1, 10, 128) in {path}, got (1, 16, 128)",
        ),
        (
            {"pretrained.pos_embed": torch.zeros(1, 17, 100)},
            "expected encoder channels in multiples of 64, got 100 in 'pretrained.pos_embed' of {path}",
        ),
        (
            {"pretrained.blocks.11.norm1.weight": None},
            "expected an encoder of 12 (Small, Base), 24 (Large) or 40 (Giant) blocks, got 11 in {path}",
        ),
    ],
)
def test_one_wrong_tensor_is_named(
    tmp_path: Path, state: dict[str, Tensor], change: dict[str, Tensor | None], problem: str
) -> None:
    content = {name: value for name, value in (state | change).items() if value is not None}
    path = saved(tmp_path, "weights.pth", content)
    assert refusal(path) == problem.format(path=path) + "; give the file as published"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "depth_anything_v2_metric_hypersim_vitl.pth",
            "(the metric fine-tune, whose maximum depth is not in the file); load it by hub id, as in "
            "depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf",
        ),
        (
            "depth_anything_vitl14.pth",
            "(DepthAnything V1, which reads other encoder blocks); load it by hub id, as in "
            "LiheYoung/depth-anything-large-hf",
        ),
    ],
)
def test_lookalikes_are_refused_by_name(tmp_path: Path, published: Path, name: str, problem: str) -> None:
    path = tmp_path / name
    path.write_bytes(published.read_bytes())
    assert refusal(path) == f"expected a relative DepthAnything V2 file, got {name} {problem}"


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "depth_anything_v2_vitl.pth"
    with pytest.raises(InputError) as caught:
        DepthAnything.load(path)
    assert str(caught.value) == f"expected a DepthAnything V2 .pth file, found none at {path}; check the path"


def test_missing_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert str(path) in refusal(path)


@pytest.mark.parametrize(
    ("device", "problem"),
    [
        ("gpu", "expected device to be auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        ("mps", "expected a device of this machine, got 'mps': torch sees no Apple GPU; use cpu"),
    ],
)
def test_device_must_exist(published: Path, monkeypatch: pytest.MonkeyPatch, device: str, problem: str) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError) as caught:
        DepthAnything.load(published, device=device)
    assert str(caught.value) == problem


def test_auto_is_the_cpu_where_nothing_else_is(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert DepthAnything.load(published).model.device == torch.device("cpu")
