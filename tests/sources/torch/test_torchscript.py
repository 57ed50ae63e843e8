from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from core.errors import InputError, InvalidRequest, UnsupportedModel


@pytest.mark.parametrize("name", ["image", "frozen"])
def test_an_image_module_is_run_until_it_works(look, script_folder: Path, name: str) -> None:
    model = look(script_folder / f"{name}.pt").model
    assert (model.format, model.task, model.classes) == ("torchscript", "image-classification", 10)
    assert model.inputs[0].shape == ("batch", 3, 224, 224)
    assert model.outputs[0].shape == ("batch", 10)
    assert model.parameters == 8 * 27 + 8 + 80 + 10
    assert model.macs == 8 * 27 * 222 * 222 + 80
    assert any("found by running" in note.message for note in model.notes)


def test_a_text_module(look, script_folder: Path) -> None:
    model = look(script_folder / "text.pt").model
    assert [(spec.name, spec.dtype, spec.shape) for spec in model.inputs] == [
        ("input_ids", "int64", ("batch", 16)),
        ("attention_mask", "int64", ("batch", 16)),
    ]
    assert model.inputs[0].high == 50
    assert model.task == "other"  # nothing tells what the scores are


def test_stated_shapes(look, script_folder: Path) -> None:
    model = look(script_folder / "image.pt", shapes={"input": (4, 3, 40, 48)}).model
    assert model.shapes() == {"input": (1, 3, 40, 48)}
    text = {"input_ids": (1, 9), "attention_mask": (1, 9)}
    assert look(script_folder / "text.pt", shapes=text).model.shapes(2)["input_ids"] == (2, 9)


def test_stated_shapes_that_cannot_be(look, script_folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="no input named 'photo'"):
        look(script_folder / "image.pt", shapes={"photo": (1, 3, 8, 8)})
    with pytest.raises(InputError, match="did not run on inputs of the stated shape"):
        look(script_folder / "image.pt", shapes={"input": (1, 5, 8, 8)})


def test_a_list_of_tensors_is_refused(look, script_folder: Path) -> None:
    with pytest.raises(UnsupportedModel, match="'images' of type List"):
        look(script_folder / "listed.pt")


def test_nothing_that_runs_asks_for_a_shape(look, tmp_path: Path) -> None:
    import torch
    from torch import Tensor, nn

    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.shape[1] != 12345:
                raise ValueError("wants 12345 values")
            return x

    torch.jit.save(torch.jit.script(Picky()), str(tmp_path / "picky.pt"))
    with pytest.raises(InputError, match="wants 12345 values") as caught:
        look(tmp_path / "picky.pt")
    assert "State an example shape for x" in caught.value.hint
    assert look(tmp_path / "picky.pt", shapes={"x": (1, 12345)}).model.shapes() == {"x": (1, 12345)}


def test_a_traced_module_of_one_batch(look, tmp_path: Path) -> None:
    import torch
    from torch import Tensor, nn

    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.line(x.reshape(1, 6))

    torch.jit.save(torch.jit.script(Single()), str(tmp_path / "single.pt"))
    model = look(tmp_path / "single.pt").model
    assert (model.batch_symbol, model.fixed_batch, model.shapes()) == (None, 1, {"x": (1, 6)})
    assert model.task == "other"


def test_a_traced_lstm_is_never_given_a_state_that_is_too_small(look, tmp_path: Path) -> None:
    """It reads beyond the state's end, and the process dies of it."""
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LSTM(40, 64, 2, batch_first=True)

        def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found, (h, c) = self.layer(x, (h, c))
            return found, h, c

    states = torch.zeros(2, 1, 64), torch.zeros(2, 1, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(Tagger().eval(), (torch.zeros(1, 5, 40), *states)), tmp_path / "m.pt")
    shapes = {"x": (1, 5, 40), "h": (2, 1, 64), "c": (2, 1, 64)}
    model = look(tmp_path / "m.pt", shapes=shapes).model
    assert [spec.shape for spec in model.inputs] == [("batch", 5, 40), (2, "batch", 64), (2, "batch", 64)]


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_archive(look, script_folder: Path, tmp_path: Path, share: float) -> None:
    data = (script_folder / "image.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError):
        look(tmp_path / "cut.pt")


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module whose forward takes numbers and a switch between its tensors."""
    import torch
    from torch import Tensor, nn

    class Stepping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x: Tensor, steps: int, negative: bool, scale: float, shift: Tensor) -> Tensor:
            for _ in range(steps):
                x = self.layer(x)
            return (-x if negative else x) * scale + shift

    path = tmp_path_factory.mktemp("stepping") / "stepping.pt"
    torch.jit.save(torch.jit.script(Stepping()), str(path))
    return path


def test_arguments_that_are_no_tensors_are_fixed_and_said(look, stepping: Path) -> None:
    import torch

    found = look(stepping)
    assert [spec.name for spec in found.model.inputs] == ["x", "shift"]
    said = " ".join(note.message for note in found.model.notes)
    assert "steps = 1, negative = False, scale = 1.0" in said
    ones = torch.ones(2, 8)
    kept, original = torch.jit.load(str(found.files[0])), torch.jit.load(str(stepping))
    assert torch.equal(kept(ones, ones), original(ones, 1, False, 1.0, ones))


def test_the_value_of_such_an_argument_can_be_stated(look, stepping: Path) -> None:
    import torch

    found = look(stepping, shapes={"x": (1, 8), "shift": (1, 8), "steps": (3,), "negative": (1,)})
    ones = torch.ones(2, 8)
    kept, original = torch.jit.load(str(found.files[0])), torch.jit.load(str(stepping))
    assert torch.equal(kept(ones, ones), original(ones, 3, True, 1.0, ones))
    with pytest.raises(InputError, match="one value of type int"):
        look(stepping, shapes={"steps": (1, 2)})


def test_a_module_in_double_precision_is_run_on_doubles(look, tmp_path: Path) -> None:
    import torch

    network = (
        torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)).double().eval()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(network, torch.randn(2, 8, dtype=torch.float64)).save(str(tmp_path / "double.pt"))
    model = look(tmp_path / "double.pt").model
    assert [(spec.dtype, spec.shape) for spec in model.inputs] == [("float64", ("batch", 8))]
    stated = look(tmp_path / "double.pt", shapes={"input": (4, 8)}).model
    assert stated.inputs[0].dtype == "float64"
