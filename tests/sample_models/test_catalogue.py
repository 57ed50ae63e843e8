from __future__ import annotations

import subprocess
import sys

import pytest

from sample_models import by_id, samples


def test_the_list_is_read_without_torch() -> None:
    script = "import sys, sample_models\nassert sample_models.samples() and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_sample_is_found_by_its_id() -> None:
    for sample in samples():
        assert by_id(sample.id) is sample
        assert all(path.is_file() for path in sample.files.values())


def test_an_unknown_id_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        by_id("nothing")
