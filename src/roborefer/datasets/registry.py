"""Names of data sets: the packaged registry, and YAML files of one's own in the same form.

::

    my_points:
      data_path: points.jsonl        # a file, or a folder of shards
      image_path: pictures           # where the names in the records start; the default is as for a plain path
      depth_path: depth              # left out: RGB only
      mask_path: masks               # only for points given as masks
      description: Mugs on our shelf
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from roborefer.datasets.quoting import kind_of, spelled
from roborefer.datasets.sources import DataSource, record_files, source_at
from roborefer.errors import InputError
from roborefer.images import one_line, source_name

PACKAGED_REGISTRY = Path(__file__).with_name("registry.yaml")

_KEYS = ("data_path", "image_path", "depth_path", "mask_path", "description")
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class RegistryEntry:
    """What a registry says of a data set; the paths need not exist.

    Attributes:
        name: Of the data set.
        data_path: A file of records, or a folder of such files.
        image_path, depth_path, mask_path: Where names in the records start; None for the default, which of
            ``depth_path`` is RGB only.
        description: For people.
    """

    name: str
    data_path: Path
    image_path: Path | None = None
    depth_path: Path | None = None
    mask_path: Path | None = None
    description: str = ""

    def source(self) -> DataSource:
        """The data set, its files found.

        Raises:
            InputError: Records or a folder of pictures are not there.
        """
        if not self.data_path.exists():
            raise InputError(
                f"expected the records of {self.name} in {source_name(self.data_path)}, found nothing there: "
                "put the data there, or say where it is with --data-root"
            )
        for folder in (self.image_path, self.depth_path, self.mask_path):
            if folder is not None and not folder.is_dir():
                raise InputError(
                    f"expected a folder of {self.name} at {source_name(folder)}, found none: unpack its archive there"
                )
        files = (self.data_path,) if self.data_path.is_file() else record_files(self.data_path)
        plain = source_at(self.data_path, self.name)
        return DataSource(
            self.name,
            files,
            plain.image_folders if self.image_path is None else (self.image_path,),
            () if self.depth_path is None else (self.depth_path,),
            plain.mask_folders if self.mask_path is None else (self.mask_path,),
        )


def read_registries(registries: Sequence[Path] = (), data_root: Path | None = None) -> dict[str, RegistryEntry]:
    """All names that are known: the packaged ones, and those of one's own files.

    Args:
        registries: One's own; a name in a later file goes before the same name in an earlier one.
        data_root: Where the packaged names' paths start; None for the current folder. Paths in one's own files start
            in the file's folder.

    Raises:
        InputError: A file cannot be read, or an entry is not as it should be.
    """
    entries = _read(PACKAGED_REGISTRY, data_root or Path())
    for path in registries:
        entries |= _read(path, path.parent)
    return entries


def _read(path: Path, root: Path) -> dict[str, RegistryEntry]:
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_BYTES)
        content = yaml.safe_load(text)
    except OSError as error:
        raise InputError(
            f"cannot read the registry {source_name(path)}: {error.strerror or one_line(error)}; check its path"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(
            f"expected YAML in the registry {source_name(path)}, got {one_line(error)}: mend it"
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"expected names of data sets in the registry {source_name(path)}, got {kind_of(content)}: "
            "write `name:` and below it `data_path: ...`"
        )
    return {str(name): _entry(str(name), fields, root, path) for name, fields in content.items()}


def _entry(name: str, fields: object, root: Path, path: Path) -> RegistryEntry:
    place = f"{name} in the registry {source_name(path)}"
    if any(sign in name for sign in "+*") or name != name.strip() or not name:
        raise InputError(
            f"expected a name without + and *, got {name!r} in the registry {source_name(path)}: rename it"
        )
    if not isinstance(fields, dict) or not isinstance(fields.get("data_path"), str):
        raise InputError(f"expected data_path of {place} to be a path, got none: write `data_path: ...` below the name")
    unknown = sorted(str(key) for key in fields if key not in _KEYS)
    if unknown:
        raise InputError(f"expected {', '.join(_KEYS)} of {place}, got {unknown[0]!r}: mend or remove it")
    return RegistryEntry(
        name,
        root / fields["data_path"],
        _folder(fields, "image_path", root, place),
        _folder(fields, "depth_path", root, place),
        _folder(fields, "mask_path", root, place),
        str(fields.get("description", "")),
    )


def _folder(fields: Mapping[Any, Any], key: str, root: Path, place: str) -> Path | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"expected {key} of {place} to be a path, got {spelled(value)}: mend it")
    return None if value is None else root / value
