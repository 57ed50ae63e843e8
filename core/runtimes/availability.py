"""Runtime availability without an import, and errors of runtimes with hints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike

from core.complaints import complaint
from core.errors import RuntimeFailed, WhetstoneError
from core.protocols import Array, Feed, LocalArtifact


def check(name: str, artifact: LocalArtifact, formats: Collection[str], options: Collection[str]) -> None:
    """Refuse a format that the runtime `name` cannot open and options it would silently ignore.

    Raises:
        RuntimeFailed: With what it takes instead.
    """
    if artifact.format not in formats:
        raise RuntimeFailed(
            f"{name} cannot open the format {artifact.format}.",
            hint=f"It opens: {', '.join(sorted(formats))}.",
        )
    unknown = sorted(set(artifact.options) - set(options))
    if unknown:
        raise RuntimeFailed(
            f"{name} does not know the option {', '.join(unknown)} of this artifact.",
            hint="Choose another runtime for it.",
        )


def precision(name: str, artifact: LocalArtifact) -> str:
    """Return the artifact's ``precision`` option: ``f32`` unless it says ``bf16``.

    Raises:
        RuntimeFailed: Another precision is asked for.
    """
    wanted = artifact.options.get("precision", "f32")
    if wanted not in ("f32", "bf16"):
        raise RuntimeFailed(f"{name} does not know the precision {wanted!r}.", hint="Choose f32 or bf16.")
    return str(wanted)


@contextmanager
def runtime_errors(name: str, doing: str) -> Iterator[None]:
    """Turn whatever a library raises inside into a RuntimeFailed; memory errors and our own pass.

    Raises:
        RuntimeFailed: With the library's own words, shortened.
    """
    try:
        yield
    except (WhetstoneError, MemoryError):
        raise
    except Exception as error:
        raise RuntimeFailed(
            f"{name} could not {doing} the model: {complaint(error)}.",
            hint="Try another runtime or technique; the technical detail has the whole message.",
        ) from error


def arrange(feed: Feed, wanted: Sequence[tuple[str, DTypeLike]]) -> Feed:
    """Return `feed` under the names and dtypes that a built file asks for.

    Conversions rename inputs, drop unused ones and change integer widths. Inputs are found by name where
    every name is known, otherwise by position.

    Args:
        feed: Arrays in the model's order.
        wanted: Name and NumPy dtype of each input of the file, in its order.

    Raises:
        RuntimeFailed: The file wants other inputs than the model has.
    """
    if all(name in feed for name, _ in wanted):
        found = [feed[name] for name, _ in wanted]
    elif len(wanted) == len(feed):
        found = list(feed.values())
    else:
        names = ", ".join(name for name, _ in wanted)
        raise RuntimeFailed(
            f"The built file asks for the inputs {names}, but the model has {', '.join(feed)}.",
            hint="Try another technique.",
        )
    return {
        name: np.asarray(array, dtype=dtype, order="C")
        for (name, dtype), array in zip(wanted, found, strict=True)
    }


def as_numpy(values: Sequence[object]) -> list[Array]:
    """Return `values` as NumPy arrays that own their memory."""
    return [np.array(value) for value in values]
