"""The vLLM plugin without vLLM: how it registers, what it reads of a checkpoint, and which tensor goes where."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from roborefer.errors import CheckpointError, InputError
from roborefer.models import checkpoint_writer
from roborefer.models.checkpoint import read_config
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.serving import vllm_plugin
from roborefer.serving.vllm_plugin.defaults import ServingDefaults
from roborefer.serving.vllm_plugin.names import ARCHITECTURE, MODE
from roborefer.serving.vllm_plugin.served_config import ServedConfig, served_processor
from roborefer.serving.vllm_plugin.tokenizer import ServedTokenizer
from roborefer.serving.vllm_plugin.weights import LANGUAGE_MODEL_FILES, further_parts, served_name, served_weights

from ..models.pointing_models import write_pointing_checkpoint  # noqa: TID252 - shared models
from ..models.tiny_models import tiny_config, tokenizer, write_checkpoint  # noqa: TID252 - shared models

ROOT = Path(__file__).parents[2]
GOLDENS = ROOT / "tests" / "data" / "goldens"
_STEM_TOWER = {**tiny_config().vision_config.to_dict(), "patch_size": 28}
MODELS: dict[str, dict[str, Any]] = {
    "rgbd": {},
    "rgb": {"depth": False, "tied": False},
    "no depth tower": {"depth_tower": False},
    "stems": {"vision_stem": [4], "depth_stem": [4], "vision_config": _STEM_TOWER, "depth_config": _STEM_TOWER},
}


def served(folder: Path) -> ServedConfig:
    """The configuration as transformers' AutoConfig makes it once the class is registered."""
    config: ServedConfig = ServedConfig.from_dict(json.loads((folder / "config.json").read_text()), name_or_path=folder)
    return config


# ---- registering -----------------------------------------------------------------------------------------------------


class StandIn:
    """The places of vLLM 0.33 at which a plugin registers, and what was registered there."""

    def __init__(self) -> None:
        self.models: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}
        self.renderers: dict[str, tuple[str, str]] = {"hf": ("vllm.renderers.hf", "HfRenderer")}
        self.tokenizers: dict[str, tuple[str, str]] = {"hf": ("vllm.tokenizers.hf", "CachedHfTokenizer")}

    def modules(self) -> dict[str, ModuleType]:
        registry = SimpleNamespace(register_model=self.models.__setitem__)
        contents: dict[str, dict[str, Any]] = {
            "vllm": {"ModelRegistry": registry, "__version__": "0.33.0"},
            "vllm.model_executor": {},
            "vllm.model_executor.models": {},
            "vllm.model_executor.models.config": {"MODELS_CONFIG_MAP": self.defaults},
            "vllm.renderers": {},
            "vllm.renderers.registry": {"RENDERER_REGISTRY": SimpleNamespace(renderers=self.renderers)},
            "vllm.tokenizers": {},
            "vllm.tokenizers.registry": {"TokenizerRegistry": SimpleNamespace(tokenizers=self.tokenizers)},
        }
        made = {}
        for name, content in contents.items():
            made[name] = ModuleType(name)
            made[name].__dict__.update(content)
        return made


