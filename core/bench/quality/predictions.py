"""Prediction files: outputs over the evaluation set, and golden samples for the kit's self-check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import RuntimeFailed
from core.protocols import Array, Feed

GOLDEN_NAMES = r"(input|output)_\d{1,9}_\d{1,9}"
CHANGING = "changing"
"""Empty file beside saved outputs whose size changed from call to call."""


def is_prediction(name: str) -> bool:
    """Whether a file of this name is one of saved outputs, or belongs to them."""
    return name.endswith(".npy") or name == CHANGING


def filled(feed: Feed, rows: int, batch: int) -> Feed:
    """Return `feed`, which has `rows`, with its rows repeated up to `batch`; whole feeds come back as is."""
    short = rows < batch
    return {
        name: np.resize(array, (batch, *array.shape[1:])) if short and len(array) < batch else array
        for name, array in feed.items()
    }


def save_blocks(blocks: Sequence[Sequence[Array]], folder: Path) -> int:
    """Save outputs as ``<index>.npy`` (samples, ...) in `folder`.

    Outputs of changing size are filled up with zeros.

    Args:
        blocks: The outputs of each call by `per_row`.
        folder: Made when missing.

    Returns:
        Saved rows.

    Raises:
        RuntimeFailed: The outputs change their number of axes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outputs = [np.concatenate(alike(parts)) for parts in zip(*blocks, strict=True)]
    if any(
        part.shape[1:] != output.shape[1:]
        for parts in blocks
        for part, output in zip(parts, outputs, strict=True)
    ):
        (folder / CHANGING).write_bytes(b"")  # confined processes may not touch
    for index, output in enumerate(outputs):
        np.save(folder / f"{index}.npy", np.ascontiguousarray(output))
    return len(outputs[0]) if outputs else 0


def per_row(output: Array, rows: int, batch: int) -> Array:
    """Return (rows, ...) of what a call of `batch` rows gave, what filled it up cut off.

    An output without a batch axis counts as one row a call.
    """
    return output[:rows] if output.ndim and len(output) == batch else output[np.newaxis]


def alike(parts: Sequence[Array]) -> list[Array]:
    """Return arrays (rows, ...) that differ in nothing but their rows, filled up with zeros at the end.

    Detectors return as many boxes as they find. Such an output counts as one row a call, and a single box
    may have been taken for a row of its own: it has one axis less than the others.

    Raises:
        RuntimeFailed: The numbers of axes differ by more than that.
    """
    if all(part.shape[1:] == parts[0].shape[1:] for part in parts):
        return list(parts)
    most = max(part.ndim for part in parts)
    whole = [part if part.ndim == most else part[np.newaxis] for part in parts]
    if any(part.ndim != most for part in whole):
        raise RuntimeFailed(
            "The outputs change their number of axes, so they cannot be compared.",
            hint="Leave the selection step at the model's end out, or fix its output shapes.",
        )
    shape = np.max([part.shape[1:] for part in whole], axis=0)
    return [
        np.pad(
            part, [(0, 0), *((0, int(want - have)) for want, have in zip(shape, part.shape[1:], strict=True))]
        )
        for part in whole
    ]


def save_golden(path: Path, feeds: Sequence[Feed], outputs: Sequence[Sequence[Array]]) -> None:
    """Save feeds and outputs as ``input_<sample>_<index>`` and ``output_<sample>_<index>`` in an npz file."""
    arrays = {
        f"{kind}_{sample}_{index}": array
        for kind, samples in (("input", [list(feed.values()) for feed in feeds]), ("output", outputs))
        for sample, row in enumerate(samples)
        for index, array in enumerate(row)
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]
