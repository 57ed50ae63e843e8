"""Load the model on OpenVINO."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST_COMPILED = 16  # sets of shapes; each takes about the memory of the model


def load():
    """Return a function from a feed to the list of outputs.

    It compiles once for each new set of shapes, and keeps what it compiled for the latest of them.
    """
    import openvino

    manifest = json.loads((HERE / "manifest.json").read_text())
    core = openvino.Core()
    graph = core.read_model(str(HERE / manifest["model"]))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": manifest["threads"],
        "INFERENCE_PRECISION_HINT": manifest["options"].get("precision", "f32"),
    }
    if any(port.element_type == openvino.Type.f64 for port in graph.outputs):
        settings["SNIPPETS_MODE"] = "DISABLE"  # it fuses the cast to double into what knows no double
    names = [next(iter(port.names), "") for port in graph.inputs]
    order = names if set(names) == set(manifest["inputs"]) else manifest["inputs"]
    requests = {}

    def request_for(shapes):
        request = requests.pop(shapes, None)
        if request is None:
            shaped = graph.clone()
            if any(port.partial_shape.is_dynamic for port in graph.inputs):
                shaped.reshape(dict(enumerate(map(list, shapes))))
            request = core.compile_model(shaped, "CPU", settings).create_infer_request()
            if len(requests) == MOST_COMPILED:
                del requests[next(iter(requests))]
        requests[shapes] = request  # put last: the first is the one that was not used for longest
        return request

    def run(feed):
        values = [feed[name] for name in order]
        request = request_for(tuple(value.shape for value in values))
        results = request.infer(dict(enumerate(values)), share_inputs=True)
        return [value.copy() for value in results.values()]

    return run
