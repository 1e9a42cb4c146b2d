"""The trainer: losses that add up however a step is cut, parts with learning rates of their own, NaN told and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from roborefer.errors import InputError, TrainingError
from roborefer.training.batches import COUNTS, LOSS_WEIGHT, NOTES, SAMPLE_INDICES, BatchSource, RunBatches
from roborefer.training.configuration import TrainingConfig
from roborefer.training.parameters import freeze_resting_parts, optimizer_groups, set_precision, train_parts
from roborefer.training.reporting import RunLog
from roborefer.training.trainer import StageTrainer, validation_interval

from .tiny_runs import SMALL, logged

WORDS, WIDTH, LENGTH = 11, 8, 7


class Speaker(nn.Module):
    """A model that is no language model of ours: it says the next word from the one before."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.inner = nn.Embedding(WORDS, WIDTH)
        self.outer = nn.Linear(WIDTH, WORDS)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, words: Tensor, labels: Tensor, scale: float = 1.0) -> dict[str, Tensor]:
        scores = self.outer(self.inner(words))[:, :-1].flatten(0, 1)
        loss = nn.functional.cross_entropy(scores, labels[:, 1:].flatten(), ignore_index=-100)
        right = (scores.argmax(-1) == labels[:, 1:].flatten()).float().mean()
        return {"loss": scale * loss, "right": right, "scores": scores}


class Sentences(torch.utils.data.Dataset[Tensor]):
    """Random words; the k-th sentence has k % 6 + 1 supervised ones."""

    def __getitem__(self, index: int) -> Tensor:
        return torch.randint(WORDS, (LENGTH,), generator=torch.Generator().manual_seed(index))

    def __len__(self) -> int:
        return 100


class InOrder:
    """The same batches every epoch."""

    def __init__(self, batches: Sequence[Sequence[int]]) -> None:
        self.batches = batches

    def set_epoch(self, epoch: int) -> None:
        """Nothing depends on it."""

    def __iter__(self) -> Iterator[list[int]]:
        return iter([list(batch) for batch in self.batches])

    def __len__(self) -> int:
        return len(self.batches)


def collate(sentences: Sequence[Tensor]) -> dict[str, Any]:
    words = torch.stack(list(sentences))
    labels = words.clone()
    for row, sentence in enumerate(words):
        labels[row, : LENGTH - 1 - int(sentence.sum()) % 6] = -100
    return {"words": words, "labels": labels, COUNTS: {"images": len(words), "tokens": words.numel()}}


def source(batches: Sequence[Sequence[int]], collate: Any = collate) -> BatchSource:
    return BatchSource(Sentences(), InOrder(batches), collate, lambda index: f"book.jsonl line {index + 1}")


PLAIN = replace(SMALL, max_steps=None, save_every=0)


def trained(out: Path, batches: Sequence[Sequence[int]], config: TrainingConfig = PLAIN, **options: Any) -> Speaker:
    torch.manual_seed(0)
    model = Speaker()
    StageTrainer(model, config, out, source(batches), callbacks=[RunLog(out, print)], **options).train()
    return model


BATCHES = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16]]


