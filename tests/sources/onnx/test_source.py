from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.domain.model import TensorSpec
from core.errors import CorruptFile, InputError, InvalidRequest, UnsafeUpload, UnsupportedModel
from core.sources.onnx import semantics
from tests.sources.conftest import classifier, save


def model_of(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: dict[str, Any], **more: Any
) -> Any:
    values = [helper.make_tensor_value_info(*value) for value in inputs]
    results = [helper.make_tensor_value_info(*value) for value in outputs]
    held = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = helper.make_graph(nodes, "net", values, results, held)
    opsets = more.pop("opsets", [helper.make_opsetid("", 17)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def test_an_image_classifier_is_described(look, tmp_path: Path) -> None:
    found = look(save(classifier(), tmp_path / "My Net.onnx"))
    model = found.model
    assert (model.name, model.format, model.task, model.classes) == (
        "My Net",
        "onnx",
        "image-classification",
        5,
    )
    assert model.inputs[0].shape == ("N", 3, 32, 32)
    assert model.outputs[0].shape == ("N", 5)
    assert (model.symbols, model.batch_symbol) == ({"N": 1}, "N")
    assert model.parameters == 4 * 27 + 20 + 5
    assert model.macs == 4 * 27 * 30 * 30 + 20
    assert model.size_bytes == (tmp_path / "My Net.onnx").stat().st_size
    assert [file.relative_to(tmp_path / "job").as_posix() for file in found.files] == ["model.onnx"]


@pytest.mark.parametrize(("opset", "ir"), [(7, 3), (9, 4), (13, 7), (18, 8), (20, 9), (22, 10)])
def test_opsets_old_and_new(look, tmp_path: Path, opset: int, ir: int) -> None:
    model = look(save(classifier(opset, ir=ir, listed=ir == 3), tmp_path / "net.onnx")).model
    assert model.opset == opset
    assert [spec.name for spec in model.inputs] == ["image"]
    assert any("opset" in note.message for note in model.notes) == (opset < 13)


def test_a_fixed_batch_is_noted(look, tmp_path: Path) -> None:
    model = look(save(classifier(shape=(2, 3, 32, 32), output=(2, 5)), tmp_path / "net.onnx")).model
    assert (model.batch_symbol, model.fixed_batch, model.symbols) == (None, 2, {})
    assert any("fixed at 2" in note.message for note in model.notes)


def test_nameless_sizes_get_symbols_and_sensible_examples(look, tmp_path: Path) -> None:
    shape = (None, None, None, None)
    model = look(save(classifier(shape=shape, output=(None, None)), tmp_path / "net.onnx")).model
    assert model.inputs[0].shape == ("batch", "image_dim1", "image_dim2", "image_dim3")
    assert model.shapes() == {"image": (1, 3, 224, 224)}
    assert model.outputs[0].shape == ("batch", 5)
    assert model.task == "image-classification"


def test_an_input_of_unknown_rank_is_told_by_its_convolution(look, tmp_path: Path) -> None:
    net = classifier()
    net.graph.input[0].type.tensor_type.ClearField("shape")
    assert look(save(net, tmp_path / "net.onnx")).model.shapes() == {"image": (1, 3, 224, 224)}


def test_stated_shapes_win(look, tmp_path: Path) -> None:
    path = save(classifier(shape=("N", 3, "H", "W")), tmp_path / "net.onnx")
    model = look(path, shapes={"image": (1, 3, 48, 40)}).model
    assert model.symbols == {"N": 1, "H": 48, "W": 40}
    assert model.batch_symbol == "N"


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"photo": (1, 3, 32, 32)}, "no input named 'photo'"),
        ({"image": (1, 3)}, "has 2 sizes"),
        ({"image": (1, 4, 32, 32)}, "takes 3"),
    ],
)
def test_stated_shapes_that_contradict_the_model(look, tmp_path: Path, shapes: Any, words: str) -> None:
    path = save(classifier(shape=("N", 3, "H", "W")), tmp_path / "net.onnx")
    with pytest.raises(InvalidRequest, match=words):
        look(path, shapes=shapes)


