"""Build cost model: each pass's own estimate, corrected by how long builds really took on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from core.domain.events import Build
from core.registry import get_pass, passes

MACHINE_WEIGHT = 4.0
"""Builds that the passes' own word on this machine's speed counts for."""
PASS_WEIGHT = 1.0
"""Builds that the machine's speed counts for, against what was seen of one pass."""
LEAST_S = 0.05
FAR = log(20)
"""No build tells of more than this factor: it was disturbed, or says nothing of others."""


class BuildCosts:
    """Expects how long passes take.

    The logarithm of seen by stated seconds is averaged, first over all passes for the speed of the machine,
    then for each pass over its own builds, those on models of like size counting most. Both averages are
    shrunk towards what is known without them, so that a few builds move the estimate little.

    Args:
        builds: That were seen; without any the passes' own estimates hold.
    """

    def __init__(self, builds: Sequence[Build] = ()) -> None:
        self._seen: dict[str, list[tuple[float, float]]] = {}
        for build in builds:
            if build.pass_id in passes():
                off = log(max(LEAST_S, build.seconds) / _stated_s(build.pass_id, build.giga_macs))
                seen = self._seen.setdefault(build.pass_id, [])
                seen.append((build.giga_macs, min(FAR, max(-FAR, off))))
        all_off = [off for seen in self._seen.values() for _, off in seen]
        self._machine = sum(all_off) / (MACHINE_WEIGHT + len(all_off))

    def seconds(self, pass_id: str, giga_macs: float) -> float:
        """Return the expected seconds of a pass on a model of so many 10^9 multiply-accumulates."""
        seen = self._seen.get(pass_id, ())
        weights = [_likeness(giga_macs, other) for other, _ in seen]
        near = sum(weight * off for weight, (_, off) in zip(weights, seen, strict=True))
        off = (PASS_WEIGHT * self._machine + near) / (PASS_WEIGHT + sum(weights))
        return _stated_s(pass_id, giga_macs) * exp(off)


def _stated_s(pass_id: str, giga_macs: float) -> float:
    base, slope = get_pass(pass_id).build_s
    return base + slope * giga_macs


def _likeness(one: float, other: float) -> float:
    """Return 1 for models of one size, and a tenth for one a hundred times as large as the other."""
    return exp(-abs(log(one + 0.01) - log(other + 0.01)) / 2)
