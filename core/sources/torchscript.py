"""TorchScript files: they record neither shapes nor dtypes of their inputs, so these are found by running."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.archives.torch_files import check_torchscript, torch_zip_kind
from core.domain.model import Note, TensorSpec
from core.errors import CorruptFile, InputError, InvalidRequest, UnsupportedModel, WhetstoneError
from core.protocols import Inspection, InspectOptions
from core.sources.facts import describe
from core.sources.placing import place
from core.sources.probe import Runner, Specs, feed_of, settle
from core.sources.torch_facts import runner, watch, weight_facts
from core.sources.words import shorten, shown
from core.torch_modules import open_script, quiet_torch

if TYPE_CHECKING:
    from torch import nn

Example = tuple[str, tuple[int, ...]]
"""NumPy dtype and shape without the batch."""

SIDES = (224, 32, 28, 64, 96, 112, 128, 256, 299, 320, 384, 512, 640)
LENGTHS = (128, 16, 8, 32, 64, 4)
CLIPS = ((8, 112), (16, 64), (16, 32))
STEPS = (128, 16, 100, 300, 1000, 3000, 16000)
INTEGERS = re.compile(r"ids?$|mask|token|index|length|^sr$|rate")
MOST_CHOICES = 64
TENSORS_ONLY = "Wrap the model so that its forward takes tensors only, and script or trace that."


class TorchScriptSource:
    """A module that `torch.jit.save` wrote."""

    id = "torchscript"
    name = "TorchScript"
    order = 30

    def recognizes(self, path: Path) -> bool:
        """Whether the archive is laid out as TorchScript does."""
        return torch_zip_kind(path) == "torchscript"

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the module; loading runs its own code, so this happens in a confined process only.

        Raises:
            CorruptFile: PyTorch cannot load it.
            UnsupportedModel: Its forward takes something else than tensors.
            InputError: It ran on none of the usual inputs.
        """
        check_torchscript(path)
        module = _load(path)
        names, skipped = _input_names(module)
        run = runner(module, names)
        settled = settle(_find_inputs(module, names, run, options), run, options.shapes)
        settled, macs = watch(module, settled)
        parameters, notes = weight_facts(module)
        kept = (place(path, folder / "model.pt"),)
        model = describe(
            path,
            kept,
            options,
            settled,
            format=self.id,
            parameters=parameters or _frozen_weights(module),
            macs=macs,
            notes=(*_notes(skipped, options), *notes),
        )
        return Inspection(model, kept)


def _load(path: Path) -> nn.Module:
    try:
        with quiet_torch():
            return open_script(path)
    except WhetstoneError:
        raise
    except Exception as error:
        raise CorruptFile(
            f"PyTorch cannot load this TorchScript file: {shorten(error)}.", hint="Copy or save it again."
        ) from error


def _input_names(module: Any) -> tuple[list[str], list[str]]:
    """Return the tensors that forward needs, and the optional arguments that are left out."""
    if not hasattr(module, "forward"):
        raise UnsupportedModel("The TorchScript module has no forward method.", hint=TENSORS_ONLY)
    names: list[str] = []
    skipped: list[str] = []
    for argument in module.forward.schema.arguments[1:]:
        if str(argument.type) == "Tensor" and not skipped:
            names.append(argument.name)
        elif argument.has_default_value():
            skipped.append(argument.name)
        else:
            raise UnsupportedModel(
                f"The forward method takes {argument.name!r} of type {argument.type}, not a tensor.",
                hint=TENSORS_ONLY,
            )
    if not names:
        raise UnsupportedModel("The forward method takes no tensor.", hint=TENSORS_ONLY)
    return names, skipped


