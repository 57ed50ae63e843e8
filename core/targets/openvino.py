"""OpenVINO IR, run by OpenVINO."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, ExportTarget

TARGET = ExportTarget(
    id="openvino",
    name="OpenVINO IR",
    summary="OpenVINO's own format (.xml and .bin), often the fastest on processors of Intel and AMD.",
    runtime="openvino",
    format="openvino",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.FP16: (Step("convert_openvino", {"compress_to_fp16": True}),),
        ExportPrecision.BF16: (Step("convert_openvino"), Step("bf16")),
        ExportPrecision.INT8_DYNAMIC: (Step("int8_weights_nncf"),),
        ExportPrecision.INT8_STATIC: (Step("int8_static_nncf"),),
        ExportPrecision.INT4: (Step("int4_weights_nncf"),),
    },
    needs="OpenVINO's runtime, for Python, C or C++.",
    guide={
        Scenario.CPP_SERVER: Advice(
            1,
            "OpenVINO has a C++ interface, and is usually the fastest on x86 servers, most of all in INT8.",
            "OpenVINO's C++ runtime on x86-64 or ARM64.",
            (
                ExportPrecision.INT8_STATIC,
                ExportPrecision.BF16,
                ExportPrecision.INT8_DYNAMIC,
                ExportPrecision.FP32,
            ),
        ),
        Scenario.PROTOTYPE: Advice(
            3, "It shows early what a server with OpenVINO would give.", "Python with the package openvino."
        ),
    },
    order=40,
)
