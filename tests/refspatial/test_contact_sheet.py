"""Contact sheets: every stage is shown, the page stands alone, and nothing in it can break it."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from roborefer.refspatial.charts import bar_chart, column_chart
from roborefer.refspatial.contact_sheet import SheetEntry, html_page, overlay_mask, picture, stages
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.inspection import entries_of_run, inspected
from roborefer.refspatial.run_folder import read_records
from roborefer.refspatial.statistics import Statistics
from roborefer.structures import Point, Step

from .asked_scenes import made_up_scene

SETTINGS = GenerationSettings(9, 3, ((96, 72),), views=(1, 2), scenes_per_shard=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    generate(folder, SETTINGS, make_scene=made_up_scene)
    return folder


def entry(**fields: Any) -> SheetEntry:
    plain: dict[str, Any] = {
        "name": "000001_0",
        "kind": "placement",
        "text": "Point to the free space.",
        "answer": "[(0.250, 0.500)]",
        "images": (Image.new("RGB", (64, 48), (90, 60, 30)),),
        "depth_m": np.full((48, 64), 1.5, np.float32),
        "points": (Point(0.25, 0.5),),
        "steps": (Step("Position", "the book", Point(0.5, 0.5)), Step("Size", "the book", 0.12)),
        "mask": np.arange(48 * 64).reshape(48, 64) % 64 < 32,
        "relations": ("free-space", "left"),
    }
    return SheetEntry(**{**plain, **fields})


class Page(HTMLParser):
    """Tags that were opened and not closed, all addresses, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Page:
    parser = Page()
    parser.feed(page)
    assert not parser.open
    return parser


# ---- stages --------------------------------------------------------------------------------------------------------


def test_the_steps_are_drawn_one_by_one() -> None:
    shown = stages(entry())
    assert [caption for caption, _ in shown] == [
        "picture",
        "depth",
        "1. [Position] the book: 0.500, 0.500",
        "2. [Size] the book: 0.12 m",
        "answer",
    ]
    pictures = [np.asarray(image) for _, image in shown[2:]]
    assert len({pixels.shape for pixels in pictures}) == 1
    assert all((first != second).any() for first, second in itertools.pairwise(pictures))


def test_a_question_about_two_views_shows_steps_in_the_first_and_the_answer_in_the_last() -> None:
    views = (Image.new("RGB", (480, 360), (90, 60, 30)), Image.new("RGB", (480, 360), (30, 60, 90)))
    mask = np.zeros((360, 480), bool)
    shown = dict(stages(entry(images=views, mask=mask, depth_m=None)))
    assert list(shown)[:2] == ["view 1", "view 2"]
    corner = (470, 350)
    assert shown["1. [Position] the book: 0.500, 0.500"].getpixel(corner) == (90, 60, 30)
    assert shown["answer"].getpixel(corner) == (30, 60, 90)


def test_a_question_without_a_point_has_no_answer_picture() -> None:
    shown = stages(entry(points=(), mask=None, steps=(), answer="Yes."))
    assert [caption for caption, _ in shown] == ["picture", "depth"]


def test_the_mask_is_tinted_and_outlined_and_the_rest_untouched() -> None:
    image = Image.new("RGB", (8, 6), (100, 100, 100))
    mask = np.zeros((6, 8), bool)
    mask[1:5, 1:6] = True
    drawn = np.asarray(overlay_mask(image, mask))
    assert (drawn[~mask] == 100).all()
    assert drawn[1, 1].tolist() == [64, 220, 140]
    assert drawn[2, 2].tolist() == [86, 148, 116]
    assert overlay_mask(image, None) is image


# ---- the page and the picture --------------------------------------------------------------------------------------


def test_the_page_stands_alone(run: Path) -> None:
    entries, statistics = inspected(run, 8)
    page = parsed(html_page("run", entries, statistics))
    assert page.tags.count("article") == 8
    assert page.tags.count("svg") == 8
    assert page.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert "@import" not in page.text
    assert "url(" not in page.text
    assert "prefers-color-scheme: dark" in page.text
    for shown in entries:
        assert shown.name in page.text
        assert shown.answer in page.text


