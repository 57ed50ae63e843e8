"""TensorRT, as a kit that builds the engine on the GPU that it is for."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget

NEEDS = (
    "An NVIDIA GPU with its driver, and the packages tensorrt, torch and numpy; build_engine.py of the kit."
)

TARGET = ExportTarget(
    id="tensorrt",
    name="TensorRT",
    summary="A kit that builds an engine on an NVIDIA GPU and verifies it there; not run on a GPU by "
    "Whetstone.",
    runtime="tensorrt",
    format="tensorrt",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.FP16: (Step("fp16", {"scope": "graph"}),),
        ExportPrecision.INT8_STATIC: (Step("int8_static_ort", {"activations": "int8"}),),
    },
    default=ExportPrecision.FP16,
    lacks={
        ExportPrecision.BF16: "The conversion of the graph to BF16 is not built; FP16 is as fast on GPUs.",
        ExportPrecision.INT8_DYNAMIC: "TensorRT takes ranges from the file; choose int8_static.",
    },
    needs=NEEDS,
    guide={
        Scenario.NVIDIA_GPU: Advice(
            1,
            "NVIDIA's own compiler, which times its kernels on the GPU that it builds for.",
            NEEDS,
            (ExportPrecision.FP16, ExportPrecision.INT8_STATIC),
        )
    },
    order=70,
)
