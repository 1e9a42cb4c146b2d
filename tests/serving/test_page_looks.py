"""How the page looks, and whether everybody can use it: light and dark, on a phone, by keyboard, by ear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roborefer.serving.routes.pages import package_files

from .browsing import Tab, needs_browser, opened

PAGE = {name: file.content.decode() for name, file in package_files("page").items()}
MARK = (255, 46, 99)
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA
LEAST_TARGET_PX = 40  # of a finger

# All text on show, with its colour and what lies under it: [text, text's rgb, background's rgb].
TEXTS = """() => {
  const numbers = (value) => value.match(/[\\d.]+/g).map(Number);
  const rgb = (value) => value.startsWith("color(srgb") ? numbers(value.slice(10)).slice(0, 3).map((part) => 255 * part)
    : numbers(value).slice(0, 3);
  const solid = (value) => { const [, , , alpha = 1] = numbers(value.replace("srgb ", "")); return alpha === 1; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.data.trim() || !holder.checkVisibility() || holder.closest("svg, .hidden, #status, [hidden]")) continue;
    if (holder.closest(":disabled, label:has(:disabled)")) continue;
    let under = holder;
    while (under && !solid(getComputedStyle(under).backgroundColor)) under = under.parentElement;
    const ground = getComputedStyle(under ?? document.documentElement).backgroundColor;
    found.push([node.data.trim(), rgb(getComputedStyle(holder).color), rgb(ground)]);
  }
  return found;
}"""
UNNAMED = """() => [...document.querySelectorAll("button, input, a, [role=img], [role=group], section, img")]
  .filter((found) => !(found.ariaLabel || found.textContent.trim() || found.labels?.length || found.title ||
    found.getAttribute("aria-label") || (found.tagName === "IMG" && found.hasAttribute("alt"))))
  .map((found) => found.outerHTML)"""

# What can be touched and is small: [what it is, width, height]. A label is touched for its checkbox.
SMALL = """(least) => [...document.querySelectorAll("button, a, input, summary, li[tabindex]")]
  .filter((found) => found.checkVisibility() && found.getClientRects().length)
  .map((found) => {
    const { width, height } = (found.type === "checkbox" ? found.closest("label") : found).getBoundingClientRect();
    return [found.id || found.className || found.innerText, width, height];
  })
  .filter(([, width, height]) => Math.min(width, height) < least)"""
# Whether a box scrolls sideways, and how many lines it shows.
LINES = """(found) => {
  const style = getComputedStyle(found);
  const inner = found.scrollHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  return [found.scrollWidth > found.clientWidth, Math.round(inner / parseFloat(style.lineHeight))];
}"""


def luminance(rgb: list[float]) -> float:
    """Relative luminance, as WCAG defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: list[float], second: list[float]) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


# ---- the files -----------------------------------------------------------------------------------------------------


def test_nothing_stands_inline_and_nothing_comes_from_elsewhere() -> None:
    assert {"index.html", "page.css", "page.js", "icon.svg"} <= PAGE.keys()
    page = PAGE["index.html"]
    assert "default-src 'none'" in page
    assert "unsafe" not in page
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for name, text in PAGE.items():
        assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}, name
        assert "innerHTML" not in text, name
        assert not re.search(r"\beval\(|new Function|insertAdjacentHTML|document\.write", text), name


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?:src|href)=\"page/([^\"]+)\"", PAGE["index.html"]))
    imported = {name for text in PAGE.values() for name in re.findall(r"from \"\./([^\"]+)\"", text)}
    assert named | imported | {"index.html"} == PAGE.keys()


def test_every_element_that_is_asked_for_is_there() -> None:
    asked = {name for text in PAGE.values() for name in re.findall(r"byId\(\"([^\"]+)\"\)", text)}
    given = set(re.findall(r"\sid=\"([^\"]+)\"", PAGE["index.html"]))
    assert asked <= given


# ---- in a browser --------------------------------------------------------------------------------------------------


