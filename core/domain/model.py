"""The uploaded model and the data that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SMALLEST_SIDE = 8
"""Of what is taken for a picture."""
SAMPLE_AXIS = "whole_sample"
"""Symbol of the axis that data sets put before inputs which have no batch in front."""

TASKS = {
    "image-classification": "Image classification",
    "text-classification": "Text classification",
    "tabular-classification": "Tabular classification",
    "token-classification": "Token classification",
    "text-generation": "Text generation",
    "image-segmentation": "Image segmentation",
    "object-detection": "Object detection",
    "regression": "Regression",
    "image-to-image": "Image to image",
    "other": "Task unknown",
}
"""What a model may be for, by the names of Hugging Face where they have one, with its name for people."""
NUMBER_TASKS = frozenset({"regression", "image-to-image"})
"""Those whose outputs are numbers to predict."""
DETECTION = "object-detection"
"""The one whose outputs are lists of boxes with scores and classes, as many as are found."""
CLASS_TASKS = frozenset(TASKS) - NUMBER_TASKS - {DETECTION, "other"}
"""Those whose outputs are scores of classes."""


@dataclass(frozen=True)
class FileRef:
    """A file in the content-addressed store.

    Attributes:
        name: Relative name to give it when it is laid out in a folder.
        sha256: Content hash, the key in the store.
        size: Bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class TensorSpec:
    """One input or output tensor.

    Attributes:
        name: Name under which the runtime feeds or returns it.
        dtype: NumPy name of the element type, such as ``float32``, ``int64`` or ``bool``.
        shape: Sizes; a string is a symbolic dimension, resolved by `SourceModel.symbols`.
        high: For integer inputs, the exclusive upper bound of valid values (a vocabulary's size), if known.
        compared: For inputs of one whole number, the constants that the graph compares it with.
        span: Smallest and largest usual value, where the model tells, else None; others are no fault.
        told: What tells `high` or `span`, as the end of a sentence for people.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    high: int | None = None
    compared: tuple[int, ...] = ()
    span: tuple[float, float] | None = None
    told: str = ""

    def resolve(self, symbols: Mapping[str, int]) -> tuple[int, ...]:
        """Return the concrete shape under `symbols`; an unknown symbol counts as 1."""
        return tuple(symbols.get(size, 1) if isinstance(size, str) else size for size in self.shape)


def takes_one_picture(
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    symbols: Mapping[str, int],
    batch: str | None,
) -> bool:
    """Whether the only input is a picture (3, height, width) without a batch, which no output follows."""
    if len(inputs) != 1 or batch is not None:
        return False
    shape = inputs[0].resolve(symbols)
    picture = len(shape) == 3 and shape[0] == 3 and min(shape[1:]) >= SMALLEST_SIDE
    return picture and all(spec.shape[:1] != (3,) for spec in outputs)


@dataclass(frozen=True)
class Note:
    """Something that cannot be done with a model, and why.

    Attributes:
        message: What is not possible and why.
        hint: What the person can do about it.
    """

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Preprocessing:
    """Image preprocessing that the model was trained with, as its library or its own files say.

    Attributes:
        origin: Who says so, such as ``timm's resnet50``.
        mean: Per channel in R, G, B order, in the range of `scale`; empty for none.
        std: Likewise.
        scale: Range that pixels 0 to 255 are mapped to before mean and deviation: ``0..1``, ``0..255`` or
            ``-1..1``.
        resize: ``crop`` keeps the proportions and cuts out the centre, ``stretch`` does not.
        crop: Share of the resized shorter side that is kept; None for the usual.
        interpolation: ``bilinear``, ``bicubic``, ``lanczos`` or ``nearest``.
    """

    origin: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    scale: str = "0..1"
    resize: str = "crop"
    crop: float | None = None
    interpolation: str = "bilinear"


@dataclass(frozen=True)
class SourceModel:
    """A model as its owner uploaded it, described without its weights.

    Attributes:
        id: Hash of the upload and of what was stated about it; key of the model in the store.
        name: Display name, from the file name.
        format: ``onnx``, ``pt2``, ``torchscript`` or ``state_dict``.
        files: The stored files; the first is the one to open.
        sha256: Hash of the file that was uploaded.
        inputs: Input tensors in calling order.
        outputs: Output tensors in returning order.
        symbols: Chosen example size of each symbolic dimension, the batch among them.
        batch_symbol: The symbol that is the batch, or None for a model of fixed batch.
        parameters: Number of weights.
        macs: Multiply-accumulates of one forward pass at the example shape and batch 1, if countable.
        size_bytes: Size of the weights and graph as uploaded.
        task: As in `TASKS`; ``other`` where nothing tells.
        classes: Size of the class axis, of a classifier or of what labels may show to be one.
        architecture: JSON-able description from `core.architectures`, for state dicts.
        opset: ONNX operator set, for ONNX files.
        notes: What is not possible with this model, and why.
        preprocessing: How images become inputs, where that is known and not guessed.
        precision: What it computes in as uploaded: ``FP64``, ``FP32``, ``FP16``, ``BF16`` or ``INT8``.
    """

    id: str
    name: str
    format: str
    files: tuple[FileRef, ...]
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    symbols: dict[str, int]
    batch_symbol: str | None
    parameters: int
    macs: int | None
    size_bytes: int
    task: str = "other"
    classes: int | None = None
    architecture: dict[str, Any] | None = None
    opset: int | None = None
    notes: tuple[Note, ...] = ()
    preprocessing: Preprocessing | None = None
    precision: str = "FP32"

    def shapes(self, batch: int = 1) -> dict[str, tuple[int, ...]]:
        """Return the concrete shape of each input at `batch` (ignored where the batch is fixed)."""
        symbols = dict(self.symbols)
        if self.batch_symbol is not None:
            symbols[self.batch_symbol] = batch
        return {spec.name: spec.resolve(symbols) for spec in self.inputs}

    def classes_judged(self, labelled: bool) -> int | None:
        """Return the size of the class axis to judge by, None where nothing tells of classes.

        Args:
            labelled: Whether the data brings class labels, which are evidence too.
        """
        return self.classes if labelled or self.task in CLASS_TASKS else None

    @property
    def by_rows(self) -> bool:
        """Whether every input has the batch in front; recurrent states and scalars have not."""
        front = self.batch_symbol or self._first_size
        return not self.takes_one_picture and all(spec.shape[:1] == (front,) for spec in self.inputs)

    @property
    def takes_one_picture(self) -> bool:
        """Whether its only input is a picture (3, height, width) without a batch, as detectors have it."""
        return takes_one_picture(self.inputs, self.outputs, self.symbols, self.batch_symbol)

    @property
    def sees_images(self) -> bool:
        """Whether images go in and no texts: rank 4 is also that of the keys and values of past tokens."""
        tokens = any(spec.dtype.startswith("int") and len(spec.shape) == 2 for spec in self.inputs)
        pictures = self.takes_one_picture or any(len(spec.shape) >= 4 for spec in self.inputs)
        return not tokens and pictures

    @property
    def canvas(self) -> tuple[int, int] | None:
        """Height and width of the first input that is a picture, None without one."""
        for spec in self.inputs:
            shape = spec.resolve(self.symbols)
            row = shape if self.takes_one_picture else shape[1:]
            if len(row) == 3 and min(row[0], row[2]) in (1, 3):
                return row[1:] if row[0] in (1, 3) else row[:2]
        return None

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size the model is run at, or None where the batch is symbolic.

        It is 1 where an input has no batch in front: then a sample is a whole call.
        """
        if not self.by_rows:
            return 1
        return self._first_size if self.batch_symbol is None else None

    @property
    def _first_size(self) -> int:
        first = self.inputs[0].shape[:1] if self.inputs else ()
        return first[0] if first and isinstance(first[0], int) else 1

    def with_sample_axis(self) -> SourceModel:
        """Return the model as data sets see it: itself, or with an axis of samples before every input."""
        if self.by_rows:
            return self
        symbols = {**self.symbols, SAMPLE_AXIS: 1}
        if self.batch_symbol is not None:
            symbols[self.batch_symbol] = 1
        inputs = tuple(replace(spec, shape=(SAMPLE_AXIS, *spec.shape)) for spec in self.inputs)
        return replace(self, inputs=inputs, symbols=symbols, batch_symbol=SAMPLE_AXIS)


