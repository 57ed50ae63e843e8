"""Outputs on the evaluation set, parent's side: on all cores, and no further than they are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from core.bench.quality.running import Larger
from core.bench.timing.commands import PREDICT, Predict
from core.bench.timing.endpoint import Host
from core.domain.quality import Evaluation
from core.machine.environment import memory_available

MEMORY_SHARE = 0.5
FIRST_LOOK = 256
LOOK_S = 4.0
"""Seconds that must be left to run for a look at what is there: the look takes a process."""
NOTES = {
    Larger.REFUSED: "The model takes no larger calls.",
    Larger.OTHER_ANSWERS: "Larger calls give other answers, as where scales follow from what is in a call.",
}
Look = Callable[[Path], str]
"""Told the folder of the outputs so far; returns why more of them are not worth their time, or nothing."""


@dataclass(frozen=True)
class Most:
    """How much of the evaluation set to run.

    Attributes:
        rows: Of all there are; None where nobody counted them.
        limit: Rows to run at most; None for all.
        seconds: Time limit; None for none.
    """

    rows: int | None = None
    limit: int | None = None
    seconds: float | None = None

    @property
    def planned(self) -> int | None:
        """Rows to run where the time allows."""
        known = [each for each in (self.rows, self.limit) if each is not None]
        return min(known, default=None)


def run_evaluation(host: Host, folder: Path, most: Most, look: Look | None = None) -> Evaluation:
    """Save the outputs of an opened model on the evaluation set in `folder`.

    Its process has all cores from now on, so nothing of it may be timed afterwards.

    Args:
        host: The process.
        folder: Inside the folder that it may write.
        most: How much to run.
        look: Asked at a growing number of rows whether to go on, while there is much left to run.

    Raises:
        WhetstoneError: A call failed, the process died, or Cancelled.
    """
    copies, begin, planned, stopped = host.spread(), monotonic(), most.planned, ""
    wanted = planned if look is None or planned is None else min(FIRST_LOOK, planned)
    while True:
        left = None if most.seconds is None else max(0.0, most.seconds - (monotonic() - begin))
        spare = int(MEMORY_SHARE * memory_available())
        said = host.ask(PREDICT, Predict(folder, wanted, left, copies, spare))
        done = said.samples
        if look is None or planned is None or wanted is None or done < wanted or done >= planned:
            break
        if (planned - done) * said.row_s > LOOK_S and (stopped := look(folder)):
            break
        wanted = min(planned, 2 * done)
    return Evaluation(
        rows=done,
        planned=planned or done,
        batch=said.batch,
        copies=said.copies,
        seconds=monotonic() - begin,
        note=NOTES.get(Larger(said.larger), ""),
        stopped=stopped,
    )
