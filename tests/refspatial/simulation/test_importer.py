"""Importing OBJ and GLB assets: frames, scales, materials, and one-line errors for whatever is wrong with them."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from roborefer.errors import InputError
from roborefer.refspatial.simulation import asset_files, importer
from roborefer.refspatial.simulation.asset_files import mesh_files
from roborefer.refspatial.simulation.importer import creased, import_asset
from roborefer.refspatial.simulation.sidecar import Sidecar

FACTS: dict[str, Any] = {"name": "crate", "licence": "CC0-1.0"}
PYRAMID = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
"""With its right angle at the origin, as OBJ lines."""


def write_box(
    folder: Path, file: str = "crate.glb", size: tuple[float, float, float] = (0.1, 0.2, 0.3), **facts: Any
) -> Path:
    """A box of this size along the file's x, y and z, off the origin, with its sidecar."""
    box = trimesh.creation.box(extents=size)
    box.apply_translation((5, 6, 7))
    path = folder / file
    box.export(path)
    path.with_suffix(".json").write_text(json.dumps({**FACTS, **facts}))
    return path


def sidecar_of(**facts: Any) -> Sidecar:
    unsaid: dict[str, Any] = {
        field.name: None if field.name in ("front", "up", "color", "material", "places") else ()
        for field in fields(Sidecar)
    }
    return Sidecar(**{**unsaid, **facts})


def size_of(path: Path) -> list[float]:
    low, high = import_asset(path).object.bounds
    return [round(float(value), 5) for value in high - low]


def refused(path: Path, message: str) -> None:
    """Importing the file fails with exactly this message, ``{}`` standing for the file without its suffix."""
    with pytest.raises(InputError) as caught:
        import_asset(path)
    assert str(caught.value) == message.replace("{}", str(path.with_suffix("")))
    assert "\n" not in str(caught.value)


def test_a_gltf_comes_in_z_up_with_its_front_to_minus_y(tmp_path: Path) -> None:
    item = import_asset(write_box(tmp_path)).object
    low, high = item.bounds
    np.testing.assert_allclose(low, (-0.05, -0.15, 0), atol=1e-6)
    np.testing.assert_allclose(high, (0.05, 0.15, 0.2), atol=1e-6)
    assert item.category == "crate"
    assert item.shape_key == "crate/crate"
    assert item.directions == {}
    (part,) = item.parts
    assert (part.vertices.dtype, part.faces.dtype, part.normals.dtype, part.uv.dtype) == (
        np.float32, np.int32, np.float32, np.float32,
    )  # fmt: skip
    corners = part.vertices[part.faces].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((facing * (corners.mean(axis=1) - (0, 0, 0.1))).sum(axis=1) > 0).all()


def test_an_obj_is_z_up_already(tmp_path: Path) -> None:
    assert size_of(write_box(tmp_path, "crate.obj")) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("front", "up", "size"),
    [
        ("-y", "z", [0.1, 0.2, 0.3]),
        ("+x", "+z", [0.2, 0.1, 0.3]),
        ("z", "y", [0.1, 0.3, 0.2]),
        ("-x", "-y", [0.3, 0.1, 0.2]),
        ([0, -2, 0], [1, 0, 0], [0.3, 0.2, 0.1]),
    ],
)
def test_front_and_up_turn_it(tmp_path: Path, front: Any, up: Any, size: list[float]) -> None:
    assert size_of(write_box(tmp_path, front=front, up=up)) == size


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.tuples(*[st.floats(-1, 1)] * 3))
def test_any_frame_becomes_ours(front: tuple[float, float, float], up: tuple[float, float, float]) -> None:
    forward, upward = np.array(front), np.array(up)
    if min(np.linalg.norm(forward), np.linalg.norm(np.cross(forward, upward))) < 0.05:
        return
    upward = upward - forward * (upward @ forward) / (forward @ forward)
    facts = sidecar_of(front=forward / np.linalg.norm(forward), up=upward / np.linalg.norm(upward))
    rotation = importer._rotation(facts, Path("thing.obj"))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ forward / np.linalg.norm(forward), (0, -1, 0), atol=1e-9)
    np.testing.assert_allclose(rotation @ upward / np.linalg.norm(upward), (0, 0, 1), atol=1e-9)


