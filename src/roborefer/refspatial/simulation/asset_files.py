"""The files of an asset on disk: which they are, and that none of them is missing, huge, or somewhere else.

A mesh file may name others (materials, textures). They are looked at before any reader follows those names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.images import read_image, source_name
from roborefer.refspatial.simulation.sidecar import check_file, read_sidecar

FORMATS = (".obj", ".glb")
MAX_FILE_BYTES = 128 * 1024 * 1024


def mesh_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The meshes of a folder (not of its subfolders), in order of file name.

    Raises:
        InputError: There is no such folder, it cannot be read, or it holds none.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"expected a folder of OBJ or GLB files, got {source_name(path)}: check the path")
    try:
        files = sorted(item for item in path.iterdir() if item.suffix.lower() in FORMATS)
    except OSError as error:
        raise InputError(f"cannot read {source_name(path)}: {error.strerror}; check the path") from error
    if not files:
        raise InputError(f"expected OBJ or GLB files in {source_name(path)}, found none: export them there")
    return files


def asset_files(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """All that an asset is made of: its mesh, its sidecar, and the materials and textures that an OBJ file names.

    Raises:
        InputError: One of them is missing, lies outside the mesh's folder, is too large or no picture.
    """
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise InputError(f"expected an OBJ or GLB file, got {source_name(file)}: export the asset as one of them")
    check_file(file, MAX_FILE_BYTES, "reduce the mesh or its textures")
    sidecar = file.with_suffix(".json")
    read_sidecar(sidecar, file)
    return (file, sidecar, *_references(file))


def _references(file: Path) -> tuple[Path, ...]:
    """The files that a mesh names, each checked before a reader follows the names."""
    if file.suffix.lower() == ".glb":
        _check_self_contained(file)
        return ()
    # trimesh leaves out, without a word, what is missing or cannot be read.
    _check_text(file)
    libraries = [_named_file(file, file, name) for name in _names_in(file, b"mtllib")]
    pictures = []
    for library in libraries:
        _check_text(library)
        for name in _names_in(library, b"map_kd"):
            picture = _named_file(file, library, name)
            read_image(picture)
            pictures.append(picture)
    return tuple(dict.fromkeys((*libraries, *pictures)))


def _check_text(file: Path) -> None:
    try:
        file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"expected text in UTF-8, got other bytes in {source_name(file)}: save it as UTF-8, or export a GLB"
        ) from error


def _named_file(mesh: Path, source: Path, name: str) -> Path:
    folder = mesh.parent.resolve()
    target = folder / name
    if Path(name).is_absolute() or "\\" in name or not target.resolve().is_relative_to(folder):
        raise InputError(
            f"expected materials and textures beside {source_name(mesh)}, got {name!r}: copy them into its folder"
        )
    if not target.is_file():
        raise InputError(
            f"expected the file {name!r} that {source_name(source)} names, found none: copy it beside the mesh, or "
            "export the mesh again"
        )
    check_file(target, MAX_FILE_BYTES, "reduce it")
    return target


def brings_normals(file: Path) -> bool:
    """Whether a mesh file says itself how its vertices face."""
    if file.suffix.lower() == ".obj":
        return bool(_names_in(file, b"vn"))
    meshes = _gltf_header(file).get("meshes", ())
    return all("NORMAL" in piece.get("attributes", ()) for mesh in meshes for piece in mesh.get("primitives", ()))


def _gltf_header(file: Path) -> dict[str, Any]:
    """A GLB's JSON comes first, after 20 bytes."""
    with file.open("rb") as stream:
        header = stream.read(20)
        if len(header) < 20 or header[:4] != b"glTF":
            raise InputError(f"expected a GLB file, got something else in {source_name(file)}: export it again")
        try:
            content = json.loads(stream.read(int.from_bytes(header[12:16], "little")))
        except (ValueError, RecursionError) as error:
            raise _broken_header(file) from error
    if not isinstance(content, dict):
        raise _broken_header(file)
    return content


def _broken_header(file: Path) -> InputError:
    return InputError(f"expected a whole GLB mesh, got a broken header in {source_name(file)}: export it again")


def _check_self_contained(file: Path) -> None:
    """A GLB's buffers and images must lie inside it."""
    content = _gltf_header(file)
    try:
        uris = [item.get("uri", "data:") for key in ("buffers", "images") for item in content.get(key, ())]
    except (AttributeError, TypeError) as error:
        raise _broken_header(file) from error
    outside = [uri for uri in uris if not str(uri).startswith("data:")]
    if outside:
        raise InputError(
            f"expected a GLB that holds all it needs, got a reference to {outside[0]!r} in {source_name(file)}: "
            "export it with buffers and images embedded"
        )
    for number, picture in enumerate(_embedded_pictures(file, content)):
        try:
            read_image(picture)
        except InputError as error:
            raise InputError(
                f"expected pictures in {source_name(file)} that can be read, got a broken one as image {number}: "
                "export it again"
            ) from error


def _embedded_pictures(file: Path, content: Mapping[str, Any]) -> Iterator[bytes]:
    """The bytes of a GLB's images: its second chunk, after 8 bytes of header, holds them."""
    try:
        views = [
            content["bufferViews"][image["bufferView"]] for image in content.get("images", ()) if "uri" not in image
        ]
        ranges = [(int(view.get("byteOffset", 0)), int(view["byteLength"])) for view in views]
    except (AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
        raise _broken_header(file) from error
    with file.open("rb") as stream:
        start = 28 + int.from_bytes(stream.read(16)[12:16], "little")
        for offset, length in ranges:
            stream.seek(start + max(0, offset))
            yield stream.read(min(max(0, length), MAX_FILE_BYTES))


def _names_in(file: Path, keyword: bytes) -> list[str]:
    """What stands behind a keyword, to the end of each line that begins with it."""
    with file.open("rb") as stream:
        split = (line.split(maxsplit=1) for line in stream)
        return [
            parts[1].decode("utf-8", "replace").strip()
            for parts in split
            if len(parts) == 2 and parts[0].lower() == keyword
        ]
