"""Question-and-answer benchmarks as multiple choice, from the hub's Parquet files, EmbSpatial-Bench also from JSON.

| set              | columns that tell it                          | answer                         |
|------------------|-----------------------------------------------|--------------------------------|
| CV-Bench         | type, task, prompt, choices, source           | "(A)"                          |
| BLINK            | sub_task, image_1 ... image_4, prompt         | "(A)"                          |
| SAT              | image_bytes (a list), answers                 | its index, or the right text   |
| EmbSpatial-Bench | answer_options, relation, data_source         | index from 0                   |
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.parquet import (
    optional_picture_bytes,
    picture_bytes,
    picture_list,
    read_rows,
    split_name,
)
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    choose_tasks,
    picture_size_at,
    read_json_list,
)
from roborefer.evaluation.samples import Benchmark, ChoiceTarget, Sample
from roborefer.images import source_name

EMBSPATIAL_JSON = "embspatial_bench.json"
"""As EmbSpatial-Bench is published by its authors: a list of questions with pictures in base64."""

_SPLITS = ("test", "val", "train", "static")  # "static" is a training set of SAT
_LETTER = re.compile(r"\s*\(?([A-Za-z])\)?[.:]?\s*")


@dataclass(frozen=True)
class ChoiceForm:
    """How one benchmark stores its questions.

    Attributes:
        name: Of the benchmark.
        columns: By which it is told from others.
        task: Of a record.
        read: From a record, its task and its number to a sample.
        note: What a reader of its scores should know.
        split: Which split has the questions, where a folder holds several.
    """

    name: str
    columns: frozenset[str]
    task: Callable[[Record], str]
    read: Callable[[Record, str, int], Sample]
    note: str = ""
    split: str = "test"


def choice_form(columns: frozenset[str]) -> ChoiceForm | None:
    """The form that has these columns, if any."""
    return next((form for form in FORMS.values() if form.columns <= columns), None)


def read_multiple_choice(
    form: ChoiceForm, folder: Path, files: Sequence[Path], tasks: Sequence[str] = ()
) -> Benchmark:  # fmt: skip
    """Reads the tasks that are wanted; all where none is named.

    Of several splits one is read, and a note names the files that are not.

    Raises:
        InputError: A task is missing, or a row cannot be used.
    """
    read = _of_one_split(files, form.split)
    named: dict[str, list[Sample]] = {}
    identities = Identities()
    for number, record in enumerate(record for path in read for record in _records(path)):
        task = form.task(record)
        if tasks and task.casefold() not in {name.casefold() for name in tasks}:
            named.setdefault(task, [])
            continue
        sample = form.read(record, task, number)
        identities.take(sample.key, record.place)
        named.setdefault(task, []).append(sample)
    wanted = choose_tasks(list(named), tasks, source_name(folder))
    samples = tuple(sample for task in wanted for sample in named[task])
    left = [source_name(path.relative_to(folder)) for path in files if path not in read]
    notes = [form.note, f"not read, because of another split than {form.split}: {', '.join(left)}" if left else ""]
    return Benchmark(form.name, str(folder), samples, tuple(note for note in notes if note))


def is_embspatial_source(path: Path) -> bool:
    """Whether EmbSpatial-Bench's JSON file is named, or in a folder that is."""
    return path.name == EMBSPATIAL_JSON if path.is_file() else (path / EMBSPATIAL_JSON).is_file()