def test_two_inputs_with_ids_and_mask(look, tmp_path: Path) -> None:
    table = np.ones((30, 4), np.float32)
    places = np.ones((16, 4), np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Shape", ["input_ids"], ["length"], start=1),
        helper.make_node("Concat", ["length", "width"], ["extent"], axis=0),
        helper.make_node("Slice", ["places", "zeros", "extent"], ["positions"]),
        helper.make_node("Add", ["words", "positions"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["cast", "last"], ["wide"]),
        helper.make_node("Mul", ["embedded", "wide"], ["masked"]),
        helper.make_node("ReduceMean", ["masked"], ["logits"], axes=[1], keepdims=0),
    ]
    tensors = {
        "table": table, "places": places, "zeros": np.zeros(2, np.int64), "last": np.array([2]),
        "width": np.array([4]),
    }  # fmt: skip
    ids = [(name, TensorProto.INT64, ("batch", "seq")) for name in ("input_ids", "attention_mask")]
    net = model_of(nodes, ids, [("logits", TensorProto.FLOAT, ("batch", 4))], tensors)
    model = look(save(net, tmp_path / "text.onnx")).model
    assert [spec.high for spec in model.inputs] == [30, None]
    assert model.symbols == {"batch": 1, "seq": 16}  # 128, 64 and 32 positions are more than the table has
    assert (model.task, model.classes) == ("text-classification", 4)


def test_a_table_that_a_column_of_a_row_indexes(look, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["row", "first"], ["month"], axis=1),
        helper.make_node("Gather", ["table", "month"], ["scores"]),
    ]
    tensors = {"table": np.ones((12, 4), np.float32), "first": np.array(0)}
    inputs, outputs = [("row", TensorProto.INT64, ("N", 3))], [("scores", TensorProto.FLOAT, ("N", 4))]
    model = look(save(model_of(nodes, inputs, outputs, tensors), tmp_path / "table.onnx")).model
    assert model.inputs[0].high == 12
    assert not any("not recorded" in note.message for note in model.notes)


def test_recurrent_states_share_the_batch(look, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["frames"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["turned", "w", "r", "", "", "state"], ["all", "stateN"], hidden_size=3),
        helper.make_node("ReduceMean", ["stateN"], ["score"], axes=[0], keepdims=0),
    ]
    tensors = {"w": np.ones((1, 9, 4), np.float32), "r": np.ones((1, 9, 3), np.float32)}
    inputs = [("frames", TensorProto.FLOAT, (None, None, 4)), ("state", TensorProto.FLOAT, (1, None, 3))]
    outputs = [("score", TensorProto.FLOAT, (None, 3)), ("stateN", TensorProto.FLOAT, (1, None, 3))]
    model = look(save(model_of(nodes, inputs, outputs, tensors), tmp_path / "vad.onnx")).model
    assert [spec.shape for spec in model.inputs] == [("batch", "frames_dim1", 4), (1, "batch", 3)]
    assert [spec.shape for spec in model.outputs] == [("batch", 3), (1, "batch", 3)]
    assert model.macs == model.symbols["frames_dim1"] * (36 + 27)


def test_a_symbol_that_is_no_batch(look, tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "to"], ["y"])]
    tensors = {"to": np.array([1, 4])}
    net = model_of(
        nodes, [("x", TensorProto.FLOAT, ("rows", 4))], [("y", TensorProto.FLOAT, (1, 4))], tensors
    )
    model = look(save(net, tmp_path / "net.onnx")).model
    assert (model.batch_symbol, model.inputs[0].shape) == (None, (1, 4))
    assert any("'rows'" in note.message for note in model.notes)


