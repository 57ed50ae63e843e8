"""Checks of the project's own claims; ``python -m benchmarks`` runs the stopwatch's."""
