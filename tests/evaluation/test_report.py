"""The page to leaf through: what it holds, and what a real browser makes of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.report import report_page, write_report
from roborefer.evaluation.results_file import results_content
from roborefer.evaluation.runner import RunResults, RunSettings, evaluate, score_run

from .local_server import by_number
from .made_up import INSIDE, cell, picture, write_parquet, write_refspatial

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine (Debian: apt install chromium)"
)
HARMFUL = "</script><script>document.title='harmed'</script><img src=x onerror=document.title='harmed'> &lt; \u2028"
THOUGHT = "<think>[Position] [the pen]: [(0.510, 0.490)]</think><answer>[(0.600, 0.500)]</answer>"


class Told:
    def __init__(self, *, better: bool = False) -> None:
        self.better = better

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        return [self._answer(question.text) for question in questions]

    def _answer(self, question: str) -> Reply:
        if "cup 1." in question:
            return Reply(HARMFUL)
        if "cup 2." in question:
            return Reply(None, "HTTP 500: <b>no</b>")
        if "cup 4." in question:
            return Reply(THOUGHT)
        return Reply(INSIDE if self.better else by_number(question))


def run(tmp_path: Path, *, better: bool = False) -> RunResults:
    folder = tmp_path / "bench"
    if not folder.exists():
        write_refspatial(folder, {"Location": 7, "Placement": 4})
    return evaluate(open_benchmark(folder), Told(better=better), RunSettings("b" if better else "a"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of one run, and one of two."""
    folder = tmp_path_factory.mktemp("report")
    first, second = run(folder), run(folder, better=True)
    write_report(folder / "one.html", first)
    write_report(folder / "two.html", second, results_content(first))
    return {"one": folder / "one.html", "two": folder / "two.html"}


def browser(*arguments: str, page: Path, state: str = "") -> str:
    assert CHROMIUM is not None
    told = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=5000", *arguments,
        f"{page.as_uri()}#{state}",
    ]  # fmt: skip
    done = subprocess.run(told, capture_output=True, text=True, check=True, timeout=90)
    return done.stdout


def keys(dom: str) -> list[str]:
    return re.findall(r'data-key="([^"]*)"', dom)


def test_the_page_asks_for_nothing_from_elsewhere(pages: dict[str, Path]) -> None:
    text = pages["two"].read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}


def test_what_models_wrote_cannot_leave_the_data(pages: dict[str, Path]) -> None:
    text = pages["one"].read_text(encoding="utf-8")
    assert text.count("</script>") == 2
    assert "<img src=x" not in text


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    results = run(tmp_path)
    with pytest.raises(InputError, match="cannot write"):
        write_report(tmp_path / "none" / "report.html", results)
    (tmp_path / "bench" / "Location" / "image" / "3.png").unlink()
    with pytest.raises(InputError, match="no such file"):
        write_report(tmp_path / "report.html", results)
    assert not (tmp_path / "report.html").exists()


def test_a_script_in_the_title_is_escaped(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path / "<script>", {"Location": 1})
    page = report_page(evaluate(open_benchmark(folder), Told(), RunSettings("<b>m</b>")))
    assert "<b>m" not in page


@needs_browser
def test_one_run_in_a_browser(pages: dict[str, Path]) -> None:
    dom = browser("--dump-dom", page=pages["one"])
    assert "<title>RefSpatial-Bench</title>" in dom  # no script of a model has run
    assert keys(dom) == [*(f"Location/{n}" for n in range(7)), *(f"Placement/{n}" for n in range(4))]
    assert '<span id="count" role="status">11 of 11</span>' in dom
    assert "<td>Location</td><td>7</td><td>28.6</td>" in dom
    assert "1 of 11: Location/0" in dom
    assert "Please point out cup 0." in dom
    assert re.search(r'<label id="change-label" hidden="">', dom)
    assert 'class="mask" src="data:image/png;base64,' in dom
    assert dom.count("<circle") == 1


FILTERS = {
    "status=right": ["Location/4", "Location/5"],
    "status=failed": ["Location/2", "Placement/2"],
    "status=unread": ["Location/1", "Placement/1"],
    "status=wrong&task=Placement": ["Placement/0", "Placement/1", "Placement/2", "Placement/3"],
    "step=3&task=Location": ["Location/2", "Location/5"],
    "words=CUP+5": ["Location/5"],
    "status=right&task=Placement": [],
}
TRIAL = """<script>
const found = {};
for (const state of STATES) {
  history.replaceState(null, "", "#" + state);
  readHash();
  refresh();
  const keys = [...document.querySelectorAll("#list button")].map((button) => button.dataset.key);
  found[state] = [keys, byId("count").textContent, byId("place").textContent, byId("sample").innerHTML];
}
found.title = document.title;
document.body.append(element("pre", JSON.stringify(found), "trial"));
</script></body>"""


