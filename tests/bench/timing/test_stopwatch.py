from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bench.quality.saved_outputs import read_outputs
from core.bench.timing.endpoint import Endpoint
from core.bench.timing.interleaving import FEWEST_ROUNDS_PER_START, MeasurementPlan
from core.bench.timing.stopwatch import measure
from core.domain.measurement import Doubt
from core.domain.recipe import Target
from core.errors import Cancelled, RuntimeFailed
from core.registry import runtimes
from tests.bench.conftest import MODEL, WIDTH, Chain, read_golden
from tests.bench.quality.compared import compare
from tests.runtimes import networks

QUICK = MeasurementPlan(min_rounds=8, max_seconds=4, throughput_batches=(), starts=1, close_starts=1)


def test_four_times_the_work_takes_four_times_as_long(chain: Chain, tmp_path: Path, rows: Path) -> None:
    cores, said = os.sched_getaffinity(0), list[str]()
    plan = replace(QUICK, throughput_batches=(1, 32), throughput_seconds=0.1)
    found = measure(chain(40), chain(160), plan, tmp_path, rows, on_timed=lambda: said.append("timed"))
    assert said == ["timed"]
    timing = found.timing
    assert 3 < timing.speedup.value < 5
    assert timing.speedup.low <= timing.speedup.value <= timing.speedup.high
    assert timing.baseline.p50 / timing.latency.p50 == pytest.approx(timing.speedup.value, rel=0.1)
    assert timing.rounds >= FEWEST_ROUNDS_PER_START
    assert (timing.starts, len(timing.start_speedups), timing.moments) == (1, 1, 1)
    assert 0 <= (timing.disturbed or 0.0) <= 1
    assert 0 < len(timing.samples_ms) <= 200
    assert set(timing.throughput) == {1, 16, 32}
    assert timing.throughput[16] == pytest.approx(16_000 / timing.latency.p50)
    assert timing.throughput_gain[16] == timing.speedup
    assert timing.throughput[32] > timing.throughput[1]
    for batch, rate in timing.throughput_interval.items():
        assert rate.low < rate.value < rate.high
        assert rate.value == pytest.approx(timing.throughput[batch])
        assert timing.throughput_gain[batch].value > 1.5
    assert timing.load_ms > 0 < timing.warm_load_ms
    assert timing.first_ms is not None
    assert timing.first_ms > timing.latency.p50 / 2
    assert len(timing.samples_lost_ms) == len(timing.samples_ms)
    assert timing.samples_starts == (0,)
    assert 0 < timing.memory_bytes < 200e6
    assert timing.environment.libraries["onnxruntime"]
    assert os.sched_getaffinity(0) == cores

    assert found.predictions is not None
    (output,) = read_outputs(found.predictions)
    assert output.shape == (21, WIDTH)
    feeds, outputs = read_golden(found.golden, MODEL)
    np.testing.assert_array_equal(feeds[0]["x"], np.load(rows / "evaluation" / "0.npy")[:16])
    np.testing.assert_array_equal(outputs[0][0], output[:16])
    again = measure(chain(40), chain(40), replace(QUICK, max_seconds=0), tmp_path / "again", rows).predictions
    assert again is not None
    assert compare(read_outputs(again), [output], None, WIDTH)[1].sqnr_db is None


def test_a_model_against_itself_is_as_fast_as_itself_over_several_starts(
    chain: Chain, tmp_path: Path
) -> None:
    plan = replace(QUICK, close_starts=2, max_seconds=5)
    found = measure(chain(12), chain(12), plan, tmp_path)
    timing = found.timing
    assert (timing.starts, len(timing.start_speedups)) == (2, 2)
    assert 0 == timing.samples_starts[0] < timing.samples_starts[1] < len(timing.samples_ms)
    assert timing.rounds >= 2 * FEWEST_ROUNDS_PER_START
    assert timing.memory_range is not None
    assert timing.load_range_ms is not None
    assert timing.load_range_ms[0] <= timing.load_ms <= timing.load_range_ms[1]
    assert timing.speedup.low < 1 < timing.speedup.high
    assert found.predictions is None
    assert len(read_golden(found.golden, MODEL)[0]) == 4


def test_too_little_time_says_that_there_were_too_few_rounds(chain: Chain, tmp_path: Path) -> None:
    timing = measure(chain(40), chain(40), replace(QUICK, max_seconds=0), tmp_path).timing
    assert timing.unstable
    assert timing.doubt is Doubt.FEW_ROUNDS
    assert timing.rounds == 1
    # One round can be anything: the interval says so.
    assert timing.speedup.high / timing.speedup.low > 1.8


def test_a_fixed_batch_is_the_only_one_tried(chain: Chain, tmp_path: Path) -> None:
    fixed = replace(MODEL, batch_symbol=None, inputs=(replace(MODEL.inputs[0], shape=(4, WIDTH)),))
    endpoint = replace(chain(40), model=fixed)
    plan = MeasurementPlan(min_rounds=2, max_seconds=0, throughput_batches=(1, 8), throughput_seconds=0.05)
    timing = measure(endpoint, endpoint, plan, tmp_path).timing
    assert timing.throughput == {4: pytest.approx(4000 / timing.latency.p50)}


def test_a_cancelled_measurement_ends(chain: Chain, tmp_path: Path) -> None:
    asked = iter([False, False, False])
    with pytest.raises(Cancelled):
        measure(chain(40), chain(40), QUICK, tmp_path, cancel=lambda: next(asked, True))


def test_an_artifact_that_cannot_be_opened_says_why(chain: Chain, tmp_path: Path) -> None:
    good = chain(40)
    path = tmp_path / "broken.onnx"
    path.write_bytes(good.artifact.path.read_bytes()[:999])
    broken = Endpoint(replace(good.artifact, path=path, files=(path,)), Target("onnxruntime"), MODEL)
    with pytest.raises(RuntimeFailed, match="ONNX Runtime"):
        measure(broken, good, QUICK, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runtime", "form"),
    [
        (runtime.id, form)
        for runtime in runtimes().values()
        for form in sorted(runtime.formats & set(networks.FORMATS))
        if not runtime.browser
    ],
)
def test_every_runtime_works_in_its_confined_process(runtime: str, form: str, tmp_path: Path) -> None:
    module, model = networks.perceptron()
    artifact = networks.save(module, model, form, tmp_path / "model")
    endpoint = Endpoint(artifact, Target(runtime), model)
    plan = MeasurementPlan(min_rounds=1, max_seconds=0, throughput_batches=(8,), throughput_seconds=0.05)
    found = measure(endpoint, endpoint, plan, tmp_path)
    assert set(found.timing.throughput) == {1, 8}
    assert found.timing.memory_bytes > 0
    feeds, outputs = read_golden(found.golden, model)
    np.testing.assert_allclose(outputs[0][0], networks.expected(module, feeds[0])[0], rtol=1e-4, atol=1e-5)