def test_the_sidecar_is_taken_over(tmp_path: Path) -> None:
    path = write_box(
        tmp_path,
        size=(10, 20, 30),
        scale=0.01,
        front="+x",
        up="+z",
        color="red",
        material="wood",
        attributes=["open"],
        directions={"lid": "+z", "hinge": "-x", "label": [0, 3, 0]},
        rolls=True,
    )
    item = import_asset(path).object
    assert size_of(path) == [0.2, 0.1, 0.3]
    assert (item.color, item.material, item.attributes, item.rolls) == ("red", "wood", ("open",), True)
    assert set(item.directions) == {"front", "lid", "hinge", "label"}
    np.testing.assert_allclose(item.directions["lid"], (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(item.directions["hinge"], (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(item.directions["label"], (1, 0, 0), atol=1e-12)


def test_a_texture_comes_along(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2048, 16), (200, 30, 30))
    corners = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])
    quad = np.array([(0, 1, 2), (0, 2, 3)])
    # A panel with a front and a back, 10 cm apart.
    sign = trimesh.Trimesh([*corners, *(corners + np.array((0, 0, 0.1)))], [*quad[:, ::-1], *(quad + 4)], process=False)
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=picture, roughnessFactor=0.25, metallicFactor=0.5)
    sign.visual = trimesh.visual.TextureVisuals(uv=[(0, 0), (1, 0), (1, 1), (0, 1)] * 2, material=material)
    path = tmp_path / "sign.glb"
    sign.export(path)
    path.with_suffix(".json").write_text(json.dumps({"name": "sign", "licence": "CC-BY-4.0"}))
    (part,) = import_asset(path).object.parts
    assert part.material.texture is not None
    assert part.material.texture.shape == (8, 1024, 3)
    assert tuple(part.material.texture[0, 0]) == (200, 30, 30)
    assert part.material.color == (1.0, 1.0, 1.0)
    assert (part.material.roughness, part.material.metallic) == (0.25, 0.5)
    # In its own frame the panel's first corner is at (0, 0): the print is not turned over.
    corner = int(np.argmin(part.vertices @ np.array((1, 0, 1))))
    np.testing.assert_allclose(part.uv[corner], (0, 0), atol=1e-6)


def test_an_obj_brings_its_plain_color(tmp_path: Path) -> None:
    (tmp_path / "tile.mtl").write_text("newmtl paint\nKd 1.0 0.0 0.0\n")
    path = tmp_path / "tile.obj"
    path.write_text(f"mtllib tile.mtl\nusemtl paint\n{PYRAMID}")
    path.with_suffix(".json").write_text(json.dumps({**FACTS, "scale": 0.1}))
    (part,) = import_asset(path).object.parts
    np.testing.assert_allclose(part.material.color, (1, 0, 0), atol=0.01)


def test_a_gltfs_color_is_linear_already(tmp_path: Path) -> None:
    box = trimesh.creation.box(extents=(0.1, 0.1, 0.1))
    paint = trimesh.visual.material.PBRMaterial(baseColorFactor=(51, 102, 255, 255))
    box.visual = trimesh.visual.TextureVisuals(material=paint)
    path = tmp_path / "crate.glb"
    box.export(path)
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    (part,) = import_asset(path).object.parts
    np.testing.assert_allclose(part.material.color, (0.2, 0.4, 1), atol=1e-6)


def test_several_meshes_are_several_parts_in_place(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(extents=(0.1, 0.1, 0.1)), transform=np.eye(4))
    scene.add_geometry(
        trimesh.creation.box(extents=(0.1, 0.1, 0.1)), transform=trimesh.transformations.translation_matrix((0.3, 0, 0))
    )
    path = tmp_path / "pair.glb"
    scene.export(path)
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    assert len(import_asset(path).object.parts) == 2
    assert size_of(path) == [0.4, 0.1, 0.1]


def test_a_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.glb", "a.obj", "c.glb"):
        write_box(tmp_path, name)
    (tmp_path / "notes.txt").write_text("not an asset")
    assert [file.name for file in mesh_files(tmp_path)] == ["a.obj", "b.glb", "c.glb"]


def test_a_folder_without_assets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=re.escape(f"expected OBJ or GLB files in {tmp_path}, found none: export them there")
    ):
        mesh_files(tmp_path)
    missing = tmp_path / "missing"
    with pytest.raises(
        InputError, match=re.escape(f"expected a folder of OBJ or GLB files, got {missing}: check the path")
    ):
        mesh_files(missing)


