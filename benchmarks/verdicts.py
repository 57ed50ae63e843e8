"""Verdicts of the latency benchmark: ``python -m benchmarks.verdicts [--tries 20] [--seconds 170]``.

Measures, with the plan of the balanced preset, unlike models against a copy of themselves (a tie), against a
copy with 5 % of further work (slower), and PyTorch against OpenVINO (a ratio), alone, beside a program on
another core and beside one on the timed core itself. Prints how often the verdict was right and how far the
ratio moved. With ``--folder`` it goes on where it ended, so that a long check can be done in parts. Exits
with 1 where a copy is a tie or the slower one slower in fewer than 19 of 20, or a ratio moves by over 5 %.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.planted import MODELS, Case, build
from core.bench.timing.endpoint import Host, parent_elsewhere, timing_cores
from core.bench.timing.interleaving import Rounds
from core.bench.timing.stopwatch import measure
from core.search.presets import PRESETS, plan_of

SHARE, WANTED, TOLERANCE = 0.05, 0.95, 0.05
ALONE = "alone"
LOADS = (ALONE, "another core", "timed core")
KINDS = {
    "copy": (("onnxruntime", "model.onnx"), ("onnxruntime", "model.onnx")),
    "slower": (("onnxruntime", "slower.onnx"), ("onnxruntime", "model.onnx")),
    "ratio": (("openvino", "model.onnx"), ("torchscript", "model.pt")),
}
"""Candidate and baseline of each check."""


@dataclass(frozen=True)
class Cell:
    """What is tried again and again."""

    model: str
    kind: str
    load: str
    preset: str = "balanced"


@dataclass(frozen=True)
class Tried:
    """A cell, and what one measurement stated.

    Attributes:
        cell: What was tried.
        value: The speed-up.
        low: Lower end of its interval.
        high: Upper end.
        seconds: It took.
        alone: Of a ratio, that of the same two processes without another program.
    """

    cell: Cell
    value: float
    low: float
    high: float
    seconds: float
    alone: float = 1.0

    @property
    def right(self) -> bool:
        """Whether a copy is called a tie, a slower one slower, and a ratio is that of a quiet machine."""
        if self.cell.kind == "ratio":
            return abs(self.value / self.alone - 1) <= TOLERANCE
        return self.high < 1 if self.cell.kind == "slower" else self.low <= 1 <= self.high


@contextmanager
def beside(load: str, timed: set[int]) -> Iterator[None]:
    """Keep one core busy with matrix products: one of the `timed`, or another."""
    if load == ALONE:
        yield
        return
    processes = multiprocessing.get_context("spawn")
    cores = timed if load == "timed core" else os.sched_getaffinity(0) - timed
    working = processes.Event()
    program = processes.Process(target=_work, args=(cores or timed, working), daemon=True)
    program.start()
    try:
        working.wait()
        yield
    finally:
        program.kill()
        program.join()


def _work(cores: set[int], working: Event) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.sched_setaffinity(0, cores)
    import numpy as np

    matrix = np.ones((512, 512), np.float32)
    working.set()
    while True:
        matrix = matrix @ matrix * np.float32(1 / 512)


def verdict(cell: Cell, case: Case, folder: Path, seed: int) -> list[Tried]:
    """Measure once, in fresh processes."""
    candidate, baseline = (case.endpoint(*each) for each in KINDS[cell.kind])
    plan, begin = replace(plan_of(cell.preset), throughput_batches=()), time.monotonic()
    with beside(cell.load, timing_cores(1)):
        found = measure(candidate, baseline, plan, folder, seed=seed).timing.speedup
    return [Tried(cell, found.value, found.low, found.high, time.monotonic() - begin)]


def moved(cell: Cell, case: Case, folder: Path, seed: int) -> list[Tried]:
    """Measure two processes alone, then the same two beside other programs."""
    candidate, baseline = (case.endpoint(*each) for each in KINDS[cell.kind])
    plan, found = replace(plan_of(cell.preset), starts=1, close_starts=1), list[Tried]()
    cores, begin = timing_cores(1), time.monotonic()
    with (
        Host(baseline, folder / "reference", None, cores) as other,
        Host(candidate, folder / "candidate", None, cores) as host,
    ):
        for each in (other, host):
            each.ready()
            each.open()
        with parent_elsewhere(cores):
            for load in LOADS:
                rounds = Rounds(plan, seed)
                with beside(load, cores):
                    rounds.run(host, other)
                speed, alone = rounds.speedup, found[0].value if found else rounds.speedup.value
                told = (speed.value, speed.low, speed.high, time.monotonic() - begin, alone)
                found.append(Tried(replace(cell, load=load), *told))
    return found


def table(all_tried: list[Tried]) -> bool:
    """Print a line for each cell; return whether all marks hold."""
    by_cell: dict[Cell, list[Tried]] = {}
    for each in all_tried:
        by_cell.setdefault(each.cell, []).append(each)
    order = sorted(by_cell, key=lambda cell: (cell.kind, cell.preset, LOADS.index(cell.load), cell.model))
    print(f"{'check':7} {'preset':9} {'model':12} {'beside':13} {'right':>7}  speed-up, spread, interval")
    for cell in order:
        tries = by_cell[cell]
        values, widths = [each.value for each in tries], [each.high / each.low for each in tries]
        print(
            f"{cell.kind:7} {cell.preset:9} {cell.model:12} {cell.load:13} {_share(tries):>7}"
            f"  {statistics.median(values):.3f}x ({min(values):.3f}-{max(values):.3f})"
            f" ±{50 * (statistics.median(widths) - 1):.1f} %"
        )
    kinds = [[each for each in all_tried if each.cell.kind == kind] for kind in KINDS]
    for kind, tries in zip(KINDS, kinds, strict=True):
        print(f"{kind}: {_share(tries)}")
    return all(sum(each.right for each in tries) >= WANTED * len(tries) for tries in kinds)


def _share(tries: list[Tried]) -> str:
    return f"{sum(each.right for each in tries)}/{len(tries)}"


def read(log: Path) -> list[Tried]:
    """Return what an earlier part has found."""
    lines = log.read_text().splitlines() if log.exists() else []
    found = [json.loads(line) for line in lines]
    return [Tried(**{**each, "cell": Cell(**each["cell"])}) for each in found]


def run(cells: list[Cell], folder: Path, work: Path, tries: int, seconds: float) -> list[Tried]:
    """Measure the cells in turns, `tries` of each in all, for `seconds`; return all that was found so far."""
    begin, log, cases, longest = time.monotonic(), folder / "tried.jsonl", dict[str, Case](), 0.0
    found = read(log)
    while time.monotonic() - begin + longest < seconds:
        counts = {cell: sum(each.cell == cell for each in found) for cell in cells}
        cell = min(counts, key=counts.__getitem__)
        if counts[cell] >= tries:
            break
        if cell.model not in cases:
            cases[cell.model] = build(cell.model, folder / cell.model.replace(" ", "-"), SHARE)
            print(f"{cell.model}: planted {100 * cases[cell.model].planted:.1f} %", flush=True)
        measured = moved if cell.kind == "ratio" else verdict
        new = measured(cell, cases[cell.model], work / f"{len(found):05d}", len(found))
        found, longest = [*found, *new], max(longest, new[-1].seconds)
        with log.open("a") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in new)
    return found


def main() -> int:
    """Measure, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Check ties, a planted slow-down, and ratios beside others.")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--preset", choices=PRESETS, default="balanced", help="whose plan is followed")
    parser.add_argument("--tries", type=int, default=20, help="of each model, check and load")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many")
    parser.add_argument("--folder", type=Path, help="of an earlier part, which is kept")
    options = parser.parse_args()
    cells = [
        Cell(model, kind, load, options.preset)
        for kind in options.kinds
        for model in options.models
        for load in (options.loads if kind != "ratio" else [ALONE])
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        found = run(cells, folder, Path(name), options.tries, options.seconds)
    return int(not table(found))


if __name__ == "__main__":
    sys.exit(main())
