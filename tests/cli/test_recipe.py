"""Recipes as files on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main

RECIPE = "prune_channels:ratio=0.4+export_onnx+int8_static_ort@onnxruntime"


def test_a_recipe_is_printed_as_a_file_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", RECIPE]) == 0
    text = capsys.readouterr().out
    (tmp_path / "mine.yaml").write_text(text)
    assert main(["recipe", str(tmp_path / "mine.yaml")]) == 0
    assert capsys.readouterr().out == text
    (tmp_path / "mine.yaml").write_text(text.replace("0.4", "7"))
    assert main(["recipe", str(tmp_path / "mine.yaml")]) == 2
    assert "line 4" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Whetstone recipe"
