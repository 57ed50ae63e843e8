"""Input shapes and dtypes of a TorchScript module, found by running it: its file records neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from core.complaints import complaint
from core.domain.model import TensorSpec
from core.errors import InputError, InvalidRequest, WhetstoneError
from core.protocols import InspectOptions
from core.sources.probe import Runner, Specs, feed_of
from core.sources.torch.script_examples import examples, real_type

INTEGERS = re.compile(r"ids?$|mask|token|index|length|^sr$|rate")
MOST_CHOICES = 64


def find_inputs(module: Any, names: list[str], run: Runner, options: InspectOptions) -> Specs:
    """Return inputs at which the module runs; those with stated shapes keep them.

    Args:
        module: Tells by its weights what it may take.
        names: Of its inputs.
        run: Runs it once.
        options: Hold the stated shapes.

    Raises:
        InvalidRequest: A shape is stated for an input that does not exist.
        InputError: It runs at none of the sizes.
    """
    _check_names(names, options)
    stated = all(name in options.shapes for name in names)
    batch = {"batch": _stated_batch(names, options)}
    tried: dict[str, None] = {}
    reason = ""
    for specs in _typed(module, names, options) if stated else _guessed(module, names, options):
        text = _text(specs)
        if text in tried:
            continue
        tried[text] = None
        try:
            run(feed_of(specs, batch))
            return specs
        except WhetstoneError:
            raise
        except Exception as error:
            reason = reason or complaint(error)
    raise _nothing_ran(names, stated, list(tried), reason)


def _nothing_ran(names: list[str], stated: bool, tried: list[str], reason: str) -> InputError:
    if stated:
        return InputError(
            f"The model did not run on inputs of the stated shape: {reason}.",
            hint="Check the shape of each input.",
        )
    return InputError(
        f"The file does not record input shapes, and the model ran on none of {len(tried)} usual ones "
        f"({'; '.join(tried[:3])}; ...): {reason}.",
        hint=f"State an example shape for {', '.join(names)}, such as {names[0]}=1,3,224,224.",
    )


def _guessed(module: Any, names: list[str], options: InspectOptions) -> Iterator[Specs]:
    for dtype, shape in examples(module):
        yield tuple(_spec(name, dtype, shape, options) for name in names)


def _typed(module: Any, names: list[str], options: InspectOptions) -> Iterator[Specs]:
    """Yield the stated shapes with each choice of dtypes, the likeliest by the inputs' names first."""
    real = real_type(module)
    choices = [("int64", real) if INTEGERS.search(name.lower()) else (real, "int64") for name in names]
    for dtypes in islice(product(*choices), MOST_CHOICES):
        yield tuple(_spec(name, dtype, (), options) for name, dtype in zip(names, dtypes, strict=True))


def _stated_batch(names: list[str], options: InspectOptions) -> int:
    return next((options.shapes[name][0] for name in names if options.shapes.get(name)), 1)


def _check_names(names: list[str], options: InspectOptions) -> None:
    unknown = [name for name in options.shapes if name not in names]
    if unknown:
        raise InvalidRequest(
            f"The model has no input named {unknown[0]!r}.", hint=f"Its inputs are {', '.join(names)}."
        )


def _spec(name: str, dtype: str, shape: tuple[int, ...], options: InspectOptions) -> TensorSpec:
    """Return one input; the first size is the batch, unless a stated shape has another one there."""
    stated = options.shapes.get(name)
    if stated is None:
        return TensorSpec(name, dtype, ("batch", *shape))
    shared = stated[:1] == (_stated_batch([*options.shapes], options),)
    return TensorSpec(name, dtype, ("batch", *stated[1:]) if shared else tuple(stated))


def _text(specs: Specs) -> str:
    return ", ".join(dict.fromkeys(f"{spec.dtype} {list(spec.resolve({}))}" for spec in specs))
