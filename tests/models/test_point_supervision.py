"""Fine-tuning a point head on answers: which tokens become points, and a loss that does not depend on packing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from roborefer.models.compact_tokenizer import point_tokens
from roborefer.models.point_supervision import last_pictures, point_loss, take_points
from roborefer.models.processor import EncodedSample, SpatialProcessor
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.batches import loss_weight

from .pointing_models import compact_tokenizer, pointing_config, pointing_model
from .tiny_models import picture, tokenizer


def talk(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"from": speaker, "value": text} for turn in turns for speaker, text in zip(("human", "gpt"), turn, strict=True)
    ]


@pytest.fixture(scope="module")
def model() -> SpatialVLM:
    return pointing_model()


@pytest.fixture(scope="module")
def samples() -> list[EncodedSample]:
    processor = SpatialProcessor(compact_tokenizer(), pointing_config())
    image, other, depth = picture(seed=1), picture(seed=2), picture(seed=3)
    return [
        processor.encode_conversation(
            talk(("Point to the cup.", "[(0.341, 0.610)]"), ("And the red cup?", "[(0.041, 0.990)]")), [image], [depth]
        ),
        processor.encode_conversation(talk(("Where is the cup?", "[(1.000, 0.000)]")), [other]),
        processor.encode_conversation(talk(("Is it red?", "It is the red cup.")), [other], [depth]),
    ]


def loss_of(model: SpatialVLM, samples: list[EncodedSample], *, packed: bool) -> torch.Tensor:
    batch: Any = SpatialProcessor(compact_tokenizer(), pointing_config()).collate(samples)
    loss: torch.Tensor = model(**batch, packed=packed, loss_only=True).loss
    return loss


def slow_loss(model: SpatialVLM, samples: list[EncodedSample]) -> float:
    """Sample by sample, token by token: words without the coordinates, and each point by its own pictures, as much as
    four words."""
    processor = SpatialProcessor(compact_tokenizer(), pointing_config())
    words, points, supervised = 0.0, 0.0, 0
    opening = compact_tokenizer().convert_tokens_to_ids("[(")
    for sample in samples:
        batch: Any = processor.collate([sample])
        images, depths, dense = model.look(batch["pixel_values"], batch.get("depth_values"))
        fused = model.fuse(
            batch["input_ids"], None, list(images), [] if depths is None else list(depths), batch["labels"]
        )
        hidden = model.llm.model(inputs_embeds=fused.inputs_embeds).last_hidden_state[0]
        labels = fused.labels[0].tolist()
        skipped = set()
        for place, label in enumerate(labels):
            if label == opening:
                text = compact_tokenizer().decode(labels[place + 1 : place + 5])
                x, y = (float(number) for number in text.split(","))
                states, xy = hidden[place][None], torch.tensor([[x, y]])
                points += float(point_loss(model.point_head, states, dense, xy))
                skipped |= {place + 1, place + 4}
        for place in range(1, len(labels)):
            supervised += labels[place] != IGNORE_INDEX
            if labels[place] != IGNORE_INDEX and place not in skipped:
                logits = model.llm.lm_head(hidden[place - 1])
                words += float(F.cross_entropy(logits[None], torch.tensor([labels[place]])))
    return (words + 4 * points) / supervised


@torch.no_grad()
@pytest.mark.parametrize("chosen", [(0,), (1,), (2,), (0, 1, 2)])
def test_the_loss_is_that_of_each_sample_alone(
    model: SpatialVLM, samples: list[EncodedSample], chosen: tuple[int, ...]
) -> None:
    some = [samples[index] for index in chosen]
    expected = slow_loss(model, some)
    for packed in (False, True):
        assert float(loss_of(model, some, packed=packed)) == pytest.approx(expected, abs=1e-4)


@torch.no_grad()
def test_losses_add_up_however_samples_are_put_together(model: SpatialVLM, samples: list[EncodedSample]) -> None:
    collate = SpatialProcessor(compact_tokenizer(), pointing_config()).collate
    together = float(loss_of(model, samples, packed=True))
    weights = [float(loss_weight(dict(collate([sample])))) for sample in samples]
    alone = [float(loss_of(model, [sample], packed=True)) for sample in samples]
    total = sum(weight * loss for weight, loss in zip(weights, alone, strict=True))
    assert together == pytest.approx(total / sum(weights), abs=1e-4)


@torch.no_grad()
def test_a_text_without_pictures_costs_the_same_among_pictures(model: SpatialVLM, samples: list[EncodedSample]) -> None:
    processor = SpatialProcessor(compact_tokenizer(), pointing_config())
    text = processor.encode_conversation(talk(("Say a point.", "[(0.341, 0.610)]")), [])
    collated: list[Any] = [dict(processor.collate(part)) for part in ([text], samples[:1], [text, samples[0]])]
    losses = [float(model(**batch, packed=True, loss_only=True).loss) for batch in collated]
    first, second = (float(loss_weight(batch)) for batch in collated[:2])
    assert losses[2] == pytest.approx((losses[0] * first + losses[1] * second) / (first + second), abs=1e-4)


@pytest.mark.parametrize("kind", ["text", "color", "depth"])
def test_every_part_gets_a_gradient_when_it_must(samples: list[EncodedSample], kind: str) -> None:
    """As processes that share gradients need it; the loss stays what it is."""
    processor = SpatialProcessor(compact_tokenizer(), pointing_config())
    text = processor.encode_conversation(talk(("Is it red?", "It is the red cup.")), [])
    batch: Any = processor.collate({"text": [text], "color": [samples[1]], "depth": [samples[2]]}[kind])
    model = pointing_model().eval()
    model.set_trainable("sft")
    expected = model(**batch, packed=True, loss_only=True).loss
    model.run_every_part = True
    loss = model(**batch, packed=True, loss_only=True).loss
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-6)
    loss.backward()
    without = [name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None]
    assert without == []


def test_points_teach_both_towers_and_the_head(samples: list[EncodedSample]) -> None:
    model = pointing_model()
    loss_of(model, samples, packed=True).backward()
    for weight in (
        model.point_head.key.weight,
        model.point_head.offset[0].weight,
        model.vision_tower.stem.stages[0][0].weight,
        model.depth_tower.stem.stages[0][0].weight,
    ):
        assert weight.grad is not None
        assert float(weight.grad.abs().sum()) > 0


def test_coordinates_are_taken_from_the_words() -> None:
    tokens = point_tokens(compact_tokenizer())
    text = "the cup [(0.250, 0.750)] and (0.100, 0.200) [(0.3"
    labels = torch.tensor([compact_tokenizer()(text)["input_ids"]])
    points, left = take_points(labels, tokens, torch.tensor([True]))
    assert points.xy.tolist() == [[0.25, 0.75]]
    assert left[points.row, points.place].tolist() == [tokens.opening if tokens else None]
    gone = [compact_tokenizer().decode([token]) for token in labels[left == IGNORE_INDEX]]
    assert gone == ["0.250", "0.750"]


def test_where_there_is_no_picture_coordinates_stay_words() -> None:
    tokens = point_tokens(compact_tokenizer())
    row = compact_tokenizer()("the cup [(0.250, 0.750)]")["input_ids"]
    labels = torch.tensor([row, row])
    points, left = take_points(labels, tokens, torch.tensor([False, True]))
    assert points.row.tolist() == [1]
    assert torch.equal(left[0], labels[0])


def test_without_supervised_points_words_stay_as_they_are() -> None:
    labels = torch.tensor([[IGNORE_INDEX, 5, 6]])
    points, left = take_points(labels, point_tokens(compact_tokenizer()), torch.tensor([True]))
    assert points.xy.shape == (0, 2)
    assert torch.equal(left, labels)


def test_a_tokenizer_that_spells_points_is_refused() -> None:
    assert point_tokens(tokenizer()) is None
    with pytest.raises(ValueError, match="expected a tokenizer in which points are tokens"):
        take_points(torch.zeros(1, 3, dtype=torch.long), None, torch.tensor([True]))


def test_the_last_picture_of_each_row() -> None:
    ids = torch.tensor([[7, 7, 0], [0, 0, 0], [0, 7, 0]])
    assert last_pictures(ids, 7) == [1, None, 2]
