"""The folder layout: bit-exact round trips, every damage named in one line, nothing half-written, memory streamed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from roborefer.errors import CheckpointError
from roborefer.models import checkpoint, checkpoint_writer
from roborefer.models.config import ModelConfig
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import UNTRAINED_MODEL

from .pointing_models import TILE, compact_tokenizer, write_pointing_checkpoint
from .tiny_models import HIDDEN, VOCABULARY, tiny_config, tiny_model, tokenizer, write_checkpoint

LLM = "model.safetensors"
INDEX = "model.safetensors.index.json"


def assert_equal_weights(ours: SpatialVLM, theirs: SpatialVLM) -> None:
    a, b = dict(ours.state_dict()), dict(theirs.state_dict())
    assert set(a) == set(b)
    for name in a:
        assert a[name].dtype == b[name].dtype, name
        assert torch.equal(a[name], b[name]), name


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refusal(folder: Path) -> str:
    """The one line with which a folder is refused, the folder in it written as FOLDER."""
    with pytest.raises(CheckpointError) as caught:
        SpatialVLM.from_pretrained(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(folder), "FOLDER")


def edit_tensors(path: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def logits_of(model: SpatialVLM) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([[5, 900, 13]])).logits


# ---- round trips -----------------------------------------------------------------------------------------------------

CONFIGS = [
    pytest.param(lambda: tiny_config(), id="tied"),
    pytest.param(lambda: tiny_config(tied=False), id="untied"),
    pytest.param(lambda: tiny_config(depth=False), id="rgb-only"),
    pytest.param(lambda: tiny_config(depth_tower=False), id="depth through the RGB tower"),
    pytest.param(lambda: tiny_config(image_aspect_ratio="dynamic_s2"), id="three scales"),
    pytest.param(lambda: tiny_config(mm_projector_type="linear", depth_projector_type="mlp2x_gelu"), id="projectors"),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_writing_and_reading_changes_no_bit(tmp_path: Path, config: Callable[[], ModelConfig]) -> None:
    model = write_checkpoint(tmp_path, config())
    loaded = SpatialVLM.from_pretrained(tmp_path)
    assert_equal_weights(loaded, model)
    assert not loaded.training
    assert torch.equal(logits_of(loaded), logits_of(model))
    assert loaded.image_token_id == model.image_token_id
    assert (loaded.llm.lm_head.weight is loaded.llm.model.embed_tokens.weight) == (
        config().text_config.tie_word_embeddings
    )


def test_the_layout_is_the_published_one(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert folders == {"llm", "vision_tower", "mm_projector", "depth_tower", "depth_projector"}
    for folder in folders:
        assert (tmp_path / folder / "config.json").is_file()
        assert (tmp_path / folder / "model.safetensors").is_file()
    published = Path(__file__).parents[1] / "data" / "goldens" / "tiny-2b-like-A" / "checkpoint"
    tiny, theirs = (
        {folder: set(load_file(root / folder / "model.safetensors")) for folder in sorted(folders)}
        for root in (tmp_path, published)
    )
    layers = len([name for name in theirs["vision_tower"] if name.endswith("layer_norm1.weight")])
    assert layers == len([name for name in tiny["vision_tower"] if name.endswith("layer_norm1.weight")]), "same depth"
    assert tiny == theirs


def test_the_same_model_is_written_byte_for_byte_alike(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "first")
    write_checkpoint(tmp_path / "second")
    assert files_of(tmp_path / "first") == files_of(tmp_path / "second")
    SpatialVLM.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "third")
    third = files_of(tmp_path / "third")
    assert {name: files_of(tmp_path / "first")[name] for name in third} == third


def test_half_precision_round_trips(tmp_path: Path) -> None:
    model = tiny_model().to(torch.bfloat16)
    write_checkpoint(tmp_path)
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["torch_dtype"] == "bfloat16"
    assert_equal_weights(SpatialVLM.from_pretrained(tmp_path), model)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("auto", torch.bfloat16),
        ("bf16", torch.bfloat16),
        ("bfloat16", torch.bfloat16),
        ("fp16", torch.float16),
        ("float16", torch.float16),
        ("fp32", torch.float32),
        ("float32", torch.float32),
        (torch.float16, torch.float16),
    ],
)
def test_every_tensor_gets_the_dtype_that_was_asked_for(
    tmp_path: Path, asked: str | torch.dtype, expected: torch.dtype
) -> None:
    write_checkpoint(tmp_path)
    stored = tiny_model().to(torch.bfloat16)
    stored.save_pretrained(tmp_path)
    loaded = SpatialVLM.from_pretrained(tmp_path, dtype=asked)
    assert loaded.dtype == loaded.config.dtype == expected
    for name, parameter in loaded.named_parameters():
        assert parameter.dtype == expected, name
    assert_equal_weights(loaded, stored.to(expected))


@pytest.mark.parametrize(("dtype", "shown"), [("int8", "'int8'"), ("half", "'half'"), (torch.int8, "torch.int8")])
def test_other_dtypes_are_refused(checkpoint_folder: Path, dtype: Any, shown: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        SpatialVLM.from_pretrained(checkpoint_folder, dtype=dtype)
    assert str(caught.value) == (
        f"expected dtype to be auto, float32, bfloat16, float16, fp32, bf16, fp16, got {shown}"
    )


# ---- a point head ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_a_point_head_and_its_stems_round_trip(tmp_path: Path, dtype: torch.dtype) -> None:
    model = write_pointing_checkpoint(tmp_path, dtype=dtype)
    loaded = SpatialVLM.from_pretrained(tmp_path)
    assert_equal_weights(loaded, model)
    statistics = [name for name, _ in loaded.named_buffers() if "running_var" in name]
    assert len(statistics) == 14
    assert (loaded.image_token_id, loaded.newline_token_ids) == (model.image_token_id, model.newline_token_ids)
    assert checkpoint.load_tokenizer(tmp_path).get_vocab() == compact_tokenizer().get_vocab()
    pixels = torch.randn(1, 3, TILE, TILE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        (ours, _, dense), (theirs, _, expected) = loaded.look(pixels, pixels), model.look(pixels, pixels)
    assert torch.equal(ours, theirs)
    assert torch.equal(dense.keys, expected.keys)
    loaded.save_pretrained(tmp_path / "again")
    assert files_of(tmp_path / "again" / "point_head") == files_of(tmp_path / "point_head")


def test_a_head_of_another_type_can_be_asked_for(tmp_path: Path) -> None:
    model = write_pointing_checkpoint(tmp_path)
    loaded = SpatialVLM.from_pretrained(tmp_path, dtype="bfloat16")
    assert_equal_weights(loaded, model.to(torch.bfloat16))


def test_a_head_that_is_missing_is_named(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    shutil.rmtree(tmp_path / "point_head")
    expected = "expected model.safetensors in FOLDER/point_head, found none: the checkpoint is incomplete"
    assert refusal(tmp_path) == expected


def test_a_head_that_the_configuration_leaves_out_is_left_out(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    edit_json(tmp_path / "config.json", point_head_size=None)
    assert SpatialVLM.from_pretrained(tmp_path).point_head is None


@pytest.mark.parametrize(
    ("part", "edit", "problem"),
    [
        (
            "point_head",
            lambda tensors: tensors.pop("key.weight"),
            "expected the tensor point_head/key.weight, found none: the checkpoint is incomplete",
        ),
        (
            "point_head",
            lambda tensors: tensors.update(position=torch.zeros(1, 16, 4, 4)),
            "expected the tensor point_head/position to have shape (1, 16, 8, 8), got (1, 16, 4, 4)",
        ),
        (
            "depth_tower",
            lambda tensors: tensors.pop("stem.stages.2.1.running_mean"),
            "expected the tensor depth_tower/stem.stages.2.1.running_mean, found none: the checkpoint is incomplete",
        ),
        (
            "vision_tower",
            lambda tensors: tensors.update({"stem.stages.0.1.num_batches_tracked": torch.tensor(3)}),
            "expected floating point weights, got I64 for stem.stages.0.1.num_batches_tracked in "
            "FOLDER/vision_tower/model.safetensors",
        ),
    ],
)
def test_one_wrong_tensor_of_a_head_is_named(
    tmp_path: Path, part: str, edit: Callable[..., object], problem: str
) -> None:
    write_pointing_checkpoint(tmp_path)
    edit_tensors(tmp_path / part / "model.safetensors", edit)
    assert refusal(tmp_path) == problem


def test_a_head_of_another_size_is_named(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    edit_json(tmp_path / "config.json", point_head_size=32)
    assert refusal(tmp_path) == "expected the tensor point_head/from_depth.bias to have shape (32,), got (16,)"


# ---- shards and heads ------------------------------------------------------------------------------------------------


def test_shards_load_like_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_checkpoint(tmp_path)
    monkeypatch.setattr(checkpoint_writer, "_SHARD_BYTES", 20_000)
    model.save_pretrained(tmp_path)
    shards = sorted(path.name for path in (tmp_path / "llm").glob("*.safetensors"))
    assert len(shards) > 2
    assert shards[0] == f"model-00001-of-{len(shards):05d}.safetensors"
    index = json.loads((tmp_path / "llm" / INDEX).read_text())
    assert set(index["weight_map"].values()) == set(shards)
    sizes = [sum(tensor.nbytes for tensor in load_file(tmp_path / "llm" / shard).values()) for shard in shards]
    assert index["metadata"]["total_size"] == sum(sizes)
    assert_equal_weights(SpatialVLM.from_pretrained(tmp_path), model)


def test_small_mappings_load_like_large_ones(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = SpatialVLM.from_pretrained(checkpoint_folder)
    monkeypatch.setattr(checkpoint, "_BYTES_PER_MAPPING", 1000)  # the embeddings come in hundreds of pieces
    assert_equal_weights(SpatialVLM.from_pretrained(checkpoint_folder), expected)


def test_saving_over_shards_leaves_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_checkpoint(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_writer, "_SHARD_BYTES", 20_000)
        model.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    assert [path.name for path in (tmp_path / "llm").glob("*.safetensors*")] == [LLM]
    assert_equal_weights(SpatialVLM.from_pretrained(tmp_path), model)


def test_a_tied_head_that_was_written_out_is_accepted(checkpoint_folder: Path) -> None:
    expected = SpatialVLM.from_pretrained(checkpoint_folder)

    def add_head(tensors: dict[str, torch.Tensor]) -> None:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()

    edit_tensors(checkpoint_folder / "llm" / LLM, add_head)
    assert_equal_weights(SpatialVLM.from_pretrained(checkpoint_folder), expected)


def test_an_untied_head_must_be_there(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, tiny_config(tied=False))
    edit_tensors(tmp_path / "llm" / LLM, lambda tensors: tensors.pop("lm_head.weight"))
    assert refusal(tmp_path) == "expected the tensor llm/lm_head.weight, found none: the checkpoint is incomplete"


# ---- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["llm", "vision_tower", "mm_projector", "depth_tower", "depth_projector"])
def test_a_missing_part_is_named(checkpoint_folder: Path, part: str) -> None:
    shutil.rmtree(checkpoint_folder / part)
    assert refusal(checkpoint_folder) == (
        f"expected the folder {part}/ with a config.json in FOLDER, found none: the checkpoint is incomplete"
    )


@pytest.mark.parametrize("part", ["llm", "vision_tower", "mm_projector", "depth_tower", "depth_projector"])
def test_missing_weights_are_named(checkpoint_folder: Path, part: str) -> None:
    (checkpoint_folder / part / "model.safetensors").unlink()
    assert refusal(checkpoint_folder) == (
        f"expected model.safetensors in FOLDER/{part}, found none: the checkpoint is incomplete"
    )


def test_pickles_are_never_read(checkpoint_folder: Path) -> None:
    weights = checkpoint_folder / "mm_projector" / "model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    assert refusal(checkpoint_folder) == (
        "expected model.safetensors in FOLDER/mm_projector, found none: pytorch_model.bin is a pickle, "
        "which is never read; convert it to safetensors"
    )


NORM = "vision_model.post_layernorm.bias"


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            lambda tensors: tensors.pop(NORM),
            f"expected the tensor vision_tower/{NORM}, found none: the checkpoint is incomplete",
        ),
        (
            lambda tensors: tensors.update(surplus=torch.zeros(2)),
            "the tensor vision_tower/surplus belongs to no part of this model: config.json describes another one",
        ),
        (
            lambda tensors: tensors.update({NORM: torch.zeros(17)}),
            f"expected the tensor vision_tower/{NORM} to have shape (16,), got (17,)",
        ),
        (
            lambda tensors: tensors.update({NORM: torch.zeros(16, dtype=torch.int32)}),
            f"expected floating point weights, got I32 for {NORM} in FOLDER/vision_tower/model.safetensors",
        ),
    ],
)
def test_one_wrong_tensor_is_named(checkpoint_folder: Path, edit: Callable[..., object], problem: str) -> None:
    edit_tensors(checkpoint_folder / "vision_tower" / "model.safetensors", edit)
    assert refusal(checkpoint_folder) == problem


def test_weights_of_another_size_are_named(checkpoint_folder: Path) -> None:
    edit_json(checkpoint_folder / "llm" / "config.json", hidden_size=48)
    assert refusal(checkpoint_folder) == (
        f"expected the tensor llm/model.embed_tokens.weight to have shape ({VOCABULARY}, 48), "
        f"got ({VOCABULARY}, {HIDDEN})"
    )


@pytest.mark.parametrize("content", [b"", b"not weights at all\n", b"\xff" * 64], ids=["empty", "text", "bytes"])
def test_a_file_that_only_has_the_name_is_refused(checkpoint_folder: Path, content: bytes) -> None:
    (checkpoint_folder / "depth_tower" / "model.safetensors").write_bytes(content)
    text = refusal(checkpoint_folder)
    start, end = (
        "cannot read FOLDER/depth_tower/model.safetensors: not a complete safetensors file (",
        "; download it again",
    )
    assert text.startswith(start)
    assert text.endswith(end)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
def test_a_download_that_was_cut_short_is_refused(checkpoint_folder: Path, kept: float) -> None:
    path = checkpoint_folder / "llm" / LLM
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    text = refusal(checkpoint_folder)
    assert text.startswith(f"cannot read FOLDER/llm/{LLM}: not a complete safetensors file (")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "expected JSON in {path}, got something else (Expecting property name enclosed in double quotes: "
         "line 1 column 2 (char 1))"),
        (b"[1, 2]", "expected a JSON object in {path}, got a list"),
        (b"\xff\xfe", "expected JSON in {path}, got something else ('utf-8' codec can't decode byte 0xff in position "
         "0: invalid start byte)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("part", ["", "llm/", "mm_projector/"])
def test_garbage_for_json_is_named(checkpoint_folder: Path, part: str, content: bytes, problem: str) -> None:
    (checkpoint_folder / f"{part}config.json").write_bytes(content)
    assert refusal(checkpoint_folder) == problem.format(path=f"FOLDER/{part}config.json")


def test_deeply_nested_json_is_refused(checkpoint_folder: Path) -> None:
    (checkpoint_folder / "config.json").write_text("[" * 100_000)
    assert refusal(checkpoint_folder).startswith("expected JSON in FOLDER/config.json, got something else (")


def test_a_huge_json_file_is_not_read(checkpoint_folder: Path) -> None:
    with (checkpoint_folder / "config.json").open("r+b") as stream:
        stream.truncate(65 * 2**20)
    assert refusal(checkpoint_folder) == (
        f"expected FOLDER/config.json to be a small JSON file, got {65 * 2**20} bytes"
    )


def test_another_models_configuration_is_refused(checkpoint_folder: Path) -> None:
    (checkpoint_folder / "config.json").write_text('{"model_type": "llava", "hidden_size": 5}')
    assert refusal(checkpoint_folder) == (
        "expected FOLDER/config.json to describe llm_cfg and towers, got another model's"
    )


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "expected config.json in FOLDER, found none: name a complete checkpoint folder"


def write_index(folder: Path, content: Any) -> None:
    (folder / "llm" / INDEX).write_text(json.dumps(content))


@pytest.mark.parametrize(
    "name", ["../../outside.safetensors", "../vision_tower/model.safetensors", "missing.safetensors", ".."]
)
def test_an_index_leads_nowhere_else(checkpoint_folder: Path, name: str) -> None:
    shutil.copy(checkpoint_folder / "llm" / LLM, checkpoint_folder.parent / "outside.safetensors")
    write_index(checkpoint_folder, {"weight_map": {"model.norm.weight": name}})
    text = refusal(checkpoint_folder)
    if name == "..":
        assert text.startswith("cannot read FOLDER/llm/..: not a complete safetensors file (")
    else:
        assert text == (
            f"expected the shard {Path(name).name} in FOLDER/llm, as its index says; found none: download it again"
        )


def test_an_absolute_path_in_an_index_is_refused(checkpoint_folder: Path) -> None:
    outside = checkpoint_folder.parent / "outside.safetensors"
    shutil.copy(checkpoint_folder / "llm" / LLM, outside)
    write_index(checkpoint_folder, {"weight_map": {"model.norm.weight": str(outside)}})
    assert refusal(checkpoint_folder) == (
        "expected the shard outside.safetensors in FOLDER/llm, as its index says; found none: download it again"
    )


@pytest.mark.parametrize("content", [{}, {"weight_map": None}, {"weight_map": ["a"]}, {"weight_map": {"a": 3}}])
def test_an_index_without_a_map_is_refused(checkpoint_folder: Path, content: Any) -> None:
    write_index(checkpoint_folder, content)
    assert refusal(checkpoint_folder) == (
        f"expected a weight_map from tensors to file names in FOLDER/llm/{INDEX}, found none: download it again"
    )


def test_an_index_that_forgets_everything_is_refused(checkpoint_folder: Path) -> None:
    write_index(checkpoint_folder, {"weight_map": {}})
    assert refusal(checkpoint_folder) == "expected tensors in FOLDER/llm, found none: the checkpoint is incomplete"


def test_a_hand_made_index_works(checkpoint_folder: Path) -> None:
    expected = SpatialVLM.from_pretrained(checkpoint_folder)
    folder = checkpoint_folder / "llm"
    tensors = load_file(folder / LLM)
    (folder / LLM).unlink()
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[::2], names[1::2])):
        save_file({name: tensors[name] for name in part}, folder / f"shard{number}.safetensors")
        weight_map.update(dict.fromkeys(part, f"shard{number}.safetensors"))
    write_index(checkpoint_folder, {"weight_map": weight_map})
    assert_equal_weights(SpatialVLM.from_pretrained(checkpoint_folder), expected)


@pytest.mark.parametrize(
    ("file", "content"),
    [("tokenizer.json", b"{}"), ("tokenizer.json", b"nonsense"), ("tokenizer_config.json", b"[]")],
)
def test_a_broken_tokenizer_is_named(checkpoint_folder: Path, file: str, content: bytes) -> None:
    (checkpoint_folder / "llm" / file).write_bytes(content)
    assert refusal(checkpoint_folder) == "cannot read the tokenizer in FOLDER/llm: the checkpoint is incomplete"


def test_code_that_comes_with_a_checkpoint_is_never_run(checkpoint_folder: Path) -> None:
    trap = "from pathlib import Path\nPath({!r}).touch()\n"
    touched = checkpoint_folder.parent / "touched"
    for folder in (checkpoint_folder, checkpoint_folder / "llm"):
        (folder / "trap.py").write_text(trap.format(str(touched)))
    edit_json(checkpoint_folder / "config.json", auto_map={"AutoConfig": "trap.Trap", "AutoModel": "trap.Trap"})
    edit_json(
        checkpoint_folder / "llm" / "tokenizer_config.json",
        auto_map={"AutoTokenizer": ["trap.Trap", None]},
        tokenizer_class="Trap",
    )
    with suppress(CheckpointError):
        SpatialVLM.from_pretrained(checkpoint_folder)
    assert not touched.exists()


@pytest.mark.parametrize("name", ["no/such/folder", "/nowhere", "nowhere", "../nowhere", "~/nowhere", "./a/b"])
def test_what_is_no_folder_and_no_hub_id_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.resolve_folder(name)
    assert str(caught.value) == (
        f"expected a checkpoint folder or a hub id like 'owner/name', got {name!r}: no such folder"
    )


def test_a_file_is_no_folder(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "config.json"
    with pytest.raises(CheckpointError) as caught:
        checkpoint.resolve_folder(path)
    assert str(caught.value) == (
        f"expected a checkpoint folder, got the file {path}: name the folder that holds config.json"
    )


# ---- the hub ---------------------------------------------------------------------------------------------------------


def test_only_safe_files_are_asked_of_the_hub(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked: dict[str, Any] = {}

    def snapshot_download(hub_id: str, **options: Any) -> str:
        asked.update(options, hub_id=hub_id)
        return str(checkpoint_folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    SpatialVLM.from_pretrained("owner/name", revision="v1")
    assert asked == {
        "hub_id": "owner/name",
        "revision": "v1",
        "allow_patterns": ["*.json", "*.safetensors", "*.txt", "*.jinja"],
    }


def test_a_hub_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def snapshot_download(hub_id: str, **_: Any) -> str:
        raise OSError("network is unreachable\nat all")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.resolve_folder("owner/name")
    assert str(caught.value) == (
        "cannot download 'owner/name' from the hub (OSError): check the network, or name a folder"
    )


# ---- nothing half-written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls_before", [0, 2, 4])
def test_a_full_disk_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls_before: int
) -> None:
    write_checkpoint(tmp_path, seed=1)
    before = files_of(tmp_path)
    calls = 0

    def full_disk(*args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > calls_before:
            raise OSError(28, "No space left on device")
        save_file(*args, **kwargs)

    monkeypatch.setattr(checkpoint_writer, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="No space left on device"):
        tiny_model(seed=2).save_pretrained(tmp_path)
    assert files_of(tmp_path) == before
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".saving-")]


def test_a_full_disk_leaves_no_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_writer, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="No space left on device"):
        tiny_model().save_pretrained(tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_folder_left_halfway_is_refused_and_no_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path, seed=1)
    replace, calls = checkpoint_writer.os.replace, 0

    def power_cut(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise OSError(5, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_writer.os, "replace", power_cut)
        with pytest.raises(CheckpointError, match="Input/output error"):
            tiny_model(seed=2).save_pretrained(tmp_path)
    assert refusal(tmp_path) == "expected config.json in FOLDER, found none: name a complete checkpoint folder"


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "llm" / "notes.txt").write_text("mine too")
    tiny_model(seed=2).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / "llm" / "notes.txt").read_text() == "mine too"


def test_what_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(CheckpointError) as caught:
        tiny_model().save_pretrained(path)
    assert str(caught.value) == (
        f"cannot write to the folder {path}: [Errno 17] File exists: {str(path)!r}; name another one"
    )
    assert path.read_text() == "mine"


def test_files_may_be_read_by_others(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    plain = tmp_path / "plain"
    plain.touch()
    assert modes == {plain.stat().st_mode & 0o777}


# ---- the vocabulary --------------------------------------------------------------------------------------------------


def with_vocabulary(folder: Path, size: int, *, tied: bool) -> SpatialVLM:
    config = tiny_config(tied=tied)
    config.text_config.vocab_size = size
    return write_checkpoint(folder, config)


@pytest.mark.parametrize("tied", [True, False])
def test_rows_without_a_token_are_dropped(tmp_path: Path, tied: bool) -> None:
    stored = with_vocabulary(tmp_path, VOCABULARY + 23, tied=tied)
    loaded = SpatialVLM.from_pretrained(tmp_path)
    assert loaded.config.text_config.vocab_size == loaded.llm.config.vocab_size == VOCABULARY
    assert logits_of(loaded).shape[-1] == VOCABULARY
    torch.testing.assert_close(logits_of(loaded), logits_of(stored)[..., :VOCABULARY])
    for ours, theirs in (
        (loaded.llm.model.embed_tokens, stored.llm.model.embed_tokens),
        (loaded.llm.lm_head, stored.llm.lm_head),
    ):
        assert torch.equal(ours.weight, theirs.weight[:VOCABULARY])


@pytest.mark.parametrize("tied", [True, False])
def test_tokens_without_a_row_get_the_mean(tmp_path: Path, tied: bool) -> None:
    stored = with_vocabulary(tmp_path, VOCABULARY - 9, tied=tied)
    loaded = SpatialVLM.from_pretrained(tmp_path)
    for ours, theirs in (
        (loaded.llm.model.embed_tokens, stored.llm.model.embed_tokens),
        (loaded.llm.lm_head, stored.llm.lm_head),
    ):
        assert torch.equal(ours.weight[:-9], theirs.weight)
        torch.testing.assert_close(ours.weight[-9:], theirs.weight.mean(dim=0).expand(9, -1))
        assert ours.weight.requires_grad
    assert_equal_weights(SpatialVLM.from_pretrained(tmp_path), loaded)
    loaded.save_pretrained(tmp_path)
    assert_equal_weights(SpatialVLM.from_pretrained(tmp_path), loaded)


def test_media_tokens_that_a_tokenizer_lacks_are_added(checkpoint_folder: Path) -> None:
    path = checkpoint_folder / "llm" / "tokenizer.json"
    content = json.loads(path.read_text())
    wanted = ("<vila/sentinel>", "<image>", "<vila/video>", "<depth>")
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] not in wanted]
    path.write_text(json.dumps(content))
    config = json.loads(path.with_name("tokenizer_config.json").read_text())
    config.pop("extra_special_tokens", None)
    config.pop("additional_special_tokens", None)
    path.with_name("tokenizer_config.json").write_text(json.dumps(config))
    loaded = checkpoint.load_tokenizer(checkpoint_folder)
    ids = [loaded.convert_tokens_to_ids(token) for token in wanted]
    assert ids == list(range(len(loaded) - 4, len(loaded)))
    assert loaded("<image>", add_special_tokens=False)["input_ids"] == [ids[1]]
    assert SpatialVLM.from_pretrained(checkpoint_folder).image_token_id == ids[1]


def test_a_tokenizer_without_a_template_gets_the_published_one(checkpoint_folder: Path) -> None:
    (checkpoint_folder / "llm" / "chat_template.jinja").unlink(missing_ok=True)
    path = checkpoint_folder / "llm" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config.pop("chat_template", None)
    path.write_text(json.dumps(config))
    loaded = checkpoint.load_tokenizer(checkpoint_folder)
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    for generate in (False, True):
        assert loaded.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=generate
        ) == tokenizer().apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)


# ---- memory ----------------------------------------------------------------------------------------------------------

WRITE_LARGE = """
import sys
import torch
from transformers import Qwen2Config
from roborefer.models import checkpoint
from roborefer.models.config import preset
from roborefer.models.processor import SpatialProcessor
from roborefer.models.untrained import UNTRAINED_MODEL, random_model

