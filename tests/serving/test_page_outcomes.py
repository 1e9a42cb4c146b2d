"""What the page shows while it waits, and when no answer comes or nothing fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import roborefer.predictor as predictor_module
from roborefer.errors import InputError
from roborefer.serving.refusals import Busy
from roborefer.structures import Prediction

from . import scripted_predictor
from .browsing import Tab, needs_browser, opened
from .live_server import running
from .scripted_predictor import ScriptedPredictor

pytestmark = needs_browser


class Plain(ScriptedPredictor):
    """Its problems are in the words of a real one."""

    def prediction(self, *arguments: Any, **options: Any) -> Prediction:
        found = super().prediction(*arguments, **options)
        return found if found.points else replace(found, problem=predictor_module._no_point(found.raw))


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Plain]]:
    predictor = Plain()
    with running(predictor) as address:
        yield address, predictor


@pytest.fixture
def predictor(served: tuple[str, Plain]) -> Iterator[Plain]:
    yield served[1]
    served[1].gate.set()
    served[1].pause_s = 0.0
    served[1].fault = lambda text: None


@pytest.fixture
def tab(browser: Any, served: tuple[str, Plain], predictor: Plain) -> Iterator[Tab]:
    with opened(browser, served[0]) as found:
        yield found
        assert found.faults == []


def send(tab: Tab, instruction: str) -> None:
    tab.page.fill("#instruction", instruction)
    tab.page.press("#instruction", "Enter")


def stop(tab: Tab, predictor: Plain, instruction: str) -> None:
    """Sends a question, and stops it before it is answered."""
    predictor.gate.clear()
    send(tab, instruction)
    tab.page.wait_for_selector("#ask.stop")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector("#ask:not(.stop)")
    predictor.gate.set()


def failing(error: Exception) -> Any:
    def fault(text: str) -> None:
        raise error

    return fault


# ---- no answer -----------------------------------------------------------------------------------------------------


def test_a_first_question_that_is_stopped_stays_on_show(tab: Tab, predictor: Plain) -> None:
    stop(tab, predictor, "the red tomato")
    assert tab.page.is_hidden("#welcome")
    assert tab.page.inner_text("#reply h2") == "Stopped"
    assert tab.page.inner_text(".asked") == "the red tomato"
    assert tab.page.inner_text("#status") == "Stopped"
    tab.ask("the red tomato")
    assert tab.page.inner_text("#reply h2 >> nth=0") == "Point"


@pytest.mark.parametrize("ending", ["stopped", "refused"])
def test_the_answer_before_comes_back(tab: Tab, predictor: Plain, ending: str) -> None:
    tab.ask("first")
    tab.ask("second")
    tab.page.click("#history button >> nth=1")
    if ending == "stopped":
        stop(tab, predictor, "third")
    else:
        predictor.fault = failing(InputError("not this one"))
        send(tab, "third")
        tab.page.wait_for_selector("#trouble:has-text('not this one')")
    assert tab.page.is_hidden("#welcome")
    assert tab.page.inner_text(".asked") == "first"
    assert tab.page.locator("#history [aria-current] .name").inner_text() == "first"
    assert tab.page.locator("#marks .point").count() == 1
    assert tab.page.input_value("#instruction") == "third"


def test_another_picture_ends_a_question_and_starts_anew(tab: Tab, predictor: Plain) -> None:
    tab.ask("first")
    predictor.gate.clear()
    send(tab, "second")
    tab.page.wait_for_selector("#ask.stop")
    tab.page.click("text=Coffee")
    tab.page.wait_for_selector(".tile[aria-pressed=true]:has-text('Coffee')")
    tab.page.wait_for_selector("#ask:not(.stop)")
    assert tab.page.is_visible("#welcome")
    assert tab.page.locator("#reply > *").count() == 0


@pytest.mark.parametrize(
    ("error", "may_heal"),
    [(InputError("not this one"), False), (Busy(2), True), (ValueError("a defect"), True)],
    ids=["400", "429", "500"],
)
def test_trying_again_is_offered_where_it_may_help(
    tab: Tab, predictor: Plain, error: Exception, may_heal: bool
) -> None:
    predictor.fault = failing(error)
    send(tab, "the red tomato")
    tab.page.wait_for_selector("#trouble:visible")
    assert tab.page.is_visible("#again") is may_heal
    assert tab.page.inner_text("#reply h2") == "No answer"
    predictor.fault = lambda text: None
    if may_heal:
        tab.page.click("#again")
        tab.page.wait_for_selector("body.answered")


# ---- answers -------------------------------------------------------------------------------------------------------


def test_that_nothing_fits_is_an_answer(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scripted_predictor.SCRIPT, "the sofa", "[]")
    tab.ask("the sofa")
    assert tab.page.inner_text("#reply h2 >> nth=0") == "Nothing fits"
    assert tab.page.inner_text(".plainly") == "The model says that nothing in the picture fits."
    assert tab.page.locator(".warning").count() == 0
    assert tab.page.inner_text("#status") == "The model says that nothing in the picture fits"
    assert tab.texts("#history small") == ["nothing fits"]
    tab.ask("nothing")
    assert tab.page.inner_text("#reply h2 >> nth=0") == "No point"
    assert len(tab.texts(".warning")) == 1


def test_half_lines_of_the_model_are_not_shown(tab: Tab, predictor: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor, "pause_s", 0.03)
    tab.page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => seen.push(document.getElementById("so-far").textContent))
            .observe(document.getElementById("so-far"), {childList: true});
        }"""
    )
    tab.ask("the space", reasoning=True)
    seen = "[...new Set(window.seen)]"
    assert tab.page.evaluate(seen) == ["Reading the picture", "Writing the steps", "Writing the answer"]
    tab.page.evaluate("seen.length = 0")
    tab.ask("the red tomato")
    assert tab.page.evaluate(seen) == ["Reading the picture", "Writing the answer"]
