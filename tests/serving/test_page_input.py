"""Pictures, depth and camera on the page: what is shown is what is sent, and what cannot be used is told at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .browsing import Tab, needs_browser, opened
from .scripted_predictor import XYZ

pytestmark = needs_browser

SIZE = (64, 48)
NO_UNIT = "Expected a number above 0, such as 0.001, or m, cm or mm"
NO_ANGLE = "Expected 1 to 175 degrees, such as 62.5"


@pytest.fixture
def tab(browser: Any, server: str) -> Iterator[Tab]:
    with opened(browser, server) as found:
        found.page.click("#depth-and-camera summary")
        yield found
        assert found.faults == []


def picture_file(folder: Path, name: str) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return folder / name


def depth_file(folder: Path, name: str, size: tuple[int, int] = SIZE) -> Path:
    depth = np.random.default_rng(0).integers(800, 900, size[::-1], np.uint16)
    Image.fromarray(depth).save(folder / name)
    return folder / name


def choose(tab: Tab, folder: Path, name: str) -> None:
    """A picture and its depth."""
    tab.page.set_input_files(
        "#picture-file", [picture_file(folder, f"{name}.png"), depth_file(folder, f"{name}_d.png")]
    )
    tab.page.wait_for_selector(f"#credit:has-text('{name}.png, 64 × 48')")


def write(tab: Tab, field: str, text: str) -> None:
    tab.page.fill(field, text)
    tab.page.press(field, "Tab")


def curl(tab: Tab) -> str:
    return tab.texts(".card pre")[0]


# ---- depth and camera ----------------------------------------------------------------------------------------------


def test_the_field_of_view_that_is_shown_is_sent(tab: Tab, tmp_path: Path) -> None:
    choose(tab, tmp_path, "first")
    assert tab.page.inner_text("#depth-summary") == "first_d.png, no camera"
    write(tab, "#fov", "50")
    assert tab.page.inner_text("#depth-summary") == "first_d.png, camera known, focal length 69 px"
    tab.ask("the red tomato")
    assert "--form-string fov=50" in curl(tab)
    assert [float(text) for text in tab.texts(".xyz strong")] == list(XYZ)

    choose(tab, tmp_path, "second")
    assert tab.page.input_value("#fov") == ""
    assert tab.page.inner_text("#depth-summary") == "second_d.png, no camera"
    tab.ask("the red tomato")
    assert "fov" not in curl(tab)
    assert tab.page.locator(".xyz").count() == 0

    tab.page.click("#history button >> nth=1")
    assert tab.page.input_value("#fov") == "50"
    assert "focal length 69 px" in tab.page.inner_text("#depth-summary")


def test_a_field_of_view_gives_way_to_a_camera_and_back(tab: Tab, tmp_path: Path) -> None:
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps({"fx": 60, "fy": 60, "cx": 32, "cy": 24}))
    choose(tab, tmp_path, "own")
    write(tab, "#fov", "50")
    tab.page.set_input_files("#camera-file", camera)
    tab.page.wait_for_selector("#depth-summary:has-text('focal length 60 px')")
    assert tab.page.input_value("#fov") == ""
    write(tab, "#fov", "90")
    assert "focal length 32 px" in tab.page.inner_text("#depth-summary")
    write(tab, "#fov", "")
    assert "focal length 60 px" in tab.page.inner_text("#depth-summary")
    tab.ask("the red tomato")
    assert "fov" not in curl(tab)
    assert '"fx":60' in curl(tab)


@pytest.mark.parametrize(
    ("field", "wrong", "right", "told"),
    [
        ("fov", ["500", "0", "wide", "1e9", "-60"], "62.5", NO_ANGLE),
        ("depth-unit", ["abc", "0", "-1", "0,001", "0x10", "1e999", "km"], "0.001", NO_UNIT),
        ("depth-unit", ["metre"], "mm", NO_UNIT),
    ],
)
def test_a_number_that_cannot_be_used_is_told_beside_it(
    tab: Tab, tmp_path: Path, field: str, wrong: list[str], right: str, told: str
) -> None:
    choose(tab, tmp_path, "own")
    for text in wrong:
        write(tab, f"#{field}", right)
        assert tab.page.is_hidden(f"#{field}-wrong")
        write(tab, f"#{field}", text)
        assert tab.page.inner_text(f"#{field}-wrong") == told, text
        assert tab.page.get_attribute(f"#{field}", "aria-invalid") == "true"
    assert tab.page.inner_text("#depth-summary") == "own_d.png, no camera"

    tab.page.click("#depth-and-camera summary")
    tab.page.fill("#instruction", "the red tomato")
    tab.page.press("#instruction", "Enter")
    tab.page.wait_for_function("(id) => document.activeElement.id === id", arg=field)  # nothing was sent
    assert tab.page.is_visible(f"#{field}-wrong")
    assert not [address for address in tab.addresses if address.endswith("v1/point")]

    write(tab, f"#{field}", right)
    assert tab.page.is_hidden(f"#{field}-wrong")
    tab.ask("the red tomato")
    assert f"--form-string {field.replace('-', '_')}={right}" in curl(tab)


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_half_a_picture_is_noticed_when_it_is_chosen(tab: Tab, tmp_path: Path, suffix: str) -> None:
    half = picture_file(tmp_path, f"half.{suffix}")
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    tab.page.set_input_files("#picture-file", half)
    tab.page.wait_for_selector(f"#trouble:has-text('half.{suffix} is broken or cut short: copy it again')")
    assert tab.page.is_hidden("#again")
    assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Desk"


def test_depth_that_cannot_belong_to_the_picture_is_noticed_when_it_is_chosen(tab: Tab, tmp_path: Path) -> None:
    small, half = depth_file(tmp_path, "small.png", (32, 24)), depth_file(tmp_path, "half.png")
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    for depth, told in (
        (small, "small.png has 32 × 24 pixels, the picture {}: depth has the picture's size"),
        (half, "half.png is broken or cut short: copy it again"),
    ):
        tab.page.set_input_files("#depth-file", depth)
        tab.page.wait_for_selector(f'#trouble:has-text("{told.format("640 × 480")}")')
        assert "desk_depth.png" in tab.page.inner_text("#depth-summary")
        tab.page.set_input_files("#picture-file", [picture_file(tmp_path, "own.png"), depth])
        tab.page.wait_for_selector(f'#trouble:has-text("{told.format("64 × 48")}")')
        assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Desk"
    np.save(tmp_path / "deep.npy", np.ones((24, 32), np.float32))  # no browser reads it: the server will tell
    tab.page.set_input_files("#depth-file", tmp_path / "deep.npy")
    tab.page.wait_for_selector("#depth-summary:has-text('deep.npy')")
    assert tab.page.is_hidden("#trouble")


def test_the_tile_of_one_s_own_picture_shows_it(tab: Tab, tmp_path: Path) -> None:
    assert tab.page.is_hidden("#own-photo")
    choose(tab, tmp_path, "own")
    own, photo = (tab.page.get_attribute(name, "src") for name in ("#own-photo", "#photo"))
    assert own == photo
    assert tab.page.locator("#own-photo").bounding_box()["width"] > 80
    tab.page.click("text=Vases")
    tab.page.wait_for_selector(".tile[aria-pressed=true]:has-text('Vases')")
    assert tab.page.is_hidden("#own-photo")
