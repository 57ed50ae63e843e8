"""Instrumented forward pass of a PyTorch model: outputs, MACs, and the embeddings that integers index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.complaints import complaint
from core.domain.model import Note, TensorSpec
from core.errors import CorruptFile, UnsupportedModel, WhetstoneError
from core.graphs.torch.modules import named_tensors, quiet_torch
from core.protocols import Array, Feed
from core.sources.pixel_range import with_pixel_range
from core.sources.probe import Runner, Settled, Specs, feed_of
from core.sources.task_inference import tells_of_classes, tells_of_detections

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


class Watched:
    """What happens in one run, told operator by operator.

    Args:
        inputs: Tensors that the model is called with.

    Attributes:
        macs: Multiply-accumulates so far.
        rows: Rows of the smallest table that an input indexes, by the input's position.
    """

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.macs = 0
        self.rows: dict[int, int] = {}
        self._origin = {_storage(tensor): index for index, tensor in enumerate(inputs)}
        self._alive: list[Any] = []  # a freed tensor's address could be given to another

    def note(self, packet: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> None:
        """Count what the operator `packet` did, and follow integer inputs through casts to tables."""
        import torch
        from torch.utils.flop_counter import flop_registry

        aten = torch.ops.aten
        if packet in flop_registry:
            self.macs += int(flop_registry[packet](*args, **kwargs, out_val=out)) // 2
        elif packet is aten.mkldnn_rnn_layer:
            self.macs += prod(args[0].shape[:2]) * (args[1].numel() + args[2].numel())
        elif packet is aten._to_copy and _storage(args[0]) in self._origin:
            self._origin[_storage(out)] = self._origin[_storage(args[0])]
            self._alive.append(out)
        by = {aten.embedding: 1, aten._embedding_bag: 1, aten.index_select: 2, aten.index: 1}.get(packet)
        if by is not None:
            self._look_up(args[0], args[by])

    def _look_up(self, table: Any, indices: Any) -> None:
        indices = indices[0] if isinstance(indices, (list, tuple)) else indices
        if indices is not None and table.ndim >= 2 and _storage(indices) in self._origin:
            index, rows = self._origin[_storage(indices)], int(table.shape[0])
            self.rows[index] = min(rows, self.rows.get(index, rows))


def opened(load: Callable[[Path], T], path: Path, what: str, hint: str) -> T:
    """Return what `load` makes of the checked file at `path`.

    Raises:
        CorruptFile: PyTorch cannot load it; the message says that this `what` is at fault.
    """
    try:
        with quiet_torch():
            return load(path)
    except WhetstoneError:
        raise
    except Exception as error:
        raise CorruptFile(f"PyTorch cannot load this {what}: {complaint(error)}.", hint=hint) from error


def runner(module: nn.Module, names: Sequence[str]) -> Runner:
    """Return a call that runs `module` on a feed, by position in the order of `names`."""

    def run(feed: Feed) -> Specs:
        with quiet_torch():
            return specs_of(module(*tensors(feed, names)))

    return run


def tensors(feed: Feed, names: Sequence[str]) -> list[Any]:
    """Return the arrays of `feed` as tensors in the order of `names`."""
    import torch

    return [torch.from_numpy(feed[name].copy()) for name in names]


def specs_of(outputs: Any) -> Specs:
    """Return name, dtype and shape of every tensor a module returned.

    Raises:
        UnsupportedModel: It returned no tensor.
    """
    found = named_tensors(outputs)
    if not found:
        raise UnsupportedModel(
            f"The model returned a {type(outputs).__name__} that holds no tensor.",
            hint="Export a model whose forward returns tensors.",
        )
    return tuple(
        TensorSpec(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in found
    )


def watch(module: nn.Module, settled: Settled) -> tuple[Settled, int | None]:
    """Run once at the example shape and return what that tells of `settled`, and the MACs at batch 1."""
    names = [spec.name for spec in settled.inputs]
    with quiet_torch():
        seen, outputs = _watch(module, tensors(feed_of(settled.inputs, settled.sizes), names))
    inputs = tuple(
        replace(spec, high=spec.high or seen.rows.get(index), told=spec.told or _table(seen.rows.get(index)))
        for index, spec in enumerate(settled.inputs)
    )
    with quiet_torch():
        inputs = with_pixel_range(inputs, settled.sizes, lambda feed: arrays(module(*tensors(feed, names))))
    titles = [spec.name for spec in settled.outputs]
    told = tells_of_classes(outputs, [*titles, *_heads(module, settled)])
    detects = tells_of_detections(inputs, outputs, titles)
    return replace(settled, inputs=inputs, classifies=told, detects=detects), seen.macs or None


def _table(rows: int | None) -> str:
    return f"rows of a table of {rows:,}" if rows else ""


def _heads(module: nn.Module, settled: Settled) -> list[str]:
    """Return the names of weights that are as tall as an output is wide."""
    widths = {spec.shape[1] for spec in settled.outputs if len(spec.shape) >= 2}
    held = ((name, weight.shape) for name, weight in module.named_parameters() if weight.ndim >= 2)
    return [name for name, shape in held if shape[0] in widths]


def _watch(module: nn.Module, inputs: list[Any]) -> tuple[Watched, list[Array]]:
    """Look on from PyTorch's dispatcher, which sees eager, exported and scripted operators alike."""
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = Watched(inputs)

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            seen.note(func.overloadpacket, args, kwargs or {}, out)
            return out

    with Mode():  # type: ignore[no-untyped-call]
        returned = module(*inputs)
    return seen, arrays(returned)


def arrays(outputs: Any) -> list[Array]:
    """Return every tensor a module returned as an array, halves in single precision."""
    found = [tensor.detach().cpu() for _, tensor in named_tensors(outputs)]
    return [(one.float() if one.is_floating_point() else one).numpy() for one in found]


def _storage(tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr()) if hasattr(tensor, "untyped_storage") else 0


def half_note(dtypes: Iterable[str]) -> tuple[Note, ...]:
    """Return a note where weights are of half precision."""
    halves = sorted({dtype for dtype in dtypes if dtype in ("float16", "bfloat16")})
    if not halves:
        return ()
    return (
        Note(
            f"The weights are {' and '.join(halves)}: quantization and pruning start from already rounded "
            "weights, and a CPU often computes them more slowly than float32.",
            "Upload the float32 weights where you have them.",
        ),
    )


def precision(module: nn.Module) -> str:
    """Return the floating-point type of most weights, such as ``FP32``."""
    names = {"float64": "FP64", "float16": "FP16", "bfloat16": "BF16"}
    held: Counter[str] = Counter()
    for parameter in module.parameters():
        held[names.get(str(parameter.dtype).removeprefix("torch."), "FP32")] += parameter.numel()
    return max(held, key=lambda name: held[name], default="FP32")


def weight_facts(module: nn.Module) -> tuple[int, tuple[Note, ...]]:
    """Return the number of weights of a module and notes on their precision."""
    found = list(module.parameters())
    names = (str(parameter.dtype).removeprefix("torch.") for parameter in found)
    return sum(parameter.numel() for parameter in found), half_note(names)
