"""TensorFlow SavedModels: a graph as a protocol buffer, its variables in a folder beside it.

Source: tensorflow/core/protobuf/saved_model.proto and meta_graph.proto, core/framework/graph.proto,
function.proto and node_def.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from core.complaints import complaint
from core.domain.learn import Learn
from core.errors import CorruptFile, UnsafeUpload
from core.formats.built import HOSTILE
from core.formats.protobuf import LENGTH, fields
from core.protocols import Format

GRAPH, BESIDE = "saved_model.pb", ("fingerprint.pb", "variables/variables.index")
WEIGHTS = "variables/variables.data-*-of-*"
META, GRAPH_DEF, LIBRARY, FUNCTION = 2, 2, 2, 1
"""Fields on the way from ``SavedModel`` to a function of its graph."""
NODE, BODY, SIGNATURE, NAME, OPERATOR, INPUT = 1, 3, 1, 1, 2, 3
"""Of ``GraphDef`` its nodes, of ``FunctionDef`` its nodes, its signature and of that the name; of ``NodeDef``
name, operator and inputs."""
SIGNATURES, OUTPUTS, KEPT = (5, 2), 2, 2
"""From ``MetaGraphDef`` to its signatures, from these to their outputs, and from an entry to its tensor."""
FILES = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
TRACED = (b"__inference__traced_save", b"__inference__traced_restore")
"""How TensorFlow's own functions begin that read and write the variables."""
OPERATORS = FILES | {
    "AddV2", "AssignVariableOp", "Const", "DisableCopyOnRead", "Identity", "Less", "LogicalAnd", "NoOp",
    "Pack", "PartitionedCall", "Placeholder", "ReadVariableOp", "Select", "Shape", "StatefulPartitionedCall",
    "StatelessWhile", "StaticRegexFullMatch", "StridedSlice", "StringJoin", "TensorListFromTensor",
    "TensorListGetItem", "TensorListReserve", "TensorListSetItem", "TensorListStack", "VarHandleOp", "While",
    "XlaCallModule",
}  # fmt: skip
"""All that an export holds: the network is StableHLO, in XlaCallModule."""
CUSTOM = b"custom_call"
"""What StableHLO calls code by that is none of its own."""
ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})")
"""A letter of a name as StableHLO's text may spell it."""
BROKEN = (OSError, ValueError, IndexError)


def _check(path: Path) -> tuple[Path, ...]:
    folder = path.parent
    try:
        content = path.read_bytes()
        operators = list(_operators(content))
        astray = any(map(_astray, _inner(content, META)))
        spelled = ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)
    except BROKEN as error:
        raise CorruptFile(f"{path.name} is no SavedModel: {complaint(error)}.", hint=HOSTILE) from error
    foreign = sorted(
        {name for name, traced in operators if name not in (OPERATORS if traced else OPERATORS - FILES)}
    )
    if astray:
        raise UnsafeUpload(
            "What the SavedModel answers with reads or writes files, which no export does.", hint=HOSTILE
        )
    if foreign or CUSTOM in spelled:
        named = ", ".join(foreign[:3]) or "a custom call"
        raise UnsafeUpload(f"The SavedModel holds {named}, which no export writes.", hint=HOSTILE)
    if path.name != GRAPH or not any(name == "XlaCallModule" for name, _ in operators):
        raise CorruptFile(f"{path.name} is no SavedModel of ours: it holds no network.", hint=HOSTILE)
    return tuple(
        each for each in (*(folder / name for name in BESIDE), *folder.glob(WEIGHTS)) if each.is_file()
    )


def _operators(content: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the operators of all graphs, each with whether TensorFlow's own saving or restoring has it."""
    for graph in _inner(content, META, GRAPH_DEF):
        for node in _inner(graph, NODE, OPERATOR):
            yield node.decode(), True  # the graph around the functions, which no signature calls
        for function in _inner(graph, LIBRARY, FUNCTION):
            traced = _name(function).startswith(TRACED)
            for node in _inner(function, BODY, OPERATOR):
                yield node.decode(), traced


def _name(function: bytes) -> bytes:
    """Return the name of a function: where a message has several, readers take the last."""
    return [b"", *_inner(function, SIGNATURE, NAME)][-1]


def _astray(meta: bytes) -> bool:
    """Whether a function or a signature of a graph calls what saves or restores the variables."""
    functions = _inner(meta, GRAPH_DEF, LIBRARY, FUNCTION)
    if any(_of_files(each) for each in functions if not _name(each).startswith(TRACED)):
        return True
    nodes = {b"".join(_inner(each, NAME)): each for each in _inner(meta, GRAPH_DEF, NODE)}
    waiting = list(_inner(meta, *SIGNATURES, OUTPUTS, KEPT, NAME))
    while waiting:
        node = nodes.pop(waiting.pop().lstrip(b"^").partition(b":")[0], b"")
        if _of_files(node):
            return True
        waiting += _inner(node, INPUT)
    return False


def _of_files(content: bytes) -> bool:
    operators = {each.decode() for each in _inner(content, OPERATOR)}
    return bool(operators & FILES) or any(prefix in content for prefix in TRACED)


def _inner(content: bytes, *path: int) -> Iterator[bytes]:
    """Yield what lies in a message at a path of field numbers."""
    if not path:
        yield content
        return
    for number, wire, begin, end in fields(content):
        if number == path[0]:
            yield from _inner(content[begin:end] if wire == LENGTH else b"", *path[1:])


FORMAT = Format(
    "savedmodel",
    "a TensorFlow SavedModel",
    ".pb",
    _check,
    learn=Learn(
        does="A folder with a graph and its variables, with a signature that names inputs and outputs. The "
        "network is in it as StableHLO.",
        costs="Only TensorFlow and TensorFlow Serving run it.",
        choose="Where TensorFlow Serving, or a program that loads SavedModels, is in place.",
        expect="4 bytes a parameter",
    ),
)
