"""Trial of a service: what came of starting it, asking it and loading it."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.measurement import Environment


@dataclass(frozen=True)
class Load:
    """A number of clients that ask again as soon as they are answered.

    Attributes:
        clients: How many.
        requests_per_s: That were answered.
        p50_ms: Median time to an answer, as a client sees it.
        p95_ms: 95th percentile; None where the requests are too few to state it.
        p99_ms: Likewise.
        requests: Answered.
        errors: Other answers than a prediction, and closed connections.
    """

    clients: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float | None
    p99_ms: float | None
    requests: int
    errors: int


@dataclass(frozen=True)
class Refusal:
    """A request that no service should answer with a prediction.

    Attributes:
        name: What was wrong with it.
        wanted: HTTP status that a clear error has.
        status: That came; 0 where the connection was closed.
    """

    name: str
    wanted: int
    status: int

    @property
    def clear(self) -> bool:
        """Whether the error was the right one."""
        return self.status == self.wanted


@dataclass(frozen=True)
class Trial:
    """What a service did on one machine.

    Attributes:
        equal: Whether its answers to all golden inputs were those of the measurement.
        largest_error: Largest difference of an output, by its range; of detections, the share missing.
        golden: Inputs compared.
        bare_p50_ms: Median of one call in the same process, without the service.
        loads: With more and more clients, caches passed by.
        stages: Median milliseconds of each part of a request with one client, as the service says.
        cached_p50_ms: Median with one client of what the cache knows; None without a cache.
        ready_ms: From the start of the process until it was ready.
        memory_bytes: Resident memory of the process at its peak.
        refusals: Requests that must be refused, and what came.
        alive: Whether it was ready after all of these.
        environment: Where.
        counted: Whether its metrics told of the requests; None without metrics.
        rolled_back: Whether another version answered once it was activated, and the first one again after a
            rollback; None without versions.
    """

    equal: bool
    largest_error: float
    golden: int
    bare_p50_ms: float
    loads: tuple[Load, ...]
    stages: dict[str, float]
    cached_p50_ms: float | None
    ready_ms: float
    memory_bytes: int
    refusals: tuple[Refusal, ...]
    alive: bool
    environment: Environment
    counted: bool | None = None
    rolled_back: bool | None = None

    @property
    def alone(self) -> Load:
        """The load of one client."""
        return self.loads[0]

    @property
    def most(self) -> Load:
        """The load of the most requests per second."""
        return max(self.loads, key=lambda each: each.requests_per_s)

    @property
    def overhead_ms(self) -> float:
        """Time that a request takes more than a bare call, at the median."""
        return self.alone.p50_ms - self.bare_p50_ms

    @property
    def errors(self) -> int:
        """Requests under load that were not answered with a prediction."""
        return sum(each.errors for each in self.loads)