@pytest.fixture
def auto_classes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is registered with transformers, which no test may change for the others."""
    registered: dict[str, Any] = {}

    def config(model_type: str, config_class: type, exist_ok: bool = False) -> None:
        registered[model_type] = (config_class, exist_ok)

    def tokens(config_class: type, tokenizer_class: type, exist_ok: bool = False) -> None:
        registered["tokenizer"] = (config_class, tokenizer_class, exist_ok)

    monkeypatch.setattr(AutoConfig, "register", config)
    monkeypatch.setattr(AutoTokenizer, "register", tokens)
    return registered


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    for name, module in stand_in.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return stand_in


def test_it_registers_names_and_imports_nothing_of_the_model(vllm: StandIn, auto_classes: dict[str, Any]) -> None:
    before = {*sys.modules}
    for _ in range(2):  # vLLM may load a plugin more than once
        vllm_plugin.register()
        assert vllm.models == {ARCHITECTURE: "roborefer.serving.vllm_plugin.model:ServedSpatialVLM"}
        assert vllm.defaults == {ARCHITECTURE: ServingDefaults}
        assert vllm.renderers[MODE] == ("roborefer.serving.vllm_plugin.renderer", "SpatialRenderer")
        assert vllm.tokenizers[MODE] == vllm.tokenizers["hf"]
    assert auto_classes == {
        "llava_llama": (ServedConfig, True),
        "tokenizer": (ServedConfig, ServedTokenizer, True),
    }
    later = {f"roborefer.serving.vllm_plugin.{name}" for name in ("model", "processing", "renderer")}
    assert not later & ({*sys.modules} - before)


@pytest.mark.parametrize("place", ["model:ServedSpatialVLM", "renderer:SpatialRenderer"])
def test_what_is_registered_by_name_is_there(place: str) -> None:
    module, _, name = place.partition(":")
    source = (ROOT / "src" / "roborefer" / "serving" / "vllm_plugin" / f"{module}.py").read_text(encoding="utf-8")
    assert f"\nclass {name}(" in source


def test_the_architecture_is_the_one_that_checkpoints_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    published = json.loads((GOLDENS / "tiny-2b-like-A" / "checkpoint" / "config.json").read_text())
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [ARCHITECTURE]
    assert published["architectures"] == [ARCHITECTURE]


def test_vllm_finds_it_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["entry-points"]["vllm.general_plugins"]["roborefer"].partition(":")
    assert getattr(import_module(module), function) is vllm_plugin.register
    assert not any(requirement.startswith("vllm") for requirement in project["dependencies"])
    assert "vllm" not in project["optional-dependencies"]["dev"][0]


def test_without_vllm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError) as caught:
        vllm_plugin.register()
    assert str(caught.value) == "expected vLLM for its plugin, found none: pip install 'roborefer[vllm]'"


def test_a_library_that_vllm_lacks_is_not_taken_for_vllm(vllm: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "vllm":
                raise ModuleNotFoundError("No module named 'cbor2'", name="cbor2")

    monkeypatch.delitem(sys.modules, "vllm")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="cbor2"):
        vllm_plugin.register()


def test_another_vllm_is_left_as_it_is(
    vllm: StandIn, auto_classes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sys.modules["vllm"].__dict__["__version__"] = "0.9.1"
    del sys.modules["vllm.renderers.registry"].__dict__["RENDERER_REGISTRY"]
    with caplog.at_level(logging.WARNING):
        vllm_plugin.register()
    assert [record.getMessage() for record in caplog.records] == [
        "expected vLLM 0.33.0 or one like it, got 0.9.1, which lacks vllm.renderers.registry: RoboRefer's models are "
        "not registered"
    ]
    assert not vllm.models
    assert not auto_classes


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, roborefer.serving.vllm_plugin; print({'torch', 'transformers', 'vllm'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "set()"


# ---- what it reads of a checkpoint -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_configuration_is_the_checkpoints_own(tmp_path: Path, name: str) -> None:
    model = write_checkpoint(tmp_path, tiny_config(**MODELS[name]))
    config, expected = served(tmp_path), read_config(tmp_path)
    assert config.architectures == [ARCHITECTURE]
    assert config.dtype == torch.float32
    for field in ("image_aspect_ratio", "s2_scales", "mm_vision_select_layer", "vision_stem", "depth_method"):
        assert getattr(config, field) == getattr(expected, field), field
    assert config.vision_config.to_dict() == expected.vision_config.to_dict()
    assert (config.depth_config is None) == (expected.depth_config is None)
    assert config.depth_projector_type == model.config.depth_projector_type
    assert config.text_config.num_hidden_layers == model.config.text_config.num_hidden_layers


def test_each_parts_own_file_goes_first(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    top = json.loads((tmp_path / "config.json").read_text())
    top["llm_cfg"]["num_hidden_layers"] = 77
    (tmp_path / "config.json").write_text(json.dumps(top))
    assert served(tmp_path).text_config.num_hidden_layers == 2


def test_prompts_are_as_long_as_the_model_was_trained_on(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    trained = read_config(tmp_path).model_max_length
    assert served(tmp_path).text_config.model_max_length == trained == 16384
    part = json.loads((tmp_path / "llm" / "config.json").read_text())
    (tmp_path / "llm" / "config.json").write_text(json.dumps({**part, "max_position_embeddings": 500}))
    served_processor.cache_clear()
    assert served(tmp_path).text_config.model_max_length == 500


def test_a_configuration_survives_being_copied(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    config = served(tmp_path)
    again = ServedConfig.from_dict(config.to_dict())
    assert again.to_dict() == config.to_dict()


@pytest.mark.parametrize("name", ["tiny-2b-like-A", "tiny-8b-like-A"])
def test_published_folders_are_read(name: str) -> None:
    folder = GOLDENS / name / "checkpoint"
    config, model = served(folder), SpatialVLM.from_pretrained(folder)
    assert config.text_config.vocab_size == model.config.text_config.vocab_size
    assert config.dtype == model.dtype


def test_a_model_with_a_point_head_is_refused(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        served(tmp_path)
    assert str(caught.value) == (
        f"expected a model that writes its points as text, got {tmp_path}, which reads them with a point head: "
        f"vLLM does not run it, roborefer serve --model {tmp_path} does"
    )


def test_the_tokenizer_comes_from_its_sub_folder(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    path = tmp_path / "llm" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token": "[PAD]"}))
    read = ServedTokenizer.from_pretrained(str(tmp_path), revision=None, truncation_side="left", cache_dir=None)
    own = served_processor(str(tmp_path), None).tokenizer
    text = "<|im_start|>user\n<image> <depth>\nthe cup<|im_end|>\n"
    assert read(text)["input_ids"] == own(text)["input_ids"] == tokenizer()(text)["input_ids"]
    assert (read.eos_token, own.eos_token) == ("<|im_end|>", "[PAD]")
    assert read.truncation_side == "left"
    assert read.backend_tokenizer is not own.backend_tokenizer


def test_of_a_hub_id_no_weights_are_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path)
    wanted: list[Any] = []

    def download(hub_id: str, **told: Any) -> str:
        wanted.append((hub_id, told))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    served_processor.cache_clear()
    assert isinstance(served_processor("owner/name", "main"), SpatialProcessor)
    told = {"revision": "main", "allow_patterns": ["*.json", "*.txt", "*.jinja"]}
    assert wanted == [("owner/name", told)]


@pytest.mark.parametrize(("asked", "used"), [("auto", MODE), ("hf", "hf")])
def test_its_renderer_and_greedy_answers_are_the_default(asked: str, used: str) -> None:
    model_config = SimpleNamespace(tokenizer_mode=asked, override_generation_config={"top_p": 0.5})
    ServingDefaults.verify_and_update_model_config(model_config)
    assert model_config.tokenizer_mode == used
    assert model_config.override_generation_config == {"top_p": 0.5, "temperature": 0.0}


def test_a_users_temperature_is_kept() -> None:
    model_config = SimpleNamespace(tokenizer_mode="auto", override_generation_config={"temperature": 0.7})
    ServingDefaults.verify_and_update_model_config(model_config)
    assert model_config.override_generation_config == {"temperature": 0.7}


# ---- tensors ---------------------------------------------------------------------------------------------------------


def as_vllm_reads(folder: Path, config: ModelConfig) -> Iterator[tuple[str, Tensor]]:
    """Tensors in the order and under the names that vLLM's DefaultModelLoader gives them."""
    assert len(LANGUAGE_MODEL_FILES) == 1
    files = [("", path) for path in sorted(folder.glob(LANGUAGE_MODEL_FILES[0]))]
    for part in further_parts(config):
        files += [(f"{part}.", path) for path in sorted((folder / part).glob("*.safetensors"))]
    for prefix, path in files:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                yield prefix + name, file.get_tensor(name)


