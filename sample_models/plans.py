"""Training configurations of the sample models."""

from __future__ import annotations

from dataclasses import dataclass

from core.architectures import Architecture


@dataclass(frozen=True)
class TrainingPlan:
    """One sample: its network, its words for people, and its training.

    Attributes:
        shift: training images move by up to this many pixels (0 for no augmentation).
        jitter: standard deviation of the noise on token ids (0 for none).
    """

    id: str
    name: str
    description: str
    data: str
    input_name: str
    input_words: str
    architecture: Architecture
    epochs: int
    rate: float
    shift: int = 0
    jitter: float = 0.0


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
        description="Convolutional network with batch norm and residuals that reads handwritten digits.",
        data="digits",
        input_name="image",
        input_words="8x8 digits, each pixel repeated 4x4 to 1x32x32, divided by 16 to [0, 1]",
        architecture=RESNET,
        epochs=10,
        rate=4e-3,
        shift=4,
    ),
    TrainingPlan(
        id="digits-transformer",
        name="Digits transformer",
        description="Twelve-layer transformer encoder that reads a digit as a sentence of 64 pixel values.",
        data="digits",
        input_name="tokens",
        input_words="64 pixels of a digit, row by row, as token ids 0 to 16",
        architecture=TRANSFORMER,
        epochs=22,
        rate=1e-3,
        jitter=1.0,
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
