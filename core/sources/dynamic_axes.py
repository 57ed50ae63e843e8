"""Dynamic axes: output dimensions that follow the batch or another size, found by running at other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.model import TensorSpec

Specs = tuple[TensorSpec, ...]
Shape = Sequence[int | str | None]


@dataclass(frozen=True)
class ProbedOutputs:
    """Output shapes of a model at the example sizes and at others.

    Attributes:
        first: At the example sizes.
        batched: At another batch size, or as `first` where the batch is fixed.
        resized: With all other dynamic sizes changed; None where it does not run so.
        declared: Shapes that the file records, in order; may be empty.
    """

    first: Specs
    batched: Specs
    resized: Specs | None
    declared: Sequence[Shape] = ()

    def shape(self, specs: Specs | None, index: int) -> Shape | None:
        """Return the shape of output `index` in another run if it has the same rank."""
        if specs is None or len(specs) != len(self.first):
            return None
        return self._same_rank(specs[index].shape, index)

    def recorded(self, index: int) -> Shape:
        """Return the recorded shape of output `index`, None for each size that is not recorded."""
        rank = len(self.first[index].shape)
        known = self.declared[index] if index < len(self.declared) else ()
        return self._same_rank(known, index) or (None,) * rank

    def _same_rank(self, shape: Shape, index: int) -> Shape | None:
        return shape if len(shape) == len(self.first[index].shape) else None


def output_specs(runs: ProbedOutputs, sizes: dict[str, int], batch: str | None, other_batch: int) -> Specs:
    """Return outputs whose changing sizes are symbols; new symbols are added to `sizes`.

    Args:
        runs: What came out.
        sizes: Example size of each input symbol.
        batch: The symbol that is the batch.
        other_batch: Its size in `runs.batched`.
    """
    unsure = runs.resized is None and any(symbol != batch for symbol in sizes)
    before = dict(sizes)
    specs = []
    for index, spec in enumerate(runs.first):
        others = [runs.shape(runs.batched, index), runs.shape(runs.resized, index)]
        shape: list[int | str] = []
        for axis, said in enumerate(runs.recorded(index)):
            size = spec.shape[axis]
            moved = [other[axis] if other else size for other in others]
            if batch is not None and (size, moved[0]) == (before[batch], other_batch):
                shape.append(batch)
            elif isinstance(said, str) and said != batch and before.get(said) == size:
                shape.append(said)
            elif moved == [size, size] and (isinstance(said, int) or not unsure):
                shape.append(size)
            else:
                shape.append(_new_symbol(f"{spec.name}_dim{axis}", size, sizes))
        specs.append(replace(spec, shape=tuple(shape)))
    return tuple(specs)


def with_changing_rows(outputs: Specs, declared: Sequence[Shape], sizes: dict[str, int]) -> Specs:
    """Return the outputs of a detector, in which sizes that the file leaves open are symbols.

    They were the same in every run on random inputs, but depend on what is found.

    Args:
        outputs: As they were probed.
        declared: Shapes that the file records, None or a name for each open size.
        sizes: Example size of each symbol; new ones are added.
    """
    found = []
    for spec, said in zip(outputs, declared, strict=True):
        known = said if len(said) == len(spec.shape) else spec.shape
        pairs = enumerate(zip(spec.shape, known, strict=True))
        shape = [
            _new_symbol(f"{spec.name}_dim{axis}", size, sizes)
            if isinstance(size, int) and not isinstance(told, int)
            else size
            for axis, (size, told) in pairs
        ]
        found.append(replace(spec, shape=tuple(shape)))
    return tuple(found)


def _new_symbol(name: str, size: int | str, sizes: dict[str, int]) -> str:
    while name in sizes:
        name += "_"
    sizes[name] = int(size)
    return name
