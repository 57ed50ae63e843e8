"""PyTorch eager on the CPU: the model as its owner runs it today."""

from __future__ import annotations

from typing import ClassVar

from core.runtimes.torch_session import TorchCpu


class PyTorchEager(TorchCpu):
    """State dicts in their network's code, and exported programs."""

    id: ClassVar[str] = "pytorch"
    name: ClassVar[str] = "PyTorch eager"
    formats: ClassVar[frozenset[str]] = frozenset({"state_dict", "pt2"})
    options: ClassVar[frozenset[str]] = frozenset({"precision"})
    baseline_of: ClassVar[frozenset[str]] = frozenset({"state_dict", "pt2"})


RUNTIME = PyTorchEager()
