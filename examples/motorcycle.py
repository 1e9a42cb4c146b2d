"""Writes scikit-image's motorcycle stereo pair as an RGB-D example: left.png, depth.npy and intrinsics.json.

    python examples/motorcycle.py runs/demo
    roborefer point runs/demo/left.png "the seat of the motorcycle" \
        --depth runs/demo/depth.npy --intrinsics runs/demo/intrinsics.json --output runs/demo/motorcycle.png

The pair belongs to the Middlebury 2014 stereo benchmark and comes with scikit-image, so it is not copied into this
repository. Its calibration is in the documentation of ``skimage.data.stereo_motorcycle``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.data import stereo_motorcycle

from roborefer import Intrinsics
from roborefer.geometry.cameras import to_json

BASELINE_M = 0.193001
FOCAL_PX = 994.978
PRINCIPAL_POINT_PX = (311.193, 254.877)
PRINCIPAL_POINTS_APART_PX = 31.086
"""How much further right the right camera's principal point lies: disparity starts from there."""


def main(folder: Path) -> None:
    """Writes the three files into the folder, which is made if it is missing."""
    left, _, disparity = stereo_motorcycle()
    known = np.isfinite(disparity)
    depth_m = np.zeros(disparity.shape, dtype=np.float32)
    depth_m[known] = BASELINE_M * FOCAL_PX / (disparity[known] + PRINCIPAL_POINTS_APART_PX)
    height, width = disparity.shape
    camera = Intrinsics(FOCAL_PX, FOCAL_PX, *PRINCIPAL_POINT_PX, width, height)

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(left).save(folder / "left.png")
    np.save(folder / "depth.npy", depth_m)
    (folder / "intrinsics.json").write_text(json.dumps(to_json(camera), indent=2) + "\n", encoding="utf-8")
    print(
        f"wrote {folder}/left.png, depth.npy and intrinsics.json: {width}x{height}, depth "
        f"{depth_m[known].min():.1f}-{depth_m[known].max():.1f} m in {known.mean():.1%} of the pixels"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo"))
