"""ExecuTorch with XNNPACK, the successor of PyTorch Mobile."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

CPP = """\
// On Linux with the pip package executorch, in the parent of this file's folder:
//     E=$(python -c "import executorch; print(list(executorch.__path__)[0])")
//     g++ -w -std=c++17 clients/main.cpp -o run -I$E/include -DET_EVENT_TRACER_ENABLED \\
//         -I$E/include/executorch/runtime/core/portable_type/c10 -DC10_USING_CUSTOM_GENERATED_MACROS \\
//         -L$E/lib -Wl,-rpath,$E/lib,--no-as-needed -lexecutorch -lexecutorch_backend_xnnpack \\
//         -lexecutorch_kernels_optimized -lexecutorch_kernels_quantized -lexecutorch_threadpool
//     ./run
// In an app or on a board link ExecuTorch's CMake targets of the same names, see its documentation for C++.
#include <cstdio>
#include <vector>

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

using executorch::extension::from_blob;
using executorch::extension::Module;

int main() {
    Module module("model/{model}");
    // The shape of the first input; README.md has all of them. More inputs are further values of forward.
    auto described = module.method_meta("forward");
    if (!described.ok()) return 1;
    const auto sizes = described->input_tensor_meta(0)->sizes();
    std::vector<executorch::aten::SizesType> shape(sizes.begin(), sizes.end());
    shape[0] = 1;
    size_t count = 1;
    for (auto size : shape) count *= size;
    std::vector<float> values(count, 0.5f);
    const auto result = module.forward(from_blob(values.data(), shape));
    if (!result.ok()) return 1;
    const auto output = result->at(0).toTensor();
    for (ssize_t index = 0; index < output.numel(); ++index) {
        std::printf("%g\\n", output.const_data_ptr<float>()[index]);
    }
    return 0;
}
"""
KOTLIN = """\
// build.gradle.kts: implementation("org.pytorch:executorch-android:VERSION")
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

/** Returns the first output; `shape` is the input's, see README.md. `path` is where {model} lies. */
fun predict(path: String, values: FloatArray, shape: LongArray): FloatArray {
    val module = Module.load(path)
    val outputs = module.forward(EValue.from(Tensor.fromBlob(values, shape)))
    return outputs[0].toTensor().dataAsFloatArray
}
"""
SWIFT = """\
// Swift Package Manager: https://github.com/pytorch/executorch.git, branch swiftpm-VERSION;
// products executorch, backend_xnnpack, kernels_optimized; linker flag -all_load.
import ExecuTorch

/// Returns the first output; `shape` is that of the input, as README.md has it. `path` is where {model} lies.
func predict(path: String, values: [Float], shape: [Int]) throws -> [Float] {
    let module = Module(filePath: path)
    try module.load("forward")
    let output = try Tensor<Float>(module.forward(Tensor<Float>(values, shape: shape)))
    return output.scalars()
}
"""

TARGET = ExportTarget(
    id="executorch",
    name="ExecuTorch",
    summary="A .pte file for apps on phones, with XNNPACK's kernels; the successor of PyTorch Mobile.",
    runtime="executorch",
    format="pte",
    precisions={
        ExportPrecision.FP32: (Step("export_executorch"),),
        ExportPrecision.INT8_DYNAMIC: (Step("int8_dynamic_xnnpack"), Step("export_executorch")),
        ExportPrecision.INT8_STATIC: (Step("int8_static_xnnpack"), Step("export_executorch")),
    },
    lacks={
        ExportPrecision.FP16: "FP16 kernels of XNNPACK take ARM's half-precision instructions, which cannot "
        "be checked here. Take INT8, or Core ML or ncnn for FP16.",
        ExportPrecision.INT4: "ExecuTorch's 4-bit kernels are for language models. Take OpenVINO or ONNX for "
        "INT4.",
    },
    needs="The ExecuTorch library of about the same version in the app.",
    guide={
        Scenario.ANDROID: Advice(
            2,
            "It takes models from PyTorch as they are and is the successor of PyTorch Mobile, which is not "
            "developed any more; the kernels (XNNPACK) are those of LiteRT.",
            "The library org.pytorch:executorch-android in the app.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32),
        ),
        Scenario.IOS: Advice(
            2,
            "One file for Android and iOS, from PyTorch directly. Core ML reaches the Neural Engine as well.",
            "The ExecuTorch package of the Swift Package Manager, iOS 17 or newer.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32),
        ),
        Scenario.EMBEDDED_ARM: Advice(
            3,
            "Its runtime is C++ without Python and takes little memory; for boards with Linux and 64-bit "
            "ARM.",
            "ExecuTorch with XNNPACK, built for the board with CMake.",
            (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32),
        ),
    },
    clients=(
        Client("C++", "main.cpp", CPP, "Compiled with g++ and run in the tests, on Linux."),
        Client("Kotlin", "Predict.kt", KOTLIN),
        Client("Swift", "Predict.swift", SWIFT),
    ),
    order=55,
)
