"""TorchServe: an archive (.mar) of a handler, the serving core and the kit."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.packagers.kit import add_file, add_kit, add_proof
from core.packagers.readme import plain
from core.packagers.servers.server import BatchingParams, ModelServer, server_name
from core.packagers.servers.triton_config import Load, load_of
from core.packagers.serving.folder import CORE, FILES
from core.packagers.serving.options import ServiceParams
from core.packagers.serving.requirements import constraints, packages, requirements
from core.packagers.serving.settings import VERSION, settings_of
from core.packagers.templating import filled, template
from core.params import setting
from core.protocols import Package

GATHER_MS = 1.0
"""How long the core waits for the other requests of a batch, which TorchServe hands over together."""


@dataclass(frozen=True)
class TorchServeParams(BatchingParams):
    """Options of a TorchServe archive."""

    instances: int | None = setting(
        None,
        "Workers",
        help="Processes with the model; empty: as many as the cores of the measurement have room for.",
        low=1,
        high=256,
    )


class TorchServe(ModelServer):
    """A folder that TorchServe serves."""

    id: ClassVar[str] = "torchserve"
    name: ClassVar[str] = "TorchServe archive"
    summary: ClassVar[str] = (
        "A .mar for houses that run TorchServe: handler, workers and batches out of the measured throughput."
    )
    use: ClassVar[str] = "unzip it and run python serve.py where TorchServe and Java 17 are."
    elsewhere: ClassVar[str] = (
        "TorchServe is a Java program that starts workers, which the sandbox of trials does not let in."
        " Unzip it and run python serve.py where torchserve and Java 17 are, then python client.py: it "
        "sends the golden inputs and compares."
    )
    order: ClassVar[int] = 84
    modules: ClassVar[tuple[str, ...]] = ("pydantic",)
    Params: ClassVar[type[Any]] = TorchServeParams

    def write(self, package: Package, path: Path, params: TorchServeParams) -> None:
        """Write the zip; equal packages give equal bytes."""
        name, load = server_name(package), load_of(package, params.batching, params.instances, True)
        packed = path.with_suffix(".mar")
        _pack(package, name, load, packed)
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in sorted(_texts(package, name, load).items()):
                add_file(archive, file, content.encode())
            add_file(archive, f"model_store/{name}.mar", packed)
            add_proof(archive, package, "proof/")
        packed.unlink()


def _pack(package: Package, name: str, load: Load, path: Path) -> None:
    """Write the archive. Source: https://github.com/pytorch/serve, model-archiver/README.md."""
    chosen = ServiceParams(batching=not load.why_alone)
    settings = settings_of(package, chosen, load.plan)
    settings["batches"]["delay_ms"] = min(GATHER_MS, load.plan.delay_ms)
    wanted = [*CORE, *(FILES["batching"].split() if chosen.batching else [])]
    wanted += ["images"] if settings["picture"] is not None else []
    manifest = {
        "runtime": "python",
        "model": {"modelName": name, "handler": "handler.py", "modelVersion": "1.0"},
        "archiverVersion": "0.12.0",
    }
    texts = {
        "MAR-INF/MANIFEST.json": json.dumps(manifest, indent=2) + "\n",
        "handler.py": template("torchserve/handler.py"),
        "service.json": json.dumps(settings, indent=2) + "\n",
        **{f"serving/{each}.py": template(f"service/serving/{each}.py") for each in wanted},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in sorted(texts.items()):
            add_file(archive, file, content.encode())
        add_kit(archive, package, f"models/{VERSION}/")


def _texts(package: Package, name: str, load: Load) -> dict[str, str]:
    """Return the files beside the archive."""
    images = settings_of(package, ServiceParams(), load.plan)["picture"] is not None
    names = packages(package, ServiceParams(), (), images)
    largest = 1 if load.why_alone else max(load.plan.sizes)
    served = {
        "defaultVersion": True,
        "marName": f"{name}.mar",
        "minWorkers": load.instances,
        "maxWorkers": load.instances,
        "batchSize": largest,
        "maxBatchDelay": max(1, round(load.plan.delay_ms)),
        "responseTimeout": 120,
    }
    lines = (
        f"load_models={name}.mar",
        f"models={json.dumps({name: {'1.0': served}})}",
        f"max_request_size={ServiceParams().max_body_mb * 1_000_000}",
        "disable_token_authorization=true",
        "allowed_urls=file://.*",
        "enable_envvars_config=false",
    )
    values = {
        "title": f"{plain(package.model.name)}: {plain(package.candidate.name)}, on TorchServe",
        "name": name,
        "workers": load.instances,
        "why": load.why,
        "batches": load.batches,
        "largest": largest,
        "delay": served["maxBatchDelay"],
        "images": images,
    }
    return {
        "config.properties": "\n".join(lines) + "\n",
        "client.py": template("torchserve/client.py"),
        "golden.py": template("servers/golden.py"),
        "serve.py": template("torchserve/serve.py"),
        "requirements.txt": requirements(names),
        "constraints.txt": constraints(names),
        "README.md": filled("torchserve/README.md.j2", values),
    }


PACKAGER = TorchServe()
