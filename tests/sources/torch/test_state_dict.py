from __future__ import annotations

import struct
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.architectures.networks.cifar_resnet import CifarResNet
from core.errors import CorruptFile, InputError, UnsafeUpload, UnsupportedModel


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return CifarResNet([1, 1, 1], [4, 8, 16], 3, 7).state_dict()


def saved(value: Any, path: Path, **options: Any) -> Path:
    torch.save(value, str(path), **options)
    return path


def check(found: Any, weights: dict[str, Any]) -> None:
    model = found.model
    assert (model.format, model.task, model.classes) == ("state_dict", "image-classification", 7)
    assert model.inputs[0].shape == ("batch", 3, 32, 32)
    assert model.outputs[0].shape == ("batch", 7)
    assert model.architecture["family"] == "cifar_resnet"
    assert model.macs > 100_000
    kept = load_file(str(found.files[0]))
    assert kept.keys() == weights.keys()
    assert all(torch.equal(kept[key], value.to(kept[key].dtype)) for key, value in weights.items())


def test_a_plain_state_dict(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    found = look(saved(weights, tmp_path / "net.pth"))
    check(found, weights)
    assert found.model.parameters == sum(
        v.numel() for k, v in weights.items() if "running" not in k and v.ndim
    )


def test_the_form_of_before_1_6(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    check(look(saved(weights, tmp_path / "net.pth", _use_new_zipfile_serialization=False)), weights)


def test_wrapped_and_prefixed(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    inner = {f"module.{key}": value for key, value in weights.items()}
    nested = {"epoch": 3, "best": 0.5, "state_dict": inner, "optimizer": {"lr": 0.1, "state": {}}}
    check(look(saved(nested, tmp_path / "checkpoint.pth.tar")), weights)


@pytest.mark.parametrize("new", [True, False])
def test_arguments_of_the_training_script_are_no_code(
    look, tmp_path: Path, weights: dict[str, Any], new: bool
) -> None:
    """As torchvision's reference training and many papers' checkpoints hold them."""
    checkpoint = {"model": weights, "args": Namespace(lr=0.1, arch="x"), "epoch": 3}
    found = look(saved(checkpoint, tmp_path / "model_3.pth", _use_new_zipfile_serialization=new))
    check(found, weights)


def test_safetensors(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    save_file(weights, str(tmp_path / "net.safetensors"))
    check(look(tmp_path / "net.safetensors"), weights)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(look, tmp_path: Path, weights: dict[str, Any], dtype: Any) -> None:
    rounded = {k: v.to(dtype) if v.is_floating_point() else v for k, v in weights.items()}
    found = look(saved(rounded, tmp_path / "net.pth"))
    check(found, rounded)
    assert any(str(dtype).removeprefix("torch.") in note.message for note in found.model.notes)
    assert all(value.dtype != dtype for value in load_file(str(found.files[0])).values())


def test_unknown_weights_name_what_is_near(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    odd = dict(weights) | {"extra.weight": torch.zeros(3, 3)}
    with pytest.raises(UnsupportedModel, match=r"extra\.weight") as caught:
        look(saved(odd, tmp_path / "net.pth"))
    assert caught.value.hint


def test_a_named_architecture_must_fit(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    path = saved(weights, tmp_path / "net.pth")
    with pytest.raises(UnsupportedModel, match="nonsense"):
        look(path, architecture="nonsense")
    with pytest.raises(UnsupportedModel, match="cifar_resnet20"):
        look(path, architecture="cifar_resnet20")


def test_a_stated_shape(look, tmp_path: Path, weights: dict[str, Any]) -> None:
    path = saved(weights, tmp_path / "net.pth")
    assert look(path, shapes={"input": (1, 3, 48, 48)}).model.shapes() == {"input": (1, 3, 48, 48)}
    with pytest.raises(InputError):
        look(path, shapes={"input": (1, 3)})


@pytest.mark.parametrize("new", [True, False])
def test_a_pickled_module_is_refused_with_the_way_out(look, tmp_path: Path, network: Any, new: bool) -> None:
    path = saved(network, tmp_path / "whole.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(UnsafeUpload, match=r"torch\.nn\.modules") as caught:
        look(path)
    assert "torch.export.save" in caught.value.hint
    assert "torch.onnx.export" in caught.value.hint


def test_a_checkpoint_without_weights(look, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel):
        look(saved({"epoch": 3, "names": ["a"]}, tmp_path / "odd.pth"))
    with pytest.raises(UnsupportedModel):
        look(saved([1, 2, 3], tmp_path / "list.pth"))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_truncated(look, tmp_path: Path, weights: dict[str, Any], share: float, form: str) -> None:
    path = tmp_path / "net"
    if form == "safetensors":
        save_file(weights, str(path))
    else:
        saved(weights, path, _use_new_zipfile_serialization=form == "zip")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError) as caught:
        look(path)
    assert caught.value.message


def test_a_safetensors_header_that_lies(look, tmp_path: Path) -> None:
    header = b'{"w":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,8]}}'
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
    with pytest.raises(CorruptFile, match="safetensors file is broken"):
        look(tmp_path / "w.safetensors")


def test_what_a_training_script_wrote_beside_the_weights_decides(look, tmp_path: Path) -> None:
    """TensorFlow's port has the same tensors and other padding."""
    import timm

    name = "tf_mobilenetv3_small_minimal_100"
    network = timm.create_model(name, pretrained=False, num_classes=4)
    torch.save({"arch": name, "state_dict": network.state_dict()}, tmp_path / "best.pth")
    found = look(tmp_path / "best.pth").model
    assert (found.architecture["name"], found.classes, found.task) == (name, 4, "image-classification")
    assert found.preprocessing.origin == f"timm's {name}"
    torch.save(network.state_dict(), tmp_path / f"{name}-1a2b.pth")
    assert look(tmp_path / f"{name}-1a2b.pth").model.architecture["name"] == name
