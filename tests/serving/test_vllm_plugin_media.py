"""The vLLM plugin's prompts, tiles and features are those of the project's own processor and model, bit for bit."""

from __future__ import annotations

import base64
import io
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.models.config import preset
from roborefer.models.processor import DepthPicture, EncodedSample, PromptPart, SpatialProcessor, stack_tiles
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.tiling import Normalization
from roborefer.serving.vllm_plugin.chat import chat_token_ids, read_chat, read_pictures
from roborefer.serving.vllm_plugin.media import (
    MODALITIES,
    MediaTokens,
    Modality,
    largest_picture,
    media_tokens,
    picture_features,
    picture_token_ids,
    tile_tensors,
)
from roborefer.serving.wire_formats.failures import RequestRefused

from ..models.tiny_models import TILE, depth_m, picture, tiny_config, tiny_model, tokenizer  # noqa: TID252
from .asking import depth_png, png

TILINGS: dict[str, dict[str, Any]] = {
    "resize": {"image_aspect_ratio": "resize"},
    "dynamic": {"max_tiles": 6},
    "dynamic, no depth tower": {"depth_tower": False},
    "dynamic_s2": {
        "image_aspect_ratio": "dynamic_s2",
        "mm_projector_type": "mlp_downsample",
        "depth_projector_type": "mlp_downsample",
    },
    "dynamic_s2, small": {
        "image_aspect_ratio": "dynamic_s2",
        "s2_resize_output_to_scale_idx": 1,
        "depth_projector_type": "linear",
    },
}
TEXTS = ["the cup", " \n\nWhere is\n the <image> cup?\n", "a<dep<image>th>b", "\ttwo  words"]
SIZES = [(60, 40), (120, 30), (56, 56)]


@cache
def model(tiling: str) -> SpatialVLM:
    return tiny_model(tiny_config(**TILINGS[tiling]))


@cache
def processor(tiling: str) -> SpatialProcessor:
    return SpatialProcessor(tokenizer(), model(tiling).config)


def depth_picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(read_depth(depth_m(width, height)).tower_picture("inverse"))


def pictures_of(sizes: list[tuple[int, int]], depth: bool) -> tuple[list[Image.Image], list[Image.Image]]:
    images = [picture(*size, seed) for seed, size in enumerate(sizes)]
    return images, [depth_picture(*size) for size in sizes] if depth else []


def own_prompt(tiling: str, images: list[Image.Image], depths: list[Image.Image], text: str) -> EncodedSample:
    """The prompt as ``roborefer serve`` makes it for such a request."""
    parts: list[PromptPart] = []
    for place, image in enumerate(images):
        parts += [image, DepthPicture(depths[place])] if depths else [image]
    return processor(tiling).encode_prompt([*parts, text])


def features_of(tiling: str, sample: EncodedSample) -> dict[Modality, list[Tensor]]:
    """What the project's own model puts in place of the media tokens, newlines included."""
    own = model(tiling)
    with torch.inference_mode():
        return {
            modality: own.encode_media(stack_tiles(tiled), [one.block_size for one in tiled], depth=modality == "depth")
            if tiled
            else []
            for modality, tiled in zip(MODALITIES, (sample.images, sample.depths), strict=True)
        }


def written_out(sample: EncodedSample, tokens: MediaTokens, features: dict[Modality, list[Tensor]]) -> list[int]:
    """The prompt with every feature row a token of its own: slow and obvious."""
    streams = {tokens.image: iter(features["image"]), tokens.depth: iter(features["depth"])}
    ids: list[int] = []
    for token in sample.input_ids:
        if token in streams:
            rows = len(next(streams[token])) - len(tokens.newline)
            ids += [token] * rows + list(tokens.newline)
        else:
            ids.append(token)
    return ids


def plugin_prompt(tiling: str, images: list[Image.Image], depths: list[Image.Image], text: str) -> list[int]:
    """The plugin's prompt: media tokens replaced one by one, as vLLM does with a PromptReplacement."""
    made, tokens = processor(tiling), media_tokens(processor(tiling))
    ids = chat_token_ids(made, text, images=len(images), depths=len(depths))
    places: dict[int, Any] = {}
    for modality, pictures in zip(MODALITIES, (images, depths), strict=True):
        if pictures:
            tensors = tile_tensors(made, modality, pictures)
            counts, blocks = tensors[f"{modality}_tiles"].tolist(), tensors[f"{modality}_blocks"].tolist()
            config = made.config
            places[tokens.of(modality)] = iter(
                [
                    picture_token_ids(tokens, modality, tiles, (rows, columns), config)
                    for tiles, (rows, columns) in zip(counts, blocks, strict=True)
                ]
            )
    prompt: list[int] = []
    for token in ids:
        prompt += next(places[token]) if token in places else [token]
    assert all(next(left, None) is None for left in places.values())
    return prompt


