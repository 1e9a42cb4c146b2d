"""What a folder is bound to by the run in it, and what not."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.training.run_folder import RunFolder, RunSettings

from .tiny_runs import settings


@pytest.fixture
def records(data: Path, tmp_path: Path) -> Path:
    """Records that a test may change."""
    return Path(shutil.copy(data, tmp_path / "records.jsonl"))


@pytest.fixture
def begun(records: Path, tmp_path: Path) -> RunFolder:
    """With a run of one step and no checkpoint."""
    folder = RunFolder(tmp_path / "run")
    run = settings(records, tmp_path / "model")
    assert folder.find(run, resume=True) is None
    folder.begin(run)
    (folder.path / "log.jsonl").write_text('{"step": 1, "loss": 2.0}\n')
    return folder


def refusal(folder: RunFolder, run: RunSettings) -> str:
    with pytest.raises(InputError) as caught:
        folder.find(run, resume=True)
    return str(caught.value)


def test_looking_for_a_run_begins_none(records: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.find(settings(records, tmp_path / "model"), resume=False) is None
    assert list(folder.path.iterdir()) == []


def test_a_run_without_a_step_binds_to_nothing(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    (begun.path / "log.jsonl").unlink()
    assert begun.find(settings(records, tmp_path / "model", samples_per_batch=1), resume=False) is None


def test_a_run_with_a_step_binds(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    assert refusal(begun, settings(records, tmp_path / "model", seed=3)) == (
        f"expected to go on with seed 0 as in {begun.path}, got 3: give the same command as before, or another --out"
    )
    with pytest.raises(InputError) as caught:
        begun.find(settings(records, tmp_path / "model"), resume=False)
    assert str(caught.value) == (
        f"expected a new folder with --no-resume, got {begun.path} with a run in it: name another --out, or remove it"
    )


def test_bad_records_may_be_skipped_from_here_on(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    assert begun.find(settings(records, tmp_path / "model", on_bad_record="skip"), resume=True) is None


def test_a_model_may_be_written_in_another_way(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    run = settings(records, tmp_path / "model")
    begun.find(replace(run, model=f"{tmp_path}/./model/"), resume=True)
    begun.find(replace(run, model=os.path.relpath(tmp_path / "model")), resume=True)
    assert refusal(begun, replace(run, model="models/m")) == (
        f"expected to go on with model '{tmp_path / 'model'}' as in {begun.path}, got 'models/m': give the same "
        "command as before, or another --out"
    )


def test_data_that_changed_are_noticed(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    records.write_text(records.read_text().replace("cup number 0", "cup number 9"))
    assert refusal(begun, settings(records, tmp_path / "model")) == (
        f"expected the data with which {begun.path} was started, got {records} changed since: put them back as they "
        "were, or give another --out"
    )


def test_a_run_that_knows_nothing_of_its_data_goes_on(begun: RunFolder, records: Path, tmp_path: Path) -> None:
    content = json.loads((begun.path / "run.json").read_text())
    del content["data_files"]
    (begun.path / "run.json").write_text(json.dumps(content))
    records.write_text(records.read_text() * 2)
    assert begun.find(settings(records, tmp_path / "model"), resume=True) is None


def test_the_data_to_validate_on_count_too(records: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(records, tmp_path / "other.jsonl"))
    run = replace(settings(records, tmp_path / "model"), validation=str(other))
    assert run.record_files() == [records, other]
