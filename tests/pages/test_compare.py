from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from core.domain.quality import Scale
from core.domain.run import CandidateStatus, Result, RunRequest, RunStatus
from core.errors import ErrorRecord
from core.store.store import Store
from core.views import run_view
from pages.widgets.measures import quality_of
from pages.widgets.run_header import without_result
from tests.factories import candidate, result
from tests.pages import seed
from tests.pages.conftest import Open, rows_of, words

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def changes(app: AppTest) -> dict[str, str]:
    """Return what the recommendation's figures say of the baseline, by name."""
    return {each.label: each.delta for each in app.metric}


def across(app: AppTest, channel: str = "x") -> dict[str, Any]:
    """Return the encoding of an axis of the chart."""
    layers = json.loads(app.get("vega_lite_chart")[0].proto.spec)["layer"]
    encoding: dict[str, Any] = next(each for each in layers if each.get("name") == "points")["encoding"]
    return encoding[channel]


def panels(app: AppTest) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Return rows and specification of each of the small multiples."""
    return [
        (rows_of(chart), spec)
        for chart in app.get("vega_lite_chart")
        if "step" in str((spec := json.loads(chart.proto.spec))["height"])
    ]


def test_without_a_run_the_page_leads_to_the_history(open_page: Open) -> None:
    assert "No run to compare" in words(open_page("compare.py"))


def test_every_candidate_has_a_row_and_every_broken_one_a_reason(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    table = app.dataframe[0].value
    assert list(table["name"]) == [spec[0] for spec in seed.SPECS] + [name for name, _, _ in seed.BROKEN]
    assert list(table["state"]).count("★ Recommended") == 1
    said = words(app)
    for _, _, error in seed.BROKEN:
        assert error.message in said
        assert error.hint in said


def test_a_run_on_two_kinds_of_machine_shows_one_at_a_time(open_page: Open, store: Store) -> None:
    kinds = ("amd", "intel")
    network = seed.model(store)
    planned = [
        replace(
            candidate(f"{kind}-{at}", result(speed), at),
            name=f"number {at}",
            recipe=candidate("", None).recipe.on(kind),
        )
        for kind, speeds in zip(kinds, ((1.0, 2.0, 4.0), (1.0, 3.0, 1.5)), strict=True)
        for at, speed in enumerate(speeds)
    ]
    store.runs.create(RunRequest(network.id, measure_on=kinds), "both", planned, 60.0)
    app = open_page("compare.py", run="run", selected="intel-1")
    assert "#### number 2" in words(app)
    assert list(app.dataframe[0].value["speedup"])[1:] == [2.0, 4.0]
    app.button_group(key="run_machine").set_value("intel").run()
    assert "#### number 1" in words(app)
    assert list(app.dataframe[0].value["speedup"])[1:] == [3.0, 1.5]
    assert app.query_params["machine"] == "intel"
    page = open_page("candidate.py", candidate="intel-1")
    page.button_group(key="intel-1_machine").set_value("amd").run()
    assert page.query_params["candidate"] == "amd-1"
    assert page.metric[0].value == "5.00 ms"


def test_the_recommendation_follows_the_limits(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    assert "#### INT8 static (NNCF) · OpenVINO" in words(app)
    assert changes(app)["Latency"].startswith("5.2x")
    app.slider(key="done_drop").set_value(5.0).run()
    assert "#### INT8 + pruning 30 % · OpenVINO" in words(app)
    assert "Not the limits the run was started with" in words(app)


def test_when_nothing_qualifies_the_nearest_miss_is_named(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    app.toggle(key="done_latency_on").set_value(True).run()
    app.number_input(key="done_latency").set_value(0.5).run()
    assert app.info[0].value
    assert app.button(key="near_compare")


def test_a_selected_point_says_why_it_is_not_on_the_front(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    said = words(open_page("compare.py", run="done", selected="done-6"))
    assert "Dominated: BF16 · OpenVINO is 1.90x faster and loses no more." in said


def test_the_glossary_explains_each_term(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    said = words(open_page("compare.py", run="done"))
    for word in (
        "Tied",
        "Pareto-optimal",
        "Dominated",
        "Baseline",
        "Final heat",
        "SQNR",
        "INT8",
        "Drift correction",
    ):
        assert f":blue[{word}]" in said


def test_a_disturbed_run_says_so(open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "ENVIRONMENT", replace(seed.ENVIRONMENT, load_after=7.0))
    seed.run(store, "done", RunStatus.DONE)
    said = words(open_page("compare.py", run="done"))
    assert "busy during 9 of 9 measurements (load up to 7.0 on 2 cores)" in said


def test_the_load_of_the_run_itself_is_no_disturbance(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed, "ENVIRONMENT", replace(seed.ENVIRONMENT, load_after=2.6))
    seed.run(store, "done", RunStatus.DONE)
    assert "busy during" not in words(open_page("compare.py", run="done"))


def test_a_click_on_what_a_larger_loss_buys_sets_the_limit(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    button = app.button(key="allow_done-7")
    assert button.label.startswith("2.5 points: **7.4x** INT8 + pruning 30 %")
    button.click().run()
    assert app.slider(key="done_drop").value == 2.5
    assert "INT8 + pruning 30 % · OpenVINO is 7.4x" in words(app)


def test_the_results_can_be_taken_along(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    assert app.code[0].value.startswith("In 8 measured configurations")
    assert {"Results (JSON)", "Table (CSV)"} <= {button.label for button in app.get("download_button")}
    app.session_state["share_results"] = False
    app.run()
    assert not any(block.value.startswith("In 8 measured configurations") for block in app.code)
    assert "Share the results" in [each.label for each in app.expander]


def test_the_selection_lives_in_the_address(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-3")
    assert ":material/check_box: **INT8 static · ONNX Runtime**" in words(app)
    app.button(key="about_selected").click().run()
    assert app.query_params["candidate"] == "done-3"


def test_two_candidates_are_held_against_each_other(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-3", part="pair")
    assert "**INT8 static · ONNX Runtime** is 4.82x faster than FP32 · PyTorch eager." in words(app)
    app.selectbox(key="other_done_done-0").select("done-4").run()
    assert "A tie in speed" in words(app)


def test_without_labels_it_is_fidelity_and_never_accuracy(open_page: Open, store: Store) -> None:
    seed.run(store, "blind", RunStatus.DONE, labelled=False)
    app = open_page("compare.py", run="blind")
    shown = list(app.dataframe[0].proto.column_order)
    assert "agreement" in shown
    assert "accuracy" not in shown
    assert app.slider(key="blind_drop").label == "Max top-1 disagreement (points)"


def test_without_classes_the_quality_is_the_signal_and_every_point_is_on_the_chart(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "boxes", RunStatus.DONE, labelled=False, classes=False)
    app = open_page("compare.py", run="boxes", part="pair")
    table = app.dataframe[0]
    assert {"error", "sqnr"} <= set(table.proto.column_order)
    error = dict(table.value[["name", "error"]].to_numpy())["INT8 static · ONNX Runtime"]
    row = next(
        each for each in run_view(store, "boxes").candidates if each.name == "INT8 static · ONNX Runtime"
    )
    drawn = quality_of(row, "signal")
    assert drawn is not None
    assert error == pytest.approx(100 - drawn.value)
    assert app.slider(key="boxes_drop").label == "Max output error (% of the variance)"
    assert app.get("vega_lite_chart")[0].proto.alt.startswith("Fidelity: explained variance (%)")
    assert "dB" in app.table[0].value.to_string()


def test_that_figures_mean_little_is_said_where_nothing_is_recommended(open_page: Open, store: Store) -> None:
    why = "The model gives one class for all of them. Give inputs of real use as data."
    seed.run(store, "blind", RunStatus.RUNNING, labelled=False)
    row = run_view(store, "blind").candidates[2].candidate
    assert row.result is not None
    found = replace(row.result, fidelity=replace(row.result.fidelity, collapsed=why))
    store.candidates.save(replace(row, result=found), seed.WORKER)
    assert why in words(open_page("compare.py", run="blind"))


def test_all_of_one_reason_stand_together(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = ErrorRecord("budget", "The time was over.", "Give it more.", "budget")
    broken = tuple((name, CandidateStatus.SKIPPED, over) for name, _, _ in seed.BROKEN)
    monkeypatch.setattr(seed, "BROKEN", broken)
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    assert words(app).count(over.message) == 1
    (head,) = [each.value for each in app.markdown if "by the time budget" in each.value]
    assert all(f"**{name}**" in head for name, _, _ in broken)
    assert without_result(run_view(store, "done").progress) == f", {len(broken)} without a result"


def test_charts_and_table_have_one_unit_of_time(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fastest takes 55 microseconds, the slowest half a millisecond."""
    monkeypatch.setattr(seed, "SPECS", tuple((*spec[:3], spec[3] / 20, *spec[4:]) for spec in seed.SPECS))
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    assert across(app)["axis"]["title"].startswith("Latency (µs)")
    assert panels(app)[0][1]["title"]["text"] == "Latency (µs)"
    assert json.loads(app.dataframe[0].proto.columns)["latency"]["label"] == "Latency (µs)"


