"""TorchScript on the CPU, as `torch.jit.load` runs it."""

from __future__ import annotations

from typing import ClassVar

from core.runtimes.torch_session import TorchCpu


class TorchScriptCpu(TorchCpu):
    """TorchScript archives."""

    id: ClassVar[str] = "torchscript"
    name: ClassVar[str] = "TorchScript"
    formats: ClassVar[frozenset[str]] = frozenset({"torchscript"})
    options: ClassVar[frozenset[str]] = frozenset()


RUNTIME = TorchScriptCpu()
