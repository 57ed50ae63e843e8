from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.run import RunStatus
from core.domain.structure import Layer, Structure
from core.errors import DataMismatch, InputError, UnrecognizedFile, UnsupportedModel
from core.serde import to_json
from core.store.store import Store
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_without_a_model_the_page_says_where_to_get_one(open_page: Open) -> None:
    assert "No model yet" in words(open_page("model.py"))


def test_known_models_can_be_taken_up_again(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py")
    app.button(key="known_seed-model").click().run()
    assert "digits-resnet" in words(app)


def test_a_model_says_what_it_is_and_what_cannot_be_done(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py", model="seed-model")
    said = words(app)
    assert "torch.export (.pt2)" in said
    assert {"270 k", "40.6 M", "3.40 MB"} <= {metric.value for metric in app.metric}
    assert app.button(key="next").label == "Go on without data"


def test_a_model_can_be_exported_at_once(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py", model="seed-model")
    app.button(key="to_export").click().run()
    assert "Export digits-resnet" in words(app)


def test_techniques_stand_against_runtimes_by_sign_and_word(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py", model="seed-model", tab="techniques")
    said, table = words(app), app.dataframe[0].value.set_index("Technique")
    assert "It has 20 convolutions and one matrix." in said
    assert "Use static INT8." in said
    assert table.loc["INT8 static, NNCF", "OpenVINO"] == "✓ yes"
    assert table.loc["INT8 static, NNCF", "ONNX Runtime"] == "✗ no"


def test_layers_are_listed_found_and_summed_by_module(open_page: Open, store: Store) -> None:
    seed.model(store)
    layers = (
        Layer("conv", "Conv", ("stem",), (1, 4, 8), 108, 6912),
        Layer("relu", "Relu", ("stem",), (1, 4, 8), 0, 0, (0,)),
        Layer("choice", "If", (), None, 0, None, (1,)),
    )
    kept = store.folder / "layers" / "seed-model-1.json"
    kept.parent.mkdir()
    kept.write_text(to_json(Structure(layers, 7)))
    app = open_page("model.py", model="seed-model", tab="layers")
    assert list(app.dataframe[0].value["Output"]) == ["1 × 4 × 8", "1 × 4 × 8", "–"]
    assert "7 more are not listed" in words(app)
    app.selectbox(key="layers_seed-model_rows").set_value("Modules, 1 level").run()
    sums = app.dataframe[0].value
    assert list(sums["Module"]) == ["stem", "outside of modules"]
    assert list(sums["MACs"].astype(object).where(sums["MACs"].notna(), None)) == [6912, None]
    app.text_input(key="layers_seed-model_text").set_value("relu").run()
    assert "1 of 3 layers" in words(app)
    open_page("model.py", model="seed-model", tab="graph")


def test_a_model_without_a_way_to_a_graph_says_so(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.model(store)
    monkeypatch.setattr("core.engine.structure.passes", dict)
    app = open_page("model.py", model="seed-model", tab="graph")
    assert "Export the model to ONNX and upload that." in app.error[0].value


def test_data_is_shown_with_its_preparation_and_leads_on(open_page: Open, store: Store) -> None:
    seed.model(store)
    seed.data(store)
    app = open_page("model.py", model="seed-model", data="seed-data")
    said = words(app)
    assert "Fits the model" in said
    assert "Samples: 256 for calibration, 899 to test; none that tests is in another part." in said
    app.button(key="next").click().run()
    assert "Optimize digits-resnet" in words(app)
    assert app.query_params["data"] == "seed-data"


def test_a_training_set_is_added_to_the_data(
    open_page: Open, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from core.engine import add_data, add_model
    from sample_models import samples

    sample = next(each for each in samples() if each.id == "cancer-mlp")
    model, mine, extra = (
        add_model(store, sample.folder / "model.onnx"),
        tmp_path / "a.npz",
        tmp_path / "b.npz",
    )
    rows = np.random.default_rng(0).standard_normal((140, 30)).astype(np.float32)
    np.savez(mine, inputs=rows[40:], labels=np.arange(100) % 2)
    np.savez(extra, inputs=rows[:40], labels=np.arange(40) % 2)
    data = add_data(store, mine, model)
    monkeypatch.setattr("pages.widgets.dataset.uploader", lambda label, hint, *, key: extra)
    app = open_page("model.py", model=model.id, data=data.id)
    app.session_state[f"source_of_{data.id}"] = str(mine)
    app.run()
    learned = store.data.get(app.query_params["data"])
    assert learned.id != data.id
    assert learned.training_samples == 40
    assert "Samples: 40 to train" in words(app)
    assert "A run that does not search tests with the search's samples, too." in words(app)


def test_data_of_another_model_is_not_taken(open_page: Open, store: Store) -> None:
    seed.model(store)
    store.data.add(replace(seed.data(store), id="other", inputs=("tokens",)))
    app = open_page("model.py", model="seed-model", data="other")
    assert app.button(key="next").label == "Go on without data"


def test_going_without_data_is_explained(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py", model="seed-model")
    app.get("segmented_control")[0].set_value("No data").run()
    assert "fidelity" in words(app)


def test_data_that_does_not_fit_can_be_described_and_read_again(
    open_page: Open, store: Store, tmp_path: Path
) -> None:
    seed.model(store)
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    app = open_page("model.py", model="seed-model")
    app.session_state["data_failed"] = (
        table,
        DataMismatch("It does not fit.", hint="Name the label column."),
    )
    app.run()
    assert "It does not fit." in app.error[0].value
    assert app.selectbox(key="again_kind").value == "csv"
    assert "Label column" in [field.label for field in app.text_input]
    app.session_state["data_failed"] = (table, UnrecognizedFile("It is no data.", hint="Take other data."))
    app.run()
    assert "It is no data." in app.error[0].value
    assert "Label column" not in [field.label for field in app.text_input]


@pytest.mark.parametrize(
    ("error", "asks"), [(UnrecognizedFile("No model."), False), (UnsupportedModel("Which network?"), True)]
)
def test_more_is_asked_about_a_model_only_where_it_can_help(
    open_page: Open, store: Store, error: InputError, asks: bool
) -> None:
    app = open_page("model.py")
    app.session_state["pending_upload"] = {"path": "model.pth", "error": error}
    app.run()
    assert error.message in app.error[0].value
    assert ("Architecture" in [field.label for field in app.text_input]) is asks


def test_an_unknown_model_is_an_error_in_words(open_page: Open) -> None:
    app = open_page("model.py", model="nothing")
    assert "is not in the store" in app.error[0].value
    assert "Upload the model again." in app.error[0].value


def test_an_upload_is_deleted_only_after_a_question(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    data_id = store.runs.get("done").data_id
    app = open_page("model.py", model="seed-model", data=data_id, run="done")
    app.button(key="delete_model").click().run()
    assert "goes with the 1 run that used it. This frees " in words(app)
    app.button(key="keep_upload").click().run()
    assert store.runs.get("done")
    app.button(key="delete_model").click().run()
    app.button(key="confirm_delete_upload").click().run()
    assert "No model yet" in words(app)
    assert (store.runs.list(), store.models.list()) == ((), ())


def test_an_upload_in_use_by_an_active_run_stays(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    app = open_page("model.py", model="seed-model", data=store.runs.get("running").data_id)
    app.button(key="delete_data").click().run()
    assert "Cancel it first." in app.error[0].value
    assert "confirm_delete_upload" not in [button.key for button in app.button]


def test_the_task_can_be_stated_and_candidates_are_judged_by_it(open_page: Open, store: Store) -> None:
    seed.model(store)
    app = open_page("model.py", model="seed-model", tab="signature")
    assert app.selectbox(key="task_seed-model").value == "image-classification"
    app.selectbox(key="task_seed-model").set_value("regression").run()
    (other,) = (each for each in store.models.list() if each.id != "seed-model")
    assert (other.task, other.classes_judged(labelled=True)) == ("regression", None)
    assert app.query_params["model"] == other.id
    assert "Regression" in words(app)


@pytest.mark.parametrize("numbers", [False, True])
def test_the_first_samples_say_class_or_target_and_whole_numbers_have_no_decimals(
    open_page: Open, store: Store, numbers: bool
) -> None:
    seed.model(store)
    store.data.add(replace(seed.data(store), id="other", numbers=numbers))
    shown = open_page("model.py", model="seed-model", data="other").dataframe[0].value
    assert list(shown) == ["Target" if numbers else "Class", "First values"]
    assert list(shown["First values"])[:2] == ["0, 0.500", "0.100, 0.500"]
