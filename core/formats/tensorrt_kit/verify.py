"""Prove that the engine computes what the original did, and measure it.

    python build_engine.py
    python verify.py

Exits with 0 when it holds, with 1 and the reason when it does not.
"""

import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WARM, CALLS = 50, 500


def main():
    import numpy as np
    from session import ENGINE, Engine

    if not ENGINE.exists():
        sys.exit("There is no model.engine: run build_engine.py first.")
    spec = json.loads((HERE / "engine.json").read_text())
    run, worst = Engine(ENGINE), 0.0
    with np.load(HERE / "expected.npz", allow_pickle=False) as arrays:
        for sample in range(spec["samples"]):
            feed = {name: arrays[f"input_{sample}_{index}"] for index, name in enumerate(spec["inputs"])}
            for index, (name, ours) in enumerate(zip(spec["outputs"], run(feed), strict=True)):
                theirs = arrays[f"output_{sample}_{index}"]
                if ours.shape != theirs.shape:
                    sys.exit(f"FAILED: {name} has the shape {ours.shape}, not {theirs.shape}.")
                error = difference(ours, theirs)
                if not error <= spec["tolerance"]:
                    allowed = f"{spec['tolerance']:.2%} is allowed"
                    sys.exit(f"FAILED: {name} differs by {error:.2%} of its range; {allowed}.")
                worst = max(worst, error)
    print(f"outputs  ok, largest difference {worst:.4%} of the range")
    run.milliseconds(WARM)
    times = run.milliseconds(CALLS)
    print(f"latency  {statistics.median(times):.3f} ms on the GPU, the median of {CALLS} calls")


def difference(ours, theirs):
    """Return the largest difference relative to the range; of whole numbers the share that differs."""
    import numpy as np

    if not theirs.size:
        return 0.0
    if theirs.dtype.kind != "f":
        return float((ours != theirs).mean())
    gaps = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    return float(gaps.max() / max(np.abs(theirs.astype(np.float64)).max(), 1e-3))


if __name__ == "__main__":
    main()
