"""Process that measures the roofs of its machine."""

from __future__ import annotations

from core.bench.profile.commands import ROOFS, Roofs, RoofsFound
from core.bench.profile.compute_roofs import compute_roofs
from core.bench.profile.memory_roofs import cache_sizes, memory_roofs


def roofs(asked: Roofs) -> RoofsFound:
    """Measure what the machine computes and reads at most."""
    sizes = cache_sizes(asked.threads)
    bandwidth = memory_roofs(sizes, asked.threads)
    return RoofsFound(compute_roofs(tuple(asked.isa), asked.threads), bandwidth, sizes)


COMMANDS = dict((ROOFS.done_by(roofs),))
