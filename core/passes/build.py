"""Building one step: a pass applied to an artifact."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from core import params, registry
from core.datasets.rows import BuildRows, build_rows
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Step
from core.examples import example_feeds
from core.protocols import Feed, LocalArtifact, PassContext
from core.sandbox.answers import lines, unusable
from core.serde import to_json
from core.texts import one_line
from core.work.left import LONGEST_NAME
from core.work.unit import Check, Done, Job, Kind, WorkUnit

RANDOM_FEEDS = 32
LASTING = frozenset({"fixed"})
"""Details that hold for whatever is made of an artifact: what it takes for granted."""
LONGEST_FACTS = 64 * 1024
MODEL, DATA = "model", "data"


class BuildRequest(msgspec.Struct, frozen=True):
    """What to build.

    The unit's inputs are the artifact's files as ``model`` and those of a built data set as ``data``; without
    the latter calibration is on random inputs.

    Attributes:
        step: The pass with its parameters.
        model: The source model.
        artifact: What the pass is applied to.
    """

    step: Step
    model: SourceModel
    artifact: Artifact


class Built(msgspec.Struct, frozen=True):
    """What a pass made; its files are those that the unit left, the one to open first.

    Attributes:
        format: Of the new artifact.
        options: How a runtime must open it.
        details: What the pass did.
    """

    format: str
    options: dict[str, Any]
    details: dict[str, Any]


def build(request: BuildRequest, job: Job) -> Done[Built]:
    """Run one pass and check what it promises.

    Raises:
        PassNotApplicable: The graph has nothing this technique can work on.
        PassFailed: The technique broke on this model or did not keep its promise.
    """
    chosen = registry.get_pass(request.step.pass_id)
    settings = params.make(chosen.Params, request.step.params)
    before = LocalArtifact.of(request.artifact, job.inputs[MODEL])
    os.environ["OMP_NUM_THREADS"] = str(job.cores)  # read when the libraries are imported, which is later
    rows = build_rows(job.inputs[DATA], request.model) if DATA in job.inputs else None
    calibration = _calibration(request.model, rows, job.seed)
    context = PassContext(request.model, job.folder, calibration, job.seed, job.cores)
    after = chosen.run(context, before, settings)
    chosen.ensures(before, after, settings)
    kept = {key: value for key, value in before.details.items() if key in LASTING}
    files = dict.fromkeys((after.path.resolve(), *(file.resolve() for file in after.files)))
    return Done(Built(after.format, after.options, kept | after.details), tuple(files))


def _calibration(model: SourceModel, rows: BuildRows | None, seed: int) -> Callable[[], Iterator[Feed]]:
    if rows is None:
        return lambda: example_feeds(model, RANDOM_FEEDS, seed)
    return lambda: (feed for feed, _ in rows.calibration.batches(1))


def accept(_: BuildRequest, said: Built) -> Built:
    """Return what was built with its texts cleaned.

    Raises:
        UnsafeUpload: It says too much.
    """
    options, details = lines(said.options), lines(said.details)
    if len(to_json([details, options])) > LONGEST_FACTS:
        raise unusable("it tells more of what it built than anybody could read")
    return Built(one_line(said.format, LONGEST_NAME), options, details)


def check(_: BuildRequest, built: Built, files: tuple[Path, ...]) -> WorkUnit[Any, Any]:
    """Return the unit that looks at what was built as at an upload, in a process of its own."""
    made = LocalArtifact(built.format, files[0], files)
    return WorkUnit(kind="core.formats.check", parameters=Check((made,)), reads=(files[0].parent,))


UNIT = Kind(__name__, "build", BuildRequest, Built, build, leaves_files=True, accept=accept, check=check)
