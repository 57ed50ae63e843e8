"""LiteRT (once TensorFlow Lite) on the CPU, with its XNNPACK kernels: what phones and small boards run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.graphs.tflite.interpreter import CHANNELS_LAST, Runner, in_layout, open_file
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import check, runtime_errors


class LiteRtSession:
    """An interpreter, called as everybody calls it: inputs set, invoked.

    What a file takes or returns as scaled whole numbers goes in and comes out as real ones.
    """

    def __init__(self, runner: Runner, options: Mapping[str, Any]) -> None:
        self._runner, self._options = runner, options

    def _call(self, feed: Feed) -> Callable[[], object]:
        runner = self._runner
        given = runner.of(in_layout(list(feed.values()), self._options))
        arrays = [port.stored(array) for port, array in zip(runner.inputs, given, strict=True)]

        def call() -> object:
            runner.feed(arrays)
            return runner.interpreter.invoke()

        return call

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: LiteRT refuses the feed, such as another batch than the file was made for.
        """
        with runtime_errors(LiteRtCpu.name, "run"):
            self._call(feed)()
            return self._runner.answers()

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: LiteRT refuses the feed.
        """
        with runtime_errors(LiteRtCpu.name, "run"):
            call = self._call(feed)
            call()
        return call

    def close(self) -> None:
        """Free the interpreter."""
        del self._runner


class LiteRtCpu(Runtime):
    """LiteRT, CPU."""

    id: ClassVar[str] = "litert"
    name: ClassVar[str] = "LiteRT"
    learn: ClassVar[Learn | None] = Learn(
        does="LiteRT (TensorFlow Lite) runs a compact file with XNNPACK's kernels.",
        costs="The batch is fixed, and the conversion takes an environment of its own.",
        choose="When the model goes to phones or small boards: figures of a server do not carry over to "
        "those.",
        expect="Small files and a small runtime; on servers rarely the fastest",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"tflite"})
    options: ClassVar[frozenset[str]] = frozenset({CHANNELS_LAST})
    modules: ClassVar[tuple[str, ...]] = ("ai_edge_litert",)
    baseline_of: ClassVar[frozenset[str]] = frozenset({"tflite"})
    no_profile: ClassVar[str] = (
        "LiteRT's Python package has no access to the profiler of its interpreter; its program "
        "benchmark_model shows the time of each layer with --enable_op_profiling=true."
    )

    def warm_up(self) -> None:
        """Import LiteRT's interpreter."""
        import ai_edge_litert.interpreter  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> LiteRtSession:
        """Load a ``.tflite`` file.

        Raises:
            RuntimeFailed: Wrong format or option, or LiteRT refuses the file.
        """
        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            interpreter = open_file(artifact.path, target.threads)
            interpreter.allocate_tensors()
            return LiteRtSession(Runner(interpreter), artifact.options)


RUNTIME = LiteRtCpu()