def test_branches_and_scalars(look, tmp_path: Path) -> None:
    def branch(name: str, factor: float) -> Any:
        made = helper.make_node("Mul", ["x", f"{name}_by"], [name])
        held = numpy_helper.from_array(np.array(factor, np.float32), f"{name}_by")
        return helper.make_graph(
            [made], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)], [held]
        )

    nodes = [
        helper.make_node("Equal", ["rate", "sixteen"], ["fast"]),
        helper.make_node("If", ["fast"], ["y"], then_branch=branch("a", 2.0), else_branch=branch("b", 3.0)),
    ]
    inputs = [("x", TensorProto.FLOAT, ("n", 4)), ("rate", TensorProto.INT64, ())]
    tensors = {"sixteen": np.array(16000)}
    model = look(
        save(model_of(nodes, inputs, [("y", TensorProto.FLOAT, None)], tensors), tmp_path / "m.onnx")
    ).model
    assert model.shapes() == {"x": (1, 4), "rate": ()}
    assert any("Which values rate may take" in note.message for note in model.notes)
    assert model.macs is None
    assert any("control flow (If)" in note.message for note in model.notes)


def test_operators_of_its_own_are_refused_by_name(look, tmp_path: Path) -> None:
    net = model_of(
        [helper.make_node("Magic", ["x"], ["y"], domain="acme")],
        [("x", TensorProto.FLOAT, ("n", 4))],
        [("y", TensorProto.FLOAT, ("n", 4))],
        {},
        opsets=[helper.make_opsetid("", 17), helper.make_opsetid("acme", 1)],
    )
    with pytest.raises(UnsupportedModel, match=r"acme\.Magic"):
        look(save(net, tmp_path / "net.onnx"))


