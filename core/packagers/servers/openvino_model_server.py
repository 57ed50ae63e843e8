"""OpenVINO Model Server: the model in its layout, with the streams and the precision of the measurement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.errors import InvalidRequest
from core.packagers.readme import plain
from core.packagers.servers.server import ModelServer, model_files, server_name, written
from core.packagers.servers.triton_config import load_of
from core.packagers.templating import filled, template
from core.params import setting
from core.protocols import Package

FORMATS = ("openvino", "onnx")


@dataclass(frozen=True)
class ModelServerParams:
    """Options of an OpenVINO Model Server."""

    instances: int | None = setting(
        None,
        "Streams",
        help="Requests that run at once; empty: as many as the cores of the measurement have room for.",
        low=1,
        high=256,
    )


class OpenVinoModelServer(ModelServer):
    """A folder that OpenVINO Model Server serves."""

    id: ClassVar[str] = "openvino_model_server"
    name: ClassVar[str] = "OpenVINO Model Server folder"
    summary: ClassVar[str] = (
        "For Intel's model server: streams out of the measured throughput, the precision of the measurement, "
        "a client that proves it."
    )
    use: ClassVar[str] = "unzip it and run the line of its README.md."
    elsewhere: ClassVar[str] = (
        "OpenVINO Model Server comes as an image and a Debian package, not as a Python package. Run the"
        " line of README.md where it is, then python client.py: it sends the golden inputs and "
        "compares."
    )
    order: ClassVar[int] = 82
    Params: ClassVar[type[Any]] = ModelServerParams

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse what OpenVINO does not open.

        Raises:
            InvalidRequest: With the reason.
        """
        super().requires(candidate, artifact)
        if artifact.format not in FORMATS or candidate.recipe.target.runtime_id != "openvino":
            raise InvalidRequest(
                f"OpenVINO Model Server runs OpenVINO; {candidate.name} was measured on another runtime.",
                hint="Choose a candidate of the runtime openvino.",
            )

    def write(self, package: Package, path: Path, params: ModelServerParams) -> None:
        """Write the zip; equal packages give equal bytes."""
        name, load = server_name(package), load_of(package, False, params.instances, own_threads=False)
        precision = package.artifact.options.get("precision", "f32")
        config = {
            "name": name,
            "base_path": f"/models/{name}",
            "target_device": "CPU",
            "nireq": load.instances,
            "plugin_config": {
                "NUM_STREAMS": str(load.instances),
                "INFERENCE_NUM_THREADS": str(load.instances * load.threads),
                "INFERENCE_PRECISION_HINT": precision,
            },
        }
        sides = (package.model.inputs, package.model.outputs)
        inputs, outputs = ([{"name": spec.name, "scalar": False} for spec in specs] for specs in sides)
        told = {
            "models/config.json": {"model_config_list": [{"config": config}]},
            "model.json": {"name": name, "inputs": inputs, "outputs": outputs},
        }
        values = {
            "title": f"{plain(package.model.name)}: {plain(package.candidate.name)}, "
            "on OpenVINO Model Server",
            "name": name,
            "instances": load.instances,
            "why": load.why,
            "precision": {"f32": "FP32", "bf16": "BF16"}.get(precision, precision),
        }
        texts = {name: json.dumps(each, indent=2) + "\n" for name, each in told.items()}
        texts |= {
            "client.py": template("kserve/client.py"),
            "golden.py": template("servers/golden.py"),
            "README.md": filled("openvino_model_server/README.md.j2", values),
        }
        files = {f"models/{name}/1/{each}": file for each, file in model_files(package.artifact).items()}
        written(path, texts, files, package, "")


PACKAGER = OpenVinoModelServer()
