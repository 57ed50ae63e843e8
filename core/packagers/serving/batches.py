"""Batches of a service, out of the measured curve of throughput against batch size."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.model import SourceModel
from core.errors import InvalidRequest
from core.packagers.serving.options import ServiceParams
from core.protocols import Package

GAIN = 1.05
"""A larger batch must give so much more throughput than the next smaller one that is taken."""
LONGEST_CALL_MS = 100.0
LONGEST_DELAY_MS = 5.0


@dataclass(frozen=True)
class BatchPlan:
    """How rows are put together.

    Attributes:
        symbol: Name of the batch axis; None where a request is one whole call.
        sizes: Rows that a call may have.
        fixed: The model takes no other number of rows.
        delay_ms: How long the first of a batch waits.
        gain: Throughput of the largest by that of one row; None where it was not measured.
    """

    symbol: str | None
    sizes: tuple[int, ...]
    fixed: bool
    delay_ms: float = 0.0
    gain: float | None = None


def curve(package: Package) -> dict[int, float]:
    """Return the samples per second by batch size, at the threads of the candidate."""
    threads, result = package.candidate.recipe.target.threads, package.candidate.result
    swept = package.sweep.settings if package.sweep is not None else ()
    found = {each.batch: each.per_s for each in swept if each.threads == threads}
    return found or (dict(sorted(result.timing.throughput.items())) if result is not None else {})


def splits(model: SourceModel) -> bool:
    """Whether rows of several requests can go in together and come out apart."""
    front = model.inputs[0].shape[0] if model.inputs and model.inputs[0].shape else None
    return model.by_rows and all(spec.shape[:1] == (front,) for spec in model.outputs)


def batches(package: Package, params: ServiceParams) -> BatchPlan:
    """Return how the service puts rows together.

    Raises:
        InvalidRequest: Dynamic batching was chosen and cannot be done, or gains nothing.
    """
    model, measured = package.model, curve(package)
    if not splits(model):
        if params.batching:
            raise InvalidRequest(
                "Dynamic batching cannot be done: inputs or outputs of this model have no batch in front.",
                hint="Leave batching out.",
            )
        return BatchPlan(None, (1,), fixed=False)
    symbol, own = model.batch_symbol or "batch", package.candidate.recipe.target.batch
    fixed = model.fixed_batch is not None or (bool(measured) and set(measured) == {own} and own > 1)
    if fixed:
        if params.batching:
            raise InvalidRequest(
                f"Dynamic batching cannot be done: the model takes {own} rows a call and no other number.",
                hint="Leave batching out, or choose a candidate that was measured at other batches.",
            )
        return BatchPlan(symbol, (model.fixed_batch or own,), fixed=True)
    if not params.batching:
        return BatchPlan(symbol, tuple(measured) or tuple(sorted({1, own})), fixed=False)
    return _together(symbol, measured, params)


def _together(symbol: str, measured: dict[int, float], params: ServiceParams) -> BatchPlan:
    one = measured.get(1)
    if one is None:
        raise InvalidRequest(
            "Dynamic batching needs the measured throughput of one row and of larger batches.",
            hint="Measure it: the button is on the Deploy page, and whetstone deploy does it by itself.",
        )
    best = 1
    for size, per_s in sorted(measured.items()):
        limit = max(LONGEST_CALL_MS, 4000 / one)
        if per_s >= GAIN * measured[best] and 1000 * size / per_s <= limit:
            best = size
    largest = params.max_batch or best
    if largest == 1:
        raise InvalidRequest(
            "Dynamic batching gains nothing here: no measured batch gives 5 % more throughput than one row.",
            hint="Leave batching out, or set the largest batch.",
        )
    delay = min(LONGEST_DELAY_MS, 500 / one) if params.max_delay_ms is None else params.max_delay_ms
    powers = [1 << power for power in range(largest.bit_length()) if 1 << power < largest]
    gain = measured[largest] / one if largest in measured else None
    return BatchPlan(symbol, (*powers, largest), False, round(delay, 3), gain)
