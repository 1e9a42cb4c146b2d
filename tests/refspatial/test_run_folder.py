"""Whose a folder is: new, this run's, another run's, or somebody else's; and the list that the shards add up to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roborefer.errors import InputError
from roborefer.refspatial.run_folder import (
    FOLDERS,
    METADATA,
    opened_run,
    read_manifest,
    read_records,
    shard_path,
    write_metadata,
    write_shard,
)

SETTINGS = {"scenes": 3, "seed": 1, "views": [1, 2]}


def record(name: str) -> dict[str, Any]:
    return {"id": name, "image": [], "depth": [], "conversations": [], "think": [], "ours": "é\n"}


def message_of(folder: Path, settings: dict[str, Any] = SETTINGS) -> str:
    with pytest.raises(InputError) as caught, opened_run(folder, settings):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_folder_and_the_same_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with opened_run(folder, SETTINGS):
        assert {path.name for path in folder.iterdir() if path.is_dir()} == set(FOLDERS)
        (folder / "image" / ".half.png.part").touch()
    assert read_manifest(folder)["settings"] == SETTINGS
    with opened_run(folder, SETTINGS):
        assert not list((folder / "image").iterdir())


def test_an_empty_folder_with_what_a_kill_left(tmp_path: Path) -> None:
    for name in (".lock", ".manifest.json.part"):
        (tmp_path / name).touch()
    with opened_run(tmp_path, SETTINGS):
        pass
    assert read_manifest(tmp_path)["settings"] == SETTINGS


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        ({**SETTINGS, "seed": 2}, "seed 2 where it has 1"),
        ({**SETTINGS, "views": [1, 4]}, "views [1, 4] where it has [1, 2]"),
        ({"scenes": 3, "seed": 1}, "views null where it has [1, 2]"),
        ({**SETTINGS, "new": "a"}, 'new "a" where it has null'),
    ],
)
def test_another_run_is_refused(tmp_path: Path, settings: dict[str, Any], difference: str) -> None:
    with opened_run(tmp_path, SETTINGS):
        pass
    before = sorted(tmp_path.rglob("*"))
    assert message_of(tmp_path, settings) == (
        f"expected the settings of the run in {tmp_path}, got {difference}: "
        "give its settings to go on with it, or another --out"
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_another_version_is_refused(tmp_path: Path) -> None:
    with opened_run(tmp_path, SETTINGS):
        pass
    manifest = read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "version": "0.0"}), encoding="utf-8")
    assert 'where it has "0.0"' in message_of(tmp_path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name in ("d", "b", "a", "c"):
        (tmp_path / name).touch()
    assert message_of(tmp_path) == (
        f"expected an empty folder or a run to go on with, got {tmp_path} with a, b, c, ...: choose another --out"
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other"}'])
def test_a_manifest_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    assert message_of(tmp_path) == (
        f"expected a folder made by `roborefer generate`, got {tmp_path} with a manifest of something else: "
        "name another folder"
    )


def test_no_folder_at_all() -> None:
    with pytest.raises(InputError) as caught:
        read_manifest(Path("nowhere"))
    assert str(caught.value) == "expected a folder made by `roborefer generate`, got nowhere: check the path"


def test_a_second_process_is_kept_out_until_the_first_ends(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from roborefer.refspatial.run_folder import opened_run\n"
        f"with opened_run(Path(sys.argv[1]), {SETTINGS!r}):\n    print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        assert message_of(tmp_path) == (
            f"expected a folder for one process, got {tmp_path}, which another is writing to: "
            "wait for it, or choose another --out"
        )
        other.kill()
    with opened_run(tmp_path, SETTINGS):
        pass


def test_shards_add_up_to_one_list_of_the_published_keys(tmp_path: Path) -> None:
    with opened_run(tmp_path, SETTINGS):
        write_shard(tmp_path, 1, [record("c")])
        write_shard(tmp_path, 0, [record("a"), record("b")])
        write_shard(tmp_path, 2, [])
        write_metadata(tmp_path, 3)
    text = (tmp_path / METADATA).read_text(encoding="utf-8")
    assert [entry["id"] for entry in json.loads(text)] == ["a", "b", "c"]
    assert text.count("\n") == 5
    assert set(json.loads(text)[0]) == {"id", "image", "depth", "conversations", "think"}
    assert [entry["ours"] for entry in read_records(tmp_path)] == ["é\n"] * 3


def test_no_record_at_all_is_still_a_list(tmp_path: Path) -> None:
    with opened_run(tmp_path, SETTINGS):
        write_shard(tmp_path, 0, [])
        write_metadata(tmp_path, 1)
    assert json.loads((tmp_path / METADATA).read_text(encoding="utf-8")) == []


def test_a_shard_that_is_missing_or_broken_is_one_line_and_leaves_no_list(tmp_path: Path) -> None:
    with opened_run(tmp_path, SETTINGS):
        with pytest.raises(InputError, match=r"cannot read .*shard_00000\.jsonl"):
            write_metadata(tmp_path, 1)
        shard_path(tmp_path, 0).write_text(json.dumps(record("a")) + "\n{", encoding="utf-8")
        with pytest.raises(InputError) as caught:
            write_metadata(tmp_path, 1)
    assert str(caught.value) == (
        f"expected one record a line, got something else in line 2 of {shard_path(tmp_path, 0)}: "
        "delete that file and run the same command again"
    )
    assert not (tmp_path / METADATA).exists()
