"""The page, used as a person uses it, in a real browser over a real server."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .browsing import Tab, needs_browser, opened
from .live_server import running
from .scripted_predictor import HARMFUL, RIVAL, XYZ, ScriptedPredictor

pytestmark = needs_browser

EXAMPLES = ["Your picture", "Desk", "Vases", "Kitchen", "Coffee"]


@pytest.fixture(scope="module")
def predictor() -> ScriptedPredictor:
    return ScriptedPredictor()


@pytest.fixture(scope="module")
def server(predictor: ScriptedPredictor) -> Iterator[str]:
    with running(predictor, model_name="nano-of-tests") as address:
        yield address


@pytest.fixture
def tab(browser: Any, server: str) -> Iterator[Tab]:
    with opened(browser, server) as found:
        yield found
        assert found.faults == []


def mark_at(tab: Tab, selector: str) -> tuple[float, float]:
    """Where the middle of a mark lies in the picture, in fractions of it."""
    photo = tab.page.locator("#photo").bounding_box()
    mark = tab.page.locator(selector).first.bounding_box()
    x = (mark["x"] + mark["width"] / 2 - photo["x"]) / photo["width"]
    y = (mark["y"] + mark["height"] / 2 - photo["y"]) / photo["height"]
    return x, y


def picture_file(folder: Path, name: str = "red.png", size: tuple[int, int] = (64, 48)) -> Path:
    Image.new("RGB", size, "red").save(folder / name)
    return folder / name


def depth_file(folder: Path, size: tuple[int, int] = (64, 48)) -> Path:
    Image.fromarray(np.full(size[::-1], 900, np.uint16)).save(folder / "deep.png")
    return folder / "deep.png"


# ---- what is there -------------------------------------------------------------------------------------------------


def test_it_opens_with_an_example_and_asks_only_this_server(tab: Tab, server: str) -> None:
    assert tab.page.title() == "RoboRefer"
    assert tab.texts("#pictures .name") == EXAMPLES
    assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Desk"
    assert len(tab.texts("#suggestions button")) >= 3
    assert tab.page.inner_text("#model") == "nano-of-tests"
    assert "desk_depth.png" in tab.page.inner_text("#depth-summary")
    assert tab.page.inner_text("#welcome h2") == "From a sentence to the point that was meant"
    assert {address[: len(server)] for address in tab.addresses if not address.startswith("blob:")} == {server}


def test_a_suggestion_is_asked_and_its_point_shown(tab: Tab) -> None:
    chosen = tab.texts("#suggestions button")[0]
    tab.page.click("#suggestions button")
    tab.page.wait_for_selector("body.answered")
    assert tab.page.inner_text(".asked") == chosen
    assert mark_at(tab, ".point .dot") == pytest.approx((0.176, 0.603), abs=0.003)
    assert mark_at(tab, ".rival circle") == pytest.approx((RIVAL.x, RIVAL.y), abs=0.003)
    assert tab.page.inner_text(".confidence") == "87 % sure"
    assert "112.6, 289.4 of 640 × 480" in tab.texts("#reply dd")
    assert tab.page.inner_text("#status") == (
        "Point at 18 % from the left, 60 % from the top, 87 % sure, 1.24 metres away"
    )
    tab.page.uncheck("#show-rivals")
    assert tab.page.locator(".rival").count() == 0


def test_the_anchor_is_told_in_metres_and_seen_from_above(tab: Tab) -> None:
    tab.ask("the red tomato")
    assert [float(text) for text in tab.texts(".xyz strong")] == list(XYZ)
    assert tab.page.get_attribute(".top-view", "aria-label") == (
        "From above: the point is 1.21 m ahead and 0.26 m to the left"
    )
    assert tab.marks(".point .plate") == ["1.24 m"]
    tab.page.click("text=Coffee")  # has no depth
    tab.page.wait_for_selector(".tile[aria-pressed=true]:has-text('Coffee')")
    assert tab.page.locator("#reply > *").count() == 0
    tab.ask("the spoon")
    assert "No 3D: give depth and a camera to get metres." in tab.texts(".note")


def test_steps_are_listed_drawn_and_lit(tab: Tab) -> None:
    tab.ask("the space", reasoning=True)
    assert tab.texts(".steps small") == [
        "position 0.332, 0.786",
        "orientation 0.800, -0.600, 0.000",
        "size 0.21 m",
        "position 0.170, 0.760",
    ]
    assert tab.page.locator("#marks .step rect").count() == 2
    assert mark_at(tab, "#marks .step rect") == pytest.approx((0.332, 0.786), abs=0.003)
    line = tab.page.locator("#marks line.arrow:not(.halo)")
    right, down = (float(line.get_attribute(f"{axis}2")) - float(line.get_attribute(f"{axis}1")) for axis in "xy")
    assert down / right == pytest.approx(-0.6 / 0.8)
    tab.page.hover(".steps li >> nth=2")
    assert tab.marks(".step.lit .plate") == ["3 the gray book: 0.21 m"]
    tab.page.focus(".steps li >> nth=0")
    assert tab.marks(".step.lit .plate") == ["the gray book"]


def test_steps_appear_one_by_one_while_the_model_writes(
    browser: Any, server: str, predictor: ScriptedPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "pause_s", 0.04)
    with opened(browser, server, reduced_motion="no-preference") as tab:
        tab.page.evaluate(
            """() => {
              window.seen = [];
              const look = () => seen.push(document.querySelectorAll("#marks .step").length * 10 +
                document.querySelectorAll("#marks .point").length);
              new MutationObserver(look).observe(document.getElementById("marks"), {childList: true});
            }"""
        )
        tab.ask("the space", reasoning=True)
        tab.page.wait_for_selector("#marks .point")
        seen = tab.page.evaluate("[...new Set(window.seen)]")
        # Steps and points that were drawn at the same time: the point comes last.
        assert seen == [10, 20, 30, 40, 41]
        assert tab.faults == []
        tab.page.click("text=Replay")
        tab.page.wait_for_function("document.querySelectorAll('#marks .step').length === 1")
        tab.page.wait_for_selector("#marks .point")


def test_the_heatmap_lies_over_the_picture(tab: Tab) -> None:
    tab.ask("the red tomato")
    assert not tab.page.is_visible("#heat")
    tab.page.check("#show-heat")
    brightest = tab.page.eval_on_selector(
        "#heat",
        """(canvas) => {
          const {data, width} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let best = 0;
          for (let cell = 0; cell < data.length / 4; cell += 1) if (data[4 * cell] > data[4 * best]) best = cell;
          return [best % width, Math.floor(best / width), width];
        }""",
    )
    assert brightest == [2, 7, 12]
    assert tab.page.locator("#heat").bounding_box() == tab.page.locator("#photo").bounding_box()


# ---- taking it away ------------------------------------------------------------------------------------------------


def test_the_curl_lines_run_and_give_the_json_that_is_shown(tab: Tab, tmp_path: Path) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.ask('the owner\'s "red" tomato; $HOME `x`', reasoning=True)
    tab.page.click(".tabs .copy")
    tab.page.wait_for_selector("text=Copied")
    lines = tab.page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(["bash", "-c", lines], cwd=tmp_path, capture_output=True, timeout=60, check=True)
    by_curl = json.loads(done.stdout)
    tab.page.click(".tabs button:has-text('JSON')")
    tab.page.click(".tabs .copy")
    shown = json.loads(tab.page.inner_text(".card pre"))
    assert json.loads(tab.page.evaluate("navigator.clipboard.readText()")) == shown
    for reply in (by_curl, shown):
        del reply["timing_ms"], reply["request_id"]
    assert by_curl == shown
    assert shown["points"][0]["xyz"] == list(XYZ)


# ---- pictures of one's own -----------------------------------------------------------------------------------------


def test_files_are_chosen_together_and_each_finds_its_place(tab: Tab, tmp_path: Path) -> None:
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps({"fx": 60, "fy": 60, "cx": 32, "cy": 24, "width": 64, "height": 48}))
    tab.page.set_input_files("#picture-file", [camera, depth_file(tmp_path), picture_file(tmp_path)])
    tab.page.wait_for_selector("#credit:has-text('red.png, 64 × 48')")
    assert tab.page.inner_text("#depth-summary") == "deep.png, camera known, focal length 60 px"
    assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Your picture"
    camera.write_text(json.dumps({"world_from_camera": np.eye(4).tolist()}))
    tab.page.set_input_files("#camera-file", camera)
    tab.ask("the red tomato")
    assert tab.page.locator(".xyz").count() == 1
    assert "world_from_camera=[[1" in tab.texts(".card pre")[0]
    tab.page.click("#depth-and-camera summary")
    tab.page.click("#remove-depth")
    tab.page.fill("#fov", "60")
    tab.page.press("#fov", "Tab")
    assert tab.page.inner_text("#depth-summary") == "no depth, camera known, focal length 55 px"


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(tab: Tab, way: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (30, 20), "blue").save(stream, "PNG")
    tab.page.evaluate(
        """([way, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(content)], "blue.png", {type: "image/png"}));
          const event = way === "paste" ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true})
            : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
          document.body.dispatchEvent(event);
        }""",
        [way, list(stream.getvalue())],
    )
    tab.page.wait_for_selector("#credit:has-text('blue.png, 30 × 20')")
    tab.ask("the sea")
    assert "5.3, 12.1 of 30 × 20" in tab.texts("#reply dd")


def test_what_is_no_picture_is_refused_in_words(tab: Tab, tmp_path: Path) -> None:
    broken, words = tmp_path / "broken.png", tmp_path / "notes.pdf"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    words.write_text("notes")
    for path, told in (
        (broken, "broken.png is no picture that a browser shows: use PNG, JPEG or WebP"),
        (words, "notes.pdf is neither a picture, nor depth, nor intrinsics"),
    ):
        tab.page.set_input_files("#picture-file", path)
        tab.page.wait_for_selector(f"#trouble:has-text('{told}')")
    assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Desk"


# ---- history and keys ----------------------------------------------------------------------------------------------


def test_the_session_is_remembered_and_leafed_through(tab: Tab) -> None:
    tab.ask("first")
    tab.page.click("text=Vases")
    tab.page.wait_for_selector(".tile[aria-pressed=true]:has-text('Vases')")
    tab.ask("second", reasoning=True)
    assert tab.texts("#history .name") == ["second", "first"]
    tab.page.click("#history button >> nth=1")
    assert tab.page.input_value("#instruction") == "first"
    assert not tab.page.is_checked("#reasoning")
    assert tab.page.locator(".tile[aria-pressed=true] .name").inner_text() == "Desk"
    assert tab.page.inner_text(".asked") == "first"
    tab.page.focus("#instruction")
    tab.page.keyboard.press("ArrowDown")
    assert tab.page.inner_text(".asked") == "second"
    assert tab.page.locator("#history [aria-current] .name").inner_text() == "second"
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("ArrowUp")
    assert tab.page.inner_text(".asked") == "first"


def test_keys_ask_and_stop(tab: Tab, predictor: ScriptedPredictor) -> None:
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("the red tomato")
    predictor.gate.clear()
    try:
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#ask.stop")
        assert tab.page.is_visible("#progress")
        assert re.fullmatch(r"Stop \d+\.\d s", tab.page.inner_text("#ask"))
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_selector("#ask:not(.stop)")
        assert tab.page.inner_text("#ask") == "Ask"
        assert tab.page.is_hidden("#progress")
        assert tab.page.is_hidden("#trouble")
    finally:
        predictor.gate.set()
    tab.ask("the red tomato")
    assert tab.texts("#history .name") == ["the red tomato"]


# ---- when it cannot ------------------------------------------------------------------------------------------------


def test_the_server_s_words_are_shown(tab: Tab, tmp_path: Path) -> None:
    np.save(tmp_path / "deep.npy", np.ones((24, 32), np.float32))  # no browser reads it
    tab.page.set_input_files("#depth-file", tmp_path / "deep.npy")
    tab.page.wait_for_selector("#depth-summary:has-text('deep.npy')")
    tab.page.fill("#instruction", "the red tomato")
    tab.page.press("#instruction", "Enter")
    tab.page.wait_for_selector('#trouble:has-text("expected depth of the image\'s size 640x480, got 32x24")')
    assert tab.page.is_hidden("#again")  # the same question would be refused again
    assert tab.page.inner_text("#reply h2") == "No answer"


def test_an_answer_without_a_point_says_so(tab: Tab) -> None:
    tab.ask("nothing")
    assert tab.page.inner_text("#reply h2 >> nth=0") == "No point"
    assert tab.texts(".warning") == ["the model gave no point"]
    assert tab.page.inner_text("#status") == "No point was found"
    assert tab.texts("#history small") == ["no point"]


def test_several_points_are_numbered(tab: Tab) -> None:
    tab.ask("two things")
    assert tab.page.inner_text("#reply h2 >> nth=0") == "2 points"
    assert tab.texts(".others li") == ["0.700, 0.800, 1.24 m"]
    assert tab.marks(".point .plate") == ["1  1.24 m", "2  1.24 m"]


def test_what_a_model_writes_stays_text(tab: Tab) -> None:
    tab.ask("harm")
    tab.page.click("#reply details summary")
    assert HARMFUL in tab.texts("#reply pre")
    assert tab.page.title() == "RoboRefer"
    assert tab.page.locator("#reply img").count() == 0


def test_a_server_that_has_gone_is_told(browser: Any) -> None:
    with running(ScriptedPredictor()) as address:
        context = opened(browser, address)
        tab = context.__enter__()
    tab.page.fill("#instruction", "the red tomato")
    tab.page.press("#instruction", "Enter")
    tab.page.wait_for_selector("#trouble:has-text('The server does not answer. Is it still running?')")
    assert tab.page.is_visible("#again")
    context.__exit__(None, None, None)


def test_a_key_is_asked_for_and_kept_in_memory_only(browser: Any) -> None:
    with running(ScriptedPredictor(), api_keys=("open sesame",)) as address, opened(browser, address) as tab:
        assert tab.page.is_hidden("#key-form")
        tab.page.fill("#instruction", "the red tomato")
        tab.page.press("#instruction", "Enter")
        tab.page.wait_for_selector("#key-form")
        tab.page.fill("#key", "another")
        tab.page.press("#key", "Enter")
        tab.page.wait_for_selector('#trouble:has-text("expected one of the server\'s API keys, got another")')
        tab.page.fill("#key", "open sesame")
        tab.page.press("#key", "Enter")
        tab.page.wait_for_selector("body.answered")
        assert tab.page.is_hidden("#key-form")
        assert tab.page.input_value("#key") == ""
        assert "Authorization: Bearer $ROBOREFER_API_KEY" in tab.texts(".card pre")[0]
        assert tab.page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
        assert tab.faults == []
