"""Data formats: raw data becomes rows that fit a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from core.domain.model import SourceModel
from core.protocols.artifacts import Array, Feed


@dataclass(frozen=True)
class Prepared:
    """Rows that fit a model, before the split.

    Attributes:
        inputs: One array per model input, first axis the samples.
        labels: Class indices (samples, ...) of whole numbers, numbers to predict (samples, ...) float64, or
            None. With `boxes` (samples, most, 5 or more) float64: the corners x1, y1, x2, y2 in pixels of the
            input, 1 for a crowd, then the class number, in one column for each way that the model may count;
            rows of class -1 fill up.
        classes: Class names in label order.
        preparation: What was done to the raw data, for the page.
        label_classes: Number of classes that labels choose from, where the model's own does not tell.
        calibration: Row numbers for calibration, where the data themselves say so.
        training: Row numbers of a training set that comes with the data, those of `calibration` among them;
            all others evaluate.
        boxes: Labels are boxes to find.
        box_classes: Of boxes: the name of each class, with its number in each of those ways.
    """

    inputs: Feed
    labels: Array | None
    classes: tuple[str, ...] = ()
    preparation: dict[str, str] = field(default_factory=dict)
    label_classes: int | None = None
    calibration: Array | None = None
    training: Array | None = None
    boxes: bool = False
    box_classes: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.inputs.values()), ()))


class DataFormat(ABC):
    """Reads one data format into rows that fit a model.

    `Params` is a frozen dataclass whose fields carry label, help and range in their metadata; all
    default to a guess from the model (``None`` or ``"auto"``). `suffixes` are those of files to upload, none
    where nothing is uploaded; `sets` names the data that come with the format, each with a description.
    `from_files` says that rows are made of files one by one, as in production, so that the time of one is
    worth knowing.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    order: ClassVar[int]
    suffixes: ClassVar[tuple[str, ...]] = ()
    sets: ClassVar[Mapping[str, str]] = {}
    from_files: ClassVar[bool] = False
    Params: ClassVar[type[Any]]

    @abstractmethod
    def recognizes(self, path: Path) -> bool:
        """Whether `path`, a file or folder, is of this format."""

    @abstractmethod
    def prepare(self, path: Path, folder: Path, model: SourceModel, params: Any) -> Prepared:
        """Return rows in the model's layout, dtype and scale, working below `folder`.

        Raises:
            InputError: Corrupt data, or data that does not fit the model.
        """
