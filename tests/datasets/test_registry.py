"""Names of data sets, where their files are, and mixtures of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from roborefer.datasets.mixture import read_mixture
from roborefer.datasets.registry import read_registries
from roborefer.datasets.sources import find_file, source_at
from roborefer.errors import InputError

PUBLISHED = (
    "2D_choice_qa",
    "2D_reasoning_template_qa",
    "3D_choice_qa",
    "3D_reasoning_template_qa",
    "3D_vacant_qa",
    "3D_multi_view_qa",
    "3D_visual_choice_qa",
    "simulation_dataset",
)


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """RefSpatial's folders, empty."""
    for entry in read_registries(data_root=tmp_path).values():
        for folder in (entry.image_path, entry.depth_path):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        entry.data_path.write_text("[]")
    return tmp_path


def test_the_published_names_and_their_twins(data_root: Path) -> None:
    known = read_registries(data_root=data_root)
    assert sorted(known) == sorted([*PUBLISHED, *(f"{name}_RGB" for name in PUBLISHED)])
    for name in PUBLISHED:
        with_depth, without = known[name].source(), known[f"{name}_RGB"].source()
        assert (with_depth.files, with_depth.image_folders) == (without.files, without.image_folders)
        assert len(with_depth.depth_folders) == 1
        assert without.depth_folders == ()
    assert known["3D_multi_view_qa"].source().depth_folders == (data_root / "RefSpatial/3D/depth_multi_view",)
    assert known["simulation_dataset"].source().files == (data_root / "RefSpatial/Simulator/metadata.json",)


def test_a_registry_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "a.jsonl").write_text("")
    (tmp_path / "pictures").mkdir()
    registry = tmp_path / "mine.yaml"
    registry.write_text("mine:\n  data_path: .\n  image_path: pictures\n2D_choice_qa:\n  data_path: shards/a.jsonl\n")
    mixture = read_mixture("mine*2 + 2D_choice_qa", registries=[registry])
    assert [part.weight for part in mixture.parts] == [2.0, 1.0]
    mine, choice = mixture.sources
    assert (mine.name, mine.image_folders, mine.depth_folders) == ("mine", (tmp_path / "pictures",), ())
    assert mine.files == choice.files == (tmp_path / "shards" / "a.jsonl",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[1]",
            "expected names of data sets in the registry {path}, got a list: write `name:` and below it "
            "`data_path: ...`",
        ),
        (
            "a: {data_path: 3}",
            "expected data_path of a in the registry {path} to be a path, got none: write `data_path: ...` "
            "below the name",
        ),
        (
            "a: {data_path: x, weight: 3}",
            "expected data_path, image_path, depth_path, mask_path, description of a in the registry {path}, "
            "got 'weight': mend or remove it",
        ),
        (
            "a: {data_path: x, depth_path: [y]}",
            'expected depth_path of a in the registry {path} to be a path, got ["y"]: mend it',
        ),
        ("a+b: {data_path: x}", "expected a name without + and *, got 'a+b' in the registry {path}: rename it"),
    ],
)
def test_a_registry_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_mixture("a", registries=[path])
    assert str(caught.value) == message.format(path=path)


def test_broken_yaml_and_a_missing_registry_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(InputError, match=r"^cannot read the registry .*: No such file or directory; check its path$"):
        read_mixture("a", registries=[path])
    for text in ("a: [", "!!python/object:os.system {}"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"^expected YAML in the registry .*, got .*: mend it$") as caught:
            read_mixture("a", registries=[path])
        assert "\n" not in str(caught.value)


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^expected the records of 3D_vacant_qa in .*vacant_qa\.json, found nothing "):
        read_mixture("3D_vacant_qa", data_root=tmp_path)
    (tmp_path / "RefSpatial" / "3D").mkdir(parents=True)
    (tmp_path / "RefSpatial" / "3D" / "vacant_qa.json").write_text("[]")
    with pytest.raises(InputError, match=r"^expected a folder of 3D_vacant_qa at .*image, found none: unpack its "):
        read_mixture("3D_vacant_qa", data_root=tmp_path)
    with pytest.raises(InputError, match=r"^expected a folder with shards/, metadata\.json or other JSON or JSONL "):
        read_mixture(str(tmp_path / "RefSpatial"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "3D_vacant",
            "expected the name of a data set or a path, got '3D_vacant': did you mean 3D_vacant_qa? Or give "
            "the path of a folder or file, or a --registry that has the name",
        ),
        ("gone/points", "no such file or folder: gone/points; check the path"),
        ("2D_choice_qa.json", "no such file or folder: 2D_choice_qa.json; check the path"),
        ("2D_choice_qa+points.JSONL*2", "no such file or folder: points.JSONL; check the path"),
        ("zzz", "expected the name of a data set or a path, got 'zzz': known names are"),
        (
            "2D_choice_qa*0",
            "expected a weight above 0 and up to 1000, got '0' in '2D_choice_qa*0': write 2 for twice, 0.5 for half",
        ),
        ("2D_choice_qa*x", "expected a weight above 0 and up to 1000, got 'x'"),
        ("2D_choice_qa*nan", "expected a weight above 0"),
        ("2D_choice_qa*1e9", "expected a weight above 0"),
        ("2D_choice_qa+", "expected data sets such as a+b*2, got '2D_choice_qa+': name at least one between the signs"),
        ("", "expected data sets such as a+b*2, got ''"),
    ],
)
def test_a_mixture_that_cannot_be_read_is_one_line(data_root: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_mixture(text, data_root=data_root)
    assert str(caught.value).startswith(message)


def test_paths_are_taken_whole(tmp_path: Path) -> None:
    odd = tmp_path / "a+b*2.jsonl"
    odd.write_text("")
    assert read_mixture(str(odd)).sources[0].files == (odd,)
    plain = tmp_path / "c*3.jsonl"
    plain.write_text("")
    mixture = read_mixture(f"{plain}+{plain}*0.5")
    assert [part.weight for part in mixture.parts] == [1.0, 0.5]
    assert len(mixture.sources) == 1


def test_what_a_folder_holds(tmp_path: Path) -> None:
    for name in ("image", "image_multi_view", "depth"):
        (tmp_path / name).mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    for name in ("b.json", "a.jsonl"):
        (tmp_path / name).write_text("[]")
    source = source_at(tmp_path, "folder")
    assert source.files == (tmp_path / "a.jsonl", tmp_path / "b.json")
    assert source.image_folders == (tmp_path / "image", tmp_path / "image_multi_view", tmp_path)
    assert source.depth_folders == (tmp_path / "depth", tmp_path)
    (tmp_path / "metadata.json").write_text("[]")
    assert source_at(tmp_path, "folder").files == (tmp_path / "metadata.json",)
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "s.jsonl").write_text("")
    assert source_at(tmp_path, "folder").files == (tmp_path / "shards" / "s.jsonl",)
    assert source_at(tmp_path / "shards" / "s.jsonl", "file").image_folders == source.image_folders


def test_files_are_found_by_their_last_part_and_with_a_missing_underscore(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    name = "42444499_2458914221666_wide_image.png"
    (two / name).write_text("")
    folders = (one, two)
    for written in (name, f"some/where/{name}", name.replace("_", "", 1)):
        assert find_file(folders, written) == two / name
    assert find_file(folders, "none.png") == one / "none.png"
    assert find_file(folders, str(two / name)) == two / name
