"""Waiting for a run in the foreground."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.engine import cancel, recover
from core.store.store import Store
from core.views import RunView, run_view

POLL_S = 0.3
PATIENCE_S = 5.0


def follow(store: Store, run_id: str, on_change: Callable[[RunView], None] | None = None) -> RunView:
    """Wait until a run ends; an interrupt from the keyboard cancels it.

    Args:
        store: Holds the run.
        run_id: Which run.
        on_change: Told of each new state.

    Raises:
        NotFound: There is no such run.
    """
    seen, checked = -1, time.monotonic()
    try:
        while True:
            run = store.runs.get(run_id)
            if run.revision != seen:
                seen = run.revision
                if on_change is not None:
                    on_change(run_view(store, run_id))
            if not run.status.active:
                return run_view(store, run_id)
            if time.monotonic() - checked > PATIENCE_S:
                recover(store)
                checked = time.monotonic()
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        cancel(store, run_id)
        raise
