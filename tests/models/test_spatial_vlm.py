"""SpatialVLM: media in their places, packing, stages, truncation, types, and transformers' own generate."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from roborefer.models.processor import EncodedSample, SpatialProcessor
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.spatial_vlm import SpatialVLM, pack

from .tiny_models import HIDDEN, TILE, picture, tiny_config, tiny_model, tokenizer

ONE = picture(TILE, TILE)
SEVEN = picture(60, 40)


def record(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def samples(config: Any) -> list[EncodedSample]:
    """RGB-D, RGB only and text only, of different lengths."""
    processor = SpatialProcessor(tokenizer(), config)
    return [
        processor.encode_conversation(record("the cup", "[(0.341, 0.610)]"), [SEVEN], [ONE]),
        processor.encode_conversation(record("where is the plate?", "there\nor here"), [picture(TILE, TILE, 3)]),
        processor.encode_conversation(record("hi", "hello")),
    ]


@pytest.fixture(scope="module")
def model() -> SpatialVLM:
    return tiny_model()


@pytest.fixture(scope="module")
def processor(model: SpatialVLM) -> SpatialProcessor:
    return SpatialProcessor(tokenizer(), model.config)


def features(model: SpatialVLM, batch: Any, *, depth: bool) -> list[torch.Tensor]:
    kind = "depth" if depth else "image"
    pixels = batch.get("depth_values" if depth else "pixel_values")
    return [] if pixels is None else model.encode_media(pixels, batch[f"{kind}_block_sizes"], depth=depth)


# ---- media -----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_each_tile_ends_in_the_embedding_of_a_newline(model: SpatialVLM, processor: SpatialProcessor) -> None:
    batch = processor.collate([processor.encode_prompt([SEVEN, "x"])])
    blocks = features(model, batch, depth=False)
    newline = tokenizer()("\n", add_special_tokens=False)["input_ids"]
    assert len(blocks) == 7
    expected = model.mm_projector(model.vision_tower(batch["pixel_values"]))
    for block, projected in zip(blocks, expected, strict=True):
        assert block.shape == (4 + 1, HIDDEN)
        torch.testing.assert_close(block[:-1], projected)
        assert torch.equal(block[-1], model.llm.model.embed_tokens.weight[newline[0]])


@torch.no_grad()
def test_the_depth_tower_sees_depth(model: SpatialVLM, processor: SpatialProcessor) -> None:
    pixels = processor.collate([processor.encode_prompt([ONE, "x"])])["pixel_values"]
    expected = model.depth_projector(model.depth_tower(pixels))
    torch.testing.assert_close(model.encode_media(pixels, [None], depth=True)[0][:-1], expected[0])


@torch.no_grad()
def test_without_a_depth_tower_depth_goes_through_the_rgb_tower() -> None:
    model = tiny_model(tiny_config(depth_tower=False))
    assert model.depth_tower is None
    pixels = torch.randn(1, 3, TILE, TILE, generator=torch.Generator().manual_seed(1))
    expected = model.depth_projector(model.vision_tower(pixels))
    torch.testing.assert_close(model.encode_media(pixels, [None], depth=True)[0][:-1], expected[0])


@torch.no_grad()
def test_three_scales_become_one_raster() -> None:
    config = tiny_config(image_aspect_ratio="dynamic_s2")
    model, processor = tiny_model(config), SpatialProcessor(tokenizer(), config)
    batch = processor.collate([processor.encode_prompt([SEVEN, ONE, "x"])])
    assert batch["image_block_sizes"] == [(3, 4), (3, 3)]
    blocks = features(model, batch, depth=False)
    assert [len(block) for block in blocks] == [12 * 4 + 1, 9 * 4 + 1]
    alone = processor.collate([processor.encode_prompt([ONE, "x"])])
    torch.testing.assert_close(features(model, alone, depth=False)[0], blocks[1])


def test_depth_for_an_rgb_only_model_is_refused() -> None:
    model = tiny_model(tiny_config(depth=False))
    expected = "^expected a model with a depth projector to encode depth, got an RGB-only one$"
    with pytest.raises(ValueError, match=expected):
        model.encode_media(torch.zeros(1, 3, TILE, TILE), [None], depth=True)


def test_three_scales_want_block_sizes_that_fit() -> None:
    model = tiny_model(tiny_config(image_aspect_ratio="dynamic_s2"))
    pixels = torch.zeros(1 + 4 + 9, 3, TILE, TILE)
    with pytest.raises(ValueError, match=r"^expected a block size per picture for dynamic_s2, got None$"):
        model.encode_media(pixels, [None], depth=False)
    with pytest.raises(ValueError, match=r"^expected 14 tiles for block sizes \[\(3, 3\)\], got 15$"):
        model.encode_media(torch.zeros(15, 3, TILE, TILE), [(3, 3)], depth=False)


# ---- fusion ----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_features_stand_where_their_tokens_stood(model: SpatialVLM) -> None:
    ids = torch.tensor([[11, model.image_token_id, 12, model.depth_token_id, model.image_token_id]])
    blocks = [torch.full((count, HIDDEN), float(count)) for count in (2, 3)]
    depth = [torch.full((1, HIDDEN), -1.0)]
    labels = torch.tensor([[1, 2, 3, 4, 5]])
    fused = model.fuse(ids, None, blocks, depth, labels)
    table = model.get_input_embeddings().weight
    expected = torch.cat([table[11:12], blocks[0], table[12:13], depth[0], blocks[1]])
    assert torch.equal(fused.inputs_embeds[0], expected)
    ignored = IGNORE_INDEX
    assert fused.labels[0].tolist() == [1, ignored, ignored, 3, ignored, ignored, ignored, ignored]
    assert fused.attention_mask.all()


@pytest.mark.parametrize(
    ("images", "depths", "problem"),
    [
        (1, 1, "expected 2 image features for the image tokens, got 1"),
        (3, 1, "expected 2 image features for the image tokens, got 3"),
        (2, 0, "expected 1 depth features for the depth tokens, got 0"),
    ],
)
def test_another_number_of_features_is_refused(model: SpatialVLM, images: int, depths: int, problem: str) -> None:
    ids = torch.tensor([[model.image_token_id, model.depth_token_id, model.image_token_id]])
    block = torch.zeros(1, HIDDEN)
    with pytest.raises(ValueError, match=f"^{problem}$"):
        model.fuse(ids, None, [block] * images, [block] * depths)


def test_tokens_under_the_mask_do_not_count(model: SpatialVLM) -> None:
    ids = torch.tensor([[11, model.image_token_id], [11, 12]])
    mask = torch.tensor([[1, 0], [1, 1]])
    fused = model.fuse(ids, mask, [], [])
    assert fused.attention_mask.tolist() == [[True, False], [True, True]]


@torch.no_grad()
def test_the_right_end_is_cut(model: SpatialVLM) -> None:
    ids = torch.tensor([[11, model.image_token_id, 12, 13]])
    block = torch.ones(4, HIDDEN)
    labels = torch.tensor([[1, 2, 3, 4]])
    whole = model.fuse(ids, None, [block], [], labels)
    length = model.config.model_max_length
    try:
        for limit in (1, 3, 6):  # the second cut goes through the picture
            model.config.model_max_length = limit
            fused = model.fuse(ids, None, [block], [], labels)
            assert torch.equal(fused.inputs_embeds, whole.inputs_embeds[:, :limit])
            assert torch.equal(fused.labels, whole.labels[:, :limit])
    finally:
        model.config.model_max_length = length


def test_neither_ids_nor_embeddings_is_refused(model: SpatialVLM) -> None:
    with pytest.raises(ValueError, match=r"^expected input_ids or inputs_embeds, got neither$"):
        model()


# ---- batches and packing ---------------------------------------------------------------------------------------------


@torch.no_grad()
def test_batch_loss_is_the_mean_over_supervised_tokens(model: SpatialVLM, processor: SpatialProcessor) -> None:
    encoded = samples(model.config)
    batch = processor.collate(encoded)
    padded = model(**batch).loss
    packed = model(**batch, packed=True).loss
    torch.testing.assert_close(packed, padded)
    losses, counts = [], []
    for sample in encoded:
        losses.append(model(**processor.collate([sample])).loss)
        assert sample.labels is not None
        counts.append(sum(label != IGNORE_INDEX for label in sample.labels))
    mean = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(padded, mean)


@torch.no_grad()
def test_a_batch_gives_each_sample_the_logits_it_has_alone(model: SpatialVLM, processor: SpatialProcessor) -> None:
    encoded = samples(model.config)
    padded = model(**processor.collate(encoded)).logits
    packed = model(**processor.collate(encoded), packed=True).logits[0]
    start = 0
    for index, sample in enumerate(encoded):
        alone = model(**processor.collate([sample])).logits[0]
        torch.testing.assert_close(padded[index, : len(alone)], alone, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(packed[start : start + len(alone)], alone, rtol=1e-4, atol=1e-4)
        start += len(alone)
    assert len(packed) == start


@torch.no_grad()
def test_packed_samples_do_not_see_each_other(model: SpatialVLM, processor: SpatialProcessor) -> None:
    first = processor.encode_conversation(record("the cup", "yes"), [SEVEN], [ONE])
    others = [
        processor.encode_conversation(record(question, "no"), [picture(TILE, TILE, seed)], [ONE])
        for question, seed in (("the plate", 1), ("the knife that lies there", 2))
    ]
    logits = [model(**processor.collate([first, other]), packed=True).logits for other in others]
    length = model(**processor.collate([first])).logits.shape[1]
    assert torch.equal(logits[0][:, :length], logits[1][:, :length])
    behind = [model(**processor.collate([other, first]), packed=True).logits[:, -length:] for other in others]
    torch.testing.assert_close(behind[0], behind[1], rtol=1e-5, atol=1e-5)


def test_positions_restart_and_first_labels_are_ignored(model: SpatialVLM) -> None:
    ids, mask = torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    fused = model.fuse(ids, mask, [], [], labels=ids.clone())
    embeddings, positions, labels = pack(fused)
    assert positions.tolist() == [[0, 1, 2, 0, 1]]
    assert labels.tolist() == [[IGNORE_INDEX, 6, 7, IGNORE_INDEX, 9]]
    assert torch.equal(embeddings[0], model.get_input_embeddings()(torch.tensor([5, 6, 7, 8, 9])))


# ---- training --------------------------------------------------------------------------------------------------------


def test_stages_choose_their_parameters(model: SpatialVLM) -> None:
    model = copy.deepcopy(model)
    model.set_trainable("align")
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trainable == {f"depth_projector.{name}" for name, _ in model.depth_projector.named_parameters()}
    model.set_trainable("sft")
    behind = ("encoder.layers.2.", "post_layernorm")  # the tiny towers' features are those of their second layer
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trainable == {name for name, _ in model.named_parameters() if not any(part in name for part in behind)}
    model.set_trainable("none")
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_aligning_an_rgb_only_model_is_refused() -> None:
    expected = "^expected a model with a depth projector for stage 'align', got an RGB-only one$"
    with pytest.raises(ValueError, match=expected):
        tiny_model(tiny_config(depth=False)).set_trainable("align")


def test_align_gives_gradients_to_the_depth_projector_alone(processor: SpatialProcessor) -> None:
    model = tiny_model()
    model.set_trainable("align")
    model(**processor.collate(samples(model.config)), packed=True).loss.backward()
    with_gradient = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert with_gradient == {"depth_projector"}


@pytest.mark.parametrize("packed", [False, True])
def test_the_loss_alone_has_the_same_value_and_gradients(processor: SpatialProcessor, packed: bool) -> None:
    whole = tiny_model(lively=False).train()
    alone = copy.deepcopy(whole)
    batch = processor.collate(samples(whole.config))
    expected, output = whole(**batch, packed=packed), alone(**batch, packed=packed, loss_only=True)
    assert output.logits is None
    torch.testing.assert_close(output.loss, expected.loss)
    for model, loss in ((whole, expected.loss), (alone, output.loss)):
        loss.backward()
        assert model.llm.lm_head.weight.grad is not None
    for (name, ours), theirs in zip(alone.named_parameters(), whole.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None), name
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, msg=name)


def test_a_batch_without_answers_has_loss_0(model: SpatialVLM, processor: SpatialProcessor) -> None:
    batch = processor.collate(samples(model.config))
    batch["labels"] = torch.full_like(batch["labels"], IGNORE_INDEX)
    loss = model(**batch, packed=True, loss_only=True).loss
    assert loss.item() == 0.0
    assert loss.requires_grad


@pytest.mark.parametrize("tiling", ["dynamic", "dynamic_s2"])
@pytest.mark.parametrize("kept", [slice(1, 3), slice(2, 3)], ids=["without depth", "text alone"])
def test_every_part_runs_when_it_must(tiling: str, kept: slice) -> None:
    plain = tiny_model(tiny_config(image_aspect_ratio=tiling), lively=False).train()
    batch = SpatialProcessor(tokenizer(), plain.config).collate(samples(plain.config)[kept])
    plain.set_trainable("sft")
    together = copy.deepcopy(plain)
    together.run_every_part = True
    losses = [model(**batch, packed=True, loss_only=True).loss for model in (plain, together)]
    assert losses[0].item() == losses[1].item()
    for loss in losses:
        loss.backward()
    for (name, ours), theirs in zip(together.named_parameters(), plain.parameters(), strict=True):
        assert (ours.grad is not None) == ours.requires_grad, name
        if ours.grad is not None:
            expected = torch.zeros_like(ours) if theirs.grad is None else theirs.grad
            torch.testing.assert_close(ours.grad, expected, msg=name)


def test_each_part_runs_once_a_batch_in_one_order(processor: SpatialProcessor) -> None:
    # Processes that share weights gather them part by part: they would wait for each other for ever.
    model = tiny_model(tiny_config(image_aspect_ratio="dynamic_s2"), lively=False)
    model.run_every_part = True
    processor = SpatialProcessor(tokenizer(), model.config)
    called: list[str] = []
    for name, module in model.named_modules():
        if name and not any(True for _ in module.children()) and any(True for _ in module.parameters()):
            module.register_forward_pre_hook(lambda *_, name=name: called.append(name))
    orders = []
    for kept in (slice(0, 1), slice(0, 3), slice(1, 2), slice(2, 3)):
        for gradients in (True, False):
            called.clear()
            with torch.set_grad_enabled(gradients):
                model(**processor.collate(samples(model.config)[kept]), packed=True, loss_only=True)
            orders.append(list(called))
    assert all(order == orders[0] for order in orders)


@pytest.mark.parametrize("packed", [False, True])
def test_checkpointing_activations_changes_no_gradient(processor: SpatialProcessor, packed: bool) -> None:
    plain = tiny_model(lively=False).train()
    saving = copy.deepcopy(plain)
    saving.activation_checkpointing_enable()
    switched = [module for module in saving.modules() if getattr(module, "gradient_checkpointing", False)]
    assert len(switched) >= 2 + 3 + 3  # every layer of the language model and of both towers
    calls: list[str] = []
    for name, module in (
        ("tower", saving.depth_tower.vision_model.encoder.layers[0].mlp),
        ("llm", saving.llm.model.layers[0].mlp),
    ):
        module.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
    batch = processor.collate(samples(plain.config))
    for model in (plain, saving):
        model(**batch, packed=packed).loss.backward()
    for (name, ours), theirs in zip(saving.named_parameters(), plain.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None), name
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, msg=name)
    assert sorted(calls) == ["llm", "llm", "tower", "tower"]  # forward, and once more on the way back


def test_towers_take_many_tiles_alike_with_and_without_gradients(model: SpatialVLM) -> None:
    pixels = torch.randn(9, 3, TILE, TILE, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        in_parts = model._tower_features(model.vision_tower, pixels)
    torch.testing.assert_close(in_parts, model._tower_features(model.vision_tower, pixels).detach())


# ---- types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("tiling", ["dynamic", "dynamic_s2"])
@torch.no_grad()
def test_half_precision_is_near_full(dtype: torch.dtype, tiling: str) -> None:
    config = tiny_config(image_aspect_ratio=tiling)
    model = tiny_model(config, lively=False)
    batch = SpatialProcessor(tokenizer(), config).collate(samples(config)[:2])
    expected = model(**batch).logits
    logits = model.to(dtype)(**batch).logits
    assert logits.dtype == dtype
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits.float(), expected, rtol=0.1, atol=0.05)


# ---- transformers' generate ------------------------------------------------------------------------------------------


@torch.no_grad()
def test_generate_puts_new_tokens_behind_the_prompt(model: SpatialVLM, processor: SpatialProcessor) -> None:
    batch = processor(images=SEVEN, text="the cup", depths=ONE)
    written = model.generate(**batch, max_new_tokens=6)
    length = batch["input_ids"].shape[1]
    assert torch.equal(written[:, :length], batch["input_ids"])
    images, depths = (features(model, batch, depth=depth) for depth in (False, True))
    embeddings = model.fuse(batch["input_ids"], None, images, depths).inputs_embeds
    for step in range(6):
        token = int(model.llm(inputs_embeds=embeddings).logits[0, -1].argmax())
        assert token == int(written[0, length + step])
        embeddings = torch.cat([embeddings, model.get_input_embeddings()(torch.tensor([[token]]))], dim=1)


def test_generate_gives_a_batch_what_each_gets_alone(model: SpatialVLM, processor: SpatialProcessor) -> None:
    prompts = [processor.encode_prompt([SEVEN, "the cup"]), processor.encode_prompt([ONE, "where is the blue plate?"])]
    together = model.generate(**processor.collate(prompts), max_new_tokens=5)
    length = together.shape[1] - 5
    for index, prompt in enumerate(prompts):
        alone = model.generate(**processor.collate([prompt]), max_new_tokens=5)
        assert torch.equal(together[index, length:], alone[0, -5:])


def test_generate_takes_transformers_options(model: SpatialVLM, processor: SpatialProcessor) -> None:
    batch = processor(images=ONE, text="the cup")
    plain = model.generate(**batch, max_new_tokens=4)
    given = model.generate(**batch, generation_config=GenerationConfig(max_new_tokens=4, do_sample=False))
    assert torch.equal(plain, given)
    output = model.generate(
        **batch, max_new_tokens=3, num_beams=2, num_return_sequences=2, return_dict_in_generate=True
    )
    assert output.sequences.shape == (2, batch["input_ids"].shape[1] + 3)
    assert torch.equal(output.sequences[:, : batch["input_ids"].shape[1]], batch["input_ids"].expand(2, -1))


def test_generate_stops_where_the_configuration_says(model: SpatialVLM, processor: SpatialProcessor) -> None:
    batch = processor(images=ONE, text="the cup")
    length = batch["input_ids"].shape[1]
    written = model.generate(**batch, max_new_tokens=6)[0, length:].tolist()
    stop = written[2]
    stopped = model.generate(**batch, max_new_tokens=6, eos_token_id=stop, pad_token_id=0)[0, length:].tolist()
    assert stopped == written[: written.index(stop) + 1]
