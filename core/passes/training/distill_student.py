"""Knowledge distillation into a smaller network: a narrower or shallower copy, or another architecture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from core.architectures.construct import construct
from core.complaints import complaint
from core.domain.learn import Learn, Picture
from core.errors import PassNotApplicable
from core.examples import is_picture
from core.graphs.torch.modules import load_exported
from core.params import setting
from core.passes.checks import EXAMPLE_BATCH
from core.passes.torch_calls import exported, outputs
from core.passes.training.distill import Distill, DistillParams
from core.passes.training.network import Network
from core.protocols import LocalArtifact, PassContext
from core.registry import get_pass

NARROWER, SHALLOWER = "narrower", "shallower"
COPIES = {NARROWER: "prune_channels", SHALLOWER: "prune_depth"}
COPY_HINT = f"Choose {NARROWER} or {SHALLOWER}: these copy your own network."
CLOSE_NAMES = 3


@dataclass(frozen=True)
class DistillStudentParams(DistillParams):
    """What learns, beside how."""

    student: str = setting(
        NARROWER,
        "Student",
        help="Narrower or shallower: a copy of your network with fewer channels or residual blocks, which "
        "begins with your weights. Or a network of torchvision by name, such as mobilenet_v3_small, which "
        "begins with random weights and needs many images and hours.",
    )
    removed: float = setting(
        0.5,
        "Removed share",
        help="Of the channels, or of the operations in residual blocks, that a copy does without.",
        low=0.05,
        high=0.9,
        strength=True,
    )


class DistillStudent(Distill):
    """A copy begins as structured pruning leaves it; all widths may shrink, as training follows at once."""

    id = "distill_student"
    name = "Distillation into a smaller network"
    summary = (
        "Trains a narrower or shallower copy of your network, or one of torchvision's by name, to answer as "
        "your model does."
    )
    learn = Learn(
        does="A narrower or shallower copy of your network, or a known small one, is trained from the "
        "start to answer as your model does.",
        costs="The longest training of all, minutes to hours, and more real inputs than recovery takes.",
        choose="When a much smaller network is wanted than pruning reaches.",
        expect="2 to 10 times faster, for a loss that depends on the data and the time for training",
        picture=Picture.CURVE,
    )
    Params = DistillStudentParams
    calibrates = True
    libraries = ("torch", "torchvision", "openvino")
    build_s = (131.0, 2.0)

    def network(
        self, context: PassContext, artifact: LocalArtifact, params: DistillStudentParams, work: Path
    ) -> Network:
        """Return the smaller network.

        Raises:
            PassNotApplicable: There is none of that name, it takes or gives something else, it is no smaller,
                or the network cannot be made so.
            PassFailed: The pruning broke on the network.
        """
        original = super().network(context, artifact, params, work)
        if params.student in COPIES:
            student = Network(load_exported(_copy(context, artifact, params, work).path))
        else:
            student = _named(context, params.student)
            _require_same_shapes(context, params.student, original, student)
        sizes = [sum(each.numel() for each in network.parameters) for network in (student, original)]
        if not sizes[0] < sizes[1]:
            raise PassNotApplicable(
                f"{params.student} has {sizes[0]:,} parameters, your network {sizes[1]:,}.",
                hint="Name a smaller one.",
            )
        return student


def _copy(
    context: PassContext, artifact: LocalArtifact, params: DistillStudentParams, work: Path
) -> LocalArtifact:
    pruning, folder = get_pass(COPIES[params.student]), work / "student"
    folder.mkdir()
    wanted: dict[str, Any] = {"ratio": params.removed, "residuals": True}
    if params.student == SHALLOWER:
        wanted = {"share": params.removed}
    made = pruning.run(replace(context, folder=folder), artifact, pruning.Params(**wanted))
    pruning.ensures(artifact, made, pruning.Params(**wanted))
    return made


def _named(context: PassContext, name: str) -> Network:
    """Return torchvision's network `name` for the classes of the model, with random weights.

    Raises:
        PassNotApplicable: There is none, it cannot read the model's inputs, or the model is no classifier of
            pictures.
    """
    import torch
    from torchvision import models

    known = models.list_models(models)
    if name not in known:
        close = ", ".join(get_close_matches(name, known, n=CLOSE_NAMES))
        raise PassNotApplicable(
            f"The source of a network {name!r} is not known.",
            hint=f"{NARROWER} and {SHALLOWER} copy yours" + (f"; or did you mean {close}?" if close else "."),
        )
    inputs, classes = context.model.inputs, context.model.classes
    shape = context.model.shapes()[inputs[0].name]
    if classes is None or len(inputs) != 1 or not is_picture(inputs[0], shape):
        raise PassNotApplicable(
            "Networks of torchvision read pictures and score classes; your model does something else.",
            hint=COPY_HINT,
        )
    torch.manual_seed(context.seed)
    try:
        return Network(exported(construct(name, {}, classes).eval(), context))
    except RuntimeError as error:
        raise PassNotApplicable(
            f"{name} cannot read inputs of the shape {list(shape)}: {complaint(error, last=True)}",
            hint=COPY_HINT,
        ) from error


def _require_same_shapes(context: PassContext, name: str, original: Network, student: Network) -> None:
    def shapes(network: Network) -> list[tuple[int, ...]]:
        return [each.shape for each in outputs(network.module, context, EXAMPLE_BATCH)]

    wanted, found = shapes(original), shapes(student)
    if found != wanted:
        raise PassNotApplicable(
            f"{name} gives outputs of the shapes {found}, your network {wanted}.", hint=COPY_HINT
        )


PASS = DistillStudent()
