"""``roborefer inspect``: a data folder as a page; what is wrong with training data; what a model is fed of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roborefer.cli.commands import Command, printable
from roborefer.errors import InputError

if TYPE_CHECKING:
    from roborefer.datasets.checks import CheckReport
    from roborefer.datasets.mixture import Mixture
    from roborefer.training.configuration import TrainingConfig

_PATH = click.Path(path_type=Path)
_EXIT_FAULTY = 1
_QUESTIONS, _SAMPLES = 24, 6
_CONFIG = "sft"


@click.command(
    cls=Command,
    examples=(
        "roborefer inspect data/sim",
        "roborefer inspect data/bench --out bench.html --count 60",
        "roborefer inspect --check data/sim+my_points.jsonl --workers 4",
        "roborefer inspect --check 3D_vacant_qa+simulation_dataset --data-root /data",
        "roborefer inspect data/sim+my_points.jsonl*2 --model checkpoints/RoboRefer-2B-SFT",
        "roborefer inspect my_points.jsonl --fed",
        "roborefer inspect data/sim --fed --config sft-2b-published --set max_turns=5",
    ),
)
@click.argument("data")
@click.option("--check", is_flag=True, help="List everything that is wrong with the records, with file and line.")
@click.option("--fed", is_flag=True, help="Show what a model is fed: tokens, labels, tiles.")
@click.option("--model", metavar="ID", help="Whose tokens and tiles --fed shows, which it implies. [default: packaged]")
@click.option(
    "--config", metavar="F", help=f"As of train: how --fed slices and labels, which it implies. [default: {_CONFIG}]"
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting of it; repeatable.")
@click.option("--registry", "registries", multiple=True, type=_PATH, help="YAML file with names of data sets.")
@click.option("--data-root", type=_PATH, help="Where RefSpatial's folder is. [default: the current folder]")
@click.option("--out", type=_PATH, help="The page; picture and numbers stand beside it. [default: in DATA]")
@click.option("--count", type=int, metavar="N", help="How many questions, or with --fed samples. [default: 24, 6]")
@click.option("--workers", type=int, default=1, metavar="W", help="Processes that check. [default: 1]")
@click.option("--headers", is_flag=True, help="Check pictures and depth by their headers, not every pixel: faster.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def inspect(
    data: str,
    check: bool,
    fed: bool,
    model: str | None,
    config: str | None,
    changes: tuple[str, ...],
    registries: tuple[Path, ...],
    data_root: Path | None,
    out: Path | None,
    count: int | None,
    workers: int,
    headers: bool,
    quiet: bool,
) -> None:
    """Look into DATA before a model does.

    DATA is a folder made by `roborefer generate`, and you get a page that needs no other file (picture, depth,
    question, the steps one by one, answer and mask, and the statistics as charts), the same as one picture, and the
    statistics as JSON.

    With --check or --fed it is any training data: a name such as simulation_dataset, a folder, a JSON or
    JSONL file, or a mixture such as a+b*2. --check lists what is wrong, and exits with 1 if anything is; --fed writes
    a page and a picture of what a model is really fed.
    """
    from roborefer.datasets.mixture import read_mixture

    if count is not None and count < 1:
        raise InputError(f"expected a count of 1 or more, got {count}")
    if workers < 1:
        raise InputError(f"expected workers of 1 or more, got {workers}")
    options = {"--fed": fed, "--model": model is not None, "--config": config is not None, "--set": bool(changes)}
    of_fed = [name for name, given in options.items() if given]
    if check and of_fed:
        raise InputError(f"expected --check or {of_fed[0]}, got both: run one after the other")
    if check and (out is not None or count is not None):
        name = "--count" if out is None else "--out"
        raise InputError(f"expected {name} with a page, got it with --check, which writes none: leave it out")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"expected a page's name (.html), got {out}: add .html")
    shows_progress = not quiet and sys.stderr.isatty()
    if check:
        mixture = read_mixture(data, registries=registries, data_root=data_root)
        if _list_faults(mixture, workers, pixels=not headers, progress=shows_progress):
            click.get_current_context().exit(_EXIT_FAULTY)
    elif of_fed:
        from roborefer.training.configuration import read_config

        settings = read_config(config or _CONFIG, changes)
        mixture = read_mixture(data, registries=registries, data_root=data_root)
        _show_fed(mixture, model, settings, out, count or _SAMPLES, workers, progress=shows_progress)
    else:
        _show_folder(Path(data), out, count or _QUESTIONS)


def _show_folder(folder: Path, out: Path | None, count: int) -> None:
    """A folder of the data engine as a page, a picture and numbers."""
    from roborefer.refspatial.atomic_files import make_folder, write_json, write_whole
    from roborefer.refspatial.contact_sheet import html_page, picture
    from roborefer.refspatial.inspection import inspected
    from roborefer.viz.files import write_picture

    page = folder / "inspect.html" if out is None else out
    entries, statistics = inspected(folder, count)
    make_folder(page.parent)
    write_json(page.with_name("statistics.json"), statistics)
    write_whole(page, html_page(folder.resolve().name, entries, statistics).encode())
    write_picture(picture(entries), page.with_suffix(".png"))
    click.echo(f"{len(entries)} of {statistics['questions']} questions in {printable(str(page))}")


def _list_faults(mixture: Mixture, workers: int, *, pixels: bool, progress: bool) -> int:
    """Prints every fault as it is found, then what there was; gives the number of faults."""
    from tqdm import tqdm

    from roborefer.datasets.sample_index import scan_size
    from roborefer.datasets.scanning import ReportBuilder, check_mixture

    builder = ReportBuilder()
    with tqdm(total=scan_size(mixture), desc="checking", unit="B", unit_scale=True, disable=not progress) as bar:
        for scanned in check_mixture(mixture, pixels=pixels, workers=workers):
            builder.add(scanned)
            for fault in scanned.faults:
                tqdm.write(printable(str(fault)), file=sys.stdout)
            bar.set_postfix(records=builder.records, faults=sum(builder.counts.values()), refresh=False)
            bar.update(scanned.size)
    report = builder.finish()
    for line in _report_lines(report):
        click.echo(line)
    return report.fault_count


def _report_lines(report: CheckReport) -> list[str]:
    from roborefer.datasets.checks import FAULT_KINDS, counted

    if not report.fault_count:
        return [f"nothing is wrong; can be used: {report.describe()}"]
    lines = [f"{count:7,} {kind}: {FAULT_KINDS[kind]}" for kind, count in sorted(report.counts.items())]
    usable = f"can be used: {report.describe()}; cannot: {report.describe_dropped()}"
    return [f"{counted(report.fault_count, 'problem')}:", *lines, usable]


def _show_fed(
    mixture: Mixture,
    model: str | None,
    settings: TrainingConfig,
    out: Path | None,
    count: int,
    workers: int,
    *,
    progress: bool,
) -> None:
    """What a model is fed, as a page and a picture, and in a few lines."""
    import numpy as np

    from roborefer.datasets.checks import counted
    from roborefer.datasets.fed_page import html_page, picture, summary
    from roborefer.datasets.fed_sample import fed_sample
    from roborefer.datasets.samples import ConversationDataset
    from roborefer.models.packaged import PACKAGED_MODEL
    from roborefer.models.processor import SpatialProcessor
    from roborefer.refspatial.atomic_files import make_folder, write_whole
    from roborefer.viz.files import write_picture

    page = _fed_page_path(mixture) if out is None else out
    processor = SpatialProcessor.from_pretrained(model or PACKAGED_MODEL)
    dataset = ConversationDataset(
        mixture,
        processor,
        on_bad_record="skip",
        most_turns=settings.max_turns,
        label_mask=settings.label_mask,
        seed=settings.seed,
        workers=workers,
        progress=progress,
    )
    spread = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))
    samples = [fed_sample(processor, dataset[int(index)]) for index in spread]
    lengths = dataset.lengths()
    lines = summary(samples, lengths, dataset.report)
    make_folder(page.parent)
    write_whole(page, html_page(mixture.text, samples, lengths, lines).encode())
    write_picture(picture(samples), page.with_suffix(".png"))
    for line in lines:
        click.echo(line)
    if dataset.report.fault_count:
        click.echo(f"{counted(dataset.report.fault_count, 'problem')} left out; --check lists them")
    click.echo(f"{counted(len(samples), 'sample')} in {printable(str(page))}")


def _fed_page_path(mixture: Mixture) -> Path:
    """In the folder of the data where it is one, else here."""
    folder = Path(mixture.text)
    return folder / "fed.html" if folder.is_dir() else Path("fed.html")
