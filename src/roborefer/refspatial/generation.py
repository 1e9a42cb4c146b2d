"""From a seed to a RefSpatial folder: scenes, questions, records, in shards that any number of workers make.

A scene's bytes depend on the settings and its index alone, so it does not matter who makes it, when, or how often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMethod
from roborefer.refspatial.atomic_files import write_json
from roborefer.refspatial.executors import import_ray, in_processes, in_ray_cluster, in_this_process
from roborefer.refspatial.held_out import HELD_OUT_COMBINATIONS, Branch, scene_generators
from roborefer.refspatial.run_folder import LICENCES, opened_run, shard_path, write_metadata, write_shard
from roborefer.refspatial.writer import MOST_TURNS, AskedScene, PictureFormat, view_name, write_scene

if TYPE_CHECKING:
    from roborefer.refspatial.questions import Question
    from roborefer.refspatial.scene_graph import Scene
    from roborefer.refspatial.simulation.assets import AssetFolders
    from roborefer.refspatial.simulation.renderer import Renderer

ExecutorName = Literal["local", "ray"]

MOST_VIEWS = 4
SMALLEST_SIDE, LARGEST_SIDE = 64, 4096

_ATTEMPTS = 10


@dataclass(frozen=True)
class GenerationSettings:
    """All that the bytes of a run depend on, besides the version of the library.

    Attributes:
        scenes: How many.
        seed: 0 or more.
        image_sizes: (width, height) pixels; each scene takes one of them.
        views: Fewest and most cameras a scene.
        questions: Most about one view, marks and pairs of views aside.
        demanding: Most questions besides, for places of three steps and more, at stated lengths, and ranked things.
        depth_sensor: Name of the depth sensor's model, None for exact depth.
        depth_picture: How metric depth becomes the 8-bit picture.
        picture_format: Of the pictures; "jpg" takes a sixth of the room.
        assets: Own meshes that scenes draw from besides the simulator's things; None for these alone.
        scenes_per_shard: Scenes whose records share a file, and are lost together when a run is killed.
    """

    scenes: int
    seed: int = 0
    image_sizes: tuple[tuple[int, int], ...] = ((640, 480),)
    views: tuple[int, int] = (1, 4)
    questions: int = MOST_TURNS
    demanding: int = 0
    depth_sensor: str | None = None
    depth_picture: DepthMethod = "inverse"
    picture_format: PictureFormat = "png"
    assets: AssetFolders | None = None
    scenes_per_shard: int = 10

    def __post_init__(self) -> None:
        check_at_least("scenes", self.scenes, 1)
        check_at_least("seed", self.seed, 0)
        check_at_least("scenes per shard", self.scenes_per_shard, 1)
        check_at_least("questions", self.questions, 1)
        check_at_least("demanding questions", self.demanding, 0)
        fewest, most = self.views
        if not 1 <= fewest <= most <= MOST_VIEWS:
            raise InputError(f"expected 1 to {MOST_VIEWS} views a scene, fewest first, got {fewest}-{most}")
        for width, height in self.image_sizes:
            check_image_size(width, height)
        if not self.image_sizes:
            raise InputError("expected at least one image size such as 640x480, got none")
        if self.depth_sensor is not None:
            from roborefer.refspatial.simulation.depth_sensor import SENSORS

            if self.depth_sensor not in SENSORS:
                raise InputError(f"expected a depth sensor of {', '.join(SENSORS)}, got {self.depth_sensor!r}")

    @property
    def shards(self) -> int:
        """How many files the records fill."""
        return -(-self.scenes // self.scenes_per_shard)

    def scenes_of_shard(self, shard: int) -> range:
        """The indices of a shard's scenes."""
        first = shard * self.scenes_per_shard
        return range(first, min(first + self.scenes_per_shard, self.scenes))

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **asdict(replace(self, assets=None)),
            "image_sizes": [list(size) for size in self.image_sizes],
            "views": list(self.views),
            "assets": None if self.assets is None else self.assets.to_json(),
        }


SceneMaker = Callable[[GenerationSettings, int], AskedScene]
"""Makes the scene of an index; what it gives depends on its two arguments alone."""


@dataclass(frozen=True)
class ShardResult:
    """What one shard added."""

    shard: int
    scenes: int
    images: int
    questions: int


def generate(
    folder: Path,
    settings: GenerationSettings,
    *,
    workers: int = 1,
    executor: ExecutorName = "local",
    make_scene: SceneMaker | None = None,
    on_start: Callable[[int], None] | None = None,
    on_shard: Callable[[ShardResult], None] | None = None,
) -> None:
    """Fills a RefSpatial folder, or goes on with one that was begun.

    Args:
        folder: New, empty, or begun with the same settings.
        settings: What to make.
        workers: Processes of this machine; with 1 all is done in this one. Not used by the executor ``ray``.
        executor: ``local``, or ``ray`` for the CPUs of a cluster.
        make_scene: What makes a scene; :func:`ask_scene` unless given. With several processes, a top-level function.
        on_start: Told how many scenes are there already.
        on_shard: Told of each shard when it is on disk.

    Raises:
        InputError: The folder holds something else, or cannot be written; no renderer; a worker died; the assets are
            no longer what the settings say.
    """
    check_at_least("workers", workers, 1)
    used = None if settings.assets is None else _licences(settings.assets)
    if executor == "ray":  # whether its nodes have a driver, only they can tell
        import_ray()
    elif make_scene is None:
        check_renderer()
    with opened_run(folder, settings.to_json()):
        if used is not None:
            write_json(folder / LICENCES, used)
        missing = [shard for shard in range(settings.shards) if not shard_path(folder, shard).exists()]
        if on_start is not None:
            on_start(settings.scenes - sum(len(settings.scenes_of_shard(shard)) for shard in missing))
        work = partial(generate_shard, folder.resolve(), settings, make_scene or ask_scene)
        for result in _results(work, missing, workers, executor):
            if on_shard is not None:
                on_shard(result)
        write_metadata(folder, settings.shards)


