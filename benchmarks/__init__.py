"""Checks of the project's own claims; ``python -m benchmarks`` runs the stopwatch's,
``python -m benchmarks.views`` those of the pages over many candidates."""
