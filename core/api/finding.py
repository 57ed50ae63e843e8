"""Runs and candidates by what a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

from core.domain.run import Candidate
from core.errors import InvalidRequest, NotFound
from core.store.store import Store
from core.views import run_view


def run_of(store: Store, run: str | Path) -> str:
    """Return the id of a run that is named by it, or by the folder that ``optimize --out`` wrote.

    Raises:
        InvalidRequest: The folder holds no results of this version.
        NotFound: There is no such run.
    """
    file = Path(run) / "results.json"
    if file.is_file():
        try:
            named = json.loads(file.read_text(encoding="utf8"))["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(
                f"{file} does not name its run.", hint="Name the run by its id, as `whetstone runs` lists it."
            ) from error
        run = named["id"] if isinstance(named, dict) else named
    elif Path(run).is_dir():
        raise InvalidRequest(
            f"There is no results.json in {run}.", hint="Name the folder of --out, or an id."
        )
    return store.runs.get(str(run)).id


def measured_candidate(store: Store, run_id: str, named: str = "") -> Candidate:
    """Return a measured candidate of a run by its id, the beginning of its id, or its name.

    Args:
        store: Holds the run.
        run_id: Its id.
        named: Which candidate; the recommended one, else the fastest, if empty.

    Raises:
        NotFound: There is none, with those that there are.
        InvalidRequest: It was not measured.
    """
    everyone = store.candidates.list(run_id)
    done = [each for each in everyone if each.result is not None]
    if not named:
        chosen = run_view(store, run_id).recommendation.candidate_id if done else None
        fastest = min(done, key=lambda each: each.result.timing.latency.p50, default=None)  # type: ignore[union-attr]
        found = next((each for each in done if each.id == chosen), fastest)
    else:
        exact = (each for each in everyone if named in (each.id, each.name))
        begun = [each for each in everyone if each.id.startswith(named)]
        found = next(exact, begun[0] if len(begun) == 1 else None)
    if found is None:
        known = "; ".join(f"{each.id} {each.name}" for each in done) or "none yet"
        raise NotFound(
            f"The run {run_id} has no measured candidate {named}.".replace(" .", "."),
            hint=f"Measured are: {known}.",
        )
    if found.result is None:
        raise InvalidRequest(
            f"{found.name} was not measured, and only what was measured can be profiled or deployed.",
            hint=f"Measured are: {'; '.join(f'{each.id} {each.name}' for each in done) or 'none yet'}.",
        )
    return found
