"""Whatever comes in leaves as an upright RGB picture, or as one line that names the file and the remedy."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from roborefer import images
from roborefer.errors import InputError
from roborefer.images import picture_size, read_image


def colours(width: int = 6, height: int = 4) -> PIL.Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PIL.Image.fromarray(values)


def encoded(picture: PIL.Image.Image, format_name: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format_name, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def refusal(source: object) -> str:
    with pytest.raises(InputError) as caught:
        read_image(source)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_plain_rgb_keeps_its_pixels(tmp_path: Path) -> None:
    picture = colours()
    path = tmp_path / "cup.png"
    picture.save(path)
    for source in (picture, path, str(path), path.read_bytes(), np.asarray(picture)):
        result = read_image(source)
        assert result.mode == "RGB"
        assert result.tobytes() == picture.tobytes()
    result.putpixel((0, 0), (1, 2, 3))
    assert read_image(picture).tobytes() == picture.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_other_8_bit_modes_convert_as_pillow_does(mode: str) -> None:
    source = colours().convert("RGB").convert("L" if mode in ("1", "LA") else "RGB").convert(mode)
    before = source.tobytes()
    assert read_image(source).tobytes() == source.convert("RGB").tobytes()
    assert source.tobytes() == before
    assert source.mode == mode


@pytest.mark.parametrize(("mode", "format_name"), [("CMYK", "JPEG"), ("P", "GIF"), ("1", "BMP"), ("LA", "PNG")])
def test_other_8_bit_files_convert_as_pillow_does(mode: str, format_name: str) -> None:
    data = encoded(colours().convert("L" if mode == "LA" else "RGB").convert(mode), format_name)
    with PIL.Image.open(io.BytesIO(data)) as plain:
        assert read_image(data).tobytes() == plain.convert("RGB").tobytes()


def test_palette_with_partial_transparency_does_not_warn() -> None:
    data = encoded(colours().convert("P"), transparency=bytes(range(0, 250, 10)))
    assert read_image(data).mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encoded(colours(), exif=exif)
    pixels = np.asarray(colours())
    expected = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, -1), 7: np.rot90(pixels, 2).swapaxes(0, 1), 8: np.rot90(pixels),
    }[orientation]  # fmt: skip
    upright = read_image(data)
    np.testing.assert_array_equal(np.asarray(upright), expected)
    np.testing.assert_array_equal(np.asarray(read_image(upright)), expected)
    with PIL.Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(np.asarray(read_image(opened)), expected)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_header_tells_the_size_of_the_upright_picture(orientation: int, format_name: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    picture = PIL.Image.new("RGB", (31, 17))
    data = encoded(picture, format_name, exif=exif)
    assert picture_size(data) == read_image(data).size == ((17, 31) if orientation > 4 else (31, 17))


def test_the_size_needs_no_pixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(colours()))
    monkeypatch.setattr(PIL.Image.Image, "load", None)
    monkeypatch.setattr(PIL.ImageFile.ImageFile, "load", None)
    assert picture_size(path) == colours().size


def test_phone_picture_with_a_second_picture_behind_it() -> None:
    data = encoded(colours(32, 32), "MPO", save_all=True, append_images=[colours(16, 16)])
    with PIL.Image.open(io.BytesIO(data)) as plain:
        assert plain.format == "MPO"
        assert read_image(data).tobytes() == plain.convert("RGB").tobytes()


def test_grey_array() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(np.asarray(read_image(grey)), np.repeat(grey[..., None], 3, axis=2))


def test_missing_file_and_directory(tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    assert refusal(path) == f"no such file: {path}; check the path"
    assert refusal(tmp_path) == f"expected a file, got the directory {tmp_path}: name one file in it"
    assert refusal("a\nb.png") == r"no such file: 'a\nb.png'; check the path"
    assert refusal("a\0b.png").startswith(r"cannot open 'a\x00b.png': ")
    assert "device or a pipe" in refusal("/dev/null")


def test_text_named_png_and_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    assert refusal(path) == (
        "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), got something else in "
        f"{path}: check that it is what its name says"
    )
    path.write_bytes(b"")
    assert refusal(path) == f"expected a file with something in it, got 0 bytes in {path}: save or copy it again"


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "GIF"])
def test_any_truncation_is_refused_or_read(tmp_path: Path, format_name: str) -> None:
    data = encoded(colours(40, 30), format_name)
    path = tmp_path / "cut"
    for length in range(1, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        try:
            assert read_image(path).size == (40, 30)  # only what follows the pixels was lost
        except InputError as error:
            message = str(error)
        else:
            continue
        assert str(path) in message
        assert "\n" not in message


def test_truncated_picture(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded(colours(200, 200), "JPEG")[:-4000])
    message = refusal(path)
    assert message.startswith(f"expected a whole picture, got one that is truncated or broken in {path} (")
    assert message.endswith("): save or copy it again")


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_001, 10_000)])
def test_too_many_pixels_by_header(size: tuple[int, int]) -> None:
    assert refusal(png_header(*size)) == (
        f"expected at most 100 megapixels, got {size[0]}x{size[1]} in the given bytes: resize it first"
    )


def test_between_pillows_warning_and_our_limit_nothing_warns() -> None:
    assert "truncated or broken" in refusal(png_header(9_900, 10_000))


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 3 << 20)
    path = tmp_path / "long.png"
    with path.open("wb") as stream:
        stream.truncate(5 << 20)
    assert refusal(path) == f"expected a file of at most 3 MiB, got 5 MiB in {path}: resize it first"


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animation_is_refused(tmp_path: Path, format_name: str) -> None:
    path = tmp_path / "many"
    data = encoded(colours(), format_name, save_all=True, append_images=[colours().rotate(180), colours().rotate(90)])
    path.write_bytes(data)
    expected = (
        f"expected one picture, got an animation or a document of 3 frames in {path}: "
        "save the frame you mean as a file of its own"
    )
    assert refusal(path) == expected
    with PIL.Image.open(path, formats=[format_name]) as opened:
        assert refusal(opened) == expected
        assert read_image(opened.copy()).size == (6, 4)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_pictures_look_like_depth(mode: str) -> None:
    assert refusal(PIL.Image.new(mode, (3, 2))) == (
        f"expected an 8-bit picture, got mode {mode} in the Pillow image, which looks like depth: "
        "pass it as depth, or convert it to 8 bit"
    )
    if mode == "I;16":
        assert "mode I;16 in the given bytes" in refusal(encoded(PIL.Image.new(mode, (3, 2))))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 3), np.float32),
        np.zeros((2, 3), np.uint16),
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((2,), np.uint8),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    assert refusal(array) == (
        f"expected a uint8 array of shape (H, W, 3) or (H, W), got {array.dtype} of shape {array.shape}: "
        "convert it to 8-bit RGB"
    )


def test_nothing_to_see() -> None:
    assert refusal(np.zeros((0, 3), np.uint8)) == "expected a picture with pixels, got 3x0 in the given array"
    assert refusal(PIL.Image.new("RGB", (0, 3))) == "expected a picture with pixels, got 0x3 in the Pillow image"
    assert refusal(None) == "expected a path, bytes, a Pillow image or an array, got NoneType"
