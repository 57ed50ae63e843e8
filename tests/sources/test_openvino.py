"""OpenVINO uploads: a graph with its weights beside it or in a zip, looked at before OpenVINO opens it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from core.errors import CorruptFile, UnsafeUpload, UnsupportedModel
from tests.sources.conftest import classifier, save

BOMB = '<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net name="&b;"></net>'


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a graph with its weights beside it."""
    import openvino as ov

    folder = tmp_path_factory.mktemp("ir")
    model = ov.Core().read_model(str(save(classifier(), folder / "net.onnx")))
    ov.save_model(model, str(folder / "net.xml"), compress_to_fp16=False)
    return folder / "net.xml"


def packed(target: Path, *files: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            archive.write(file, inside + file.name)
    return target


def test_a_zip_with_graph_and_weights_is_described(look, graph: Path, tmp_path: Path) -> None:
    found = look(packed(tmp_path / "My Net.zip", graph, graph.with_suffix(".bin"), inside="ir/"))
    model = found.model
    assert (model.name, model.format, model.task) == ("My Net", "openvino", "image-classification")
    assert (model.inputs[0].name, model.inputs[0].shape) == ("image", ("batch", 3, 32, 32))
    assert model.outputs[0].shape == ("batch", 5)
    assert model.batch_symbol == "batch"
    assert model.parameters == 4 * 27 + 20 + 5
    assert model.precision == "FP32"
    assert [file.name for file in found.files] == ["model.xml", "model.bin"]


def test_a_graph_beside_its_weights_is_described(look, graph: Path, tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    shutil.copy(graph.with_suffix(".bin"), tmp_path / "job" / "net.bin")
    found = look(graph)
    assert found.model.name == "net"
    assert [file.name for file in found.files] == ["model.xml", "model.bin"]


def test_a_graph_alone_asks_for_its_weights(look, graph: Path) -> None:
    with pytest.raises(CorruptFile, match="not uploaded with it") as caught:
        look(graph)
    assert "together" in caught.value.hint


def test_weights_that_are_too_short_are_refused(look, graph: Path, tmp_path: Path) -> None:
    short = tmp_path / "net.bin"
    short.write_bytes(graph.with_suffix(".bin").read_bytes()[:-40])
    with pytest.raises(CorruptFile, match="beyond its weights"):
        look(packed(tmp_path / "net.zip", graph, short))


def test_entities_are_refused(look, tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text(BOMB)
    (tmp_path / "net.bin").write_bytes(b"x")
    with pytest.raises(UnsafeUpload, match="declares entities"):
        look(packed(tmp_path / "net.zip", tmp_path / "net.xml", tmp_path / "net.bin"))
    with pytest.raises(UnsafeUpload, match="declares entities"):
        look(tmp_path / "net.xml")


def test_names_that_lead_outside_are_refused(look, graph: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsafeUpload, match="outside"):
        look(packed(tmp_path / "net.zip", graph, graph.with_suffix(".bin"), inside="../"))


def test_two_graphs_are_one_too_many(look, graph: Path, tmp_path: Path) -> None:
    both = packed(tmp_path / "net.zip", graph, graph.with_suffix(".bin"))
    with zipfile.ZipFile(both, "a") as archive:
        archive.write(graph, "other.xml")
        archive.write(graph.with_suffix(".bin"), "other.bin")
    with pytest.raises(UnsupportedModel, match="2 OpenVINO models"):
        look(both)


def test_unknown_layers_are_said_in_openvinos_words(look, graph: Path, tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text(graph.read_text().replace('type="Convolution"', 'type="Unheard"'))
    shutil.copy(graph.with_suffix(".bin"), tmp_path / "net.bin")
    with pytest.raises(UnsupportedModel, match="OpenVINO cannot load"):
        look(packed(tmp_path / "net.zip", tmp_path / "net.xml", tmp_path / "net.bin"))
