"""``roborefer train``: the training stages, and the model of a run's checkpoint."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from roborefer.cli.commands import Command, Group, printable
from roborefer.errors import InputError

_PATH = click.Path(path_type=Path)


@click.group(
    cls=Group,
    examples=(
        "roborefer train align --model checkpoints/NVILA-2B-Depth --data simulation_dataset --out runs/align",
        "roborefer train sft --model runs/align/model --data simulation_dataset+simulation_dataset_RGB --out runs/sft",
        "roborefer train sft --data my_points.jsonl --config lora --out runs/mine",
        "roborefer train export runs/mine --out models/mine",
    ),
)
def train() -> None:
    """Train a model: depth alignment, supervised fine-tuning.

    Stopped or killed, the same command goes on where the last checkpoint is. torchrun and accelerate launch start it
    on many GPUs as they start any script; see docs/training.md.
    """


def _stage_options(default_config: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that both stages have."""
    options = (
        click.option("--model", metavar="M", help="Model to start from: folder or hub id. [default: the packaged one]"),
        click.option("--data", required=True, metavar="MIXTURE", help="Data sets, such as a+b*2 or my_points.jsonl."),
        click.option(
            "--config", default=default_config, metavar="F", help=f"Name or YAML. [default: {default_config}]"
        ),
        click.option("--out", type=_PATH, required=True, metavar="DIR", help="The run's folder."),
        click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting; repeatable."),
        click.option("--validation", metavar="MIXTURE", help="Data to validate on, in place of samples held out."),
        click.option("--registry", "registries", type=_PATH, multiple=True, metavar="R", help="YAML with data sets."),
        click.option("--data-root", type=_PATH, metavar="DIR", help="Where the known data sets are. [default: here]"),
        click.option("--resume/--no-resume", default=True, help="Go on with the run in DIR. [default: resume]"),
        click.option("--merge/--no-merge", default=True, help="With LoRA: also a whole model. [default: merge]"),
        click.option("--quiet", "-q", is_flag=True, help="Tell no progress."),
    )

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@train.command(
    cls=Command,
    examples=(
        "roborefer train align --model checkpoints/NVILA-2B-Depth --data 3D_choice_qa+3D_vacant_qa --out runs/align",
        "roborefer train align --model base --data data/sim --config align-2b-published --out runs/align",
    ),
)
@_stage_options("align")
def align(**options: Any) -> None:
    """Train the depth projector alone, on pictures with depth."""
    _run("align", **options)


@train.command(
    cls=Command,
    examples=(
        "roborefer train sft --model runs/align/model --data data/sim --out runs/sft",
        "roborefer train sft --data my_points.jsonl --config lora --set epochs=5 --out runs/mine",
        "roborefer train sft --data data/sim --set part_learning_rates.vision_tower=1e-5 --out runs/sft",
    ),
)
@_stage_options("sft")
def sft(**options: Any) -> None:
    """Train everything, or adapters, on answers.

    RGB-only, RGB-D and text-only records mix.
    """
    _run("sft", **options)


@train.command(
    cls=Command,
    examples=(
        "roborefer train export runs/sft --out models/sft",
        "roborefer train export runs/sft --checkpoint runs/sft/checkpoint-500 --out models/sft-500",
    ),
)
@click.argument("run", type=_PATH)
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="Folder for the model.")
@click.option("--checkpoint", type=_PATH, metavar="DIR", help="Which one. [default: the latest]")
@click.option("--merge/--no-merge", default=True, help="With LoRA: merge the adapters. [default: merge]")
def export(run: Path, out: Path, checkpoint: Path | None, merge: bool) -> None:
    """Write the model of RUN's checkpoint, while the run goes on or after it."""
    _need_accelerate()
    from roborefer.training.run_folder import RunFolder
    from roborefer.training.stages import export as write

    written = write(RunFolder(run), checkpoint=checkpoint, out=out, merge=merge)
    click.echo(f"model in {printable(str(written))}")


