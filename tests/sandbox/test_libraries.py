from __future__ import annotations

from pathlib import Path

import pytest

from core.sandbox.process import Child
from tests.sandbox.conftest import ENV, needs_confinement

pytestmark = [needs_confinement, pytest.mark.slow]


def test_every_library_works_confined(folder: Path) -> None:
    with Child("library_commands", writes=folder, env=ENV) as child:
        answer = child.call("torch", {}, 170)
        assert answer == {"shapes": [[2, 10], [2, 10]]}
        assert child.call("onnx", {}, 170) == {"shapes": [[2, 10], [2, 10]]}
        assert child.call("rest", {}, 100)["size"] == [8, 8]