torch.set_num_threads(1)
torch.nn.init.normal_ = lambda tensor, *args, **kwargs: tensor  # what the numbers are does not matter
config = preset("tiny")
sizes = {"hidden_size": 512, "intermediate_size": 3072, "num_hidden_layers": 14, "layer_types": None}
config.text_config = Qwen2Config(**(config.text_config.to_dict() | sizes))
random_model(config).save_pretrained(sys.argv[1])
SpatialProcessor(checkpoint.load_tokenizer(UNTRAINED_MODEL), config).save_pretrained(sys.argv[1])
"""

MEASURE = """
import sys
from pathlib import Path
import torch
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import UNTRAINED_MODEL

def status(key):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key + ":")]
    return int(line.split()[1]) * 1024

torch.set_num_threads(1)
SpatialVLM.from_pretrained(UNTRAINED_MODEL, dtype=sys.argv[2])  # what is imported on the way
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
before = status("VmRSS")
model = SpatialVLM.from_pretrained(sys.argv[1], dtype=sys.argv[2])
weights = sum(parameter.nbytes for parameter in model.parameters())
print(weights, status("VmHWM") - before)
"""

# What does not grow with the weights: the mapped piece of a file, tokenizer and configuration, allocator slack.
FIXED = 30 * 2**20


@pytest.fixture(scope="module")
def large_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    subprocess.run([sys.executable, "-c", WRITE_LARGE, str(folder)], check=True, capture_output=True)
    assert sum(path.stat().st_size for path in folder.rglob("*.safetensors")) > 300e6
    return folder


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the high-water mark is read from /proc")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_peak_memory_stays_near_the_weights(large_checkpoint: Path, dtype: str) -> None:
    output = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large_checkpoint), dtype], check=True, capture_output=True, text=True
    )
    weights, growth = (int(text) for text in output.stdout.split())
    assert weights > 150e6
    assert growth < 1.2 * weights + FIXED, f"{growth / weights:.2f} times the weights"


def test_the_packaged_checkpoint_is_whole() -> None:
    assert SpatialVLM.from_pretrained(UNTRAINED_MODEL).config.untrained
