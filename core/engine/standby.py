"""Preloading of the baseline: its fresh process starts while something else is done than timing."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from core.bench.timing.endpoint import Endpoint, Host, timing_cores
from core.bench.timing.preloaded import offer
from core.datasets.splits import FOR_EVALUATION
from core.domain.model import DataSet, SourceModel
from core.domain.run import Candidate
from core.engine.building import lay_out, lay_out_data, source_artifact
from core.errors import WhetstoneError
from core.sandbox.removal import remove_tree
from core.store.store import Store
from core.work.stop import Stop


class Standby:
    """Loads the baseline in the background, once, for one measurement.

    Args:
        store: Holds the files.
        model: The source model, which is the baseline's artifact.
        data: Rows to call it with.
        baseline: Its target.
        stop: Ends it early.
    """

    def __init__(
        self, store: Store, model: SourceModel, data: DataSet, baseline: Candidate, stop: Stop
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=store.jobs_dir))
        artifact = lay_out(store, source_artifact(model), self._folder / "model")
        rows = lay_out_data(store, data, self._folder / "data", FOR_EVALUATION)
        target = baseline.recipe.target
        self._host = Host(
            Endpoint(artifact, target, model),
            self._folder / "out" / "reference",
            rows,
            timing_cores(target.threads),
            stop.event.is_set,
        )
        self._failed = False
        self._thread = threading.Thread(target=self._open, daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            self._host.ready()
            self._host.open()
        except WhetstoneError:
            # The measurement starts a process of its own then, and meets the error where it is reported.
            self._failed = True

    def offered(self) -> str:
        """Let the next measurement on this machine have the process, and return the name it goes by."""
        name = self._folder.name
        offer(name, self._take)
        return name

    def _take(self) -> Host | None:
        """Return the baseline's process, loaded or still loading, or None where that failed."""
        return None if self._failed else self._host

    def close(self) -> None:
        """End the process and remove its folder."""
        self._host.close()
        self._thread.join()
        remove_tree(self._folder)
