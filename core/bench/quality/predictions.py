"""Prediction files: outputs over the evaluation set, and golden samples for the kit's self-check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from core.errors import RuntimeFailed
from core.protocols import Array, Feed, Session

LARGEST_BYTES = 1024**3
GOLDEN_NAMES = r"(input|output)_\d{1,9}_\d{1,9}"
CHANGING = "changing"
"""Empty file beside saved outputs whose size changed from call to call."""


def filled(feed: Feed, rows: int, batch: int) -> Feed:
    """Return `feed`, which has `rows`, with its rows repeated up to `batch`; whole feeds come back as is."""
    short = rows < batch
    return {
        name: np.resize(array, (batch, *array.shape[1:])) if short and len(array) < batch else array
        for name, array in feed.items()
    }


def save_predictions(session: Session, feeds: Iterable[tuple[Feed, int]], batch: int, folder: Path) -> int:
    """Run `feeds` and save each output as ``<index>.npy`` (samples, ...) in `folder`.

    Every feed has exactly `batch` rows, because the result of dynamic quantization depends on them; what was
    added to fill the last one is cut from the outputs. Outputs of changing size are filled up with
    zeros. Where outputs are large, only the first rows that fit into a gigabyte are run.

    Args:
        session: The loaded model.
        feeds: Feeds and the number of real rows in each.
        batch: Rows of each feed.
        folder: Made when missing.

    Returns:
        Saved rows.

    Raises:
        RuntimeFailed: The runtime refuses a feed, or the outputs change their number of axes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept: list[list[Array]] = []
    size = 0
    for block in _blocks(session, feeds, batch):
        kept.append(block)
        size += sum(part.nbytes for part in block)
        if size > LARGEST_BYTES:
            break
    outputs = [np.concatenate(alike(parts)) for parts in zip(*kept, strict=True)]
    if any(
        part.shape[1:] != output.shape[1:]
        for parts in kept
        for part, output in zip(parts, outputs, strict=True)
    ):
        (folder / CHANGING).write_bytes(b"")  # confined processes may not touch
    for index, output in enumerate(outputs):
        np.save(folder / f"{index}.npy", np.ascontiguousarray(output))
    return len(outputs[0]) if outputs else 0


def _blocks(session: Session, feeds: Iterable[tuple[Feed, int]], batch: int) -> Iterator[list[Array]]:
    for feed, rows in feeds:
        yield [_per_row(output, rows, batch) for output in session.run(feed)]


def _per_row(output: Array, rows: int, batch: int) -> Array:
    """Return (rows, ...); an output without a batch axis counts as one row a call."""
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