def test_the_table_uses_the_words_of_the_chart(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    states = dict(open_page("compare.py", run="done").dataframe[0].value[["name", "state"]].to_numpy())
    assert states["BF16 · OpenVINO"] == "Pareto-optimal"
    assert states["INT8 static, entropy · ONNX Runtime"] == "Tied"
    assert states["FP32 · OpenVINO"] == "Dominated"
    assert states["FP16 · ONNX Runtime"] == "Failed"


def test_a_tiny_model_is_timed_in_microseconds(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tuple((*spec[:3], spec[3] / 200, *spec[4:]) for spec in seed.SPECS)
    monkeypatch.setattr(seed, "SPECS", tiny)
    seed.run(store, "done", RunStatus.DONE)
    table = open_page("compare.py", run="done").dataframe[0]
    assert json.loads(table.proto.columns)["latency"]["label"] == "Latency (µs)"
    assert round(table.value["latency"][2], 2) == 7.75


def test_what_an_ended_run_did_not_reach_is_not_waiting(open_page: Open, store: Store) -> None:
    seed.run(store, "cancelled", RunStatus.CANCELLED, done=4)
    states = list(open_page("compare.py", run="cancelled").dataframe[0].value["state"])
    assert states[-1] == "Not reached"


def test_a_run_without_figures_says_so(open_page: Open, store: Store) -> None:
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    assert "Nothing to compare yet" in words(open_page("compare.py", run="failed"))


def test_an_active_run_points_to_the_live_page(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=4)
    app = open_page("compare.py", run="running")
    assert app.get("page_link")[0].label == "Still running: watch it"


def test_an_unknown_run_is_forgotten_and_leads_on(open_page: Open, store: Store) -> None:
    app = open_page("compare.py", run="nothing")
    assert "is not in the store" in app.error[0].value
    assert [link.label for link in app.get("page_link")] == ["Start", "All runs"]
    app.query_params.clear()
    app.run()
    assert not app.error
    assert "No run to compare" in words(app)


def test_limits_axis_and_selection_follow_to_the_candidate_and_back(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-7")
    assert "Not recommended" in words(app)
    app.slider(key="done_drop").set_value(7.0).run()
    app.selectbox(key="done_axis").select("size").run()
    app.button(key="about_selected").click().run()
    assert "Judged by the limits that you set" in words(app)
    assert "over the limit" not in words(app)
    assert app.query_params["drop"] == "7"
    app.button(key="back").click().run()
    assert app.slider(key="done_drop").value == 7.0
    assert app.query_params["axis"] == "size"


def test_limits_of_an_address_that_mean_nothing_are_passed_over(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", drop="much", latency="-1", axis="colour", selected="nobody")
    assert app.slider(key="done_drop").value == store.runs.get("done").request.limits.max_drop


def test_the_baseline_is_never_held_against_itself(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-0", part="pair")
    assert app.selectbox(key="selected_done_done-0").value == "done-0"
    assert "faster than FP32 · PyTorch eager." in words(app)


def test_a_candidate_can_be_selected_without_a_mouse(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-3", part="pair")
    app.selectbox(key="selected_done_done-3").select("done-4").run()
    assert app.query_params["selected"] == "done-4"


def test_every_panel_has_a_row_for_each_candidate_and_a_failed_one_says_so(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-9")
    assert [spec["title"]["text"] for _, spec in panels(app)] == [
        "Latency (ms)", "Throughput (samples/s)", "Accuracy (%)", "File (MB)", "Memory (MB)",
    ]  # fmt: skip
    assert "1 skipped candidate left out." in words(app)
    for rows, _ in panels(app):
        marks = [row for row in rows if row["kind"] == "mark"]
        assert len(marks) == len(seed.SPECS) + len(seed.BROKEN) - 1
        assert marks[9]["text"] == "Failed"
        assert [row["id"] for row in marks if row["chosen"]] == ["done-9"]


def test_accuracy_is_drawn_with_its_own_interval_within_0_and_100_percent(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done")
    rows, _ = panels(app)[2]
    fast = next(row for row in rows if row.get("id") == "done-1")
    assert fast["high"] - fast["x"] == pytest.approx(0.8)
    low, high = (row["x"] for row in rows if row["kind"] == "ends")
    assert 0 <= low < high <= 100


def test_the_baseline_has_no_difference_from_itself(open_page: Open, store: Store) -> None:
    seed.run(store, "unlabelled", RunStatus.DONE, labelled=False)
    seed.run(store, "done", RunStatus.DONE)
    assert open_page("compare.py", run="done").dataframe[0].value["change"].isna()[0]
    assert open_page("compare.py", run="unlabelled").dataframe[0].value["agreement"].isna()[0]


def test_of_very_many_candidates_a_page_is_drawn_the_one_with_the_selection(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.widgets.multiples.ROWS", 4)
    seed.run(store, "done", RunStatus.DONE)
    said = words(open_page("compare.py", run="done", selected="done-5"))
    assert "Rows 5 to 8 of 10" in said


def test_small_files_are_told_in_kilobytes(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest file has 340 kB."""
    small = tuple((*spec[:5], spec[5] / 10, spec[6]) for spec in seed.SPECS)
    monkeypatch.setattr(seed, "SPECS", small)
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", axis="size")
    assert across(app)["axis"]["title"].startswith("File (kB)")
    assert panels(app)[3][1]["title"]["text"] == "File (kB)"
    assert json.loads(app.dataframe[0].proto.columns)["size"]["label"] == "File (kB)"
    assert app.dataframe[0].value["size"][0] == pytest.approx(340, rel=1e-4)


def test_all_values_of_an_error_have_the_same_decimals(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns are as wide as their widest figure: one of many digits is cut off."""
    own, mae = seed.result, Scale("MAE", "", higher=False)

    def by_mae(*told: Any) -> Result:
        found = own(*told)
        assert found.accuracy is not None
        return replace(found, accuracy=replace(found.accuracy, metric="mae", scale=mae))

    monkeypatch.setattr(seed, "result", by_mae)
    seed.run(store, "done", RunStatus.DONE)
    columns = json.loads(open_page("compare.py", run="done").dataframe[0].proto.columns)
    assert columns["accuracy"]["type_config"]["format"] == "%.2f"
    assert columns["change"]["type_config"]["format"] == "%+.2f"


def test_any_two_figures_can_be_the_axes_and_the_address_keeps_them(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", axis="throughput", up="memory", scale="log", color="runtime")
    assert across(app)["axis"]["title"] == "Throughput (samples/s)  → better"
    assert across(app)["scale"]["type"] == "log"
    assert across(app, "y")["axis"]["title"] == "Memory (MB)  ↓ better"
    assert "OpenVINO" in across(app, "color")["scale"]["domain"]
    app.selectbox(key="done_up").select("fidelity").run()
    assert app.query_params["up"] == "fidelity"


def test_filters_hold_for_table_and_chart_and_keep_the_baseline(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", runtimes="OpenVINO", within="on")
    names = list(app.dataframe[0].value["name"])
    assert names == [seed.SPECS[at][0] for at in (0, 1, 2, 6)]
    assert "4 of 11 candidates pass the filters." in words(app)
    app.multiselect(key="done_states").set_value(["Dominated"]).run()
    assert list(app.dataframe[0].value["name"]) == [seed.SPECS[0][0], seed.SPECS[6][0]]


def test_two_candidates_differ_by_so_much_in_each_figure_and_step(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("compare.py", run="done", selected="done-2", other="done-8", part="pair")
    table = app.table[0].value.set_index("Metric")["Difference"]
    assert table["Latency"].startswith("6.4x (6.2–6.6) faster")
    assert table["Accuracy"].startswith("−0.2 points")
    assert table["Memory"].endswith("less")
    said = words(app)
    assert ":blue-background[INT8 static, NNCF]" in said


def test_a_run_is_held_against_another_with_a_warning_where_machines_differ(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.run(store, "done", RunStatus.DONE)
    monkeypatch.setattr(seed, "ENVIRONMENT", replace(seed.ENVIRONMENT, cpu="Another CPU"))
    seed.run(store, "elsewhere", RunStatus.DONE)
    app = open_page("compare.py", run="done", part="run")
    assert any("different processors" in each.value for each in app.warning)
    assert len(app.dataframe[1].value) == len(seed.SPECS)


def test_every_figure_is_a_line_over_all_axes(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    alts = [
        each.proto.alt for each in open_page("compare.py", run="done", part="lines").get("vega_lite_chart")
    ]
    assert alts[-1] == "Every figure of 9 candidates as a line"
