"""Channel dependencies by ATen operator of an exported program."""

from __future__ import annotations

from collections.abc import Callable

from core.pruning.torch import layer_rules as layers
from core.pruning.torch import shape_rules as shapes
from core.pruning.torch.operands import ExportedGraph, Node, key, kind

Rule = Callable[[ExportedGraph, Node], None]

IGNORED = ("sym_size", "_assert", "_guards", "sym_constrain")


def follow(graph: ExportedGraph, node: Node) -> None:
    """Tell the tracer of `graph` what `node` does."""
    tracer = graph.tracer
    inputs = [each for each in node.all_input_nodes if key(each) in tracer.shapes or key(each) in graph.parts]
    if not inputs or node.op == "output" or kind(node).startswith(IGNORED):
        return
    rule = RULES.get(kind(node)) if node.op == "call_function" else None
    if rule is None or (key(node) not in tracer.shapes and key(node) not in graph.parts):
        tracer.unknown([key(each) for each in inputs], [key(node)], kind(node))
    else:
        rule(graph, node)


OPERATORS: tuple[tuple[Rule, str], ...] = (
    (shapes.same, "relu relu6 leaky_relu sigmoid tanh elu selu celu softplus softsign hardsigmoid hardswish"),
    (
        shapes.same,
        "hardtanh mish gelu silu erf abs neg exp log sqrt rsqrt reciprocal clamp clamp_min clamp_max",
    ),
    (
        shapes.same,
        "square threshold softshrink hardshrink tanhshrink log_sigmoid clone contiguous alias detach",
    ),
    (
        shapes.same,
        "to _to_copy lift_fresh_copy dropout feature_dropout alpha_dropout bitwise_not logical_not",
    ),
    (
        shapes.same,
        "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d max_pool2d_with_indices",
    ),
    (shapes.same, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d"),
    (shapes.same, "adaptive_max_pool2d upsample_nearest1d upsample_nearest2d upsample_nearest3d"),
    (shapes.same, "upsample_bilinear2d upsample_bicubic2d"),
    (shapes.reshape, "flatten view reshape _unsafe_view squeeze unsqueeze unflatten"),
    (shapes.permute, "permute transpose t numpy_T"),
    (shapes.cat, "cat"),
    (shapes.split, "chunk split split_with_sizes"),
    (shapes.nothing, "unbind"),
    (shapes.part, "getitem"),
    (shapes.slice, "slice"),
    (shapes.select, "select"),
    (shapes.pad, "pad constant_pad_nd"),
    (shapes.expand, "expand"),
    (layers.elementwise, "add sub mul div pow maximum minimum where rsub eq ne gt ge lt le"),
    (
        layers.convolution,
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution",
    ),
    (layers.linear, "linear"),
    (layers.product, "matmul mm bmm"),
    (layers.addmm, "addmm"),
    (layers.batch_norm, "batch_norm _native_batch_norm_legit_no_training"),
    (layers.instance_norm, "instance_norm"),
    (layers.layer_norm, "layer_norm native_layer_norm"),
    (layers.prelu, "prelu"),
    (layers.reduce, "mean sum amax amin"),
    (layers.softmax, "softmax _softmax log_softmax _log_softmax"),
    (layers.attention, "scaled_dot_product_attention"),
    (layers.embedding, "embedding"),
)
RULES = {name: rule for rule, names in OPERATORS for name in names.split()}
"""Rules by operator; all others freeze what they touch."""
