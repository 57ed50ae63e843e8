"""What a node of a cluster checks before it does anything."""

from __future__ import annotations

import pytest

from core.errors import BackendMissing
from core.work import node_task
from core.work.node_task import versions


def test_a_node_with_another_library_refuses() -> None:
    with pytest.raises(BackendMissing, match="onnxslim"):
        node_task._check_versions({**versions(), "onnxslim": "0.0.1"})


def test_a_node_without_a_runtime_that_the_worker_has_does_other_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = {**versions(), "ai_edge_litert": "2.0.0"}
    node = {name: found for name, found in worker.items() if name != "ai_edge_litert"}
    monkeypatch.setattr(node_task, "versions", lambda: node)
    node_task._check_versions(worker)


def test_a_node_without_a_library_that_builds_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = versions()
    node = {name: found for name, found in worker.items() if name != "onnx"}
    monkeypatch.setattr(node_task, "versions", lambda: node)
    with pytest.raises(BackendMissing, match="onnx None instead of"):
        node_task._check_versions(worker)
