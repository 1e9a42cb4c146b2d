"""Speed and memory of training, against transformers' Trainer with a padding collator on the same model and data.

Three ways to train on the same multi-turn records of mixed length (one to fifteen questions a picture, half of them
with depth, some text alone):

* ``baseline``: transformers' Trainer as it comes: batches in random order, padded to their longest sample;
* ``padded``: ours without packing: batches of samples of about equal length, padded;
* ``packed``: ours: no padding, attention inside each sample, the vocabulary scored at supervised tokens alone.

Each run is a process of its own (its peak memory is its own) and goes twice over the same samples, which its seed has
drawn; the second time is timed. Ways take turns, medians are told. Rates are per second and, since other work may run
on the machine, per second of this process's CPU time.

Usage:
    python benchmarks/training.py --output benchmarks/results/training.json
    python benchmarks/training.py --models tiny --repeats 1 --steps 2        # a minute, to try the script
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reporting import machine, peak_memory_gb, write_report

WAYS = ("baseline", "padded", "packed")
RECORDS = 240


def main() -> None:
    arguments = _parse_arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if arguments.worker:
        print(json.dumps(_train(arguments)))
        return
    report: dict[str, Any] = {"command": "python " + " ".join(sys.argv), "machine": machine(), "models": {}}
    report |= {name: getattr(arguments, name) for name in ("batch", "steps", "repeats", "threads", "precision")}
    with tempfile.TemporaryDirectory() as folder:
        data = write_data(Path(folder))
        for model in arguments.models:
            runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
            for repeat in range(arguments.repeats):
                for way in WAYS:
                    runs[way].append(_run_worker(arguments, model, way, repeat, data))
                report["models"][model] = {"runs_of_each": repeat + 1, **_summary(runs)}
                write_report(arguments.output, report)
    print(json.dumps(report, indent=2))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=["nano", "2b-cut"], help="nano (the packaged one), tiny, 2b-cut, or a folder"
    )
    parser.add_argument("--batch", type=int, default=6, help="samples a step: the paper's for sft, 2B")
    parser.add_argument("--steps", type=int, default=8, help="steps that are timed, after as many that are not")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--output", type=Path, default=None, help="JSON file, written after each model")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_worker(arguments: argparse.Namespace, model: str, way: str, seed: int, data: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--worker", way, "--models", model, "--data", str(data), "--seed", str(seed)]
    for name in ("batch", "steps", "threads", "precision"):
        command += [f"--{name}", str(getattr(arguments, name))]
    print(f"{model}, {way}, run {seed + 1} ...", file=sys.stderr, flush=True)
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return result


def _summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians of each way, and how many times the baseline's rates ours are."""
    medians = {
        way: {name: round(statistics.median(run[name] for run in results), 4) for name in results[0]}
        for way, results in runs.items()
    }
    for way in WAYS[1:]:
        for kind in ("second", "cpu_second"):
            name = f"supervised_tokens_per_{kind}"
            # Runs of one seed are neighbours in time.
            ratios = [ours[name] / theirs[name] for ours, theirs in zip(runs[way], runs["baseline"], strict=True)]
            medians[way][f"times_baseline_per_{kind}"] = round(statistics.median(ratios), 2)
    return medians


# ---- data ----------------------------------------------------------------------------------------------------------


