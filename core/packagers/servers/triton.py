"""Triton model repository: the model for the backend that fits it, or its kit for the Python backend."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.errors import InvalidRequest
from core.packagers.layout import opened
from core.packagers.readme import code, plain
from core.packagers.servers.server import BatchingParams, ModelServer, model_files, server_name, written
from core.packagers.servers.triton_config import Load, Word, batching, load_of, parameters, tensor, text
from core.packagers.servers.triton_images import preparing, takes_images
from core.packagers.serving.options import ServiceParams
from core.packagers.serving.requirements import constraints, packages, requirements
from core.packagers.templating import filled, template
from core.params import setting
from core.protocols import Package
from core.texts import one_line

IN_PYTHON = ("model.py", "tensors.py")
UNRUN = "Only the Python backend was run where this is made: NVIDIA's wheel of Triton has no other."


@dataclass(frozen=True)
class Backend:
    """One of Triton's backends.

    Attributes:
        formats: That it opens.
        runtimes: That it is: their candidates were measured on the same library.
        settings: Parameters by the threads of an instance and the artifact's options.
        numbered: Whether inputs and outputs are known by number, not by name.
        kind: Of device.
        file: That it opens; empty for the model's own.
    """

    formats: tuple[str, ...]
    runtimes: tuple[str, ...]
    settings: Callable[[int, Mapping[str, Any]], dict[str, object]]
    numbered: bool = False
    kind: str = "KIND_CPU"
    file: str = ""


def _openvino(threads: int, options: Mapping[str, Any]) -> dict[str, object]:
    half = {"HINT_BF16": "YES"} if options.get("precision") == "bf16" else {}
    return {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads, **half}


BACKENDS = {
    "onnxruntime": Backend(
        ("onnx",),
        ("onnxruntime",),
        lambda threads, _: {"intra_op_thread_count": threads, "inter_op_thread_count": 1},
    ),
    "openvino": Backend(("openvino", "onnx"), ("openvino",), _openvino),
    "pytorch": Backend(
        ("torchscript",),
        ("torchscript",),
        lambda threads, _: {"INTRA_OP_THREAD_COUNT": threads, "INFERENCE_MODE": "true"},
        numbered=True,
    ),
    "tensorrt": Backend(("tensorrt",), ("tensorrt",), lambda *_: {}, kind="KIND_GPU", file="model.plan"),
}
PYTHON = Backend((), (), lambda *_: {}, file="model.py")


@dataclass(frozen=True)
class TritonParams(BatchingParams):
    """Options of a Triton model repository."""

    backend: str = setting(
        "auto",
        "Backend",
        help="auto: that of the candidate's runtime, else python, which runs the kit as it was measured.",
        choices=("auto", *BACKENDS, "python"),
    )
    instances: int | None = setting(
        None,
        "Instances",
        help="Of the model; empty: as many as the cores of the measurement have room for.",
        low=1,
        high=256,
    )


class Triton(ModelServer):
    """A folder that `tritonserver` serves."""

    id: ClassVar[str] = "triton"
    name: ClassVar[str] = "Triton model repository"
    summary: ClassVar[str] = (
        "For NVIDIA's Triton: batches and instances out of the measured throughput, images prepared on the "
        "server, a client that proves it."
    )
    use: ClassVar[str] = "unzip it and run python serve.py where Triton is."
    elsewhere: ClassVar[str] = (
        "Triton is several programs that share memory, which the sandbox of trials does not let in. "
        "Unzip it and run python serve.py where Triton is, then python client.py: it sends the golden "
        "inputs and compares. With the Python backend that needs no container: pip install "
        "nvidia-pytriton, and --pytriton FOLDER."
    )
    order: ClassVar[int] = 80
    Params: ClassVar[type[Any]] = TritonParams

    def write(self, package: Package, path: Path, params: TritonParams) -> None:
        """Write the zip; equal packages give equal bytes.

        Raises:
            InvalidRequest: The backend cannot open this model.
        """
        chosen, name = backend_of(package, params.backend), server_name(package)
        backend, home = BACKENDS.get(chosen, PYTHON), f"model_repository/{name}"
        load = load_of(package, params.batching, params.instances, own_threads=chosen == "python")
        inputs, outputs = _names(package, backend.numbered)
        texts = {
            f"{home}/config.pbtxt": _config(package, name, chosen, load),
            **preparing(package, name, load, inputs[0], outputs),
            **({f"{home}/labels.txt": _labels(package)} if _labels(package) else {}),
            **({f"{home}/1/{each}": template(f"triton/{each}") for each in IN_PYTHON if chosen == "python"}),
            "client.py": template("kserve/client.py"),
            "golden.py": template("servers/golden.py"),
            "serve.py": template("triton/serve.py"),
            "model.json": json.dumps(_told(package, name, backend, load), indent=2) + "\n",
            **(_requirements(package) if chosen == "python" or takes_images(package) else {}),
            "README.md": _readme(package, name, chosen, load),
        }
        folder = "build" if chosen == "tensorrt" else f"{home}/1"
        files = {f"{folder}/{each}": file for each, file in model_files(package.artifact).items()}
        kit = f"{home}/1/kit/" if chosen == "python" else ""
        written(path, texts, {} if kit else files, package, kit)


def backend_of(package: Package, wanted: str) -> str:
    """Return the backend to use.

    Raises:
        InvalidRequest: The wanted one cannot open this model.
    """
    runtime, form = package.candidate.recipe.target.runtime_id, package.artifact.format
    if wanted == "auto":
        fits = (n for n, each in BACKENDS.items() if runtime in each.runtimes and form in each.formats)
        return next(fits, "python")
    if wanted != "python" and form not in BACKENDS[wanted].formats:
        opens = " or ".join(BACKENDS[wanted].formats)
        raise InvalidRequest(
            f"Triton's {wanted} backend opens {opens}; this candidate is {form}.",
            hint="Choose the backend auto or python, or a candidate in that format.",
        )
    return wanted


def _names(package: Package, numbered: bool) -> tuple[list[str], list[str]]:
    """Return the names of inputs and outputs as the backend knows them."""
    given = (package.model.inputs, package.model.outputs)
    kinds = zip(given, ("INPUT", "OUTPUT"), strict=True)
    found = [
        [f"{kind}__{at}" if numbered else spec.name for at, spec in enumerate(specs)] for specs, kind in kinds
    ]
    return found[0], found[1]


def _config(package: Package, name: str, chosen: str, load: Load) -> str:
    backend, by_rows = BACKENDS.get(chosen, PYTHON), load.largest > 0
    inputs, outputs = _names(package, backend.numbered)
    labels = {"label_filename": "labels.txt"} if _labels(package) else {}
    made = {
        "name": name,
        **({"platform": "tensorrt_plan"} if chosen == "tensorrt" else {"backend": chosen}),
        "default_model_filename": backend.file or opened(package.artifact),
        "max_batch_size": load.largest,
        "input": [tensor(s, n, by_rows) for s, n in zip(package.model.inputs, inputs, strict=True)],
        "output": [
            tensor(s, n, by_rows, **(labels if at == 0 else {}))
            for at, (s, n) in enumerate(zip(package.model.outputs, outputs, strict=True))
        ],
        **batching(load),
        "instance_group": [{"kind": Word(backend.kind), "count": load.instances}],
        "parameters": parameters(backend.settings(load.threads, package.artifact.options)),
    }
    kept = {key: value for key, value in made.items() if value != []}
    return text(kept, (f"Batches: {load.batches}.", f"Instances: {load.why}."))


def _labels(package: Package) -> str:
    """Return the names of the classes, a line each, where the first output scores them."""
    names, first = (package.data.classes if package.data else ()), package.model.outputs[0]
    scored = len(first.shape) == 2 and first.shape[1] == len(names)
    return "".join(f"{one_line(name)}\n" for name in names) if scored else ""


def _requirements(package: Package) -> dict[str, str]:
    """Return what Python code in the repository imports."""
    names = packages(package, ServiceParams(), (), takes_images(package))
    return {"requirements.txt": requirements(names), "constraints.txt": constraints(names)}


def _told(package: Package, name: str, backend: Backend, load: Load) -> dict[str, Any]:
    """Return what the client needs to know."""
    by_rows, (inputs, outputs) = load.largest > 0, _names(package, backend.numbered)
    sides = ((package.model.inputs, inputs), (package.model.outputs, outputs))
    found = [
        [
            {"name": name, "scalar": len(spec.shape) == int(by_rows)}
            for spec, name in zip(specs, names, strict=True)
        ]
        for specs, names in sides
    ]
    return {"name": name, "inputs": found[0], "outputs": found[1]}


def _readme(package: Package, name: str, chosen: str, load: Load) -> str:
    values = {
        "title": f"{plain(package.model.name)}: {plain(package.candidate.name)}, on Triton",
        "name": name,
        "python": chosen == "python",
        "images": takes_images(package),
        "labels": bool(_labels(package)),
        "output": code(_names(package, BACKENDS.get(chosen, PYTHON).numbered)[1][0]),
        "backend": chosen,
        "tensorrt": chosen == "tensorrt",
        "float": chosen == "openvino" and package.artifact.options.get("precision") != "bf16",
        "batches": load.batches,
        "instances": load.instances,
        "why": load.why,
        "unrun": UNRUN,
    }
    return filled("triton/README.md.j2", values)


PACKAGER = Triton()
