"""Mixed precision by measured milliseconds, as an OpenVINO model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from core.archives.hard_links import link_or_copy
from core.domain.finding import Figure, Finding, FindingKind
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed, WhetstoneError
from core.graphs.onnx import files as onnx_files
from core.params import setting
from core.passes.checks import onnx_outputs, require_finite
from core.passes.library_errors import library
from core.passes.openvino_files import outputs, read, write
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.coverage import openvino_counts, require_float
from core.passes.quantization.int8_static_ort import PASS as INT8_STATIC_ORT
from core.passes.quantization.int8_static_ort import Int8StaticOrtParams
from core.passes.quantization.mixed.equalization import equalize
from core.passes.quantization.mixed.reversible import Reversible
from core.passes.quantization.mixed.search import Search, Variant
from core.passes.quantization.nncf_quantize import quantized
from core.passes.quantization.portability import portability, portability_findings
from core.protocols import Idea, LocalArtifact, Pass, PassContext

HINT = "Take NNCF's INT8 or BF16 alone."
SHOWN = 3


@dataclass(frozen=True)
class MixedPrecisionParams:
    """What to trade for what."""

    max_loss: float = setting(
        1.0,
        "Largest loss",
        unit="points",
        help="Points of accuracy that may be lost on labelled rows to choose by, with 95 % certainty.",
        low=0.0,
        high=100.0,
    )
    max_error: float = setting(
        5.0,
        "Largest output error",
        unit="%",
        help="Used where the rows have no labels of classes.",
        low=0.0,
        high=100.0,
    )
    fast_bias_correction: bool = setting(
        True,
        "Fast bias correction",
        help="Off corrects layer by layer: takes longer, can be a point more accurate.",
        words={False: "full bias correction"},
    )
    samples: int = setting(
        128, "Calibration samples", help="More find better ranges and take longer.", low=1, high=1000
    )
    seconds: int = setting(
        60,
        "Time for the search",
        unit="s",
        help="After it no further assignment is tried.",
        low=5,
        high=3600,
    )


class MixedPrecision(Pass):
    """INT8 where it is fast and harmless on this machine, the precision of the remainder elsewhere.

    The network is quantized once; from that, variants are built, judged on rows to search by and timed whole
    on the runtime. Layers that change together are the groups of NNCF's accuracy control. Assignments are
    proposed from times and sensitivities of layers, as HAWQ-V3 does by integer programming (Yao et al., ICML
    2021, arXiv 2011.10680), here by a shortest path that counts changes of precision; the choice rests on
    measurements alone. Depthwise convolutions are quantized with one range for all channels, so that they can
    be in 8 bits at all. What plain conversions give (BF16, INT8 by NNCF or ONNX Runtime, the remainder in
    BF16 or FP32) races along, so that none of them is faster than what is chosen.
    """

    id = "mixed_precision"
    name = "Mixed precision"
    summary = (
        "Keeps each layer in 8 bits only where that is faster on this machine and costs little accuracy; "
        "searches by measuring, for a minute."
    )
    learn = Learn(
        does="Each layer is kept in 8 bits only where the whole network is measured to be faster for it, "
        "and its accuracy hardly suffers; the others run in BF16 or FP32. It searches by building "
        "variants and timing them on this machine.",
        costs="A minute or more to build, with the machine for itself, and labelled or at least real "
        "samples to judge by. The result suits this kind of processor.",
        choose="When static INT8 is fast but loses too much, or is slower than hoped because of changes of "
        "precision between layers.",
        expect="At least as fast as the best of BF16 and INT8 that is within the limit, often a tenth faster",
        picture=Picture.LAYERS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.INT8
    version = 2
    Params = MixedPrecisionParams
    produces: ClassVar[dict[str, str]] = {"onnx": "openvino"}
    calibrates = True
    fits = True
    searches = True
    measures = True
    shares = True
    libraries = ("nncf", "openvino")
    build_s = (40.0, 10.0)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself for images, whose convolutions are of many kinds."""
        yield Idea(2 if model.sees_images else 3, 205, "openvino", (Step(self.id),))

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what was chosen, against which alternatives, and the layers that cost most."""
        if not details.get("layers"):
            return
        low, count = sum(each["int8"] for each in details["layers"]), len(details["layers"])
        yield Finding("mixture", FindingKind.NOTE, _outcome(details), figure=Figure(100 * low / count, "%"))
        noisy = sorted(details["layers"], key=lambda each: -each["error_percent"])[:SHOWN]
        listed = "; ".join(
            f"{each['name']} ({each['error_percent']:.2g} % output error alone in INT8, "
            f"{each['int8_ms']:.3f} ms there and {each['float_ms']:.3f} ms in {details['remainder']})"
            for each in noisy
        )
        worst = Figure(noisy[0]["error_percent"], "%")
        yield Finding("sensitive_layers", FindingKind.NOTE, f"Most sensitive layers: {listed}.", figure=worst)
        yield from portability_findings(details)

    def run(
        self, context: PassContext, artifact: LocalArtifact, params: MixedPrecisionParams
    ) -> LocalArtifact:
        """Quantize once, then search.

        Raises:
            PassNotApplicable: Nothing in the graph can be quantized, or there is no runtime to measure on.
            PassFailed: NNCF or OpenVINO broke on it, or the result does not run.
        """
        feeds = CalibrationFeeds(context, params.samples)
        with library("NNCF", context.folder, HINT) as work:
            model = read(artifact.path, context.model).clone()
            require_float(openvino_counts(model))
            network = Reversible(model, feeds, params.fast_bias_correction)
            limits = (params.max_loss, params.max_error)
            ready = _by_onnxruntime(context, artifact, params.samples, work)
            if any(node.get_type_name() == "GroupConvolution" for node in model.get_ops()):
                made = quantized(model, feeds, fast_bias_correction=params.fast_bias_correction)
                ready.append(_written(made, work / "nncf"))
            ready += _equalized(context, artifact, feeds, work)
            made_with = (self.version, params.samples, params.fast_bias_correction, feeds.count)
            search = Search(context, network, _remainder(), limits, params.seconds, work, ready, made_with)
            best = search.best()
            details = _details(search, network, best) | {"samples": feeds.count}
            files = tuple(link_or_copy(file, context.folder / file.name) for file in best.artifact.files)
            require_finite(outputs(files[0], context), onnx_outputs(artifact.path, context), HINT)
            made = read(files[0], context.model)
            counts = openvino_counts(made) | portability(made, context)
        options = artifact.options | best.artifact.options
        return LocalArtifact("openvino", files[0], files, options, counts | details)

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: MixedPrecisionParams) -> None:
        """Check that the file holds as many layers in 8 bits as were chosen.

        Raises:
            PassFailed: It does not.
        """
        chosen = any(each["int8"] for each in after.details["layers"])
        if chosen != bool(after.details["quantized"]):
            raise PassFailed("The file does not hold the precisions that were chosen.", hint=HINT)


def _written(model: Any, folder: Path) -> LocalArtifact:
    folder.mkdir()
    files = write(model, folder, compress=False)
    return LocalArtifact("openvino", files[0], files)


def _by_onnxruntime(
    context: PassContext, artifact: LocalArtifact, samples: int, work: Path
) -> list[LocalArtifact]:
    """Return ONNX Runtime's INT8, which OpenVINO sometimes runs faster than NNCF's, where it can be made."""
    folder = work / "onnxruntime"
    folder.mkdir()
    with suppress(WhetstoneError):
        given = replace(context, folder=folder)
        made = INT8_STATIC_ORT.run(given, artifact, Int8StaticOrtParams(samples=samples))
        return [_written(read(made.path, context.model), folder / "openvino")]
    return []


def _equalized(
    context: PassContext, artifact: LocalArtifact, feeds: CalibrationFeeds, work: Path
) -> list[LocalArtifact]:
    """Return INT8 of the network with its channels equalized, where it has such pairs of layers."""
    graph, path = onnx_files.load(artifact.path), work / "equalized.onnx"
    if not equalize(graph):
        return []
    onnx_files.save(graph, path)
    model = read(path, context.model).clone()
    return [_written(quantized(model, feeds, per_tensor=True), work / "equalized")]


def _remainder() -> str:
    import openvino as ov

    return "bf16" if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def _details(search: Search, network: Reversible, best: Variant) -> dict[str, Any]:
    times = search.race([best, search.all_low, search.all_float])
    layers = [
        {
            "name": network.groups[region.groups[0]][0],
            "operations": sum(len(network.groups[group]) for group in region.groups),
            "int8_ms": region.low_ms,
            "float_ms": region.float_ms,
            "error_percent": 100 * region.noise**0.5,
            "int8": low,
        }
        for region, low in zip(search.regions, best.low, strict=True)
    ]
    named = {"mixed": best, "int8": search.all_low, "float": search.all_float}
    return {
        "remainder": "BF16" if best.artifact.options.get("precision") == "bf16" else "FP32",
        "rows": search.judge.rows,
        "fits": best.fits,
        "earlier_sensitivities": search.reused,
        "ready": any(best.artifact.path == each.artifact.path for each in search.ready),
        "layers": layers,
        "ms": {name: time.ms for name, time in zip(named, times, strict=True)},
        "lost_points": {name: each.loss.points for name, each in named.items()},
        "error_percent": {name: each.loss.error for name, each in named.items()},
    }


def _outcome(details: Mapping[str, Any]) -> str:
    low, count = sum(each["int8"] for each in details["layers"]), len(details["layers"])
    lost, ms = details["lost_points"], details["ms"]

    def figures(name: str) -> str:
        loss = details["error_percent"][name] if lost[name] is None else lost[name]
        return f"{ms[name]:.3f} ms, {loss:.2f} {'% output error' if lost[name] is None else 'points lost'}"

    return (
        f"Of {count} regions of layers {low} are in INT8, the others in {details['remainder']} "
        f"({figures('mixed')}). All in INT8: {figures('int8')}; none: {figures('float')}. Losses are on the "
        f"{details['rows']:,} rows kept for choosing, times are rough"
        + ("." if details["fits"] else "; nothing faster respects the limit of loss.")
        + (" It is a plain INT8 file as a whole: no mixture was faster." if details.get("ready") else "")
    )


PASS = MixedPrecision()
