"""The folder of a run: what it is (``run.json``), its checkpoints, its log, and the model at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from roborefer import __version__
from roborefer.errors import InputError
from roborefer.images import one_line, source_name
from roborefer.refspatial.atomic_files import make_folder, write_json
from roborefer.training import run_state
from roborefer.training.configuration import TrainingConfig, config_from_dict
from roborefer.training.data_files import changed_since, fingerprint, record_files
from roborefer.training.reporting import read_log

# What may change when a run goes on: it decides when something is written or read, not what is learned; and a picture
# that turns out to be broken on the way must not be the end of the run.
_FREE = ("workers", "validate_every", "save_every", "log_every", "keep_checkpoints", "on_bad_record")
_DATA_FILES = "data_files"


@dataclass(frozen=True)
class RunSettings:
    """Everything that decides what a run learns.

    Attributes:
        stage: ``align`` or ``sft``.
        model: Folder or hub id of the model that it starts from.
        data: The mixture.
        config: How.
        validation: Another mixture to validate on; None to hold samples out.
        registries: YAML files with names of data sets.
        data_root: Where the packaged registry's folders are.
    """

    stage: str
    model: str
    data: str
    config: TrainingConfig = field(default_factory=TrainingConfig)
    validation: str | None = None
    registries: tuple[Path, ...] = ()
    data_root: Path | None = None

    def record_files(self) -> list[Path]:
        """The files of records that are trained and validated on.

        Raises:
            InputError: A mixture cannot be read.
        """
        mixtures = [self.data] if self.validation is None else [self.data, self.validation]
        return record_files(mixtures, self.registries, self.data_root)

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        plain = asdict(self) | {"config": self.config.to_dict()}
        plain["registries"] = [str(path) for path in self.registries]
        plain["data_root"] = None if self.data_root is None else str(self.data_root)
        return plain


@dataclass(frozen=True)
class RunFolder:
    """Where a run is kept."""

    path: Path

    @property
    def model(self) -> Path:
        """The trained model, in the published layout."""
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        """The adapters, with LoRA."""
        return self.path / "adapter"

    def find(self, settings: RunSettings, *, resume: bool) -> Path | None:
        """Makes the folder for a new run, or finds where an earlier one of the same settings stopped.

        Returns:
            The checkpoint to go on from; None for the beginning.

        Raises:
            InputError: The folder holds another run, or one and ``resume`` is False, or its data have changed.
        """
        make_folder(self.path)
        found = run_state.checkpoints(self.path)
        # A run that was refused at its start, or failed in its first step, must not stand in the way of another.
        if not (self.path / "run.json").is_file() or not (found or any(True for _ in read_log(self.path))):
            return None
        if not resume:
            raise InputError(
                f"expected a new folder with --no-resume, got {source_name(self.path)} with a run in it: name "
                "another --out, or remove it"
            )
        self._check_same(settings)
        return found[-1] if found else None

    def begin(self, settings: RunSettings) -> None:
        """Writes down what the run is, once nothing stands in its way.

        Raises:
            InputError: The data cannot be read, or the system refuses to write.
        """
        files = [fingerprint(path) for path in settings.record_files()]
        write_json(self.path / "run.json", {"version": __version__, **settings.to_dict(), _DATA_FILES: files})

    def settings(self) -> RunSettings:
        """What ``run.json`` says.

        Raises:
            InputError: There is no run here.
        """
        content = self._read()
        try:
            return RunSettings(
                stage=content["stage"],
                model=content["model"],
                data=content["data"],
                config=config_from_dict(content["config"], source_name(self.path / "run.json")),
                validation=content["validation"],
                registries=tuple(Path(path) for path in content["registries"]),
                data_root=None if content["data_root"] is None else Path(content["data_root"]),
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"expected a run in {source_name(self.path)}, got a run.json without {error}") from error

    def _read(self) -> dict[str, Any]:
        path = self.path / "run.json"
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(
                f"expected a run in {source_name(self.path)}, got no run.json that can be read: {one_line(error)}"
            ) from error
        if not isinstance(content, dict):
            raise InputError(f"expected a run in {source_name(self.path)}, got another run.json")
        return content

    def _check_same(self, settings: RunSettings) -> None:
        content = self._read()
        found, wanted = _compared(content), _compared(settings.to_dict())
        for name, value in wanted.items():
            if not _is_same(name, found.get(name), value):
                raise InputError(
                    f"expected to go on with {name} {found.get(name)!r} as in {source_name(self.path)}, got {value!r}: "
                    "give the same command as before, or another --out"
                )
        before = content.get(_DATA_FILES)
        changed = None if before is None else changed_since(settings.record_files(), before)
        if changed is not None:
            raise InputError(
                f"expected the data with which {source_name(self.path)} was started, got {changed}: put them back as "
                "they were, or give another --out"
            )


def _compared(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that must be the same, one name each."""
    flat = {name: value for name, value in content.items() if name not in ("version", "config", _DATA_FILES)}
    flat |= {name: value for name, value in dict(content.get("config") or {}).items() if name not in _FREE}
    return flat


def _is_same(name: str, found: object, wanted: object) -> bool:
    """A folder may be written in several ways: ``./m`` is ``m``."""
    if name in ("model", "data_root") and isinstance(found, str) and isinstance(wanted, str):
        return found == wanted or os.path.realpath(found) == os.path.realpath(wanted)
    return found == wanted
