"""TorchScript on the CPU, as `torch.jit.load` runs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.protocols import Idea, LocalArtifact
from core.runtimes.torch_session import TorchCpu

OPTIMIZE = "optimize_for_inference"


class TorchScriptCpu(TorchCpu):
    """TorchScript archives."""

    id: ClassVar[str] = "torchscript"
    name: ClassVar[str] = "TorchScript"
    learn: ClassVar[Learn | None] = Learn(
        does="PyTorch's own interpreter runs a recorded graph without Python, and fuses some operators.",
        costs="PyTorch has deprecated it, and does not develop it any more.",
        choose="When the model stays with LibTorch.",
        expect="1 to 1.5 times faster than eager",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"torchscript"})
    options: ClassVar[frozenset[str]] = frozenset({OPTIMIZE})
    baseline_of: ClassVar[frozenset[str]] = frozenset({"torchscript"})

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the bare conversion."""
        return (Idea(1, 200, self.id),)

    def module(self, artifact: LocalArtifact, model: SourceModel) -> Any:
        """Return the script, optimized where the artifact asks for it: no file can hold what that makes."""
        import torch

        script = super().module(artifact, model)
        return torch.jit.optimize_for_inference(script) if artifact.options.get(OPTIMIZE) else script


RUNTIME = TorchScriptCpu()
