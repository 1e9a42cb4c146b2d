"""From a mixture of data sets to samples that a model is fed, by index, without holding the data in memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from roborefer.datasets.checks import CheckReport, OnBadRecord
from roborefer.datasets.lengths import estimated_lengths
from roborefer.datasets.mixture import Mixture
from roborefer.datasets.record_files import parse_record, read_raw
from roborefer.datasets.record_forms import read_record
from roborefer.datasets.records import MOST_TURNS, Location, TrainingRecord
from roborefer.datasets.sample_index import index_mixture, scan_size
from roborefer.datasets.scanning import sample_turns
from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMethod, check_aligned, read_depth
from roborefer.images import read_image
from roborefer.models.processor import EncodedSample, SpatialProcessor
from roborefer.models.prompt import LabelMask

SampleKey = int | tuple[int, int]
"""An index, or (epoch, index) as the batch sampler gives it, so that augmentation differs from epoch to epoch."""

_MOST_REPLACEMENTS = 100


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One sample: what the model is fed, and the record that it was made of.

    Attributes:
        encoded: Token ids, labels and tiles.
        record: Its turns are those of the sample (at most 15); its extras tell masks, points, camera.
        index: Position in the data set.
        replaced: The faults of records that could not be read and that this one stands in for; empty as a rule.
    """

    encoded: EncodedSample
    record: TrainingRecord
    index: int
    replaced: tuple[str, ...] = ()


class Augmentation(Protocol):
    """Changes a sample before it is encoded: pictures, depth drop-out, even its text."""

    def __call__(
        self,
        record: TrainingRecord,
        images: Sequence[Image.Image],
        depths: Sequence[Image.Image],
        generator: np.random.Generator,
    ) -> tuple[TrainingRecord, Sequence[Image.Image], Sequence[Image.Image]]:
        """
        Args:
            record: With the turns of the sample.
            images: 8-bit RGB, upright.
            depths: The depth tower's pictures: 8-bit RGB, three equal channels, 255 nearest; none for RGB only.
            generator: Seeded by the data set's seed, the epoch and the index.
        """


