from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

from core.errors import PassFailed, PassNotApplicable
from core.passes.library_errors import library
from tests.passes.conftest import Sample, apply


def test_a_library_is_silent_and_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = Path.cwd()
    with library("It", tmp_path, "hint") as work:
        print("noise")
        print("noise", file=sys.stderr)
        logging.warning("noise")
        warnings.warn("noise", stacklevel=1)
        Path("relative").write_text("x")
        (Path(tempfile.mkdtemp()) / "temporary").write_text("x")
        assert len(list(work.iterdir())) == 2
    assert not list(tmp_path.iterdir())
    assert Path.cwd() == before
    assert capfd.readouterr() == ("", "")


def test_its_errors_become_words_with_what_it_printed(tmp_path: Path) -> None:
    def breaks() -> None:
        print("a clue")
        raise RuntimeError("first line\nthe telling last line of it")

    with pytest.raises(PassFailed) as caught, library("It", tmp_path, "Do that."):
        breaks()
    assert caught.value.message.endswith("the telling last line of it")
    assert caught.value.hint == "Do that."
    assert "a clue" in caught.value.traceback


def test_our_own_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(PassNotApplicable), library("It", tmp_path, ""):
        raise PassNotApplicable("nothing here")


def test_shape_inference_that_gives_up_writes_nowhere_else(
    networks: dict[str, Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime's leaves its state in the current folder when it meets operators that it does not know."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    fused = apply("optimize_onnx", networks["bert"], "onnx", tmp_path / "fused", level="extended")
    after = Sample(networks["bert"].model, {"onnx": fused})
    apply("int8_dynamic", after, "onnx", tmp_path / "quantized")
    assert not list(elsewhere.iterdir())