def write_data(folder: Path) -> Path:
    """Records as RefSpatial's are: a picture of 448x448, depth for every other, one to fifteen questions."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    (folder / "image").mkdir()
    (folder / "depth").mkdir()
    lines = []
    for number in range(RECORDS):
        record: dict[str, Any] = {"id": str(number), "conversations": _conversation(random)}
        if number % 20:  # one in twenty is text alone, as instruction data may be
            coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
            picture = coarse.resize((448, 448), Image.Resampling.BICUBIC)
            picture.save(folder / "image" / f"{number}.jpg")
            record["image"] = [f"{number}.jpg"]
            if number % 2:
                picture.convert("L").save(folder / "depth" / f"{number}.png")
                record["depth"] = [f"{number}.png"]
        lines.append(json.dumps(record))
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def _conversation(random: Any) -> list[dict[str, str]]:
    from roborefer.answers.prompts import POINT_SUFFIX

    kinds = ("cup", "plate", "drill", "stapler", "laptop", "lamp", "bowl", "bottle")
    turns = []
    for _ in range(int(random.integers(1, 16))):
        one, other = random.choice(kinds, 2)
        x, y = random.random(2)
        question, answer = (
            (
                f"Which is closer to the viewer, the {one} or the {other}? (A) the {one} (B) the {other}",
                f"(A) the {one}",
            ),
            (f"Please point to the {one} behind the {other}. {POINT_SUFFIX}", f"[({x:.3f}, {y:.3f})]"),
            (f"How far is the {one} from the {other}?", f"The {one} is {10 * x:.2f} meters from the {other}."),
        )[int(random.integers(3))]
        turns += [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return turns


# ---- workers -------------------------------------------------------------------------------------------------------


def _model(name: str) -> tuple[Any, Any]:
    """A model with random weights, and its processor."""
    from roborefer.models import checkpoint
    from roborefer.models.config import preset
    from roborefer.models.packaged import PACKAGED_MODEL
    from roborefer.models.processor import SpatialProcessor
    from roborefer.models.prompt import media_token_ids
    from roborefer.models.spatial_vlm import SpatialVLM
    from roborefer.models.untrained import UNTRAINED_MODEL, random_model

    if name not in ("tiny", "2b-cut"):
        name = str(PACKAGED_MODEL) if name == "nano" else name
        processor = SpatialProcessor.from_pretrained(name)
        return SpatialVLM.from_pretrained(name, tokenizer=processor.tokenizer), processor
    config = preset("2b" if name == "2b-cut" else name)
    if name == "2b-cut":
        # Two layers of the language model and of each tower are computed. The vocabulary is cut as the layers are
        # (151,652 * 2 / 28), so that the head has the share of the work that it has in the whole model.
        config.text_config.num_hidden_layers, config.text_config.vocab_size = 2, 10_832
        config.text_config.layer_types = config.text_config.layer_types[:2]
        for tower in (config.vision_config, config.depth_config):
            tower.num_hidden_layers = 3
    tokenizer = checkpoint.load_tokenizer(UNTRAINED_MODEL)
    model = random_model(config)
    model.set_media_tokens(*media_token_ids(tokenizer))
    return model, SpatialProcessor(tokenizer, config)


def _train(arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    from roborefer.datasets.mixture import read_mixture
    from roborefer.datasets.samples import ConversationDataset

    torch.set_num_threads(arguments.threads)
    model, processor = _model(arguments.models[0])
    model.set_trainable("sft")
    everything = ConversationDataset(read_mixture(str(arguments.data)), processor)
    data = _Some(everything, arguments.batch * arguments.steps, arguments.seed)
    clock = _clock(arguments.steps)
    with tempfile.TemporaryDirectory() as folder:
        train = _baseline if arguments.worker == "baseline" else _ours
        batches = train(arguments, model, processor, data, Path(folder), clock)
    timed = batches[arguments.steps : 2 * arguments.steps]
    lengths = [[_length(processor, sample) for sample in batch] for batch in timed]
    supervised = sum(_supervised(sample) for batch in timed for sample in batch)
    computed = sum(sum(batch) if arguments.worker == "packed" else max(batch) * len(batch) for batch in lengths)
    tokens, samples = sum(map(sum, lengths)), sum(map(len, lengths))
    reading = _seconds_of_reading(data)
    return {
        "samples_per_second": samples / clock.seconds,
        "tokens_per_second": tokens / clock.seconds,
        "supervised_tokens_per_second": supervised / clock.seconds,
        "supervised_tokens_per_cpu_second": supervised / clock.cpu_seconds,
        "padding_waste": 1 - tokens / computed,
        "reading_share": reading * samples / clock.cpu_seconds,
        "peak_memory_gb": peak_memory_gb(),
    }


class _Some:
    """Some samples of a data set."""

    def __init__(self, data: Any, count: int, seed: int) -> None:
        import numpy as np

        self._data = data
        self._positions = np.random.default_rng(seed).permutation(len(data))[:count]

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, key: Any) -> Any:
        return self._data[int(self._positions[key[1] if isinstance(key, tuple) else key])]

    def lengths(self) -> Any:
        return self._data.lengths()[self._positions]


def _clock(warm_up: int) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Time between the end of the warm-up and the end of the last step."""

        seconds = cpu_seconds = 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            now = time.perf_counter(), time.process_time()
            if state.global_step == warm_up:
                self.started = now
            elif state.global_step > warm_up:
                self.seconds, self.cpu_seconds = now[0] - self.started[0], now[1] - self.started[1]

    return Clock()


