"""What calibration found is kept between builds, each in a confined process of its own."""

from __future__ import annotations

from core.domain.model import DataSet, SourceModel
from core.engine.building import Builder
from core.search.spelling import parse
from core.store.store import Store
from core.work.stop import Stop


def test_two_methods_share_the_histograms_of_one_pass(
    store: Store, mlp: SourceModel, cancer: DataSet
) -> None:
    builder = Builder(store, mlp, cancer, 0, Stop(), lambda _: None, lambda *_: None)

    def kept() -> dict[str, float]:
        found = [each for each in (store.folder / "checkpoints").glob("*/*") if each.is_file()]
        return {each.name.split("-")[0]: each.stat().st_mtime_ns for each in found}

    first = builder.build(parse("int8_static_ort:calibration=mse@onnxruntime"))
    before = kept()
    assert set(before) == {"mse", "histograms"}
    second = builder.build(parse("int8_static_ort:calibration=entropy@onnxruntime"))
    assert set(kept()) == {"mse", "histograms", "entropy"}
    assert kept()["histograms"] == before["histograms"]
    assert first.id != second.id
