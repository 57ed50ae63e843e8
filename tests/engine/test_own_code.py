from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from core import settings
from core.engine import add_model
from core.errors import InputError, InvalidRequest, UnsafeUpload, UnsupportedModel
from core.protocols import InspectOptions
from core.sources.torch.own_code import parse_build
from core.store.store import Store

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width, classes=3):
        super().__init__()
        self.body = nn.Conv2d(1, width, 3)
        self.head = nn.Linear(width, classes)

    def forward(self, image):
        return self.head(self.body(image).relu().mean((2, 3)))
"""
NOSY = """
import pathlib, socket
found = []
def leave():
    pathlib.Path({mark!r}).write_text("x")
for attempt in (lambda: pathlib.Path({secret!r}).read_text(), socket.socket, leave):
    try:
        attempt()
        found.append("escaped")
    except OSError:
        pass
assert not found, found
"""


def defined(code: str = CODE) -> Any:
    names: dict[str, Any] = {"__name__": "model"}
    exec(code, names)
    torch.manual_seed(0)
    return names["Net"](width=6).eval()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    code, weights = tmp_path / "model.py", tmp_path / "best.pth"
    code.write_text(CODE)
    torch.save({"model.": 1, "state_dict": defined().state_dict()}, weights)
    return weights, code


def zipped(target: Path, *files: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return target


@pytest.mark.parametrize(
    "text",
    [
        "Net",
        "Net(open('x'))",
        "Net(**{'a': 1})",
        "Net(1)(2)",
        "[Net()][0]",
        "Net(); 1",
        "",
        "(lambda: 1)()",
        "Net(a.b)",
    ],
)
def test_only_one_call_with_plain_values_says_how_it_is_built(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_build(text)


def test_a_very_long_expression_is_not_said_again_in_full() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_build("Net(" + "9" * 100_000 + ")")
    assert len(caught.value.message) < 300


def test_a_call_is_read_and_not_evaluated() -> None:
    call = parse_build("nets.Net(3, width=[1, 2], name='x', deep=None)")
    assert (call.name, call.args) == ("nets.Net", (3,))
    assert call.options == {"width": [1, 2], "name": "x", "deep": None}


def test_weights_with_their_code_become_a_program_that_computes_the_same(
    store: Store, files: tuple[Path, Path]
) -> None:
    from core.graphs.torch.modules import exported_module, load_exported

    weights, code = files
    options = InspectOptions(shapes={"image": (1, 1, 16, 16)}, build="Net(width=6)")
    model = add_model(store, weights, options, code=[code], exposed=False)
    assert (model.format, model.name, [spec.name for spec in model.inputs]) == ("pt2", "best", ["image"])
    assert model.batch_symbol is not None
    assert [file.name for file in model.files] == ["model.pt2"]
    image = torch.randn(3, 1, 16, 16)
    program = exported_module(load_exported(store.blobs.path(model.files[0].sha256)))
    torch.testing.assert_close(program(image), defined()(image))


def test_a_zip_with_a_pickled_module_needs_no_expression(store: Store, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(CODE)
    made = defined()
    import sys
    import types

    module = types.ModuleType("model")
    module.Net = type(made)  # type: ignore[attr-defined]
    sys.modules["model"] = module
    try:
        torch.save(made, tmp_path / "whole.pt")
    finally:
        del sys.modules["model"]
    with pytest.raises(UnsafeUpload):
        add_model(store, tmp_path / "whole.pt", exposed=False)
    whole = zipped(tmp_path / "whole.zip", tmp_path / "whole.pt", tmp_path / "model.py")
    assert add_model(store, whole, exposed=False).outputs[0].shape[1] == 3


def test_without_the_expression_it_is_asked_for_and_wrong_ones_say_why(
    store: Store, files: tuple[Path, Path], tmp_path: Path
) -> None:
    both = zipped(tmp_path / "both.zip", *files)
    with pytest.raises(InvalidRequest, match="defines Net"):
        add_model(store, both, exposed=False)
    for build, words in (
        ("Net(width=7)", "size mismatch"),
        ("Net()", "width"),
        ("Other()", "does not define"),
    ):
        with pytest.raises((InvalidRequest, UnsupportedModel), match=words):
            add_model(store, both, InspectOptions(build=build), exposed=False)


def test_the_code_reaches_neither_files_nor_the_network(
    store: Store, files: tuple[Path, Path], tmp_path: Path
) -> None:
    weights, code = files
    secret, mark = tmp_path / "secret.txt", tmp_path / "mark.txt"
    secret.write_text("token")
    code.write_text(CODE + NOSY.format(secret=str(secret), mark=str(mark)))
    model = add_model(store, weights, InspectOptions(build="Net(6)"), code=[code], exposed=False)
    assert model.format == "pt2"
    assert not mark.exists()


def test_what_the_code_leaves_is_checked_as_an_upload(store: Store, files: tuple[Path, Path]) -> None:
    """The code takes the exporter over and leaves a pickle under the program's name."""
    weights, code = files
    takeover = """
import torch.export
def save(program, target):
    with open(target, "wb") as file:
        torch.save(Net(2), file)
torch.export.save = save
"""
    code.write_text(CODE + takeover)
    with pytest.raises(InputError):
        add_model(store, weights, InspectOptions(build="Net(6)"), code=[code], exposed=False)


@pytest.mark.parametrize(
    ("setting", "exposed", "taken"),
    [("auto", True, False), ("auto", False, True), ("off", False, False), ("on", True, True)],
)
def test_where_strangers_reach_the_server_code_is_off_unless_switched_on(
    store: Store,
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    exposed: bool,
    taken: bool,
) -> None:
    from core.engine import own_code_allowed

    monkeypatch.setenv("WHETSTONE_OWN_CODE", setting)
    settings.get_settings.cache_clear()
    try:
        assert own_code_allowed(exposed) is taken
        both = zipped(tmp_path / "both.zip", *files)
        if not taken:
            with pytest.raises(InvalidRequest, match="not taken here"):
                add_model(store, both, exposed=exposed)
    finally:
        settings.get_settings.cache_clear()


def test_what_is_unknown_gets_the_lines_that_export_it(store: Store, tmp_path: Path) -> None:
    torch.save(defined().state_dict(), tmp_path / "mine.pth")
    with pytest.raises(UnsupportedModel) as caught:
        add_model(store, tmp_path / "mine.pth")
    assert 'torch.export.save(program, "mine.pt2")' in caught.value.hint
    assert "torch.randn(1, 1, 224, 224)" in caught.value.hint
    assert "mine.pth --code model.py" in caught.value.hint
