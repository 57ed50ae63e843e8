"""The executor that the settings, or a run, name."""

from __future__ import annotations

from core.registry import get_executor
from core.settings import get_settings
from core.store.store import Store
from core.work.executor import Executor
from core.work.local import LocalExecutor


def executor(store: Store, name: str = "") -> Executor:
    """Return the executor of this id, or the one that WHETSTONE_EXECUTOR names.

    Raises:
        InvalidRequest: There is none.
    """
    made: Executor = get_executor(name or get_settings().executor)(store.blobs, store.jobs_dir)
    return made


def local(store: Store) -> Executor:
    """Return the executor of this machine: for what reads files that lie here."""
    return LocalExecutor(store.blobs, store.jobs_dir)