CASES = [(count, depth) for count in (0, 1, 2, 3) for depth in (False, True) if count or not depth]


@pytest.mark.parametrize("tiling", TILINGS)
@pytest.mark.parametrize(("count", "depth"), CASES)
def test_prompts_are_the_processors_own(tiling: str, count: int, depth: bool) -> None:
    images, depths = pictures_of(SIZES[:count], depth)
    for text in TEXTS:
        sample = own_prompt(tiling, images, depths, text)
        expected = written_out(sample, media_tokens(processor(tiling)), features_of(tiling, sample))
        assert plugin_prompt(tiling, images, depths, text) == expected


@pytest.mark.parametrize("tiling", TILINGS)
def test_the_text_is_what_the_chat_template_writes(tiling: str) -> None:
    images, depths = pictures_of(SIZES[:1], depth=True)
    ids = chat_token_ids(processor(tiling), "the cup", images=1, depths=1)
    line = "<image><depth>the cup" if tiling == "resize" else "<image> <depth>\nthe cup"
    if tiling.startswith("dynamic") and "s2" not in tiling:
        line = "<image>\n <depth>\n\nthe cup"
    system = "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n"
    assert tokenizer().decode(ids) == f"{system}<|im_start|>user\n{line}<|im_end|>\n<|im_start|>assistant\n"
    if "dynamic," not in tiling and tiling != "dynamic":
        assert ids == own_prompt(tiling, images, depths, "the cup").input_ids


@pytest.mark.parametrize("tiling", TILINGS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_tiles_and_block_sizes_are_the_processors_own(tiling: str, modality: Modality) -> None:
    images, depths = pictures_of(SIZES, depth=True)
    sample = own_prompt(tiling, images, depths, "the cup")
    tiled = sample.images if modality == "image" else sample.depths
    tensors = tile_tensors(processor(tiling), modality, images if modality == "image" else depths)
    assert torch.equal(tensors[f"{modality}_pixels"], stack_tiles(tiled))
    assert tensors[f"{modality}_tiles"].tolist() == [len(one.pixels) for one in tiled]
    assert tensors[f"{modality}_blocks"].tolist() == [list(one.block_size or (0, 0)) for one in tiled]


def test_each_kind_has_its_own_normalization() -> None:
    made = SpatialProcessor(tokenizer(), tiny_config(), Normalization(), Normalization(mean=(0.1, 0.2, 0.3)))
    given = depth_picture(60, 40)
    as_image, as_depth = (tile_tensors(made, modality, [given])[f"{modality}_pixels"] for modality in MODALITIES)
    assert torch.equal(as_depth, torch.from_numpy(made.tile(given, depth=True).pixels))
    assert not torch.equal(as_image, as_depth)


@pytest.mark.parametrize("tiling", TILINGS)
def test_embeddings_are_the_models_own(tiling: str) -> None:
    """Features put in place of their tokens give what the project's own model feeds its language model."""
    own, tokens = model(tiling), media_tokens(processor(tiling))
    images, depths = pictures_of(SIZES, depth=True)
    sample = own_prompt(tiling, images, depths, "the cup")
    ids = torch.tensor(plugin_prompt(tiling, images, depths, "the cup"))
    features = features_of(tiling, sample)
    with torch.inference_mode():
        embeddings = own.get_input_embeddings()(ids)
        for modality, pictures in zip(MODALITIES, (images, depths), strict=True):
            given = tile_tensors(processor(tiling), modality, pictures)
            tower, projector = own.vision_tower, own.mm_projector
            if modality == "depth":
                tower, projector = own.depth_tower or tower, own.depth_projector
            assert projector is not None
            pixels, tiles, blocks = (given[f"{modality}_{name}"] for name in ("pixels", "tiles", "blocks"))
            rows = picture_features(tower, projector, pixels, tiles, blocks, own.config)
            assert len(rows) == len(pictures)
            embeddings[ids == tokens.of(modality)] = torch.cat(rows)
        fused = own.fuse(torch.tensor([sample.input_ids]), None, features["image"], features["depth"])
    assert torch.equal(embeddings, fused.inputs_embeds[0])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*TILINGS]),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
)
def test_no_picture_has_more_tokens_than_the_largest(
    tiling: str, tiles: tuple[int, int], size: tuple[int, int]
) -> None:
    config = tiny_config(**{**TILINGS[tiling], "min_tiles": min(tiles), "max_tiles": max(tiles)})
    made = SpatialProcessor(tokenizer(), config)

    def length(picture_size: tuple[int, int]) -> int:
        tiled = made.tile(Image.new("RGB", picture_size))
        return len(picture_token_ids(media_tokens(made), "image", len(tiled.pixels), tiled.block_size, config))

    assert length(size) <= length(largest_picture(config))


