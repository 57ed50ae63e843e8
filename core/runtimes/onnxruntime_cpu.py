"""ONNX Runtime with its CPU provider."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.profile import LayerProfile
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import arrange, as_numpy, check, runtime_errors
from core.runtimes.profiling.onnxruntime_layers import Optimized, executed
from core.runtimes.tensors.onnxruntime_tensors import OrtTensors

MOST_WRITTEN = 1_000_000_000
"""Bytes of a model whose optimized graph is written to be looked at."""

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}


class OrtSession:
    """An `InferenceSession`, called as everybody calls it: ``session.run(None, feed)``.

    On the CPU it reads NumPy arrays in place, so there is no conversion to keep out of the timed call.

    Args:
        session: The `InferenceSession`.
        outputs: Names of those that `run` returns; None for all.
    """

    def __init__(self, session: Any, outputs: list[str] | None = None) -> None:
        self._session, self._outputs = session, outputs
        self._wanted = [(each.name, DTYPES.get(each.type, np.float32)) for each in session.get_inputs()]

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: ONNX Runtime refuses the feed.
        """
        with runtime_errors(OnnxRuntimeCpu.name, "run"):
            return as_numpy(self._session.run(self._outputs, arrange(feed, self._wanted)))

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: ONNX Runtime refuses the feed.
        """
        session, arranged = self._session, arrange(feed, self._wanted)
        with runtime_errors(OnnxRuntimeCpu.name, "run"):
            session.run(None, arranged)
        return lambda: session.run(None, arranged)

    def close(self) -> None:
        """Free the session."""
        self._session = None


class OrtProfiling(OrtSession):
    """A session that writes what each node of each call took into a file.

    Args:
        session: With its profiler on.
        original: The file that was opened.
        optimized: Where it wrote the graph that it made of it; None for too large a model.
    """

    def __init__(self, session: Any, original: Path, optimized: Path | None) -> None:
        super().__init__(session)
        self._original, self._optimized = original, optimized
        self._calls = self._warm = 0

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call that is counted; see `OrtSession.prepare`."""
        inner = super().prepare(feed)

        def call() -> object:
            self._calls += 1
            return inner()

        self._calls += 1  # the one that was made to prepare
        return call

    def start(self) -> None:
        """Forget the calls made so far."""
        self._warm = self._calls

    def layers(self) -> tuple[LayerProfile, ...]:
        """Return the layers with their times and end the profiler; see `ProfilingSession.layers`."""
        from core.graphs.onnx import files as onnx_files

        told = Path(self._session.end_profiling())
        events = msgspec.json.decode(told.read_bytes())
        told.unlink()
        graph = Optimized()
        if self._optimized is not None and self._optimized.exists():
            made, given = (onnx_files.load(path, weights=False) for path in (self._optimized, self._original))
            graph = Optimized.of(made, given)
        return executed(events, self._warm, self._calls - self._warm, graph)


class OnnxRuntimeCpu(Runtime):
    """ONNX Runtime, CPU."""

    id: ClassVar[str] = "onnxruntime"
    name: ClassVar[str] = "ONNX Runtime"
    learn: ClassVar[Learn | None] = Learn(
        does="ONNX Runtime optimizes the graph when it loads it, and runs it with its own kernels for the "
        "processor.",
        costs="The export to ONNX. BF16 is not computed on CPUs.",
        choose="As a good first choice on every processor and system.",
        expect="1.5 to 4 times faster than PyTorch eager in FP32, most for small networks",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"onnx", "ort"})
    modules: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    baseline_of: ClassVar[frozenset[str]] = frozenset({"onnx"})
    no_profile: ClassVar[str] = ""
    no_tensors: ClassVar[str] = ""

    def warm_up(self) -> None:
        """Import ONNX Runtime."""
        import onnxruntime  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OrtSession:
        """Load an ONNX file with all graph optimizations, or one in ONNX Runtime's own format as it is.

        Raises:
            RuntimeFailed: Wrong format or option, or ONNX Runtime refuses the file.
        """
        return OrtSession(self._session(artifact.path, self._options(artifact, target)))

    def open_profiled(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OrtProfiling:
        """Load it with the profiler on; see `open`.

        Raises:
            RuntimeFailed: As `open`.
        """
        if artifact.format == "ort":
            raise RuntimeFailed(
                "A file in ONNX Runtime's own format does not tell what its layers were made of.",
                hint="Profile the ONNX file that it was converted from.",
            )
        options = self._options(artifact, target)
        folder = Path(tempfile.mkdtemp())
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        optimized = None
        if sum(path.stat().st_size for path in artifact.files) < MOST_WRITTEN:
            optimized = folder / "optimized.onnx"
            options.optimized_model_filepath = str(optimized)
        return OrtProfiling(self._session(artifact.path, options), artifact.path, optimized)

    def open_tensors(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OrtTensors:
        """Read its graph, so that values between layers can be looked at.

        Raises:
            RuntimeFailed: As `open`.
        """
        from core.graphs.onnx import files as onnx_files

        options = self._options(artifact, target)
        if artifact.format != "onnx":
            raise RuntimeFailed(
                "Values between layers can be looked at in ONNX files only: other forms cannot be changed.",
                hint="Choose the candidate whose ONNX file this was made of.",
            )
        return OrtTensors(
            onnx_files.load(artifact.path),
            lambda changed, names: OrtSession(self._session(changed, options), names),
        )

    def _options(self, artifact: LocalArtifact, target: Target) -> Any:
        import onnxruntime

        check(self.name, artifact, self.formats, self.options)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = target.threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        # Helper threads spin within a call as usual, but stop with it: they would take the cores from
        # whoever runs next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return options

    def _session(self, model: Path | bytes, options: Any) -> Any:
        import onnxruntime

        source = model if isinstance(model, bytes) else str(model)
        with runtime_errors(self.name, "open"):
            return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


RUNTIME = OnnxRuntimeCpu()
