"""ncnn, run by its own library."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

NO_INT8 = (
    "The package of ncnn holds no tools for INT8. Take LiteRT or ExecuTorch for INT8, or quantize the files "
    "with ncnn2table and ncnn2int8 of an ncnn that you built."
)
CPP = """\
// Build and install ncnn with CMake, then in the parent of this file's folder:
//     g++ -std=c++17 clients/main.cpp -o run -I/usr/local/include/ncnn -lncnn -fopenmp
//     ./run
// On Android the same lines stand in the app's JNI library, linked with ncnn's Android package.
#include <cstdio>

#include "net.h"

int main() {
    ncnn::Net net;
    net.opt.num_threads = 4;
    if (net.load_param("model/{model}") || net.load_model("model/model.bin")) return 1;
    // One sample without its batch: width, height, channels, see README.md; more inputs are in1, ...
    ncnn::Mat in0(224, 224, 3);
    in0.fill(0.5f);
    ncnn::Extractor call = net.create_extractor();
    ncnn::Mat out0;
    if (call.input("in0", in0) || call.extract("out0", out0)) return 1;
    out0 = out0.reshape(out0.w * out0.h * out0.d * out0.c);
    for (int index = 0; index < out0.w; ++index) std::printf("%g\\n", out0[index]);
    return 0;
}
"""

TARGET = ExportTarget(
    id="ncnn",
    name="ncnn",
    summary="Two small files (.param and .bin) for a small C++ library on Android, iOS and boards with "
    "Linux.",
    runtime="ncnn",
    format="ncnn",
    precisions={
        ExportPrecision.FP32: (Step("export_ncnn"),),
        ExportPrecision.FP16: (Step("export_ncnn", {"fp16": True}),),
    },
    lacks={
        ExportPrecision.INT8_STATIC: NO_INT8,
        ExportPrecision.INT8_DYNAMIC: NO_INT8,
        ExportPrecision.INT4: "There are no weights in 4 bits in ncnn for such networks. Take OpenVINO or "
        "ONNX for INT4.",
    },
    needs="The ncnn library in the app or on the board.",
    guide={
        Scenario.ANDROID: Advice(
            3,
            "The library has no dependencies, takes one or two megabytes of an app, and has kernels for ARM "
            "and for GPUs by Vulkan.",
            "The Android package of ncnn, called from C++ through JNI.",
            (ExportPrecision.FP16, ExportPrecision.FP32),
        ),
        Scenario.EMBEDDED_ARM: Advice(
            2,
            "It is written for ARM processors, builds on any board with a C++ compiler, and needs little "
            "memory.",
            "The library ncnn, built for the board with CMake.",
            (ExportPrecision.FP16, ExportPrecision.FP32),
        ),
        Scenario.IOS: Advice(
            4,
            "The same files as on Android; it does not reach the Neural Engine.",
            "The framework of ncnn for iOS.",
            (ExportPrecision.FP16, ExportPrecision.FP32),
        ),
    },
    clients=(Client("C++", "main.cpp", CPP),),
    order=60,
)
