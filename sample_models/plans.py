"""Training configurations of the sample models."""

from __future__ import annotations

from dataclasses import dataclass

from core.architectures import Architecture


@dataclass(frozen=True)
class TrainingPlan:
    """One sample: its network, its words for people, and its training."""

    id: str
    name: str
    description: str
    data: str
    input_name: str
    input_words: str
    architecture: Architecture
    epochs: int
    rate: float

    @property
    def tokens(self) -> bool:
        """Whether the network reads token ids."""
        return self.architecture.input_dtype == "int64"


RESNET = Architecture(
    name="cifar_resnet32",
    family="cifar_resnet",
    config={"blocks": [5, 5, 5], "widths": [32, 40, 48], "channels": 1, "classes": 10, "option": "A"},
    classes=10,
    input_shape=(1, 32, 32),
)
TRANSFORMER = Architecture(
    name="token_transformer",
    family="samples",
    config={
        "values": 17,
        "tokens": 64,
        "width": 96,
        "layers": 12,
        "heads": 3,
        "hidden": 80,
        "classes": 10,
    },
    classes=10,
    input_shape=(64,),
    input_dtype="int64",
    values=17,
)
MLP = Architecture("tabular_mlp", "samples", {"sizes": [30, 128, 128, 64, 2]}, 2, (30,))

PLANS = (
    TrainingPlan(
        id="digits-resnet",
        name="Digits ResNet-32",
        description="Convolutional network with residuals that reads handwritten digits among clutter.",
        data="cluttered_digits",
        input_name="image",
        input_words="digits on 1x32x32 pixels, rotated, among fragments of others and in noise, 0 to 1",
        architecture=RESNET,
        epochs=3,
        rate=4e-3,
    ),
    TrainingPlan(
        id="digits-transformer",
        name="Digits transformer",
        description="Twelve-layer transformer encoder that reads a noisy digit as 64 pixel values in a row.",
        data="cluttered_digits",
        input_name="tokens",
        input_words="8x8 pixels of a rotated digit in noise, row by row, as token ids 0 to 16",
        architecture=TRANSFORMER,
        epochs=3,
        rate=1e-3,
    ),
    TrainingPlan(
        id="cancer-mlp",
        name="Breast-cancer MLP",
        description="Tabular MLP that tells benign from malignant tumours by 30 features.",
        data="breast_cancer",
        input_name="features",
        input_words="30 raw measurements; the network standardises them itself",
        architecture=MLP,
        epochs=40,
        rate=2e-3,
    ),
)


def plan_of(sample_id: str) -> TrainingPlan:
    """Return the plan of a sample; raises KeyError for an unknown one."""
    return {plan.id: plan for plan in PLANS}[sample_id]
