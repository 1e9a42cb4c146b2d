"""Where one data set's files are: records, and the folders that their pictures' names are relative to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roborefer.errors import InputError
from roborefer.images import source_name

RECORD_SUFFIXES = (".json", ".jsonl")

# Files beside records that hold none.
_OTHER_FILES = frozenset({"manifest.json", "statistics.json", "dataset_info.json"})
_SHARDS, _METADATA = "shards", "metadata.json"
# What lies beside records; the longer names are those of RefSpatial's 3D part.
_IMAGES = ("image", "image_multi_view", "image_visual_choice")
_DEPTHS = ("depth", "depth_multi_view")
_MASKS = ("mask",)
# Some published records lack the underscore between video and frame: 424444992458914221666_wide_image.png.
_JOINED_NAME = re.compile(r"(\d{8})(\d+_wide_.*)")


@dataclass(frozen=True)
class DataSource:
    """One data set on disk.

    Attributes:
        name: Of the registry, or the path it was named by.
        files: JSON or JSONL files with records, in order.
        image_folders: Where the pictures' names start; tried in order.
        depth_folders: The same for depth; empty for RGB only.
        mask_folders: The same for the masks of one's own points.
    """

    name: str
    files: tuple[Path, ...]
    image_folders: tuple[Path, ...]
    depth_folders: tuple[Path, ...]
    mask_folders: tuple[Path, ...] = ()


def source_at(path: Path, name: str) -> DataSource:
    """A data set that is named by its path: a file of records, or a folder of such files.

    Of a folder, ``shards/*.jsonl`` are read where they are (`roborefer generate` writes them), else
    ``metadata.json``, else all JSON and JSONL files in it. Names of pictures, depth and masks start in ``image/``,
    ``depth/`` and ``mask/`` of the folder, or in the folder itself.

    Raises:
        InputError: There is nothing that could hold records.
    """
    if path.is_file():
        folder = path.parent.parent if path.parent.name == _SHARDS else path.parent
        return _source(name, (path,), folder)
    return _source(name, record_files(path), path)


def record_files(folder: Path) -> tuple[Path, ...]:
    """The files of records in a folder, in order.

    Raises:
        InputError: There are none.
    """
    shards = sorted((folder / _SHARDS).glob("*.jsonl"))
    if shards:
        return tuple(shards)
    if (folder / _METADATA).is_file():
        return (folder / _METADATA,)
    candidates = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [path for path in candidates if path.suffix.lower() in RECORD_SUFFIXES and path.name not in _OTHER_FILES]
    if not files:
        raise InputError(
            f"expected a folder with shards/, metadata.json or other JSON or JSONL files, got {source_name(folder)}: "
            "name the folder or the file that holds the records"
        )
    return tuple(files)


def find_file(folders: Sequence[Path], name: str) -> Path:
    """Where a file that a record names is; the first folder's if it is in none.

    A missing name is tried by its last part alone, and with the underscore that some published names lack.
    """
    for candidate in (name, Path(name).name, _JOINED_NAME.sub(r"\1_\2", Path(name).name)):
        for folder in folders:
            path = folder / candidate
            if path.is_file():
                return path
    return folders[0] / name


def _source(name: str, files: tuple[Path, ...], folder: Path) -> DataSource:
    images, depths, masks = (
        (*(path for kind in kinds if (path := folder / kind).is_dir()), folder) for kinds in (_IMAGES, _DEPTHS, _MASKS)
    )
    return DataSource(name, files, images, depths, masks)
