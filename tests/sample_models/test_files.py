"""Each committed file loads in its own runtime and reaches the accuracy of its card."""

from __future__ import annotations

import json
import zipfile

import pytest

from sample_models import Sample, samples
from sample_models.catalogue import FOLDER
from sample_models.data import held_out_rows
from sample_models.evaluate import accuracy
from sample_models.plans import PLANS

EVERY = samples()
FILES = [(sample, kind) for sample in EVERY for kind in sample.files]
TIES = 0.003
"""Another CPU may turn single near-tied rows over."""


def test_every_plan_has_its_sample() -> None:
    assert [sample.id for sample in EVERY] == [plan.id for plan in PLANS]
    assert all(set(sample.files) == {"state_dict", "pt2", "onnx"} for sample in EVERY)


@pytest.mark.parametrize(("sample", "kind"), FILES, ids=[f"{sample.id}-{kind}" for sample, kind in FILES])
def test_accuracy_is_that_of_the_card(sample: Sample, kind: str) -> None:
    rows = held_out_rows(sample.id)
    measured = accuracy(kind, sample.files[kind], rows)
    assert len(rows.labels) == sample.card["samples"]
    assert measured == pytest.approx(sample.card["files"][kind]["accuracy"], abs=TIES)
    assert 0.85 < measured < 1.0


@pytest.mark.parametrize("sample", EVERY, ids=lambda sample: sample.id)
def test_exported_files_take_any_batch_and_name_their_input(sample: Sample) -> None:
    import onnxruntime
    import torch

    (wanted,) = onnxruntime.InferenceSession(
        sample.files["onnx"], providers=["CPUExecutionProvider"]
    ).get_inputs()
    assert [wanted.name, wanted.shape] == [sample.card["input"]["name"], sample.card["input"]["shape"]]
    module = torch.export.load(sample.files["pt2"]).module()
    rows = torch.from_numpy(held_out_rows(sample.id).inputs)
    for batch in (1, 3, 64):
        assert module(rows[:batch]).shape == (batch, sample.card["classes"])


@pytest.mark.parametrize("sample", EVERY, ids=lambda sample: sample.id)
def test_the_exported_archive_holds_no_pickle_and_no_path(sample: Sample) -> None:
    with zipfile.ZipFile(sample.files["pt2"]) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    configs = [json.loads(text)["config"] for name, text in contents.items() if name.endswith("_config.json")]
    assert len(configs) == 2
    assert not any(entry["use_pickle"] for config in configs for entry in config.values())
    assert contents["model/data/sample_inputs/model.pt"] == b""
    assert not any(b"/site-packages/" in content or b"train.py" in content for content in contents.values())


@pytest.mark.parametrize("sample", EVERY[:2], ids=lambda sample: sample.id)
def test_a_call_of_a_digits_sample_is_heavy_enough_to_be_timed(sample: Sample) -> None:
    """Work, not time, so that the test is the same on every machine."""
    assert sample.card["macs"] > 45e6
    assert sample.card["files"]["state_dict"]["accuracy"] > 0.85


def test_all_samples_fit_into_fifteen_megabytes() -> None:
    kept = [path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in kept) < 15e6
