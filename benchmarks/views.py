"""Compare-page benchmark (server time): ``python -m benchmarks.views [--sizes 250,500,1000,2000]``.

Fills a store with runs of measured candidates, few or half of them on the front, opens the page as a browser
would, then moves a limit, and prints the processor seconds of the server's work. Exits with 1 where 1,000
candidates take longer than 1.5 s, or where the time grows clearly faster than n log n.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

LIMIT_S, SLACK = 1.5, 1.5
MAIN = Path(__file__).parents[1] / "pages" / "main.py"


def fill(run_id: str, count: int, front: float) -> None:
    """Store a finished run of `count` candidates, a share of `front` of them on the front."""
    from core.domain.measurement import Interval
    from core.domain.run import Candidate, CandidateStatus, RunRequest, RunStatus
    from core.engine import open_store
    from tests.pages import seed

    chance = random.Random(count)
    with open_store() as store:
        request = RunRequest(seed.model(store).id, seed.data(store).id)
        _, passes, runtime, *_ = seed.SPECS[2]
        made: list[Candidate] = []
        for at in range(count):
            spec = seed.SPECS[0] if at == 0 else seed.SPECS[2]
            place = chance.random()
            behind = 0.0 if chance.random() < front else chance.random()
            ms = 1 + 7 * place * (1 + behind)
            lost = 10 * (1 - place) * (1 + behind)
            result = seed.result((f"{at}", passes, runtime, ms, 98.4 - lost, 1.0, 40), True)
            if at == 0:
                result = seed.result(spec, True)
            if result.accuracy is not None:
                drop = Interval(lost, lost - 0.4, lost + 0.4) if at else Interval(0, 0, 0)
                result = replace(result, accuracy=replace(result.accuracy, drop=drop))
            recipe = seed._planned(run_id)[0 if at == 0 else 2].recipe
            name = f"INT8 static (percentile, {at}) · OpenVINO" if at else spec[0]
            made.append(
                Candidate(f"{run_id}-{at}", run_id, at, name, recipe, CandidateStatus.DONE, result=result)
            )
        store.runs.create(request, run_id, made, 60.0)
        store.work.claim("benchmark")
        store.work.finish(run_id, "benchmark", RunStatus.DONE)


def seconds(act: Callable[[], object]) -> float:
    """Return the processor seconds of `act` in this process."""
    start = time.process_time()
    act()
    return time.process_time() - start


def opened(run_id: str) -> dict[str, float]:
    """Return the seconds of opening the page, of moving the limit on it, and of drawing it unchanged."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(MAIN), default_timeout=600)
    app.run()
    app.query_params["run"] = run_id
    app.switch_page("compare.py")
    first = seconds(app.run)
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    slider = app.slider(key=f"{run_id}_drop").set_value(4.0)
    moved = seconds(slider.run)
    return {"open": first, "move a limit": moved, "again": seconds(app.run)}


def growth(times: dict[int, float]) -> float:
    """Return by how much more than n log n the time grew from the second smallest to the largest size."""
    sizes = sorted(times)
    small, large = sizes[len(sizes) > 2], sizes[-1]
    expected = large * math.log(large) / (small * math.log(small))
    return times[large] / times[small] / expected


def main() -> int:
    """Fill, measure, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Time the compare page over many candidates.")
    parser.add_argument("--sizes", default="250,500,1000,2000")
    logging.disable(logging.WARNING)  # Streamlit's, about scripts without a browser
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHETSTONE_DATA_DIR"] = folder
        opened_once = False
        for label, front in (("few on the front", 0.02), ("half on the front", 0.5)):
            print(f"{label}: candidates, seconds to open, after a limit moved, drawn again")
            times: dict[int, float] = {}
            for size in sizes:
                run_id = f"{label.split()[0]}{size}"
                fill(run_id, size, front)
                if not opened_once:
                    opened(run_id)  # imports
                    opened_once = True
                found = opened(run_id)
                times[size] = found["open"]
                print(f"{size:>8} " + " ".join(f"{value:8.2f}" for value in found.values()))
                bad |= size <= 1000 and max(found.values()) > LIMIT_S
            factor = growth(times)
            print(f"growth against n log n: {factor:.2f}")
            bad |= factor > SLACK
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
