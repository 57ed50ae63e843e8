"""Profiling process, child's side: one artifact twice, with its runtime's profiler and without."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np

from core.bench.profile.commands import PROFILE, Profiled
from core.bench.timing import calls
from core.bench.timing.blocks import Block
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
    without, with_it = list[Block](), list[Block]()
    for _ in range(blocks):
        without.append(_block(plain, count))
        with_it.append(_block(profiled, count))
    plain_ms, profiled_ms = (
        np.concatenate([block.own_ms for block in each]).tolist() for each in (without, with_it)
    )
    # A profiler's clock runs on while other programs have the processor.
    own = sum(profiled_ms) / float(sum(block.took_ms.sum() for block in with_it))
    layers = [replace(layer, ms=own * layer.ms) for layer in session.layers()]
    return Profiled(layers, plain_ms, profiled_ms)


def _block(call: calls.Call, count: int) -> Block:
    took, lost = calls.timed(call, count, 0.0)
    return Block(np.asarray(took, np.float64), np.asarray(lost, np.float64))


COMMANDS = dict((IMPORT.done_by(import_runtime), PROFILE.done_by(profile)))