class ConversationDataset(Dataset[TrainingSample]):
    """A map-style torch data set over a :class:`~roborefer.datasets.mixture.Mixture`.

    All files are scanned once, at the start (see :mod:`roborefer.datasets.scanning`): where each record begins, and
    what is wrong with it. After that a sample is read from its place in the file.

    Args:
        mixture: The data sets and how often each.
        processor: Of the model that is trained.
        on_bad_record: ``refuse`` raises an InputError that names the first bad record and counts them; ``skip``
            leaves out turns and records that are bad and counts them in :attr:`report`.
        most_turns: Questions a sample; longer records become several samples.
        label_mask: See ``models.prompt.supervised_labels``.
        augment: None feeds the pictures as they are.
        seed: Of the augmentation, and of which samples a fraction of a data set takes.
        cache_folder: Where the scan is kept for the next start; None keeps it in memory.
        workers: Processes that scan.
        progress: Show a progress bar on stderr while scanning.

    Raises:
        InputError: A file cannot be read, there is no sound record at all, or a record is bad and is to be refused.
    """

    def __init__(
        self,
        mixture: Mixture,
        processor: SpatialProcessor,
        *,
        on_bad_record: OnBadRecord = "refuse",
        most_turns: int = MOST_TURNS,
        label_mask: LabelMask = "exact",
        augment: Augmentation | None = None,
        seed: int = 0,
        cache_folder: Path | None = None,
        workers: int = 1,
        progress: bool = False,
    ) -> None:
        from tqdm import tqdm

        with tqdm(
            total=scan_size(mixture),
            desc="checking data",
            unit="B",
            unit_scale=True,
            disable=not progress or not sys.stderr.isatty(),
        ) as bar:
            self._index = index_mixture(
                mixture,
                on_bad_record=on_bad_record,
                most_turns=most_turns,
                seed=seed,
                cache_folder=cache_folder,
                workers=workers,
                advance=bar.update,
            )
        self._processor = processor
        self._refuses = on_bad_record == "refuse"
        self._most_turns = most_turns
        self._label_mask: LabelMask = label_mask
        self._augment = augment
        self._seed = seed

    @property
    def report(self) -> CheckReport:
        """What the scan found and left out."""
        return self._index.report

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, key: SampleKey) -> TrainingSample:
        """The sample at a position: always the same for the same (epoch, index).

        Raises:
            IndexError: There is no such position.
            InputError: A file cannot be read (any more) and bad records are refused. When they are skipped, the next
                sample that can be read stands in, and says so in ``replaced``.
        """
        epoch, index = (0, key) if isinstance(key, int | np.integer) else key
        replaced: list[str] = []
        while True:
            try:
                return self._read(epoch, int(index), tuple(replaced))
            except InputError as error:
                if self._refuses or len(replaced) == min(_MOST_REPLACEMENTS, len(self) - 1):
                    raise
                replaced.append(str(error))
                index = (index + 1) % len(self)

    def record(self, index: int) -> TrainingRecord:
        """The record of a sample, with the sample's turns; no picture is opened.

        Raises:
            IndexError: There is no such position.
            InputError: The file has changed since it was scanned.
        """
        source, row = self._index.sample(index)
        path = source.files[int(row["file"])]
        location = Location(path, int(row["line"]), int(row["record"]), bool(row["shares_line"]))
        try:
            content = parse_record(read_raw(path, int(row["offset"]), int(row["size"])))
        except InputError as error:
            raise InputError(f"{location}: {error}; has the file changed since the start?") from error
        read = read_record(content, source, location)
        if not read.kept:
            raise InputError(f"{read.faults[0]}; has the file changed since the start?")
        return sample_turns(read, int(row["slice"]), self._most_turns)

    def lengths(self) -> NDArray[np.int64]:
        """(len(self),) int64: tokens of each sample in the model's fused sequence, media features included.

        Media are exact but for records with pictures of several sizes; text is estimated from its characters.
        """
        return estimated_lengths(self._processor, self._index.rows(), self.record)

    def _read(self, epoch: int, index: int, replaced: tuple[str, ...]) -> TrainingSample:
        record = self.record(index)
        try:
            images, depths = read_pictures(record, cast(DepthMethod, self._processor.config.depth_method))
        except InputError as error:
            raise InputError(f"{record.location}: {error}") from error
        if self._augment is not None:
            generator = np.random.default_rng([self._seed, epoch, index])
            record, images, depths = self._augment(record, images, depths, generator)
        return TrainingSample(
            encode(self._processor, record, images, depths, self._label_mask), record, index, replaced
        )


def read_pictures(
    record: TrainingRecord, depth_method: DepthMethod
) -> tuple[Sequence[Image.Image], Sequence[Image.Image]]:
    """The pictures of a record and the depth tower's pictures, all 8-bit RGB.

    8-bit depth is taken as it is, metric depth goes through ``geometry.depth.depth_picture``.

    Raises:
        InputError: A file cannot be read, or depth has another size than its picture.
    """
    images = [read_image(path) for path in record.images]
    depths = []
    for path, image in zip(record.depths, images, strict=False):
        depth = read_depth(path)
        check_aligned(depth, image.size)
        depths.append(Image.fromarray(depth.tower_picture(depth_method)))
    return images, depths


def encode(
    processor: SpatialProcessor,
    record: TrainingRecord,
    images: Sequence[Image.Image],
    depths: Sequence[Image.Image],
    label_mask: LabelMask = "exact",
) -> EncodedSample:
    """A record and its pictures as what the model is fed; without a depth projector in the model, RGB only."""
    conversation = [{"from": message.speaker, "value": message.text} for message in record.conversations]
    depths = depths if processor.config.has_depth else ()
    return processor.encode_conversation(conversation, images, depths, label_mask=label_mask)
