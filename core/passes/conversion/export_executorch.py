"""Export to ExecuTorch: a program whose layers XNNPACK computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.finding import Finding, FindingKind
from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.graphs.torch.executorch import arrays_of, missing_operators, open_program, tensors_of
from core.graphs.torch.modules import is_quantized, open_module, quiet_torch
from core.params import setting
from core.passes.checks import EXAMPLE_BATCH, batches, differ, differences
from core.passes.conversion.fixed_sizes import fixed_sizes
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, outputs
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

EXACT, ROUNDED = 1e-3, 0.25
"""Largest difference from the program, by the output's range. In 8 bits the last digit may be rounded
the other way, and so on from layer to layer, see `export_onnx`."""
HINT = "Take LiteRT or ONNX for this model; ExecuTorch knows fewer operators."
DELEGATED = "executorch_call_delegate"


@dataclass(frozen=True)
class ExportExecutorchParams:
    """How many samples a call may take."""

    largest_batch: int = setting(
        32,
        "Largest batch",
        help="Memory is planned for so many samples. Where the network does not allow it, the batch is 1.",
        low=1,
        high=1024,
    )


class ExportExecutorch(Pass):
    """Lowered to the edge dialect, partitioned for XNNPACK, and compared on ExecuTorch's own runtime.

    Source: ExecuTorch's documentation, Model Export and Lowering, and XNNPACK Backend.
    """

    id = "export_executorch"
    name = "ExecuTorch"
    summary = (
        "Converts to ExecuTorch (.pte) for apps on phones, the successor of PyTorch Mobile; same accuracy."
    )
    learn = Learn(
        does="The network becomes an ExecuTorch program: a fixed plan of operators, most of them handed to "
        "XNNPACK's kernels, which a small C++ runtime runs. It is compared on that runtime.",
        costs="Nothing in accuracy. Memory is planned for a largest batch, and some operators have no "
        "counterpart.",
        choose="For apps on Android and iOS with models from PyTorch. It is the successor of PyTorch Mobile, "
        "which is not developed any more.",
        expect="The same answers; on phones about as fast as LiteRT, whose kernels are the same",
    )
    kind = Kind.CONVERSION
    Params = ExportExecutorchParams
    produces: ClassVar[dict[str, str]] = {"pt2": "pte"}
    converts = True
    starts = ("executorch/data/bin/flatc",)
    libraries = ("torch", "executorch")
    build_s = (12.0, 2.0)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return which operators XNNPACK does not compute."""
        rest = details.get("operators", {})
        if rest:
            named = ", ".join(f"{name} ({count})" for name, count in list(rest.items())[:5])
            yield Finding(
                "not_delegated",
                FindingKind.NOTE,
                f"{sum(rest.values())} operators are not computed by XNNPACK: {named}.",
                "ExecuTorch computes them with its portable kernels, which use one thread and no vectors.",
                "Networks of convolutions and matrix products with usual activations are computed whole.",
            )

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: ExportExecutorchParams
    ) -> LocalArtifact:
        """Lower, save, and compare on ExecuTorch, first with a free batch, then with one of 1.

        Raises:
            PassNotApplicable: The runtime lacks an operator.
            PassFailed: ExecuTorch cannot lower the network.
        """
        path, problem = context.folder / "model.pte", None
        with library("ExecuTorch", context.folder, HINT):
            module = open_module(artifact, context.model)
            allowed = ROUNDED if is_quantized(module) else EXACT
        for most in _batches_allowed(context.model, params):
            try:
                with library("ExecuTorch", context.folder, HINT):
                    details = _attempt(module, context, most, path)
            except PassFailed as error:
                problem = error
                continue
            if details["difference"] <= allowed or most <= 1:
                told = {"allowed": allowed, "largest_batch": most} | fixed_sizes(context.model)
                return LocalArtifact("pte", path, (path,), dict(artifact.options), details | told)
        raise problem or PassFailed("ExecuTorch gave no program.", hint=HINT)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ExportExecutorchParams) -> None:
        """Check that ExecuTorch computes what the program does.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= after.details["allowed"]:
            raise PassFailed(f"On ExecuTorch {differ(after.details)}.", hint=HINT)


def _batches_allowed(model: SourceModel, params: ExportExecutorchParams) -> tuple[int, ...]:
    """Return the largest batches to try in turn; of a fixed one that itself."""
    if model.fixed_batch is not None:
        return (model.fixed_batch,)
    return (params.largest_batch, 1) if params.largest_batch > 1 else (1,)


def _attempt(module: nn.Module, context: PassContext, most: int, path: Path) -> dict[str, Any]:
    """Write a program for batches up to `most`, and return how far it is from `module` and what it holds."""
    free = context.model.fixed_batch is None and most > 1
    with quiet_torch():
        program = _program(module, context, most if free else 0)
        operators = _lower(program, path)
    sizes = [size for size in batches(context) if size <= most] if free else [most]
    pairs = [(outputs(module, context, size), _answers(path, context, size)) for size in sizes]
    return differences(pairs) | operators | {"batches": sizes}


def _program(module: nn.Module, context: PassContext, most: int) -> ExportedProgram:
    """Return the program with a batch of up to `most`, or with the one of an example where that is 0."""
    import torch

    model = context.model
    example = arguments(context, EXAMPLE_BATCH if most else 1)
    batch = torch.export.Dim("batch", min=1, max=most) if most else None
    free = tuple(
        {axis: batch for axis, size in enumerate(spec.shape) if most and size == model.batch_symbol}
        for spec in model.inputs
    )
    return torch.export.export(module, example, dynamic_shapes=free if most else None)


def _lower(program: ExportedProgram, path: Path) -> dict[str, Any]:
    """Write the lowered program, and return what is delegated and which operators are not.

    Raises:
        PassNotApplicable: The runtime lacks an operator.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    # The validity of core ATen is no concern of the runtime's, which is asked for its operators.
    checks = EdgeCompileConfig(_check_ir_validity=False)
    edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()], compile_config=checks)
    built = edge.to_executorch()
    (plan,) = built.executorch_program.execution_plan
    names = [f"{each.name}.{each.overload}" if each.overload else each.name for each in plan.operators]
    if missing := missing_operators(names):
        raise PassNotApplicable(
            f"ExecuTorch's runtime does not have the operator {', '.join(missing)}.", hint=HINT
        )
    with path.open("wb") as file:
        built.write_to_file(file)
    return {"delegates": len(plan.delegates), "operators": _counts(edge.exported_program())}


def _counts(program: ExportedProgram) -> dict[str, int]:
    """Return how many nodes of each operator are left to the portable kernels."""
    found: dict[str, int] = {}
    for node in program.graph.nodes:
        name = getattr(node.target, "__name__", str(node.target)).removeprefix("aten.").partition(".")[0]
        if node.op == "call_function" and DELEGATED not in str(node.target) and name != "getitem":
            found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _answers(path: Path, context: PassContext, batch: int) -> list[Array]:
    method, feed = open_program(path, context.threads), example_feed(context.model, batch, context.seed)
    return arrays_of(method.execute(tensors_of([feed[spec.name] for spec in context.model.inputs])))


PASS = ExportExecutorch()
