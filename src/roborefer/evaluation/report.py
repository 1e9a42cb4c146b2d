"""One page to leaf through: pictures, masks, points, steps and raw answers of one run, or of two side by side.

Everything is inside the file; it asks for nothing from elsewhere, and what models wrote is only shown as text.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from roborefer.evaluation.comparison import compare_scores, run_names, run_scores
from roborefer.evaluation.results_file import results_content, scores_by, step_content
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import (
    BoxTarget,
    ChoiceTarget,
    MaskTarget,
    PolygonTarget,
    Sample,
    Source,
    YesNoTarget,
    read_mask,
)
from roborefer.evaluation.table import results_table
from roborefer.images import read_image
from roborefer.refspatial.atomic_files import write_whole

REPORT = "report.html"
LONGEST_SIDE = 640
"""Pictures in the page have no longer side, so that hundreds of them fit into one file."""

_QUALITY = 80
_INSIDE = (0, 200, 120)
_SAMPLE_KEYS = (
    "raw", "error", "score", "parsed", "points", "steps", "distance_px", "error_mm", "protocols", "key_steps",
    "problem",
)  # fmt: skip


def write_report(path: Path, results: RunResults, other: Mapping[str, Any] | None = None, seed: int = 0) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: Where to.
        results: The run; the second one where there is another.
        other: What ``results.json`` of another run holds, which is shown first.
        seed: Of the comparison's interval and p-value.

    Raises:
        InputError: A picture or mask cannot be read, the runs share no sample, or the system refuses the file.
    """
    write_whole(path, report_page(results, other, seed).encode("utf-8", "replace"))


def report_page(results: RunResults, other: Mapping[str, Any] | None = None, seed: int = 0) -> str:
    """The page as text; arguments as in :func:`write_report`."""
    content = results_content(results)
    data = _data(results, content, other, seed)
    # "</script>" in an answer would end the data; as JSON the slash may be escaped, and so may every other sign.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    parts = {
        "@TITLE@": html.escape(data["title"]),
        "@STYLE@": _asset("style.css"),
        "@SCRIPT@": _asset("script.js"),
        "@DATA@": text,
    }
    page = _asset("page.html")
    before, after = page.split("@DATA@")
    for name in ("@TITLE@", "@STYLE@"):
        before = before.replace(name, parts[name])
    return before + parts["@DATA@"] + after.replace("@SCRIPT@", parts["@SCRIPT@"])


def _asset(name: str) -> str:
    return (files("roborefer.evaluation") / "report_page" / name).read_text(encoding="utf-8").strip()


def _data(
    results: RunResults, content: Mapping[str, Any], other: Mapping[str, Any] | None, seed: int
) -> dict[str, Any]:
    runs = [content] if other is None else [other, content]
    answers = [{sample["key"]: sample for sample in run["samples"]} for run in runs]
    shown = [item.sample for item in results.scored if all(item.sample.key in known for known in answers)]
    return {
        "title": results.benchmark.name,
        "about": _about(results, runs),
        "runs": [{"name": name} for name in run_names([run["settings"] for run in runs])],
        "groups": _groups(content),
        "comparison": None if other is None else _comparison(results, other, seed),
        "numbers": results_table(results),
        "samples": [_sample(sample, [known[sample.key] for known in answers]) for sample in shown],
    }


def _about(results: RunResults, runs: Sequence[Mapping[str, Any]]) -> str:
    models = " and ".join(dict.fromkeys(run["settings"]["model"] for run in runs))
    failed = len(results.failed)
    said = f"{models} on {results.benchmark.source}; protocol {results.summary.protocol}"
    return said + (f"; {failed} requests failed" if failed else "")


def _groups(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The numbers of each task, and of all together."""
    groups = dict(content["summary"]["tasks"])
    if len(groups) > 1:
        groups["all"] = content["summary"]["all"]
    keys = ("samples", "score", "interval", "hit", "parsed", "failed")
    return [{"name": name, **{key: group[key] for key in keys}} for name, group in groups.items()]


def _comparison(results: RunResults, other: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """Both runs over the samples that both have, by task, and over all together."""
    protocol = results.summary.protocol
    pairs = compare_scores(scores_by(other, protocol), run_scores(results, protocol), seed)
    return [{"name": name, **asdict(pair)} for name, pair in pairs]


def _sample(sample: Sample, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    facts = [sample.task]
    if sample.step is not None:
        facts.append(f"{sample.step} step{'s' * (sample.step != 1)}")
    facts += [*sample.relations, *([sample.scene] if sample.scene else []), *_truth(sample)]
    return {
        "key": sample.key,
        "task": sample.task,
        "step": sample.step,
        "question": sample.prompt,
        "facts": facts,
        "images": [_picture(source) for source in sample.images],
        "mask": _mask(sample),
        "polygon": _polygon(sample),
        "key_steps": [step_content(step) for step in sample.key_steps],
        "answers": [{key: answer[key] for key in _SAMPLE_KEYS} for answer in answers],
    }


def _truth(sample: Sample) -> list[str]:
    """What is right, where no mask, box or polygon shows it."""
    target = sample.target
    if isinstance(target, ChoiceTarget | YesNoTarget):
        return [f"right is {target.answer}"]
    count = target.count if isinstance(target, MaskTarget) else None
    return [] if count is None else [f"right are {count} points"]


def _picture(source: Source) -> dict[str, Any]:
    picture = read_image(source)
    size = picture.size
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return {"size": list(size), "picture": _data_url("image/jpeg", stream.getvalue())}


def _mask(sample: Sample) -> str | None:
    """The mask as a picture of one colour that is clear elsewhere."""
    if not isinstance(sample.target, MaskTarget):
        return None
    inside = read_mask(sample.target, sample.image_size).inside
    shown = Image.fromarray(inside.astype("uint8"))
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.NEAREST)
    shown.putpalette([0, 0, 0, *_INSIDE])
    stream = io.BytesIO()
    shown.save(stream, "PNG", transparency=0, bits=1)
    return _data_url("image/png", stream.getvalue())


def _polygon(sample: Sample) -> list[list[float]] | None:
    target = sample.target
    if isinstance(target, PolygonTarget):
        return [list(corner) for corner in target.polygon]
    if isinstance(target, BoxTarget):
        box = target.box
        return [[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]]
    return None


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
