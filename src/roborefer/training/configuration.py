"""TrainingConfig: everything that a training stage can be told, in YAML, checked before anything is loaded.

Shipped configurations are the paper's recipes (appendix D.2 to D.4) and those of the published scripts; one's own file
has the same keys. What a file does not say is as in the class below.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from roborefer.errors import InputError
from roborefer.images import one_line, source_name

SHIPPED = Path(__file__).with_name("configs")
"""The folder of the shipped configurations."""

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class LoraConfig:
    """Low-rank adapters in place of all weights.

    Attributes:
        rank, alpha, dropout: Of each adapter; its weight is alpha / rank.
        targets: Names of linear layers, matched at their end, such as ``q_proj``; they are looked for in ``parts``.
        parts: Parts of the model that get adapters.
        train_fully: Parts that are trained as a whole beside the adapters, such as ``depth_projector``.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    parts: tuple[str, ...] = ("llm",)
    train_fully: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingConfig:
    """How a stage is trained. The defaults are those of the paper for ``sft``.

    Attributes:
        learning_rate: Highest learning rate.
        part_learning_rates: Another one for a part of the model (``vision_tower``, ``depth_tower``, ``mm_projector``,
            ``depth_projector``, ``llm``, ...); 0 keeps a part as it is.
        also_train: Parts that learn beside those of the stage, such as ``mm_projector`` in ``align``.
        schedule: How the learning rate falls after the warm-up.
        warmup_ratio: Share of the steps in which it rises.
        weight_decay: Of matrices; biases and norms have none.
        adam_beta1, adam_beta2, adam_epsilon: Of AdamW.
        max_gradient_norm: Gradients above it are scaled down; 0 for never.
        epochs: Passes over the mixture.
        max_steps: Train so many steps, whatever ``epochs`` says; the schedule ends there.
        samples_per_batch: Most samples a process and step.
        tokens_per_batch: Most tokens a process and step, media included; None for no such limit.
        gradient_accumulation: Batches of each process that make a step.
        global_batch: Samples a step over all processes; says ``gradient_accumulation`` in another way.
        packing: Samples of a batch stand in one row, so that no padding is computed.
        max_turns: Questions a sample; longer records become several samples.
        label_mask: Which tokens are supervised, see ``models.prompt.supervised_labels``.
        precision: ``bf16`` computes in bfloat16 and keeps trained weights in float32; ``fp32`` does all in float32.
        activation_checkpointing: Compute activations again on the way back: less memory, a third more time.
        lora: Adapters instead of all weights; None for none.
        seed: Of the order, of dropout and of new weights.
        on_bad_record: ``refuse`` to start, or ``skip`` and count.
        workers: Processes that read data.
        validation_samples: How many samples are held out of the mixture, whole pictures at a time, or taken of the
            validation data.
        validate_every: Steps between validations; 0 for only at the end. None is 0 without ``validation_samples``,
            else some twenty times in a run, and at most a quarter of its time.
        save_every, log_every: Steps between; 0 for only at the end.
        keep_checkpoints: How many of the latest are kept.
    """

    learning_rate: float = 5e-5
    part_learning_rates: Mapping[str, float] = field(default_factory=dict)
    also_train: tuple[str, ...] = ()
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_ratio: float = 0.03
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_gradient_norm: float = 1.0
    epochs: int = 1
    max_steps: int | None = None
    samples_per_batch: int = 6
    tokens_per_batch: int | None = None
    gradient_accumulation: int = 1
    global_batch: int | None = None
    packing: bool = True
    max_turns: int = 15
    label_mask: Literal["exact", "published"] = "exact"
    precision: Literal["bf16", "fp32"] = "bf16"
    activation_checkpointing: bool = True
    lora: LoraConfig | None = None
    seed: int = 0
    on_bad_record: Literal["refuse", "skip"] = "refuse"
    workers: int = 2
    validation_samples: int = 0
    validate_every: int | None = None
    save_every: int = 500
    log_every: int = 10
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            _check_range(name, getattr(self, name), low, high)
        for part, rate in self.part_learning_rates.items():
            _check_range(f"part_learning_rates.{part}", rate, 0.0, 1.0)
        if self.lora is not None:
            for name, (low, high) in _LORA_RANGES.items():
                _check_range(f"lora.{name}", getattr(self.lora, name), low, high)
        if self.global_batch is not None and self.tokens_per_batch is not None:
            raise InputError(
                "expected global_batch or tokens_per_batch, got both: a limit in tokens leaves the number of samples "
                "open, so remove one of them"
            )
        if self.global_batch is not None and self.gradient_accumulation != 1:
            raise InputError("expected global_batch or gradient_accumulation, got both: remove one of them")

    def accumulation(self, processes: int) -> int:
        """Batches of each process that make a step.

        Raises:
            InputError: ``global_batch`` cannot be divided among the processes.
        """
        if self.global_batch is None:
            return self.gradient_accumulation
        together = self.samples_per_batch * processes
        if self.global_batch % together:
            raise InputError(
                f"expected global_batch to be a multiple of samples_per_batch * processes = {together}, got "
                f"{self.global_batch}: change samples_per_batch"
            )
        return self.global_batch // together

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON and YAML; :func:`config_from_dict` reads them."""
        plain = dataclasses.asdict(self)
        plain["part_learning_rates"] = dict(self.part_learning_rates)
        plain["also_train"] = list(self.also_train)
        if self.lora is not None:
            plain["lora"] = {
                name: list(value) if isinstance(value, tuple) else value for name, value in plain["lora"].items()
            }
        return plain


_MOST = 10**9
_RANGES: dict[str, tuple[float, float]] = {
    "learning_rate": (0.0, 1.0),
    "warmup_ratio": (0.0, 0.99),
    "weight_decay": (0.0, 10.0),
    "adam_beta1": (0.0, 0.99999),
    "adam_beta2": (0.0, 0.99999),
    "adam_epsilon": (0.0, 1.0),
    "max_gradient_norm": (0.0, 1e6),
    "epochs": (1, 10_000),
    "max_steps": (1, _MOST),
    "samples_per_batch": (1, 65_536),
    "tokens_per_batch": (1, _MOST),
    "gradient_accumulation": (1, 65_536),
    "global_batch": (1, _MOST),
    "max_turns": (1, 1000),
    "seed": (0, 2**32 - 1),
    "workers": (0, 256),
    "validation_samples": (0, _MOST),
    "validate_every": (0, _MOST),
    "save_every": (0, _MOST),
    "log_every": (1, _MOST),
    "keep_checkpoints": (1, 1000),
}
_LORA_RANGES: dict[str, tuple[float, float]] = {"rank": (1, 65_536), "alpha": (1e-6, 1e6), "dropout": (0.0, 0.99)}


def shipped_names() -> list[str]:
    """The names of the shipped configurations."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def shipped_stage(name: str) -> str:
    """The stage that a shipped configuration is for; ``lora`` and all others but ``align`` are for ``sft``."""
    return "align" if name.partition("-")[0] == "align" else "sft"


