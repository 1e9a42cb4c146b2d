"""Training configurations: the shipped ones are those of paper and scripts, and mistakes are told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.training.configuration import TrainingConfig, config_from_dict, read_config, shipped_names


@pytest.mark.parametrize(
    ("name", "rate", "samples", "step"),
    [
        ("align", 1e-4, 7, None),
        ("align-8b", 1e-4, 3, None),
        ("sft", 5e-5, 6, None),
        ("sft-8b", 5e-5, 2, None),
        ("align-2b-published", 1e-3, 7, 448),
        ("align-8b-published", 2e-5, 2, 256),
        ("align-8b-cluster-published", 1e-3, 2, 256),
        ("sft-2b-published", 2e-5, 6, 384),
        ("sft-8b-published", 2e-5, 2, 256),
    ],
)
def test_shipped_recipes(name: str, rate: float, samples: int, step: int | None) -> None:
    config = read_config(name)
    assert (config.learning_rate, config.samples_per_batch, config.global_batch) == (rate, samples, step)
    # Paper, appendix D: one epoch, cosine, warm-up 0.03, no weight decay, bf16, slices of at most 15 turns.
    assert (config.epochs, config.schedule, config.warmup_ratio, config.weight_decay) == (1, "cosine", 0.03, 0.0)
    assert (config.precision, config.max_turns, config.packing) == ("bf16", 15, True)
    assert config.label_mask == ("published" if name.endswith("published") else "exact")


def test_every_shipped_file_is_tested_or_lora() -> None:
    recipes = {"align", "align-8b", "sft", "sft-8b", "lora"}
    scripts = {"align-2b", "align-8b", "align-8b-cluster", "sft-2b", "sft-8b"}
    assert set(shipped_names()) == recipes | {f"{name}-published" for name in scripts}
    lora = read_config("lora").lora
    assert lora is not None
    assert lora.train_fully == ("mm_projector", "depth_projector")


def test_a_file_changes_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("learning_rate: 1e-4\nlora:\n  rank: 4\npart_learning_rates: {vision_tower: 0}\n")
    config = read_config(str(path), ["lora.rank=8", "max_steps=20", "tokens_per_batch=null", "packing=false"])
    assert config.learning_rate == 1e-4  # YAML reads 1e-4 as text
    assert config.lora is not None
    assert (config.lora.rank, config.lora.alpha, config.max_steps, config.packing) == (8, 32.0, 20, False)
    assert dict(config.part_learning_rates) == {"vision_tower": 0.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat: 1", "unknown key learning_rat: did you mean learning_rate?"),
        ("lora: {ranks: 1}", "unknown key lora.ranks: did you mean lora.rank?"),
        ("learning_rate: high", "expected learning_rate to be a number, got 'high'"),
        ("learning_rate: 7", "expected learning_rate to be from 0 to 1, got 7"),
        ("learning_rate: .nan", "expected learning_rate to be from 0 to 1, got nan"),
        ("epochs: 1.5", "expected epochs to be a whole number, got 1.5"),
        ("epochs: true", "expected epochs to be a number, got True"),
        ("packing: 1", "expected packing to be true or false, got 1"),
        ("schedule: step", "expected schedule to be one of cosine, linear, constant, got 'step'"),
        ("lora: 8", "expected keys and values for lora, got 8"),
        ("lora: {targets: q_proj}", "expected lora.targets to be a list of names, got 'q_proj'"),
        ("part_learning_rates: [1]", "expected part_learning_rates to be names with numbers, got [1]"),
        ("part_learning_rates: {llm: 2}", "expected part_learning_rates.llm to be from 0 to 1, got 2"),
        (
            "{global_batch: 8, gradient_accumulation: 2}",
            "expected global_batch or gradient_accumulation, got both: remove one of them",
        ),
        (
            "{global_batch: 8, tokens_per_batch: 4096}",
            "expected global_batch or tokens_per_batch, got both: a limit in tokens leaves the number of samples open, "
            "so remove one of them",
        ),
    ],
)
def test_a_mistake_in_a_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(str(path))
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\x00"])
def test_a_file_that_holds_no_keys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_configuration() -> None:
    with pytest.raises(InputError, match=r"^expected a training configuration, got 'sftt': no such name or file; "):
        read_config("sftt")


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_configuration_is_for_one_stage(name: str) -> None:
    stage, other = ("align", "sft") if name.startswith("align") else ("sft", "align")
    assert read_config(name, stage=stage) == read_config(name)
    with pytest.raises(InputError, match=rf"^expected a configuration for {other}, got {name}, which is for {stage}: "):
        read_config(name, stage=other)


def test_a_file_of_ones_own_is_not_judged_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sft.yaml").write_text("epochs: 2")
    assert read_config("./sft.yaml", stage="align").epochs == 2
    with pytest.raises(InputError) as caught:
        read_config("sft", stage="align")
    assert str(caught.value) == (
        "expected a configuration for align, got sft, which is for sft: use align, align-2b-published, align-8b, "
        "align-8b-cluster-published, align-8b-published or a file of your own"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "learning_rate",
            "expected --set KEY=VALUE such as learning_rate=1e-5 or lora.rank=8, got 'learning_rate'",
        ),
        ("a.b.c=1", "expected --set KEY=VALUE such as learning_rate=1e-5 or lora.rank=8, got 'a.b.c=1'"),
        ("epochs=0", "the configuration sft with --set: expected epochs to be from 1 to 10000, got 0"),
    ],
)
def test_a_mistake_in_a_change(change: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_config("sft", [change])
    assert str(caught.value) == message


def test_the_global_batch_gives_the_accumulation() -> None:
    config = read_config("sft-2b-published")
    assert [config.accumulation(processes) for processes in (1, 8, 64)] == [64, 8, 1]
    with pytest.raises(InputError) as caught:
        config.accumulation(5)
    assert str(caught.value) == (
        "expected global_batch to be a multiple of samples_per_batch * processes = 30, got 384: change "
        "samples_per_batch"
    )


@given(
    st.builds(
        TrainingConfig,
        learning_rate=st.floats(0, 1),
        part_learning_rates=st.dictionaries(st.sampled_from(["llm", "vision_tower"]), st.floats(0, 1)),
        also_train=st.lists(st.sampled_from(["mm_projector", "llm"])).map(tuple),
        max_steps=st.none() | st.integers(1, 10**6),
        packing=st.booleans(),
    )
)
def test_written_and_read_again(config: TrainingConfig) -> None:
    plain = config.to_dict()
    assert config_from_dict(json.loads(json.dumps(plain)), "here") == config
    assert config_from_dict(yaml.safe_load(yaml.safe_dump(plain)), "here") == config


def test_lora_written_and_read_again() -> None:
    config = read_config("lora")
    assert config_from_dict(json.loads(json.dumps(config.to_dict())), "here") == config
