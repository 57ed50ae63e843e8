"""PyTorch eager on the CPU: the model as its owner runs it today."""

from __future__ import annotations

from typing import ClassVar

from core.domain.learn import Learn
from core.runtimes.torch_session import TorchCpu


class PyTorchEager(TorchCpu):
    """State dicts in their network's code, and exported programs."""

    id: ClassVar[str] = "pytorch"
    name: ClassVar[str] = "PyTorch eager"
    learn: ClassVar[Learn | None] = Learn(
        does="PyTorch runs the network operator by operator, as its Python code or an exported graph says.",
        costs="Python's overhead for each operator, and no fusion of layers.",
        choose="As the baseline: it is how most models run before anybody optimizes them.",
        expect="1, by definition, for PyTorch uploads",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"state_dict", "pt2"})
    options: ClassVar[frozenset[str]] = frozenset({"precision"})
    baseline_of: ClassVar[frozenset[str]] = frozenset({"state_dict", "pt2"})


RUNTIME = PyTorchEager()
