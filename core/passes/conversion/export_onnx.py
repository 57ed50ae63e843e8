"""Export a PyTorch model to ONNX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.checks import standard
from core.graphs.onnx.opsets import NEWEST, OLDEST, in_opset
from core.params import setting
from core.passes.checks import EXAMPLE_BATCH, batches, differ, differences, onnx_outputs
from core.passes.conversion.fallback import fallback_findings, fell_back
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, dynamic_shapes, outputs
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

TOLERANCE = 1e-3
ROUNDED = 0.25
"""The same of programs in 8 bits: what differs in its last digit may be rounded to another integer, and so on
from layer to layer, up to the noise of rounding itself: 6 % in a deep network with random weights. A wrong
scale or axis gives more."""
BY_DYNAMO, BY_TRACER = (18, 23), 20
"""Operator sets that the exporters write themselves, first and last, and last; others are converted."""
DOUBLE_HINT = "The model computes in double precision, which few runtimes do: save model.float() instead."
HINT = "Export the model to ONNX yourself and upload that file, or choose a PyTorch runtime."


@dataclass(frozen=True)
class ExportOnnxParams:
    """How to export."""

    opset: int = setting(
        18,
        "Operator set",
        help="18 suits every runtime here. Older readers want 13 to 17, newer operators come up to 24.",
        low=OLDEST,
        high=NEWEST,
    )


class ExportOnnx(Pass):
    """The dynamo exporter first, the TorchScript exporter where it does not; scripts the other way."""

    id = "export_onnx"
    name = "ONNX"
    summary = (
        "Converts the network to ONNX, which other runtimes and the quantizers read; keeps the accuracy."
    )
    learn = Learn(
        does="The network is recorded as an ONNX graph, with its weights, and the outputs of both are "
        "compared.",
        costs="Nothing in accuracy. Python code that depends on values cannot be recorded.",
        choose="It comes by itself wherever a runtime or technique reads ONNX.",
        expect="The same answers; 1.5 to 4 times faster than PyTorch eager on ONNX Runtime or OpenVINO",
    )
    kind = Kind.CONVERSION
    bridges = True
    Params = ExportOnnxParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "onnx", "pt2": "onnx", "torchscript": "onnx"}
    converts = True
    libraries = ("torch", "onnx", "onnxscript", "onnxruntime")
    weights_held = 5.0
    build_s = (6.0, 2.0)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return whether the preferred way failed."""
        return fallback_findings(self.name, details)

    def run(self, context: PassContext, artifact: LocalArtifact, params: ExportOnnxParams) -> LocalArtifact:
        """Export with the first exporter whose file answers as the module does.

        Raises:
            PassFailed: None does.
        """
        from core.graphs.torch.modules import is_quantized, open_module

        module = open_module(artifact, context.model)
        with library("PyTorch", context.folder, HINT):
            expected = {batch: outputs(module, context, batch) for batch in batches(context)}
        allowed = ROUNDED if is_quantized(module) else TOLERANCE
        problems = []
        for name, export in _exporters(module, artifact.format):
            try:
                files, found = _attempt(export, context, params, expected, allowed)
            except PassFailed as error:
                problems.append((f"{name}: {error.message}", error.traceback))
                continue
            details = found | {"exporter": name, "batches": list(expected)} | _counts(files[0])
            told = fell_back(name, [words for words, _ in problems])
            details |= {"allowed": allowed} if allowed > TOLERANCE else {}
            return LocalArtifact("onnx", files[0], files, {}, details | told)
        words, traces = zip(*problems, strict=True)
        double = any(spec.dtype == "float64" for spec in context.model.inputs)
        raise PassFailed(
            f"No exporter delivered. {' '.join(words)}",
            hint=DOUBLE_HINT if double else HINT,
            traceback="\n".join(traces),
        )

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportOnnxParams) -> None:
        """Check that outputs are the module's and that the file is complete.

        Raises:
            PassFailed: They are not.
        """
        model = onnx_files.load(after.path, weights=False)
        if not after.details["difference"] <= after.details.get("allowed", TOLERANCE):
            raise PassFailed("The exported graph does not compute what the module does.", hint=HINT)
        if onnx_files.opset(model) != params.opset or not model.graph.node:
            raise PassFailed("The exported file is not complete.", hint=HINT)


Exporter = Callable[[PassContext, int, Path], None]


def _exporters(module: nn.Module, format: str) -> Iterator[tuple[str, Exporter]]:
    if format != "torchscript":
        yield "dynamo", lambda context, opset, path: _dynamo(module, context, opset, path)
    yield "torchscript", lambda context, opset, path: _torchscript(module, context, opset, path)
    if format == "torchscript":
        yield "converter", lambda context, opset, path: _converted(module, context, opset, path)


