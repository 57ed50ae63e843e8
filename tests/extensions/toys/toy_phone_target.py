"""Toy models for phones, which nothing here runs."""

from __future__ import annotations

from core.domain.export import ExportPrecision, Scenario
from core.protocols import Advice, Client, ExportTarget

TARGET = ExportTarget(
    id="toy_phone",
    name="Toy phone",
    summary="For phones.",
    runtime="toy_phone",
    format="toy_phone",
    precisions={ExportPrecision.FP32: ()},
    lacks={ExportPrecision.INT8_STATIC: "Phones of this kind count no integers. Take the toy."},
    needs="Any phone with two matrices.",
    guide={Scenario.IOS: Advice(0, "Nothing is as small.", "A phone.")},
    clients=(Client("C", "main.c", 'open("{model}");', "Compiled in nobody's test."),),
)
