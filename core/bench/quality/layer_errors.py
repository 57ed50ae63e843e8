"""Unit of work that runs a candidate beside the network in float and compares them layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from time import monotonic

import msgspec
import numpy as np

from core.bench.timing.host import feeds
from core.domain.layer_errors import LayerError, LayerErrors
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Target
from core.errors import RuntimeFailed
from core.protocols import Array, LocalArtifact, Tensor, TensorSession
from core.registry import get_runtime
from core.texts import one_line
from core.work.unit import Done, Job, Kind, Progress

ORIGINAL, MODEL, DATA = "original", "model", "data"
"""The unit's inputs: files of the network in float and of the candidate, and rows to call them with."""
ROWS, SECONDS = 32, 60.0
AT_ONCE = 150
"""Values that are held at a time: those of a large network together may take gigabytes."""


class LayerErrorsRequest(msgspec.Struct, frozen=True):
    """What to compare.

    Attributes:
        model: The source model.
        original: The artifact in float.
        artifact: What was made of it.
        target: How both run, one sample at a time.
        step: Id of the technique between both.
    """

    model: SourceModel
    original: Artifact
    artifact: Artifact
    target: Target
    step: str


class _Found(msgspec.Struct, frozen=True):
    """Of one value: power of the error by that of the signal, and the largest magnitude by the usual one."""

    error: float
    reach: float


class _Sums:
    """Signal, noise and largest magnitude of some values, over all samples."""

    def __init__(self, count: int) -> None:
        self._signal, self._noise, self._largest, self._sizes = np.zeros((4, count))
        self._unlike: set[int] = set()

    def add(self, ours: Sequence[Array], theirs: Sequence[Array]) -> None:
        """Take in the values of one call, `theirs` in float."""
        for at, (mine, wanted) in enumerate(zip(ours, theirs, strict=True)):
            if wanted.dtype.kind != "f" or mine.dtype.kind != "f" or mine.shape != wanted.shape:
                self._unlike.add(at)
                continue
            exact = np.nan_to_num(wanted.astype(np.float64), posinf=0.0, neginf=0.0)
            known = np.nan_to_num(mine.astype(np.float64), posinf=0.0, neginf=0.0)
            self._signal[at] += np.square(exact).sum()
            self._noise[at] += np.square(known - exact).sum()
            self._largest[at] = max(self._largest[at], np.abs(exact).max(initial=0.0))
            self._sizes[at] += exact.size

    def found(self, at: int) -> _Found | None:
        """Return what is known of one value; None where it is no float in both, or always 0."""
        if at in self._unlike or not self._signal[at] > 0:
            return None
        usual = np.sqrt(self._signal[at] / self._sizes[at])
        return _Found(float(self._noise[at] / self._signal[at]), float(self._largest[at] / usual))


def compare_layers(request: LayerErrorsRequest, job: Job) -> Done[LayerErrors]:
    """Compare the values behind all layers that both networks have.

    Raises:
        RuntimeFailed: The runtime shows no values between layers, refuses one of both, or they have no layer
            in common.
    """
    runtime, target = get_runtime(request.target.runtime_id), replace(request.target, batch=1)
    sides = [
        runtime.open_tensors(LocalArtifact.of(each, job.inputs[name]), target, request.model)
        for each, name in ((request.artifact, MODEL), (request.original, ORIGINAL))
    ]
    pairs = paired(sides[0].tensors, sides[1].tensors)
    if not pairs:
        raise RuntimeFailed(
            "No layer of this candidate has a counterpart in the network in float.",
            hint="Its technique or its conversion renamed everything; compare the outputs instead.",
        )
    errors, rows = dict[int, _Found](), 0
    groups = [pairs[start : start + AT_ONCE] for start in range(0, len(pairs), AT_ONCE)]
    for done, group in enumerate(groups):
        job.progress(Progress(message="comparing values layer by layer", share=done / len(groups)))
        found, rows = _group(request, job, sides, group, SECONDS / len(groups))
        errors |= found
    return Done(
        LayerErrors(
            tuple(_told(sides[1].tensors, errors)),
            rows,
            request.step,
            len(sides[1].tensors) - len(errors),
            DATA not in job.inputs,
        )
    )


def paired(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return the values that both have by one of their names, in the order of `theirs`."""
    known = {name: tensor for tensor in ours for name in tensor.names}
    found, taken = list[tuple[Tensor, Tensor]](), set[int]()
    for tensor in theirs:
        mine = next((known[name] for name in sorted(tensor.names) if name in known), None)
        if mine is not None and mine.position not in taken:
            taken.add(mine.position)
            found.append((mine, tensor))
    return found


def _group(
    request: LayerErrorsRequest,
    job: Job,
    sides: Sequence[TensorSession],
    pairs: Sequence[tuple[Tensor, Tensor]],
    seconds: float,
) -> tuple[dict[int, _Found], int]:
    """Return the errors of some values by the position of those in float, and the samples."""
    for side, tensors in zip(sides, zip(*pairs, strict=True), strict=True):
        side.watch(tensors)
    sums, rows, begin = _Sums(len(pairs)), 0, monotonic()
    batch = request.model.fixed_batch or 1
    for feed, count in islice(feeds(request.model, job.inputs.get(DATA), batch), max(1, ROWS // batch)):
        ours, theirs = (side.run(feed) for side in sides)
        sums.add(ours, theirs)
        rows += count
        if monotonic() - begin > seconds:
            break
    found = {pair[1].position: sums.found(at) for at, pair in enumerate(pairs)}
    return {place: each for place, each in found.items() if each is not None}, rows


def _told(tensors: Sequence[Tensor], errors: dict[int, _Found]) -> Iterator[LayerError]:
    """Yield each layer with the error in front of it: what could not be compared passes that on."""
    carried = dict[int, float]()
    for tensor in tensors:
        before = max((carried.get(at, 0.0) for at in tensor.inputs), default=0.0)
        found = errors.get(tensor.position)
        carried[tensor.position] = before if found is None else found.error
        if found is not None:
            yield LayerError(tensor.layer, tensor.operator, found.error, before, found.reach)


def cleaned(_: LayerErrorsRequest, found: LayerErrors) -> LayerErrors:
    """Return it with the names in it made harmless: they are a stranger's."""
    layers = (
        replace(each, name=one_line(each.name), operator=one_line(each.operator)) for each in found.layers
    )
    return replace(found, layers=tuple(layers))


UNIT = Kind(__name__, "compare layers", LayerErrorsRequest, LayerErrors, compare_layers, accept=cleaned)
