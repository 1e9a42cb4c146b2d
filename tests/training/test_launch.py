"""The files for big runs: they are read by the libraries that they are for, and name what the model has."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import FullyShardedDataParallelPlugin
from accelerate.utils.deepspeed import HfDeepSpeedConfig

from roborefer.cli.main import roborefer as command_line
from roborefer.training.configuration import read_config

from ..models.tiny_models import tiny_model  # noqa: TID252 - shared models

FOLDER = Path(__file__).parents[2] / "examples" / "training"


@pytest.mark.parametrize(("name", "kind"), [("fsdp2", "FSDP"), ("zero3", "DEEPSPEED")])
def test_accelerate_reads_its_configurations(name: str, kind: str) -> None:
    config = load_config_from_file(str(FOLDER / f"{name}.yaml"))
    assert config.distributed_type == kind
    assert config.num_processes == 8


def test_fsdp2_shards_layers_that_the_model_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in yaml.safe_load((FOLDER / "fsdp2.yaml").read_text())["fsdp_config"].items():
        variable = name.upper().replace("LAYER_CLS", "CLS")
        monkeypatch.setenv(variable, str(value).lower() if isinstance(value, bool) else str(value))
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    classes = {type(module).__name__ for module in tiny_model().modules()}
    assert plugin.transformer_cls_names_to_wrap is not None
    assert set(plugin.transformer_cls_names_to_wrap) <= classes
    plugin.set_auto_wrap_policy(tiny_model())


def test_deepspeed_is_told_to_slice_everything() -> None:
    content = json.loads((FOLDER / "zero3.json").read_text())
    config = HfDeepSpeedConfig(content)
    assert config.is_zero3()
    assert not config.is_offload()
    # Our own optimizer and schedule are kept, and batch sizes come from the run's configuration.
    assert "optimizer" not in content
    assert "scheduler" not in content
    assert {content[name] for name in ("train_batch_size", "gradient_accumulation_steps", "gradient_clipping")} == {
        "auto"
    }
    assert yaml.safe_load((FOLDER / "zero3.yaml").read_text())["deepspeed_config"]["deepspeed_config_file"] == (
        "examples/training/zero3.json"
    )


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """The environment of a job on two nodes, where starting something writes down its words."""
    scripts = {
        "scontrol": "echo first; echo second",
        "srun": 'shift; exec "$@"',
        "accelerate": 'printf "%s\\n" "$@"',
    }
    for name, script in scripts.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    job = {"SLURM_JOB_NODELIST": "first,second", "SLURM_JOB_ID": "7", "SLURM_NNODES": "2", "SLURM_NODEID": "0"}
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "MODEL": "a model", "DATA": "d", "OUT": "runs/o", **job}


@pytest.mark.parametrize("stage", ["align", "sft"])
def test_the_slurm_script_starts_the_stage(stage: str, cluster: dict[str, str]) -> None:
    more = ["--data-root", "/data of ours", "--set", "learning_rate=1e-5"]
    command = ["bash", str(FOLDER / "slurm.sh"), *more]
    run = subprocess.run(command, capture_output=True, text=True, env={**cluster, "STAGE": stage}, check=True)
    words = run.stdout.splitlines()
    engine = words[words.index("--config_file") + 1]
    assert (FOLDER.parents[1] / engine).is_file()
    assert words[words.index("--num_processes") + 1] == "16"
    assert words[words.index("--main_process_ip") + 1] == "first"
    words = words[words.index("roborefer") + 1 :]
    assert words[:6] == ["train", stage, "--model", "a model", "--data", "d"]
    assert words[-4:] == more
    group = command_line.get_command(command_line.make_context("roborefer", []), words[0])
    assert group is not None
    context = group.make_context("train", [words[1], "--help"], resilient_parsing=True)
    inner = group.get_command(context, words[1])  # type: ignore[attr-defined]
    options = inner.make_context(words[1], words[2:], parent=context).params
    assert read_config(options["config"], stage=stage).label_mask == "published"
    assert not options["quiet"]


def test_the_slurm_script_says_what_it_lacks() -> None:
    result = subprocess.run(["bash", str(FOLDER / "slurm.sh")], capture_output=True, text=True, env={"MODEL": "m"})
    assert result.returncode != 0
    assert "name the mixture" in result.stderr
