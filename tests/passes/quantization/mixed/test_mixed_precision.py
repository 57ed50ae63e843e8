from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.recipe import Target
from core.passes import latency
from core.passes.openvino_files import read, write
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.coverage import openvino_counts
from core.passes.quantization.loss import Judge, Loss, Run
from core.passes.quantization.mixed import search as module
from core.passes.quantization.mixed.kept import FILE
from core.passes.quantization.mixed.mixed_precision import PASS
from core.passes.quantization.mixed.reversible import Reversible
from core.passes.quantization.mixed.search import Search
from core.protocols import Array, Feed, TrainingRows
from tests.passes.conftest import Sample, answer, apply, artifact, context, noise_db

QUICK = 5
"""Seconds of search: the least."""


@pytest.fixture(autouse=True)
def short_races(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "MOST_ROUNDS", 12)


@pytest.fixture(scope="module")
def network(resnet: Sample, tmp_path_factory: pytest.TempPathFactory) -> Reversible:
    made = context(resnet.model, tmp_path_factory.mktemp("network"))
    model = read(resnet.artifacts["onnx"].path, resnet.model).clone()
    return Reversible(model, CalibrationFeeds(made, 4), fast_bias_correction=True)


def heavy(model: object) -> int:
    return int(openvino_counts(model)["quantized"])


def test_one_calibration_gives_every_variant(network: Reversible, resnet: Sample, tmp_path: Path) -> None:
    names = [name for group in network.groups for name in group]
    assert len(names) == len(set(names))
    every = set(range(len(network.groups)))
    layers = openvino_counts(network.original)["float"]
    assert heavy(network.variant(every)) == layers
    assert 0 < heavy(network.variant(set(list(every)[:4]))) < layers
    back = network.variant(set())
    assert not any(node.get_type_name() == "FakeQuantize" for node in back.get_ops())
    files = write(back, tmp_path, compress=False)
    expected = answer(resnet.artifacts["onnx"], resnet.model, 2)
    assert noise_db(expected, answer(artifact("openvino", *files), resnet.model, 2)) > 80


@pytest.mark.slow
def test_a_loose_limit_takes_the_faster_one_and_says_what_it_saw(resnet: Sample, tmp_path: Path) -> None:
    built = apply("mixed_precision", resnet, "onnx", tmp_path, max_error=100.0, seconds=QUICK)
    details = built.details
    assert details["ms"]["mixed"] <= 1.1 * min(details["ms"].values())
    assert len(details["layers"]) > 3
    assert any(each["error_percent"] > 0 for each in details["layers"])
    told = [each.message for each in PASS.findings(details, None)]  # type: ignore[arg-type]
    assert "All in INT8:" in told[0]
    assert "output error alone in INT8" in told[1]


def test_sensitivities_are_kept_for_later_searches(
    network: Reversible, resnet: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = context(resnet.model, tmp_path, samples=4, target=Target("openvino"))
    made = replace(made, statistics=tmp_path)

    def search(name: str, made_with: str = "") -> Search:
        folder = tmp_path / name
        folder.mkdir()
        return Search(made, network, "f32", (1.0, 5.0), 4.0, folder, made_with=made_with)

    first = search("first")
    first._sense()
    noise = [each.noise for each in first.regions]
    assert not first.reused
    assert max(noise) > 0
    with monkeypatch.context() as patch:
        patch.setattr(module, "layer_times", None)  # not asked again
        second = search("second")
    assert second.reused
    assert second.times == first.times
    second._until = 0.0
    second._sense()
    assert [each.noise for each in second.regions] == noise
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-9])
    assert not search("third").reused


@pytest.mark.slow
def test_no_loss_allowed_leaves_float(resnet: Sample, tmp_path: Path) -> None:
    built = apply("mixed_precision", resnet, "onnx", tmp_path, max_error=0.0, seconds=QUICK)
    assert built.details["quantized"] == 0
    assert built.options.get("precision", "f32") == "f32"
    assert noise_db(answer(resnet.artifacts["onnx"], resnet.model), answer(built, resnet.model)) > 80


def test_labelled_rows_count_lost_answers(resnet: Sample, tmp_path: Path) -> None:
    made = context(resnet.model, tmp_path, samples=40, target=Target("openvino"))
    feeds = list(made.calibration())

    def batches(size: int, seed: int | None) -> Iterator[tuple[Feed, Array | None]]:
        return ((feed, np.array([index % 10])) for index, feed in enumerate(feeds))

    right = [np.eye(10, dtype=np.float32)[[index % 10]] for index in range(40)]
    wrong = [row.copy() for row in right]
    for index in (3, 7):
        wrong[index] = np.roll(wrong[index], 1)

    def session(answers: list[Array]) -> Run:
        left = iter(answers)
        return lambda feed: [next(left)]

    judge = Judge(replace(made, search=TrainingRows(40, True, batches)), session(right))
    assert judge.loss(session(right)) == Loss(0.0, 0.0, 0.0)
    lost = judge.loss(session(wrong))
    assert lost.points == pytest.approx(5.0)
    assert lost.doubt == pytest.approx(100 * (0.05 * 0.95 / 40) ** 0.5)
    assert not lost.within(6.0, 100.0)
    assert lost.within(11.0, 0.0)
