from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.datasets.build import build, choose_format
from core.datasets.prepare import UNIT, PrepareRequest
from core.datasets.rows import evaluation_rows
from core.domain.model import DataSet
from core.errors import (
    DataMismatch,
    InvalidRequest,
    UnrecognizedFile,
)
from core.registry import data_formats
from core.sandbox.confinement import confinement
from core.sandbox.process import Child
from core.serde import from_plain
from tests.datasets.models import image_model, model, spec, table_model
from tests.orders import MODULE, do

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 10


def npz(tmp_path: Path, **arrays: Any) -> Path:
    np.savez(tmp_path / "data.npz", **arrays)
    return tmp_path / "data.npz"


def values(folder: Path, part: str) -> np.ndarray[Any, Any]:
    return np.load(folder / part / "0.npy", allow_pickle=False)


def test_a_set_is_split_and_written(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES, labels=LABELS)
    built = build(path, tmp_path / "out", image_model(3, 8), {"mean": "none", "std": "none"})
    assert (built.data.calibration_samples, built.data.search_samples, built.data.evaluation_samples) == (
        10,
        10,
        30,
    )
    assert built.data.labelled
    assert (built.data.name, built.data.origin, built.data.inputs) == ("data", "npz", ("input",))
    assert built.data.preparation["Used as"].startswith("10 to calibrate, 10 to search, 20 to test")
    assert all((tmp_path / "out" / name).is_file() for name in built.files)
    written = {
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert written == set(built.files)


def test_no_row_is_in_two_parts(tmp_path: Path) -> None:
    build(npz(tmp_path, images=IMAGES, labels=LABELS), tmp_path / "out", image_model(3, 8))
    seen = [
        row.tobytes()
        for part in ("calibration", "search", "evaluation")
        for row in values(tmp_path / "out", part)
    ]
    assert len(set(seen)) == 40


def test_rows_that_test_are_left_out_of_the_training_set(tmp_path: Path) -> None:
    rows = np.arange(80.0)[:, None] * np.ones((1, 2))
    np.savez(tmp_path / "train.npz", x=rows[:60], y=np.arange(60) % 10)
    path = npz(tmp_path, x=rows[40:], y=np.arange(40, 80) % 10)
    built = build(path, tmp_path / "out", table_model(2, 10), training=tmp_path / "train.npz")
    learned, evaluated = values(tmp_path / "out", "training")[:, 0], [
        *values(tmp_path / "out", "search")[:, 0], *values(tmp_path / "out", "evaluation")[:, 0]
    ]  # fmt: skip
    assert not set(learned) & set(evaluated)
    assert set(range(40)) <= set(learned)
    assert built.data.training_samples == len(learned)
    np.testing.assert_array_equal(learned % 10, np.load(tmp_path / "out/training/labels.npy"))
    same = npz(tmp_path, x=rows[[77] * 5])
    with pytest.raises(DataMismatch, match="among those that test"):
        build(same, tmp_path / "twice", table_model(2, 10), training=same)


def test_labels_stay_with_their_rows(tmp_path: Path) -> None:
    rows = np.arange(40)[:, None] * np.ones((1, 2))
    build(npz(tmp_path, x=rows, y=LABELS), tmp_path / "out", table_model(2, 10))
    found = values(tmp_path / "out", "evaluation")[:, 0] % 10
    np.testing.assert_array_equal(found, np.load(tmp_path / "out/evaluation/labels.npy"))


def test_the_seed_decides_the_files(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES, labels=LABELS)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        built = build(path, tmp_path / name, image_model(3, 8), seed=seed)
    content = {name: [(tmp_path / name / file).read_bytes() for file in built.files] for name in "abc"}
    assert content["a"] == content["b"] != content["c"]


def test_tiny_sets_are_halved(tmp_path: Path) -> None:
    built = build(npz(tmp_path, x=np.zeros((5, 2)), y=np.arange(5)), tmp_path / "out", table_model(2, 5))
    assert (built.data.calibration_samples, built.data.evaluation_samples) == (2, 3)


def test_the_preview_shows_the_pictures_as_they_were(tmp_path: Path) -> None:
    names = np.array([f"kind {index}" for index in range(10)])
    path = npz(tmp_path, images=IMAGES, labels=LABELS, class_names=names)
    build(path, tmp_path / "out", image_model(3, 8), {"order": "BGR"})
    shown = json.loads((tmp_path / "out/preview/preview.json").read_text())
    assert shown["kind"] == "images"
    assert len(shown["items"]) == 8
    assert shown["balance"] == {"counts": np.bincount(LABELS, minlength=10).tolist()}
    originals = {IMAGES[i].tobytes(): i for i in range(40)}
    for item in shown["items"]:
        picture = np.asarray(Image.open(tmp_path / "out" / item["file"]))
        assert item["label"] == LABELS[originals[picture.tobytes()]]
        assert item["class"] == f"kind {item['label']}"


def test_the_preview_of_tables_shows_numbers(tmp_path: Path) -> None:
    build(npz(tmp_path, x=np.full((6, 2), 3.5)), tmp_path / "out", table_model(2))
    shown = json.loads((tmp_path / "out/preview/preview.json").read_text())
    assert shown["kind"] == "numbers"
    assert shown["items"][0] == {"label": None, "class": "", "values": [3.5, 3.5]}


def test_floats_without_a_known_scale_are_still_shown(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.random.default_rng(0).standard_normal((6, 3, 8, 8)))
    assert "preview/0.png" in build(path, tmp_path / "out", image_model(3, 8)).files


def test_labels_are_left_out_where_the_model_is_no_classifier(tmp_path: Path) -> None:
    built = build(npz(tmp_path, x=np.zeros((6, 2)), y=np.arange(6)), tmp_path / "out", table_model(2, None))
    assert not built.data.labelled
    assert "fit none of" in built.data.preparation["Labels"]
    assert "evaluation/labels.npy" not in built.files


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((6, 2)), "y": np.arange(6)}, "Labels go up to 5, but the model has 5 outputs"),
        ({"x": np.zeros((6, 2)), "y": np.arange(6) - 1}, "go down to -1"),
        ({"x": np.zeros((3, 2))}, "3 sample"),
        ({"x": np.zeros((0, 2))}, "0 sample"),
        ({"x": np.array([[0, 1]] * 5 + [[0, np.nan]])}, "Sample 6 .*no number"),
        ({"x": np.array([[0, 1]] * 4 + [[np.inf, 1]])}, "Sample 5 .*no number"),
    ],
)
def test_values_are_checked_against_the_model(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(DataMismatch, match=words) as caught:
        build(npz(tmp_path, **arrays), tmp_path / "out", table_model(2, 5))
    assert caught.value.hint
    assert not (tmp_path / "out" / "evaluation").exists()


def test_labels_that_count_from_one_get_a_hint(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch) as caught:
        build(npz(tmp_path, x=np.zeros((6, 2)), y=np.arange(6) % 3 + 1), tmp_path / "out", table_model(2, 3))
    assert "subtract 1" in caught.value.hint


def test_tokens_beyond_the_vocabulary_are_refused(tmp_path: Path) -> None:
    described = model(spec("ids", ("batch", "seq"), "int64", 50))
    with pytest.raises(DataMismatch, match="takes 0 to 49"):
        build(npz(tmp_path, ids=np.full((6, 3), 50)), tmp_path / "out", described)


def test_sizes_of_one_name_must_agree(tmp_path: Path) -> None:
    described = model(spec("a", ("batch", "seq")), spec("b", ("batch", "seq")))
    with pytest.raises(DataMismatch, match="'seq' is 3 in 'a', but 4 in 'b'"):
        build(npz(tmp_path, a=np.zeros((6, 3)), b=np.zeros((6, 4))), tmp_path / "out", described)


def test_inputs_without_a_batch_make_whole_calls_of_samples(tmp_path: Path) -> None:
    inputs = spec("x", ("batch", 5)), spec("rate", (), "int64"), spec("state", (2, "batch", 3))
    described = model(*inputs, classes=None)
    assert described.fixed_batch == 1
    given = {"x": np.zeros((6, 1, 5)), "rate": np.arange(6), "state": np.ones((6, 2, 1, 3))}
    for name, path in (("drawn", None), ("given", npz(tmp_path, **given))):
        built = build(path, tmp_path / name, described)
        feeds = [feed for feed, _ in evaluation_rows(tmp_path / name, described).batches(8)]
        assert len(feeds) == built.data.evaluation_samples
        assert all([a.shape for a in feed.values()] == [(1, 5), (), (2, 1, 3)] for feed in feeds)
    assert len({int(feed["rate"]) for feed in feeds}) == len(feeds)


def test_unknown_content_says_what_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    (tmp_path / "empty.csv").touch()
    for name in ("a.bin", "empty.csv", "missing"):
        with pytest.raises(UnrecognizedFile, match=name) as caught:
            build(tmp_path / name, tmp_path / "out", table_model(2))
        assert all(each.name in caught.value.hint for each in data_formats().values())


def test_formats_and_settings_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no data format"):
        choose_format(None, "parquet")
    with pytest.raises(InvalidRequest, match="needs data"):
        build(None, tmp_path / "out", table_model(2), wanted="csv")
    with pytest.raises(InvalidRequest, match="Unknown parameter"):
        build(None, tmp_path / "out", table_model(4), {"resize": "crop"})


def test_every_format_is_found_and_describes_its_settings() -> None:
    assert list(data_formats()) == ["builtin", "npz", "coco", "yolo", "images", "csv", "random"]
    for each in data_formats().values():
        settings = each.Params.__dataclass_fields__.values()
        assert all(setting.metadata["label"] for setting in settings)
        each.Params()


@pytest.mark.skipif(not confinement().available, reason="the system offers no confinement")
def test_a_confined_child_builds(tmp_path: Path) -> None:
    path, described = npz(tmp_path, images=IMAGES, labels=LABELS), image_model(3, 16)
    request, out = PrepareRequest(path, described, {"mean": "none"}), tmp_path / "out"
    with Child(MODULE, reads=[path], writes=out) as child:
        answer = do(child, UNIT.unit(request, seed=3), out)
        data = from_plain(answer["values"]["data"], DataSet)
        assert data.evaluation_samples == 30
        assert data.preparation["Mean"] != ""
        assert (tmp_path / "out" / answer["files"][0]).is_file()
        with pytest.raises(DataMismatch, match="takes 5"):
            do(child, UNIT.unit(PrepareRequest(path, table_model(5))), out)
        with pytest.raises(UnrecognizedFile):
            do(child, UNIT.unit(PrepareRequest(tmp_path / "missing", table_model(5))), out)


def test_numbers_to_predict_that_no_square_holds_are_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.ones((8, 3), np.float32), y=np.where(np.arange(8) % 2, 1e200, -1e200))
    described = replace(table_model(3, None), outputs=(spec("y", ("batch", 1)),), task="regression")
    with pytest.raises(DataMismatch, match="square of such a number"):
        build(path, tmp_path / "out", described)
