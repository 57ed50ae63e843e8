"""Prediction log of a service read as a unit of work, in a confined process: it may come from anywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from core.domain.watching import Watched
from core.errors import CorruptFile
from core.packagers.serving.code import service_code
from core.sandbox.answers import lines, made_of, unusable
from core.serde import to_plain
from core.work.unit import Done, Job, Kind

LATEST, MOST = 2.0**33, 1000
"""Time in seconds, in the year 2242; and versions, or stretches of time, of one service."""


LONGEST_S, STEPS = 30.0, 100_000
"""Time to read a log, and steps of SQLite between two looks at it."""


class ReadRequest(msgspec.Struct, frozen=True):
    """Which log, of what the unit `reads`, and how many seconds back."""

    path: Path
    seconds: float


class Read(msgspec.Struct, frozen=True):
    """What it tells."""

    watched: Watched


def read(request: ReadRequest, _: Job) -> Done[Read]:
    """Read a log without writing to it.

    Raises:
        CorruptFile: It is no prediction log, or a service that was killed left it in the middle of a change.
    """
    try:
        with closing(sqlite3.connect(f"{request.path.as_uri()}?mode=ro", uri=True)) as log:
            log.execute("PRAGMA trusted_schema = OFF")
            # A table may be a view without end.
            until = monotonic() + LONGEST_S
            log.set_progress_handler(lambda: monotonic() > until, STEPS)
            found = service_code("watching").report(log, request.seconds)
    except (sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CorruptFile(
            f"{request.path.name} cannot be read as a prediction log: {error}.",
            hint="Name the file state/predictions.db of a service. If the service was killed, start it once.",
        ) from error
    return Done(Read(watched(found)))


def watched(found: Any) -> Watched:
    """Return what a log or a service tells, checked, with every text on one line.

    Raises:
        UnsafeUpload: It is something else.
    """
    made = made_of(lines(found), Watched)
    tested = [window.time for arm in made.arms for window in arm.windows]
    times = [made.time, *tested, *(each.time for each in made.timeline)]
    if not made.seconds > 0 or not all(0 <= time <= LATEST for time in times):
        raise unusable("a time in it is none")
    if max(len(made.arms), len(made.timeline)) > MOST:
        raise unusable("it has more versions or moments than any service")
    return made


def accept(_: ReadRequest, answer: Read) -> Read:
    """Return the answer with every text in it on one line."""
    return Read(watched(to_plain(answer.watched)))


UNIT = Kind(__name__, "read a prediction log", ReadRequest, Read, read, accept=accept)
