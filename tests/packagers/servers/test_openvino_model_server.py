"""The layout of OpenVINO Model Server: what it names is there, and OpenVINO takes its settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from core.domain.recipe import Artifact, Recipe, Target
from core.errors import InvalidRequest
from core.packagers.servers.openvino_model_server import PACKAGER
from core.protocols import Package
from tests.packagers.servers.conftest import laid_out
from tests.packagers.serving.conftest import table


def on_openvino(package: Package) -> Package:
    """Return a package as if it had been measured on OpenVINO."""
    return replace(package, candidate=replace(package.candidate, recipe=Recipe((), Target("openvino"))))


def test_what_the_configuration_names_gives_the_measured_outputs(tmp_path: Path) -> None:
    made = laid_out(PACKAGER, on_openvino(table(tmp_path / "in")), tmp_path / "out")
    (each,) = json.loads((made / "models/config.json").read_text())["model_config_list"]
    config = each["config"]
    assert (config["base_path"], config["nireq"]) == ("/models/table_net", 2)
    (version,) = (made / config["base_path"].lstrip("/")).iterdir()
    assert version.name == "1"
    (file,) = version.iterdir()
    compiled = openvino.Core().compile_model(str(file), config["target_device"], config["plugin_config"])
    assert compiled.get_property("NUM_STREAMS") == 2
    with np.load(made / "proof/golden.npz") as golden:
        found = compiled({"features": golden["input_0_0"]})[0]
        np.testing.assert_allclose(found, golden["output_0_0"], rtol=1e-5)
    told = json.loads((made / "model.json").read_text())
    assert [each["name"] for each in told["inputs"]] == [next(iter(port.names)) for port in compiled.inputs]
    assert "--config_path /models/config.json" in (made / "README.md").read_text()


def test_candidates_of_other_runtimes_are_refused(tmp_path: Path) -> None:
    package = table(tmp_path / "in")
    with pytest.raises(InvalidRequest, match="measured on another runtime"):
        PACKAGER.requires(package.candidate, Artifact("a", None, None, "onnx", (), {}, {}))
