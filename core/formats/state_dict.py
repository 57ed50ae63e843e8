"""State dicts: weights by name, without the code of their network."""

from __future__ import annotations

from pathlib import Path

from core.archives.torch_files import check_state_dict_pickle, is_safetensors
from core.protocols import Format


def _check(path: Path) -> tuple[Path, ...]:
    if not is_safetensors(path):
        check_state_dict_pickle(path)
    return ()


FORMAT = Format("state_dict", "a PyTorch state dict", ".safetensors", _check, standalone=False)
