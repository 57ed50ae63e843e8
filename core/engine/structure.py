"""Layers of an uploaded model: read on the first demand in a confined process, and kept."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.domain.structure import Structure
from core.engine.building import Builder, source_artifact
from core.engine.executors import local
from core.engine.upload_slots import turn
from core.errors import PassNotApplicable, WhetstoneError
from core.registry import passes
from core.serde import from_json, to_json
from core.sources.structure import MODEL, UNIT, StructureRequest
from core.store.private import private_folder
from core.store.store import Store
from core.work.stop import Stop

ONNX = "onnx"
VERSION = 1
"""Raise it where the same graph would be read differently."""
FOLDER = "layers"
KEPT_S = 30 * 86_400.0
PATIENCE_S = 120.0
AHEAD_S = 300.0
"""How long ago an upload was made whose layers are read before anybody asks."""


def known_structure(store: Store, model: SourceModel) -> Structure | None:
    """Return the layers of `model` where they were read before."""
    with suppress(OSError, ValueError, msgspec.MsgspecError):
        return from_json(_file(store, model).read_bytes(), Structure)
    return None


def structure_of(store: Store, model: SourceModel) -> Structure:
    """Return the layers of `model`, read now where they were not before.

    What is no ONNX graph is exported first, as a run would do it; that run finds the export.

    Raises:
        PassNotApplicable: There is no way to an ONNX graph.
        WhetstoneError: It cannot be exported or read.
    """
    known = known_structure(store, model)
    if known is not None:
        return known
    with turn():
        artifact = source_artifact(model)
        if model.format != ONNX:
            artifact = _builder(store, model).build(_export(model))
        request = StructureRequest(model, artifact.files[0].name)
        unit = UNIT.unit(request, inputs={MODEL: artifact.files}, deadline_s=PATIENCE_S)
        found = local(store).run(unit, Stop()).values.structure
    found = replace(found, exported=model.format != ONNX)
    kept = _file(store, model)
    private_folder(kept.parent)
    part = kept.with_suffix(f".{id(found)}.part")
    part.write_text(to_json(found))
    part.replace(kept)
    return found


def read_ahead(store: Store, seen: set[str]) -> None:
    """Read the layers of what was uploaded lately, so that its page and its first run find its export.

    Args:
        store: Holds the uploads.
        seen: Ids of those that were tried; the next one is added.
    """
    waiting = (each for each in store.models.recent(AHEAD_S) if each.files and each.id not in seen)
    model = next(waiting, None)
    if model is not None:
        seen.add(model.id)
        with suppress(WhetstoneError, OSError):  # told where somebody asks for the layers
            structure_of(store, model)


def forget_structures(store: Store, older_than_s: float = KEPT_S) -> None:
    """Remove what was read so long ago; it is read again when somebody asks."""
    for file in (store.folder / FOLDER).glob("*"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < time.time() - older_than_s:
                file.unlink()


def _file(store: Store, model: SourceModel) -> Path:
    return store.folder / FOLDER / f"{model.id}-{VERSION}.json"


def _builder(store: Store, model: SourceModel) -> Builder:
    return Builder(store, model, None, 0, Stop(), lambda _: None, lambda _, __: None)


def _export(model: SourceModel) -> Recipe:
    """Return the conversion that leads from the model's format to ONNX.

    Raises:
        PassNotApplicable: None does.
    """
    for each in passes().values():
        if each.bridges and each.produces.get(model.format) == ONNX:
            return Recipe((Step(each.id),), Target(""))
    raise PassNotApplicable(
        "Nothing here turns this format into an ONNX graph, of which layers are read.",
        hint="Export the model to ONNX and upload that.",
    )
