"""Spreads shards over one process, several, or a Ray cluster. What is written does not depend on which."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from importlib import import_module
from typing import Any, TypeVar

from roborefer.errors import InputError

_Result = TypeVar("_Result")
Work = Callable[[int], _Result]
"""Does one shard, by its number; a top-level function or a ``functools.partial`` of one, so that it can travel."""

# Shards that wait in line for each worker; more would only cost memory.
_AHEAD = 2
_ONE_THREAD = ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def in_this_process(work: Work[_Result], shards: Sequence[int]) -> Iterator[_Result]:
    """One shard after the other."""
    for shard in shards:
        yield work(shard)


def in_processes(work: Work[_Result], shards: Sequence[int], workers: int) -> Iterator[_Result]:
    """Shards over ``workers`` fresh processes; results come in the order in which they finish.

    The processes are spawned, not forked: an OpenGL context does not survive a fork. They end when this process ends,
    even when it is killed.

    Raises:
        InputError: A process died.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare_worker)
    waiting = iter(shards)
    running: set[Future[_Result]] = set()
    try:
        while True:
            while len(running) < workers * _AHEAD and (shard := next(waiting, None)) is not None:
                running.add(pool.submit(work, shard))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process died, most likely for want of memory: run the same command again with fewer --workers; "
            "it goes on where it stopped"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_ray_cluster(work: Work[_Result], shards: Sequence[int]) -> Iterator[_Result]:
    """Shards over the CPUs of a Ray cluster: the one that ``RAY_ADDRESS`` names, or this machine.

    All nodes must see the output folder under the same path.

    Raises:
        InputError: Ray is not installed, or its cluster cannot be reached.
    """
    ray = import_ray()
    started = not ray.is_initialized()
    if started:
        try:
            ray.init(log_to_driver=False)
        except ConnectionError as error:
            raise InputError(
                f"cannot reach the Ray cluster at {os.environ.get('RAY_ADDRESS', '')!r}: start it with `ray start "
                "--head`, or unset RAY_ADDRESS to use this machine"
            ) from error
    try:
        yield from _ray_results(ray, work, shards)
    finally:
        if started:
            ray.shutdown()


def import_ray() -> Any:
    """Ray's module, which is optional and so unknown to the type checker.

    Raises:
        InputError: It is not installed.
    """
    try:
        return import_module("ray")
    except ImportError as error:
        raise InputError("expected Ray for --executor ray, found none: pip install 'roborefer[ray]'") from error


def _ray_results(ray: Any, work: Work[_Result], shards: Sequence[int]) -> Iterator[_Result]:
    remote = ray.remote(num_cpus=1)(work_on_shard)
    ahead = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = iter(shards)
    running: list[Any] = []
    while True:
        while len(running) < ahead and (shard := next(waiting, None)) is not None:
            running.append(remote.remote(work, shard))
        if not running:
            return
        done, running = ray.wait(running, num_returns=1)
        try:
            yield from ray.get(done)
        except ray.exceptions.RayTaskError as error:
            # Ray wraps what a task raised; the user's one line is the cause.
            raise error.cause if isinstance(error.cause, InputError) else error from None


def work_on_shard(work: Work[_Result], shard: int) -> _Result:
    """One shard on a node of the cluster."""
    return work(shard)


def _prepare_worker() -> None:
    """A worker uses one core, and dies with the process that started it, and quietly on Ctrl-C."""
    import multiprocessing
    from multiprocessing.connection import wait as wait_for

    # Software rendering and matrix products would each take a thread per core, in every worker.
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in a child only

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
