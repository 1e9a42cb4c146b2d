"""Pictures: marks where they belong, text inside the canvas, files whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMap
from roborefer.structures import Anchor, Box, Point, Prediction, Step
from roborefer.viz import (
    check_picture_path,
    colorize_depth,
    contact_sheet,
    describe_anchor,
    describe_step,
    draw_boxes,
    draw_prediction,
    write_picture,
)
from roborefer.viz.heatmap import overlay_heatmap
from roborefer.viz.panel import Panel
from roborefer.viz.text import PAPER, Row, drawable, font_of_size, legend, shortened, wrapped

GREY = (128, 128, 128)


def picture(width: int = 640, height: int = 480, color: tuple[int, int, int] = GREY) -> Image.Image:
    return Image.new("RGB", (width, height), color)


def prediction(*points: Point, size: tuple[int, int] = (640, 480), **values: object) -> Prediction:
    return Prediction(points, size, "raw", **values)  # type: ignore[arg-type]


def changed(before: Image.Image, after: Image.Image) -> np.ndarray:
    """Where two pictures differ ``(H, W)``, within the size of the first."""
    cut = np.asarray(after.crop((0, 0, *before.size)), dtype=int)
    return np.abs(cut - np.asarray(before, dtype=int)).max(axis=2) > 8


# ---- predictions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.25, 0.75), (0.9, 0.1)])
def test_the_answer_is_marked_where_it_is_and_nowhere_else(place: tuple[float, float]) -> None:
    image = picture()
    rows, columns = np.nonzero(changed(image, draw_prediction(image, prediction(Point(*place)))))
    assert abs((columns.min() + columns.max() + 1) / 2 - place[0] * 640) <= 1
    assert abs((rows.min() + rows.max() + 1) / 2 - place[1] * 480) <= 1
    assert np.ptp(columns) < 48


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (255, 64, 128), (12, 14, 18), GREY])
def test_the_answer_stands_out_from_any_background(background: tuple[int, int, int]) -> None:
    image = picture(color=background)
    drawn = np.asarray(draw_prediction(image, prediction(Point(0.5, 0.5))), dtype=int)[200:280, 280:360]
    contrast = np.abs(drawn - background).max(axis=2)
    assert (contrast > 100).sum() > 150


def test_the_picture_itself_is_left_as_it_was() -> None:
    image = picture()
    draw_prediction(image, prediction(Point(0.5, 0.5)))
    assert image.tobytes() == picture().tobytes()


def test_sizes_are_as_documented() -> None:
    image = picture()
    depth = DepthMap(np.full((480, 640), 2, np.float32), None, "sensor")
    assert draw_prediction(image, prediction()).width == 640
    assert draw_prediction(image, prediction(), depth=depth).width == 1280
    assert draw_prediction(picture(64, 48), prediction(size=(64, 48))).width == 64 * 8


STEPS = (
    Step("Position", "the pen holder", Point(0.139, 0.528)),
    Step("Orientation", "the cup's logo", (0.312, 0.316, -0.896)),
    Step("Orientation", "the cup's handle", (0.0, 0.0, 1.0)),
    Step("Size", "the mug", 0.12),
    Step("Position", "a corner", Point(1.0, 1.0)),
)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (64, 48), (640, 480), (2500, 6), (6, 2500), (2600, 1900)])
@pytest.mark.parametrize("points", [(), (Point(0, 0),), (Point(1, 1, "杯子\n" * 9), Point(0.5, 0.5))])
def test_any_size_with_anything_in_it_is_drawn(size: tuple[int, int], points: tuple[Point, ...]) -> None:
    depth = DepthMap(np.zeros((size[1], size[0]), np.float32), None, "sensor")
    drawn = draw_prediction(
        picture(*size),
        prediction(*points, size=size, steps=STEPS, problem="x" * 400, notes=("untrained",)),
        depth=depth,
        instruction="the café \x1b[31m \u202e 漢字 \ud800 " * 9,
    )
    assert drawn.mode == "RGB"
    assert drawn.width >= 2 * size[0]
    assert drawn.height > size[1]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_other_modes_are_drawn(mode: str) -> None:
    assert draw_prediction(picture().convert(mode), prediction(Point(0.5, 0.5))).mode == "RGB"


def test_each_kind_of_step_leaves_a_mark() -> None:
    image = picture()
    bare = draw_prediction(image, prediction(Point(0.5, 0.5)))
    for step in STEPS:
        drawn = draw_prediction(image, prediction(Point(0.5, 0.5), steps=(step,)))
        assert changed(bare.crop((0, 0, 640, 480)), drawn).any(), step


def test_an_arrow_points_where_the_vector_points() -> None:
    image = picture()
    steps = (Step("Orientation", "the nose", (0.0, -1.0, 0.0)),)
    marks = changed(
        draw_prediction(image, prediction(Point(0.5, 0.5))).crop((0, 0, 640, 480)),
        draw_prediction(image, prediction(Point(0.5, 0.5), steps=steps)),
    )
    rows, columns = np.nonzero(marks)
    assert rows.min() < 190
    assert rows.max() < 250  # y is down, so up is towards smaller rows
    assert abs(np.median(columns) - 320) < 12


def test_depth_of_another_size_is_refused() -> None:
    depth = DepthMap(np.ones((48, 64), np.float32), None, "sensor")
    with pytest.raises(InputError, match="expected depth of the image's size 640x480, got 64x48"):
        draw_prediction(picture(), prediction(), depth=depth)


def test_depth_without_a_unit_is_shown_as_it_is() -> None:
    depth = DepthMap(None, np.full((480, 640, 3), 77, np.uint8), "sensor")
    assert draw_prediction(picture(), prediction(), depth=depth).getpixel((1000, 100)) == (77, 77, 77)


def test_anchors_notes_and_problems_make_the_legend_longer() -> None:
    image, point = picture(), Point(0.5, 0.5)
    plain = draw_prediction(image, prediction(point)).height
    assert draw_prediction(image, prediction(point, notes=("untrained weights",))).height > plain
    assert draw_prediction(image, prediction(point, problem="could not read 'x'")).height > plain
    anchor = Anchor((0.1, 0.2, 1.5), "sensor", False, "the point lies on an edge " * 5)
    assert draw_prediction(image, prediction(point, anchors=(anchor,))).height > plain


# ---- text ------------------------------------------------------------------------------------------------------


def test_words_of_steps() -> None:
    assert [describe_step(step) for step in STEPS[:4:3]] == [
        "[Position] the pen holder: 0.139, 0.528",
        "[Size] the mug: 0.12 m",
    ]
    assert describe_step(STEPS[1]) == "[Orientation] the cup's logo: +0.312, +0.316, -0.896"


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        (Anchor((0.4312, -0.02, 1.31), "sensor", True), "0.431, -0.020, 1.310 m (sensor)"),
        (Anchor((0, 0, 1), "sensor", True, "a ring"), "0.000, 0.000, 1.000 m (sensor); a ring"),
        (
            Anchor((0, 0, 1), "estimated", False, "two surfaces"),
            "0.000, 0.000, 1.000 m (estimated) - do not use: two surfaces",
        ),
        (Anchor(None, "sensor", False, "no camera", depth_m=1.5), "1.500 m away along z; no 3D: no camera"),
        (Anchor(None, "none", False), "no 3D: unknown"),
    ],
)
def test_words_of_anchors(anchor: Anchor, words: str) -> None:
    assert describe_anchor(anchor) == words


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("the cup", "the cup"),
        ("café\n\tNaïve", "cafe Naive"),
        ("漢字", "??"),
        ("\x00\x1b[0m", "??[0m"),
        ("\ud800", "?"),
        ("20 °, 1 · 2…", "20 °, 1 · 2…"),
        ("ﬁne", "fine"),
        ("", ""),
    ],
)
def test_text_is_reduced_to_what_the_font_has(text: str, drawn: str) -> None:
    assert drawable(text) == drawn


@pytest.mark.parametrize("text", ["", "a", "several words of text " * 20, "w" * 5000, "a " + "w" * 300 + " b"])
@pytest.mark.parametrize("width", [1.0, 40.0, 300.0])
def test_lines_fit_their_width(text: str, width: float) -> None:
    font = font_of_size(15)
    lines = wrapped(text, font, width)
    assert lines
    # An ellipsis may be wider than a strip of a pixel; nothing shorter can say that something is missing.
    assert all(font.getlength(line) <= max(width, font.getlength("…")) for line in lines)


def test_a_cut_text_keeps_as_much_as_fits() -> None:
    font = font_of_size(15)
    text = "abcdefghijklmnopqrstuvwxyz"
    width = font.getlength("abcdefghij…")
    assert shortened(text, font, width) == "abcdefghij…"
    assert shortened(text, font, 1000) == text


def test_a_legend_leaves_its_margins_free() -> None:
    strip = np.asarray(legend([Row("word " * 60, disc=GREY, number="1"), Row("w" * 300)], 400, 15))
    assert (strip[:, :6] == PAPER).all()
    assert (strip[:, -6:] == PAPER).all()
    assert (strip != PAPER).any()


def test_labels_stay_inside_and_apart() -> None:
    panel = Panel(picture())
    for place in [(0, 0), (639, 479), (0, 479), (639, 0), (320, 240), (322, 241), (318, 239)]:
        panel.label(place, "a label of some length", (255, 255, 255), clearance=5)
    plates = panel._taken
    for left, top, right, bottom in plates:
        assert 0 <= left < right <= 640
        assert 0 <= top < bottom <= 480
    for index, (left, top, right, bottom) in enumerate(plates):
        for other in plates[index + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


# ---- depth, boxes, sheets --------------------------------------------------------------------------------------


def test_near_is_bright_far_is_dark_and_unknown_is_grey() -> None:
    depth_m = np.tile(np.linspace(1, 5, 200, dtype=np.float32), (20, 1))
    depth_m[:, 100], depth_m[:, 101], depth_m[:, 102] = 0, np.nan, np.inf
    colors = np.asarray(colorize_depth(depth_m), dtype=int)
    light = colors @ (0.299, 0.587, 0.114)
    assert light[0, 0] > 200
    assert light[0, -1] < 60
    known = np.delete(light[0], [100, 101, 102])
    assert (np.diff(known) <= 1).all()
    unknown = colors[:, 100:103]
    assert (unknown.max(axis=2) == unknown.min(axis=2)).all()
    assert len(np.unique(unknown)) == 2  # hatched


def test_depth_colours_can_share_their_ends() -> None:
    one, two = np.full((4, 4), 1.5, np.float32), np.array([[1.0, 1.5], [2.0, 0]], np.float32)
    first = colorize_depth(one, near=1, far=2).getpixel((0, 0))
    assert first == colorize_depth(two, near=1, far=2).getpixel((1, 0))


@pytest.mark.parametrize("value", [0.0, 2.0, np.nan])
def test_flat_or_unknown_depth_is_drawn(value: float) -> None:
    assert colorize_depth(np.full((5, 7), value, np.float32)).size == (7, 5)


def test_depth_of_other_dimensions_is_refused() -> None:
    with pytest.raises(InputError, match=r"depth_m: expected shape \(H, W\), got \(2, 3, 4\): pass one map at a time"):
        colorize_depth(np.zeros((2, 3, 4)))


def test_boxes_are_outlined() -> None:
    image = picture()
    marks = changed(image, draw_boxes(image, [Box(0.25, 0.25, 0.75, 0.75, "the cup"), Box(0.9, 0.9, 1, 1)]))
    assert marks[240, 155:165].any()
    assert marks[240, 475:485].any()
    assert not marks[240, 200:440].any()
    assert marks[440, 570:580].any()


def test_a_contact_sheet_holds_every_picture_in_order() -> None:
    colors = [(250, 10, 10), (10, 250, 10), (10, 10, 250)]
    sheet = np.asarray(contact_sheet([picture(300, 200, color) for color in colors], ["a", "b", "c"], columns=2))
    centers = [np.argwhere((sheet == color).all(axis=2)) for color in colors]
    assert [len(found) for found in centers] == [60_000] * 3
    a, b, c = (found.mean(axis=0) for found in centers)
    assert a[0] == b[0] < c[0]
    assert a[1] == c[1] < b[1]


def test_a_contact_sheet_needs_a_caption_for_each() -> None:
    with pytest.raises(InputError, match="got 1 images, 0 captions and 4 columns"):
        contact_sheet([picture()], [])


# ---- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_pictures_are_written_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("an older file", encoding="utf-8")
    write_picture(picture(), path)
    with Image.open(path) as written:
        written.load()
        assert written.size == (640, 480)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    with pytest.raises(
        InputError, match=r"^cannot write 70000x1 pixels to .*out\.jpg: .*; choose another file, or \.png$"
    ):
        write_picture(picture(70_000, 1), path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.txt", "expected a picture's name (.png, .jpg, .jpeg, .webp), got {folder}/out.txt: add one of these"),
        ("out", "expected a picture's name (.png, .jpg, .jpeg, .webp), got {folder}/out: add one of these"),
        ("no/out.png", "expected an existing folder for {folder}/no/out.png, got {folder}/no: make it first"),
        ("dir.png", "expected a file to write, got the directory {folder}/dir.png: add a file name to it"),
        (
            "input.png",
            "expected a new file for the picture, got {folder}/input.png, which is an input: choose another name",
        ),
    ],
)
def test_paths_that_no_picture_may_take(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "dir.png").mkdir()
    (tmp_path / "input.png").write_bytes(b"x")
    (tmp_path / "link.png").symlink_to(tmp_path / "input.png")
    with pytest.raises(InputError) as refused:
        check_picture_path(tmp_path / name, [tmp_path / "missing.png", tmp_path / "link.png"])
    assert str(refused.value) == message.format(folder=tmp_path)


def test_a_heatmap_glows_where_it_is_likely() -> None:
    heatmap = np.full((8, 8), 1e-6, np.float32)
    heatmap[6, 1] = 1.0
    shown = np.asarray(overlay_heatmap(picture(80, 40), heatmap), dtype=int).sum(axis=2)
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    assert 30 <= row < 35
    assert 10 <= column < 20
    assert shown[5, 60] < shown.max() / 3


def test_rivals_are_marked_with_their_confidence() -> None:
    heatmap = np.full((4, 4), 1 / 16, np.float32)
    looked = prediction(Point(0.2, 0.2, score=0.7), rivals=(Point(0.8, 0.8, score=0.2),), heatmap=heatmap)
    without = prediction(Point(0.2, 0.2, score=0.7), heatmap=heatmap)
    pictures = [draw_prediction(picture(), each, heatmap=True) for each in (looked, without)]
    assert pictures[0].size == pictures[1].size
    difference = np.argwhere(changed(*pictures))
    assert difference[:, 1].min() > 640  # in the second panel only
    assert abs(difference[:, 0].mean() - 0.8 * 480) < 60