KEYS = "also_called, attributes, color, directions, front, licence, material, name, places, rolls, scale, up"
NO_JSON = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
NO_AXIS = 'as an axis like "-y" or three numbers in {}.json'
NO_SCALE = "expected 'scale' as metres per unit in {}.json"
PICTURES = "expected a picture (PNG, JPEG, WebP, BMP, GIF, TIFF or PPM), "
NO_SIZE = "expected a longest side of 0.005 to 1.6 m"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", f"expected JSON in {{}}.json, got {NO_JSON}: mend it"),
        ("[]", "expected a JSON object in {}.json, got list: write an object"),
        ({"licence": "MIT"}, "expected 'name' as words in {}.json, got None: state it"),
        ({"name": "mug"}, "expected 'licence' as words in {}.json, got None: state it"),
        ({"name": "mug", "licence": " "}, "expected 'licence' as words in {}.json, got ' ': state it"),
        ({**FACTS, "colour": "red"}, f"expected the keys {KEYS} in {{}}.json, got 'colour': remove it"),
        ({**FACTS, "color": 3}, "expected 'color' as a word in {}.json, got 3: write one or drop it"),
        ({**FACTS, "attributes": "a"}, "expected 'attributes' as a list of words in {}.json, got 'a': write a list"),
        ({**FACTS, "scale": 0}, f"{NO_SCALE}, got 0: write a positive number"),
        ({**FACTS, "scale": "cm"}, f"{NO_SCALE}, got 'cm': write a positive number"),
        ({**FACTS, "front": "north"}, f"expected 'front' {NO_AXIS}, got 'north': write one of them"),
        ({**FACTS, "up": [0, 0, 0]}, f"expected 'up' {NO_AXIS}, got [0, 0, 0]: write one of them"),
        (
            {**FACTS, "front": "+y"},
            "expected 'front' at right angles to 'up' in {}.json, got [0, 1, 0] and [0, 1, 0]: state both",
        ),
        (
            {**FACTS, "directions": ["lid"]},
            "expected 'directions' as names with axes in {}.json, got ['lid']: write an object",
        ),
        ({**FACTS, "scale": 100}, f"{NO_SIZE}, got 30 m in {{}}.glb: set 'scale' (metres per unit) in its sidecar"),
        (
            {**FACTS, "scale": 0.001},
            f"{NO_SIZE}, got 0.0003 m in {{}}.glb: set 'scale' (metres per unit) in its sidecar",
        ),
    ],
    ids=str,
)
def test_a_wrong_sidecar_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = write_box(tmp_path)
    path.with_suffix(".json").write_text(content if isinstance(content, str) else json.dumps(content))
    refused(path, message)


def test_a_missing_sidecar_is_refused(tmp_path: Path) -> None:
    path = write_box(tmp_path)
    path.with_suffix(".json").unlink()
    refused(path, 'expected a sidecar {}.json beside {}.glb: write {"name": "mug", "licence": "CC0-1.0"} there')


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "gone.glb", "no such file: {}.glb; check the path")
    refused(tmp_path / "mug.fbx", "expected an OBJ or GLB file, got {}.fbx: export the asset as one of them")
    (tmp_path / "folder.glb").mkdir()
    refused(tmp_path / "folder.glb", "expected a regular file, got {}.glb: name a file")


def test_a_broken_gltf_is_refused(tmp_path: Path) -> None:
    path = write_box(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b"PK" + whole[2:])
    refused(path, "expected a GLB file, got something else in {}.glb: export it again")
    path.write_bytes(whole[:100])
    refused(path, "expected a whole GLB mesh, got a broken header in {}.glb: export it again")
    path.write_bytes(whole[:-40])
    with pytest.raises(InputError, match=r"^expected a whole GLB mesh, got a broken one in .*: export it again$"):
        import_asset(path)


def test_an_empty_mesh_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_text("v 0 0 0\nv 1 0 0\n")
    with pytest.raises(
        InputError,
        match=r"^expected a (whole OBJ mesh, got a broken one|mesh with triangles that have an area, got none) in ",
    ):
        import_asset(path)


def test_a_mesh_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_text("v 0 0 0\nv 1 0 0\nv nan 1 0\nf 1 2 3\n")
    with pytest.raises(InputError, match=r"expected .* in .*crate\.obj"):
        import_asset(path)


def test_a_huge_mesh_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_box(tmp_path)
    monkeypatch.setattr(importer, "MAX_TRIANGLES", 11)
    refused(path, "expected at most 11 triangles, got 12 in {}.glb: simplify the mesh first")
    monkeypatch.setattr(asset_files, "MAX_FILE_BYTES", 512)
    size = path.stat().st_size >> 10
    refused(path, f"expected at most 0 KiB, got {size} KiB in {{}}.glb: reduce the mesh or its textures")


