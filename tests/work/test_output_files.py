from __future__ import annotations

from typing import Any

import pytest

from core.errors import UnsafeUpload
from core.work.output_files import file_names


@pytest.mark.parametrize("files", [["a\nb"], [f"{i}" for i in range(20_000)]])
def test_names_of_files_are_few_and_plain(files: Any) -> None:
    with pytest.raises(UnsafeUpload):
        file_names(files)
    assert file_names(["a", "b", "a"]) == ["a", "b"]