@pytest.mark.parametrize("shard_bytes", [20_000, 4 << 30])
@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_gets_one_name_and_none_is_missing(
    tmp_path: Path, name: str, shard_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_writer, "_SHARD_BYTES", shard_bytes)
    model = write_checkpoint(tmp_path, tiny_config(**MODELS[name]))
    expected = dict(model.state_dict())
    if model.config.text_config.tie_word_embeddings:
        del expected["llm.lm_head.weight"]
    found = list(served_weights(as_vllm_reads(tmp_path, model.config), served(tmp_path)))
    assert Counter(name for name, _ in found) == Counter(list(expected))
    for tensor_name, tensor in found:
        assert torch.equal(tensor, expected[tensor_name]), tensor_name
    on_disk = {path.parent.name for path in tmp_path.rglob("*.safetensors")}
    assert on_disk == {"llm", *further_parts(model.config)}


def test_names_are_the_same_when_mapped_again() -> None:
    assert served_name("model.layers.0.mlp.up_proj.weight") == "llm.model.layers.0.mlp.up_proj.weight"
    assert served_name("lm_head.weight") == "llm.lm_head.weight"
    assert served_name("mm_projector.layers.1.weight") == "mm_projector.layers.1.weight"
    assert served_name("llm.lm_head.weight") == "llm.lm_head.weight"


@pytest.mark.parametrize("tokens", [2050, 2057, 2090])
@pytest.mark.parametrize("tied", [True, False])
def test_there_is_one_embedding_per_token(tmp_path: Path, tokens: int, tied: bool) -> None:
    config = tiny_config(tied=tied)
    config.text_config.vocab_size = tokens
    write_checkpoint(tmp_path, config)
    expected = SpatialVLM.from_pretrained(tmp_path).state_dict()
    config = served(tmp_path)
    assert config.text_config.vocab_size == len(tokenizer())
    weights = dict(served_weights(as_vllm_reads(tmp_path, config), config))
    for name in ("llm.model.embed_tokens.weight", "llm.lm_head.weight"):
        if name in weights:
            assert torch.equal(weights[name], expected[name])
    assert ("llm.lm_head.weight" in weights) == (not tied)
