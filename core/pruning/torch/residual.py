"""Residual blocks of the graph of an exported program: found, tried without, and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from core.graphs.torch.modules import flatten, quiet_torch
from core.pruning.residual_blocks import Dataflow, ResidualBlock
from core.pruning.torch.operands import argument, key, kind

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule


VIEWS = frozenset({
    "alias", "chunk", "detach", "expand", "flatten", "getitem", "permute", "reshape", "select", "slice",
    "split", "squeeze", "t", "transpose", "unbind", "unflatten", "unsqueeze", "view",
})  # fmt: skip
"""Operators whose answer may be a part of their input."""


def without_in_place(module: GraphModule) -> None:
    """Let operators that overwrite their input return a new tensor instead, which later ones then read.

    Otherwise a block that is left out could be overwritten by the one behind it. Those that write into a part
    of a tensor stay; `dataflow` counts them as inputs of what reads the tensor later.
    """
    for node in module.graph.nodes:
        calm = _calm(node)
        if calm is not None:
            node.target = calm
            node.args[0].replace_all_uses_with(node, delete_user_cb=partial(_follows, node))
    module.recompile()


def _follows(node: Any, user: Any) -> bool:
    return bool(node < user)


def _calm(node: Any) -> Any:
    """Return the operator that does the same as an in-place one and overwrites nothing."""
    import torch

    packet = getattr(node.target, "overloadpacket", None)
    name = getattr(packet, "__name__", "")
    overwrites = node.op == "call_function" and name.endswith("_") and not name.startswith("_")
    if not overwrites or not isinstance(node.args[0], torch.fx.Node) or kind(node.args[0]) in VIEWS:
        return None
    return getattr(getattr(torch.ops.aten, name[:-1], None), node.target._overloadname, None)


def dataflow(module: GraphModule, example: tuple[Any, ...]) -> Dataflow:
    """Return what is computed from what, with shapes and operations on an example."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shapes: dict[str, tuple[int, ...]] = {}
    macs: dict[str, int] = {}

    class Watcher(torch.fx.Interpreter):
        def run_node(self, node: Any) -> Any:
            before = counter.get_total_flops()
            answer = super().run_node(node)
            macs[node.name] = (counter.get_total_flops() - before) // 2
            if isinstance(answer, torch.Tensor) and node.op == "call_function":
                shapes[node.name] = tuple(answer.shape)
            return answer

    with quiet_torch(), FlopCounterMode(display=False) as counter:
        Watcher(module).run(*example)
    nodes = list(module.graph.nodes)
    fed = {node.name for node in nodes if node.op == "placeholder"}
    for node in nodes:
        fed |= {node.name} if any(each.name in fed for each in node.all_input_nodes) else set()
    return Dataflow(
        _inputs(nodes),
        {node.name: pair for node in nodes if (pair := _operands(node, shapes, fed)) is not None},
        shapes,
        macs,
        tuple(node.name for node in nodes if node.op == "output"),
    )


