"""TorchScript on the CPU, as `torch.jit.load` runs it."""

from __future__ import annotations

from typing import ClassVar

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Availability, LocalArtifact
from core.runtimes.pytorch_eager import TorchSession, prepare_torch
from core.runtimes.support import availability, check, told_by


class TorchScriptCpu:
    """TorchScript, CPU."""

    id: ClassVar[str] = "torchscript"
    name: ClassVar[str] = "TorchScript"
    formats: ClassVar[frozenset[str]] = frozenset({"torchscript"})
    options: ClassVar[frozenset[str]] = frozenset()
    modules: ClassVar[tuple[str, ...]] = ("torch",)

    def available(self) -> Availability:
        """Say whether PyTorch is installed."""
        return availability(self.modules)

    def warm_up(self) -> None:
        """Import PyTorch."""
        import torch  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TorchSession:
        """Load a TorchScript archive.

        Raises:
            RuntimeFailed: Wrong format or option, or PyTorch refuses the file.
        """
        from core.torch_modules import open_module

        check(self.name, artifact, self.formats, self.options)
        prepare_torch(target.threads)
        with told_by(self.name, "open"):
            module = open_module(artifact, model)
        return TorchSession(self.name, module, tuple(spec.name for spec in model.inputs))


RUNTIME = TorchScriptCpu()
