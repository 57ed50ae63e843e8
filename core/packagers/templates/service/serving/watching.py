"""What the prediction log tells: traffic, latency, classes, drift by feature, accuracy, alerts."""

from __future__ import annotations

import json
import sqlite3
from math import sqrt
from time import time
from typing import Any

import numpy as np

ACCURACY = "accuracy"
LOOK_BACK_S = 300.0
BUCKETS, MOST_REQUESTS, MOST_CLASSES, HISTORY = 60, 20_000, 20, 40
FEWEST_REQUESTS, MOST_FAILED = 50, 0.01
"""Alert where so many requests of so many fail."""


def report(log: sqlite3.Connection, seconds: float = LOOK_BACK_S, now: float | None = None) -> dict[str, Any]:
    """Return everything that is worth a look, as plain values.

    Args:
        log: The prediction log.
        seconds: How far back traffic and classes are looked at.
        now: Time of the look.
    """
    now = time() if now is None else now
    about = {name: json.loads(value) for name, value in log.execute("SELECT name, value FROM about")}
    rows, seconds = _requests(log, seconds, now)
    streams = log.execute("SELECT stream, version, arm, reference, logged, labelled FROM streams").fetchall()
    return {
        "name": about.get("name", ""),
        "classes": about.get("classes", []),
        "time": now,
        "seconds": seconds,
        "traffic": traffic(rows, seconds),
        "timeline": timeline(rows, now - seconds, seconds),
        "arms": [_arm(log, stream, rows, now - seconds, seconds) for stream in streams],
        "alerts": alerts(log, now),
    }


def traffic(rows: list[Any], seconds: float) -> dict[str, Any]:
    """Return counts, throughput, errors and percentiles of requests."""
    took = np.array([row[4] for row in rows if row[3] == 200])
    failed = sum(row[3] >= 500 for row in rows)
    stages: dict[str, list[float]] = {}
    for row in rows:
        for name, ms in json.loads(row[5]).items() if row[3] == 200 else ():
            stages.setdefault(name, []).append(ms)
    tail = {f"p{q}_ms": float(np.percentile(took, q)) if len(took) else None for q in (50, 95, 99)}
    return {
        "requests": len(rows),
        "per_s": len(rows) / seconds,
        "failed": failed,
        "refused": sum(400 <= row[3] < 500 for row in rows),
        **tail,
        "stages_ms": {name: float(np.median(ms)) for name, ms in stages.items()},
    }


def timeline(rows: list[Any], begin: float, seconds: float) -> list[dict[str, Any]]:
    """Return requests, errors, median and 95th percentile of equal stretches of time."""
    width = seconds / BUCKETS
    sorted_in: list[list[Any]] = [[] for _ in range(BUCKETS)]
    for row in rows:
        sorted_in[min(BUCKETS - 1, max(0, int((row[0] - begin) / width)))].append(row)
    return [
        {"time": begin + (index + 0.5) * width, **_bucket(held, width)}
        for index, held in enumerate(sorted_in)
    ]


def alerts(log: sqlite3.Connection, now: float | None = None) -> list[dict[str, Any]]:
    """Return the alerts that are on now, each with the rule that raised it."""
    found = _drifted(log)
    about = {name: json.loads(value) for name, value in log.execute("SELECT name, value FROM about")}
    rows, seconds = _requests(log, LOOK_BACK_S, time() if now is None else now)
    seen = traffic(rows, seconds)
    if len(rows) < FEWEST_REQUESTS:
        return found
    if seen["failed"] > MOST_FAILED * len(rows):
        said = f"{seen['failed']} of {len(rows)} requests failed in the last {seconds:.0f} seconds."
        found.append({"rule": "errors", "message": said})
    slow, p95 = about.get("slow_ms"), seen["p95_ms"]
    if slow and p95 is not None and p95 > slow:
        said = f"p95 is {p95:.1f} ms, more than {slow:.1f} ms: five times what was measured."
        found.append({"rule": "latency", "message": said})
    return found


