"""Speed and memory of inference at the real sizes, with random weights, on this machine's CPU.

Two so400m towers at 448 px and Qwen2-1.5B (the shape of the published 2B checkpoints) are written once as a random
checkpoint and loaded like any other. Measured, as medians over interleaved runs:

* load: seconds, and peak memory over the size of the weights;
* one RGB-D question: towers, projection, prefill, each token;
* ten questions about one image: one batch against ten calls, and whether the texts agree;
* int8 against bf16: each token, prefill, and how often the greedy choice stays the same.

Usage:
    python benchmarks/inference.py --output benchmarks/results/inference.json
    python benchmarks/inference.py --preset tiny --sizes 448x448 --repeats 1        # a minute, to try the script
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reporting import machine, memory_gb, peak_memory_gb, write_report

ATTRIBUTES = ("red", "blue", "green", "tall", "small", "leftmost", "nearest", "round", "wooden", "open")
NEW_TOKENS = 16


def main() -> None:
    arguments = _parse_arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if arguments.worker:
        print(json.dumps(_WORKERS[arguments.worker](arguments)))
        return
    if not (arguments.checkpoint / "config.json").exists():
        _run_worker("prepare", arguments)
    report: dict[str, Any] = {
        "command": "python " + " ".join(sys.argv),
        "machine": _machine(),
        "preset": arguments.preset,
        "dtype": "bfloat16",
        "threads": arguments.threads,
        "repeats": arguments.repeats,
        "sizes": {},
    }
    for size in arguments.sizes:
        one = argparse.Namespace(**{**vars(arguments), "sizes": [size]})
        for name in arguments.only:
            report["sizes"].setdefault(size, {})[name] = _run_worker(name, one)
            write_report(arguments.output, report)
    print(json.dumps(report, indent=2))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="2b", help="2b (default), 8b or tiny")
    parser.add_argument("--sizes", nargs="+", default=["448x448", "640x480"], help="image sizes, WIDTHxHEIGHT")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10, help="single calls timed against the batch of ten")
    parser.add_argument("--only", nargs="+", default=["question", "ten_questions", "int8"])
    parser.add_argument("--checkpoint", type=Path, default=None, help="default: runs/random-PRESET")
    parser.add_argument("--output", type=Path, default=None, help="JSON file, written after each measurement")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.checkpoint is None:
        arguments.checkpoint = Path("runs") / f"random-{arguments.preset}"
    return arguments


def _run_worker(name: str, arguments: argparse.Namespace) -> Any:
    """A fresh process for each measurement, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--worker", name, "--preset", arguments.preset]
    command += ["--sizes", *arguments.sizes, "--threads", str(arguments.threads)]
    command += ["--repeats", str(arguments.repeats), "--calls", str(arguments.calls)]
    command += ["--checkpoint", str(arguments.checkpoint)]
    print(f"{name} at {', '.join(arguments.sizes)} ...", file=sys.stderr, flush=True)
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(finished.stdout.splitlines()[-1])


# ---- workers -------------------------------------------------------------------------------------------------------


