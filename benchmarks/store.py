"""Store latency benchmark, as a page waits for it: ``python benchmarks/store.py``.

Fills a store with 200 runs of 20 measured candidates and prints the median of 20 reads of each kind.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.domain.run import CandidateStatus, RunStatus
from core.settings import Settings
from core.store import Store
from core.views import best_of, runs
from tests.store.values import a_request, a_result, some_candidates


def fill(store: Store, runs: int, candidates: int) -> str:
    """Add finished runs; return the id of the last."""
    request, result = a_request(store), a_result()
    samples = replace(result.timing, samples_ms=tuple(1.0 + n / 1000 for n in range(200)))
    result = replace(result, timing=samples)
    for number in range(runs):
        planned = some_candidates(store, candidates)
        done = [replace(item, status=CandidateStatus.DONE, result=result) for item in planned]
        run = store.runs.create(request, f"run {number}", done)
        store.work.claim("benchmark")
        store.work.finish(run.id, "benchmark", RunStatus.DONE)
    return run.id


def median_ms(call: Callable[[], object]) -> float:
    """Return the median milliseconds of 20 calls."""
    times = []
    for _ in range(20):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def recent(store: Store) -> list[str]:
    """Read what the start page shows of the history."""
    return [best_of(store, run) for run in runs(store, 5)]


def main() -> None:
    """Fill a store and print the times."""
    with tempfile.TemporaryDirectory() as folder, Store(Settings(data_dir=Path(folder))) as store:
        last = fill(store, 200, 20)
        start = time.perf_counter()
        Store(Settings(data_dir=Path(folder))).close()
        print(f"open a store again        {(time.perf_counter() - start) * 1000:7.2f} ms")
        print(f"list 200 runs with counts {median_ms(store.runs.list):7.2f} ms")
        print(f"five newest, as at start  {median_ms(lambda: recent(store)):7.2f} ms")
        print(f"get one run               {median_ms(lambda: store.runs.get(last)):7.2f} ms")
        print(f"list 20 candidates        {median_ms(lambda: store.candidates.list(last)):7.2f} ms")


if __name__ == "__main__":
    main()
