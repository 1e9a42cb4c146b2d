"""What a data folder holds, counted: relations, steps, kinds, categories and words, as in the paper's figure.

Everything is counted in one pass over the records, so a folder of any size needs little memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from roborefer.refspatial.wording import question_proper

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d+(?:\.\d+)?")
_WORDS_PER_BIN = 5


@dataclass
class Statistics:
    """Counters that grow as records are added.

    Attributes:
        records, images, questions: How many.
        scenes: Names of the scenes seen.
        kinds, relations, steps, templates: Questions by kind, by each relation that they use, by their number of
            steps and by template.
        relations_per_question: Questions by how many of the relations they use.
        categories, colors: Objects (of scenes, not of views) by category and by colour.
        objects: Scenes by their number of objects.
        words: Questions by their number of words, the ending about the answer's form left out.
        vocabulary: Every word, lower case, by how often it is used.
    """

    records: int = 0
    images: set[str] = field(default_factory=set)
    scenes: set[str] = field(default_factory=set)
    questions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    relations_per_question: Counter[int] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    colors: Counter[str] = field(default_factory=Counter)
    objects: Counter[int] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    vocabulary: Counter[str] = field(default_factory=Counter)

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Counts a record's questions and pictures."""
        self.records += 1
        self.images.update(record["image"])
        texts = [turn["value"] for turn in record["conversations"]][::2]
        for text, fields in zip(texts, record["questions"], strict=True):
            self.add_question(text, fields["kind"], fields["relations"], fields["step_count"], fields["template"])

    def add_question(self, text: str, kind: str, relations: Iterable[str], steps: int, template: str = "") -> None:
        """Counts one question."""
        used = sorted(set(relations))
        self.questions += 1
        self.kinds[kind] += 1
        self.relations.update(used)
        self.relations_per_question[len(used)] += 1
        self.steps[steps] += 1
        if template:
            self.templates[template] += 1
        words = [word.lower() for word in _WORD.findall(question_proper(text))]
        self.words[len(words)] += 1
        self.vocabulary.update(words)

    def add_scene(self, name: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """Counts a scene's objects, once however often the scene is named."""
        if name in self.scenes:
            return
        self.scenes.add(name)
        listed = list(objects)
        self.objects[len(listed)] += 1
        self.categories.update(item["category"] for item in listed)
        self.colors.update(item["color"] or "none" for item in listed)

    def to_json(self) -> dict[str, Any]:
        """All counts, JSON-ready: names most frequent first, numbers in order."""
        total_words = sum(length * count for length, count in self.words.items())
        return {
            "records": self.records,
            "images": len(self.images),
            "scenes": len(self.scenes),
            "questions": self.questions,
            "kinds": by_count(self.kinds),
            "relations": by_count(self.relations),
            "relations_per_question": in_order(self.relations_per_question),
            "steps": in_order(self.steps),
            "categories": by_count(self.categories),
            "colors": by_count(self.colors),
            "objects_per_scene": in_order(self.objects),
            "words_per_question": in_order(self.words),
            "mean_words": round(total_words / self.questions, 2) if self.questions else 0.0,
            "vocabulary": len(self.vocabulary),
            "templates": by_count(self.templates),
        }


def by_count(counter: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first; equal counts by name."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def in_order(counter: Mapping[int, int]) -> dict[str, int]:
    """By number, as text, since JSON's keys are text."""
    return {str(number): counter[number] for number in sorted(counter)}


def without_gaps(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by number (as text), with 0 for the numbers between that nothing has."""
    numbers = [int(number) for number in counts]
    return {str(n): counts.get(str(n), 0) for n in range(min(numbers), max(numbers) + 1)} if numbers else {}


def in_bins(counter: Mapping[str, int], width: int = _WORDS_PER_BIN) -> dict[str, int]:
    """Counts by number (as text) gathered into bins: ``{"7": 2, "9": 1}`` becomes ``{"5-9": 3}``; empty bins stay."""
    if not counter:
        return {}
    bins = Counter[int]()
    for number, count in counter.items():
        bins[int(number) // width] += count
    return {f"{index * width}-{index * width + width - 1}": bins[index] for index in range(min(bins), max(bins) + 1)}
