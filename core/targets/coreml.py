"""Core ML, which Apple's devices run."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step
from core.protocols import Advice, Client, ExportTarget

NO_ACTIVATIONS = (
    "Core ML's tools find ranges of activations on a Mac only. Take int8_dynamic, which stores the weights "
    "in INT8, or LiteRT for static INT8."
)
SWIFT = """\
// On a Mac: swift clients/Predict.swift model. In an app, Xcode compiles a package of the project.
import CoreML
import Foundation

let package = URL(fileURLWithPath: CommandLine.arguments[1]).appendingPathComponent("{model}")
let model = try MLModel(contentsOf: MLModel.compileModel(at: package))
var inputs: [String: Any] = [:]
for (name, described) in model.modelDescription.inputDescriptionsByName {
    let wanted = described.multiArrayConstraint!
    let array = try MLMultiArray(shape: wanted.shape, dataType: wanted.dataType)
    for index in 0..<array.count { array[index] = 0 }
    inputs[name] = array
}
let outputs = try model.prediction(from: MLDictionaryFeatureProvider(dictionary: inputs))
for name in outputs.featureNames { print(name, outputs.featureValue(for: name)!) }
"""

TARGET = ExportTarget(
    id="coreml",
    name="Core ML",
    summary="A .mlpackage for iOS and macOS, on CPU, GPU and Neural Engine; built and checked here, run by "
    "Apple's only.",
    runtime="coreml",
    format="mlpackage",
    precisions={
        ExportPrecision.FP32: (Step("export_coreml", {"fp16": False}),),
        ExportPrecision.FP16: (Step("export_coreml"),),
        ExportPrecision.INT8_DYNAMIC: (Step("export_coreml"), Step("weights_coreml")),
        ExportPrecision.INT4: (Step("export_coreml"), Step("weights_coreml", {"weights": "palette_4"})),
    },
    default=ExportPrecision.FP16,
    lacks={ExportPrecision.INT8_STATIC: NO_ACTIVATIONS},
    needs="A Mac with macOS 14, or iOS 17, or newer.",
    guide={
        Scenario.IOS: Advice(
            1,
            "Nothing else reaches the Neural Engine, which is fast and saves power; it asks for FP16.",
            "Devices with iOS 17 or macOS 14, or newer. It cannot be measured here: its kit measures it on a "
            "Mac.",
            (ExportPrecision.FP16, ExportPrecision.INT8_DYNAMIC, ExportPrecision.INT4),
        ),
    },
    clients=(Client("Swift", "Predict.swift", SWIFT),),
    order=70,
)