def read_embspatial_json(path: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads EmbSpatial-Bench as its authors publish it.

    Raises:
        InputError: A task is missing, or a record cannot be used.
    """
    file = path if path.is_file() else path / EMBSPATIAL_JSON
    return read_multiple_choice(FORMS["embspatial"], path, [file], tasks)


def _of_one_split(files: Sequence[Path], wanted: str) -> list[Path]:
    """The files of one split, by their names: that which is wanted, else test or val; all where no name tells."""
    splits = [_split_of(path) for path in files]
    for split in (wanted, "test", "val"):
        if split in splits:
            return [path for path, found in zip(files, splits, strict=True) if found == split]
    return list(files)


def _split_of(path: Path) -> str | None:
    """The split that a file is of: ``val-00000-of-00001.parquet``, ``SAT_test.parquet``, ``test/0000.parquet``."""
    words = re.split(r"[^a-z]+", split_name(path).casefold())
    return next((split for split in _SPLITS if split in words), None)


def _records(path: Path) -> Iterable[Record]:
    return read_json_list(path) if path.suffix == ".json" else read_rows(path)


def with_options(question: str, options: Sequence[str]) -> str:
    """The question and its options on one line: ``Which is nearer? (A) the cup (B) the plate``."""
    return " ".join(
        [question.strip(), *(f"({letter}) {text}" for letter, text in zip(_letters(options), options, strict=True))]
    )


def _letters(options: Sequence[str]) -> str:
    return string.ascii_uppercase[: len(options)]


def _options(record: Record, key: str) -> tuple[str, ...]:
    options = record.texts(key)
    if not 2 <= len(options) <= len(string.ascii_uppercase):
        raise InputError(f"expected 2 to 26 options as {key!r}, got {len(options)} in {record.place}")
    return options


def _letter_answer(record: Record, key: str, options: Sequence[str]) -> str:
    match = _LETTER.fullmatch(record.text(key))
    letter = match[1].upper() if match else ""
    if not letter or letter not in _letters(options):
        raise InputError(
            f"expected an answer (A) to ({_letters(options)[-1]}) as {key!r}, got {record.fields[key]!r} in "
            f"{record.place}"
        )
    return letter


def _index_answer(record: Record, key: str, options: Sequence[str]) -> str:
    index = record.whole(key)
    if index is None or not 0 <= index < len(options):
        raise InputError(f"expected an index of 0 to {len(options) - 1} as {key!r}, got {index} in {record.place}")
    return _letters(options)[index]


def _cv_bench(record: Record, task: str, number: int) -> Sample:
    options = _options(record, "choices")
    image = picture_bytes(record, "image")
    return Sample(
        key=f"{task}/{record.identity('idx')}",
        task=task,
        images=(image,),
        image_size=picture_size_at(image, record.place),
        target=ChoiceTarget(_letter_answer(record, "answer", options), options),
        prompt=record.text("prompt"),
        scene=record.text("source"),
    )


def _blink(record: Record, task: str, number: int) -> Sample:
    options = _options(record, "choices")
    found = (optional_picture_bytes(record, f"image_{index}") for index in range(1, 5))
    images = tuple(image for image in found if image is not None)
    if not images:
        record.value("image_1")
    if record.text("answer") == "hidden":
        raise InputError(f"expected an answer, got a hidden one in {record.place}: take the split 'val'")
    return Sample(
        key=record.identity("idx"),
        task=task,
        images=images,
        image_size=picture_size_at(images[0], record.place),
        target=ChoiceTarget(_letter_answer(record, "answer", options), options),
        prompt=record.text("prompt"),
    )


def _sat(record: Record, task: str, number: int) -> Sample:
    options = _options(record, "answers")
    images = picture_list(record, "image_bytes")
    if "correct_answer_idx" in record.fields:
        answer = _index_answer(record, "correct_answer_idx", options)
    else:
        said = record.text("correct_answer")
        if said not in options:
            raise InputError(f"expected 'correct_answer' to be one of the answers, got {said!r} in {record.place}")
        answer = _letters(options)[options.index(said)]
    return Sample(
        key=f"{task}/{number}",
        task=task,
        images=images,
        image_size=picture_size_at(images[0], record.place),
        target=ChoiceTarget(answer, options),
        prompt=with_options(record.text("question"), options),
    )


def _emb_spatial(record: Record, task: str, number: int) -> Sample:
    options = _options(record, "answer_options")
    image = picture_bytes(record, "image")
    return Sample(
        key=record.identity("question_id"),
        task=task,
        images=(image,),
        image_size=picture_size_at(image, record.place),
        target=ChoiceTarget(_index_answer(record, "answer", options), options),
        prompt=with_options(record.text("question"), options),
        relations=(record.text("relation"),),
    )


def _cv_task(record: Record) -> str:
    return f"{record.text('type')} {record.text('task')}"


def _sat_task(record: Record) -> str:
    return record.text("question_type", default="SAT")


FORMS: Mapping[str, ChoiceForm] = MappingProxyType(
    {
        "cv-bench": ChoiceForm(
            "CV-Bench",
            frozenset({"idx", "type", "task", "image", "choices", "answer", "prompt", "source"}),
            _cv_task,
            _cv_bench,
            "the official CV-Bench score is ((ADE20K + COCO) / 2 + Omni3D) / 2, by the sources shown as scenes",
        ),
        "blink": ChoiceForm(
            "BLINK",
            frozenset({"idx", "sub_task", "image_1", "choices", "answer", "prompt"}),
            lambda record: record.text("sub_task"),
            _blink,
            split="val",  # the answers of its test split are not published
        ),
        "sat": ChoiceForm("SAT", frozenset({"image_bytes", "question", "answers"}), _sat_task, _sat),
        "embspatial": ChoiceForm(
            "EmbSpatial-Bench",
            frozenset({"question_id", "question", "relation", "image", "answer_options", "answer"}),
            lambda record: record.text("data_source"),
            _emb_spatial,
        ),
    }
)
