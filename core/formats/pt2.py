"""Exported programs, as `torch.export.save` writes them."""

from __future__ import annotations

from pathlib import Path

from core.archives.programs import check_pt2
from core.domain.learn import Learn
from core.formats.built import insist
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    insist(path, "pt2")
    check_pt2(path)
    return ()


FORMAT = Format(
    "pt2",
    "a torch.export program",
    ".pt2",
    _check,
    learn=Learn(
        does="The file of torch.export: a graph of basic PyTorch operators with weights, and no pickled "
        "code.",
        costs="Only PyTorch of about the same version reads it.",
        choose="For PyTorch models that are to be optimized further: it holds the network without its "
        "Python code.",
        expect="4 bytes a parameter in FP32",
    ),
)
