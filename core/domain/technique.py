"""Taxonomy of techniques: quantization, pruning, factorization, training, conversion; and precisions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kind of technique."""

    QUANTIZATION = "quantization"
    """Fewer bits for weights or activations."""
    PRUNING = "pruning"
    """Fewer weights, by leaving out or zeroing the least important ones."""
    FACTORIZATION = "factorization"
    """Weights as products of smaller ones."""
    TRAINING = "training"
    """Weights learned anew, such as fine-tuning and distillation."""
    CONVERSION = "conversion"
    """Another form of the same network: exports, formats, graph optimization."""


class Precision(StrEnum):
    """Number formats, from the one with most bits to the one with fewest."""

    FP32 = "FP32"
    FP16 = "FP16"
    BF16 = "BF16"
    INT8 = "INT8"


@dataclass(frozen=True)
class NoParams:
    """Nothing to choose."""
