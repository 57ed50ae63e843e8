from __future__ import annotations

import numpy as np

from core.domain.model import SourceModel, TensorSpec
from core.examples import example_feed, example_feeds


def model(*inputs: TensorSpec, batch_symbol: str | None = "b") -> SourceModel:
    return SourceModel(
        "0",
        "m",
        "onnx",
        (),
        "",
        inputs,
        (),
        {"b": 1, "s": 5},
        batch_symbol,
        parameters=0,
        macs=None,
        size_bytes=0,
    )


TEXT = model(
    TensorSpec("ids", "int64", ("b", "s"), high=100),
    TensorSpec("attention_mask", "int64", ("b", "s")),
    TensorSpec("kinds", "int32", ("b", "s")),
    TensorSpec("flag", "bool", ("b",)),
    TensorSpec("scale", "float32", ()),
    TensorSpec("half", "float16", ("b", 3)),
)


def test_feeds_fit_names_types_and_shapes_at_any_batch() -> None:
    feed = example_feed(TEXT, batch=4)
    assert {name: (array.shape, array.dtype.name) for name, array in feed.items()} == {
        "ids": ((4, 5), "int64"),
        "attention_mask": ((4, 5), "int64"),
        "kinds": ((4, 5), "int32"),
        "flag": ((4,), "bool"),
        "scale": ((), "float32"),
        "half": ((4, 3), "float16"),
    }


def test_integers_stay_in_range_masks_are_ones_and_flags_true() -> None:
    feed = example_feed(TEXT, batch=64)
    assert 2 < feed["ids"].max() < 100
    assert set(np.unique(feed["kinds"])) == {0, 1}
    assert feed["attention_mask"].all()
    assert feed["flag"].all()


def test_lengths_rates_and_hidden_places() -> None:
    speech = model(
        TensorSpec("feats", "float32", ("b", "s", 80)),
        TensorSpec("feat_lengths", "int64", ("b",)),
        TensorSpec("sr", "int64", ()),
        TensorSpec("src_key_padding_mask", "bool", ("b", "s")),
        TensorSpec("padding_mask", "int64", ("b", "s")),
        TensorSpec("lengths_of_words", "int64", ("b", "s")),
    )
    feed = example_feed(speech, batch=2)
    assert feed["feat_lengths"].tolist() == [5, 5]
    assert feed["sr"] == 16000
    assert not feed["src_key_padding_mask"].any()
    assert feed["padding_mask"].all()
    assert set(np.unique(feed["lengths_of_words"])) == {0, 1}
    fixed = model(TensorSpec("mel", "float32", (1, 80, 300)), TensorSpec("length", "int32", (1,)))
    assert example_feed(fixed)["length"].tolist() == [80]


def test_a_bound_above_the_type_is_cut_to_the_type() -> None:
    feed = example_feed(model(TensorSpec("pixels", "uint8", (1, 400), high=1000), batch_symbol=None))
    assert feed["pixels"].max() > 200


def test_the_seed_decides() -> None:
    assert np.array_equal(example_feed(TEXT, seed=3)["ids"], example_feed(TEXT, seed=3)["ids"])
    assert not np.array_equal(example_feed(TEXT, seed=3)["ids"], example_feed(TEXT, seed=4)["ids"])
    first, second = example_feeds(TEXT, 2)
    assert not np.array_equal(first["half"], second["half"])


def test_a_fixed_batch_is_kept() -> None:
    assert example_feed(model(TensorSpec("x", "float32", (2, 3)), batch_symbol=None), batch=8)["x"].shape == (
        2,
        3,
    )


def test_values_fill_the_span_and_pictures_have_patches_of_all_sizes() -> None:
    spans = model(
        TensorSpec("image", "float32", ("b", 3, 32, 24), span=(0.0, 255.0)),
        TensorSpec("last", "float16", ("b", 24, 32, 1), span=(0.0, 1.0)),
        TensorSpec("plain", "float32", ("b", 500), span=(-2.0, 6.0)),
        TensorSpec("bytes", "int32", ("b", 500), span=(0.0, 256.0)),
        TensorSpec("pixels", "uint8", ("b", 500)),
    )
    feed = example_feed(spans, batch=4)
    image = feed["image"]
    assert (image.min(axis=(1, 2, 3)) == 0).all()
    assert np.allclose(image.max(axis=(1, 2, 3)), 255)
    neighbours = np.corrcoef(image[:, :, :, 1:].ravel(), image[:, :, :, :-1].ravel())[0, 1]
    assert 0.5 < neighbours < 0.99
    assert (feed["last"].shape, feed["last"].dtype.name) == ((4, 24, 32, 1), "float16")
    assert -2 <= feed["plain"].min() < -1.8 < 5.8 < feed["plain"].max() <= 6
    assert (feed["bytes"].min(), feed["bytes"].max()) == (0, 256)
    assert feed["pixels"].max() > 250
