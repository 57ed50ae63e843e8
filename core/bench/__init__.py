"""Measuring: one fair stopwatch, honest intervals, quality against labels and against the original."""
