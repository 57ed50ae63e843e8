"""Convert an ONNX graph to a PyTorch program, which techniques that train or prune a network work on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.technique import Kind, NoParams
from core.errors import PassFailed, PassNotApplicable, UnsupportedModel
from core.graphs.torch.modules import open_module
from core.passes.checks import batches, differ, differences, onnx_outputs
from core.passes.library_errors import library
from core.passes.torch_calls import exported, outputs, saved
from core.protocols import LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

TOLERANCE = 1e-3
"""Largest difference from ONNX Runtime's outputs, relative to the largest of them."""
HINT = "Upload the network itself as a .pt2 file or a state dict, or use techniques that work on ONNX files."
QUANTIZED_HINT = "Upload the model as it was before it was quantized."


class OnnxToPt2(Pass):
    """Operator by operator, see `core.graphs.torch.from_onnx`; put in only before techniques that need it."""

    id = "onnx_to_pt2"
    name = "PyTorch from ONNX"
    summary = (
        "Makes a PyTorch program of an ONNX file, so that it can be trained and pruned; keeps the accuracy."
    )
    learn = Learn(
        does="The ONNX graph is rebuilt as a PyTorch program, operator by operator.",
        costs="Nothing in accuracy. Operators without a rule are refused.",
        choose="It comes by itself before techniques that train or prune a network that was uploaded as "
        "ONNX.",
        expect="The same answers; in PyTorch slower than as ONNX",
    )
    kind = Kind.CONVERSION
    version = 2
    bridges = True
    leads_back = True
    produces: ClassVar[dict[str, str]] = {"onnx": "pt2"}
    converts = True
    libraries = ("torch", "onnx", "onnxruntime")
    build_s = (6.0, 1.0)

    def requires(self, model: SourceModel, environment: Environment, params: NoParams) -> None:
        """Refuse what is quantized already.

        Raises:
            PassNotApplicable: It is.
        """
        if model.precision == "INT8":
            raise PassNotApplicable(
                "The model is quantized, and whole numbers cannot be trained.", hint=QUANTIZED_HINT
            )

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Convert, save, and compare the loaded file with ONNX Runtime at two batch sizes.

        Raises:
            PassNotApplicable: An operator has no counterpart, or sizes depend on the values that are fed in.
            PassFailed: The program cannot be recorded, or its outputs are others.
        """
        with library("The conversion to PyTorch", context.folder, HINT):
            try:
                module = open_module(artifact, context.model)
                outputs(module, context, batches(context)[-1])  # says more than a failed recording does
            except UnsupportedModel as error:
                raise PassNotApplicable(error.message, hint=error.hint) from error
            program = _recorded(module, context)
            path, found = saved(program, context)
            difference = differences(
                (onnx_outputs(artifact.path, context, batch), each)
                for batch, each in zip(batches(context), found, strict=True)
            )
        details: dict[str, Any] = difference | {"batches": list(batches(context))}
        if fixed := _fixed(program, context.model):
            details["fixed"] = fixed
        return LocalArtifact("pt2", path, (path,), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that the outputs are those of ONNX Runtime.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"Compared with ONNX Runtime {differ(after.details)}.", hint=HINT)


def _recorded(module: nn.Module, context: PassContext) -> ExportedProgram:
    """Return the program with as many free sizes as PyTorch can reason about, the batch at least."""
    try:
        return exported(module, context, insist=False)
    except Exception:  # such as of the levels of a feature pyramid, whose sizes are rounded
        model = context.model
        known: dict[int | str, int | str] = dict(model.symbols.items())
        known.pop(model.batch_symbol or "", None)
        inputs = tuple(
            replace(spec, shape=tuple(known.get(size, size) for size in spec.shape)) for spec in model.inputs
        )
        return exported(module, replace(context, model=replace(model, inputs=inputs)), insist=False)


def _fixed(program: ExportedProgram, model: SourceModel) -> dict[str, str]:
    """Return the inputs with sizes that the recording took for constant, with all their sizes."""
    names = program.graph_signature.user_inputs
    shapes = {node.name: node.meta["val"].shape for node in program.graph.nodes if node.name in names}
    found = {}
    for spec, name in zip(model.inputs, names, strict=True):
        pairs = list(zip(spec.shape, shapes[name], strict=True))
        if any(isinstance(size, str) and isinstance(now, int) for size, now in pairs):
            found[spec.name] = " x ".join(str(now if isinstance(now, int) else size) for size, now in pairs)
    return found


PASS = OnnxToPt2()