def _prepare(arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    from roborefer.models import checkpoint
    from roborefer.models.config import preset
    from roborefer.models.processor import SpatialProcessor
    from roborefer.models.untrained import UNTRAINED_MODEL, random_model

    config = preset(arguments.preset)
    if arguments.preset == "tiny":
        tokenizer = checkpoint.load_tokenizer(UNTRAINED_MODEL)
    else:
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = _real_vocabulary()(Path(folder))
    config.untrained = True
    random_model(config, dtype=torch.bfloat16).save_pretrained(arguments.checkpoint)
    SpatialProcessor(tokenizer, config).save_pretrained(arguments.checkpoint)
    return {}


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    from roborefer.models.encoded_image import look

    predictor, load = _load(arguments)
    model, processor = predictor.model, predictor.processor
    image, depth = _pictures(arguments.sizes[0])
    stages: dict[str, list[float]] = {name: [] for name in ("towers", "projection", "prefill", "token", "total")}
    prompt_tokens = 0
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        sample = processor.encode_prompt([image, depth, _questions()[0]])
        with torch.inference_mode():
            projection = _timed_projection(model)
            seen = _timed(stages["towers"], lambda s=sample: look(model, s))
            stages["projection"].append(sum(projection))
            stages["towers"][-1] -= stages["projection"][-1]
            _restore_projection(model)
            fused = model.fuse(torch.tensor([sample.input_ids]), None, seen.images, seen.depths)
            prompt_tokens = fused.inputs_embeds.shape[1]
        moments: list[float] = []
        prefilled = time.perf_counter()
        _decode(
            predictor, [fused.inputs_embeds[0]], None, NEW_TOKENS, lambda *_, m=moments: m.append(time.perf_counter())
        )
        stages["prefill"].append(moments[0] - prefilled)
        stages["token"] += [after - before for before, after in itertools.pairwise(moments)]
        stages["total"].append(time.perf_counter() - started)
    return {
        "load": load,
        "tiles": sum(len(picture.pixels) for picture in (*sample.images, *sample.depths)),
        "prompt_tokens": prompt_tokens,
        "new_tokens": NEW_TOKENS,
        "seconds": {name: round(statistics.median(times), 4) for name, times in stages.items()},
        "peak_memory_gb": peak_memory_gb(),
    }


def _ten_questions(arguments: argparse.Namespace) -> dict[str, Any]:
    predictor, _ = _load(arguments)
    image, depth = _pictures(arguments.sizes[0])
    questions = _questions()
    batch, calls, same = [], [], []
    depth_map = _as_depth_map(depth)
    for _ in range(arguments.repeats):
        together: list[str] = []
        alone: list[str] = []
        _timed(
            batch,
            lambda out=together: out.extend(predictor.query(image, questions, depth_map, max_new_tokens=NEW_TOKENS)),
        )
        for question in questions[: arguments.calls]:
            _timed(
                calls,
                lambda out=alone, q=question: out.append(
                    predictor.query(image, q, depth_map, max_new_tokens=NEW_TOKENS)
                ),
            )
        same += [first == second for first, second in zip(alone, together, strict=False)]
    ten_calls = statistics.median(calls) * len(questions)
    return {
        "batch_seconds": round(statistics.median(batch), 3),
        "one_call_seconds": round(statistics.median(calls), 3),
        "calls_timed": len(calls),
        "times_faster_than_ten_calls": round(ten_calls / statistics.median(batch), 2),
        "same_text": f"{sum(same)}/{len(same)}",
        "peak_memory_gb": peak_memory_gb(),
    }


def _int8(arguments: argparse.Namespace) -> dict[str, Any]:
    from roborefer.models.encoded_image import look
    from roborefer.models.quantization import quantize_int8

    full, _ = _load(arguments)
    small, _ = _load(arguments)
    quantize_int8(small.model)
    image, depth = _pictures(arguments.sizes[0])
    sample = full.processor.encode_prompt([image, depth, _questions()[0]])
    seen = look(full.model, sample)
    fused = _fuse(full, sample, seen.images, seen.depths)
    times: dict[str, dict[str, list[float]]] = {name: {"prefill": [], "token": []} for name in ("bfloat16", "int8")}
    for _ in range(arguments.repeats):
        for name, predictor in (("bfloat16", full), ("int8", small)):
            moments: list[float] = []
            started = time.perf_counter()
            _decode(predictor, [fused], None, NEW_TOKENS, lambda *_, m=moments: m.append(time.perf_counter()))
            times[name]["prefill"].append(moments[0] - started)
            times[name]["token"] += [after - before for before, after in itertools.pairwise(moments)]
    seconds = {
        name: {stage: round(statistics.median(values), 4) for stage, values in stages.items()}
        for name, stages in times.items()
    }
    return {
        "seconds": seconds,
        "times_faster_token": round(seconds["bfloat16"]["token"] / seconds["int8"]["token"], 2),
        "times_faster_prefill": round(seconds["bfloat16"]["prefill"] / seconds["int8"]["prefill"], 2),
        **_agreement(full, small, image, depth, seen.images, seen.depths),
    }


def _agreement(full: Any, small: Any, image: Any, depth: Any, images: Any, depths: Any) -> dict[str, Any]:
    """Greedy texts of ten questions, and single choices when both continue the same text."""
    import torch

    same_text, same_token, tokens = 0, 0, 0
    for question in _questions():
        sample = full.processor.encode_prompt([image, depth, question])
        fused = _fuse(full, sample, images, depths)
        written = _decode(full, [fused], None, NEW_TOKENS, None)[0]
        same_text += written == _decode(small, [fused], None, NEW_TOKENS, None)[0]
        with torch.inference_mode():
            row = torch.cat([fused, full.model.get_input_embeddings()(torch.tensor(written[:-1]))])[None]
            keep = len(written)
            logits = [p.model.llm(inputs_embeds=row, logits_to_keep=keep).logits[0] for p in (full, small)]
        same_token += int((logits[0].argmax(-1) == logits[1].argmax(-1)).sum())
        tokens += keep
    return {
        "same_greedy_text": f"{same_text}/{len(ATTRIBUTES)}",
        "same_next_token": f"{same_token}/{tokens}",
    }


_WORKERS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "prepare": _prepare,
    "question": _question,
    "ten_questions": _ten_questions,
    "int8": _int8,
}