@pytest.mark.parametrize("name", ["../secret.mtl", "/etc/passwd", "..\\secret.mtl"])
def test_an_obj_may_not_reach_out_of_its_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_text(f"mtllib {name}\n{PYRAMID}")
    refused(path, f"expected materials and textures beside {{}}.obj, got {name!r}: copy them into its folder")


def test_an_objs_textures_may_not_either(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_text(f"mtllib crate.mtl\n{PYRAMID}")
    (tmp_path / "crate.mtl").write_text("newmtl a\nmap_Kd ../../picture.png\n")
    refused(path, "expected materials and textures beside {}.obj, got '../../picture.png': copy them into its folder")


def test_a_gltf_must_hold_all_it_needs(tmp_path: Path) -> None:
    path = write_box(tmp_path)
    content = b'{"asset":{"version":"2.0"},"images":[{"uri":"../../picture.png"}]}'
    content += b" " * (-len(content) % 4)
    chunk = len(content).to_bytes(4, "little") + b"JSON" + content
    path.write_bytes(b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunk)).to_bytes(4, "little") + chunk)
    refused(
        path,
        "expected a GLB that holds all it needs, got a reference to '../../picture.png' in {}.glb: "
        "export it with buffers and images embedded",
    )


def test_without_trimesh_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_box(tmp_path)
    monkeypatch.setitem(sys.modules, "trimesh", None)
    refused(path, "importing assets needs trimesh: pip install 'roborefer[assets]'")


# ---- what only some meshes have ----------------------------------------------------------------------------------


def test_it_faces_somewhere_only_where_the_sidecar_says_so(tmp_path: Path) -> None:
    item = import_asset(write_box(tmp_path, front="+z")).object
    assert item.directions == {"front": (0.0, -1.0, 0.0)}


def test_up_alone_will_do(tmp_path: Path) -> None:
    # +z is where a glTF looks by itself; what has no face may be turned any way about up.
    assert size_of(write_box(tmp_path, up="+z"))[2] == 0.3
    assert size_of(write_box(tmp_path, up="-x"))[2] == 0.1


@pytest.mark.parametrize(
    ("size", "places"),
    [
        (0.05, ("table", "desk", "shelf", "counter")),
        (0.2, ("table", "desk", "shelf", "counter", "floor")),
        (0.7, ("floor",)),
    ],
)
def test_its_size_decides_where_it_is_met(tmp_path: Path, size: float, places: tuple[str, ...]) -> None:
    assert import_asset(write_box(tmp_path, size=(size, size, size))).places == places
    assert import_asset(write_box(tmp_path, size=(size,) * 3, places=["shelf"])).places == ("shelf",)


def test_loose_vertices_and_triangles_without_an_area_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps({**FACTS, "scale": 0.1}))
    path.write_text(f"{PYRAMID}v 9 9 9\nv 8 0 0\nf 1 2 6\n")
    assert size_of(path) == [0.1, 0.1, 0.1]
    (part,) = import_asset(path).object.parts
    assert len(part.faces) == 4


def test_a_flat_mesh_is_refused(tmp_path: Path) -> None:
    refused(
        write_box(tmp_path, size=(0.1, 0.1, 0.0002)),
        "expected a thing at least 1 mm thick, got 0.2 mm in {}.glb: give the mesh a thickness",
    )


def test_a_thing_that_would_fall_over_is_refused_unless_it_lies_as_it_likes(tmp_path: Path) -> None:
    foot = trimesh.creation.box(extents=(0.02, 0.02, 0.1))
    arm = trimesh.creation.box(extents=(0.3, 0.02, 0.02))
    arm.apply_translation((0.14, 0, 0.06))
    path = tmp_path / "hook.glb"
    trimesh.util.concatenate([foot, arm]).export(path)
    path.with_suffix(".json").write_text(json.dumps({**FACTS, "up": "+z"}))
    refused(
        path,
        "expected a thing that stands on its base, got one that would fall over in {}.glb: set 'up' in its sidecar, "
        'or "rolls": true if it lies as it likes',
    )
    path.with_suffix(".json").write_text(json.dumps({**FACTS, "up": "+z", "rolls": True}))
    assert import_asset(path).object.rolls


@pytest.mark.parametrize("how", ["turned", "mirrored", "mirrored with normals"])
def test_a_mesh_that_is_inside_out_is_turned(tmp_path: Path, how: str) -> None:
    box = trimesh.creation.box(extents=(0.1, 0.1, 0.1))
    scene = trimesh.Scene()
    if how == "turned":
        box.invert()
    pose = np.diag([1.0, 1.0, -1.0, 1.0]) if how != "turned" else np.eye(4)
    scene.add_geometry(box, transform=pose)
    path = tmp_path / "crate.glb"
    scene.export(path, include_normals="normals" in how)
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    (part,) = import_asset(path).object.parts
    corners = part.vertices[part.faces].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((facing * (corners.mean(axis=1) - (0, 0, 0.05))).sum(axis=1) > 0).all()
    assert ((part.normals * (part.vertices - (0, 0, 0.05))).sum(axis=1) > 0).all()


