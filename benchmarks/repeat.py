"""Repetition of whole runs: ``python -m benchmarks.repeat [MODEL] [--data DATA] [--runs 3] [--busy]``.

Runs the same optimization several times and counts how often the speed-up that one run states lies inside
the interval that another run states for the same candidate, for every ordered pair of runs: it should in 19
of 20.
``--busy`` lets other programs come and go on all cores meanwhile. ``--from FILE ...`` reads results that were
written before instead of running anything. Exits with 1 where less than 95 % of the pairs hold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent.parent / "sample_models" / "digits-resnet" / "model.onnx"
WANTED = 0.95
MOST_PROGRAMS, LEAST_S, MOST_S = 3, 2.0, 15.0


def ratios(found: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Return speed-up, lower and upper end by candidate, the control among them."""
    done = [each for each in found["candidates"] if each["status"] == "done"]
    speeds = {each["name"]: each["speedup"] for each in done}
    return {name: (each["value"], each["ci_low"], each["ci_high"]) for name, each in speeds.items()}


def compared(runs: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Print every candidate's speed-ups; return the pairs that hold, and all pairs."""
    told = [ratios(run) for run in runs]
    inside = total = 0
    for name in dict.fromkeys(name for each in told for name in each):
        speeds = [each[name] for each in told if name in each]
        held = [low <= other[0] <= high for (_, low, high), other in permutations(speeds, 2)]
        inside, total = inside + sum(held), total + len(held)
        stated = "  ".join(f"{value:.2f} ({low:.2f}-{high:.2f})" for value, low, high in speeds)
        print(f"{name:60} {sum(held)}/{len(held)}  {stated}")
    return inside, total


@contextmanager
def others(wanted: bool) -> Iterator[None]:
    """Let none to three programs have each core, for another 2 to 15 seconds each time."""
    over, draw = threading.Event(), random.Random(0)

    def come_and_go() -> None:
        while not over.is_set():
            count = draw.randint(0, MOST_PROGRAMS) * (os.cpu_count() or 1)
            programs = [multiprocessing.Process(target=_work, daemon=True) for _ in range(count)]
            for program in programs:
                program.start()
            over.wait(draw.uniform(LEAST_S, MOST_S))
            for program in programs:
                program.kill()

    thread = threading.Thread(target=come_and_go)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if wanted:
            thread.join()


def _work() -> None:
    """Keep one core and its caches busy."""
    import numpy as np

    matrix = np.ones((512, 512), np.float32)
    while True:
        matrix = matrix @ matrix * np.float32(1 / 512)


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the optimization once; return its results."""
    command = [sys.executable, "-m", "core", "optimize", str(options.model), "--preset", options.preset]
    command += ["--json", "--out", str(folder / "kit")]
    command += ["--data", options.data] if options.data else []
    command += ["--budget", options.budget] if options.budget else []
    environment = os.environ | {"WHETSTONE_DATA_DIR": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False).stdout
    found: dict[str, Any] = json.loads(answer)
    return found


def main() -> int:
    """Run, compare, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Repeat a run and compare the intervals with the values.")
    parser.add_argument("model", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--data", default="")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--budget", default="")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, default=[])
    options = parser.parse_args()
    if options.model == SAMPLE and not options.data:
        options.data = "digits"
    found = [json.loads(file.read_text()) for file in options.files]
    if not found:
        with tempfile.TemporaryDirectory() as name, others(options.busy):
            for index in range(options.runs):
                began = time.monotonic()
                found.append(run(options, Path(name)))
                print(f"run {index + 1}: {time.monotonic() - began:.0f} s, {found[-1].get('reason', '')}")
    inside, total = compared(found)
    print(f"{inside} of {total} pairs: the value of one run lies inside the interval of the other")
    return int(inside < WANTED * total)


if __name__ == "__main__":
    sys.exit(main())