@train.command(
    cls=Command,
    examples=(
        "roborefer train nano --out runs/nano",
        "roborefer train nano --out runs/nano --minutes 30 --device cuda",
        "roborefer train nano --out runs/nano --scenes 20000 --updates 40000",
        "roborefer train nano --out runs/nano --views data/more --updates 25000 --cool-down 0.1",
    ),
)
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="Gets scenes, lessons, evaluation and model.")
@click.option("--scenes", type=int, default=15_000, metavar="N", help="Of training. [default: 15000]")
@click.option("--updates", type=int, default=20_000, metavar="N", help="Of the weights. [default: 20000]")
@click.option("--minutes", type=float, metavar="M", help="For the lessons: as many updates as fit, not --updates.")
@click.option(
    "--cool-down",
    type=float,
    default=0.25,
    metavar="SHARE",
    help="Of the updates, with a falling rate. [default: 0.25]",
)
@click.option("--views", "more_views", multiple=True, type=_PATH, help="More scenes, of `generate sim`; repeatable.")
@click.option("--workers", type=int, metavar="W", help="Processes that make scenes. [default: as many as cores]")
@click.option("--processes", type=click.IntRange(1, 2), help="That share the lessons. [default: 2 on a CPU, else 1]")
@click.option("--seed", type=int, default=0, metavar="S", help="Of all of it. [default: 0]")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N. [default: auto]")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing of what is being done.")
def nano(
    out: Path,
    scenes: int,
    updates: int,
    minutes: float | None,
    cool_down: float,
    more_views: tuple[Path, ...],
    workers: int | None,
    processes: int | None,
    seed: int,
    device: str,
    quiet: bool,
) -> None:
    """Make the packaged model from nothing: scenes, lessons, evaluation, model card.

    Stopped or killed, the same command goes on. On two cores the defaults take about half a day. With more --updates a
    finished model learns on, also from further --views.
    """
    from roborefer.training.pointing.recipe import NanoRecipe, make_nano

    workers = (os.cpu_count() or 1) if workers is None else workers
    if scenes < 1 or updates < 1 or workers < 1:
        raise InputError(f"expected 1 or more scenes, updates and workers, got {scenes}, {updates} and {workers}")
    if minutes is not None and not 0 < minutes < math.inf:
        raise InputError(f"expected a positive number of minutes, got {minutes:g}")
    if not 0 <= cool_down <= 1:
        raise InputError(f"expected a share from 0 to 1 for --cool-down, got {cool_down:g}")
    recipe = NanoRecipe(
        scenes=scenes,
        updates=updates,
        minutes=minutes,
        cool_down=cool_down,
        more_views=more_views,
        workers=workers,
        seed=seed,
        device=device,
        processes=processes,
        progress=not quiet,
    )

    def tell(text: str) -> None:
        if not quiet:
            click.echo(printable(text), err=True)

    click.echo(f"model in {printable(str(make_nano(out, recipe, tell)))}")


@train.command(cls=Command, examples=("roborefer train config", "roborefer train config lora > mine.yaml"))
@click.argument("name", required=False)
def config(name: str | None) -> None:
    """Print all settings of the configuration NAME as YAML, or the names that there are."""
    from roborefer.training.configuration import read_config, shipped_names

    if name is None:
        click.echo("\n".join(shipped_names()))
        return
    import yaml

    click.echo(yaml.safe_dump(read_config(name).to_dict(), sort_keys=False), nl=False)


def _run(
    stage: str,
    *,
    model: str | None,
    data: str,
    config: str,
    out: Path,
    changes: tuple[str, ...],
    validation: str | None,
    registries: tuple[Path, ...],
    data_root: Path | None,
    resume: bool,
    merge: bool,
    quiet: bool,
) -> None:
    _need_accelerate()
    from roborefer.training.configuration import read_config

    settings = read_config(config, changes, stage=stage)
    # Data loaders fork; tokenizers would warn of it at every worker.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from roborefer.models.packaged import PACKAGED_MODEL
    from roborefer.training.run_folder import RunSettings
    from roborefer.training.stages import run_stage

    written = run_stage(
        RunSettings(stage, model or str(PACKAGED_MODEL), data, settings, validation, registries, data_root),
        out,
        resume=resume,
        merge=merge,
        progress=not quiet,
        say=lambda text: click.echo(printable(text), err=True),
    )
    if os.environ.get("RANK", "0") == "0":
        click.echo(f"model in {printable(str(written))}")


def _need_accelerate() -> None:
    from importlib.util import find_spec

    if find_spec("accelerate") is None:
        raise InputError("expected accelerate for training, found none: pip install 'roborefer[train]'")
