from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from core.protocols import LocalArtifact
from tests.runtimes import networks

Saved = Callable[[str, str], LocalArtifact]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Return a function that writes a network in a format, once."""
    folder: Path = tmp_path_factory.mktemp("networks")

    @cache
    def save(name: str, format_: str) -> LocalArtifact:
        module, model = getattr(networks, name)()
        return networks.save(module, model, format_, folder / f"{name}-{format_}")

    return save
