"""A service as it would be written, and the commands that make it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import cast

import pytest

from core.domain.run import RunStatus
from core.errors import InvalidRequest
from core.packagers.serving.options import ServiceParams
from core.registry import get_packager
from core.store.store import Store
from core.views import service_view
from core.views.deployment import LARGEST_SHOWN, _command, _files, _others, _python, _rank
from tests.pages import seed
from tests.pages.conftest import store  # noqa: F401


def test_the_same_on_the_command_line_and_in_python() -> None:
    params = ServiceParams(cache=True, rate_limit=True, docker=True, cache_mb=8)
    assert _others(params) == {"cache_mb": 8}
    command = _command("run", "c", get_packager("fastapi"), params)
    assert (
        "deploy run --candidate c --as fastapi --with rate-limit,cache --package docker --set cache_mb=8"
        in command
    )
    assert "features=['rate_limit', 'cache']" in _python("run", "c", get_packager("fastapi"), params)


def test_what_a_server_is_configured_by_is_read_early() -> None:
    names = ["proof/verify.py", "model_repository/net/config.pbtxt", "serve.py", "models/v1/kit.json"]
    assert sorted(names, key=_rank)[:2] == ["serve.py", "model_repository/net/config.pbtxt"]


def test_a_candidate_that_was_not_built_says_so(store: Store) -> None:  # noqa: F811
    seed.run(store, "done", RunStatus.DONE)
    with pytest.raises(InvalidRequest, match="There is no packager"):
        service_view(store, "done-2", "nothing")


def test_whatever_is_text_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {
        "models/a/config.pbtxt": 'name: "é"\n'.encode(),
        "client.py": b"ask()\n",
        "model.bin": b"weights\0",
        "latin.dat": b"\xe9",
        "large.json": b" " * (LARGEST_SHOWN + 1),
    }
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    monkeypatch.setattr("core.views.deployment.kit_path", lambda *_: tmp_path / "made.zip")
    texts, sizes = _files(cast("Store", None), "c", "triton")
    assert next(iter(texts)) == "client.py"
    assert texts["models/a/config.pbtxt"] == 'name: "é"\n'
    assert [name for name, text in texts.items() if text is None] == ["large.json", "latin.dat", "model.bin"]
    assert sizes == {name: len(content) for name, content in contents.items()}
