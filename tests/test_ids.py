"""What is known of a technique stands in its own file: no table of ids elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.domain.export import ExportPrecision
from core.registry import passes

ROOT = Path(__file__).resolve().parents[1]


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_technique_is_named_outside_the_techniques() -> None:
    # Some ids, such as bf16 and int8_dynamic, are words of the field, too.
    ids = {each for each in passes() if "_" in each} - set(ExportPrecision)
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    # A target says of itself which techniques lead there.
    own = {ROOT / "core" / "passes", ROOT / "core" / "targets"}
    others = [path for path in files if own.isdisjoint(path.parents)]
    assert len(others) > 200
    found = {f"{path.relative_to(ROOT)}: {text}" for path in others for text in strings(path) if text in ids}
    assert not found


def test_kinds_of_technique_are_not_told_from_their_ids() -> None:
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    assert not [path.name for path in files if 'startswith("int8' in path.read_text(encoding="utf8")]
