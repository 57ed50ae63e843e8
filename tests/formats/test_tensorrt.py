"""The scripts of TensorRT's build kit use names that TensorRT's own bindings have; no GPU and no library "
"is needed."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.formats.tensorrt import SCRIPTS, script

OBJECTS = {
    "trt",
    "builder",
    "network",
    "parser",
    "config",
    "profile",
    "cache",
    "engine",
    "context",
    "runtime",
}
"""What the scripts call TensorRT's module and its objects."""
OF_PYTHON = {"exists", "read_bytes", "write_bytes"}


def used(source: str) -> set[str]:
    """Return the attributes of TensorRT's objects that a script reads, with those it asks for by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and last(node.value) in OBJECTS:
            found.add(node.attr)
        if isinstance(node, ast.Call) and last(node.func) == "getattr":
            found.add(ast.literal_eval(node.args[1]))
    return found - OF_PYTHON


def last(node: ast.AST) -> str:
    """Return the last name of ``a``, ``self.a``, ``trt.A`` or ``trt.A.B``, the object that has the "
    "attribute."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return "trt" if last(node.value) == "trt" else node.attr
    return ""


def test_the_scripts_use_a_good_part_of_the_api() -> None:
    names = {name for each in SCRIPTS for name in used(script(each))}
    assert {"build_serialized_network", "STRONGLY_TYPED", "execute_async_v3", "WORKSPACE", "nptype"} <= names
    assert len(names) >= 20


def test_the_bindings_have_every_name() -> None:
    spec = find_spec("tensorrt_bindings")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("TensorRT's bindings are not installed")
    (folder,) = map(Path, spec.submodule_search_locations)
    texts = [
        folder.joinpath("__init__.py").read_bytes(),
        *(each.read_bytes() for each in folder.glob("tensorrt*.so")),
    ]
    known = {match.decode() for text in texts for match in re.findall(rb"[A-Za-z_][A-Za-z_0-9]+", text)}
    missing = {name for each in SCRIPTS for name in used(script(each))} - known
    assert not missing