def test_what_was_not_counted_has_no_chart_and_no_total() -> None:
    statistics = Statistics()
    statistics.add_question("Where?", "location", ("left",), 1)
    statistics.scenes.add("a")
    page = parsed(html_page("bench", [entry()], statistics.to_json()))
    assert page.tags.count("svg") == 5
    assert "Objects by" not in page.text
    assert "1 scene · 1 question" in page.text


def test_no_text_can_break_the_page() -> None:
    nasty = '<script>alert("1")</script> & "quotes"'
    statistics = Statistics()
    statistics.add_question(nasty, nasty, (nasty,), 1)
    statistics.add_scene(nasty, [{"category": nasty, "color": nasty}])
    page = parsed(
        html_page(nasty, [entry(text=nasty, answer=nasty, kind=nasty, relations=(nasty,))], statistics.to_json())
    )
    assert "script" not in page.tags
    assert page.text.count(nasty) >= 5


def test_the_picture_holds_every_entry(run: Path) -> None:
    one = picture([entry()])
    three = picture([entry() for _ in range(3)])
    four = picture([entry() for _ in range(4)])
    assert one.width < three.width == four.width
    assert four.height > three.height
    drawn = picture(entries_of_run(run, 6))
    assert drawn.mode == "RGB"
    assert len(drawn.getcolors(1 << 24) or []) > 100


# ---- what is picked ------------------------------------------------------------------------------------------------


def test_entries_are_spread_over_shards_and_kinds(run: Path) -> None:
    entries = entries_of_run(run, 10)
    assert len(entries) == 10
    assert {shown.kind for shown in entries} == {"location", "placement", "quantity", "visual_choice", "multi_view"}
    assert len({shown.name[:6] for shown in entries}) >= 4
    assert [shown.name for shown in entries] == [shown.name for shown in entries_of_run(run, 10)]


def test_no_more_entries_than_questions(run: Path) -> None:
    total = sum(len(record["questions"]) for record in read_records(run))
    entries = entries_of_run(run, 1000)
    assert len(entries) == total
    assert len({(shown.name, shown.text) for shown in entries}) == total


# ---- charts --------------------------------------------------------------------------------------------------------


def bars(chart: str) -> list[float]:
    figure = ElementTree.fromstring(chart)
    name = "width" if "<line" not in chart else "height"
    return [float(rect.get(name, "nan")) for rect in figure.iter("rect")]


def test_bars_are_as_long_as_their_counts() -> None:
    for chart in (bar_chart("Kinds", {"a": 10, "b": 5, "c": 0}), column_chart("Steps", {"1": 10, "2": 5, "3": 0})):
        first, second, third = bars(chart)
        assert second == pytest.approx(first / 2, abs=0.1)
        assert third == 0
        assert "10 (66.7 %)" in chart


def test_the_rest_is_a_line_of_text() -> None:
    chart = bar_chart("Kinds", {str(number): 100 - number for number in range(50)}, most=10)
    assert len(bars(chart)) == 10
    assert "and 40 others, 2,820 together" in chart
    assert "others" not in bar_chart("Kinds", {str(number): 1 for number in range(10)}, most=10)


def test_long_names_are_cut_and_whole_in_the_tooltip() -> None:
    name = "a very long name that has no room beside its bar"
    chart = bar_chart("Kinds", {name: 1})
    assert f"<title>{name}: 1" in chart
    assert re.search(r">a very long[^<]*…<", chart)


@pytest.mark.parametrize("chart", [bar_chart, column_chart])
def test_nothing_to_count_is_no_chart(chart: Any) -> None:
    assert chart("Kinds", {}) == ""
    assert bars(chart("Kinds", {"a": 0})) == [0]
