"""Augmentation that the teacher approves: flips, shifts, and mixtures where there are few rows.

Whether a picture may be flipped is nothing that its shape tells: digits and texts may not. The teacher is
asked: its answers to augmented rows must mostly be those to the rows themselves. Mixtures (Zhang et al. 2018,
arXiv 1710.09412) need the teacher's answer to the mixture itself; Beyer et al. 2022 (arXiv 2106.05237) found
such consistent teaching on many views to be what makes distillation work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.model import SourceModel
from core.examples import is_picture
from core.passes.training.objective import OutputRole, hits

if TYPE_CHECKING:
    from torch import Generator, Tensor, memory_format

AGREE, NEAR = 0.8, 0.9
"""Share of rows whose class stays, and correlation of other outputs, that an augmentation must keep."""
SHIFTS = (8, 16)
"""Parts of the width to try shifts by, the largest first."""
FEW_ROWS = 2000
MIXED = 0.5
"""Share of the batches that are mixed where rows are few."""


@dataclass(frozen=True)
class Augmentation:
    """What may be done to a batch.

    Attributes:
        image: Position of the input that is a picture with its channels first; None for none.
        flip: Whether it may be mirrored.
        shift: Pixels that it may be moved by, each way.
        mix: Whether rows may be mixed.
    """

    image: int | None = None
    flip: bool = False
    shift: int = 0
    mix: bool = False

    @property
    def names(self) -> list[str]:
        """What is done, for people."""
        told = {"mirrored": self.flip, f"shifted by up to {self.shift} pixels": self.shift, "mixed": self.mix}
        return [name for name, on in told.items() if on]

    def __call__(self, tensors: list[Tensor], generator: Generator) -> list[Tensor]:
        """Return a batch augmented at random; the same objects where nothing is done."""
        import torch

        made = list(tensors)
        if self.image is not None:
            picture = made[self.image]
            if self.flip:
                mirrored = torch.rand(len(picture), generator=generator) < 0.5
                picture = torch.where(mirrored[:, None, None, None], picture.flip(3), picture)
            if self.shift:
                picture = _shifted(picture, self.shift, generator)
            made[self.image] = picture.contiguous(memory_format=_layout(tensors[self.image]))
        if self.mix and float(torch.rand((), generator=generator)) < MIXED:
            share = float(torch.rand((), generator=generator))
            order = torch.randperm(len(made[0]), generator=generator)
            made = [share * each + (1 - share) * each[order] for each in made]
        return made


def approved(
    model: SourceModel,
    tensors: list[Tensor],
    roles: list[OutputRole],
    answer: Callable[[list[Tensor]], list[Tensor]],
    rows: int,
    labelled: bool,
) -> Augmentation:
    """Return the augmentations under which the teacher keeps its answers.

    Args:
        model: Gives the inputs.
        tensors: Some rows to learn from.
        roles: Of the outputs.
        answer: The teacher.
        rows: How many there are to learn from.
        labelled: Whether labels are learned, too: they are not known of mixtures.
    """
    import torch

    if not model.by_rows:
        return Augmentation()
    mix = rows < FEW_ROWS and not labelled and all(each.is_floating_point() for each in tensors)
    image = _image(model, tensors)
    if image is None:
        return Augmentation(mix=mix)
    before = answer(tensors)

    def kept(changed: Tensor) -> bool:
        given = list(tensors)
        given[image] = changed
        return _alike(roles, before, answer(given))

    picture, generator = tensors[image], torch.Generator().manual_seed(0)
    flip = kept(picture.flip(3))
    tried = (int(picture.shape[3]) // part for part in SHIFTS)
    shift = next((most for most in tried if kept(_shifted(picture, most, generator))), 0)
    return Augmentation(image if flip or shift else None, flip, shift, mix)


def _image(model: SourceModel, tensors: list[Tensor]) -> int | None:
    found = [
        position
        for position, (spec, each) in enumerate(zip(model.inputs, tensors, strict=True))
        if is_picture(spec, tuple(each.shape)) and each.shape[1] in (1, 3)
    ]
    return found[0] if len(found) == len(tensors) == 1 else None


def _alike(roles: list[OutputRole], before: list[Tensor], after: list[Tensor]) -> bool:
    import torch

    for role, one, other in zip(roles, before, after, strict=True):
        if not role.learned:
            continue
        found = hits(role, other, one)
        if found is not None:
            if found[0] < AGREE * found[1]:
                return False
        elif (
            one.shape != other.shape
            or not float(torch.corrcoef(torch.stack([one.float().flatten(), other.float().flatten()]))[0, 1])
            >= NEAR
        ):
            return False
    return True


def _layout(tensor: Tensor) -> memory_format:
    import torch

    last = tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _shifted(picture: Tensor, most: int, generator: Generator) -> Tensor:
    """Return each picture moved by its own number of pixels; what comes in is the mirrored border."""
    import torch
    from torch.nn import functional

    rows, _, height, width = picture.shape
    padded = functional.pad(picture, (most,) * 4, mode="reflect")
    down, across = torch.randint(0, 2 * most + 1, (2, rows), generator=generator).tolist()
    parts = [
        padded[row, :, y : y + height, x : x + width]
        for row, (y, x) in enumerate(zip(down, across, strict=True))
    ]
    return torch.stack(parts)
