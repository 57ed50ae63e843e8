"""Units of work, child's side: does one of any kind, for `core.sandbox.process.Child`."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from core.sandbox.commands import Command
from core.sandbox.protocol import plain
from core.sandbox.replies import tell
from core.serde import from_plain
from core.work.unit import Done, Job, WorkUnit, kind_of


class Order(msgspec.Struct, frozen=True):
    """What the process is told to do.

    Attributes:
        unit: The unit; its parameters still plain values.
        folder: Where it may write.
        inputs: The folders of its inputs, by name.
        seconds: Until it will be stopped.
    """

    unit: WorkUnit[Any, Any]
    folder: Path
    inputs: dict[str, Path]
    seconds: float


class Told(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        values: The kind's answer, as plain values.
        files: Names below the folder, the ones to keep.
    """

    values: Any
    files: list[str]


def do(order: Order) -> Told:
    """Do the unit of an order, whose parameters are plain values."""
    kind, end = kind_of(order.unit), monotonic() + order.seconds
    job = Job(
        order.folder.resolve(),
        order.inputs,
        order.unit.cores,
        order.unit.seed,
        lambda progress: tell(_plain(progress)),
        lambda: monotonic() > end,
        lambda: end - monotonic(),
        order.unit.checkpoints,
    )
    done: Done[Any] = kind.do(from_plain(order.unit.parameters, kind.request), job)
    return Told(_plain(done.values), [_below(job.folder, file) for file in done.files])


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, str_keys=True, enc_hook=plain)


def _below(folder: Path, path: Path) -> str:
    return path.resolve().relative_to(folder).as_posix()


DO = Command("do", Order, Told)
COMMANDS = dict([DO.done_by(do)])
