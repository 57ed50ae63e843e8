"""Executor on one machine: every unit in a fresh confined process, of our Python or of a toolchain's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.domain.measurement import Environment
from core.errors import ChildCrashed, ChildTimeout, InvalidRequest, OutOfMemory
from core.machine.environment import environment, machine_kind
from core.sandbox import forking
from core.sandbox.answers import made_of, unusable
from core.sandbox.policy import usual_limits
from core.sandbox.process import Child
from core.sandbox.protocol import Message
from core.sandbox.spawn import OURS
from core.serde import to_plain
from core.settings import get_settings
from core.texts import one_line
from core.toolchains.environments import interpreter
from core.toolchains.lists import get_toolchain
from core.work.child import DO, Order, Told
from core.work.executor import Files
from core.work.folders import job_folder
from core.work.host_turn import host_turn
from core.work.output_files import file_names, kept_file
from core.work.stop import Stop
from core.work.unit import A, Job, Kind, Progress, Q, WorkResult, WorkUnit, kind_of, unheard

LEAST_STEP_S = 1.0
CHILD = "core.work.child"
MOST_EVENTS, MOST_FIGURES = 200, 100
ENV: dict[str, str] = {}
"""Variables of all confined processes besides the harmless ones of this process."""


@dataclass(frozen=True)
class _Place:
    """Where one unit is done, and who hears of it."""

    folder: Path
    inputs: dict[str, Path]
    on_progress: Callable[[Progress], None]

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def tell(self, message: str) -> None:
        """Pass on a message alone."""
        self.on_progress(Progress(message=message))


class LocalExecutor:
    """Does units on this machine; see `core.work.executor.Executor`."""

    id: ClassVar[str] = "local"
    name: ClassVar[str] = "This machine"
    here: ClassVar[bool] = True

    def __init__(self, files: Files, jobs: Path) -> None:
        self._files, self._jobs = files, jobs.resolve()

    def machines(self) -> dict[str, Environment]:
        """Return this machine, see `Executor.machines`."""
        here = environment()
        return {machine_kind(here.cpu): here}

    def run(
        self, unit: WorkUnit[Q, A], stop: Stop, on_progress: Callable[[Progress], None] = unheard
    ) -> WorkResult[A]:
        """Do `unit`, see `Executor.run`."""
        if unit.machine and unit.machine not in self.machines():
            raise InvalidRequest(
                f"This step is for a machine of the kind {unit.machine}, and is done on {environment().cpu}.",
                hint="Choose a cluster with such a machine: --executor ray, or WHETSTONE_EXECUTOR=ray.",
            )
        if not unit.alone:
            return self._run(unit, stop, on_progress)
        with host_turn(True, stop, on_progress):
            return self._run(unit, stop, on_progress)

    def _run(
        self, unit: WorkUnit[Q, A], stop: Stop, on_progress: Callable[[Progress], None] = unheard
    ) -> WorkResult[A]:
        kind, events = kind_of(unit), deque[Progress](maxlen=MOST_EVENTS)

        def heard(progress: Progress) -> None:
            events.append(progress)
            on_progress(progress)

        with job_folder(self._jobs) as folder:
            inputs = {name: folder / "in" / name for name in unit.inputs}
            for name, files in unit.inputs.items():
                self._files.lay_out(files, inputs[name])
            place = _Place(folder, inputs, heard)
            place.out.mkdir()
            values, names = (_confined if kind.confined else self._open)(kind, unit, stop, place)
            answer = kind.accept(unit.parameters, values)
            left = [kept_file(place.out, name) for name in names]
            if kind.leaves_files and not left:
                raise unusable("it names no file")
            look = kind.check(unit.parameters, answer, tuple(left)) if kind.check else None
            if look is not None:
                self.run(look, stop)
            kept = tuple(self._files.add(path, name) for path, name in zip(left, names, strict=True))
        return WorkResult(answer, kept, tuple(events))

    def _open(self, kind: Kind[Q, A], unit: WorkUnit[Q, A], stop: Stop, place: _Place) -> tuple[A, list[str]]:
        """Do what starts confined processes of its own in this one."""

        def beside(other: WorkUnit[Any, Any]) -> WorkResult[Any]:
            with stop.until(float("inf")):
                return self.run(other, stop)

        out = place.out.resolve()
        job = Job(out, place.inputs, unit.cores, unit.seed, place.on_progress, stop.over, run=beside)
        done = kind.do(unit.parameters, job)
        return done.values, [file.resolve().relative_to(out).as_posix() for file in done.files]


def _confined(kind: Kind[Q, A], unit: WorkUnit[Q, A], stop: Stop, place: _Place) -> tuple[A, list[str]]:
    """Do it in a process of its own, and take nothing of its answer for granted."""

    def heard(said: Message) -> None:
        progress = made_of(said, Progress)
        if len(progress.figures) > MOST_FIGURES or not 0 <= (progress.share or 0) <= 1:
            raise unusable("it says more of its progress than anybody could draw")
        place.on_progress(
            Progress(
                message=one_line(progress.message),
                share=progress.share,
                figures={one_line(name): value for name, value in progress.figures.items()},
            )
        )

    python = OURS
    if unit.toolchain:
        python = interpreter(get_toolchain(unit.toolchain), place.tell, lambda: _seconds(unit, stop))
    seconds = _seconds(unit, stop)
    order = to_plain(Order(unit, place.out, place.inputs, seconds))
    reads = [*place.inputs.values(), *unit.reads]
    imports = (CHILD, kind.id, *kind.imports(unit.parameters))
    places: dict[str, Any] = {"reads": reads, "writes": place.out, "keeps": unit.checkpoints}
    how: dict[str, Any] = {"limits": usual_limits(unit.memory_bytes), "imports": imports}
    how |= {"compiles": unit.compiles, "starts": unit.starts}
    try:
        with (
            Child(CHILD, **places, **how, env=_env(unit.cores), interpreter=python) as child,
            stop.watching(child),
        ):
            said = child.call(DO.name, order, seconds, step=kind.name, on_progress=heard)
    except ChildCrashed as error:
        if unit.toolchain and not isinstance(error, OutOfMemory):
            mend = f"whetstone doctor --install {unit.toolchain}"
            error.hint += f" If the environment {unit.toolchain} is damaged, this repairs it: {mend}"
        raise
    told = made_of(said, Told)
    return made_of(told.values, kind.answer), file_names(told.files)


def _env(cores: int) -> dict[str, str]:
    """Return what the libraries of a unit with so many cores read when they are imported."""
    return ENV | ({"OMP_NUM_THREADS": str(cores)} if cores > 1 else {})


def prepare(kind: Kind[Any, Any], imports: Sequence[str], cores: int) -> None:
    """Have `imports` ready for units of this kind, so that the first of them does not wait for them."""
    forking.prepare((CHILD, kind.id, *imports), _env(cores))


def _seconds(unit: WorkUnit[Any, Any], stop: Stop) -> float:
    stop.check()
    most = get_settings().child_timeout_s if unit.deadline_s is None else unit.deadline_s
    seconds = min(most, stop.remaining_s)
    if seconds < LEAST_STEP_S:
        raise ChildTimeout("The time budget was over.", hint="Give the run a larger budget.")
    return seconds


EXECUTOR = LocalExecutor
