"""Units as a confined process that does several is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.sandbox.process import Child
from core.serde import to_plain
from core.work.child import Order
from core.work.unit import WorkUnit

MODULE = "core.work.child"


def do(child: Child, unit: WorkUnit[Any, Any], folder: Path, seconds: float = 120.0) -> dict[str, Any]:
    """Have `child`, a process of `MODULE`, do `unit` in `folder`; returns ``values`` and ``files``, plain."""
    return child.call("do", to_plain(Order(unit, folder, {}, seconds)), seconds)