def _drifted(log: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return an alert for each version whose newest window, of any size, differs from its reference."""
    newest = log.execute(
        "SELECT stream, version, arm, kind, findings FROM windows JOIN streams USING (stream) WHERE raised "
        "AND number = (SELECT MAX(number) FROM windows AS w WHERE w.stream = windows.stream "
        "AND w.kind = windows.kind)"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for stream, version, arm, kind, findings in newest:
        if not _answers(log, stream):
            continue
        names = [each["name"] for each in json.loads(findings) if each["raised"]]
        rule = ACCURACY if kind == ACCURACY else "drift"
        found.setdefault(f"{rule} {version} {arm}".strip(), []).extend(names)
    return [{"rule": rule, "message": _said(rule, names)} for rule, names in found.items()]


def _answers(log: sqlite3.Connection, stream: int) -> bool:
    """Whether a version still answers: not where only others did for the time that is looked at."""
    last = log.execute("SELECT time FROM predictions ORDER BY number DESC LIMIT 1").fetchone()
    asked = "SELECT time FROM predictions WHERE stream = ? ORDER BY place DESC LIMIT 1"
    own = log.execute(asked, (stream,)).fetchone()
    return own is not None and last is not None and bool(own[0] >= last[0] - LOOK_BACK_S)


def _said(rule: str, names: list[str]) -> str:
    if rule.startswith(ACCURACY):
        return "Labels that came in show a lower accuracy than the evaluation data."
    return f"Predictions differ from the evaluation data in {', '.join(dict.fromkeys(names))}."


def _requests(log: sqlite3.Connection, seconds: float, now: float) -> tuple[list[Any], float]:
    """Return time, version, arm, status, ms and stages of requests, and the seconds in which they came."""
    asked = "SELECT time, version, arm, status, ms, stages FROM requests WHERE time >= ? AND time <= ? "
    rows = log.execute(
        f"{asked} ORDER BY number DESC LIMIT ?", (now - seconds, now, MOST_REQUESTS)
    ).fetchall()
    (first,) = log.execute("SELECT MIN(time) FROM requests").fetchone()
    begin = max(now - seconds, rows[-1][0] if len(rows) == MOST_REQUESTS else first or 0.0)
    return rows, max(1.0, now - begin)


def _bucket(rows: list[Any], width: float) -> dict[str, Any]:
    took = [row[4] for row in rows if row[3] == 200]
    p50, p95 = np.percentile(took, (50, 95)).tolist() if took else (None, None)
    failed = sum(row[3] >= 500 for row in rows)
    return {"per_s": len(rows) / width, "failed_per_s": failed / width, "p50_ms": p50, "p95_ms": p95}


def _arm(
    log: sqlite3.Connection, stream: Any, rows: list[Any], since: float, seconds: float
) -> dict[str, Any]:
    number, version, arm, reference, logged, labelled = stream
    about = json.loads(reference)
    own = [row for row in rows if row[1] == version and row[2] == arm]
    return {
        "version": version,
        "arm": arm,
        "traffic": traffic(own, seconds),
        "classes": _classes(log, number, since, about.get("shares", [])),
        "confidence": _confidence(log, number, since),
        "reference_rows": about.get("rows", 0),
        "logged": logged,
        "windows": _windows(log, number),
        "accuracy": _accuracy(log, number, labelled, about),
    }


def _classes(log: sqlite3.Connection, stream: int, since: float, shares: list[float]) -> list[dict[str, Any]]:
    """Return the share of each predicted class, live and in the reference, the most frequent first."""
    asked = (
        "SELECT class, COUNT(*) FROM predictions WHERE stream = ? AND time >= ? AND class IS NOT NULL "
        "GROUP BY class"
    )
    counts = dict(log.execute(asked, (stream, since)))
    total = sum(counts.values())
    known = {index: share for index, share in enumerate(shares) if share} | dict.fromkeys(counts, 0.0)
    known |= {index: shares[index] for index in known if 0 <= index < len(shares)}
    found = [
        {
            "index": index,
            "reference": share if shares else None,
            "live": counts.get(index, 0) / total if total else None,
        }
        for index, share in known.items()
    ]
    return sorted(found, key=lambda each: -max(each["reference"] or 0, each["live"] or 0))[:MOST_CLASSES]


def _confidence(log: sqlite3.Connection, stream: int, since: float) -> float | None:
    asked = "SELECT AVG(confidence) FROM predictions WHERE stream = ? AND time >= ?"
    found: float | None = log.execute(asked, (stream, since)).fetchone()[0]
    return found


def _windows(log: sqlite3.Connection, stream: int) -> list[dict[str, Any]]:
    """Return the tested windows of each size, the newest first."""
    asked = (
        "SELECT kind, number, time, level, findings FROM windows WHERE stream = ? AND kind = ? "
        "ORDER BY number DESC LIMIT ?"
    )
    kinds = [kind for (kind,) in log.execute("SELECT DISTINCT kind FROM windows WHERE stream = ?", (stream,))]
    return [
        {"size": int(kind), "number": number, "time": when, "level": level, "findings": json.loads(findings)}
        for kind in sorted((kind for kind in kinds if kind != ACCURACY), key=int)
        for kind, number, when, level, findings in log.execute(asked, (stream, kind, HISTORY))
    ]


def _accuracy(
    log: sqlite3.Connection, stream: int, labelled: int, about: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the accuracy of the labels that are kept, with its 95 % interval by Wilson."""
    asked = "SELECT COALESCE(SUM(correct), 0), COUNT(*) FROM labels WHERE stream = ?"
    correct, rows = log.execute(asked, (stream,)).fetchone()
    if not rows:
        return None
    share, z = correct / rows, 1.96
    middle, width = (
        share + z * z / (2 * rows),
        z * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)),
    )
    scale = 1 + z * z / rows
    known = about.get("labelled", 0)
    return {
        "value": share,
        "low": (middle - width) / scale,
        "high": (middle + width) / scale,
        "labels": labelled,
        "reference": about["correct"] / known if known else None,
    }
