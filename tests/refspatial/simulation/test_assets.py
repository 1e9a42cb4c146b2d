"""Meshes of one's own in scenes: as often as asked, in phrases and masks like anything else, and known by content."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.refspatial import generation
from roborefer.refspatial.expressions.facts import SceneFacts
from roborefer.refspatial.folder_check import check_folder
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.run_folder import LICENCES, read_manifest
from roborefer.refspatial.scene_graph import scene_from_json, scene_to_json
from roborefer.refspatial.simulation.assets import AssetFolders, catalog_of, licences
from roborefer.refspatial.simulation.layout import check_layout, sample_layout
from roborefer.refspatial.simulation.objects import catalog

from .asset_folder import asset_folder, write_duck

OWN = {"goblet", "radio", "rubber duck"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asset_folder(tmp_path_factory.mktemp("meshes") / "mine")


@pytest.fixture(scope="module")
def folders(folder: Path) -> AssetFolders:
    return AssetFolders.of([folder])


def message_of(folders: AssetFolders) -> str:
    with pytest.raises(InputError) as caught:
        catalog_of(folders)
    return str(caught.value)


# ---- which are taken ---------------------------------------------------------------------------------------------


def test_the_simulators_own_categories_stay(folders: AssetFolders) -> None:
    mixed = catalog_of(folders)
    assert set(mixed.CATEGORIES) == set(catalog.CATEGORIES) | {"goblet", "radio"}
    assert mixed.CATEGORIES["mug"] is catalog.CATEGORIES["mug"]
    assert mixed.CATEGORIES["radio"].colors == ("red",)
    assert mixed.CATEGORIES["goblet"].confusable == ("vase",)
    duck = mixed.CATEGORIES["rubber duck"]
    assert set(duck.colors) == {*catalog.CATEGORIES["rubber duck"].colors, "yellow"}


def test_picks_follow_the_share_where_there_are_both_kinds(folder: Path) -> None:
    mixed = catalog_of(AssetFolders.of([folder], 0.25))
    generator = np.random.default_rng(0)
    counts = Counter(mixed.pick(["mug", "bowl", "goblet", "radio", "apple"], generator) for _ in range(4000))
    assert 900 < counts["goblet"] + counts["radio"] < 1100
    assert min(counts.values()) > 400
    assert {mixed.pick(["goblet"], generator), mixed.pick(["mug"], generator)} == {"goblet", "mug"}


def test_a_name_that_both_have_gives_either(folders: AssetFolders) -> None:
    mixed, generator = catalog_of(folders), np.random.default_rng(0)
    made = [mixed.make_object("rubber duck", generator, color="yellow") for _ in range(200)]
    own = sum(item.shape_key == "rubber duck/duck" for item in made)
    assert 70 < own < 130
    assert {item.color for item in made} == {"yellow"}
    # Ours is yellow: another colour has to be drawn.
    other = next(color for color in catalog.CATEGORIES["rubber duck"].colors if color != "yellow")
    assert mixed.make_object("rubber duck", generator, color=other).shape_key != "rubber duck/duck"
    with pytest.raises(InputError, match=r"^expected one of red for 'radio', got 'blue'$"):
        mixed.make_object("radio", generator, color="blue")
    with pytest.raises(InputError, match=r"^expected a category of the simulator, got 'zebra'"):
        mixed.make_object("zebra", generator)


def test_layouts_hold_them_and_are_sound(folder: Path) -> None:
    mixed = catalog_of(AssetFolders.of([folder], 0.3))
    placed: Counter[bool] = Counter()
    kinds: set[str] = set()
    for seed in range(25):
        layout = sample_layout(np.random.default_rng(seed), catalog=mixed)
        assert check_layout(layout) == ()
        names = [placement.object.category for placement in layout.placements]
        placed.update(name in OWN for name in names)
        kinds.update(names)
        assert not {"vase", "goblet"} <= set(names)  # a goblet may be called a vase
    assert 0.2 < placed[True] / placed.total() < 0.4
    assert kinds >= OWN


def test_without_assets_the_catalog_draws_as_ever() -> None:
    names = ("a", "b", "c")
    drawn = [catalog.pick(names, np.random.default_rng(seed)) for seed in range(20)]
    assert drawn == [names[int(np.random.default_rng(seed).integers(3))] for seed in range(20)]


# ---- in scenes and questions -------------------------------------------------------------------------------------


def test_they_are_seen_asked_for_and_marked_like_anything_else(folder: Path) -> None:
    settings = GenerationSettings(6, 1, ((160, 120),), (1, 1), assets=AssetFolders.of([folder], 0.7))
    asked_for: Counter[str] = Counter()
    phrases: list[str] = []
    for index in range(6):
        asked = generation.ask_scene(settings, index)
        for scene, questions in zip(asked.views, asked.questions, strict=True):
            for question in questions:
                phrases.append(question.phrase)
                if question.kind == "location" and question.target is not None:
                    item = scene.object(question.target)
                    asked_for[item.category] += 1
                    assert question.region is not None
                    np.testing.assert_array_equal(question.region, scene.mask(item.id))
    assert set(asked_for) >= OWN
    assert any("red radio" in phrase for phrase in phrases)
    assert any("blue" in phrase for phrase in phrases)


def test_other_names_for_a_thing_are_doubtful(folder: Path) -> None:
    settings = GenerationSettings(9, 1, ((96, 72),), (1, 1), assets=AssetFolders.of([folder], 0.9))
    scenes = (generation.simulate(settings, index, "training")[0][0] for index in range(9))
    scene, goblet = next((s, item) for s in scenes for item in s.objects if item.category == "goblet")
    facts = SceneFacts(scene)
    assert facts.is_called(goblet.id, "goblet") is True
    assert facts.is_called(goblet.id, "vase") is None
    assert facts.is_called(goblet.id, "apple") is False
    again = scene_from_json(scene_to_json(scene), ids=scene.ids, depth_m=scene.depth_m, surface_ids=scene.surface_ids)
    assert [item.also_called for item in again.objects] == [item.also_called for item in scene.objects]
    assert ("vase",) in {item.also_called for item in again.objects}


# ---- known by their content --------------------------------------------------------------------------------------


def test_the_digest_is_of_the_content_and_not_of_the_place(folders: AssetFolders, tmp_path: Path) -> None:
    assert AssetFolders.of([asset_folder(tmp_path / "elsewhere")]).sha256 == folders.sha256


@pytest.mark.parametrize("file", ["goblet.glb", "radio.json", "duck.mtl", "duck.png"])
def test_whatever_changes_changes_the_digest(folders: AssetFolders, tmp_path: Path, file: str) -> None:
    copy = asset_folder(tmp_path / "mine")
    before = AssetFolders.of([copy])
    assert before.sha256 == folders.sha256
    path = copy / file
    if file.endswith(".json"):
        path.write_text(path.read_text().replace("CC0-1.0", "CC-BY-4.0"))
    elif file.endswith(".png"):
        Image.new("RGB", (8, 8), "green").save(path)
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    assert message_of(before) == (
        f"expected the assets that the run began with, got changed ones in {copy}: put them back, or choose "
        "another --out"
    )


def test_a_share_that_cannot_be(folder: Path) -> None:
    for share in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(InputError, match=rf"^expected an asset share above 0 and up to 1, got {share:g}$"):
            AssetFolders.of([folder], share)
    with pytest.raises(InputError, match=r"^expected at least one folder of assets, got none$"):
        AssetFolders.of([])


def test_several_folders_add_up(folder: Path, tmp_path: Path) -> None:
    write_duck(tmp_path)
    both = AssetFolders.of([tmp_path, folder])
    assert both.sha256 != AssetFolders.of([folder, tmp_path]).sha256
    assert [entry["name"] for entry in licences(both)] == ["rubber duck", "rubber duck", "goblet", "radio"]


# ---- runs --------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from pathlib import Path
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.simulation.assets import AssetFolders

if __name__ == "__main__":
    assets = AssetFolders.of([sys.argv[1]], 0.6)
    settings = GenerationSettings(3, 5, ((96, 72),), (1, 1), questions=5, assets=assets, scenes_per_shard=1)
    generate(Path(sys.argv[2]), settings, workers=2)
"""


