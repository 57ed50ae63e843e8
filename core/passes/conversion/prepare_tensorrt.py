"""Prepare an ONNX model for TensorRT, and write the kit that builds its engine on a GPU."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

import numpy as np

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import OTHER_BATCH, differ, differences
from core.passes.library_errors import library
from core.protocols import Array, Feed, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

HINT = "Use ONNX Runtime's CUDA provider on the plain ONNX file."
SYMMETRIC = "Quantize it with int8_static_ort:activations=int8, which puts 0 in the middle of every range."
TOLERANCE = 1e-3
ALLOWED = {"FP32": 0.01, "FP16": 0.03, "INT8": 0.1}
"""How far the engine's outputs may be from those of the ONNX file on a CPU, relative to their range."""
SCRIPTS = ("build_engine.py", "session.py", "verify.py")
RESTORES = "DequantizeLinear"


@dataclass(frozen=True)
class PrepareTensorrtParams:
    """What batches the engine is built for."""

    batch: int = setting(1, "Usual batch", help="The engine is fastest at this one.", low=1, high=4096)
    most: int = setting(32, "Largest batch", help="The engine takes 1 to this.", low=1, high=4096)


def _script(name: str) -> str:
    return resources.files("core.formats").joinpath("tensorrt_kit", name).read_text(encoding="utf8")


