"""Quantization-aware training: a network learns to answer as before with 8-bit weights and activations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.finding import Finding
from core.domain.learn import Learn, Picture
from core.domain.run import Result
from core.domain.technique import Precision
from core.params import setting
from core.passes.quantization.int8_findings import int8_findings
from core.passes.training.effort import minutes, steps
from core.passes.training.fake_quantization import FakeQuantized
from core.passes.training.learner import Learner
from core.passes.training.recovery import Aims, training_of
from core.protocols import LocalArtifact, PassContext

RATE = 1e-4


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
    learning_rate: float = setting(
        0.0,
        "Learning rate",
        help="0 takes 0.0001, since the weights are whole; ranges learn ten times as fast.",
        low=0.0,
        high=1.0,
    )
    steps: int = steps()


class QuantizationAware(Learner):
    """Learned ranges (LSQ, arXiv 1902.08153), taught by the uploaded model, and kept in the file."""

    id = "quantization_aware"
    name = "Quantization-aware training"
    summary = (
        "Trains the network with the rounding of INT8 in it, and stores it in 8 bits with the ranges that it "
        "learned: for networks that lose too much by quantization after training."
    )
    learn = Learn(
        does="The network is trained while its weights and activations are rounded to 8 bits. It learns the "
        "ranges and weights that bear the rounding, and is stored with these as static INT8.",
        costs="Minutes on a few cores, as distillation. It needs real inputs, but no labels.",
        choose="Where static INT8 loses points that full bias correction and mixed precision do not give "
        "back. On the runtimes it is static INT8 like any other; BF16 may follow.",
        expect="As fast and as small as static INT8; gives back most of what that lost, next to nothing "
        "where that was little",
        picture=Picture.CURVE,
    )
    Params = QuantizationAwareParams
    version = 1
    precision = Precision.INT8

    def aims(self, params: QuantizationAwareParams) -> Aims:
        """The teacher's answers, and labels where there are some."""
        return Aims(labels=params.labels)

    def usual_rate(self, artifact: LocalArtifact) -> float:
        """Return that of weights which need to change little, however fast they were trained before."""
        return RATE

    def network(
        self, context: PassContext, artifact: LocalArtifact, params: QuantizationAwareParams, work: Path
    ) -> FakeQuantized:
        """Return the network with rounding, its first ranges taken from the rows.

        Raises:
            PassNotApplicable: There are no rows, or no layer that INT8 quantizes.
        """
        training_of(context)
        network = FakeQuantized.opened(artifact, context)
        network.calibrate(context)
        return network

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what it gained, and why INT8 is as fast as it is."""
        yield from super().findings(details, result)
        yield from int8_findings(details, result)


PASS = QuantizationAware()
