"""Shape probing: sizes at which a model really runs, its batch dimension, and its outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.complaints import complaint
from core.domain.model import Note, SourceModel, TensorSpec, takes_one_picture
from core.errors import InputError, InvalidRequest, WhetstoneError
from core.examples import example_feed
from core.protocols import Feed
from core.sources.dynamic_axes import ProbedOutputs, output_specs
from core.sources.example_shapes import Bounds, Hints, candidates, kinds, renamed, stated_sizes

Specs = tuple[TensorSpec, ...]
Runner = Callable[[Feed], Specs]
"""Runs the model once and returns what came out, with concrete shapes."""

OTHER_BATCH = 2
PATIENCE_S = 120.0
"""Seconds after which no further size is tried."""


@dataclass(frozen=True)
class Settled:
    """The description of a model that has been run.

    Attributes:
        sizes: Example size of each symbol of inputs and outputs.
        batch: The symbol that is the batch, or None.
        classifies: Whether names or values of the outputs tell that they are classes.
        detects: Whether shapes and values of the outputs tell that they are detections.
    """

    inputs: Specs
    outputs: Specs
    sizes: dict[str, int]
    batch: str | None
    notes: tuple[Note, ...] = ()
    classifies: bool = False
    detects: bool = False


def settle(
    inputs: Specs,
    run: Runner,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    bounds: Bounds | None = None,
    hints: Hints | None = None,
    declared: Sequence[Sequence[int | str | None]] = (),
) -> Settled:
    """Run a model at usual sizes until it works, then at another batch size.

    Args:
        inputs: Input tensors; each dynamic dimension has a symbol.
        run: Runs the model once.
        shapes: Example shapes that a person stated, by input name.
        bounds: Smallest and largest size of a symbol, where the file records them.
        hints: Sizes to try first, by symbol.
        declared: Shape of each output, in order, as the file records it; None for nameless dynamic sizes.

    Raises:
        InvalidRequest: The stated shapes contradict the model.
        InputError: It runs at none of the sizes.
    """
    stated = stated_sizes(inputs, shapes)
    sizes, first = _first_that_runs(inputs, run, candidates(inputs, stated, bounds or {}, hints or {}))
    _refuse_nothing(inputs, sizes, first)
    found = _find_batch(inputs, run, sizes, first)
    sizes, batch = found.sizes, found.symbol
    resized = _at_other_sizes(found.inputs, run, sizes, batch)
    runs = ProbedOutputs(found.first, found.second, resized, declared)
    outputs = output_specs(runs, sizes, batch, found.other)
    notes = () if takes_one_picture(found.inputs, outputs, sizes, batch) else found.notes
    return Settled(found.inputs, outputs, sizes, batch, notes)


def _refuse_nothing(inputs: Specs, sizes: Mapping[str, int], outputs: Specs) -> None:
    """Refuse sizes at which nothing goes in and nothing comes out; a detector may find nothing in noise."""
    empty = [spec.name for spec in inputs if 0 in spec.resolve(sizes)]
    if empty and all(0 in output.shape for output in outputs):
        raise InvalidRequest(
            f"With a size of 0 in {empty[0]!r} every output is empty, so there is nothing to measure.",
            hint="State a size of at least 1 there; 0 is right for a cache that is still empty.",
        )


def feed_of(inputs: Specs, sizes: Mapping[str, int], seed: int = 0) -> Feed:
    """Return the random feed that `inputs` will also be measured with."""
    model = SourceModel("", "", "", (), "", inputs, (), dict(sizes), None, 0, None, 0)
    return example_feed(model, seed=seed)


def _first_that_runs(
    inputs: Specs, run: Runner, tries: Iterator[dict[str, int]]
) -> tuple[dict[str, int], Specs]:
    first_error: Exception | None = None
    tried: list[str] = []
    start = time.monotonic()
    for sizes in tries:
        try:
            return sizes, run(feed_of(inputs, sizes))
        except WhetstoneError:
            raise
        except Exception as error:
            first_error = first_error or error
            tried.append(_shape_text(inputs, sizes))
        if time.monotonic() - start > PATIENCE_S:
            break
    reason = complaint(first_error) if first_error else "nothing was tried"
    dynamic = any(isinstance(size, str) for spec in inputs for size in spec.shape)
    raise InputError(
        f"The model did not run on random inputs of {_listing(tried)}: {reason}.",
        hint="State an example shape for each input."
        if dynamic
        else "Check that the model runs in its own framework with inputs of this shape.",
    ) from first_error


def _shape_text(inputs: Specs, sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{spec.name} {list(spec.resolve(sizes))}" for spec in inputs[:4])


def _listing(tried: Sequence[str]) -> str:
    shown = "; ".join(tried[:3])
    return f"shape {shown}" + (f" and {len(tried) - 3} other shapes" if len(tried) > 3 else "")


@dataclass(frozen=True)
class _Batch:
    """What is known about the batch: `first` at the example size, `second` at the size `other`."""

    inputs: Specs
    sizes: dict[str, int]
    symbol: str | None
    first: Specs
    second: Specs
    other: int = 0
    notes: tuple[Note, ...] = ()


def _find_batch(inputs: Specs, run: Runner, sizes: dict[str, int], first: Specs) -> _Batch:
    """Tell whether the leading symbol is a batch, by running with another number of samples."""
    symbol = next((size for size, kind in kinds(inputs).items() if kind == "batch"), None)
    if symbol is None:
        return _Batch(inputs, sizes, None, first, first, notes=_fixed_note(inputs))
    size = sizes[symbol]
    other = OTHER_BATCH if size == 1 else 1
    for variant in _variants(inputs, symbol):
        second = _attempt(variant, run, sizes | {symbol: other})
        if second is None or not _scales(first, second, size, other):
            continue
        used = {one for spec in variant for one in spec.shape}
        kept = {key: value for key, value in sizes.items() if key in used} | {symbol: 1}
        return _Batch(
            variant, kept, symbol, *((first, second, other) if size == 1 else (second, first, size))
        )
    fixed = renamed(inputs, symbol, sizes.pop(symbol))
    return _Batch(
        fixed, sizes, None, first, first, notes=_fixed_note(fixed) if size > 1 else (_single(symbol),)
    )


def _variants(inputs: Specs, symbol: str) -> Iterator[Specs]:
    """Yield `inputs` with axis 1 of recurrent states, such as (layers, batch, width), as batch; then as is.

    In this order: a traced LSTM checks nothing and reads beyond a state that is too small.
    """
    states = tuple(
        replace(spec, shape=(spec.shape[0], symbol, *spec.shape[2:])) if _may_be_state(spec) else spec
        for spec in inputs
    )
    if states != inputs:
        yield states
    yield inputs


def _may_be_state(spec: TensorSpec) -> bool:
    if len(spec.shape) != 3 or not isinstance(spec.shape[0], int):
        return False
    return isinstance(spec.shape[1], str) or spec.shape[1] == 1


def _attempt(inputs: Specs, run: Runner, sizes: Mapping[str, int]) -> Specs | None:
    try:
        return run(feed_of(inputs, sizes, seed=1))
    except Exception:
        return None


def _scales(first: Specs, second: Specs, one: int, two: int) -> bool:
    """Whether an output follows the batch on its first axis."""
    return len(first) == len(second) and any(
        a.shape[:1] == (one,) and b.shape[:1] == (two,) for a, b in zip(first, second, strict=True)
    )


def _single(symbol: str) -> Note:
    return Note(
        f"The dimension {symbol!r} looks like a batch, but the model does not run as such with 2 samples: "
        "it is measured with one sample per call.",
        "Export the model with a dynamic batch to measure other batch sizes.",
    )


def _fixed_note(inputs: Specs) -> tuple[Note, ...]:
    size = inputs[0].shape[0] if inputs and inputs[0].shape else None
    if not isinstance(size, int):
        return ()
    message = f"The batch size is fixed at {size}, so throughput at other batch sizes cannot be measured."
    return (Note(message, "Export the model with a dynamic batch dimension."),)


def _at_other_sizes(inputs: Specs, run: Runner, sizes: Mapping[str, int], batch: str | None) -> Specs | None:
    """Return the outputs with every free size but the batch changed, or None where that does not run."""
    changed = dict(sizes)
    for symbol, kind in kinds(inputs).items():
        if symbol != batch and kind not in ("channels", "state"):
            changed[symbol] = max(sizes[symbol] // 2, 1) if sizes[symbol] != 1 else 2
    return _attempt(inputs, run, changed) if changed != sizes else None