def test_quantized_and_half_models_are_noted(look, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        helper.make_node("Cast", ["d"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["h", "w"], ["y"]),
    ]
    tensors = {
        "scale": np.array(0.1, np.float32), "zero": np.array(0, np.uint8), "w": np.ones((4, 2), np.float16),
    }  # fmt: skip
    net = model_of(
        nodes, [("x", TensorProto.FLOAT, ("n", 4))], [("y", TensorProto.FLOAT16, ("n", 2))], tensors
    )
    notes = " ".join(note.message for note in look(save(net, tmp_path / "net.onnx")).model.notes)
    assert "already quantized" in notes
    assert "float16" in notes


def test_text_inputs_and_lists_are_refused(look, tmp_path: Path) -> None:
    net = model_of(
        [helper.make_node("Identity", ["x"], ["y"])],
        [("x", TensorProto.STRING, ("n",))],
        [("y", TensorProto.STRING, ("n",))],
        {},
    )
    with pytest.raises(UnsupportedModel, match="'x' is of type string"):
        look(save(net, tmp_path / "net.onnx"))


def test_a_model_that_does_not_run_says_why(look, tmp_path: Path) -> None:
    net = model_of(
        [helper.make_node("Reshape", ["x", "to"], ["y"])],
        [("x", TensorProto.FLOAT, ("n", "m"))],
        [("y", TensorProto.FLOAT, (7, 11))],
        {"to": np.array([7, 11])},
    )
    with pytest.raises(InputError, match="did not run on random inputs") as caught:
        look(save(net, tmp_path / "net.onnx"))
    assert "State an example shape" in caught.value.hint
    assert look(save(net, tmp_path / "net.onnx"), shapes={"x": (1, 77)}).model.shapes() == {"x": (1, 77)}


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return target


def external(folder: Path) -> Any:
    save(
        classifier(),
        folder / "net.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    return onnx.load(str(folder / "net.onnx"), load_external_data=False)


def test_a_zip_with_external_weights(look, tmp_path: Path) -> None:
    external(tmp_path / "model")
    found = look(zipped(tmp_path / "model", tmp_path / "model.zip"))
    assert [file.name for file in found.files] == ["net.onnx", "weights.bin"]
    assert found.model.parameters == 4 * 27 + 20 + 5
    assert found.model.size_bytes == sum(file.stat().st_size for file in found.files)


def test_missing_external_weights_are_named(look, tmp_path: Path) -> None:
    external(tmp_path / "model")
    with pytest.raises(InputError, match=r"weights\.bin") as caught:
        look(tmp_path / "model" / "net.onnx")
    assert ".zip" in caught.value.hint


@pytest.mark.parametrize(
    "location", ["../weights.bin", "/etc/passwd", "a/../../x", "C:\\x", "..\\x", "a" * 256]
)
def test_external_weights_outside_the_folder(look, tmp_path: Path, location: str) -> None:
    net = external(tmp_path / "model")
    for tensor in net.graph.initializer:
        tensor.external_data[0].value = location
    (tmp_path / "model" / "net.onnx").write_bytes(net.SerializeToString())
    with pytest.raises(UnsafeUpload, match="outside its own folder"):
        look(zipped(tmp_path / "model", tmp_path / "model.zip"))


def test_external_weights_behind_a_link(look, tmp_path: Path) -> None:
    external(tmp_path / "job")
    (tmp_path / "job" / "weights.bin").rename(tmp_path / "elsewhere.bin")
    (tmp_path / "job" / "weights.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(UnsafeUpload, match="is a link"):
        look(tmp_path / "job" / "net.onnx")


@pytest.mark.parametrize(
    ("key", "value"), [("offset", "9999999"), ("length", "9999999"), ("offset", "-8"), ("length", "x")]
)
def test_external_weights_beyond_the_file(look, tmp_path: Path, key: str, value: str) -> None:
    net = external(tmp_path / "model")
    entry = next(entry for entry in net.graph.initializer[1].external_data if entry.key == key)
    entry.value = value
    (tmp_path / "model" / "net.onnx").write_bytes(net.SerializeToString())
    with pytest.raises(CorruptFile, match="claims the shape"):
        look(zipped(tmp_path / "model", tmp_path / "model.zip"))


def test_an_absurd_constant_is_refused(look, tmp_path: Path) -> None:
    net = classifier()
    net.graph.initializer[0].dims[:] = [2**30, 2**30]
    with pytest.raises(CorruptFile, match="1073741824x1073741824 but holds 108"):
        look(save(net, tmp_path / "net.onnx"))


def test_two_models_in_one_zip(look, tmp_path: Path) -> None:
    save(classifier(), tmp_path / "both" / "a.onnx")
    save(classifier(), tmp_path / "both" / "b.onnx")
    with pytest.raises(UnsupportedModel, match="holds 2 ONNX models"):
        look(zipped(tmp_path / "both", tmp_path / "both.zip"))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file(look, tmp_path: Path, share: float) -> None:
    data = classifier().SerializeToString()
    (tmp_path / "cut.onnx").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError) as caught:
        look(tmp_path / "cut.onnx")
    assert caught.value.message


def test_a_graph_that_uses_what_is_not_there(look, tmp_path: Path) -> None:
    net = classifier()
    net.graph.node[1].input[0] = "nowhere"
    with pytest.raises(CorruptFile, match="not valid"):
        look(save(net, tmp_path / "net.onnx"))


def test_a_cached_decoder_adds_its_lengths_up(look, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["e"]),
        helper.make_node("Unsqueeze", ["e", "one"], ["new"]),
        helper.make_node("Concat", ["past.key", "new"], ["present.key"], axis=2),
        helper.make_node("Cast", ["attention_mask"], ["m"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["m", "axes"], ["wide"]),
        helper.make_node("Mul", ["present.key", "wide"], ["kept"]),
        helper.make_node("ReduceMean", ["kept"], ["logits"], axes=[1, 2], keepdims=0),
    ]
    whole = "past_length + sequence"
    inputs = [
        ("input_ids", TensorProto.INT64, ("batch", "sequence")),
        ("attention_mask", TensorProto.INT64, ("batch", whole)),
        ("past.key", TensorProto.FLOAT, ("batch", 1, "past_length", 8)),
    ]
    outputs = [
        ("logits", TensorProto.FLOAT, None),
        ("present.key", TensorProto.FLOAT, ("batch", 1, whole, 8)),
    ]
    tensors = {"table": np.ones((20, 8), np.float32), "one": np.array([1]), "axes": np.array([1, 3])}
    model = look(save(model_of(nodes, inputs, outputs, tensors), tmp_path / "net.onnx")).model
    assert model.symbols == {"batch": 1, "sequence": 128, "past_length": 16, whole: 144}
    assert [spec.shape for spec in model.outputs] == [("batch", 8), ("batch", 1, whole, 8)]


@pytest.mark.parametrize(("opset", "ir"), [(40, 8), (17, 99), (6, 3)])
def test_versions_that_nobody_runs(look, tmp_path: Path, opset: int, ir: int) -> None:
    with pytest.raises(InputError, match=rf"\b{opset}\b|\b{ir}\b|Gemm\(6\)") as caught:
        look(save(classifier(opset, ir=ir, listed=ir == 3), tmp_path / "net.onnx"))
    assert "again" in caught.value.hint


def test_a_constant_made_huge_at_run_time(look, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ConstantOfShape", ["huge"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    net = model_of(
        nodes,
        [("x", TensorProto.FLOAT, (1, 4))],
        [("y", TensorProto.FLOAT, (1, 4))],
        {"huge": np.array([2**20, 2**20, 2**10])},
    )
    with pytest.raises(InputError, match="Failed to allocate memory"):
        look(save(net, tmp_path / "net.onnx"))


def test_an_output_of_texts_is_refused_with_what_helps(look, tmp_path: Path) -> None:
    """Scikit-learn's classifiers of named classes return the name."""
    node = helper.make_node(
        "LabelEncoder", ["x"], ["name"], domain="ai.onnx.ml", keys_int64s=[0, 1], values_strings=["a", "b"]
    )
    inputs = [helper.make_tensor_value_info("x", TensorProto.INT64, ["N"])]
    outputs = [helper.make_tensor_value_info("name", TensorProto.STRING, ["N"])]
    sets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 2)]
    net = helper.make_model(helper.make_graph([node], "g", inputs, outputs), opset_imports=sets, ir_version=8)
    with pytest.raises(UnsupportedModel, match="'name' holds texts") as caught:
        look(save(net, tmp_path / "names.onnx"))
    assert "extract_model" in caught.value.hint


