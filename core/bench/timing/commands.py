"""Commands of a measuring process: what its parent asks, and what it answers (times, memory, counts)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import LocalArtifact
from core.sandbox.commands import Command


class Done(msgspec.Struct, frozen=True):
    """The answer of what has no figures."""


class Import(msgspec.Struct, frozen=True):
    """Import the libraries of a runtime, and what opens files of this format.

    Attributes:
        runtime: Its id.
        format: Of the artifact.
        library: Which defines its network, see `core.graphs.torch.modules.network_library`.
    """

    runtime: str
    format: str
    library: str


class Open(msgspec.Struct, frozen=True):
    """Load an artifact, prepare one call and warm it up.

    Attributes:
        artifact: The built files.
        target: Runtime, threads and batch.
        model: The source model.
        data: Folder of a data set; None for random inputs.
    """

    artifact: LocalArtifact
    target: Target
    model: SourceModel
    data: Path | None


class Opened(msgspec.Struct, frozen=True):
    """Milliseconds of the load, of one warm call, and of the first call of all."""

    load_ms: float
    call_ms: float
    first_ms: float


class Time(msgspec.Struct, frozen=True):
    """Time a block of `calls` after `settle_ms` of them."""

    calls: int
    settle_ms: float


class Times(msgspec.Struct, frozen=True):
    """For each counted call its milliseconds, and what of that other programs took."""

    ms: list[float]
    lost_ms: list[float]


class Memory(msgspec.Struct, frozen=True):
    """Tell the most that was resident since the load, above the empty runtime."""


class Resident(msgspec.Struct, frozen=True):
    """Bytes of memory."""

    bytes: int


class Predict(msgspec.Struct, frozen=True):
    """Run the evaluation set, or go on with it, and save all outputs so far.

    Attributes:
        folder: Where to.
        rows: Of all at most; None for all.
        seconds: After which it ends early; None for no limit.
        copies: Of the model, for which there is room side by side.
        spare_bytes: Memory that more copies and larger calls may take.
    """

    folder: Path
    rows: int | None
    seconds: float | None
    copies: int
    spare_bytes: int


class Predicted(msgspec.Struct, frozen=True):
    """How far the evaluation is.

    Attributes:
        samples: Saved so far.
        batch: Rows of a call.
        copies: Of the model that ran side by side.
        row_s: Seconds of a row by the clock.
        larger: What came of trying larger calls, a `core.bench.quality.running.Larger`.
    """

    samples: int
    batch: int
    copies: int
    row_s: float
    larger: int


class Golden(msgspec.Struct, frozen=True):
    """Save the first `count` feeds with their outputs in the file `path`, fewer after `seconds`."""

    path: Path
    count: int
    seconds: float


class Saved(msgspec.Struct, frozen=True):
    """How many feeds were saved."""

    count: int


class OtherBatch(msgspec.Struct, frozen=True):
    """Run the first `batch` rows in one call, and save the outputs in `folder`."""

    folder: Path
    batch: int


class OtherSaved(msgspec.Struct, frozen=True):
    """How many rows were saved; 0 where the model takes no such call."""

    rows: int


class Reload(msgspec.Struct, frozen=True):
    """Load the artifact a second time in the same process."""


class Reloaded(msgspec.Struct, frozen=True):
    """Milliseconds of the load."""

    load_ms: float


class SetBatch(msgspec.Struct, frozen=True):
    """Make the timed call one of `batch` rows."""

    batch: int


class BatchSet(msgspec.Struct, frozen=True):
    """Milliseconds of such a call, and resident bytes."""

    call_ms: float
    memory: int


IMPORT = Command("import", Import, Done)
OPEN = Command("open", Open, Opened)
TIME = Command("time", Time, Times)
MEMORY = Command("memory", Memory, Resident)
PREDICT = Command("predict", Predict, Predicted)
GOLDEN = Command("golden", Golden, Saved)
OTHER_BATCH = Command("other_batch", OtherBatch, OtherSaved)
RELOAD = Command("reload", Reload, Reloaded)
BATCH = Command("batch", SetBatch, BatchSet)