def read_config(name_or_path: str, changes: Sequence[str] = (), *, stage: str | None = None) -> TrainingConfig:
    """A configuration by the name of a shipped one or from a YAML file, with changes such as ``lora.rank=8``.

    Args:
        name_or_path: A file of one's own may be for any stage, whatever its name.
        changes: Each ``key=value``.
        stage: That a shipped one must be for; None for any.

    Raises:
        InputError: There is no such configuration, it is for another stage, or a key or a value is not as it should be.
    """
    path = SHIPPED / f"{name_or_path}.yaml"
    shipped = "/" not in name_or_path and path.is_file()
    if shipped and stage not in (None, shipped_stage(name_or_path)):
        fitting = ", ".join(name for name in shipped_names() if shipped_stage(name) == stage)
        raise InputError(
            f"expected a configuration for {stage}, got {name_or_path}, which is for {shipped_stage(name_or_path)}: "
            f"use {fitting} or a file of your own"
        )
    path = path if shipped else Path(name_or_path)
    place = f"the configuration {name_or_path}" if shipped else source_name(path)
    content = _read_yaml(path, name_or_path)
    # A file with a mistake is told so before a change may hide it.
    config_from_dict(content, place)
    for change in changes:
        content = _changed(content, change)
    return config_from_dict(content, f"{place} with --set" if changes else place)


