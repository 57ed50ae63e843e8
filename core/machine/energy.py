"""Energy counters of the processor (RAPL), where the system exposes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
PACKAGES = "intel-rapl:[0-9]*"
"""Also on AMD processors; what has a second number behind it is a part of a package."""
ENERGY, LARGEST = "energy_uj", "max_energy_range_uj"
OF_ALL = "Energy of all processor packages (RAPL) in that time, whatever else they did."


@dataclass(frozen=True)
class Reading:
    """Counters at one moment, in microjoules, with the value at which each begins anew."""

    counters: tuple[int, ...]
    ranges: tuple[int, ...]

    def joules_until(self, later: Reading) -> float:
        """Return the energy between two readings, each counter having begun anew once at most."""
        pairs = zip(self.counters, later.counters, self.ranges, strict=True)
        return sum((end - begin) % max(span, 1) for begin, end, span in pairs) / 1e6


def reading(folder: Path = POWERCAP) -> Reading | str:
    """Return the counters of all packages now, or why there are none, in a sentence."""
    packages = [each for each in sorted(folder.glob(PACKAGES)) if each.name.count(":") == 1]
    if not packages:
        return "Energy is unavailable: this system exposes no energy counters (RAPL), like most virtual ones."
    try:
        values = [(int((each / ENERGY).read_text()), int((each / LARGEST).read_text())) for each in packages]
    except PermissionError:
        return (
            "Energy is unavailable: only root may read the energy counters (RAPL) here; the server's account "
            f"needs to read {packages[0] / ENERGY} and its neighbours."
        )
    except (OSError, ValueError):
        return "Energy is unavailable: the energy counters (RAPL) of this system cannot be read."
    counters, ranges = zip(*values, strict=True)
    return Reading(counters, ranges)
