"""What is the cluster's own: resources, what is missing, and nodes that are lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import BackendMissing, InvalidRequest
from core.registry import executors
from core.settings import get_settings
from core.store.blobs import Blobs
from core.store.shared import SharedBlobs
from core.work.executor import Executor
from core.work.nodes import (
    ClusterFailed,
    able,
    connect,
    measuring_kind,
    node_resources,
    nodes,
    options,
    request,
)
from core.work.stop import Stop
from core.work.unit import WorkUnit
from tests.work.cluster import kill_building, kill_busy, loopback
from tests.work.conftest import KINDS
from tests.work.test_contract import unit

BUILD = WorkUnit(kind="k", parameters=None, cores=2)
MEASURE = WorkUnit(kind="k", parameters=None, cores=1, alone=True)


def ray_node(alive: bool = True, **resources: float) -> dict[str, Any]:
    own = {name.replace("_", ":", 1): value for name, value in resources.items()}
    return {"Alive": alive, "Resources": {"CPU": 4.0, "node": 1.0, **own}}


def test_a_measurement_asks_for_a_whole_node_of_its_kind_and_builds_share_any() -> None:
    assert request(BUILD) == {"CPU": 2.0, "node": 0.001}
    assert request(BUILD, "x") == {"CPU": 2.0, "node": 0.001, "cpu:x": 0.001}
    assert request(MEASURE, "x") == {"CPU": 1.0, "node": 1.0, "cpu:x": 0.001}
    on_gpu = WorkUnit(kind="k", parameters=None, device="cuda", memory_bytes=7)
    assert options(request(on_gpu)) == {
        "num_cpus": 1.0,
        "num_gpus": 1.0,
        "memory": 7.0,
        "resources": {"node": 0.001},
    }
    assert request(WorkUnit(kind="k", parameters=None, device="npu"))["device:npu"] > 0


def test_this_machine_declares_its_processor_and_what_it_can_do() -> None:
    mine = {"Alive": True, "Resources": {"CPU": 4.0, **node_resources()}}
    kind = measuring_kind([mine], request(MEASURE))
    assert f"cpu:{kind}" in node_resources()
    assert able([mine], request(MEASURE, kind)) == [mine]


def test_measurements_go_to_the_processor_that_most_nodes_have() -> None:
    nodes = [ray_node(cpu_a=1), ray_node(cpu_b=1), ray_node(cpu_b=1), ray_node(False, cpu_a=1)]
    assert measuring_kind(nodes, request(MEASURE)) == "b"
    assert measuring_kind(nodes[:2], request(MEASURE)) == "a"
    with pytest.raises(ClusterFailed, match="GPU") as caught:
        measuring_kind(nodes, request(MEASURE) | {"GPU": 1.0})
    assert "ray start" in caught.value.hint


def test_a_cluster_without_a_shared_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="shared store") as caught:
        executors()["ray"](Blobs(tmp_path), tmp_path)
    assert "WHETSTONE_SHARED_STORE" in caught.value.hint


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BackendMissing) as caught:
        connect()
    assert "whetstone[cluster]" in caught.value.hint
    made: Executor = executors()["ray"](SharedBlobs(tmp_path / "a", str(tmp_path / "b")), tmp_path)
    with pytest.raises(BackendMissing):
        made.run(unit("nothing"), Stop())


def test_choosing_the_cluster_imports_no_ray() -> None:
    code = "import sys; from core.registry import executors; executors(); print('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("WHETSTONE_RAY_ADDRESS", "127.0.0.1:1")
    get_settings.cache_clear()
    with pytest.raises(ClusterFailed, match=r"127\.0\.0\.1:1"):
        nodes()


@pytest.mark.slow
def test_a_unit_of_a_lost_node_is_done_on_another(
    kinds: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    with loopback(tmp_path, PYTHONPATH=str(KINDS)) as cluster:
        monkeypatch.setenv("WHETSTONE_RAY_ADDRESS", cluster.address)
        get_settings.cache_clear()
        files = SharedBlobs(tmp_path / "blobs", str(tmp_path / "shared"))
        (tmp_path / "jobs").mkdir()
        executor: Executor = executors()["ray"](files, tmp_path / "jobs")
        assert executor.run(unit("nothing", alone=True), Stop()).values.number == 2
        assert [each.ready for each in nodes()].count(True) == 3
        done: list[float] = []
        work = unit("wait", number=8, alone=True)
        thread = threading.Thread(target=lambda: done.append(executor.run(work, Stop()).values.number))
        begin = time.monotonic()
        thread.start()
        kill_busy(cluster, begin + 30)
        assert "measuring" in [each.busy for each in nodes()]
        thread.join(120)
        assert done == [1]
        assert time.monotonic() - begin > 8
        with pytest.raises(ClusterFailed, match="device:npu"):
            _impatient(monkeypatch, executor)


@pytest.mark.slow
def test_a_training_of_a_lost_node_goes_on_from_its_last_checkpoint(
    kinds: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    with loopback(tmp_path, PYTHONPATH=str(KINDS)) as cluster:
        monkeypatch.setenv("WHETSTONE_RAY_ADDRESS", cluster.address)
        get_settings.cache_clear()
        files = SharedBlobs(tmp_path / "blobs", str(tmp_path / "shared"))
        (tmp_path / "jobs").mkdir()
        kept = tmp_path / "checkpoints" / "training"
        kept.mkdir(parents=True)
        executor: Executor = executors()["ray"](files, tmp_path / "jobs")
        done: list[Any] = []
        work = unit("learn", number=150, checkpoints=kept)
        thread = threading.Thread(target=lambda: done.append(_tried(executor, work)))
        thread.start()
        until = time.monotonic() + 60
        while not files.states.has(kept.name) and time.monotonic() < until:
            time.sleep(0.1)
        kill_building(cluster)
        # On a node each unit has a folder of its own: the next one finds the state at the shared store alone.
        assert not any(kept.iterdir())
        thread.join(120)
        assert getattr(done[0], "number", 0) == 150, done[0]
        assert 0 < int(done[0].text) < 150
        assert [path.name for path in (tmp_path / "nodes" / "node" / "jobs").iterdir()] == []


def _tried(executor: Executor, work: WorkUnit[Any, Any]) -> Any:
    """Return what comes of it, an error too: of a thread nobody would see it."""
    try:
        return executor.run(work, Stop()).values
    except Exception as error:
        return error


def _impatient(monkeypatch: pytest.MonkeyPatch, executor: Executor) -> None:
    monkeypatch.setattr("core.work.cluster.WAIT_FOR_NODE_S", 0.0)
    executor.run(unit("nothing", device="npu"), Stop())
