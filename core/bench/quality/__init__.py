"""Model quality: accuracy against labels, and fidelity to the baseline (top-1 agreement, SQNR)."""
