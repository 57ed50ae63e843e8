"""LiteRT (once TensorFlow Lite) on the CPU, with its XNNPACK kernels: what phones and small boards run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import arrange, as_numpy, check, runtime_errors


class LiteRtSession:
    """An interpreter, called as everybody calls it: inputs set, invoked.

    Files of litert-torch have a signature whose names end in the position: ``args_0``, ``output_0``.
    """

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        runner = interpreter.get_signature_runner()
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        self._inputs = [inputs[name] for name in sorted(inputs, key=_position)]
        self._outputs = [outputs[name]["index"] for name in sorted(outputs, key=_position)]
        self._shapes: tuple[tuple[int, ...], ...] = ()

    def _call(self, feed: Feed) -> Callable[[], object]:
        wanted = [(str(each["name"]), each["dtype"]) for each in self._inputs]
        arrays = arrange(feed, wanted)
        places = [(each["index"], arrays[str(each["name"])]) for each in self._inputs]
        interpreter, shapes = self._interpreter, tuple(array.shape for _, array in places)

        def call() -> object:
            if shapes != self._shapes:
                self._reshape(places)
            for index, array in places:
                interpreter.set_tensor(index, array)
            return interpreter.invoke()

        return call

    def _reshape(self, places: list[tuple[int, Array]]) -> None:
        """Make room for inputs of these shapes; most exporters leave no size free, and others are refused."""
        for index, array in places:
            self._interpreter.resize_tensor_input(index, array.shape, strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = tuple(array.shape for _, array in places)

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: LiteRT refuses the feed, such as another batch than the file was made for.
        """
        with runtime_errors(LiteRtCpu.name, "run"):
            self._call(feed)()
            return as_numpy([self._interpreter.get_tensor(index) for index in self._outputs])

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: LiteRT refuses the feed.
        """
        call = self._call(feed)
        with runtime_errors(LiteRtCpu.name, "run"):
            call()
        return call

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


def _position(name: str) -> tuple[int, str]:
    number = name.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, name)


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
    modules: ClassVar[tuple[str, ...]] = ("ai_edge_litert",)
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
        from ai_edge_litert.interpreter import Interpreter

        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            interpreter = Interpreter(model_path=str(artifact.path), num_threads=target.threads)
            interpreter.allocate_tensors()
            return LiteRtSession(interpreter)


RUNTIME = LiteRtCpu()