def test_two_workers_load_them_too_and_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    subprocess.run([sys.executable, str(script), str(folder), str(tmp_path / "two")], check=True, timeout=120)
    settings = GenerationSettings(
        3, 5, ((96, 72),), (1, 1), questions=5, assets=AssetFolders.of([folder], 0.6), scenes_per_shard=1
    )
    generate(tmp_path / "one", settings)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*") if path.is_file()
    )
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    things = [
        item["category"]
        for path in (tmp_path / "one" / "scene").iterdir()
        for item in json.loads(path.read_text())["views"][0]["objects"]
    ]
    assert OWN & set(things)


def test_a_run_tells_the_licences_and_refuses_other_assets(folder: Path, tmp_path: Path) -> None:
    mine, out = asset_folder(tmp_path / "mine"), tmp_path / "run"
    settings = GenerationSettings(1, 5, ((96, 72),), (1, 1), questions=2, assets=AssetFolders.of([mine]))
    generate(out, settings)
    assert [(entry["file"], entry["name"], entry["licence"]) for entry in json.loads((out / LICENCES).read_text())] == [
        ("mine/duck.obj", "rubber duck", "CC-BY-4.0"),
        ("mine/goblet.glb", "goblet", "CC0-1.0"),
        ("mine/radio.glb", "radio", "CC0-1.0"),
    ]
    assert read_manifest(out)["settings"]["assets"] == {"sha256": settings.assets.sha256, "share": 0.3}
    assert check_folder(out)[1] == []
    (out / LICENCES).unlink()
    assert check_folder(out)[1] == ["licences.json: missing; run the same command again"]
    (mine / "goblet.glb").unlink()
    before = sorted(out.rglob("*"))
    with pytest.raises(InputError, match=r"^expected the assets that the run began with, got changed ones in "):
        generate(out, settings)
    changed = GenerationSettings(1, 5, ((96, 72),), (1, 1), questions=2, assets=AssetFolders.of([mine]))
    with pytest.raises(InputError, match=r"^expected the settings of the run in .*, got assets .* where it has "):
        generate(out, changed)
    plain = GenerationSettings(1, 5, ((96, 72),), (1, 1), questions=2)
    with pytest.raises(InputError, match=r"^expected the settings of the run in .*, got assets null where it has "):
        generate(out, plain)
    assert sorted(out.rglob("*")) == before
