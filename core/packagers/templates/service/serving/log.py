"""Log: one line of JSON a request on stdout; never an input."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from serving.record import Record


class Log:
    """Writes a line for each request."""

    def begin(self) -> None:
        """Write nothing yet."""

    def end(self, record: Record) -> None:
        """Write what became of a request."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "caller": record.caller,
            "status": record.status,
            "error": record.error,
            "version": record.version,
            "rows": record.rows,
            "batch": record.batch,
            "cached": record.cached,
            "fallback": record.fallback,
            "ms": round(record.total_ms, 3),
            "stages_ms": {name: round(took, 3) for name, took in record.stages.items()},
        }
        sys.stdout.write(json.dumps({key: value for key, value in line.items() if value != ""}) + "\n")
        sys.stdout.flush()
