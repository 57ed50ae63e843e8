"""The unit of work: one typed request for one thing that is done to a model, and its typed answer.

A kind of work is declared once, beside its code, as ``UNIT``; its id is its module:

    class Request(msgspec.Struct, frozen=True): ...
    class Answer(msgspec.Struct, frozen=True): ...
    def build(request: Request, job: Job) -> Done[Answer]: ...
    UNIT = Kind(__name__, "build", Request, Answer, build)

    unit = UNIT.unit(Request(...), inputs={"model": artifact.files}, cores=2, seed=0)
    result = executor.run(unit, stop)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from core.domain.model import FileRef
from core.protocols import LocalArtifact

Q = TypeVar("Q")
A = TypeVar("A")


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Progress event of a unit.

    Attributes:
        message: What it does now, one line for people; empty for figures alone.
        share: Done so far, 0 to 1; None where that is not known.
        figures: Numbers worth a curve, such as ``{"step": 40, "loss": 0.31}``, or a list of them.
    """

    message: str = ""
    share: float | None = None
    figures: dict[str, float | list[float]] = {}


class WorkUnit(msgspec.Struct, Generic[Q, A], frozen=True, kw_only=True):
    """One thing to do; made by `Kind.unit`, it can be pickled and sent to another machine.

    Attributes:
        kind: Id of its kind: the module that declares it as ``UNIT``.
        parameters: The kind's request.
        inputs: Files of the store by content id, under the name of the folder that they are laid out in.
        reads: Files and folders of this machine that it reads where they lie, such as an upload that the
            store does not hold yet. A unit with any is done on this machine.
        toolchain: Name of the environment that it runs in, see `core.toolchains`; empty for our own.
        device: What it needs besides processor cores, such as ``cuda``; ``cpu`` for nothing.
        cores: Threads that it may use.
        memory_bytes: Memory that it may take; 0 for what the settings give.
        deadline_s: Seconds after its start at which it is stopped; None for what the settings give a step.
        seed: Of every random choice.
        alone: Whether nothing else may run on its machine meanwhile, as while something is timed.
        machine: Kind of machine that it must be done on, one of `Executor.machines`; empty where any will do,
            or for the executor's own choice of what it measures on.
        checkpoints: Folder of this machine in which it may keep its state, as plain files directly in it: it
            outlives the unit, and whoever made the unit removes it. On a cluster its state is kept under the
            folder's name for all nodes. What lies there is of a confined process, and for such only.
        compiles: Whether it starts the C++ compiler of its machine.
        starts: Native programs of packages that it starts, such as ``pnnx/pnnx``; others it cannot.
    """

    kind: str
    parameters: Q
    inputs: dict[str, tuple[FileRef, ...]] = {}
    reads: tuple[Path, ...] = ()
    toolchain: str = ""
    device: str = "cpu"
    cores: int = 1
    memory_bytes: int = 0
    deadline_s: float | None = None
    seed: int = 0
    alone: bool = False
    machine: str = ""
    checkpoints: Path | None = None
    compiles: bool = False
    starts: tuple[str, ...] = ()


class WorkResult(msgspec.Struct, Generic[A], frozen=True):
    """Result of a unit: values, and files by content id.

    Attributes:
        values: The kind's answer, checked for its form and accepted by its kind.
        files: What it left, in the store by content id, in the order that it named them.
        events: What it said meanwhile; the last of them where these were many.
    """

    values: A
    files: tuple[FileRef, ...] = ()
    events: tuple[Progress, ...] = ()


@dataclass(frozen=True)
class Done(Generic[A]):
    """What the code of a unit returns: its answer, and the files below the job's folder to keep."""

    values: A
    files: Sequence[Path] = ()


def unheard(_: Progress) -> None:
    """Tell nobody."""


def never() -> bool:
    """Return False: nobody stops it."""
    return False


def endless() -> float:
    """Return infinity: there is no deadline."""
    return inf


def _runs_none(unit: WorkUnit[Any, Any]) -> WorkResult[Any]:
    raise RuntimeError(f"a confined unit starts no other, such as {unit.kind}")


@dataclass(frozen=True)
class Job:
    """Where the code of a unit finds itself.

    Attributes:
        folder: The one folder that it may write; empty at the start.
        inputs: The folder of each of the unit's inputs.
        cores: Threads that it may use.
        seed: Of every random choice.
        progress: Tells whoever waits how far it is; returns at once.
        over: Whether it was stopped or its time is up; asked by what goes on for long.
        seconds_left: Returns the seconds until it is stopped.
        checkpoints: Folder that outlives it, where it may keep its state; None where it has none.
        run: For work that is not confined itself: does another unit here, to its end even after the
            deadline.
    """

    folder: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)
    cores: int = 1
    seed: int = 0
    progress: Callable[[Progress], None] = unheard
    over: Callable[[], bool] = never
    seconds_left: Callable[[], float] = endless
    checkpoints: Path | None = None
    run: Callable[[WorkUnit[Any, Any]], WorkResult[Any]] = _runs_none


class Check(msgspec.Struct, frozen=True):
    """The request to look at built files before they are kept: what built them may have been taken over."""

    artifacts: tuple[LocalArtifact, ...]


def _imports_nothing(_: Any) -> Sequence[str]:
    return ()


def _as_it_is(_: Any, answer: Any) -> Any:
    return answer


@dataclass(frozen=True)
class Kind(Generic[Q, A]):
    """A kind of work.

    Attributes:
        id: The module that declares it as ``UNIT``.
        name: Of the step, as messages call it.
        request: Type of its parameters.
        answer: Type of its values.
        do: Does it.
        confined: Whether `do` runs in a confined process. If not it runs where the executor does, opens
            nothing that a stranger gave, and starts confined processes for that.
        leaves_files: Whether an answer without files is no answer.
        accept: Returns the answer to a request with its texts cleaned, and refuses what cannot be; it runs
            outside of the confined process.
        check: Returns the unit that looks at the files that were left, before they are kept; None where there
            is nothing new to look at.
        imports: Returns the modules that doing it imports and that take long: a process that has them already
            is forked for it.
    """

    id: str
    name: str
    request: type[Q]
    answer: type[A]
    do: Callable[[Q, Job], Done[A]]
    confined: bool = True
    leaves_files: bool = False
    accept: Callable[[Q, A], A] = _as_it_is
    check: Callable[[Q, A, tuple[Path, ...]], WorkUnit[Any, Any] | None] | None = None
    imports: Callable[[Q], Sequence[str]] = _imports_nothing

    def unit(self, request: Q, **more: Any) -> WorkUnit[Q, A]:
        """Return a unit of this kind; `more` are attributes of `WorkUnit`."""
        return WorkUnit(kind=self.id, parameters=request, **more)


def kind_of(unit: WorkUnit[Q, A]) -> Kind[Q, A]:
    """Return the kind of `unit`, found by its id."""
    found: Kind[Q, A] = importlib.import_module(unit.kind).UNIT
    return found
