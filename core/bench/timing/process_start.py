"""How a measuring process starts: what is decided of it before it is given an artifact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.bench.timing.commands import IMPORT, Import
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.graphs.torch.modules import network_library
from core.registry import get_runtime
from core.sandbox.process import Child
from core.serde import to_plain
from core.settings import get_settings

HOST = "core.bench.timing.host"
# glibc gives freed memory back to the system and faults it in again at the next call, or not, as the heap
# happens to lie: two processes of one ConvNeXt differed by 12 %. Kept, it is what a warm process settles in.
KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


@dataclass(frozen=True)
class ProcessStart:
    """What a measuring process is before it is given an artifact; equal ones can stand in for each other.

    Attributes:
        runtime: Id of the runtime.
        format: Of the artifact.
        library: Which defines its network, see `core.graphs.torch.modules.network_library`.
        threads: Of the runtime.
        module: Whose commands it answers.
    """

    runtime: str
    format: str
    library: str
    threads: int
    module: str = HOST

    @classmethod
    def of(cls, target: Target, format: str, model: SourceModel, module: str = HOST) -> ProcessStart:
        """Return the start for artifacts of `format` of `model`."""
        return cls(target.runtime_id, format, network_library(format, model), target.threads, module)

    def child(self, folder: Path, reads: Sequence[Path]) -> Child:
        """Start the process, confined from its first moment on.

        Args:
            folder: The one it may write.
            reads: What it may read besides Python, the system's libraries and the runtime's own places.
        """
        threads, runtime = str(self.threads), get_runtime(self.runtime)
        places = runtime.places()
        return Child(
            self.module,
            reads=[*reads, *places.values()],
            writes=folder,
            env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, **KEEP_FREED_MEMORY}
            | {name: str(path) for name, path in places.items()},
            browser=runtime.browser,
        )

    @property
    def importing(self) -> Import:
        """What its command `IMPORT` is asked."""
        return Import(self.runtime, self.format, self.library)

    def import_in(self, child: Child) -> None:
        """Have the libraries imported in a process of this start.

        Raises:
            WhetstoneError: One is missing, or the process died.
        """
        child.call(IMPORT.name, to_plain(self.importing), get_settings().child_timeout_s)