def test_double_precision_asks_for_single_precision(look, tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3)), "w")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [value("x", TensorProto.DOUBLE, [1, 3, 8, 8])],
        [value("y", TensorProto.DOUBLE, [1, 4, 6, 6])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "double.onnx"))
    with pytest.raises(UnsupportedModel, match="has no Conv") as caught:
        look(tmp_path / "double.onnx")
    assert "model.float()" in caught.value.hint


def test_nodes_of_one_name_are_renamed_in_a_copy(look, tmp_path: Path) -> None:
    """ONNX Runtime refuses such graphs, which other tools write and read."""
    model = classifier()
    for node in model.graph.node:
        node.name = "same"
    path = save(model, tmp_path / "same.onnx")
    before = path.read_bytes()
    found = look(path)
    assert any("shared the name" in note.message for note in found.model.notes)
    names = [node.name for node in onnx.load(str(found.files[0])).graph.node]
    assert len(names) == len(set(names))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("dtype", "precision"), [("float32", "FP32"), ("float64", "FP64"), ("float16", "FP16")]
)
def test_the_precision_is_that_of_most_weights(dtype: str, precision: str) -> None:
    weights = [
        numpy_helper.from_array(np.ones((8, 8), dtype), "w"),
        numpy_helper.from_array(np.ones(3), "few"),
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    ends = [helper.make_tensor_value_info(name, kind, ["b", 8]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], weights
    )
    assert semantics.precision(helper.make_model(graph)) == precision


def test_inputs_that_steer_are_told_with_what_they_are_compared_with() -> None:
    number = numpy_helper.from_array(np.array(16000), "wanted")
    value = helper.make_tensor_value_info
    branches = {
        name: helper.make_graph(
            [helper.make_node("Identity", ["x"], [name])], name, [], [value(name, 1, ["b", 8])]
        )
        for name in ("then_branch", "else_branch")
    }
    nodes = [
        helper.make_node("Cast", ["rate"], ["cast"], to=7),
        helper.make_node("Equal", ["cast", "wanted"], ["is_wanted"]),
        helper.make_node("If", ["is_wanted"], ["y"], **branches),
    ]
    graph = helper.make_graph(nodes, "g", [value("x", 1, ["b", 8])], [value("y", 1, ["b", 8])], [number])
    specs = TensorSpec("x", "float32", ("b", 8)), TensorSpec("rate", "int32", ())
    assert semantics.compared(helper.make_model(graph), specs) == {"rate": (16000,)}
