"""``roborefer evaluate``: asks a benchmark's questions, scores the answers and shows what came out."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roborefer.cli.commands import Command, printable
from roborefer.cli.loading import device_options, load_model
from roborefer.errors import InputError

if TYPE_CHECKING:
    from roborefer.evaluation.asking import ApiName, Backend, DepthMode
    from roborefer.evaluation.profiles import Profile
    from roborefer.evaluation.protocols import ProtocolName
    from roborefer.evaluation.runner import RunResults, RunSettings
    from roborefer.evaluation.samples import Benchmark
    from roborefer.predictor import Predictor

_FOLDER = click.Path(path_type=Path)
_PROFILES = ("roborefer", "gemini", "molmo", "moondream", "qwen3", "qwen2.5", "robobrain", "robobrain2.5")
_WORKERS = 8
_FAILURES_SHOWN = 20


class _TaskListCommand(Command):
    """Takes ``--tasks A B C`` and ``--tasks A,B,C`` as well as one ``--tasks`` for each."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        in_tasks = False
        for word in args:
            if word.startswith("-"):
                in_tasks = word == "--tasks"
            elif in_tasks and spread[-1] != "--tasks":
                spread.append("--tasks")
            spread.append(word)
        try:
            return super().parse_args(ctx, spread)
        except click.MissingParameter as error:
            if "--tasks" not in args:
                raise
            raise InputError(
                "expected BENCH before --tasks, got only tasks: roborefer evaluate BENCH --tasks ..."
            ) from error


@dataclass(frozen=True)
class _Options:
    """The command's options, as they were given."""

    bench: str
    model: str | None
    url: str | None
    api: ApiName | None
    profile: str | None
    api_key_env: str | None
    tasks: tuple[str, ...]
    depths: tuple[DepthMode, ...]
    reasoning: bool
    out: Path | None
    limit: int | None
    protocol: ProtocolName
    compare: Path | None
    report: bool
    retry_failed: bool
    max_new_tokens: int | None
    batch_size: int
    workers: int | None
    timeout: float
    retries: int
    backoff: float
    rate: float | None
    revision: str | None
    device: str
    dtype: str
    seed: int
    quiet: bool


