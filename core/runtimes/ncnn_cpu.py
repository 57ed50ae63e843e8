"""ncnn on the CPU: a small library for phones and boards, here with its kernels for this processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.graphs.ncnn import OPTIONS, Network
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import check, runtime_errors


class NcnnSession:
    """A network, called as its documentation does: an extractor, inputs set, outputs extracted.

    Args:
        network: Loaded.
        names: Input names in the network's order.
    """

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        self._network, self._names = network, names

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: ncnn refuses the feed, such as several samples where the network takes one.
        """
        with runtime_errors(NcnnCpu.name, "run"):
            return self._network.run([feed[name] for name in self._names])

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: ncnn refuses the feed.
        """
        with runtime_errors(NcnnCpu.name, "run"):
            call = self._network.prepare([feed[name] for name in self._names])
            call()
        return call

    def close(self) -> None:
        """Free the network."""
        del self._network


class NcnnCpu(Runtime):
    """ncnn, CPU."""

    id: ClassVar[str] = "ncnn"
    name: ClassVar[str] = "ncnn"
    learn: ClassVar[Learn | None] = Learn(
        does="ncnn runs its own two files with kernels for ARM and x86 processors, computed in FP32 here.",
        costs="Fewer operators than others, and for some networks one sample a call.",
        choose="When the model goes to phones or small boards and the app has to stay small: figures of a "
        "server do not carry over to those.",
        expect="A runtime of one or two megabytes; on servers rarely the fastest",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"ncnn"})
    options: ClassVar[frozenset[str]] = OPTIONS
    modules: ClassVar[tuple[str, ...]] = ("ncnn",)
    no_profile: ClassVar[str] = (
        "ncnn's Python package has no profiler; ncnn built with NCNN_BENCHMARK=ON prints the time of each "
        "layer."
    )

    def warm_up(self) -> None:
        """Import ncnn."""
        import ncnn  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> NcnnSession:
        """Load a ``.param`` file and its weights.

        Raises:
            RuntimeFailed: Wrong format or option, or ncnn refuses the files.
        """
        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            network = Network(artifact.path, artifact.options, target.threads)
        return NcnnSession(network, tuple(spec.name for spec in model.inputs))


RUNTIME = NcnnCpu()
