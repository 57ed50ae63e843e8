"""Process that measures the roofs of its machine."""

from __future__ import annotations

from core.bench.profile.commands import ROOFS, Roofs, RoofsFound
from core.bench.profile.compute_roofs import compute_roofs
from core.bench.profile.memory_roofs import cache_sizes, memory_roofs


def roofs(asked: Roofs) -> RoofsFound:
    """Measure what the machine computes and reads at most."""
    sizes = cache_sizes(asked.threads)
    first = memory_roofs(sizes, asked.threads)
    compute = compute_roofs(tuple(asked.isa), asked.threads)
    # A neighbour may have had the memory for a moment: the better of two moments counts.
    second = memory_roofs(sizes, asked.threads)
    bandwidth = {name: max(roof, second[name], key=lambda each: each.value) for name, roof in first.items()}
    return RoofsFound(compute, bandwidth, sizes)


COMMANDS = dict((ROOFS.done_by(roofs),))