def _attempt(
    export: Exporter,
    context: PassContext,
    params: ExportOnnxParams,
    expected: dict[int, list[Array]],
    allowed: float,
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    path = context.folder / "model.onnx"
    with library("The exporter", context.folder, HINT):
        raw = context.folder / ".exported.onnx"
        try:
            export(context, params.opset, raw)
            model = onnx_files.load(raw)
        finally:
            for left in context.folder.glob(".exported.onnx*"):
                left.unlink()
        problems = []
        for each in in_opset(model, params.opset):
            try:
                return _compared(each, path, context, expected, allowed)
            except Exception as error:  # the other converter may do better
                problems.append(error)
        raise problems[0]


def _compared(
    model: ModelProto, path: Path, context: PassContext, expected: dict[int, list[Array]], allowed: float
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """Save a graph, and return its files where it answers as the module does.

    Raises:
        PassFailed: It does not.
    """
    _tidy(model, context.model)
    files = onnx_files.save(model, path)
    found = differences((outputs, onnx_outputs(path, context, batch)) for batch, outputs in expected.items())
    if found["difference"] == float("inf"):
        raise PassFailed("Its outputs have other shapes than the module's, or are not finite.", hint=HINT)
    if not found["difference"] <= allowed:
        raise PassFailed(f"Compared with the module {differ(found)}.", hint=HINT)
    return files, found


def _dynamo(module: nn.Module, context: PassContext, opset: int, path: Path) -> None:
    import torch

    torch.onnx.export(
        module,
        arguments(context, EXAMPLE_BATCH),
        str(path),
        input_names=[spec.name for spec in context.model.inputs],
        output_names=[spec.name for spec in context.model.outputs],
        dynamic_shapes=dynamic_shapes(context.model),
        opset_version=min(max(opset, BY_DYNAMO[0]), BY_DYNAMO[1]),
        dynamo=True,
        verbose=False,
        external_data=_is_large(module),
    )


def _is_large(module: nn.Module) -> bool:
    """Whether the weights do not fit into one file with the graph."""
    held = (*module.parameters(), *module.buffers())
    return sum(each.numel() * each.element_size() for each in held) >= onnx_files.SINGLE_FILE_LIMIT


def _torchscript(module: nn.Module, context: PassContext, opset: int, path: Path) -> None:
    import torch

    specs = (*context.model.inputs, *context.model.outputs)
    axes = {
        spec.name: {axis: size for axis, size in enumerate(spec.shape) if isinstance(size, str)}
        for spec in specs
    }
    torch.onnx.export(
        module,
        arguments(context, EXAMPLE_BATCH),
        str(path),
        input_names=[spec.name for spec in context.model.inputs],
        output_names=[spec.name for spec in context.model.outputs],
        dynamic_axes={name: found for name, found in axes.items() if found},
        opset_version=min(opset, BY_TRACER),
        dynamo=False,
    )


def _converted(script: Any, context: PassContext, opset: int, path: Path) -> None:
    """Export by way of torch.export, which knows the ranks that a script's graph does not record.

    The TorchScript exporter needs them to transpose, as `nn.MultiheadAttention` does.
    """
    import torch
    from torch._export.converter import TS2EPConverter

    program = TS2EPConverter(script, arguments(context, EXAMPLE_BATCH), {}).convert()
    torch.onnx.export(
        program,
        f=str(path),
        input_names=[spec.name for spec in context.model.inputs],
        output_names=[spec.name for spec in context.model.outputs],
        opset_version=min(max(opset, BY_DYNAMO[0]), BY_DYNAMO[1]),
        dynamo=True,
        verbose=False,
        external_data=False,
    )


def _tidy(model: ModelProto, source: SourceModel) -> None:
    """Give inputs and outputs the names and symbols of the source, and drop what confuses quantizers."""
    onnx_edits.drop_shapes(model)
    onnx_edits.drop_weight_inputs(model)
    _drop_nothings(model)
    onnx_edits.name_nodes(model)
    renamed: dict[str, str] = {}
    specs = {spec.name: spec for spec in (*source.inputs, *source.outputs)}
    for value in (*model.graph.input, *model.graph.output):
        spec = specs.get(value.name)
        for size, dim in zip(spec.shape if spec else (), value.type.tensor_type.shape.dim, strict=False):
            if isinstance(size, int):
                dim.dim_value = size  # the converter takes all sizes for free
            elif dim.HasField("dim_param"):
                dim.dim_param = renamed.setdefault(dim.dim_param, size)


def _drop_nothings(model: ModelProto) -> None:
    """Drop outputs that are always None, such as the auxiliary ones of a scripted GoogLeNet in eval mode."""
    kept = [value for value in model.graph.output if value.type.WhichOneof("value") != "optional_type"]
    nothings = set(onnx_files.output_names(model)) - {value.name for value in kept}
    nodes = [node for node in model.graph.node if nothings.isdisjoint(node.output)]
    if nothings:
        del model.graph.output[:], model.graph.node[:]
        model.graph.output.extend(kept)
        model.graph.node.extend(nodes)


def _counts(path: Path) -> dict[str, Any]:
    model = onnx_files.load(path, weights=False)
    counts = {"opset": onnx_files.opset(model), "nodes": sum(onnx_files.count_ops(model).values())}
    problem = standard(path)
    return counts | ({"checker": problem} if problem else {})


PASS = ExportOnnx()
