"""Unit of work that measures the roofline of its machine, in a process of its own on the timed cores."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import msgspec

from core.bench.profile.commands import ROOFS, Roofs
from core.bench.timing.endpoint import parent_elsewhere, timing_cores
from core.bench.timing.process_start import KEEP_FREED_MEMORY
from core.domain.roofline import Roofline
from core.machine.environment import environment
from core.sandbox.answers import made_of
from core.sandbox.process import Child
from core.serde import to_plain
from core.work.unit import Done, Job, Kind, Progress

HOST, TIMEOUT_S = "core.bench.profile.roofline_host", 180.0


class RooflineRequest(msgspec.Struct, frozen=True):
    """Measure with so many threads."""

    threads: int


def measure_roofline(request: RooflineRequest, job: Job) -> Done[Roofline]:
    """Measure what this machine computes in each precision and reads from each level of memory at most."""
    begin, before, threads = monotonic(), environment(), request.threads
    job.progress(Progress(message="measuring what this machine can do at most"))
    cores, env = timing_cores(threads), {"OMP_NUM_THREADS": str(threads), **KEEP_FREED_MEMORY}
    with Child(HOST, writes=job.folder, env=env) as child, parent_elsewhere(cores):
        if cores:
            child.keep_to(cores)
        said = child.call(ROOFS.name, to_plain(Roofs(threads, list(before.isa))), TIMEOUT_S)
    found, here = made_of(said, ROOFS.answer), replace(environment(), load_before=before.load_before)
    return Done(Roofline(threads, found.compute, found.bandwidth, here, found.sizes, monotonic() - begin))


UNIT = Kind(__name__, "roofline", RooflineRequest, Roofline, measure_roofline, confined=False)
