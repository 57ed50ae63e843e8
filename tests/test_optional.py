from __future__ import annotations

from importlib import metadata

import pytest

from core.optional import distribution, version


@pytest.mark.parametrize("module", ["numpy", "sklearn", "torch", "onnx", "streamlit", "msgspec"])
def test_a_version_is_the_one_that_is_installed(module: str) -> None:
    assert version(module) == metadata.version(distribution(module))


def test_what_is_not_installed_has_no_version() -> None:
    assert version("no-such-library") is None
