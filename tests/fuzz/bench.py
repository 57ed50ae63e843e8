"""Where broken files are opened: confined processes that are used until they die, and a watched folder."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.datasets.prepare import UNIT as PREPARE
from core.datasets.prepare import PrepareRequest
from core.errors import ChildCrashed, ChildTimeout, InputError, WhetstoneError
from core.protocols import InspectOptions
from core.sandbox.process import Child
from core.sources.describe import UNIT as INSPECT
from core.sources.describe import InspectRequest
from core.work.unit import WorkUnit
from tests.fuzz.corpus import Seed
from tests.orders import MODULE, do

LIMIT_S = 60.0
LEAKS = re.compile(
    r"Traceback \(most|File \"|\.(py|cpp|cc|h|hpp):\d+|frame #\d|0x[0-9a-f]{8}"
    r"|/site-packages/|\n\s+at |terminate called"
)


@dataclass
class Tally:
    """What came of the files.

    Attributes:
        codes: Files by error code; ``accepted`` for those that were used.
        faults: What must not be, in words.
        deaths: How often a process died.
        slowest: Most seconds that one file took, and its name.
    """

    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    deaths: int = 0
    slowest: tuple[float, str] = (0.0, "")


class Bench:
    """Opens files as the app does, one process for many.

    Args:
        root: A new folder; `uploads` and `job` below it hold what is opened and written.
        models: Described samples by id, for data.
    """

    def __init__(self, root: Path, models: dict[str, Any]) -> None:
        self.root, self.models, self.tally = root, models, Tally()
        self._children: dict[str, Child] = {}
        for name in ("uploads", "job", "beside"):
            (root / name).mkdir(parents=True)
        (root / "beside" / "database").write_text("untouched")
        self._before = self._watched()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children.values():
            child.close()

    def open(self, seed: Seed, content: bytes, name: str) -> None:
        """Open one broken file and judge what came of it."""
        path = self.root / "uploads" / f"{name}-{seed.name}"
        path.write_bytes(content)
        folder = self.root / "job" / name
        folder.mkdir()
        unit: WorkUnit[Any, Any] = INSPECT.unit(InspectRequest(path, InspectOptions()))
        if seed.model:
            unit = PREPARE.unit(PrepareRequest(path, self.models[seed.model]))
        began = time.monotonic()
        try:
            do(self._child(unit.kind), unit, folder, LIMIT_S)
            self.tally.codes["accepted"] += 1
        except WhetstoneError as error:
            self._judge(error, unit.kind, path.name)
        except Exception as error:
            self.tally.faults.append(f"{path.name}: {error!r} is no error of ours")
        self.tally.slowest = max(self.tally.slowest, (time.monotonic() - began, path.name))
        if path.name not in " ".join(self.tally.faults):
            path.unlink()

    def _child(self, module: str) -> Child:
        if module not in self._children:
            self._children[module] = Child(MODULE, reads=[self.root / "uploads"], writes=self.root / "job")
        return self._children[module]

    def _judge(self, error: WhetstoneError, module: str, name: str) -> None:
        self.tally.codes[error.code] += 1
        faults = self.tally.faults
        if isinstance(error, ChildCrashed | ChildTimeout):
            self._children.pop(module).close()
            self.tally.deaths += 1
            faults.append(f"{name}: {error.code}: {error.message}")
        if not error.code or len(error.message) < 15:
            faults.append(f"{name}: says nothing: {error.message!r}")
        if isinstance(error, InputError) and not error.hint:
            faults.append(f"{name}: no hint: {error.message!r}")
        if LEAKS.search(error.message + error.hint) or str(self.root) in error.message + error.hint:
            faults.append(f"{name}: leaks: {error.message!r} {error.hint!r}")
        if len(error.message) > 600 or error.message.count("\n") > 2:
            faults.append(f"{name}: too long: {error.message!r}")

    def finish(self) -> Tally:
        """Return what came of it, after a last look at what lies around."""
        if self._watched() != self._before:
            self.tally.faults.append("something was written outside of the working folder")
        return self.tally

    def _watched(self) -> dict[str, str]:
        files = [path for path in self.root.rglob("*") if path.is_file()]
        outside = [p for p in files if p.relative_to(self.root).parts[0] not in ("uploads", "job")]
        around = {str(path.name): "" for path in self.root.parent.iterdir()}
        return around | {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in outside}
