"""Mixtures of data sets as people write them: ``2D_choice_qa+simulation_dataset*2+my_points*0.5``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from roborefer.datasets.registry import RegistryEntry, read_registries
from roborefer.datasets.sources import RECORD_SUFFIXES, DataSource, source_at
from roborefer.errors import InputError
from roborefer.images import source_name

_MOST_REPEATS = 1000


@dataclass(frozen=True)
class Part:
    """A data set and how often each of its samples comes in an epoch; 0.5 is a seeded half of them."""

    source: DataSource
    weight: float = 1.0


@dataclass(frozen=True)
class Mixture:
    """Data sets with weights.

    Attributes:
        text: As it was written.
        parts: In that order.
    """

    text: str
    parts: tuple[Part, ...]

    @property
    def sources(self) -> tuple[DataSource, ...]:
        """Each data set once."""
        return tuple(dict.fromkeys(part.source for part in self.parts))


def read_mixture(text: str, *, registries: Sequence[Path] = (), data_root: Path | None = None) -> Mixture:
    """Reads ``a+b*2+c*0.5``: names of the registry, or paths of folders, JSON and JSONL files.

    A path that is there is taken as a whole, whatever signs it holds.

    Args:
        text: The mixture.
        registries: YAML files of one's own; later ones go before earlier ones and before the packaged one.
        data_root: Where the packaged registry's folders are; None for the current folder.

    Raises:
        InputError: A name is unknown (the nearest is suggested), a weight is no positive number, a file is broken.
    """
    known = read_registries(registries, data_root)
    if text.strip() and Path(text).exists():
        return Mixture(text, (Part(_source(text, known)),))
    return Mixture(text, tuple(_part(piece.strip(), text, known) for piece in text.split("+")))


def _part(piece: str, text: str, known: Mapping[str, RegistryEntry]) -> Part:
    name, star, weight = piece.rpartition("*")
    if not star or Path(piece).exists():
        name, weight = piece, "1"
    if not name.strip():
        raise InputError(f"expected data sets such as a+b*2, got {text!r}: name at least one between the signs")
    return Part(_source(name.strip(), known), _read_weight(weight.strip(), piece))


def _read_weight(text: str, piece: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight <= _MOST_REPEATS:
        raise InputError(
            f"expected a weight above 0 and up to {_MOST_REPEATS}, got {text!r} in {piece!r}: "
            "write 2 for twice, 0.5 for half"
        )
    return weight


def _source(name: str, known: Mapping[str, RegistryEntry]) -> DataSource:
    if name in known:
        return known[name].source()
    path = Path(name)
    if path.exists():
        return source_at(path, name)
    if "/" in name or path.suffix.lower() in RECORD_SUFFIXES:
        raise InputError(f"no such file or folder: {source_name(path)}; check the path")
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known names are {', '.join(sorted(known))}."
    raise InputError(
        f"expected the name of a data set or a path, got {name!r}: {hint} Or give the path of a folder or file, or a "
        "--registry that has the name"
    )
