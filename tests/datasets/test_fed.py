"""What is shown of a fed sample is what the model gets: tokens with their places, labels, tiles."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.datasets.fed_page import histogram, html_page, picture, summary
from roborefer.datasets.fed_sample import FedSample, denormalized, fed_sample, tile_sheet
from roborefer.datasets.lengths import fused_length
from roborefer.datasets.mixture import read_mixture
from roborefer.datasets.samples import ConversationDataset
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.tiling import Normalization

from ..models.pointing_models import compact_tokenizer, pointing_config  # noqa: TID252 - shared models
from ..models.tiny_models import TILE, tiny_config, tokenizer  # noqa: TID252 - shared models
from .data_folders import data_set, record, said


@cache
def processor(tiling: str = "dynamic", **changes: Any) -> SpatialProcessor:
    return SpatialProcessor(tokenizer(), tiny_config(image_aspect_ratio=tiling, max_tiles=12, **changes))


def dataset(folder: Path, made: SpatialProcessor) -> ConversationDataset:
    data_set(
        folder,
        [record(("Where <b>?", "[(0.1, 0.2)]"), ("And?", "There.")), {"conversations": said(("Hi", "Hello"))}],
    )
    return ConversationDataset(read_mixture(str(folder)), made)


@pytest.mark.parametrize("tiling", ["dynamic", "resize", "dynamic_s2"])
def test_tokens_stand_where_the_model_has_them(tmp_path: Path, tiling: str) -> None:
    made = processor(tiling)
    sample = dataset(tmp_path, made)[0]
    fed = fed_sample(made, sample)
    assert [token.token_id for token in fed.tokens] == sample.encoded.input_ids
    assert fed.length == fused_length(made, sample.encoded)
    assert fed.tokens[-1].first + fed.tokens[-1].rows == fed.length
    labels = sample.encoded.labels or []
    assert fed.supervised == sum(label != IGNORE_INDEX for label in labels)
    told = "".join(piece for piece, supervised in fed.runs() if supervised)
    assert told == "[(0.1, 0.2)]<|im_end|>There.<|im_end|>"
    assert "".join(piece for piece, _ in fed.runs()) == tokenizer().decode(sample.encoded.input_ids)
    media = [token for token in fed.tokens if token.medium]
    assert {token.medium for token in media} == {"image", "depth"}
    assert all(token.rows > 1 and not token.supervised for token in media)
    assert fed.name == f"{tmp_path}/data.jsonl line 1 · 1"


def test_coordinates_that_a_heatmap_learns_are_told_apart(tmp_path: Path) -> None:
    made = SpatialProcessor(compact_tokenizer(), pointing_config())
    text = {"conversations": said(("Say a point.", "[(0.100, 0.200)]"))}
    data_set(tmp_path, [record(("Where?", "[(0.125, 0.875)]")), text])
    data = ConversationDataset(read_mixture(str(tmp_path)), made)
    samples = [fed_sample(made, data[index]) for index in range(2)]
    pieces = [token.text for token in samples[0].tokens if token.by_heatmap]
    assert pieces == ["0.125", "0.875"]
    assert all(token.supervised for token in samples[0].tokens if token.by_heatmap)
    assert samples[1].by_heatmap == 0
    page = html_page("points", samples, data.lengths(), summary(samples, data.lengths(), data.report))
    assert page.count("supervised (marked), 2 of these coordinates that the heatmap learns<") == 1
    assert page.count("<td>heatmap</td>") == 2


def test_what_is_cut_off_is_told(tmp_path: Path) -> None:
    made = processor("resize", model_max_length=40)
    fed = fed_sample(made, dataset(tmp_path, made)[0])
    assert [token.cut for token in fed.tokens] == [token.first + token.rows > 40 for token in fed.tokens]
    assert fed.tokens[-1].cut
    assert not fed.tokens[0].cut


def test_tiles_look_like_the_picture(tmp_path: Path) -> None:
    made = processor("dynamic")
    sample = dataset(tmp_path, made)[0]
    with Image.open(tmp_path / "a.png") as opened:
        original = opened.convert("RGB")
    tiled = sample.encoded.images[0]
    sheet = tile_sheet(tiled, made, made.image_normalization, original.size)
    columns, rows, gap = 4, 3, 2
    assert len(tiled.pixels) == columns * rows + 1
    assert sheet.size == ((columns + 1) * (TILE + gap) + 4 * gap, rows * (TILE + gap) + gap)
    stretched = np.asarray(original.resize((columns * TILE, rows * TILE), Image.Resampling.BICUBIC))
    first = np.asarray(sheet)[gap : gap + TILE, gap : gap + TILE]
    np.testing.assert_array_equal(first, stretched[:TILE, :TILE])
    last = np.asarray(sheet)[-gap - TILE : -gap, (columns - 1) * (gap + TILE) + gap :][:, :TILE]
    np.testing.assert_array_equal(last, stretched[-TILE:, -TILE:])
    captions = [caption for caption, _ in fed_sample(made, sample).tiles]
    assert captions == ["image 40x30: 13 tiles", "depth 40x30: 13 tiles"]


def test_denormalizing_undoes_any_normalization() -> None:
    tile = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5)
    normalization = Normalization((0.48, 0.46, 0.4), (0.27, 0.26, 0.28))
    np.testing.assert_array_equal(denormalized(normalization.apply([tile]), normalization)[0], np.asarray(tile))


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([7], {"7": 1}),
        ([0, 9], {str(number): int(number in (0, 9)) for number in range(10)}),
        ([95, 130, 199], {"80-99": 1, "100-119": 0, "120-139": 1, "140-159": 0, "160-179": 0, "180-199": 1}),
        ([1000, 30_500], {"0-4,999": 1, **{f"{n},000-{n + 4},999": 0 for n in range(5, 30, 5)}, "30,000-34,999": 1}),
    ],
)
def test_the_histogram_has_round_ranges(lengths: list[int], expected: dict[str, int]) -> None:
    assert histogram(np.array(lengths)) == expected


def test_page_picture_and_lines(tmp_path: Path) -> None:
    made = processor("dynamic")
    data = dataset(tmp_path, made)
    samples = [fed_sample(made, data[index]) for index in range(2)]
    lines = summary(samples, data.lengths(), data.report)
    assert lines[0] == "2 samples of 2 records with 3 turns, 1 of them without a picture"
    shown, supervised = sum(fed.length for fed in samples), sum(fed.supervised for fed in samples)
    assert lines[2] == f"{100 * supervised / shown:.1f} % of the tokens of 2 samples are supervised"
    page = html_page("a & b", samples, data.lengths(), lines)
    assert page.count("<article>") == 2
    assert "<title>a &amp; b</title>" in page
    assert "<mark>[(0.1, 0.2)]&lt;|im_end|&gt;</mark>" in page
    assert "Where &lt;b&gt;?" in page
    assert "&lt;image&gt; x13\n" in page
    assert page.count("<img ") == 2
    assert page.count("<tr") == 2 + sum(len(fed.tokens) for fed in samples)
    sheet = picture(samples)
    assert sheet.width == 3 * 10 + 2 * 760
    assert picture(samples[1:]).height < sheet.height


def test_one_sample_is_told_in_the_singular(tmp_path: Path) -> None:
    made = processor("dynamic")
    data_set(tmp_path, [{"conversations": said(("Hi", "Hello"))}])
    data = ConversationDataset(read_mixture(str(tmp_path)), made)
    lengths = data.lengths()
    assert summary([fed_sample(made, data[0])], lengths, data.report)[:2] == [
        "1 sample of 1 record with 1 turn, without a picture",
        f"about {lengths[0]} tokens a sample",
    ]


def test_a_sample_without_tokens_of_the_answer_is_shown_too() -> None:
    empty = FedSample("nothing", (), ())
    assert list(empty.runs()) == []
    assert (empty.length, empty.supervised) == (0, 0)