def _find_inputs(module: Any, names: list[str], run: Runner, options: InspectOptions) -> Specs:
    """Return inputs at which the module runs; those with stated shapes keep them."""
    _check_names(names, options)
    stated = all(name in options.shapes for name in names)
    tried: list[str] = []
    reason = ""
    for specs in _typed(names, options) if stated else _guessed(module, names, options):
        text = _text(specs)
        if text in tried:
            continue
        tried.append(text)
        try:
            run(feed_of(specs, {"batch": _stated_batch(names, options)}))
            return specs
        except WhetstoneError:
            raise
        except Exception as error:
            reason = reason or shorten(error)
    if stated:
        raise InputError(
            f"The model did not run on inputs of the stated shape: {reason}.",
            hint="Check the shape of each input.",
        )
    raise InputError(
        f"TorchScript files do not record input shapes, and the model ran on none of {len(tried)} usual ones "
        f"({'; '.join(tried[:3])}; ...): {reason}.",
        hint=f"State an example shape for {', '.join(names)}, such as {names[0]}=1,3,224,224.",
    )


def _guessed(module: Any, names: list[str], options: InspectOptions) -> Iterator[Specs]:
    for dtype, shape in _examples(module):
        yield tuple(_spec(name, dtype, shape, options) for name in names)


def _typed(names: list[str], options: InspectOptions) -> Iterator[Specs]:
    """Yield the stated shapes with each choice of dtypes, the likeliest by the inputs' names first."""
    choices = [
        ("int64", "float32") if INTEGERS.search(name.lower()) else ("float32", "int64") for name in names
    ]
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


def _examples(module: Any) -> Iterator[Example]:
    """Yield what the module may take, by its first weights; without any, the usual kinds in turn."""
    for weight, embeds in islice(_weights(module), 8):
        yield from _for_weight(weight, embeds)
    for channels in (3, 1):
        yield from _images(channels)
    yield from (("int64", (length,)) for length in LENGTHS)
    yield from (("float32", (size,)) for size in (16000, 512, 784, 64, 32, 16, 10, 8, 4, 2, 1))


def _weights(module: Any) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Yield shapes of weights in order, parameters or frozen constants, and whether they embed."""
    found = False
    for owner in module.modules():
        name = str(getattr(owner, "original_name", ""))
        for _, parameter in owner.named_parameters(recurse=False):
            if parameter.ndim >= 2:
                found = True
                yield tuple(parameter.shape), "Embedding" in name
    if not found:
        yield from ((shape, False) for shape in _constants(module) if len(shape) >= 2)


def _constants(module: Any) -> Iterator[tuple[int, ...]]:
    for node in module.inlined_graph.nodes():
        if node.kind() == "prim::Constant" and node.hasAttribute("value") and node.kindOf("value") == "t":
            yield tuple(node.t("value").shape)


def _for_weight(weight: tuple[int, ...], embeds: bool) -> Iterator[Example]:
    if embeds:
        yield from (("int64", (length,)) for length in LENGTHS)
    elif len(weight) == 4:
        yield from _images(weight[1])
    elif len(weight) == 3:
        yield from (("float32", (weight[1], steps)) for steps in STEPS)
    elif len(weight) == 5:
        yield from (("float32", (weight[1], depth, side, side)) for depth, side in CLIPS)
    else:
        yield ("float32", (weight[1],))
        yield from (("int64", (length,)) for length in LENGTHS[:2])
        yield from (("float32", (steps, weight[1])) for steps in (16, 128))


def _images(channels: int) -> Iterator[Example]:
    return (("float32", (channels, side, side)) for side in SIDES)


def _frozen_weights(module: Any) -> int:
    return sum(size for shape in _constants(module) if (size := prod(shape)) > 1)


def _notes(skipped: list[str], options: InspectOptions) -> tuple[Note, ...]:
    found = []
    if not options.shapes:
        message = (
            "TorchScript files do not record input shapes; the shown one was found by running the model."
        )
        found.append(Note("model", message, "State an example shape if yours is another."))
    if skipped:
        message = f"The optional arguments {shown(skipped)} are left at their defaults."
        found.append(Note("model", message))
    return tuple(found)


SOURCE = TorchScriptSource()
