"""``roborefer generate``: training data and a benchmark from simulated scenes, and a check of what is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roborefer.cli.commands import Command, Group, printable
from roborefer.errors import InputError

if TYPE_CHECKING:
    from tqdm import tqdm

    from roborefer.refspatial.generation import ShardResult
    from roborefer.refspatial.simulation.assets import AssetFolders

# All paths are checked by the library, whose messages say what to do; click's would say less.
_FOLDER = click.Path(path_type=Path)
_EXIT_FAULTY = 1
_SENSORS = ("stereo", "structured_light", "time_of_flight")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


@click.group(
    cls=Group,
    examples=(
        "roborefer generate sim --scenes 1000 --out data/sim --workers 8",
        "roborefer generate bench --out data/bench",
        "roborefer generate check data/bench",
    ),
)
def generate() -> None:
    """Make training data and a benchmark in simulation.

    Scenes, pictures, depth, questions and their reasoning are made on this machine: nothing is downloaded.
    """


@generate.command(
    cls=Command,
    examples=(
        "roborefer generate sim --scenes 1000 --out data/sim",
        "roborefer generate sim --scenes 100000 --out data/sim --seed 7 --workers 16 --size 640x480 --size 480x640",
        "roborefer generate sim --scenes 1000 --out data/sim --depth-sensor stereo",
        "roborefer generate sim --scenes 1000 --out data/sim --assets my_meshes --asset-share 0.5",
    ),
)
@click.option("--scenes", type=int, required=True, metavar="N", help="How many scenes.")
@click.option("--out", type=_FOLDER, required=True, help="Folder to fill: new, empty, or of this very run.")
@click.option("--seed", type=int, default=0, metavar="S", help="Same seed, same bytes. [default: 0]")
@click.option("--workers", type=int, default=1, metavar="W", help="Processes. [default: 1]")
@click.option("--size", "sizes", multiple=True, metavar="WxH", help="Image size; several are mixed. [default: 640x480]")
@click.option("--views", default="1-4", metavar="A-B", help="Cameras a scene, fewest to most. [default: 1-4]")
@click.option("--questions", type=int, default=15, metavar="N", help="Most questions a view. [default: 15]")
@click.option(
    "--demanding",
    type=int,
    default=0,
    metavar="N",
    help="Most besides, for places of 3 steps and more or at a stated length, and ranked things. [default: 0]",
)
@click.option("--depth-sensor", metavar="NAME", help=f"Depth as {', '.join(_SENSORS)} gives it. [default: exact]")
@click.option(
    "--depth-picture",
    type=click.Choice(["inverse", "linear"]),
    default="inverse",
    help="How metres become the 8-bit picture: 1/z, or z as in RefSpatial's 3D files. [default: inverse]",
)
@click.option(
    "--pictures",
    type=click.Choice(["png", "jpg"]),
    default="png",
    help="Format of the pictures; jpg takes a sixth of the room. [default: png]",
)
@click.option(
    "--assets", type=_FOLDER, multiple=True, metavar="DIR", help="OBJ and GLB meshes of your own; may be repeated."
)
@click.option("--asset-share", type=float, metavar="P", help="How often a thing is one of yours. [default: 0.3]")
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where: on this machine, or on all CPUs of a Ray cluster. [default: local]",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def sim(
    scenes: int,
    out: Path,
    seed: int,
    workers: int,
    sizes: tuple[str, ...],
    views: str,
    questions: int,
    demanding: int,
    depth_sensor: str | None,
    depth_picture: str,
    pictures: str,
    assets: tuple[Path, ...],
    asset_share: float | None,
    executor: str,
    quiet: bool,
) -> None:
    """Make a RefSpatial folder for training.

    It holds simulated scenes with pictures, depth, questions and their reasoning. Stopped or killed, the same command
    goes on where it was. Meshes of your own need a JSON beside each that says what it is: see docs/data_engine.md.
    """
    from typing import cast

    from roborefer.geometry.depth import DepthMethod
    from roborefer.refspatial.generation import ExecutorName, GenerationSettings
    from roborefer.refspatial.generation import generate as generate_folder
    from roborefer.refspatial.writer import PictureFormat

    settings = GenerationSettings(
        scenes,
        seed,
        tuple(_read_size(size) for size in sizes) or ((640, 480),),
        _read_range(views),
        questions,
        demanding,
        depth_sensor,
        cast(DepthMethod, depth_picture),
        cast(PictureFormat, pictures),
        _read_assets(assets, asset_share),
    )
    bar = _SceneBar(scenes, shown=not quiet and sys.stderr.isatty())
    with bar:
        generate_folder(
            out,
            settings,
            workers=workers,
            executor=cast(ExecutorName, executor),
            on_start=bar.start,
            on_shard=bar.add,
        )
    click.echo(f"{bar.describe()} in {printable(str(out))}")


@generate.command(
    cls=Command,
    examples=(
        "roborefer generate bench --out data/bench",
        "roborefer generate bench --out data/small --location 30 --placement 30 --unseen 20 --workers 4",
    ),
)
@click.option("--out", type=_FOLDER, required=True, help="Folder to make: new or empty.")
@click.option("--location", type=int, default=300, metavar="N", help="Questions for an object. [default: 300]")
@click.option("--placement", type=int, default=300, metavar="N", help="Questions for free space. [default: 300]")
@click.option("--unseen", type=int, default=200, metavar="N", help="With relations training lacks. [default: 200]")
@click.option("--seed", type=int, default=0, metavar="S", help="Same seed, same bytes. [default: 0]")
@click.option("--workers", type=int, default=1, metavar="W", help="Processes. [default: 1]")
@click.option("--size", default="640x480", metavar="WxH", help="Image size. [default: 640x480]")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def bench(
    out: Path, location: int, placement: int, unseen: int, seed: int, workers: int, size: str, quiet: bool
) -> None:
    """Make RefSpatial-Sim-Bench, in RefSpatial-Bench's folder form.

    Its scenes and object shapes, and in Unseen its combinations of relations, are ones that `generate sim` never
    makes, whatever the seeds.
    """
    from tqdm import tqdm

    from roborefer.refspatial.benchmark_split import BenchmarkSettings, write_benchmark

    settings = BenchmarkSettings(seed, location, placement, unseen, _read_size(size))
    shown = not quiet and sys.stderr.isatty()
    with tqdm(total=sum(settings.sizes.values()), unit="question", disable=not shown, file=sys.stderr) as bar:
        manifest = write_benchmark(out, settings, workers=workers, on_question=lambda _: _count(bar))
    counts = ", ".join(f"{len(seeds)} {split}" for split, seeds in manifest["scene_seeds"].items())
    click.echo(f"{counts} questions in {printable(str(out))}")


@generate.command(cls=Command, examples=("roborefer generate check data/bench", "roborefer generate check data/sim"))
@click.argument("folder", type=_FOLDER)
def check(folder: Path) -> None:
    """Check that FOLDER is whole and unchanged.

    Everything is there, and on its side of the split between training and benchmark. A benchmark is compared with the
    SHA-256 sums in its manifest, a training folder with its own records. Exits with 1 when something is wrong, one
    line each.
    """
    from roborefer.refspatial.folder_check import check_folder

    counts, faults = check_folder(folder)
    for fault in faults:
        click.echo(printable(fault))
    found = ", ".join(f"{count} {name}" for name, count in counts.items())
    click.echo(f"{'sound' if not faults else f'{len(faults)} faults'}: {found}")
    if faults:
        click.get_current_context().exit(_EXIT_FAULTY)


class _SceneBar:
    """Scenes done and the time left, with images and questions a second."""

    def __init__(self, scenes: int, *, shown: bool) -> None:
        from tqdm import tqdm

        self.images = self.questions = self.before = 0
        self._scenes = scenes
        self._bar = tqdm(total=scenes, unit="scene", disable=not shown, file=sys.stderr, smoothing=0.1)

    def __enter__(self) -> None:
        self._bar.__enter__()

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def start(self, scenes: int) -> None:
        """Some are there from an earlier start; they do not count as speed."""
        self.before = scenes
        self._bar.initial = scenes
        self._bar.reset(self._scenes)

    def add(self, result: ShardResult) -> None:
        self.images += result.images
        self.questions += result.questions
        self._bar.update(result.scenes)
        seconds = self._bar.format_dict["elapsed"]
        if seconds:
            self._bar.set_postfix_str(
                f"{self.images / seconds:.1f} images/s, {self.questions / seconds:.0f} questions/s"
            )

    def describe(self) -> str:
        earlier = f" ({self.before} scenes were there)" if self.before else ""
        return f"{self.images} images, {self.questions} questions{earlier}"


def _count(bar: tqdm[Any]) -> None:
    bar.update()


def _read_assets(folders: tuple[Path, ...], share: float | None) -> AssetFolders | None:
    if not folders:
        if share is not None:
            raise InputError("expected --assets DIR with --asset-share, got none: name the folder of your meshes")
        return None
    from roborefer.refspatial.simulation.assets import DEFAULT_SHARE, AssetFolders

    return AssetFolders.of(folders, DEFAULT_SHARE if share is None else share)


def _read_size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InputError(f"expected a size such as 640x480, got {text!r}: give width and height in pixels")
    return int(match[1]), int(match[2])


def _read_range(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InputError(f"expected views such as 2 or 1-4, got {text!r}: give the fewest and the most")
    return int(match[1]), int(match[2] or match[1])
