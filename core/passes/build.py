"""Build step: one pass in a confined working process, for `core.sandbox.process.Child`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core import params, registry
from core.datasets.rows import BuildRows, build_rows
from core.domain.model import SourceModel
from core.examples import example_feeds
from core.protocols import Feed, LocalArtifact, PassContext
from core.serde import from_plain

RANDOM_FEEDS = 32
LASTING = frozenset({"fixed"})
"""Details that hold for whatever is made of an artifact: what it takes for granted."""


def build(payload: dict[str, Any]) -> dict[str, Any]:
    """Run one pass and check what it promises.

    Args:
        payload: ``pass_id``, ``params``, ``model`` as plain values, ``artifact`` as a plain
            `LocalArtifact`, ``folder`` to write in, ``data`` (folder of a built data
            set, or None for random inputs), ``seed`` and ``threads``.

    Returns:
        ``format``, ``path`` and ``files`` relative to the folder, ``options`` and ``details``.

    Raises:
        PassNotApplicable: The graph has nothing this technique can work on.
        PassFailed: The technique broke on this model or did not keep its promise.
    """
    folder = Path(payload["folder"]).resolve()
    chosen = registry.get_pass(payload["pass_id"])
    settings = params.make(chosen.Params, payload["params"])
    model = from_plain(payload["model"], SourceModel)
    before = from_plain(payload["artifact"], LocalArtifact)
    seed, threads = int(payload["seed"]), int(payload["threads"])
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when the libraries are imported, which is later
    rows = build_rows(Path(payload["data"]), model) if payload["data"] is not None else None
    context = PassContext(model, folder, _calibration(model, rows, seed), seed, threads)
    after = chosen.run(context, before, settings)
    chosen.ensures(before, after, settings)
    kept = {key: value for key, value in before.details.items() if key in LASTING}
    return {
        "format": after.format,
        "path": _below(folder, after.path),
        "files": [_below(folder, file) for file in after.files],
        "options": after.options,
        "details": kept | after.details,
    }


def _calibration(model: SourceModel, rows: BuildRows | None, seed: int) -> Callable[[], Iterator[Feed]]:
    if rows is None:
        return lambda: example_feeds(model, RANDOM_FEEDS, seed)
    return lambda: (feed for feed, _ in rows.calibration.batches(1))


def _below(folder: Path, path: Path) -> str:
    return path.resolve().relative_to(folder).as_posix()


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"build": build}
