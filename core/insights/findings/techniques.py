"""What the techniques of a candidate say themselves of their part in the figures."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import Finding
from core.protocols.diagnostics import Case, Diagnostic
from core.registry import passes


class Techniques(Diagnostic):
    """Asks every technique of the recipe, see `Pass.findings`."""

    id = "techniques"
    order = 50

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield theirs, in the order of the steps."""
        details = {repr(each.step): each.details for each in case.chain}
        for step in case.candidate.recipe.steps:
            technique = passes().get(step.pass_id)
            if technique is not None:
                yield from technique.findings(details.get(repr(step), {}), case.result)


DIAGNOSTIC = Techniques()
