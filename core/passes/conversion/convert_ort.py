"""Conversion to ONNX Runtime's own file format (.ort), with the list of operators that a reduced build needs.

Source: https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.technique import Kind
from core.errors import PassFailed
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import batches, differ, differences, onnx_outputs
from core.passes.library_errors import library
from core.protocols import LocalArtifact, Pass, PassContext

TOLERANCE = 1e-3
HINT = "Keep the ONNX file, which every build of ONNX Runtime opens."


@dataclass(frozen=True)
class ConvertOrtParams:
    """What the file is for."""

    processor: str = setting(
        "any",
        "Processor",
        help="Any leaves out what only one kind runs; amd64 packs weights for x86 servers, faster there.",
        choices=("any", "amd64", "arm"),
    )
    types: bool = setting(
        True,
        "Number types in the list",
        help="A build reduced by the list then holds kernels for these number types alone: smaller still.",
    )


class ConvertOrt(Pass):
    """A flatbuffer with the graph as ONNX Runtime optimized it, loaded without parsing and optimizing."""

    id = "convert_ort"
    name = "ORT format"
    summary = "Writes ONNX Runtime's own format and the list of operators for a small build of it."
    learn = Learn(
        does="ONNX Runtime optimizes the graph once and writes it as a .ort file, with a list of the "
        "operators and number types in it.",
        costs="Only ONNX Runtime of about the same version reads it. Made for any processor, it lacks what "
        "is laid out for one and can be slower than the ONNX file.",
        choose="For apps and pages that build ONNX Runtime with these operators alone: minimal builds read "
        "nothing else.",
        expect="The same answers and size, loaded faster; a reduced runtime is a few megabytes less",
    )
    kind = Kind.CONVERSION
    Params = ConvertOrtParams
    produces: ClassVar[dict[str, str]] = {"onnx": "ort"}
    libraries = ("onnxruntime",)
    build_s = (1.5, 0.2)
    weights_held = 5.0

    def run(self, context: PassContext, artifact: LocalArtifact, params: ConvertOrtParams) -> LocalArtifact:
        """Convert, and compare both files on ONNX Runtime.

        Raises:
            PassFailed: ONNX Runtime cannot save the graph in this format.
        """
        path = context.folder / "model.ort"
        with library("ONNX Runtime's converter", context.folder, HINT) as work:
            _convert(artifact.path, work, path, params)
            pairs = [
                (onnx_outputs(artifact.path, context, batch), onnx_outputs(path, context, batch))
                for batch in batches(context)
            ]
        operators = onnx_files.operators_file(path)
        told = sorted(_operators(operators))
        details: dict[str, Any] = differences(pairs) | {"operators": told, "batches": list(batches(context))}
        return LocalArtifact("ort", path, (path, operators), dict(artifact.options), details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ConvertOrtParams) -> None:
        """Check that it computes the same and says which operators it needs.

        Raises:
            PassFailed: It does not.
        """
        if not after.details["difference"] <= TOLERANCE:
            raise PassFailed(f"In ONNX Runtime's format {differ(after.details)}.", hint=HINT)
        if not after.details["operators"]:
            raise PassFailed("The list of operators is empty.", hint=HINT)


def _convert(source: Path, work: Path, path: Path, params: ConvertOrtParams) -> None:
    """Write the .ort file to `path`, and the list of operators beside it."""
    from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

    made = work / "made"
    convert_onnx_models_to_ort(
        source,
        output_dir=made,
        optimization_styles=[OptimizationStyle.Fixed],
        target_platform=None if params.processor == "any" else params.processor,
        enable_type_reduction=params.types,
    )
    next(made.glob("*.ort")).replace(path)
    next(made.glob("*.config")).replace(onnx_files.operators_file(path))


def _operators(listed: Path) -> set[str]:
    """Return the operators that a list names: lines of ``domain;set;Name{types},Name``."""
    found = set()
    for line in listed.read_text().splitlines():
        parts = [] if line.startswith("#") else line.split(";", 2)
        names = re.sub(r"\{.*?\}+", "", parts[2]) if len(parts) == 3 else ""
        found |= {name.strip() for name in names.split(",") if name.strip()}
    return found


PASS = ConvertOrt()
