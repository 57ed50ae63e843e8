"""Candidates that a strategy adds while its run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.events import EventKind
from core.domain.model import DataSet, SourceModel
from core.domain.run import Candidate, Run
from core.engine.history import trial
from core.engine.planning import candidate_of, proposals
from core.errors import WhetstoneError
from core.insights.recommendation import baseline_of
from core.machine.environment import environment
from core.store.store import Store


class Proposer:
    """Asks the strategy of a run for more; what it proposed before an interruption counts.

    Args:
        store: Keeps what happened.
        run: Whose request names the strategy.
        model: The source model.

    Attributes:
        searching: Whether the strategy looks at results, so that the search rows are no part of the test.
        further: How many candidates may still be added.

    Raises:
        InvalidRequest: The strategy does not exist (any more).
    """

    def __init__(self, store: Store, run: Run, model: SourceModel) -> None:
        self._store, self._run, self._model = store, run, model
        self._here = environment()
        self._proposals = proposals(run.request, model, self._here)
        self.searching = self._proposals.most > 0
        before = sum(event.kind is EventKind.PROPOSED for event in store.events.since(run.id))
        self.further = max(0, self._proposals.most - before)

    def next(self, candidates: Sequence[Candidate], data: DataSet) -> Candidate | None:
        """Return the next candidate, skipped already where the plan refuses it; None where there is none.

        A strategy that breaks ends the proposals and not the run: what was measured stands.
        """
        if not self.further:
            return None
        if not data.search_samples:
            self._end("The data have no rows for a search: give more samples, or add old data again.")
            return None
        first = baseline_of(candidates)
        history = [trial(each, self._run.request, first) for each in candidates]
        try:
            recipe = self._proposals.next(history)
        except Exception as error:
            broken = (
                error.message if isinstance(error, WhetstoneError) else f"{type(error).__name__}: {error}"
            )
            self._end(broken)
            return None
        if recipe is None:
            self._end()
            return None
        made = candidate_of(len(candidates), self._model, recipe, self._here)
        return replace(made, id=f"{self._run.id}-{made.id}", run_id=self._run.id)

    def _end(self, why: str = "") -> None:
        self.further = 0
        if why:
            self._store.events.append(self._run.id, EventKind.STRATEGY_FAILED, message=why)

    def added(self, candidate: Candidate) -> None:
        """Take note that `candidate`, returned by `next`, is a part of the run now."""
        self.further -= 1
        self._store.events.append(self._run.id, EventKind.PROPOSED, candidate.id)
        if candidate.error is not None:
            error = candidate.error
            self._store.events.append(
                self._run.id, EventKind.REFUSED, candidate.id, code=error.code, message=error.message
            )
