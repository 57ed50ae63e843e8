"""What every store must do, on whatever database; the test files say which."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.domain.events import EventKind
from core.domain.run import CandidateStatus, RunStatus
from core.errors import ErrorRecord, InvalidRequest, NotFound
from core.settings import Settings
from core.store import ClaimLost, Pulse, Store
from core.store.tables import models, runs
from tests.store.values import (
    a_data_set,
    a_model,
    a_request,
    a_result,
    an_artifact,
    some_candidates,
    stored,
)


def claimed(store: Store, count: int = 2, worker: str = "w1") -> tuple[Any, list[Any]]:
    planned = some_candidates(store, count)
    store.runs.create(a_request(store), "run", planned, 60.0)
    run = store.work.claim(worker)
    assert run is not None
    return run, planned


class StoreContract:
    """Inherited by one test class for each database; the fixture `store` has no grace time."""

    def test_models_are_added_once_and_come_back_equal(self, store: Store) -> None:
        model = a_model(store)
        assert store.models.add(replace(model, name="other")) == model
        assert store.models.get(model.id) == model
        assert store.models.list() == (model,)

    def test_newest_model_is_listed_first(self, store: Store) -> None:
        first, second = a_model(store, b"one"), a_model(store, b"two")
        assert store.models.list() == (second, first)

    def test_used_model_and_data_cannot_be_deleted(self, store: Store) -> None:
        request = a_request(store, data=True)
        store.runs.create(request, "run")
        with pytest.raises(InvalidRequest, match="is queued and uses"):
            store.uploads.delete(request.model_id)
        with pytest.raises(InvalidRequest, match="is queued and uses"):
            store.uploads.delete(str(request.data_id))
        assert store.models.get(request.model_id)

    def test_unused_model_is_deleted_and_its_file_swept(self, store: Store) -> None:
        model = a_model(store)
        assert store.uploads.delete(model.id).size_bytes == 7
        with pytest.raises(NotFound):
            store.models.get(model.id)
        with pytest.raises(NotFound):
            store.uploads.delete(model.id)
        with pytest.raises(NotFound):
            store.blobs.path(model.files[0])

    def test_new_run_comes_back_equal_with_its_candidates(self, store: Store) -> None:
        planned = some_candidates(store, 3)
        run = store.runs.create(a_request(store, data=True), "näme", planned, 60.0)
        assert store.runs.get(run.id) == run
        assert run.id == planned[0].run_id
        assert store.candidates.list(run.id) == tuple(planned)
        assert (run.status, run.revision, run.estimate_s) == (RunStatus.QUEUED, 0, 60.0)

    def test_creation_is_all_or_nothing(self, store: Store) -> None:
        planned = some_candidates(store, 2)
        with pytest.raises(InvalidRequest, match="there already"):
            store.runs.create(a_request(store), "run", [*planned, planned[0]])
        assert store.runs.list() == ()
        assert store.candidates.list(planned[0].run_id) == ()

    def test_run_needs_a_stored_model_and_data_set(self, store: Store) -> None:
        request = a_request(store)
        with pytest.raises(NotFound, match="model"):
            store.runs.create(replace(request, model_id="absent"), "run")
        with pytest.raises(NotFound, match="data set"):
            store.runs.create(replace(request, data_id="absent"), "run")

    def test_candidates_of_two_runs_are_refused(self, store: Store) -> None:
        with pytest.raises(InvalidRequest, match="different runs"):
            store.runs.create(a_request(store), "x", some_candidates(store, 1) + some_candidates(store, 1))

    def test_list_gives_newest_first_with_counts_of_what_is_tried(self, store: Store) -> None:
        old = store.runs.create(a_request(store), "old")
        new = store.runs.create(a_request(store), "new", some_candidates(store, 3))
        listed = store.runs.list()
        assert [item.run for item in listed] == [new, old]
        assert listed[0].counts == {CandidateStatus.WAITING: 2}
        assert (listed[0].total, listed[0].final, listed[1].total) == (2, 0, 0)
        assert store.runs.list(limit=1) == listed[:1]
        assert store.runs.count() == 2

    def test_rename(self, store: Store) -> None:
        run = store.runs.create(a_request(store), "old")
        assert store.runs.rename(run.id, "new") == replace(run, name="new", revision=1)
        with pytest.raises(NotFound):
            store.runs.rename("absent", "new")

    def test_a_name_is_one_line_that_every_database_takes(self, store: Store) -> None:
        run = store.runs.create(a_request(store), "a\0b\ud800\nc")
        assert run.name == "ab c"
        assert store.runs.get(run.id) == run
        assert store.runs.rename(run.id, "\0new").name == "new"

    def test_a_reader_sees_one_state(self, store: Store, another: Any) -> None:
        request, other = a_request(store), another()
        count = select(func.count()).select_from(runs)
        with store._database.read() as connection:
            before = connection.execute(count).scalar_one()
            other.runs.create(request, "meanwhile")
            assert connection.execute(count).scalar_one() == before
        assert store.runs.count() == before + 1

    def test_what_was_read_before_a_write_still_holds_in_it(self, store: Store, another: Any) -> None:
        request, other = a_request(store), another()
        with ThreadPoolExecutor(1) as pool:
            with store._database.write() as connection:
                assert connection.execute(select(models.c.id)).all()
                deleting = pool.submit(other.uploads.delete, request.model_id)
                with pytest.raises(TimeoutError):
                    deleting.result(0.3)
                assert connection.execute(select(models.c.id)).all()
            assert deleting.result(20).name == "net"

    def test_a_worker_takes_only_what_it_can_execute(self, store: Store) -> None:
        first, second = (store.runs.create(a_request(store), name) for name in "ab")
        taken = store.work.claim("w1", lambda run: run.id != first.id)
        assert taken is not None
        assert taken.id == second.id
        assert store.work.claim("w1", lambda run: False) is None
        assert store.runs.get(first.id).status is RunStatus.QUEUED

    def test_a_run_is_executed_where_its_files_are(
        self, store: Store, settings: Settings, tmp_path: Path
    ) -> None:
        run = store.runs.create(a_request(store, data=True), "run")
        url = settings.database_url or str(store._database.url)
        with Store(Settings(data_dir=tmp_path / "other", database_url=url)) as other:
            assert not other.can_execute(run)
            assert other.work.claim("w2", other.can_execute) is None
        assert store.can_execute(run)
        assert store.work.claim("w1", store.can_execute)

    def test_what_belongs_to_another_owner_is_not_found(self, store: Store, tmp_path: Path) -> None:
        run, planned = claimed(store)
        drawn = a_data_set(store)
        (tmp_path / "golden").write_bytes(b"1")
        store.results.refer(planned[0].id, store.blobs.add(tmp_path / "golden", "golden"), "w1")
        store.results.keep(planned[0].id, store.blobs.add(tmp_path / "golden", "sweep.json"))
        store.live.put(run.id, "w1", planned[0].id, (1.5,), 1)
        store.events.append(run.id, EventKind.RESUMED)
        store.work.finish(run.id, "w1", RunStatus.FAILED)
        other = store.of("other")
        assert (run.owner, store.of(run.owner)) == (store.owner, store)
        for use in (
            lambda: other.models.get(run.request.model_id),
            lambda: other.data.get(drawn.id),
            lambda: other.runs.get(run.id),
            lambda: other.runs.rename(run.id, "mine"),
            lambda: other.runs.request_cancel(run.id),
            lambda: other.runs.resume(run.id),
            lambda: other.runs.delete(run.id),
            lambda: other.runs.create(run.request, "mine"),
            lambda: other.candidates.get(planned[0].id),
            lambda: other.results.get(planned[0].id, "golden"),
            lambda: other.results.keep(planned[0].id, store.blobs.add(tmp_path / "golden", "mine")),
            lambda: other.uploads.use(run.request.model_id),
            lambda: other.uploads.delete(drawn.id, with_runs=True),
        ):
            with pytest.raises(NotFound):
                use()
        assert other.models.renew(run.request.model_id) is None
        assert (other.models.list(), other.data.list(), other.runs.list(), other.runs.count()) == (
            (),
            (),
            (),
            0,
        )
        assert (other.candidates.list(run.id), other.results.list(planned[0].id)) == ((), ())
        assert (other.events.since(run.id), other.live.get(run.id)) == ((), None)
        assert store.runs.get(run.id).name == "run"
        with pytest.raises(InvalidRequest, match="somebody else"):
            other.models.add(store.models.get(run.request.model_id))

    def test_workers_and_retention_are_for_all_owners(self, store: Store) -> None:
        other = store.of("other")
        file = stored(store.blobs, b"theirs", "model.onnx")
        mine = store.models.get(a_request(store).model_id)
        model = other.models.add(replace(mine, id="theirs", files=(file,)))
        made = other.runs.create(replace(a_request(store), model_id=model.id), "theirs")
        assert store.runs.any_queued()
        assert store.can_execute(made)
        run = store.work.claim("w1")
        assert run is not None
        assert (run.id, run.owner) == (made.id, "other")
        store.work.finish(run.id, "w1", RunStatus.DONE)
        store.sweep()
        assert store.blobs.verify(file.sha256)
        time.sleep(0.02)
        assert store.delete_older_than(0.01 / 86_400) == 1
        assert other.models.list() == ()

    def test_oldest_queued_run_is_claimed_first(self, store: Store) -> None:
        first, second = (store.runs.create(a_request(store), name) for name in "ab")
        assert store.runs.any_queued()
        taken = [store.work.claim("w1"), store.work.claim("w2")]
        assert [run and run.id for run in taken] == [first.id, second.id]
        assert taken[0] is not None
        assert (taken[0].status, taken[0].worker) == (RunStatus.RUNNING, "w1")
        assert taken[0].started == taken[0].heartbeat
        assert store.work.claim("w3") is None
        assert not store.runs.any_queued()

    def test_heartbeat_tells_to_stop(self, store: Store) -> None:
        run, _ = claimed(store)
        assert store.work.heartbeat(run.id, "w1", 1.5) is Pulse.HELD
        after = store.runs.get(run.id)
        assert (after.revision, after.elapsed_s) == (run.revision, 1.5)
        assert not store.work.heartbeat(run.id, "w2", 1.5)
        assert store.runs.get(run.id).elapsed_s == 1.5
        assert store.runs.request_cancel(run.id).status == RunStatus.RUNNING
        assert store.work.heartbeat(run.id, "w1") is Pulse.CANCEL
        store.work.finish(run.id, "w1", RunStatus.CANCELLED)
        assert store.work.heartbeat(run.id, "w1") is Pulse.LOST

    def test_queued_run_is_cancelled_at_once(self, store: Store) -> None:
        run = store.runs.create(a_request(store), "run")
        assert store.runs.request_cancel(run.id).status == RunStatus.CANCELLED
        assert store.work.claim("w1") is None
        assert [event.kind for event in store.events.since(run.id)] == ["cancelled"]

    def test_cancelling_what_ended_changes_nothing(self, store: Store) -> None:
        run, _ = claimed(store)
        done = store.work.finish(run.id, "w1", RunStatus.DONE)
        assert store.runs.request_cancel(run.id) == done

    def test_stale_run_is_interrupted_and_its_worker_locked_out(self, store: Store) -> None:
        run, planned = claimed(store)
        store.candidates.save(replace(planned[0], status=CandidateStatus.BUILDING), "w1")
        assert store.work.mark_interrupted(60.0) == ()
        time.sleep(0.02)
        assert store.work.mark_interrupted(0.01) == (run.id,)
        after = store.runs.get(run.id)
        assert after.status == RunStatus.INTERRUPTED
        assert store.candidates.list(run.id)[0] == planned[0]
        for write in (
            lambda: store.candidates.save(planned[0], "w1"),
            lambda: store.work.set_stage(run.id, "w1", "x"),
            lambda: store.work.finish(run.id, "w1", RunStatus.DONE),
        ):
            with pytest.raises(ClaimLost):
                write()
        assert store.runs.get(run.id) == after
        assert store.work.heartbeat(run.id, "w1") is Pulse.LOST

    def test_stale_run_that_should_stop_is_cancelled(self, store: Store) -> None:
        run, _ = claimed(store)
        store.runs.request_cancel(run.id)
        time.sleep(0.02)
        store.work.mark_interrupted(0.01)
        assert store.runs.get(run.id).status == RunStatus.CANCELLED

    def test_resume_keeps_finished_candidates(self, store: Store) -> None:
        run, planned = claimed(store, 4)
        over_budget = ErrorRecord("not_applicable", "No convolutions.")
        states = [
            replace(planned[0], status=CandidateStatus.DONE, result=a_result(), artifact_id="a"),
            replace(planned[1], status=CandidateStatus.MEASURING, artifact_id="b", stage="timing"),
            replace(planned[2], status=CandidateStatus.BUILDING),
            replace(planned[3], status=CandidateStatus.SKIPPED, error=over_budget),
        ]
        for candidate in states:
            store.candidates.save(candidate, "w1")
        store.work.heartbeat(run.id, "w1", 2.5)
        store.work.finish(run.id, "w1", RunStatus.INTERRUPTED)
        resumed = store.runs.resume(run.id)
        assert (resumed.status, resumed.worker, resumed.elapsed_s) == (RunStatus.QUEUED, None, 2.5)
        built = replace(planned[1], artifact_id="b")
        assert store.candidates.list(run.id) == (states[0], built, planned[2], states[3])
        again = store.work.claim("w2")
        assert again is not None
        assert (again.id, again.started) == (run.id, run.started)

    def test_active_and_done_runs_cannot_be_resumed(self, store: Store) -> None:
        run, _ = claimed(store)
        with pytest.raises(InvalidRequest, match="running"):
            store.runs.resume(run.id)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        with pytest.raises(InvalidRequest, match="done"):
            store.runs.resume(run.id)
        with pytest.raises(NotFound):
            store.runs.resume("absent")

    def test_candidate_is_saved_in_place_or_added(self, store: Store) -> None:
        run, planned = claimed(store, 1)
        done = replace(planned[0], status=CandidateStatus.DONE, result=a_result())
        more = replace(planned[0], id="more", position=1)
        store.candidates.save(done, "w1")
        store.candidates.save(more, "w1")
        assert store.candidates.list(run.id) == (done, more)
        assert store.candidates.get(done.id) == done
        with pytest.raises(NotFound):
            store.candidates.get("absent")
        assert store.runs.list()[0].counts == {CandidateStatus.WAITING: 1}

    def test_only_the_owner_saves_candidates(self, store: Store) -> None:
        run, planned = claimed(store)
        with pytest.raises(ClaimLost):
            store.candidates.save(replace(planned[0], stage="mine"), "w2")
        assert store.candidates.list(run.id) == tuple(planned)

    def test_what_cannot_be_read_back_is_not_written(self, store: Store) -> None:
        run, planned = claimed(store)
        broken = replace(a_result(), fidelity=replace(a_result().fidelity, max_abs_error=float("nan")))
        with pytest.raises(Exception, match="float"):
            store.candidates.save(replace(planned[0], result=broken), "w1")
        assert store.candidates.list(run.id) == tuple(planned)
        assert store.runs.get(run.id).revision == run.revision

    def test_every_change_raises_the_revision(self, store: Store, tmp_path: Path) -> None:
        run, planned = claimed(store)
        (tmp_path / "golden").write_bytes(b"1")
        changes = [
            lambda: store.work.set_stage(run.id, "w1", "building"),
            lambda: store.work.set_data(run.id, "w1", a_data_set(store).id),
            lambda: store.candidates.save(planned[1], "w1"),
            lambda: store.results.refer(planned[0].id, store.blobs.add(tmp_path / "golden", "golden"), "w1"),
            lambda: store.events.append(run.id, EventKind.BUILT),
            lambda: store.runs.request_cancel(run.id),
            lambda: store.work.finish(run.id, "w1", RunStatus.FAILED, ErrorRecord("error", "x")),
            lambda: store.runs.resume(run.id),
        ]
        revision = run.revision
        for change in changes:
            change()
            assert store.runs.get(run.id).revision > revision
            revision = store.runs.get(run.id).revision

    def test_run_ends_with_its_error(self, store: Store) -> None:
        run, _ = claimed(store)
        error = ErrorRecord("error", "Broke.", "Try again.", "measure", "trace")
        ended = store.work.finish(run.id, "w1", RunStatus.FAILED, error)
        assert (ended.status, ended.error) == (RunStatus.FAILED, error)
        assert ended.finished is not None
        with pytest.raises(InvalidRequest):
            store.work.finish(run.id, "w1", RunStatus.QUEUED)

    def test_artifact_is_found_while_its_files_are_whole(self, store: Store) -> None:
        artifact = an_artifact(store, a_model(store), b"small")
        assert store.artifacts.find(artifact.id) is None
        store.artifacts.save(artifact)
        store.artifacts.save(artifact)
        assert store.artifacts.find(artifact.id) == artifact
        blob = store.blobs.path(artifact.files[0])
        blob.chmod(0o644)
        blob.write_bytes(b"smaLl")
        assert store.artifacts.find(artifact.id) is None
        assert store.artifacts.get(artifact.id) == artifact
        stored(store.blobs, b"small", "model.onnx")
        assert store.artifacts.find(artifact.id) == artifact
        blob.unlink()
        assert store.artifacts.find(artifact.id) is None
        with pytest.raises(NotFound):
            store.artifacts.get("absent")

    def test_events_are_numbered_in_each_run(self, store: Store) -> None:
        one, other = (store.runs.create(a_request(store), name) for name in "ab")
        first = store.events.append(one.id, EventKind.TRAINING, text="building", n=1)
        second = store.events.append(one.id, EventKind.BUILT, "candidate", 1.5)
        store.events.append(other.id, EventKind.BUILT)
        assert (first.sequence, second.sequence) == (1, 2)
        assert store.events.since(one.id) == (first, second)
        assert store.events.since(one.id, 1) == (second,)
        with pytest.raises(NotFound):
            store.events.append("absent", EventKind.BUILT)

    def test_threads_share_a_store(self, store: Store) -> None:
        run = store.runs.create(a_request(store), "run")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: store.events.append(run.id, EventKind.BUILT, str(n)), range(40)))
        events = store.events.since(run.id)
        assert [event.sequence for event in events] == list(range(1, 41))
        assert {event.candidate for event in events} == {str(n) for n in range(40)}
        assert store.runs.get(run.id).revision == 40

    def test_result_files_are_kept_per_candidate(self, store: Store, tmp_path: Path) -> None:
        run, planned = claimed(store)
        path = tmp_path / "golden.npz"
        for content in (b"first", b"second"):
            path.write_bytes(content)
            store.results.refer(planned[0].id, store.blobs.add(path, "golden.npz"), "w1")
        assert store.results.get(planned[0].id, "golden.npz").read_bytes() == b"second"
        assert [file.size for file in store.results.list(planned[0].id)] == [6]
        with pytest.raises(NotFound):
            store.results.get(planned[1].id, "golden.npz")
        with pytest.raises(NotFound):
            store.results.refer("absent", store.blobs.add(path, "golden.npz"), "w1")
        with pytest.raises(ClaimLost):
            store.results.refer(planned[1].id, store.blobs.add(path, "golden.npz"), "w2")
        assert store.runs.get(run.id).status == RunStatus.RUNNING

    def test_active_run_cannot_be_deleted(self, store: Store) -> None:
        run, _ = claimed(store)
        with pytest.raises(InvalidRequest, match="running") as caught:
            store.runs.delete(run.id)
        assert "Cancel" in caught.value.hint
        assert store.runs.get(run.id) == run
        with pytest.raises(NotFound):
            store.runs.delete("absent")

    def test_deletion_removes_what_only_this_run_needs(self, store: Store, tmp_path: Path) -> None:
        run, planned = claimed(store)
        model = store.models.get(run.request.model_id)
        artifact = an_artifact(store, model, b"int8")
        store.artifacts.save(artifact)
        store.candidates.save(replace(planned[0], artifact_id=artifact.id), "w1")
        (tmp_path / "golden").write_bytes(b"golden")
        golden = store.results.refer(planned[0].id, store.blobs.add(tmp_path / "golden", "golden"), "w1")
        store.work.finish(run.id, "w1", RunStatus.DONE)
        store.runs.delete(run.id)
        assert store.runs.list() == store.models.list() == store.candidates.list(run.id) == ()
        assert store.events.since(run.id) == ()
        assert store.artifacts.find(artifact.id) is None
        for file in (*model.files, *artifact.files, golden):
            assert not store.blobs.verify(file.sha256)

    def test_deletion_keeps_what_was_uploaded_again_since(self, store: Store) -> None:
        run, _ = claimed(store)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        model = store.models.renew(run.request.model_id)
        assert model is not None
        store.runs.delete(run.id)
        assert store.models.get(model.id) == model
        assert store.blobs.verify(model.files[0].sha256)

    def test_deletion_of_a_run_without_data_keeps_the_data_of_others(self, store: Store) -> None:
        prepared = a_data_set(store)
        run, _ = claimed(store)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        store.runs.delete(run.id)
        assert store.data.list() == (prepared,)
        assert store.blobs.verify(prepared.files[0].sha256)

    def test_random_inputs_are_kept_as_long_as_their_run(self, store: Store) -> None:
        old, _ = claimed(store)
        store.work.finish(old.id, "w1", RunStatus.DONE)
        run, _ = claimed(store)
        drawn = a_data_set(store)
        store.work.set_data(run.id, "w1", drawn.id)
        assert store.runs.get(run.id).data_id == drawn.id
        time.sleep(0.02)
        store.runs.delete(old.id)
        store.delete_older_than(0.01 / 86_400)
        assert store.data.list() == (drawn,)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        store.runs.delete(run.id)
        assert store.data.list() == ()
        assert not store.blobs.verify(drawn.files[0].sha256)

    def test_deletion_keeps_what_was_uploaded_within_the_grace_time(self, store: Store, another: Any) -> None:
        run, _ = claimed(store)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        patient: Store = another(grace_s=60.0)
        patient.runs.delete(run.id)
        assert patient.models.get(run.request.model_id)

    def test_deletion_keeps_what_is_shared(self, store: Store) -> None:
        run, planned = claimed(store)
        model = store.models.get(run.request.model_id)
        parent = an_artifact(store, model, b"pruned")
        child = replace(an_artifact(store, model, b"pruned int8"), parent=parent.id)
        alone = an_artifact(store, model, b"alone")
        for artifact in (parent, child, alone):
            store.artifacts.save(artifact)
        store.candidates.save(replace(planned[0], artifact_id=alone.id), "w1")
        store.work.finish(run.id, "w1", RunStatus.DONE)
        other, others = claimed(store)
        store.candidates.save(replace(others[0], artifact_id=child.id), "w1")
        store.work.finish(other.id, "w1", RunStatus.DONE)
        store.runs.delete(run.id)
        assert store.models.get(model.id) == model
        assert store.blobs.verify(model.files[0].sha256)
        assert [store.artifacts.find(item.id) for item in (parent, child, alone)] == [parent, child, None]
        assert not store.blobs.verify(alone.files[0].sha256)

    def test_deletion_spares_artifacts_that_an_open_run_may_find(self, store: Store) -> None:
        run, _ = claimed(store)
        artifact = an_artifact(store, store.models.get(run.request.model_id), b"int8")
        store.artifacts.save(artifact)
        store.work.finish(run.id, "w1", RunStatus.INTERRUPTED)
        done, _ = claimed(store)
        store.work.finish(done.id, "w1", RunStatus.DONE)
        store.runs.delete(done.id)
        assert store.artifacts.find(artifact.id) == artifact

    def test_an_upload_goes_with_its_runs_on_demand_only(self, store: Store, tmp_path: Path) -> None:
        kept, _ = claimed(store)
        store.work.finish(kept.id, "w1", RunStatus.DONE)
        request = replace(a_request(store, data=True), model_id=a_model(store, b"another").id)
        planned = some_candidates(store, 1)
        run = store.runs.create(request, "mine", planned)
        store.work.claim("w1")
        artifact = an_artifact(store, store.models.get(request.model_id), b"int8")
        store.artifacts.save(artifact)
        store.candidates.save(replace(planned[0], artifact_id=artifact.id), "w1")
        (tmp_path / "golden").write_bytes(b"golden")
        store.results.refer(planned[0].id, store.blobs.add(tmp_path / "golden", "golden"), "w1")
        with pytest.raises(InvalidRequest, match="mine is running"):
            store.uploads.delete(request.model_id, with_runs=True)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        with pytest.raises(InvalidRequest, match="1 run"):
            store.uploads.delete(request.model_id)
        before = store.runs.list(), store.models.list(), store.data.list(), store.candidates.list(run.id)
        use = store.uploads.use(request.model_id)
        assert (use.what, use.name, use.runs) == ("model", "net", (run.id,))
        assert use.size_bytes == len(b"another" + b"rows" + b"int8" + b"golden")
        after = store.runs.list(), store.models.list(), store.data.list(), store.candidates.list(run.id)
        assert after == before
        assert store.uploads.delete(request.model_id, with_runs=True) == use
        assert [each.run.id for each in store.runs.list()] == [kept.id]
        assert [each.id for each in store.models.list()] == [kept.request.model_id]
        assert store.data.list() == ()
        assert sum(path.is_file() for path in store.blobs.root.rglob("*")) == 1

    def test_data_goes_without_its_model(self, store: Store) -> None:
        request = a_request(store, data=True)
        run = store.runs.create(request, "run")
        store.runs.request_cancel(run.id)
        use = store.uploads.delete(str(request.data_id), with_runs=True)
        assert (use.what, use.runs, use.size_bytes) == ("data set", (run.id,), len(b"rows"))
        assert store.models.get(request.model_id)
        assert (store.runs.list(), store.data.list()) == ((), ())

    def test_retention_deletes_old_inactive_runs(self, store: Store) -> None:
        ended, _ = claimed(store)
        store.work.finish(ended.id, "w1", RunStatus.DONE)
        active, _ = claimed(store)
        unused = a_data_set(store)
        assert store.delete_older_than(1.0) == 0
        assert store.older_than(1.0) == (0, 0)
        assert store.data.list() == (unused,)
        time.sleep(0.02)
        count, freed = store.older_than(0.01 / 86_400)
        assert (count, freed > 0) == (1, True)
        assert store.delete_older_than(0.01 / 86_400) == 1
        assert [item.run.id for item in store.runs.list()] == [active.id]
        assert store.data.list() == ()
        assert not store.blobs.verify(unused.files[0].sha256)
        assert store.blobs.verify(store.models.list()[0].files[0].sha256)

    def test_grace_time_spares_what_is_young(self, store: Store, another: Any) -> None:
        patient: Store = another(grace_s=60.0)
        young = stored(store.blobs, b"young", "a")
        old = stored(store.blobs, b"old", "b")
        hour_ago = time.time() - 3600
        os.utime(store.blobs.path(old), (hour_ago, hour_ago))
        assert patient.sweep() == 3
        assert store.blobs.verify(young.sha256)
        assert not store.blobs.verify(old.sha256)

    def test_live_calls_are_the_latest_only_and_leave_the_revision(self, store: Store) -> None:
        run, planned = claimed(store)
        before = store.runs.get(run.id).revision
        assert store.live.get(run.id) is None
        store.live.put(run.id, "w1", planned[0].id, (1.5, 2.5), 2)
        store.live.put(run.id, "w1", planned[1].id, (3.5,), 400)
        found = store.live.get(run.id)
        assert found is not None
        assert (found.candidate_id, found.ms, found.calls) == (planned[1].id, (3.5,), 400)
        assert store.runs.get(run.id).revision == before

    def test_live_calls_are_written_by_the_holder_only_and_go_with_the_run(self, store: Store) -> None:
        run, planned = claimed(store)
        with pytest.raises(ClaimLost):
            store.live.put(run.id, "w2", planned[0].id, (1.5,), 1)
        store.live.put(run.id, "w1", planned[0].id, (1.5,), 1)
        store.work.finish(run.id, "w1", RunStatus.DONE)
        store.runs.delete(run.id)
        assert store.live.get(run.id) is None
