"""Plan a run, execute it, and the worker that does so."""

from core.engine.accuracy_details import accuracy_detail_of
from core.engine.built import export
from core.engine.comparing_layers import layer_errors, stored_layer_errors
from core.engine.downloads import Download, model_download, run_download
from core.engine.evidence import stored_sweep, stored_trial
from core.engine.kits import kit_name, kit_path, sweep_kits
from core.engine.own_code import allowed as own_code_allowed
from core.engine.pictures import sample_pictures
from core.engine.planning import MOST_BATCH, MOST_THREADS, RunPlan, check_numbers, plan
from core.engine.profiling import profile, roofline
from core.engine.run_export import SUFFIX as EXPORTED
from core.engine.run_export import exported_run
from core.engine.run_import import import_run
from core.engine.structure import known_structure, structure_of
from core.engine.submit import (
    cancel,
    delete,
    delete_older_than,
    delete_upload,
    finish_training,
    pause,
    resume,
    submit,
)
from core.engine.sweeping import sweep
from core.engine.trying import require_trial, sweep_wanted, try_service
from core.engine.uploads import add_data, add_model, read_again, restate_task
from core.engine.watching import watch
from core.engine.worker import ensure_worker, recover
from core.machine.cores import keep_off_timing
from core.store.store import Store

__all__ = [
    "EXPORTED",
    "MOST_BATCH",
    "MOST_THREADS",
    "Download",
    "RunPlan",
    "accuracy_detail_of",
    "add_data",
    "add_model",
    "cancel",
    "check_numbers",
    "delete",
    "delete_older_than",
    "delete_upload",
    "ensure_worker",
    "export",
    "exported_run",
    "finish_training",
    "import_run",
    "keep_off_timing",
    "kit_name",
    "kit_path",
    "known_structure",
    "layer_errors",
    "model_download",
    "open_store",
    "own_code_allowed",
    "pause",
    "plan",
    "profile",
    "read_again",
    "recover",
    "require_trial",
    "restate_task",
    "resume",
    "roofline",
    "run_download",
    "sample_pictures",
    "stored_layer_errors",
    "stored_sweep",
    "stored_trial",
    "structure_of",
    "submit",
    "sweep",
    "sweep_kits",
    "sweep_wanted",
    "try_service",
    "watch",
]


def open_store() -> Store:
    """Return the store that the settings name.

    Raises:
        StoreUnusable: The database is damaged or of a newer version.
    """
    return Store()