# ---- normals that a file does not bring --------------------------------------------------------------------------


def test_a_box_gets_sharp_edges(tmp_path: Path) -> None:
    (part,) = import_asset(write_box(tmp_path, "crate.obj")).object.parts
    assert len(part.vertices) == 24
    assert {tuple(normal) for normal in np.abs(part.normals).round(6).tolist()} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
    corners = part.vertices[part.faces].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    np.testing.assert_allclose(part.normals[part.faces], np.repeat(facing[:, None], 3, axis=1), atol=1e-6)


def test_a_ball_stays_smooth_even_where_its_print_ends() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=2.0)
    faces = np.asarray(ball.faces).copy()
    # The upper half has vertices of its own, as on both sides of a texture's border.
    upper = ball.triangles_center[:, 2] > 0
    faces[upper] += len(ball.vertices)
    vertices = np.concatenate([ball.vertices, ball.vertices])
    corners, new_faces, normals = creased(vertices, faces)
    assert len(corners) == len(np.unique(faces))
    np.testing.assert_array_equal(vertices[corners][new_faces], vertices[faces])
    unit = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    assert (unit * vertices[corners] / 2).sum(axis=1).min() > 0.999


def test_a_files_own_normals_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps({**FACTS, "scale": 0.1}))
    lines = PYRAMID.replace("f ", "f#").splitlines()
    faces = [" ".join(f"{corner}//1" for corner in line[2:].split()) for line in lines if line.startswith("f#")]
    path.write_text("\n".join([*lines[:4], "vn 0 0.6 0.8", *(f"f {face}" for face in faces)]))
    (part,) = import_asset(path).object.parts
    np.testing.assert_allclose(part.normals, np.tile((0, 0.6, 0.8), (len(part.normals), 1)), atol=1e-6)


# ---- files that a mesh names -------------------------------------------------------------------------------------


def test_all_files_of_an_asset_are_known(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_text(f"mtllib a.mtl\n{PYRAMID}")
    (tmp_path / "a.mtl").write_text("newmtl a\nmap_Kd my print.png\n")
    refused(
        path,
        f"expected the file 'my print.png' that {tmp_path / 'a.mtl'} names, found none: copy it beside the mesh, or "
        "export the mesh again",
    )
    (tmp_path / "my print.png").write_bytes(b"no picture")
    refused(path, PICTURES + f"got something else in {tmp_path / 'my print.png'}: check that it is what its name says")
    Image.new("RGB", (4, 4), "red").save(tmp_path / "my print.png")
    names = ["crate.obj", "crate.json", "a.mtl", "my print.png"]
    assert [file.name for file in asset_files.asset_files(path)] == names
    assert [file.name for file in asset_files.asset_files(write_box(tmp_path, "b.glb"))] == ["b.glb", "b.json"]


def test_a_broken_picture_in_a_gltf_is_refused(tmp_path: Path) -> None:
    box = trimesh.creation.box(extents=(0.1, 0.1, 0.1))
    picture = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (8, 8), "red"))
    box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((len(box.vertices), 2)), material=picture)
    path = tmp_path / "crate.glb"
    box.export(path)
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    assert import_asset(path).object.parts[0].material.texture is not None
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"XXXX"))
    refused(path, "expected pictures in {}.glb that can be read, got a broken one as image 0: export it again")


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crate.obj"
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    path.write_bytes(f"# \xfcber\nmtllib a.mtl\n{PYRAMID}".encode("latin-1"))
    refused(path, "expected text in UTF-8, got other bytes in {}.obj: save it as UTF-8, or export a GLB")
    path.write_text(f"mtllib a.mtl\n{PYRAMID}")
    (tmp_path / "a.mtl").write_bytes(b"newmtl a\n# \xff\n")
    refused(path, f"expected text in UTF-8, got other bytes in {tmp_path / 'a.mtl'}: save it as UTF-8, or export a GLB")


@pytest.mark.parametrize("file", ["crate.glb", "crate.json"])
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    path = write_box(tmp_path)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda name, mode: Path(name).name != file and allowed(name, mode))
    refused(path, f"cannot read {tmp_path / file}: permission denied; make it readable")
