"""`deploy` on the command line: what it says of options that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import main
from core.domain.run import RunStatus
from core.engine import open_store
from tests.pages import seed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--with", "warp"], "no 'warp' among the features"),
        (["--package", "cache"], "no 'cache' among the packaging"),
        (["--as", "kit"], "Kit is no service"),
        (["--as", "triton", "--try"], "Triton model repository is not tried here"),
        (["--as", "triton", "--with", "auth"], "Unknown parameter: auth"),
        (["--as", "warp"], "no packager named 'warp'"),
        (["--set", "rate"], "'rate' is no option with a value"),
        (["--set", "rate=0"], "rate is 0"),
        (["--set", "speed=1"], "Unknown parameter: speed"),
        (["--candidate", "nobody"], "no measured candidate nobody"),
        (["--canary", "nobody"], "no measured candidate nobody"),
        (["--out", "{there}"], "is there already"),
    ],
)
def test_options_that_cannot_be_are_told_in_a_line(
    arguments: list[str], said: str, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store() as store:
        seed.run(store, "done", RunStatus.DONE)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    given = [each.replace("{there}", str(tmp_path / "there")) for each in arguments]
    assert main(["deploy", "done", *given]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "Traceback" not in told
