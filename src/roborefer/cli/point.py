"""``roborefer point``: an image and an instruction in, the point out, as text, as JSON and as a picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roborefer.cli.commands import Command, printable
from roborefer.cli.loading import device_options, load_model, quantize_option
from roborefer.errors import InputError

if TYPE_CHECKING:
    from roborefer.geometry.depth import DepthMap
    from roborefer.structures import Intrinsics, Prediction

# All paths are checked by the library, whose messages say what to do; click's would say less.
_FILE = click.Path(path_type=Path)

_EXIT_NO_POINT = 1


@click.command(
    cls=Command,
    examples=(
        'roborefer point desk.jpg "the cup behind the plate" --output cup.png',
        'roborefer point desk.png "the free space left of the mug" --depth depth.png --intrinsics camera.json',
        'roborefer point desk.png "the mug" --depth depth.png --fov 69 --json',
        'roborefer point desk.png "the mug" --heatmap --output mug.png',
        'roborefer point desk.png "the mug" --model checkpoints/RoboRefer-2B-SFT --reasoning',
    ),
)
@click.argument("image", type=_FILE)
@click.argument("instruction")
@click.option("--depth", type=_FILE, help="Depth of the image's size: 16-bit PNG (mm), float TIFF, NPY or EXR (m).")
@click.option("--depth-scale", type=float, metavar="M", help="Metres per unit of the depth file. [default: by type]")
@click.option("--estimate-depth", is_flag=True, help="Estimate depth from the image (DepthAnything V2).")
@click.option("--depth-model", metavar="ID", help="Folder, .pth file or hub id for --estimate-depth, which it implies.")
@click.option("--intrinsics", type=_FILE, help="Camera: JSON or ROS CameraInfo YAML; needed for 3D.")
@click.option("--fov", type=float, metavar="DEG", help="Horizontal field of view, in place of --intrinsics.")
@click.option("--pose", type=_FILE, help="world_from_camera, a 4x4 matrix as JSON: gives the point in the world too.")
@click.option("--model", metavar="ID", help="Checkpoint folder or hub id. [default: the packaged model]")
@device_options
@quantize_option
@click.option("--reasoning", is_flag=True, help="Ask for reasoning steps before the answer.")
@click.option("--output", "-o", type=_FILE, help="Draw the point and its steps into this picture (.png, .jpg, .webp).")
@click.option("--heatmap", is_flag=True, help="Show in the picture where the model looked. [picture: heatmap.png]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar; with --json, no notes on stderr.")
def point(
    image: Path,
    instruction: str,
    depth: Path | None,
    depth_scale: float | None,
    estimate_depth: bool,
    depth_model: str | None,
    intrinsics: Path | None,
    fov: float | None,
    pose: Path | None,
    model: str | None,
    device: str,
    dtype: str,
    quantize: str | None,
    reasoning: bool,
    output: Path | None,
    heatmap: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the point that INSTRUCTION means in IMAGE.

    Prints it in fractions of the image, in pixels and, with depth and a camera, in metres. Exits with 0 when a point
    was found, with 1 when the model gave none, and with 2 when something given cannot be used.
    """
    from roborefer.geometry.transforms import read_pose
    from roborefer.images import read_image
    from roborefer.instructions import check_instruction
    from roborefer.viz.files import check_picture_path, write_picture
    from roborefer.viz.pictures import draw_prediction

    # Everything given is read before the model, which is slow to load.
    estimate_depth = estimate_depth or depth_model is not None
    if heatmap and output is None:
        output = Path("heatmap.png")
    if output is not None:
        check_picture_path(output, [path for path in (image, depth, intrinsics, pose) if path is not None])
    check_instruction(instruction)
    picture = read_image(image)
    depth_map = _read_depth(depth, depth_scale, estimate_depth, picture.size)
    camera = _read_camera(intrinsics, fov, picture.size)
    world_from_camera = None if pose is None else read_pose(pose)

    predictor = load_model(
        model,
        device,
        dtype,
        quantize=quantize,
        depth_model=depth_model,
        progress=not quiet and sys.stderr.isatty(),
    )
    encoded = predictor.encode_image(picture, "estimate" if estimate_depth else depth_map)
    prediction = predictor.point(
        encoded, instruction, intrinsics=camera, world_from_camera=world_from_camera, reasoning=reasoning
    )
    if heatmap and prediction.heatmap is None:
        raise InputError(
            "expected a model with a point head for --heatmap, got one that writes coordinates as text: "
            "leave --heatmap out"
        )
    if output is not None:
        shown = draw_prediction(picture, prediction, depth=encoded.depth, instruction=instruction, heatmap=heatmap)
        write_picture(shown, output)
    if as_json:
        _print_json(prediction, image, instruction, output)
        if not quiet:
            for note in prediction.notes:
                click.echo(f"note: {printable(note)}", err=True)
    else:
        _print_text(prediction, output)
    if not prediction.parsed:
        click.get_current_context().exit(_EXIT_NO_POINT)


