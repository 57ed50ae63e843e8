from __future__ import annotations

import os
from pathlib import Path

from core.sandbox.removal import remove_tree

DEEP = 3000


def nest(folder: Path, levels: int = DEEP) -> None:
    """Nest folders deeper than Python calls itself, and longer than a path may be."""
    folder.mkdir(exist_ok=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_deeply_nested_folder_is_removed(tmp_path: Path) -> None:
    nest(tmp_path / "deep")
    (tmp_path / "deep" / "file").write_text("x")
    remove_tree(tmp_path / "deep")
    assert not list(tmp_path.iterdir())


def test_what_a_link_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "left")
    remove_tree(tmp_path / "never")
    assert [each.name for each in tmp_path.rglob("*")] == ["kept", "file"]


def test_a_folder_that_nobody_may_list_is_removed(tmp_path: Path) -> None:
    inner = tmp_path / "left" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0o300)
    (tmp_path / "left").chmod(0o300)
    remove_tree(tmp_path / "left")
    assert not list(tmp_path.iterdir())
