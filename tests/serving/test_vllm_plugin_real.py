"""The plugin inside the real vLLM, where one is installed: no GPU and no compiled kernel is needed for these."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roborefer.geometry.depth import read_depth
from roborefer.models.processor import DepthPicture, SpatialProcessor, stack_tiles
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.serving import vllm_plugin

from ..models.tiny_models import depth_m, picture, tiny_config, write_checkpoint  # noqa: TID252 - shared models
from .asking import encoded, png
from .live_server import data_uri

pytest.importorskip("vllm", reason="vLLM is an extra of its own, which the tests do without")
pytestmark = pytest.mark.filterwarnings("ignore")  # vLLM's own

S2 = {
    "image_aspect_ratio": "dynamic_s2",
    "mm_projector_type": "mlp_downsample",
    "depth_projector_type": "mlp_downsample",
}
SIZES = [(90, 40), (40, 80)]


@pytest.fixture(
    scope="module",
    params=[{}, S2, {"image_aspect_ratio": "resize"}, {"depth_tower": False}, {"depth": False, "tied": False}],
    ids=["dynamic", "dynamic_s2", "resize", "no depth tower", "rgb"],
)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(path, tiny_config(**request.param), seed=3)
    vllm_plugin.register()
    return path


def engine_config(folder: Path, **options: Any) -> Any:
    from vllm.engine.arg_utils import EngineArgs

    return EngineArgs(
        model=str(folder), dtype="float32", max_model_len=8192, enforce_eager=True, **options
    ).create_engine_config()


def own_prompt(folder: Path, images: list[Image.Image], depths: list[Image.Image], text: str) -> list[int]:
    """The prompt of the project's own processor with a token for each row that its own model puts in its place."""
    processor, model = SpatialProcessor.from_pretrained(folder), SpatialVLM.from_pretrained(folder, dtype="float32")
    parts: list[Any] = []
    for place, image in enumerate(images):
        parts += [image, DepthPicture(depths[place])] if depths else [image]
    sample = processor.encode_prompt([*parts, text])
    newline = list(model.newline_token_ids)
    streams = {}
    for token, tiled, depth in (
        (model.image_token_id, sample.images, False),
        (model.depth_token_id, sample.depths, True),
    ):
        blocks = [one.block_size for one in tiled]
        streams[token] = iter(model.encode_media(stack_tiles(tiled), blocks, depth=depth) if tiled else [])
    ids: list[int] = []
    with torch.inference_mode():
        for token in sample.input_ids:
            rows = len(next(streams[token])) - len(newline) if token in streams else 0
            ids += [token] * rows + newline if rows else [token]
    return ids


def ask(renderer: Any, messages: Any, how: str) -> Any:
    """The engine's input for one chat."""
    from vllm.renderers.params import ChatParams

    if how == "sync":
        _, (prompt,) = renderer.render_chat([messages], ChatParams())
    else:
        _, (prompt,) = asyncio.run(renderer.render_chat_async([messages], ChatParams()))
    return prompt


def test_messages_become_the_processors_own_prompt(folder: Path) -> None:
    from vllm.renderers.registry import renderer_from_config

    config = engine_config(folder)
    renderer = renderer_from_config(config)
    assert type(renderer).__name__ == "SpatialRenderer"
    assert config.model_config.supports_multimodal_inputs
    for count in (0, 1, 2):
        for depth in (False, True)[: 1 + (count > 0 and config.model_config.hf_config.has_depth)]:
            images = [picture(*size, seed) for seed, size in enumerate(SIZES[:count])]
            millimetres = [(depth_m(*size) * 1000).astype(np.uint16) for size in SIZES[:count]] if depth else []
            content: list[dict[str, Any]] = []
            for kind, files in (("image_url", images), ("depth_url", [Image.fromarray(one) for one in millimetres])):
                content += [{"type": kind, kind: {"url": data_uri(encoded(one))}} for one in files]
            content.append({"type": "text", "text": "Where is\n\n the <image> cup?"})
            messages: Any = [{"role": "user", "content": content}]
            prompt, again = (ask(renderer, messages, how) for how in ("sync", "async"))
            method = config.model_config.hf_config.depth_method
            depths = [Image.fromarray(read_depth(one).tower_picture(method)) for one in millimetres]
            expected = own_prompt(folder, images, depths, content[-1]["text"])
            assert prompt["prompt_token_ids"] == again["prompt_token_ids"] == expected
            places = prompt.get("mm_placeholders", {})
            assert {kind: len(found) for kind, found in places.items()} == {
                kind: count for kind, files in (("image", images), ("depth", depths)) if files
            }
    renderer.shutdown()


def test_the_request_model_lets_depth_parts_through() -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    content = [{"type": kind, kind: {"url": "data:image/png;base64,AA=="}} for kind in ("image_url", "depth_url")]
    body = {"model": "any", "messages": [{"role": "user", "content": [*content, {"type": "text", "text": "the cup"}]}]}
    read = ChatCompletionRequest.model_validate(body).messages[0]["content"]
    assert [dict(one) for one in read] == body["messages"][0]["content"]  # type: ignore[index]


@pytest.mark.parametrize("limits", [{}, {"image": 2, "depth": 2}, {"depth": 0}])
def test_memory_is_measured_with_the_largest_picture(folder: Path, limits: dict[str, int]) -> None:
    from vllm.multimodal import MULTIMODAL_REGISTRY
    from vllm.multimodal.encoder_budget import MultiModalBudget

    config = engine_config(folder, limit_mm_per_prompt=limits)
    budget = MultiModalBudget(config, MULTIMODAL_REGISTRY)
    hf_config = config.model_config.hf_config
    rows = {"resize": 4, "dynamic": 13 * 4, "dynamic_s2": 12 * 4}[hf_config.image_aspect_ratio]
    kinds = ["image", "depth"] if hf_config.has_depth and limits.get("depth") != 0 else ["image"]
    assert budget.mm_max_toks_per_item == dict.fromkeys(kinds, rows)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_the_caller_can_mend_is_a_400(folder: Path, how: str) -> None:
    from vllm.exceptions import VLLMValidationError
    from vllm.renderers.registry import renderer_from_config

    renderer = renderer_from_config(engine_config(folder))
    wrong = {
        "http://somewhere/x.png": "messages[0].content[0].image_url.url: expected the file itself, got an address: "
        "send a data URI, or start the server with --allowed-media-domains",
        "data:image/png;base64,AAAA": "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else "
        "in the given bytes: check that it is what its name says",
    }
    for url, message in wrong.items():
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "the cup"}]
        messages: Any = [{"role": "user", "content": content}]
        with pytest.raises(VLLMValidationError) as caught:
            ask(renderer, messages, how)
        assert str(caught.value) == f"{message} (parameter=messages)"
    renderer.shutdown()


def test_files_are_read_from_an_allowed_folder(folder: Path, tmp_path: Path) -> None:
    from vllm.renderers.registry import renderer_from_config

    (tmp_path / "picture.png").write_bytes(png())
    renderer = renderer_from_config(engine_config(folder, allowed_local_media_path=str(tmp_path)))
    text = {"type": "text", "text": "the cup"}
    prompts = []
    for url in (f"file://{tmp_path}/picture.png", data_uri(png())):
        messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, text]}]
        prompts.append(ask(renderer, messages, "async"))
    assert prompts[0]["prompt_token_ids"] == prompts[1]["prompt_token_ids"]
    assert prompts[0]["mm_hashes"] == prompts[1]["mm_hashes"]
    renderer.shutdown()
