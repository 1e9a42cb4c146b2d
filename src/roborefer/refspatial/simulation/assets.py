"""A user's own things among the simulator's: folders of meshes, known by their content, that scenes draw from.

:class:`AssetFolders` is small and travels to workers; each process loads the meshes once with :func:`catalog_of`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from roborefer.errors import InputError
from roborefer.images import source_name
from roborefer.refspatial.simulation.asset_files import asset_files, mesh_files
from roborefer.refspatial.simulation.importer import Asset, import_asset
from roborefer.refspatial.simulation.layout import CategoryFacts
from roborefer.refspatial.simulation.mesh import SimulatedObject
from roborefer.refspatial.simulation.objects import catalog

DEFAULT_SHARE = 0.3


@dataclass(frozen=True)
class AssetFolders:
    """Where a run's own meshes are, and what was in them when it began.

    Attributes:
        paths: Folders, absolute, in the order given.
        sha256: Of all that the assets are made of (meshes, sidecars, materials, textures) and of their names.
        share: How often a thing is one of them, where one fits, 0-1.
    """

    paths: tuple[str, ...]
    sha256: str
    share: float = DEFAULT_SHARE

    @classmethod
    def of(cls, paths: Sequence[str | os.PathLike[str]], share: float = DEFAULT_SHARE) -> AssetFolders:
        """Loads all assets once, so that whatever is wrong with them shows before anything is made.

        Raises:
            InputError: A folder or an asset cannot be used, or the share is none.
        """
        if not 0 < share <= 1:
            raise InputError(f"expected an asset share above 0 and up to 1, got {share:g}")
        absolute = tuple(str(Path(path).resolve()) for path in paths)
        if not absolute:
            raise InputError("expected at least one folder of assets, got none")
        digest = _digest(absolute)
        _loaded(absolute, digest)
        return cls(absolute, digest, share)

    def to_json(self) -> dict[str, Any]:
        """What a run's bytes depend on; not where the folders are."""
        return {"sha256": self.sha256, "share": self.share}


@dataclass(frozen=True)
class MixedCategory:
    """A kind of thing of which there are imported examples; as in ``objects.draft.Category``."""

    places: tuple[str, ...]
    colors: tuple[str, ...]
    confusable: tuple[str, ...]


class MixedCatalog:
    """The simulator's own categories and imported ones: what ``simulation.layout`` calls a catalog.

    Where an asset bears the name of one of the simulator's categories, either is made, one as often as the other.

    Args:
        assets: Imported things, one or more.
        share: How often one of them is taken, where one fits.
    """

    def __init__(self, assets: Sequence[Asset], share: float = DEFAULT_SHARE) -> None:
        self._share = share
        self._assets: dict[str, list[Asset]] = {}
        for asset in assets:
            self._assets.setdefault(asset.object.category, []).append(asset)
        imported = {name: _mixed(name, known) for name, known in self._assets.items()}
        self._categories: Mapping[str, CategoryFacts] = MappingProxyType({**catalog.CATEGORIES, **imported})

    @property
    def CATEGORIES(self) -> Mapping[str, CategoryFacts]:
        """By name."""
        return self._categories

    def pick(self, names: Sequence[str], generator: np.random.Generator) -> str:
        """One of these names: an imported one in ``share`` of all cases where there are both kinds."""
        own = [name for name in names if name in self._assets]
        others = [name for name in names if name not in self._assets]
        chosen = own if own and (not others or generator.random() < self._share) else others
        return catalog.pick(chosen, generator)

    def make_object(
        self, category: str, generator: np.random.Generator, *, color: str | None = None, held_out: bool = False
    ) -> SimulatedObject:
        """One object: imported as it is, or drawn as ``objects.catalog.make_object`` does.

        Args:
            category: A name in :attr:`CATEGORIES`.
            generator: Decides which.
            color: One of the category's colours; any if None.
            held_out: For what is drawn: use the shapes that training never sees.

        Raises:
            InputError: There is no such category, or it does not come in that colour.
        """
        fitting = [asset for asset in self._assets.get(category, ()) if color in (None, asset.object.color)]
        drawn = catalog.CATEGORIES.get(category)
        can_draw = drawn is not None and (color is None or color in drawn.colors)
        if fitting and not (can_draw and generator.random() < 0.5):
            return fitting[int(generator.integers(len(fitting)))].object
        if category in self._assets and not can_draw:
            known = ", ".join(self._categories[category].colors)
            raise InputError(f"expected one of {known} for {category!r}, got {color!r}")
        return catalog.make_object(category, generator, color=color, held_out=held_out)


@lru_cache(maxsize=2)
def catalog_of(folders: AssetFolders) -> MixedCatalog:
    """The catalog that a run draws from.

    Raises:
        InputError: The assets are not any longer what they were when ``folders`` was made.
    """
    _check_unchanged(folders)
    return MixedCatalog(_loaded(folders.paths, folders.sha256), folders.share)


def licences(folders: AssetFolders) -> list[dict[str, str]]:
    """What is used and under which licence: ``file``, ``name``, ``licence`` and ``sha256`` of each asset's mesh.

    Raises:
        InputError: As :func:`catalog_of`.
    """
    _check_unchanged(folders)
    meshes = _meshes(folders.paths)
    return [
        {
            "file": f"{mesh.parent.name}/{mesh.name}",
            "name": asset.object.category,
            "licence": asset.licence,
            "sha256": _file_digest(mesh),
        }
        for mesh, asset in zip(meshes, _loaded(folders.paths, folders.sha256), strict=True)
    ]


def _check_unchanged(folders: AssetFolders) -> None:
    if _digest(folders.paths) != folders.sha256:
        raise InputError(
            "expected the assets that the run began with, got changed ones in "
            f"{', '.join(source_name(path) for path in folders.paths)}: put them back, or choose another --out"
        )


def _meshes(paths: Sequence[str]) -> list[Path]:
    return [mesh for path in paths for mesh in mesh_files(path)]


@lru_cache(maxsize=2)
def _loaded(paths: tuple[str, ...], digest: str) -> tuple[Asset, ...]:
    """The assets of these folders; another digest is another content."""
    return tuple(import_asset(mesh) for mesh in _meshes(paths))


def _digest(paths: Sequence[str]) -> str:
    """SHA-256 of the names and contents of all files, asset by asset."""
    content = [[[file.name, _file_digest(file)] for file in asset_files(mesh)] for mesh in _meshes(paths)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _file_digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {source_name(file)}: {error.strerror}; copy it again") from error


def _mixed(name: str, assets: Sequence[Asset]) -> MixedCategory:
    """What all examples of a category together are like."""
    drawn = catalog.CATEGORIES.get(name)
    places, colors, confusable = ([*getattr(drawn, key, ())] for key in ("places", "colors", "confusable"))
    for asset in assets:
        places += asset.places
        colors += [asset.object.color] if asset.object.color else []
        confusable += asset.object.also_called
    return MixedCategory(*(tuple(dict.fromkeys(words)) for words in (places, colors, confusable)))
