from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.domain.events import EventKind
from core.domain.recipe import Artifact
from core.domain.run import Run, RunRequest, RunStatus
from core.engine.profiling import PROFILE
from core.serde import to_json
from core.store.candidates import Candidates
from core.store.runs import Runs
from core.store.store import Store
from pages.widgets.figures import drift_words
from tests.pages import seed
from tests.pages.conftest import Open, words
from tests.profiles import BASELINE, CANDIDATE


def test_without_a_candidate_the_page_leads_to_the_comparison(open_page: Open) -> None:
    assert "No candidate chosen" in words(open_page("candidate.py"))


def test_a_candidate_says_what_it_is_how_sure_and_why(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2")
    said = words(app)
    assert "## INT8 static (NNCF) · OpenVINO" in said
    assert "Recommended" in said
    values = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert values["Latency, median"] == ("1.55 ms", "1.52–1.58 ms")
    assert values["Accuracy"] == ("98.1 %", "−0.3 points (−0.7…+0.1)")
    sure = app.table[0].value.to_string()
    assert "60 interleaved rounds with the baseline" in sure
    assert "too few calls to state p99" in sure


def test_only_the_tab_that_the_address_chose_is_computed(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="recipe")
    assert "optimize seed-model --data seed-data --recipe" in app.code[0].value
    assert not app.metric
    assert not app.get("plotly_chart")
    app = open_page("candidate.py", candidate="done-2", tab="accuracy")
    assert "98.1 %" in app.table[0].value.to_string()
    assert not app.code


def test_what_a_technique_found_out_of_each_layer_is_a_table(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    chosen = store.candidates.get("done-2")
    layers = [{"name": "a", "int8_ms": 0.25, "int8": True}, {"name": "b", "int8_ms": 0.5, "int8": False}]
    assert chosen.artifact_id is not None
    details = {"layers": layers, "rows": 64}
    store.artifacts.save(Artifact(chosen.artifact_id, None, chosen.recipe.steps[-1], "onnx", (), {}, details))
    app = open_page("candidate.py", candidate="done-2", tab="recipe")
    assert "Layers (2)" in [each.label for each in app.expander]
    assert app.dataframe[0].value["INT8 (ms)"].tolist() == [0.25, 0.5]


def test_what_was_not_measured_has_no_tabs_of_measurements(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-9", tab="latency")
    assert [tab.label for tab in app.tabs] == ["Overview", "Recipe and files"]


@pytest.mark.parametrize(
    ("pace", "words"),
    [
        (1.001, "as fast as at the start of the run"),
        (0.93, "the clock's times × 0.93: the machine was 8 % slower than at the start of the run"),
        (1.10, "9 % faster"),
    ],
)
def test_the_pace_says_what_was_corrected_and_why(pace: float, words: str) -> None:
    assert words in drift_words(pace)


def test_a_slower_candidate_says_why_it_is_not_recommended(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-8")
    assert "Not recommended: it is not faster than your model." in words(app)
    assert "Unstable: " in words(app)
    assert "Unstable speed" in words(app)


def test_a_failed_candidate_shows_stage_reason_and_hint(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-9")
    assert "ONNX Runtime has no FP16 kernel" in app.error[0].value
    assert "Use BF16 on OpenVINO." in app.error[0].value


def test_a_waiting_candidate_says_that_figures_come_later(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    assert "its figures come later" in open_page("candidate.py", candidate="running-5").info[0].value


def test_it_can_be_held_against_another(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2")
    assert "**INT8 static (NNCF) · OpenVINO** is 5.23x faster than FP32 · PyTorch eager." in words(app)
    app.selectbox(key="other_done_done-0").select("done-1").run()
    assert "faster than BF16 · OpenVINO" in words(app)


def test_the_speed_up_is_divided_between_runtime_and_technique(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    said = [chart.proto.alt for chart in open_page("candidate.py", candidate="done-2").get("plotly_chart")]
    told = next(each for each in said if each.startswith("Where the speed-up comes from"))
    assert "OpenVINO instead: 2.31 ms: 3.5x" in told
    assert "INT8 static, NNCF: 1.55 ms: 1.49x" in told


def test_without_labels_the_figure_is_called_fidelity(open_page: Open, store: Store) -> None:
    seed.run(store, "blind", RunStatus.DONE, labelled=False)
    labels = [metric.label for metric in open_page("candidate.py", candidate="blind-2").metric]
    assert "Fidelity" in labels
    assert "Accuracy" not in labels


def test_the_way_back_keeps_the_selection(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2")
    app.button(key="back").click().run()
    assert app.query_params["selected"] == "done-2"


def test_an_unknown_candidate_is_an_error_in_words(open_page: Open) -> None:
    assert "is not in the store" in open_page("candidate.py", candidate="nothing").error[0].value


def test_every_figure_stands_beside_the_baselines(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2")
    table = app.table[0].value
    for name in ("Latency", "Accuracy", "File", "Memory"):
        (line,) = (row for _, row in table.iterrows() if row["Metric"] == name)
        assert line["This candidate"] != "–"
        assert line["Baseline"] not in ("–", line["This candidate"])
    files = {metric.label: metric.delta for metric in app.metric}["File"]
    assert files.startswith("memory ")
    assert "%)" in files


@pytest.mark.parametrize(
    ("page", "address"), [("candidate.py", {"candidate": "done-2"}), ("compare.py", {"run": "done"})]
)
def test_a_page_reads_its_run_and_candidate_once(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch, page: str, address: dict[str, str]
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page(page, **address, drop="2")
    read: list[str] = []

    def counted(kind: type[Runs] | type[Candidates]) -> Callable[..., object]:
        real = kind.get
        return lambda self, key: (read.append(key), real(self, key))[1]

    for kind in (Runs, Candidates):
        monkeypatch.setattr(kind, "get", counted(kind))
    app.run()
    assert read.count("done") == 1
    assert read.count("done-2") == ("candidate" in address)


def test_charts_of_a_tiny_model_are_in_microseconds(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels beside the bars are: an axis of 0.01 to 0.08 ms would say the same twice."""
    tiny = tuple((*spec[:3], spec[3] / 200, *spec[4:]) for spec in seed.SPECS)
    monkeypatch.setattr(seed, "SPECS", tiny)
    seed.run(store, "done", RunStatus.DONE)
    for tab, title in (("overview", "Latency (µs)"), ("latency", "Time of one call (µs)")):
        charts = open_page("candidate.py", candidate="done-2", tab=tab).get("plotly_chart")
        layouts = [json.loads(each.proto.spec)["layout"] for each in charts]
        assert title in [each["xaxis"]["title"]["text"] for each in layouts]


def test_a_candidate_is_measured_again_or_the_start_of_another_run(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    recipe = store.candidates.get("done-2").recipe
    asked: list[RunRequest] = []

    def submit(_: Store, request: RunRequest) -> Run:
        asked.append(request)
        return store.runs.get("done")

    monkeypatch.setattr("core.engine.submit", submit)
    open_page("candidate.py", candidate="done-2").button(key="measure_again").click().run()
    assert asked[0].recipes == (recipe,)
    assert asked[0].data_id == "seed-data"
    app = open_page("candidate.py", candidate="done-2")
    app.button(key="use_as_start").click().run()
    assert (app.query_params["model"], app.query_params["preset"]) == ("seed-model", "by_hand")
    assert "measure_again" not in [
        each.key for each in open_page("candidate.py", candidate="done-0").button
    ], "the baseline is measured in every run"


def test_the_recipe_is_a_chain_from_the_file_to_the_runtime_with_sizes_and_times(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    store.events.append("done", EventKind.BUILT, "done-2", 75.0, step="export_onnx")
    said = words(open_page("candidate.py", candidate="done-2", tab="recipe"))
    line = next(each for each in said.split("\n") if each.startswith("**digits-resnet**"))
    assert line.count(":material/arrow_forward:") == 3
    assert "1 min 15 s" in line
    assert line.endswith("**[OpenVINO](learn?topic=runtime.openvino)** 1.55 ms")


def test_layers_are_profiled_on_demand_and_shown_once_they_are(
    open_page: Open, store: Store, tmp_path: Path
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="layers")
    assert [button.label for button in app.button if button.key == "profile"] == ["Profile the layers"]
    for name, profile in (("done-0", BASELINE), ("done-2", CANDIDATE)):
        (tmp_path / PROFILE).write_text(to_json(profile))
        store.results.keep(name, store.blobs.add(tmp_path / PROFILE))
    app = open_page("candidate.py", candidate="done-2", tab="layers")
    assert [button.label for button in app.button if button.key == "profile"] == ["Profile again"]
    assert {metric.label: metric.value for metric in app.metric}["In its layers"] == "75.0 %"
    (table,) = [each.value for each in app.dataframe if "Operator" in each.value]
    assert list(table["Precision"]) == ["FP32", "FP32", "INT8", "INT8"]
    assert table["baseline"][1] == pytest.approx(1500)
    assert "passes in no layer" in words(app)
