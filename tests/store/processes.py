"""What other processes do to a store: ``python -m tests.store.processes COMMAND ARGUMENT``.

The environment names the store, as for the application.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sqlalchemy import insert

from core.domain.events import EventKind
from core.domain.run import RunStatus
from core.store import Store
from core.store.tables import events
from tests.store.values import a_request, some_candidates, stored


def say(text: str) -> None:
    print(text, flush=True)


def wait_for_start() -> None:
    say("ready")
    sys.stdin.readline()


def claim_all(worker: str) -> None:
    """Claim runs until none is left; say each."""
    with Store() as store:
        wait_for_start()
        while (run := store.work.claim(worker)) is not None:
            say(run.id)


def open_store(_: str) -> None:
    wait_for_start()
    with Store() as store:
        say(str(len(store.runs.list())))


def write_for_ever(worker: str) -> None:
    """Create runs and work through those waiting, also a killed writer's; say what is finished."""
    with Store() as store:
        request = a_request(store)
        for number in range(1_000_000):
            store.runs.create(request, str(number), some_candidates(store, 20))
            run = store.work.claim(worker)
            assert run is not None
            for count in range(5):
                store.events.append(run.id, EventKind.BUILT, count=count)
            stored(store.blobs, b"%d" % number * 5000, "x")
            store.work.finish(run.id, worker, RunStatus.DONE)
            say(run.id)


def stop_inside(run_id: str) -> None:
    """Write half a transaction, and wait for the end."""
    with Store() as store, store._database.write() as connection:
        row = {"sequence": 99, "time": 1.0, "kind": "half", "subject": "", "data": {}}
        connection.execute(insert(events).values(run_id=run_id, **row))
        say("inside")
        time.sleep(60)


def add_blob(path: str) -> None:
    """Add the same file many times; say its hash."""
    with Store() as store:
        wait_for_start()
        for _ in range(50):
            file = store.blobs.add(Path(path))
        say(file.sha256)


def sweep(_: str) -> None:
    """Sweep all the time, with nothing to keep but what is younger than a minute."""
    with Store(grace_s=60.0) as store:
        wait_for_start()
        for _ in range(50):
            store.sweep()
        say("swept")


COMMANDS = {
    function.__name__: function
    for function in (claim_all, open_store, write_for_ever, stop_inside, add_blob, sweep)
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](sys.argv[2])
