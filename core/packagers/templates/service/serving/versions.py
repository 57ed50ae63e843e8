"""Versions side by side: which one answers, and the change to another and back without a restart."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from serving.errors import Refused
from serving.kit import MODELS, NAME, versions_there
from serving.settings import state_folder
from serving.worker import Worker

LOADING_S = 600.0
FOLLOW_S = 2.0


class Versions:
    """The active version, and the one before it, which stays loaded to go back to.

    Args:
        first: Name of the version to begin with, unless another was active when the service ended.
        load: Returns the worker of the kit in a folder.
    """

    def __init__(self, first: str, load: Callable[[Path], Worker]) -> None:
        self._load, self._changing = load, Lock()
        self._file = state_folder() / "active"
        kept = self._file.read_text().strip() if self._file.is_file() else first
        self.active = load(MODELS / (kept if kept in versions_there() else first))
        self.previous: Worker | None = None
        self._over = Event()
        Thread(target=self._follow, name="versions", daemon=True).start()

    def names(self) -> list[str]:
        """Return the names of all versions in the folder `models`."""
        return versions_there()

    def activate(self, name: str, loaded: Worker | None = None) -> None:
        """Load a version unless it is `loaded`, prove it by its golden inputs, and let it answer from now on.

        Raises:
            Refused: There is none of this name, it is not whole, or another change is going on.
        """
        if not re.fullmatch(NAME, name) or name not in versions_there():
            raise Refused(404, f"There is no version {name[:64]!r}. Known: {', '.join(versions_there())}.")
        if not self._changing.acquire(blocking=False):
            raise Refused(409, "Another version is being loaded. Try again when it is there.")
        try:
            if name != self.active.name:
                self._change(name, loaded)
        finally:
            self._changing.release()

    def roll_back(self) -> None:
        """Let the version before answer again.

        Raises:
            Refused: There was none.
        """
        if self.previous is None:
            raise Refused(409, "No version was active before this one.")
        self.activate(self.previous.name)

    def _change(self, name: str, loaded: Worker | None) -> None:
        before, spare = self.active, self.previous
        made = loaded or (spare if spare is not None and spare.name == name else self._load(MODELS / name))
        try:
            made.ready.result(LOADING_S)
        except Exception as error:
            made.close()
            raise Refused(409, f"Version {name} cannot be used, {before.name} stays: {error}") from error
        self.active, self.previous = made, before
        if spare is not None and spare is not made:
            spare.close()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(name)

    def _follow(self) -> None:
        """Do as another replica did that shares the state folder."""
        seen = self._stamp()
        while not self._over.wait(FOLLOW_S):
            if (stamp := self._stamp()) != seen:
                seen = stamp
                with suppress(Refused, OSError):
                    self.activate(self._file.read_text().strip())

    def _stamp(self) -> int:
        return self._file.stat().st_mtime_ns if self._file.is_file() else 0

    def close(self, seconds: float) -> None:
        """Answer what waits, then end."""
        self._over.set()
        for each in filter(None, (self.active, self.previous)):
            each.close()
            each.join(seconds)