@click.command(
    cls=_TaskListCommand,
    examples=(
        "roborefer evaluate data/bench",
        "roborefer evaluate BAAI/RefSpatial-Bench --model checkpoints/RoboRefer-2B-SFT --tasks Location Placement",
        "roborefer evaluate data/bench --depth none --depth given --out runs/depth",
        "roborefer evaluate data/bench --url http://localhost:25547 --api query --depth estimated",
        "roborefer evaluate data/bench --url http://localhost:8000 --model Qwen/Qwen3-VL-4B-Instruct --profile qwen3",
    ),
)
@click.argument("bench")
@click.option(
    "--model", metavar="ID", help="Checkpoint folder or hub id, or a server's name for it. [default: packaged]"
)
@click.option("--tasks", multiple=True, metavar="NAME...", help="Which tasks; after BENCH. [default: all]")
@click.option(
    "--depth",
    "depths",
    multiple=True,
    type=click.Choice(["none", "given", "estimated"]),
    help="What depth the model sees; several are run one by one and compared. [default: none]",
)
@click.option("--reasoning/--no-reasoning", default=False, help="Ask for reasoning steps. [default: no]")
@click.option("--out", type=_FOLDER, help="Folder of the run. [default: runs/evaluation/BENCH-MODEL/depth-DEPTH]")
@click.option("--limit", type=int, metavar="N", help="Only the first N samples of each task.")
@click.option(
    "--protocol",
    type=click.Choice(["strict", "published", "lmms-eval", "easi"]),
    default="strict",
    help="By which rule the scores are; all are always shown side by side. [default: strict]",
)
@click.option("--compare", type=_FOLDER, metavar="RUN", help="Folder of another run over the same samples.")
@click.option("--report/--no-report", default=True, help="Write report.html, to leaf through. [default: yes]")
@click.option("--retry-failed", is_flag=True, help="Ask again what failed in an earlier run.")
@click.option("--url", metavar="URL", help="Ask this server in place of a model in this process.")
@click.option(
    "--api",
    type=click.Choice(["openai", "query", "gemini", "moondream"]),
    help="The server's interface; query is the published RoboRefer server's. [default: the profile's]",
)
@click.option("--profile", type=click.Choice(_PROFILES), help="How a family is asked and read. [default: roborefer]")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with the server's key.")
@click.option("--workers", type=int, metavar="N", help=f"Requests at the same time. [default: {_WORKERS}]")
@click.option("--timeout", type=float, default=120.0, metavar="S", help="Seconds for one request. [default: 120]")
@click.option("--retries", type=int, default=5, metavar="N", help="Tries after the first. [default: 5]")
@click.option("--backoff", type=float, default=1.0, metavar="S", help="First wait, then doubled. [default: 1]")
@click.option("--rate", type=float, metavar="N", help="Most requests a minute.")
@click.option(
    "--max-new-tokens",
    type=int,
    metavar="N",
    help="Longest reply. [default: 128; reasoning 768; --url 1024, Gemini 8192]",
)
@click.option("--batch-size", type=int, default=16, metavar="N", help="Questions about one picture. [default: 16]")
@click.option("--revision", metavar="NAME", help="Branch, tag or commit of a benchmark on the hub.")
@device_options
@click.option("--seed", type=int, default=0, metavar="S", help="Of the 95 % intervals. [default: 0]")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def evaluate(**given: Any) -> None:
    """Judge a model on BENCH: a benchmark's folder, a file of your own points, or an id on the hub.

    Writes answers.jsonl, results.json and report.html into the run's folder and prints a table. Stopped or killed, the
    same command goes on where it was. Exits with 0 when all was asked, also where requests failed: they are listed,
    and count as wrong.
    """
    from roborefer.evaluation.benchmarks.opening import open_benchmark
    from roborefer.evaluation.comparison import check_same_questions
    from roborefer.evaluation.report import REPORT, write_report
    from roborefer.evaluation.results_file import read_results, results_content

    options = _Options(**given)
    _check(options)
    tasks = [task for named in options.tasks for task in named.split(",") if task]
    benchmark = open_benchmark(options.bench, tasks=tasks, limit=options.limit, revision=options.revision)
    depths = tuple(dict.fromkeys(options.depths)) or ("none",)
    baseline = None if options.compare is None else read_results(options.compare)
    if baseline is not None:
        check_same_questions(baseline, benchmark)
    runs: list[RunResults] = []
    for depth in depths:
        folder = options.out if options.out is not None and len(depths) == 1 else _folder(options) / f"depth-{depth}"
        results = _run(options, benchmark, depth, folder)
        if options.report:
            other = baseline or (results_content(runs[0]) if runs else None)
            write_report(folder / REPORT, results, other, options.seed)
        _show(results, folder)
        runs.append(results)
    _compare(options, runs, baseline)


def _check(options: _Options) -> None:
    if options.batch_size < 1:
        raise InputError(f"expected --batch-size of at least 1, got {options.batch_size}")
    if options.workers is not None and options.workers < 1:
        raise InputError(f"expected --workers of at least 1, got {options.workers}")
    if options.max_new_tokens is not None and options.max_new_tokens < 1:
        raise InputError(f"expected --max-new-tokens of at least 1, got {options.max_new_tokens}")
    if options.url is None and (options.api is not None or options.api_key_env is not None):
        raise InputError("expected --url with --api and --api-key-env, got none: name the server")


def _folder(options: _Options) -> Path:
    if options.out is not None:
        return options.out
    parts = [_plain(options.bench), _plain(options.model or options.url or "packaged")]
    return Path("runs") / "evaluation" / "-".join([*parts, *(["reasoning"] if options.reasoning else [])])


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name.rstrip("/").split("/")[-1])


def _run(options: _Options, benchmark: Benchmark, depth: DepthMode, folder: Path) -> RunResults:
    from tqdm import tqdm

    from roborefer.evaluation.results_file import RESULTS, write_results
    from roborefer.evaluation.robospatial_eval import ROBOSPATIAL_RESULTS, is_robospatial, write_robospatial_results
    from roborefer.evaluation.runner import evaluate as run

    settings = _settings(options, depth)
    visible = not options.quiet and sys.stderr.isatty()
    with (
        tqdm(total=len(benchmark.samples), unit="answer", disable=not visible, dynamic_ncols=True) as bar,
        _backend(options, settings) as backend,
    ):
        results = run(
            benchmark,
            backend,
            settings,
            folder,
            batch_size=options.batch_size if options.url is None else 1,
            workers=1 if options.url is None else options.workers or _WORKERS,
            retry_failed=options.retry_failed,
            protocol=options.protocol,
            seed=options.seed,
            on_answers=bar.update,
        )
    write_results(folder / RESULTS, results)
    if is_robospatial(results):
        write_robospatial_results(folder / ROBOSPATIAL_RESULTS, results)
    return results


