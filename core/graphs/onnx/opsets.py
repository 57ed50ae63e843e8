"""Operator sets of ONNX models: conversion to older and newer ones, in the oldest file version for them.

Two converters know different operators: the ONNX project's own goes up and down, onnxscript's covers what it
lacks. Neither says when it is wrong, so whoever converts runs the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from core.complaints import complaint
from core.graphs.onnx.edits import drop_shapes, drop_weight_inputs
from core.graphs.onnx.files import nodes, opset

if TYPE_CHECKING:
    from onnx import ModelProto

OLDEST, NEWEST = 13, 24
"""Operator sets that are offered: quantizers want 13, and ONNX Runtime here runs 24."""

NO_RULE = re.compile(r"No Adapter (?:To|From) Version \$\d+ for (\w+)")
APART = "apart"
WEIGHTS_APART, WITH_FUNCTIONS = 4, 8
"""File versions from which on weights need not be inputs, and functions may be within."""


def in_opset(model: ModelProto, target: int) -> Iterator[ModelProto]:
    """Yield `model` in exactly the operator set `target`, as each converter that can makes it.

    The model itself is yielded where it is in that set already. Check what comes: a converter may know an
    operator's name and not what changed in it.

    Raises:
        ValueError: No converter can, with the words of each.
    """
    if opset(model) == target:
        yield model
        return
    problems = []
    for name, convert in (("onnx", _by_onnx), ("onnxscript", _by_onnxscript)):
        try:
            found = convert(_copy(model), target)
        except Exception as error:  # both raise whatever their C++ or their table says
            problems.append(f"{name}: {complaint(error)}")
            continue
        if opset(found) != target:
            problems.append(f"{name}: it stayed in set {opset(found)}")
            continue
        _set_file_version(found)
        yield found
    if len(problems) == len((_by_onnx, _by_onnxscript)):
        raise ValueError(f"set {opset(model)} does not convert to {target}. {'; '.join(problems)}")


def _copy(model: ModelProto) -> ModelProto:
    import onnx

    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    drop_weight_inputs(copied)
    drop_shapes(copied)
    return copied


def _by_onnx(model: ModelProto, target: int) -> ModelProto:
    """Convert; operators that it has no rule for stay as they are, which most allow that use nothing new.

    Raises:
        ValueError: Such an operator is not in the set, or used as it is not there.
    """
    from onnx import checker, version_converter

    apart: set[str] = set()
    while True:
        try:
            found = version_converter.convert_version(_set_apart(model, apart), target)
            break
        except RuntimeError as error:
            lacking = NO_RULE.search(str(error))
            if lacking is None or lacking[1] in apart:
                raise
            apart.add(lacking[1])
    for node in nodes(found):
        node.domain = "" if node.domain == APART else node.domain
    kept = [entry for entry in found.opset_import if entry.domain != APART]
    del found.opset_import[:]
    found.opset_import.extend(kept)
    _drop_defaults(found, opset(model), target)
    if apart:
        checker.check_model(found)
    return found


def _drop_defaults(model: ModelProto, before: int, after: int) -> None:
    """Drop attributes that the older set does not know where they say what it takes for granted."""
    from onnx import defs, helper

    for node in nodes(model) if after < before else ():
        with suppress(defs.SchemaError):  # of another domain
            new, old = (defs.get_schema(node.op_type, each, node.domain) for each in (before, after))
            kept = [
                each
                for each in node.attribute
                if each.name in old.attributes
                or each.name not in new.attributes
                or helper.get_attribute_value(new.attributes[each.name].default_value)
                != helper.get_attribute_value(each)
            ]
            del node.attribute[:]
            node.attribute.extend(kept)


def _set_apart(model: ModelProto, types: Collection[str]) -> ModelProto:
    """Put the operators of `types` into a domain that the converter leaves alone."""
    from onnx import helper

    if types:
        for node in nodes(model):
            node.domain = APART if node.op_type in types and node.domain in ("", "ai.onnx") else node.domain
        if all(entry.domain != APART for entry in model.opset_import):
            model.opset_import.append(helper.make_opsetid(APART, 1))
    return model


def _by_onnxscript(model: ModelProto, target: int) -> ModelProto:
    from onnxscript import ir, version_converter

    held = ir.serde.deserialize_model(model)
    version_converter.convert_version(held, target_version=target, fallback=False)
    return ir.serde.serialize_model(held)


def _set_file_version(model: ModelProto) -> None:
    """Give the file the oldest version that may hold its operator sets: old readers refuse newer ones."""
    from onnx import helper

    needed = helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True)
    model.ir_version = max(needed, WITH_FUNCTIONS if model.functions else WEIGHTS_APART)
