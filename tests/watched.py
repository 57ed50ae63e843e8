"""A prediction log as a service writes it, made by hand."""

from __future__ import annotations

import ast
import json
import sqlite3
from pathlib import Path
from time import time
from typing import Any

from core.packagers.serving.folder import templates


def schema() -> str:
    """Return the tables of the log, as services make them."""
    code = templates().joinpath("serving", "database.py").read_text(encoding="utf8")
    named = [each for each in ast.parse(code).body if isinstance(each, ast.Assign)]
    found = next(each.value for each in named if ast.unparse(each.targets[0]) == "SCHEMA")
    return str(ast.literal_eval(found))


def finding(name: str, raised: bool) -> dict[str, Any]:
    return {
        **{
            "name": name,
            "kind": "number",
            "test": "Kolmogorov-Smirnov",
            "statistic": 0.4 if raised else 0.02,
        },
        **{"p": 1e-20 if raised else 0.5, "psi": 0.9 if raised else 0.01, "reference": 0.3},
        **{"live": 0.6 if raised else 0.3, "raised": raised},
    }


def write_log(folder: Path, drifted: bool = True, arms: int = 1, name: str = "pets") -> Path:
    """Write a log of 60 requests for each arm, whose second window of 250 drifted or did not."""
    path, now = folder / "state" / "predictions.db", time()
    path.parent.mkdir(parents=True)
    told = {"name": name, "slow_ms": 50.0, "classes": ["cat", "dog"]}
    reference = json.dumps({"rows": 900, "shares": [0.7, 0.3], "labelled": 900, "correct": 890})
    with sqlite3.connect(path) as log:
        log.executescript(schema())
        log.executemany("INSERT INTO about VALUES (?, ?)", [(k, json.dumps(v)) for k, v in told.items()])
        for stream in range(1, arms + 1):
            version = f"v{stream}"
            log.execute("INSERT INTO streams VALUES (?, ?, '', ?, 520, 0)", (stream, version, reference))
            for number in range(60):
                at, id = now - number, f"{stream}-{number}"
                timed = (2.0 * stream, json.dumps({"inference": 1.5}))
                log.execute(
                    "INSERT INTO requests VALUES (NULL, ?, ?, ?, '', 200, '', 1, 0, 0, ?, ?)",
                    (at, id, version, *timed),
                )
                log.execute(
                    "INSERT INTO predictions VALUES (NULL, ?, ?, 0, ?, ?, ?, 0.8, NULL, NULL)",
                    (at, id, stream, 460 + number, number % 2),
                )
            for number, raised in ((1, False), (2, drifted)):
                found = [finding("x: brightness", raised), finding("confidence", False)]
                log.execute(
                    "INSERT INTO windows VALUES (?, '250', ?, ?, 0.001, ?, ?)",
                    (stream, number, now, int(raised), json.dumps(found)),
                )
    return path
