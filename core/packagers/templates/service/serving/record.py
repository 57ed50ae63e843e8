"""What is known of one request once it is answered: for metrics, the log and the Server-Timing header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Any
from uuid import uuid4


@dataclass(slots=True)
class Record:
    """One request; times are in milliseconds.

    `feed` and `outputs` are arrays by name, once it is answered; `arm` is that of a canary, by `unit`.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    time: float = field(default_factory=time)
    caller: str = ""
    status: int = 200
    error: str = ""
    version: str = ""
    arm: str = ""
    unit: str = ""
    rows: int = 0
    batch: int = 0
    looked_up: bool = False
    cached: bool = False
    fallback: bool = False
    stages: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=perf_counter)
    total_ms: float = 0.0
    feed: Any = None
    outputs: Any = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of a part."""
        begin = perf_counter()
        try:
            yield
        finally:
            self.stages[name] = 1e3 * (perf_counter() - begin)

    @property
    def server_timing(self) -> str:
        """The stages as the header Server-Timing has them."""
        return ", ".join(f"{name};dur={took:.3f}" for name, took in self.stages.items())
