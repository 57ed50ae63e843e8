"""LiteRT (TFLite), run by LiteRT's interpreter."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

KOTLIN = """\
// {model} lies in src/main/assets; dependency: "com.google.ai.edge.litert:litert:2.1.0"
import android.content.Context
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

class Model(context: Context) : AutoCloseable {
    private val model =
        CompiledModel.create(context.assets, "{model}", CompiledModel.Options(Accelerator.CPU))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** One array per input and per output, in the order of README.md; writeInt takes whole numbers. */
    fun run(vararg values: FloatArray): List<FloatArray> {
        values.forEachIndexed { at, each -> inputs[at].writeFloat(each) }
        model.run(inputs, outputs)
        return outputs.map { it.readFloat() }
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }
}
"""
CPP = """\
// CMake with the sources of github.com/google-ai-edge/LiteRT: link tensorflow-lite, run in the kit's folder.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "tflite/interpreter.h"
#include "tflite/kernels/register.h"
#include "tflite/model_builder.h"

int main() {
    const auto model = tflite::FlatBufferModel::BuildFromFile("model/{model}");
    if (!model) return 1;
    tflite::ops::builtin::BuiltinOpResolver resolver;
    tflite::InterpreterBuilder builder(*model, resolver);
    builder.SetNumThreads(1);
    std::unique_ptr<tflite::Interpreter> interpreter;
    if (builder(&interpreter) != kTfLiteOk || interpreter->AllocateTensors() != kTfLiteOk) return 1;
    for (size_t at = 0; at < interpreter->inputs().size(); ++at) {
        TfLiteTensor* input = interpreter->input_tensor(at);  // your own values in place of zeros
        std::fill_n(input->data.raw, input->bytes, 0);
    }
    if (interpreter->Invoke() != kTfLiteOk) return 1;
    for (size_t at = 0; at < interpreter->outputs().size(); ++at) {
        const TfLiteTensor* output = interpreter->output_tensor(at);
        std::printf("%s: %zu bytes\\n", output->name, output->bytes);
    }
    return 0;
}
"""
NARROW = (ExportPrecision.INT8_STATIC, ExportPrecision.INT8_DYNAMIC, ExportPrecision.FP32)

TARGET = ExportTarget(
    id="litert",
    name="LiteRT",
    summary="A .tflite file for Android, iOS and small boards, once called TensorFlow Lite.",
    runtime="litert",
    format="tflite",
    precisions={
        ExportPrecision.FP32: (),
        ExportPrecision.FP16: (Step("fp16_litert"),),
        ExportPrecision.INT8_DYNAMIC: (Step("int8_dynamic_litert"),),
        ExportPrecision.INT8_STATIC: (Step("int8_static_litert"),),
    },
    lacks={
        ExportPrecision.BF16: "LiteRT's kernels compute in FP32 or INT8. Take fp16 for half the size.",
        ExportPrecision.INT4: "Few of LiteRT's kernels take weights in 4 bits. Take int8_dynamic, or "
        "OpenVINO or ONNX for INT4.",
    },
    needs="LiteRT (TensorFlow Lite) on the device.",
    guide={
        Scenario.ANDROID: Advice(
            1,
            "LiteRT is part of Google Play services and reaches the GPU and the NPU of a phone; GPUs compute "
            "in FP16, whatever the file holds.",
            "The LiteRT library in the app, or Google Play services.",
            (*NARROW, ExportPrecision.FP16),
        ),
        Scenario.EMBEDDED_ARM: Advice(
            1,
            "Its runtime takes about a megabyte and has kernels for ARM processors.",
            "LiteRT for the board; for microcontrollers LiteRT Micro, which wants static INT8 with 8-bit "
            "inputs and outputs.",
            NARROW,
        ),
        Scenario.IOS: Advice(
            2,
            "One file for Android and iOS; Core ML reaches more of Apple's hardware.",
            "The LiteRT pod in the app.",
        ),
    },
    clients=(Client("Kotlin", "Model.kt", KOTLIN), Client("C++", "main.cpp", CPP)),
    order=50,
)
