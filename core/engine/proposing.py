"""Candidates that a strategy adds while its run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.events import EventKind
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Recipe
from core.domain.run import Candidate, CandidateStatus, Run
from core.domain.trial import Trial
from core.engine.history import history, priors
from core.engine.planning import candidate_of, machines_of, proposals
from core.errors import WhetstoneError
from core.machine.environment import environment
from core.search.proposals import most_more
from core.store.store import Store

MOST_DECLINED = 6
"""After so many proposals that there was no time for, the time is over."""


class Proposer:
    """Asks the strategy of a run for more; what it proposed before an interruption counts.

    Args:
        store: Keeps what happened.
        run: Whose request names the strategy.
        model: The source model.

    Attributes:
        searching: Whether the strategy looks at results, so that the search rows are no part of the test.

    Raises:
        InvalidRequest: The strategy does not exist (any more).
    """

    def __init__(self, store: Store, run: Run, model: SourceModel) -> None:
        self._store, self._run, self._model = store, run, model
        self.searching = most_more(run.request) > 0
        self._machines = machines_of(store, run.request) if self.searching else {"": environment()}
        first = next(iter(self._machines.values()))
        earlier = priors(store, run, model, first) if self.searching else []
        data = None if run.request.data_id is None else store.data.get(run.request.data_id)
        self._proposals = proposals(run.request, model, first, data, earlier)
        before = sum(event.kind is EventKind.PROPOSED for event in store.events.since(run.id))
        self._left = max(0, self._proposals.most - before)
        self._declined: list[Recipe] = []

    @property
    def further(self) -> int:
        """How many candidates may still be added."""
        return self._left * len(self._machines)

    def next(self, candidates: Sequence[Candidate], data: DataSet) -> list[Candidate]:
        """Return the next recipe's candidates, one for each kind of machine that measured the baseline.

        They are skipped already where the plan refuses them; there are none where nothing is left to try. The
        strategy sees the results of the first kind. One that breaks ends the proposals and not the run: what
        was measured stands.
        """
        if not self._left:
            return []
        if not data.search_samples:
            self._end("The data have no rows for a search: give more samples, or add old data again.")
            return []
        done = [each.machine for each in candidates if each.position == 0 and each.result is not None]
        kinds = [kind for kind in self._machines if kind in done]
        seen = [each for each in candidates if each.machine == kinds[0]]
        trials = history(seen, self._run.request, self._store.events.since(self._run.id))
        trials += [Trial(recipe, CandidateStatus.SKIPPED) for recipe in self._declined]
        try:
            recipe = self._proposals.next(trials)
        except Exception as error:
            broken = (
                error.message if isinstance(error, WhetstoneError) else f"{type(error).__name__}: {error}"
            )
            self._end(broken)
            return []
        if recipe is None:
            self._end()
            return []
        made = [candidate_of(len(seen), self._model, recipe.on(kind), self._machines[kind]) for kind in kinds]
        return [replace(each, id=f"{self._run.id}-{each.id}", run_id=self._run.id) for each in made]

    def decline(self, candidates: Sequence[Candidate]) -> bool:
        """Take note that there is no time for `candidates`, returned by `next`; return whether to ask again.

        They are no part of the run: what takes less time may be.
        """
        self._declined.append(candidates[0].recipe.on(""))
        return len(self._declined) < MOST_DECLINED

    def _end(self, why: str = "") -> None:
        self._left = 0
        if why:
            self._store.events.append(self._run.id, EventKind.STRATEGY_FAILED, message=why)

    def added(self, candidates: Sequence[Candidate]) -> None:
        """Take note that `candidates`, returned by `next`, are a part of the run now."""
        self._left -= 1
        self._store.events.append(self._run.id, EventKind.PROPOSED, candidates[0].id)
        for each in candidates:
            if (error := each.error) is not None:
                self._store.events.append(
                    self._run.id, EventKind.REFUSED, each.id, code=error.code, message=error.message
                )