def _baseline(
    arguments: argparse.Namespace, model: Any, processor: Any, data: Any, folder: Path, clock: Any
) -> list[list[Any]]:
    """transformers' Trainer, a random order and a padding collator; the samples that each step had."""
    import torch
    from transformers import PrinterCallback, Trainer, TrainingArguments

    batches: list[list[Any]] = []

    def collate(samples: list[Any]) -> dict[str, Any]:
        batches.append([sample.encoded for sample in samples])
        # A point head's loss comes with the text's, or not at all.
        options = {} if model.point_head is None else {"loss_only": True}
        return dict(processor.collate(batches[-1])) | options

    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=arguments.batch,
            max_steps=2 * arguments.steps,
            learning_rate=1e-5,
            bf16=arguments.precision == "bf16",
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            seed=arguments.seed,
        ),
        train_dataset=data,
        data_collator=collate,
        callbacks=[clock],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return batches


def _ours(
    arguments: argparse.Namespace, model: Any, processor: Any, data: Any, folder: Path, clock: Any
) -> list[list[Any]]:
    """Our trainer with batches of as many samples."""
    from roborefer.datasets.batching import TokenBudgetBatchSampler
    from roborefer.datasets.collator import ConversationCollator
    from roborefer.training.batches import BatchSource
    from roborefer.training.configuration import TrainingConfig
    from roborefer.training.trainer import StageTrainer

    packed = arguments.worker == "packed"
    batches: list[list[Any]] = []
    collator = ConversationCollator(processor, packed=packed)

    def collate(samples: list[Any]) -> dict[str, Any]:
        batches.append([sample.encoded for sample in samples])
        return collator(samples)

    sampler = TokenBudgetBatchSampler(
        data.lengths(), max_samples_per_batch=arguments.batch, packed=packed, seed=arguments.seed
    )
    config = TrainingConfig(
        learning_rate=1e-5,
        max_steps=2 * arguments.steps,
        samples_per_batch=arguments.batch,
        packing=packed,
        precision=arguments.precision,
        activation_checkpointing=False,
        workers=0,
        save_every=0,
    )
    trainer = StageTrainer(
        model,
        config,
        folder,
        BatchSource(data, sampler, collate),
        forward_options={"loss_only": True},
        callbacks=[clock],
    )
    trainer._save_checkpoint = lambda *_: None  # the one at the end is not training
    trainer.train()
    return batches


def _length(processor: Any, sample: Any) -> int:
    from roborefer.datasets.lengths import fused_length

    return fused_length(processor, sample)


def _supervised(sample: Any) -> int:
    from roborefer.models.prompt import IGNORE_INDEX

    return sum(label != IGNORE_INDEX for label in sample.labels)


def _seconds_of_reading(data: Any) -> float:
    """CPU seconds to read and encode one sample."""
    started = time.process_time()
    for index in range(len(data)):
        data[index]
    return (time.process_time() - started) / len(data)


if __name__ == "__main__":
    main()
