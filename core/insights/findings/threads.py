"""Oversubscribed threads: more of them than cores, which then wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.finding import MS, Figure, Finding, FindingKind
from core.protocols.diagnostics import Case, Diagnostic


class Threads(Diagnostic):
    """Compares the target's threads with the cores that the measurement could use."""

    id = "threads"

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield one finding where there are more threads than cores."""
        threads, cores = case.candidate.recipe.target.threads, case.result.timing.environment.cores
        if threads <= cores:
            return
        yield Finding(
            "oversubscribed",
            FindingKind.WARNING,
            f"{threads} threads share {cores} core{'' if cores == 1 else 's'}.",
            "Threads of one layer wait for the slowest of them, which waits for its turn on a core: up to "
            f"{1 - cores / threads:.0%} of the call is waiting.",
            f"Run with {cores} thread{'' if cores == 1 else 's'}, or measure on a machine with {threads}.",
            Figure(threads / cores, "threads per core"),
            Figure(case.result.timing.latency.p50 * (1 - cores / threads), MS),
        )


DIAGNOSTIC = Threads()
