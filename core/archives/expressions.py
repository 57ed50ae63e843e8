"""Symbolic shape expressions inside a `.pt2`: torch hands them to `eval`, so only arithmetic may pass.

Symbolic shapes go through `sympy.sympify` and guards through `exec` when a program is loaded and unlifted
(torch/_export/serde/serialize.py and torch/export/_unlift.py of torch 2.15).
"""

from __future__ import annotations

import ast
import re

_TARGETS = re.compile(
    r"torch\.ops\.(?!__)\w+\.((?!__)\w+|__i?(and|or|xor|lshift|rshift)__)(\.(?!__)\w+)?|torch\.(_sym|sym)_\w+|math\.[a-z]\w*|#.*|[^.]*"
    r"|torch\.amp\.autocast_mode\._(enter|exit)_autocast|torch\._C\._set_grad_enabled"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|xor|not_|inv|invert"
    r"|lshift|rshift|getitem|index)"
)
# Operators that open files by name, or that would load a library.
_FILE_OPERATORS = re.compile(r"torch\.ops\.\w+\.(from_file|save|load|load_library|import_module)(\.\w+)?")
_FUNCTION = re.compile(
    r"[A-Z]\w*|sqrt|floor|ceiling|exp|log|abs|int|float|sin|cos|tan|max|min|cast_symbool_to_symint\w*"
)
_METHODS = frozenset({"size", "stride", "storage_offset", "dim", "numel", "item", "shape"})
_WORD = re.compile(r"[\w.\- ]*")
_SHAPES = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Tuple),
    *(ast.List, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.keyword),
)


def is_safe_target(target: str) -> bool:
    """Return whether a node's target is an operator, not just any function reachable from torch."""
    return bool(_TARGETS.fullmatch(target)) and not _FILE_OPERATORS.fullmatch(target)


def is_arithmetic(text: str) -> bool:
    """Return whether an expression only computes with numbers, symbols and sizes."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return all(_is_harmless(node) for node in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_harmless(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return bool(_WORD.fullmatch(text))
        case ast.Constant(value=value):
            return value is None or isinstance(value, (bool, int, float))
        case ast.Name(id=name):
            return not name.startswith("_")
        case ast.Attribute(value=ast.Name(id="math"), attr=name):
            return not name.startswith("_")
        case ast.Attribute(attr=name):
            return name in _METHODS
        case ast.Call(func=ast.Name(id=name)):
            return bool(_FUNCTION.fullmatch(name))
        case ast.Call(func=ast.Attribute()):
            return True  # the attribute itself is looked at on its own
        case _:
            return isinstance(node, _SHAPES)
