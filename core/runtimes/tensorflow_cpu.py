"""TensorFlow on the CPU, with its own loader of SavedModels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Availability, Feed, LocalArtifact, Runtime
from core.protocols.availability import availability
from core.runtimes.availability import check, runtime_errors

SIGNATURE = "serving_default"
COMPARED = (
    "TensorFlow's own loader runs each export in the toolchain savedmodel, where it is compared with the "
    "original; verify.py of the kit compares and measures where TensorFlow is."
)


class TensorflowSession:
    """The signature of a loaded SavedModel.

    Args:
        loaded: Kept, as a signature holds its model by a weak reference only.
        options: Names of the signature's inputs and outputs, in the model's order.
    """

    def __init__(self, loaded: Any, options: Mapping[str, Any]) -> None:
        self._loaded, self._signature = loaded, loaded.signatures[SIGNATURE]
        self._inputs, self._outputs = options["inputs"], options["outputs"]

    def _given(self, feed: Feed) -> dict[str, Any]:
        import tensorflow as tf

        return {name: tf.constant(each) for name, each in zip(self._inputs, feed.values(), strict=True)}

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: TensorFlow refuses the feed.
        """
        with runtime_errors(TensorflowCpu.name, "run"):
            found = self._signature(**self._given(feed))
            return [found[name].numpy() for name in self._outputs]

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: TensorFlow refuses the feed.
        """
        with runtime_errors(TensorflowCpu.name, "run"):
            given, call = self._given(feed), self._signature
            call(**given)
        return lambda: call(**given)

    def close(self) -> None:
        """Free the model."""
        self._loaded = self._signature = None


class TensorflowCpu(Runtime):
    """TensorFlow, CPU."""

    id: ClassVar[str] = "tensorflow"
    name: ClassVar[str] = "TensorFlow"
    learn: ClassVar[Learn | None] = Learn(
        does="TensorFlow loads a SavedModel and calls its signature; TensorFlow Serving does the same behind "
        "REST and gRPC.",
        costs="Gigabytes of libraries; the network is compiled when it is first called.",
        choose="When TensorFlow Serving is in place.",
        expect="The same answers; how fast was not measured here",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"savedmodel"})
    options: ClassVar[frozenset[str]] = frozenset({"inputs", "outputs"})
    modules: ClassVar[tuple[str, ...]] = ("tensorflow",)
    asked_for: ClassVar[bool] = True
    start_s: ClassVar[float] = 8.0
    no_profile: ClassVar[str] = "TensorFlow runs the network as one operator, compiled by XLA."
    kit_use: ClassVar[str] = (
        "TensorFlow Serving takes `model/` as a version of a model: `mkdir -p serving/network && cp -r model "
        "serving/network/1`, then `tensorflow_model_server --rest_api_port=8501 --port=8500 "
        "--model_name=network --model_base_path=$PWD/serving/network`. It needs TensorFlow Serving 2.16 or "
        "newer with XLA, as the network is the operator XlaCallModule; the signature is `serving_default`, "
        "and its batch is free where the model's is. It has not been tried with TensorFlow Serving."
    )

    def available(self) -> Availability:
        """Say whether TensorFlow is installed beside Whetstone, and what compares exports if it is not."""
        found = availability(self.modules)
        return found if found.ok else Availability(False, reason=f"{found.reason} {COMPARED}")

    def warm_up(self) -> None:
        """Import TensorFlow."""
        import tensorflow  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TensorflowSession:
        """Load a SavedModel.

        Raises:
            RuntimeFailed: Wrong format or option, or TensorFlow refuses it.
        """
        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(target.threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            return TensorflowSession(tf.saved_model.load(str(artifact.path.parent)), artifact.options)


RUNTIME = TensorflowCpu()
