"""Cache of run views, keyed by revision: every page and every viewer asks for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from core.store.store import Store

MOST = 400
MOST_LARGE = 6
MOST_LINES = 5000

T = TypeVar("T")


class Cache:
    """Values by key, each of one revision; the one asked for longest ago goes first.

    A value is worked out once, however many threads ask for it at the same time.

    Args:
        most: How many to keep.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.RLock()
        self._values: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()

    def known(self, key: Hashable, revision: int) -> Any | None:
        """Return the value of `key` at `revision`; None where it was not worked out yet."""
        with self._lock:
            found = self._values.get(key)
            return found[1] if found is not None and found[0] == revision else None

    def get(self, key: Hashable, revision: int, make: Callable[[], T]) -> T:
        """Return the value of `key` at `revision`, by `make` where another or none is kept."""
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] != revision:
                found = self._values[key] = (revision, make())
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            value: T = found[1]
            return value


class _Caches:
    """The caches of one store.

    Attributes:
        large: Decoded candidates of runs, and their rows under some limits.
        small: Sentences and short lists.
        lines: One short value for each run of the history.
    """

    def __init__(self) -> None:
        self.large, self.small, self.lines = Cache(MOST_LARGE), Cache(MOST), Cache(MOST_LINES)


_stores: WeakKeyDictionary[Store, _Caches] = WeakKeyDictionary()
_adding = threading.Lock()


def cached(store: Store) -> _Caches:
    """Return the caches of `store` in this process."""
    with _adding:
        return _stores.setdefault(store, _Caches())