def config_from_dict(content: Mapping[str, Any], place: str) -> TrainingConfig:
    """A configuration from plain values.

    Args:
        content: Keys as in :class:`TrainingConfig`; those left out have its defaults.
        place: Where they come from, for messages.

    Raises:
        InputError: A key is unknown, or a value of another type or out of range.
    """
    try:
        config: TrainingConfig = _build(TrainingConfig, content, "")
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return config


def _read_yaml(path: Path, name: str) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            content = yaml.safe_load(stream.read(_MOST_BYTES))
    except FileNotFoundError as error:
        nearest = get_close_matches(name, shipped_names(), n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"shipped are {', '.join(shipped_names())}"
        raise InputError(f"expected a training configuration, got {name!r}: no such name or file; {hint}") from error
    except OSError as error:
        raise InputError(
            f"cannot read the configuration {source_name(path)}: {error.strerror or one_line(error)}; check its path"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"expected YAML in {source_name(path)}, got {one_line(error)}: mend it") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"expected keys and values in {source_name(path)}, got a {type(content).__name__}: mend it")
    return content


def _changed(content: Mapping[str, Any], change: str) -> dict[str, Any]:
    """The content with one ``key=value`` or ``key.inner=value`` applied."""
    key, sign, text = change.partition("=")
    names = key.strip().split(".")
    if not sign or not all(names) or len(names) > 2:
        raise InputError(f"expected --set KEY=VALUE such as learning_rate=1e-5 or lora.rank=8, got {change!r}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"expected a value behind {key}=, got {text!r}: {one_line(error)}") from error
    changed = dict(content)
    if len(names) == 1:
        return changed | {names[0]: value}
    inner = changed.get(names[0])
    return changed | {names[0]: (dict(inner) if isinstance(inner, Mapping) else {}) | {names[1]: value}}


# ---- values of the right type ----------------------------------------------------------------------------------------


def _build(kind: Any, content: object, prefix: str) -> Any:
    """A dataclass from a mapping, field by field."""
    if not isinstance(content, Mapping):
        raise InputError(f"expected keys and values for {prefix.rstrip('.')}, got {content!r}")
    hints = get_type_hints(kind)
    for key in content:
        if key not in hints:
            nearest = get_close_matches(str(key), hints, n=1)
            hint = f"did you mean {prefix}{nearest[0]}?" if nearest else f"known are {', '.join(hints)}"
            raise InputError(f"unknown key {prefix}{key}: {hint}")
    return kind(**{key: _value(hints[key], value, f"{prefix}{key}") for key, value in content.items()})


def _value(hint: Any, value: object, name: str) -> Any:
    """The value, brought to the type that a field has."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _value(next(kind for kind in get_args(hint) if kind is not type(None)), value, name)
    if origin is Literal:
        if value not in get_args(hint):
            raise InputError(f"expected {name} to be one of {', '.join(get_args(hint))}, got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InputError(f"expected {name} to be a list of names, got {value!r}")
        return tuple(value)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, f"{name}.")
    if hint in (int, float, bool):
        return _number(hint, value, name)
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"expected {name} to be names with numbers, got {value!r}")
    return {key: _number(float, item, f"{name}.{key}") for key, item in value.items()}


def _number(kind: type, value: object, name: str) -> int | float | bool:
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise InputError(f"expected {name} to be true or false, got {value!r}")
    if kind is float and isinstance(value, str):
        # YAML reads 1e-4 as text, since its numbers need a dot.
        try:
            value = float(value)
        except ValueError:
            raise InputError(f"expected {name} to be a number, got {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"expected {name} to be a number, got {value!r}")
    if kind is float:
        return float(value)
    if int(value) != value:
        raise InputError(f"expected {name} to be a whole number, got {value!r}")
    return int(value)


def _check_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"expected {name} to be from {low:g} to {high:g}, got {value:g}")
