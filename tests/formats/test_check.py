"""Built files are looked at as uploads are: honest ones pass (see the passes' contract), others do not."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from core.errors import CorruptFile, InputError, UnsafeUpload
from core.formats.check import check_artifact
from tests.archives.conftest import TorchFiles, torch_files
from tests.archives.hostile import PROGRAMS, SCRIPTS, rewrite

__all__ = ["torch_files"]

IR = '<?xml version="1.0"?>{doctype}<net><layers><data offset="{offset}" size="8"/></layers></net>'


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_an_upload_may_not_be_is_no_artifact_either(
    name: str, torch_files: TorchFiles, tmp_path: Path
) -> None:
    check_artifact("pt2", (torch_files.program,))
    hostile = rewrite(torch_files.program, tmp_path / "model.pt2", PROGRAMS[name](tmp_path / "ran"))
    with pytest.raises(UnsafeUpload):
        check_artifact("pt2", (hostile,))


@pytest.mark.parametrize("name", SCRIPTS)
def test_neither_is_a_script(name: str, torch_files: TorchFiles, tmp_path: Path) -> None:
    check_artifact("torchscript", (torch_files.script,))
    with pytest.raises(UnsafeUpload):
        check_artifact("torchscript", (SCRIPTS[name](tmp_path / "model.pt", tmp_path / "ran"),))


def test_another_format_under_the_name_is_refused(torch_files: TorchFiles) -> None:
    for format_ in ("pt2", "torchscript"):
        with pytest.raises(UnsafeUpload, match="should be of the format"):
            check_artifact(format_, (torch_files.module,))
    with pytest.raises(UnsafeUpload):
        check_artifact("state_dict", (torch_files.module,))


@pytest.mark.parametrize(
    ("doctype", "offset", "part"),
    [("<!DOCTYPE net [<!ENTITY a 'a'>]>", 0, "entities"), ("", 8, "beyond"), ("", -8, "beyond")],
)
def test_an_openvino_graph_is_plain_and_stays_in_its_weights(
    doctype: str, offset: int, part: str, tmp_path: Path
) -> None:
    path, weights = tmp_path / "model.xml", tmp_path / "model.bin"
    weights.write_bytes(bytes(8))
    path.write_text(IR.format(doctype="", offset=0))
    check_artifact("openvino", (path, weights))
    path.write_text(IR.format(doctype=doctype, offset=offset))
    with pytest.raises(InputError, match=part):
        check_artifact("openvino", (path, weights))
    path.write_text("<net")
    with pytest.raises(CorruptFile):
        check_artifact("openvino", (path, weights))


def test_weights_outside_and_files_that_do_not_belong(tmp_path: Path) -> None:
    path, stray = tmp_path / "model.onnx", tmp_path / "libmodel.so"
    stray.write_bytes(b"code")
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [value], [weight])
    onnx.save(helper.make_model(graph), path)
    check_artifact("onnx", (path,))
    with pytest.raises(UnsafeUpload, match="which does not belong"):
        check_artifact("onnx", (path, stray))
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [value], [weight])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(UnsafeUpload, match="outside"):
        check_artifact("onnx", (path,))
