"""The files for big runs: they are read by the libraries that they are for, and name what the model has."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import FullyShardedDataParallelPlugin
from accelerate.utils.deepspeed import HfDeepSpeedConfig

from roborefer.cli.main import roborefer as command_line
from roborefer.training.configuration import shipped_names

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


def test_the_slurm_script_is_sound() -> None:
    script = FOLDER / "slurm.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text().replace("\\\n", " ")
    config = re.search(r"CONFIG=\$\{CONFIG:-([\w-]+)\}", text)
    assert config is not None
    assert config[1] in shipped_names()
    engine = re.search(r"ENGINE=\$\{ENGINE:-([\w-]+)\}", text)
    assert engine is not None
    assert (FOLDER / f"{engine[1]}.yaml").is_file()
    launch = re.search(r"-m roborefer (train .*?)\n", text)
    assert launch is not None
    words = shlex.split(launch[1].replace("$STAGE", "sft"))
    group = command_line.get_command(command_line.make_context("roborefer", []), words[0])
    assert group is not None
    context = group.make_context("train", [words[1], "--help"], resilient_parsing=True)
    command = group.get_command(context, words[1])  # type: ignore[attr-defined]
    command.make_context(words[1], words[2:], parent=context)


def test_the_slurm_script_says_what_it_lacks() -> None:
    result = subprocess.run(["bash", str(FOLDER / "slurm.sh")], capture_output=True, text=True, env={"MODEL": "m"})
    assert result.returncode != 0
    assert "name the mixture" in result.stderr
