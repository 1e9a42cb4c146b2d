"""Files of records are told apart by little of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.training.data_files import changed_since, fingerprint


def test_a_digit_makes_another_file(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    path.write_bytes(b'{"point": [0.61, 0.71]}\n')
    before = [fingerprint(path)]
    assert before == [{"name": "points.jsonl", "bytes": 24, "crc32": before[0]["crc32"]}]
    assert changed_since([path], before) is None
    path.write_bytes(b'{"point": [0.62, 0.71]}\n')
    assert changed_since([path], before) == f"{path} changed since"


def test_more_files_are_other_data(tmp_path: Path) -> None:
    assert changed_since([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], [{}]) == "2 files of records, 1 then"


@pytest.mark.parametrize("place", [0, 1_500_000, 2_999_999])
def test_a_large_file_is_read_in_places(place: int, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    content = bytearray(3_000_000)
    path.write_bytes(content)
    before = fingerprint(path)
    width = 200_000  # more than lies between two places
    for position in range(max(0, place - width), min(len(content), place + width)):
        content[position] = 1
    path.write_bytes(content)
    assert fingerprint(path) != before


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fingerprint(tmp_path / "none.jsonl")
    assert str(caught.value) == f"cannot read {tmp_path / 'none.jsonl'}: No such file or directory; check it"
