"""Deployed services, watched."""

from __future__ import annotations

from pathlib import Path

from core.domain.watching import Watched
from core.engine import open_store
from core.engine.watching import LOOK_BACK_S
from core.engine.watching import watch as watch_service
from core.store.store import Store


def watch(
    target: str | Path, *, key: str = "", seconds: float = LOOK_BACK_S, store: Store | None = None
) -> Watched:
    """Return what a service does: traffic, latency, predictions, drift by feature, accuracy, alerts.

    Args:
        target: Address of a running service, or path of its prediction log or of its folder.
        key: API key, where the service asks for one.
        seconds: How far back a log is looked at.
        store: Has room for the work; the configured one by default.

    Raises:
        InputError: Nothing answers there, or something else than a service with a prediction log.
        NotFound: There is no such log.
    """
    return watch_service(store or open_store(), str(target), key, seconds)
