"""What depth files mean, what is refused, and the picture that the depth tower sees."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from roborefer.errors import InputError
from roborefer.geometry.depth import Depth, DepthMap, check_aligned, depth_picture, read_depth

METRES = np.array([[0.5, 1.0, 2.0], [0.0, 4.0, 1.25]], np.float32)
MILLIMETRES = (METRES * 1000).astype(np.uint16)


def refusal(source: object, **options: float) -> str:
    with pytest.raises(InputError) as caught:
        read_depth(source, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write_exr(path: Path, channels: dict[str, np.ndarray]) -> Path:
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, object]:
    """The same depth in every way a robot may have it."""
    for suffix in ("png", "tiff"):
        PIL.Image.fromarray(MILLIMETRES).save(tmp_path / f"mm.{suffix}")
    PIL.Image.fromarray(METRES).save(tmp_path / "metres.tiff")
    np.save(tmp_path / "metres.npy", METRES)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(METRES.astype(np.float64)))
    np.save(tmp_path / "mm.npy", MILLIMETRES[..., None])
    write_exr(tmp_path / "z.exr", {"Z": METRES})
    write_exr(tmp_path / "half.exr", {"V": METRES.astype(np.float16)})
    write_exr(tmp_path / "rgb.exr", {"R": METRES, "G": METRES, "B": METRES})
    write_exr(tmp_path / "layers.exr", {"View.Combined.A": METRES * 0, "View.Depth.Z": METRES})
    found: dict[str, object] = {path.name: path for path in tmp_path.iterdir()}
    found |= {f"bytes of {path.name}": path.read_bytes() for path in tmp_path.iterdir()}
    found |= {
        "uint16": MILLIMETRES,
        "big-endian": MILLIMETRES.astype(">u2"),
        "int32": MILLIMETRES.astype(np.int32),
        "float64": METRES.astype(np.float64),
        "Pillow 16-bit": PIL.Image.fromarray(MILLIMETRES),
        "Pillow float": PIL.Image.fromarray(METRES),
        "Depth": Depth(METRES),
        "NaN": np.where(METRES > 0, METRES, np.nan),
        "infinity": np.where(METRES > 0, METRES, np.inf),
        "renderer's 1e10": np.where(METRES > 0, METRES, 1e10),
    }
    return found


def test_every_source_gives_the_same_metres(sources: dict[str, object]) -> None:
    for name, source in sources.items():
        depth = read_depth(source)  # type: ignore[arg-type]
        assert depth.metres is not None, name
        assert depth.metres.dtype == np.float32, name
        np.testing.assert_allclose(depth.metres, METRES, rtol=1e-7, err_msg=name)
        assert (depth.picture, depth.size, depth.source) == (None, (3, 2), "sensor"), name
        assert read_depth(depth) is depth


def test_scale() -> None:
    units = np.array([[5000, 10000]], np.uint16)  # TUM RGB-D writes 5000 for one metre
    tum = 1 / 5000
    for depth in (read_depth(units, scale=tum), read_depth(Depth(units, tum)), read_depth(Depth(units, 7), scale=tum)):
        assert depth.metres is not None
    np.testing.assert_allclose(depth.metres, [[1, 2]], rtol=1e-6)
    np.testing.assert_allclose(read_depth(np.array([[1500.0]]), scale=0.001).metres, [[1.5]])
    for scale in (0.0, -1.0, float("nan")):
        assert refusal(units, scale=scale) == (
            f"expected a positive scale in metres per unit, got {scale}: 0.001 means millimetres"
        )


def test_8_bit_pictures_are_kept_as_they_are(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    PIL.Image.fromarray(colour).save(tmp_path / "rgb.png")
    PIL.Image.fromarray(colour).convert("RGBA").save(tmp_path / "rgba.png")
    for source in (tmp_path / "rgb.png", tmp_path / "rgba.png", colour, PIL.Image.fromarray(colour)):
        depth = read_depth(source)
        assert depth.metres is None
        np.testing.assert_array_equal(depth.tower_picture("linear"), colour)
        np.testing.assert_array_equal(depth.tower_picture("inverse"), colour)
        assert depth.tower_picture().flags.writeable
    grey = colour[..., 0]
    for source in (grey, PIL.Image.fromarray(grey), PIL.Image.fromarray(grey).convert("P")):
        np.testing.assert_array_equal(read_depth(source).picture, np.repeat(grey[..., None], 3, axis=2))
    assert refusal(grey, scale=0.01) == (
        "got a scale of 0.01 m per unit for 8-bit depth in the given array, which is a relative picture: "
        "leave the scale out, or save metric depth as 16-bit PNG"
    )


def test_values_that_cannot_be_depth() -> None:
    assert refusal(np.array([[1.0, -0.5], [-2.0, np.nan]])) == (
        "expected depth >= 0, got 2 negative pixels (minimum -2) in the given array: "
        "set unknown pixels to 0, or flip the sign of the z axis"
    )
    for nothing in (np.zeros((2, 2), np.uint16), np.full((2, 2), np.nan), np.full((2, 2), np.inf)):
        assert refusal(nothing) == (
            "no valid depth in the given array: all 4 pixels are zero, NaN or infinite; "
            "check the sensor, or leave depth out"
        )
    assert refusal(np.full((2, 2), 1500.0)) == (
        "implausible depth in the given array: the median is 1500 m where float depth is metres; "
        "pass a scale, 0.001 if it is in millimetres"
    )
    assert refusal(np.full((2, 2), 3, np.uint16)) == (
        "implausible depth in the given array: the median is 0.003 m where one unit is 0.001 m; "
        "pass a scale, 1 if it is in metres"
    )
    assert "the median is 1e+06 m" in refusal(np.full((2, 2), 1e6))


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 2, 3)), np.zeros(4), np.zeros((2, 2), bool), np.zeros((2, 2), np.int8), np.zeros((2, 2), complex)],
)
def test_arrays_that_are_no_depth(array: np.ndarray) -> None:
    assert refusal(array) == (
        f"expected depth of shape (H, W) as floats, uint8 or wider integers, got {array.dtype} of shape {array.shape} "
        "in the given array: pass one number a pixel"
    )
    assert "expected a" in refusal(npy(array)) or "expected depth" in refusal(npy(array))


def test_broken_files(tmp_path: Path) -> None:
    whole = npy(METRES)
    assert refusal(whole[:-1]) == (
        "expected 24 bytes of depth, got 23 in the given bytes: it is cut short, copy it again"
    )
    for length in range(6, 60, 7):
        assert "broken header" in refusal(whole[:length])
    huge = whole.replace(b"(2, 3)", b"(99999,99999)").replace(b"       ", b"", 1)
    assert "at most 100 megapixels, got 99999x99999" in refusal(huge)
    pickled = io.BytesIO()
    np.save(pickled, np.array([[{}]], dtype=object), allow_pickle=True)
    assert refusal(pickled.getvalue()) == (
        "expected an array of numbers of shape (H, W), got object of shape (1, 1) in the given bytes: "
        "save the depth alone, with numpy.save"
    )
    np.savez(tmp_path / "depth.npz", METRES)
    assert refusal(tmp_path / "depth.npz") == (
        f"expected one depth array, got a .npz or zip archive in {tmp_path / 'depth.npz'}: use numpy.save"
    )
    assert refusal(tmp_path / "no.exr") == f"no such file: {tmp_path / 'no.exr'}; check the path"
    assert "CMYK" in refusal(PIL.Image.new("CMYK", (2, 2)))


def test_exr_channels(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "colour.exr", {"R": METRES, "G": METRES + 1, "B": METRES})
    assert refusal(path) == (f"expected depth, got colour in {path} (channels B, G, R): save a channel named Z")
    path = write_exr(tmp_path / "other.exr", {"A": METRES, "B": METRES})
    assert refusal(path) == f"expected an EXR channel named Z, depth, Y or R, got A, B in {path}: rename it"
    path = tmp_path / "cut.exr"
    path.write_bytes(write_exr(tmp_path / "whole.exr", {"Z": METRES}).read_bytes()[:-10])
    assert refusal(path) == f"expected a whole EXR file, got a broken one in {path}: save or copy it again"
    path.write_bytes(b"\x76\x2f\x31\x01")
    assert "broken one" in refusal(path)


def test_depth_of_another_size_is_refused() -> None:
    check_aligned(read_depth(METRES), (3, 2))
    with pytest.raises(InputError) as caught:
        check_aligned(read_depth(METRES), (640, 480))
    assert str(caught.value) == (
        "expected depth of the image's size 640x480, got 3x2: register the depth to the colour image first "
        "(rs.align in librealsense, depth_image_proc/register in ROS)"
    )


def test_depth_map_checks_its_arrays() -> None:
    picture = np.zeros((2, 3, 3), np.uint8)
    assert DepthMap(None, picture, "estimated").size == (3, 2)
    with pytest.raises(InputError, match=r"^a DepthMap holds either metres or a picture: give exactly one of them$"):
        DepthMap(METRES, picture, "sensor")
    with pytest.raises(
        InputError, match=r"^metres: expected float32 of shape \(H, W\), got float64 of shape \(2, 3\)$"
    ):
        DepthMap(METRES.astype(np.float64), None, "sensor")  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=r"^picture: expected uint8 of shape \(H, W, 3\), got uint8 of shape \(2, 3\)$"
    ):
        DepthMap(None, picture[..., 0], "sensor")


def test_worked_pictures() -> None:
    # 1/z: 2, 1, .5, -, .25, .8 -> (d - .25) / 1.75 * 255
    np.testing.assert_array_equal(depth_picture(METRES, "inverse")[..., 0], [[255, 109, 36], [0, 0, 80]])
    # (4 - z) / 3.5 * 255
    np.testing.assert_array_equal(depth_picture(METRES, "linear")[..., 0], [[255, 218, 145], [0, 0, 200]])
    np.testing.assert_array_equal(read_depth(METRES).tower_picture(), depth_picture(METRES, "inverse"))


@pytest.mark.parametrize("method", ["inverse", "linear"])
def test_pictures_of_degenerate_depth(method: str) -> None:
    constant = np.full((2, 2), 1.7, np.float32)
    np.testing.assert_array_equal(depth_picture(constant, method), np.full((2, 2, 3), 255))
    constant[0, 1] = np.nan
    np.testing.assert_array_equal(depth_picture(constant, method)[..., 0], [[255, 0], [255, 255]])
    for missing in (np.nan, np.inf, -np.inf, 0.0, -1.0):
        np.testing.assert_array_equal(depth_picture(np.full((2, 3), missing), method), np.zeros((2, 3, 3)))
    for shape in ((0, 0), (0, 5), (5, 0)):
        assert depth_picture(np.zeros(shape), method).shape == (*shape, 3)
    np.testing.assert_array_equal(depth_picture(np.array([[1e-45, 3e38]], np.float32), method)[0, :, 0], [255, 0])


def test_picture_arguments() -> None:
    with pytest.raises(InputError, match=r"^metres: expected shape \(H, W\), got \(2, 2, 1\)$"):
        depth_picture(np.ones((2, 2, 1)))
    with pytest.raises(InputError, match=r"^expected the depth method inverse or linear, got 'log'$"):
        depth_picture(METRES, "log")  # type: ignore[arg-type]


any_depth = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
    elements=st.one_of(st.floats(0.125, 50, width=32), st.sampled_from([0.0, np.nan, np.inf])),
)


@given(any_depth, st.sampled_from(["inverse", "linear"]), st.sampled_from([0.25, 2.0, 8.0]))
@settings(max_examples=80, deadline=None)
def test_picture_keeps_order_and_ignores_scale(metres: np.ndarray, method: str, factor: float) -> None:
    picture = depth_picture(metres, method)  # type: ignore[arg-type]
    grey = picture[..., 0].astype(int)
    assert (picture == picture[..., :1]).all()
    valid = np.isfinite(metres) & (metres > 0)
    assert (grey[~valid] == 0).all()
    if valid.any():
        assert grey[valid][np.argmin(metres[valid])] == 255
        by_distance = grey[valid][np.argsort(metres[valid])]
        assert (np.diff(by_distance) <= 0).all()
    np.testing.assert_array_equal(depth_picture(metres * factor, method), picture)  # type: ignore[arg-type]


@given(any_depth)
@settings(max_examples=40, deadline=None)
def test_reading_is_idempotent(metres: np.ndarray) -> None:
    try:
        first = read_depth(metres).metres
    except InputError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert message.startswith("no valid depth")
        return
    assert first is not None
    np.testing.assert_array_equal(first, np.where(np.isfinite(metres), metres, 0))
    np.testing.assert_array_equal(read_depth(first).metres, first)
