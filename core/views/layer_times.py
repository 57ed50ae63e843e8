"""Times of a model's layers, from the latest profile of a baseline of it."""

from __future__ import annotations

from collections import defaultdict

from core.domain.model import SourceModel
from core.domain.profile import Profile
from core.domain.structure import Structure
from core.engine.profiling import stored_profile
from core.store.store import Store

LATEST = 8
"""How many runs of the model are looked through."""


def baseline_profile(store: Store, model: SourceModel) -> Profile | None:
    """Return the newest stored profile of a run's baseline, which is the model itself; None without one."""
    ids = [each.run.id for each in store.runs.list() if each.run.request.model_id == model.id]
    for run_id in ids[:LATEST]:
        for each in store.candidates.list(run_id):
            found = stored_profile(store, each.id) if each.position == 0 else None
            if found is not None:
                return found
    return None


def layer_times(structure: Structure, profile: Profile) -> dict[str, float]:
    """Return the milliseconds of the layers of `structure` by name, as far as the profile tells.

    A runtime fuses layers and PyTorch runs modules: what covers several counts for that with the most MACs.
    """
    weight = {each.name: (each.macs or 0, each.parameters) for each in structure.layers}
    inside: defaultdict[str, list[str]] = defaultdict(list)
    for each in structure.layers:
        inside[".".join(each.module)].append(each.name)
    times: defaultdict[str, float] = defaultdict(float)
    for step in profile.layers:
        named = [name for name in step.nodes if name in weight]
        modules = [path for path in (*step.nodes, step.module) if path and path in inside]
        covered = named or [name for path in modules[:1] for name in inside[path]]
        if covered:
            times[max(covered, key=weight.__getitem__)] += step.ms
    return dict(times)
