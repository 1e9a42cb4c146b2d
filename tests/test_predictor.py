"""Predictor: from a file and a sentence to points in the picture and in metres, and what is refused on the way."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

import roborefer
from roborefer import Depth, DepthMap, InputError, Intrinsics, Point, Prediction
from roborefer.errors import CheckpointError
from roborefer.loading import load, packaged_predictor
from roborefer.models import depth_estimator
from roborefer.models.depth_estimator import DepthAnything
from roborefer.models.devices import resolve_device
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.predictor import UNTRAINED_NOTE, Predictor

from .models.tiny_models import TILE, depth_m, picture, tiny_config, tiny_predictor, write_checkpoint

CAMERA = Intrinsics(fx=50.0, fy=50.0, cx=30.0, cy=20.0, width=60, height=40)


def refusal(call: Any) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


EXAMPLES = Path(roborefer.__file__).parent / "serving" / "examples"


# ---- pointing --------------------------------------------------------------------------------------------------------


def test_a_prediction_has_all_its_fields(untrained: Predictor, rgb_file: Path) -> None:
    prediction = untrained.point(rgb_file, "the cup behind the plate")
    assert isinstance(prediction, Prediction)
    (point,) = prediction.points
    assert 0 <= point.x <= 1
    assert 0 <= point.y <= 1
    assert prediction.raw == f"[({point.x:.3f}, {point.y:.3f})]"
    assert prediction.image_size == (60, 40)
    assert prediction.parsed
    assert prediction.problem is None
    assert prediction.anchors == ()
    assert prediction.steps == ()
    assert prediction.notes == (UNTRAINED_NOTE,)
    assert set(prediction.timing_ms) == {"read", "towers", "prefill", "answer", "anchor"}
    assert all(value >= 0 for value in prediction.timing_ms.values())


def test_moondreams_clients_can_read_it(untrained: Predictor) -> None:
    prediction = untrained.point(picture(), "the cup")
    (point,) = prediction["points"]
    assert (point["x"], point["y"]) == (prediction.points[0].x, prediction.points[0].y)
    assert point["px"] == [point["x"] * 60, point["y"] * 40]


def test_free_text_is_parsed_and_its_problem_told(tiny: Predictor) -> None:
    prediction = tiny.point(picture(), "the cup", max_new_tokens=4)
    assert not tiny.untrained
    assert prediction.notes == ()
    assert prediction.raw
    assert not prediction.parsed
    assert prediction.problem
    assert prediction["points"] == []


def test_a_trained_model_can_be_held_to_one_point_too(tiny: Predictor) -> None:
    assert tiny.point(picture(), "the cup", constrained=True).parsed


def test_an_untrained_model_can_be_let_free(untrained: Predictor) -> None:
    assert not untrained.point(picture(), "the cup", constrained=False, max_new_tokens=2).parsed


def test_an_answer_that_was_cut_is_a_problem_and_no_error(untrained: Predictor) -> None:
    prediction = untrained.point(picture(), "the cup", max_new_tokens=5)
    assert not prediction.parsed
    assert prediction.problem


@pytest.mark.parametrize("reasoning", [False, True])
@pytest.mark.parametrize(
    ("instruction", "asked"),
    [
        ("the cup", "Please point to the cup."),
        ("The Cup ", "Please point to The Cup."),
        ("Point to the cup", "Point to the cup."),
        ("Where is it?", "Where is it?"),
        ("the cup is where?", "the cup is where?"),
        ("<image> the cup", "Please point to the cup."),
    ],
)
def test_what_the_model_is_asked(
    tiny: Predictor, monkeypatch: pytest.MonkeyPatch, instruction: str, asked: str, reasoning: bool
) -> None:
    questions: list[str] = []
    plain = SpatialProcessor.encode_question

    def record(self: SpatialProcessor, prefix_ids: Any, question: str, *counts: Any) -> list[int]:
        questions.append(question)
        return plain(self, prefix_ids, question, *counts)

    monkeypatch.setattr(SpatialProcessor, "encode_question", record)
    tiny.point(picture(TILE, TILE), instruction, reasoning=reasoning, max_new_tokens=1)
    expected = f"{asked} Your answer should be formatted as a list of tuples, i.e. [(x1, y1)],  where "
    assert questions[0].startswith(expected)
    assert questions[0].endswith("inside <answer></answer>." if reasoning else "of the points in the image.")


def test_the_packages_own_point_uses_the_packaged_model() -> None:
    prediction = roborefer.point(EXAMPLES / "desk.jpg", "the red tomato", EXAMPLES / "desk_depth.png")
    (point,) = prediction.points
    assert (point.x, point.y) == pytest.approx((0.18, 0.61), abs=0.04)
    assert point.score is not None
    assert point.score > 0.5
    assert prediction.notes == ()
    assert prediction.anchors[0].depth_m == pytest.approx(1.05, abs=0.05)
    assert packaged_predictor() is packaged_predictor()


def test_the_packaged_model_writes_steps_that_can_be_read(packaged: Predictor) -> None:
    asked = "the free space between the red tomato and the green gift box"
    prediction = packaged.point(EXAMPLES / "desk.jpg", asked, EXAMPLES / "desk_depth.png", reasoning=True)
    assert prediction.parsed
    assert [step.target for step in prediction.steps[:2]] == ["the red tomato", "the green gift box"]
    assert all(step.value.score is not None for step in prediction.steps if isinstance(step.value, Point))
    (point,) = prediction.points
    tomato, gift_box = np.array([0.18, 0.61]), np.array([0.64, 0.26])
    way = gift_box - tomato
    share = (np.array([point.x, point.y]) - tomato) @ way / (way @ way)
    assert 0.1 < share < 0.9
    np.testing.assert_allclose([point.x, point.y], tomato + share * way, atol=0.06)


# ---- asking ----------------------------------------------------------------------------------------------------------

QUESTIONS = ["the cup", "where is the blue plate that stands on the table?", "what"]


@pytest.mark.parametrize("depth", [None, depth_m()], ids=["rgb", "rgb-d"])
def test_a_list_of_questions_is_answered_like_one_by_one(tiny: Predictor, depth: np.ndarray | None) -> None:
    together = tiny.query(picture(), QUESTIONS, depth, max_new_tokens=8)
    assert together == [tiny.query(picture(), question, depth, max_new_tokens=8) for question in QUESTIONS]
    assert len(set(together)) == 3
    predictions = tiny.point(picture(), QUESTIONS, depth, constrained=True)
    assert [prediction.points for prediction in predictions] == [
        tiny.point(picture(), question, depth, constrained=True).points for question in QUESTIONS
    ]


def test_no_questions_no_answers(tiny: Predictor) -> None:
    assert tiny.query(picture(), []) == []
    assert tiny.point(picture(), []) == []


def test_a_question_may_be_answered_with_the_digits_of_a_point_alone(tiny: Predictor) -> None:
    for text in tiny.query(picture(), QUESTIONS, max_new_tokens=64, constrained=True):
        assert re.fullmatch(r"\[\(0\.\d{3}, 0\.\d{3}\)\]|\[\([01]\.\d+, [01]\.\d+\)\]", text)


@pytest.mark.parametrize("tiling", ["resize", "dynamic", "dynamic_s2"])
@pytest.mark.parametrize("with_depth", [False, True])
def test_looking_once_gives_what_looking_each_time_gives(tiling: str, with_depth: bool) -> None:
    predictor = tiny_predictor(tiny_config(image_aspect_ratio=tiling))
    depth = depth_m() if with_depth else None
    encoded = predictor.encode_image(picture(), depth)
    for question in QUESTIONS[:2]:
        answer = predictor.query(encoded, question, max_new_tokens=6)
        assert answer == predictor.query(picture(), question, depth, max_new_tokens=6)
        prompt: list[Any] = [picture(), *([Depth(depth)] if depth is not None else []), question]
        assert answer == predictor.generate(prompt, max_new_tokens=6)


def test_an_encoded_image_costs_no_second_look(tiny: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = tiny.encode_image(picture(), depth_m())

    def look(*_: Any, **__: Any) -> None:
        raise AssertionError("the towers were used again")

    monkeypatch.setattr(SpatialVLM, "encode_media", look)
    assert tiny.query(encoded, QUESTIONS, max_new_tokens=2)
    assert encoded.image_size == (60, 40)
    assert encoded.depth is not None


def test_depth_belongs_to_the_encoding(tiny: Predictor) -> None:
    encoded = tiny.encode_image(picture())
    expected = "expected depth with encode_image, got it with an encoded image: encode them together"
    assert refusal(lambda: tiny.query(encoded, "the cup", depth_m())) == expected
    assert refusal(lambda: tiny.point(encoded, "the cup", depth_m())) == expected


def test_text_is_told_as_it_appears(tiny: Predictor) -> None:
    told: list[str] = []
    text = tiny.query(picture(), "the cup", max_new_tokens=6, on_text=told.append)
    assert told[-1] == text
    assert 1 < len(told) <= 6
    points: list[str] = []
    prediction = tiny.point(picture(), "the cup", constrained=True, on_text=points.append)
    assert points[-1] == prediction.raw
    assert all(prediction.raw.startswith(part) for part in points)


def test_generate_takes_a_prompt_of_any_parts(tiny: Predictor, rgb_file: Path, depth_file: Path) -> None:
    written = tiny.generate([rgb_file, Depth(depth_file), "the cup"], max_new_tokens=6)
    assert written == tiny.generate(["the cup", Depth(depth_m()), picture()], max_new_tokens=6)
    assert written == tiny.generate(["the cup", Depth(depth_m()), np.asarray(picture())], max_new_tokens=6)
    assert written != tiny.generate([rgb_file, "the cup"], max_new_tokens=6)
    assert isinstance(tiny.generate([picture(), picture(seed=1), "which?"], max_new_tokens=2), str)
    assert isinstance(tiny.generate([picture(), picture(seed=1), Depth(depth_m()), "?"], max_new_tokens=2), str)
    assert tiny.generate("no picture at all", max_new_tokens=3) == tiny.generate(
        ["no picture ", "at all"], max_new_tokens=3
    )
    ids = tiny.generate_ids([rgb_file, "the cup"], max_new_tokens=6)
    assert tiny.processor.decode(ids) == tiny.generate([rgb_file, "the cup"], max_new_tokens=6)


def test_media_tokens_in_a_question_are_words_and_no_pictures(tiny: Predictor) -> None:
    plain = tiny.query(picture(), "the cup", max_new_tokens=5)
    for question in ("<image>the cup", " the cup<depth>", "<ima<image>ge>the cup", "<vila/video>the cup"):
        assert tiny.query(picture(), question, max_new_tokens=5) == plain
        assert tiny.generate([picture(), question], max_new_tokens=5) == plain
    assert tiny.generate([picture(), "<ima", "ge>the cup"], max_new_tokens=5) == plain


# ---- depth and 3D ----------------------------------------------------------------------------------------------------


def test_all_kinds_of_metric_depth_are_alike(tiny: Predictor, tmp_path: Path, depth_file: Path) -> None:
    millimetres = (depth_m() * 1000).astype(np.uint16)
    metres = millimetres.astype(np.float32) / 1000
    npy = tmp_path / "depth.npy"
    np.save(npy, metres)
    sources: list[Any] = [
        depth_file,
        str(depth_file),
        npy,
        metres,
        millimetres,
        Depth(depth_file),
        Depth(millimetres * 2, scale=0.0005),
        PIL.Image.fromarray(millimetres),
        roborefer.read_depth(depth_file),
    ]
    predictions = [tiny.point(picture(), "the cup", source, CAMERA, constrained=True) for source in sources]
    first = predictions[0]
    assert len(first.anchors) == 1
    for prediction in predictions:
        assert prediction.points == first.points
        assert prediction.anchors[0].depth_m == pytest.approx(first.anchors[0].depth_m)
        assert prediction.anchors[0].depth_source == "sensor"


def test_depth_changes_what_the_model_sees(tiny: Predictor) -> None:
    assert tiny.query(picture(), "the cup", depth_m(), max_new_tokens=8) != tiny.query(
        picture(), "the cup", depth_m()[::-1].copy(), max_new_tokens=8
    )


def test_a_relative_picture_gives_no_metres(tiny: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "relative.png"
    picture(60, 40, seed=9).convert("L").save(path)
    prediction = tiny.point(picture(), "the cup", path, CAMERA, constrained=True)
    (anchor,) = prediction.anchors
    assert not anchor.valid
    assert anchor.xyz is None
    assert anchor.reason


def test_an_anchor_lies_on_the_ray_through_its_point(tiny: Predictor) -> None:
    pose = np.eye(4)
    pose[:3, 3] = (1.0, 2.0, 3.0)
    flat = np.full((40, 60), 2.0, np.float32)
    prediction = tiny.point(picture(), "the cup", flat, CAMERA, world_from_camera=pose, constrained=True)
    (point,), (anchor,) = prediction.points, prediction.anchors
    assert anchor.valid
    expected = ((point.x * 60 - 30) / 50 * 2, (point.y * 40 - 20) / 50 * 2, 2.0)
    assert anchor.xyz == pytest.approx(expected, abs=1e-5)
    assert anchor.world_xyz == pytest.approx(
        [value + shift for value, shift in zip(expected, (1, 2, 3), strict=True)], abs=1e-5
    )
    assert prediction["points"][0]["xyz"] == pytest.approx(expected, abs=1e-5)


def test_a_field_of_view_is_a_camera_too(tiny: Predictor) -> None:
    camera = roborefer.intrinsics_from_fov(60.0, (60, 40))
    prediction = tiny.point(picture(), "the cup", depth_m(), camera, constrained=True)
    assert prediction.anchors[0].xyz is not None


def test_without_a_camera_depth_is_known_and_the_place_is_not(tiny: Predictor) -> None:
    (anchor,) = tiny.point(picture(), "the cup", depth_m(), constrained=True).anchors
    assert anchor.depth_m is not None
    assert anchor.xyz is None
    assert not anchor.valid


def test_a_camera_of_another_picture_is_refused(tiny: Predictor) -> None:
    camera = dataclasses.replace(CAMERA, width=640, height=480)
    text = refusal(lambda: tiny.point(picture(), "the cup", depth_m(), camera))
    assert "640x480" in text.replace(" ", "")
    assert "60x40" in text.replace(" ", "")


def test_a_pose_that_is_none_is_refused(tiny: Predictor) -> None:
    assert refusal(lambda: tiny.point(picture(), "the cup", depth_m(), CAMERA, world_from_camera=np.ones((4, 4))))


def test_depth_of_another_size_is_refused(tiny: Predictor) -> None:
    text = refusal(lambda: tiny.point(picture(), "the cup", depth_m(61, 40)))
    assert "61x40" in text
    assert "60x40" in text


@pytest.mark.parametrize("values", [np.zeros((40, 60)), -np.ones((40, 60)), np.full((40, 60), np.nan)])
def test_depth_without_a_valid_pixel_is_refused(tiny: Predictor, values: np.ndarray) -> None:
    assert refusal(lambda: tiny.point(picture(), "the cup", values.astype(np.float32)))


def test_depth_for_an_rgb_only_model_is_refused() -> None:
    predictor = tiny_predictor(tiny_config(depth=False))
    expected = "expected a model with a depth projector, got an RGB-only one: leave depth out"
    assert refusal(lambda: predictor.point(picture(), "the cup", depth_m())) == expected
    assert refusal(lambda: predictor.point(picture(), "the cup", "estimate")) == expected
    assert refusal(lambda: predictor.generate([picture(), Depth(depth_m()), "x"])) == expected
    assert predictor.point(picture(), "the cup", constrained=True).parsed


def test_the_depth_picture_is_made_the_models_way() -> None:
    pictures = {}
    for method in ("inverse", "linear"):
        predictor = tiny_predictor(tiny_config(depth_method=method))
        part = predictor._read_part(Depth(depth_m()))
        pictures[method] = np.asarray(part.picture)  # type: ignore[union-attr]
        expected = roborefer.read_depth(depth_m()).tower_picture(method)  # type: ignore[arg-type]
        np.testing.assert_array_equal(pictures[method], expected)
    assert (pictures["inverse"] != pictures["linear"]).any()


# ---- estimated depth -------------------------------------------------------------------------------------------------


class FlatEstimator:
    """Says that everything is two metres away."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def estimate(self, image: PIL.Image.Image) -> DepthMap:
        self.asked.append(image.size)
        return DepthMap(np.full((image.height, image.width), 2.0, np.float32), None, "estimated")


