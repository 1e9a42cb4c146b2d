"""LeRobot's observations, of robots and of datasets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from lerobot_observation import question_of, with_point
from roborefer.errors import InputError
from robot_client import ask

from ..serving.scripted_predictor import XYZ  # noqa: TID252 - shared server

PICTURE = np.arange(48 * 64 * 3, dtype=np.int64).reshape(48, 64, 3).astype(np.uint8)
DEPTH = np.full((48, 64), 1.2, np.float32)
MATRIX = np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]])
AS_TENSOR = torch.from_numpy(PICTURE).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize(
    "observation",
    [
        {"front": PICTURE, "front_depth": DEPTH},
        {"images": {"front": PICTURE, "front_depth": DEPTH}},
        {"observation.images.front": AS_TENSOR, "observation.images.front_depth": torch.from_numpy(DEPTH)[None]},
        {"front": AS_TENSOR.numpy(), "front_depth": DEPTH[..., None].astype(np.float64)},
    ],
)
def test_pictures_and_depth_of_every_form(observation: dict[str, Any]) -> None:
    found = question_of({**observation, "intrinsics": {"front": MATRIX}}, "front")
    np.testing.assert_array_equal(found["image"], PICTURE)
    np.testing.assert_array_equal(found["depth"], DEPTH)
    assert found["depth"].dtype == np.float32
    assert found["intrinsics"] == {"K": MATRIX.ravel().tolist(), "width": 64, "height": 48}
    json.dumps(found["intrinsics"])


def test_a_camera_without_depth_or_intrinsics() -> None:
    found = question_of({"wrist": PICTURE, "front_depth": DEPTH}, "wrist")
    assert (found["depth"], found["intrinsics"]) == (None, None)


def test_the_point_comes_back_into_the_observation(server: str) -> None:
    observation = {
        "front": PICTURE,
        "front_depth": DEPTH,
        "intrinsics": {"front": {"fx": 60, "fy": 60, "cx": 32, "cy": 24}},
    }
    found = with_point(
        observation, "front", ask(instruction="the cup", server=server, **question_of(observation, "front"))
    )
    np.testing.assert_allclose(found["front_point"], (0.176, 0.603))
    np.testing.assert_allclose(found["front_point_xyz"], XYZ)
    assert found["front_point_xyz"].dtype == np.float32
    assert found["front"] is PICTURE
    assert "front_point" not in observation


def test_what_must_not_be_used_is_nan() -> None:
    point = {"x": 0.5, "y": 0.25, "xyz": [0.1, 0.2, 0.3], "valid": False}
    found = with_point({}, "front", {"points": [point]})
    assert found["front_point"].tolist() == [0.5, 0.25]
    assert np.isnan(found["front_point_xyz"]).all()
    assert np.isnan(with_point({}, "front", {"points": []})["front_point"]).all()


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        ({"wrist": PICTURE}, "expected the camera front in the observation, got wrist"),
        ({"front": PICTURE[..., 0]}, r"front: expected a picture of shape \(H, W, 3\) or \(3, H, W\), got \(48, 64\)"),
        ({"front": PICTURE.astype(np.int32)}, "front: expected a picture of uint8, or of floats in 0-1, got int32"),
        (
            {"front": PICTURE, "front_depth": (DEPTH * 1000).astype(np.uint16)},
            "front_depth: expected floats in metres of shape .*, got uint16 of .*: divide millimetres by 1000",
        ),
        (
            {"front": PICTURE, "intrinsics": {"front": np.eye(4)}},
            r"intrinsics: expected a 3x3 matrix or a mapping, got shape \(4, 4\)",
        ),
    ],
)
def test_other_forms_are_refused(observation: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        question_of(observation, "front")
