"""Layers of a PyTorch module: every operator that is dispatched, timed by itself, with the module it is in.

A dispatch mode sees operators of eager modules, exported programs and TorchScript alike, with their tensors:
shapes and number formats are those that really ran, also under autocast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode

from core.domain.profile import LayerKind, LayerProfile

if TYPE_CHECKING:
    from torch._ops import OpOverload

PRECISIONS = {
    "float32": "FP32", "float16": "FP16", "bfloat16": "BF16", "float64": "FP64", "int8": "INT8",
    "uint8": "INT8", "qint8": "INT8", "quint8": "INT8", "int32": "INT32", "int64": "INT64", "bool": "BOOL",
}  # fmt: skip
CASTS = frozenset({"to", "_to_copy", "quantize_per_tensor", "quantize_per_channel", "dequantize"})
COPIES = frozenset({"contiguous", "clone"})
INT8 = frozenset({"_int_mm", "linear_dynamic", "linear_relu_dynamic"})
WEIGHTS = {
    "linear": (1, 2), "conv1d": (1, 2), "conv2d": (1, 2), "conv3d": (1, 2), "convolution": (1, 2),
    "conv_transpose1d": (1, 2), "conv_transpose2d": (1, 2), "conv_transpose3d": (1, 2),
    "batch_norm": (1, 2, 3, 4), "layer_norm": (2, 3), "group_norm": (2, 3), "embedding": (0,),
    "addmm": (0, 2), "lstm": (2,), "gru": (2,),
}  # fmt: skip
"""Positions of the arguments that are weights, by operator."""


class Layer:
    """One operator at its place in a call; its tensors are described when it is seen first."""

    def __init__(self, func: OpOverload, module: str, node: str, args: tuple[Any, ...], out: Any) -> None:
        given, made = list(_tensors(args)), list(_tensors(out))
        self.func, self.module, self.node = func, module, node
        self.operator = func.overloadpacket.__name__
        self.namespace = func.namespace
        self.ns = 0
        self.shape = tuple(made[0].shape) if made else ()
        self.kind = _kind(self.operator, given, made)
        self.precision = _precision(self.operator, made if self.kind is LayerKind.QUANTIZE else given)
        self.macs = _macs(self.operator, args, self.shape)
        self.bytes = sum(_bytes(each) for each in (*given, *made))
        places = WEIGHTS.get(self.operator, ())
        stored = (each for at in places if at < len(args) for each in _tensors(args[at]))
        self.parameters = sum(each.numel() for each in stored)
        self.reads = [_place(each) for each in given]
        self.writes = [_place(each) for each in made]


class Recorder(TorchDispatchMode):
    """Times each operator while it is active.

    Attributes:
        layers: By place in the call and operator, in the order in which they were seen first.
        module: Path of the module that runs.
        owners: Path of the module that a weight belongs to, by its place in memory: where modules call no
            hooks, an operator belongs to the module whose weights it reads.
        node: Name of the node of an exported graph that runs.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: dict[tuple[int, OpOverload], Layer] = {}
        self.module = self.node = ""
        self.owners: dict[int, str] = {}
        self.place = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `func` and add its time to its layer."""
        kwargs = kwargs or {}
        start = perf_counter_ns()
        out = func(*args, **kwargs)
        took = perf_counter_ns() - start
        key = (self.place, func)
        layer = self.layers.get(key)
        if layer is None:
            module = self.module or self._owner(args)
            layer = self.layers[key] = Layer(func, module, self.node, args, out)
        layer.ns += took
        self.place += 1
        return out

    def _owner(self, args: tuple[Any, ...]) -> str:
        owned = (self.owners[place] for each in _tensors(args) if (place := _place(each)) in self.owners)
        return next(owned, "")

    def told(self, calls: int) -> tuple[LayerProfile, ...]:
        """Return the layers with the mean time of a call."""
        names, makers = dict[str, int](), dict[int, str]()
        return tuple(self._told(layer, calls, names, makers) for layer in self.layers.values())

    def _told(self, layer: Layer, calls: int, names: dict[str, int], makers: dict[int, str]) -> LayerProfile:
        plain = f"{layer.module}.{layer.operator}" if layer.module else layer.operator
        names[plain] = names.get(plain, 0) + 1
        name = plain if names[plain] == 1 else f"{plain}_{names[plain]}"
        inputs = dict.fromkeys(makers[place] for place in layer.reads if place in makers)
        makers.update(dict.fromkeys(layer.writes, name))
        return LayerProfile(
            name,
            f"{layer.namespace}::{layer.operator}",
            layer.ns / 1e6 / max(1, calls),
            precision=layer.precision,
            kind=layer.kind,
            macs=layer.macs,
            bytes=layer.bytes,
            parameters=layer.parameters,
            nodes=(layer.node or layer.module,) if layer.node or layer.module else (),
            inputs=tuple(each for each in inputs if each != name),
            shape=layer.shape,
            module=layer.module,
        )


def recorded(module: Any, recorder: Recorder) -> Callable[..., Any]:
    """Return a call of `module` that tells `recorder` where it is; the module is changed for good."""
    if isinstance(module, fx.GraphModule):
        interpreter = _Interpreter(module, recorder)
        return interpreter.run
    for path, each in module.named_modules():
        if hasattr(each, "_c"):  # compiled modules call no hooks
            own = each.named_parameters(recurse=False)
            recorder.owners.update((_place(weight), path) for _, weight in own)
        elif path:
            _follow(each, path, recorder)
    return lambda *args: module(*args)


class _Interpreter(fx.Interpreter):
    """Runs the nodes of an exported program one by one."""

    def __init__(self, module: fx.GraphModule, recorder: Recorder) -> None:
        super().__init__(module, garbage_collect_values=True)
        self._recorder = recorder

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, known to the recorder by its name and its module."""
        stack = n.meta.get("nn_module_stack") or {}
        self._recorder.module = str(list(stack.values())[-1][0]) if stack else ""
        self._recorder.node = n.name
        return super().run_node(n)