@dataclass(frozen=True)
class DataSet:
    """Prepared data: one array per input, rows aligned, already in the model's layout and scale.

    The files are ``calibration/<i>.npy``, ``search/<i>.npy``, ``evaluation/<i>.npy`` (the test) and
    ``training/<i>.npy``, one per input in the model's order, and ``<part>/labels.npy`` where labelled
    (``<part>/boxes.npy`` for boxes: a technique never takes them for classes). No row is in two parts.

    Attributes:
        id: Hash of the raw data, the model and the preparation; enters the artifact ids of passes that
            calibrate.
        name: Display name.
        files: The stored arrays.
        inputs: Names of the inputs in the order of the arrays.
        calibration_samples: Rows for calibration.
        evaluation_samples: Rows for accuracy: those of search and test together.
        labelled: Whether labels are there.
        classes: Class names in label order; empty where unknown.
        origin: ``npz``, ``images``, ``csv``, ``builtin`` or ``random``.
        preparation: What was done to the raw data, as label and value, for the page.
        search_samples: Rows of the evaluation that strategies may look at; a run that does not search counts
            them to the test. None in data sets of few samples and in those of old.
        training_samples: Rows of the training set; 0 without one.
        numbers: Labels are numbers to predict, not classes.
        label_classes: Number of classes that the labels choose from, where the model's own does not tell.
        label_shape: Of one sample's labels: () for one class or number, (height, width) for a mask.
        label_spread: Standard deviation of the numbers to predict.
        boxes: Labels are boxes to find, see `core.protocols.datasets.Prepared`.
        preprocess_ms: Time of making one row of its file, such as reading, decoding, resizing and normalizing
            an image, on one core; None where rows came as arrays, and in data sets of old.
        pixels: How images became the input, `core.datasets.images.normalization.Pixels` as plain values; None
            where nobody knows.
        resizing: How pictures of other sizes came to that of the input: ``resize``, ``crop`` and
            ``interpolation``; None where they were none, and in data sets of old.
        box_classes: Of boxes: the name of each class, with its number in each way that the model may count.
    """

    id: str
    name: str
    files: tuple[FileRef, ...]
    inputs: tuple[str, ...]
    calibration_samples: int
    evaluation_samples: int
    labelled: bool
    classes: tuple[str, ...] = ()
    origin: str = "npz"
    preparation: dict[str, str] = field(default_factory=dict)
    search_samples: int = 0
    training_samples: int = 0
    numbers: bool = False
    label_classes: int | None = None
    label_shape: tuple[int, ...] = ()
    label_spread: float = 0.0
    boxes: bool = False
    preprocess_ms: float | None = None
    pixels: dict[str, Any] | None = None
    resizing: dict[str, Any] | None = None
    box_classes: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def test_samples(self, searching: bool) -> int:
        """Return the rows that are reported on, in a run that searches or in one that does not."""
        return self.evaluation_samples - (self.search_samples if searching else 0)
