from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.datasets.tables.delimited import DATASET, TableParams
from core.errors import CorruptFile, DataMismatch, InputError, InvalidRequest
from core.protocols import Prepared
from tests.datasets.models import image_model, model, spec, table_model

IRIS = "length,width,species\n5.1,3.5,setosa\n6.2,2.9,virginica\n5.9,3.0,versicolor\n4.9,3.1,setosa\n"


def prepare(
    tmp_path: Path, text: str, described: object = None, params: TableParams | None = None
) -> Prepared:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    assert DATASET.recognizes(path)
    return DATASET.prepare(path, tmp_path, described or table_model(2), params or TableParams())  # type: ignore[arg-type]


def test_columns_are_features_and_named_labels_are_classes(tmp_path: Path) -> None:
    found = prepare(tmp_path, IRIS)
    np.testing.assert_array_equal(found.inputs["features"][1], np.float32([6.2, 2.9]))
    assert found.inputs["features"].dtype == np.float32
    assert found.classes == ("setosa", "versicolor", "virginica")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 2, 1, 0]
    assert found.preparation["Label column"] == "species"
    assert "setosa, versicolor, virginica (sorted)" in found.preparation["Classes"]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_every_usual_delimiter(tmp_path: Path, delimiter: str) -> None:
    found = prepare(tmp_path, "\ufeff" + IRIS.replace(",", delimiter))
    assert found.labels is not None
    assert found.labels.tolist() == [0, 2, 1, 0]


def test_the_label_may_stand_anywhere_or_last_or_be_chosen(tmp_path: Path) -> None:
    first = prepare(tmp_path, "Class,a,b\n2,1,1\n0,2,2\n1,3,3\n")
    last = prepare(tmp_path, "a,b,kind\n1,1,2\n2,2,0\n3,3,1\n")
    chosen = prepare(tmp_path, "a,kind,b\n1,2,1\n2,0,2\n3,1,3\n", params=TableParams(label="kind"))
    for found in (first, last, chosen):
        assert found.labels is not None
        assert found.labels.tolist() == [2, 0, 1]
        assert found.inputs["features"].tolist() == [[1, 1], [2, 2], [3, 3]]


def test_without_header_and_without_labels(tmp_path: Path) -> None:
    headless = prepare(tmp_path, IRIS.split("\n", 1)[1])
    assert headless.labels is not None
    assert headless.preparation["Label column"] == "column 3"
    bare = prepare(tmp_path, "1,2\n3,4\n5,6\n")
    assert bare.labels is None
    assert len(bare.inputs["features"]) == 3
    assert prepare(tmp_path, "x,y\n1,2\n3,4\n").labels is None


def test_pixels_become_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16))
    text = "label," + ",".join(f"p{i}" for i in range(16)) + "\n"
    text += "".join(f"{i}," + ",".join(map(str, row)) + "\n" for i, row in enumerate(pixels))
    found = prepare(tmp_path, text, image_model(1, 4))
    np.testing.assert_allclose(found.inputs["input"], pixels.reshape(5, 1, 4, 4) / 255, atol=1e-6)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2, 3, 4]


def test_tokens_stay_whole(tmp_path: Path) -> None:
    described = model(spec("ids", ("batch", 2), "int64", 50), classes=2)
    assert prepare(tmp_path, "a,b,y\n1,2,0\n3,4,1\n", described).inputs["ids"].dtype == np.int64
    with pytest.raises(DataMismatch, match="whole numbers"):
        prepare(tmp_path, "a,b,y\n1.5,2,0\n3,4,1\n", described)


def test_a_limit_is_even_over_classes(tmp_path: Path) -> None:
    text = "a,b,y\n" + "1,1,0\n" * 50 + "2,2,1\n" * 4 + "3,3,2\n" * 4
    found = prepare(tmp_path, text, params=TableParams(max_samples=9))
    assert found.labels is not None
    assert np.bincount(found.labels).tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,a,b,y\n1,1,1,0\n2,2,2,1\n", "takes 2"),
        ("a,Label\n1,0\n2,1\n", "1 columns beside the label column 'Label'"),
        ("a,b,y\n1,red,0\n2,4,1\n", "'b' holds 'red' in row 1"),
        ("a,b,y\n1,1,0\n2,,1\n", "Row 2 has no value in the column 'b'"),
        ("a,b,y\n1,1,0\n2,inf,1\n", "in row 2"),
        ("a,b,y\n1,1,0\n2,2,\n", "Row 2 has no label"),
        ("a,b,y\n1,1,0.5\n2,2,1\n", "not whole numbers"),
        ("a,a,b,y\n1,1,1,0\n2,2,2,1\n", "takes 2"),
        ("a,b,y\n1,1,no\n2,2,yes\n", "has 3 outputs"),
    ],
)
def test_what_does_not_fit_names_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataMismatch, match=words) as caught:
        prepare(tmp_path, text)
    assert caught.value.hint


def test_the_order_of_names_can_be_stated(tmp_path: Path) -> None:
    found = prepare(tmp_path, "a,b,y\n1,1,no\n2,2,yes\n", params=TableParams(class_names="yes,no,maybe"))
    assert found.classes == ("yes", "no", "maybe")
    assert found.labels is not None
    assert found.labels.tolist() == [1, 0]


def test_an_unknown_column_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        prepare(tmp_path, IRIS, params=TableParams(label="kind"))
    assert "length, width, species" in caught.value.hint


def test_several_inputs_want_arrays(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="takes 2"):
        prepare(tmp_path, IRIS, model(spec("a", ("batch", 1)), spec("b", ("batch", 1))))


def test_ragged_and_broken_tables_are_corrupt(tmp_path: Path) -> None:
    long = "a,b,y\n" + "1,2,0\n" * 40
    with pytest.raises(CorruptFile):
        prepare(tmp_path, long + "1,2,3,4,5\n")
    with pytest.raises(InputError, match="41"):
        prepare(tmp_path, long + "1,2\n")
    path = tmp_path / "late.csv"
    path.write_bytes(("a,b,y\n" + "1,2,0\n" * 200_000).encode() + b"\xff\xfe\x00,2,0\n")
    assert DATASET.recognizes(path)
    with pytest.raises(InputError):
        DATASET.prepare(path, tmp_path, table_model(2), TableParams())


def test_a_table_of_one_column_is_one_and_says_what_is_missing(tmp_path: Path) -> None:
    text = "length\n" + "1.5\n2.5\n" * 4
    found = prepare(tmp_path, text, table_model(1))
    assert found.labels is None
    assert next(iter(found.inputs.values())).shape == (8, 1)
    with pytest.raises(DataMismatch, match=r"0 columns beside the label column 'length'.*takes 2"):
        prepare(tmp_path, text)


def test_text_named_as_a_table_is_told_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n1,2,3\n4\n")
    assert DATASET.recognizes(path)
    with pytest.raises(CorruptFile, match="no common delimiter"):
        DATASET.prepare(path, tmp_path, table_model(2), TableParams())


def test_junk_is_not_recognised(tmp_path: Path) -> None:
    path = tmp_path / "junk.csv"
    for junk in (b"", b"\n\n", os.urandom(4096), b"\0" * 100):
        path.write_bytes(junk)
        assert not DATASET.recognizes(path)
    for text in (b"just one line of text, with a comma", b"{\n}\n"):
        (tmp_path / "junk.txt").write_bytes(text)
        assert not DATASET.recognizes(tmp_path / "junk.txt")
    assert not DATASET.recognizes(tmp_path)
