"""BF16 inference: the file stays as it is, the runtime is told to use the processor's BF16 units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from core.archives.hard_links import link_or_copy
from core.domain.learn import Learn, Picture
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.technique import Kind, NoParams, Precision
from core.errors import PassFailed, PassNotApplicable
from core.protocols import Idea, LocalArtifact, Pass, PassContext

INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})
FORMATS = ("onnx", "openvino", "state_dict", "pt2")


class Bf16(Pass):
    """After an INT8 pass this means INT8 with a BF16 remainder, often the fastest of all on OpenVINO."""

    id = "bf16"
    name = "BF16"
    summary = "Lets the runtime compute in 16 bits with the range of FP32; needs a processor with BF16 units."
    learn = Learn(
        does="The runtime computes in 16 bits: the range of FP32 with 8 bits of precision. The file stays "
        "as it is.",
        costs="Hardly any accuracy, no data and no time to build. Without BF16 instructions (AVX512-BF16, "
        "AMX, or ARM's) the processor computes FP32 as before.",
        choose="As a first try on every processor that has the instructions, and for what INT8 leaves in "
        "float.",
        expect="1.5 to 2 times faster than FP32 with AVX512-BF16, more with AMX; 0 to 0.2 points lost",
        picture=Picture.FLOATS,
    )
    kind = Kind.QUANTIZATION
    precision = Precision.BF16
    produces: ClassVar[dict[str, str]] = {format: format for format in FORMATS}
    build_s = (1.0, 0.0)

    def requires(self, model: SourceModel, environment: Environment, params: NoParams) -> None:
        """Refuse processors that would only emulate it.

        Raises:
            PassNotApplicable: The processor has neither AVX512-BF16 nor AMX.
        """
        if not INSTRUCTIONS & set(environment.isa):
            raise PassNotApplicable(
                f"This CPU ({environment.cpu}) has no BF16 instructions.",
                hint="INT8 needs none, or run on a machine with AVX512-BF16 or AMX.",
            )

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Yield itself where the processor has units for it: the first, since it is there soonest."""
        if step := self.remainder(environment):
            yield Idea(1, 0, "openvino", (step,))
            yield Idea(2, 260, "pytorch", (step,))

    def remainder(self, environment: Environment) -> Step | None:
        """Return the step where the processor has units for it."""
        return Step(self.id) if INSTRUCTIONS & set(environment.isa) else None

    def run(self, context: PassContext, artifact: LocalArtifact, params: NoParams) -> LocalArtifact:
        """Pass the files on with the option that runtimes honour.

        Raises:
            PassNotApplicable: PyTorch's autocast leaves a network of other floats than FP32 as it is.
        """
        other = {spec.dtype for spec in context.model.inputs} & {"float16", "float64"}
        if other and artifact.format in ("pt2", "state_dict"):
            raise PassNotApplicable(
                f"The network computes in {other.pop()}, and PyTorch turns only float32 to BF16.",
                hint="Export it in float32.",
            )
        files = tuple(link_or_copy(file, context.folder / file.name) for file in artifact.files)
        options = artifact.options | {"precision": "bf16"}
        return LocalArtifact(artifact.format, files[0], files, options, dict(artifact.details))

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: NoParams) -> None:
        """Check that the files are the same.

        Raises:
            PassFailed: One is missing or has another size.
        """
        sizes = [{file.name: file.stat().st_size for file in artifact.files} for artifact in (before, after)]
        if sizes[0] != sizes[1] or after.options.get("precision") != "bf16":
            raise PassFailed("A file was lost on the way.", hint="Look whether the disk is full.")


PASS = Bf16()
