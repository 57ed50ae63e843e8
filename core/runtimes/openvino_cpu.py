"""OpenVINO with its CPU plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.profile import LayerProfile
from core.domain.recipe import Target
from core.protocols import Array, Feed, Idea, LocalArtifact, Runtime
from core.runtimes.availability import arrange, as_numpy, check, precision, runtime_errors
from core.runtimes.profiling.openvino_layers import executed
from core.runtimes.tensors.openvino_tensors import OpenVinoTensors

Shapes = tuple[tuple[int, ...], ...]


class OpenVinoSession:
    """A model compiled for the shapes it is fed with, as OpenVINO's guide recommends.

    The target's shapes are compiled when the model is opened; of other shapes only the latest stay
    compiled. Call `prepare` once per feed, then the call holds the request with its tensors set.
    """

    def __init__(self, core: Any, model: Any, settings: dict[str, Any], shapes: Shapes) -> None:
        self._core, self._model, self._settings, self._home = core, model, settings, shapes
        self._compiled: dict[Shapes, tuple[Any, Any]] = {}
        self._wanted = [(port.any_name, port.element_type.to_dtype()) for port in _named(model)]
        self._compile(shapes)

    def _compile(self, shapes: Shapes) -> tuple[Any, Any]:
        """Return the model compiled for `shapes` and the request that `run` uses."""
        if shapes not in self._compiled:
            self._compiled = {key: kept for key, kept in self._compiled.items() if key == self._home}
            with runtime_errors(OpenVinoCpu.name, "compile"):
                compiled = self._core.compile_model(self._shaped(shapes), "CPU", self._settings)
                self._compiled[shapes] = (compiled, compiled.create_infer_request())
        return self._compiled[shapes]

    def _shaped(self, shapes: Shapes) -> Any:
        if not any(port.partial_shape.is_dynamic for port in self._model.inputs):
            return self._model
        model = self._model.clone()
        model.reshape(dict(enumerate(map(list, shapes))))
        return model

    def _arrays(self, feed: Feed) -> tuple[list[Array], Shapes]:
        arrays = list(arrange(feed, self._wanted).values())
        return arrays, tuple(array.shape for array in arrays)

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: OpenVINO refuses the feed.
        """
        arrays, shapes = self._arrays(feed)
        _, request = self._compile(shapes)
        with runtime_errors(OpenVinoCpu.name, "run"):
            _set(request, arrays)
            return as_numpy(list(request.infer().values()))

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on tensors made of `feed`.

        Raises:
            RuntimeFailed: OpenVINO refuses the feed.
        """
        arrays, shapes = self._arrays(feed)
        compiled, _ = self._compile(shapes)
        with runtime_errors(OpenVinoCpu.name, "run"):
            request = compiled.create_infer_request()
            _set(request, arrays)
            request.infer()
        call: Callable[[], object] = request.infer
        return call

    def close(self) -> None:
        """Free the compiled models."""
        self._compiled, self._model, self._core = {}, None, None


class OpenVinoProfiling(OpenVinoSession):
    """A session that counts the time of each executed step.

    The plugin tells the mean of all calls since the model was compiled, in whole microseconds: what the
    calls to warm up had of it is taken off, and what two roundings down lose on average is added.
    """

    LOST_MS = 1e-3

    def __init__(self, core: Any, model: Any, settings: dict[str, Any], shapes: Shapes) -> None:
        super().__init__(core, model, settings | {"PERF_COUNT": True}, shapes)
        self._calls, self._before, self._warm = 0, 0, dict[str, float]()
        self._shapes: Shapes = shapes
        self._request: Any = None

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call that is counted; see `OpenVinoSession.prepare`."""
        arrays, self._shapes = self._arrays(feed)
        compiled, _ = self._compile(self._shapes)
        with runtime_errors(OpenVinoCpu.name, "run"):
            request = self._request = compiled.create_infer_request()
            _set(request, arrays)

        def call() -> object:
            self._calls += 1
            return request.infer()

        self._calls = 0
        call()
        return call

    def start(self) -> None:
        """Forget the calls made so far."""
        self._before, self._warm = self._calls, self._sums()

    def layers(self) -> tuple[LayerProfile, ...]:
        """Return the layers with their times; see `ProfilingSession.layers`."""
        calls = max(1, self._calls - self._before)
        times = {
            name: max(0.0, total - self._warm.get(name, 0.0)) / calls + self.LOST_MS
            for name, total in self._sums().items()
        }
        compiled, _ = self._compile(self._shapes)
        return executed(times, compiled, self._shaped(self._shapes))

    def _sums(self) -> dict[str, float]:
        """Return the milliseconds of each step over all calls."""
        return {
            step.node_name: 1000 * step.real_time.total_seconds() * self._calls
            for step in self._request.get_profiling_info()
            if step.status == step.Status.EXECUTED
        }


