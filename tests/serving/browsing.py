"""The page in real headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine (Debian: apt install chromium)"
)


@dataclass
class Tab:
    """A page in the browser, and what it did that it should not.

    Attributes:
        page: Playwright's.
        faults: Errors of scripts, and of what the policy forbids.
        addresses: All that was requested.
    """

    page: Any
    faults: list[str]
    addresses: list[str]

    def ask(self, instruction: str, *, reasoning: bool = False) -> None:
        """Types and sends a question; waits for the answer."""
        self.page.set_checked("#reasoning", reasoning)
        self.page.fill("#instruction", instruction)
        self.page.press("#instruction", "Enter")
        self.page.wait_for_selector("body.answered")
        self.page.wait_for_selector("#ask:not(.stop)")

    def texts(self, selector: str) -> list[str]:
        return [str(text) for text in self.page.locator(selector).all_inner_texts()]

    def marks(self, selector: str) -> list[str]:
        """Texts in the drawing on the picture."""
        return [str(text) for text in self.page.locator(f"#marks {selector}").all_text_contents()]

    def color(self, selector: str, name: str) -> tuple[int, ...]:
        value: str = self.page.eval_on_selector(selector, f"(found) => getComputedStyle(found).{name}")
        return tuple(int(part) for part in value[value.index("(") + 1 : -1].split(",")[:3])


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; nothing else may run an event loop in this thread meanwhile."""
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, address: str, *, examples: bool = True, **options: Any) -> Iterator[Tab]:
    """The page in a tab of its own, with its first example chosen.

    Args:
        browser: From :func:`chromium`.
        address: Of the server.
        examples: Whether to wait for them.
        options: Playwright's, such as ``viewport`` and ``color_scheme``. Marks appear at once unless told otherwise.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options})
    page = context.new_page()
    page.set_default_timeout(20_000)
    tab = Tab(page, [], [])
    page.on("pageerror", lambda error: tab.faults.append(str(error)))
    page.on("console", lambda said: _note(tab, said))
    page.on("request", lambda request: tab.addresses.append(request.url))
    page.goto(address)
    if examples:
        page.wait_for_selector("#suggestions button")
    yield tab
    context.close()


def _note(tab: Tab, said: Any) -> None:
    # A refusal by the server is told by the page itself.
    if said.type == "error" and "Failed to load resource" not in said.text:
        tab.faults.append(said.text)
