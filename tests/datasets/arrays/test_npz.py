from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets.arrays.npz import DATASET, NpzParams
from core.datasets.images.normalization import IMAGENET_MEAN, IMAGENET_STD
from core.errors import DataMismatch, InvalidRequest
from core.protocols import Prepared
from tests.datasets.models import image_model, model, spec, table_model

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(20) % 10


def prepare(tmp_path: Path, described: Any, params: NpzParams | None = None, **arrays: Any) -> Prepared:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    assert DATASET.recognizes(path)
    return DATASET.prepare(path, tmp_path / "work", described, params or NpzParams())


def test_bytes_become_what_an_imagenet_style_model_wants(tmp_path: Path) -> None:
    found = prepare(tmp_path, image_model(), images=IMAGES, labels=LABELS)
    array = found.inputs["input"]
    wanted = (IMAGES.astype(np.float32) / 255 - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    assert array.dtype == np.float32
    assert array.shape == (20, 3, 32, 32)
    np.testing.assert_allclose(array, wanted.transpose(0, 3, 1, 2), atol=1e-6)
    assert found.labels is not None
    assert found.labels.tolist() == LABELS.tolist()
    assert found.preparation["Mean"] == "0.485, 0.456, 0.406"


@pytest.mark.parametrize(
    ("params", "black", "white"),
    [
        (NpzParams(mean="none", std="none"), 0.0, 1.0),
        (NpzParams(scale="0..255"), 0.0, 255.0),
        (NpzParams(scale="-1..1"), -1.0, 1.0),
        (NpzParams(mean="0.5", std="0.25"), -2.0, 2.0),
        (NpzParams(scale="0..255", mean="127.5,127.5,127.5"), -127.5, 127.5),
    ],
)
def test_scale_and_mean_are_adjustable(tmp_path: Path, params: NpzParams, black: float, white: float) -> None:
    images = np.zeros((8, 32, 32, 3), np.uint8)
    images[4:] = 255
    found = prepare(tmp_path, image_model(), params, x=images)
    assert found.inputs["input"][0].max() == pytest.approx(black)
    assert found.inputs["input"][7].min() == pytest.approx(white)
    assert found.labels is None


def test_bgr_turns_channels_and_their_means(tmp_path: Path) -> None:
    plain = prepare(tmp_path, image_model(), images=IMAGES).inputs["input"]
    turned = prepare(tmp_path, image_model(), NpzParams(order="BGR"), images=IMAGES).inputs["input"]
    np.testing.assert_array_equal(turned, plain[:, ::-1])


def test_channels_first_bytes_and_channels_last_models(tmp_path: Path) -> None:
    wanted = prepare(tmp_path, image_model(), images=IMAGES).inputs["input"]
    first = prepare(tmp_path, image_model(), images=IMAGES.transpose(0, 3, 1, 2)).inputs["input"]
    np.testing.assert_array_equal(first, wanted)
    last = model(spec("input", ("batch", 32, 32, 3)))
    found = prepare(tmp_path, last, images=IMAGES).inputs["input"]
    np.testing.assert_array_equal(found, wanted.transpose(0, 2, 3, 1))


def test_a_model_of_bytes_gets_bytes(tmp_path: Path) -> None:
    described = model(spec("input", ("batch", 32, 32, 3), "uint8"))
    np.testing.assert_array_equal(prepare(tmp_path, described, images=IMAGES).inputs["input"], IMAGES)


def test_grayscale_gets_its_channel_without_a_mean(tmp_path: Path) -> None:
    gray = IMAGES[..., 0]
    found = prepare(
        tmp_path, image_model(1), x_test=gray, y_test=LABELS, x_train=gray[:3], y_train=LABELS[:3]
    )
    np.testing.assert_allclose(found.inputs["input"][:, 0], gray / np.float32(255), atol=1e-7)
    assert "x_train" in found.preparation["Arrays"]


def test_other_sizes_and_channels_are_converted_and_said(tmp_path: Path) -> None:
    found = prepare(tmp_path, image_model(3, 24), images=IMAGES[..., :1])
    assert found.inputs["input"].shape == (20, 3, 24, 24)
    assert found.preparation["Resized"] == "from 32 x 32 pixels"
    gray = prepare(tmp_path, image_model(1), images=IMAGES).inputs["input"]
    luma = (IMAGES @ np.array([0.299, 0.587, 0.114])) / 255
    np.testing.assert_allclose(gray[:, 0], luma, atol=0.5 / 255 + 1e-6)


def test_floats_that_fit_are_taken_as_they_are(tmp_path: Path) -> None:
    array = RNG.standard_normal((12, 3, 32, 32))
    found = prepare(tmp_path, image_model(), data=array, target=np.arange(12) % 10)
    np.testing.assert_array_equal(found.inputs["input"], array.astype(np.float32))
    turned = prepare(tmp_path, image_model(), data=array.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(turned.inputs["input"], array.astype(np.float32))


def test_floats_with_a_stated_range_are_pixels(tmp_path: Path) -> None:
    pixels = IMAGES.astype(np.float32)
    found = prepare(tmp_path, image_model(), NpzParams(scale="0..1"), data=pixels).inputs["input"]
    np.testing.assert_allclose(
        found, prepare(tmp_path, image_model(), images=IMAGES).inputs["input"], atol=1e-5
    )
    remark = prepare(tmp_path, image_model(), data=pixels).preparation["Remark"]
    assert "255" in remark


def test_several_inputs_go_by_name(tmp_path: Path) -> None:
    described = model(
        spec("input_ids", ("batch", "seq"), "int64", 100),
        spec("attention_mask", ("batch", "seq"), "int64"),
        classes=2,
    )
    ids, mask = RNG.integers(0, 100, (9, 6)), np.ones((9, 6), np.int64)
    found = prepare(
        tmp_path, described, attention_mask=mask, input_ids=ids.astype(np.int32), label=np.arange(9) % 2
    )
    np.testing.assert_array_equal(found.inputs["input_ids"], ids)
    assert found.inputs["input_ids"].dtype == np.int64
    np.testing.assert_array_equal(found.inputs["attention_mask"], mask)


def test_labels_are_found_by_shape_and_one_hot_is_undone(tmp_path: Path) -> None:
    rows = RNG.standard_normal((6, 5))
    by_shape = prepare(tmp_path, table_model(5), a=rows, b=np.arange(6) % 3)
    one_hot = prepare(tmp_path, table_model(5), x=rows, y=np.eye(3)[np.arange(6) % 3])
    assert by_shape.labels is not None
    assert one_hot.labels is not None
    assert by_shape.labels.tolist() == one_hot.labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_class_names_travel_along(tmp_path: Path) -> None:
    rows, names = RNG.standard_normal((6, 5)), np.array(["x", "y", "z"])
    assert prepare(tmp_path, table_model(5), x=rows, y=np.arange(6) % 3, class_names=names).classes == (
        "x",
        "y",
        "z",
    )
    texts = prepare(tmp_path, table_model(5), x=rows, y=np.array(["b", "a", "c", "b", "a", "c"]))
    assert texts.classes == ("a", "b", "c")
    assert texts.labels is not None
    assert texts.labels.tolist() == [1, 0, 2, 1, 0, 2]


def test_labels_of_a_model_without_classes_are_left_out(tmp_path: Path) -> None:
    found = prepare(tmp_path, table_model(5, None), x=RNG.standard_normal((6, 5)), y=RNG.standard_normal(6))
    assert found.labels is None
    assert "fit none of" in found.preparation["Labels"]


def test_a_single_array_is_inputs_only(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, IMAGES)
    assert DATASET.recognizes(path)
    found = DATASET.prepare(path, tmp_path, image_model(), NpzParams(max_samples=7))
    assert found.inputs["input"].shape == (7, 3, 32, 32)
    assert "7 of 20" in found.preparation["Samples"]


def test_a_limit_takes_as_many_of_each_class(tmp_path: Path) -> None:
    labels = np.array([0] * 90 + [1] * 5 + [2] * 5)
    found = prepare(tmp_path, table_model(2), NpzParams(max_samples=12), x=np.zeros((100, 2)), y=labels)
    assert found.labels is not None
    assert np.bincount(found.labels).tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((6, 4)), "y": np.arange(6)}, "takes 5"),
        ({"x": np.zeros((6, 5)), "y": np.arange(5)}, "x has 6, y has 5"),
        ({"x": np.array(["a"] * 6)}, "0 array.s. of numbers"),
        ({"x": np.zeros((6, 5)), "y": np.linspace(0, 1, 6)}, "not whole numbers"),
        ({"x": np.zeros((6, 5)), "y": np.zeros((6, 2, 2))}, "one class per sample"),
        ({"x": np.zeros((6, 5)), "y": np.ones((6, 3))}, "not one-hot"),
        ({"x": np.zeros((6, 5)), "y": np.array(["a", "b"] * 3)}, "has 3 outputs"),
        ({"x": np.float64(3)}, "number"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(DataMismatch, match=words) as caught:
        prepare(tmp_path, table_model(5), **arrays)
    assert caught.value.hint


@pytest.mark.parametrize("shape", [(6, 32, 32, 5), (6, 2, 32, 32), (6, 100), (6, 1, 2, 3, 3)])
def test_wrong_channels_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataMismatch):
        prepare(tmp_path, image_model(), x=np.zeros(shape, np.uint8))


def test_fractions_are_no_tokens(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="whole numbers"):
        prepare(tmp_path, model(spec("ids", ("batch", 4), "int64", 9)), x=np.full((5, 4), 0.5))


@pytest.mark.parametrize(
    "params", [NpzParams(mean="a,b"), NpzParams(std="0,1,1"), NpzParams(mean="1,2"), NpzParams(labels="q")]
)
def test_settings_are_checked(tmp_path: Path, params: NpzParams) -> None:
    with pytest.raises(InvalidRequest):
        prepare(tmp_path, image_model(), params, images=IMAGES, labels=LABELS)
