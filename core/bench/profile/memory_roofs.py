"""Bandwidth of each level of memory, by reading buffers that fit into it over and over."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from core.domain.roofline import Ceiling

CACHES = Path("/sys/devices/system/cpu")
USUAL = {"L1": 32 << 10, "L2": 512 << 10, "L3": 8 << 20}
"""Bytes of a level of cache where the system does not say."""
PASS_BYTES = 16 << 20
"""Read by a thread in one call, so that starting the call does not count."""
LEAST_DRAM, MOST_DRAM = 64 << 20, 1 << 30
SECONDS, FEWEST = 0.15, 5


def cache_sizes(threads: int) -> dict[str, int]:
    """Return the bytes that each level of cache holds for so many threads on cores of their own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    found: dict[str, int] = {}
    for index in sorted((CACHES / f"cpu{core}" / "cache").glob("index*")):
        if (index / "type").read_text().strip() == "Instruction":
            continue
        size = _bytes((index / "size").read_text().strip())
        shared = _count((index / "shared_cpu_list").read_text().strip())
        copies = max(1, -(-min(threads, cores) // max(1, shared)))
        found[f"L{(index / 'level').read_text().strip()}"] = size * copies
    return found or {level: size * (1 if level == "L3" else threads) for level, size in USUAL.items()}


def memory_roofs(sizes: dict[str, int], threads: int) -> dict[str, Ceiling]:
    """Return GB/s of each level of `sizes` and of main memory, ``DRAM``, as `threads` threads read together.

    A buffer takes half of its level, and a level that is much larger than the one below it eight times that:
    the caches of virtual machines are often shared with others. Main memory is left out where no buffer of
    reasonable size is safely larger than the last cache.
    """
    import torch

    torch.set_num_threads(1)
    below, roofs = 0, dict[str, Ceiling]()
    for level, size in sizes.items():
        wanted = min(size // 2, 8 * below) if below else size // 2
        roofs[level] = _read(max(wanted, min(size // 2, 2 * below)), threads)
        below = size
    dram = min(MOST_DRAM, max(LEAST_DRAM, 4 * below))
    if dram >= 2 * below:
        roofs["DRAM"] = _read(dram, threads)
    return roofs


def _read(size: int, threads: int) -> Ceiling:
    """Return the bandwidth of reading `size` bytes in all, each thread its part of them."""
    import torch

    count = max(1024, size // threads // 4)
    passes = max(1, PASS_BYTES // (4 * count))
    buffers = [torch.ones(count).expand(passes, count) for _ in range(threads)]
    moved, rates, taken = threads * passes * count * 4, list[float](), 0.0
    with ThreadPoolExecutor(threads) as pool:

        def call() -> None:
            if threads == 1:
                buffers[0].sum()
            else:
                list(pool.map(torch.Tensor.sum, buffers))

        call()
        while len(rates) < FEWEST or taken < SECONDS:
            took = _seconds(call)
            taken += took
            rates.append(moved / took / 1e9)
    return Ceiling.of(rates, f"reading {threads * count * 4 / 1024:,.0f} KiB")


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _bytes(text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text or 0)


def _count(text: str) -> int:
    """Return how many numbers a list such as ``0-3,8`` names."""
    ends = [part.split("-") for part in text.split(",") if part]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in ends)
