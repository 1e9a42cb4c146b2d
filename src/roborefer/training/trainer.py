"""StageTrainer: transformers' Trainer for batches of any size, runs that go on after a kill, and losses that add up.

It knows nothing of pictures or points: a model whose ``forward`` returns a mean loss, batches in a known order, and a
configuration. The step's loss is the sum over all supervised tokens of all batches of all processes, divided by their
number, so it does not depend on how a step is cut into batches or spread over processes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import MixedPrecisionPolicy
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from roborefer.errors import InputError, RoboReferError, said_in_process
from roborefer.training import run_state
from roborefer.training.batches import (
    NOTES,
    BatchSource,
    RunBatches,
    data_loader,
    loss_weight,
    without_notes,
)
from roborefer.training.configuration import TrainingConfig
from roborefer.training.meter import Meter, scalars
from roborefer.training.nan_batch import stop_at
from roborefer.training.parameters import optimizer_groups, trained_parameters
from roborefer.training.processes import join_processes

VALIDATION_LOSS = "validation_loss"
_VALIDATIONS, _VALIDATIONS_SHARE = 20, 0.25  # in a run, and of its time, unless the configuration says how many
_TRAINER_STATE = "trainer_state.json"  # the name under which transformers looks for it


class StageTrainer(Trainer):
    """Trains a model's trainable parameters on batches.

    Args:
        model: ``forward(**batch, **forward_options)`` returns a mapping with ``loss``, the mean over the batch's
            supervised tokens; other scalars in it are averaged and logged.
        config: How.
        run: The folder for checkpoints.
        training: The batches of this process.
        validation: Batches whose loss is told; None for none.
        forward_options: Given to every call of the model.
        identity: What must be the same for a run to go on, besides the order of the batches.
        callbacks: Of transformers; see :mod:`roborefer.training.reporting`.
        on_note: Called with each note of a batch.
    """

    # compute_loss divides by what all batches of the step hold.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        run: Path,
        training: BatchSource,
        *,
        validation: BatchSource | None = None,
        forward_options: Mapping[str, Any] | None = None,
        identity: Mapping[str, Any] | None = None,
        callbacks: Sequence[TrainerCallback] = (),
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.config, self.run = config, run
        self.training, self.validation = training, validation
        arguments = training_arguments(config, run)
        accumulation = arguments.gradient_accumulation_steps
        count = None if config.max_steps is None else config.max_steps * accumulation
        self.run_batches = RunBatches(training.batches, config.epochs, count)
        self._forward_options = dict(forward_options or {})
        self._identity = dict(identity or {})
        self._on_note = on_note
        self._step_batches: list[Mapping[str, Any]] = []
        self._meter = Meter()
        self.control: TrainerControl
        self.optimizer: torch.optim.Optimizer | None
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=training.dataset,
            data_collator=training.collate,
            callbacks=[*callbacks, _ValidateAtSteps(config, validation)],
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False
        if self.is_fsdp_enabled and config.precision == "bf16":
            # accelerate's own policy would round the loss and the sums of gradients to bfloat16 too.
            policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
            self.accelerator.state.fsdp_plugin.mixed_precision_policy = policy

    # ---- data --------------------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        return data_loader(self.training, self.run_batches, workers=self.config.workers, seed=self.config.seed)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        started = time.perf_counter()
        try:
            found: tuple[list[Any], Any] = super().get_batch_samples(epoch_iterator, num_batches, device)
        except RoboReferError as error:
            raise self._in_one_line(error) from error
        self._meter.waited += time.perf_counter() - started
        self._step_batches = list(found[0])
        return found

    def _in_one_line(self, error: RoboReferError) -> RoboReferError:
        """What a data loader's process raised, with what to do where a record is to blame."""
        text = said_in_process(error)
        if self.config.on_bad_record == "refuse":
            text = f"{text}; the same command with --set on_bad_record=skip goes on without it"
        return type(error)(text)

    def _validation_batches(self, source: BatchSource) -> Iterator[Any]:
        batches = RunBatches(source.batches, 1)
        loader: Iterable[Any] = data_loader(source, batches, workers=self.config.workers, seed=self.config.seed)
        try:
            yield from loader
        except RoboReferError as error:
            raise self._in_one_line(error) from error

    # ---- loss --------------------------------------------------------------------------------------------------------

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Tensor:
        """What all batches of the step weigh together, over all processes."""
        weight = sum((loss_weight(batch) for batch in batch_samples), torch.zeros((), dtype=torch.float64))
        return self._summed(weight)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        outputs = model(**without_notes(inputs), **self._forward_options)
        weight = loss_weight(inputs)
        self._meter.add(inputs, weight, scalars(outputs))
        for note in inputs.get(NOTES, ()):
            self._on_note(note)
        total = weight if num_items_in_batch is None else torch.as_tensor(num_items_in_batch)
        # Processes average their gradients; the factor makes that a sum.
        share = float(weight) / max(float(total), 1.0) * self.accelerator.num_processes
        loss = outputs["loss"] * share
        return (loss, outputs) if return_outputs else loss

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        if not torch.isfinite(loss):
            self._stop([inputs], f"the loss became {loss.item()}")
        if self.accelerator.sync_gradients:
            self._complete_gradients()
        return loss

    def _complete_gradients(self) -> None:
        """A part that no batch of the step needed has gradient 0, as it has where processes share gradients; without
        one AdamW would hold its momentum still, and a run would depend on how its batches are spread."""
        for _, parameter in trained_parameters(self.model):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if norm is not None and not torch.isfinite(torch.as_tensor(norm)):
            self._stop(self._step_batches, f"the gradient became {float(norm)}")
        return norm

    def _stop(self, batches: Sequence[Mapping[str, Any]], what: str) -> None:
        where = {
            "step": self.state.global_step + 1,
            "process": self.args.process_index,
            "processes": self.accelerator.num_processes,
            "learning_rate": self._get_learning_rate(),
        }
        raise stop_at(self.run, batches, self.training, what, where)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # transformers would count all parameters at every batch

    # ---- optimizer ---------------------------------------------------------------------------------------------------

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            config = self.config
            self.optimizer = torch.optim.AdamW(
                optimizer_groups(self.model if model is None else model, config),
                lr=config.learning_rate,
                betas=(config.adam_beta1, config.adam_beta2),
                eps=config.adam_epsilon,
                fused=True,
            )
        created: torch.optim.Optimizer = self.optimizer
        return created

    # ---- what is told ------------------------------------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs |= self._meter.told(self._summed)
            logs["epoch"] = self.run_batches.epoch_at(self.state.global_step * self.args.gradient_accumulation_steps)
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, logs)

    @torch.no_grad()
    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The loss over the validation data: all supervised tokens count alike."""
        if self.validation is None:
            return {}
        model = self.deepspeed or self.model
        model.eval()
        meter, total = Meter(), torch.zeros(2, dtype=torch.float64)
        for batch in self._validation_batches(self.validation):
            inputs = self._prepare_inputs(batch)
            outputs = model(**without_notes(inputs), **self._forward_options)
            weight = loss_weight(batch)
            meter.add(batch, weight, scalars(outputs))
            total += torch.stack([outputs["loss"].cpu().double() * weight, weight])
        loss, weight = self._summed(total).tolist()
        told = {VALIDATION_LOSS: loss / max(weight, 1.0)}
        told |= {f"validation_{name}": value for name, value in meter.metrics().items()}
        self.log(dict(told))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, told)
        return told

    def _summed(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, on the CPU."""
        if self.accelerator.num_processes == 1:
            return tensor
        summed: Tensor = self.accelerator.reduce(tensor.to(self.args.device), reduction="sum")
        return summed.cpu()

    # ---- checkpoints -------------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        main = bool(self.args.should_save)
        trained = self.accelerator.unwrap_model(self.model)
        tensors = {
            "weights": run_state.weights(trained, keep=main),
            "optimizer": run_state.optimizer_tensors(trained, _inner(self.optimizer), keep=main),
            "random": {"states": self.accelerator.gather(run_state.random_states()[None].to(self.args.device)).cpu()},
        }
        documents = {
            run_state.STATE_FILE: {
                "identity": self._expected(self.state.global_step),
                "schedule": self.lr_scheduler.state_dict(),
            },
            _TRAINER_STATE: _plain_state(self.state),
        }
        failure: InputError | None = None
        if main:
            try:
                folder = run_state.checkpoint_folder(self.run, self.state.global_step)
                run_state.write_checkpoint(folder, tensors, documents)
                run_state.remove_old_checkpoints(self.run, self.config.keep_checkpoints)
            except InputError as error:
                failure = error
        # A process that fails alone would leave the others waiting for it.
        if float(self._summed(torch.tensor(float(failure is not None)))):
            raise failure or InputError("the main process could not write a checkpoint; its message says why")

    def _expected(self, step: int) -> dict[str, Any]:
        """What a checkpoint must agree with: the run's identity and the order of its batches."""
        consumed = step * self.args.gradient_accumulation_steps
        describe = getattr(self.training.batches, "state_dict", None)
        order = None
        if describe is not None:
            epoch, behind = self.run_batches.place_of(consumed)
            self.training.batches.set_epoch(epoch)
            order = describe(behind)
        expected = {
            **self._identity,
            "batches": len(self.run_batches),
            "gradient_accumulation": self.args.gradient_accumulation_steps,
            "processes": self.accelerator.num_processes,
            "order": order,
        }
        plain: dict[str, Any] = json.loads(json.dumps(expected))  # as it is read back
        return plain

    def check_checkpoint(self, folder: Path) -> None:
        """Whether a checkpoint belongs to this very run.

        Raises:
            InputError: It does not; the message names what differs.
        """
        step = int(folder.name.rpartition("-")[2])
        found, expected = run_state.read_state(folder)["identity"], self._expected(step)
        for name, value in expected.items():
            if found.get(name) != value:
                raise InputError(
                    f"expected to go on with {name} {_short(found.get(name))} as in {folder}, got {_short(value)}: "
                    "give the same command as before, or another --out"
                )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Nothing yet: all of it is loaded once every process has its share of the model."""

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: DataLoader[Any], resume_from_checkpoint: str | None
    ) -> Any:
        prepared = super()._prepare_for_training(max_steps, train_dataloader, None)
        if resume_from_checkpoint is not None:
            self._load(Path(resume_from_checkpoint))
        self._meter = Meter()
        return prepared

    def _load(self, folder: Path) -> None:
        trained, optimizer = self.accelerator.unwrap_model(self.model), _inner(self.optimizer)
        run_state.load_weights(trained, folder)
        run_state.load_optimizer_tensors(trained, optimizer, folder, self.state.global_step)
        self.lr_scheduler.load_state_dict(run_state.read_state(folder)["schedule"])
        for group, rate in zip(optimizer.param_groups, self.lr_scheduler.get_last_lr(), strict=True):
            group["lr"] = rate

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            states = dict(run_state.stored_tensors(Path(checkpoint), "random"))["states"]
            run_state.set_random_states(states[self.args.process_index])


class _ValidateAtSteps(TrainerCallback):
    """Says when to validate and, after a resume with other intervals, when to log and to save."""

    def __init__(self, config: TrainingConfig, validation: BatchSource | None) -> None:
        self._config, self._every = config, 0
        self._batches = 0 if validation is None else len(RunBatches(validation.batches, 1))

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        state.logging_steps, state.save_steps = int(args.logging_steps), int(args.save_steps)
        training_batches = state.max_steps * args.gradient_accumulation_steps
        self._every = validation_interval(self._config, state.max_steps, training_batches, self._batches)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        ends = state.global_step >= state.max_steps
        if self._batches and (ends or (self._every and state.global_step % self._every == 0)):
            control.should_evaluate = True
        if ends:
            control.should_log = True


def validation_interval(config: TrainingConfig, steps: int, training_batches: int, validation_batches: int) -> int:
    """Steps between validations; 0 for only at the end.

    Args:
        config: ``validate_every`` decides, unless it is None.
        steps: Of the run.
        training_batches: Of the run, in each process.
        validation_batches: Of one validation.
    """
    if config.validate_every is not None:
        return config.validate_every
    if not config.validation_samples:
        return 0
    # A batch without gradients takes about a third of the time of one with them.
    longest = _VALIDATIONS_SHARE * training_batches * 3 / max(validation_batches, 1)
    return math.ceil(steps / max(1.0, min(_VALIDATIONS, longest)))


def training_arguments(config: TrainingConfig, run: Path) -> TrainingArguments:
    """transformers' arguments of a configuration; what they leave to the trainer is switched off."""
    return TrainingArguments(
        output_dir=str(run),
        per_device_train_batch_size=config.samples_per_batch,
        gradient_accumulation_steps=config.accumulation(join_processes().count),
        num_train_epochs=1,  # RunBatches holds all epochs, or max_steps
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule if config.schedule != "constant" else "constant_with_warmup",
        warmup_steps=config.warmup_ratio,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient_norm,
        bf16=config.precision == "bf16",
        activation_checkpointing=config.activation_checkpointing,
        logging_strategy="steps",
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=config.save_every or 10**9,
        eval_strategy="no",
        seed=config.seed,
        use_cpu=not torch.accelerator.is_available(),
        ddp_find_unused_parameters=False,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _inner(optimizer: Any) -> torch.optim.Optimizer:
    """torch's optimizer inside of accelerate's."""
    inner: torch.optim.Optimizer = getattr(optimizer, "optimizer", optimizer)
    return inner


def _plain_state(state: TrainerState) -> dict[str, Any]:
    """transformers' state without its log, which is kept elsewhere."""
    return {**vars(state), "log_history": [], "stateful_callbacks": {}}


def _short(value: object, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}..."