def _inputs(nodes: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    """Return what each node reads, and what has written into that before."""
    found: dict[str, tuple[str, ...]] = {}
    whole: dict[Any, Any] = {}
    writers: dict[Any, list[str]] = {}
    for node in nodes:
        read = list(node.all_input_nodes)
        written = [name for each in read for name in writers.get(whole[each], ())]
        found[node.name] = tuple(dict.fromkeys([*(each.name for each in read), *written]))
        view = node.op == "call_function" and kind(node) in VIEWS
        whole[node] = whole[read[0]] if view and read else node
        schema = getattr(node.target, "_schema", None)
        if schema is not None and schema.is_mutable and read:
            writers.setdefault(whole[read[0]], []).append(node.name)
    return found


def _operands(node: Any, shapes: Mapping[str, Any], fed: set[str]) -> tuple[str, str] | None:
    """Return what a sum adds where both are computed from the network's inputs and of its shape."""
    if node.op != "call_function" or kind(node) != "add" or argument(node, "alpha", 1) != 1:
        return None
    names = tuple(each.name for each in node.all_input_nodes)
    alike = all(name in fed and shapes.get(name) == shapes.get(node.name) for name in names)
    return (names[0], names[1]) if len(names) == 2 and alike and node.name in shapes else None


def weight_names(module: GraphModule, block: ResidualBlock) -> list[str]:
    """Return the names of the weights that go with a block."""
    return [key(node) for node in module.graph.nodes if node.op == "get_attr" and node.name in block.gone]


def remove(module: GraphModule, flow: Dataflow, blocks: Sequence[ResidualBlock]) -> None:
    """Take blocks out of `module` in place, with their weights."""
    removed = {block.output: block.stream for block in blocks}
    gone = (flow.live({}) - flow.live(removed)) | removed.keys()
    nodes = {node.name: node for node in module.graph.nodes}
    for name in reversed([name for name in nodes if name in removed]):
        nodes[name].replace_all_uses_with(nodes[removed[name]])
    for node in reversed(list(module.graph.nodes)):
        if node.name in gone:
            module.graph.erase_node(node)
    module.delete_all_unused_submodules()
    kept = {str(node.target) for node in module.graph.nodes if node.op == "get_attr"}
    held = [name for name, _ in (*module.named_parameters(), *module.named_buffers())]
    for name in held:
        if name not in kept:
            _drop(module, name)
    module.recompile()


def _drop(module: Any, name: str) -> None:
    *path, last = name.split(".")
    delattr(module.get_submodule(".".join(path)), last)


class Trials:
    """Runs a network with blocks left out; what lies before a block is computed once for all blocks.

    Args:
        module: As `without_in_place` leaves it.
        flow: Of `module`.
        blocks: All that can be left out.
    """

    def __init__(self, module: GraphModule, flow: Dataflow, blocks: Sequence[ResidualBlock]) -> None:
        import torch

        self._flow, self._blocks = flow, blocks
        self._nodes = list(module.graph.nodes)
        self._place = {node.name: at for at, node in enumerate(self._nodes)}
        self._interpreter = torch.fx.Interpreter(module)

    def outputs(
        self, feed: tuple[Tensor, ...], gone: Sequence[int], tried: Sequence[int]
    ) -> Iterator[list[Tensor]]:
        """Yield the outputs without the blocks `gone`, then those without each of `tried` as well."""
        removed = self._removed(gone)
        behind = {at: self._behind(removed, at) for at in tried}
        kept = set().union(*behind.values()) if behind else set()
        held = {node.name for node in self._nodes if node.op == "placeholder"}
        inputs = dict(zip(sorted(held, key=self._place.__getitem__), feed, strict=True))
        values, answer = self._run(inputs, removed, 0, kept)
        yield answer
        for at in tried:
            block = self._blocks[at]
            start = self._place[block.output]
            yield self._run(values, removed | {block.output: block.stream}, start, set())[1]

    def _removed(self, gone: Sequence[int]) -> dict[str, str]:
        return {self._blocks[at].output: self._blocks[at].stream for at in gone}

    def _behind(self, removed: Mapping[str, str], at: int) -> set[str]:
        """Return what has to be known to go on from a block that is left out."""
        block = self._blocks[at]
        without = {**removed, block.output: block.stream}
        start, live = self._place[block.output], self._flow.live(without)
        later = [name for name in live if self._place[name] >= start]
        needed = {one for name in later for one in self._inputs(name, without)}
        return {name for name in needed if self._place[name] < start}

    def _inputs(self, name: str, removed: Mapping[str, str]) -> tuple[str, ...]:
        return (removed[name],) if name in removed else self._flow.inputs[name]

    def _run(
        self, known: Mapping[str, Any], removed: Mapping[str, str], start: int, kept: set[str]
    ) -> tuple[dict[str, Any], list[Tensor]]:
        """Compute the outputs from the node at `start` on; return what is to be `kept`, too."""
        live = self._flow.live(removed)
        order = [node for at, node in enumerate(self._nodes) if node.name in live and at >= start]
        last = {one: at for at, node in enumerate(order) for one in self._inputs(node.name, removed)}
        values, answer = dict(known), []
        runner = self._interpreter
        for at, node in enumerate(order):
            inputs = self._inputs(node.name, removed)
            if node.name in removed:
                values[node.name] = values[inputs[0]]
            elif node.op != "placeholder":
                runner.env = {each: values[each.name] for each in node.all_input_nodes}
                values[node.name] = runner.run_node(node)
            if node.op == "output":
                answer = flatten(values[node.name])
            for one in set(inputs):
                if last[one] == at and one not in kept:
                    del values[one]
        return values, answer