def _read_depth(path: Path | None, scale: float | None, estimate: bool, image_size: tuple[int, int]) -> DepthMap | None:
    from roborefer.geometry.depth import check_aligned, read_depth

    if path is None:
        if scale is not None:
            raise InputError("expected --depth with --depth-scale, got no depth file: give one, or leave the scale out")
        return None
    if estimate:
        raise InputError("expected one of --depth and --estimate-depth, got both: leave one out")
    depth = read_depth(path, scale=scale)
    check_aligned(depth, image_size)
    return depth


def _read_camera(path: Path | None, fov: float | None, image_size: tuple[int, int]) -> Intrinsics | None:
    from roborefer.geometry.cameras import check_fits, intrinsics_from_fov, read_intrinsics

    if path is not None and fov is not None:
        raise InputError("expected one of --intrinsics and --fov, got both: leave one out")
    if fov is not None:
        return intrinsics_from_fov(fov, image_size)
    if path is None:
        return None
    camera = read_intrinsics(path, image_size=image_size)
    check_fits(camera, image_size)
    return camera


def _print_json(prediction: Prediction, image: Path, instruction: str, output: Path | None) -> None:
    asked = {"image": str(image), "instruction": instruction, "output": None if output is None else str(output)}
    click.echo(json.dumps({**prediction.to_dict(), **asked}, allow_nan=False))


def _print_text(prediction: Prediction, output: Path | None) -> None:
    from roborefer.viz.words import describe_anchor, describe_step

    for index, point in enumerate(prediction.points):
        u, v = point.pixel(prediction.image_size)
        width, height = prediction.image_size
        label = f"  ({printable(point.label)})" if point.label else ""
        _print_row("point", f"{point.x:.3f}, {point.y:.3f} of the image{label}")
        if point.score is not None:
            _print_row("score", f"{point.score:.2f}")
        _print_row("pixel", f"{u:.1f}, {v:.1f} of {width}x{height}")
        if not prediction.anchors:
            _print_row("xyz", "no 3D: give --depth or --estimate-depth, and --intrinsics or --fov")
            continue
        anchor = prediction.anchors[index]
        _print_row("xyz", describe_anchor(anchor))
        if anchor.world_xyz is not None:
            _print_row("world", "{:.3f}, {:.3f}, {:.3f} m".format(*anchor.world_xyz))
        if anchor.normal is not None:
            _print_row("normal", "{:+.2f}, {:+.2f}, {:+.2f}".format(*anchor.normal))
    for number, step in enumerate(prediction.steps, start=1):
        _print_row(f"step {number}", printable(describe_step(step)))
    if not prediction.parsed:
        _print_row("point", "none: the model's text has no point that can be read")
    if prediction.problem or not prediction.parsed:
        _print_row("problem", printable(prediction.problem or "unknown"))
        _print_row("text", printable(prediction.raw))
    for note in prediction.notes:
        _print_row("note", printable(note))
    if output is not None:
        _print_row("picture", printable(str(output)))


def _print_row(name: str, text: str) -> None:
    click.echo(f"{name:<8} {text}")
