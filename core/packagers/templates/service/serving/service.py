"""The service: puts the features that were chosen around the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from serving.errors import Refused
from serving.inputs import Feed, rows_of
from serving.kit import MODELS, Kit
from serving.record import Record
from serving.settings import Settings, keys_file, redis_url
from serving.worker import Answer, Take, Worker, one_by_one

if TYPE_CHECKING:
    from serving.cache import Cache
    from serving.canary import Canary
    from serving.keys import Caller, Keys
    from serving.metrics import Metrics
    from serving.predictions import Predictions
    from serving.rate_limit import RateLimit
    from serving.shadow import Shadow
    from serving.versions import Versions

T = TypeVar("T")
CLOSING_S = 30.0


class Watcher(Protocol):
    """Hears of every request."""

    def begin(self) -> None:
        """A request came in."""

    def end(self, record: Record) -> None:
        """It was answered."""


class Service:
    """Answers feeds. Imports what was chosen and nothing else; start it before use.

    Args:
        settings: Of `service.json`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys: Keys | None = None
        self.rate: RateLimit | None = None
        self.cache: Cache | None = None
        self.metrics: Metrics | None = None
        self.predictions: Predictions | None = None
        self.versions: Versions | None = None
        self.canary: Canary | None = None
        self.shadow: Shadow | None = None
        self._original: Worker | None = None
        self._watchers: list[Watcher] = []
        self.closing = False
        self._choose(settings)

    def _choose(self, settings: Settings) -> None:
        if settings.has("metrics"):
            from serving.metrics import Metrics

            self.metrics = Metrics()
            self._watchers.append(self.metrics)
        if settings.has("log"):
            from serving.log import Log

            self._watchers.append(Log())
        if settings.has("predictions"):
            from serving.predictions import Predictions

            self.predictions = Predictions(settings, self.metrics)
            self._watchers.append(self.predictions)
        if settings.has("auth"):
            from serving.keys import Keys

            self.keys = Keys(keys_file())
        if settings.has("rate_limit"):
            from serving.rate_limit import RateLimit

            self.rate = RateLimit(settings.rate, redis_url())
        if settings.has("cache"):
            from serving.cache import Cache, SharedCache

            kept = settings.cache_bytes, settings.cache_s
            self.cache = SharedCache(*kept, redis_url()) if redis_url() else Cache(*kept)

    def start(self) -> None:
        """Begin to load the model; `state` says how far it is."""
        if self.settings.has("versions"):
            from serving.versions import Versions

            self.versions = Versions(self.settings.version, self._worker)
        else:
            self._only = self._worker(MODELS / self.settings.version)
        if self.settings.has("canary") and self.versions is not None:
            from serving.canary import Canary

            self.canary = Canary(self.settings, self.versions, self._worker)
            self._watchers.insert(0, self.canary)
        if self.settings.has("shadow") and self.settings.shadow:
            from serving.shadow import Shadow

            self.shadow = Shadow(self.settings, self._worker(MODELS / self.settings.shadow))
        if self.settings.has("fallback"):
            self._original = self._worker(MODELS / self.settings.fallback)

    def _worker(self, folder: Path) -> Worker:
        take: Take = one_by_one
        if self.settings.has("batching"):
            from serving.batching import Together

            take = Together(self.settings.batches)
        return Worker(folder, self.settings, take)

    @property
    def active(self) -> Worker:
        """The version that answers."""
        return self.versions.active if self.versions is not None else self._only

    @property
    def kit(self) -> Kit:
        """The loaded model that answers, or the original where that cannot be used."""
        return self._usable().ready.result(0)

    def _usable(self) -> Worker:
        failed = self.active.ready.done() and self.active.ready.exception() is not None
        return self._original if failed and self._original is not None else self.active

    def changing(self, caller: Caller | None) -> Versions:
        """Return the versions, for a caller who may change them.

        Raises:
            Refused: The key was not made for that.
        """
        if self.versions is None or caller is None or not caller.admin:
            raise Refused(403, "This needs a key that was made with --admin.")
        return self.versions

    def state(self) -> tuple[bool, dict[str, Any]]:
        """Return whether requests are answered, and what is known of the version that does."""
        worker = self._usable()
        if self.closing:
            return False, {"status": "closing"}
        if not worker.ready.done():
            return False, {"status": "loading", "version": worker.name}
        error = worker.ready.exception()
        if error is not None:
            return False, {"status": "failed", "version": worker.name, "reason": str(error)}
        proven = f"{worker.ready.result().golden_samples} golden inputs gave the outputs of the measurement"
        return True, {"status": "ready", "version": worker.name, "proven": proven, "waiting": worker.waiting}

    def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """Return whose key is in the headers; None where no keys are asked for.

        Raises:
            Refused: The key is nobody's.
        """
        if self.keys is None:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        return self.keys.caller(given or headers.get("x-api-key", ""))

    def admit(self, headers: Mapping[str, str], address: str) -> Caller | None:
        """Return who asks; counts the request.

        Raises:
            Refused: The key is nobody's, or asked too often.
        """
        caller = self.caller(headers)
        if self.rate is not None:
            self.rate.count(caller.name if caller is not None else address)
        return caller

    def exposition(self) -> bytes:
        """Return the metrics in the form that Prometheus reads."""
        return self.metrics.text() if self.metrics is not None else b""

    def begin(self) -> Record:
        """Return the record of a request that came in."""
        for each in self._watchers:
            each.begin()
        return Record()

    def end(self, record: Record) -> None:
        """Tell what became of a request."""
        record.total_ms = 1e3 * (perf_counter() - record.began)
        if self.metrics is not None:
            self.metrics.active(self.active.name)
        for each in self._watchers:
            each.end(record)

    def predict(self, feed: Feed, record: Record, fresh: bool = False, caller: str = "") -> Future[Answer]:
        """Return the answer to come.

        Args:
            feed: Checked arrays by input.
            record: Takes note of the rows and of the cache.
            fresh: Ask the model even where the answer is known.
            caller: To whose rate it counts, once its inputs are known to fit.

        Raises:
            Refused: The inputs do not fit each other, the rate is spent, or too many requests wait.
        """
        record.rows = rows = rows_of(self.settings, feed)
        if self.rate is not None:
            self.rate.count(caller)
        worker = self.canary.pick(record) if self.canary is not None else None
        answer = self._known(feed, record, worker or self._usable(), fresh)
        if self.shadow is not None:
            self.shadow.ask(feed, rows, answer)
        return answer

    def _known(self, feed: Feed, record: Record, worker: Worker, fresh: bool) -> Future[Answer]:
        """Return the answer out of the cache, or that of the model."""
        cache, version = self.cache, worker.name
        if cache is None or fresh:
            return self._asked(feed, record.rows, worker)
        from serving.cache import key_of

        record.looked_up, key = True, key_of(version, feed)

        def keep(it: Future[Answer]) -> None:
            if not it.cancelled() and it.exception() is None:
                cache.keep(key, it.result().outputs)

        def known(found: Any) -> Future[Answer]:
            if found is not None:
                return done(Answer(found, version, cached=True))
            asked = self._asked(feed, record.rows, worker)
            asked.add_done_callback(keep)
            return asked

        return then(cache.find(key), known)

    def _asked(self, feed: Feed, rows: int, worker: Worker) -> Future[Answer]:
        """Return the answer of a version; where it fails that of the original, or of a canary's control."""
        spare = self._original or self.active
        if worker is spare:
            return worker.submit(feed, rows)

        def rescued(error: BaseException) -> Future[Answer]:
            if isinstance(error, Refused) and error.status != 500:
                raise error
            return then(spare.submit(feed, rows), lambda answer: done(_as_fallback(answer)))

        return then(worker.submit(feed, rows), lambda answer: done(_finite(answer)), rescued)

    def close(self) -> None:
        """Answer what waits, then end."""
        self.closing = True
        workers = [] if self.versions is not None else [self._only]
        if self.canary is not None:
            self.canary.close(CLOSING_S)
        for each in [*workers, *([self._original] if self._original is not None else [])]:
            each.close()
            each.join(CLOSING_S)
        if self.versions is not None:
            self.versions.close(CLOSING_S)
        if self.predictions is not None:
            self.predictions.close()


