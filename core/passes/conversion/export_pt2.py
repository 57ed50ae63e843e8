"""Export a network out of its Python code with torch.export, so that its file runs without that code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.learn import Learn
from core.domain.technique import Kind, NoParams
from core.errors import PassFailed
from core.graphs.torch.modules import exported_module, load_exported, open_module, quiet_torch
from core.passes.checks import EXAMPLE_BATCH, batches, distance
from core.passes.library_errors import library
from core.passes.torch_calls import arguments, dynamic_shapes, outputs
from core.protocols import Array, LocalArtifact, Pass, PassContext

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

TOLERANCE = 1e-3
HINT = "Export the network yourself with torch.export and upload the .pt2 file."


def exported(module: nn.Module, context: PassContext, insist: bool = True) -> ExportedProgram:
    """Return the exported program of `module`, its symbolic sizes kept symbolic.

    Args:
        module: Takes the model's inputs by position.
        context: Holds the model.
        insist: Whether a size that cannot stay symbolic is an error; else only the batch must.
    """
    import torch

    with quiet_torch():
        example = arguments(context, EXAMPLE_BATCH)
        return torch.export.export(module, example, dynamic_shapes=dynamic_shapes(context.model, insist))


class ExportPt2(Pass):
    """PyTorch eager then runs the graph as it runs an uploaded .pt2 file (torch.export's documentation)."""

    id = "export_pt2"
    name = "torch.export"
    summary = "Records the network as a graph that PyTorch runs without its Python code; keeps the accuracy."
    learn = Learn(
        does="The network is recorded by torch.export: one graph of basic operators with its weights, "
        "without Python code.",
        costs="Nothing in accuracy. Code that depends on values cannot be recorded.",
        choose="It comes by itself before techniques that work on the network. Further compilers of PyTorch "
        "start there.",
        expect="The same answers, about the same speed as eager",
    )
    kind = Kind.CONVERSION
    bridges = True
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2"}
    converts = True
    libraries = ("torch",)
    build_s = (5.0, 1.0)

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Export, save, and compare the loaded file with the network at every batch size.

        Raises:
            PassFailed: The export breaks, or its outputs are others.
        """
        import torch

        module, path = open_module(artifact, context.model), context.folder / "model.pt2"
        with library("torch.export", context.folder, HINT):
            torch.export.save(exported(module, context), str(path))
            expected = _answers(module, context)
            found = _answers(exported_module(load_exported(path)), context)
        difference = max(distance(*pair) for pair in zip(expected, found, strict=True))
        return LocalArtifact("pt2", path, (path,), dict(artifact.options), {"difference": difference})

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that the outputs are the network's.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed("The exported program computes something else than the network.", hint=HINT)


def _answers(module: Any, context: PassContext) -> list[list[Array]]:
    return [outputs(module, context, batch) for batch in batches(context)]


PASS = ExportPt2()
