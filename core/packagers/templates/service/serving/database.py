"""File of the prediction log: SQLite, shared by the replicas of one machine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from serving.settings import state_folder

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL, id TEXT,
    version TEXT, arm TEXT, status INT, error TEXT, rows INT, cached INT, fallback INT, ms REAL, stages TEXT);
CREATE INDEX IF NOT EXISTS by_time ON requests (time);
CREATE TABLE IF NOT EXISTS streams (stream INTEGER PRIMARY KEY, version TEXT, arm TEXT, reference TEXT,
    logged INT DEFAULT 0, labelled INT DEFAULT 0, UNIQUE (version, arm));
CREATE TABLE IF NOT EXISTS predictions (number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL, id TEXT, row INT,
    stream INT, place INT, class INT, confidence REAL, features BLOB, inputs BLOB);
CREATE INDEX IF NOT EXISTS by_place ON predictions (stream, place);
CREATE INDEX IF NOT EXISTS by_id ON predictions (id, row);
CREATE TABLE IF NOT EXISTS labels (number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL,
    prediction INT UNIQUE, stream INT, place INT, label INT, correct INT);
CREATE TABLE IF NOT EXISTS windows (stream INT, kind TEXT, number INT, time REAL, level REAL, raised INT,
    findings TEXT, PRIMARY KEY (stream, kind, number));
"""
"""Each version, and each arm of a test, is a stream; `place` counts its predictions, or labels, from 0."""
TIMEOUT_S = 30


def log_file() -> Path:
    """Return where the log lies."""
    return state_folder() / "predictions.db"


def opened(path: Path) -> sqlite3.Connection:
    """Return the log, made where there is none; whoever writes begins a transaction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = sqlite3.connect(path, timeout=TIMEOUT_S, isolation_level=None)
    log.execute("PRAGMA synchronous = NORMAL")
    log.executescript(SCHEMA)
    return log
