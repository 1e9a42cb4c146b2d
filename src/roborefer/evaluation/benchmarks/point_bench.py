"""Point-Bench (PointArena): ``data.json`` beside the pictures and masks, which the hub has as two archives.

A record is ``{"image_filename", "mask_filename", "user_input", "category", "count"}``. A mask's pixel is inside above
127. The first point decides, but in the category counting all points have to be inside and their number right.
"""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    check_same_size,
    choose_tasks,
    picture_size_at,
    read_json_list,
)
from roborefer.evaluation.samples import Benchmark, MaskTarget, Sample
from roborefer.images import MAX_FILE_BYTES, source_name
from roborefer.refspatial.atomic_files import make_folder, write_whole

DATA = "data.json"
_IMAGES = ("selected_images", "images")
_MASKS = ("selected_masks", "masks")
_COUNTING = "counting"
_MOST_MEMBERS = 100_000
_SAYS_UTF8 = 0x800


def is_point_bench_folder(folder: Path) -> bool:
    """Whether its data file is there."""
    return (folder / DATA).is_file()


def read_point_bench(folder: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the folder; archives that lie in it are unpacked beside themselves.

    Raises:
        InputError: A record, picture or mask cannot be used.
    """
    records = read_json_list(folder / DATA)
    images, masks = _files(folder, _IMAGES), _files(folder, _MASKS)
    categories = list(dict.fromkeys(record.text("category") for record in records))
    wanted = choose_tasks(categories, tasks, source_name(folder))
    identities = Identities()
    samples = [
        _sample(record, images, masks, identities) for record in records if record.text("category") in wanted
    ]  # fmt: skip
    notes: tuple[str, ...] = ()
    if "steerable" in wanted:
        notes = ("steerable questions are about a point that this benchmark keeps apart from the picture",)
    return Benchmark("Point-Bench", str(folder), tuple(samples), notes)


def _files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """File name, in one Unicode form, -> where it is."""
    for name in names:
        archive = folder / f"{name}.zip"
        if not (folder / name).is_dir() and archive.is_file():
            _unpack(archive, folder / name)
        if (folder / name).is_dir():
            found = sorted(path for path in (folder / name).rglob("*") if path.is_file())
            return {_plain(path.name): path for path in found}
    raise InputError(f"expected the folder {' or '.join(names)} in {source_name(folder)}, got none: unpack the archive")


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks pictures under their own names, without folders."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = [member for member in content.infolist() if not member.is_dir()]
            if len(members) > _MOST_MEMBERS or any(member.file_size > MAX_FILE_BYTES for member in members):
                raise InputError(f"expected pictures, got too many or too large files in {source_name(archive)}")
            aside = folder.with_name(f".{folder.name}.part")
            make_folder(aside)
            for member in members:
                write_whole(aside / _member_name(member), content.read(member))
            aside.replace(folder)
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise InputError(f"cannot unpack {source_name(archive)}: {error}; download it again") from error


def _member_name(member: zipfile.ZipInfo) -> str:
    """A file's name; one that an archive holds in UTF-8 without saying so is read as that."""
    name = Path(member.filename).name
    if not member.flag_bits & _SAYS_UTF8:
        with suppress(UnicodeError):
            return name.encode("cp437").decode("utf-8")
    return name


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _sample(record: Record, images: dict[str, Path], masks: dict[str, Path], identities: Identities) -> Sample:
    image = _named(record, "image_filename", images)
    mask = _named(record, "mask_filename", masks)
    size = picture_size_at(image, record.place)
    check_same_size(mask, size, "mask", record.place)
    category = record.text("category")
    counting = category == _COUNTING
    count = record.whole("count")
    if counting and count is None:
        raise InputError(f"expected a 'count' with the category counting, got none in {record.place}")
    question = record.text("user_input")
    return Sample(
        key=identities.take(f"{category}/{image.name}: {question}", record.place),
        task=category,
        images=(image,),
        image_size=size,
        target=MaskTarget(
            mask,
            f"{source_name(mask)}, named in {record.place}",
            rule="above-half",
            scoring="count" if counting else "first",
            count=count if counting else None,
        ),
        prompt=question,
        suffix=POINT_SUFFIX,
    )


def _named(record: Record, key: str, files: dict[str, Path]) -> Path:
    name = _plain(Path(record.text(key)).name)
    if name not in files:
        raise InputError(f"no such file: {name}, named as {key!r} in {record.place}; unpack the archive again")
    return files[name]
