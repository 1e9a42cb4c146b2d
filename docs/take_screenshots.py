"""Takes the pictures of the page in docs/images/ from a server that runs, in headless Chromium.

    roborefer serve &
    python docs/take_screenshots.py http://127.0.0.1:25547

They are small, with few colours, as they lie in the repository.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "images"
COLORS = 224
DESKTOP = {"viewport": {"width": 1180, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 1.5, "is_mobile": True, "has_touch": True}


def take(browser: Any, address: str, name: str, example: str, instruction: str, *, heat: bool, **options: Any) -> None:
    """Asks one question with reasoning and writes what is seen, as a PNG of few colours."""
    context = browser.new_context(reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#suggestions button")
    page.click(f".tile:has-text('{example}')")
    page.wait_for_selector(f".tile[aria-pressed=true]:has-text('{example}')")
    page.check("#reasoning")
    page.fill("#instruction", instruction)
    page.press("#instruction", "Enter")
    page.wait_for_selector("#marks .point")
    if heat:
        page.check("#show-heat")
    page.evaluate("document.activeElement.blur()")
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        few = shot.convert("RGB").quantize(COLORS, kmeans=8, dither=Image.Dither.NONE)
    FOLDER.mkdir(exist_ok=True)
    few.save(FOLDER / name, optimize=True)
    print(f"wrote {FOLDER / name}, {(FOLDER / name).stat().st_size / 1000:.0f} kB")
    context.close()


def main(address: str) -> None:
    """Writes both pictures."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        question = "the free space between the red tomato and the green gift box"
        take(browser, address, "page.png", "Desk", question, heat=False, color_scheme="light", **DESKTOP)
        question = "the free space between the orange vase and the pan"
        take(browser, address, "page_phone.png", "Vases", question, heat=True, color_scheme="dark", **PHONE)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:25547")
