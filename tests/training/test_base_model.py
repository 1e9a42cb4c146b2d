"""Base models: both halves arrive unchanged, depth begins as a copy of RGB, and the tokens are where they belong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from transformers import Qwen2ForCausalLM, SiglipConfig, SiglipModel, SiglipVisionModel

from roborefer.cli.main import roborefer as command_line
from roborefer.errors import CheckpointError, InputError
from roborefer.loading import load
from roborefer.models.config import ModelConfig
from roborefer.models.prompt import DEPTH_TOKEN, IMAGE_TOKEN, SENTINEL_TOKEN, VIDEO_TOKEN
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import UNTRAINED_MODEL
from roborefer.training.base_model import combine, from_rgb_model
from roborefer.training.saving import save_model

from ..models.tiny_models import TILE, picture, tiny_config, write_checkpoint  # noqa: TID252 - shared models

PLAIN_VOCABULARY = 2053  # the packaged tokenizer without its four media tokens
PADDED_VOCABULARY = 2100  # language models have more embeddings than tokens


def plain_tokenizer(folder: Path) -> None:
    """A Qwen2 tokenizer that knows nothing of media."""
    folder.mkdir(parents=True, exist_ok=True)
    source = UNTRAINED_MODEL / "llm"
    content = json.loads((source / "tokenizer.json").read_text())
    media = {IMAGE_TOKEN, DEPTH_TOKEN, VIDEO_TOKEN, SENTINEL_TOKEN}
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] not in media]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    settings = json.loads((source / "tokenizer_config.json").read_text())
    settings.pop("extra_special_tokens", None)
    settings.pop("additional_special_tokens", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 512}))


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("halves")
    config = tiny_config()
    torch.manual_seed(0)
    SiglipVisionModel(config.vision_config).save_pretrained(folder / "siglip")
    text = config.text_config
    text.vocab_size = PADDED_VOCABULARY
    Qwen2ForCausalLM(text).to(torch.bfloat16).save_pretrained(folder / "qwen2")
    plain_tokenizer(folder / "qwen2")
    return folder / "siglip", folder / "qwen2"


@pytest.fixture(scope="module")
def base(halves: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "base"
    model, processor = combine(*map(str, halves))
    save_model(model, processor, out)
    return out


def test_both_halves_arrive_unchanged(base: Path, halves: tuple[Path, Path]) -> None:
    ours, theirs = load_file(base / "llm" / "model.safetensors"), load_file(halves[1] / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor[: PLAIN_VOCABULARY + 4] if "embed_tokens" in name else tensor), name
    tower = load_file(base / "vision_tower" / "model.safetensors")
    source = SiglipVisionModel.from_pretrained(halves[0]).state_dict()
    assert {name.removeprefix("vision_model.") for name in tower} == {
        name.removeprefix("vision_model.") for name in source
    }
    for name, tensor in source.items():
        found = tower.get(f"vision_model.{name}", tower.get(name))
        assert found is not None
        assert torch.equal(found, tensor.to(torch.bfloat16)), name


def test_depth_begins_as_a_copy_of_rgb(base: Path) -> None:
    model = SpatialVLM.from_pretrained(base)
    pairs = ((model.vision_tower, model.depth_tower), (model.mm_projector, model.depth_projector))
    for rgb, depth in pairs:
        assert rgb is not depth
        assert depth is not None
        for (name, one), other in zip(rgb.named_parameters(), depth.parameters(), strict=True):
            assert torch.equal(one, other), name
    assert model.mm_projector.layers[2].weight.std() > 0


def test_the_tokens_come_behind_the_vocabulary(base: Path) -> None:
    predictor = load(base, device="cpu")
    ids = predictor.processor.tokenizer.convert_tokens_to_ids([SENTINEL_TOKEN, IMAGE_TOKEN, VIDEO_TOKEN, DEPTH_TOKEN])
    assert ids == list(range(PLAIN_VOCABULARY, PLAIN_VOCABULARY + 4))
    assert predictor.model.config.text_config.vocab_size == PLAIN_VOCABULARY + 4
    text = predictor.processor.tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant<|im_end|>\n")
    assert predictor.model.config.model_max_length == 16384
    assert predictor.model.config.untrained
    assert predictor.point(picture(), "the cup").points  # the whole chain runs


def test_the_same_seed_gives_the_same_projectors(halves: tuple[Path, Path]) -> None:
    weights = [combine(*map(str, halves), seed=seed)[0].mm_projector.layers[2].weight for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_tower_with_its_text_model_and_head_and_the_8b_recipe(halves: tuple[Path, Path], tmp_path: Path) -> None:
    config = SiglipConfig(
        vision_config={**tiny_config().vision_config.to_dict(), "vision_use_head": True},
        text_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    )
    SiglipModel(config).save_pretrained(tmp_path / "both")
    words = ["init-base", "--vision", str(tmp_path / "both"), "--llm", str(halves[1]), "--recipe", "8b"]
    result = CliRunner().invoke(command_line, [*words, "--out", str(tmp_path / "base")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.output.endswith(f" M parameters in {tmp_path / 'base'}\n")
    model = SpatialVLM.from_pretrained(tmp_path / "base")
    assert (model.config.image_aspect_ratio, model.config.depth_projector_type) == ("dynamic_s2", "mlp_downsample")
    assert model.config.tile_size == TILE
    assert not any("head" in name for name, _ in model.vision_tower.named_parameters())


def test_depth_is_added_to_an_rgb_model(tmp_path: Path) -> None:
    rgb = write_checkpoint(tmp_path / "rgb", tiny_config(depth=False))
    words = ["init-base", "--rgb-model", str(tmp_path / "rgb"), "--out", str(tmp_path / "base")]
    result = CliRunner().invoke(command_line, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    model = SpatialVLM.from_pretrained(tmp_path / "base")
    assert model.depth_projector is not None
    for ours, theirs in (
        (model.llm, rgb.llm),
        (model.vision_tower, rgb.vision_tower),
        (model.depth_tower, rgb.vision_tower),
        (model.depth_projector, rgb.mm_projector),
    ):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one, other)
    assert not model.config.untrained


def test_a_model_with_depth_needs_no_other(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", tiny_config())
    with pytest.raises(InputError, match=r"^expected an RGB-only model, got .* with a depth projector: it needs no"):
        from_rgb_model(str(tmp_path / "model"))


def without(folder: Path, name: str, target: Path) -> Path:
    shutil.copytree(folder, target)
    (target / name).unlink()
    return target


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda v, q, t: (q, q), "expected a siglip_vision_model model in {qwen2}, got 'qwen2'"),
        (lambda v, q, t: (v, v), "expected a qwen2 model in {siglip}, got 'siglip_vision_model'"),
        (
            lambda v, q, t: (v, without(q, "tokenizer.json", t / "a")),
            "expected a Qwen2 tokenizer with <|im_start|> in {tmp}/a, found none",
        ),
        (lambda v, q, t: (without(v, "model.safetensors", t / "b"), q), "expected model.safetensors in {tmp}/b"),
        (lambda v, q, t: (t / "none", q), "expected a checkpoint folder or a hub id like 'owner/name', got"),
    ],
)
def test_halves_that_are_wrong(damage: Any, message: str, halves: tuple[Path, Path], tmp_path: Path) -> None:
    vision, llm = damage(*halves, tmp_path)
    with pytest.raises(CheckpointError) as caught:
        combine(str(vision), str(llm))
    assert str(caught.value).startswith(message.format(siglip=halves[0], qwen2=halves[1], tmp=tmp_path))
    assert "\n" not in str(caught.value)


def test_tensors_of_another_shape(halves: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(halves[0], tmp_path / "siglip")
    path = tmp_path / "siglip" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"intermediate_size": 64}))
    with pytest.raises(CheckpointError, match=r"^expected the tensor .* in .*siglip to have shape \(64, 16\), got \("):
        combine(str(tmp_path / "siglip"), str(halves[1]))


@pytest.mark.parametrize(
    "words",
    ["", "--vision a", "--llm b", "--vision a --llm b --rgb-model c", "--llm a --rgb-model c"],
)
def test_what_the_base_is_made_of_must_be_clear(words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected --vision and --llm together, or --rgb-model alone: "):
        CliRunner().invoke(
            command_line, ["init-base", *words.split(), "--out", str(tmp_path / "o")], catch_exceptions=False
        )


def test_choices_that_a_whole_model_has_made_already_are_refused(tmp_path: Path) -> None:
    words = ["init-base", "--rgb-model", "c", "--recipe", "8b", "--seed", "0", "--out", str(tmp_path / "o")]
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(command_line, words, catch_exceptions=False)
    assert str(caught.value) == ("expected --rgb-model without --recipe and --seed: the model has made these choices")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"^expected a new or empty folder, got .*: name another --out$"):
        CliRunner().invoke(
            command_line,
            ["init-base", "--vision", "a", "--llm", "b", "--out", str(tmp_path)],
            catch_exceptions=False,
        )


def test_the_published_recipes_are_those_of_the_presets() -> None:
    from roborefer.models.config import preset
    from roborefer.training.base_model import TILINGS

    for name, recipe in TILINGS.items():
        config: ModelConfig = preset(name)
        assert recipe == (config.image_aspect_ratio, config.mm_projector_type)
