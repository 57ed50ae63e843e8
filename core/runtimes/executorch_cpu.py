"""ExecuTorch on the CPU, with XNNPACK's kernels: what apps on phones run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import check, runtime_errors


class ExecutorchSession:
    """A method of a program, called as its documentation does: `method.execute(tensors)`.

    Args:
        method: Of `core.graphs.torch.executorch.open_program`.
        names: Input names in calling order.
    """

    def __init__(self, method: Any, names: tuple[str, ...]) -> None:
        self._method, self._names = method, names

    def _call(self, feed: Feed) -> Callable[[], Any]:
        from core.graphs.torch.executorch import tensors_of

        tensors, method = tensors_of([feed[name] for name in self._names]), self._method
        return lambda: method.execute(tensors)

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: ExecuTorch refuses the feed, such as a batch above the largest.
        """
        from core.graphs.torch.executorch import arrays_of

        with runtime_errors(ExecutorchCpu.name, "run"):
            return arrays_of(self._call(feed)())

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: ExecuTorch refuses the feed.
        """
        with runtime_errors(ExecutorchCpu.name, "run"):
            call = self._call(feed)
            call()
        return call

    def close(self) -> None:
        """Free the program."""
        self._method = None


class ExecutorchCpu(Runtime):
    """ExecuTorch, CPU."""

    id: ClassVar[str] = "executorch"
    name: ClassVar[str] = "ExecuTorch"
    learn: ClassVar[Learn | None] = Learn(
        does="ExecuTorch runs a program that was planned ahead, with XNNPACK's kernels for the processor.",
        costs="The batch has an upper bound, and operators outside of XNNPACK are slow.",
        choose="When a model from PyTorch goes into an app: it is the successor of PyTorch Mobile. Figures "
        "of a server do not carry over to phones.",
        expect="A small runtime without Python; on servers rarely the fastest",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"pte"})
    modules: ClassVar[tuple[str, ...]] = ("executorch", "torch")
    start_s: ClassVar[float] = 2.0
    no_profile: ClassVar[str] = (
        "ExecuTorch's Python package is built without its event tracer; its developer tools (ETDump and "
        "Inspector) show the time of each operator with a runtime built for it."
    )

    def warm_up(self) -> None:
        """Import ExecuTorch's runtime, which its Python package feeds with PyTorch's tensors."""
        import executorch.runtime  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> ExecutorchSession:
        """Load a ``.pte`` file.

        Raises:
            RuntimeFailed: Wrong format or option, or ExecuTorch refuses the file.
        """
        from core.graphs.torch.executorch import open_program

        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            method = open_program(artifact.path, target.threads)
        return ExecutorchSession(method, tuple(spec.name for spec in model.inputs))


RUNTIME = ExecutorchCpu()
