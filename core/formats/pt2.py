"""Exported programs, as `torch.export.save` writes them."""

from __future__ import annotations

from pathlib import Path

from core.archives.programs import check_pt2
from core.formats.built import insist
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    insist(path, "pt2")
    check_pt2(path)
    return ()


FORMAT = Format("pt2", "a torch.export program", ".pt2", _check)
