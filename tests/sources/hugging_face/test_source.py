from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import optional
from core.errors import BackendMissing, UnsafeUpload, UnsupportedModel
from core.graphs.torch.modules import exported_module, load_exported
from core.sources.hugging_face.source import SOURCE


def zipped(folder: Path, target: Path, inside: str = "model/") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, inside + file.name)
    return target


def changed(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


@pytest.fixture(scope="module")
def text() -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=40, num_labels=3,
    )  # fmt: skip
    return BertForSequenceClassification(config).eval()


@pytest.fixture(scope="module")
def pictures() -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=5)
    return ResNetForImageClassification(config).eval()


def run(found: Any, *inputs: torch.Tensor) -> Any:
    with torch.inference_mode():
        return exported_module(load_exported(found.files[0]))(*inputs)


def test_a_text_classifier_is_exported_with_mask_and_free_sizes(look: Any, text: Any, tmp_path: Path) -> None:
    text.save_pretrained(tmp_path / "hub")
    found = look(zipped(tmp_path / "hub", tmp_path / "sentiment.zip"))
    model = found.model
    assert (model.format, model.task, model.classes, model.name) == (
        "pt2",
        "text-classification",
        3,
        "sentiment",
    )
    assert [spec.name for spec in model.inputs] == ["input_ids", "attention_mask"]
    assert model.inputs[0].high == 60
    assert model.batch_symbol is not None
    ids, mask = torch.randint(0, 60, (3, 9)), torch.ones(3, 9, dtype=torch.long)
    mask[0, 5:] = 0
    wanted = text(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(run(found, ids, mask)["logits"], wanted)


def test_an_image_classifier_brings_its_preprocessing(look: Any, pictures: Any, tmp_path: Path) -> None:
    pictures.save_pretrained(tmp_path / "hub")
    settings = {
        "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2], "do_center_crop": True, "resample": 3,
        "size": {"shortest_edge": 80}, "crop_size": {"height": 64, "width": 64},
    }  # fmt: skip
    (tmp_path / "hub" / "preprocessor_config.json").write_text(json.dumps(settings))
    found = look(zipped(tmp_path / "hub", tmp_path / "pets.zip", ""))
    told = found.model.preprocessing
    assert (told.mean, told.crop, told.interpolation) == ((0.5, 0.4, 0.3), 0.8, "bicubic")
    assert (found.model.task, found.model.classes) == ("image-classification", 5)
    assert found.model.shapes() == {"pixel_values": (1, 3, 64, 64)}
    image = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(run(found, image)["logits"], pictures(image).logits)


def test_weights_in_a_checked_pickle_are_read_too(look: Any, pictures: Any, tmp_path: Path) -> None:
    pictures.save_pretrained(tmp_path / "hub")
    (tmp_path / "hub" / "model.safetensors").unlink()
    torch.save(pictures.state_dict(), tmp_path / "hub" / "pytorch_model.bin")
    assert look(zipped(tmp_path / "hub", tmp_path / "old.zip")).model.classes == 5


def test_a_pickle_with_code_is_refused(look: Any, pictures: Any, tmp_path: Path) -> None:
    pictures.save_pretrained(tmp_path / "hub")
    (tmp_path / "hub" / "model.safetensors").unlink()
    torch.save(pictures, tmp_path / "hub" / "pytorch_model.bin")
    with pytest.raises(UnsafeUpload):
        look(zipped(tmp_path / "hub", tmp_path / "old.zip"))


def test_code_of_its_own_is_never_imported(look: Any, pictures: Any, tmp_path: Path) -> None:
    pictures.save_pretrained(tmp_path / "hub")
    (tmp_path / "hub" / "net.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Net: pass\n")
    changed(tmp_path / "hub", auto_map={"AutoModel": "net.Net"})
    with pytest.raises(UnsafeUpload, match="auto_map"):
        look(zipped(tmp_path / "hub", tmp_path / "remote.zip"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"architectures": ["NetOfTomorrow"]}, "has no class NetOfTomorrow"),
        ({"architectures": ["PreTrainedTokenizerFast"]}, "has no class"),
        ({"architectures": None}, "architectures"),
        ({"architectures": 7}, "architectures"),
        ({"num_hidden_layers": 10**9}, "more than 2,000 layers"),
        ({"depths": [1, 10**9]}, "more than 2,000 layers"),
        ({"text_config": {"num_hidden_layers": 10**9}}, "more than 2,000 layers"),
        ({"embedding_size": 10**9}, "other sizes than config.json says"),
        ({"is_encoder_decoder": True}, "decoder"),
        ({"quantization_config": {"bits": 4}}, "quantized"),
    ],
)
def test_what_cannot_be_used_is_said(
    look: Any, pictures: Any, tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    pictures.save_pretrained(tmp_path / "hub")
    changed(tmp_path / "hub", **values)
    with pytest.raises(UnsupportedModel, match=words):
        look(zipped(tmp_path / "hub", tmp_path / "odd.zip"))


def test_a_head_that_was_never_trained_is_no_model(look: Any, pictures: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    pictures.save_pretrained(tmp_path / "hub")
    weights = load_file(tmp_path / "hub" / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "classifier" not in key}
    save_file(kept, tmp_path / "hub" / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnsupportedModel, match="classifier"):
        look(zipped(tmp_path / "hub", tmp_path / "body.zip"))


def test_without_the_library_it_says_what_to_install(
    look: Any, pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.save_pretrained(tmp_path / "hub")

    def absent(module: str) -> Any:
        raise BackendMissing(f"The library {module} is not installed.")

    monkeypatch.setattr(optional, "load", absent)
    with pytest.raises(BackendMissing, match="transformers") as caught:
        look(zipped(tmp_path / "hub", tmp_path / "pets.zip"))
    assert "whetstone[transformers]" in caught.value.hint


def test_timms_folders_name_their_builder(look: Any, tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    name = "tf_mobilenetv3_small_minimal_100"
    network = timm.create_model(name, pretrained=False, num_classes=4)
    (tmp_path / "hub").mkdir()
    save_file(network.state_dict(), tmp_path / "hub" / "model.safetensors")
    pixels = {"mean": [0.5] * 3, "std": [0.25] * 3, "crop_pct": 0.95, "interpolation": "bicubic"}
    config = {"architecture": name, "num_classes": 4, "pretrained_cfg": pixels}
    (tmp_path / "hub" / "config.json").write_text(json.dumps(config))
    found = look(zipped(tmp_path / "hub", tmp_path / "pets.zip")).model
    assert (found.architecture["name"], found.classes, found.name) == (name, 4, "pets")
    assert (found.preprocessing.mean, found.preprocessing.crop) == ((0.5,) * 3, 0.95)
    assert np.isclose(found.preprocessing.std[0], 0.25)


def test_other_zips_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text("{}")
    assert not SOURCE.recognizes(zipped(tmp_path / "x", tmp_path / "x.zip"))
