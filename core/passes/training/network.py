"""Networks that learn: exported programs whose batch norms can be switched between training and inference.

An exported graph has its mode baked into its operators, so the flag of each batch norm is set in the graph.
Weights and statistics go back into the program they came from: its signature and free sizes stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from core.errors import PassFailed, PassNotApplicable
from core.graphs.torch.modules import (
    NORM_MEAN,
    NORM_TRAINS,
    exported_module,
    flatten,
    is_quantized,
    load_exported,
    open_module,
    quiet_torch,
)
from core.passes.checks import batches, distance
from core.passes.conversion.export_pt2 import TOLERANCE
from core.passes.torch_calls import exported, outputs
from core.protocols import Feed, LocalArtifact, PassContext

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram

MOMENTUM = 6
"""Position among the arguments of ``aten.batch_norm``."""
HINT = "Leave this step out, or export the network yourself and upload the .pt2 file."
FEWEST_ROWS = 8
"""In fewer rows a batch norm finds no statistics worth learning by: it keeps those it has."""

State = dict[str, "Tensor"]


class Network:
    """The module of an exported program, ready to learn; call it with one tensor per input.

    Args:
        program: Saved again by `save`, with what was learned.

    Attributes:
        module: Computes as inference does until `learn` is called.
        norms: The graph's batch norms that have running statistics.
        images: Whether it convolves maps: these are then laid out channels last, which is faster.

    Raises:
        PassNotApplicable: There are no weights to learn, or they are integers.
    """

    def __init__(self, program: ExportedProgram) -> None:
        import torch

        self._program = program
        self.module: Any = exported_module(program)
        if is_quantized(self.module):
            raise PassNotApplicable(
                "The layers are in 8 bits already, and integers cannot learn.",
                hint="Train before quantization, or give quantization-aware training more time.",
            )
        graph: Any = self.module.graph
        found = (node for node in graph.nodes if node.target is torch.ops.aten.batch_norm.default)
        self.norms = [node for node in found if node.args[NORM_MEAN] is not None]
        self.parameters = [each for each in self.module.parameters() if each.is_floating_point()]
        if not self.parameters:
            raise PassNotApplicable("The network holds no weights that could learn.", hint="Leave this out.")
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.images = any(parameter.ndim == 4 for parameter in self.parameters)
        if self.images:
            self.module.to(memory_format=torch.channels_last)

    @classmethod
    def opened(cls, artifact: LocalArtifact, context: PassContext) -> Self:
        """Return the network of a ``pt2`` or ``state_dict`` artifact.

        Raises:
            PassNotApplicable: It has no weights.
        """
        if artifact.format == "pt2":
            return cls(load_exported(artifact.path))
        return cls(exported(open_module(artifact, context.model), context))

    def learn(self, norms: bool) -> None:
        """Switch batch norms to the statistics of the batch, where `norms`, else to those they have."""
        self._switch(norms)

    def infer(self) -> None:
        """Compute as inference does."""
        self._switch(False)

    def momentum(self, share: float) -> None:
        """Set how much of a batch's statistics the batch norms take over."""
        for node in self.norms:
            node.update_arg(MOMENTUM, share)
        self.module.recompile()

    def _switch(self, on: bool) -> None:
        wrong = [node for node in self.norms if bool(node.args[NORM_TRAINS]) is not on]
        for node in wrong:
            node.update_arg(NORM_TRAINS, on)
        if wrong:
            self.module.recompile()

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        """Return the outputs in their order."""
        return flatten(self.module(*tensors))

    def tensors(self, feed: Feed, context: PassContext) -> list[Tensor]:
        """Return a feed as tensors in the order of the inputs, laid out as this network is."""
        import torch

        found = [torch.from_numpy(feed[spec.name]) for spec in context.model.inputs]
        if not self.images:
            return found
        last = torch.channels_last
        return [each.contiguous(memory_format=last) if each.ndim == 4 else each for each in found]

    def state(self) -> State:
        """Return a copy of all weights and statistics."""
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def load(self, state: State) -> None:
        """Take over weights and statistics, in place."""
        import torch

        with torch.no_grad():
            for name, value in self.module.state_dict().items():
                value.copy_(state[name])

    def save(self, context: PassContext, options: dict[str, Any], details: dict[str, Any]) -> LocalArtifact:
        """Write the program with what was learned, and return it as an artifact.

        Raises:
            PassFailed: What was written does not compute what was learned.
        """
        import torch

        path, held = context.folder / "model.pt2", self._program.state_dict
        self.infer()
        with quiet_torch():
            for name, value in self.state().items():
                if name in held:
                    held[name].data = value.contiguous()
            torch.export.save(self._program, str(path))
        saved = exported_module(load_exported(path))
        for batch in batches(context):
            found, expected = (outputs(each, context, batch) for each in (saved, self.module))
            if not distance(expected, found) <= TOLERANCE:
                raise PassFailed("The saved program does not compute what was learned.", hint=HINT)
        return LocalArtifact("pt2", path, (path,), options, details)
