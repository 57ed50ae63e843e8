"""NNCF's post-training quantization of an OpenVINO model, with the care that attention needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from core.errors import PassFailed, PassNotApplicable
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.coverage import OPENVINO_COMPUTE, OPENVINO_MOVES
from core.passes.quantization.ranges.nncf_ranges import BY_HISTOGRAM, histograms_read
from core.passes.quantization.smoothquant import OFF, closest


def quantized(
    model: Any,
    feeds: CalibrationFeeds,
    *,
    attention: bool | None = None,
    smooth: bool = True,
    preset: str = "performance",
    fast_bias_correction: bool = True,
    ignored: Sequence[str] = (),
    ranges: str = "auto",
    reduce_range: bool = False,
    compress: bool = True,
    per_tensor: bool = False,
) -> Any:
    """Return the quantized copy of an OpenVINO model.

    Args:
        model: In float.
        feeds: Calibration data.
        attention: Whether it is a transformer; None looks into the graph.
        smooth: Whether activations of a transformer may be smoothed, which moves their outliers into weights.
        preset: ``performance`` or ``mixed``, whose ranges are asymmetric.
        fast_bias_correction: Off corrects layer by layer.
        ignored: Names of layers that stay in float.
        ranges: How ranges of activations are found: ``auto`` (NNCF's own choice by the kind of layer),
            ``minmax``, ``percentile``, ``entropy`` or ``mse``.
        reduce_range: Whether weights take half of the range of 8 bits.
        compress: Whether weights are stored in 8 bits; off leaves them in float behind quantizers, which can
            be taken out again.
        per_tensor: Whether activations of depthwise convolutions have one range, too. NNCF gives each channel
            its own, more accurate, but OpenVINO's CPU plugin then computes these layers in float.

    Raises:
        PassNotApplicable: Full bias correction of a graph with branches.
        PassFailed: The calibration data never takes some branch of the graph.
    """
    import nncf
    from nncf.quantization.advanced_parameters import QuantizationParameters

    if not fast_bias_correction and any(node.get_type_name() == "If" for node in model.get_ops()):
        raise PassNotApplicable(
            "NNCF corrects biases layer by layer only where a graph has no branches (If), and this one has.",
            hint="Leave the fast bias correction on.",
        )
    attention = has_attention(model) if attention is None else attention
    symmetry = nncf.QuantizationPreset.MIXED if preset == "mixed" else nncf.QuantizationPreset.PERFORMANCE
    names = [port.get_any_name() for port in model.inputs]

    def quantize(smoothing: float | None) -> Any:
        advanced = _advanced(ranges, reduce_range)
        if smoothing is not None:
            advanced["smooth_quant_alphas"] = nncf.AdvancedSmoothQuantParameters(matmul=smoothing)
        if per_tensor:
            advanced["activations_quantization_params"] = QuantizationParameters(per_channel=False)
        if not compress:
            advanced["backend_params"] = {"compress_weights": False}
        with histograms_read(ranges) if ranges in BY_HISTOGRAM else nullcontext():
            return nncf.quantize(
                model.clone(),
                nncf.Dataset(feeds, lambda feed: {name: feed[name] for name in names}),
                preset=None if smoothing is not None and preset == "performance" else symmetry,
                subset_size=feeds.count,
                fast_bias_correction=fast_bias_correction,
                model_type=nncf.ModelType.TRANSFORMER if smoothing is not None else None,
                ignored_scope=nncf.IgnoredScope(names=list(ignored)) if ignored else None,
                advanced_parameters=nncf.AdvancedQuantizationParameters(**advanced) if advanced else None,
            )

    try:
        if not attention:
            return quantize(None)
        return closest(model, feeds, quantize) if smooth else quantize(OFF)
    except nncf.ValidationError as error:
        if "must not be empty" not in str(error):
            raise
        raise PassFailed(
            "The calibration data never takes one of the graph's branches, so its ranges are unknown.",
            hint="Give data that takes every branch, or use ONNX Runtime's static INT8.",
        ) from error


def _advanced(ranges: str, reduce_range: bool) -> dict[str, Any]:
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    found: dict[str, Any] = {}
    known = {
        "minmax": RangeEstimatorParametersSet.MINMAX,
        "percentile": RangeEstimatorParametersSet.MEAN_QUANTILE,
    }
    known |= dict.fromkeys(BY_HISTOGRAM, RangeEstimatorParametersSet.HISTOGRAM)
    if ranges in known:
        found["activations_range_estimator_params"] = known[ranges]
    if reduce_range:
        found["overflow_fix"] = nncf.OverflowFix.ENABLE
    return found


def has_attention(model: Any) -> bool:
    """Whether something is weighed by a softmax; norms tell nothing, older exports take them apart."""
    nodes = model.get_ordered_ops()
    return any(
        node.get_type_name() == "ScaledDotProductAttention"
        or (node.get_type_name() == "Softmax" and _weighs(node))
        for node in nodes
    )


def _weighs(softmax: Any) -> bool:
    waiting = [softmax]
    for node in waiting:
        users = [port.get_node() for output in node.outputs() for port in output.get_target_inputs()]
        if any(user.get_type_name() == "MatMul" for user in users):
            return True
        waiting += [user for user in users if user.get_type_name() in OPENVINO_MOVES]
    return False


def heavy_layers(model: Any) -> list[str]:
    """Return the names of the layers that take nearly all the time, in their order."""
    nodes = (node for node in model.get_ordered_ops() if node.get_type_name() in OPENVINO_COMPUTE)
    return [node.get_friendly_name() for node in nodes]
