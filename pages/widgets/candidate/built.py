"""What a technique did to a model, as its artifact's details tell it, in the words of an engineer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeGuard

from pages import format as fmt

Details = Mapping[str, Any]

PAIRS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "parameters": ("parameters", fmt.count),
    "macs": ("multiply-accumulates", fmt.count),
    "nodes": ("graph nodes", fmt.count),
    "opset": ("ONNX operator set", str),
    "compressed": ("file, compressed", fmt.size),
    "sparsity": ("weights that are zero", lambda share: fmt.percent(100 * share)),
}
"""Figures that some techniques also give as they were before, under the same name with ``_before``."""

NUMBERS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "samples": ("calibrated on", lambda many: fmt.plural(many, "sample")),
    "rows": ("chosen on", lambda many: fmt.plural(many, "sample")),
    "reduction": ("latency saved while pruning", lambda share: fmt.percent(100 * share)),
    "removable": ("blocks that could be removed", fmt.count),
    "corrected": ("layers with a corrected bias", fmt.count),
    "layers": ("layers", fmt.count),
    "halved": ("tensors stored in FP16", fmt.count),
    "ranges": ("ranges found", fmt.count),
    "branches": ("branches removed", fmt.count),
    "delegates": ("parts handed to kernels of the device", fmt.count),
    "bytes_in_4_bits": ("weights in 4 bits", fmt.size),
    "bytes_in_8_bits": ("weights in 8 bits", fmt.size),
    "bytes_wider": ("wider weights", fmt.size),
    "weights_in_int8": ("weights in INT8", fmt.count),
    "weights_in_float16": ("weights in FP16", fmt.count),
    "weights_in_float32": ("weights in FP32", fmt.count),
    "batch": ("batch size", str),
    "steps": ("training steps", fmt.count),
    "best_step": ("best weights after step", fmt.count),
    "learning_rate": ("learning rate", lambda rate: f"{rate:g}"),
    "seconds": ("trained for", fmt.duration),
    "compile_s": ("compiled in", fmt.duration),
}
WORDS = {
    "exporter": "exporter",
    "precision": "computes in",
    "remainder": "the rest in",
    "optimizer": "optimizer",
}
SAID = {"dynamo": "torch.export", "f32": "FP32", "f16": "FP16"}
LONGEST = 60


def built(details: Details) -> list[str]:
    """Return what `details` say in short facts with bold figures; what only the program needs is left out.

    Args:
        details: Of the artifact, as the technique returned them.
    """
    return [*_layers(details), *_pairs(details), *_numbers(details), *_words(details), *_outputs(details)]


def _layers(details: Details) -> Iterator[str]:
    low, rest = details.get("quantized"), details.get("float")
    if _number(low) and low:
        of = f" of {low + rest:,}" if _number(rest) else ""
        yield f"quantized layers **{low:,}{of}**"


def _pairs(details: Details) -> Iterator[str]:
    for name, (label, text) in PAIRS.items():
        before, now = details.get(f"{name}_before"), details.get(name)
        if _number(now):
            was = f"{text(before)} → " if _number(before) and before != now else ""
            yield f"{label} **{was}{text(now)}**"


def _numbers(details: Details) -> Iterator[str]:
    for name, (label, text) in NUMBERS.items():
        value = details.get(name)
        if _number(value):
            yield f"{label} **{text(value)}**"


def _words(details: Details) -> Iterator[str]:
    for name, label in WORDS.items():
        value = details.get(name)
        if isinstance(value, str) and len(value) < LONGEST:
            yield f"{label} **{fmt.plain(SAID.get(value, value))}**"
    fixed = details.get("fixed")
    told = ", ".join(f"{name} = {value}" for name, value in fixed.items()) if isinstance(fixed, dict) else ""
    if 0 < len(told) < LONGEST:
        yield f"inputs held fixed **{fmt.plain(told)}**"


def _outputs(details: Details) -> Iterator[str]:
    worst = details.get("difference")
    if not _number(worst):
        return
    if details.get("other_detections"):
        yield f"other detections after it **{fmt.percent(100 * worst)}**"
    elif worst:
        much = "under 0.01" if worst < 1e-4 else f"{100 * worst:.3g}"
        yield f"outputs differ by at most **{much} %** of their range"
    else:
        yield "outputs **the same**"


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
