"""Export a network out of its Python code with torch.export, so that its file runs without that code."""

from __future__ import annotations

from typing import ClassVar

from core.domain.learn import Learn
from core.domain.technique import Kind, NoParams
from core.errors import PassFailed
from core.graphs.torch.modules import open_module
from core.passes.checks import differences
from core.passes.library_errors import library
from core.passes.torch_calls import answers, exported, saved
from core.protocols import LocalArtifact, Pass, PassContext

TOLERANCE = 1e-3
HINT = "Export the network yourself with torch.export and upload the .pt2 file."


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
        module = open_module(artifact, context.model)
        with library("torch.export", context.folder, HINT):
            path, found = saved(exported(module, context), context)
            expected = answers(module, context)
        details = differences(zip(expected, found, strict=True))
        return LocalArtifact("pt2", path, (path,), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that the outputs are the network's.

        Raises:
            PassFailed: They are not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed("The exported program computes something else than the network.", hint=HINT)


PASS = ExportPt2()
