"""LSTM, GRU and RNN: ONNX and PyTorch order the gates in their weights differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.graphs.torch.from_onnx.graph import Graph, Node
from core.graphs.torch.from_onnx.values import Call
from core.protocols import Array

GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where PyTorch's gates stand in ONNX: input, output, forget, cell; and update, reset, hidden."""
ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def with_recurrent_layers(graph: Graph) -> Graph:
    """Return `graph` with the weights of recurrent layers in PyTorch's order and one tensor each."""
    constants = dict(graph.constants)
    nodes = [_layer(node, constants) if node.op in GATES else node for node in graph.nodes]
    return Graph(nodes, constants, graph.outputs)


def _layer(node: Node, constants: dict[str, Array]) -> Node:
    """Return a node with the inputs (x, h, c, weights...), or the same one where weights are no constants."""
    inputs = (*node.inputs, *[""] * (8 - len(node.inputs)))
    x, w, r, b, lengths, h, c, peepholes = inputs
    usual = ACTIVATIONS[node.op] * (2 if node.attributes.get("direction") == "bidirectional" else 1)
    given = [
        str(each, "utf-8") if isinstance(each, bytes) else each
        for each in node.attributes.get("activations", usual)
    ]
    plain = not (lengths or peepholes or node.attributes.get("layout") or node.attributes.get("clip"))
    plain = plain and not node.attributes.get("input_forget") and given == usual
    if node.op == "GRU":
        plain = plain and bool(node.attributes.get("linear_before_reset"))
    if not plain or w not in constants or r not in constants or (b and b not in constants):
        return node
    names: list[str] = []
    for direction in range(len(constants[w])):
        for name, array in _weights(node.op, direction, constants[w], constants[r], constants.get(b)):
            names.append(f"{w}.{name}")
            constants[names[-1]] = array
    attributes = dict(node.attributes) | {"biased": bool(b), "directions": len(constants[w])}
    return replace(node, op=f"torch.{node.op}", inputs=(x, h, c, *names), attributes=attributes)


def _weights(op: str, direction: int, w: Array, r: Array, b: Array | None) -> list[tuple[str, Array]]:
    end = "_reverse" if direction else ""
    found = [(f"weight_ih{end}", w[direction]), (f"weight_hh{end}", r[direction])]
    if b is not None:
        first, second = np.split(b[direction], 2)
        found += [(f"bias_ih{end}", first), (f"bias_hh{end}", second)]
    return [(name, _ordered(op, array)) for name, array in found]


def _ordered(op: str, array: Array) -> Array:
    gates = np.split(array, len(GATES[op]))
    return np.concatenate([gates[at] for at in GATES[op]])


def _run(op: str) -> Callable[[Call], Any]:
    def run(call: Call) -> tuple[Tensor, ...]:
        x, weights = call.tensor(0), [call.tensor(at) for at in range(3, len(call.values))]
        backwards = call.attribute("direction", "forward") == "reverse"
        sequence = x.flip(0) if backwards else x
        directions, hidden = call.attribute("directions"), weights[1].shape[1]
        states = [
            call.tensor(at).contiguous() if call.given(at) else x.new_zeros(directions, x.shape[1], hidden)
            for at in ((1, 2) if op == "LSTM" else (1,))
        ]
        y, *last = _called(op, sequence, states, weights, call.attribute("biased"), directions > 1)
        y = y.flip(0) if backwards else y
        y = y.reshape(*y.shape[:2], directions, hidden).permute(0, 2, 1, 3)
        return (y, *last)

    return run


def _called(
    op: str, x: Tensor, states: Sequence[Tensor], weights: list[Tensor], biased: bool, both: bool
) -> tuple[Tensor, ...]:
    settings = (biased, 1, 0.0, False, both, False)
    if op == "LSTM":
        found: tuple[Tensor, ...] = torch.lstm(x, tuple(states), weights, *settings)
        return found
    return (
        torch.gru(x, states[0], weights, *settings)
        if op == "GRU"
        else torch.rnn_tanh(x, states[0], weights, *settings)
    )


def _refuse(call: Call) -> Any:
    raise call.refusal("has weights that are computed, sequence lengths, peepholes or activations of its own")


OPERATORS: dict[str, Callable[[Call], Any]] = {
    **{f"torch.{op}": _run(op) for op in GATES},
    **dict.fromkeys(GATES, _refuse),
}
