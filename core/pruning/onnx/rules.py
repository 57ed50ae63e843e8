"""Channel dependencies by ONNX operator, from operator set 7 on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.graphs.onnx import files as onnx_files
from core.pruning.onnx import layer_rules as layers
from core.pruning.onnx import shape_rules as shapes
from core.pruning.onnx.operands import OnnxGraph

if TYPE_CHECKING:
    from onnx import NodeProto

Rule = Callable[[OnnxGraph, "NodeProto"], None]


def follow(graph: OnnxGraph, node: NodeProto) -> None:
    """Tell the tracer of `graph` what `node` does."""
    tracer = graph.tracer
    inputs = [name for name in node.input if name]
    rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    known = all(name in tracer.shapes for name in (*inputs, *node.output[:1]))
    if rule is None or not known:
        tracer.unknown([*inputs, *_captured(node)], node.output, node.op_type)
    else:
        rule(graph, node)


def _captured(node: NodeProto) -> Iterator[str]:
    """Yield what the branches and bodies of `node` may read from outside."""
    for attribute in node.attribute:
        for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            for each in onnx_files.graphs(inner):
                yield from (name for child in each.node for name in child.input if name)
                yield from (value.name for value in each.output)


def _product(graph: OnnxGraph, node: NodeProto) -> None:
    graph.tracer.product(node.input[0], node.input[1], node.output[0])


def _instance_norm(graph: OnnxGraph, node: NodeProto) -> None:
    graph.tracer.per_channel(node.input[0], node.input[1:3], node.output[0])


def _shape(graph: OnnxGraph, node: NodeProto) -> None:
    rank = 0 if node.op_type == "Size" else 1
    graph.tracer.axes[node.output[0]] = (None,) * rank


OPERATORS: tuple[tuple[Rule, str], ...] = (
    (
        shapes.same,
        "Relu LeakyRelu Sigmoid Tanh Clip Elu Selu Celu Softplus Softsign HardSigmoid HardSwish Mish",
    ),
    (
        shapes.same,
        "Gelu Erf Abs Neg Exp Log Sqrt Reciprocal Floor Ceil Round Sign Sin Cos Not ThresholdedRelu",
    ),
    (shapes.same, "Identity Cast Dropout Swish AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool"),
    (shapes.same, "GlobalLpPool Upsample IsNaN"),
    (shapes.reshape, "Reshape Flatten Squeeze Unsqueeze"),
    (shapes.transpose, "Transpose"),
    (shapes.concat, "Concat"),
    (shapes.split, "Split"),
    (shapes.slice, "Slice"),
    (shapes.gather, "Gather"),
    (shapes.pad, "Pad"),
    (shapes.resize, "Resize"),
    (shapes.expand, "Expand"),
    (layers.elementwise, "Add Sub Mul Div Pow Min Max Mean Sum PRelu Where Mod Equal Greater GreaterOrEqual"),
    (layers.elementwise, "Less LessOrEqual And Or Xor"),
    (layers.conv, "Conv ConvTranspose"),
    (layers.gemm, "Gemm"),
    (layers.batch_norm, "BatchNormalization"),
    (layers.layer_norm, "LayerNormalization"),
    (layers.softmax, "Softmax LogSoftmax Hardmax"),
    (layers.reduce, "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare"),
    (layers.reduce, "ReduceLogSum ReduceLogSumExp"),
    (layers.arg, "ArgMax ArgMin"),
    (_product, "MatMul"),
    (_instance_norm, "InstanceNormalization"),
    (_shape, "Shape Size"),
)
RULES = {name: rule for rule, names in OPERATORS for name in names.split()}
"""Rules by operator; all others freeze what they touch."""
