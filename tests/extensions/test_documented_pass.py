"""The pass of docs/adding-a-pass.md is one: found, tried by a preset, run and checked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core import params, registry
from core.protocols import LocalArtifact, PassContext
from core.search.presets import recipes
from core.search.spelling import spell
from tests.extensions.test_toys import fresh, look
from tests.factories import ENVIRONMENT, model

__all__ = ["fresh"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "adding-a-pass.md"


@pytest.fixture
def documented(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir(mode=0o755)
    code = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0]
    (folder / "round_weights.py").write_text(code)
    look(fresh, folder)


@pytest.mark.usefixtures("documented")
def test_the_documented_pass_does_what_it_says(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    sizes = (("x", 4), ("y", 3))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in sizes]
    nodes, held = [helper.make_node("MatMul", ["x", "w"], ["y"])], [numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], held)
    path = tmp_path / "in.onnx"
    onnx.save(helper.make_model(graph), path)
    chosen = registry.get_pass("round_weights")
    settings = params.make(chosen.Params, {"digits": 2})
    before = LocalArtifact("onnx", path, (path,))
    (tmp_path / "out").mkdir()
    after = chosen.run(PassContext(model("onnx"), tmp_path / "out", lambda: iter(())), before, settings)
    chosen.ensures(before, after, settings)
    rounded = numpy_helper.to_array(onnx.load(after.path).graph.initializer[0])
    np.testing.assert_allclose(rounded, np.round(weights, 2))


@pytest.mark.usefixtures("documented")
def test_a_preset_tries_it_by_its_own_word() -> None:
    def tried(preset: str) -> list[str]:
        return [spell(each) for each in recipes(preset, model("pt2"), ENVIRONMENT, ("onnxruntime",))]

    assert "export_onnx+round_weights:digits=2@onnxruntime" in tried("thorough")
    assert not any("round_weights" in each for each in tried("quick"))
