"""Quantization-aware training: weights learn to be read in INT8, before the same static quantization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind
from core.errors import PassNotApplicable
from core.graphs.torch.folding import fold_norms
from core.graphs.torch.modules import exported_module, load_exported, open_module
from core.params import setting
from core.passes.conversion.export_pt2 import exported
from core.passes.library_errors import library
from core.passes.training import fake_quantization
from core.passes.training.effort import effort, learning_rate, minutes, steps
from core.passes.training.network import Network
from core.passes.training.recovery import HINT, Aims, findings, recover, require_better, training_of
from core.protocols import Idea, LocalArtifact, PassContext, Trainer

RATE = 1e-4
CALIBRATION_ROWS, CALIBRATION_BATCHES = 32, 4


@dataclass(frozen=True)
class QuantizationAwareParams:
    """How long to learn, and from what."""

    minutes: float = minutes()
    labels: float = setting(
        0.1,
        "Share of labels",
        help="How much labels count beside the model's own answers, where the training set has some.",
        low=0.0,
        high=0.9,
    )
    learning_rate: float = learning_rate()
    steps: int = steps()


class QuantizationAware(Trainer):
    """Batch norms are folded first, as in what is quantized later; the teacher is the uploaded model."""

    id = "quantization_aware"
    name = "Quantization-aware training"
    summary = (
        "Trains the weights with the rounding of INT8, so that a static INT8 quantization after it loses "
        "less; the file itself stays in float."
    )
    kind = Kind.TRAINING
    on_source = True
    Params = QuantizationAwareParams
    produces: ClassVar[dict[str, str]] = {"state_dict": "pt2", "pt2": "pt2"}
    fits = True
    libraries = ("torch", "openvino")
    build_s = (125.0, 0.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself before the static INT8 of each runtime."""
        yield Idea(3, 370, "openvino", (Step(self.id), Step("int8_static_nncf")), remainder=True)
        yield Idea(3, 371, "onnxruntime", (Step(self.id), Step("int8_static_ort")))

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: QuantizationAwareParams
    ) -> LocalArtifact:
        """Fold batch norms, learn with fake quantization, and take that out again.

        Raises:
            PassNotApplicable: No layer can be quantized, there are no rows, or there is too little memory.
            PassFailed: PyTorch broke on the network.
        """
        training, aims = training_of(context), Aims(labels=params.labels, precise=True)
        rate = params.learning_rate or RATE
        planned = effort(training, params.minutes, params.steps, rate, context.seed)
        with library("Quantization-aware training", context.folder, HINT):
            network = _folded(artifact, context)
            layers = fake_quantization.insert(network)
            if not layers:
                raise PassNotApplicable(
                    "The network has no convolution and no linear layer of its own to quantize.",
                    hint="Leave this step out.",
                )
            _calibrate(network, context)
            details = recover(network, context, aims, planned)
            fake_quantization.remove(network)
            return network.save(context, dict(artifact.options), details | {"layers": layers})

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: QuantizationAwareParams) -> None:
        """Check that with fake quantization the search rows are read no worse than before.

        Raises:
            PassFailed: They are.
        """
        require_better(after.details)

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what it gained."""
        return findings(self.name, details)


def _folded(artifact: LocalArtifact, context: PassContext) -> Network:
    if artifact.format == "pt2":
        module: Any = exported_module(load_exported(artifact.path))
    else:
        module = exported_module(exported(open_module(artifact, context.model), context))
    fold_norms(module)
    return Network(exported(module, context))


def _calibrate(network: Network, context: PassContext) -> None:
    """Find the ranges to begin with."""
    import torch

    rows = training_of(context).rows
    batches = rows.batches(min(CALIBRATION_ROWS, rows.samples), context.seed)
    with torch.no_grad():
        for feed, _ in islice(batches, CALIBRATION_BATCHES):
            network(network.tensors(feed, context))
    fake_quantization.observe(network, False)


PASS = QuantizationAware()
