from __future__ import annotations

import json
from dataclasses import replace

from core.domain.measurement import Doubt, Interval, Timing
from core.serde import from_json, to_json
from tests.factories import result

OF_OLD = (
    "latency", "baseline", "speedup", "rounds", "unstable", "samples_ms", "throughput", "memory_bytes",
    "load_ms", "warm_load_ms", "environment",
)  # fmt: skip


def test_a_timing_comes_back_as_it_was_stored() -> None:
    timing = replace(
        result().timing,
        unstable=True,
        doubt=Doubt.FEW_ROUNDS,
        throughput_interval={8: Interval(80.0, 70.0, 90.0)},
        memory_range=(1, 2),
    )
    assert from_json(to_json(timing), Timing) == timing


def test_a_timing_that_was_stored_before_there_were_starts_is_still_read() -> None:
    stored = json.loads(to_json(result().timing))
    old = from_json(json.dumps({name: stored[name] for name in OF_OLD}), Timing)
    assert (old.pace, old.starts, old.moments, old.doubt) == (1.0, 1, 1, None)
    assert (old.disturbed, old.throughput_interval, old.memory_range) == (None, {}, None)
