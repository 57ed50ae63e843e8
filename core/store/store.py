"""The store: one database and one folder of files, shared by the page and the workers."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Self

from core.domain.model import DataSet, SourceModel
from core.domain.run import Run
from core.errors import StoreUnusable
from core.settings import Settings, get_settings
from core.store.artifacts import Artifacts
from core.store.blobs import GRACE_S, Blobs
from core.store.candidates import Candidates
from core.store.cleanup import Cleanup
from core.store.database import Database
from core.store.documents import Documents
from core.store.events import Events
from core.store.live import Live
from core.store.private import close_data_folder, private_folder
from core.store.results import Results
from core.store.runs import Runs
from core.store.tables import data_sets, models
from core.store.uploads import Uploads
from core.store.work import Work


class Store:
    """Everything that outlives a process.

    Concurrency contract:

    - Any number of processes and threads may use the same store. A `Store` may be shared by the threads
      of a process, never by a forked child: that opens its own.
    - Every method is one transaction. Readers see a state before or after it, never one in between, and a
      process killed at any moment leaves no half of it.
    - Methods return when their change is on disk; whoever reads afterwards, in any process, sees it.
    - `runs` is for anybody. An active run cannot be deleted.
    - `work.claim` gives each queued run to exactly one worker. What takes a `worker` writes only while the
      run is running and claimed by that worker, else it raises `ClaimLost` and changes nothing: a worker
      that was taken for dead cannot overwrite the work of its successor.
    - Each change of a run, its candidates, results or events raises `Run.revision`; a heartbeat does not, nor
      do the calls in `live`. Two reads with the same revision saw the same run but for its heartbeat and its
      worked seconds, so that caches may key on it.
    - Models, data sets and runs have one owner, and a store shows those of one: what belongs to somebody else
      is not found, nor what hangs on it. `work`, retention and sweeps are for all. The same upload of two
      owners is two models with ids of their own; only contents of files are shared, by their hash.
    - Models, data sets and artifacts never change under their id. Contents of files neither.
    - Files are stored before the rows that refer to them, and deleted after. A sweep spares what is
      younger than the grace time, so it may run at any moment.
    - A database server may be shared by workers with data folders of their own, on one host or several. Each
      takes only runs whose files lie in its folder.
    - The clocks of machines that share a database must agree to within the staleness limit of workers.

    Attributes:
        owner: Whose models, data sets and runs it shows.
        blobs: Content-addressed files.
        models: Uploaded models.
        data: Prepared data sets.
        uploads: Both kinds, for deletion.
        runs: Runs.
        work: The same, for the workers that hold them.
        candidates: Their candidates.
        artifacts: Built models.
        results: Files that belong to candidates.
        events: What happened in runs.
        live: Calls of the measurement that goes on in a run.

    Args:
        settings: Where the store lies; those of the process if not given.
        grace_s: Seconds for which unneeded artifacts and files stay.

    Raises:
        StoreUnusable: The database is unreadable, damaged or of a newer version; it is left as it is.
        BackendMissing: The driver of a database server is not installed.
    """

    def __init__(self, settings: Settings | None = None, grace_s: float = GRACE_S) -> None:
        settings = settings or get_settings()
        self.folder = settings.data_dir.absolute()
        self._database = Database(settings.database_url or f"sqlite:///{self.folder / 'whetstone.db'}")
        _close(self.folder)
        self.blobs = _blobs(self.folder / "blobs", settings.shared_store)
        self._cleanup = Cleanup(self._database, self.blobs, grace_s)
        self.artifacts = Artifacts(self._database, self.blobs)
        self.work = Work(self._database)
        self._show(settings.owner)

    def _show(self, owner: str) -> None:
        database = self._database
        self.owner = owner
        self.models: Documents[SourceModel] = Documents(database, models, "model", owner)
        self.data: Documents[DataSet] = Documents(database, data_sets, "data set", owner)
        self.uploads = Uploads(database, self._cleanup, owner)
        self.runs = Runs(database, self._cleanup, owner)
        self.candidates = Candidates(database, owner)
        self.results = Results(database, self.blobs, owner)
        self.events = Events(database, owner)
        self.live = Live(database, owner)

    def of(self, owner: str) -> Store:
        """Return the same store as `owner` sees it; both are closed as one."""
        if owner == self.owner:
            return self
        other = copy(self)
        other._show(owner)
        return other

    @property
    def jobs_dir(self) -> Path:
        """Folder in which working processes get a folder each; it exists."""
        return private_folder(self.folder / "jobs")

    def can_execute(self, run: Run) -> bool:
        """Whether the files of the run's model and data lie here.

        In a database that several data folders use, a run may be of another one.
        """
        mine = self.of(run.owner)
        data = () if run.data_id is None else mine.data.get(run.data_id).files
        files = (*mine.models.get(run.request.model_id).files, *data)
        return self.blobs.holds(files)

    def delete_older_than(self, days: float) -> int:
        """Delete inactive runs and unused uploads older than `days`; return how many runs that were."""
        return self._cleanup.delete_older_than(days)

    def older_than(self, days: float) -> tuple[int, int]:
        """Return how many runs `delete_older_than` would delete, and how many bytes that would free."""
        return self._cleanup.older_than(days)

    def sweep(self) -> int:
        """Delete artifacts and files that nothing needs; return the bytes freed."""
        return self._cleanup.sweep()

    def close(self) -> None:
        """Close all connections to the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _blobs(root: Path, shared: str) -> Blobs:
    if not shared:
        return Blobs(root)
    from core.store.shared import SharedBlobs

    return SharedBlobs(root, shared)


def _close(folder: Path) -> None:
    try:
        close_data_folder(folder)
    except OSError as error:
        raise StoreUnusable(
            f"The data folder {folder} cannot be made or closed to other users: {error.strerror}.",
            hint="Set WHETSTONE_DATA_DIR to a folder that is yours.",
        ) from error
