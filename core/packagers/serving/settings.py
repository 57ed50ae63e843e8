"""`service.json`: what the serving core needs to know of the model and of what was chosen."""

from __future__ import annotations

from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np

from core.datasets.images.normalization import ImageParams, Pixels, image_input
from core.datasets.images.transforms import GRAY, resizing
from core.domain.model import CLASS_TASKS, SourceModel, TensorSpec
from core.packagers.readme import meaning
from core.packagers.serving.batches import BatchPlan, curve
from core.packagers.serving.options import Features, ServiceParams, on
from core.protocols import Package
from core.serde import from_plain
from core.texts import one_line

VERSION, SECOND, ORIGINAL = "v1", "v2", "original"
"""Folders of the kits in a service."""
MODEL = "model"
"""Name by which protocols of several models know the one of a service."""
MOST_JSON_NUMBERS = 200_000
MOST_JSON_BYTES, JSON_NUMBER_BYTES = 5_000_000, 25
MB = 1_000_000


def settings_of(package: Package, params: ServiceParams, plan: BatchPlan) -> dict[str, Any]:
    """Return the content of `service.json`."""
    model, result = package.model, package.candidate.result
    return {
        "name": one_line(f"{model.name}: {package.candidate.name}", 200),
        "model": MODEL,
        "version": VERSION,
        "fallback": ORIGINAL if params.fallback else "",
        "features": on(Features, params),
        "inputs": _inputs(package, plan),
        "outputs": [{"name": s.name, "dtype": s.dtype, "shape": list(s.shape)} for s in model.outputs],
        "batches": {
            "symbol": plan.symbol,
            "sizes": list(plan.sizes),
            "fixed": plan.fixed,
            "delay_ms": plan.delay_ms,
            "bulk": bulk(package, plan),
        },
        "picture": picture(package),
        "scores": scores(model),
        "classes": [one_line(name, 200) for name in package.data.classes] if package.data is not None else [],
        "detects": result is not None and result.fidelity.detections is not None,
        "port": params.port,
        "max_rows": params.max_rows,
        "max_body_bytes": params.max_body_mb * MB,
        "max_json_numbers": MOST_JSON_NUMBERS,
        "max_json_bytes": most_json(model),
        "timeout_s": params.timeout_s,
        "max_waiting": params.max_waiting,
        "cache_bytes": params.cache_mb * MB if params.cache else 0,
        "canary": SECOND if params.canary and params.second else "",
        "share": params.share,
        "canary_requests": params.canary_requests,
        "shadow": SECOND if params.shadow and params.second else "",
        "slow_ms": slow_ms(package),
        "log_share": params.log_share,
        "log_rows": params.log_rows,
        "log_inputs": params.log_inputs,
        "rate": f"{params.rate}/minute" if params.rate_limit else "",
    }


def most_json(model: SourceModel) -> int:
    """Return the bytes that a request in JSON may have, always one row's: more would block others."""
    row = sum(prod(size for size in spec.shape[1:] if isinstance(size, int)) for spec in model.inputs)
    return max(MOST_JSON_BYTES, JSON_NUMBER_BYTES * row)


def bulk(package: Package, plan: BatchPlan) -> int:
    """Return the rows of a call that gave the highest throughput; the most where none was measured."""
    measured = curve(package)
    return max(plan.sizes, key=lambda size: (measured.get(size, 0.0), size))


def slow_ms(package: Package) -> float:
    """Return the milliseconds that 5 % of the requests may exceed: five times the measured ones."""
    result = package.candidate.result
    measured = 5 * result.timing.latency.p50 if result is not None else 1000.0
    return float(f"{max(measured, 50):.2g}")


def _inputs(package: Package, plan: BatchPlan) -> list[dict[str, Any]]:
    with np.load(package.golden, allow_pickle=False) as arrays:
        finite = [
            all(_finite(arrays[f"input_{sample}_{index}"]) for sample in range(package.golden_samples))
            for index in range(len(package.model.inputs))
        ]
    return [
        {
            "name": spec.name,
            "dtype": spec.dtype,
            "shape": _shape(spec, plan),
            "meaning": meaning(spec),
            "high": spec.high,
            "finite": all_finite,
        }
        for spec, all_finite in zip(package.model.inputs, finite, strict=True)
    ]


def _finite(array: Any) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _shape(spec: TensorSpec, plan: BatchPlan) -> list[int | str]:
    """Return the shape that a request may have: its rows are split where the model's number is fixed."""
    return list(spec.shape) if plan.symbol is None else [plan.symbol, *spec.shape[1:]]


def scores(model: SourceModel) -> str:
    """Return the name of the output that holds a score for each class, a row a sample; else empty."""
    if model.task not in CLASS_TASKS or not model.classes:
        return ""
    found = (each for each in model.outputs if len(each.shape) == 2 and each.shape[1] == model.classes)
    return next((each.name for each in found), "")


def picture(package: Package) -> dict[str, Any] | None:
    """Return how an image file becomes the input, as the run had it; None where the model takes none."""
    model, data = package.model, package.data
    seen = model.with_sample_axis()
    known = from_plain(data.pixels, Pixels) if data is not None and data.pixels else None
    pixels = known or (image_input(seen, ImageParams()) if model.sees_images else None)
    if pixels is None or len(model.inputs) != 1:
        return None
    fitted = (data.resizing if data is not None else None) or resizing(pixels, ImageParams(), model)
    return {
        "input": pixels.name,
        "batched": model.by_rows,
        **{name: value for name, value in asdict(pixels).items() if name != "name"},
        **fitted,
        "gray": GRAY,
    }
