from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.events import EventKind
from core.domain.run import RunStatus
from core.machine.environment import environment
from core.store.store import Store
from core.views import refreshed, run_view
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_without_anything_the_page_leads_to_a_model(open_page: Open) -> None:
    app = open_page("optimize.py")
    assert "Nothing to optimize yet" in words(app)
    assert app.button(key="to_model")


def test_set_up_states_count_and_time_before_the_start(open_page: Open, store: Store) -> None:
    seed.model(store)
    seed.data(store)
    app = open_page("optimize.py", model="seed-model", data="seed-data")
    said = words(app)
    assert "candidates** beside your model, **about " in said
    assert not app.button(key="run").disabled
    commands = "\n".join(block.value for block in app.code)
    assert "optimize seed-model --data seed-data --preset quick" in commands
    assert "from core import optimize" in commands


def test_limits_move_into_the_command(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.slider(key="new_seed-model_drop").set_value(2.5)
    app.toggle(key="new_seed-model_latency_on").set_value(True).run()
    app.number_input(key="new_seed-model_latency").set_value(3.0).run()
    command = app.code[0].value
    assert "--max-drop 2.5" in command
    assert "--max-latency 3" in command


def test_a_preset_that_tries_more_counts_more(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.radio(key="new_seed-model_preset").set_value("thorough").run()
    assert "--preset thorough" in app.code[0].value


def test_a_strategy_is_chosen_with_its_parameters_and_there_again_after_a_reload(
    open_page: Open, store: Store
) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.selectbox(key="new_seed-model_strategy").set_value("search").run()
    app.number_input(key="new_seed-model_strategy_search_most").set_value(3).run()
    assert "up to **3 more** as results come in" in words(app)
    assert "--strategy search:most=3" in app.code[0].value
    again = open_page("optimize.py", model="seed-model", strategy="search:most=3")
    assert again.code[0].value == app.code[0].value
    wrong = open_page("optimize.py", model="seed-model", strategy="search:most=-3")
    assert "--strategy" not in wrong.code[0].value


def test_the_search_is_a_choice_beside_the_presets_and_leaves_with_it(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.radio(key="new_seed-model_preset").set_value("search").run()
    assert "--preset quick --strategy search " in app.code[0].value
    assert "up to **24 more** as results come in, **20 min** at most" in words(app)
    assert app.selectbox(key="new_seed-model_budget").value == "20 min"
    assert "--budget 1200s" in app.code[0].value
    app.radio(key="new_seed-model_preset").set_value("balanced").run()
    assert "--preset balanced" in app.code[0].value
    assert "--strategy" not in app.code[0].value


def test_by_hand_needs_a_tick_and_explains_what_cannot_be_ticked(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.views.model.environment", lambda: replace(environment(), isa=()))
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.radio(key="new_seed-model_preset").set_value("by_hand").run()
    assert app.button(key="run").disabled
    assert "cell_bf16_openvino" not in {box.key for box in app.checkbox}
    (blocked,) = (each for each in app.markdown if each.value == ":gray[BF16]")
    assert "BF16 instructions" in blocked.proto.help
    app.checkbox(key="cell_int8_static_ort_onnxruntime").check().run()
    assert not app.button(key="run").disabled
    assert "export_onnx+int8_static_ort@onnxruntime" in app.code[0].value


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_active_run_shows_progress_and_cancel(open_page: Open, store: Store, state: str) -> None:
    seed.run(store, state, RunStatus(state), done=3)
    app = open_page("optimize.py", run=state)
    assert app.button(key="cancel_run").label == "Cancel"
    assert "of 10 candidates" in app.get("progress")[0].proto.text


def test_a_running_run_shows_what_is_known_so_far(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    app = open_page("optimize.py", run="running")
    progress = app.get("progress")[0].proto.text
    assert "Measuring INT8 static · ONNX Runtime" in progress
    assert "2 of 10 candidates" in progress
    assert "elapsed" in progress
    assert len(app.dataframe[0].value) == 11
    assert "Recommended" in words(app)


def test_a_training_shows_its_curves_while_it_goes_on(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    trained = store.candidates.list("running")[3].id
    for done, loss in ((10, 3.0), (20, 2.0), (30, 1.0)):
        values = {"loss": loss, "search_loss": loss, "search_agreement": 1 - loss / 10}
        told = {"step": "distill", "done": done, "total": 40, "values": values}
        store.events.append("running", EventKind.TRAINING, trained, **told)
    app = open_page("optimize.py", run="running")
    assert any("30 of 40 steps" in each.label for each in app.expander)
    charts = [each.proto.alt for each in app.get("vega_lite_chart")]
    assert charts[-2:] == ["Loss over the steps", "On the search rows (%) over the steps"]


def test_before_the_first_figure_the_columns_are_those_that_the_data_promises(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=0)
    assert "accuracy" in open_page("optimize.py", run="running").dataframe[0].proto.column_order


def test_a_queued_run_says_what_it_waits_for(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=1)
    seed.run(store, "queued", RunStatus.QUEUED)
    progress = open_page("optimize.py", run="queued").get("progress")[0].proto.text
    assert "In line behind digits-resnet · running" in progress


def test_a_run_without_a_figure_leads_to_no_empty_comparison(open_page: Open, store: Store) -> None:
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    assert "compare" not in [button.key for button in open_page("optimize.py", run="failed").button]


def test_pause_reaches_the_run_and_a_paused_one_can_go_on(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    app = open_page("optimize.py", run="running")
    app.button(key="pause_run").click().run()
    assert app.button(key="pause_run").label == "Pausing"
    assert app.button(key="pause_run").disabled
    store.work.finish("running", seed.WORKER, RunStatus.PAUSED)
    app = open_page("optimize.py", run="running")
    assert "You paused this run." in app.warning[0].value
    assert app.button(key="resume_run")


def test_cancel_reaches_the_run(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    app = open_page("optimize.py", run="running")
    app.button(key="cancel_run").click().run()
    assert store.runs.get("running").cancel_requested
    assert app.button(key="cancel_run").label == "Cancelling"


@pytest.mark.parametrize(
    ("state", "message"),
    [("cancelled", "You cancelled this run."), ("interrupted", "The worker stopped before the end.")],
)
def test_a_run_that_stopped_can_be_resumed(open_page: Open, store: Store, state: str, message: str) -> None:
    seed.run(store, state, RunStatus(state), done=4)
    app = open_page("optimize.py", run=state)
    assert message in app.warning[0].value
    assert "3 of 10 candidates finished" in app.warning[0].value
    assert app.button(key="resume_run").label == "Resume"


def test_a_failed_run_says_why_without_a_traceback(open_page: Open, store: Store) -> None:
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    app = open_page("optimize.py", run="failed")
    assert "The baseline cannot run" in app.error[0].value
    assert "Set the example shape." in app.error[0].value
    assert "Traceback" not in words(app)


def test_a_finished_run_leads_to_the_comparison(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("optimize.py", run="done")
    said = words(app)
    assert "9 of 9 candidates" in said
    assert "the baseline timed against itself: 1.000x (0.970–1.030)" in said
    assert "ONNX Runtime has no FP16 kernel" in said
    app.button(key="compare").click().run()
    assert "Figure by figure" in [tab.label for tab in app.tabs]


def test_what_happened_is_listed_newest_first_with_its_duration(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    store.events.append("running", EventKind.BUILT, "running-1", 75.0, step="export_onnx")
    store.events.append("running", EventKind.STRATEGY_FAILED, message="Odd | text.")
    (table,) = (
        each.value for each in open_page("optimize.py", run="running").markdown if "| Took |" in each.value
    )
    _, _, failed, built = table.splitlines()
    assert "BF16 · OpenVINO: ONNX built." in built
    assert "1 min 15 s".replace(" ", "\N{NO-BREAK SPACE}") in built
    assert "Odd \\| text" in failed


def test_an_unknown_run_is_an_error_in_words(open_page: Open) -> None:
    assert open_page("optimize.py", run="nothing").error[0].value


def test_what_was_picked_is_in_the_address_and_there_again_after_a_reload(
    open_page: Open, store: Store
) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.radio(key="new_seed-model_preset").set_value("thorough").run()
    app.slider(key="new_seed-model_drop").set_value(2.5).run()
    app.number_input(key="new_seed-model_threads").set_value(2).run()
    app.selectbox(key="new_seed-model_budget").select("5 min").run()
    app.toggle(key="new_seed-model_size_on").set_value(True).run()
    app.pills(key="new_seed-model_runtimes").set_value(["openvino"]).run()
    command = app.code[0].value
    for part in (
        "--preset thorough",
        "--runtimes openvino",
        "--max-drop 2.5",
        "--budget 300s",
        "--threads 2",
    ):
        assert part in command
    assert "--max-size" in command
    again = open_page("optimize.py", **_address(app))
    assert again.code[0].value == command


def _address(app: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def test_what_was_ticked_by_hand_is_there_again_after_a_reload(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    app.radio(key="new_seed-model_preset").set_value("by_hand").run()
    app.checkbox(key="cell_int8_static_ort_onnxruntime").check().run()
    app.checkbox(key="cell_plain_openvino").check().run()
    app.selectbox(key="by_hand_int8_static_ort_calibration").select("entropy").run()
    command = app.code[0].value
    assert "int8_static_ort:calibration=entropy@onnxruntime" in command
    again = open_page("optimize.py", **_address(app))
    assert again.code[0].value == command


def test_a_recipe_that_the_grid_cannot_show_can_be_unticked_and_ticked_again(
    open_page: Open, store: Store
) -> None:
    seed.model(store)
    chain = "export_onnx+optimize_onnx+int8_static_ort+convert_openvino+bf16@openvino"
    app = open_page("optimize.py", model="seed-model", preset="by_hand", recipes=chain)
    (box,) = (each for each in app.checkbox if str(each.key).startswith("other_"))
    assert box.value
    assert chain in app.code[0].value
    box.uncheck().run()
    assert app.button(key="run").disabled
    (box,) = (each for each in app.checkbox if str(each.key).startswith("other_"))
    box.check().run()
    assert chain in app.code[0].value


def test_a_new_run_begins_with_what_the_old_one_asked_for(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("optimize.py", run="done")
    app.button(key="again").click().run()
    assert f"--max-drop {store.runs.get('done').request.limits.max_drop}" in app.code[0].value
    assert app.query_params["drop"]


def test_a_set_up_that_an_address_cannot_mean_is_passed_over(open_page: Open, store: Store) -> None:
    seed.model(store)
    ids = {"preset": "x", "drop": "-3", "latency": "no", "size": "1e99", "threads": "0", "budget": "soon"}
    app = open_page("optimize.py", model="seed-model", runtimes="cuda", recipes="a;b@c", **ids)
    assert "--preset quick --max-drop 1.0 --threads 1 --batch 1" in app.code[0].value


def test_only_runtimes_that_can_run_the_model_are_offered(open_page: Open, store: Store) -> None:
    seed.model(store, "onnx")
    app = open_page("optimize.py", model="seed-model")
    assert app.pills(key="new_seed-model_runtimes").options == ["ONNX Runtime", "OpenVINO"]
    app.radio(key="new_seed-model_preset").set_value("by_hand").run()
    cells = {box.key for box in app.checkbox}
    assert {"cell_plain_openvino", "cell_fine_tune_torchscript"} <= cells
    assert not cells & {"cell_plain_torchscript", "cell_fp16_torchscript"}


def test_before_the_first_figure_the_calls_are_shown_as_they_come_in(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=0)
    store.live.put("running", seed.WORKER, "running-0", (8.0, 8.2, 8.1), 30)
    app = open_page("optimize.py", run="running")
    assert "30 so far, median 8.10 ms" in words(app)
    assert len(app.get("vega_lite_chart")) == 1
    assert app.dataframe[0].value["state"][0] == "Measuring"
    assert not app.get("plotly_chart"), "no empty panels"


def test_the_time_goes_on_while_nothing_else_is_worked_out_again(store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=3)
    view = run_view(store, "running")
    store.work.heartbeat("running", seed.WORKER, 5.0)
    later = refreshed(store, view)
    assert later.run.revision == view.run.revision
    assert later.progress.elapsed_s >= view.progress.elapsed_s + 4
    assert later.candidates is view.candidates


def test_a_budget_too_small_for_everything_says_so_before_the_run(open_page: Open, store: Store) -> None:
    seed.model(store)
    said = words(open_page("optimize.py", model="seed-model", budget="20", preset="thorough"))
    assert "the budget of 20 s stops it before" in said
    assert "stops it before" not in words(open_page("optimize.py", model="seed-model", budget="7200"))


def test_a_chain_is_checked_as_it_is_put_together_and_added(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model", preset="by_hand")
    add = "chain_seed-model_add"
    assert app.button(key=add).disabled
    app.multiselect(key="chain_seed-model_steps").set_value(["int8_static_ort", "prune_channels"])
    app.selectbox(key="chain_seed-model_runtime").set_value("onnxruntime").run()
    said = words(app)
    assert "cannot stand here" in said or not app.button(key=add).disabled
    app.multiselect(key="chain_seed-model_steps").set_value(["prune_channels", "int8_static_ort"]).run()
    app.button(key=add).click().run()
    assert "prune_channels+export_onnx+int8_static_ort@onnxruntime" in app.code[0].value
    assert app.multiselect(key="chain_seed-model_steps").value == []
    app.text_input(key="chain_seed-model_text").set_value("nothing@onnxruntime").run()
    assert app.button(key=add).disabled
    assert "nothing" in words(app)


def test_what_a_preset_tries_stands_against_runtimes(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("optimize.py", model="seed-model")
    table = app.dataframe[0].value.set_index("Technique")
    assert "✓ tried" in set(table["ONNX Runtime"])


def test_what_failed_can_be_tried_again_in_a_run_of_its_own(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["core.engine.submit"], "ensure_worker", lambda: None)
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("optimize.py", run="done")
    failed = next(each for each in store.candidates.list("done") if each.name == "FP16 · ONNX Runtime")
    app.button(key=f"try_{failed.id}").click().run()
    newest = store.runs.list()[0].run
    assert app.query_params["run"] == newest.id
    assert newest.request.recipes == (failed.recipe,)
