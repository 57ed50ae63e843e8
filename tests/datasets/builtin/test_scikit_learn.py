from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.datasets.build import build
from core.datasets.builtin.scikit_learn import DATASET, SETS, BuiltinParams
from core.datasets.builtin.split import held_out, training
from core.datasets.rows import evaluation_rows
from core.errors import DataMismatch
from core.protocols import Prepared
from sample_models.data import held_out_rows
from tests.datasets.models import image_model, model, spec, table_model


def prepare(name: str, described: object, **params: str) -> Prepared:
    return DATASET.prepare(Path(name), Path("unused"), described, BuiltinParams(**params))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sample", "name", "described"),
    [
        pytest.param("digits-resnet", "cluttered_digits", image_model(1), marks=pytest.mark.slow),
        ("digits-transformer", "cluttered_digits", model(spec("input", ("batch", 64), "int64", 17))),
        ("cancer-mlp", "breast_cancer", model(spec("input", ("batch", 30)), classes=2)),
    ],
)
def test_rows_are_those_the_sample_models_are_measured_on(
    sample: str, name: str, described: object, tmp_path: Path
) -> None:
    wanted, found = held_out_rows(sample), prepare(name, described)
    build(Path(name), tmp_path, described)  # type: ignore[arg-type]
    rows = evaluation_rows(tmp_path, described)  # type: ignore[arg-type]
    array = np.concatenate([next(iter(feed.values())) for feed, _ in rows.batches(64)])
    assert array.dtype == wanted.inputs.dtype
    assert rows.labels is not None
    told = [sorted((row.tobytes(), int(label)) for row, label in zip(*each, strict=True))
            for each in ((array, rows.labels), (wanted.inputs, wanted.labels))]  # fmt: skip
    assert told[0] == told[1]
    calibration = np.load(tmp_path / "calibration/0.npy")
    assert len(calibration) == 256
    if name == "breast_cancer":
        assert not {row.tobytes() for row in calibration} & {row.tobytes() for row in array}
    assert "never saw" in found.preparation["Rows"]


def test_halves_do_not_meet() -> None:
    assert not set(training(101)) & set(held_out(101))


def test_digits_take_every_shape() -> None:
    pixels = load_digits().data[held_out(1797)]
    rgb = prepare("digits", image_model(3, 40)).inputs["input"][:899]
    assert rgb.shape == (899, 3, 40, 40)
    np.testing.assert_array_equal(rgb[:, 0], rgb[:, 2])
    np.testing.assert_allclose(rgb[:, 1, ::5, ::5].reshape(899, 64), pixels / 16, atol=1e-7)
    np.testing.assert_array_equal(prepare("digits", table_model(64, 10)).inputs["features"][:899], pixels)
    last = prepare("digits", model(spec("x", ("batch", 8, 8, 1)))).inputs["x"][:899]
    np.testing.assert_allclose(last.reshape(899, 64), pixels / 16, atol=1e-7)
    centred = prepare("digits", image_model(1, 8), scale="-1..1").inputs["input"][:899]
    np.testing.assert_allclose(centred.reshape(899, 64), pixels / 8 - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "width", "classes"), [("iris", 4, 3), ("wine", 13, 3), ("breast_cancer", 30, 2)]
)
def test_tables_keep_their_values_and_names(name: str, width: int, classes: int) -> None:
    found = prepare(name, table_model(width, classes))
    assert found.inputs["features"].shape[1] == width
    assert len(found.classes) == classes


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataMismatch, match="takes 5"):
        prepare("iris", table_model(5))
    with pytest.raises(DataMismatch, match="2 inputs"):
        prepare("iris", model(spec("a", ("batch", 4)), spec("b", ("batch", 4))))


def test_names_are_recognised_where_no_file_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(DATASET.recognizes(Path(name)) for name in SETS)
    assert not DATASET.recognizes(Path("mnist"))
    Path("digits").mkdir()
    assert not DATASET.recognizes(Path("digits"))
