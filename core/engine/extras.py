"""Details of candidates beside their results, for runs that are taken elsewhere."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from core.domain.accuracy_detail import AccuracyDetail
from core.domain.bundle import Extras
from core.engine.accuracy_details import DETAIL, accuracy_detail_of
from core.engine.comparing_layers import FILE as LAYER_ERRORS
from core.engine.comparing_layers import stored_layer_errors
from core.engine.evidence import SWEPT, keep, stored_sweep
from core.engine.profiling import PROFILE, stored_profile
from core.serde import from_plain, to_plain
from core.store.store import Store
from core.texts import one_line

FILES = {"accuracy": DETAIL, "layer_errors": LAYER_ERRORS, "profile": PROFILE, "sweep": SWEPT}
"""Name of the result file of each detail."""
MOST_ROWS = 200_000
"""Layers and settings that a candidate's details may tell together."""


def extras_of(store: Store, candidate_id: str) -> Extras:
    """Return the details of a candidate as far as they were measured."""
    return Extras(
        accuracy_detail_of(store, candidate_id),
        stored_layer_errors(store, candidate_id),
        stored_profile(store, candidate_id),
        stored_sweep(store, candidate_id),
    )


def keep_extras(store: Store, candidate_id: str, extras: Extras) -> None:
    """Keep the details of a candidate with its results."""
    for name, file in FILES.items():
        found = getattr(extras, name)
        if found is not None:
            keep(store, candidate_id, file, found)


def cleaned(extras: Extras) -> Extras:
    """Return details that a stranger gave with harmless texts.

    Raises:
        ValueError: Their columns are of unlike lengths, a number cannot be, or there are too many.
    """
    if extras.accuracy is not None:
        _check_columns(extras.accuracy)
    _check_amounts(extras)
    return from_plain(_clean(to_plain(extras)), Extras)


def _check_columns(detail: AccuracyDetail) -> None:
    """Refuse tables whose columns do not fit together; a column may be absent as a whole."""
    for field in fields(detail):
        table = getattr(detail, field.name)
        if not is_dataclass(table):
            continue
        columns = {each.name: getattr(table, each.name) for each in fields(table)}
        edges = len(columns.pop("edges", ()))
        lengths = {len(each) for each in columns.values() if isinstance(each, tuple) and each}
        if len(lengths) > 1 or (edges and lengths != {edges - 1}):
            raise ValueError(f"the columns of {field.name} are of unlike lengths")


def _check_amounts(extras: Extras) -> None:
    """Refuse errors, times and counts below 0, and times of 0: pages take roots and logarithms of them.

    Raises:
        ValueError: With what cannot be.
    """
    rows: list[Any] = [*(extras.layer_errors.layers if extras.layer_errors else ())]
    above: list[float] = []
    if extras.profile is not None:
        rows += extras.profile.layers
        above += [extras.profile.latency_ms, extras.profile.profiled_ms]
    if extras.sweep is not None:
        rows += extras.sweep.settings
        above += [part for each in extras.sweep.settings for part in (each.p50_ms, each.per_s, each.batch)]
    if len(rows) > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS:,} layers and settings are told")
    told = (getattr(row, field.name) for row in rows for field in fields(row))
    if any(isinstance(value, int | float) and value < 0 for value in told) or not all(
        value > 0 for value in above
    ):
        raise ValueError("an error, a time or a count is below 0, or a time is 0")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a figure is not finite")
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {one_line(key): _clean(each) for key, each in value.items()}
    return value
