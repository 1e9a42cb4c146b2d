"""Executors: every shard once, errors as they were raised, and a worker that dies."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.refspatial.executors import in_processes, in_ray_cluster, in_this_process
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.run_folder import write_shard

from .asked_scenes import made_up_scene

ROOT = Path(__file__).parents[2]
SETTINGS = GenerationSettings(6, 3, ((96, 72),), views=(1, 2), scenes_per_shard=1)
CLUSTER = """
import json, sys, time
from functools import partial
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from roborefer.errors import InputError
from roborefer.refspatial.executors import in_ray_cluster
from roborefer.refspatial.generation import GenerationSettings, generate
from tests.refspatial.asked_scenes import made_up_scene

def node_of(shard):
    time.sleep(0.5)
    return ray.get_runtime_context().get_node_id()

def fail(shard):
    raise InputError("a user's error")

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
settings = GenerationSettings(6, 3, ((96, 72),), views=(1, 2), scenes_per_shard=1)
generate(Path(sys.argv[1]), settings, executor="ray", make_scene=made_up_scene)
used = set(in_ray_cluster(node_of, range(8)))
try:
    list(in_ray_cluster(fail, range(3)))
except InputError as error:
    message = str(error)
nodes = len(ray.nodes())
ray.shutdown()
cluster.shutdown()
print(json.dumps({"nodes": nodes, "nodes_used": sorted(used), "error": message}))
"""


def test_in_this_process_is_in_order() -> None:
    assert list(in_this_process(math.factorial, [3, 1, 2])) == [6, 1, 2]


def test_in_processes_does_every_shard_once() -> None:
    assert sorted(in_processes(math.factorial, range(9), 2)) == [math.factorial(n) for n in range(9)]
    assert list(in_processes(math.factorial, [], 2)) == []


def test_what_a_worker_raises_arrives() -> None:
    with pytest.raises(ValueError, match="factorial"):
        list(in_processes(math.factorial, [1, -1, 2], 2))


def test_a_users_error_crosses_processes_whole(tmp_path: Path) -> None:
    work = partial(write_shard, tmp_path / "gone", records=())
    with pytest.raises(InputError, match="check the disk, or choose another folder"):
        list(in_processes(work, [0], 1))


def test_a_worker_that_dies_is_one_line() -> None:
    with pytest.raises(InputError) as caught:
        list(in_processes(os._exit, [9], 1))
    assert str(caught.value) == (
        "a worker process died, most likely for want of memory: run the same command again with fewer --workers; "
        "it goes on where it stopped"
    )


@pytest.mark.slow
def test_a_cluster_of_two_nodes_does_every_shard_once(tmp_path: Path) -> None:
    """Two nodes of one CPU each, as processes of this machine; the folder is what they share."""
    pytest.importorskip("ray", exc_type=ImportError)
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    report = json.loads(run.stdout.splitlines()[-1])
    assert report["nodes"] == 2
    assert len(report["nodes_used"]) == 2
    generate(tmp_path / "here", SETTINGS, make_scene=made_up_scene)
    for path in sorted((tmp_path / "here").rglob("*")):
        if path.is_file():
            there = tmp_path / "run" / path.relative_to(tmp_path / "here")
            assert there.read_bytes() == path.read_bytes(), path
    assert report["error"] == "a user's error"


def test_without_ray_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError) as caught:
        list(in_ray_cluster(math.factorial, [1]))
    assert str(caught.value) == "expected Ray for --executor ray, found none: pip install 'roborefer[ray]'"
    with pytest.raises(InputError, match=r"^expected Ray for --executor ray, found none"):
        generate(tmp_path / "run", SETTINGS, executor="ray")
    assert not (tmp_path / "run").exists()