class PrepareTensorrt(Pass):
    """TensorRT 11 takes the precision of each operator from the file, so it is chosen by steps before this.

    Source: NVIDIA's guide to migrating from TensorRT 10 to 11 (strong typing, explicit quantization).
    """

    id = "prepare_tensorrt"
    name = "TensorRT build kit"
    summary = (
        "Writes what builds a TensorRT engine on an NVIDIA GPU: the ONNX file, scripts and expected outputs; "
        "not run on a GPU here."
    )
    learn = Learn(
        does="The ONNX file is checked for what TensorRT takes (8-bit ranges around 0), and is handed over "
        "with the scripts that build its engine, run it and compare its outputs.",
        costs="Nothing in accuracy. An engine has to be built on the GPU that it runs on, in minutes.",
        choose="For NVIDIA GPUs. FP16 needs a graph in FP16 before it, INT8 static INT8 with signed "
        "activations.",
        expect="Not measured by Whetstone: it has not been run on a GPU",
    )
    kind = Kind.CONVERSION
    bridges = True
    # Other scripts make another kit.
    version = crc32("".join(map(_script, SCRIPTS)).encode())
    Params = PrepareTensorrtParams
    produces: ClassVar[dict[str, str]] = {"onnx": "tensorrt"}
    converts = True
    libraries = ("onnx", "onnxruntime")
    build_s = (2.0, 0.5)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: PrepareTensorrtParams
    ) -> LocalArtifact:
        """Check the graph, and write it with scripts, shapes and expected outputs.

        Raises:
            PassNotApplicable: Its quantizers are none that TensorRT takes.
            PassFailed: It does not run on ONNX Runtime.
        """
        path = context.folder / "model.onnx"
        with library("ONNX Runtime", context.folder, HINT):
            model = onnx_files.load(artifact.path)
            precision = _precision(model)
            files = onnx_files.save(model, path)
            feeds = [example_feed(context.model, batch, context.seed) for batch in _batches(context.model)]
            before, after = (_answers(each, feeds, context) for each in (artifact.path, path))
        spec = _spec(model, context.model, params, precision, len(feeds))
        kit = _write(context.folder, spec, feeds, after)
        details = differences(zip(before, after, strict=True)) | {"precision": precision}
        return LocalArtifact("tensorrt", path, (*files, *kit), {}, details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: PrepareTensorrtParams) -> None:
        """Check that the file still computes the same.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"Prepared for TensorRT {differ(after.details)}.", hint=HINT)


def _batches(model: SourceModel) -> tuple[int, ...]:
    return (1, OTHER_BATCH) if model.fixed_batch is None else (model.fixed_batch,)


def _answers(path: Path, feeds: list[Feed], context: PassContext) -> list[list[Array]]:
    opened = onnx_files.session(path, context.threads)
    return [onnx_files.run(opened, feed) for feed in feeds]


def _precision(model: ModelProto) -> str:
    """Return what most of the computation is in, once every quantizer is one that TensorRT takes.

    Raises:
        PassNotApplicable: A range is not around 0, or holds unsigned numbers.
    """
    from onnx import numpy_helper

    held = {each.name: each for graph in onnx_files.graphs(model.graph) for each in graph.initializer}
    quantizers = [node for node in onnx_files.nodes(model) if node.op_type in ("QuantizeLinear", RESTORES)]
    for node in quantizers:
        zero = held.get(node.input[2]) if len(node.input) > 2 else None
        if zero is None or zero.data_type != zero.INT8 or np.any(numpy_helper.to_array(zero)):
            raise PassNotApplicable(
                f"TensorRT takes 8-bit integers with a sign and 0 in the middle, and "
                f"{node.name or 'a quantizer'} of this model has others.",
                hint=SYMMETRIC,
            )
    if quantizers:
        return "INT8"
    halves = sum(each.data_type == each.FLOAT16 for each in held.values())
    return "FP16" if halves > len(held) / 2 else "FP32"


def _spec(
    model: ModelProto, source: SourceModel, params: PrepareTensorrtParams, precision: str, samples: int
) -> dict[str, Any]:
    kept = set(onnx_files.input_names(model))
    known: dict[Any, int | None] = {**source.symbols, source.batch_symbol or "": None}
    sizes = {
        spec.name: [known.get(size, size) for size in spec.shape]
        for spec in source.inputs
        if spec.name in kept
    }
    return {
        "inputs": sizes,
        "outputs": onnx_files.output_names(model),
        "batch": params.batch,
        "most": max(params.batch, params.most),
        "precision": precision,
        "tolerance": ALLOWED[precision],
        "samples": samples,
    }


def _write(folder: Path, spec: dict[str, Any], feeds: list[Feed], answers: list[list[Array]]) -> list[Path]:
    """Write all that belongs to the kit besides the model, and return the files."""
    named = {
        f"{kind}_{sample}_{index}": array
        for sample, (feed, outputs) in enumerate(zip(feeds, answers, strict=True))
        for kind, arrays in (("input", [feed[name] for name in spec["inputs"]]), ("output", outputs))
        for index, array in enumerate(arrays)
    }
    expected = folder / "expected.npz"
    np.savez(expected, **named)  # type: ignore[arg-type]
    texts = {name: _script(name) for name in SCRIPTS}
    texts |= {"engine.json": json.dumps(spec, indent=2) + "\n", "README.md": _guide(spec)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf8")
    return [expected, *(folder / name for name in texts)]


def _guide(spec: dict[str, Any]) -> str:
    """Return the kit's README.md, with the same as one line of NVIDIA's own program."""
    shapes = {
        flag: ",".join(
            f"{name}:{'x'.join(str(batch if size is None else size) for size in sizes)}"
            for name, sizes in spec["inputs"].items()
        )
        for flag, batch in (("min", 1), ("opt", spec["batch"]), ("max", spec["most"]))
    }
    free = any(None in sizes for sizes in spec["inputs"].values())
    quoted = ((flag, shlex.quote(each)) for flag, each in shapes.items())
    profile = "".join(f" \\\n    --{flag}Shapes={each}" for flag, each in quoted) if free else ""
    return GUIDE.format(precision=spec["precision"], tolerance=f"{spec['tolerance']:.0%}", profile=profile)


GUIDE = """\
# TensorRT build kit, {precision}

An engine belongs to the GPU and the version of TensorRT that built it, so it is built where it runs. This kit
was written on a machine without an NVIDIA GPU: ONNX Runtime ran the model there, nobody ran the scripts.

```
python -m venv .venv && .venv/bin/pip install tensorrt torch numpy
.venv/bin/python build_engine.py     # model.engine, and timing.cache for the next build
.venv/bin/python verify.py           # outputs within {tolerance} of the expected ones, and the time there
```

From Python, in this folder: `from session import load; run = load(); outputs = run({{"name": array}})`.

The same with NVIDIA's own program (TensorRT 10 wants `--stronglyTyped` besides, 11 always is):

```
trtexec --onnx=model.onnx --saveEngine=model.engine --timingCacheFile=timing.cache{profile}
```
"""


PASS = PrepareTensorrt()
