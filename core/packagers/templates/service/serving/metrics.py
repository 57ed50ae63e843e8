"""Prometheus metrics: latency by stage, requests by status, batches, cache, versions, memory."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from serving.record import Record

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counts what the service does."""

    def __init__(self) -> None:
        self._registry = kept = CollectorRegistry()
        ProcessCollector(registry=kept)
        self._requests = Counter("requests", "Requests by status", ["status", "version"], registry=kept)
        self._latency = Histogram("request_seconds", "Whole requests", buckets=SECONDS, registry=kept)
        self._stages = Histogram(
            "stage_seconds", "Parts of requests", ["stage"], buckets=SECONDS, registry=kept
        )
        self._in_flight = Gauge("requests_in_flight", "Requests that are not answered yet", registry=kept)
        self._rows = Counter("rows", "Rows that were predicted", registry=kept)
        self._batch = Histogram("batch_rows", "Rows of the call that answered", buckets=ROWS, registry=kept)
        self._cache = Counter("cache_lookups", "Look-ups by result", ["result"], registry=kept)
        self._fallbacks = Counter("fallbacks", "Requests that the original model answered", registry=kept)
        self._active = Gauge("version_active", "1 for the version that answers", ["version"], registry=kept)
        self._drift = Gauge(
            "drift_psi", "Shift of a feature in the newest window", ["feature"], registry=kept
        )
        self._alerts = Gauge("alert", "1 while the rule is broken", ["rule"], registry=kept)
        self._known = ""

    def begin(self) -> None:
        """Count a request that came in."""
        self._in_flight.inc()

    def end(self, record: Record) -> None:
        """Count what became of it."""
        self._in_flight.dec()
        self._requests.labels(str(record.status), record.version).inc()
        self._latency.observe(record.total_ms / 1e3)
        for stage, took in record.stages.items():
            self._stages.labels(stage).observe(took / 1e3)
        if record.looked_up:
            self._cache.labels("hit" if record.cached else "miss").inc()
        if record.status == 200:
            self._rows.inc(record.rows)
            self._fallbacks.inc(record.fallback)
            if not record.cached:
                self._batch.observe(record.batch)

    def active(self, version: str) -> None:
        """Tell which version answers."""
        if self._known and self._known != version:
            self._active.labels(self._known).set(0)
        self._known = version
        self._active.labels(version).set(1)

    def drift(self, feature: str, psi: float | None) -> None:
        """Tell how far a feature shifted: its population stability index."""
        if psi is not None:
            self._drift.labels(feature).set(psi)

    def alerts(self, on: set[str], before: set[str]) -> None:
        """Tell which alerts are on, and which were."""
        for rule in on | before:
            self._alerts.labels(rule).set(rule in on)

    def text(self) -> bytes:
        """Return all of it in the form that Prometheus reads."""
        return generate_latest(self._registry)
