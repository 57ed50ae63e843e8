"""ONNX Runtime with its CPU provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime
from core.runtimes.availability import arrange, as_numpy, check, runtime_errors

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
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._wanted = [(each.name, DTYPES.get(each.type, np.float32)) for each in session.get_inputs()]

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: ONNX Runtime refuses the feed.
        """
        with runtime_errors(OnnxRuntimeCpu.name, "run"):
            return as_numpy(self._session.run(None, arrange(feed, self._wanted)))

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
    formats: ClassVar[frozenset[str]] = frozenset({"onnx"})
    modules: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    baseline_of: ClassVar[frozenset[str]] = frozenset({"onnx"})

    def warm_up(self) -> None:
        """Import ONNX Runtime."""
        import onnxruntime  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> OrtSession:
        """Load an ONNX file with all graph optimizations.

        Raises:
            RuntimeFailed: Wrong format or option, or ONNX Runtime refuses the file.
        """
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
        with runtime_errors(self.name, "open"):
            return OrtSession(
                onnxruntime.InferenceSession(str(artifact.path), options, providers=["CPUExecutionProvider"])
            )


RUNTIME = OnnxRuntimeCpu()