def test_a_step_does_not_depend_on_how_it_is_cut(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", BATCHES)
    pieces = [piece for batch in BATCHES for piece in (batch[:1], batch[1:3], batch[3:])]
    cut = trained(tmp_path / "cut", pieces, replace(PLAIN, gradient_accumulation=3))
    for one, other in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(logged(tmp_path / "whole"), logged(tmp_path / "cut"), strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_the_loss_is_the_mean_over_supervised_tokens(tmp_path: Path) -> None:
    trained(tmp_path, [[0, 1, 2], [3, 4]], replace(PLAIN, gradient_accumulation=2))
    model, batches = Speaker(), [collate([Sentences()[index] for index in batch]) for batch in ([0, 1, 2], [3, 4])]
    counts = [int((batch["labels"][:, 1:] != -100).sum()) for batch in batches]
    losses = [model(batch["words"], batch["labels"])["loss"].item() for batch in batches]
    expected = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
    assert counts[0] / 3 != counts[1] / 2  # else a mean of means would do
    assert logged(tmp_path)[0]["loss"] == pytest.approx(expected, rel=1e-6)


def test_a_batch_may_say_what_it_weighs(tmp_path: Path) -> None:
    def weighed(sentences: Sequence[Tensor]) -> dict[str, Any]:
        batch = collate(sentences)
        return {**batch, LOSS_WEIGHT: 3.0 if len(sentences) == 1 else 1.0}

    model = Speaker()
    config = replace(PLAIN, gradient_accumulation=2)
    StageTrainer(model, config, tmp_path, source([[0], [1, 2]], weighed), callbacks=[RunLog(tmp_path, print)]).train()
    losses = []
    for batch in ([0], [1, 2]):
        sentences = collate([Sentences()[index] for index in batch])
        losses.append(Speaker()(sentences["words"], sentences["labels"])["loss"].item())
    assert logged(tmp_path)[0]["loss"] == pytest.approx((3 * losses[0] + losses[1]) / 4, rel=1e-6)


def test_what_the_model_returns_is_logged_and_options_reach_it(tmp_path: Path) -> None:
    trained(tmp_path / "one", BATCHES)
    trained(tmp_path / "two", BATCHES, forward_options={"scale": 2.0})
    one, two = (logged(tmp_path / name, ("loss", "right", "images_per_second")) for name in ("one", "two"))
    assert two[0]["loss"] == pytest.approx(2 * one[0]["loss"])
    assert 0 <= one[0]["right"] <= 1
    assert one[0]["images_per_second"] > 0


def test_validation_counts_every_supervised_token_alike(tmp_path: Path) -> None:
    held = [[20, 21, 22, 23], [24]]
    config = replace(PLAIN, validate_every=2)
    model = trained(tmp_path, BATCHES, config, validation=source(held))
    told = [entry for entry in logged(tmp_path, ("validation_loss", "validation_right")) if "validation_loss" in entry]
    assert [entry["step"] for entry in told] == [2, 3]
    everything = collate([Sentences()[index] for batch in held for index in batch])
    with torch.no_grad():
        expected = model(everything["words"], everything["labels"])["loss"]
    assert told[-1]["validation_loss"] == pytest.approx(float(expected), rel=1e-5)
    assert "validation_right" in told[-1]


@pytest.mark.parametrize(
    ("changes", "steps", "batches", "every"),
    [
        ({"validation_samples": 50}, 300, 7, 15),  # twenty times
        ({"validation_samples": 50}, 57, 7, 10),  # they take a quarter of the time
        ({"validation_samples": 50}, 6, 100, 6),
        ({"validation_samples": 50, "validate_every": 0}, 300, 7, 0),
        ({"validation_samples": 50, "validate_every": 4}, 300, 7, 4),
        ({"validation_samples": 0}, 300, 7, 0),
    ],
)
def test_how_often_it_is_validated(changes: dict[str, Any], steps: int, batches: int, every: int) -> None:
    assert validation_interval(replace(PLAIN, **changes), steps, steps, batches) == every


def test_samples_that_are_held_out_give_a_curve(tmp_path: Path) -> None:
    config = replace(PLAIN, max_steps=60, validation_samples=1)
    trained(tmp_path, BATCHES, config, validation=source([[20]]))
    told = [entry["step"] for entry in logged(tmp_path, ["validation_loss"]) if "validation_loss" in entry]
    assert told == list(range(3, 61, 3))


def test_max_steps_goes_over_as_many_epochs_as_needed(tmp_path: Path) -> None:
    trained(tmp_path, BATCHES, replace(PLAIN, max_steps=7))
    entries = logged(tmp_path, ("epoch", "learning_rate"))
    assert [entry["step"] for entry in entries] == list(range(1, 8))
    assert entries[2]["epoch"] == 1.0
    assert entries[-1]["epoch"] == pytest.approx(7 / 3)
    rates = [entry["learning_rate"] for entry in entries]
    assert rates[0] == 0.0  # the warm-up's first step
    assert rates[1:] == sorted(rates[1:], reverse=True)


def test_notes_are_told(tmp_path: Path) -> None:
    def noting(sentences: Sequence[Tensor]) -> dict[str, Any]:
        return {**collate(sentences), NOTES: ("skipped: a record",)}

    told: list[str] = []
    StageTrainer(Speaker(), PLAIN, tmp_path, source(BATCHES, noting), on_note=told.append).train()
    assert told == ["skipped: a record"] * 3


@pytest.mark.parametrize("validates", [False, True])
@pytest.mark.parametrize("workers", [0, 1])
def test_data_that_cannot_be_read_end_the_run_with_one_line(workers: int, validates: bool, tmp_path: Path) -> None:
    class Torn(Sentences):
        def __getitem__(self, index: int) -> Tensor:
            if index == 7:
                raise InputError("cannot read page 7: it is torn")
            return super().__getitem__(index)

    torn = BatchSource(Torn(), InOrder(BATCHES), collate)
    config = replace(PLAIN, workers=workers)
    whole = source(BATCHES)
    training, validation = (whole, torn) if validates else (torn, None)
    trainer = StageTrainer(Speaker(), config, tmp_path, training, validation=validation)
    with pytest.raises(InputError) as caught:
        trainer.train()
    assert str(caught.value) == (
        "cannot read page 7: it is torn; the same command with --set on_bad_record=skip goes on without it"
    )


def test_no_batches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected at least one batch, got none: the data set is empty$"):
        StageTrainer(Speaker(), PLAIN, tmp_path, source([]))


def test_epochs_of_different_lengths_keep_their_place() -> None:
    class Growing(InOrder):
        def set_epoch(self, epoch: int) -> None:
            self.batches = [[epoch, number] for number in range(epoch + 2)]

    batches = RunBatches(Growing([]), 3)
    assert len(batches) == len(list(batches)) == 2 + 3 + 4
    assert list(batches)[2] == [1, 0]
    assert [batches.place_of(done) for done in (0, 1, 2, 4, 5, 9)] == [(0, 0), (0, 1), (1, 0), (1, 2), (2, 0), (2, 4)]
    assert [batches.epoch_at(done) for done in (0, 1, 2, 5, 9)] == [0.0, 0.5, 1.0, 2.0, 3.0]
    assert list(RunBatches(Growing([]), 1, count=4)) == [[0, 0], [0, 1], [1, 0], [1, 1]]


# ---- a loss that is no number ----------------------------------------------------------------------------------------


def numbered(sentences: Sequence[Tensor]) -> dict[str, Any]:
    batch = collate(sentences)
    # Sentences know nothing of their place: the batch's size tells which one it is.
    return {
        **batch,
        SAMPLE_INDICES: torch.arange(len(sentences)) + 40,
        "scale": [float("nan"), 1.0][len(sentences) % 2],
    }


def test_a_loss_that_is_no_number_stops_with_the_batch(tmp_path: Path) -> None:
    batches = [[0], [1, 2, 3], [4, 5], [6]]
    trainer = StageTrainer(Speaker(), replace(PLAIN, save_every=1), tmp_path, source(batches, numbered))
    with pytest.raises(TrainingError) as caught:
        trainer.train()
    folder = tmp_path / "nan_batch"
    assert str(caught.value) == (
        "the loss became nan at step 3; its batch (book.jsonl line 41, book.jsonl line 42) is written down in "
        f"{folder}: look at these records, or lower the learning rate and start again in another folder"
    )
    tensors = load_file(folder / "batch-0.safetensors")
    assert torch.equal(tensors["words"], torch.stack([Sentences()[4], Sentences()[5]]))
    document = json.loads((folder / "batch.json").read_text())
    assert (document["what"], document["step"]) == ("the loss became nan", 3)
    assert document["learning_rate"] > 0
    assert document["batches"] == [
        {
            "samples": [
                {"sample": 40, "record": "book.jsonl line 41"},
                {"sample": 41, "record": "book.jsonl line 42"},
            ],
            "arguments": {"scale": "nan"},
        }
    ]
    assert not (tmp_path / "checkpoint-3").exists()


def test_gradients_that_are_no_numbers_stop_before_they_spoil_the_weights(tmp_path: Path) -> None:
    model = Speaker()
    model.outer.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = model.outer.weight.detach().clone()
    trainer = StageTrainer(model, PLAIN, tmp_path, source(BATCHES))
    with pytest.raises(TrainingError, match=r"^the gradient became (nan|inf) at step 1; its batch \(\) is written"):
        trainer.train()
    assert torch.equal(model.outer.weight, before)
    assert (tmp_path / "nan_batch" / "batch-0.safetensors").exists()


# ---- parameters ------------------------------------------------------------------------------------------------------


def test_parts_learn_at_their_own_rate(tmp_path: Path) -> None:
    config = replace(PLAIN, weight_decay=0.1, part_learning_rates={"inner": 1e-3})
    groups = optimizer_groups(Speaker(), config)
    assert sorted((group["lr"], group["weight_decay"], len(group["params"])) for group in groups) == [
        (1e-3, 0.1, 1),  # the embedding
        (1e-2, 0.0, 1),  # the bias
        (1e-2, 0.1, 1),  # the matrix
    ]


def test_a_rate_of_0_keeps_a_part_as_it_is(tmp_path: Path) -> None:
    model, config = Speaker(), replace(PLAIN, part_learning_rates={"inner": 0.0})
    freeze_resting_parts(model, config)
    StageTrainer(model, config, tmp_path, source(BATCHES)).train()
    assert torch.equal(model.inner.weight, Speaker().inner.weight)
    assert not torch.equal(model.outer.weight, Speaker().outer.weight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part_learning_rates": {"hand": 1.0}}, "expected part_learning_rates to name inner, outer, got 'hand'"),
        (
            {"part_learning_rates": {"inner": 0.0, "outer": 0.0}},
            "expected parameters that learn, got none: every part's learning rate is 0",
        ),
    ],
)
def test_parts_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        freeze_resting_parts(Speaker(), replace(PLAIN, **changes))
    assert str(caught.value) == message


def test_parts_beside_those_of_the_stage() -> None:
    model = Speaker().requires_grad_(False)
    train_parts(model, replace(PLAIN, also_train=("outer",)))
    assert [name for name, parameter in model.named_parameters() if parameter.requires_grad] == [
        "outer.weight",
        "outer.bias",
    ]
    with pytest.raises(InputError, match=r"^expected also_train to name inner, outer, got 'hand'$"):
        train_parts(model, replace(PLAIN, also_train=("hand",)))


def test_trained_weights_are_float32_and_frozen_ones_stay() -> None:
    model = Speaker().bfloat16()
    model.inner.requires_grad_(False)
    set_precision(model, replace(PLAIN, precision="bf16"), sharded=False)
    assert (model.inner.weight.dtype, model.outer.weight.dtype) == (torch.bfloat16, torch.float32)
    set_precision(model, replace(PLAIN, precision="bf16"), sharded=True)
    assert model.inner.weight.dtype == torch.float32
