"""State dicts: weights by name, without the code of their network."""

from __future__ import annotations

from pathlib import Path

from core.archives.torch_files import check_state_dict_pickle, is_safetensors
from core.domain.learn import Learn
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    if not is_safetensors(path):
        check_state_dict_pickle(path)
    return ()


FORMAT = Format(
    "state_dict",
    "a PyTorch state dict",
    ".safetensors",
    _check,
    standalone=False,
    learn=Learn(
        does="Weights by name, without the network that they belong to.",
        costs="It runs only together with the Python code that builds the network.",
        choose="To go on training in your own code.",
        expect="4 bytes a parameter in FP32",
    ),
)
