"""Two people with the same model at the same time do not get into each other's way."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.domain.run import RunStatus
from core.engine import add_model, delete, kit_path, open_store
from core.engine.worker import work
from sample_models.catalogue import by_id
from tests.engine.conftest import ended, wait
from tests.robustness.conftest import ROOT, data_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MODEL = by_id("cancer-mlp").files["onnx"]
PERSON = """
import sys
from core.domain.run import RunRequest
from core.engine import add_data, add_model, open_store, submit
from core.search.spelling import parse
from pathlib import Path

store = open_store()
model = add_model(store, Path(sys.argv[1]))
data = add_data(store, "breast_cancer", model)
recipes = tuple(parse(text) for text in ("@openvino", "int8_dynamic@onnxruntime"))
print(submit(store, RunRequest(model.id, data.id, recipes=recipes, preset="quick"), sys.argv[2]).id)
"""


def person(name: str) -> str:
    """Upload and submit in a process of its own; return the run's id."""
    command = [sys.executable, "-c", PERSON, str(MODEL), name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_both_runs_finish_and_one_outlives_the_other(tmp_path: Path) -> None:
    with data_in(tmp_path / "data"), open_store() as store, ThreadPoolExecutor(2) as both:
        one, two = both.map(person, ("one", "two"))
        views = [wait(store, run_id, ended, 300) for run_id in (one, two)]
        assert [view.run.status for view in views] == [RunStatus.DONE] * 2
        assert len(store.models.list()) == len(store.data.list()) == 1
        assert [[row.status for row in view.candidates] for view in views] == [["done"] * 3] * 2
        delete(store, one)
        kit = kit_path(store, views[1].candidates[2].id)
        zipfile.ZipFile(kit).extractall(tmp_path / "kit")
        checked = subprocess.run(
            [sys.executable, "verify.py"], cwd=tmp_path / "kit", capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert not list((tmp_path / "data" / "blobs" / "tmp").iterdir())


def test_a_worker_that_starts_spares_what_others_are_looking_into(tmp_path: Path) -> None:
    """Workers tidy up when they start; somebody else's upload may be open at that moment."""
    with data_in(tmp_path / "data"), open_store() as store, ThreadPoolExecutor(1) as other:
        uploads = [other.submit(add_model, store, MODEL) for _ in range(4)]
        starts = 0
        while not uploads[-1].done():
            work(idle_s=0.0)
            starts += 1
        assert len({upload.result().id for upload in uploads}) == 1
        assert starts > 4
