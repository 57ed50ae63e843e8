"""The set-up of an earlier run, to begin with."""

from __future__ import annotations

from core.domain.run import RunRequest
from core.search.spelling import spell, spell_strategy
from pages.widgets.address import remember_settings
from pages.widgets.limits import settings_of
from pages.widgets.presets import BY_HAND, SEARCH
from pages.widgets.setup.candidates import SEPARATOR


def set_up_again(request: RunRequest) -> None:
    """Let the next set-up of the same model begin with what `request` asked for."""
    searches = request.strategy == SEARCH and request.preset == "quick"
    told = {
        "preset": BY_HAND if request.recipes else SEARCH if searches else request.preset,
        "recipes": SEPARATOR.join(map(spell, request.recipes)),
        "strategy": spell_strategy(request.strategy, request.strategy_params),
        "runtimes": ",".join(request.runtimes),
        "budget": f"{request.budget_s or 0:g}",
        "threads": str(request.threads),
        "batch": str(request.batch),
        "metric": request.metric,
        "objective": request.objective.value,
        "machines": ",".join(request.measure_on),
    }
    told = {name: text for name, text in told.items() if text} | settings_of(request.limits)
    remember_settings(f"new_{request.model_id}", told)
