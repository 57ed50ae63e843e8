"""The graph of a model as pages show it: its layers, what they are grouped by, and what feeds what."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LAYERS = 20_000
"""A graph with more is shown up to here."""


@dataclass(frozen=True)
class Layer:
    """One node of the graph.

    Attributes:
        name: Of the node in the ONNX graph, by which profiles name it, too.
        operator: Such as ``Conv``.
        module: Names of the modules that it lies in, the outermost first.
        shape: Of its first output at the example shape and batch 1; None where it is not known.
        parameters: Number of weights that it is the first to read.
        macs: Multiply-accumulates at the example shape and batch 1; 0 for operators that do none, None where
            they cannot be counted.
        inputs: Positions of the layers whose outputs it reads.
    """

    name: str
    operator: str
    module: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    parameters: int = 0
    macs: int | None = 0
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Structure:
    """All layers of a model, in the order of the graph.

    Attributes:
        layers: The first `MOST_LAYERS` of them.
        left_out: How many more there are.
        exported: Whether the upload is no ONNX file: this is the graph of its export.
    """

    layers: tuple[Layer, ...]
    left_out: int = 0
    exported: bool = False
