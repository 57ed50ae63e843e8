"""Profile of a candidate with its baseline's beside it, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.profile import LayerKind, LayerProfile, Profile
from core.domain.roofline import Roofline
from core.domain.run import Candidate
from core.engine.executors import executor
from core.engine.profiling import stored_profile, stored_rooflines
from core.insights.alignment import aligned, with_followers
from core.insights.bounds import Standing, level_of, reached, standing, verdict
from core.serde import to_plain
from core.store.store import Store

LITTLE = 0.001
"""Share of a call that is not worth a word."""
SLOWED = 1.15
"""From this slow-down by the profiler on it is worth a word."""


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    Attributes:
        layer: With its figures.
        standing: Under the roofs of its machine.
        theirs: The same layer of the baseline; None where there is none.
        theirs_ms: Milliseconds of it and of what follows it up to the next layer that multiplies.
    """

    layer: LayerProfile
    standing: Standing
    theirs: LayerProfile | None = None
    theirs_ms: float | None = None


@dataclass(frozen=True)
class ProfileView:
    """A profile.

    Attributes:
        profile: As it was made.
        rows: Its layers, in the order in which they ran.
        verdict: What can still make it faster, in a sentence.
        reached: Share of its time that it would need with every layer at its roof; None if unknown.
        level: Of memory that its layers read from.
        notes: Sentences on overhead, the profiler's cost, borders between precisions.
        baseline: Profile of the baseline; None where it was not profiled.
    """

    profile: Profile
    rows: tuple[LayerRow, ...]
    verdict: str
    reached: float | None
    level: str
    notes: tuple[str, ...]
    baseline: Profile | None = None


def profile_view(profile: Profile, baseline: Profile | None = None) -> ProfileView:
    """Return a profile as rows, beside that of the baseline where it is given."""
    roofs = profile.roofline
    level = level_of(profile, roofs) if roofs else ""
    pairs = aligned(profile.layers, baseline.layers) if baseline else {}
    rows = []
    for at, layer in enumerate(profile.layers):
        place = standing(layer, roofs, level)
        if baseline is None or at not in pairs:
            rows.append(LayerRow(layer, place))
            continue
        theirs = baseline.layers[pairs[at]]
        rows.append(LayerRow(layer, place, theirs, with_followers(baseline.layers, pairs[at])))
    told = (verdict(profile), reached(profile), level, _notes(profile))
    return ProfileView(profile, tuple(rows), *told, baseline)


def find_profile(store: Store, candidate: Candidate, baseline: Candidate) -> ProfileView | None:
    """Return the profile of a candidate as far as one is stored."""
    found = stored_profile(store, candidate.id)
    if found is None:
        return None
    other = stored_profile(store, baseline.id) if baseline.id != candidate.id else None
    return profile_view(found, other)


def rooflines(store: Store) -> tuple[Roofline, ...]:
    """Return the measured rooflines of the machine that the executor measures on, by threads."""
    known = executor(store).machines()
    return stored_rooflines(store, next(iter(known.values()))) if known else ()


def profile_document(candidate: Candidate, view: ProfileView) -> dict[str, Any]:
    """Return a profile as plain values, for ``profile --json``; keys may be added."""
    profile = view.profile
    return {
        "candidate": candidate.id,
        "name": candidate.name,
        "runtime": profile.runtime,
        "threads": profile.threads,
        "batch": profile.batch,
        "latency_ms": profile.latency_ms,
        "profiled_ms": profile.profiled_ms,
        "sum_ms": profile.sum_ms,
        "overhead_ms": profile.overhead_ms,
        "calls": profile.calls,
        "verdict": view.verdict,
        "reached": view.reached,
        "memory_level": view.level,
        "fusions": profile.fusions,
        "transitions": profile.transitions,
        "reorders": profile.count(LayerKind.REORDER),
        "quantize_pairs": profile.quantize_pairs,
        "layers": [_document(row) for row in view.rows],
        "roofline": to_plain(profile.roofline),
        "environment": to_plain(profile.environment),
    }


def _document(row: LayerRow) -> dict[str, Any]:
    layer = row.layer
    return {
        **to_plain(layer),
        "gmac_per_s": layer.rate,
        "gb_per_s": layer.bandwidth,
        "bound": row.standing.bound.value,
        "share_of_roof": row.standing.share,
        "baseline_ms": row.theirs_ms,
        "baseline_layer": row.theirs.name if row.theirs else None,
    }


def _notes(profile: Profile) -> tuple[str, ...]:
    notes = ["The layers fill the call: hardly any of its time passes outside of them."]
    if profile.overhead_share >= LITTLE:
        notes = [
            f"{profile.overhead_share:.1%} of a call ({_ms(profile.overhead_ms)}) passes in no layer: "
            "calling the runtime, starting layers, copying inputs and outputs."
        ]
    for kind, told in (
        (LayerKind.REORDER, "change of memory layout"),
        (LayerKind.QUANTIZE, "change of number format"),
    ):
        count = profile.count(kind)
        if profile.ms_of(kind) >= LITTLE * profile.latency_ms:
            plural = told.replace("change", "changes") if count > 1 else told
            notes.append(
                f"{count} {plural} take{'s' if count == 1 else ''} {_ms(profile.ms_of(kind))}, "
                f"{profile.ms_of(kind) / profile.latency_ms:.1%} of a call."
            )
    if profile.slowdown >= SLOWED:
        notes.append(
            f"With the profiler a call takes {_ms(profile.profiled_ms)} instead of "
            f"{_ms(profile.latency_ms)}; that is taken off, and the times of very short layers are uncertain."
        )
    return tuple(notes)


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value >= 1 else f"{1000 * value:.3g} µs"
