"""Fine-tuning on 200 pictures of one's own: before, after, what is lost of the old skill, and what replay keeps of it.

The pictures are made here (coloured stickers on a table, a thing that no model of ours was taught), so that the script
runs anywhere; points of your own are the same kind of file, see docs/datasets.md and docs/finetune.md.

    python examples/finetune_own_points.py --out runs/finetune
    python examples/finetune_own_points.py --model checkpoints/RoboRefer-2B-SFT --out runs/finetune --config lora
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import roborefer

COLORS = {"red": "#c8322b", "blue": "#2b5fc8", "green": "#2f9e44", "yellow": "#e3b505", "purple": "#7b3fb5"}
SHAPES = ("star", "ring", "cross", "moon")
SIZE = (320, 240)
# Two hundred questions tell apart what differs by seven points or more.
REPLAY_SCENES, OLD_QUESTIONS = 40, 200


def main() -> None:
    arguments = parse_arguments()
    out, count = arguments.out, arguments.pictures
    own = make_stickers(out / "own", count, seed=1)
    held_out = make_stickers(out / "held_out", max(4, count // 5), seed=2)
    old, replay = make_old_skill(out, arguments.scenes)
    rows = [("before", *judge(arguments.model, held_out, old))]
    for name, data in (("own", str(own)), ("own_and_replay", f"{own}+{replay}")):
        model = train(arguments, data, out / name)
        rows.append((name.replace("_", " "), *judge(str(model), held_out, old)))
    print(f"{'':<16}{'own pictures':>14}{'old skill':>12}")
    for name, new, kept in rows:
        print(f"{name:<16}{new:>14.0%}{kept:>12.0%}")
    table = [{"model": name, "own": new, "old": kept} for name, new, kept in rows]
    (out / "table.json").write_text(json.dumps(table, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="folder or hub id; default: the packaged model")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, runs and models")
    parser.add_argument("--pictures", type=int, default=200, help="own pictures; a fifth as many are held out")
    parser.add_argument("--scenes", type=int, default=REPLAY_SCENES, help="simulated scenes that are replayed")
    parser.add_argument("--config", default="lora", help="lora, sft, or a file")
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="KEY=VALUE")
    return parser.parse_args()


# ---- data ----------------------------------------------------------------------------------------------------------


def make_stickers(folder: Path, count: int, seed: int) -> Path:
    """Pictures of three to five stickers, no two alike, and a record for each sticker: its name and its box."""
    random = np.random.default_rng(seed)
    (folder / "image").mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(count):
        picture = _table(random)
        kinds = [(color, shape) for color in COLORS for shape in SHAPES]
        chosen = random.permutation(len(kinds))[: int(random.integers(3, 6))]
        places = [(column, row) for column in range(3) for row in range(2)]
        for place, kind in zip(random.permutation(len(places)), chosen, strict=False):
            color, shape = kinds[kind]
            box = _sticker(picture, places[place], color, shape, random)
            records.append(
                {
                    "image": f"{number}.png",
                    "instruction": f"the {color} {shape}",
                    "box": box,
                    "coordinates": "pixels",
                }
            )
        picture.save(folder / "image" / f"{number}.png")
    path = folder / "points.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    return path


def _table(random: np.random.Generator) -> Image.Image:
    """Something like wood: coarse noise, stretched along the grain."""
    noise = Image.fromarray(random.integers(90, 150, (SIZE[1] // 4, 4), dtype=np.uint8)).resize(SIZE)
    grain = np.asarray(noise.filter(ImageFilter.GaussianBlur(1)), np.float32)[..., None] / 255
    tint = np.array([214, 170, 120]) + random.integers(-25, 25, 3)
    return Image.fromarray(np.clip(grain * tint * 2, 0, 255).astype(np.uint8))


def _sticker(
    picture: Image.Image, place: tuple[int, int], color: str, shape: str, random: np.random.Generator
) -> list[int]:
    """Draws a sticker in a cell of 3 x 2 and returns its box, pixels."""
    radius = int(random.integers(16, 26))
    x = int((place[0] + random.uniform(0.3, 0.7)) * SIZE[0] / 3)
    y = int((place[1] + random.uniform(0.3, 0.7)) * SIZE[1] / 2)
    draw = ImageDraw.Draw(picture)
    fill, box = COLORS[color], [x - radius, y - radius, x + radius, y + radius]
    if shape == "ring":
        draw.ellipse(box, outline=fill, width=radius // 3)
    elif shape == "moon":
        behind = picture.copy()
        draw.ellipse(box, fill=fill)
        mask = Image.new("L", SIZE)
        ImageDraw.Draw(mask).ellipse([x - radius // 3, y - radius, x + 2 * radius, y + radius], fill=255)
        picture.paste(behind, mask=mask)
    elif shape == "cross":
        draw.line([x - radius, y, x + radius, y], fill=fill, width=radius // 2)
        draw.line([x, y - radius, x, y + radius], fill=fill, width=radius // 2)
    else:
        turns = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.4 * radius, radius)
        corners = np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], axis=1)
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=fill)
    return box


def make_old_skill(out: Path, scenes: int) -> tuple[Path, Path]:
    """Questions about simulated rooms with masks to judge by, and other rooms to replay in training."""
    from roborefer.refspatial.benchmark_split import BenchmarkSettings, write_benchmark
    from roborefer.refspatial.generation import GenerationSettings, generate

    bench, replay = out / "old_skill", out / "replay"
    if not bench.exists():
        questions = min(OLD_QUESTIONS, max(4, 5 * scenes))
        write_benchmark(bench, BenchmarkSettings(location=questions, placement=0, unseen=0, image_size=SIZE), workers=1)
    generate(replay, GenerationSettings(scenes=scenes, image_sizes=(SIZE,), views=(1, 1)))
    return bench, replay


# ---- training and judging ------------------------------------------------------------------------------------------


def train(arguments: argparse.Namespace, data: str, run: Path) -> Path:
    """What `roborefer train sft --data DATA --config lora --out RUN` does; run again, it goes on where it was."""
    from roborefer.models.packaged import PACKAGED_MODEL
    from roborefer.training.configuration import read_config
    from roborefer.training.run_folder import RunSettings
    from roborefer.training.stages import run_stage

    config = read_config(arguments.config, arguments.changes)
    config = replace(config, validation_samples=min(config.validation_samples, arguments.pictures // 4))
    return run_stage(RunSettings("sft", arguments.model or str(PACKAGED_MODEL), data, config), run)


def judge(model: str | None, own: Path, bench: Path) -> tuple[float, float]:
    """Shares of points that are right: in the box of the sticker, and in the mask of the simulated thing."""
    predictor = roborefer.load(model)
    records = [json.loads(line) for line in own.read_text().splitlines()]
    hits = []
    for record in records:
        points = predictor.point(own.parent / "image" / record["image"], record["instruction"]).points
        left, top, right, bottom = record["box"]
        hits.append(any(left <= point.x * SIZE[0] <= right and top <= point.y * SIZE[1] <= bottom for point in points))
    old = []
    folder = bench / "Location"
    for question in json.loads((folder / "question.json").read_text()):
        with Image.open(folder / question["mask_path"]) as picture:
            mask = np.asarray(picture.convert("L")) > 0
        points = predictor.point(folder / question["rgb_path"], question["prompt"]).points
        inside = [mask[_row(point.y, mask.shape[0]), _row(point.x, mask.shape[1])] for point in points]
        old.append(float(np.mean(inside)) if inside else 0.0)
    return float(np.mean(hits)), float(np.mean(old))


def _row(share: float, length: int) -> int:
    """The row or column of pixels that a coordinate from 0 to 1 falls into."""
    return min(length - 1, max(0, int(share * length)))


if __name__ == "__main__":
    main()
