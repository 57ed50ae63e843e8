"""ExecuTorch programs, opened and called through its Python runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.protocols import Array

METHOD = "forward"


def open_program(path: Path, threads: int) -> Any:
    """Return the method of a ``.pte`` file, computing on exactly `threads` threads of this process.

    Raises:
        RuntimeError: ExecuTorch refuses the file.
    """
    import executorch.extension.pybindings.portable_lib as library
    from executorch.runtime import Runtime

    # The pool is the process's. XNNPACK has its own thread in it, the calling one.
    library._unsafe_reset_threadpool(threads)
    program = Runtime.get().load_program(path)
    method = program.load_method(METHOD)
    return _Kept(program, method)


class _Kept:
    """A method with the program that it lies in, which has to stay as long."""

    def __init__(self, program: Any, method: Any) -> None:
        self._program, self._method = program, method

    def execute(self, tensors: Sequence[Any]) -> Any:
        return self._method.execute(tensors)


def tensors_of(arrays: Sequence[Array]) -> tuple[Any, ...]:
    """Return tensors with memory of their own."""
    import torch

    return tuple(torch.from_numpy(array.copy()) for array in arrays)


def arrays_of(outputs: Sequence[Any]) -> list[Array]:
    """Return outputs as arrays with memory of their own."""
    return [each.numpy().copy() for each in outputs]


def missing_operators(needed: Sequence[str]) -> list[str]:
    """Return which operators, such as ``aten::sort.values``, ExecuTorch's runtime does not have here."""
    from executorch.runtime import Runtime

    known = Runtime.get().operator_registry.operator_names
    return sorted(set(needed) - known)
