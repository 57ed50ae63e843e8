"""A format that nothing here runs, the conversion to it, and the runtime that would."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.domain.technique import Kind
from core.errors import CorruptFile, PassFailed, RuntimeFailed
from core.protocols import Availability, Format, LocalArtifact, Pass, PassContext, Runtime, Session


def _check(path: Path) -> tuple[Path, ...]:
    if path.stat().st_size < 100:
        raise CorruptFile("Too small.", hint="Build it again.")
    return ()


FORMAT = Format("toy_phone", "a toy for phones", ".phone", _check)


class ToPhone(Pass):
    id = "toy_to_phone"
    name = "Toy for phones"
    summary = "Converts for phones."
    kind = Kind.CONVERSION
    produces = {"toy": "toy_phone"}  # noqa: RUF012
    converts = True
    bridges = True

    def run(self, context: PassContext, artifact: LocalArtifact, params: object) -> LocalArtifact:
        path = Path(shutil.copyfile(artifact.path, context.folder / "model.phone"))
        return LocalArtifact("toy_phone", path, (path,))

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: object) -> None:
        if before.path.stat().st_size != after.path.stat().st_size:
            raise PassFailed("A byte was lost.", hint="Try again.")


PASS = ToPhone()


class Phone(Runtime):
    id: ClassVar[str] = "toy_phone"
    name: ClassVar[str] = "Phone"
    formats: ClassVar[frozenset[str]] = frozenset({"toy_phone"})

    def available(self) -> Availability:
        return Availability(False, reason="This is no phone.", install="Take the model to a phone.")

    def warm_up(self) -> None:
        pass

    def kit_session(self) -> str:
        return "def load():\n    raise SystemExit('This is no phone.')\n"

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> Session:
        raise RuntimeFailed("This is no phone.", hint="Take it to one.")


RUNTIME = Phone()