def _finite(answer: Answer) -> Answer:
    if not all(np.isfinite(each).all() for each in answer.outputs.values() if each.dtype.kind == "f"):
        raise Refused(500, "The model gave numbers that are not finite.")
    return answer


def _as_fallback(answer: Answer) -> Answer:
    answer.fallback = True
    return answer


def done(value: T) -> Future[T]:
    """Return a future that has its result."""
    found: Future[T] = Future()
    found.set_result(value)
    return found


def then(
    first: Future[Any],
    follow: Callable[[Any], Future[T]],
    rescue: Callable[[BaseException], Future[T]] | None = None,
) -> Future[T]:
    """Return the future of what `follow` makes of a result, or `rescue` of an error."""
    whole: Future[T] = Future()

    def settle(last: Future[T]) -> None:
        error = last.exception()
        if whole.set_running_or_notify_cancel():
            whole.set_result(last.result()) if error is None else whole.set_exception(error)

    def go_on(ended: Future[Any]) -> None:
        try:
            try:
                following = follow(ended.result())
            except BaseException as error:
                if rescue is None:
                    raise
                following = rescue(error)
            following.add_done_callback(settle)
        except BaseException as error:
            if whole.set_running_or_notify_cancel():
                whole.set_exception(error)

    first.add_done_callback(go_on)
    return whole
