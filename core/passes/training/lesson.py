"""What a training learns and is judged by, as the loop needs to know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.protocols import Array, Feed

if TYPE_CHECKING:
    from torch import Tensor

Figures = dict[str, float]
Judge = Callable[[], Figures]
LOSS, AGREEMENT, ACCURACY = "search_loss", "search_agreement", "search_accuracy"
"""Names of figures on the search rows."""


@dataclass(frozen=True)
class Lesson:
    """What is learned.

    Attributes:
        loss: Of a batch with its labels, at a step; the network is in training mode.
        judge: Returns figures on the search rows, ``search_loss`` among them; in inference mode.
        begin: Readies a network that was not trained yet, and returns its figures; is given `judge`.
        batch: Rows of a batch.
        norms: Whether batch norms learn, too.
    """

    loss: Callable[[Feed, Array | None, int], Tensor]
    judge: Judge
    begin: Callable[[Judge], Figures]
    batch: int
    norms: bool