def answered(tab: Tab, shot: Path) -> None:
    """Asks with and without steps, takes a picture of the page, and finds the point in it."""
    tab.ask("the red tomato")
    tab.ask("the space left of the gray book, which is the largest thing on the desk", reasoning=True)
    tab.page.screenshot(path=shot, full_page=True)
    colors = {color for _, color in Image.open(shot).convert("RGB").getcolors(1 << 24)}
    assert MARK in colors


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_can_be_read(browser: Any, server: str, scheme: str, tmp_path: Path) -> None:
    with opened(browser, server, color_scheme=scheme) as tab:
        answered(tab, tmp_path / f"{scheme}.png")
        tab.page.evaluate("document.querySelectorAll('details').forEach((found) => { found.open = true; })")
        paper = list(tab.color("body", "backgroundColor"))
        assert (luminance(paper) < 0.2) == (scheme == "dark")
        texts = tab.page.evaluate(TEXTS)
        assert len(texts) > 60
        assert {text: contrast(*colors) for text, *colors in texts if contrast(*colors) < LEAST_CONTRAST} == {}
        tab.page.click("#theme")
        turned = list(tab.color("body", "backgroundColor"))
        assert (luminance(turned) < 0.2) == (scheme == "light")
        assert tab.page.inner_text("#theme") == scheme.capitalize()
        assert tab.faults == []


@needs_browser
def test_it_fits_a_phone(browser: Any, server: str, tmp_path: Path) -> None:
    with opened(browser, server, **PHONE) as tab:
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
        picture = tab.page.locator("#photo").bounding_box()
        assert picture["y"] + picture["height"] < 740  # the picture is seen without scrolling
        answered(tab, tmp_path / "phone.png")
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert tab.page.evaluate("document.activeElement.id") != "instruction"  # its keyboard would hide the picture
        tab.page.evaluate("document.querySelectorAll('details').forEach((found) => { found.open = true; })")
        assert tab.page.evaluate(SMALL, LEAST_TARGET_PX) == []


@needs_browser
@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}, PHONE], ids=str)
def test_lines_to_take_away_are_scrolled_and_never_broken(browser: Any, server: str, options: dict[str, Any]) -> None:
    with opened(browser, server, **options) as tab:
        tab.ask("the space left of the gray book, which is the largest thing on the desk", reasoning=True)
        lines = tab.page.locator(".tabs ~ pre")
        for name in ("curl", "JSON"):
            tab.page.click(f".tabs button:has-text('{name}')")
            count = lines.text_content().count("\n") + 1
            is_wide, shown = lines.evaluate(LINES)
            assert shown == count
            assert is_wide or name == "JSON"
        page_width, wanted = tab.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        assert wanted <= page_width
        tab.page.click("#reply summary")
        assert tab.page.locator("details pre").evaluate(LINES)[0] is False  # prose is wrapped


@needs_browser
def test_the_choice_of_colours_outlives_a_reload(browser: Any, server: str) -> None:
    with opened(browser, server, color_scheme="light") as tab:
        tab.page.click("#theme")
        tab.page.reload()
        tab.page.wait_for_selector("#suggestions button")
        assert luminance(list(tab.color("body", "backgroundColor"))) < 0.2
        assert tab.page.inner_text("#theme") == "Light"
        assert tab.faults == []


@needs_browser
def test_a_browser_that_keeps_nothing_has_both_colours_too(browser: Any, server: str) -> None:
    forbid = (
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});"
    )
    with opened(browser, server, color_scheme="light") as tab:
        tab.page.add_init_script(forbid)
        tab.page.reload()
        tab.page.wait_for_selector("#suggestions button")
        tab.page.click("#theme")
        assert luminance(list(tab.color("body", "backgroundColor"))) < 0.2
        assert tab.faults == []


@needs_browser
def test_without_scripts_it_says_so(browser: Any, server: str) -> None:
    with opened(browser, server, examples=False, java_script_enabled=False) as tab:
        assert tab.page.inner_text("noscript").startswith("This page needs JavaScript.")
        assert tab.page.is_hidden("#question")


@needs_browser
def test_everything_has_a_name_and_is_reached_by_keyboard(browser: Any, server: str) -> None:
    with opened(browser, server) as tab:
        tab.ask("the red tomato", reasoning=True)
        assert tab.page.evaluate(UNNAMED) == []
        assert tab.page.get_attribute("#marks", "aria-label") == (
            "The point is marked at 17 % from the left and 76 % from the top"
        )
        tab.page.evaluate("document.activeElement.blur()")
        rings = {}
        for _ in range(40):
            tab.page.keyboard.press("Tab")
            name, ring = tab.page.evaluate(
                """() => {
                  const found = document.activeElement;
                  const seen = found.id === "instruction" ? found.closest("form") : found;
                  const style = getComputedStyle(seen);
                  const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
                  const name = found === document.body ? "BODY" : found.id || found.className || found.innerText;
                  return [name, outline >= 2 || style.boxShadow !== "none"];
                }"""
            )
            rings[name] = ring
        assert {"choose", "instruction", "reasoning", "ask", "theme", "show-heat", "plain copy"} <= rings.keys()
        assert [name for name, ring in rings.items() if not ring and name != "BODY"] == []
