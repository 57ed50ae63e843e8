from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from core.errors import InputError, InvalidRequest
from core.examples import example_feed
from core.graphs.torch.modules import named_tensors, open_module
from core.protocols import LocalArtifact


def test_an_image_program(look, pt2_folder: Path) -> None:
    found = look(pt2_folder / "image.pt2")
    model = found.model
    assert (model.format, model.task, model.classes) == ("pt2", "image-classification", 10)
    assert model.inputs[0].shape == ("batch", 3, 32, 32)
    assert [(spec.name, spec.shape) for spec in model.outputs] == [("output", ("batch", 10))]
    assert (model.batch_symbol, model.symbols) == ("batch", {"batch": 1})
    assert model.parameters == 8 * 27 + 8 + 80 + 10
    assert model.macs == 8 * 27 * 30 * 30 + 80
    assert found.files[0].read_bytes() == (pt2_folder / "image.pt2").read_bytes()


def test_a_text_program_within_its_recorded_range(look, pt2_folder: Path) -> None:
    model = look(pt2_folder / "text.pt2").model
    assert [spec.name for spec in model.inputs] == ["input_ids", "attention_mask"]
    assert [spec.high for spec in model.inputs] == [50, None]
    assert model.inputs[0].shape == model.inputs[1].shape == ("batch", "input_ids_dim1")
    assert model.symbols == {"batch": 1, "input_ids_dim1": 32}
    assert model.task == "other"  # nothing tells what the scores are


def test_a_stated_length(look, pt2_folder: Path) -> None:
    model = look(pt2_folder / "text.pt2", shapes={"input_ids": (1, 10)}).model
    assert model.shapes(4) == {"input_ids": (4, 10), "attention_mask": (4, 10)}
    with pytest.raises(InvalidRequest):
        look(pt2_folder / "text.pt2", shapes={"input_ids": (1, 10), "attention_mask": (1, 9)})
    with pytest.raises(InputError, match="40"):
        look(pt2_folder / "text.pt2", shapes={"input_ids": (1, 41)})


def test_a_fixed_batch(look, pt2_folder: Path) -> None:
    model = look(pt2_folder / "fixed.pt2").model
    assert (model.batch_symbol, model.fixed_batch) == (None, 2)
    assert any("fixed at 2" in note.message for note in model.notes)


def test_a_program_exported_while_training(look, pt2_folder: Path) -> None:
    model = look(pt2_folder / "training.pt2").model
    assert any("training mode" in note.message for note in model.notes)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("keyword", ["input_ids", "attention_mask"], ["output"]),
        ("nested", ["batch_ids", "batch_mask"], ["output"]),
        ("foreign", ["input_ids", "attention_mask"], ["logits", "probabilities"]),
        ("number", ["x"], ["output"]),
    ],
)
def test_other_ways_of_calling(
    look, pt2_folder: Path, tmp_path: Path, name: str, inputs: list[str], outputs: list[str]
) -> None:
    """The kept program takes its tensors by position and opens without the classes that it was made with."""
    found = look(pt2_folder / f"{name}.pt2")
    assert [spec.name for spec in found.model.inputs] == inputs
    assert [spec.name for spec in found.model.outputs] == outputs
    artifact = LocalArtifact("pt2", found.files[0], found.files)
    feed = example_feed(found.model, found.model.fixed_batch or 1)
    answers = open_module(artifact, found.model)(*(torch.from_numpy(array) for array in feed.values()))
    assert [name for name, _ in named_tensors(answers)] == outputs


def test_a_number_is_fixed_as_exported(look, pt2_folder: Path) -> None:
    found = look(pt2_folder / "number.pt2")
    assert any("factor = 3" in note.message for note in found.model.notes)
    module = open_module(LocalArtifact("pt2", found.files[0], found.files), found.model)
    assert float(module(torch.ones(2, 3, 32, 32)).max()) == 3.0


def test_a_mask_that_is_broadcast_has_the_batch_of_its_ids(look, tmp_path: Path, text_network) -> None:
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    example = {"input_ids": torch.zeros(2, 7, dtype=torch.long), "attention_mask": torch.ones(2, 7)}
    program = torch.export.export(text_network, (), example, dynamic_shapes=dict.fromkeys(example, free))
    torch.export.save(program, tmp_path / "free.pt2")
    model = look(tmp_path / "free.pt2").model
    assert model.shapes(3) == {"input_ids": (3, 32), "attention_mask": (3, 32)}


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_archive(look, pt2_folder: Path, tmp_path: Path, share: float) -> None:
    data = (pt2_folder / "image.pt2").read_bytes()
    (tmp_path / "cut.pt2").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError):
        look(tmp_path / "cut.pt2")


def test_a_program_whose_graph_is_nonsense(look, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.pt2", "w") as archive:
        archive.writestr("odd/archive_format", "pt2")
        archive.writestr("odd/models/model.json", "{}")
    with pytest.raises(InputError):
        look(tmp_path / "odd.pt2")
