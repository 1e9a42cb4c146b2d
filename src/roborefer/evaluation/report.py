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

from roborefer.evaluation.comparison import compare_scores, run_scores
from roborefer.evaluation.results_file import results_content, scores_by, step_content
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import BoxTarget, MaskTarget, PolygonTarget, Sample, Source, read_mask
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


def write_report(path: Path, results: RunResults, other: Mapping[str, Any] | None = None) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: Where to.
        results: The run; the second one where there is another.
        other: What ``results.json`` of another run holds, which is shown first.

    Raises:
        InputError: A picture or mask cannot be read, the runs share no sample, or the system refuses the file.
    """
    write_whole(path, report_page(results, other).encode("utf-8", "replace"))


def report_page(results: RunResults, other: Mapping[str, Any] | None = None) -> str:
    """The page as text; arguments as in :func:`write_report`."""
    content = results_content(results)
    data = _data(results, content, other)
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


def _data(results: RunResults, content: Mapping[str, Any], other: Mapping[str, Any] | None) -> dict[str, Any]:
    runs = [content] if other is None else [other, content]
    answers = [{sample["key"]: sample for sample in run["samples"]} for run in runs]
    shown = [item.sample for item in results.scored if all(item.sample.key in known for known in answers)]
    return {
        "title": results.benchmark.name,
        "about": _about(results, runs),
        "runs": [{"name": name} for name in _names(runs)],
        "groups": _groups(runs),
        "comparison": None if other is None else _comparison(results, other),
        "samples": [_sample(sample, [known[sample.key] for known in answers]) for sample in shown],
    }


def _names(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Short names that tell the runs apart."""
    settings = [run["settings"] for run in runs]
    models = {setting["model"] for setting in settings}
    names = []
    for setting in settings:
        parts = [] if len(runs) > 1 and len(models) == 1 else [setting["model"].rstrip("/").split("/")[-1]]
        parts.append(f"depth {setting['depth']}")
        names.append(", ".join([*parts, *(["reasoning"] if setting["reasoning"] else [])]))
    if len(set(names)) < len(names):
        names = [f"{name} ({place})" for name, place in zip(names, ("first", "second"), strict=False)]
    return names


def _about(results: RunResults, runs: Sequence[Mapping[str, Any]]) -> str:
    models = " and ".join(dict.fromkeys(run["settings"]["model"] for run in runs))
    failed = len(results.failed)
    said = f"{models} on {results.benchmark.source}; protocol {results.summary.protocol}"
    return said + (f"; {failed} requests failed" if failed else "")


def _groups(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tasks that all runs have, and all samples."""
    tasks = [task for task in runs[-1]["summary"]["tasks"] if all(task in run["summary"]["tasks"] for run in runs)]
    groups = [(task, [run["summary"]["tasks"][task] for run in runs]) for task in tasks]
    if len(tasks) > 1:
        groups.append(("all", [run["summary"]["all"] for run in runs]))
    keys = ("score", "interval", "hit", "parsed")
    return [
        {"name": name, "samples": found[-1]["samples"], "runs": [{key: group[key] for key in keys} for group in found]}
        for name, found in groups
    ]


def _comparison(results: RunResults, other: Mapping[str, Any]) -> dict[str, Any]:
    protocol = results.summary.protocol
    pairs = compare_scores(scores_by(other, protocol), run_scores(results, protocol))
    return {name: asdict(pair) for name, pair in pairs}


def _sample(sample: Sample, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    facts = [sample.task]
    if sample.step is not None:
        facts.append(f"{sample.step} step{'s' * (sample.step != 1)}")
    facts += [*sample.relations, *([sample.scene] if sample.scene else [])]
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
