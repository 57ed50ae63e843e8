"""Watch a PyTorch model run: outputs, multiply-accumulates, and the tables that its integer inputs index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.domain.model import Note, TensorSpec
from core.errors import CorruptFile, UnsupportedModel, WhetstoneError
from core.protocols import Feed
from core.sources.probe import Runner, Settled, Specs, feed_of
from core.sources.words import shorten
from core.torch_modules import named_tensors, quiet_torch

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


@dataclass
class Watched:
    """What happened in one run: multiply-accumulates, and table rows by position of the input."""

    macs: int = 0
    rows: dict[int, int] = field(default_factory=dict)


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
        raise CorruptFile(f"PyTorch cannot load this {what}: {shorten(error)}.", hint=hint) from error


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
    """Run once at the example shape and return `settled` with `high` filled in, and the MACs at batch 1."""
    names = [spec.name for spec in settled.inputs]
    with quiet_torch():
        seen = _watch(module, tensors(feed_of(settled.inputs, settled.sizes), names))
    inputs = tuple(
        replace(spec, high=spec.high or seen.rows.get(index)) for index, spec in enumerate(settled.inputs)
    )
    return replace(settled, inputs=inputs), seen.macs or None


def _watch(module: nn.Module, inputs: list[Any]) -> Watched:
    """Count in PyTorch's dispatcher, which sees eager, exported and scripted operators alike."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    seen = Watched()
    origin = {_storage(tensor): index for index, tensor in enumerate(inputs)}
    alive: list[Any] = []  # a freed tensor's address could be given to another
    aten = torch.ops.aten

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            packet = func.overloadpacket
            if packet in flop_registry:
                seen.macs += int(flop_registry[packet](*args, **(kwargs or {}), out_val=out)) // 2
            elif packet is aten.mkldnn_rnn_layer:
                seen.macs += prod(args[0].shape[:2]) * (args[1].numel() + args[2].numel())
            if packet is aten._to_copy and _storage(args[0]) in origin:
                origin[_storage(out)] = origin[_storage(args[0])]
                alive.append(out)
            for index, rows in _lookups(packet, args, origin):
                seen.rows[index] = min(rows, seen.rows.get(index, rows))
            return out

    def _lookups(packet: Any, args: Any, origin: dict[int, int]) -> Iterable[tuple[int, int]]:
        by = {aten.embedding: 1, aten._embedding_bag: 1, aten.index_select: 2, aten.index: 1}.get(packet)
        if by is None:
            return []
        indices = args[by][0] if isinstance(args[by], (list, tuple)) else args[by]
        known = indices is not None and args[0].ndim >= 2 and _storage(indices) in origin
        return [(origin[_storage(indices)], int(args[0].shape[0]))] if known else []

    with Mode():
        module(*inputs)
    return seen


def _storage(tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr()) if hasattr(tensor, "untyped_storage") else 0


def half_note(dtypes: Iterable[str]) -> tuple[Note, ...]:
    """Return a note where weights are of half precision."""
    halves = sorted({dtype for dtype in dtypes if dtype in ("float16", "bfloat16")})
    if not halves:
        return ()
    return (
        Note(
            "model",
            f"The weights are {' and '.join(halves)}: quantization and pruning start from already rounded "
            "weights, and a CPU often computes them more slowly than float32.",
            "Upload the float32 weights where you have them.",
        ),
    )


def weight_facts(module: nn.Module) -> tuple[int, tuple[Note, ...]]:
    """Return the number of weights of a module and notes on their precision."""
    found = list(module.parameters())
    names = (str(parameter.dtype).removeprefix("torch.") for parameter in found)
    return sum(parameter.numel() for parameter in found), half_note(names)
