"""TensorFlow SavedModel, which TensorFlow and TensorFlow Serving run."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

NEEDS = "TensorFlow 2.16 or newer, or TensorFlow Serving of such a version, on x86-64 or ARM processors."
SMALLER = "The network is in it as StableHLO in FP32. Take LiteRT or ONNX for a smaller file."
REST = """\
# TensorFlow Serving with the kit's folder model, which holds {model}, as version 1 of a model called network:
#     mkdir -p serving/network && cp -r model serving/network/1
#     tensorflow_model_server --rest_api_port=8501 --model_name=network --model_base_path=$PWD/serving/network
# Then: python clients/ask.py
import json
import urllib.request
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent.parent
manifest = json.loads((HERE / "manifest.json").read_text())
names, golden = manifest["options"]["inputs"], np.load(HERE / "golden.npz")
inputs = {name: golden[f"input_0_{at}"].tolist() for at, name in enumerate(names)}
request = urllib.request.Request(
    "http://localhost:8501/v1/models/network:predict",
    json.dumps({"signature_name": "serving_default", "inputs": inputs}).encode(),
)
print(json.load(urllib.request.urlopen(request))["outputs"])
"""

TARGET = ExportTarget(
    id="savedmodel",
    name="TensorFlow SavedModel",
    summary="A folder for TensorFlow Serving, with a signature and a free batch; compared here by "
    "TensorFlow's own loader.",
    runtime="tensorflow",
    format="savedmodel",
    precisions={ExportPrecision.FP32: (Step("export_savedmodel"),)},
    lacks=dict.fromkeys(
        (
            ExportPrecision.FP16,
            ExportPrecision.BF16,
            ExportPrecision.INT8_DYNAMIC,
            ExportPrecision.INT8_STATIC,
            ExportPrecision.INT4,
        ),
        SMALLER,
    ),
    needs=NEEDS,
    guide={
        Scenario.CROSS_FRAMEWORK: Advice(
            2, "TensorFlow's own form, for programs and servers that load SavedModels.", NEEDS
        ),
        Scenario.CPP_SERVER: Advice(
            5, "For servers that run TensorFlow Serving already; others are faster without it.", NEEDS
        ),
    },
    clients=(Client("Python (TensorFlow Serving)", "ask.py", REST),),
    order=65,
)
