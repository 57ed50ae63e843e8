"""TorchScript on the CPU, as `torch.jit.load` runs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.protocols import Idea
from core.runtimes.torch_session import TorchCpu


class TorchScriptCpu(TorchCpu):
    """TorchScript archives."""

    id: ClassVar[str] = "torchscript"
    name: ClassVar[str] = "TorchScript"
    formats: ClassVar[frozenset[str]] = frozenset({"torchscript"})
    baseline_of: ClassVar[frozenset[str]] = frozenset({"torchscript"})

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the bare conversion."""
        return (Idea(1, 200, self.id),)


RUNTIME = TorchScriptCpu()
