"""The Accuracy tab, out of details made by hand."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import core.views.accuracy
import core.views.samples
from core.bench.quality.detail.detail import accuracy_detail
from core.bench.quality.judged_output import Labels
from core.domain.accuracy_detail import AccuracyDetail
from core.domain.layer_errors import LayerError, LayerErrors
from core.domain.run import RunStatus
from core.protocols import LabelledOutput
from core.serde import to_json
from core.store.store import Store
from core.views import averages, class_rows
from core.work.stop import Stop
from tests.pages import seed
from tests.pages.conftest import Open, words
from tests.store.values import stored

DIGITS = tuple("0123456789")


def of_classes(wrong: int, labelled: bool = True) -> AccuracyDetail:
    """Return the detail of 200 samples, the first of which are answered as the next class."""
    labels = np.arange(200) % 10
    theirs = 4 * np.eye(10, dtype=np.float32)[labels]
    ours = theirs.copy()
    ours[:wrong] = np.roll(ours[:wrong], 1, axis=1)
    about = Labels(labels, LabelledOutput("image-classification", (), 10), "top1") if labelled else None
    return accuracy_detail([ours], [theirs], about, 10, ["y"])


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, AccuracyDetail]:
    """Return the details that the page finds, by candidate."""
    found: dict[str, AccuracyDetail] = {}
    monkeypatch.setattr(core.views.accuracy, "accuracy_detail_of", lambda _, id: found.get(id))
    monkeypatch.setattr(core.views.samples, "sample_pictures", lambda *_: ((), ()))
    return found


def test_figures_per_class_have_an_interval_or_too_few_samples() -> None:
    found = of_classes(30)
    row = class_rows(found, DIGITS)[3]
    assert (row.name, row.support, row.recall, row.base_recall) == ("3", 20, 85.0, 100.0)
    assert row.change is not None
    assert row.change.value == pytest.approx(-15.0)
    assert row.change.low < row.change.value < row.change.high
    few = accuracy_detail(
        [np.eye(2, dtype=np.float32)],
        [np.eye(2, dtype=np.float32)],
        Labels(np.arange(2), LabelledOutput("image-classification", (), 2), "top1"),
        2,
        ["y"],
    )
    assert class_rows(few, ())[0].change is None
    assert [each.value for each in averages(found)] == pytest.approx([85.0, 85.0, 85.0])


def test_the_tab_shows_classes_confusion_calibration_and_flips(
    open_page: Open, store: Store, known: dict[str, AccuracyDetail]
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    known |= {"done-0": of_classes(0), "done-1": of_classes(3), "done-2": of_classes(5)}
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Top-1 accuracy"] == "97.5 %"
    assert figures["Macro-F1"].endswith("%")
    alts = {chart.proto.alt for chart in app.get("plotly_chart")}
    assert {"Confusion matrix", "Reliability diagram"} <= alts
    table = next(each.value for each in app.dataframe if "Original" in each.value)
    assert list(table["Sample"]) == [0, 1, 2, 3, 4]
    assert list(table["Label"]) == ["0", "1", "2", "3", "4"]
    assert table["Candidate"][0].startswith("1 (")
    app.get("button_group")[-1].set_value("hard samples").run()
    hard = app.dataframe[-1].value
    assert list(hard["Sample"]) == [0, 1, 2]


def test_without_labels_flips_are_answers_that_differ_and_calibration_says_why_not(
    open_page: Open, store: Store, known: dict[str, AccuracyDetail]
) -> None:
    seed.run(store, "blind", RunStatus.DONE, labelled=False)
    known |= {"blind-0": of_classes(0, labelled=False), "blind-2": of_classes(4, labelled=False)}
    app = open_page("candidate.py", candidate="blind-2", tab="accuracy")
    assert "Calibration is judged against labels" in words(app)
    assert list(app.dataframe[-1].value["Sample"]) == [0, 1, 2, 3]


def test_numbers_show_their_errors(open_page: Open, store: Store, known: dict[str, AccuracyDetail]) -> None:
    seed.run(store, "done", RunStatus.DONE)
    labels = np.linspace(0, 1, 50)[:, None]
    about = Labels(labels, LabelledOutput("regression", (1,)), "mae")
    known["done-2"] = accuracy_detail([labels.astype(np.float32) + 0.1], [labels * 1.0], about, None, ["y"])
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    assert "Histogram of the errors" in {chart.proto.alt for chart in app.get("plotly_chart")}
    assert "nothing flips" in words(app)


def test_a_candidate_of_old_says_that_details_were_not_kept(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    assert "were not kept when this candidate was measured" in words(app)


def test_errors_by_layer_are_drawn_once_they_were_measured(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    layers = (LayerError("conv1", "Conv", 0.0001, 0.0), LayerError("head", "Gemm", 0.04, 0.0001))
    kept = to_json(LayerErrors(layers, 32, "int8_static_nncf", alone=3)).encode()
    store.results.keep("done-2", stored(store.blobs, kept, "layer_errors.json"))
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    assert "Against the network before INT8 static, NNCF, on 32 samples" in words(app)
    assert "3 values of it have no counterpart" in words(app)
    table = next(each.value for each in app.dataframe if "Error behind it" in each.value)
    assert list(table["Error behind it"]) == pytest.approx([1.0, 20.0])
    assert list(table["SQNR"]) == ["40.0 dB", "14.0 dB"]


def test_the_comparison_of_layers_can_be_begun_and_cancelled(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def made(_: Store, _id: str, _told: object, stop: Stop, again: bool) -> None:
        begun.set()
        stop.event.wait(20)
        over.set()
        stop.check()

    monkeypatch.setattr("core.engine.layer_errors", made)
    monkeypatch.setattr("pages.widgets.candidate.layer_errors.not_comparable", lambda *_: "")
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    app.button(key="layer_errors").click().run()
    assert begun.wait(10)
    app.button(key="layer-errors-done-2_cancel").click().run()
    assert over.wait(10)