def generate_shard(folder: Path, settings: GenerationSettings, make_scene: SceneMaker, shard: int) -> ShardResult:
    """Makes all scenes of one shard; its records are written last, when all else is there."""
    records = []
    images = 0
    indices = settings.scenes_of_shard(shard)
    for index in indices:
        asked = make_scene(settings, index)
        records += write_scene(folder, asked, method=settings.depth_picture, picture_format=settings.picture_format)
        images += len(asked.views)
    write_shard(folder, shard, records)
    return ShardResult(shard, len(indices), images, sum(len(record["questions"]) for record in records))


def ask_scene(settings: GenerationSettings, index: int) -> AskedScene:
    """Simulates one training scene and asks about it; nothing that is held out is asked."""
    from roborefer.refspatial.questions import ask_pair

    views, generator = simulate(settings, index, "training")
    questions = tuple(tuple(_ask_view(scene, generator, settings)) for scene in views)
    pairs = []
    for second in range(1, len(views)):
        first, other = views[second - 1], views[second]
        about_both = ask_pair(first, other, generator, exclude_combinations=HELD_OUT_COMBINATIONS)
        pairs.append((second - 1, second, tuple(about_both)))
    return AskedScene(index, views, questions, tuple(pairs))


def _ask_view(scene: Scene, generator: np.random.Generator, settings: GenerationSettings) -> list[Question]:
    from roborefer.refspatial.questions import ask, ask_demanding

    questions = ask(scene, generator, settings.questions, exclude_combinations=HELD_OUT_COMBINATIONS)
    demanding = ask_demanding(scene, generator, settings.demanding, exclude_combinations=HELD_OUT_COMBINATIONS)
    asked = {question.phrase for question in questions}
    return questions + [question for question in demanding if question.phrase not in asked]


def simulate(settings: GenerationSettings, index: int, branch: Branch) -> tuple[tuple[Scene, ...], np.random.Generator]:
    """The views of one scene, named as their files, and the generator for its questions.

    Raises:
        InputError: There is no renderer, or no scene with these settings has room for things and cameras.
    """
    from roborefer.refspatial.simulation.simulate import simulate_scene

    catalog = None
    if settings.assets is not None:
        from roborefer.refspatial.simulation.assets import catalog_of

        catalog = catalog_of(settings.assets)
    for attempt in range(_ATTEMPTS):
        seed, choices, questions = scene_generators(settings.seed, index, branch, attempt)
        size = settings.image_sizes[int(choices.integers(len(settings.image_sizes)))]
        fewest, most = settings.views
        renderer = _renderer()
        try:
            scenes = simulate_scene(
                seed,
                renderer,
                views=int(choices.integers(fewest, most + 1)),
                image_size=size,
                depth_sensor=settings.depth_sensor,
                held_out=branch == "benchmark",
                catalog=catalog,
            )
        except InputError:
            # By bad luck no arrangement or no camera was found; the settings themselves were checked before.
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        named = (replace(scene, name=view_name(index, view), seed=seed) for view, scene in enumerate(scenes))
        return tuple(named), questions
    raise AssertionError  # the last attempt returns or raises


def _licences(folders: AssetFolders) -> list[dict[str, str]]:
    from roborefer.refspatial.simulation.assets import licences

    return licences(folders)


def check_renderer() -> None:
    """Finds out whether there is a renderer, before anything is written.

    Raises:
        InputError: There is none.
    """
    from roborefer.refspatial.simulation.opengl import check_opengl

    check_opengl()


@cache
def _renderer() -> Renderer:
    """One a process, for every size: making one takes longer than drawing with it, and the driver keeps some of its
    memory when it is released."""
    from roborefer.refspatial.simulation.opengl import OpenGLRenderer

    return OpenGLRenderer(16, 16)


def _results(
    work: Callable[[int], ShardResult], shards: Sequence[int], workers: int, executor: ExecutorName
) -> Iterator[ShardResult]:
    if not shards:
        return iter(())
    if executor == "ray":
        return in_ray_cluster(work, shards)
    if workers == 1:
        return in_this_process(work, shards)
    return in_processes(work, shards, min(workers, len(shards)))


def check_at_least(name: str, value: int, least: int) -> None:
    """Refuses a number below its least."""
    if value < least:
        raise InputError(f"expected {name} of {least} or more, got {value}")


def check_image_size(width: int, height: int) -> None:
    """Refuses pictures that would be too small to see something in, or too large to draw."""
    if not (min(width, height) >= SMALLEST_SIDE and max(width, height) <= LARGEST_SIDE):
        raise InputError(f"expected image sides of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, got {width}x{height}")
