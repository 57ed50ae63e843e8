"""Runs as files: out of one installation, into another, and what no honest export holds."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.accuracy_detail import AccuracyDetail, Answers, Flips
from core.domain.bundle import Extras
from core.domain.events import EventKind
from core.domain.layer_errors import LayerError, LayerErrors
from core.domain.profile import LayerProfile, Profile
from core.domain.recipe import Artifact, Step
from core.domain.run import RunRequest, RunStatus
from core.domain.sweep import Setting, Sweep
from core.engine import exported_run, import_run, model_download, resume, submit
from core.engine.built import artifact_of
from core.engine.extras import extras_of, keep_extras
from core.engine.history import priors
from core.errors import InvalidRequest, NotFound, UnsafeUpload, WhetstoneError
from core.store.store import Store
from core.views import findings_of, results, run_view, unlike
from tests.factories import ENVIRONMENT, candidate, model, result
from tests.store.values import stored

STEP = Step("export_onnx")


@pytest.fixture
def run_id(store: Store) -> str:
    """Return a run that is done, with one built model and an event."""
    store.models.add(model())
    file = stored(store.blobs, b"a network", "model.onnx")
    store.artifacts.save(Artifact("built", "m", STEP, "onnx", (file,), details={"exporter": "dynamo"}))
    planned = [
        replace(candidate("base", result(1.0), 0), artifact_id="m"),
        replace(candidate("fast", result(2.0), 1, (STEP,)), artifact_id="built"),
    ]
    run = store.runs.create(RunRequest("m"), "My <b>run</b>", planned, 1.0)
    store.events.append(run.id, EventKind.HEAT, candidates=["base", "fast"])
    store.runs.request_cancel(run.id)
    return run.id


def written(store: Store, run_id: str, path: Path, models: bool = False) -> Path:
    path.write_bytes(b"".join(exported_run(store, run_id, models).stream()))
    return path


def forged(path: Path, change: Callable[[dict[str, Any]], object], **files: bytes) -> Path:
    """Write the run in `path` anew with `change` made to it, and more files."""
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("run.json"))
    change(told)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("run.json", json.dumps(told))
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_run_comes_back_with_all_its_figures_under_ids_of_its_own(
    store: Store, run_id: str, tmp_path: Path
) -> None:
    made = import_run(store, written(store, run_id, tmp_path / "run.zip", models=True))
    before, after = run_view(store, run_id), run_view(store, made.id)
    assert made.imported == "Test CPU"
    assert made.status is RunStatus.CANCELLED
    assert [row.name for row in after.candidates] == ["base", "fast"]
    assert [row.candidate.result for row in after.candidates] == [
        row.candidate.result for row in before.candidates
    ]
    assert {row.id for row in after.candidates}.isdisjoint(row.id for row in before.candidates)
    assert after.model.id != before.model.id
    assert after.events[-2].data["candidates"] == [row.id for row in after.candidates]
    assert [each.id for each in findings_of(store, after, after.candidates[1])] == ["no_drop"]
    assert results(store, after)["candidates"][1]["speedup"]["value"] == 2.0
    (file,) = artifact_of(store, after.candidates[1].candidate).files
    assert store.blobs.path(file).read_bytes() == b"a network"


def test_details_come_along_with_harmless_texts_and_fit_together(
    store: Store, run_id: str, tmp_path: Path
) -> None:
    fast = store.candidates.list(run_id)[1].id
    profile = Profile("onnxruntime", (LayerProfile("a\nb", "Conv", 1.0),), 1.0, 1.0, 1, 1, 9, ENVIRONMENT)
    sweep = Sweep((Setting(1, 1, 1.0, None, 1000.0, 9),), ENVIRONMENT, "none")
    errors = LayerErrors((LayerError("a", "Conv", 0.1, 0.0),), 8, "int8_static_ort")
    flips = Flips(2, (3, 4), (), (1, 1), (0, 0), (), ())
    detail = AccuracyDetail(Answers.CLASSES, "y", 10, 2, flips=flips)
    keep_extras(store, fast, Extras(detail, errors, profile, sweep))
    path = written(store, run_id, tmp_path / "run.zip")
    made = import_run(store, path)
    first, second = (extras_of(store, each.id) for each in store.candidates.list(made.id))
    assert first == Extras()
    assert (second.accuracy, second.layer_errors, second.sweep) == (detail, errors, sweep)
    assert second.profile is not None
    assert second.profile.layers[0].name == "a b"

    def uneven(told: dict[str, Any]) -> None:
        told["extras"][fast]["accuracy"]["flips"]["answers"] = [1]

    def foreign(told: dict[str, Any]) -> None:
        told["extras"]["another"] = told["extras"][fast]

    def negative(told: dict[str, Any]) -> None:
        told["extras"][fast]["layer_errors"]["layers"][0]["error"] = -1.0

    def in_no_time(told: dict[str, Any]) -> None:
        told["extras"][fast]["sweep"]["settings"][0]["p50_ms"] = 0.0

    for change in (uneven, foreign, negative, in_no_time):
        with pytest.raises(UnsafeUpload):
            import_run(store, forged(written(store, run_id, path), change))


def test_it_is_marked_never_resumed_and_stands_for_nothing_here(
    store: Store, run_id: str, tmp_path: Path
) -> None:
    made = import_run(store, written(store, run_id, tmp_path / "run.zip"))
    with pytest.raises(InvalidRequest, match="measured elsewhere"):
        resume(store, made.id)
    with pytest.raises(InvalidRequest, match="left where it was measured"):
        model_download(store, run_view(store, made.id).candidates[1].id)
    with pytest.raises(InvalidRequest, match="is not here"):
        submit(store, made.request)
    told = unlike(run_view(store, run_id), run_view(store, made.id))
    assert any("was measured elsewhere" in each for each in told)
    later = replace(store.runs.get(run_id), created=made.created + 9)
    assert (
        len(priors(store, later, model(), result().timing.environment)) == 1
    )  # the one of the run made here
    store.runs.delete(made.id)
    with pytest.raises(NotFound):
        store.models.get(made.request.model_id)
    assert run_view(store, run_id).candidates[1].latency_ms is not None


def test_what_goes_on_is_not_exported(store: Store) -> None:
    store.models.add(model())
    run = store.runs.create(RunRequest("m"), "a run", [candidate("base", None, 0)], 1.0)
    with pytest.raises(InvalidRequest, match="queued"):
        exported_run(store, run.id)


def drop_baseline(told: dict[str, Any]) -> None:
    told["candidates"] = told["candidates"][1:]


def escape(told: dict[str, Any]) -> None:
    told["artifacts"][0]["files"] = [{"name": "../../evil", "sha256": "0" * 64, "size": 1}]


def no_time(told: dict[str, Any]) -> None:
    told["candidates"][1]["result"]["timing"]["latency"]["p50"] = 0.0


@pytest.mark.parametrize(
    "change",
    [
        drop_baseline,
        escape,
        no_time,
        lambda told: told["run"].update(status="running"),
        lambda told: told["run"].update(status="evil"),
        lambda told: told["candidates"][1].update(run_id="other"),
        lambda told: told["candidates"][1].update(position=0),
        lambda told: told["candidates"][1]["recipe"]["steps"].append({"pass_id": "os.system", "params": {}}),
        lambda told: told["candidates"][1]["recipe"]["steps"][0]["params"].update(opset="rm -rf"),
        lambda told: told["candidates"][1]["recipe"]["target"].update(runtime_id="mine"),
        lambda told: told["artifacts"][0].update(format="exe"),
        lambda told: told["artifacts"][0].update(details={"fell_back": "no table"}),
        lambda told: told.update(version=99),
        lambda told: told.pop("model"),
        lambda told: told["model"].update(parameters="many"),
        lambda told: told["artifacts"][0].update(
            files=[{"name": "model.onnx", "sha256": "0" * 64, "size": 9}]
        ),
    ],
)
def test_what_does_not_hang_together_is_refused_and_leaves_nothing(
    store: Store, run_id: str, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    path = forged(written(store, run_id, tmp_path / "run.zip"), change)
    with pytest.raises(WhetstoneError):
        import_run(store, path)
    assert store.runs.count() == 1
    assert len(store.models.list()) == 1


def test_files_that_the_run_does_not_name_or_that_are_others_are_refused(
    store: Store, run_id: str, tmp_path: Path
) -> None:
    path = written(store, run_id, tmp_path / "run.zip")
    with pytest.raises(WhetstoneError, match="other parts"):
        import_run(store, forged(path, lambda told: None, **{"evil.py": b"import os"}))
    sha256 = "0" * 64
    files = [{"name": "model.onnx", "sha256": sha256, "size": 9}]
    told = {f"files/{sha256}": b"not these"}
    with pytest.raises(WhetstoneError, match="is not what its run says"):
        import_run(store, forged(path, lambda known: known["artifacts"][0].update(files=files), **told))
    (tmp_path / "no.zip").write_bytes(b"PK no zip")
    with pytest.raises(WhetstoneError):
        import_run(store, tmp_path / "no.zip")
    assert store.runs.count() == 1
