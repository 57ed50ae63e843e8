"""TorchScript archives, as `torch.jit.save` writes them."""

from __future__ import annotations

from pathlib import Path

from core.archives.torchscript import check_torchscript
from core.domain.learn import Learn
from core.formats.built import insist
from core.protocols import Format

WARNING = (
    "**`model.pt` is a program.** TorchScript runs what its author wrote, with your rights, when it is "
    "loaded. Load it only if you trust whoever made the model, or in a sandbox."
)


def _check(path: Path) -> tuple[Path, ...]:
    insist(path, "torchscript")
    check_torchscript(path)
    return ()


FORMAT = Format(
    "torchscript",
    "TorchScript",
    ".pt",
    _check,
    warning=WARNING,
    learn=Learn(
        does="PyTorch's older recorded graph, which C++ programs load without Python.",
        costs="PyTorch has deprecated it in favour of torch.export, and a file can hold code.",
        choose="When LibTorch is in use already.",
        expect="4 bytes a parameter in FP32",
    ),
)
