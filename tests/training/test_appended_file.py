"""A file that is appended to while the disk is full is complete in the end."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from roborefer.training.appended_file import AppendedFile

from .tiny_runs import files_of_at_most


def test_what_the_system_refuses_is_written_with_what_comes_next(tmp_path: Path) -> None:
    file = AppendedFile(tmp_path / "new" / "log.jsonl")
    file.append(b"one\n")
    with files_of_at_most(6):
        for line in (b"two\n", b"three\n"):
            with pytest.raises(OSError, match="File too large") as caught:
                file.append(line)
            assert caught.value.errno == errno.EFBIG
            assert file.path.read_bytes() == b"one\n"  # not half of the next
    file.append(b"four\n")
    assert file.path.read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_nothing_makes_no_file(tmp_path: Path) -> None:
    file = AppendedFile(tmp_path / "log.jsonl")
    file.append(b"")
    assert not file.path.exists()
