"""What the page shows as a command or as Python does what the page does."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import core
from core.cli import parser
from core.cli.run_options import asked
from core.domain.model import DataSet
from core.domain.run import Limits, Objective, RunRequest
from core.engine import add_data, add_model
from core.search.exports import export_recipe, parse_exports
from core.search.spelling import parse, parse_strategy
from core.settings import Settings, get_settings
from core.store.store import Store
from core.views import command_for, python_for
from tests.factories import model

PLAIN = RunRequest("m", "d", limits=Limits(1.0))
REQUESTS = [
    PLAIN,
    replace(PLAIN, data_id=None, limits=Limits(None)),
    replace(
        PLAIN,
        preset="thorough",
        budget_s=90,
        limits=Limits(0.123456789, 3.25, 1_234_567, 2_345_678, 99.5),
        threads=2,
    ),
    replace(PLAIN, runtimes=("onnxruntime", "openvino"), batch=8, seed=7),
    replace(PLAIN, objective=Objective.SIZE),
    replace(PLAIN, measure_on=("amd", "intel")),
    replace(PLAIN, strategy="search", strategy_params={"most": 3}),
    replace(PLAIN, recipes=(parse("export_onnx+int8_static_ort:calibration=entropy@openvino", 2, 4),)),
]


def _data(request: RunRequest) -> DataSet | None:
    return DataSet("d", "photos", (), ("x",), 1, 1, False) if request.data_id else None


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_command_asks_for_the_same_run(request_: RunRequest) -> None:
    words = shlex.split(command_for(model(), _data(request_), request_))
    options = parser().parse_args(words[words.index("optimize") :])
    assert str(options.model) == "m"
    assert options.data == request_.data_id
    given = asked(options)
    limits = ("max_drop", "max_latency_ms", "max_size_bytes", "max_memory_bytes", "min_throughput")
    assert Limits(*(given[name] for name in limits)) == request_.limits
    assert given["objective"] == request_.objective
    for name in ("budget_s", "threads", "batch", "seed", "preset"):
        assert given[name] == getattr(request_, name)
    assert parse_strategy(given["strategy"]) == (request_.strategy, request_.strategy_params)
    assert tuple(given["runtimes"]) == request_.runtimes
    assert [parse(each).steps for each in given["recipes"]] == [each.steps for each in request_.recipes]


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_lines_of_python_ask_for_the_same_run(
    request_: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    class Answer:
        class recommendation:  # noqa: N801
            sentence = ""

    def optimize(model: str, data: str | None = None, **options: Any) -> type[Answer]:
        given.update(options, model=model, data=data)
        return Answer

    monkeypatch.setattr(core, "optimize", optimize)
    exec(python_for(model(), _data(request_), request_), {})
    assert (given["model"], given["data"]) == ("m", request_.data_id)
    limits = ("max_drop", "max_latency_ms", "max_size_bytes", "max_memory_bytes", "min_throughput")
    assert Limits(*map(given.get, limits)) == request_.limits
    assert given.get("objective", "latency") == request_.objective
    assert (given["threads"], given["batch"], given.get("seed", 0)) == (
        request_.threads,
        request_.batch,
        request_.seed,
    )
    assert given.get("budget_s") == request_.budget_s
    assert parse_strategy(given.get("strategy", "")) == (request_.strategy, request_.strategy_params)
    assert tuple(given.get("runtimes", ())) == request_.runtimes
    assert [parse(each).steps for each in given.get("recipes", ())] == [
        each.steps for each in request_.recipes
    ]


def test_one_recipe_of_a_run_takes_the_place_of_its_preset() -> None:
    recipe = parse("export_onnx@openvino")
    command = command_for(model(), None, PLAIN, recipe)
    assert "--recipe export_onnx@openvino" in command
    assert "--preset" not in command
    assert "recipes=['export_onnx@openvino']" in python_for(model(), None, PLAIN, recipe)


def test_the_command_works_on_the_data_folder_of_the_page() -> None:
    assert get_settings().data_dir != Settings().data_dir
    assert f"WHETSTONE_DATA_DIR={get_settings().data_dir}" in command_for(model(), None, PLAIN)


def test_model_and_data_are_found_by_their_ids() -> None:
    with Store() as store:
        held = store.models.add(model())
        data = store.data.add(DataSet("d", "photos", (), ("x",), 1, 1, False))
        assert add_model(store, Path(held.id)) == held
        assert add_data(store, data.id, held) == data


def test_exports_are_asked_for_by_their_own_command(monkeypatch: pytest.MonkeyPatch) -> None:
    exports = parse_exports(["onnx:fp16,litert"])
    recipes = tuple(export_recipe(each, model()) for each in exports)
    request = RunRequest("m", "d", recipes=recipes, exports=exports, limits=Limits(None))
    words = shlex.split(command_for(model(), _data(request), request))
    options = parser().parse_args(words[words.index("export") :])
    assert (options.to, options.data) == (["onnx:fp16,litert:fp32"], "d")
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        core, "export", lambda *_, **options: given.update(options) or Exported, raising=False
    )
    exec(python_for(model(), _data(request), request), {})
    assert (given["to"], given["data"], given["max_drop"]) == ("onnx:fp16,litert:fp32", "d", None)
    one = shlex.split(command_for(model(), None, request, recipes[0]))
    assert "optimize" in one  # a single candidate is made again as a recipe


class Exported:
    candidates = ()