@pytest.fixture(scope="module")
def tried(pages: dict[str, Path]) -> dict[str, Any]:
    """What the browser shows in several states of the page of one run."""
    page = pages["one"].with_name("trial.html")
    states = json.dumps([*FILTERS, "key=Location%2F1", "key=Location%2F4"])
    text = pages["one"].read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", TRIAL.replace("STATES", states)), encoding="utf-8")
    told = re.search(r'<pre class="trial">(.*?)</pre>', browser("--dump-dom", page=page), re.DOTALL)
    assert told is not None
    return dict(json.loads(html.unescape(told[1])))


@needs_browser
@pytest.mark.parametrize("state", FILTERS)
def test_filters_in_a_browser(tried: dict[str, Any], state: str) -> None:
    shown, count, place, _ = tried[state]
    assert shown == FILTERS[state]
    assert count == f"{len(shown)} of 11"
    assert place == (f"1 of {len(shown)}: {shown[0]}" if shown else "nothing fits these filters")


@needs_browser
def test_a_harmful_answer_is_shown_as_text(tried: dict[str, Any]) -> None:
    assert tried["title"] == "RefSpatial-Bench"
    shown = re.search(r'<pre class="raw">(.*?)</pre>', tried["key=Location%2F1"][3], re.DOTALL)
    assert shown is not None
    assert html.unescape(shown[1]) == HARMFUL


@needs_browser
def test_steps_are_drawn_and_told(tried: dict[str, Any]) -> None:
    sample = tried["key=Location%2F4"][3]
    assert "Position of the pen: (0.510, 0.490)" in sample
    assert '<rect x="501"' in sample


@needs_browser
def test_two_runs_side_by_side_in_a_browser(pages: dict[str, Path]) -> None:
    dom = browser("--dump-dom", page=pages["two"], state="change=better")
    assert keys(dom) == ["Location/0", "Location/3", "Location/6", "Placement/0", "Placement/3"]
    assert "<h2>a, depth none</h2>" in dom
    assert "<h2>b, depth none</h2>" in dom
    assert dom.count("<circle") == 2
    assert "<th>difference</th><th>95 %</th><th>p</th><th>better</th><th>worse</th>" in dom
    assert "<td>Location</td><td>7</td><td>28.6</td><td>71.4</td><td>+42.9</td>" in dom
    # Two points at one place are seen as two.
    assert [float(radius) for radius in re.findall(r'<circle [^>]*r="(\d+)"', dom)] == [14, 9]


@needs_browser
def test_all_numbers_are_in_the_page(pages: dict[str, Path]) -> None:
    dom = browser("--dump-dom", page=pages["one"])
    shown = re.search(r'<pre id="numbers">(.*?)</pre>', dom, re.DOTALL)
    assert shown is not None
    assert all(f"\n{name} " in shown[1] for name in ("all", "protocol", "lmms-eval", "steps"))


@needs_browser
def test_a_telephone_shows_it_without_scrolling_sideways(pages: dict[str, Path]) -> None:
    """Chromium's own window is never that narrow: a frame holds the page."""
    frame = pages["two"].with_name("frame.html")
    frame.write_text(
        '<iframe src="two.html" style="width:360px;height:800px"></iframe><script>onload = () => { '
        "const page = frames[0].document.documentElement; "
        'document.body.append("width " + page.clientWidth + " of " + page.scrollWidth); }</script>'
    )
    dom = browser("--dump-dom", "--allow-file-access-from-files", page=frame)
    told = re.search(r"width (\d+) of (\d+)", dom)
    assert told is not None
    assert told[1] == told[2] != "0"


def test_what_is_right_is_told_where_no_mask_shows_it(tmp_path: Path) -> None:
    row = {"data_source": "mp3d", "question_id": "q", "question": "Which?", "relation": "close", "answer": 1,
           "image": cell(picture()), "answer_options": ["a cup", "a pen"]}  # fmt: skip
    write_parquet(tmp_path / "test.parquet", [row])
    page = report_page(score_run(open_benchmark(tmp_path), RunSettings("m"), {}))
    assert '"facts": ["mp3d", "close", "right is B"]' in page


@needs_browser
def test_a_person_sees_picture_mask_and_point(pages: dict[str, Path], tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    browser(f"--screenshot={shot}", "--window-size=1200,900", page=pages["one"], state="key=Location%2F5")
    colours = {colour for _, colour in Image.open(shot).convert("RGB").getcolors(1 << 24)}
    # The point is drawn in the first run's blue, and the green mask over the red square gives something between.
    assert (9, 105, 218) in colours
    assert any(80 < red < 140 and 110 < green < 170 and 60 < blue < 130 for red, green, blue in colours)
