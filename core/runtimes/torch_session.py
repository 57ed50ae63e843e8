"""PyTorch CPU inference session, shared by the runtimes of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from core.domain.model import SourceModel
from core.domain.profile import LayerProfile
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import check, precision, runtime_errors


def use_threads(threads: int) -> None:
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
        self._name, self._names, self._bf16 = name, names, bf16
        self._entry: Any = module

    def _call(self, feed: Feed) -> Callable[[], Any]:
        import torch

        tensors = tuple(torch.from_numpy(feed[name].copy()) for name in self._names)
        module, guard = self._entry, torch.inference_mode()

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
        self._entry = None


class TorchProfiling(TorchSession):
    """A session that times every operator; see `core.graphs.torch.recorder`."""

    def __init__(self, name: str, module: Any, names: tuple[str, ...], *, bf16: bool = False) -> None:
        from core.graphs.torch.recorder import Recorder, recorded

        self._recorder, self._calls = Recorder(), 0
        super().__init__(name, recorded(module, self._recorder), names, bf16=bf16)

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on tensors made of `feed` that is recorded.

        Raises:
            RuntimeFailed: PyTorch refuses the feed.
        """
        inner, recorder = super().prepare(feed), self._recorder

        def call() -> object:
            self._calls += 1
            recorder.place = 0
            with recorder:
                return inner()

        return call

    def start(self) -> None:
        """Forget the calls made so far."""
        self._recorder.layers.clear()
        self._calls = 0

    def layers(self) -> tuple[LayerProfile, ...]:
        """Return the operators with their times; see `ProfilingSession.layers`."""
        return self._recorder.told(self._calls)


S = TypeVar("S", bound=TorchSession)


class TorchCpu(Runtime):
    """Opens what `core.graphs.torch.modules` opens; each runtime names its formats."""

    modules: ClassVar[tuple[str, ...]] = ("torch",)
    start_s: ClassVar[float] = 1.5
    no_profile: ClassVar[str] = ""

    def warm_up(self) -> None:
        """Import PyTorch."""
        import torch  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TorchSession:
        """Load the module of `artifact`.

        Raises:
            RuntimeFailed: Wrong format or option, or PyTorch refuses the file.
        """
        return self._session(TorchSession, artifact, target, model)

    def open_profiled(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TorchProfiling:
        """Load the module of `artifact` with every operator timed.

        Raises:
            RuntimeFailed: As `open`.
        """
        return self._session(TorchProfiling, artifact, target, model)

    def module(self, artifact: LocalArtifact, model: SourceModel) -> Any:
        """Return what is called, with one tensor for each input."""
        from core.graphs.torch.modules import open_module

        return open_module(artifact, model)

    def _session(self, kind: type[S], artifact: LocalArtifact, target: Target, model: SourceModel) -> S:
        check(self.name, artifact, self.formats, self.options)
        bf16 = precision(self.name, artifact) == "bf16"
        use_threads(target.threads)
        with runtime_errors(self.name, "open"):
            module = self.module(artifact, model)
            names = tuple(spec.name for spec in model.inputs)
            return kind(self.name, module, names, bf16=bf16)
