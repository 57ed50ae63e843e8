"""Outputs of a loaded model on the evaluation rows, in large batches on all cores if that changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from time import perf_counter

import numpy as np

from core.bench.quality.predictions import alike, filled, per_row, save_blocks
from core.datasets.rows import Rows
from core.errors import WhetstoneError
from core.protocols import Array, Feed, Session

LARGEST_BYTES = 1024**3
"""Of very large outputs, the first rows that fit into this are run."""
LARGE = 32
CHECKED, CHECK_S, FEWEST = 32, 1.0, 8
"""Rows that both sizes of batch are compared on, seconds for them, and the fewest that tell enough."""
ROUNDING = 1e-6
"""Power of the difference by that of the change from row to row: 60 dB, another order of additions."""
WORTH_S, GAIN = 1.0, 1.1
Block = list[Array]


class Larger(IntEnum):
    """What came of trying calls of more rows than the target's."""

    FINE = 0
    """They are used, or there was no need."""
    REFUSED = 1
    OTHER_ANSWERS = 2


class EvaluationRun:
    """Runs a model on rows, some more with every call of `go_on`, and keeps the outputs.

    The first rows are run at the target's batch. Where large batches answer them as well, the others are run
    in such: dynamic quantization does not, since it takes its scales from the batch. Copies of the model work
    side by side on all cores, each with the target's threads.

    Args:
        rows: The evaluation rows.
        batch: Rows of a call at the target.
        reopen: Returns one more session for a batch.
        load_s: Seconds that takes.
        model_bytes: Returns what one session holds now, at most.

    Attributes:
        rows: Rows run.
        batch: Rows of a call now.
        row_s: Seconds of a row by the clock.
        larger: What came of trying larger calls.
    """

    def __init__(
        self,
        rows: Rows,
        batch: int,
        reopen: Callable[[int], Session],
        load_s: float,
        model_bytes: Callable[[], int],
    ) -> None:
        self._source, self._own, self._reopen = rows, batch, reopen
        self._load_s, self._model_bytes = load_s, model_bytes
        self._kept: list[Block] = []
        self._size, self._others = 0, list[Session]()
        self.rows, self.batch, self.row_s, self.larger = 0, batch, 0.0, Larger.FINE

    @property
    def copies(self) -> int:
        """Copies of the model that work side by side."""
        return 1 + len(self._others)

    def go_on(
        self, session: Session, most: int | None, seconds: float | None, copies: int, spare_bytes: int
    ) -> None:
        """Run rows up to `most` of all, and at least one call's.

        Args:
            session: Of the target's batch.
            most: Rows in all, those of earlier calls among them; None for all there are.
            seconds: End early after these; None for as long as it takes.
            copies: Copies that the cores have room for.
            spare_bytes: Memory that may be used beyond what is now.

        Raises:
            RuntimeFailed: The runtime refuses a feed.
        """
        end = float("inf") if seconds is None else perf_counter() + seconds
        wanted = self._source.samples if most is None else min(most, self._source.samples)
        if not self.rows:
            self._first(session, wanted, min(end, perf_counter() + CHECK_S))
            self._enlarge(session, spare_bytes, end)
            self._copy(copies, spare_bytes)
        begin, before = perf_counter(), self.rows
        for block in _side_by_side([session, *self._others], self._feeds(wanted, end), self.batch):
            self._keep(block)
        if self.rows > before:
            self.row_s = (perf_counter() - begin) / (self.rows - before)

    def save(self, folder: Path) -> int:
        """Save what is there, see `save_blocks`."""
        return save_blocks(self._kept, folder)

    def _keep(self, block: Block) -> None:
        self._kept.append(block)
        self._size += sum(part.nbytes for part in block)

    def _feeds(self, wanted: int, end: float) -> Iterator[tuple[Feed, int]]:
        for feed, count in self._source.batches(self.batch, self.rows):
            if self.rows >= wanted or self._size > LARGEST_BYTES or (self.rows and perf_counter() >= end):
                return
            self.rows += count
            yield feed, count

    def _first(self, session: Session, wanted: int, end: float) -> None:
        """Run the first rows at the target's batch."""
        times: list[float] = []
        for feed, count in self._feeds(min(wanted, CHECKED), end):
            begin = perf_counter()
            self._keep(_call(session, feed, count, self._own))
            times.append(perf_counter() - begin)
        self.row_s = median(times[1:] or times) / self._own if times else 0.0

    @property
    def _left_s(self) -> float:
        return (self._source.samples - self.rows) * self.row_s

    def _enlarge(self, session: Session, spare_bytes: int, end: float) -> None:
        """Take a larger batch from now on, where it is worth its check and gives the same answers."""
        size, held = LARGE, self._model_bytes() / self._own
        while size > self._own and size * held > spare_bytes:
            size //= 2
        enough = self.rows >= FEWEST and self._left_s > WORTH_S + self._load_s
        in_time = perf_counter() + self._load_s + 2 * size * self.row_s < end
        if not self._source.by_batch or size <= self._own or not enough or not in_time:
            return
        found = self._tried(session, size)
        if found is None:
            self.larger = Larger.REFUSED
        elif not found[0]:
            self.larger = Larger.OTHER_ANSWERS
        elif GAIN * found[1] < self.row_s:
            self.batch, self.row_s = size, found[1]

    def _tried(self, session: Session, size: int) -> tuple[bool, float] | None:
        """Return whether calls of `size` rows give the same answers, and the seconds of a row in one."""
        feed, count = next(self._source.batches(min(size, self.rows)))
        feed = filled(feed, count, size)
        try:
            found = _call(session, feed, count, size)
            begin = perf_counter()
            session.run(feed)
        except WhetstoneError:
            return None
        took = (perf_counter() - begin) / size
        known = [np.concatenate(alike(parts))[:count] for parts in zip(*self._kept, strict=True)]
        return same_answers(known, found), took

    def _copy(self, copies: int, spare_bytes: int) -> None:
        """Open copies for the other cores, where that is worth its time."""
        most = min(copies, 1 + spare_bytes // max(1, self._model_bytes()))
        while self.copies < most and self._left_s / self.copies**2 > WORTH_S + self._load_s:
            try:
                self._others.append(self._reopen(self.batch))
            except WhetstoneError:
                return


def same_answers(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Whether outputs (rows, ...) are the same but for rounding, every one of them.

    Of numbers, the difference must lie 60 dB below what they change from row to row, or below their power
    where they do not change.
    """
    if [(each.shape, each.dtype) for each in ours] != [(each.shape, each.dtype) for each in theirs]:
        return False
    return all(_same(one, other) for one, other in zip(ours, theirs, strict=True))


def _same(one: Array, other: Array) -> bool:
    if one.dtype.kind != "f" or not np.isfinite(one).all():
        return np.array_equal(one, other)
    values, off = one.astype(np.float64), (one.astype(np.float64) - other) ** 2
    change = float(((values - values.mean(axis=0)) ** 2).sum()) or float((values**2).sum())
    return float(off.sum()) <= ROUNDING * change


def _call(session: Session, feed: Feed, count: int, batch: int) -> Block:
    return [per_row(output, count, batch) for output in session.run(filled(feed, count, batch))]


def _side_by_side(
    sessions: Sequence[Session], feeds: Iterator[tuple[Feed, int]], batch: int
) -> Iterator[Block]:
    """Yield the outputs of each feed in order; every session works in a thread of its own."""
    if len(sessions) == 1:
        yield from (_call(sessions[0], feed, count, batch) for feed, count in feeds)
        return
    free: SimpleQueue[Session] = SimpleQueue()
    for each in sessions:
        free.put(each)

    def work(feed: Feed, count: int) -> Block:
        session = free.get()
        try:
            return _call(session, feed, count, batch)
        finally:
            free.put(session)

    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(len(sessions)) as pool:
        for feed, count in feeds:
            waiting.append(pool.submit(work, feed, count))
            if len(waiting) > len(sessions):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