@pytest.mark.parametrize(
    ("shape", "tiles", "block", "rows", "length"),
    [("2b", 13, None, 13 * 121, 13 * 123 - 1), ("8b", 17, (3, 4), 12 * 256, 12 * 256 + 1)],
)
def test_how_long_a_picture_is_in_the_published_models(
    shape: str, tiles: int, block: tuple[int, int] | None, rows: int, length: int
) -> None:
    between = (1,) if shape == "2b" else ()
    ids = picture_token_ids(MediaTokens(7, 8, newline=(1,), between=between), "depth", tiles, block, preset(shape))
    assert (ids.count(8), len(ids)) == (rows, length)
    assert ids[-2:] == [8, 1]


def test_scales_need_their_block_size() -> None:
    tokens = media_tokens(processor("dynamic_s2"))
    with pytest.raises(ValueError, match="expected a block size per picture for dynamic_s2, got None"):
        picture_token_ids(tokens, "image", 17, None, processor("dynamic_s2").config)


# ---- chats -----------------------------------------------------------------------------------------------------------


def part(kind: str, url: str = "data:,") -> dict[str, Any]:
    return {"type": kind, kind: {"url": url}}


def text(content: str = "the cup") -> dict[str, Any]:
    return {"type": "text", "text": content}


def asked(*content: dict[str, Any], depth: bool = True) -> Any:
    return read_chat([{"role": "user", "content": list(content)}], tiny_config(depth=depth))


def test_a_chat_is_read_for_its_last_question() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [part("image_url", "a"), part("depth_url", "b"), text("the cup")]},
        {"role": "assistant", "content": "[(0.5, 0.5)]"},
        {"role": "user", "content": "and the plate?"},
    ]
    question = read_chat(messages, tiny_config())
    assert question.text == "Be brief.\nand the plate?"
    assert [url for url, _ in question.images] == ["a"]
    assert [url for url, _ in question.depths] == ["b"]


def test_fields_that_only_vllm_knows_are_passed_over() -> None:
    question = asked({**part("image_url"), "uuid": "1"}, text())
    assert question.text == "the cup"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([part("image_url")], "expected a question in the last user message, got none: add text to it"),
        (
            [part("depth_url"), text()],
            "expected depth for each of 0 images, or for none, got 1: pair them up",
        ),
        (
            [part("image_url"), part("image_url"), part("depth_url"), text()],
            "expected depth for each of 2 images, or for none, got 1: pair them up",
        ),
        (
            [part("video_url"), text()],
            "expected 'messages[0].content[0].type' to be 'text', 'image_url', 'depth_url', got 'video_url'",
        ),
    ],
)
def test_what_a_chat_may_not_be(content: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        asked(*content)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            [part("image_url"), text("<image>")],
            "expected an instruction such as 'the cup behind the plate', got an empty one: say what to point at",
        ),
        ([part("image_url"), text("\ud800")], "expected text in Unicode, got '\\ud800': type it again"),
    ],
)
def test_what_a_question_may_not_be(content: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        asked(*content)
    assert str(caught.value) == message


def test_an_rgb_model_takes_no_depth() -> None:
    with pytest.raises(InputError) as caught:
        asked(part("image_url"), part("depth_url"), text(), depth=False)
    assert str(caught.value) == "expected a model with a depth projector, got an RGB-only one: leave depth out"


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("method", "kind"), list(product(["inverse", "linear"], ["millimetres", "metres", "relative"]))
)
def test_depth_files_become_the_towers_picture(method: str, kind: str) -> None:
    files = {"millimetres": depth_png(), "metres": npy(depth_m()), "relative": png()}
    images, depths = read_pictures([png()], [files[kind]], tiny_config(depth_method=method))
    assert np.array_equal(np.asarray(images[0]), np.asarray(picture()))
    expected = read_depth(files[kind]).tower_picture("linear" if method == "linear" else "inverse")
    assert depths[0].mode == "RGB"
    assert np.array_equal(np.asarray(depths[0]), expected)


def test_pictures_may_come_without_depth() -> None:
    images, depths = read_pictures([png(0), png(1, 30, TILE)], [], tiny_config())
    assert [image.size for image in images] == [(60, 40), (30, TILE)]
    assert depths == []


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (
            depth_png(40, 60),
            "expected depth of the image's size 60x40, got 40x60: register the depth to the colour image first "
            "(rs.align in librealsense, depth_image_proc/register in ROS)",
        ),
        (
            base64.b64decode("di8xAQ=="),
            "expected depth as 16-bit PNG, float TIFF or NPY, got EXR: convert it first",
        ),
    ],
)
def test_depth_that_cannot_be_used(depth: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pictures([png()], [depth], tiny_config())
    assert str(caught.value) == message
