"""Prove that this kit is whole and works here: hashes, outputs, latency.

    python verify.py

Exits with 0 when everything holds, with 1 and the reason when something does not.
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())
LOST_DETECTIONS = 0.1


def check_hashes():
    for name, expected in MANIFEST["sha256"].items():
        path = HERE / name
        if not path.is_file():
            return f"{name} is missing. Unzip the kit again."
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            return f"{name} was changed: its SHA-256 is {found}, not {expected}. Unzip the kit again."
    print(f"hashes   ok, {len(MANIFEST['sha256'])} files")
    return None


def golden():
    import numpy as np

    with np.load(HERE / "golden.npz", allow_pickle=False) as arrays:
        for sample in range(MANIFEST["golden_samples"]):
            feed = {name: arrays[f"input_{sample}_{index}"] for index, name in enumerate(MANIFEST["inputs"])}
            yield feed, [arrays[f"output_{sample}_{index}"] for index in range(len(MANIFEST["outputs"]))]


def difference(ours, theirs):
    import numpy as np

    gaps = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    scale = max(float(np.abs(theirs.astype(np.float64)).max(initial=0.0)), 1e-6)
    largest = float(gaps.max(initial=0.0)) / scale
    if theirs.dtype.kind == "f" or not gaps.size:
        return largest
    # Classes and masks jump by whole numbers where a score lies on the border: what counts is how many do.
    return min(largest, float((gaps > 0).mean()))


def rows(outputs):
    """Return a row for each detection, and which of its columns are whole numbers."""
    import numpy as np

    wide = [each.shape[-1] if each.ndim > 1 and each.shape[-1] in (4, 6, 7) else 1 for each in outputs]
    tables = [each.reshape(-1, width) for each, width in zip(outputs, wide, strict=True)]
    count = next((len(table) for table, width in zip(tables, wide, strict=True) if width > 1), 0)
    kept = [table for table in tables if len(table) == count]
    whole = np.concatenate([np.full(table.shape[1], table.dtype.kind in "iu") for table in kept])
    return np.concatenate([table.astype(np.float64) for table in kept], axis=1), whole


def missing(ours, theirs, tolerance):
    """Return the share of detections that are not among ours, in any order."""
    import numpy as np

    (found, _), (wanted, whole) = rows(ours), rows(theirs)
    if found.shape[1] != wanted.shape[1]:
        return 1.0
    room = np.where(whole, 0.0, tolerance * np.abs(wanted).max(axis=0, initial=1e-6))
    near = [(np.abs(found - row) <= room).all(axis=1).any() for row in wanted]
    return 1.0 - float(np.mean(near)) if near else 0.0


def check_detections(run):
    worst = 0.0
    for feed, expected in golden():
        share = missing(run(feed), expected, MANIFEST["tolerance"])
        if share > LOST_DETECTIONS:
            return (
                f"{share:.0%} of the detections are not found here; {LOST_DETECTIONS:.0%} may be missing. "
                "This processor or library version computes differently from where it was measured."
            )
        worst = max(worst, share)
    print(f"outputs  ok, {MANIFEST['golden_samples']} samples, {worst:.1%} of the detections missing at most")
    return None


def check_outputs(run):
    if MANIFEST["detects"]:
        return check_detections(run)
    tolerance, worst = MANIFEST["tolerance"], 0.0
    for feed, expected in golden():
        for name, ours, theirs in zip(MANIFEST["outputs"], run(feed), expected, strict=True):
            if ours.shape != theirs.shape:
                return f"the output {name} has the shape {ours.shape}, not {theirs.shape}."
            error = difference(ours, theirs)
            if not error <= tolerance:
                return (
                    f"the output {name} differs by {error:.2%} of its range; {tolerance:.2%} is allowed. "
                    "This processor or library version computes differently from where it was measured."
                )
            worst = max(worst, error)
    print(f"outputs  ok, {MANIFEST['golden_samples']} samples, largest difference {worst:.4%} of the range")
    return None


def latency_ms(run, feed, seconds=2.0, least=10):
    for _ in range(3):
        run(feed)
    times, until = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < until:
        start = time.perf_counter()
        run(feed)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times), len(times)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    problem = check_hashes()
    if problem is None:
        from session import load

        run = load()
        problem = check_outputs(run)
    if problem is not None:
        sys.exit(f"FAILED: {problem}")
    feed, _ = next(golden())
    here, calls = latency_ms(run, feed)
    expected = MANIFEST["latency_ms"]
    print(f"latency  {here:.3f} ms here, the median of {calls} calls")
    if expected is not None:
        print(f"         {expected:.3f} ms where it was measured, on {MANIFEST['cpu']}")
    print("The kit is whole and works.")


if __name__ == "__main__":
    main()