def _set(request: Any, arrays: list[Array]) -> None:
    import openvino

    for index, array in enumerate(arrays):
        request.set_input_tensor(index, openvino.Tensor(array))


def _named(model: Any) -> list[Any]:
    """Return the input ports; one without a name, as some converters leave them, gets one."""
    for index, port in enumerate(model.inputs):
        if not port.names:
            port.get_tensor().set_names({f"input_{index}"})
    return list(model.inputs)


class OpenVinoCpu(Runtime):
    """OpenVINO, CPU."""

    id: ClassVar[str] = "openvino"
    name: ClassVar[str] = "OpenVINO"
    learn: ClassVar[Learn | None] = Learn(
        does="OpenVINO compiles the graph for the processor when it loads it: fused layers, layouts that "
        "suit the vectors, BF16 where there are instructions for it.",
        costs="A longer load than ONNX Runtime's. It is at its best on Intel's processors.",
        choose="For x86 and ARM processors when latency counts, above all with INT8 or BF16.",
        expect="1.5 to 4 times faster than PyTorch eager in FP32, 3 to 10 times with INT8 or BF16",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"onnx", "openvino"})
    options: ClassVar[frozenset[str]] = frozenset({"precision"})
    modules: ClassVar[tuple[str, ...]] = ("openvino",)
    baseline_of: ClassVar[frozenset[str]] = frozenset({"openvino"})
    no_profile: ClassVar[str] = ""
    no_tensors: ClassVar[str] = ""

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the bare conversion: it reads ONNX itself, so nothing is built before its figures."""
        return (Idea(1, 10, self.id),)

    def warm_up(self) -> None:
        """Import OpenVINO."""
        import openvino  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OpenVinoSession:
        """Read and compile an ONNX or OpenVINO file for the target's batch.

        Raises:
            RuntimeFailed: Wrong format or option, or OpenVINO refuses the file.
        """
        return OpenVinoSession(*self._read(artifact, target, model))

    def open_profiled(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OpenVinoProfiling:
        """Load it with the plugin's counters on; see `open`.

        Raises:
            RuntimeFailed: As `open`.
        """
        return OpenVinoProfiling(*self._read(artifact, target, model))

    def open_tensors(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OpenVinoTensors:
        """Read its graph, so that values between layers can be looked at.

        Raises:
            RuntimeFailed: As `open`.
        """
        core, _, settings, shapes = self._read(artifact, target, model)

        def read() -> Any:
            return self._read(artifact, target, model)[1]

        return OpenVinoTensors(read, lambda graph: OpenVinoSession(core, graph, settings, shapes))

    def _read(
        self, artifact: LocalArtifact, target: Target, model: SourceModel
    ) -> tuple[Any, Any, dict[str, Any], Shapes]:
        """Return OpenVINO, the model, the settings and the shapes to compile it with."""
        import openvino

        check(self.name, artifact, self.formats, self.options)
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": target.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # Unasked, the plugin takes bfloat16 where the processor has it.
            "INFERENCE_PRECISION_HINT": precision(self.name, artifact),
            # The process is pinned from outside; a second opinion on cores would clash with it.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        with runtime_errors(self.name, "open"):
            graph = core.read_model(artifact.path)
            shapes = _shapes(graph, model, target.batch)
        if any(port.element_type == openvino.Type.f64 for port in graph.outputs):
            # On one thread the plugin fuses the cast to double into a subgraph that knows no double.
            settings["SNIPPETS_MODE"] = "DISABLE"
        return core, graph, settings, shapes


def _shapes(graph: Any, model: SourceModel, batch: int) -> Shapes:
    known = model.shapes(batch)
    ports = _named(graph)
    if all(port.any_name in known for port in ports):
        return tuple(known[port.any_name] for port in ports)
    return tuple(known.values())


RUNTIME = OpenVinoCpu()
