"""Shows a question and its answer in Rerun: image, depth, point cloud, steps and the anchor in 3D.

    roborefer serve &
    python examples/rerun_viewer.py desk.jpg "the red tomato" --depth desk_depth.png --intrinsics camera.json
    python examples/rerun_viewer.py desk.jpg "the red tomato" --save answer.rrd

The first opens the viewer, the second writes a file that ``rerun answer.rrd`` opens.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roborefer import Intrinsics, RoboReferError, read_depth, read_image
from roborefer.geometry.cameras import pixel_centers, read_intrinsics, unproject
from robot_client import add_arguments, ask_as_told

if TYPE_CHECKING:
    import rerun

POINT = (255, 46, 99)
STEP = (10, 88, 202)
RIVAL = (255, 255, 255)
_NORMAL_M = 0.08
_CLOUD_EVERY_PX = 2


def log_scene(
    recording: rerun.RecordingStream,
    image: NDArray[np.uint8],
    depth_m: NDArray[np.float32] | None,
    camera: Intrinsics | None,
) -> None:
    """The picture, and with depth and a camera the cloud of its points in the camera frame."""
    import rerun

    recording.log("camera/image", rerun.Image(image))
    if camera is not None:
        recording.log("/", rerun.ViewCoordinates.RDF, static=True)
        recording.log(
            "camera/image",
            rerun.Pinhole(
                focal_length=(camera.fx, camera.fy),
                principal_point=(camera.cx, camera.cy),
                resolution=(camera.width, camera.height),
            ),
        )
    if depth_m is None:
        return
    recording.log("camera/image/depth", rerun.DepthImage(depth_m, meter=1.0))
    if camera is not None:
        seen = np.zeros(depth_m.shape, bool)
        seen[::_CLOUD_EVERY_PX, ::_CLOUD_EVERY_PX] = True
        seen &= depth_m > 0
        places = unproject(pixel_centers((camera.width, camera.height))[seen], depth_m[seen], camera)
        recording.log("cloud", rerun.Points3D(places, colors=image[seen], radii=-1.0))  # negative: in pixels


def log_answer(recording: rerun.RecordingStream, reply: Mapping[str, Any]) -> None:
    """Steps, rivals and points in the picture; anchors and normals in space; the model's words."""
    import rerun

    size = np.array(reply["image_size"])
    steps = [step for step in reply["steps"] if step["kind"] == "Position"]
    for name, found, labels, color, radius in (
        ("steps", [step["value"] for step in steps], [step["target"] for step in steps], STEP, 6.0),
        ("rivals", _places(reply["rivals"]), [_sure(rival) for rival in reply["rivals"]], RIVAL, 4.0),
        ("points", _places(reply["points"]), [_told(point) for point in reply["points"]], POINT, 9.0),
    ):
        if found:
            marks = rerun.Points2D(np.array(found) * size, labels=labels, colors=[color], radii=radius)
            recording.log(f"camera/image/{name}", marks)
    anchored = [point for point in reply["points"] if point["xyz"] is not None and point["valid"]]
    if anchored:
        places = np.array([point["xyz"] for point in anchored])
        recording.log(
            "anchor", rerun.Points3D(places, colors=[POINT], radii=0.012, labels=[_told(p) for p in anchored])
        )
        normals = np.array([point["normal"] or (0.0, 0.0, 0.0) for point in anchored])
        recording.log("anchor/normal", rerun.Arrows3D(origins=places, vectors=normals * _NORMAL_M, colors=[POINT]))
    recording.log("words", rerun.TextDocument(reply["raw"]))


def _places(points: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    return [(point["x"], point["y"]) for point in points]


def _told(point: Mapping[str, Any]) -> str:
    away = f" {np.linalg.norm(point['xyz']):.2f} m" if point["xyz"] is not None and point["valid"] else ""
    return f"{point['label'] or 'point'} {_sure(point)}{away}"


def _sure(point: Mapping[str, Any]) -> str:
    return "" if point["score"] is None else f"{point['score']:.0%}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Asks, and shows the answer."""
    parser = argparse.ArgumentParser(description="See an answer in Rerun.")
    add_arguments(parser)
    parser.add_argument("--save", type=Path, metavar="FILE", help="write an .rrd file, and open no viewer")
    told = parser.parse_args(arguments)
    try:
        import rerun
    except ImportError as error:
        raise SystemExit(f"error: expected rerun-sdk, got none ({error}): run pip install 'roborefer[robot]'") from None
    try:
        picture = read_image(told.image)
        depth = None if told.depth is None else read_depth(told.depth).metres
        camera = None if told.intrinsics is None else read_intrinsics(told.intrinsics, image_size=picture.size)
        reply = ask_as_told(told)
    except (RoboReferError, OSError) as error:
        raise SystemExit(f"error: {error}") from None
    recording = rerun.RecordingStream("roborefer")
    if told.save is None:
        recording.spawn()
    else:
        recording.save(told.save)
    log_scene(recording, np.asarray(picture), depth, camera)
    log_answer(recording, reply)
    recording.flush()


if __name__ == "__main__":
    main()
