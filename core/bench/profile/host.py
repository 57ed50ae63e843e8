"""Profiling process, child's side: one artifact twice, with its runtime's profiler and without."""

from __future__ import annotations

import gc

from core.bench.profile.commands import PROFILE, Profiled
from core.bench.timing import calls
from core.bench.timing.commands import IMPORT, Open
from core.bench.timing.host import feeds, import_runtime
from core.graphs.torch.modules import import_network, network_library
from core.registry import get_runtime

BLOCK_S, BLOCKS, FEWEST_BLOCKS, SECONDS = 0.12, 10, 3, 12.0
"""Blocks of calls take turns without and with the profiler, so that both see the same machine."""
MOST_CALLS = 200
"""Of a block: profilers keep every layer of every call."""


def profile(asked: Open) -> Profiled:
    """Run the model in alternating blocks without and with the profiler, and return what both say."""
    runtime, target, model = get_runtime(asked.target.runtime_id), asked.target, asked.model
    feed, _ = next(feeds(model, asked.data, model.fixed_batch or target.batch))
    import_network(asked.artifact.format, network_library(asked.artifact.format, model))
    plain = runtime.open(asked.artifact, target, model).prepare(feed)
    session = runtime.open_profiled(asked.artifact, target, model)
    profiled = session.prepare(feed)
    ms = max(calls.warm(plain), calls.warm(profiled), 1e-3)
    gc.collect()
    gc.freeze()
    gc.disable()
    count = min(MOST_CALLS, max(1, round(1000 * BLOCK_S / ms)))
    blocks = max(FEWEST_BLOCKS, min(BLOCKS, round(1000 * SECONDS / (2 * ms * count))))
    session.start()
    plain_ms, profiled_ms = list[float](), list[float]()
    for _ in range(blocks):
        plain_ms += calls.timed(plain, count, 0.0)[0]
        profiled_ms += calls.timed(profiled, count, 0.0)[0]
    return Profiled(list(session.layers()), plain_ms, profiled_ms)


COMMANDS = dict((IMPORT.done_by(import_runtime), PROFILE.done_by(profile)))
