from __future__ import annotations

from pathlib import Path

from core.work.folders import job_folder, sweep_jobs


def test_a_sweep_removes_what_the_dead_left_and_nothing_that_is_in_use(tmp_path: Path) -> None:
    left = tmp_path / "left"
    (left / "out").mkdir(parents=True)
    (left / "out" / "model.onnx").write_bytes(b"half")
    with job_folder(tmp_path) as folder:
        sweep_jobs(tmp_path)
        assert folder.is_dir()
        assert not left.exists()
    assert not folder.exists()