def _profile(options: _Options) -> Profile:
    from roborefer.evaluation.profiles import DEFAULT_PROFILE, PROFILES

    return PROFILES[options.profile or DEFAULT_PROFILE]


def _settings(options: _Options, depth: DepthMode) -> RunSettings:
    from roborefer.evaluation.runner import RunSettings

    told: dict[str, Any] = {"max_new_tokens": options.max_new_tokens}
    if options.url is None:
        told["dtype"] = options.dtype
    else:
        told |= {"url": options.url, "api": options.api or _profile(options).api}
    return RunSettings(
        model=options.model or ("packaged" if options.url is None else options.url),
        fingerprint=_fingerprint(options.model) if options.url is None else "",
        depth=depth,
        reasoning=options.reasoning,
        profile=_profile(options).name,
        options=told,
    )


@contextmanager
def _backend(options: _Options, settings: RunSettings) -> Iterator[Backend]:
    if options.url is None:
        from roborefer.evaluation.backends.local import LocalBackend

        yield LocalBackend(partial(_load, options), depth_mode=settings.depth, max_new_tokens=options.max_new_tokens)
        return
    from roborefer.evaluation.backends.http_client import HttpClient, Patience, check_httpx
    from roborefer.evaluation.backends.servers import ServerBackend, ServerSettings

    check_httpx()
    profile = _profile(options)
    server = ServerSettings(
        url=options.url,
        api=options.api or profile.api,
        model=options.model or "roborefer",
        depth_mode=settings.depth,
        max_new_tokens=options.max_new_tokens,
        side=profile.side,
    )
    patience = Patience(options.timeout, options.retries, options.backoff, options.rate)
    with HttpClient(patience, _key_header(options, server.api)) as client:
        yield ServerBackend(server, client)


def _key_header(options: _Options, api: ApiName) -> dict[str, str]:
    from roborefer.evaluation.backends.servers import KEY_HEADERS

    if options.api_key_env is None:
        return {}
    key = os.environ.get(options.api_key_env, "").strip()
    if not key:
        raise InputError(f"expected a key in the variable {options.api_key_env}, got none: export it")
    name, lead = KEY_HEADERS[api]
    return {name: f"{lead}{key}"}


def _load(options: _Options) -> Predictor:

    visible = not options.quiet and sys.stderr.isatty()
    predictor = load_model(options.model, options.device, options.dtype, progress=visible)
    if predictor.untrained:
        click.echo("note: untrained weights: what they answer means nothing", err=True)
    return predictor


def _fingerprint(model: str | None) -> str:
    from roborefer.evaluation.model_fingerprint import folder_fingerprint, packaged_fingerprint

    if model is None:
        return packaged_fingerprint()
    return folder_fingerprint(Path(model)) if Path(model).is_dir() else ""


def _show(results: RunResults, folder: Path) -> None:
    from roborefer.evaluation.table import results_table

    settings = results.settings
    said = f"{results.benchmark.name}, {settings.model}, depth {settings.depth}"
    click.echo(printable(said + (", reasoning" if settings.reasoning else "")))
    click.echo(results_table(results))
    for note in results.benchmark.notes:
        click.echo(f"note: {printable(note)}")
    for line in results.failed[:_FAILURES_SHOWN]:
        click.echo(f"failed: {printable(f'{line.key}: {line.error}')}", err=True)
    if len(results.failed) > _FAILURES_SHOWN:
        click.echo(f"failed: {len(results.failed) - _FAILURES_SHOWN} more, all in results.json", err=True)
    click.echo(f"\nwrote {printable(str(folder))}\n")


def _compare(options: _Options, runs: list[RunResults], baseline: dict[str, Any] | None) -> None:
    """What depth bought, and the difference to another run."""
    from roborefer.evaluation.comparison import compare_runs, compare_scores, run_names, run_scores
    from roborefer.evaluation.results_file import scores_by
    from roborefer.evaluation.table import comparison_table

    for results in runs[1:]:
        names = (f"depth {runs[0].settings.depth}", f"depth {results.settings.depth}")
        click.echo(f"What depth bought, from {names[0]} to {names[1]}")
        click.echo(comparison_table(names, compare_runs(runs[0], results, options.seed)) + "\n")
    if baseline is not None:
        after = run_scores(runs[-1], options.protocol)
        pairs = compare_scores(scores_by(baseline, options.protocol), after, options.seed)
        first, second = run_names([baseline["settings"], asdict(runs[-1].settings)])
        click.echo(f"Compared with {printable(str(options.compare))}")
        click.echo(comparison_table((printable(first), printable(second)), pairs))
