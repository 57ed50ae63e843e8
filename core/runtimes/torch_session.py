"""PyTorch CPU inference session, shared by the eager and the TorchScript runtime."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import check, precision, runtime_errors


def _prepare(threads: int) -> None:
    """Set PyTorch's pools to `threads` for one operator and one operator at a time."""
    import torch

    torch.set_num_threads(threads)
    # The pool between operators can be sized only before its first use; none of ours uses it.
    with suppress(RuntimeError):
        torch.set_num_interop_threads(1)


class TorchSession:
    """A module in eval mode, called under `torch.inference_mode`.

    Args:
        name: Of the runtime, for messages.
        module: Takes the model's inputs by position.
        names: Input names in calling order.
        bf16: Run under CPU autocast to bfloat16.
    """

    def __init__(self, name: str, module: Any, names: tuple[str, ...], *, bf16: bool = False) -> None:
        self._name, self._module, self._names, self._bf16 = name, module, names, bf16

    def _call(self, feed: Feed) -> Callable[[], Any]:
        import torch

        tensors = tuple(torch.from_numpy(feed[name].copy()) for name in self._names)
        module, guard = self._module, torch.inference_mode()

        def plain() -> Any:
            with guard:
                return module(*tensors)

        if not self._bf16:
            return plain
        cast = torch.autocast("cpu", dtype=torch.bfloat16)

        def autocast() -> Any:
            with guard, cast:
                return module(*tensors)

        return autocast

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order; bfloat16 comes back as float32.

        Raises:
            RuntimeFailed: PyTorch refuses the feed.
        """
        import torch

        from core.graphs.torch.modules import flatten

        with runtime_errors(self._name, "run"):
            outputs = flatten(self._call(feed)())
            return [
                (value.float() if value.dtype is torch.bfloat16 else value).detach().numpy().copy()
                for value in outputs
            ]

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on tensors made of `feed`.

        Raises:
            RuntimeFailed: PyTorch refuses the feed.
        """
        call = self._call(feed)
        with runtime_errors(self._name, "run"):
            call()
        return call

    def close(self) -> None:
        """Free the module."""
        self._module = None


class TorchCpu(Runtime):
    """Opens what `core.graphs.torch.modules` opens; each runtime names its formats."""

    modules: ClassVar[tuple[str, ...]] = ("torch",)
    start_s: ClassVar[float] = 1.5

    def warm_up(self) -> None:
        """Import PyTorch."""
        import torch  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TorchSession:
        """Load the module of `artifact`.

        Raises:
            RuntimeFailed: Wrong format or option, or PyTorch refuses the file.
        """
        from core.graphs.torch.modules import open_module

        check(self.name, artifact, self.formats, self.options)
        bf16 = precision(self.name, artifact) == "bf16"
        _prepare(target.threads)
        with runtime_errors(self.name, "open"):
            module = open_module(artifact, model)
        return TorchSession(self.name, module, tuple(spec.name for spec in model.inputs), bf16=bf16)
