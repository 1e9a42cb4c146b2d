"""Files that are whole or not there, and what is said when the system refuses them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roborefer.errors import InputError
from roborefer.refspatial.atomic_files import make_folder, remove_leftovers, write_json, write_whole


@pytest.mark.parametrize("content", [b"abc", [b"a", b"bc"], iter((b"abc",))])
def test_a_file_is_written_and_nothing_is_left_beside_it(tmp_path: Path, content: Any) -> None:
    write_whole(tmp_path / "a.bin", content)
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_older_file_stays_whole_when_the_new_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"new"
        assert path.read_bytes() == b"old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, chunks())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device; make room on the disk and run the same command again"),
        (errno.EACCES, "Permission denied; choose a folder that you may write to"),
        (errno.EROFS, "Read-only file system; choose a folder that you may write to"),
        (errno.EIO, "Input/output error; check the disk, or choose another folder"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError) as caught:
        write_whole(tmp_path / "a.bin", b"abc")
    assert str(caught.value) == f"cannot write {tmp_path / 'a.bin'}: {remedy}"
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_missing_or_a_file(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    write_json(tmp_path / "file", {"é": 1})
    assert (tmp_path / "file").read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(InputError, match="choose a folder, not a file"):
            make_folder(path)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError) as caught:
        make_folder(tmp_path)
    assert str(caught.value) == f"cannot write into {tmp_path}: choose a folder that you may write to"


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    for name in (".a.png.part", "a.png", ".lock", "b.part"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".lock", "a.png", "b.part"]
