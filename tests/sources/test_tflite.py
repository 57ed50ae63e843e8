"""LiteRT uploads: described by LiteRT itself, in the exporter's order, with real numbers for scaled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from core.errors import CorruptFile, UnsupportedModel
from core.sources import tflite
from tests.runtimes.tflite import packed, perceptron, pictures


def save(model: Any, folder: Path) -> Path:
    path = folder / "My Net.tflite"
    path.write_bytes(packed(model))
    return path


@pytest.mark.parametrize("signature", [True, False])
def test_a_perceptron_is_described(look, tmp_path: Path, signature: bool) -> None:
    network = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
    found = look(save(perceptron(network, signature), tmp_path))
    model = found.model
    assert (model.name, model.format, model.precision) == ("My Net", "tflite", "FP32")
    assert model.inputs[0].shape == ("batch", 6)
    assert model.outputs[0].shape == ("batch", 4)
    assert model.inputs[0].name == ("args_0" if signature else "flow_0")
    assert model.batch_symbol == "batch"
    assert model.parameters == 6 * 16 + 16 + 16 * 4 + 4
    assert model.macs == 6 * 16 + 16 * 4
    assert [file.name for file in found.files] == ["model.tflite"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_inputs_and_outputs_come_in_the_order_of_the_exported_call(
    look, tmp_path: Path, order: tuple[int, int]
) -> None:
    model = look(save(pictures(order), tmp_path)).model
    assert [(spec.name, spec.dtype, spec.shape) for spec in model.inputs] == [
        ("args_0", "float32", (1, 8, 8, 3)),
        ("args_1", "int32", (1,)),
    ]
    assert [spec.shape for spec in model.outputs] == [(1, 8, 8, 4), (1, 6)]
    assert model.fixed_batch == 1


def test_scaled_integers_are_fed_as_the_real_numbers_they_stand_for(look, tmp_path: Path) -> None:
    picture = look(save(pictures(scale=1 / 255), tmp_path)).model.inputs[0]
    assert picture.dtype == "float32"
    assert picture.span == pytest.approx((0.0, 1.0))


def test_operators_of_others_are_named(look, tmp_path: Path) -> None:
    model = perceptron(nn.Linear(4, 2))
    model.operatorCodes[0].customCode = "FlexFft"
    with pytest.raises(UnsupportedModel, match="FlexFft"):
        look(save(model, tmp_path))


def test_a_cut_file_is_called_cut(look, tmp_path: Path) -> None:
    path = save(perceptron(nn.Linear(200, 20)), tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CorruptFile, match="cut off or broken"):
        look(path)


def test_without_litert_it_says_what_to_install(
    look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tflite, "LIBRARY", "no_such_library")
    with pytest.raises(Exception, match="not installed") as caught:
        look(save(perceptron(nn.Linear(4, 2)), tmp_path))
    assert "pip install no-such-library" in caught.value.hint  # type: ignore[attr-defined]