def _real_vocabulary() -> Callable[[Path], Any]:
    """The builder of the full Qwen2 tokenizer, which the tests have."""
    path = Path(__file__).parents[1] / "tests" / "conformance" / "qwen_vocabulary.py"
    spec = importlib.util.spec_from_file_location("qwen_vocabulary", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    builder: Callable[[Path], Any] = module.full_qwen2_tokenizer
    return builder


# ---- pieces --------------------------------------------------------------------------------------------------------


def _load(arguments: argparse.Namespace) -> tuple[Any, dict[str, float]]:
    import torch

    import roborefer
    from roborefer.models import spatial_vlm  # noqa: F401 - its import is not the checkpoint's cost

    torch.set_num_threads(arguments.threads)
    before = memory_gb("VmRSS")
    started = time.perf_counter()
    predictor = roborefer.load(arguments.checkpoint, device="cpu", dtype="bfloat16")
    seconds = time.perf_counter() - started
    weights = sum(p.numel() * p.element_size() for p in predictor.model.parameters()) / 1e9
    over = (peak_memory_gb() - before) / weights
    return predictor, {
        "seconds": round(seconds, 2),
        "weights_gb": round(weights, 3),
        "peak_over_weights": round(over, 3),
    }


def _pictures(size: str) -> tuple[Any, Any]:
    """A made-up picture of soft shapes and its depth, from a fixed seed."""
    import numpy as np
    from PIL import Image

    from roborefer.geometry.depth import depth_picture
    from roborefer.models.processor import DepthPicture

    width, height = (int(side) for side in size.split("x"))
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    metres = np.asarray(image.convert("L"), np.float32) / 100 + 0.5
    return image, DepthPicture(Image.fromarray(depth_picture(metres)))


def _as_depth_map(depth: Any) -> Any:
    import numpy as np

    from roborefer.geometry.depth import DepthMap

    return DepthMap(metres=None, picture=np.asarray(depth.picture), source="sensor")


def _questions() -> list[str]:
    from roborefer.answers.prompts import POINT_SUFFIX

    return [f"Please point to the {word} cup. {POINT_SUFFIX}" for word in ATTRIBUTES]


def _fuse(predictor: Any, sample: Any, images: Any, depths: Any) -> Any:
    import torch

    with torch.inference_mode():
        return predictor.model.fuse(torch.tensor([sample.input_ids]), None, images, depths).inputs_embeds[0]


def _decode(predictor: Any, rows: list[Any], prefix: Any, count: int, on_token: Any) -> list[list[int]]:
    """Exactly ``count`` tokens: random weights would stop anywhere."""
    from roborefer.models.generation import generate_greedy

    return generate_greedy(
        predictor.model.llm, rows, prefix=prefix, max_new_tokens=count, stop_token_ids=(), on_token=on_token
    )


def _timed_projection(model: Any) -> list[float]:
    seconds: list[float] = []
    for projector in (model.mm_projector, model.depth_projector):
        inner = projector.forward

        def timed(features: Any, inner: Any = inner) -> Any:
            started = time.perf_counter()
            projected = inner(features)
            seconds.append(time.perf_counter() - started)
            return projected

        projector.forward = timed
    return seconds


def _restore_projection(model: Any) -> None:
    for projector in (model.mm_projector, model.depth_projector):
        del projector.forward


def _timed(times: list[float], call: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = call()
    times.append(time.perf_counter() - started)
    return result


def _machine() -> dict[str, Any]:
    import torch

    return machine(torch=torch.__version__)


if __name__ == "__main__":
    main()
