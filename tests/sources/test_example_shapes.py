from __future__ import annotations

import pytest

from core.domain.model import TensorSpec
from core.sources.example_shapes import candidates, evaluate, kinds, named
from core.sources.names import display_name


def first(*inputs: TensorSpec, **options: object) -> dict[str, int]:
    return next(candidates(inputs, {}, options.get("bounds", {}), options.get("hints", {})))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (TensorSpec("x", "float32", ("b", 3, "h", "w")), {"b": "batch", "h": "spatial", "w": "spatial"}),
        (TensorSpec("x", "float32", ("N", "a", "c", 3)), {"N": "batch", "a": "spatial", "c": "spatial"}),
        (TensorSpec("x", "uint8", (1, "a", "c", 3)), {"a": "spatial", "c": "spatial"}),
        (TensorSpec("ids", "int64", ("q", "t")), {"q": "batch", "t": "sequence"}),
        (TensorSpec("wave", "float32", ("q", "t")), {"q": "batch", "t": "audio"}),
        (TensorSpec("wave", "float32", ("t",)), {"t": "audio"}),
        (TensorSpec("mel", "float32", ("q", 80, "t")), {"q": "batch", "t": "frames"}),
        (TensorSpec("state", "float32", (2, "q", 64)), {"q": "state"}),
        (TensorSpec("h", "float32", (1, "q", 64)), {"q": "state"}),
        (TensorSpec("x", "float32", ("time", "batch", 40)), {"time": "frames", "batch": "batch"}),
        (TensorSpec("k", "float32", ("q", 8, "past_len", 64)), {"q": "batch", "past_len": "past"}),
    ],
)
def test_kinds(spec: TensorSpec, expected: dict[str, str]) -> None:
    assert kinds([spec]) == expected


def test_bounds_hints_and_sums() -> None:
    ids = TensorSpec("ids", "int64", ("batch", "seq"))
    mask = TensorSpec("mask", "int64", ("batch", "past + seq"))
    keys = TensorSpec("keys", "float32", ("batch", 2, "past", 4))
    assert first(ids, mask, keys) == {"batch": 1, "seq": 128, "past": 16, "past + seq": 144}
    assert first(ids, bounds={"seq": (2, 40), "batch": (1, 64)}) == {"batch": 1, "seq": 32}
    assert first(ids, bounds={"batch": (2, 64)})["batch"] == 2
    assert first(ids, hints={"seq": (7,)})["seq"] == 7


def test_each_choice_comes_once() -> None:
    image = TensorSpec("x", "float32", ("b", 3, "h", "w"))
    found = [tuple(sizes.items()) for sizes in candidates([image], {}, {}, {})]
    assert len(found) == len(set(found)) > 20


@pytest.mark.parametrize(
    ("text", "value"),
    [("a + b", 5), ("2*a - 1", 3), ("b//2", 1), ("c", None), ("__import__('os')", None), ("a[", None)],
)
def test_expressions(text: str, value: int | None) -> None:
    assert evaluate(text, {"a": 2, "b": 3}) == value


def test_nameless_sizes() -> None:
    specs = named(
        [("x", "float32", (None, 3, None)), ("n", "int64", (None,)), ("s", "float32", ("batch", None))]
    )
    assert [spec.shape for spec in specs] == [("batch_0", 3, "x_dim2"), ("n_dim0",), ("batch", "s_dim1")]


def test_words() -> None:
    from pathlib import Path

    assert display_name(Path("/a/Net v2.pth.tar")) == "Net v2"
    assert display_name(Path(".onnx")) == ".onnx"