def _follow(module: nn.Module, path: str, recorder: Recorder) -> None:
    """Let `recorder` know while `module` runs."""
    outer: list[str] = []

    def enter(*_: Any) -> None:
        outer.append(recorder.module)
        recorder.module = path

    def leave(*_: Any) -> None:
        recorder.module = outer.pop()

    module.register_forward_pre_hook(enter)
    module.register_forward_hook(leave)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _place(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # packed in a library's own layout
        return id(tensor)


def _precision(operator: str, tensors: list[Tensor]) -> str:
    if operator in INT8:
        return "INT8"
    names = [str(each.dtype).removeprefix("torch.") for each in tensors]
    floats = [name for name in names if "float" in name]
    return PRECISIONS.get((floats or names or [""])[0], "")


def _kind(operator: str, given: list[Tensor], made: list[Tensor]) -> LayerKind:
    changed = bool(given and made) and given[0].dtype != made[0].dtype
    if operator in CASTS and changed:
        return LayerKind.QUANTIZE
    return LayerKind.REORDER if operator in COPIES or operator in CASTS else LayerKind.COMPUTE


def _macs(operator: str, args: tuple[Any, ...], out: tuple[int, ...]) -> int | None:
    """Return the multiply-accumulates of an operator; 0 for one that has none."""
    shapes = [tuple(each.shape) if isinstance(each, Tensor) else () for each in args]
    if operator.startswith("conv_transpose"):
        return prod(shapes[0]) * prod(shapes[1][1:])
    if operator.startswith("conv") and len(shapes) > 1:
        transposed = operator == "convolution" and len(args) > 6 and args[6]
        return prod(shapes[0] if transposed else out) * prod(shapes[1][1:])
    if operator in ("linear", "matmul", "mm", "bmm", "_int_mm", "mv", "dot"):
        return prod(out) * shapes[0][-1]
    if operator in ("addmm", "baddbmm"):
        return prod(out) * shapes[1][-1]
    if operator == "scaled_dot_product_attention":
        query, key, value = shapes[:3]
        return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    if operator in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        weights = next((each for each in args[2:] if isinstance(each, (tuple, list))), ())
        numbers: int = sum(each.numel() for each in weights if each.dim() == 2)
        return prod(shapes[0][:2]) * numbers
    return None if operator in ("einsum", "linear_dynamic", "linear_relu_dynamic") else 0
