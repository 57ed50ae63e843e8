"""Unwrap state dicts: out of trainers' checkpoints, and without the key prefixes of containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import UnsupportedModel

CONTAINERS = (
    "state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params",
    "model_ema", "ema_state_dict", "state_dict_ema", "ema",
)  # fmt: skip
"""Keys under which training scripts nest the weights, the plain ones before their moving averages."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.")
"""What DataParallel, torch.compile, Lightning modules and hand-written wrappers put before every key."""

BESIDE = ("n_averaged", "criterion.", "loss.", "loss_fn.")
"""Tensors that weight averaging and training modules keep beside the network's own."""


def unwrap(checkpoint: object, strip: bool = True) -> dict[str, Any]:
    """The flat state dict inside `checkpoint`, wrapper prefixes removed unless `strip` is false.

    Entries that are no tensors (epoch, optimizer and the like) are left out.

    Raises:
        UnsupportedModel: No mapping of names to tensors is in it.
    """
    return _strip(_flat(checkpoint)) if strip else _flat(checkpoint)


def strip_wrappers(keys: list[str]) -> dict[str, str]:
    """Each key without the wrapper prefixes that *all* keys share, in whatever order they nest."""
    stripped = list(keys)
    while stripped:
        prefix = next((p for p in PREFIXES if all(key.startswith(p) for key in stripped)), None)
        if prefix is None:
            break
        stripped = [key[len(prefix) :] for key in stripped]
    return dict(zip(keys, stripped, strict=True))


def is_tensor(value: object) -> bool:
    """Whether `value` is a tensor or array, told without importing torch."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _flat(checkpoint: object, depth: int = 0) -> dict[str, Any]:
    if isinstance(checkpoint, list) and len(checkpoint) == 1 and depth == 0:
        return _flat(checkpoint[0], depth + 1)
    if not isinstance(checkpoint, Mapping):
        raise UnsupportedModel(
            f"The file holds a {type(checkpoint).__name__}, not a state dict (names and tensors).",
            hint="Save the weights with torch.save(model.state_dict(), 'model.pth').",
        )
    for name in CONTAINERS:
        inner = checkpoint.get(name)
        if isinstance(inner, Mapping) and depth < 4 and _holds_tensors(inner, depth + 1):
            return _flat(inner, depth + 1)
    named = {str(key): value for key, value in checkpoint.items() if is_tensor(value)}
    tensors = {key: value for key, value in named.items() if not key.startswith(BESIDE)}
    if not tensors:
        found = ", ".join(str(key) for key in list(checkpoint)[:5]) or "nothing"
        raise UnsupportedModel(
            f"No tensors were found under a known name in this checkpoint; it holds {found}.",
            hint="Save the weights alone with torch.save(model.state_dict(), 'model.pth').",
        )
    return tensors


def _holds_tensors(mapping: Mapping[Any, Any], depth: int) -> bool:
    nested = (mapping.get(name) for name in CONTAINERS)
    return any(is_tensor(value) for value in mapping.values()) or any(
        isinstance(inner, Mapping) and depth < 4 and _holds_tensors(inner, depth + 1) for inner in nested
    )


def _strip(tensors: dict[str, Any]) -> dict[str, Any]:
    names = strip_wrappers(list(tensors))
    return {names[key]: value for key, value in tensors.items()}
