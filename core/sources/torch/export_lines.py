"""Export snippet: the Python lines that export a network where its code is, filled in for one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.sources.names import display_name

USUAL = (1, 3, 224, 224)


def export_hint(path: Path, shapes: Mapping[str, tuple[int, ...]], first: tuple[int, ...] = ()) -> str:
    """Return what the owner of the weights at `path` can run, and how to give the code instead.

    Args:
        path: The upload; its name goes into the lines.
        shapes: Example shapes that were stated.
        first: Shape of the first weight, which tells the channels or the width of the input.
    """
    shape = next(iter(shapes.values()), None) or _input(first)
    name, example = display_name(path), f"torch.randn({', '.join(map(str, shape))})"
    return (
        f"Where its code is, run: program = torch.export.export(model.eval(), ({example},)); "
        f'torch.export.save(program, "{name}.pt2") '
        f'or: torch.onnx.export(model, ({example},), "{name}.onnx"); then give that file. '
        f"Or give the code: {path.name} and the model.py that defines it in one .zip, "
        f"or: whetstone inspect {path.name} --code model.py --build 'Net()'."
    )


def _input(first: tuple[int, ...]) -> tuple[int, ...]:
    if len(first) == 4:
        return (1, first[1], *USUAL[2:])
    return (1, first[1]) if len(first) == 2 else USUAL
