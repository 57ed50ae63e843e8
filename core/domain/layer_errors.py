"""Error of a candidate layer by layer: where its values part from those of the network in float."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, sqrt

SAME = 1e-12
"""Power of an error by that of its signal below which both are the same but for rounding: 120 dB."""


@dataclass(frozen=True)
class LayerError:
    """The output of one layer, held against the same output in float, on the same inputs of the network.

    Attributes:
        name: Of the layer in the float network.
        operator: Such as ``Conv``.
        error: Power of the difference by the power of the float values; 0 where they are the same.
        before: The largest `error` of the layers that it reads; 0 where it reads the network's inputs.
        reach: Largest magnitude of its float values by their root mean square; None where not looked at.
    """

    name: str
    operator: str
    error: float
    before: float
    reach: float | None = None

    @property
    def grown(self) -> float:
        """By how much the error, as a power, is larger behind the layer than in front of it; at least 0."""
        return max(0.0, self.error - self.before)

    @property
    def percent(self) -> float:
        """Size of the error by the size of the values, in percent (root mean squares)."""
        return 100 * sqrt(self.error)

    @property
    def sqnr_db(self) -> float | None:
        """Ratio of signal to noise in decibels; None where both are the same."""
        return -10 * log10(self.error) if self.error > SAME else None


@dataclass(frozen=True)
class LayerErrors:
    """Errors of all layers that both networks have.

    Attributes:
        layers: In the order of the graph.
        rows: Samples that they were seen on.
        step: Id of the technique that the float network was held before.
        alone: Layers of the float network without a counterpart: fused away, or of another form.
        random: Whether the samples were random inputs, since the run has no data.
    """

    layers: tuple[LayerError, ...]
    rows: int
    step: str
    alone: int = 0
    random: bool = False