def test_depth_is_estimated_when_it_is_asked_for(tiny: Predictor) -> None:
    estimator = FlatEstimator()
    predictor = Predictor(tiny.model, tiny.processor, depth_estimator=estimator)
    predictor.point(picture(), "the cup", constrained=True)
    assert estimator.asked == []
    prediction = predictor.point(picture(), "the cup", "estimate", CAMERA, constrained=True)
    assert estimator.asked == [(60, 40)]
    assert prediction.anchors[0].depth_source == "estimated"
    assert "depth was estimated from the image, not measured" in prediction.notes


def test_depth_anything_estimates_it(tiny: Predictor, tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[4, 4, 4, 4],
        fusion_hidden_size=4,
        head_hidden_size=4,
        patch_size=14,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(tmp_path)
    predictor = Predictor(tiny.model, tiny.processor, depth_estimator=DepthAnything.load(tmp_path, device="cpu"))
    prediction = predictor.point(picture(), "the cup", "estimate", constrained=True)
    assert prediction.anchors[0].depth_source == "estimated"
    assert not prediction.anchors[0].valid


def test_the_hubs_estimator_is_loaded_when_first_needed(tiny: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fake_load(name: str, **_: Any) -> FlatEstimator:
        asked.append(name)
        return FlatEstimator()

    monkeypatch.setattr(DepthAnything, "load", fake_load)
    predictor = Predictor(tiny.model, tiny.processor)
    for _ in range(2):
        predictor.encode_image(picture(), "estimate")
    assert asked == [depth_estimator.DEFAULT_DEPTH_MODEL]


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instruction", ["", "  \n", "<image>", " <depth> <image>\n", "<ima<image>ge>"])
def test_an_empty_instruction_is_refused(tiny: Predictor, instruction: str) -> None:
    expected = "expected an instruction such as 'the cup behind the plate', got an empty one: say what to point at"
    assert refusal(lambda: tiny.point(picture(), instruction)) == expected
    assert refusal(lambda: tiny.query(picture(), ["fine", instruction])) == expected


def test_an_instruction_must_be_text(tiny: Predictor) -> None:
    assert refusal(lambda: tiny.point(picture(), [3])) == "expected the instruction to be text, got int"  # type: ignore[list-item]


def test_a_book_for_an_instruction_is_refused(tiny: Predictor) -> None:
    expected = "expected an instruction of at most 20000 characters, got 20001: shorten it"
    assert refusal(lambda: tiny.point(picture(), "a" * 20_001)) == expected


def test_bytes_that_are_no_text_are_refused(tiny: Predictor) -> None:
    expected = r"expected text in Unicode, got '\udce9': type it again"
    assert refusal(lambda: tiny.point(picture(), "the caf\udce9")) == expected
    assert refusal(lambda: tiny.generate([picture(), "the caf\udce9"])) == expected


@pytest.mark.parametrize("count", [0, -3])
def test_no_tokens_no_answer(tiny: Predictor, count: int) -> None:
    expected = f"expected max_new_tokens of at least 1, got {count}"
    assert refusal(lambda: tiny.point(picture(), "the cup", max_new_tokens=count)) == expected
    assert refusal(lambda: tiny.query(picture(), "the cup", max_new_tokens=count)) == expected
    assert refusal(lambda: tiny.generate([picture(), "the cup"], max_new_tokens=count)) == expected


def test_a_prompt_longer_than_the_model_takes_is_cut_and_says_so() -> None:
    predictor = tiny_predictor(tiny_config(model_max_length=60))
    prediction = predictor.point(picture(TILE, TILE), "the cup " * 100, constrained=True)
    assert prediction.parsed
    assert "the prompt was cut at 60 tokens" in prediction.notes
    question = "the cup " * 100
    direct = predictor.generate([picture(TILE, TILE), question], max_new_tokens=5)
    assert predictor.query(picture(TILE, TILE), question, max_new_tokens=5) == direct


def test_a_missing_picture_is_named(tiny: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "missing.png"
    assert refusal(lambda: tiny.point(path, "the cup")) == f"no such file: {path}; check the path"


# ---- loading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"device": "gpu"}, "expected device to be auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        ({"device": "meta"}, "expected device to be auto, cpu, cuda, cuda:N or mps, got 'meta'"),
        ({"quantize": "int4"}, "expected quantize to be int8 or None, got 'int4'"),
    ],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, Any], problem: str) -> None:
    assert refusal(lambda: load(**options)) == problem


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        load(dtype="float8")
    assert str(caught.value) == (
        "expected dtype to be auto, float32, bfloat16, float16, fp32, bf16, fp16, got 'float8'"
    )


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert refusal(lambda: resolve_device("cuda:1")) == (
        "expected a device of this machine, got 'cuda:1': torch sees no CUDA device; use cpu"
    )
    assert refusal(lambda: resolve_device("mps")) == (
        "expected a device of this machine, got 'mps': torch sees no Apple GPU; use cpu"
    )
    assert resolve_device("auto") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


def test_auto_prefers_cuda_then_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_every_dtype_points(dtype: str) -> None:
    predictor = load(device="cpu", dtype=dtype)
    assert predictor.model.dtype == getattr(torch, dtype)
    prediction = predictor.point(picture(64, 64), "the cup", depth_m(64, 64))
    assert isinstance(prediction.points[0], Point)


def test_loading_what_was_saved_answers_alike(tiny: Predictor, tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    again = load(tmp_path, device="cpu")
    assert again.query(picture(), QUESTIONS, depth_m(), max_new_tokens=6) == tiny.query(
        picture(), QUESTIONS, depth_m(), max_new_tokens=6
    )


def test_progress_is_shown_on_stderr_when_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    load(device="cpu", progress=True)
    shown = capfd.readouterr()
    assert "loading" in shown.err
    assert shown.out == ""
    load(device="cpu")
    assert capfd.readouterr().err == ""
